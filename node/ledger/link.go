package ledger

import (
	"encoding/json"
	"errors"
	"fmt"

	"parley/replica"
)

// Link joins a local ticket to its twin through one connection. Its lane owns
// it once it has a ticket; receive makes it where the peer shared first.
type Link struct {
	ID         replica.LinkID `json:"id"`
	Connection string         `json:"connection"`
	Ticket     string         `json:"ticket"`             // the local ticket's numeric id; "" until the twin is made
	Key        string         `json:"key"`                // the local ticket's key, as last seen
	Theirs     bool           `json:"theirs"`             // the peer shared it first: the local ticket is the twin
	Made       bool           `json:"made"`               // parley made the local ticket
	Complete   bool           `json:"complete,omitempty"` // … and filled in what the portal form lacks
	From       replica.Seq    `json:"from,omitempty"`     // … from all up to this sequence of the peer's, which people who work on it know
	Since      int64          `json:"since"`              // Unix ms: what was said before stays here; 0: all history
	Born       int64          `json:"born"`               // Unix ms
	Waits      bool           `json:"waits,omitempty"`    // its first share waits for a person's release
	Paused     bool           `json:"paused,omitempty"`   // its trigger stopped matching: nothing leaves until it matches again
	Ended      bool           `json:"ended,omitempty"`    // unlinked: nothing crosses any more
}

// Base is what one outgoing item looked like when last seen or written here.
type Base struct {
	Local replica.Hash // its hash in the local ticket's view; zero: absent
	Seq   replica.Seq  // the sequence that last carried it, or its withdrawal; 0: never sent
	Gone  int64        // when it was taken away here, as the peer was told: Unix ms by our Jira; 0: it is there, or that is not known
}

// Outgoing is a link's state towards the peer. Posted is exactly what the peer
// holds of us; Bases alone detect local change.
type Outgoing struct {
	Last   replica.Seq  // newest sequence of this link; 0: nothing posted yet
	Whole  replica.Seq  // newest sequence that carried the whole view
	After  replica.Hash // Posted's hash
	Rules  replica.Hash // the rules version of the last view compared
	Bases  map[replica.Path]Base
	Posted replica.View
}

// Incoming is the peer's side of a link, as it last posted it. A change is
// known by the sequence that brought it, not by comparing values: the peer may
// say again what it said before, because the ticket here has moved since.
type Incoming struct {
	Seq    replica.Seq  // newest sequence received for this link
	Folded replica.Seq  // newest sequence that has been looked at: Seq, or one that was lost
	Lost   replica.Seq  // not stored: a sequence that does not fit what we hold; the whole view is needed
	Broken bool         // not stored: that one was a whole view
	After  replica.Hash // Remote's hash
	Key    string       // the peer's ticket key, where shared
	URL    string       // the peer's ticket address, where shared
	Via    []string     // node ids the ticket came through
	Items  map[replica.Path]Arrival
	Remote replica.View
}

// Arrival tells when an item of the peer's view last changed, be it that it was
// set or that it was withdrawn.
type Arrival struct {
	Seq  replica.Seq // the peer's sequence that brought it
	Seen replica.Seq // how far the peer had reconciled us when it made that replica
	Gone int64       // when it was withdrawn: Unix ms by the peer's Jira; 0: it is there, or that is not known
}

// Done is what was reconciled of a link's incoming side.
type Done struct {
	Seq     replica.Seq           // newest incoming sequence reconciled; replicas that leave carry it as Seen
	Rules   replica.Hash          // the rules version that reconciled it
	Pending map[replica.Path]bool // items up to Seq that still wait
}

// Word is what the peer last said of a link.
type Word struct {
	Seq   replica.Seq    `json:"seq"`
	State replica.State  `json:"state"`
	Twin  string         `json:"twin,omitempty"`
	Code  string         `json:"code,omitempty"`
	Paths []replica.Path `json:"paths,omitempty"`
	Kept  []replica.Path `json:"kept,omitempty"`  // our items, changed on both sides at once, of which the peer kept its own
	Taken []replica.Path `json:"taken,omitempty"` // likewise, of which it took ours
	Lost  replica.Seq    `json:"lost,omitempty"`  // newest sequence with which it lost track: a whole view after that one is due
}

func linkKey(t byte, connection string, id replica.LinkID) key {
	return table(t).str(connection).link(id)
}

// PutLink stores a link and its index.
func PutLink(b *Batch, k Link) error {
	v, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("encoding link %s: %w", k.ID, err)
	}
	if k.Ticket != "" {
		if err := b.Set(table('T').str(k.Ticket).str(k.Connection).link(k.ID), nil, nil); err != nil {
			return err
		}
	}
	return b.Set(linkKey('L', k.Connection, k.ID), v, nil)
}

// Link reads one link; ErrNone where the connection has no such link.
func (l *Ledger) Link(connection string, id replica.LinkID) (k Link, err error) {
	err = l.get(linkKey('L', connection, id), func(v []byte) error { return json.Unmarshal(v, &k) })
	return k, err
}

// Links calls use for every link of a connection ("" for all), until it says stop.
func (l *Ledger) Links(connection string, use func(Link) bool) error {
	prefix := table('L')
	if connection != "" {
		prefix = prefix.str(connection)
	}
	return l.linksUnder(prefix, prefix, use)
}

// linksFrom is Links of one connection, from a link's id on.
func (l *Ledger) linksFrom(connection string, from replica.LinkID, use func(Link) bool) error {
	return l.linksUnder(table('L').str(connection), linkKey('L', connection, from), use)
}

func (l *Ledger) linksUnder(prefix, from key, use func(Link) bool) error {
	return l.scanFrom(prefix, from, func(_, v []byte) (bool, error) {
		var k Link
		if err := json.Unmarshal(v, &k); err != nil {
			return false, fmt.Errorf("reading a link: %w", err)
		}
		return use(k), nil
	})
}

// LinksOf lists the links that a local ticket has, in all connections.
func (l *Ledger) LinksOf(ticket string) (links []Link, err error) {
	prefix := table('T').str(ticket)
	err = l.scan(prefix, func(k, _ []byte) (bool, error) {
		r := reader{b: k[len(prefix):]}
		connection, id := r.str(), r.link()
		if err := r.end("link index"); err != nil {
			return false, err
		}
		link, err := l.Link(connection, id)
		if err != nil {
			return false, fmt.Errorf("reading link %s: %w", id, err)
		}
		links = append(links, link)
		return true, nil
	})
	return links, err
}

// Outgoing is a link's state towards the peer, everything that was posted
// included; an empty one where nothing was.
func (l *Ledger) Outgoing(connection string, id replica.LinkID) (*Outgoing, error) {
	g, err := l.Log(connection)
	if err != nil {
		return nil, err
	}
	return g.outgoing(id)
}

func (l *Ledger) storedOutgoing(connection string, id replica.LinkID) (*Outgoing, error) {
	o := &Outgoing{Bases: map[replica.Path]Base{}, Posted: replica.View{}}
	err := l.get(linkKey('O', connection, id), o.decode)
	return o, missing(err)
}

// Incoming is the peer's side of a link, everything that has come included; an
// empty one where nothing came yet.
func (l *Ledger) Incoming(connection string, id replica.LinkID) (*Incoming, error) {
	in, err := l.storedIncoming(connection, id)
	if err != nil {
		return nil, err
	}
	g, err := l.Log(connection)
	if err != nil {
		return nil, err
	}
	return in, g.pending(id, in)
}

func (l *Ledger) storedIncoming(connection string, id replica.LinkID) (*Incoming, error) {
	in := &Incoming{Items: map[replica.Path]Arrival{}, Remote: replica.View{}}
	err := l.get(linkKey('I', connection, id), in.decode)
	return in, missing(err)
}

// Done reads what was reconciled of a link; an empty one where nothing was.
func (l *Ledger) Done(connection string, id replica.LinkID) (*Done, error) {
	d := &Done{Pending: map[replica.Path]bool{}}
	err := l.get(linkKey('D', connection, id), d.decode)
	return d, missing(err)
}

// Word reads what the peer last said of a link.
func (l *Ledger) Word(connection string, id replica.LinkID) (w Word, err error) {
	err = l.get(linkKey('P', connection, id), func(v []byte) error { return json.Unmarshal(v, &w) })
	return w, missing(err)
}

func missing(err error) error {
	if errors.Is(err, ErrNone) {
		return nil
	}
	return err
}

// PutOutgoing stores o for a link.
func PutOutgoing(b *Batch, connection string, id replica.LinkID, o *Outgoing) error {
	return b.Set(linkKey('O', connection, id), o.encode(make([]byte, 0, 128+64*len(o.Bases))), nil)
}

// PutDone stores d for a link.
func PutDone(b *Batch, connection string, id replica.LinkID, d *Done) error {
	return b.Set(linkKey('D', connection, id), d.encode(), nil)
}

func putWord(b *Batch, connection string, id replica.LinkID, w Word) error {
	v, err := json.Marshal(w)
	if err != nil {
		return fmt.Errorf("encoding the peer's word on link %s: %w", id, err)
	}
	return b.Set(linkKey('P', connection, id), v, nil)
}
