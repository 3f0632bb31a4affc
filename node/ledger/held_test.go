package ledger

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"parley/replica"
)

func heldLedger(t *testing.T) *Ledger {
	t.Helper()
	l, err := Open(Config{Dir: "ledger", FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func write(t *testing.T, l *Ledger, fill func(*Batch) error) {
	t.Helper()
	if err := l.Write(fill); err != nil {
		t.Fatal(err)
	}
}

// Each origin's record stands beside the others, and none takes another away.
func TestHeldOriginsKeepApart(t *testing.T) {
	l, id := heldLedger(t), replica.LinkID{7}
	judged := []Held{{Key: "SUP-1", Code: "unmapped", Class: Definite, Since: 5}}
	failed := Held{Connection: "desk", Link: id, Origin: Visit, Key: "SUP-1", Class: Transient, Code: "x", Since: 6}
	said := Held{Connection: "desk", Link: id, Origin: ByPeer, Out: true, Key: "SUP-1", Class: Peer, Code: PeerHolds, Since: 7}
	write(t, l, func(b *Batch) error {
		return errors.Join(l.PutHeld(b, "desk", id, false, judged), l.PutHeld(b, "desk", id, true, judged), l.PutHeldMark(b, failed), l.PutHeldMark(b, said))
	})
	failed.Since = 60
	write(t, l, func(b *Batch) error { return l.PutHeldMark(b, failed) })
	ids := map[string]string{}
	held, err := l.HeldOf("desk", id)
	if err != nil || len(held) != 4 {
		t.Fatal(held, err)
	}
	for _, h := range held {
		ids[h.ID()] = h.Direction()
		if h.Origin == Visit && (h.Tries != 1 || h.Since != 6) {
			t.Errorf("a second failure is %+v: it began at 6 and was tried once more", h)
		}
	}
	if len(ids) != 4 {
		t.Errorf("ids are not told apart: %v", ids)
	}
	write(t, l, func(b *Batch) error {
		return errors.Join(l.PutHeld(b, "desk", id, false, nil), l.PutHeld(b, "desk", id, true, nil), DropHeldMark(b, "desk", id, Visit))
	})
	if held, err = l.HeldOf("desk", id); err != nil || len(held) != 1 || held[0].Origin != ByPeer {
		t.Errorf("only the partner's word was to stay: %+v, %v", held, err)
	}
}

// What the partner says of a link shows in the held list for as long as it says so.
func TestPeersWordIsHeldWork(t *testing.T) {
	l, id := heldLedger(t), replica.LinkID{8}
	write(t, l, func(b *Batch) error {
		return PutLink(b, Link{ID: id, Connection: "desk", Ticket: "10001", Key: "SUP-1"})
	})
	var before Word
	say := func(now Word) (h Held, there bool) {
		t.Helper()
		write(t, l, func(b *Batch) error { return l.peerSaid(b, "desk", id, before, now) })
		before = now
		h, err := l.HeldMark("desk", id, ByPeer)
		if err != nil && !errors.Is(err, ErrNone) {
			t.Fatal(err)
		}
		return h, err == nil
	}
	if _, there := say(Word{State: replica.Applied}); there {
		t.Error("what was applied is held")
	}
	hostile := strings.Repeat("ü", 900)
	h, there := say(Word{State: replica.Held, Code: hostile, Paths: []replica.Path{"priority", "a", "b", "c", "d", "e", "f"}})
	if !there || h.Code != PeerHolds || h.Class != Peer || h.Key != "SUP-1" || !strings.Contains(h.Reason, "SUP-1 priority") || len(h.Reason) > 250 || strings.Contains(h.Reason, "\ufffd") {
		t.Errorf("held: %+v", h)
	}
	if h, there = say(Word{State: replica.Refused, Code: "view"}); !there || h.Code != PeerRefused || !strings.Contains(h.Reason, "view") {
		t.Errorf("refused: %+v", h)
	}
	for _, state := range []replica.State{replica.Applied, replica.Dropped, replica.Resend} {
		say(Word{State: replica.Held, Code: "unmapped"})
		if h, there = say(Word{State: state}); there {
			t.Errorf("after %s it still waits: %+v", state, h)
		}
	}
}

// However much a partner sends that nobody can read, it is one record.
func TestUnreadableReplicasAreOneRecord(t *testing.T) {
	l := heldLedger(t)
	g, err := l.Log("desk")
	if err != nil {
		t.Fatal(err)
	}
	var seq replica.Seq
	for _, n := range []int{1, 3, 40} {
		var batch []Arrived
		for range n {
			seq++
			batch = append(batch, Arrived{Seq: seq, Body: []byte("\xc1 nothing")})
		}
		if _, err := g.Receive([16]byte{1}, batch); err != nil {
			t.Fatal(err)
		}
	}
	var all []Held
	if err := l.Held("desk", func(h Held) bool { all = append(all, h); return true }); err != nil || len(all) != 1 {
		t.Fatalf("%d records: %+v, %v", len(all), all, err)
	}
	h := all[0]
	if h.Class != Peer || h.Code != Malformed || !h.Link.IsZero() || !strings.HasPrefix(h.Reason, "44 of the partner's replicas") || !strings.Contains(h.Reason, "the newest is 44") {
		t.Errorf("it says %+v", h)
	}
	if err := l.LeaveOut(LeftOut{Connection: "desk", Code: h.Code, Who: "ann", Why: "told them", At: 9}, &h); err != nil {
		t.Fatal(err)
	}
	if _, err := l.HeldMark("desk", replica.LinkID{}, ByPeer); !errors.Is(err, ErrNone) {
		t.Errorf("it still waits: %v", err)
	}
	left, err := l.LeftOutOf("desk", replica.LinkID{})
	if err != nil || len(left) != 1 || left[0].Who != "ann" || left[0].Why != "told them" {
		t.Errorf("the decision: %+v, %v", left, err)
	}
}

// A decision stands until its own item changes at the source, and not a day longer.
func TestLeftOutStands(t *testing.T) {
	in := &Incoming{Seq: 9, Items: map[replica.Path]Arrival{"priority": {Seq: 5}, "label/vpn": {Seq: 7}, "label/x": {Seq: 4}, "summary": {Seq: 9}}}
	for _, c := range []struct {
		d    LeftOut
		want bool
	}{
		{LeftOut{Path: "priority", Seq: 5}, true},
		{LeftOut{Path: "priority", Seq: 8}, true},
		{LeftOut{Path: "priority", Seq: 4}, false},
		{LeftOut{Path: "summary", Seq: 8}, false},
		{LeftOut{Path: "label", Seq: 7}, true},
		{LeftOut{Path: "label", Seq: 6}, false},
		{LeftOut{Path: "label/x", Seq: 4}, true},
		{LeftOut{Seq: 9}, true},
		{LeftOut{Seq: 8}, false},
		{LeftOut{Path: "field:Ours alone", Seq: 9}, true},
		{LeftOut{Path: "field:Ours alone", Seq: 8}, false},
	} {
		if got := c.d.Stands(in); got != c.want {
			t.Errorf("%q, decided at %d: stands %v, want %v", c.d.Path, c.d.Seq, got, c.want)
		}
	}
}

func TestOverruledAreListed(t *testing.T) {
	l, id := heldLedger(t), replica.LinkID{3}
	it := replica.NewItem(replica.Text("what was said here"), 1)
	lost := Overruled{Connection: "desk", Link: id, Path: "summary", Ours: true, Rule: "connections/desk.toml:9:1", Kind: it.Kind, Value: it.Raw, At: time.Now().UnixMilli()}
	write(t, l, func(b *Batch) error {
		other := lost
		other.Connection = "elsewhere"
		return errors.Join(PutOverruled(b, lost), PutOverruled(b, other))
	})
	var all []Overruled
	if err := l.Overruled("desk", func(o Overruled) bool { all = append(all, o); return true }); err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	v, err := replica.Item{Kind: all[0].Kind, Raw: all[0].Value}.Value()
	if err != nil || v != replica.Text("what was said here") || all[0].Rule != lost.Rule || all[0].ID() != lost.ID() {
		t.Errorf("%+v holds %v, %v", all[0], v, err)
	}
}
