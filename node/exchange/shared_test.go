package exchange

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"parley/jsm"
	"parley/node/ledger"
	"parley/replica"
)

// A ticket is known to the peer by its link on the same connection, while that is not ended.
func TestTicketsAreKnownByTheirLinks(t *testing.T) {
	led, err := ledger.Open(ledger.Config{Dir: "ledger", FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer led.Close()
	links := []ledger.Link{
		{ID: replica.LinkID{1}, Connection: "other", Ticket: "10001", Key: "SUP-1"},
		{ID: replica.LinkID{2}, Connection: "globex", Ticket: "10001", Key: "SUP-1"},
		{ID: replica.LinkID{3}, Connection: "globex", Ticket: "10003", Key: "SUP-3", Ended: true},
		{ID: replica.LinkID{4}, Connection: "globex"}, // its twin is still to be made
	}
	if err := led.Write(func(b *ledger.Batch) error {
		for _, k := range links {
			if err := ledger.PutLink(b, k); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	l := &lane{d: &Desk{led: led}, c: &Connection{Name: "globex"}}
	for ticket, want := range map[string]replica.LinkID{"10001": {2}, "10003": {}, "10009": {}} {
		if got, ok := l.linkOf(ticket); got != want || ok == want.IsZero() {
			t.Errorf("%s: %v %t", ticket, got, ok)
		}
	}
	for link, want := range map[replica.LinkID]jsm.Option{{2}: {ID: "10001", Value: "SUP-1"}, {1}: {}, {3}: {}, {4}: {}, {9}: {}} {
		if got, ok := l.c.ticketOf(led, link); got != want || ok == (want.ID == "") {
			t.Errorf("%v: %v %t", link, got, ok)
		}
	}
}
