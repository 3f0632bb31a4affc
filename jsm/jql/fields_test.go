package jql_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"parley/jsm/jql"
)

// TestDocumentedOperators holds SystemField against Atlassian's reference, field by field: every documented operator is
// allowed and every other refused.
func TestDocumentedOperators(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(sharedOracles(t), "field_semantics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Fields []struct {
			Title         string
			Syntax, Alias []string
			Supported     []string
			Unsupported   []string
		}
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	excepted := map[string]string{
		"Custom field": "a row about all custom fields; Operators(type) has them",
		"SLA":          "its names are the desk's own; checked below",
	}
	if len(doc.Fields) != 49 {
		t.Errorf("%d fields, want 49", len(doc.Fields))
	}
	for _, row := range doc.Fields {
		if excepted[row.Title] != "" {
			continue
		}
		for _, name := range append(row.Syntax, row.Alias...) {
			if strings.HasPrefix(name, "cf[") { // the page gives assignee a custom field's alias
				continue
			}
			f, ok := jql.SystemField(strings.Trim(name, `"`))
			if !ok {
				t.Errorf("%s: unknown", name)
				continue
			}
			want := row.Supported
			if name == "labels" { // listed on neither side, and it works
				want = append(want, "NOT IN")
			}
			var got []string
			for _, op := range f.Operators {
				got = append(got, strings.ToUpper(string(op)))
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, documented %v", name, got, want)
			}
		}
	}
	if got := jql.Operators(jql.SLA); !slices.Equal(got, []jql.Operator{"=", "!=", "<", "<=", ">", ">="}) {
		t.Errorf("SLA: %v", got)
	}
}

func TestSystemFieldAliases(t *testing.T) {
	for _, group := range []string{"issuekey key ISSUE id", "type issueType", "due duedate DueDate", "resolved resolutionDate", "approval approvals"} {
		names := strings.Fields(group)
		first, _ := jql.SystemField(names[0])
		for _, name := range names {
			if f, ok := jql.SystemField(name); !ok || f.ID != first.ID {
				t.Errorf("%s: %v, %t", name, f.ID, ok)
			}
		}
	}
	if _, ok := jql.SystemField("cf[10001]"); ok {
		t.Error("a custom field passes as a system field")
	}
}

const queue = `project = SUP AND status in (Open, "In Progress") AND assignee = currentUser() AND (priority > Medium OR labels = vpn) AND updated >= -10m ORDER BY updated ASC, key ASC`

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(queue)))
	for b.Loop() {
		if _, err := jql.Parse(queue); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseKeys(b *testing.B) {
	q := "key in (SUP-1" + strings.Repeat(", SUP-12345", 4999) + ")"
	b.ReportAllocs()
	b.SetBytes(int64(len(q)))
	for b.Loop() {
		if _, err := jql.Parse(q); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	d := newDesk()
	q, err := jql.Parse(queue)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, errs := jql.Compile(q, d); errs != nil {
			b.Fatal(errs)
		}
	}
}

func benchmarkMatch(b *testing.B, query string) {
	d := newDesk()
	full, _ := d.tickets()
	m := compile(b, query, d)
	b.ReportAllocs()
	for b.Loop() {
		if !m.Match(full) {
			b.Fatal("no match")
		}
	}
}

func BenchmarkMatch(b *testing.B)        { benchmarkMatch(b, queue) }
func BenchmarkMatchText(b *testing.B)    { benchmarkMatch(b, `summary ~ "vpn minut*"`) }
func BenchmarkMatchHistory(b *testing.B) { benchmarkMatch(b, `status was Done by Bob before now()`) }
func BenchmarkMatchKeys(b *testing.B) {
	benchmarkMatch(b, "key in (SUP-2"+strings.Repeat(", SUP-1", 4999)+")")
}
