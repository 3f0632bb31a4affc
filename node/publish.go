package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"parley/conf"
	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
)

// RulesQuestion names drafts; no names mean every draft of the home.
type RulesQuestion struct {
	Connections []string `json:"connections"`
	Note        string   `json:"note"`    // why, for the history
	Offline     bool     `json:"offline"` // publish without looking at the tenant
}

// Checked is what a check says of one draft.
type Checked struct {
	Connection string       `json:"connection"`
	File       string       `json:"file"`
	OK         bool         `json:"ok"`
	Problems   []RuleNotice `json:"problems"`
	Warnings   []RuleNotice `json:"warnings"`
}

// RuleNotice is one thing to look at, with its place.
type RuleNotice struct {
	File    string `json:"file"`
	Line    int    `json:"line"` // from 1; 0: the file as a whole
	Col     int    `json:"col"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// CheckRules checks drafts without the tenant; the home need not be free.
func CheckRules(ctx context.Context, home string, q RulesQuestion) ([]Checked, error) {
	if _, err := readNode(home); err != nil {
		return nil, err
	}
	return checkDrafts(home, q.Connections, func(*conf.Rules) (*jsm.Schema, error) { return nil, ctx.Err() })
}

// RulesCheck checks drafts against the tenant's own schema, and has Jira parse
// their triggers.
var RulesCheck = op("rules/check", (*Node).rulesCheck)

func (n *Node) rulesCheck(ctx context.Context, q RulesQuestion) ([]Checked, error) {
	all, err := checkDrafts(n.home, q.Connections, func(src *conf.Rules) (*jsm.Schema, error) { return n.freshSchema(ctx, src) })
	if err != nil {
		return nil, err
	}
	for i := range all {
		if !all[i].OK {
			continue
		}
		if err := n.checkTrigger(ctx, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// freshSchema reads the schema that a draft is compiled against, now.
func (n *Node) freshSchema(ctx context.Context, src *conf.Rules) (*jsm.Schema, error) {
	s, err := n.tenant.schema(ctx, rules.SchemaProject(src), 0)
	return s, advise(err, `"parley doctor" tells what is wrong with the tenant; "--offline" publishes on the offline check alone`)
}

func (n *Node) checkTrigger(ctx context.Context, c *Checked) error {
	src, err := conf.ReadRules(os.DirFS(n.home), c.File)
	if err != nil || !src.Trigger.JQL.IsSet() {
		return err
	}
	err = n.tenant.client.ParseJQL(ctx, src.Trigger.JQL.Value)
	if refused, ok := errors.AsType[*jsm.JQLError](err); ok {
		at := src.Trigger.JQL.Pos
		c.OK = false
		c.Problems = append(c.Problems, RuleNotice{at.File, at.Line, at.Col, "Jira refuses this JQL: " + refused.Error(), "try it in Jira's own search"})
		return nil
	}
	return err
}

// checkDrafts compiles drafts; nil schemas check offline.
func checkDrafts(home string, names []string, schema func(*conf.Rules) (*jsm.Schema, error)) ([]Checked, error) {
	if len(names) == 0 {
		var err error
		if names, err = draftNames(home); err != nil {
			return nil, err
		}
	}
	policy, err := conf.ReadPolicy(os.DirFS(home))
	if err != nil {
		return nil, fmt.Errorf("reading the policy: %w", err)
	}
	all := make([]Checked, 0, len(names))
	for _, name := range names {
		c := Checked{Connection: name, File: draftFile(name), Problems: []RuleNotice{}, Warnings: []RuleNotice{}}
		r, _, err := compileDraft(home, name, policy, schema)
		problems, wrong := errors.AsType[*conf.Problems](err)
		switch {
		case wrong:
			c.Problems = notices(problems.List)
		case err != nil:
			return nil, err
		default:
			c.OK, c.Warnings = true, notices(r.Warnings())
		}
		all = append(all, c)
	}
	return all, nil
}

// compileDraft reads and compiles one draft. Wrong content is a *conf.Problems.
func compileDraft(home, name string, policy *conf.Policy, schema func(*conf.Rules) (*jsm.Schema, error)) (*rules.Rules, *conf.Rules, error) {
	src, err := conf.ReadRules(os.DirFS(home), draftFile(name))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return nil, nil, advise(fmt.Errorf("there is no draft of connection %q: %w", name, err), "write %s; %s/%s in the home shows how", draftFile(name), drafts, exampleFile)
	}
	if err != nil {
		return nil, nil, err
	}
	s, err := schema(src)
	if err != nil {
		return nil, nil, err
	}
	r, err := rules.Compile(src, policy, s)
	return r, src, err
}

func notices(list []conf.Problem) []RuleNotice {
	out := make([]RuleNotice, 0, len(list))
	for _, p := range list {
		out = append(out, RuleNotice{p.File, p.Line, p.Col, p.Message, p.Hint})
	}
	return out
}

// Published is one version of a connection's rules.
type Published struct {
	Connection string       `json:"connection"`
	Number     uint64       `json:"number"` // from 1
	Hash       string       `json:"hash"`
	At         time.Time    `json:"at"`
	Note       string       `json:"note"`
	Files      []string     `json:"files"`
	Changed    bool         `json:"changed"`  // by this publication; false: the draft was already published
	Affects    []string     `json:"affects"`  // other connections whose profile or map is newer in the home than what they work by
	Warnings   []RuleNotice `json:"warnings"` // of the check
}

// RulesPublish makes drafts the rules that work: all of those asked for, or none.
var RulesPublish = op("rules/publish", (*Node).rulesPublish)

func (n *Node) rulesPublish(ctx context.Context, q RulesQuestion) ([]Published, error) {
	select {
	case n.turn <- struct{}{}:
		defer func() { <-n.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	policy, err := n.policy()
	if err != nil {
		return nil, err
	}
	if policy.Approvals.Value > 1 {
		return nil, advise(fmt.Errorf("policy.toml asks for %d approvals, which this version cannot collect", policy.Approvals.Value), "nothing is published around the policy: the security team decides on [publish]")
	}
	names := q.Connections
	if len(names) == 0 {
		if names, err = draftNames(n.home); err != nil {
			return nil, err
		}
	}
	schema := func(src *conf.Rules) (*jsm.Schema, error) { return n.freshSchema(ctx, src) }
	if q.Offline {
		schema = func(*conf.Rules) (*jsm.Schema, error) { return nil, nil }
	}
	var all []ledger.Published
	warnings := map[string][]RuleNotice{}
	for _, name := range names {
		r, src, err := compileDraft(n.home, name, policy, schema)
		if _, wrong := errors.AsType[*conf.Problems](err); wrong {
			return nil, advise(fmt.Errorf("the draft of %q does not compile, so nothing was published:\n%w", name, err), "correct it and try again; the published version goes on working meanwhile")
		}
		if err != nil {
			return nil, err
		}
		if err := n.knownNames(name, src); err != nil {
			return nil, err
		}
		warnings[name] = append(notices(r.Warnings()), n.unpaired(src)...)
		all = append(all, ledger.Published{Connection: name, Hash: r.Version(), Note: q.Note, File: src.File, Sources: src.Sources()})
	}
	return n.publish(ctx, all, warnings)
}

// knownNames refuses a second connection of the same wire name with the same peer.
func (n *Node) knownNames(name string, src *conf.Rules) error {
	published, err := n.led.PublishedConnections()
	if err != nil {
		return err
	}
	for _, other := range published {
		p, err := n.led.PublishedRules(other)
		if err != nil {
			return err
		}
		was, err := source(p)
		if err == nil && other != name && was.Peer.Value == src.Peer.Value && was.Connection.Value == src.Connection.Value {
			return advise(fmt.Errorf("%s: connection %q with %q is already the one that %q works by", src.File, src.Connection.Value, src.Peer.Value, other), `give this one another name: connection = "…", agreed with the partner`)
		}
	}
	return nil
}

// unpaired warns of a peer that is not there yet.
func (n *Node) unpaired(src *conf.Rules) []RuleNotice {
	p, err := n.pairing.Peer(src.Peer.Value)
	at := src.Peer.Pos
	if err != nil {
		return []RuleNotice{{at.File, at.Line, at.Col, fmt.Sprintf("%q is not paired yet; nothing crosses until it is", src.Peer.Value), `"parley pair offer", then "parley pair accept FILE --as ` + src.Peer.Value + `"`}}
	}
	if p.State == "revoked" {
		return []RuleNotice{{at.File, at.Line, at.Col, fmt.Sprintf("the pairing with %q was revoked; nothing crosses", src.Peer.Value), ""}}
	}
	return nil
}

// publish stores what is new and has the running node work by it.
func (n *Node) publish(ctx context.Context, all []ledger.Published, warnings map[string][]RuleNotice) ([]Published, error) {
	lines := make([]Published, 0, len(all))
	for _, p := range all {
		now, err := n.led.PublishedRules(p.Connection)
		if err != nil && !errors.Is(err, ledger.ErrNone) {
			return lines, err
		}
		changed := errors.Is(err, ledger.ErrNone) || now.Hash != p.Hash || !maps.EqualFunc(now.Sources, p.Sources, bytes.Equal)
		if changed {
			p.At = time.Now()
			if now, err = n.led.Publish(p); err != nil {
				return lines, fmt.Errorf("publishing the rules of %q: %w", p.Connection, err)
			}
		}
		line := publishedLine(now)
		line.Changed, line.Warnings = changed, append(line.Warnings, warnings[p.Connection]...)
		lines = append(lines, line)
	}
	for i, p := range all {
		var err error
		if lines[i].Affects, err = n.affected(p); err != nil {
			return lines, err
		}
	}
	if l := n.live.Load(); l != nil {
		return lines, l.again(ctx)
	}
	return lines, nil
}

// affected names the connections that include a file of p, but work by an older
// content of it.
func (n *Node) affected(p ledger.Published) ([]string, error) {
	names, err := n.led.PublishedConnections()
	if err != nil {
		return nil, err
	}
	older := []string{}
	for _, name := range names {
		other, err := n.led.PublishedRules(name)
		if err != nil {
			return nil, err
		}
		for file, content := range p.Sources {
			if theirs, uses := other.Sources[file]; uses && name != p.Connection && !bytes.Equal(theirs, content) {
				older = append(older, name)
				break
			}
		}
	}
	return older, nil
}

func publishedLine(p ledger.Published) Published {
	return Published{
		Connection: p.Connection, Number: p.Number, Hash: fmt.Sprintf("%x", p.Hash[:]), At: p.At, Note: p.Note,
		Files: slices.Sorted(maps.Keys(p.Sources)), Affects: []string{}, Warnings: []RuleNotice{},
	}
}

// RulesHistory lists the published versions of connections, the oldest first.
var RulesHistory = op("rules/history", (*Node).rulesHistory)

func (n *Node) rulesHistory(_ context.Context, q RulesQuestion) ([]Published, error) {
	names := q.Connections
	if len(names) == 0 {
		var err error
		if names, err = n.led.PublishedConnections(); err != nil {
			return nil, err
		}
	}
	lines := []Published{}
	for _, name := range names {
		history, err := n.led.RulesHistory(name)
		if err != nil {
			return nil, err
		}
		if len(history) == 0 {
			return nil, advise(fmt.Errorf("no rules of connection %q were ever published", name), `publish its draft with "parley rules publish %s"`, name)
		}
		for _, p := range history {
			lines = append(lines, publishedLine(p))
		}
	}
	return lines, nil
}
