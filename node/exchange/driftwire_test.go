package exchange

import (
	"bytes"
	"reflect"
	"testing"

	"parley/node/ledger"
	"parley/replica"
)

// FuzzDrift reads arbitrary bytes as a question and as an answer of the peer;
// what is understood encodes to the same bytes.
func FuzzDrift(f *testing.F) {
	f.Add(standsQuestion{7, replica.LinkID{1}, "desk"}.encode())
	f.Add(standsPage{}.encode(1))
	f.Add(standsPage{more: true, stands: []ledger.Stand{{Link: replica.LinkID{1}, Out: 3, In: 4}, {Link: replica.LinkID{2}, Ended: true}}}.encode(9))
	f.Fuzz(func(t *testing.T, b []byte) {
		if q, err := decodeQuestion(b); err == nil && !bytes.Equal(q.encode(), b) {
			t.Errorf("question %x encodes to %x", b, q.encode())
		}
		number, p, err := decodeStands(b)
		if err != nil {
			return
		}
		_, again, err := decodeStands(p.encode(number))
		if err != nil || !reflect.DeepEqual(p, again) {
			t.Errorf("answer %x came back as %+v (%v)", b, again, err)
		}
	})
}

// TestPagesOfBothSidesMeet compares more links than one page holds.
func TestPagesOfBothSidesMeet(t *testing.T) {
	id := func(n int) replica.LinkID { return replica.LinkID{byte(n >> 8), byte(n)} }
	stands := func(from, to, step int) (all []ledger.Stand) {
		for n := from; n < to; n += step {
			all = append(all, ledger.Stand{Link: id(n)})
		}
		return all
	}
	for name, c := range map[string]struct {
		theirs standsPage
		ours   []ledger.Stand
		end    replica.LinkID
	}{
		"both end":       {standsPage{stands: stands(0, 10, 1)}, stands(0, 20, 1), replica.LinkID(bytes.Repeat([]byte{0xff}, 16))},
		"theirs goes on": {standsPage{more: true, stands: stands(0, 1000, 1)}, stands(0, 1500, 2), id(999)},
		"ours goes on":   {standsPage{stands: stands(0, 10, 1)}, stands(0, 1000, 1), id(999)},
		"both go on":     {standsPage{more: true, stands: stands(0, 2000, 2)}, stands(0, 1000, 1), id(999)},
	} {
		if end := c.theirs.end(c.ours); end != c.end {
			t.Errorf("%s: both reach to %s, want %s", name, end, c.end)
		}
		for at := range pairs(c.theirs.stands, c.ours, c.theirs.end(c.ours)) {
			if bytes.Compare(at[:], c.end[:]) > 0 {
				t.Errorf("%s: link %s is judged before both sides told of it", name, at)
			}
		}
	}
	if after := next(id(255)); bytes.Compare(after[:], func() []byte { x := id(255); return x[:] }()) <= 0 {
		t.Errorf("after %s comes %s", id(255), after)
	}
}
