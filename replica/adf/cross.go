package adf

import (
	"cmp"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// crossing rewrites what belongs to one tenant, for either direction.
type crossing struct {
	medium func(*Node) (file *Node, name string) // nil: as text
	person func(*Node) (mention *Node, text string)
	link   func(string) Target // nil: addresses stay
	scan   bool                // addresses in the text, too

	pictures bool // that are elsewhere stay pictures
	key      func(string) Target
	keep     func(*Node) bool
	links    int // made of keys
}

func (c *crossing) doc(d *Doc) *Doc {
	return &Doc{Content: c.nodes(d.Content, "doc"), Extra: c.members(d.Extra)}
}

// nodes are the children of a node of type parent.
func (c *crossing) nodes(list []*Node, parent string) []*Node {
	if list == nil {
		return nil
	}
	inline := isLine[parent] || slices.ContainsFunc(list, func(n *Node) bool { return n.Type == "text" || n.Type == "hardBreak" })
	out := make([]*Node, 0, len(list))
	for _, n := range list {
		out = append(out, c.node(n, parent, inline)...)
	}
	return out
}

// isLine are the nodes whose content is inline.
var isLine = map[string]bool{"paragraph": true, "heading": true, "taskItem": true, "decisionItem": true, "caption": true}

func (c *crossing) node(n *Node, parent string, inline bool) []*Node {
	switch {
	case n.Type == "text":
		return c.text(n, parent == "codeBlock")
	case n.Type == "mention":
		mention, text := c.person(n)
		if mention == nil {
			mention = placed(text, true)
		}
		mention.Marks = c.marks(n.Marks)
		return []*Node{mention}
	case n.Type == "mediaInline", n.Type == "media":
		return c.file(n, inline || n.Type == "mediaInline")
	case n.Type == "mediaSingle", n.Type == "mediaGroup":
		return c.frame(n)
	case isOpaque(n) && c.keep != nil && c.keep(n):
		out := *n
		out.Content = c.nodes(n.Content, n.Type)
		return []*Node{&out}
	case isCard[n.Type]:
		return c.card(n, inline)
	case isOpaque(n) && (n.Type == "syncBlock" || n.Type == "bodiedSyncBlock" || c.private(n)):
		if n.Content != nil {
			return c.nodes(n.Content, parent)
		}
		return []*Node{placed(n.name(), inline)}
	}
	out := *n
	out.Attrs, out.Extra = c.attrs(n), c.members(n.Extra)
	out.Marks = c.marks(n.Marks)
	out.Content = c.nodes(n.Content, n.Type)
	return []*Node{&out}
}

// placed is text where a block or an inline node stood.
func placed(text string, inline bool, marks ...Mark) *Node {
	if text == "" {
		text = "[?]" // a text may not be empty
	}
	n := &Node{Type: "text", Text: strings.ToValidUTF8(text, "\uFFFD"), Marks: marks}
	if inline {
		return n
	}
	return Paragraph(n)
}

func (c *crossing) file(n *Node, inline bool) []*Node {
	if n.Attr("type") == "external" {
		address := n.Attr("url")
		t := c.target(address)
		if t.URL == "" {
			return []*Node{placed("[attachment: "+t.Text+"]", inline)}
		}
		if c.pictures { // else it stays a text: a page that fetches from anywhere tells who reads it
			return []*Node{c.shown(n.file("url", t.URL))}
		}
	}
	file, name := c.medium(n)
	if file == nil {
		return []*Node{placed("[attachment: "+cmp.Or(name, "file")+"]", inline)}
	}
	return []*Node{c.shown(file)}
}

// shown is a file with the words and links that it has about it.
func (c *crossing) shown(file *Node) *Node {
	file.Marks = c.marks(file.Marks)
	if alt := file.Attr("alt"); c.scan && alt != "" {
		file.Attrs["alt"] = Attr(c.words(alt))
	}
	return file
}

// frame keeps the files of a mediaSingle or mediaGroup that are there; where one is not, a paragraph names it.
func (c *crossing) frame(n *Node) (out []*Node) {
	var kept *Node
	add := func(child *Node) {
		if kept == nil {
			frame := *n
			frame.Attrs, frame.Extra, frame.Marks, frame.Content = c.attrs(n), c.members(n.Extra), c.marks(n.Marks), nil
			kept = &frame
			out = append(out, kept)
		}
		kept.Content = append(kept.Content, child)
	}
	for _, child := range n.Content {
		if child.Type == "caption" && kept == nil {
			out = append(out, Paragraph(c.nodes(child.Content, "caption")...))
			continue
		}
		for _, one := range c.node(child, n.Type, false) {
			if child.Type == "media" && one.Type != "media" {
				out, kept = append(out, one), nil
			} else {
				add(one)
			}
		}
	}
	return out
}

// file is n with these attributes and what is not the tenant's own.
func (n *Node) file(pairs ...string) *Node {
	attrs := attrsOf(pairs...)
	for _, name := range [...]string{"type", "alt", "width", "height"} {
		if v, ok := n.Attrs[name]; ok {
			attrs[name] = v
		}
	}
	return &Node{Type: n.Type, Attrs: attrs, Marks: n.Marks}
}

// attrsOf makes attributes of pairs of name and text; an empty text is left out.
func attrsOf(pairs ...string) map[string]json.RawMessage {
	attrs := map[string]json.RawMessage{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			attrs[pairs[i]] = appendString(nil, strings.ToValidUTF8(pairs[i+1], "\uFFFD"))
		}
	}
	return attrs
}

// card keeps the address alone: a card's data is what the sender's site knows of the page.
func (c *crossing) card(n *Node, inline bool) []*Node {
	address := n.cardURL()
	if address == "" {
		return []*Node{placed(n.name(), inline)}
	}
	t := c.target(address)
	switch {
	case t.URL == "":
		return []*Node{placed(t.Text, inline)}
	case t.Text != "":
		return []*Node{placed(t.Text, inline, Mark{Type: "link", Attrs: attrsOf("href", t.URL)})}
	case n.Attrs["data"] == nil && n.Attrs["datasource"] == nil:
		out := *n
		out.Attrs = maps.Clone(c.attrs(n))
		out.Attrs["url"] = Attr(t.URL)
		return []*Node{&out}
	}
	return []*Node{{Type: n.Type, Attrs: attrsOf("url", t.URL)}}
}

// cardURL is where a card leads; its data is JSON-LD.
func (n *Node) cardURL() string {
	var data struct {
		URL string `json:"url"`
		ID  string `json:"@id"`
	}
	_ = json.Unmarshal(n.Attrs["data"], &data) // what is of another type stays empty
	for _, address := range [...]string{n.Attr("url"), data.URL, data.ID} {
		if address != "" {
			return address
		}
	}
	return ""
}

// isOpaque says that nobody but its maker knows what a node's attributes hold.
func isOpaque(n *Node) bool {
	switch n.Type {
	case "extension", "inlineExtension", "bodiedExtension", "syncBlock", "bodiedSyncBlock":
		return true
	}
	if isCard[n.Type] {
		return n.Attrs["data"] != nil || n.Attrs["datasource"] != nil
	}
	nodes, _ := rules()
	return nodes[n.Type] == nil
}

// owned finds, in JSON, what names an account or a site. Account ids are of three shapes: 712020:UUID, 24 hex
// digits (before 2019), qm:UUID:UUID (portal customers); ARIs of persons and of sites' resources hold such.
var owned = regexp.MustCompile(`\b[0-9]{5,6}:[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}\b|\b[0-9a-f]{24}\b|\bqm:|ari:cloud:identity:|::site/|` +
	`ari:cloud:[a-z-]+:[^:"]*:?[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}\b|\b(?i:(cloud|account|site|user)_?id)\b`)

// private says that an opaque node holds what belongs to one tenant.
func (c *crossing) private(n *Node) bool {
	return c.holds(n.Attrs) || c.holds(n.Extra) || slices.ContainsFunc(n.Marks, func(m Mark) bool { return c.holds(m.Attrs) || c.holds(m.Extra) })
}

func (c *crossing) holds(members map[string]json.RawMessage) bool {
	for name, v := range members {
		if c.owns(name, v) {
			return true
		}
	}
	return false
}

func (c *crossing) owns(name string, v json.RawMessage) bool {
	if owned.Match(v) || owned.MatchString(name) {
		return true
	}
	if !c.scan {
		return false
	}
	for _, address := range addresses.FindAllString(string(v), -1) {
		if t := c.link(address); t.URL != address {
			return true
		}
	}
	return false
}

// attrs are a node's as they cross: those that people read are rewritten like text, and one that the grammar does
// not know is left out where it belongs to one tenant.
func (c *crossing) attrs(n *Node) map[string]json.RawMessage {
	nodes, _ := rules()
	return c.known(n.Attrs, nodes[n.Type])
}

// members are those that a node or mark has besides type, attrs, marks, content and text.
func (c *crossing) members(all map[string]json.RawMessage) map[string]json.RawMessage {
	return c.known(all, nil)
}

func (c *crossing) known(all map[string]json.RawMessage, r *rule) map[string]json.RawMessage {
	out := maps.Clone(all)
	for name, v := range all {
		switch {
		case r == nil || !slices.ContainsFunc(r.attrs, func(way map[string]attrRule) bool { return way[name].fits != nil }):
			if c.owns(name, v) {
				delete(out, name)
			}
		case c.scan && isWords[name]:
			if s := attrText(all, name); s != "" {
				out[name] = Attr(c.words(s))
			}
		}
	}
	return out
}

// isWords are the attributes that people read.
var isWords = map[string]bool{"text": true, "title": true, "alt": true, "panelIconText": true}
