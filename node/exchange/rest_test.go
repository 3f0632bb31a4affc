package exchange_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/node/ledger"
	"parley/transport"
)

// calm makes rules those of a second connection between the two.
func calm(rules string) string {
	return strings.NewReplacer(`connection = "desk"`, `connection = "calm"`, "vendor-x", "vendor-y").Replace(rules)
}

// impostor speaks for the south with its keys, and says what it likes.
type impostor struct {
	w *world

	mu      sync.Mutex // guards the fields below
	session *transport.Session
	told    map[string]int    // connection → positions that the north told of it
	stored  map[string]uint64 // connection → what the north acknowledged
}

// impostor takes the south's place.
func (w *world) impostor() *impostor {
	w.south.stop()
	m := &impostor{w: w, told: map[string]int{}, stored: map[string]uint64{}}
	endpoint, err := transport.New(transport.Config{
		Identity: w.south.id, Pairing: transport.NewPairing(w.south.id, w.south.pairs), Conn: w.south.socket, ResetKey: [32]byte{1}, TokenKey: [32]byte{2},
		Logger: slog.New(slog.DiscardHandler), Hello: func(string) [][]byte { return [][]byte{m.position("desk"), m.position("calm")} }, Serve: m.serve,
	})
	w.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- endpoint.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		<-over
	})
	w.until("the north lets the impostor in", time.Minute, func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.session != nil && m.told["desk"] == 1 && m.told["calm"] == 1
	})
	m.say('p', m.position("desk"))
	m.say('p', m.position("calm"))
	w.until("both connections work", time.Minute, func() bool {
		return w.north.con().Up() && w.north.desk.Connection("calm").Up()
	})
	return m
}

// position claims a log far ahead of what is ever sent.
func (m *impostor) position(wire string) []byte {
	b, err := json.Marshal(map[string]any{"c": wire, "at": ledger.Position{Epoch: [16]byte{1}, Seq: 1 << 40}})
	m.w.must(err)
	return b
}

func (m *impostor) serve(ctx context.Context, s *transport.Session) error {
	m.mu.Lock()
	m.session = s
	m.mu.Unlock()
	for {
		kind, body, err := s.RecvControl(ctx)
		if err != nil {
			return nil
		}
		m.mu.Lock()
		switch kind {
		case 'p':
			var p struct{ C string }
			if json.Unmarshal(body, &p) == nil {
				m.told[p.C]++
			}
		case 'a':
			m.stored[string(body[8:])] = binary.BigEndian.Uint64(body)
		}
		m.mu.Unlock()
	}
}

func (m *impostor) positions(wire string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.told[wire]
}

// now is the session that the north serves.
func (m *impostor) now() *transport.Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.session
}

func (m *impostor) say(kind byte, body []byte) {
	m.w.must(m.now().SendControl(context.Background(), kind, body))
}

// stream opens a connection's stream as it should be and says one thing on it.
// That the north stops it meanwhile is no failure.
func (m *impostor) stream(wire string, kind byte, body []byte) *transport.FrameWriter {
	w, err := m.now().OpenStream(context.Background(), wire)
	m.w.must(err)
	if w.WriteMessage('P', nil, m.position(wire)) == nil && w.WriteMessage(kind, nil, body) == nil {
		w.Flush()
	}
	return w
}

// taken sends the next replica of a connection, which no one can read, and waits
// until the north has it.
func (m *impostor) taken(wire string) {
	m.w.t.Helper()
	m.mu.Lock()
	next := m.stored[wire] + 1
	m.mu.Unlock()
	w := m.stream(wire, 'R', numbered(next))
	m.w.until(fmt.Sprintf("replica %d of %s is stored", next, wire), 2*time.Second, func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.stored[wire] == next
	})
	w.Reset()
}

// numbered is an arrival: number, salt, and a body that is no replica.
func numbered(seq uint64) []byte {
	return append(binary.BigEndian.AppendUint64(nil, seq), make([]byte, ledger.SaltSize+1)...)
}

func TestAFaultStaysWithItsConnection(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what string
		do   func(m *impostor)
		sees string
	}{
		{"gap in the numbers", func(m *impostor) { m.stream("desk", 'R', numbered(50)) }, ledger.ErrGap.Error()},
		{"too large", func(m *impostor) { m.stream("desk", 'R', make([]byte, transport.MaxMessage)) }, transport.ErrTooLarge.Error()},
		{"too short", func(m *impostor) { m.stream("desk", 'R', nil) }, "is no replica"},
		{"unknown kind", func(m *impostor) { m.stream("desk", 'Z', nil) }, "is no replica"},
		{"wrong beginning", func(m *impostor) {
			w, err := m.now().OpenStream(context.Background(), "desk")
			m.w.must(err)
			m.w.must(w.WriteMessage('R', nil, nil))
			m.w.must(w.Flush())
		}, "begins with a message of kind"},
		{"a beginning that is no position", func(m *impostor) {
			w, err := m.now().OpenStream(context.Background(), "desk")
			m.w.must(err)
			m.w.must(w.WriteMessage('P', nil, []byte("{")))
			m.w.must(w.Flush())
		}, "begins with a message of kind"},
	} {
		t.Run(c.what, func(t *testing.T) {
			inWorld(t, customer, vendor, func(w *world) {
				w.north.also("calm", calm(customer))
				m := w.impostor()
				served := w.north.served.Load()
				c.do(m)
				w.until("the admin sees it", 2*time.Second, func() bool {
					return !w.north.con().Up() && strings.Contains(w.north.con().Trouble(), c.sees)
				})
				m.taken("calm") // well before the other has rested
				same(t, "calm's trouble", w.north.desk.Connection("calm").Trouble(), "")
				w.until("it is tried again", 10*time.Second, func() bool { return m.positions("desk") == 2 && w.north.con().Up() })
				m.taken("desk")
				same(t, "trouble", w.north.con().Trouble(), "")
				same(t, "sessions", w.north.served.Load(), served)
			})
		})
	}
}

// TestFaultsWithoutEndCostLittle has a peer do nothing but wrong for an hour:
// garbage as often as it is let, positions in between, its own refusals.
func TestFaultsWithoutEndCostLittle(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		w.north.also("calm", calm(customer))
		m := w.impostor()
		served, before := w.north.served.Load(), m.positions("desk")
		for i := range 3600 {
			m.say('p', m.position("desk"))
			switch i % 3 {
			case 0:
				m.stream("desk", 'Z', []byte("garbage")).Reset()
			case 1:
				m.say('x', []byte("desk"))
				m.say('p', m.position("desk"))
			}
			time.Sleep(time.Second)
		}
		// 5, 10, 20 … 160 s, then 5 minutes each, and up to a quarter more.
		if n := m.positions("desk") - before; n < 10 || n > 18 {
			t.Errorf("the connection was begun %d times in an hour", n)
		}
		m.taken("calm")
		w.until("it is taken once it behaves", 7*time.Minute, w.north.con().Up)
		m.taken("desk")
		same(t, "sessions", w.north.served.Load(), served)
	})
}

// TestAPeerThatStopsOurStreamIsAskedAgain: what cannot be sent is not forgotten.
func TestAPeerThatStopsOurStreamIsAskedAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		w.north.also("calm", calm(customer))
		m := w.impostor()
		served := w.north.served.Load()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		for range 2 {
			name, r, err := m.session.AcceptStream(ctx)
			w.must(err)
			if name == "desk" {
				r.Cancel()
			}
		}
		w.north.raise("Printer on fire", map[string]any{"labels": []string{"vendor-x"}})
		w.until("the admin sees it", time.Minute, func() bool { return strings.Contains(w.north.con().Trouble(), "stopped this connection's stream") })
		m.taken("calm")
		name, r, err := m.session.AcceptStream(ctx)
		w.must(err)
		same(t, "stream", name, "desk")
		kind, _, err := r.ReadMessage(1 << 20)
		w.must(err)
		same(t, "beginning", string(kind), "P")
		kind, body, err := r.ReadMessage(1 << 20)
		w.must(err)
		same(t, "then", string(kind), "R")
		same(t, "number", binary.BigEndian.Uint64(body), 1)
		same(t, "sessions", w.north.served.Load(), served)
	})
}
