package node

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"parley/conf"
	"parley/jsm"
	"parley/node/ledger"
	"parley/node/notify"
	"parley/transport"
)

// What an admin is told of, and when; the wording is in noticed.go.
const (
	noticeEvery = 15 * time.Second
	heldAlone   = 15 * time.Minute // how long what is tried again by itself may wait before anybody is told
)

// tell tells people what ails the node, until ctx ends.
func (l *live) tell(ctx context.Context) error {
	c := l.n.conf.Notify
	if len(c.Channels) == 0 {
		return nil
	}
	cfg := notify.Config{Store: noticeStore{l.n.led}, Every: noticeEvery, Log: l.n.log, Look: func(context.Context) ([]notify.Notice, error) {
		s, err := l.look(time.Now())
		return s.notices(), err
	}}
	for _, one := range c.Channels {
		cfg.Channels = append(cfg.Channels, l.n.channel(one))
	}
	n, err := notify.New(cfg)
	if err != nil {
		return err
	}
	l.notifier.Store(n)
	return n.Run(ctx)
}

// channel makes one of parley.toml's channels.
func (n *Node) channel(c conf.Channel) notify.Channel {
	out := notify.Channel{Name: c.Name, Kind: c.Kind, Floor: notify.Severity(c.Floor), Digest: c.Digest, Quiet: c.Quiet}
	secret := func(s conf.Secret, what string) func(context.Context) (string, error) {
		if !s.IsSet() {
			return nil
		}
		return func(ctx context.Context) (string, error) { return s.Read(ctx, n.home, what+" of channel "+c.Name) }
	}
	switch c.Kind {
	case "webhook":
		w := &notify.Webhook{Node: n.conf.Name, Shape: c.Shape, Zone: c.Quiet.Zone, Secret: secret(c.Secret, "secret"), Client: http.DefaultClient}
		if w.URL = secret(c.URLAt, "address"); w.URL == nil {
			w.URL = func(context.Context) (string, error) { return c.URL, nil }
		}
		out.Send = w.Send
	case "mail":
		m := &notify.Mail{Node: n.conf.Name, Zone: c.Quiet.Zone, Server: c.Server, TLS: c.TLS, From: c.From, To: c.To, User: c.User, Password: secret(c.Password, "password")}
		out.Send = m.Send
	case "ticket":
		out.Apart, out.Send = true, (&noticeDesk{n, c}).send
	}
	return out
}

// noticeStore keeps what was told in the ledger.
type noticeStore struct{ led *ledger.Ledger }

func (s noticeStore) Load() ([]byte, error) { return s.led.Fact("notices") }

func (s noticeStore) Save(b []byte) error {
	return s.led.Write(func(batch *ledger.Batch) error { return ledger.PutFact(batch, "notices", b) })
}

// sight is how a node stands at one moment, as far as anybody is told of it.
type sight struct {
	at          time.Time
	conf        conf.Notify
	site        string
	standing    jsm.Standing
	trouble     string // what a poll or a look at the schema has against the tenant; "" nothing
	asked       bool   // the tenant has been asked since the start
	peers       []peerSight
	connections []connectionSight
	full        string // why no new work is taken for want of room on the disk; "" it is
	ends        []lastDay
}

type peerSight struct {
	name, trouble string
	up            bool
}

type connectionSight struct {
	name, peer, paused, trouble string
	held                        []ledger.Held // newest first, at most maxHeldLines
	waits                       int           // how many there are
}

// lastDay is something that ends on a day.
type lastDay struct {
	what, next string
	at         time.Time
}

// look takes sight of the running node.
func (l *live) look(now time.Time) (s sight, err error) {
	n := l.n
	s = sight{at: now, conf: n.conf.Notify, site: n.conf.Tenant.URL, standing: n.tenant.client.Standing(), trouble: l.tenantTrouble(), asked: l.trouble.Load() != nil, full: n.space.full()}
	if err := l.lookAtPeers(&s); err != nil {
		return s, err
	}
	return s, l.lookAtConnections(&s)
}

func (l *live) lookAtPeers(s *sight) error {
	s.ends = append(s.ends, lastDay{"this node's certificate", "Make a new node identity and pair again.", l.n.id.NotAfter()})
	if end := l.n.conf.Tenant.Expires; !end.IsZero() {
		s.ends = append(s.ends, lastDay{"the tenant's token", ending(l.n.conf.Tenant, s.at).next, end})
	}
	pairs, err := l.n.pairing.List()
	if err != nil {
		return fmt.Errorf("looking at the partners: %w", err)
	}
	states := l.end.States()
	for _, p := range pairs {
		if p.State != transport.Active {
			continue
		}
		at := states[p.Name]
		s.peers = append(s.peers, peerSight{p.Name, at.Err, at.State == "up"})
		if end, err := cardEnd(p); err == nil {
			s.ends = append(s.ends, lastDay{"the certificate of " + p.Name, "Ask the partner for a new card.", end})
		}
	}
	return nil
}

func (l *live) lookAtConnections(s *sight) error {
	for _, c := range l.desk.Connections() {
		paused, err := l.n.paused(c.Name)
		if err != nil {
			return err
		}
		one := connectionSight{name: c.Name, peer: c.Peer, paused: paused, trouble: c.Trouble()}
		err = l.n.led.Held(c.Name, func(h ledger.Held) bool {
			if !ripeHeld(h, s.at) {
				return true
			}
			one.waits++
			one.held = append(one.held, h)
			if len(one.held) >= 2*maxHeldLines {
				one.held = youngest(one.held)
			}
			return true
		})
		if err != nil {
			return err
		}
		one.held = youngest(one.held)
		s.connections = append(s.connections, one)
	}
	return nil
}

// maxHeldLines is how many held items one notice names; the rest is counted.
const maxHeldLines = 10

func youngest(held []ledger.Held) []ledger.Held {
	slices.SortFunc(held, func(a, b ledger.Held) int {
		return cmp.Or(cmp.Compare(b.Since, a.Since), strings.Compare(a.ID(), b.ID()))
	})
	return held[:min(len(held), maxHeldLines)]
}

// ripeHeld reports whether held work is anybody's business yet: what needs a
// person is at once, what is tried again by itself only after a while, and what
// waits for the tenant never: the tenant has a notice of its own.
func ripeHeld(h ledger.Held, now time.Time) bool {
	switch h.Class {
	case ledger.Tenant:
		return false
	case ledger.Definite, ledger.Policy:
		return true
	}
	return now.Sub(time.UnixMilli(h.Since)) >= heldAlone
}
