package adf

import (
	"iter"
	"slices"
	"strings"
)

// Medium is a file that a document shows: what a media or mediaInline node says of it.
//
// In a tenant's document ID, Collection and Occurrence are names of that tenant's media service, and ID is not
// the attachment's id. In a portable one they are empty, and Ref says which attachment it is.
type Medium struct {
	Ref        string // the attachment, as both companies name it: "attachment/77"; empty where none is shared
	Name       string // the file's name; empty where the document does not say
	Alt        string // what people who cannot see it read; often the file's name
	Type       string // file, link or image; external for a picture at URL
	URL        string // of an external one
	ID         string // in this tenant's media service
	Collection string
	Occurrence string
}

// Mention is a person whom a document addresses. In a portable one ID is empty, and Ref says who it is.
type Mention struct {
	Ref         string // the person, as both companies name them; empty where none is shared
	ID          string // the account, in this tenant; "all" and "here" are no accounts
	Text        string // as the person is shown, with "@"
	Email       string // in a portable one, where the sender shares it
	AccessLevel string
	UserType    string
}

// Card is a smart link. URL is empty where the card does not say it.
type Card struct {
	Type string // inlineCard, blockCard or embedCard
	URL  string
}

// Media lists the files that d shows, in its order, one entry for each place.
func (d *Doc) Media() []Medium {
	var all []Medium
	for n := range d.all() {
		if n.Type == "media" || n.Type == "mediaInline" {
			all = append(all, n.medium())
		}
	}
	return all
}

// Mentions lists the persons whom d addresses, in its order, one entry for each place.
func (d *Doc) Mentions() []Mention {
	var all []Mention
	for n := range d.all() {
		if n.Type == "mention" {
			all = append(all, n.mention())
		}
	}
	return all
}

// Cards lists d's smart links in its order.
func (d *Doc) Cards() []Card {
	var all []Card
	for n := range d.all() {
		if isCard[n.Type] {
			all = append(all, Card{Type: n.Type, URL: n.cardURL()})
		}
	}
	return all
}

var isCard = map[string]bool{"inlineCard": true, "blockCard": true, "embedCard": true}

// Dropped lists the tenant's files that the document before shows and the document after does not, in the order
// of before, each once. Jira Cloud deletes the attachment of a media node that a write leaves out
// (sooperset/mcp-atlassian#1678), so a write that drops any takes Retain first.
func Dropped(before, after *Doc) []Medium {
	var all []Medium
	for n := range dropped(before, after) {
		all = append(all, n.medium())
	}
	return all
}

// Retain is after with what it Dropped of before in a group behind its end, so that writing it deletes no
// attachment. Where nothing is dropped, after itself comes back. gone tells files that need not be kept: they are
// deleted anyway; nil: all are kept.
func Retain(before, after *Doc, gone func(Medium) bool) *Doc {
	var files []*Node
	for n := range dropped(before, after) {
		if gone != nil && gone(n.medium()) {
			continue
		}
		file := *n
		if n.Type == "mediaInline" {
			file = Node{Type: "media", Attrs: attrsOf("type", "file", "id", n.Attr("id"), "alt", n.Attr("alt"))}
			file.Attrs["collection"] = Attr(n.Attr("collection")) // demanded, but may be empty
		}
		files = append(files, &file)
	}
	if files == nil {
		return after
	}
	group := &Node{Type: "mediaGroup", Content: files}
	return after.with(append(after.Content[:len(after.Content):len(after.Content)], group))
}

func dropped(before, after *Doc) iter.Seq[*Node] {
	return func(yield func(*Node) bool) {
		seen := map[string]bool{"": true}
		for _, m := range after.Media() {
			seen[m.ID] = true
		}
		for n := range before.all() {
			if n.Type != "media" && n.Type != "mediaInline" || seen[n.Attr("id")] {
				continue
			}
			seen[n.Attr("id")] = true
			if !yield(n) {
				return
			}
		}
	}
}

// all walks d's nodes in document order.
func (d *Doc) all() iter.Seq[*Node] {
	return func(yield func(*Node) bool) { walk(d.Content, yield) }
}

func walk(list []*Node, yield func(*Node) bool) bool {
	return !slices.ContainsFunc(list, func(n *Node) bool { return !yield(n) || !walk(n.Content, yield) })
}

func (n *Node) medium() Medium {
	return Medium{
		Ref: n.Attr("ref"), Name: n.Attr("name"), Alt: n.Attr("alt"), Type: n.Attr("type"), URL: n.Attr("url"),
		ID: n.Attr("id"), Collection: n.Attr("collection"), Occurrence: n.Attr("occurrenceKey"),
	}
}

func (n *Node) mention() Mention {
	return Mention{
		Ref: n.Attr("ref"), ID: n.Attr("id"), Text: n.Attr("text"), Email: n.Attr("email"),
		AccessLevel: n.Attr("accessLevel"), UserType: n.Attr("userType"),
	}
}

// person is "@Name" of a mention.
func (n *Node) person() string { return at(n.reference()) }

// at is "@Name".
func at(name string) string {
	if name = trim(strings.TrimLeft(name, "@")); name == "" {
		name = "unknown"
	}
	return "@" + name
}

// fileName is what a file is called, as far as the document says: its name, or its alternative text, which often
// is the name, or its public address.
func (n *Node) fileName() string {
	for _, attr := range [...]string{"name", "alt", "url"} {
		if s := trim(n.Attr(attr)); s != "" {
			return s
		}
	}
	return "file"
}
