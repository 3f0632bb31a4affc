package exchange

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"parley/node/ledger"
	"parley/replica"
)

// What cannot be put into a replica is held at its sender, once, with the size
// and the largest item; a person may leave it out until the ticket changes.
func TestUnsendableIsHeldAtItsSender(t *testing.T) {
	led, err := ledger.Open(ledger.Config{Dir: "ledger", FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer led.Close()
	l := &lane{d: &Desk{led: led}, c: &Connection{Name: "desk"}, link: ledger.Link{ID: replica.LinkID{1}, Connection: "desk", Key: "SUP-1"}}
	r := &replica.Replica{Version: replica.Version1, Link: l.link.ID, Whole: true, Set: replica.View{}, Seq: 1}
	text := replica.NewItem(replica.Text(strings.Repeat("x", replica.MaxText)), 0)
	for i := range replica.MaxReplica/replica.MaxText + 1 {
		r.Set[replica.Path(fmt.Sprintf("field:Log %d", i))] = text
	}
	r.Set["field:Longest"] = replica.NewItem(replica.Text(strings.Repeat("y", replica.MaxText+1000)), 0)
	_, tooLarge := r.Encode()
	if tooLarge == nil {
		t.Fatal("a view of 17 MiB was encoded")
	}
	for range 2 {
		if err := l.unsendable(r, tooLarge); err != nil {
			t.Fatal(err)
		}
	}
	held, err := led.HeldOf("desk", l.link.ID)
	if err != nil || len(held) != 1 || held[0].Code != Oversize || held[0].Tries != 1 || !held[0].Out || held[0].Class != ledger.Definite {
		t.Fatalf("held: %+v, %v", held, err)
	}
	for _, want := range []string{"SUP-1", "18 items", "at most 16384 KiB", "the largest is field:Longest with 1024 KiB"} {
		if !strings.Contains(held[0].Reason, want) {
			t.Errorf("%q does not say %q", held[0].Reason, want)
		}
	}
	d := ledger.LeftOut{Connection: "desk", Link: l.link.ID, Out: true, Version: held[0].Version, Code: Oversize, Who: "ann", Why: "too long", At: 1}
	if err := led.LeaveOut(d, nil); err != nil {
		t.Fatal(err)
	}
	if err := l.unsendable(r, tooLarge); err != nil {
		t.Fatal(err)
	}
	if held, err = led.HeldOf("desk", l.link.ID); err != nil || len(held) != 0 {
		t.Errorf("what was left out is held again: %+v, %v", held, err)
	}
}
