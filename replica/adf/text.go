package adf

import "strings"

// Text makes a document of plain text: an empty line parts paragraphs, other
// line ends are hard breaks. Line ends at the end of s are dropped. Plain gives
// the text back, but for what Plain trims.
func Text(s string) *Doc {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
	s = strings.TrimRight(s, "\n")
	if s == "" {
		return new(Doc)
	}
	d := new(Doc)
	for _, block := range strings.Split(s, "\n\n") {
		d.Content = append(d.Content, Paragraph(lines(block)...))
	}
	return d
}

// File is a document that shows one file of this tenant's, by the id that its media service has for it.
func File(media, name string) *Doc {
	file := &Node{Type: "media", Attrs: attrsOf("type", "file", "id", media, "alt", name)}
	file.Attrs["collection"] = Attr("") // demanded, but may be empty
	return &Doc{Content: []*Node{{Type: "mediaGroup", Content: []*Node{file}}}}
}

// Paragraph is a paragraph of inline nodes.
func Paragraph(inline ...*Node) *Node { return &Node{Type: "paragraph", Content: inline} }

// textNode is a text node with marks of these types, which must need no attributes.
func textNode(s string, marks ...string) *Node {
	n := &Node{Type: "text", Text: s}
	for _, m := range marks {
		n.Marks = append(n.Marks, Mark{Type: m})
	}
	return n
}

// lines is text with hard breaks for line ends.
func lines(s string, marks ...string) []*Node {
	var all []*Node
	for i, line := range strings.Split(s, "\n") {
		if i > 0 {
			all = append(all, &Node{Type: "hardBreak"})
		}
		if line != "" {
			all = append(all, textNode(line, marks...))
		}
	}
	return all
}

// Prepend puts a first paragraph in bold before the document: who said what
// follows.
func (d *Doc) Prepend(byline string) *Doc {
	byline = strings.ToValidUTF8(byline, "\uFFFD")
	return d.with(append([]*Node{Paragraph(lines(byline, "strong")...)}, d.Content...))
}

// Append puts a last paragraph of plain text behind the document.
func (d *Doc) Append(line string) *Doc {
	line = strings.ToValidUTF8(line, "\uFFFD")
	return d.with(append(d.Content[:len(d.Content):len(d.Content)], Paragraph(lines(line)...)))
}

// CutLast takes off the last paragraph whose plain text match accepts, and
// returns that text. It looks at every paragraph that is in no other block,
// for a person may have written on below it. Where none matches, d comes back.
func (d *Doc) CutLast(match func(line string) bool) (*Doc, string, bool) {
	for i := len(d.Content) - 1; i >= 0; i-- {
		n := d.Content[i]
		if n.Type != "paragraph" {
			continue
		}
		if line := n.plain(); match(line) {
			rest := append(d.Content[:i:i], d.Content[i+1:]...)
			return d.with(rest), line, true
		}
	}
	return d, "", false
}

// with is d with other content.
func (d *Doc) with(content []*Node) *Doc { return &Doc{Content: content, Extra: d.Extra} }
