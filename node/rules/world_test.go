package rules

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
	"parley/replica/adf"
)

// tenant is the schema that the tests' rules are written for.
func tenant() *jsm.Schema {
	opts := func(names ...string) []string { return names }
	return &jsm.Schema{
		Project: jsm.Option{ID: "10000", Value: "SUPPORT"},
		Desk:    "1",
		Fields: []jsm.Field{
			{ID: "summary", Name: "Summary", Type: jsm.Text},
			{ID: "description", Name: "Description", Type: jsm.Paragraph},
			{ID: "environment", Name: "Environment", Type: jsm.Paragraph},
			{ID: "priority", Name: "Priority", Type: jsm.Priority, Options: opts("P1", "P2", "P3")},
			{ID: "status", Name: "Status", Type: jsm.StatusType},
			{ID: "resolution", Name: "Resolution", Type: jsm.Resolution, Options: opts("Done", "Declined")},
			{ID: "assignee", Name: "Assignee", Type: jsm.User},
			{ID: "reporter", Name: "Reporter", Type: jsm.User},
			{ID: "duedate", Name: "Due date", Type: jsm.DateType},
			{ID: "labels", Name: "Labels", Type: jsm.Labels},
			{ID: "components", Name: "Components", Type: jsm.Components, Options: opts("Network", "Mail")},
			{ID: "fixVersions", Name: "Fix versions", Type: jsm.MultiVersion},
			{ID: "customfield_1", Name: "Impact", Custom: true, Type: jsm.Select, Options: opts("Extensive", "Minor")},
			{ID: "customfield_2", Name: "Contract reference", Custom: true, Type: jsm.Text},
			{ID: "customfield_3", Name: "Seats", Custom: true, Type: jsm.NumberType},
			{ID: "customfield_4", Name: "Teams", Custom: true, Type: jsm.MultiSelect, Options: opts("Red", "Blue", "Green")},
			{ID: "customfield_5", Name: "Site", Custom: true, Type: jsm.Cascading, Options: opts("EU", "EU / Berlin", "EU / Rome")},
			{ID: "customfield_6", Name: "Watch list", Custom: true, Type: jsm.MultiUser},
			{ID: "customfield_7", Name: "Starts", Custom: true, Type: jsm.DateTime},
			{ID: "customfield_8", Name: "Link", Custom: true, Type: jsm.URL},
			{ID: "customfield_9", Name: "Owner", Custom: true, Type: jsm.User},
			{ID: "customfield_10", Name: "Twice", Custom: true, Type: jsm.Text},
			{ID: "customfield_11", Name: "Twice", Custom: true, Type: jsm.Text},
			{ID: "customfield_12", Name: "Time to resolution", Custom: true, Type: jsm.SLAType},
			{ID: "customfield_13", Name: "Request Type", Custom: true, Type: jsm.RequestTypeType},
			{ID: "customfield_14", Name: "Organizations", Custom: true, Type: jsm.Organizations},
			{ID: "customfield_15", Name: "Notes", Custom: true, Type: jsm.Paragraph},
			{ID: "customfield_16", Name: "Salary", Custom: true, Type: jsm.NumberType},
			{ID: "customfield_17", Name: "Day", Custom: true, Type: jsm.DateType},
			{ID: "customfield_18", Name: "Group", Custom: true, Type: jsm.Group},
		},
		Statuses: []jsm.Status{
			{ID: "1", Name: "Open", Category: "new"}, {ID: "2", Name: "In Progress", Category: "indeterminate"},
			{ID: "3", Name: "Resolved", Category: "done"}, {ID: "4", Name: "Closed", Category: "done"},
		},
		Resolutions: []jsm.Option{{ID: "1", Value: "Done"}},
		RequestTypes: []jsm.RequestType{
			{ID: "11", Name: "Report a problem", OnBehalfOf: true, Fields: []jsm.FormField{
				{Field: jsm.Field{ID: "summary", Name: "Summary", Type: jsm.Text}, Required: true},
				{Field: jsm.Field{ID: "description", Name: "Description", Type: jsm.Paragraph}},
			}},
			{ID: "12", Name: "Other", Fields: []jsm.FormField{
				{Field: jsm.Field{ID: "summary", Name: "Summary", Type: jsm.Text}, Required: true},
				{Field: jsm.Field{ID: "customfield_1", Name: "Impact", Custom: true, Type: jsm.Select}, Required: true},
			}},
		},
	}
}

const head = "peer = \"globex\"\nproject = \"SUPPORT\"\n"

// parse reads rules from text, with further files by name.
func parse(t testing.TB, text string, more ...string) *conf.Rules {
	t.Helper()
	sources := map[string][]byte{"connections/globex.toml": []byte(text)}
	for i := 0; i+1 < len(more); i += 2 {
		sources[more[i]] = []byte(more[i+1])
	}
	src, err := conf.ParseRules(sources, "connections/globex.toml")
	if err != nil {
		t.Fatalf("reading the rules: %v", err)
	}
	return src
}

func policyOf(t testing.TB, text string) *conf.Policy {
	t.Helper()
	p, err := conf.ParsePolicy("policy.toml", []byte(text))
	if err != nil {
		t.Fatalf("reading the policy: %v", err)
	}
	return p
}

// compile compiles rules for the tests' tenant; text stands below head.
func compile(t testing.TB, text string) *Rules {
	t.Helper()
	return compileUnder(t, text, "")
}

func compileUnder(t testing.TB, text, policy string) *Rules {
	t.Helper()
	r, err := Compile(parse(t, head+text), policyOf(t, policy), tenant())
	if err != nil {
		t.Fatalf("compiling:\n%s\n%v", text, err)
	}
	return r
}

// problems compiles rules that must not compile.
func problems(t testing.TB, text string) []conf.Problem {
	t.Helper()
	src, err := conf.ParseRules(map[string][]byte{"c.toml": []byte(head + text)}, "c.toml")
	if err == nil {
		_, err = Compile(src, nil, tenant())
	}
	var ps *conf.Problems
	if !errors.As(err, &ps) {
		t.Fatalf("no problems in:\n%s\n%v", text, err)
	}
	return ps.List
}

var t0 = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// ticket makes a ticket of SUPPORT with the fields given as JSON.
func ticket(fields map[string]string) *jsm.Ticket {
	t := &jsm.Ticket{
		ID: "10042", Key: "SUPPORT-7", Project: jsm.Option{ID: "10000", Value: "SUPPORT"}, Created: t0, Updated: t0,
		Status: jsm.Status{ID: "1", Name: "Open", Category: "new"}, Fields: map[string]json.RawMessage{},
	}
	for id, raw := range fields {
		t.Fields[id] = json.RawMessage(raw)
	}
	return t
}

func name(s string) string { return `{"id":"id-` + s + `","name":"` + s + `"}` }

func rich(s string) string { return string(adf.Text(s).JSON()) }

func user(id, mail string) string {
	return `{"accountId":"` + id + `","displayName":"` + strings.ToUpper(id[:1]) + id[1:] + `","emailAddress":"` + mail + `","active":true}`
}

func comment(id, text string, public bool) jsm.Comment {
	return jsm.Comment{ID: id, Author: jsm.Person{AccountID: "jane", Name: "Jane Doe", Email: "jane@acme.example"}, Body: jsm.Rich(rich(text)),
		Public: public, VisibilityKnown: true, Created: t0, Updated: t0}
}

func local(t *jsm.Ticket) Local {
	return Local{Ticket: t, Company: "Acme", Secret: []byte("secret")}
}

// value decodes an item of a view.
func value(t testing.TB, v replica.View, p replica.Path) replica.Value {
	t.Helper()
	it, ok := v[p]
	if !ok {
		t.Fatalf("%s is not in the view", p)
	}
	val, err := it.Value()
	if err != nil {
		t.Fatalf("%s: %v", p, err)
	}
	return val
}

// arrive makes an arrival in which everything is new.
func arrive(t *jsm.Ticket, remote map[replica.Path]replica.Value) Arrival {
	in := Arrival{Remote: replica.View{}, Ticket: t, LocalNode: "a", PeerNode: "b"}
	for p, v := range remote {
		in.Remote[p] = replica.NewItem(v, t0.UnixMilli())
		in.Changed = append(in.Changed, p)
	}
	sortPaths(in.Changed)
	return in
}

func sortPaths(p []replica.Path) {
	for i := range p {
		for j := i + 1; j < len(p); j++ {
			if p[j] < p[i] {
				p[i], p[j] = p[j], p[i]
			}
		}
	}
}

type items = map[replica.Path]replica.Value
