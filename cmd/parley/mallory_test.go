package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/transport"
)

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
	seq      uint64             // newest replica of the trap that the victim has taken
	calmSeq  uint64             // and of the other connection
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

// positions are its two connections', one that the victim has not, and what the test adds.
func (m *mallory) positions(string) [][]byte {
	all := [][]byte{position("trap", 1), position("calm", 1), position("ghost", 1)}
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

// live gives a session that the victim serves, once the victim has begun to tell
// where its connections stand, and the partner where its own do.
func (m *mallory) live() *transport.Session {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.ctx, patience)
	defer cancel()
	for {
		select {
		case m.session = <-m.sessions:
			if kind, _, err := m.session.RecvControl(ctx); err == nil && kind == 'p' &&
				m.session.SendControl(ctx, 'p', position("trap", 1)) == nil && m.session.SendControl(ctx, 'p', position("calm", 1)) == nil {
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
	m.live()
	return m.openHere(connection, kind, body)
}

// openHere does so in the session of the last deed.
func (m *mallory) openHere(connection string, kind byte, body []byte) *transport.FrameWriter {
	m.t.Helper()
	w, err := m.session.OpenStream(m.ctx, connection)
	if err != nil {
		m.t.Fatal(err)
	}
	if w.WriteMessage(kind, nil, body) == nil {
		w.Flush()
	}
	return w
}

// calm sends a good replica on the other connection, in the session of the last
// deed, and waits until the victim has stored it.
func (m *mallory) calm() {
	m.t.Helper()
	m.calmSeq++
	w := m.openHere("calm", 'P', position("calm", 1))
	if err := w.WriteMessage('R', nil, arrival(m.calmSeq, numbered(m.t, "one item has a new value", m.calmSeq))); err != nil {
		m.t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		m.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(m.ctx, patience)
	defer cancel()
	for {
		kind, body, err := m.session.RecvControl(ctx)
		if err != nil {
			m.t.Fatalf("the other connection does not go on: %v", err)
		}
		if kind == 'a' && bytes.HasSuffix(body, []byte("calm")) && binary.BigEndian.Uint64(body) == m.calmSeq {
			return
		}
	}
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
