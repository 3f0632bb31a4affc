package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"parley/replica"
)

// What waits by one record of its link: a visit that failed, the partner's word,
// and what of a partner's nobody can read.

func heldMark(connection string, id replica.LinkID, origin Origin) key {
	return append(linkKey('X', connection, id), Held{Origin: origin}.lane())
}

// HeldMark reads the one record that an origin has of a link; ErrNone where
// there is none.
func (l *Ledger) HeldMark(connection string, id replica.LinkID, origin Origin) (h Held, err error) {
	err = l.get(heldMark(connection, id, origin), func(v []byte) error { return json.Unmarshal(v, &h) })
	return h, err
}

// PutHeldMark stores h as the one record of its origin. What waited before keeps
// its beginning and counts one more try.
func (l *Ledger) PutHeldMark(b *Batch, h Held) error {
	was, err := l.HeldMark(h.Connection, h.Link, h.Origin)
	if missing(err) != nil {
		return fmt.Errorf("reading held work: %w", err)
	}
	if err == nil {
		h.Since, h.Tries = was.Since, was.Tries+1
	}
	v, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encoding held work: %w", err)
	}
	return b.Set(heldMark(h.Connection, h.Link, h.Origin), v, nil)
}

// DropHeldMark takes that record away.
func DropHeldMark(b *Batch, connection string, id replica.LinkID, origin Origin) error {
	return b.Delete(heldMark(connection, id, origin), nil)
}

// Codes of what waits for the partner.
const (
	PeerHolds   = "peer-holds"
	PeerRefused = "peer-refused"
	Malformed   = "malformed"
)

// maxTheirWord bounds the partner's code and items in a sentence of ours.
const (
	maxTheirWord  = 40 // bytes
	maxTheirPaths = 5
)

// peerSaid shows the partner's word on a link where our admin looks: as held
// work for as long as the partner holds or refuses what it got.
func (l *Ledger) peerSaid(b *Batch, connection string, id replica.LinkID, before, now Word) error {
	waits := func(w Word) bool { return w.State == replica.Held || w.State == replica.Refused }
	switch {
	case !waits(now) && !waits(before):
		return nil
	case !waits(now):
		return DropHeldMark(b, connection, id, ByPeer)
	}
	k, err := l.Link(connection, id)
	if err != nil && !errors.Is(err, ErrNone) {
		return err
	}
	what := k.Key
	for i, p := range now.Paths {
		if i == maxTheirPaths {
			what += " …"
			break
		}
		what += " " + string(p)
	}
	h := Held{
		Connection: connection, Link: id, Out: true, Origin: ByPeer, Key: k.Key, Class: Peer, Code: PeerHolds, Since: time.Now().UnixMilli(),
		Reason: fmt.Sprintf("The partner holds %s (its code: %s).", what, clip(now.Code, maxTheirWord)),
		Next:   "The partner's admin finds it under: parley held list. It goes on by itself once it is solved there.",
	}
	if now.State == replica.Refused {
		h.Code = PeerRefused
		h.Reason = fmt.Sprintf("The partner refused %s (its code: %s).", what, clip(now.Code, maxTheirWord))
		h.Next = "Look up the code with parley held explain, and ask the partner's admin; the ticket's next change is sent anyway."
	}
	return l.PutHeldMark(b, h)
}

// unreadable shows what came from the partner and cannot be read: one record a
// connection, however much comes. n of them came now, the newest with this
// number and fault.
func (l *Ledger) unreadable(b *Batch, connection string, n int, newest replica.Seq, fault error) error {
	was, err := l.HeldMark(connection, replica.LinkID{}, ByPeer)
	if missing(err) != nil {
		return err
	}
	all := n
	if err == nil {
		all += was.Tries + 1
	}
	h := Held{
		Connection: connection, Origin: ByPeer, Class: Peer, Code: Malformed, Since: time.Now().UnixMilli(), Tries: all - 1,
		Reason: fmt.Sprintf("%d of the partner's replicas could not be read; the newest is %d: %s.", all, newest, clip(fault.Error(), 200)),
		Next:   "Compare both sides' parley versions; tell the partner's admin, who sees it as refused. Then run: parley held drop ID --why TEXT.",
	}
	if err == nil {
		h.Since = was.Since
	}
	v, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encoding held work: %w", err)
	}
	return b.Set(heldMark(connection, replica.LinkID{}, ByPeer), v, nil)
}

// clip bounds a text to n bytes, at a character's border.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
