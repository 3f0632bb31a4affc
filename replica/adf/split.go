package adf

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// maxParts bounds the parts of one document: MaxSize is 128 times Jira's limit.
const maxParts = 256

// ErrIndivisible says that a document has a piece beyond the limit that cannot be parted: a card, an extension, a
// picture's caption, a node that this package does not know; or that it would be more than 256 parts.
var ErrIndivisible = errors.New("a document that cannot be split")

// Split parts d into documents of at most limit (as Size measures), in order. It parts between blocks; a block that
// no part can hold is parted itself: lists between items, tables between rows, code between lines, text
// between words. Then both pieces have the block's type, attributes and marks; an ordered list goes on counting,
// and a row has empty cells for what stands in the other piece. A document within the limit is its only part.
// Callers leave room for what they prepend. The error is an ErrIndivisible.
func (d *Doc) Split(limit int) ([]*Doc, error) {
	if d.Size() <= limit {
		return []*Doc{d}, nil
	}
	room := limit - d.with(nil).Size()
	var parts []*Doc
	for rest := d.Content; len(rest) > 0; {
		if len(parts) == maxParts {
			return nil, ErrIndivisible
		}
		head, left, ok := fill(rest, "doc", room)
		if !ok {
			return nil, ErrIndivisible
		}
		parts, rest = append(parts, d.with(head)), left
	}
	return parts, nil
}

// fill takes as many nodes as there is room for; where not even the first fits, a piece of it.
func fill(list []*Node, parent string, room int) (head, rest []*Node, ok bool) {
	list = merged(list)
	used := 0
	for i, n := range list {
		size := nodeSize(n, room-used)
		if used+size <= room {
			used += size
			continue
		}
		if i > 0 {
			return list[:i:i], list[i:], true
		}
		if n.Type == "layoutSection" && parent == "doc" && len(n.Content) > 0 { // a part of it must have two columns, its blocks may stand alone
			return fill(dissolved(list), parent, room)
		}
		piece, left, ok := part(n, parent, room)
		if !ok {
			return nil, nil, false
		}
		return []*Node{piece}, append([]*Node{left}, list[1:]...), true
	}
	return list, nil, true
}

// dissolved is list with the blocks of its first node's columns in the place of that node.
func dissolved(list []*Node) []*Node {
	var out []*Node
	for _, column := range list[0].Content {
		if column.Type == "layoutColumn" {
			out = append(out, column.Content...)
		} else {
			out = append(out, column)
		}
	}
	return append(out, list[1:]...)
}

// isParted are the nodes whose content can be in two of them.
var isParted = map[string]bool{
	"paragraph": true, "heading": true, "codeBlock": true, "blockquote": true, "panel": true, "expand": true, "nestedExpand": true,
	"bulletList": true, "orderedList": true, "listItem": true, "taskList": true, "taskItem": true, "blockTaskItem": true,
	"decisionList": true, "decisionItem": true, "table": true, "tableRow": true, "tableCell": true, "tableHeader": true, "mediaGroup": true,
}

// part parts a node that room cannot hold.
func part(n *Node, parent string, room int) (piece, left *Node, ok bool) {
	if n.plainText() {
		return partText(n, parent == "codeBlock", room)
	}
	if !isParted[n.Type] {
		return nil, nil, false
	}
	bare := *n
	bare.Content = padding(n, 0, len(n.Content))
	if n.Type == "orderedList" {
		bare.Attrs = numberFrom(n, 1<<30) // as long as any
	}
	room -= nodeSize(&bare, room)
	if room <= 0 {
		return nil, nil, false
	}
	blank := blankCells(n) // counted above
	head, rest, ok := fill(n.Content[blank:], n.Type, room)
	if !ok || len(head) == 0 || len(rest) == 0 { // nothing but what is around it was too much
		return nil, nil, false
	}
	first, second := *n, *n
	first.Content, second.Content = head, rest
	next := len(n.Content) - len(rest) // the child that the second begins with
	switch n.Type {
	case "orderedList":
		second.Attrs = numberFrom(n, n.order()+next)
	case "tableRow":
		first.Content = slices.Concat(n.Content[:blank], head, padding(n, blank+len(head), len(n.Content)))
		second.Content = append(padding(n, 0, next), rest...)
	}
	return &first, &second, true
}

// numberFrom is the attributes of an ordered list that begins with a number.
func numberFrom(n *Node, order int) map[string]json.RawMessage {
	attrs := maps.Clone(n.Attrs)
	if attrs == nil {
		attrs = map[string]json.RawMessage{}
	}
	attrs["order"] = json.RawMessage(strconv.Itoa(order))
	return attrs
}

// padding is an empty cell for each of a row's children from the first to before the second.
func padding(n *Node, from, to int) []*Node {
	if n.Type != "tableRow" {
		return nil
	}
	cells := make([]*Node, 0, to-from)
	for _, cell := range n.Content[from:to] {
		empty := &Node{Type: cell.Type, Content: []*Node{Paragraph()}}
		if span, ok := cell.Attrs["colspan"]; ok {
			empty.Attrs = map[string]json.RawMessage{"colspan": span}
		}
		cells = append(cells, empty)
	}
	return cells
}

// blankCells counts the empty cells that a row begins with.
func blankCells(n *Node) int {
	if n.Type != "tableRow" {
		return 0
	}
	filled := slices.IndexFunc(n.Content, func(cell *Node) bool {
		return len(cell.Content) != 1 || cell.Content[0].Type != "paragraph" || len(cell.Content[0].Content) > 0
	})
	return max(filled, 0)
}

// partText parts behind a line's end, else behind white space, else between characters. Every rune is in one of
// the pieces.
func partText(n *Node, code bool, room int) (piece, left *Node, ok bool) {
	bare := *n
	bare.Text = ""
	room -= nodeSize(&bare, room)
	end, line, word := 0, 0, 0
	var scratch [8]byte
	for i, r := range n.Text {
		cost := unitsOf(r)
		if r < 0x20 || r == '"' || r == '\\' { // escaped
			cost = len(appendString(scratch[:0], string(r))) - len(`""`)
		}
		if room -= cost; room < 0 {
			break
		}
		_, size := utf8.DecodeRuneInString(n.Text[i:])
		end = i + size
		if r == '\n' {
			line = end
		}
		if unicode.IsSpace(r) {
			word = end
		}
	}
	switch {
	case code && line > 0:
		end = line
	case word > 0:
		end = word
	default:
		end = wholeRune(n.Text, end)
	}
	if end == 0 || end == len(n.Text) {
		return nil, nil, false
	}
	first, second := *n, *n
	first.Text, second.Text = n.Text[:end], n.Text[end:]
	return &first, &second, true
}

// wholeRune moves an end before what joins the rune in front of it, unless nothing is left: combining marks,
// variation selectors and zero-width joiners.
func wholeRune(s string, end int) int {
	joins := func(r rune) bool { return unicode.Is(unicode.M, r) || r == '\u200d' }
	for at := end; at > 0; {
		before, size := utf8.DecodeLastRuneInString(s[:at])
		after, _ := utf8.DecodeRuneInString(s[at:])
		if !joins(after) && before != '\u200d' {
			return at
		}
		at -= size
	}
	return end
}

// nodeSize is what a node adds to its document's Size, or anything beyond most: what cannot fit is not measured to
// its end, or a deep document would be measured at each depth of each part.
func nodeSize(n *Node, most int) int {
	if len(n.Text) > 4*max(most, 0) { // a rune has at most 4 bytes
		return len(n.Text)
	}
	bare := *n
	bare.Content = nil
	var w writer
	w.node(&bare)
	size := units(string(w.out)) + len(",") + idSize(n)
	if n.Type != "text" {
		const digits = 6 // of a localId that is numbered: there are fewer than maxValues
		size += len(`,"content":[]`) + digits
	}
	for _, c := range merged(n.Content) {
		if size > most {
			break
		}
		size += nodeSize(c, most-size)
	}
	return size
}
