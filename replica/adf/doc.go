// Package adf reads, compares, changes and writes the Atlassian Document Format,
// Jira's rich text (https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/).
//
// What it keeps true: nothing is lost. Nodes, marks, attributes and members
// that this package does not know come out as they went in. Two documents that
// Jira shows alike have the same canonical form:
//
//   - members in byte order, no insignificant space, shortest escapes and numbers;
//   - localId is left out: Jira adds and renews it. Tasks and decisions must have
//     one by the schema: theirs are numbered in the document's order;
//   - empty text, empty marks and empty attributes are left out, and the empty
//     content of nodes that need none;
//   - a mention's empty text and accessLevel, which Jira adds, are left out;
//   - neighbouring texts with the same marks are one; marks are in order of type.
//
// # The portable form
//
// Between companies a document is portable: PortableFor makes it of a tenant's, and Local makes another tenant's
// of it. It is a document like any other, but for what would belong to one tenant:
//
//	node                      attributes                     instead of
//	mention                   ref, text, email               id, accessLevel, userType, localId
//	media, mediaInline        ref, name, type, alt,          id, collection, occurrenceKey, localId,
//	                          width, height                  and what nobody knows
//	media of type external    url, type, alt, width, height
//	inlineCard, blockCard,    url                            data, datasource
//	embedCard
//
// A ref is what both companies call a thing: of a file the path of its item in the sender's view ("attachment/77"),
// or "twin/" and the path of its item in the receiver's, where the sender holds a copy; of a mention the Ref of a person. What has no ref is text: "@Name", "[attachment: NAME]". A link mark holds href and
// title. All other nodes, marks and attributes cross as they are, known or not, unless they hold an account id or
// an address that the sender withholds: then their text crosses. A ref is nothing that Jira takes, so a portable
// document that nobody made local is refused by Check, and by Jira. A receiver that knows no refs, or not this one,
// reads a text; new attributes may be added to the table, and a receiver drops those that it does not know.
//
// What it never does: it repairs no document, writes none to Jira, and never panics on a hostile one. Check says
// what Atlassian's schema says of a document; nothing else here asks it. Every document is bounded when it is
// read: MaxSize, maxDepth, maxValues.
//
// Documents share nodes, so a Node is never changed once it is part of one.
//
// Start at doc.go.
package adf

import "encoding/json"

// Doc is a document. The zero Doc is the empty one.
type Doc struct {
	Content []*Node
	Extra   map[string]json.RawMessage // members but type, version and content
}

// Node is a block or an inline part.
type Node struct {
	Type    string
	Text    string                     // of a text node
	Attrs   map[string]json.RawMessage // each as Attr makes it
	Marks   []Mark
	Content []*Node                    // nil: the node has no content member
	Extra   map[string]json.RawMessage // members that are none of the above
}

// Mark is formatting.
type Mark struct {
	Type  string
	Attrs map[string]json.RawMessage
	Extra map[string]json.RawMessage
}

// Attr makes the value of an attribute; v is a string, a truth value, a number,
// or a list or map of them.
func Attr(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	canonical, err := compact(b)
	if err != nil {
		return json.RawMessage("null")
	}
	return canonical
}

// Attr is the attribute as text, "" where it is missing or no string.
func (n *Node) Attr(name string) string { return attrText(n.Attrs, name) }

// Attr is the mark's attribute as text, "" where it is missing or no string.
func (m Mark) Attr(name string) string { return attrText(m.Attrs, name) }

func attrText(attrs map[string]json.RawMessage, name string) string {
	var s string
	if json.Unmarshal(attrs[name], &s) != nil {
		return ""
	}
	return s
}

// Empty says that there is nothing to see: no block but paragraphs and
// headings, with nothing but white space in them.
func (d *Doc) Empty() bool {
	for _, n := range d.Content {
		if !n.blank() {
			return false
		}
	}
	return true
}

// blank says that n is a paragraph or heading without anything to see.
func (n *Node) blank() bool {
	if n.Type != "paragraph" && n.Type != "heading" {
		return false
	}
	for _, c := range n.Content {
		if !c.space() {
			return false
		}
	}
	return true
}

// space says that an inline node is white space alone.
func (n *Node) space() bool {
	return n.Type == "hardBreak" || n.Type == "text" && trim(n.Text) == ""
}
