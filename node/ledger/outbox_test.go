package ledger

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"parley/replica"
)

// postAll posts a link's change: what is set, and what is taken away.
func postAll(t testing.TB, g *Log, id replica.LinkID, out *Outgoing, set replica.View, gone map[replica.Path]int64) {
	t.Helper()
	r := &replica.Replica{Version: replica.Version1, Link: id, Base: out.After, Whole: out.Last == 0, Set: set, Gone: gone, Rules: replica.Hash{byte(len(set))}}
	for p, it := range set {
		out.Posted[p] = it
		out.Bases[p] = Base{Local: it.Hash(p), Seq: out.Bases[p].Seq}
	}
	for p := range gone {
		delete(out.Posted, p)
		out.Bases[p] = Base{Seq: out.Bases[p].Seq}
	}
	r.After = out.Posted.Hash()
	out.After, out.Rules = r.After, r.Rules
	if err := g.Commit(Step{Replica: r, Out: out, Verdict: Passed}); err != nil {
		t.Error(err)
	}
}

func newOutgoing() *Outgoing {
	return &Outgoing{Bases: map[replica.Path]Base{}, Posted: replica.View{}}
}

func textItem(value string) replica.Item { return replica.NewItem(replica.Text(value), 1) }

// TestALinksStateIsReplayedFromItsPosts cuts the power after each of a link's posts.
func TestALinksStateIsReplayedFromItsPosts(t *testing.T) {
	mem := vfs.NewCrashableMem()
	l := open(t, Config{Dir: "ledger", FS: mem})
	g, err := l.Log("acme")
	if err != nil {
		t.Fatal(err)
	}
	id, out := linkID(1), newOutgoing()
	stored := map[replica.Seq]bool{}
	for i := range 3 * mostPosts {
		switch set := (replica.View{"summary": textItem(fmt.Sprint(i))}); {
		case i%3 == 1:
			set["label/vip"] = textItem("vip")
			postAll(t, g, id, out, set, nil)
		case i%3 == 2:
			postAll(t, g, id, out, nil, map[replica.Path]int64{"label/vip": 70})
		default:
			postAll(t, g, id, out, set, nil)
		}
		if i == mostPosts/2 { // what is absorbed is stored by the lane itself
			out.Bases["summary"] = Base{Local: replica.Hash{9}}
			if err := l.Write(func(b *Batch) error { return PutOutgoing(b, "acme", id, out) }); err != nil {
				t.Fatal(err)
			}
		}
		at, err := l.storedOutgoing("acme", id)
		if err != nil {
			t.Fatal(err)
		}
		stored[at.Last] = true
		back := open(t, Config{Dir: "ledger", FS: mem.CrashClone(vfs.CrashCloneCfg{})})
		for _, at := range []*Ledger{l, back} {
			read, err := at.Outgoing("acme", id)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(out, read); diff != "" {
				t.Fatalf("after post %d: %s", i, diff)
			}
			if err := at.Check(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(stored) < 3 || len(stored) > 5 {
		t.Errorf("of %d posts the states after %v were stored", 3*mostPosts, stored)
	}
}

// TestAQuietLinksStateIsStoredInTheEnd has one link post little while others post
// and store their states, all at once.
func TestAQuietLinksStateIsStoredInTheEnd(t *testing.T) {
	mem := vfs.NewCrashableMem()
	l := open(t, Config{Dir: "ledger", FS: mem})
	g, err := l.Log("acme")
	if err != nil {
		t.Fatal(err)
	}
	g.span = 500
	quiet := newOutgoing()
	for _, value := range []string{"one", "two"} {
		postAll(t, g, linkID(0), quiet, replica.View{"summary": textItem(value)}, nil)
	}
	const lanes, posts = 16, 2000
	outs := map[replica.LinkID]*Outgoing{linkID(0): quiet}
	var wg sync.WaitGroup
	for n := 1; n <= lanes; n++ {
		id, out := linkID(n), newOutgoing()
		outs[id] = out
		rng := rand.New(rand.NewPCG(1, uint64(n)))
		wg.Go(func() {
			for i := range posts / lanes {
				postAll(t, g, id, out, replica.View{"summary": textItem(fmt.Sprint(i))}, nil)
				if rng.IntN(4) > 0 {
					continue
				}
				out.Bases["summary"] = Base{Local: replica.Hash{byte(i)}, Seq: out.Last}
				if err := l.Write(func(b *Batch) error { return PutOutgoing(b, "acme", id, out) }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	at, err := l.storedOutgoing("acme", linkID(0))
	if err != nil || at.Last != quiet.Last {
		t.Errorf("the quiet link's state is stored up to %d, want %d: %v", at.Last, quiet.Last, err)
	}
	if g.head.From <= quiet.Last || g.head.Seq > g.head.From+g.span {
		t.Errorf("of %d entries those from %d on are read at start", g.head.Seq, g.head.From)
	}
	remembered := 0
	for _, o := range g.posts.order {
		remembered += len(o.seqs)
	}
	if remembered > int(g.span)+lanes {
		t.Errorf("%d posts are remembered", remembered)
	}
	again := open(t, Config{Dir: "ledger", FS: mem.CrashClone(vfs.CrashCloneCfg{})})
	for id, out := range outs {
		read, err := again.Outgoing("acme", id)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(out, read); diff != "" {
			t.Errorf("link %s: %s", id, diff)
		}
	}
}

// TestABodyThatIsReplayedIsNotErased keeps posts until a link's state is stored, and
// stores it when they are old enough to be erased.
func TestABodyThatIsReplayedIsNotErased(t *testing.T) {
	l := memory(t)
	g, err := l.Log("acme")
	if err != nil {
		t.Fatal(err)
	}
	outs := map[replica.LinkID]*Outgoing{}
	const links = 2*mostSettle + 1
	for n := range links {
		out := newOutgoing()
		for i := range 2 {
			postAll(t, g, linkID(n), out, replica.View{"summary": textItem(fmt.Sprint(i))}, nil)
		}
		outs[linkID(n)] = out
	}
	if _, err := g.Acknowledged(g.Position().Seq); err != nil {
		t.Fatal(err)
	}
	if needed := g.needed(); needed != 2 {
		t.Errorf("bodies before %d may be erased, want 2: the second is in no state yet", needed)
	}
	prune(t, g, time.Now(), time.Hour)
	if n := len(g.posts.due); n != links {
		t.Errorf("the states of %d links were stored for nothing", links-n)
	}
	prune(t, g, time.Now().Add(2*time.Hour), time.Hour)
	if n := erased(t, g, 'o'); n != 2*links {
		t.Errorf("%d of %d old bodies were erased", n, 2*links)
	}
	for id, out := range outs {
		read, err := l.Outgoing("acme", id)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(out, read); diff != "" {
			t.Error(diff)
		}
	}
}

// TestADamagedStateStopsNoOtherLink damages one that is to be stored by the log.
func TestADamagedStateStopsNoOtherLink(t *testing.T) {
	mem := vfs.NewCrashableMem()
	l := open(t, Config{Dir: "ledger", FS: mem})
	g, err := l.Log("acme")
	if err != nil {
		t.Fatal(err)
	}
	g.span = 100
	outs := []*Outgoing{newOutgoing(), newOutgoing(), newOutgoing()}
	for n, out := range outs {
		for i := range 2 {
			postAll(t, g, linkID(n), out, replica.View{"summary": textItem(fmt.Sprint(i))}, nil)
		}
	}
	if err := l.Write(func(b *Batch) error { return b.Set(linkKey('O', "acme", linkID(0)), []byte("damaged"), nil) }); err != nil {
		t.Fatal(err)
	}
	for i := range 3 * g.span {
		postAll(t, g, linkID(2), outs[2], replica.View{"summary": textItem(fmt.Sprint(i))}, nil)
	}
	if at, err := l.storedOutgoing("acme", linkID(1)); err != nil || at.Last != outs[1].Last {
		t.Errorf("the other quiet link's state is stored up to %d: %v", at.Last, err)
	}
	if _, err := g.Acknowledged(g.Position().Seq); err != nil {
		t.Fatal(err)
	}
	if needed, now := g.needed(), g.Position().Seq; needed+g.span < now {
		t.Errorf("of %d entries those from %d on are needed", now, needed)
	}
	prune(t, g, time.Now().Add(2*time.Hour), time.Hour)
	if n := erased(t, g, 'o'); n != int(g.Position().Seq) {
		t.Errorf("%d bodies of %d are erased", n, g.Position().Seq)
	}
	again := open(t, Config{Dir: "ledger", FS: mem.CrashClone(vfs.CrashCloneCfg{})})
	if _, err := again.Outgoing("acme", linkID(0)); err == nil {
		t.Error("the damage is not told")
	}
	for n, out := range outs[1:] {
		read, err := again.Outgoing("acme", linkID(n+1))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(out, read); diff != "" {
			t.Error(diff)
		}
	}
}

// TestALinkOwesByItsLastPost has the peer's word on the one before.
func TestALinkOwesByItsLastPost(t *testing.T) {
	l := memory(t)
	g, err := l.Log("acme")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		id, out := linkID(n), newOutgoing()
		for i := range 2 {
			postAll(t, g, id, out, replica.View{"summary": textItem(fmt.Sprint(i))}, nil)
		}
		heard := Word{Seq: out.Last - replica.Seq(n), State: replica.Applied}
		if err := l.Write(func(b *Batch) error { return putWord(b, "acme", id, heard) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.owe(g.Position().Seq+1, false); err != nil {
		t.Fatal(err)
	}
	owing, err := g.Owing()
	if diff := cmp.Diff([]replica.LinkID{linkID(1)}, owing); err != nil || diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
}

// TestAStateThatDoesNotFollowIsFound has a lane forget to store what it absorbed.
func TestAStateThatDoesNotFollowIsFound(t *testing.T) {
	l := open(t, Config{Dir: "ledger", FS: vfs.NewMem(), Step: func(*Batch) {}})
	g, err := l.Log("acme")
	if err != nil {
		t.Fatal(err)
	}
	id, out := linkID(1), newOutgoing()
	postAll(t, g, id, out, replica.View{"summary": textItem("one")}, nil)
	postAll(t, g, id, out, replica.View{"summary": textItem("two")}, nil)
	out.Bases["priority"] = Base{Local: replica.Hash{9}}
	r := &replica.Replica{Version: replica.Version1, Link: id, Base: out.After, After: out.After, Set: out.Posted, Rules: out.Rules}
	if err := g.Commit(Step{Replica: r, Out: out, Verdict: Passed}); err == nil {
		t.Error("a state that no post leads to was taken")
	}
}

// TestALogOfAnEarlierVersionHasAllStatesStored reads a head that does not tell.
func TestALogOfAnEarlierVersionHasAllStatesStored(t *testing.T) {
	now := head{Epoch: [16]byte{1}, Seq: 7, Chain: replica.Hash{2}, Settled: 3, From: 8}
	var read head
	if err := read.decode(now.encode()[:64]); err != nil || read != now {
		t.Errorf("%+v: %v", read, err)
	}
}
