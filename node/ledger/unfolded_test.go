package ledger

import (
	"math/rand/v2"
	"slices"
	"testing"

	"parley/replica"
)

// TestUnfoldedHasTheOldestFirst compares it with a list that is searched.
func TestUnfoldedHasTheOldestFirst(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		u := unfolded{due: map[replica.LinkID]*overdue{}}
		var list []flight
		for seq := replica.Seq(1); seq < 200; seq++ {
			f := flight{seq, linkID(rng.IntN(20))}
			u.add(f)
			list = append(list, f)
			if rng.IntN(2) == 0 {
				link, upto := linkID(rng.IntN(20)), max(seq, 20)-replica.Seq(rng.IntN(20))
				u.fold(link, upto)
				list = slices.DeleteFunc(list, func(f flight) bool { return f.link == link && f.seq <= upto })
			}
			first := replica.Seq(7777)
			if len(list) > 0 {
				first = list[0].seq
			}
			if got := u.first(7777); got != first {
				t.Fatalf("the oldest is %d, want %d", got, first)
			}
			n, before := rng.IntN(5), replica.Seq(rng.IntN(250))
			var want []flight
			for _, f := range list {
				known := slices.ContainsFunc(want, func(w flight) bool { return w.link == f.link })
				if f.seq >= before || len(want) == n || known {
					continue
				}
				entries := u.of(f.link)
				want = append(want, flight{entries[len(entries)-1], f.link})
			}
			if got := u.dueBefore(before, n); !slices.Equal(got, want) {
				t.Fatalf("due before %d: %v, want %v", before, got, want)
			}
		}
		for _, f := range list {
			if entries := u.of(f.link); !slices.Contains(entries, f.seq) {
				t.Fatalf("entry %d is forgotten", f.seq)
			}
		}
	}
}
