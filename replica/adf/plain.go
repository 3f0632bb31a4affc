package adf

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Plain is the text alone, one block a line, as the TextSerializer of
// Atlassian's @atlaskit/renderer 127.5.0 gives it.
func (d *Doc) Plain() string {
	lines := strings.Split(joined(d.Content, "\n"), "\n")
	// One newline for several; at the ends one stays, as Atlassian has it.
	first, last := lines[0], lines[len(lines)-1]
	inner := slices.DeleteFunc(lines, func(line string) bool { return line == "" })
	out := strings.Join(inner, "\n")
	if out == "" {
		if len(lines) > 1 {
			return "\n"
		}
		return ""
	}
	if first == "" {
		out = "\n" + out
	}
	if last == "" {
		out += "\n"
	}
	return out
}

func joined(list []*Node, separator string) string {
	parts := make([]string, len(list))
	for i, n := range list {
		parts[i] = n.plain()
	}
	return strings.Join(parts, separator)
}

// plain is one node's text. A node that has no line here is its content
// without separators, or else its name in brackets.
func (n *Node) plain() string {
	switch n.Type {
	case "text":
		return n.Text
	case "hardBreak":
		return "\n"
	case "rule":
		return ""
	case "paragraph", "heading":
		return n.inline()
	case "taskItem":
		if n.Attr("state") == "DONE" {
			return "[x] " + n.inline()
		}
		return "[] " + n.inline()
	case "decisionItem":
		return "<> " + n.inline()
	case "blockquote":
		return "> " + joined(n.Content, "")
	case "panel", "listItem", "tableCell", "tableHeader":
		return joined(n.Content, "\n")
	case "bulletList":
		return n.items(func(int) string { return "* " })
	case "orderedList":
		first := n.order()
		return n.items(func(i int) string { return strconv.Itoa(first+i) + ". " })
	case "table":
		return n.rows()
	case "mediaGroup":
		return n.files()
	case "mention", "status", "date", "inlineCard":
		return n.reference()
	}
	if len(n.Content) > 0 {
		return joined(n.Content, "")
	}
	return n.name()
}

// name is what stands for a node that nothing better is known of.
func (n *Node) name() string {
	for _, attr := range [...]string{"text", "shortName"} {
		if s := n.Attr(attr); s != "" {
			return s
		}
	}
	return "[" + n.Type + "]"
}

// inline is the text of a line; a mention is set apart from what follows it.
func (n *Node) inline() string {
	var out strings.Builder
	mention := false
	for _, c := range merged(n.Content) {
		text := c.plain()
		if mention && !strings.HasPrefix(text, " ") {
			out.WriteByte(' ')
		}
		out.WriteString(text)
		mention = c.Type == "mention"
	}
	return trim(out.String())
}

func (n *Node) items(bullet func(i int) string) string {
	lines := make([]string, len(n.Content))
	for i, item := range n.Content {
		lines[i] = bullet(i) + item.plain()
	}
	return strings.Join(lines, "\n")
}

// order is the number of a list's first item: 1 where none is given.
func (n *Node) order() int {
	var order float64
	if json.Unmarshal(n.Attrs["order"], &order) != nil || order < 0 || order > 1e9 {
		return 1
	}
	return int(order)
}

func (n *Node) rows() string {
	lines := make([]string, len(n.Content))
	for i, row := range n.Content {
		lines[i] = "|" + joined(row.Content, "|") + "|"
	}
	return strings.Join(lines, "\n")
}

func (n *Node) files() string {
	files := 0
	for _, c := range n.Content {
		if c.Attr("type") == "file" {
			files++
		}
	}
	switch files {
	case 0:
		return ""
	case 1:
		return "📎 1 File"
	}
	return "📎 " + strconv.Itoa(files) + " Files"
}

// reference is the text of a node that points at something.
func (n *Node) reference() string {
	switch n.Type {
	case "mention":
		if id := n.Attr("id"); id == "all" || id == "here" {
			return "@" + id
		}
		if text := n.Attr("text"); text != "" {
			return text
		}
		return "@unknown"
	case "status":
		if text := n.Attr("text"); text != "" {
			return "[ " + strings.ToUpper(text) + " ]"
		}
	case "date":
		if ms, err := strconv.ParseInt(n.Attr("timestamp"), 10, 64); err == nil {
			return time.UnixMilli(ms).UTC().Format(time.DateOnly)
		}
	case "inlineCard":
		if url := n.Attr("url"); url != "" {
			return url
		}
		var data struct{ URL string }
		if json.Unmarshal(n.Attrs["data"], &data) == nil && data.URL != "" {
			return data.URL
		}
	}
	return n.name()
}

// trim takes off what JavaScript counts as white space.
func trim(s string) string { return strings.TrimFunc(s, isSpace) }

func isSpace(r rune) bool { return r == '\uFEFF' || unicode.IsSpace(r) && r != '\u0085' }
