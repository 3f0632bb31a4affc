package jql_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"parley/jsm/jql"
)

func TestNormalForm(t *testing.T) {
	for in, want := range map[string]string{
		``:                                         ``,
		"  \n\t":                                   ``,
		`order by created desc, Key`:               `ORDER BY created DESC, Key`,
		`project=SUP&status!='In Progress'`:        `project = SUP AND status != "In Progress"`,
		`a=1 || b=2 && ! c in (x,'y z',3)`:         `a = 1 OR b = 2 AND NOT c IN (x, "y z", 3)`,
		`(a=1 or b=2) and (c=3)`:                   `(a = 1 OR b = 2) AND c = 3`,
		`(a=1 and b=2) and c=3`:                    `(a = 1 AND b = 2) AND c = 3`,
		`not (a=1 and b=2)`:                        `NOT (a = 1 AND b = 2)`,
		`CF [ 0010 ] is not null`:                  `cf[10] IS NOT EMPTY`,
		`"cf[007]" = 1`:                            `"cf[007]" = 1`,
		`x = "123" or x = 123 or x = 'and'`:        `x = "123" OR x = 123 OR x = "and"`,
		`"order" = "date" order by "by"`:           `"order" = "date" ORDER BY "by"`,
		`issue.property["a b"].c.d = "\""`:         `issue.property["a b"].c.d = "\""`,
		`status was not in (a) by me before now()`: `status WAS NOT IN (a) BY me BEFORE now()`,
		`created >= startOfDay("-1") and x in (f(""), 'a\tb')`: `created >= startOfDay(-1) AND x IN (f(""), "a\tb")`,
	} {
		q, err := jql.Parse(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
		} else if got := q.String(); got != want {
			t.Errorf("%q printed as %q, want %q", in, got, want)
		}
	}
}

func TestFieldsAndBounded(t *testing.T) {
	q, err := jql.Parse(`project = SUP AND (Status = Open OR NOT cf[7] IS EMPTY) AND STATUS != Done ORDER BY updated`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"project", "Status", "cf[7]"}, q.Fields()); diff != "" {
		t.Error(diff)
	}
	for in, want := range map[string]bool{"": false, "ORDER BY created": false, "key = SUP-1": true} {
		if q, err := jql.Parse(in); err != nil || q.Bounded() != want {
			t.Errorf("%q: bounded %t, %v", in, q.Bounded(), err)
		}
	}
}

// TestSyntaxMessages: Jira's own parser test (TestJqlParsing, functional tests of Jira 6.2) fixes these words and places.
func TestSyntaxMessages(t *testing.T) {
	const (
		escapes   = ` The valid escape sequences are \', \", \t, \n, \r, \\, '\ ' and \uXXXX.`
		operators = ` The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'.`
		operand   = "Expecting either a value, list or function "
	)
	for in, want := range map[string]string{
		"comment ~ 'test":              "The quoted string 'test' has not been completed. (line 1, character 11)",
		"priority=\"test\nword":        "The quoted string 'test word' has not been completed. (line 1, character 10)",
		"comment ~ '":                  "The quoted string has not been completed. (line 1, character 11)",
		`comme\unt ~ 'test`:            `'\un' is an illegal JQL escape sequence.` + escapes + " (line 1, character 6)",
		"status =\n\n\n\n \\csss":      `'\c' is an illegal JQL escape sequence.` + escapes + " (line 5, character 2)",
		"status =\n\n\n\n\\":           "The escape sequence has not been completed." + escapes + " (line 5, character 1)",
		"status =\n\n\n\n\\u":          `'\u' is an illegal JQL escape sequence.` + escapes + " (line 5, character 1)",
		"status =\n\n\n\n'\\u'":        `'\u'' is an illegal JQL escape sequence.` + escapes + " (line 5, character 2)",
		"mine{www = qwwr":              `The character '{' is a reserved JQL character. You must enclose it in a string or use the escape '\u007b' instead. (line 1, character 5)`,
		"minewww = qwwr}":              `The character '}' is a reserved JQL character. You must enclose it in a string or use the escape '\u007d' instead. (line 1, character 15)`,
		"mqwwr=\"\u007f is broken\"":   `The character 'U+007F' on line 1 at position 8 must be escaped. Use the escape '\u007f' instead. (line 1, character 8)`,
		"a =b order":                   "Expecting 'by' before the end of the query.",
		"a =b order summary":           "Expecting 'by' but got 'summary'. (line 1, character 12)",
		"a =b order by":                "Expecting a field name at the end of the query.",
		"a =b order by asc":            "Expecting a field name but got 'asc'. You must surround 'asc' in quotation marks to use it as a field name. (line 1, character 15)",
		"a =b order by ajsks blah":     "Expecting either 'ASC' or 'DESC' but got 'blah'. (line 1, character 21)",
		"order by a desc d":            "Expecting ',' but got 'd'. (line 1, character 17)",
		"'' = c":                       "A field name cannot be empty. (line 1, character 1)",
		"a = ''()":                     "A function name cannot be empty. (line 1, character 5)",
		"a":                            "Expecting operator before the end of the query." + operators,
		"a blah >":                     "Expecting operator but got 'blah'." + operators + " (line 1, character 3)",
		"a =a and j not is empty":      "Expecting 'IN' but got 'is'. (line 1, character 16)",
		"a =a and j is ! empty":        "Expecting 'NOT' but got '!'. (line 1, character 15)",
		"cf":                           "Expecting '[' before the end of the query.",
		"a = b and not (cf = 6)":       "Expecting '[' but got '='. (line 1, character 19)",
		"cf[":                          "Expecting a custom field id (a positive number) before the end of the query.",
		"cf[] = 1":                     "Expecting a custom field id (a positive number) but got ']'. (line 1, character 4)",
		"cf[29829k] = ":                "Expecting a custom field id (a positive number) but got '29829k'. (line 1, character 4)",
		"cf[29829 = world":             "Expecting ']' but got '='. (line 1, character 10)",
		"a = func(":                    "Expecting ')' before the end of the query.",
		"a = func(, and not (a = x)":   "Expecting ')' but got ','. (line 1, character 10)",
		"bas=func(bad,)":               "Function argument must be specified. (line 1, character 14)",
		"bas=func(bad,":                "Expecting a function argument at the end of the query.",
		"k = func(!":                   "Expecting a function argument but got '!'. You must surround '!' in quotation marks to use it as an argument. (line 1, character 10)",
		"k = func(abc, jk!)":           "Expecting ')' or ',' but got '!'. (line 1, character 17)",
		"a=b or (c=d and not l ~ kate": "Expecting ')' before the end of the query.",
		"b in ((12, (288)":             "Expecting ')' before the end of the query.",
		"abc IN ((foo) abc = a":        "Expecting ')' but got 'abc'. (line 1, character 15)",
		"a=":                           operand + "before the end of the query.",
		"a=!":                          operand + "but got '!'. You must surround '!' in quotation marks to use it as a value. (line 1, character 3)",
		"a=(a,(,bad))":                 operand + "but got ','. You must surround ',' in quotation marks to use it as a value. (line 1, character 7)",
		"a=b c=d":                      "Expecting either 'OR' or 'AND' but got 'c'. (line 1, character 5)",
		"a=b !c=d":                     "Expecting either 'OR' or 'AND' but got '!'. (line 1, character 5)",
		", a = b":                      "Expecting a field name but got ','. You must surround ',' in quotation marks to use it as a field name. (line 1, character 1)",
		"[brenden] = a":                "Expecting a field name but got '['. Did you mean 'cf['? (line 1, character 1)",
		"a not was \"Open\"":           "Expecting 'IN' but got 'was'. (line 1, character 7)",
		"a was":                        operand + "before the end of the query.",
		"summary ~ date":               "'date' is a reserved JQL word. You must surround it in quotation marks to use it in a query. (line 1, character 11)",
		"😀 = 1 x":                      "Expecting either 'OR' or 'AND' but got 'x'. (line 1, character 8)",
		"fixVersion changed 4 by x":    "The CHANGED operator does not support the use of values without predicates. You must prefix the 4 value with a suitable predicate.",
		"a = (b, 2)":                   `Operator '=' does not support the list value '("b", 2)' for field 'a'.`,
		"a in b":                       `Operator 'in' does not support the non-list value '"b"' for field 'a'.`,
		"a > empty":                    "Operator '>' does not support the empty value representation 'EMPTY' for field 'a'.",
		"a is not b":                   "Operator 'is not' does not support searching for non-empty values for field 'a'.",
	} {
		_, err := jql.Parse(in)
		var e *jql.SyntaxError
		if !errors.As(err, &e) {
			t.Errorf("%q: %v", in, err)
			continue
		}
		got := strings.TrimPrefix(strings.TrimPrefix(e.Msg, "Error in the JQL Query: "), "Error in JQL Query: ")
		if got != want {
			t.Errorf("%q:\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestBounds(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("(", n) + "a=1" + strings.Repeat(")", n) }
	for name, c := range map[string]struct {
		q  string
		ok bool
	}{
		"200 deep":       {deep(200), true},
		"201 deep":       {deep(201), false},
		"a NOT chain":    {strings.Repeat("!", 5000) + "a=1", false},
		"deep lists":     {"a in " + strings.Repeat("(", 5000), false},
		"longest":        {"a = " + strings.Repeat("x", jql.MaxQuery-4), true},
		"too long":       {"a = " + strings.Repeat("x", jql.MaxQuery-3), false},
		"not UTF-8":      {"a = \xff", false},
		"lone surrogate": {`a = "\ud83d"`, true},
	} {
		q, err := jql.Parse(c.q)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && c.ok {
			if _, err := jql.Parse(q.String()); err != nil {
				t.Errorf("%s: printed form: %v", name, err)
			}
		}
	}
}

func TestEscapes(t *testing.T) {
	q, err := jql.Parse(`a = "\ud83d\ude00\t\u00e9\ud83dx"`)
	if err != nil {
		t.Fatal(err)
	}
	if got := q.Where.(*jql.Terminal).Operand.(jql.Value).Text; got != "😀\té\ufffdx" {
		t.Errorf("got %q", got)
	}
}

// TestQuote: any string, quoted, is one value that reads back as itself; what is not UTF-8 reads back as U+FFFD.
func TestQuote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "s")
		q, err := jql.Parse("x = " + jql.Quote(s))
		if err != nil {
			t.Fatal(err)
		}
		want := jql.Value{Text: strings.ToValidUTF8(string([]rune(s)), "\ufffd")}
		if got := q.Where.(*jql.Terminal).Operand; !cmp.Equal(want, got, sameTree) {
			t.Fatalf("got %q", got)
		}
	})
}

// FuzzParse: what parses prints to something that parses to the same tree, and that prints the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		``, `project = SUP AND status in ("a", EMPTY, f(1)) ORDER BY cf[1] DESC`, `not !a ~ 'x\u0041\ ' or b changed from x to (y,z)`,
		`issue.property["k"].a.b "c" is not null and -5 = "-5"`, `a was not in f() by (b, currentUser()) during ("2024-01-01", now())`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := jql.Parse(s)
		if err != nil {
			var e *jql.SyntaxError
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(s) || e.Line < 1 || e.Col < 1 {
				t.Fatalf("%q: %#v", s, err)
			}
			return
		}
		printed := q.String()
		if len(printed) > jql.MaxQuery { // escapes may outgrow the source
			return
		}
		again, err := jql.Parse(printed)
		if err != nil {
			t.Fatalf("%q printed as %q: %v", s, printed, err)
		}
		if diff := cmp.Diff(q, again, sameTree); diff != "" {
			t.Fatalf("%q printed as %q:\n%s", s, printed, diff)
		}
		if again.String() != printed {
			t.Fatalf("%q is not stable: %q", printed, again)
		}
	})
}
