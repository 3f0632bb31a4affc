package jql_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley/jsm/jql"
)

// desk is a small tenant: the second implementation of Env, next to the simulator's.
type desk struct {
	session jql.Session
	custom  map[string]jql.FieldInfo
	named   map[string][]jql.Datum // field id → values that exist
}

// ticket maps field ids to values.
type ticket struct {
	values  map[string][]jql.Datum
	history map[string]jql.History
}

var tokyo = time.FixedZone("Tokyo", 9*3600)

// at reads a time of the desk's zone.
func at(s string) time.Time {
	for _, layout := range []string{"2006-01-02 15:04:05.000", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, tokyo); err == nil {
			return t
		}
	}
	panic(s)
}

func named(pairs ...string) []jql.Datum { // id, name, id, name …; the first ranks highest
	var list []jql.Datum
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, jql.Datum{ID: pairs[i], Name: pairs[i+1], Rank: len(pairs) - i})
	}
	return list
}

func newDesk() *desk {
	return &desk{
		session: jql.Session{Now: at("2024-05-15 12:30"), Zone: tokyo, WeekStart: time.Monday, User: "u-ann", LastLogin: at("2024-05-14 08:00")},
		custom: map[string]jql.FieldInfo{
			"cf[10001]":          {ID: "customfield_10001", Type: jql.Number},
			"story points":       {ID: "customfield_10001", Type: jql.Number},
			"cf[10002]":          {ID: "customfield_10002", Type: jql.Option},
			"severity":           {ID: "customfield_10002", Type: jql.Option},
			"time to resolution": {ID: "sla", Type: jql.SLA},
			"link":               {ID: "customfield_10003", Type: jql.Exact},
		},
		named: map[string][]jql.Datum{
			"project":           named("1", "SUP", "2", "OPS"),
			"issuetype":         named("1", "Incident", "2", "Request"),
			"status":            named("1", "Open", "2", "In Progress", "3", "Done"),
			"priority":          named("1", "Highest", "2", "High", "3", "Medium", "4", "Low"),
			"resolution":        named("1", "Fixed", "2", "Unresolved"),
			"component":         named("1", "VPN", "2", "Mail", "3", "Mail"),
			"fixVersion":        named("13", "2.0", "12", "1.9", "11", "1.0"),
			"customfield_10002": named("21", "Sev 1", "22", "Sev 2"),
			"issuekey":          named("901", "SUP-1", "902", "SUP-2", "910", "SUP-10", "801", "OPS-7"),
			"assignee":          named("u-ann", "Ann", "u-bob", "Bob", "u-cid", "Cid"),
		},
	}
}

func (d *desk) Session() jql.Session { return d.session }

func (d *desk) Field(f jql.Field) (jql.FieldInfo, bool) {
	if f.Name == "issue.property" && len(f.Properties) == 1 {
		p := f.Properties[0]
		return jql.FieldInfo{ID: "property:" + p.Key + strings.Join(p.Path, ""), Type: jql.Exact}, true
	}
	if info, ok := jql.SystemField(f.Name); ok {
		return info, true
	}
	info, ok := d.custom[strings.ToLower(f.Name)]
	return info, ok
}

func (d *desk) Resolve(f jql.FieldInfo, v jql.Value) []jql.Datum {
	id := f.ID
	if f.Type == jql.User {
		id = "assignee"
	}
	var found []jql.Datum
	for _, x := range d.named[id] {
		if x.ID == v.Text || strings.EqualFold(x.Name, v.Text) {
			found = append(found, x)
		}
	}
	return found
}

func (d *desk) Call(f jql.FieldInfo, op jql.Operator, fn jql.Func) (jql.Result, error) {
	switch strings.ToLower(fn.Name) {
	case "membersof":
		if fn.Args[0] != "agents" {
			return jql.Result{}, errors.New("Function 'membersOf' can not generate a list of usernames for group '" + fn.Args[0] + "'; the group does not exist.")
		}
		return jql.Result{Values: named("u-ann", "Ann", "u-bob", "Bob"), List: true}, nil
	case "remaining":
		limit, err := strconv.ParseFloat(strings.TrimSuffix(fn.Args[0], "h"), 64)
		return jql.Result{Values: []jql.Datum{{Number: limit * 3600}}}, err
	case "breached":
		return jql.Result{Match: func(issue jql.Issue) bool {
			v := d.Values(issue, f)
			return len(v) == 1 && v[0].Number < 0
		}}, nil
	}
	return jql.Result{}, jql.ErrNoFunction
}

func (d *desk) Values(issue jql.Issue, f jql.FieldInfo) []jql.Datum {
	t := issue.(*ticket)
	if f.ID == "text" {
		return slices.Concat(t.values["summary"], t.values["description"], t.values["comment"])
	}
	return t.values[f.ID]
}

func (d *desk) History(issue jql.Issue, f jql.FieldInfo) jql.History {
	return issue.(*ticket).history[f.ID]
}

func texts(s ...string) []jql.Datum {
	var list []jql.Datum
	for _, x := range s {
		list = append(list, jql.Datum{Name: x})
	}
	return list
}

func when(s string) []jql.Datum { return []jql.Datum{{Time: at(s)}} }

func (d *desk) one(field, name string) []jql.Datum {
	found := d.Resolve(jql.FieldInfo{ID: field}, jql.Value{Text: name})
	if len(found) == 0 {
		panic(field + " " + name)
	}
	return found[:1]
}

// full is a ticket with something in every field; bare has only what no ticket lacks.
func (d *desk) tickets() (full, bare *ticket) {
	created := at("2024-05-13 09:00:30.500")
	full = &ticket{values: map[string][]jql.Datum{
		"issuekey": d.one("issuekey", "SUP-2"), "project": d.one("project", "SUP"), "issuetype": d.one("issuetype", "Incident"),
		"summary": texts("VPN drops every 5 minutes"), "description": texts("Since Monday the tunnel's down. Error: E-1042 in café_net"),
		"comment": texts("we restarted the gateway", "no change at all"), "labels": texts("vpn", "Urgent"),
		"status": d.one("status", "In Progress"), "priority": d.one("priority", "High"), "resolution": d.one("resolution", "Fixed"),
		"component": {{ID: "3", Name: "Mail"}, {ID: "1", Name: "VPN"}}, "fixVersion": d.one("fixVersion", "1.9"),
		"assignee": d.one("assignee", "Ann"), "reporter": d.one("assignee", "Cid"), "creator": d.one("assignee", "Cid"),
		"created": {{Time: created}}, "updated": when("2024-05-15 12:20"), "duedate": {{Time: time.Date(2024, 5, 20, 0, 0, 0, 0, time.UTC)}},
		"votes": {{Number: 4}}, "originalEstimate": {{Number: 8 * 3600}}, "customfield_10001": {{Number: 2.5}},
		"customfield_10002": d.one("customfield_10002", "Sev 1"), "customfield_10003": texts("https://example.org/A"),
		"sla": {{Number: 90 * 60}}, "property:parley.side": texts("out"),
	}, history: map[string]jql.History{
		"status": {Created: created, Creator: "u-cid", Steps: []jql.Step{
			{At: at("2024-05-13 10:00"), By: "u-bob", From: d.one("status", "Open"), To: d.one("status", "Done")},
			{At: at("2024-05-14 10:00"), By: "u-ann", From: d.one("status", "Done"), To: d.one("status", "In Progress")},
		}},
		"assignee": {Created: created, Creator: "u-cid", Steps: []jql.Step{
			{At: at("2024-05-13 10:00"), By: "u-bob", To: d.one("assignee", "Ann")},
		}},
		"fixVersion": {Created: created, Creator: "u-cid", Steps: []jql.Step{
			{At: at("2024-05-13 11:00"), By: "u-bob", To: d.one("fixVersion", "1.0")},
			{At: at("2024-05-13 12:00"), By: "u-bob", To: d.one("fixVersion", "1.9")},
			{At: at("2024-05-13 13:00"), By: "u-bob", From: d.one("fixVersion", "1.0")},
		}},
	}}
	bare = &ticket{values: map[string][]jql.Datum{
		"issuekey": d.one("issuekey", "SUP-10"), "project": d.one("project", "SUP"), "issuetype": d.one("issuetype", "Request"),
		"summary": texts("new laptop"), "status": d.one("status", "Open"), "priority": d.one("priority", "Low"),
		"reporter": d.one("assignee", "Bob"), "creator": d.one("assignee", "Bob"),
		"created": when("2024-05-15 00:00"), "updated": when("2024-05-15 00:00"), "votes": {{Number: 0}},
	}, history: map[string]jql.History{
		"status": {Created: at("2024-05-15 00:00"), Creator: "u-bob"}, "assignee": {Created: at("2024-05-15 00:00"), Creator: "u-bob"},
	}}
	return full, bare
}

func compile(t testing.TB, q string, env jql.Env) *jql.Matcher {
	t.Helper()
	parsed, err := jql.Parse(q)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	m, errs := jql.Compile(parsed, env)
	if len(errs) > 0 {
		t.Fatalf("%s: %v", q, errs)
	}
	return m
}
