package ledger

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/replica"
)

// labels is a view of some labels, set at a time.
func labels(at int64, names ...string) replica.View {
	v := replica.View{}
	for _, n := range names {
		v[replica.Path("label/"+n)] = replica.NewItem(replica.Text(n), at)
	}
	return v
}

// TestAWithdrawalKeepsItsTime folds withdrawals told one by one and by whole views.
func TestAWithdrawalKeepsItsTime(t *testing.T) {
	const vip, vpn, odd = replica.Path("label/vip"), replica.Path("label/vpn"), replica.Path("label/odd")
	in := &Incoming{Items: map[replica.Path]Arrival{}, Remote: replica.View{}}
	tell := func(r replica.Replica) {
		t.Helper()
		r.Version, r.Base = replica.Version1, in.After
		if r.Whole {
			r.After = r.Set.Hash()
		} else {
			now := in.Remote.Clone()
			for p, it := range r.Set {
				now[p] = it
			}
			for p := range r.Gone {
				delete(now, p)
			}
			r.After = now.Hash()
		}
		if in.fold(r.Seq, &r, true); in.Lost != 0 {
			t.Fatalf("replica %d does not fit", r.Seq)
		}
	}
	wants := func(p replica.Path, want Arrival) {
		t.Helper()
		if diff := cmp.Diff(want, in.Items[p]); diff != "" {
			t.Errorf("%s: %s", p, diff)
		}
	}
	tell(replica.Replica{Seq: 1, Whole: true, Set: labels(5, "vip", "vpn")})
	tell(replica.Replica{Seq: 2, Seen: 1, Gone: map[replica.Path]int64{vip: 70}})
	wants(vip, Arrival{Seq: 2, Seen: 1, Gone: 70})
	wants(vpn, Arrival{Seq: 1})

	// Said again by a whole view it is no news; what else that withdrew is, with its time where it tells.
	tell(replica.Replica{Seq: 3, Whole: true, Gone: map[replica.Path]int64{vip: 70, vpn: 80}})
	wants(vip, Arrival{Seq: 2, Seen: 1, Gone: 70})
	wants(vpn, Arrival{Seq: 3, Gone: 80})

	// It came and went while nobody heard of it, and went again at another time.
	tell(replica.Replica{Seq: 4, Whole: true, Gone: map[replica.Path]int64{vip: 90, vpn: 80, odd: 0}})
	wants(vip, Arrival{Seq: 4, Gone: 90})
	wants(vpn, Arrival{Seq: 3, Gone: 80})
	wants(odd, Arrival{Seq: 4})
	tell(replica.Replica{Seq: 5, Seen: 2, Set: labels(95, "vip")})
	wants(vip, Arrival{Seq: 5, Seen: 2})
	tell(replica.Replica{Seq: 6, Whole: true})
	wants(vip, Arrival{Seq: 6})

	back := &Incoming{Items: map[replica.Path]Arrival{}}
	if err := back.decode(in.encode()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in.Items, back.Items); diff != "" {
		t.Errorf("stored and read: %s", diff)
	}
}

// TestWithdrawalsThatArePostedAreRemembered posts one and reads what is kept of it.
func TestWithdrawalsThatArePostedAreRemembered(t *testing.T) {
	l := memory(t)
	g, err := l.Log("acme")
	if err != nil {
		t.Fatal(err)
	}
	id := linkID(1)
	post(t, l, g, id, "printer")
	out, err := l.Outgoing("acme", id)
	if err != nil {
		t.Fatal(err)
	}
	delete(out.Posted, "summary")
	out.Bases["summary"] = Base{Seq: 1}
	r := &replica.Replica{Version: replica.Version1, Link: id, Base: out.After, Gone: map[replica.Path]int64{"summary": 70}}
	out.After = replica.Hash{}
	if err := g.Commit(Step{Replica: r, Out: out, Verdict: Passed}); err != nil {
		t.Fatal(err)
	}
	kept, err := l.Outgoing("acme", id)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[replica.Path]Base{"summary": {Seq: 2, Gone: 70}}, kept.Bases); diff != "" {
		t.Error(diff)
	}
}

// TestWhatIsGoneIsRememberedInBounds: a peer that makes up withdrawals fills
// neither its side of a link nor ours, and the newest stay.
func TestWhatIsGoneIsRememberedInBounds(t *testing.T) {
	in := &Incoming{Items: map[replica.Path]Arrival{}, Remote: replica.View{}}
	out := &Outgoing{Bases: map[replica.Path]Base{}}
	for seq := replica.Seq(1); seq <= 3; seq++ {
		r := &replica.Replica{Version: replica.Version1, Seq: seq, Gone: map[replica.Path]int64{}}
		for i := range 5 * mostGone {
			r.Gone[replica.Path(fmt.Sprintf("label/%d-%d", seq, i))] = int64(seq)
		}
		in.fold(seq, r, true)
		out.carried(seq, r)
		out.encode(nil) // as it is stored
	}
	if len(in.Items) > mostGone || len(out.Bases) > mostGone || len(in.Items) == 0 || len(out.Bases) == 0 {
		t.Fatalf("%d items and %d bases are kept", len(in.Items), len(out.Bases))
	}
	for p, a := range in.Items {
		if a.Seq != 3 {
			t.Fatalf("%s of replica %d is kept, newer ones are not", p, a.Seq)
		}
	}
	for p, b := range out.Bases {
		if b.Seq != 3 {
			t.Fatalf("the base of %s of replica %d is kept, newer ones are not", p, b.Seq)
		}
	}
}

// The first replica of a link brings its whole view, and says what was known when it was made. A whole view that comes
// later, or from a log that was put back, says again what was said before, so of its items nothing is known but their times.
func TestOnlyTheFirstWholeViewAnswers(t *testing.T) {
	view := replica.View{"summary": replica.NewItem(replica.Text("printer"), 1)}
	whole := func(seq replica.Seq, v replica.View) *replica.Replica {
		return &replica.Replica{Version: replica.Version1, Seq: seq, Seen: 10, Whole: true, Set: v, After: v.Hash()}
	}
	for _, unbroken := range []bool{true, false} {
		in := &Incoming{Items: map[replica.Path]Arrival{}, Remote: replica.View{}}
		in.fold(9, whole(9, view), unbroken)
		if seen := in.Items["summary"].Seen; (seen == 10) != unbroken {
			t.Errorf("unbroken %v: the first was made when %d was known", unbroken, seen)
		}
		in.fold(11, whole(11, replica.View{"summary": replica.NewItem(replica.Text("scanner"), 2)}), unbroken)
		if a := in.Items["summary"]; a.Seq != 11 || a.Seen != 0 {
			t.Errorf("unbroken %v: the second is %+v", unbroken, a)
		}
	}
}
