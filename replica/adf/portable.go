package adf

// Outgoing is what the sender of a document allows to cross, in the portable form that doc.go describes. The
// zero Outgoing shares no reference: persons and files cross as text.
type Outgoing struct {
	// Media names the attachment that a file is, as both companies know it ("attachment/77"), and the file's name.
	// Without a ref it is no shared one, and the name alone crosses as text. nil: none is shared, and the
	// document's own words name it.
	Media func(Medium) (ref, name string)

	// Person names a mentioned person, as both companies know them, and how the sender's rules show them ("Jane",
	// with or without "@"). Without a ref the text alone crosses. nil: the text is the document's own, which is the
	// person's full name.
	Person func(Mention) (ref, text string)

	// Email is the address by which the receiver may know a mentioned person that has a ref; empty: it is not shared.
	// nil: none is.
	Email func(Mention) string

	// Link says what becomes of an address: of a link, a smart link, a picture that is elsewhere, or in the text.
	// nil: every address crosses as it is, the tenant's own too; but a picture that is elsewhere is a text.
	Link func(address string) Target

	// Key says what becomes of an issue key in the text ("SUP-7", or anything that looks like one, as "UTF-8"
	// does). nil: the text crosses as it is.
	Key func(key string) Target

	// Keep says that a node's own attributes cross although nobody knows what they hold: a card's data, an
	// extension's parameters, a synced block, a node that this package does not know. nil, or false: a card keeps its
	// address alone, a synced block its text, and any other such node crosses only where its attributes hold no
	// account id, no id of a site, and no address that Link changes; else its text crosses.
	Keep func(*Node) bool
}

// Target is what an address or a key becomes. Without a URL it is the Text alone; where that is empty too, a key
// stays, and an address becomes the key that it leads to, or "[link]". With both, a smart link becomes a link with
// that text. A link keeps its own text.
type Target struct{ URL, Text string }

// PortableFor is the document as it crosses: without account ids, ids of the media service, and the addresses that
// Link withholds. See Outgoing and the package.
func (d *Doc) PortableFor(o Outgoing) *Doc {
	c := crossing{link: o.Link, scan: o.Link != nil, pictures: o.Link != nil, key: o.Key, keep: o.Keep}
	c.medium = func(n *Node) (*Node, string) {
		if o.Media == nil {
			return nil, n.fileName()
		}
		ref, name := o.Media(n.medium())
		if ref == "" {
			return nil, name
		}
		return n.file("ref", ref, "name", name), name
	}
	c.person = func(n *Node) (*Node, string) {
		if o.Person == nil {
			return nil, n.person()
		}
		ref, text := o.Person(n.mention())
		text = at(text)
		if ref == "" {
			return nil, text
		}
		email := ""
		if o.Email != nil {
			email = o.Email(n.mention())
		}
		return &Node{Type: "mention", Attrs: attrsOf("ref", ref, "text", text, "email", email)}, text
	}
	return c.doc(d)
}

// Portable is PortableFor the zero Outgoing: a mention is the text "@Name" (an account id means nothing there, or
// somebody else), and a file is the text "[attachment: NAME]".
func (d *Doc) Portable() *Doc { return d.PortableFor(Outgoing{}) }
