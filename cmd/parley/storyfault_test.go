package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"parley/jsm/sim"
)

// What the stories about faults say beyond the others.
func init() {
	storyCommands["pair"] = pairCommand   // pair NORTH SOUTH [TOKENFILE]: two homes with nodes that run, connected as "desk"; the second reads its token from the file
	storyCommands["fault"] = faultCommand // fault TENANT JSON: makes the node's calls go wrong, as /sim/faults does
	storyCommands["mend"] = mendCommand   // mend TENANT: ends its faults
	storyCommands["edit"] = editCommand   // edit TENANT KEY JSON: a person sets fields
}

// pairedRules are both sides' rules: the first one's tickets get twins at the second's.
var pairedRules = [2]string{`peer = "OTHER"
connection = "desk"
project = "SUPPORT"
[outgoing]
share = ["summary", "description"]
[outgoing.comments]
[incoming]
accept = ["summary"]
`, `peer = "OTHER"
connection = "desk"
project = "HELP"
[outgoing]
share = ["summary"]
[incoming]
accept = ["summary", "description"]
[incoming.comments]
[incoming.create]
project = "HELP"
request_type = "Report a problem"
`}

func pairCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 2, "pair NORTH SOUTH [TOKENFILE]")
	parley := func(words ...string) {
		ts.Check(ts.Exec("parley", words...))
	}
	for i, name := range args[:2] {
		up := strings.ToUpper(name)
		init := []string{"init", "--home", name, "--name", name, "--tenant", ts.Getenv(up + "_URL"), "--user", ts.Getenv(up + "_USER"), "--console", "127.0.0.1:0"}
		if i == 1 && len(args) > 2 {
			init = append(init, "--token-file", ts.MkAbs(args[2]))
		} else {
			init = append(init, "--token-env", up+"_TOKEN")
		}
		if i == 0 {
			init = append(init, "--listen", "127.0.0.1:0")
		} else {
			init = append(init, "--dial-only")
		}
		parley(init...)
		conf := ts.MkAbs(filepath.Join(name, "parley.toml"))
		text, err := os.ReadFile(conf)
		ts.Check(err)
		text = regexp.MustCompile(`(?m)^every = .*`).ReplaceAll(text, []byte(`every = "200ms"`))
		text = regexp.MustCompile(`(?m)^(comment|create) *= ".*"`).ReplaceAll(text, []byte(`$1 = "1s"`))
		ts.Check(os.WriteFile(conf, text, 0o600))
		beginCommand(ts, false, []string{name, "run", "--home", name, "--ready-json"})
	}
	fingerprint := map[string]string{}
	for _, name := range args[:2] {
		parley("pair", "offer", "--home", name, "--out", name+".card", "--json")
		var card struct{ Fingerprint string }
		ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &card))
		fingerprint[name] = card.Fingerprint
	}
	for i, name := range args[:2] {
		other := args[1-i]
		parley("pair", "accept", other+".card", "--as", other, "--home", name)
		parley("pair", "confirm", other, "--fingerprint", fingerprint[other], "--home", name)
		rules := strings.ReplaceAll(pairedRules[i], "OTHER", other)
		ts.Check(os.WriteFile(ts.MkAbs(filepath.Join(name, "connections", "desk.toml")), []byte(rules), 0o600))
	}
	for _, name := range args[:2] {
		parley("rules", "publish", "desk", "--home", name)
	}
	for _, name := range args[:2] {
		untilCommand(ts, false, []string{`"state":"up"`, "parley", "status", "--home", name, "--json"})
	}
}

func faultCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 2, "fault TENANT JSON")
	t := stageOf(ts).tenants[args[0]]
	var f sim.Fault
	ts.Check(json.Unmarshal([]byte(args[1]), &f))
	account, _ := t.Account(sim.Sync)
	f.Account = account.Email // people's own calls go on
	ts.Check(t.Fault(f))
}

func mendCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 1, "mend TENANT")
	stageOf(ts).tenants[args[0]].ClearFaults()
}

func editCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 3, "edit TENANT KEY JSON")
	t := stageOf(ts).tenants[args[0]]
	status, answer := t.ask(ts, sim.Agent, "PUT", "/rest/api/3/issue/"+args[1], map[string]any{"fields": json.RawMessage(args[2])})
	if status/100 != 2 {
		ts.Fatalf("editing %s: %d %s", args[1], status, answer)
	}
}
