package jql_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/jsm/jql"
)

// sharedOracles finds the folder of recorded verdicts. Without it a test is skipped, or fails where PARLEY_DEMAND=1.
func sharedOracles(t testing.TB) string {
	t.Helper()
	root := os.Getenv("PARLEY_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	dir := filepath.Join(root, "oracles", "jql")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("PARLEY_DEMAND") == "1" {
			t.Fatalf("the oracles are demanded but absent: %v", err)
		}
		t.Skipf("the shared oracles are absent (set PARLEY_SHARED): %v", err)
	}
	return dir
}

type verdict struct {
	N     int             `json:"n"`
	JQL   string          `json:"jql"`
	OK    bool            `json:"ok"`
	Error string          `json:"error"`
	AST   json.RawMessage `json:"ast"`
}

func readVerdicts(t testing.TB) []verdict {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(sharedOracles(t), "expected.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var all []verdict
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v verdict
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

// TestOracle holds the parser against what Atlassian's own parser says of 2,300 queries: same verdict, same tree. No line
// is excepted. The oracle un-escapes naively; where Jira decodes otherwise the expected text is its "decoded".
func TestOracle(t *testing.T) {
	all := readVerdicts(t)
	if len(all) != 2300 {
		t.Errorf("%d lines, want 2300", len(all))
	}
	valid := 0
	for _, v := range all {
		q, err := jql.Parse(v.JQL)
		if (err == nil) != v.OK {
			t.Errorf("line %d: %q: got error %v, oracle says %t %s", v.N, v.JQL, err, v.OK, v.Error)
			continue
		}
		if err != nil {
			continue
		}
		valid++
		var want any
		if err := json.Unmarshal(v.AST, &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(normalize(want), roundTrip(t, oracleQuery(q))); diff != "" {
			t.Errorf("line %d: %q: tree (-oracle +parley):\n%s", v.N, v.JQL, diff)
		}
		again, err := jql.Parse(q.String())
		if err != nil {
			t.Errorf("line %d: %q printed as %q: %v", v.N, v.JQL, q, err)
		} else if diff := cmp.Diff(q, again, sameTree); diff != "" {
			t.Errorf("line %d: %q printed as %q, which is another tree:\n%s", v.N, v.JQL, q, diff)
		}
	}
	t.Logf("%d valid, %d invalid", valid, len(all)-valid)
}

var (
	customField = regexp.MustCompile(`(?i)^cf\s*\[\s*(\d+)\s*\]$`)
	// sameTree compares what a tree means: Raw only says whether a value is a bare number.
	sameTree = cmp.Options{
		cmp.Comparer(func(a, b jql.Value) bool { return a.Text == b.Text && a.Number() == b.Number() }),
		cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Raw" }, cmp.Ignore()),
	}
)

// normalize brings the oracle's tree to ours: "decoded" replaces the naive value, cf[1] has one spelling.
func normalize(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = normalize(v[i])
		}
	case map[string]any:
		if d, ok := v["decoded"]; ok {
			if v["kind"] == "value" {
				v["value"] = d
			} else {
				v["name"] = d
			}
			delete(v, "decoded")
		}
		if raw, ok := v["raw"].(string); ok {
			if m := customField.FindStringSubmatch(raw); m != nil && v["name"] != nil {
				v["name"] = "cf[" + m[1] + "]"
			}
		}
		for k := range v {
			v[k] = normalize(v[k])
		}
	}
	return v
}

func roundTrip(t *testing.T, v any) any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

type object = map[string]any

func oracleQuery(q *jql.Query) object {
	order := []any{}
	for _, s := range q.OrderBy {
		var direction any
		if s.Direction != "" {
			direction = s.Direction
		}
		order = append(order, object{"field": oracleField(s.Field), "direction": direction})
	}
	return object{"where": oracleClause(q.Where), "orderBy": order}
}

func oracleClause(c jql.Clause) any {
	list := func(kind string, clauses []jql.Clause) object {
		all := []any{}
		for _, sub := range clauses {
			all = append(all, oracleClause(sub))
		}
		return object{"type": kind, "clauses": all}
	}
	switch c := c.(type) {
	case *jql.And:
		return list("and", c.Clauses)
	case *jql.Or:
		return list("or", c.Clauses)
	case *jql.Not:
		return object{"type": "not", "clause": oracleClause(c.Clause)}
	case *jql.Terminal:
		t := object{"type": "terminal", "field": oracleField(c.Field), "operator": string(c.Operator), "operand": oracleOperand(c.Operand)}
		var predicates []any
		for _, p := range c.Predicates {
			predicates = append(predicates, object{"operator": string(p.Operator), "operand": oracleOperand(p.Operand)})
		}
		if predicates != nil {
			t["predicates"] = predicates
		}
		return t
	}
	return nil
}

func oracleField(f jql.Field) object {
	o := object{"name": f.Name, "raw": f.Raw}
	var properties []any
	for _, p := range f.Properties {
		properties = append(properties, object{"key": p.Key, "path": append([]string{}, p.Path...)})
	}
	if properties != nil {
		o["properties"] = properties
	}
	return o
}

func oracleOperand(o jql.Operand) any {
	switch o := o.(type) {
	case jql.Value:
		return object{"kind": "value", "value": o.Text, "raw": o.Raw}
	case jql.Keyword:
		return object{"kind": "keyword", "value": "empty"}
	case jql.Func:
		return object{"kind": "function", "name": o.Name, "args": append([]string{}, o.Args...)}
	case jql.List:
		var all []any
		for _, v := range o.Values {
			all = append(all, oracleOperand(v))
		}
		return object{"kind": "list", "values": all}
	}
	return nil
}

// TestErrorsNameAPlace: every refusal of the corpus has a position within its source and Jira's way of beginning.
func TestErrorsNameAPlace(t *testing.T) {
	for _, v := range readVerdicts(t) {
		_, err := jql.Parse(v.JQL)
		if err == nil {
			continue
		}
		e, ok := err.(*jql.SyntaxError)
		if !ok {
			t.Fatalf("line %d: %T", v.N, err)
		}
		if e.Line < 1 || e.Col < 1 || e.Offset < 0 || e.Offset > len(v.JQL) {
			t.Errorf("line %d: %q: place %d:%d, offset %d", v.N, v.JQL, e.Line, e.Col, e.Offset)
		}
		switch {
		case strings.HasPrefix(e.Msg, "Error in the JQL Query: "), strings.HasPrefix(e.Msg, "Error in JQL Query: "):
		case strings.HasPrefix(e.Msg, "Operator '"), strings.HasPrefix(e.Msg, "The CHANGED operator "):
		default:
			t.Errorf("line %d: %q: %s", v.N, v.JQL, e.Msg)
		}
	}
}
