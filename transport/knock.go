package transport

import (
	"slices"
	"sync"
	"time"
)

const maxKnocks = 128 // remembered; the one unheard of for longest makes room

// Knock is a handshake refused because its key is not paired.
type Knock struct {
	NodeID      NodeID
	Fingerprint string
	Address     string // where the last one came from
	Count       int    // since it is remembered
	First, Last time.Time
}

// Unheard is the dials that were refused before their keys were known, because strangers dialled faster than the node listens to them.
type Unheard struct {
	Count       int
	First, Last time.Time
	Address     string // where the last one came from
}

// knocks is a list bounded by maxKnocks, in memory only: anybody can fill it. It has a lock of its own, so that who fills it holds up nobody.
type knocks struct {
	mu      sync.Mutex
	all     []Knock // guarded by mu; the latest last
	unheard Unheard // guarded by mu
}

func (k *knocks) add(key pin, address string, now time.Time) {
	id := key.NodeID()
	k.mu.Lock()
	defer k.mu.Unlock()
	entry := Knock{NodeID: id, Fingerprint: key.Fingerprint(), First: now}
	if i := slices.IndexFunc(k.all, func(o Knock) bool { return o.NodeID == id }); i >= 0 {
		entry = k.all[i]
		k.all = slices.Delete(k.all, i, i+1)
	} else if len(k.all) == maxKnocks {
		k.all = slices.Delete(k.all, 0, 1)
	}
	entry.Address, entry.Last = address, now
	entry.Count++
	k.all = append(k.all, entry)
}

// turnAway counts a dial that nobody listened to.
func (k *knocks) turnAway(address string, now time.Time) Unheard {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.unheard.Count == 0 {
		k.unheard.First = now
	}
	k.unheard.Count++
	k.unheard.Last, k.unheard.Address = now, address
	return k.unheard
}

// Pending lists who knocked with a key that is not paired, the latest first.
func (p *Pairing) Pending() []Knock {
	p.knocks.mu.Lock()
	defer p.knocks.mu.Unlock()
	all := slices.Clone(p.knocks.all)
	slices.Reverse(all)
	return all
}

// Unheard tells how many dials a running endpoint refused unheard. A Count of zero: none.
func (p *Pairing) Unheard() Unheard {
	p.knocks.mu.Lock()
	defer p.knocks.mu.Unlock()
	return p.knocks.unheard
}
