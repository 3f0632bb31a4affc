package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"parley/node/ledger"
	"parley/replica"
)

// LinksQuestion asks for links; an empty connection means all.
type LinksQuestion struct {
	Connection string `json:"connection"`
	Key        string `json:"key"` // only those of this local ticket or twin; or one by its id
}

// Links lists links, the oldest first.
var Links = op("links", (*Node).links)

func (n *Node) links(_ context.Context, q LinksQuestion) ([]Link, error) {
	all := []Link{}
	var failed error
	dirty, err := n.dirty()
	if err != nil {
		return nil, err
	}
	err = n.led.Links(q.Connection, func(k ledger.Link) bool {
		var line Link
		if line, failed = n.linkLine(k, dirty); failed != nil {
			return false
		}
		if q.Key == "" || strings.EqualFold(q.Key, line.Key) || strings.EqualFold(q.Key, line.Twin) || q.Key == line.ID {
			all = append(all, line)
		}
		return true
	})
	if err := errors.Join(err, failed); err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b Link) int { return a.Since.Compare(b.Since) })
	return all, nil
}

// dirty names the tickets that may have changed.
func (n *Node) dirty() (map[string]bool, error) {
	tickets := map[string]bool{}
	err := n.led.Dirty(func(m ledger.Mark) bool {
		tickets[m.Ticket] = true
		return true
	})
	return tickets, err
}

// linkState is everything the ledger says of a link.
type linkState struct {
	ledger.Link
	out  *ledger.Outgoing
	in   *ledger.Incoming
	done *ledger.Done
	word ledger.Word
	held []ledger.Held
}

func (n *Node) linkState(k ledger.Link) (s linkState, err error) {
	s.Link = k
	if s.out, err = n.led.Outgoing(k.Connection, k.ID); err != nil {
		return s, err
	}
	if s.in, err = n.led.Incoming(k.Connection, k.ID); err != nil {
		return s, err
	}
	if s.done, err = n.led.Done(k.Connection, k.ID); err != nil {
		return s, err
	}
	if s.word, err = n.led.Word(k.Connection, k.ID); err != nil {
		return s, err
	}
	s.held, err = n.led.HeldOf(k.Connection, k.ID)
	return s, err
}

func (n *Node) linkLine(k ledger.Link, dirty map[string]bool) (Link, error) {
	s, err := n.linkState(k)
	if err != nil {
		return Link{}, fmt.Errorf("looking at link %s: %w", k.ID, err)
	}
	return Link{
		ID: k.ID.String(), Connection: k.Connection, Key: k.Key, Twin: s.twin(),
		State: s.state(dirty[k.Ticket]), Since: time.UnixMilli(k.Born),
	}, nil
}

// twin is the partner's ticket: as its replicas name it, else as its word does.
func (s linkState) twin() string {
	if s.in.Key != "" {
		return s.in.Key
	}
	return s.word.Twin
}

// state tells whether anything of a link waits, here or with the peer.
func (s linkState) state(dirty bool) string {
	switch {
	case s.Ended:
		return "ended"
	case len(s.held) > 0 || s.word.State == "held" || s.word.State == "refused":
		return "held"
	case dirty, s.Ticket == "", s.in.Seq > s.done.Seq, s.word.Seq < s.out.Last:
		return "waiting"
	}
	return "synced"
}

// LinkDetail is one link with everything that it carries, but no content.
type LinkDetail struct {
	Link
	Ticket     string     `json:"ticket"`      // the local ticket's id
	Theirs     bool       `json:"theirs"`      // the partner shared it first
	TheirURL   string     `json:"their_url"`   // where shared
	SentSeq    uint64     `json:"sent_seq"`    // newest replica of it that left
	Received   uint64     `json:"received"`    // newest that came
	Reconciled uint64     `json:"reconciled"`  // newest that is worked into the local ticket
	Outcome    string     `json:"outcome"`     // what the partner last said: applied, held …
	OutcomeSeq uint64     `json:"outcome_seq"` // of which replica
	Sent       []ItemLine `json:"sent"`        // what the partner holds of us
	Came       []ItemLine `json:"came"`        // what we hold of the partner
	Files      []FileLine `json:"files"`       // of the partner's, on their way here
	Held       []Held     `json:"held"`
}

// ItemLine is one item of a view, without its value.
type ItemLine struct {
	Path string `json:"path"`
	Kind string `json:"kind"`
	Seq  uint64 `json:"seq"` // the replica that last carried it
}

// LinkShow shows the links of one ticket.
var LinkShow = op("link/show", (*Node).linkShow)

func (n *Node) linkShow(ctx context.Context, q LinksQuestion) ([]LinkDetail, error) {
	lines, err := n.links(ctx, q)
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return nil, advise(fmt.Errorf("no link has the ticket or id %q", q.Key), `"parley link list" shows all`)
	}
	details := make([]LinkDetail, 0, len(lines))
	for _, line := range lines {
		d, err := n.linkDetail(line)
		if err != nil {
			return nil, fmt.Errorf("looking at link %s: %w", line.ID, err)
		}
		details = append(details, d)
	}
	return details, nil
}

func (n *Node) linkDetail(line Link) (LinkDetail, error) {
	id, err := replica.ParseLinkID(line.ID)
	if err != nil {
		return LinkDetail{}, err
	}
	k, err := n.led.Link(line.Connection, id)
	if err != nil {
		return LinkDetail{}, err
	}
	s, err := n.linkState(k)
	if err != nil {
		return LinkDetail{}, err
	}
	d := LinkDetail{
		Link: line, Ticket: k.Ticket, Theirs: k.Theirs, TheirURL: s.in.URL,
		SentSeq: uint64(s.out.Last), Received: uint64(s.in.Seq), Reconciled: uint64(s.done.Seq),
		Outcome: string(s.word.State), OutcomeSeq: uint64(s.word.Seq), Held: []Held{},
		Sent: itemLines(s.out.Posted, func(p replica.Path) replica.Seq { return s.out.Bases[p].Seq }),
		Came: itemLines(s.in.Remote, func(p replica.Path) replica.Seq { return s.in.Items[p].Seq }),
	}
	for _, h := range s.held {
		d.Held = append(d.Held, heldLine(h))
	}
	if d.Files, err = n.filesComing(s); err != nil {
		return d, err
	}
	return d, nil
}

func itemLines(v replica.View, seq func(replica.Path) replica.Seq) []ItemLine {
	lines := make([]ItemLine, 0, len(v))
	for _, p := range slices.Sorted(maps.Keys(v)) {
		lines = append(lines, ItemLine{string(p), string(v[p].Kind), uint64(seq(p))})
	}
	return lines
}
