package exchange

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"parley/node/ledger"
	"parley/replica"
)

var update = flag.Bool("update", false, "write testdata/vectors/control.json anew")

// controlVector is one message as control.json holds it; README.md beside it explains it.
type controlVector struct {
	What   string `json:"what"`
	Stream string `json:"stream"`         // control, or a connection's
	Kind   string `json:"kind"`           // the byte
	Body   string `json:"body"`           // in hexadecimal
	JSON   string `json:"json,omitempty"` // the same as text, where it is JSON
}

const vectorsFile = "../../testdata/vectors/control.json"

// message is one vector's content: how it is written, and what is read from it.
type message struct {
	what, stream string
	kind         byte
	body         []byte
	read         func(kind byte, body []byte) (any, error)
	want         any
}

const vectorWire = "globex-support"

// messages has at least one of each kind that has a form of its own; receipts are
// in receipts.json.
func messages(t *testing.T) []message {
	t.Helper()
	must := func(b []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	readPosition := func(_ byte, b []byte) (any, error) { return decodePosition(b) }
	first := position{vectorWire, ledger.Position{Epoch: [16]byte{1, 2, 3}}}
	busy := position{vectorWire, ledger.Position{
		Epoch: [16]byte{1, 2, 3}, Seq: 4711, Chain: replica.Hash{9}, Settled: 17, InEpoch: [16]byte{4, 5, 6}, Stored: 12, InChain: replica.Hash{8}, PeerSaid: 11,
	}}
	healed := busy
	healed.At.Epoch = [16]byte{7}
	healed.At.Named = &ledger.Past{Epoch: [16]byte{1, 2, 3}, Seq: 4711, Chain: replica.Hash{9}, Had: 4000, Afresh: true, At: 1_760_000_720_000}
	question := standsQuestion{7, replica.LinkID{1}, vectorWire}
	page := standsPage{more: true, stands: []ledger.Stand{
		{Link: replica.LinkID{1}, Out: 3, OutAfter: replica.Hash{1}, In: 4, InAfter: replica.Hash{2}}, {Link: replica.LinkID{2}, Ended: true},
	}}
	salt := [ledger.SaltSize]byte{1, 2, 3}
	head := encodeHead(4711, salt)
	return []message{
		{"everything up to 4711 is on disk", "control", storedKind, encodeStored(4711, vectorWire), func(_ byte, b []byte) (any, error) {
			seq, wire, err := decodeStored(b)
			return [2]any{seq, wire}, err
		}, [2]any{replica.Seq(4711), vectorWire}},
		{"give back our own replicas from 12 on", "control", backKind, must(asked{vectorWire, 12}.encode()), func(_ byte, b []byte) (any, error) { return decodeAsked(b) }, asked{vectorWire, 12}},
		{"position of a connection that carried nothing yet", "control", positionKind, must(first.encode()), readPosition, first},
		{"position, both directions in use", "control", positionKind, must(busy.encode()), readPosition, busy},
		{"position after a healed loss: a new epoch that follows the old log", "control", positionKind, must(healed.encode()), readPosition, healed},
		{"how do links stand, from this one on", "control", askKind, question.encode(), func(_ byte, b []byte) (any, error) { return decodeQuestion(b) }, question},
		{"two links stand like this, the second is ended, and more follow", "control", tellKind, page.encode(7), func(_ byte, b []byte) (any, error) {
			number, p, err := decodeStands(b)
			return [2]any{number, p}, err
		}, [2]any{uint32(7), page}},
		{"no connection of this name is here", "control", refuseKind, []byte(vectorWire), func(_ byte, b []byte) (any, error) { return string(b), nil }, vectorWire},
		{"a connection's stream begins", "connection", beginKind, must(busy.encode()), readPosition, busy},
		{"a replica (of three bytes, not a real one)", "connection", replicaKind, append(head[:], 1, 2, 3), func(kind byte, b []byte) (any, error) { return decodeArrival(kind, b) },
			ledger.Arrived{Seq: 4711, Salt: salt, Body: []byte{1, 2, 3}}},
		{"the stream gives back the reader's own replicas", "connection", backKind, nil, func(byte, []byte) (any, error) { return nil, nil }, nil},
	}
}

// TestVectorsOfControl compares what this package writes with the file, and reads
// the file as a partner's engineer would.
func TestVectorsOfControl(t *testing.T) {
	all := messages(t)
	var written []controlVector
	for _, m := range all {
		v := controlVector{What: m.what, Stream: m.stream, Kind: string(m.kind), Body: hex.EncodeToString(m.body)}
		if bytes.HasPrefix(m.body, []byte("{")) {
			v.JSON = string(m.body)
		}
		written = append(written, v)
	}
	want, err := json.MarshalIndent(written, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	file := filepath.FromSlash(vectorsFile)
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what this package writes", file)
	}
	var vectors []controlVector
	if err := json.Unmarshal(got, &vectors); err != nil || len(vectors) != len(all) {
		t.Fatalf("%d vectors for %d messages, %v", len(vectors), len(all), err)
	}
	for i, v := range vectors {
		body, err := hex.DecodeString(v.Body)
		if err != nil {
			t.Fatal(err)
		}
		read, err := all[i].read(v.Kind[0], body)
		if err != nil || !reflect.DeepEqual(read, all[i].want) {
			t.Errorf("%s: read as %+v, %v", v.What, read, err)
		}
	}
}

// FuzzControl reads arbitrary bytes as each message that a peer may send about a
// connection. What is understood means the same once written and read again.
func FuzzControl(f *testing.F) {
	vectors, err := os.ReadFile(filepath.FromSlash(vectorsFile))
	if err != nil {
		f.Fatal(err)
	}
	var all []controlVector
	if err := json.Unmarshal(vectors, &all); err != nil {
		f.Fatal(err)
	}
	for _, v := range all {
		b, err := hex.DecodeString(v.Body)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(v.Kind[0], b)
	}
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		before := slices.Clone(b)
		if seq, wire, err := decodeStored(b); err == nil && !bytes.Equal(encodeStored(seq, wire), b) {
			t.Errorf("acknowledgement %x of %q encodes to %x", b, wire, encodeStored(seq, wire))
		}
		if a, err := decodeArrival(kind, b); err == nil {
			if head := encodeHead(a.Seq, a.Salt); !bytes.Equal(append(head[:], a.Body...), b) {
				t.Errorf("arrival %x", b)
			}
		}
		if p, err := decodePosition(b); err == nil {
			again, err := p.encode()
			if q, bad := decodePosition(again); err != nil || bad != nil || !reflect.DeepEqual(p, q) {
				t.Errorf("position %s came back as %+v (%v, %v)", b, q, err, bad)
			}
		}
		if q, err := decodeAsked(b); err == nil {
			again, err := q.encode()
			if r, bad := decodeAsked(again); err != nil || bad != nil || q != r {
				t.Errorf("question %s came back as %+v (%v, %v)", b, r, err, bad)
			}
		}
		if !bytes.Equal(b, before) {
			t.Error("reading changed the bytes")
		}
	})
}
