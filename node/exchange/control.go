package exchange

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"parley/node/ledger"
	"parley/replica"
	"parley/transport"
)

// What nodes say to each other about connections, one message of package
// transport each. Numbers are 8 bytes, big endian; connection is its name on the
// wire, 1 to 255 bytes. On the control stream:
//
//	a  stored    number, connection: everything up to there is on disk
//	b  give back JSON: c the connection, from the first number that is asked for
//	p  position  JSON: c the connection, at the sender's ledger.Position; a hello has a list of these
//	q  t         where links stand: see driftwire.go
//	r  receipt   see package replica
//	x  refused   connection, which the sender does not know
//
// On a connection's stream a P, which is a position, and then for each replica an R:
//
//	P  begins    JSON, as p
//	R  replica   number, salt (16 bytes), the replica
//
// or, where the peer is given its own replicas back, a b without a body, and R as before.
//
// In JSON, keys that are not known are passed over, and bytes are lists of
// numbers. testdata/vectors/control.json has an example of each.

// named reports whether a peer may call a connection so.
func named(wire string) error {
	if len(wire) == 0 || len(wire) > transport.MaxConnectionID {
		return fmt.Errorf("a connection's name of %d bytes: %w", len(wire), transport.ErrProtocol)
	}
	return nil
}

// position says where a connection's log stands.
type position struct {
	Connection string          `json:"c"`
	At         ledger.Position `json:"at"`
}

func (p position) encode() ([]byte, error) { return json.Marshal(p) }

func decodePosition(b []byte) (p position, err error) {
	if err := json.Unmarshal(b, &p); err != nil {
		return position{}, errors.Join(transport.ErrProtocol, err)
	}
	return p, named(p.Connection)
}

// asked is what a node asks its peer to give back.
type asked struct {
	Connection string      `json:"c"`
	From       replica.Seq `json:"from"`
}

func (q asked) encode() ([]byte, error) { return json.Marshal(q) }

func decodeAsked(b []byte) (q asked, err error) {
	if err := json.Unmarshal(b, &q); err != nil {
		return asked{}, errors.Join(transport.ErrProtocol, err)
	}
	return q, named(q.Connection)
}

func encodeStored(seq replica.Seq, wire string) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(seq)), wire...)
}

func decodeStored(b []byte) (seq replica.Seq, wire string, err error) {
	if len(b) < 8 {
		return 0, "", fmt.Errorf("an acknowledgement of %d bytes: %w", len(b), transport.ErrProtocol)
	}
	wire = string(b[8:])
	return replica.Seq(binary.BigEndian.Uint64(b)), wire, named(wire)
}

// encodeHead is what stands before a replica's bytes.
func encodeHead(seq replica.Seq, salt [ledger.SaltSize]byte) (head [replicaHead]byte) {
	binary.BigEndian.PutUint64(head[:], uint64(seq))
	copy(head[8:], salt[:])
	return head
}

// decodeArrival reads one message of a connection's stream; the body is a part of m.
func decodeArrival(kind byte, m []byte) (a ledger.Arrived, err error) {
	if kind != replicaKind || len(m) < replicaHead {
		return a, fmt.Errorf("a message of kind %q and %d bytes is no replica: %w", kind, len(m), transport.ErrProtocol)
	}
	a.Seq = replica.Seq(binary.BigEndian.Uint64(m))
	copy(a.Salt[:], m[8:])
	a.Body = m[replicaHead:]
	return a, nil
}
