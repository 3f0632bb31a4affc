package adf

import "strings"

// Incoming is what the receiver makes of a portable document's references. The zero Incoming knows none: persons
// and files are text.
type Incoming struct {
	// Media gives the names that this tenant's media service has for our copy of m.Ref: ID, Collection, Occurrence.
	// false: there is no copy (not yet, or never), and the text names the file. nil: there are none.
	Media func(m Medium) (Medium, bool)

	// Person gives this tenant's account of m.Ref: ID, Text, AccessLevel, UserType. false: nobody here, and the text
	// "@Name" says who was meant. nil: nobody is here.
	Person func(m Mention) (Mention, bool)

	// Pictures says that pictures that are elsewhere stay pictures, where they have an address. Whoever reads the
	// text then fetches them from there. false: they are text.
	Pictures bool

	// Link, Key and Keep are as in Outgoing: what the sender's addresses and keys are here, and which opaque nodes
	// are taken as they are. An address that a browser would run (javascript:, data:) is no link, whatever Link says.
	Link func(address string) Target
	Key  func(key string) Target
	Keep func(*Node) bool
}

// Local is a portable document as this tenant may hold it. A peer is not believed: an account or media id that it
// sent is dropped, only a Ref is looked at. Local does not Check.
func (d *Doc) Local(in Incoming) *Doc {
	c := crossing{scan: in.Link != nil, pictures: in.Pictures, key: in.Key, keep: in.Keep}
	c.link = func(address string) Target {
		if runs(address) {
			return Target{}
		}
		if in.Link == nil {
			return Target{URL: address}
		}
		t := in.Link(address)
		if runs(t.URL) {
			t.URL = ""
		}
		return t
	}
	c.medium = func(n *Node) (*Node, string) {
		if m := n.medium(); in.Media != nil && m.Ref != "" {
			if ours, ok := in.Media(m); ok && ours.ID != "" {
				file := n.file("id", ours.ID, "occurrenceKey", ours.Occurrence)
				file.Attrs["collection"] = Attr(ours.Collection) // demanded, but may be empty
				return file, ""
			}
		}
		return nil, n.fileName()
	}
	c.person = func(n *Node) (*Node, string) {
		if m := n.mention(); in.Person != nil && m.Ref != "" {
			if ours, ok := in.Person(m); ok && ours.ID != "" {
				attrs := attrsOf("id", ours.ID, "text", ours.Text, "accessLevel", ours.AccessLevel, "userType", ours.UserType)
				return &Node{Type: "mention", Attrs: attrs}, ""
			}
		}
		return nil, n.person()
	}
	return c.doc(d)
}

// runs says that a browser would run the address, or take it as a document of this site.
func runs(address string) bool {
	plain := strings.Map(func(r rune) rune { // as browsers read it (WHATWG URL, 4.4)
		if r <= ' ' {
			return -1
		}
		return r
	}, address)
	scheme, _, ok := strings.Cut(plain, ":")
	switch strings.ToLower(scheme) {
	case "javascript", "vbscript", "data", "blob":
		return ok
	}
	return false
}
