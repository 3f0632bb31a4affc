package adf

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawn makes valid documents of everything that can be parted, and some that cannot. With marks, each node has
// a number that both pieces keep, so that a test can join them again.
type drawn struct {
	t      *rapid.T
	marked bool
	nodes  int
}

func (g *drawn) node(kind string, content []*Node, attrs ...string) *Node {
	n := &Node{Type: kind, Content: content, Attrs: attrsOf(attrs...)}
	switch kind {
	case "taskList", "taskItem", "decisionList", "decisionItem":
		n.Attrs["localId"] = Attr("l")
	case "heading":
		n.Attrs["level"] = Attr(2)
	}
	if g.nodes++; g.marked {
		n.Attrs["uid"] = Attr(g.nodes)
	}
	return n
}

func (g *drawn) several(most int, make func() *Node) []*Node {
	list := []*Node{make()}
	for range rapid.IntRange(0, most-1).Draw(g.t, "more") {
		list = append(list, make())
	}
	return list
}

func (g *drawn) words() string {
	word := rapid.SampledFrom([]string{"printer ", "a", " ", "jam\n", "\"quoted\" ", "😀", "e\u0301", "\\", "长", "👩\u200d🔧 ", "line of a log\n"}).Draw(g.t, "word")
	return strings.Repeat(word, rapid.SampledFrom([]int{1, 3, 40, 2500}).Draw(g.t, "times"))
}

func (g *drawn) inline() *Node {
	switch rapid.IntRange(0, 9).Draw(g.t, "inline") {
	case 0:
		return g.node("mention", nil, "id", "5b10", "text", "@Jane Doe")
	case 1:
		return g.node("hardBreak", nil)
	}
	marks := rapid.SampledFrom([][]string{nil, {"strong"}, {"em", "strike"}}).Draw(g.t, "marks")
	return textNode(g.words(), marks...)
}

func (g *drawn) line() *Node { return g.node("paragraph", g.several(4, g.inline)) }

func (g *drawn) block(depth int) func() *Node {
	return func() *Node {
		inside := func(kind string, attrs ...string) *Node {
			return g.node(kind, g.several(3, g.block(depth+1)), attrs...)
		}
		item := func() *Node { return g.node("listItem", append([]*Node{g.line()}, g.lists(depth+1)...)) }
		switch kind := rapid.IntRange(0, 12).Draw(g.t, "block"); {
		case kind < 4 || depth > 2:
			return g.line()
		case kind == 4:
			return g.node("heading", []*Node{textNode(g.words())})
		case kind == 5:
			return g.node("codeBlock", []*Node{textNode(g.words() + g.words())}, "language", "go")
		case kind == 6:
			return g.node("bulletList", g.several(6, item))
		case kind == 7:
			return g.node("orderedList", g.several(6, item))
		case kind == 8:
			return g.node("taskList", g.several(5, func() *Node { return g.node("taskItem", g.several(2, g.inline), "state", "DONE") }))
		case kind == 9 && depth == 0:
			return g.table()
		case kind == 10 && depth == 0:
			return inside("expand", "title", "more")
		case kind == 11 && depth == 0:
			column := func() *Node {
				n := g.node("layoutColumn", g.several(3, g.line))
				n.Attrs["width"] = Attr(50)
				return n
			}
			return g.node("layoutSection", []*Node{column(), column()})
		}
		media := &Node{Type: "media", Attrs: attrsOf("type", "file", "id", "u", "collection", "c", "alt", "plan.png")}
		return g.node("mediaSingle", []*Node{media}, "layout", "center")
	}
}

func (g *drawn) lists(depth int) []*Node {
	if depth > 2 || !rapid.Bool().Draw(g.t, "nested") {
		return nil
	}
	return []*Node{g.node("bulletList", g.several(2, func() *Node { return g.node("listItem", []*Node{g.line()}) }))}
}

func (g *drawn) table() *Node {
	cell := func() *Node { return g.node("tableCell", g.several(2, g.line)) }
	row := func() *Node { return g.node("tableRow", []*Node{cell(), cell(), cell()}) }
	return g.node("table", g.several(4, row))
}

func (g *drawn) doc() *Doc { return &Doc{Content: g.several(5, g.block(0))} }

// TestSplit: no part is over the limit, each is valid, and joined they are the document.
func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(2500, 12_000).Draw(t, "limit")
		g := drawn{t: t, marked: rapid.Bool().Draw(t, "marked")}
		d := g.doc()
		before := string(d.JSON())
		parts, err := d.Split(limit)
		if err != nil {
			t.Fatalf("%v: %s", err, before)
		}
		for _, p := range parts {
			b := p.JSON()
			if p.Size() > limit || Size(b) > limit {
				t.Fatalf("a part of %d, the limit is %d", p.Size(), limit)
			}
			if err := Check(b); !g.marked && err != nil {
				t.Fatalf("%v: %s", err, b)
			}
			if len(p.Content) == 0 {
				t.Fatal("an empty part")
			}
		}
		if string(d.JSON()) != before {
			t.Fatal("splitting changed the document")
		}
		if said(parts...) != said(d) {
			t.Fatalf("the parts say %q, not %q", said(parts...), said(d))
		}
		if len(parts) > 1 && d.Size() <= limit || len(parts) > 3+4*d.Size()/limit {
			t.Fatalf("%d parts of %d, the limit is %d", len(parts), d.Size(), limit)
		}
		if !g.marked {
			return
		}
		var blocks []*Node
		for _, p := range parts {
			blocks = append(blocks, p.Content...)
		}
		want := string(d.with(joinedAgain(sections(d.Content))).JSON())
		if got := string(d.with(joinedAgain(sections(blocks))).JSON()); got != want {
			t.Fatalf("joined:\n%s\nwant\n%s", got, want)
		}
	})
}

// said is the text and the inline nodes in order, whatever blocks they are in.
func said(parts ...*Doc) string {
	var out strings.Builder
	for _, p := range parts {
		for n := range p.all() {
			if n.Type == "text" {
				out.WriteString(n.Text)
			} else if n.Content == nil {
				out.WriteString("<" + n.Type + ">")
			}
		}
	}
	return strings.ReplaceAll(out.String(), "<paragraph>", "") // of a cell that fills up a row
}

// sections are blocks with the columns of a layout standing alone, as a section too large for a part is.
func sections(list []*Node) (out []*Node) {
	for _, n := range list {
		if n.Type != "layoutSection" {
			out = append(out, n)
			continue
		}
		for _, column := range n.Content {
			out = append(out, column.Content...)
		}
	}
	return out
}

// joinedAgain makes one of neighbours with the same number, and takes out the cells that fill up a row.
func joinedAgain(list []*Node) (out []*Node) {
	for _, n := range list {
		if n.Type == "tableCell" && n.Attrs["uid"] == nil {
			continue
		}
		if len(out) > 0 && n.Attrs["uid"] != nil && string(out[len(out)-1].Attrs["uid"]) == string(n.Attrs["uid"]) {
			last := out[len(out)-1]
			last.Content = append(slices.Clip(last.Content), n.Content...)
			continue
		}
		c := *n
		out = append(out, &c)
	}
	for _, n := range out {
		if n.Type == "orderedList" {
			n.Attrs = maps.Clone(n.Attrs)
			delete(n.Attrs, "order")
		}
		n.Content = joinedAgain(n.Content)
	}
	return out
}

func split(t *testing.T, in string, limit int) []*Doc {
	t.Helper()
	parts, err := parse(t, in).Split(limit)
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

func TestSplitKeepsShape(t *testing.T) {
	short := doc(p(tx(`a`)))
	if parts := split(t, short, 200); len(parts) != 1 || string(parts[0].JSON()) != canonical(t, short) {
		t.Error("a short document is split")
	}
	long := strings.Repeat("word ", 100)
	// Between blocks: what fits is not parted.
	parts := split(t, doc(p(tx(long))+`,`+p(tx(long))+`,`+p(tx(long))), 1400)
	if len(parts) != 2 || len(parts[0].Content) != 2 || len(parts[1].Content) != 1 {
		t.Errorf("%d parts, %d blocks in the first", len(parts), len(parts[0].Content))
	}
	// An ordered list goes on counting, also where an item is in both parts.
	items := strings.TrimSuffix(strings.Repeat(item(p(tx(long)))+`,`, 4), ",")
	parts = split(t, doc(`{"type":"orderedList","attrs":{"order":5},"content":[`+items+`]}`), 2000)
	if len(parts) != 2 || string(parts[1].Content[0].Attrs["order"]) != strconv.Itoa(5+len(parts[0].Content[0].Content)) {
		t.Errorf("the list goes on with %s", parts[1].Content[0].Attrs["order"])
	}
	parts = split(t, doc(`{"type":"orderedList","content":[`+item(p(tx(`x`)))+`,`+item(p(tx(long+long+long)))+`]}`), 1200)
	if last := parts[len(parts)-1].Content[0]; len(parts) != 3 || string(last.Attrs["order"]) != "2" || len(last.Content) != 1 {
		t.Errorf("%d parts, the last list is %s", len(parts), parts[len(parts)-1].JSON())
	}
	// Code between lines, text between words, a word between letters.
	for _, part := range split(t, doc(`{"type":"codeBlock","content":[`+tx(strings.Repeat(`one two\n`, 200))+`]}`), 600) {
		if text := part.Content[0].Content[0].Text; !strings.HasPrefix(text, "one") || !strings.HasSuffix(text, "two\n") {
			t.Errorf("code is parted within a line: %q", text)
		}
	}
	for _, part := range split(t, doc(p(tx(strings.Repeat(`one two `, 200)))), 600) {
		if text := part.Content[0].Content[0].Text; !strings.HasSuffix(text, " ") || text[0] == ' ' {
			t.Errorf("text is parted within a word: %q", text)
		}
	}
	for _, part := range split(t, doc(p(tx(strings.Repeat(`👩‍🔧`, 300)))), 600) {
		if text := part.Content[0].Content[0].Text; strings.Trim(strings.ReplaceAll(text, "👩‍🔧", ""), "") != "" {
			t.Errorf("a sign of several runes is parted: %q", text)
		}
	}
	// A row keeps its columns.
	row := `{"type":"table","content":[{"type":"tableRow","content":[` + strings.TrimSuffix(strings.Repeat(`{"type":"tableCell","content":[`+p(tx(long))+`]},`, 3), ",") + `]}]}`
	parts = split(t, doc(row), 1750)
	for i, part := range parts {
		if cells := part.Content[0].Content[0].Content; len(cells) != 3 {
			t.Errorf("part %d has a row of %d cells", i, len(cells))
		}
	}
	if len(parts) != 3 {
		t.Errorf("%d parts of three long cells", len(parts))
	}
}

func TestSplitRefuses(t *testing.T) {
	long := strings.Repeat("x", 2000)
	for what, in := range map[string]string{
		"a card":           p(`{"type":"inlineCard","attrs":{"url":"https://` + long + `"}}`),
		"an extension":     `{"type":"extension","attrs":{"extensionKey":"` + long + `","extensionType":"t"}}`,
		"a caption":        `{"type":"mediaSingle","content":[` + picture + `,{"type":"caption","content":[` + tx(long) + `]}]}`,
		"an unknown node":  `{"type":"hologram","content":[` + p(tx(long)) + `]}`,
		"attributes":       `{"type":"panel","attrs":{"panelType":"` + long + `"},"content":[` + p(tx(`a`)) + `]}`,
		"too many parts":   p(tx(strings.Repeat("x", 400_000))),
		"a bare layout":    `{"type":"layoutSection","attrs":{"x":"` + long + `"}}`,
		"a layout in one":  `{"type":"panel","content":[{"type":"layoutSection","content":[{"type":"layoutColumn","content":[` + p(tx(long)) + `]}]}]}`,
		"a row of nothing": `{"type":"table","content":[{"type":"tableRow","content":[` + strings.TrimSuffix(strings.Repeat(`{"type":"tableCell","content":[`+p(``)+`]},`, 50), ",") + `]}]}`,
	} {
		if parts, err := parse(t, doc(in)).Split(1000); !errors.Is(err, ErrIndivisible) {
			t.Errorf("%s: %d parts, %v", what, len(parts), err)
		}
	}
	if _, err := parse(t, doc(p(tx(`a b`)))).Split(10); !errors.Is(err, ErrIndivisible) {
		t.Errorf("a limit below what surrounds any text: %v", err)
	}
}

// TestSplitOfEveryDocument: the valid ones, ten times as long, in parts that are valid.
func TestSplitOfEveryDocument(t *testing.T) {
	parted, whole := 0, 0
	for _, s := range samples(t) {
		if !s.Valid || len(s.ADF) > 3000 {
			continue
		}
		d := parse(t, string(s.ADF))
		d.Content = slices.Repeat(d.Content, 10)
		parts, err := d.Split(1500)
		if err != nil {
			whole++
			continue
		}
		if len(parts) > 1 {
			parted++
		}
		for _, p := range parts {
			if err := Check(p.JSON()); err != nil || p.Size() > 1500 {
				t.Errorf("%s: a part of %d: %v: %s", s.ID, p.Size(), err, p.JSON())
			}
		}
		if said(parts...) != said(d) {
			t.Errorf("%s: the parts say something else", s.ID)
		}
	}
	if parted < 300 || whole > 10 {
		t.Errorf("%d documents are parted, %d cannot be", parted, whole)
	}
}
