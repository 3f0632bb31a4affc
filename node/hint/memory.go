package hint

import (
	"crypto/sha256"
	"sync"
)

// memory knows the deliveries that were taken not long ago. It is bounded, and
// forgetting is harmless: a delivery taken twice costs one read.
type memory struct {
	mu         sync.Mutex // guards the fields below
	young, old map[delivery]struct{}
}

// delivery names one event, by its identifier or by its bytes.
type delivery [16]byte

const remembered = 16 << 10 // deliveries in each of the two halves

func named(kind string, what []byte) (d delivery) {
	sum := sha256.Sum256(append([]byte(kind+"\x00"), what...))
	copy(d[:], sum[:])
	return d
}

func (m *memory) has(names []delivery) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range names {
		if _, ok := m.young[d]; ok {
			return true
		}
		if _, ok := m.old[d]; ok {
			return true
		}
	}
	return false
}

func (m *memory) add(names []delivery) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.young == nil || len(m.young) >= remembered {
		m.young, m.old = map[delivery]struct{}{}, m.young
	}
	for _, d := range names {
		m.young[d] = struct{}{}
	}
}
