package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/jsm/sim"
	"parley/transport"
)

// A paired partner that lies, and a tenant that is not itself, meet a real node
// that serves an honest partner beside. Each time the node must stay up, say what
// is wrong where an admin looks, and keep the honest traffic going.

const hostileRules = `
peer = "mallory"
connection = "trap"
project = "SUPPORT"
[outgoing]
share = ["summary"]
[incoming]
accept = ["summary"]
[incoming.create]
project = "SUPPORT"
request_type = "Get IT help"
[limits]
tickets_per_day = 5
`

func TestHostilePartner(t *testing.T) {
	t.Parallel()
	north, south := pairedFirms(t, killNorth, killSouth)
	m := newMallory(t, north)
	north.publish("trap", hostileRules)
	honest := honesty{t: t, from: north, to: south}
	honest.share()
	for _, c := range []struct {
		name string
		do   func(*mallory)
		sees string // what status then says of the partner or the connection
		log  string // where the session goes on: what the node's log says
		told string // likewise: what the partner is told
	}{
		{"hello that is no position", func(m *mallory) { m.live(); m.hello.set("\x00garbage"); m.anew() }, "reading the hello", "", ""},
		{"garbled replica", func(m *mallory) { m.replica(m.next(), []byte("\xc1 not msgpack")) }, "", "a replica cannot be read", "malformed"},
		{"replica of another number", func(m *mallory) { m.replica(m.next(), vector(t, "one item has a new value")) }, "", "it calls itself replica 4711", "malformed"},
		{"change of a view that nobody has", func(m *mallory) { n := m.next(); m.replica(n, numbered(t, "one item has a new value", n)) }, "", "", "resend"},
		{"gap in the numbers", func(m *mallory) { m.replica(m.seq+50, []byte("x")) }, "a replica is missing before this one", "", ""},
		{"other epoch", func(m *mallory) { m.stream("trap", 2, 'R', arrival(m.seq+1, []byte("x"))) }, "was put back to an earlier state", "", ""},
		{"oversized replica", func(m *mallory) { m.replica(m.seq+1, make([]byte, transport.MaxMessage-24)) }, "larger than allowed", "", ""},
		{"message of an unknown kind", func(m *mallory) { m.stream("trap", 1, 'Z', []byte("what is this")) }, "is no replica", "", ""},
		{"stream that begins wrongly", func(m *mallory) { m.open("trap", 'R', nil) }, "begins with a message of kind", "", ""},
		{"receipt that nobody signed", func(m *mallory) { m.control('r', []byte("received, honestly")) }, "reading a receipt", "", ""},
		{"position that is none", func(m *mallory) { m.control('p', []byte(`{"c":7}`)) }, "reading a position", "", ""},
		{"refusal of our connection", func(m *mallory) { m.control('x', []byte("trap")) }, "it needs published rules of that name there", "", ""},
		{"unknown connection", func(m *mallory) { m.stream("no-such-connection", 1, 'R', arrival(1, []byte("x"))) }, "", "connection=no-such-connection", "no-such-connection"},
		{"another partner's connection", func(m *mallory) { m.stream("desk", 1, 'R', arrival(1, []byte("x"))) }, "", "connection=desk", "desk"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m.t = t
			before := len(north.log())
			c.do(m)
			if c.told != "" {
				m.told(c.told)
			}
			eventually(t, "the log tells of it", func() string {
				if news := north.log()[before:]; !strings.Contains(news, c.log) {
					return "only: " + news
				}
				return ""
			})
			if c.sees != "" {
				m.noticed(c.sees)
			}
			m.hello.set("")
			m.anew()
			honest.goesOn(t)
		})
	}

	// Once it behaves, it is served: nothing of what it did before is in the way.
	m.t = t
	n := m.next()
	m.replica(n, numbered(t, "the first replica of a link", n))
	eventually(t, "the partner's ticket is made", func() string {
		for _, ticket := range north.tenant.Issues() {
			if strings.Contains(ticket.Summary, "rinter on floor 3") {
				return ""
			}
		}
		return "it is not there"
	})
	for _, f := range []*firm{north, south} {
		f.end()
		f.checkLog()
	}
}

// A tenant that answers with pages for people, or refuses the token, stops only
// what needs it, says so, and nothing that happened meanwhile is lost.
func TestHostileTenant(t *testing.T) {
	t.Parallel()
	north, south := pairedFirms(t, killNorth, killSouth)
	honest := honesty{t: t, from: north, to: south}
	honest.share()
	page := "<!doctype html><title>Log in</title><form>Who are you?</form>"
	for _, c := range []struct {
		name  string
		fault sim.Fault
		sees  string // in status
		next  string // in what the doctor says
	}{
		{"login page", sim.Fault{Kind: "status", Status: http.StatusOK, Body: page, Header: map[string]string{"Content-Type": "text/html"}}, "HTML", "check url in parley.toml"},
		{"gateway's page", sim.Fault{Kind: "html"}, "502", ""},
		{"token refused", sim.Fault{Kind: "status", Status: http.StatusUnauthorized, Body: "Client must be authenticated"}, "401", "make a new API token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.fault.Times = -1
			t.Cleanup(south.tenant.ClearFaults)
			if err := south.tenant.Fault(c.fault); err != nil {
				t.Fatal(err)
			}
			eventually(t, "status says what is wrong with the tenant", func() string {
				s := south.status()
				if s.Tenant.State != "down" || !strings.Contains(s.Tenant.Trouble, c.sees) {
					return s.Tenant.State + ": " + s.Tenant.Trouble
				}
				return ""
			})
			if said := south.refuses("doctor"); !strings.Contains(said, "FAIL  tenant") || !strings.Contains(said, c.next) {
				t.Errorf("the doctor says:\n%s", said)
			}
			mark := honest.say()
			south.awaitConnection("desk", "up", "") // the partner is served as before
			south.tenant.ClearFaults()
			honest.heard(t, mark)
		})
	}
	for _, f := range []*firm{north, south} {
		f.end()
		f.checkLog()
	}
}

// honesty is a ticket that two firms share, and what is said on it.
type honesty struct {
	t        *testing.T
	from, to *firm
	key      string
	said     int
}

const honestMark = "case-honest"

func (h *honesty) share() {
	h.t.Helper()
	var err error
	if h.key, err = h.from.agent().CreateRequest("Get IT help", map[string]any{"summary": "Honest", "description": honestMark}); err != nil {
		h.t.Fatal(err)
	}
	h.goesOn(h.t)
}

func (h *honesty) say() (mark string) {
	h.t.Helper()
	h.said++
	mark = "saying-0" + strings.Repeat("i", h.said) + "."
	if _, err := h.from.agent().Comment(h.key, mark, true); err != nil {
		h.t.Fatal(err)
	}
	return mark
}

// heard waits until the other side shows it, and insists that it is there once.
func (h *honesty) heard(t *testing.T, mark string) {
	t.Helper()
	eventually(t, "honest traffic goes on", func() string {
		n := 0
		for _, twin := range h.to.matching(honestMark) {
			for _, c := range twin.Comments {
				n += strings.Count(c.Text, "0"+strings.TrimPrefix(mark, "saying-0"))
			}
		}
		if n == 1 {
			return ""
		}
		return mark + " is not there once"
	})
}

func (h *honesty) goesOn(t *testing.T) {
	t.Helper()
	h.heard(t, h.say())
}

// mallory is a partner that was paired properly, by a real handshake, and then
// says what it likes. It does not dial again before it is told to behave.
type mallory struct {
	t        *testing.T
	ctx      context.Context // of all its life
	victim   *firm
	end      *transport.Endpoint
	sessions chan *transport.Session
	again    chan struct{}
	hello    lockedText         // an extra position
	seq      uint64             // newest replica that the victim has taken
	session  *transport.Session // of the last deed
}

// lockedText is set here and read by the endpoint.
type lockedText struct{ v chan string }

func (l *lockedText) set(s string) { <-l.v; l.v <- s }

func (l *lockedText) get() string {
	s := <-l.v
	l.v <- s
	return s
}

func newMallory(t *testing.T, victim *firm) *mallory {
	t.Helper()
	m := &mallory{
		t: t, victim: victim, sessions: make(chan *transport.Session), again: make(chan struct{}),
		hello: lockedText{make(chan string, 1)},
	}
	m.hello.v <- ""
	id, err := transport.NewIdentity("mallory")
	if err != nil {
		t.Fatal(err)
	}
	pairing := transport.NewPairing(id, &transport.MemoryStore{})
	card, err := pairing.Offer(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "card")
	victim.write(file, string(card))
	theirs := victim.offer()
	victim.pair("mallory", firmCard{file, id.Fingerprint()})
	text, err := os.ReadFile(theirs.file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pairing.Accept(text, "victim"); err != nil {
		t.Fatal(err)
	}
	if _, err := pairing.Confirm("victim", transport.Confirmation{Fingerprint: theirs.fingerprint}); err != nil {
		t.Fatal(err)
	}
	m.end, err = transport.New(transport.Config{
		Identity: id, Pairing: pairing, Listen: "127.0.0.1:0", DialOnly: true, Logger: slog.New(slog.DiscardHandler),
		Hello: m.positions, Serve: m.serve,
	})
	if err != nil {
		t.Fatal(err)
	}
	var stop func()
	m.ctx, stop = context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- m.end.Run(m.ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-over; err != nil {
			t.Errorf("mallory's endpoint: %v", err)
		}
	})
	return m
}

// positions are its connection's, one that the victim has not, and what the test adds.
func (m *mallory) positions(string) [][]byte {
	all := [][]byte{position("trap", 1), position("ghost", 1)}
	if extra := m.hello.get(); extra != "" {
		all = append(all, []byte(extra))
	}
	return all
}

// position claims a log far ahead of what is ever sent.
func position(connection string, epoch byte) []byte {
	b, _ := json.Marshal(map[string]any{"c": connection, "at": map[string]any{"Epoch": [16]byte{epoch}, "Seq": 1 << 40}}) // plain values always encode
	return b
}

// serve hands the session to the test until it is lost, and then waits before
// the endpoint may dial again.
func (m *mallory) serve(ctx context.Context, s *transport.Session) error {
	for {
		select {
		case m.sessions <- s:
		case <-ctx.Done():
			select {
			case <-m.again:
			case <-m.ctx.Done():
			}
			return nil
		}
	}
}

// live gives a session that the victim serves, once both have told where the
// trap stands.
func (m *mallory) live() *transport.Session {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.ctx, patience)
	defer cancel()
	for {
		select {
		case m.session = <-m.sessions:
			if kind, _, err := m.session.RecvControl(ctx); err == nil && kind == 'p' && m.session.SendControl(ctx, 'p', position("trap", 1)) == nil {
				return m.session
			}
		case <-ctx.Done():
			m.t.Fatal("the victim does not let its partner in again")
		}
	}
}

// anew ends the session, where it has not ended yet, and lets the endpoint dial again.
func (m *mallory) anew() {
	m.t.Helper()
	m.session.Close(0, "again")
	m.end.Kick("victim") // what failed before makes no long pause now
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case m.again <- struct{}{}:
			return
		case s := <-m.sessions: // one that began meanwhile
			s.Close(0, "again")
		case <-late.C:
			m.t.Fatal("the session does not end")
		}
	}
}

// noticed waits until status says these words of the partner or its connection.
func (m *mallory) noticed(words string) {
	m.t.Helper()
	eventually(m.t, "status says what the partner did", func() string {
		var seen []string
		s := m.victim.status()
		for _, c := range s.Connections {
			if c.Name == "trap" {
				seen = append(seen, c.Trouble)
			}
		}
		for _, p := range s.Peers {
			if p.Peer == "mallory" {
				seen = append(seen, p.Trouble)
			}
		}
		if all := strings.Join(seen, " / "); !strings.Contains(all, words) {
			return "only: " + all
		}
		return ""
	})
}

// told waits until the victim has said these words to its partner: in a receipt,
// or in the refusal of a connection.
func (m *mallory) told(words string) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.ctx, patience)
	defer cancel()
	for {
		kind, body, err := m.session.RecvControl(ctx)
		if err != nil {
			m.t.Fatalf("the partner is not told %q: %v", words, err)
		}
		if strings.ContainsRune("rx", rune(kind)) && bytes.Contains(body, []byte(words)) {
			return
		}
	}
}

func (m *mallory) next() uint64 { m.seq++; return m.seq }

func (m *mallory) control(kind byte, body []byte) {
	m.t.Helper()
	if err := m.live().SendControl(m.ctx, kind, body); err != nil {
		m.t.Fatal(err)
	}
}

// open opens a connection's stream and says one thing on it. That the victim
// closes the session meanwhile is no failure.
func (m *mallory) open(connection string, kind byte, body []byte) *transport.FrameWriter {
	m.t.Helper()
	w, err := m.live().OpenStream(m.ctx, connection)
	if err != nil {
		m.t.Fatal(err)
	}
	if w.WriteMessage(kind, nil, body) == nil {
		w.Flush()
	}
	return w
}

// stream opens a connection's stream as it should be, and then says one thing.
func (m *mallory) stream(connection string, epoch, kind byte, body []byte) {
	m.t.Helper()
	if w := m.open(connection, 'P', position(connection, epoch)); w.WriteMessage(kind, nil, body) == nil {
		w.Flush()
	}
}

// replica sends one replica on the trap's stream.
func (m *mallory) replica(seq uint64, body []byte) {
	m.t.Helper()
	m.stream("trap", 1, 'R', arrival(seq, body))
}

// arrival is a replica as it crosses: number and salt, then its bytes.
func arrival(seq uint64, body []byte) []byte {
	head := make([]byte, 24)
	for i := range 8 {
		head[i] = byte(seq >> (56 - 8*i))
	}
	return append(head, body...)
}

// vector is a good replica from testdata, which calls itself number 4711.
func vector(t *testing.T, what string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "testdata", "vectors", "replicas.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []struct{ What, Replica string }
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		if v.What == what {
			if b, err = hex.DecodeString(v.Replica); err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	t.Fatalf("there is no vector %q", what)
	return nil
}

// numbered is a vector with another number.
func numbered(t *testing.T, what string, seq uint64) []byte {
	t.Helper()
	b := vector(t, what)
	at := bytes.Index(b, []byte("\xa3seq\xcd\x12\x67"))
	if at < 0 || seq > 127 {
		t.Fatalf("the number of %q cannot be changed to %d", what, seq)
	}
	return append(append(append([]byte{}, b[:at+4]...), byte(seq)), b[at+7:]...)
}
