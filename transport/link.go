package transport

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	atOnce          = 3 * time.Second // two dials closer than this crossed each other
	patience        = time.Second     // that our own dial, under way, is given to come first
	sessionsPerPeer = 8               // connections of one peer that may be in the making at once
)

// LinkState is what an administrator sees of a peer.
type LinkState struct {
	State   string // "up"; "meeting" (connected and quarantined); "down"
	Since   time.Time
	Err     string        // the last failure in plain words; empty while up, and before the first
	Address string        // the other end, while not down
	Dialled bool          // by us
	Offset  time.Duration // the peer's clock minus ours, as of its last greeting
}

// link is what an endpoint knows of one peer. All fields are guarded by Endpoint.mu.
type link struct {
	state    LinkState
	current  *Session              // the connection that was picked last
	sessions map[*Session]struct{} // every connection, picked or in the making
	decided  chan struct{}         // closed when our own dial has come to something; nil while we don't dial
	dialing  bool                  // its dial loop runs
	changed  chan struct{}         // closed and replaced when there is something to look at
	serving  chan struct{}         // one place: one Serve at a time
}

// linkOf returns a peer's link; mu is held.
func (e *Endpoint) linkOf(peer string) *link {
	l, ok := e.links[peer]
	if !ok {
		l = &link{
			state:    LinkState{State: "down", Since: time.Now()},
			sessions: map[*Session]struct{}{}, changed: make(chan struct{}), serving: make(chan struct{}, 1),
		}
		e.links[peer] = l
	}
	return l
}

// States returns every peer that is or was paired while the endpoint runs, by our name for it.
func (e *Endpoint) States() map[string]LinkState {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make(map[string]LinkState, len(e.links))
	for name, l := range e.links {
		all[name] = l.state
	}
	return all
}

// Kick makes the endpoint look at a peer again now: its pairing or addresses changed. Changes made through Pairing do it by themselves.
// When it returns, no session of a peer that is no longer paired is open.
func (e *Endpoint) Kick(peer string) {
	e.mu.Lock()
	close(e.changed)
	e.changed = make(chan struct{})
	var stale []*Session
	if l, ok := e.links[peer]; ok {
		close(l.changed)
		l.changed = make(chan struct{})
		for s := range l.sessions {
			if k, ok := e.cfg.Pairing.byPin(s.key); !ok || k.Name != peer {
				stale = append(stale, s)
			}
		}
	}
	e.mu.Unlock()
	var wg sync.WaitGroup
	for _, s := range stale {
		wg.Go(func() { s.close(codeUnpaired) })
	}
	wg.Wait()
}

// register adds a connection that has finished its handshake.
func (e *Endpoint) register(s *Session) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.linkOf(s.peer)
	if len(l.sessions) >= sessionsPerPeer {
		return closeWith(codeBusy, fmt.Errorf("%d connections of %q are open", len(l.sessions), s.peer))
	}
	s.link = l
	l.sessions[s] = struct{}{}
	// Looked up again now that a revocation would find it: the handshake was some time ago.
	if k, ok := e.cfg.Pairing.byPin(s.key); !ok || k.Name != s.peer {
		return closeWith(codeUnpaired, ErrRevoked)
	}
	return nil
}

// unregister takes a connection off again and keeps why it ended, if it was the link's own or there is none.
func (e *Endpoint) unregister(s *Session, why error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(s.link.sessions, s)
	if s.link.current == s {
		s.link.current = nil
		s.link.down(why)
	}
	close(s.ended)
}

func (l *link) down(why error) {
	if l.state.State != "down" {
		l.state.Since = time.Now()
	}
	l.state = LinkState{State: "down", Since: l.state.Since, Err: explain(why), Offset: l.state.Offset}
}

// mark shows a picked session's progress.
func (e *Endpoint) mark(s *Session, state string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s.link.current != s || s.link.state.State == state {
		return
	}
	s.link.state = LinkState{State: state, Since: time.Now(), Address: s.conn.RemoteAddr().String(), Dialled: s.dialled, Offset: s.hello.Offset}
}

// dialFailed keeps why a dial came to nothing, unless another connection lives.
func (e *Endpoint) dialFailed(l *link, why error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l.current == nil {
		l.down(why)
	}
}

// Both ends must keep the same one of several connections, so one of them decides: the node with the smaller id picks, and numbers its picks;
// the other follows, the highest number winning. A newer answered connection replaces an older one, since only who has lost the
// older one dials. Where both dialled at once, the one dialled by the smaller id stays.

// pick decides on a connection and returns its number, or refuses it. It is for the node with the smaller id.
func (e *Endpoint) pick(ctx context.Context, s *Session) (uint64, error) {
	if !s.dialled {
		if err := e.awaitOwnDial(ctx, s); err != nil {
			return 0, err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if now := s.link.current; now != nil && !s.dialled && now.dialled && time.Since(now.picked) < atOnce {
		return 0, closeWith(codeDuplicate, errors.New("both dialled at once; the other connection stays"))
	}
	e.number = max(e.number+1, uint64(time.Now().UnixNano()))
	return e.number, nil
}

// awaitOwnDial gives our own dial, where one is under way, the time to come first.
func (e *Endpoint) awaitOwnDial(ctx context.Context, s *Session) error {
	e.mu.Lock()
	decided := s.link.decided
	e.mu.Unlock()
	if decided == nil {
		return nil
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-decided:
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// follow makes s the peer's connection by its number, and closes the one before.
func (e *Endpoint) follow(s *Session, number uint64) error {
	e.mu.Lock()
	before := s.link.current
	if before != nil && before.number > number {
		e.mu.Unlock()
		return closeWith(codeReplaced, errors.New("a newer connection is there already"))
	}
	s.number, s.picked = number, time.Now()
	s.link.current = s
	e.mu.Unlock()
	if before != nil {
		before.close(codeReplaced)
	}
	return nil
}
