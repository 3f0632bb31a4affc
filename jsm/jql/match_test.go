package jql_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"parley/jsm/jql"
)

// TestMatch: which of the two tickets a query finds. "f" the full one, "b" the bare one.
func TestMatch(t *testing.T) {
	d := newDesk()
	full, bare := d.tickets()
	for _, c := range []struct{ want, query string }{
		{"fb", ``},
		{"fb", `project = SUP`}, {"fb", `project = "sup"`}, {"fb", `project = 1`}, {"", `project = OPS`},
		{"f", `issuetype = Incident`}, {"b", `type != 1`}, {"fb", `type in (1, request)`},
		// keys
		{"f", `key = SUP-2`}, {"f", `id = 902`}, {"b", `issue > SUP-2`}, {"fb", `key >= SUP-1`}, {"", `key > OPS-7`}, {"f", `key not in (SUP-10)`},
		// empty fields: != and NOT IN do not match them, nor does NOT
		{"f", `assignee = Ann`}, {"", `assignee != Ann`}, {"", `NOT assignee = Ann`}, {"b", `assignee is EMPTY`}, {"b", `assignee = null`},
		{"f", `assignee is not empty`}, {"f", `assignee != EMPTY`}, {"fb", `assignee in (Ann, EMPTY)`}, {"", `assignee not in (Ann, EMPTY)`},
		{"f", `assignee not in (Bob, EMPTY)`}, {"f", `assignee not in (Bob)`}, {"f", `NOT assignee is EMPTY`}, {"b", `NOT NOT assignee is EMPTY`},
		// people and functions
		{"f", `assignee = currentUser()`}, {"", `assignee != currentUser()`}, {"f", `assignee in membersOf(agents)`}, {"b", `reporter in membersOf(agents)`},
		{"f", `reporter not in membersOf("agents")`}, {"f", `assignee in (Bob, membersOf(agents))`}, {"f", `reporter = u-cid`},
		// several values
		{"f", `labels = VPN`}, {"f", `labels = urgent`}, {"", `labels != vpn`}, {"f", `labels != mail`}, {"f", `labels not in (mail, phone)`}, {"", `labels not in (mail, vpn)`},
		{"f", `labels = vpn AND labels = urgent`}, {"b", `labels is empty`}, {"f", `component = Mail`}, {"f", `component = 3`}, {"", `component = 2`}, {"", `component != VPN`},
		// ranks
		{"f", `priority > Medium`}, {"b", `priority < Medium`}, {"f", `priority >= High`}, {"f", `priority <= 2 and priority >= 2`}, {"b", `NOT priority > Medium`},
		{"f", `fixVersion < 2.0`}, {"f", `fixVersion >= "1.9"`}, {"", `fixVersion > 1.9`}, {"f", `fixVersion ~ "1.*"`}, {"", `fixVersion !~ "1.*"`}, {"f", `fixVersion = 12`},
		// resolution
		{"b", `resolution = Unresolved`}, {"f", `resolution != unresolved`}, {"b", `resolution is empty`}, {"f", `resolution = Fixed`},
		// numbers, durations
		{"f", `votes > 3`}, {"b", `votes = 0`}, {"fb", `votes in (0, 4.0)`}, {"f", `cf[10001] >= 2.5`}, {"f", `"Story points" != 3`}, {"f", `originalEstimate = 1d`}, {"f", `originalEstimate > 7h`}, {"f", `originalEstimate = 480`},
		{"f", `Severity = "sev 1"`}, {"", `cf[10002] = 22`}, {"f", `link = "HTTPS://example.org/a"`}, {"f", `issue.property[parley].side = out`},
		// SLA
		{"f", `"Time to resolution" < remaining("2h")`}, {"", `"Time to resolution" > remaining("2h")`}, {"", `"Time to resolution" = breached()`}, {"f", `"Time to resolution" != breached()`}, {"f", `"Time to resolution" < 2h`},
		// dates: literals in the account's zone, to the minute; epoch milliseconds exact
		{"b", `created >= "2024-05-15"`}, {"f", `created < "2024/05/15 00:00"`}, {"f", `created = "2024-05-13 09:00"`}, {"b", `created != "2024-05-13 09:00"`},
		{"f", `created = 1715558430500`}, {"", `created = 1715558430000`}, {"f", `created > 1715558430499 and created < 1715558430501`}, {"f", `updated >= -10m`}, {"", `updated > "-10m"`}, {"fb", `updated > "-1d 1h"`},
		{"b", `created >= startOfDay()`}, {"f", `created < startOfDay()`}, {"f", `created >= startOfWeek() and created < startOfDay("-1")`}, {"fb", `created < now()`}, {"fb", `created <= endOfDay("-0d")`},
		{"f", `due = "2024-05-20"`}, {"f", `due > endOfWeek()`}, {"f", `due <= 5d`}, {"", `due < 4d`}, {"f", `due = startOfDay(5)`}, {"b", `due is empty`}, {"f", `due in (startOfDay(5d), "2024-01-01")`}, {"b", `created > startOfMonth("+13d")`},
		{"b", `created > lastLogin()`},
		// text
		{"f", `summary ~ vpn`}, {"b", `summary !~ vpn`}, {"f", `summary ~ "vpn minutes"`}, {"", `summary ~ "\"vpn minutes\""`}, {"f", `summary ~ "\"every 5 minutes\""`}, {"f", `summary ~ "minut*"`}, {"fb", `summary ~ "laptop OR drops"`},
		{"f", `description ~ "\\(e\\-1042\\)"`}, {"", `summary ~ "\\*"`}, {"f", `summary ~ "v?n"`}, {"f", `summary ~ "vpn -laptop"`}, {"b", `summary ~ "NOT vpn"`}, {"f", `summary ~ "vpn AND NOT (laptop || phone)"`}, {"f", `summary ~ "drop* && +minutes~ 5^2"`}, {"f", `description ~ "E-1042"`}, {"", `description ~ "1042-E"`},
		{"f", `description ~ "café_net"`}, {"b", `description is empty`}, {"", `description !~ tunnel`}, {"f", `comment ~ "gateway"`}, {"", `comment ~ "gateway change"`}, {"f", `text ~ gateway`}, {"f", `text ~ "\"no change\""`}, {"fb", `text ~ "laptop OR tunnel"`},
		// AND before OR
		{"fb", `key = SUP-2 OR key = SUP-10 AND status = Open`}, {"b", `(key = SUP-2 OR key = SUP-10) AND status = Open`}, {"", `NOT (key = SUP-2 OR status = Open)`},
		// history
		{"fb", `status was Open`}, {"f", `status was Done`}, {"f", `status was "in progress"`}, {"b", `status was not Done`}, {"fb", `status was in (Open, Done)`}, {"b", `status was not in (Done, "In Progress")`}, {"b", `NOT status was Done`},
		{"f", `status was Done before "2024-05-13 12:00"`}, {"", `status was Done before "2024-05-13 09:30"`}, {"f", `status was Done after "2024-05-14"`}, {"", `status was Done after "2024-05-14 10:00"`}, {"f", `status was Done on "2024-05-13"`}, {"", `status was Done on "2024-05-15"`},
		{"f", `status was Done during ("2024-05-14", "2024-05-15")`}, {"", `status was Done during ("2024-05-15", now())`}, {"f", `status was Done by Bob`}, {"", `status was Done by Ann`}, {"f", `status was Open by Cid`}, {"f", `status was Done by (Ann, Bob) on "2024-05-13"`},
		{"fb", `assignee was EMPTY`}, {"b", `assignee was not Ann`}, {"f", `fixVersion was 1.0`}, {"f", `fixVersion was in (1.0) before "2024-05-13 11:30"`}, {"", `fixVersion was 1.0 after "2024-05-13 13:00"`},
		{"f", `status changed`}, {"b", `NOT status changed`}, {"f", `status changed from Open to Done`}, {"", `status changed from Open to "In Progress"`}, {"f", `status changed to ("In Progress", Open) by currentUser()`}, {"", `status changed to Done by currentUser()`},
		{"f", `status changed after -2d`}, {"", `status changed after startOfDay()`}, {"f", `status changed on "2024-05-13"`}, {"f", `status changed during (startOfWeek(), now()) by membersOf(agents)`}, {"f", `assignee changed from EMPTY to Ann`}, {"f", `assignee changed to membersOf(agents)`},
		{"f", `creator was Cid`}, {"f", `resolution was Fixed`},
	} {
		m := compile(t, c.query, d)
		got := ""
		if m.Match(full) {
			got += "f"
		}
		if m.Match(bare) {
			got += "b"
		}
		if got != c.want {
			t.Errorf("%s: found %q, want %q", c.query, got, c.want)
		}
	}
}

// TestMessages: what Compile refuses, in the words of Jira (its unit and functional tests, and answers seen on Cloud).
func TestMessages(t *testing.T) {
	const formats = " is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
	for query, want := range map[string]string{
		`foo = 1`:                                "Field 'foo' does not exist or you do not have permission to view it.",
		`cf[99] = 1`:                             "Field 'cf[99]' does not exist or you do not have permission to view it.",
		`labels ~ x`:                             "The operator '~' is not supported by the 'labels' field.",
		`Summary = x`:                            "The operator '=' is not supported by the 'Summary' field.",
		`text !~ x`:                              "The operator '!~' is not supported by the 'text' field.",
		`labels was x`:                           "History searches do not support the 'labels' field.",
		`creator changed`:                        "History searches do not support the 'creator' field.",
		`project = NOPE`:                         "The value 'NOPE' does not exist for the field 'project'.",
		`priority = 99`:                          "A value with ID '99' does not exist for the field 'priority'.",
		`status changed from fred`:               "The value 'fred' does not exist for the field 'status'.",
		`severity = x`:                           "The option 'x' for field 'severity' does not exist.",
		`key = SUP-99`:                           "An issue with key 'SUP-99' does not exist for field 'key'.",
		`key = nonsense`:                         "The issue key 'nonsense' for field 'key' is invalid.",
		`votes = many`:                           "Value 'many' for the 'votes' field is not a valid number.",
		`votes = NaN`:                            "Value 'NaN' for the 'votes' field is not a valid number.",
		`votes = 99999999999999999999`:           "Error in the JQL Query: '99999999999999999999' is not a valid number. Numbers must be between -9,223,372,036,854,775,808 and 9,223,372,036,854,775,807.",
		`votes in (1, EMPTY)`:                    "The field 'votes' does not support searching for EMPTY values.",
		`created > "20/12/10x"`:                  "Date value '20/12/10x' for field 'created'" + formats,
		`created > "2024-02-30"`:                 "Date value '2024-02-30' for field 'created'" + formats,
		`created > "1732877091000"`:              "Date value '1732877091000' for field 'created'" + formats,
		`created > "-99999999999d"`:              "Date value '-99999999999d' for field 'created'" + formats,
		`status changed after "20/12/10x"`:       "Date value '20/12/10x' for predicate 'after'" + formats,
		`status changed after currentUser()`:     "A date for the predicate 'after' provided by the function 'currentUser' is not valid.",
		`created > currentUser()`:                "A date for the field 'created' provided by the function 'currentUser' is not valid.",
		`status changed before (11, 12)`:         "The BEFORE predicate must be supplied with only 1 date value.",
		`status changed during 11`:               "The DURING predicate must be supplied with exactly 2 date values.",
		`assignee changed by bogus()`:            "Unable to find JQL function 'bogus()'.",
		`assignee was bogus(1, x)`:               "Unable to find JQL function 'bogus(1, x)'.",
		`status changed AFTER now("invalid")`:    "Function 'now' expected '0' arguments but received '1'.",
		`created > startOfDay("invalid")`:        "Duration for function 'startOfDay' should have the format (+/-)n(yMwdm), e.g -1M for 1 month earlier.",
		`created > endOfDay(1, 2)`:               "Function 'endOfDay' expected between '0' and '1' arguments but received '2'.",
		`assignee = membersOf(agents)`:           "Operator '=' does not support the list value 'membersOf(agents)' for field 'assignee'.",
		`assignee in currentUser()`:              "Operator 'in' does not support the non-list value 'currentUser()' for field 'assignee'.",
		`created in now()`:                       "Operator 'in' does not support the non-list value 'now()' for field 'created'.",
		`assignee in membersOf(x)`:               "Function 'membersOf' can not generate a list of usernames for group 'x'; the group does not exist.",
		`status = currentUser()`:                 "A value provided by the function 'currentUser' is invalid for the field 'status'.",
		`summary ~ "*x"`:                         "The text query '*x' for field 'summary' is not allowed to start with character '*'.",
		`summary ~ ""`:                           "The field 'summary' does not support searching for an empty string.",
		`summary ~ "\"open"`:                     `Unable to parse the text '"open' for field 'summary'.`,
		`summary ~ "(a"`:                         "Unable to parse the text '(a' for field 'summary'.",
		`summary ~ "a *b"`:                       "Unable to parse the text 'a *b' for field 'summary'.",
		`project = SUP ORDER BY nonsense`:        "Not able to sort using field 'nonsense'.",
		`project = SUP ORDER BY comment`:         "Not able to sort using field 'comment'.",
		`foo = 1 or foo = 2 or project = NOPE`:   "Field 'foo' does not exist or you do not have permission to view it.\nThe value 'NOPE' does not exist for the field 'project'.",
		`NOT (bar = 1) order by a,a,a,a,a,a,a,a`: "Field 'bar' does not exist or you do not have permission to view it.\nThe ORDER BY clause has 8 fields; the maximum is 7.",
	} {
		q, err := jql.Parse(query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		m, errs := jql.Compile(q, newDesk())
		var got []string
		for _, e := range errs {
			got = append(got, e.Error())
		}
		if diff := cmp.Diff(want, strings.Join(got, "\n")); diff != "" || m != nil {
			t.Errorf("%s (matcher %v):\n%s", query, m, diff)
		}
	}
}

func TestOrder(t *testing.T) {
	d := newDesk()
	make := func(key, priority, due string) *ticket {
		v := map[string][]jql.Datum{"issuekey": {{ID: key, Name: key}}, "priority": d.one("priority", priority)}
		if due != "" {
			v["duedate"] = when(due)
		}
		return &ticket{values: v}
	}
	all := []*ticket{make("SUP-10", "Low", "2024-05-02"), make("SUP-9", "High", ""), make("OPS-2", "High", "2024-05-01"), make("SUP-1", "Low", "")}
	for query, want := range map[string]string{
		``:                                  "SUP-10 SUP-9 OPS-2 SUP-1",
		`ORDER BY key`:                      "OPS-2 SUP-1 SUP-9 SUP-10",
		`ORDER BY key DESC`:                 "SUP-10 SUP-9 SUP-1 OPS-2",
		`ORDER BY priority`:                 "SUP-9 OPS-2 SUP-10 SUP-1",
		`ORDER BY priority ASC, key ASC`:    "SUP-1 SUP-10 OPS-2 SUP-9",
		`ORDER BY due ASC`:                  "OPS-2 SUP-10 SUP-9 SUP-1",
		`ORDER BY due DESC`:                 "SUP-9 SUP-1 SUP-10 OPS-2",
		`ORDER BY priority DESC, due`:       "OPS-2 SUP-9 SUP-10 SUP-1",
		`ORDER BY cf[10001], priority, key`: "OPS-2 SUP-9 SUP-1 SUP-10",
	} {
		m := compile(t, query, d)
		sorted := slices.Clone(all)
		slices.SortStableFunc(sorted, func(a, b *ticket) int {
			switch {
			case m.Less(a, b):
				return -1
			case m.Less(b, a):
				return 1
			}
			return 0
		})
		var keys []string
		for _, x := range sorted {
			keys = append(keys, x.values["issuekey"][0].Name)
		}
		if got := strings.Join(keys, " "); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

// TestNotIsTheOpposite: for any tree over fields that are never empty, NOT x finds exactly what x does not; and a query
// and its printed form find the same.
func TestNotIsTheOpposite(t *testing.T) {
	d := newDesk()
	full, bare := d.tickets()
	leaves := []string{`priority > Medium`, `status = Open`, `votes <= 2`, `key in (SUP-2, SUP-1)`, `status changed`, `summary ~ vpn`, `reporter was Bob`, `created < startOfDay()`, `project not in (OPS)`}
	var tree func(depth int) *rapid.Generator[string]
	tree = func(depth int) *rapid.Generator[string] {
		leaf := rapid.SampledFrom(leaves)
		if depth == 0 {
			return leaf
		}
		return rapid.Custom(func(t *rapid.T) string {
			a, b := tree(depth-1).Draw(t, "a"), tree(depth-1).Draw(t, "b")
			return fmt.Sprintf(rapid.SampledFrom([]string{"(%s AND %s)", "(%s OR %s)", "(NOT %s AND ! %s)", "%s OR %s"}).Draw(t, "shape"), a, b)
		})
	}
	rapid.Check(t, func(rt *rapid.T) {
		q := tree(3).Draw(rt, "q")
		yes, no := compile(t, q, d), compile(t, "NOT ("+q+")", d)
		parsed, _ := jql.Parse(q)
		printed := compile(t, parsed.String(), d)
		for _, issue := range []*ticket{full, bare} {
			if yes.Match(issue) == no.Match(issue) {
				rt.Fatalf("%s: NOT agrees with it", q)
			}
			if yes.Match(issue) != printed.Match(issue) {
				rt.Fatalf("%s printed as %s", q, parsed)
			}
		}
	})
}

// FuzzCompile: whatever parses compiles or is refused, and what compiles runs; nothing panics, and NOT NOT changes nothing.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{
		`summary ~ "a* AND (b OR \\"c d\\"~2) -e^3"`, `created > "-1w 2d" or due in (startOfDay("+3h"), EMPTY)`, `status changed from Open to (Done, EMPTY) by Bob during (-1w, now())`,
		`fixVersion was in (1.0) on "2024-05-13" and originalEstimate > 3h and key < SUP-9 order by due, key desc`, `assignee in (membersOf(agents), EMPTY) and resolution = unresolved`,
		`"time to resolution" != breached() and created >= 1715558430500 and fixVersion ~ "1.*"`,
	} {
		f.Add(s)
	}
	d := newDesk()
	full, bare := d.tickets()
	f.Fuzz(func(t *testing.T, s string) {
		q, err := jql.Parse(s)
		if err != nil {
			return
		}
		m, errs := jql.Compile(q, d)
		if (m == nil) == (len(errs) == 0) {
			t.Fatalf("%q: matcher %v, errors %v", s, m, errs)
		}
		if m == nil {
			return
		}
		if m.Less(full, bare) && m.Less(bare, full) {
			t.Fatalf("%q: each is less than the other", s)
		}
		if q.Where != nil {
			twice := *q
			twice.Where = &jql.Not{Clause: &jql.Not{Clause: q.Where}}
			n, errs := jql.Compile(&twice, d)
			if errs != nil || n.Match(full) != m.Match(full) || n.Match(bare) != m.Match(bare) {
				t.Fatalf("%q: NOT NOT differs: %v", s, errs)
			}
		}
	})
}
