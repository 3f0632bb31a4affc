package sim

// Wiki markup → ADF, for what comes in by API v2 and servicedeskapi. The order of work: macros with a body are
// taken out first (their text is no markup), then lines become blocks (wiki_block.go), then text becomes
// inline nodes (wiki_inline.go), and at last everything is put where the grammar of ADF lets it stand.
// No text is lost: what cannot be read as markup stays as it was written.

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

const (
	maxWikiBytes = 128 << 10 // longer text is kept as plain text; fields take 32,767 characters at most
	maxWikiDepth = 12        // macros in macros, lists in lists
)

// wikiToADF gives the stored form of wiki text: always a valid document.
func wikiToADF(s string) json.RawMessage {
	s = strings.ToValidUTF8(strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n"), "\uFFFD")
	root := &adfNode{Type: "doc"}
	if len(s) > maxWikiBytes {
		root.Content = []*adfNode{para(&adfNode{Type: "text", Text: s})}
	} else {
		p := &wikiParser{}
		root.Content = contain("doc", p.blocks(p.cutMacros(s)))
	}
	tree := root.toJSON()
	tree["version"] = 1
	if tree["content"] == nil {
		tree["content"] = []any{}
	}
	raw, err := json.Marshal(tree)
	if err != nil { // cannot happen: the tree holds strings, numbers that were JSON, and bools
		return json.RawMessage(`{"version":1,"type":"doc","content":[]}`)
	}
	return raw
}

// wikiParser keeps the bodies of the macros that were cut out. Where one stood, the text has its number
// between two bytes that valid UTF-8 never holds.
type wikiParser struct {
	macros [][]*adfNode
	depth  int
}

const macroOpen, macroClose = "\xff", "\xfe"

var macroStart = regexp.MustCompile(`\{(code|noformat|quote|panel|adf)(?::([^}\n]*))?\}`)

// cutMacros replaces each macro with a body by its number.
func (p *wikiParser) cutMacros(s string) string {
	var b strings.Builder
	for {
		m := macroStart.FindStringSubmatchIndex(s)
		if m == nil {
			break
		}
		if m[0] > 0 && s[m[0]-1] == '\\' {
			b.WriteString(s[:m[1]])
			s = s[m[1]:]
			continue
		}
		name, params := s[m[2]:m[3]], ""
		if m[4] >= 0 {
			params = s[m[4]:m[5]]
		}
		b.WriteString(s[:m[0]])
		rest := s[m[1]:]
		body, after, closed := strings.Cut(rest, "{"+name+"}")
		if !closed {
			body, after = "", rest
		}
		p.macros = append(p.macros, nil)
		number := len(p.macros) - 1
		p.macros[number] = p.macro(name, params, body)
		b.WriteString(macroOpen + strconv.Itoa(number) + macroClose)
		s = after
	}
	b.WriteString(s)
	return b.String()
}

func (p *wikiParser) macro(name, params, body string) []*adfNode {
	switch name {
	case "code":
		return withTitle(macroParam(params, "title"), codeBlock(codeLanguage(params), body))
	case "noformat":
		return withTitle(macroParam(params, "title"), codeBlock("", body))
	case "adf":
		return []*adfNode{p.adfMacro(body)}
	}
	if p.depth >= maxWikiDepth {
		return []*adfNode{codeBlock("", body)}
	}
	p.depth++
	inner := p.blocks(p.cutMacros(strings.TrimLeft(body, " ")))
	p.depth--
	if name == "quote" {
		return wrap("blockquote", nil, inner)
	}
	if title := macroParam(params, "title"); title != "" {
		inner = append([]*adfNode{para(strongText(title))}, inner...)
	}
	return wrap("panel", map[string]any{"panelType": panelOf(macroParam(params, "bgColor"))}, inner)
}

// adfMacro reads the JSON that wikiRaw wrote. What is no valid node stays readable as code.
func (p *wikiParser) adfMacro(body string) *adfNode {
	body = strings.TrimSpace(body)
	doc := json.RawMessage(`{"version":1,"type":"doc","content":[` + body + `]}`)
	if n := parseADF(doc); n != nil && len(n.Content) == 1 {
		if validADF(doc) == nil || adfGrammarTakes(n.Content[0]) {
			return n.Content[0]
		}
	}
	return codeBlock("", "Invalid ADF Macro: "+body)
}

// adfGrammarTakes judges a node that may not stand in a document's root: an inline one, or one of a table cell.
func adfGrammarTakes(n *adfNode) bool {
	raw, err := json.Marshal(n.toJSON())
	if err != nil {
		return false
	}
	in := `{"version":1,"type":"doc","content":[{"type":"paragraph","content":[` + string(raw) + `]}]}`
	if n.Type == "nestedExpand" {
		in = `{"version":1,"type":"doc","content":[{"type":"expand","content":[` + string(raw) + `]}]}`
	}
	return validADF(json.RawMessage(in)) == nil
}

func macroParam(params, name string) string {
	for _, part := range strings.Split(params, "|") {
		if k, v, ok := strings.Cut(part, "="); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func codeLanguage(params string) string {
	first, _, _ := strings.Cut(params, "|")
	for _, lang := range []string{first, macroParam(params, "language"), macroParam(params, "lang")} {
		if lang = strings.ToLower(strings.TrimSpace(lang)); codeLanguages[lang] {
			return lang
		}
	}
	return "java" // what Jira takes a {code} without a language it knows for
}

func codeBlock(lang, body string) *adfNode {
	n := &adfNode{Type: "codeBlock", Attrs: map[string]any{}}
	if lang != "" {
		n.Attrs["language"] = lang
	}
	if body = strings.TrimSpace(body); body != "" {
		n.Content = []*adfNode{{Type: "text", Text: body}}
	}
	return n
}

func withTitle(title string, n *adfNode) []*adfNode {
	if title == "" {
		return []*adfNode{n}
	}
	return []*adfNode{para(strongText(title)), n}
}

func strongText(s string) *adfNode {
	return &adfNode{Type: "text", Text: s, Marks: []adfMark{{Type: "strong"}}}
}

func para(inline ...*adfNode) *adfNode { return &adfNode{Type: "paragraph", Content: inline} }

// panelOf finds the panel whose colour is nearest to a background colour, as Jira guesses it.
func panelOf(colour string) string {
	r, g, b, ok := rgb(colour)
	if !ok {
		return "info"
	}
	best, least := "info", 1<<30
	for _, kind := range []string{"info", "note", "success", "warning", "error"} {
		pr, pg, pb, _ := rgb(panelColours[kind])
		if d := (r-pr)*(r-pr) + (g-pg)*(g-pg) + (b-pb)*(b-pb); d < least {
			best, least = kind, d
		}
	}
	return best
}

func rgb(colour string) (r, g, b int, ok bool) {
	hex, ok := strings.CutPrefix(hexColour(colour, ""), "#")
	n, err := strconv.ParseUint(hex, 16, 32)
	return int(n >> 16), int(n >> 8 & 255), int(n & 255), ok && err == nil
}

// wrap puts nodes into containers of a kind. What may not stand in one ends it, stands by itself, and the
// rest begins another: Jira does the same with a panel inside a quote.
func wrap(kind string, attrs map[string]any, nodes []*adfNode) []*adfNode {
	var out []*adfNode
	var open *adfNode
	for _, n := range nodes {
		if n = fit(kind, n); !mayStand(kind, n) {
			out, open = append(out, n), nil
			continue
		}
		if open == nil {
			open = &adfNode{Type: kind, Attrs: attrs}
			out = append(out, open)
		}
		open.Content = append(open.Content, n)
	}
	if len(out) == 0 {
		return []*adfNode{{Type: kind, Attrs: attrs, Content: []*adfNode{para()}}}
	}
	return out
}

// contain makes every child of a place one that the grammar takes there.
func contain(kind string, nodes []*adfNode) []*adfNode {
	out := make([]*adfNode, 0, len(nodes))
	for _, n := range nodes {
		if n = fit(kind, n); mayStand(kind, n) {
			out = append(out, n)
			continue
		}
		out = append(out, asText(kind, n)...)
	}
	return out
}

func mayStand(kind string, n *adfNode) bool {
	for _, as := range adfNodes[kind].children {
		if as.kind == n.Type {
			return true
		}
	}
	return false
}

// headingStyles is how a heading looks where no heading may stand.
var headingStyles = map[string][]adfMark{
	"1": {{Type: "strong"}}, "2": {{Type: "strong"}, {Type: "em"}}, "3": {{Type: "strong"}},
	"4": {{Type: "strong"}, grey}, "5": {{Type: "em"}, grey}, "6": {grey},
}

var grey = adfMark{Type: "textColor", Attrs: map[string]any{"color": "#97a0af"}}

// fit turns a heading into a styled paragraph, and a quote into its only paragraph, where they may not stand.
func fit(kind string, n *adfNode) *adfNode {
	if mayStand(kind, n) {
		return n
	}
	switch {
	case n.Type == "heading":
		level := n.attr("level")
		for _, c := range n.Content {
			if level == "1" {
				c.Text = strings.ToUpper(c.Text)
			}
			for _, m := range headingStyles[level] {
				addMark(c, m)
			}
		}
		return para(n.Content...)
	case n.Type == "blockquote" && len(n.Content) == 1 && n.Content[0].Type == "paragraph":
		return n.Content[0]
	}
	return n
}

// asText is the last resort: the node's own children where they may stand, else its words in a paragraph.
func asText(kind string, n *adfNode) []*adfNode {
	if !isBlock(n.Type) {
		return []*adfNode{para(n)}
	}
	var inner []*adfNode
	for _, c := range n.Content {
		if c = fit(kind, c); mayStand(kind, c) {
			inner = append(inner, c)
		}
	}
	if len(inner) == len(n.Content) && len(inner) > 0 {
		return inner
	}
	var b strings.Builder
	textOf(&b, n)
	if b.Len() == 0 {
		return nil
	}
	return []*adfNode{para(&adfNode{Type: "text", Text: b.String()})}
}

// addMark marks a text node; code text takes nothing but links, and no mark comes twice.
func addMark(n *adfNode, m adfMark) {
	if n.Type != "text" || n.mark(m.Type) != nil || n.mark("code") != nil && m.Type != "link" {
		return
	}
	n.Marks = append(n.Marks, m)
}
