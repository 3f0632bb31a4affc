package exchange_test

import (
	"context"
	"encoding/binary"
	"path/filepath"
	"sync"
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
	s := &bones{stores: map[string]*ledger.Ledger{}, post: make(chan int, outstanding), home: make(chan int, outstanding)}
	serve := map[string]func(context.Context, *transport.Session) error{"north": s.send, "south": s.receive}
	join(b, func(name string, _ *transport.Identity) transport.Config {
		store, err := ledger.Open(ledger.Config{Dir: filepath.Join(b.TempDir(), name)})
		must(b, err)
		b.Cleanup(func() { store.Close() })
		s.stores[name] = store
		return transport.Config{Serve: serve[name]}
	})
	s.post <- 1
	<-s.home // both have met
	done, begin := 0, time.Now()
	s.post <- outstanding
	for away := outstanding; away > 0; {
		n := <-s.home
		done += n
		if time.Since(begin) < skeletonTime {
			s.post <- n
		} else {
			away -= n
		}
	}
	return float64(done) / time.Since(begin).Seconds()
}

type bones struct {
	stores map[string]*ledger.Ledger
	post   chan int // so many more
	home   chan int // so many are on the other side's disk
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
		group := 0
		select {
		case group = <-s.post:
		case <-ctx.Done():
			return nil
		}
		for len(s.post) > 0 {
			group += <-s.post
		}
		heads := make([]byte, 0, 8*group)
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
	for stored := uint64(0); ; {
		_, m, err := session.RecvControl(ctx)
		if err != nil {
			return
		}
		now := binary.BigEndian.Uint64(m)
		s.home <- int(now - stored)
		stored = now
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
