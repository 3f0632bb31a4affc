package sim

import (
	"encoding/json"
	"regexp"
	"strings"
)

var (
	headingLine = regexp.MustCompile(`^\s*h([1-6])\.(.*)$`)
	quoteLine   = regexp.MustCompile(`^\s*bq\.\s(.*)$`)
	ruleLine    = regexp.MustCompile(`^\s*-{4,5}\s*$`)
	listLine    = regexp.MustCompile(`^\s*([*#]+|-+)[ \t]+(.*)$`)
	tableLine   = regexp.MustCompile(`^\s*\|`)
)

// blocks reads lines, one kind of block after the other.
func (p *wikiParser) blocks(s string) []*adfNode {
	lines := strings.Split(s, "\n")
	var out []*adfNode
	for i := 0; i < len(lines); {
		line := lines[i]
		switch {
		case strings.TrimSpace(line) == "":
			i++
		case headingLine.MatchString(line):
			m := headingLine.FindStringSubmatch(line)
			out = append(out, p.heading(m[1], strings.TrimLeft(m[2], " \t"))...)
			i++
		case quoteLine.MatchString(line):
			out = append(out, wrap("blockquote", nil, p.paragraphs(quoteLine.FindStringSubmatch(line)[1]))...)
			i++
		case ruleLine.MatchString(line):
			out = append(out, &adfNode{Type: "rule"})
			i++
		case startsList(line):
			end := listEnd(lines, i)
			out = append(out, p.list(lines[i:end])...)
			i = end
		case tableLine.MatchString(line):
			end := tableEnd(lines, i)
			out = append(out, p.table(lines[i:end]))
			i = end
		default:
			end := i + 1
			for end < len(lines) && !startsBlock(lines[end]) {
				end++
			}
			out = append(out, p.paragraphs(trimLines(lines[i:end]))...)
			i = end
		}
	}
	return out
}

func startsBlock(line string) bool {
	return strings.TrimSpace(line) == "" || headingLine.MatchString(line) || quoteLine.MatchString(line) ||
		ruleLine.MatchString(line) || startsList(line) || tableLine.MatchString(line)
}

// startsList tells whether a line begins a list. Two or three dashes only go on with one; alone they are a dash.
func startsList(line string) bool {
	m := listLine.FindStringSubmatch(line)
	return m != nil && !strings.HasPrefix(m[1], "--")
}

func trimLines(lines []string) string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = strings.TrimLeft(l, " \t")
	}
	return strings.Join(out, "\n")
}

func (p *wikiParser) heading(level, text string) []*adfNode {
	attrs := map[string]any{"level": json.Number(level)}
	var out []*adfNode
	for _, n := range p.paragraphs(text) {
		if n.Type == "paragraph" {
			n = &adfNode{Type: "heading", Attrs: attrs, Content: n.Content}
		}
		out = append(out, n)
	}
	if len(out) == 0 {
		out = append(out, &adfNode{Type: "heading", Attrs: attrs})
	}
	return out
}

// paragraphs reads inline text; blocks that stand in it (code, pictures, files) split the paragraph.
func (p *wikiParser) paragraphs(s string) []*adfNode {
	var out []*adfNode
	var open *adfNode
	for _, n := range p.inline(s) {
		if isBlock(n.Type) {
			if open != nil {
				dropLastBreak(open)
				if trimParagraph(open) {
					out = out[:len(out)-1]
				}
			}
			open = nil
			if len(out) > 0 && n.Type == "mediaGroup" && out[len(out)-1].Type == "mediaGroup" {
				group := out[len(out)-1]
				group.Content = append(group.Content, n.Content...)
				continue
			}
			out = append(out, n)
			continue
		}
		if open == nil {
			if n.Type == "hardBreak" {
				continue
			}
			open = para()
			out = append(out, open)
		}
		open.Content = append(open.Content, n)
	}
	if open != nil && trimParagraph(open) {
		out = out[:len(out)-1]
	}
	return out
}

// dropLastBreak takes off the line break that only led to a block on the next line.
func dropLastBreak(n *adfNode) {
	if last := len(n.Content) - 1; last > 0 && n.Content[last].Type == "hardBreak" {
		n.Content = n.Content[:last]
	}
}

// trimParagraph takes breaks off a paragraph's end and tells whether nothing but white space is left.
func trimParagraph(n *adfNode) bool {
	for len(n.Content) > 0 && n.Content[len(n.Content)-1].Type == "hardBreak" && len(n.Content) > 1 &&
		n.Content[len(n.Content)-2].Type == "hardBreak" {
		n.Content = n.Content[:len(n.Content)-1]
	}
	for _, c := range n.Content {
		if c.Type != "hardBreak" && (c.Type != "text" || strings.TrimSpace(c.Text) != "") {
			return false
		}
	}
	return true
}

func listEnd(lines []string, i int) int {
	for i < len(lines) && strings.TrimSpace(lines[i]) != "" && !ruleLine.MatchString(lines[i]) &&
		!headingLine.MatchString(lines[i]) && !quoteLine.MatchString(lines[i]) {
		i++
	}
	return i
}

// list reads items and the lines that go on with them. Depth is the number of signs; the last sign tells the kind.
func (p *wikiParser) list(lines []string) []*adfNode {
	l := listBuilder{}
	for i := 0; i < len(lines); {
		m := listLine.FindStringSubmatch(lines[i])
		text := m[2]
		for i++; i < len(lines) && !listLine.MatchString(lines[i]); i++ {
			text += "\n" + lines[i]
		}
		item := l.item(m[1])
		p.fillItem(&l, item, text)
	}
	return l.top
}

// fillItem puts an item's blocks into it; what no item may hold (a panel, a rule) ends the list.
func (p *wikiParser) fillItem(l *listBuilder, item *adfNode, text string) {
	blocks := p.paragraphs(text)
	switch {
	case ruleLine.MatchString(text):
		blocks = []*adfNode{para(), {Type: "rule"}}
	case headingLine.MatchString(text) || quoteLine.MatchString(text):
		blocks = p.blocks(text)
	}
	if len(blocks) == 0 {
		blocks = []*adfNode{para()}
	}
	for _, n := range blocks {
		if n = fit("listItem", n); mayStand("listItem", n) {
			item.Content = append(item.Content, n)
			continue
		}
		if len(item.Content) == 0 {
			item.Content = append(item.Content, para())
		}
		l.top = append(l.top, n)
		l.stack = nil
		// Whatever follows in this item stands by itself as well.
		item = &adfNode{}
	}
	if item.Type == "" && len(item.Content) > 0 {
		l.top = append(l.top, item.Content...)
	}
}

type listBuilder struct {
	top   []*adfNode
	stack []*adfNode // the open lists, outermost first
}

// item opens an item at the depth and of the kind that its signs say.
func (l *listBuilder) item(signs string) *adfNode {
	depth := min(len(signs), maxWikiDepth)
	kind := "bulletList"
	if signs[len(signs)-1] == '#' {
		kind = "orderedList"
	}
	if len(l.stack) > depth {
		l.stack = l.stack[:depth]
	}
	if len(l.stack) == depth && l.stack[depth-1].Type != kind {
		l.stack = l.stack[:depth-1]
	}
	for len(l.stack) < depth {
		list := &adfNode{Type: kind}
		if kind == "orderedList" {
			list.Attrs = map[string]any{"order": json.Number("1")}
		}
		if len(l.stack) == 0 {
			l.top = append(l.top, list)
		} else {
			outer := l.stack[len(l.stack)-1]
			if len(outer.Content) == 0 {
				outer.Content = []*adfNode{{Type: "listItem"}}
			}
			last := outer.Content[len(outer.Content)-1]
			last.Content = append(last.Content, list)
		}
		l.stack = append(l.stack, list)
	}
	list := l.stack[depth-1]
	item := &adfNode{Type: "listItem"}
	list.Content = append(list.Content, item)
	return item
}

// tableEnd finds the end of a table: rows begin with a bar, and a row that ends without one goes on.
func tableEnd(lines []string, i int) int {
	for i++; i < len(lines); i++ {
		if strings.TrimSpace(lines[i]) == "" || !tableLine.MatchString(lines[i]) && rowClosed(lines[i-1]) {
			break
		}
	}
	return i
}

func rowClosed(line string) bool { return strings.HasSuffix(strings.TrimSpace(line), "|") }

func (p *wikiParser) table(lines []string) *adfNode {
	table := &adfNode{Type: "table", Attrs: map[string]any{"isNumberColumnEnabled": false, "layout": "default"}}
	for i := 0; i < len(lines); {
		row := strings.TrimLeft(lines[i], " \t")
		for i++; i < len(lines) && !tableLine.MatchString(lines[i]); i++ {
			row += "\n" + lines[i]
		}
		table.Content = append(table.Content, p.row(row))
	}
	return table
}

func (p *wikiParser) row(s string) *adfNode {
	row := &adfNode{Type: "tableRow"}
	for len(s) > 0 {
		kind := "tableCell"
		s = s[1:] // the bar
		if strings.HasPrefix(s, "|") {
			kind, s = "tableHeader", s[1:]
		}
		end := cellEnd(s)
		text := s[:end]
		s = s[end:]
		if s == "" && strings.TrimSpace(text) == "" && len(row.Content) > 0 {
			break // after the last bar
		}
		cell := &adfNode{Type: kind, Attrs: map[string]any{}}
		cell.Content = contain(kind, p.blocks(strings.TrimLeft(text, " \t")))
		if len(cell.Content) == 0 {
			cell.Content = []*adfNode{para()}
		}
		if kind == "tableHeader" {
			embolden(cell)
		}
		row.Content = append(row.Content, cell)
	}
	return row
}

func embolden(cell *adfNode) {
	for _, c := range cell.Content {
		for _, t := range c.Content {
			if c.Type == "paragraph" {
				addMark(t, adfMark{Type: "strong"})
			}
		}
	}
}

// cellEnd finds the next bar that is not inside a link, a macro's head, code text or a picture.
func cellEnd(s string) int {
	for i := 0; i < len(s); i++ {
		closing := ""
		switch s[i] {
		case '|':
			return i
		case '[':
			closing = "]"
		case '!':
			closing = "!"
		case '{':
			closing = "}"
		}
		if closing == "" || i+1 >= len(s) || s[i+1] == ' ' {
			continue
		}
		line, _, _ := strings.Cut(s[i+1:], "\n")
		if j := strings.Index(line, closing); j > 0 && strings.Contains(line[:j], "|") && (closing != "!" || strings.Contains(line[:j], ".")) {
			i += j + 1
		}
	}
	return len(s)
}
