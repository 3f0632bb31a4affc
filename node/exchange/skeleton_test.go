package exchange_test

import (
	"context"
	"encoding/binary"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/node/ledger"
	"parley/transport"
)

const (
	skeletonBody = 230 // bytes
	skeletonTime = 300 * time.Millisecond
)

// skeleton is the pipe without what it is for: bytes put into one store, as many
// at a time as wait, synced, sent over the same transport, put into another one,
// synced, and acknowledged. Nothing is encoded, checked, hashed or signed, and no
// link has a state. It returns how many a second cross with so many outstanding.
func skeleton(b *testing.B, outstanding int) float64 {
	b.Helper()
	s := &bones{stores: map[string]*ledger.Ledger{}, posted: make(chan chan struct{}, outstanding)}
	serve := map[string]func(context.Context, *transport.Session) error{"north": s.send, "south": s.receive}
	join(b, func(name string, _ *transport.Identity) transport.Config {
		store, err := ledger.Open(ledger.Config{Dir: filepath.Join(b.TempDir(), name)})
		must(b, err)
		b.Cleanup(func() { store.Close() })
		s.stores[name] = store
		return transport.Config{Serve: serve[name]}
	})
	crossed := make(chan struct{}, 1)
	s.posted <- crossed
	<-crossed // both have met
	var done atomic.Int64
	var wg sync.WaitGroup
	begin := time.Now()
	for range outstanding {
		wg.Go(func() {
			crossed := make(chan struct{}, 1)
			for ; time.Since(begin) < skeletonTime; done.Add(1) {
				s.posted <- crossed
				<-crossed
			}
		})
	}
	wg.Wait()
	return float64(done.Load()) / time.Since(begin).Seconds()
}

type bones struct {
	stores map[string]*ledger.Ledger
	posted chan chan struct{} // each told when its bytes are on the other side's disk

	mu      sync.Mutex
	flights []chan struct{} // those under way, oldest first
	stored  uint64          // how many came before them
}

func (s *bones) send(ctx context.Context, session *transport.Session) error {
	w, err := session.OpenStream(ctx, "bench")
	if err != nil {
		return err
	}
	defer w.Close()
	var told sync.WaitGroup
	defer told.Wait()
	told.Go(func() { s.told(ctx, session) })
	body := make([]byte, skeletonBody-8)
	for seq := uint64(1); ; {
		var group []chan struct{}
		select {
		case c := <-s.posted:
			group = append(group, c)
		case <-ctx.Done():
			return nil
		}
		for len(s.posted) > 0 {
			group = append(group, <-s.posted)
		}
		heads := make([]byte, 0, 8*len(group))
		err := s.stores["north"].Write(func(batch *ledger.Batch) error {
			for range group {
				heads = binary.BigEndian.AppendUint64(heads, seq)
				seq++
				if err := batch.Set(heads[len(heads)-8:], body, nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.flights = append(s.flights, group...)
		s.mu.Unlock()
		for ; len(heads) > 0; heads = heads[8:] {
			if err := w.WriteMessage('R', heads[:8], body); err != nil {
				return err
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
}

// told takes the acknowledgements, each of everything up to a number.
func (s *bones) told(ctx context.Context, session *transport.Session) {
	for {
		_, m, err := session.RecvControl(ctx)
		if err != nil {
			return
		}
		s.mu.Lock()
		n := binary.BigEndian.Uint64(m) - s.stored
		stored := s.flights[:n]
		s.flights, s.stored = s.flights[n:], s.stored+n
		s.mu.Unlock()
		for _, c := range stored {
			c <- struct{}{}
		}
	}
}

func (s *bones) receive(ctx context.Context, session *transport.Session) error {
	_, r, err := session.AcceptStream(ctx)
	if err != nil {
		return err
	}
	for {
		var seq [8]byte
		err := s.stores["south"].Write(func(batch *ledger.Batch) error {
			for batch.Empty() || r.Buffered() > 0 {
				_, m, err := r.ReadMessage(skeletonBody)
				if err != nil {
					return err
				}
				copy(seq[:], m)
				if err := batch.Set(seq[:], m[len(seq):], nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := session.SendControl(ctx, 'a', seq[:]); err != nil {
			return err
		}
	}
}
