package adf

import "unicode/utf16"

// localIDs are what Jira adds to a node that it stores, in UTF-16 units: `"attrs":{"localId":"…36…"},`.
const localIDs = len(`"attrs":{"localId":"00000000-0000-0000-0000-000000000000"},`)

// Size is how long Jira may find a document: the greater of its canonical JSON, with a localId for each node that
// is no text, and its plain text, in UTF-16 units as Java counts. Jira's limit for a comment or a paragraph
// field is 32,767 characters of its stored form, which it does not document, so this is what it can count at
// most. A document that another Jira holds may well fit although its Size does not: who can try writes it
// whole, and splits after CONTENT_LIMIT_EXCEEDED. Bytes that are no document count as they are.
func Size(b []byte) int {
	d, err := Parse(b)
	if err != nil {
		return len(b)
	}
	return d.Size()
}

// Size is that of d's canonical JSON.
func (d *Doc) Size() int {
	size := units(string(d.JSON()))
	for n := range d.all() {
		size += idSize(n)
	}
	return max(size, units(d.Plain()))
}

func idSize(n *Node) int {
	if n.Type == "text" {
		return 0
	}
	return localIDs
}

// units counts in UTF-16.
func units(s string) (n int) {
	for _, r := range s {
		n += unitsOf(r)
	}
	return n
}

func unitsOf(r rune) int { return max(1, utf16.RuneLen(r)) }
