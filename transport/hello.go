package transport

import (
	"fmt"
	"time"
)

// The protocol's versions that this build speaks.
const (
	protocolName = "parley/1" // ALPN
	protocolMin  = 1
	protocolMax  = 1
)

// Limits of a hello.
const (
	MaxPositions = 4096
	MaxPosition  = 1 << 10 // bytes

	maxFeatures = 64
	maxFeature  = 64 // bytes
	maxGreeting = 16 << 10
	maxHello    = MaxPositions*(MaxPosition+4) + 1<<10
)

// Frames of the control stream before the session is handed to Serve; from then on every kind is the caller's.
const (
	frameGreeting = 1
	framePick     = 2 // the node with the smaller id chose this connection: 8 bytes, its number
	frameMeet     = 3 // the nonce behind the card of the sender that the receiver holds
	frameConfirm  = 4 // the signed "confirmed"
	frameHello    = 5
)

// Versions is a range that one side speaks, both ends included.
type Versions struct{ Min, Max uint16 }

// Hello is what the other side said of itself, and what both agreed on.
type Hello struct {
	Protocol  uint16   // agreed: the highest that both speak
	Format    uint16   // agreed version of the caller's own format
	Theirs    Versions // of the format
	Software  string   // the peer's build, for display
	Features  []string // that both have
	Sent      time.Time
	Offset    time.Duration // the peer's clock minus ours, give or take half a round trip
	Positions [][]byte      // per connection, opaque here; each at most MaxPosition bytes
}

// greeting opens the control stream, both ways. It goes to a peer that may still be quarantined, so it says nothing of any connection.
type greeting struct {
	protocol, format Versions
	software         string
	features         []string
	sent             time.Time
	active           bool     // the sender holds the pairing for active
	holds            [32]byte // hash of the receiver's card that the sender accepted
	clock            []byte   // ledger key's signature over the TLS exporter and sent
}

const (
	greetProtocolMin = iota + 1
	greetProtocolMax
	greetFormatMin
	greetFormatMax
	greetSoftware
	greetFeature
	greetSent
	greetActive
	greetHolds
	greetClock
)

func (g *greeting) encode() []byte {
	b := putNumber(nil, greetProtocolMin, uint64(g.protocol.Min))
	b = putNumber(b, greetProtocolMax, uint64(g.protocol.Max))
	b = putNumber(b, greetFormatMin, uint64(g.format.Min))
	b = putNumber(b, greetFormatMax, uint64(g.format.Max))
	b = putText(b, greetSoftware, g.software)
	for _, f := range g.features {
		b = put(b, greetFeature, []byte(f))
	}
	b = putNumber(b, greetSent, uint64(g.sent.UnixMilli()))
	if g.active {
		b = put(b, greetActive, nil)
	}
	b = put(b, greetHolds, g.holds[:])
	return put(b, greetClock, g.clock)
}

// decodeGreeting passes over fields it does not know, so that a later version can add some.
func decodeGreeting(b []byte) (*greeting, error) {
	if len(b) > maxGreeting {
		return nil, fmt.Errorf("reading a greeting: %w: %d bytes", errRecord, len(b))
	}
	g := &greeting{}
	var once seen
	err := walk(b, func(tag byte, v []byte) error {
		if tag <= greetClock && tag != greetFeature {
			if err := once.once(tag); err != nil {
				return err
			}
		}
		return g.field(tag, v)
	})
	if err != nil {
		return nil, fmt.Errorf("reading a greeting: %w", err)
	}
	for _, must := range []byte{greetProtocolMin, greetProtocolMax, greetFormatMin, greetFormatMax, greetSent, greetHolds, greetClock} {
		if !once[must] {
			return nil, fmt.Errorf("reading a greeting: %w: field %d is missing", errRecord, must)
		}
	}
	if g.protocol.Min > g.protocol.Max || g.format.Min > g.format.Max {
		return nil, fmt.Errorf("reading a greeting: %w: a version range that is empty", errRecord)
	}
	return g, nil
}

func (g *greeting) field(tag byte, v []byte) (err error) {
	switch tag {
	case greetProtocolMin:
		g.protocol.Min, err = version(v)
	case greetProtocolMax:
		g.protocol.Max, err = version(v)
	case greetFormatMin:
		g.format.Min, err = version(v)
	case greetFormatMax:
		g.format.Max, err = version(v)
	case greetSoftware:
		g.software = string(v)
		if len(v) == 0 || len(v) > maxName || !printable(g.software) {
			err = fmt.Errorf("%w: its software's name", errRecord)
		}
	case greetFeature:
		if len(g.features) == maxFeatures || len(v) == 0 || len(v) > maxFeature || !printable(string(v)) {
			return fmt.Errorf("%w: its features", errRecord)
		}
		g.features = append(g.features, string(v))
	case greetSent:
		var ms uint64
		if ms, err = number(v); err == nil && ms > 1<<47 {
			err = fmt.Errorf("%w: not a time", errRecord)
		}
		g.sent = time.UnixMilli(int64(ms))
	case greetActive:
		g.active = true
		err = fixed(nil, v)
	case greetHolds:
		err = fixed(g.holds[:], v)
	case greetClock:
		g.clock = append([]byte(nil), v...)
	}
	return err
}

// encodePositions writes the hello, which only an active peer gets.
func encodePositions(positions [][]byte) ([]byte, error) {
	if len(positions) > MaxPositions {
		return nil, fmt.Errorf("writing a hello: %d positions: %w", len(positions), ErrTooLarge)
	}
	var b []byte
	for _, p := range positions {
		if len(p) > MaxPosition {
			return nil, fmt.Errorf("writing a hello: a position of %d bytes: %w", len(p), ErrTooLarge)
		}
		b = put(b, 1, p)
	}
	return b, nil
}

func decodePositions(b []byte) ([][]byte, error) {
	if len(b) > maxHello {
		return nil, fmt.Errorf("reading a hello: %w: %d bytes", errRecord, len(b))
	}
	var positions [][]byte
	err := walk(b, func(tag byte, v []byte) error {
		if tag != 1 {
			return nil // of a later version
		}
		if len(v) > MaxPosition || len(positions) == MaxPositions {
			return fmt.Errorf("%w: more or longer positions than allowed", errRecord)
		}
		positions = append(positions, append([]byte(nil), v...))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading a hello: %w", err)
	}
	return positions, nil
}

// agree picks the highest version that both speak, and refuses one below the floor that was reached with this peer before.
func agree(what string, ours, theirs Versions, floor uint16) (uint16, error) {
	v := min(ours.Max, theirs.Max)
	if v < ours.Min || v < theirs.Min {
		return 0, fmt.Errorf("%w: %s: we speak %d to %d, the partner %d to %d; the older side must be updated", ErrVersion, what, ours.Min, ours.Max, theirs.Min, theirs.Max)
	}
	if v < floor {
		return 0, fmt.Errorf("%w: %s: %d was agreed on before and only %d is offered now; if a side went back to an older parley on purpose, reset the floor", ErrVersion, what, floor, v)
	}
	return v, nil
}
