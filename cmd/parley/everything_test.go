package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"parley/jsm/sim"
	"parley/node"
)

// testdata/everything is one ticket with one of everything: the fields that north fills in, and both sides' rules.
// What it came to is in its golden files, one line an item, as "parley sync KEY --explain" tells it on each side.

var updateEverything = flag.Bool("update-everything", false, "write the golden files of testdata/everything anew")

func everythingFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "everything", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// whole is the ticket on both sides.
type whole struct {
	t            *testing.T
	north, south *firm
	key, twin    string
	ids          map[string]string // what a deed made, for a later one
}

// A deed is what a person does to the ticket on one side.
type deed struct {
	what string
	do   func(*whole) error
}

// northDeeds come before the ticket is shared; each adds one of the things that a ticket can have.
var northDeeds = []deed{
	{"a public comment with rich text", func(w *whole) error {
		return w.made("public", func() (string, error) {
			return w.as("north", sim.Agent).Comment(w.key, "It *began* at nine.\n||host||down||\n|vpn1|yes|", true)
		})
	}},
	{"a comment with a mention", func(w *whole) error {
		a, _ := w.north.tenant.Account(sim.Approver)
		_, err := w.as("north", sim.Agent).Comment(w.key, "[~accountid:"+a.ID+"] knows the firewall.", true)
		return err
	}},
	{"a comment of the customer", func(w *whole) error {
		_, err := w.as("north", sim.Customer).Comment(w.key, "Still down.", true)
		return err
	}},
	{"an internal comment", func(w *whole) error {
		_, err := w.as("north", sim.Agent).Comment(w.key, "Do not tell the customer.", false)
		return err
	}},
	{"an internal comment for south", func(w *whole) error {
		_, err := w.as("north", sim.Agent).Comment(w.key, "(south) Please look at the certificate.", false)
		return err
	}},
	{"an edited comment", func(w *whole) error {
		return w.as("north", sim.Agent).EditComment(w.key, w.ids["public"], "It *began* at ten.")
	}},
	{"a file that the customer brings", func(w *whole) error {
		return w.made("trace", func() (string, error) {
			return w.as("north", sim.Customer).AttachBy(w.key, "trace.png", sim.Noise(1, 40<<10), "See !trace.png|thumbnail!", true)
		})
	}},
	{"a file that only agents see", func(w *whole) error {
		_, err := w.as("north", sim.Agent).Attach(w.key, "internal.log", sim.Noise(2, 10<<10))
		return err
	}},
	{"a file that is too large", func(w *whole) error {
		_, err := w.as("north", sim.Customer).AttachBy(w.key, "dump.bin", sim.Noise(3, 2<<20), "The dump.", true)
		return err
	}},
	{"a work log", func(w *whole) error { return w.as("north", sim.Agent).Log(w.key, 5400, "Looked at the router.") }},
	{"a web link", func(w *whole) error {
		return w.as("north", sim.Agent).WebLink(w.key, "https://wiki.example/vpn", "How the VPN works")
	}},
	{"an article", func(w *whole) error {
		return w.as("north", sim.Agent).Article(w.key, "https://north.example/wiki/7", "What to do when the VPN drops")
	}},
	{"a rating, after which it is opened again", func(w *whole) error {
		agent := w.as("north", sim.Agent)
		return errors.Join(agent.Transition(w.key, "In progress", nil), agent.Transition(w.key, "Resolved", map[string]any{"resolution": "Done"}),
			w.as("north", sim.Customer).Rate(w.key, 2, "It came hourly."), agent.Transition(w.key, "In progress", nil))
	}},
	{"a link to a ticket that is not shared", func(w *whole) error {
		other, err := w.as("north", sim.Agent).CreateIssue("Incident", map[string]any{"summary": "Another one"})
		if err != nil {
			return err
		}
		return w.as("north", sim.Agent).Link(w.key, "Blocks", other)
	}},
	{"a sub-task that is not shared", func(w *whole) error {
		_, err := w.as("north", sim.Agent).Part(w.key, "Ask the provider")
		return err
	}},
	{"a participant", func(w *whole) error { return w.as("north", sim.Agent).Share(w.key, w.mail("north", sim.Human)) }},
	{"an approval, which is given", func(w *whole) error {
		err := w.as("north", sim.Agent).Transition(w.key, "Waiting for approval", map[string]any{"Approvers": []string{w.mail("north", sim.Approver)}})
		if err != nil {
			return err
		}
		return w.as("north", sim.Approver).Answer(w.key, true)
	}},
	{"a watcher", func(w *whole) error { return w.as("north", sim.Agent).Watch(w.key, w.mail("north", sim.Agent)) }},
	{"a security level, which from then on hides it from the customer", func(w *whole) error {
		return w.as("north", sim.Agent).SetField(w.key, "security", "Internal")
	}},
}

// southDeeds come after it has arrived, and travel back.
var southDeeds = []deed{
	{"a public answer", func(w *whole) error {
		_, err := w.as("south", sim.Agent).Comment(w.twin, "We found it.", true)
		return err
	}},
	{"an internal note", func(w *whole) error {
		_, err := w.as("south", sim.Agent).Comment(w.twin, "Costs two hours.", false)
		return err
	}},
	{"a file", func(w *whole) error {
		_, err := w.as("south", sim.Agent).AttachBy(w.twin, "fix.txt", strings.NewReader("renew it"), "The fix.", true)
		return err
	}},
	{"a work log", func(w *whole) error { return w.as("south", sim.Agent).Log(w.twin, 7200, "Renewed the certificate.") }},
	{"a label", func(w *whole) error { return w.as("south", sim.Agent).Label(w.twin, "certificate") }},
	{"a number", func(w *whole) error { return w.as("south", sim.Agent).SetField(w.twin, "Number of users", 41) }},
	{"another status, with a resolution", func(w *whole) error {
		return w.as("south", sim.Agent).Transition(w.twin, "Resolved", map[string]any{"resolution": "Fixed"})
	}},
}

func (w *whole) firm(side string) *firm {
	if side == "north" {
		return w.north
	}
	return w.south
}

func (w *whole) mail(side string, role sim.Role) string {
	a, ok := w.firm(side).tenant.Account(role)
	if !ok {
		w.t.Fatalf("nobody at %s is %s", side, role)
	}
	return a.Email
}

func (w *whole) as(side string, role sim.Role) sim.Person {
	return w.firm(side).tenant.As(w.mail(side, role))
}

// made keeps the id of what a deed made.
func (w *whole) made(name string, deed func() (string, error)) (err error) {
	w.ids[name], err = deed()
	return err
}

func (w *whole) perform(deeds []deed) {
	w.t.Helper()
	for _, d := range deeds {
		if err := d.do(w); err != nil {
			w.t.Fatalf("%s: %v", d.what, err)
		}
	}
}

// fields are those of fields.json, as people say them.
func (w *whole) fields() map[string]any {
	var fields map[string]any
	if err := json.Unmarshal([]byte(everythingFile(w.t, "fields.json")), &fields); err != nil {
		w.t.Fatal(err)
	}
	for name, v := range fields {
		list, ok := v.([]any)
		if !ok {
			continue
		}
		var texts []string
		for _, one := range list {
			texts = append(texts, one.(string))
		}
		fields[name] = texts
	}
	return fields
}

// TestOneOfEverything takes the ticket from north to south and back.
func TestOneOfEverything(t *testing.T) {
	if testing.Short() {
		t.Skip("real processes, some seconds")
	}
	w := &whole{t: t, ids: map[string]string{}}
	w.north, w.south = newFirm(t, "north"), newFirm(t, "south")
	w.north.write(filepath.Join(w.north.home, "policy.toml"), everythingFile(t, "policy.toml"))
	northCard, southCard := w.north.offer(), w.south.offer()
	w.north.pair("south", southCard)
	w.south.pair("north", northCard)
	w.north.publish("desk", everythingFile(t, "north.toml"))
	w.south.publish("desk", everythingFile(t, "south.toml"))

	var err error
	w.key, err = w.as("north", sim.Customer).CreateRequest("Get IT help", map[string]any{"summary": "VPN drops hourly", "description": "Since the update, *hourly*."})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.as("north", sim.Agent).SetFields(w.key, w.fields()); err != nil {
		t.Fatal(err)
	}
	w.perform(northDeeds)
	w.north.start()
	w.south.start()
	w.north.awaitConnection("desk", "up", "")

	eventually(t, "the ticket is at south", func() string {
		w.twin = ""
		if all := w.south.tenant.Issues(); len(all) == 1 {
			w.twin = all[0].Key
		}
		if w.twin == "" {
			return "it is not there"
		}
		return ""
	})
	w.settled()
	w.perform(southDeeds)
	w.settled()
	for _, f := range []*firm{w.north, w.south} {
		key := w.key
		if f == w.south {
			key = w.twin
		}
		w.compare(f, key)
		f.checkLog()
		f.end()
		f.checkLedger()
	}
}

// settled waits until nothing is on its way any more, by both sides' own account, and neither writes.
func (w *whole) settled() {
	w.t.Helper()
	before, polls := "", 0
	eventually(w.t, "everything has settled", func() string {
		now := w.north.writes() + w.south.writes()
		if now != before {
			before, polls = now, w.north.polls()+w.south.polls()
			return "somebody still writes"
		}
		if w.north.polls()+w.south.polls() < polls+20 {
			return "too early to be sure"
		}
		for f, key := range map[*firm]string{w.north: w.key, w.south: w.twin} {
			for _, r := range w.report(f, key) {
				for _, i := range append(r.Out, r.In...) {
					if i.Became == "waiting" {
						return fmt.Sprintf("at %s %s: %s", f.name, i.Path, i.Why)
					}
				}
			}
		}
		return ""
	})
}

func (w *whole) report(f *firm, key string) (all []node.TicketReport) {
	w.t.Helper()
	if err := json.Unmarshal([]byte(f.parley("sync", key, "--explain", "--json")), &all); err != nil {
		w.t.Fatal(err)
	}
	return all
}

// compare holds what a side says of the ticket against its golden file.
func (w *whole) compare(f *firm, key string) {
	w.t.Helper()
	all := w.report(f, key)
	if len(all) != 1 {
		w.t.Fatalf("%d links of %s at %s where one is due", len(all), key, f.name)
	}
	got := golden(all[0])
	name := f.name + ".golden"
	if *updateEverything {
		f.write(filepath.Join("..", "..", "testdata", "everything", name), got)
		return
	}
	if want := everythingFile(w.t, name); got != want {
		w.t.Errorf("what %s says of %s is not what testdata/everything/%s holds (-update-everything writes it anew):\n%s", f.name, key, name, lineDiff(want, got))
	}
	w.plain(f, key, all[0])
}

// plain makes sure that the table for people names every item, and nothing that a person typed.
func (w *whole) plain(f *firm, key string, r node.TicketReport) {
	w.t.Helper()
	text := f.parley("sync", key, "--explain")
	for _, i := range append(r.Out, r.In...) {
		if !strings.Contains(text, i.Path) {
			w.t.Errorf("the table of %s does not name %s", f.name, i.Path)
		}
	}
	for _, typed := range []string{"hourly", "certificate.", "C-2026-017", "4711", "Building 4"} {
		if strings.Contains(text, typed) {
			w.t.Errorf("the table of %s shows %q, which a person typed:\n%s", f.name, typed, text)
		}
	}
	if f.name == "north" && !strings.Contains(f.parley("sync", key, "--explain", "--contents"), "C-2026-017") {
		w.t.Error("--contents does not show what a person typed")
	}
	f.refuses("sync", "SUPPORT-99", "--explain")
	if err := f.command("sync", key).Run(); exitOf(err) != exitUsage {
		w.t.Errorf("a key without a connection: %v, where exit status %d is due", err, exitUsage)
	}
}

func exitOf(err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	return exitOK
}

// given are the elements that get their names anew in each run, and told what may differ in a reason.
var (
	given = regexp.MustCompile(`/[0-9]+$|^participant/`)
	told  = regexp.MustCompile(` \([0-9]+ there\)$| \(customfield_[0-9]+\)`)
)

// golden words a report so that it is the same in each run: ids become their place among their kind.
func golden(r node.TicketReport) string {
	var b bytes.Buffer
	for _, way := range []struct {
		name  string
		items []node.ItemReport
	}{{"out", r.Out}, {"in", r.In}} {
		ids := map[string][]string{}
		for _, i := range way.items {
			if kind, id, ok := strings.Cut(i.Path, "/"); ok && given.MatchString(i.Path) && !slices.Contains(ids[kind], id) {
				ids[kind] = append(ids[kind], id)
			}
		}
		for _, i := range way.items {
			path := i.Path
			if kind, id, ok := strings.Cut(path, "/"); ok && ids[kind] != nil {
				path = fmt.Sprintf("%s/#%d", kind, slices.Index(ids[kind], id)+1)
			}
			line := fmt.Sprintf("%-3s  %-28s %-9s", way.name, path, i.Became)
			if i.Became == "mapped" {
				line += " " + i.Field
				if i.From != i.To {
					line += fmt.Sprintf(", %q → %q", i.From, i.To)
				}
			}
			if i.Code != "" {
				line += " [" + i.Code + "]"
			}
			if i.Became != "crossed" && i.Became != "mapped" {
				line += " " + told.ReplaceAllString(i.Why, "")
			}
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	return b.String()
}

// lineDiff lists the lines that only one of two texts has.
func lineDiff(want, got string) string {
	var b strings.Builder
	only := func(sign, a, other string) {
		for line := range strings.Lines(a) {
			if !strings.Contains("\n"+other, "\n"+line) {
				b.WriteString(sign + line)
			}
		}
	}
	only("- ", want, got)
	only("+ ", got, want)
	return b.String()
}
