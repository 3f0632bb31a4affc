package transport

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// A dialler shows in its ClientHello that it holds a card of the node that it dials: among the application protocols
// that it offers stands, after the real one,
//
//	"parley-card/" ‖ base64url(first 16 bytes of HMAC-SHA-256(SHA-256(card), "parley knock v1\0" ‖ hours since 1970: 8 bytes))
//
// It proves nobody's identity, for a card is no secret and who watches the wire may repeat the proof for an hour or two;
// it tells partners, and those whom we have invited, from the rest of the world before a handshake is paid for. A dialler
// without it waits among strangers. A listener of an earlier parley takes it for a protocol that it does not speak.

const (
	proofPrefix = "parley-card/"
	proofLength = 16 // bytes
	domainKnock = "parley knock v1\x00"
)

// proofAt is what a dialler shows that holds the card with this hash.
func proofAt(card [32]byte, hour int64) string {
	mac := hmac.New(sha256.New, card[:])
	mac.Write(binary.BigEndian.AppendUint64([]byte(domainKnock), uint64(hour)))
	return proofPrefix + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:proofLength])
}

func hourOf(now time.Time) int64 { return now.Unix() / int64(time.Hour/time.Second) }

// proofs knows what those show who hold cards of ours.
type proofs struct {
	pairing *Pairing
	stale   atomic.Bool // a pairing has changed

	mu    sync.Mutex
	hour  int64                    // guarded by mu: the table's
	names map[string]string        // guarded by mu: record of the pairing by proof, for this hour and its neighbours
	lanes map[string]*rate.Limiter // guarded by mu: by record
	limit rate.Limit               // of each lane
}

func newProofs(pairing *Pairing) *proofs {
	p := &proofs{pairing: pairing, limit: cardPerSecond, lanes: map[string]*rate.Limiter{}}
	p.stale.Store(true)
	return p
}

// admit says whether one of the protocols proves a card of ours whose lane has room.
func (p *proofs) admit(protocols []string) bool {
	for _, offered := range protocols {
		if strings.HasPrefix(offered, proofPrefix) {
			lane := p.lane(offered, time.Now())
			return lane != nil && lane.Allow() // one is enough: a list of guesses gets no further
		}
	}
	return false
}

// lane finds the lane that a proof opens, or nil.
func (p *proofs) lane(proof string, now time.Time) *rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	if hour := hourOf(now); p.stale.Swap(false) || hour != p.hour {
		p.compute(hour)
	}
	return p.lanes[p.names[proof]]
}

// compute makes the table anew, three proofs a card: clocks differ, and hours end. mu is held.
func (p *proofs) compute(hour int64) {
	cards := p.pairing.cardsOut(time.Now())
	names, lanes := make(map[string]string, 3*len(cards)), make(map[string]*rate.Limiter, len(cards))
	for name, card := range cards {
		for _, h := range []int64{hour - 1, hour, hour + 1} {
			names[proofAt(card, h)] = name
		}
		if lanes[name] = p.lanes[name]; lanes[name] == nil {
			lanes[name] = rate.NewLimiter(p.limit, cardBurst)
		}
	}
	p.hour, p.names, p.lanes = hour, names, lanes
}

// cardsOut is the hashes of our cards that partners hold, or may: those of pairings and of live offers.
func (p *Pairing) cardsOut(now time.Time) map[string][32]byte {
	p.mu.Lock()
	all := slices.Collect(maps.Values(p.peers))
	p.mu.Unlock()
	out := make(map[string][32]byte, len(all))
	for _, k := range all {
		if len(k.OurCard) > 0 && (k.offerLives(now) || k.card != nil && k.State != Revoked) {
			out[k.Name] = sha256.Sum256(k.OurCard)
		}
	}
	return out
}
