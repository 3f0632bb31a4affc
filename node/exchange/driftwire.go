package exchange

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"parley/node/ledger"
	"parley/replica"
	"parley/transport"
)

// Where links stand, on the control stream. All numbers are big endian.
//
//	ask:  number of the question (4), link id to begin at (16), connection
//	tell: number of the question (4), 1 where more follow (1), then for each link, ids ascending:
//	      link id (16), flags (1; bit 0: ended), out (8), hash of the view posted (32), in (8), hash of the view held (32)
const (
	askHead   = 4 + 16
	tellHead  = 4 + 1
	standSize = 16 + 1 + 8 + 32 + 8 + 32
	endedFlag = 1

	asksAhead = 4 // questions of the peer that may wait
)

// standsPage is one answer.
type standsPage struct {
	more   bool
	stands []ledger.Stand
}

// question is what the peer asks.
type standsQuestion struct {
	number uint32
	from   replica.LinkID
	wire   string
}

func (q standsQuestion) encode() []byte {
	b := binary.BigEndian.AppendUint32(nil, q.number)
	return append(append(b, q.from[:]...), q.wire...)
}

func decodeQuestion(b []byte) (q standsQuestion, err error) {
	if len(b) < askHead || len(b) > askHead+transport.MaxConnectionID {
		return q, fmt.Errorf("a question of %d bytes: %w", len(b), transport.ErrProtocol)
	}
	q.number = binary.BigEndian.Uint32(b)
	copy(q.from[:], b[4:])
	q.wire = string(b[askHead:])
	return q, nil
}

func (p standsPage) encode(number uint32) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, tellHead+len(p.stands)*standSize), number)
	b = append(b, bit(p.more))
	for _, s := range p.stands {
		b = append(append(b, s.Link[:]...), endedFlag*bit(s.Ended))
		b = append(binary.BigEndian.AppendUint64(b, uint64(s.Out)), s.OutAfter[:]...)
		b = append(binary.BigEndian.AppendUint64(b, uint64(s.In)), s.InAfter[:]...)
	}
	return b
}

func bit(yes bool) byte {
	if yes {
		return 1
	}
	return 0
}

func decodeStands(b []byte) (number uint32, p standsPage, err error) {
	malformed := fmt.Errorf("an answer of %d bytes: %w", len(b), transport.ErrProtocol)
	if len(b) < tellHead || (len(b)-tellHead)%standSize != 0 || (len(b)-tellHead)/standSize > driftPage || b[4] > 1 {
		return 0, p, malformed
	}
	number, p.more = binary.BigEndian.Uint32(b), b[4] == 1
	for b = b[tellHead:]; len(b) > 0; b = b[standSize:] {
		var s ledger.Stand
		copy(s.Link[:], b)
		s.Ended = b[16]&endedFlag != 0
		s.Out = replica.Seq(binary.BigEndian.Uint64(b[17:]))
		copy(s.OutAfter[:], b[25:])
		s.In = replica.Seq(binary.BigEndian.Uint64(b[57:]))
		copy(s.InAfter[:], b[65:])
		if n := len(p.stands); n > 0 && bytes.Compare(p.stands[n-1].Link[:], s.Link[:]) >= 0 {
			return 0, standsPage{}, malformed
		}
		p.stands = append(p.stands, s)
	}
	if p.more && len(p.stands) == 0 {
		return 0, p, malformed
	}
	return number, p, nil
}

// end is how far both sides' pages reach.
func (p *standsPage) end(ours []ledger.Stand) replica.LinkID {
	var end replica.LinkID
	for i := range end {
		end[i] = 0xff
	}
	if p.more {
		end = p.stands[len(p.stands)-1].Link
	}
	if len(ours) == driftPage {
		if mine := ours[driftPage-1].Link; bytes.Compare(mine[:], end[:]) < 0 {
			end = mine
		}
	}
	return end
}

// askStands asks the peer how the connection's links stand, from one on.
func (c *Connection) askStands(ctx context.Context, from replica.LinkID) (p standsPage, err error) {
	c.mu.Lock()
	t := c.session
	c.mu.Unlock()
	if t == nil {
		return p, ErrNoPeer
	}
	answer := make(chan standsPage, 1)
	t.mu.Lock()
	t.asked++
	q := standsQuestion{t.asked, from, c.Wire}
	t.answers[q.number] = answer
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.answers, q.number)
	}()
	if err := t.s.SendControl(t.ctx, askKind, q.encode()); err != nil { // an asker who gives up breaks no message off
		return p, fmt.Errorf("asking the partner: %w", err)
	}
	select {
	case p = <-answer:
	case <-t.ctx.Done():
		return p, ErrNoPeer
	case <-ctx.Done():
		return p, ctx.Err()
	}
	if len(p.stands) > 0 && bytes.Compare(p.stands[0].Link[:], from[:]) < 0 {
		return p, fmt.Errorf("the partner answers another question: %w", transport.ErrProtocol)
	}
	return p, nil
}

// told hands the peer's answer to whoever asked; nobody may wait any more.
func (t *talk) told(body []byte) error {
	number, p, err := decodeStands(body)
	if err != nil {
		return fmt.Errorf("reading an answer of %q: %w", t.s.Peer(), err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if answer := t.answers[number]; answer != nil {
		delete(t.answers, number)
		answer <- p
	}
	return nil
}

// ask queues a question of the peer; one that asks faster than it is answered
// is not answered.
func (t *talk) ask(body []byte) error {
	q, err := decodeQuestion(body)
	if err != nil {
		return fmt.Errorf("reading a question of %q: %w", t.s.Peer(), err)
	}
	select {
	case t.questions <- q:
	default:
		if t.odd.Allow() {
			t.d.log.Warn("the partner asks faster than it is answered", "peer", t.s.Peer())
		}
	}
	return nil
}

// tell answers the peer's questions, one after the other. A connection that is
// not this peer's has no links.
func (t *talk) tell() error {
	for {
		var q standsQuestion
		select {
		case q = <-t.questions:
		case <-t.ctx.Done():
			return t.ctx.Err()
		}
		var p standsPage
		if c := t.d.wired(t.s.Peer(), q.wire); c != nil {
			stands, err := c.Log.Stands(q.from, driftPage)
			if err != nil {
				return err
			}
			p = standsPage{more: len(stands) == driftPage, stands: stands}
		}
		if err := t.s.SendControl(t.ctx, tellKind, p.encode(q.number)); err != nil {
			return fmt.Errorf("answering %q: %w", t.s.Peer(), err)
		}
	}
}
