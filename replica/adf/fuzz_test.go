package adf

import (
	"errors"
	"strings"
	"testing"
)

var fuzzSeeds = []string{
	doc(p(tx(`see SUP-7 at https://north/browse/SUP-7`) + `,` + jane)), doc(single), doc(p(`{"type":"mention","attrs":{"ref":"r","text":"@J"}}`)),
	doc(`{"type":"mediaGroup","content":[` + picture + `,{"type":"media","attrs":{"type":"external","url":"https://x"}}]}`),
	doc(`{"type":"blockCard","attrs":{"data":{"url":"https://north"}}},{"type":"hologram","attrs":{"accountId":"1"},"content":[` + p(tx(`a`)) + `]}`),
	doc(`{"type":"layoutSection","content":[{"type":"layoutColumn","attrs":{"width":50},"content":[` + p(tx(`a b c`)) + `]},{"type":"layoutColumn","attrs":{"width":50},"content":[` + bullets(item(p(tx(`a b c`)))) + `]}]}`),
	doc(cells(p(tx(`one two three`)))), doc(`{"type":"codeBlock","content":[` + tx(`a\nb\nc`) + `]}`), doc(`{"type":"syncBlock","attrs":{"resourceId":"r","localId":"l"}}`),
}

// FuzzCheck: what it takes is a document, and stays one in canonical form.
func FuzzCheck(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		err := Check(b)
		d, broken := Parse(b)
		if flaw := (*Flaw)(nil); err != nil && !errors.As(err, &flaw) && !errors.Is(err, ErrNotADF) {
			t.Fatalf("an error of neither sort: %v", err)
		}
		if err != nil {
			return
		}
		if broken != nil {
			t.Fatalf("taken, and no document: %v", broken)
		}
		if err := Check(d.JSON()); err != nil && !deep(b) {
			t.Fatalf("the canonical form is not taken: %v: %s", err, d.JSON())
		}
	})
}

// FuzzCrossing: no id of the sender's crosses, none of a peer's making arrives, and what is valid stays valid.
func FuzzCrossing(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(crosses)
}

// TestEveryDocumentCrossesStrangers: the same over the oracle's documents, where people, files and addresses of every
// second kind are shared.
func TestEveryDocumentCrossesStrangers(t *testing.T) {
	for _, s := range samples(t) {
		crosses(t, s.ADF)
	}
}

func crosses(t *testing.T, b []byte) {
	d, err := Parse(b)
	if err != nil || deep(b) {
		return
	}
	out, in := strangers()
	valid, before := Check(b) == nil, string(d.JSON())
	portable := d.PortableFor(out)
	for _, m := range portable.Media() {
		if m.ID+m.Collection+m.Occurrence != "" {
			t.Fatalf("crosses: %+v", m)
		}
	}
	for _, m := range portable.Mentions() {
		if m.ID != "" {
			t.Fatalf("crosses: %+v", m)
		}
	}
	for what, arrived := range map[string]*Doc{"crossed": portable.Local(in), "forged": d.Local(in), "text": d.Portable()} {
		if _, err := Parse(arrived.JSON()); err != nil {
			t.Fatalf("%s: %v: %s", what, err, arrived.JSON())
		}
		if err := Check(arrived.JSON()); valid && err != nil {
			t.Fatalf("%s: %v: %s", what, err, arrived.JSON())
		}
		for _, m := range arrived.Media() {
			if m.Ref+m.ID != "ours" && m.Type != "external" {
				t.Fatalf("%s: %+v", what, m)
			}
		}
		for _, m := range arrived.Mentions() {
			if m.Ref+m.ID != "ours" {
				t.Fatalf("%s: %+v", what, m)
			}
		}
	}
	if len(Dropped(d, Retain(d, new(Doc), nil))) > 0 {
		t.Fatal("a file is dropped although it is retained")
	}
	if string(d.JSON()) != before {
		t.Fatal("crossing changed the document")
	}
}

// strangers share some things and not others, so that all that they can answer occurs.
func strangers() (Outgoing, Incoming) {
	ref := func(id string) string { return strings.Repeat("r", len(id)%2) }
	link := func(address string) Target {
		switch len(address) % 3 {
		case 0:
			return Target{Text: strings.Repeat("n", len(address)%2)}
		case 1:
			return Target{URL: address, Text: strings.Repeat("n", len(address)%2)}
		}
		return Target{URL: address}
	}
	key := func(key string) Target { return Target{URL: strings.Repeat("u", len(key)%2)} }
	return Outgoing{
			Media:  func(m Medium) (string, string) { return ref(m.ID), m.Alt },
			Person: func(m Mention) (string, string) { return ref(m.ID), "" },
			Link:   link, Key: key,
		}, Incoming{
			Pictures: true,
			Media:    func(m Medium) (Medium, bool) { return Medium{ID: "ours"}, m.Ref == "r" },
			Person:   func(m Mention) (Mention, bool) { return Mention{ID: "ours"}, m.Ref == "r" },
			Link:     link, Key: key,
		}
}

// FuzzSplit: parts are within the limit, say the same, and of a valid document they are valid.
func FuzzSplit(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add([]byte(s), 400)
	}
	f.Fuzz(func(t *testing.T, b []byte, limit int) {
		d, err := Parse(b)
		if err != nil {
			return
		}
		parts, err := d.Split(limit)
		if err != nil {
			if !errors.Is(err, ErrIndivisible) {
				t.Fatal(err)
			}
			return
		}
		valid := Check(b) == nil
		if valid && said(parts...) != said(d) {
			t.Fatalf("says %q, not %q", said(parts...), said(d))
		}
		for _, p := range parts {
			if p.Size() > limit {
				t.Fatalf("%d beyond %d: %s", p.Size(), limit, p.JSON())
			}
			if err := Check(p.JSON()); valid && err != nil {
				t.Fatalf("%v: %s", err, p.JSON())
			}
		}
	})
}
