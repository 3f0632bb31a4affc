package replica

import "testing"

// FuzzParseLinkID: only what String writes is read.
func FuzzParseLinkID(f *testing.F) {
	f.Add(NewLinkID("globex-support", "node-a", "10042").String())
	f.Add(LinkID{}.String())
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := ParseLinkID(s); err == nil && id.String() != s {
			t.Errorf("%q reads as %v", s, id)
		}
	})
}
