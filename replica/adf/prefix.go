package adf

import "strings"

// CutPrefix takes prefix off the text that the document begins with, and the
// white space around it: spaces, hard breaks and empty paragraphs. Case counts,
// formatting of prefix does not, and that of the rest stays. White space around
// prefix itself is nothing to look for; an empty prefix is cut from anything.
//
// The text begins in the first paragraph, heading, code or item, however deep in
// lists, tables or panels. A document that begins with anything else to see (a
// mention, a picture, a rule) has no prefix; then d itself comes back.
func (d *Doc) CutPrefix(prefix string) (*Doc, bool) {
	prefix = trim(prefix)
	if prefix == "" {
		return d, true
	}
	content, ok := cutBlocks(d.Content, prefix)
	if !ok {
		return d, false
	}
	// What is left of a first line that was the prefix alone, and empty lines below.
	for len(content) > 0 && content[0].Type == "paragraph" && content[0].blank() {
		content = content[1:]
	}
	return d.with(content), true
}

// cutBlocks cuts in the first block that is not blank.
func cutBlocks(blocks []*Node, prefix string) ([]*Node, bool) {
	first := 0
	for first < len(blocks) && blocks[first].blank() {
		first++
	}
	if first == len(blocks) || len(blocks[first].Content) == 0 {
		return nil, false
	}
	block := *blocks[first]
	var ok bool
	if holdsText(block.Content) {
		block.Content, ok = cutInline(block.Content, prefix)
	} else {
		block.Content, ok = cutBlocks(block.Content, prefix)
	}
	if !ok {
		return nil, false
	}
	// Blank blocks before it are white space before the prefix.
	return append([]*Node{&block}, blocks[first+1:]...), true
}

// holdsText says that a node's content is inline: it begins with text or a
// break.
func holdsText(content []*Node) bool {
	return content[0].Type == "text" || content[0].Type == "hardBreak"
}

// cutInline cuts prefix, which may be spread over several texts and breaks, and
// the white space before and after it.
func cutInline(inline []*Node, prefix string) ([]*Node, bool) {
	rest := trimInline(inline)
	for prefix != "" {
		if len(rest) == 0 {
			return nil, false
		}
		switch n := rest[0]; n.Type {
		case "hardBreak":
			if prefix[0] != '\n' {
				return nil, false
			}
			prefix, rest = prefix[1:], rest[1:]
		case "text":
			if after, ok := strings.CutPrefix(n.Text, prefix); ok {
				left := *n
				left.Text, prefix = after, ""
				rest = append([]*Node{&left}, rest[1:]...)
			} else if prefix, ok = strings.CutPrefix(prefix, n.Text); ok {
				rest = rest[1:]
			} else {
				return nil, false
			}
		default:
			return nil, false
		}
	}
	return trimInline(rest), true
}

// trimInline takes white space off the front.
func trimInline(inline []*Node) []*Node {
	for len(inline) > 0 && inline[0].space() {
		inline = inline[1:]
	}
	if len(inline) == 0 || inline[0].Type != "text" {
		return inline
	}
	first := *inline[0]
	first.Text = strings.TrimLeftFunc(first.Text, isSpace)
	return append([]*Node{&first}, inline[1:]...)
}
