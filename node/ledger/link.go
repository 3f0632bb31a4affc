package ledger

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

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
	Since      int64          `json:"since"`              // Unix ms: what was said before stays here; 0: all history
	Born       int64          `json:"born"`               // Unix ms
	Waits      bool           `json:"waits,omitempty"`    // its first share waits for a person's release
	Paused     bool           `json:"paused,omitempty"`   // its trigger stopped matching: nothing leaves until it matches again
	Ended      bool           `json:"ended,omitempty"`    // unlinked: nothing crosses any more
}

// Base is what one outgoing item looked like when last seen or written here.
type Base struct {
	Local replica.Hash // its hash in the local ticket's view; zero: absent
	Seq   replica.Seq  // the sequence that last carried it; 0: never sent
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
	Lost  replica.Seq    `json:"lost,omitempty"` // newest sequence with which it lost track: a whole view after that one is due
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
	return l.scan(prefix, func(_, v []byte) (bool, error) {
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

// Outgoing reads a link's state towards the peer; an empty one where nothing was posted.
func (l *Ledger) Outgoing(connection string, id replica.LinkID) (*Outgoing, error) {
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
	return b.Set(linkKey('O', connection, id), o.encode(), nil)
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

// The three records below lie on the path of every replica, so they have a
// plain binary form: fixed fields, a counted list in no particular order, and
// the view in its own stored form at the end.

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func (r *reader) string() string {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad = true
		return ""
	}
	return string(r.take(int(n)))
}

// count reads a list's length; no list is longer than the bytes that are left.
func (r *reader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (o *Outgoing) encode() []byte {
	b := make([]byte, 0, 128+64*len(o.Bases))
	b = binary.BigEndian.AppendUint64(b, uint64(o.Last))
	b = binary.BigEndian.AppendUint64(b, uint64(o.Whole))
	b = append(append(b, o.After[:]...), o.Rules[:]...)
	b = binary.AppendUvarint(b, uint64(len(o.Bases)))
	for p, base := range o.Bases {
		b = append(appendString(b, string(p)), base.Local[:]...)
		b = binary.AppendUvarint(b, uint64(base.Seq))
	}
	return append(b, o.Posted.Encode()...)
}

func (o *Outgoing) decode(v []byte) (err error) {
	r := reader{b: v}
	o.Last, o.Whole, o.After, o.Rules = replica.Seq(r.num()), replica.Seq(r.num()), r.hash(), r.hash()
	for n := r.count(); n > 0 && !r.bad; n-- {
		p := replica.Path(r.string())
		o.Bases[p] = Base{Local: r.hash(), Seq: replica.Seq(r.uvarint())}
	}
	if err := r.end("outgoing"); err != nil {
		return err
	}
	o.Posted, err = replica.DecodeView(slices.Clone(r.b))
	return err
}

func (in *Incoming) encode() []byte {
	b := make([]byte, 0, 128+32*len(in.Items))
	b = binary.BigEndian.AppendUint64(b, uint64(in.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(in.Folded))
	b = append(b, in.After[:]...)
	b = appendString(appendString(b, in.Key), in.URL)
	b = binary.AppendUvarint(b, uint64(len(in.Via)))
	for _, via := range in.Via {
		b = appendString(b, via)
	}
	b = binary.AppendUvarint(b, uint64(len(in.Items)))
	for p, a := range in.Items {
		b = binary.AppendUvarint(appendString(b, string(p)), uint64(a.Seq))
		b = binary.AppendUvarint(b, uint64(a.Seen))
	}
	return append(b, in.Remote.Encode()...)
}

func (in *Incoming) decode(v []byte) (err error) {
	r := reader{b: v}
	in.Seq, in.Folded, in.After = replica.Seq(r.num()), replica.Seq(r.num()), r.hash()
	in.Key, in.URL = r.string(), r.string()
	for n := r.count(); n > 0 && !r.bad; n-- {
		in.Via = append(in.Via, r.string())
	}
	for n := r.count(); n > 0 && !r.bad; n-- {
		p := replica.Path(r.string())
		in.Items[p] = Arrival{Seq: replica.Seq(r.uvarint()), Seen: replica.Seq(r.uvarint())}
	}
	if err := r.end("incoming"); err != nil {
		return err
	}
	in.Remote, err = replica.DecodeView(slices.Clone(r.b))
	return err
}

func (d *Done) encode() []byte {
	b := make([]byte, 0, 64)
	b = binary.BigEndian.AppendUint64(b, uint64(d.Seq))
	b = append(b, d.Rules[:]...)
	for _, p := range slices.Sorted(maps.Keys(d.Pending)) {
		b = appendString(b, string(p))
	}
	return b
}

func (d *Done) decode(v []byte) error {
	r := reader{b: v}
	d.Seq, d.Rules = replica.Seq(r.num()), r.hash()
	for len(r.b) > 0 && !r.bad {
		d.Pending[replica.Path(r.string())] = true
	}
	return r.end("done")
}

// Changed lists what reconciling has to judge: the items that came after d, and
// those that still wait from before.
func (in *Incoming) Changed(d *Done) (paths []replica.Path) {
	for p, a := range in.Items {
		if a.Seq > d.Seq || d.Pending[p] {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths
}

// fold takes in one more replica.
func (in *Incoming) fold(seq replica.Seq, r *replica.Replica) {
	before := in.Remote
	view, err := before.Fold(r)
	if err != nil { // Seq stays: what is not known was not reconciled, so no replica of ours may say that we have seen it
		in.Lost, in.Broken = seq, r.Whole
		return
	}
	in.Seq = seq
	in.Remote, in.After, in.Via, in.Lost = view, r.After, r.Via, 0
	if r.Key != "" {
		in.Key, in.URL = r.Key, r.URL
	}
	set, gone := r.Set, r.Gone
	if r.Whole {
		set, gone = replica.Diff(before, view)
		for p, it := range view { // said again later, because the ticket here has moved
			if it.At != before[p].At {
				set[p] = it
			}
		}
	}
	now := Arrival{Seq: seq, Seen: r.Seen}
	if r.Whole { // it says again what was said before that: the times decide
		now.Seen = 0
	}
	for p := range set {
		in.Items[p] = now
	}
	for _, p := range gone {
		in.Items[p] = now
	}
	in.forget()
}

// mostGone bounds how many withdrawn items a link remembers besides its view.
const mostGone = 10_000

// forget drops the oldest withdrawn items once a peer has made up too many.
func (in *Incoming) forget() {
	if len(in.Items) <= len(in.Remote)+mostGone {
		return
	}
	var gone []replica.Path
	for p := range in.Items {
		if _, there := in.Remote[p]; !there {
			gone = append(gone, p)
		}
	}
	slices.SortFunc(gone, func(a, b replica.Path) int {
		return cmp.Or(cmp.Compare(in.Items[a].Seq, in.Items[b].Seq), cmp.Compare(a, b))
	})
	for _, p := range gone[:len(gone)/2] {
		delete(in.Items, p)
	}
}
