package replica

import (
	"fmt"
	"testing"
)

// small is the commonest replica: one item of a ticket changed.
func small(tb testing.TB) (View, *Replica) {
	base := View{"summary": NewItem(Text("Printer on floor 3 is jammed"), 1_760_000_000_000)}
	now := View{"summary": NewItem(Text("Printer on floor 3 is jammed again"), 1_760_000_360_000)}
	return base, between(tb, base, now)
}

func between(tb testing.TB, base, now View) *Replica {
	tb.Helper()
	set, gone := Diff(base, now)
	return &Replica{
		Version: Version1, Seq: 4711, Seen: 12, Link: NewLinkID("globex-support", "node", "10042"),
		Base: base.Hash(), After: now.Hash(), Set: set, Gone: goneAt(gone, 1_760_000_720_000), Rules: Hash{1, 2, 3},
	}
}

// goneAt has all paths withdrawn at one time.
func goneAt(paths []Path, at int64) map[Path]int64 {
	if len(paths) == 0 {
		return nil
	}
	gone := map[Path]int64{}
	for _, p := range paths {
		gone[p] = at
	}
	return gone
}

// large is a busy ticket shared for the first time: 40 fields, 20 comments.
func large() View {
	v := View{}
	for i := range 40 {
		v[Path(fmt.Sprintf("field:Field number %d", i))] = NewItem(Text(fmt.Sprintf("some value of field %d", i)), 1_760_000_000_000)
	}
	for i := range 20 {
		v[Path(fmt.Sprintf("comment/%d", 10_000+i))] = NewItem(Comment{
			Public: true, Author: Person{Ref: "p1", Name: "Jane Doe", Company: "Globex"}, Created: 1_760_000_000_000,
			Body: Rich(fmt.Sprintf(`{"content":[{"content":[{"text":"Comment %d says that the printer is still jammed.","type":"text"}],"type":"paragraph"}],"type":"doc","version":1}`, i)),
		}, 1_760_000_000_000)
	}
	return v
}

func largeReplica(tb testing.TB) *Replica {
	r := between(tb, nil, large())
	r.Whole = true
	return r
}

func encoded(tb testing.TB, r *Replica) []byte {
	tb.Helper()
	b, err := r.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func BenchmarkCheck(b *testing.B) {
	_, r := small(b)
	for name, in := range map[string][]byte{"small": encoded(b, r), "large": encoded(b, largeReplica(b))} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				if err := Check(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	_, r := small(b)
	for name, r := range map[string]*Replica{"small": r, "large": largeReplica(b)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(encoded(b, r))))
			for b.Loop() {
				if _, err := r.Encode(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	_, r := small(b)
	for name, in := range map[string][]byte{"small": encoded(b, r), "large": encoded(b, largeReplica(b))} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				if _, err := Decode(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	_, r := small(b)
	for name, in := range map[string][]byte{"small": encoded(b, r), "large": encoded(b, largeReplica(b))} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				if _, err := Open(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecodeFold(b *testing.B) {
	base, r := small(b)
	whole := largeReplica(b)
	for name, c := range map[string]struct {
		base View
		in   []byte
	}{"small": {base, encoded(b, r)}, "large": {nil, encoded(b, whole)}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, err := Decode(c.in)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := c.base.Fold(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkViewHash(b *testing.B) {
	base, _ := small(b)
	for name, v := range map[string]View{"small": base, "large": large()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				v.Hash()
			}
		})
	}
}
