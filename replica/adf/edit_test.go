package adf

import (
	"strings"
	"testing"
)

const (
	br     = `{"type":"hardBreak"}`
	jane   = `{"type":"mention","attrs":{"id":"5b10","text":"@Jane Doe","accessLevel":""}}`
	strong = `"marks":[{"type":"strong"}]`
)

func bold(s string) string { return `{"type":"text","text":"` + s + `",` + strong + `}` }

func item(blocks string) string { return `{"type":"listItem","content":[` + blocks + `]}` }

func bullets(items string) string { return `{"type":"bulletList","content":[` + items + `]}` }

func cells(blocks string) string {
	return `{"type":"table","content":[{"type":"tableRow","content":[{"type":"tableCell","content":[` + blocks + `]}]}]}`
}

func parse(t testing.TB, in string) *Doc {
	t.Helper()
	d, err := Parse([]byte(in))
	if err != nil {
		t.Fatalf("%s: %v", in, err)
	}
	return d
}

// same compares canonical forms, and that the original did not change.
func same(t *testing.T, what string, got *Doc, want string, original *Doc, in string) {
	t.Helper()
	if g, w := string(got.JSON()), canonical(t, want); g != w {
		t.Errorf("%s:\ngot  %s\nwant %s", what, g, w)
	}
	if g, w := string(original.JSON()), canonical(t, in); g != w {
		t.Errorf("%s: the original is now %s", what, g)
	}
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"": ``, "\n\n": ``, "a": p(tx(`a`)), "a\n": p(tx(`a`)), "a\nb": p(tx(`a`) + `,` + br + `,` + tx(`b`)),
		"a\r\nb\rc":     p(tx(`a`) + `,` + br + `,` + tx(`b`) + `,` + br + `,` + tx(`c`)),
		"a\n\nb":        p(tx(`a`)) + `,` + p(tx(`b`)),
		"a\r\n\r\nb":    p(tx(`a`)) + `,` + p(tx(`b`)),
		"a\n\n\nb":      p(tx(`a`)) + `,` + p(br+`,`+tx(`b`)),
		"a\n\n\n\nb":    p(tx(`a`)) + `,` + p(``) + `,` + p(tx(`b`)),
		"\na":           p(br + `,` + tx(`a`)),
		" a\t":          p(tx(` a\t`)),
		"*a* {b} \"c\"": p(tx(`*a* {b} \"c\"`)),
		"a\xffb":        p(tx("a\uFFFDb")),
	} {
		if got := string(Text(in).JSON()); got != canonical(t, doc(want)) {
			t.Errorf("%q: %s", in, got)
		}
	}
}

func TestEmpty(t *testing.T) {
	for in, want := range map[string]bool{
		``: true, p(``): true, p(tx(``)): true, p(tx(" \u00a0")+`,`+br) + `,` + p(``): true, `{"type":"heading","attrs":{"level":1}}`: true,
		p(tx(`a`)): false, p(jane): false, `{"type":"rule"}`: false, p(``) + `,` + p(tx(`.`)): false,
		`{"type":"mediaSingle","content":[{"type":"media","attrs":{"type":"file","id":"1"}}]}`: false,
		`{"type":"hologram"}`: false, bullets(item(p(``))): false,
	} {
		if got := parse(t, doc(in)).Empty(); got != want {
			t.Errorf("%s: %v", in, got)
		}
	}
	if !new(Doc).Empty() {
		t.Error("the zero document is not empty")
	}
}

func TestCutPrefix(t *testing.T) {
	const ext = "(external)"
	for what, c := range map[string][2]string{
		"plain":                    {p(tx(`(external) Hello`)), p(tx(`Hello`))},
		"no space":                 {p(tx(`(external)Hello`)), p(tx(`Hello`))},
		"space before and after":   {p(tx(`  (external) \t Hello `)), p(tx(`Hello `))},
		"unicode spaces":           {p(tx("\u00a0\u2003\ufeff(external)\u3000\u202fHello")), p(tx(`Hello`))},
		"twice":                    {p(tx(`(external) (external) x`)), p(tx(`(external) x`))},
		"bold":                     {p(bold(`(external)`) + `,` + tx(` Hello`)), p(tx(`Hello`))},
		"bold with the text":       {p(bold(`(external) Hello`) + `,` + tx(` you`)), p(bold(`Hello`) + `,` + tx(` you`))},
		"split by marks":           {p(tx(` (`) + `,` + bold(`exter`) + `,` + tx(`nal) `) + `,` + bold(` Hello`)), p(bold(`Hello`))},
		"empty texts in between":   {p(tx(`(ext`) + `,` + tx(``) + `,` + tx(`ernal)x`)), p(tx(`x`))},
		"breaks before":            {p(br + `,` + br + `,` + tx(`(external)`) + `,` + br + `,` + tx(`Hello`)), p(tx(`Hello`))},
		"space and breaks before":  {p(tx(` `) + `,` + br + `,` + tx(` (external) Hello`)), p(tx(`Hello`))},
		"empty paragraphs before":  {p(``) + `,` + p(tx(` `)) + `,` + p(tx(`(external) Hello`)), p(tx(`Hello`))},
		"a line of its own":        {p(tx(`(external)`)) + `,` + p(``) + `,` + p(tx(`Hello`)), p(tx(`Hello`))},
		"nothing else":             {p(tx(`(external) `)), ``},
		"before a mention":         {p(tx(`(external) `) + `,` + jane + `,` + tx(` hi`)), p(jane + `,` + tx(` hi`))},
		"before a picture":         {p(tx(`(external)`)) + `,{"type":"rule"}`, `{"type":"rule"}`},
		"heading":                  {`{"type":"heading","attrs":{"level":1},"content":[` + tx(`(external) H`) + `]}`, `{"type":"heading","attrs":{"level":1},"content":[` + tx(`H`) + `]}`},
		"code":                     {`{"type":"codeBlock","content":[` + tx(`(external)\nls -l`) + `]}`, `{"type":"codeBlock","content":[` + tx(`ls -l`) + `]}`},
		"first item of a list":     {bullets(item(p(tx(`(external) a`))) + `,` + item(p(tx(`b`)))), bullets(item(p(tx(`a`))) + `,` + item(p(tx(`b`))))},
		"an item of its own":       {bullets(item(p(tx(`(external)`))) + `,` + item(p(tx(`b`)))), bullets(item(p(``)) + `,` + item(p(tx(`b`))))},
		"cell of a table":          {cells(p(tx(`(external) a`))), cells(p(tx(`a`)))},
		"task":                     {`{"type":"taskList","content":[{"type":"taskItem","content":[` + tx(`(external) do`) + `]}]}`, `{"type":"taskList","content":[{"type":"taskItem","content":[` + tx(`do`) + `]}]}`},
		"in a panel":               {`{"type":"panel","attrs":{"panelType":"info"},"content":[` + p(tx(`(external) a`)) + `]}`, `{"type":"panel","attrs":{"panelType":"info"},"content":[` + p(tx(`a`)) + `]}`},
		"the rest keeps its links": {p(tx(`(external)`) + `,{"type":"text","text":" x","marks":[{"type":"link","attrs":{"href":"u"}}]}`), p(`{"type":"text","text":"x","marks":[{"type":"link","attrs":{"href":"u"}}]}`)},
	} {
		in := doc(c[0])
		d := parse(t, in)
		got, ok := d.CutPrefix(ext)
		if !ok {
			t.Errorf("%s: no prefix", what)
		}
		same(t, what, got, doc(c[1]), d, in)
	}
	for what, in := range map[string]string{
		"no text": ``, "empty paragraphs": p(``) + `,` + p(br), "other text": p(tx(`Hello (external)`)), "other case": p(tx(`(External) x`)),
		"cut short": p(tx(`(external`)), "cut short by a mention": p(tx(`(ext`) + `,` + jane + `,` + tx(`ernal)`)),
		"cut short by a break": p(tx(`(ext`) + `,` + br + `,` + tx(`ernal)`)), "over two paragraphs": p(tx(`(ext`)) + `,` + p(tx(`ernal)`)),
		"behind a mention": p(jane + `,` + tx(`(external)`)), "behind a rule": `{"type":"rule"},` + p(tx(`(external)`)),
		"behind a picture":             `{"type":"mediaSingle","content":[{"type":"media","attrs":{"type":"file"}}]},` + p(tx(`(external)`)),
		"second item":                  bullets(item(p(tx(`a`))) + `,` + item(p(tx(`(external)`)))),
		"behind an item that is empty": bullets(item(p(``))+`,`+item(p(tx(`(external)`)))) + `,` + p(tx(`(external)`)),
		"unknown node":                 `{"type":"hologram","text":"(external)"}`,
	} {
		d := parse(t, doc(in))
		if got, ok := d.CutPrefix(ext); ok || got != d {
			t.Errorf("%s: cut to %s", what, got.JSON())
		}
	}
}

func TestCutPrefixWords(t *testing.T) {
	d := parse(t, doc(p(tx(`note to   partner: x`)+`,`+br+`,`+tx(`y`))))
	for prefix, want := range map[string]bool{
		"": true, "  ": true, "note": true, " note ": true, "note to   partner:": true, "note to partner:": false, "note to   partner: x\ny": true,
		"note to   partner: xy": false,
	} {
		if got, ok := d.CutPrefix(prefix); ok != want || ok && strings.HasPrefix(got.Plain(), "note") && trim(prefix) != "" {
			t.Errorf("%q: %v, %s", prefix, ok, got.JSON())
		}
	}
	if got, ok := new(Doc).CutPrefix("x"); ok || got == nil {
		t.Error("the empty document has a prefix")
	}
}

func TestPrepend(t *testing.T) {
	in := doc(bullets(item(p(tx(`a`)))))
	d := parse(t, in)
	same(t, "list", d.Prepend("Jane Doe, Globex:"), doc(p(bold(`Jane Doe, Globex:`))+`,`+bullets(item(p(tx(`a`))))), d, in)
	if got := new(Doc).Prepend("a\nb").JSON(); string(got) != canonical(t, doc(p(bold(`a`)+`,`+br+`,`+bold(`b`)))) {
		t.Errorf("two lines: %s", got)
	}
}

func TestAppendAndCutLast(t *testing.T) {
	in := `{"version":1,"type":"doc","x":1,"content":[` + p(tx(`a`)) + `]}`
	d := parse(t, in)
	marked := d.Append("[parley abc]")
	same(t, "append", marked, `{"version":1,"type":"doc","x":1,"content":[`+p(tx(`a`))+`,`+p(tx(`[parley abc]`))+`]}`, d, in)
	isMark := func(s string) bool { return strings.HasPrefix(s, "[parley ") }
	rest, line, ok := marked.CutLast(isMark)
	if !ok || line != "[parley abc]" {
		t.Errorf("cut %q, %v", line, ok)
	}
	same(t, "cut", rest, in, marked, string(d.Append("[parley abc]").JSON()))
	if rest, line, ok := d.CutLast(isMark); ok || line != "" || rest != d {
		t.Errorf("cut %q from a document without it", line)
	}
	// A person wrote on below it, and somebody else's mark stands above.
	below := parse(t, doc(p(tx(`[parley 1]`))+`,`+p(bold(`[parley`)+`,`+tx(` 2] `))+`,`+p(tx(`PS`))+`,`+bullets(item(p(tx(`[parley 3]`))))))
	rest, line, ok = below.CutLast(isMark)
	if !ok || line != "[parley 2]" {
		t.Errorf("cut %q, %v", line, ok)
	}
	same(t, "below", rest, doc(p(tx(`[parley 1]`))+`,`+p(tx(`PS`))+`,`+bullets(item(p(tx(`[parley 3]`))))), rest, string(rest.JSON()))
	// Two documents of one origin do not share room to grow.
	one, two := d.Append("1"), d.Append("2")
	if !strings.HasSuffix(one.Plain(), "1") || !strings.HasSuffix(two.Plain(), "2") {
		t.Errorf("%q and %q", one.Plain(), two.Plain())
	}
}
