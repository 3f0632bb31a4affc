package transport

import (
	"slices"
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

// knocks is a list bounded by maxKnocks, in memory only: anybody can fill it.
type knocks struct{ all []Knock } // the latest last

func (k *knocks) add(key pin, address string, now time.Time) {
	id := key.NodeID()
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

func (k *knocks) list() []Knock {
	all := slices.Clone(k.all)
	slices.Reverse(all)
	return all
}

// knocked notes a refused key.
func (p *Pairing) knocked(key pin, address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.knocks.add(key, address, time.Now())
}
