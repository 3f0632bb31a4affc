package adf

import "strings"

// Portable is the document for another tenant: a mention is the text "@Name"
// (an account id means nothing there, or somebody else), and media, whose ids
// belong to this tenant's media service, are the text "[attachment: NAME]". All
// else is untouched.
func (d *Doc) Portable() *Doc { return d.with(portable(d.Content)) }

func portable(list []*Node) []*Node {
	if list == nil {
		return nil
	}
	out := make([]*Node, 0, len(list))
	for _, n := range list {
		switch n.Type {
		case "mention":
			out = append(out, &Node{Type: "text", Text: n.person(), Marks: n.Marks})
		case "mediaInline":
			out = append(out, &Node{Type: "text", Text: n.attachment()})
		case "media":
			out = append(out, Paragraph(textNode(n.attachment())))
		case "mediaSingle", "mediaGroup":
			out = append(out, attachments(n.Content)...)
		default:
			c := *n
			c.Content = portable(n.Content)
			out = append(out, &c)
		}
	}
	return out
}

// attachments is a paragraph for each medium, and one for its caption.
func attachments(list []*Node) []*Node {
	var out []*Node
	for _, n := range list {
		if n.Type == "caption" {
			out = append(out, Paragraph(portable(n.Content)...))
		} else {
			out = append(out, portable([]*Node{n})...)
		}
	}
	return out
}

// person is "@Name" of a mention.
func (n *Node) person() string {
	return "@" + strings.TrimLeft(n.reference(), "@")
}

// attachment names a medium as people see it: its alternative text, which
// often is the file's name, or its public address.
func (n *Node) attachment() string {
	name := "file"
	for _, attr := range [...]string{"url", "alt"} {
		if s := trim(n.Attr(attr)); s != "" {
			name = s
		}
	}
	return "[attachment: " + name + "]"
}
