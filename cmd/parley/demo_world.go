package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/conf"
	"parley/jsm/sim"
	"parley/node"
	"parley/testdata"
)

// The demo's nodes work as any node does, only faster: they look at their
// tenants several times a second, and the simulated tenants' search lags nothing.
var (
	demoPoll   = conf.Poll{Every: 250 * time.Millisecond, Overlap: 2 * time.Second, IndexLag: 500 * time.Millisecond}
	demoSettle = conf.Settle{Comment: 2 * time.Second, Create: 2 * time.Second}
)

const (
	openWithin  = 20 * time.Second // for a world to be up, paired and connected
	closeWithin = 10 * time.Second // for a tenant's server to end its requests
	maxLog      = 64 << 10         // bytes of warnings that are kept to be shown
)

// world is what one case needs: companies whose nodes are paired and run.
type world struct {
	d         *demo
	c         demoCase
	dir       string // of the homes
	companies map[string]*company
	names     []string // of the companies, in order
	log       *keptLog
	crossing  *crossing       // tells what crosses; nil: nobody listens
	ctx       context.Context // ends when a node or tenant fails, or on close
	g         *errgroup.Group
	stop      func()
}

// company is one side: its tenant, and its node's home.
type company struct {
	w      *world
	name   string
	tenant *sim.Tenant
	home   string
	sync   sim.Account // the node's account
	ready  node.Ready
}

// open makes a case's companies, pairs those that are partners, publishes their
// rules, and waits until every connection is up. After an error the world must
// still be closed, where there is one.
func (d *demo) open(ctx context.Context, c demoCase) (*world, error) {
	w := &world{d: d, c: c, dir: filepath.Join(d.dir, fmt.Sprintf("case%d", c.id)), companies: map[string]*company{}, log: &keptLog{}}
	ctx, w.stop = context.WithCancel(ctx)
	w.g, w.ctx = errgroup.WithContext(ctx)
	for _, name := range c.companies {
		if err := w.found(name); err != nil {
			return w, fmt.Errorf("setting up %s: %w", name, err)
		}
	}
	for _, p := range c.partners {
		if err := w.join(w.companies[p[0]], w.companies[p[1]]); err != nil {
			return w, err
		}
	}
	if w.d.say.live {
		w.crossing = &crossing{w: w, told: map[string]uint64{}}
		w.g.Go(w.crossing.run)
	}
	return w, nil
}

// close ends everything that open began, and removes the homes.
func (w *world) close() error {
	w.stop()
	return errors.Join(w.wait(), os.RemoveAll(w.dir))
}

// wait waits until the world has ended.
func (w *world) wait() error {
	if err := w.g.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// found makes a company: its tenant, its node's home, and runs both.
func (w *world) found(name string) error {
	c := &company{w: w, name: name, home: filepath.Join(w.dir, name)}
	seed, err := testdata.Seed(w.c.id, name)
	if err != nil {
		return err
	}
	if c.tenant, err = sim.New(sim.Config{Name: name, Seed: seed}); err != nil {
		return err
	}
	found := false
	if c.sync, found = c.tenant.Account(sim.Sync); !found {
		return errors.New("its tenant has no account for the node")
	}
	if err := c.serve(); err != nil {
		return err
	}
	if err := c.settle(); err != nil {
		return err
	}
	w.companies[name], w.names = c, append(w.names, name)
	return c.start()
}

// address gives the next address to listen on.
func (d *demo) address() string {
	if d.base == 0 {
		return "127.0.0.1:0"
	}
	d.used++
	return fmt.Sprintf("127.0.0.1:%d", d.base+d.used-1)
}

// serve puts the tenant on the loopback interface.
func (c *company) serve() error {
	l, err := net.Listen("tcp", c.w.d.address())
	if err != nil {
		return &node.Advice{Err: fmt.Errorf("serving the tenant: %w", err), Hint: "leave out --listen-base, or choose another port"}
	}
	c.tenant.SetURL("http://" + l.Addr().String())
	server := &http.Server{Handler: c.tenant, ReadHeaderTimeout: 10 * time.Second}
	c.w.g.Go(func() error { return c.tenant.Run(c.w.ctx) })
	c.w.g.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	c.w.g.Go(func() error {
		<-c.w.ctx.Done()
		late, cancel := context.WithTimeout(context.WithoutCancel(c.w.ctx), closeWithin)
		defer cancel()
		if server.Shutdown(late) != nil {
			return server.Close()
		}
		return nil
	})
	return nil
}

// settle makes the node's home and lays the case's files over it.
func (c *company) settle() error {
	err := node.Init(c.home, node.InitOptions{
		Name: c.name, Listen: c.w.d.address(), Console: c.w.d.address(),
		Tenant: conf.Tenant{URL: c.tenant.URL(), User: c.sync.Email, TokenFile: "token"},
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.home, "token"), []byte(c.sync.Token+"\n"), 0o600); err != nil {
		return err
	}
	file := filepath.Join(c.home, "parley.toml")
	n, err := conf.ReadNode(file)
	if err != nil {
		return err
	}
	n.Poll, n.Settle = demoPoll, demoSettle
	if err := os.WriteFile(file, []byte(conf.NodeText(*n)), 0o600); err != nil {
		return err
	}
	files, err := testdata.Home(c.w.c.id, c.name)
	if err != nil {
		return err
	}
	return lay(files, c.home)
}

// lay copies files over a folder.
func lay(files fs.FS, over string) error {
	return fs.WalkDir(files, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(over, filepath.FromSlash(path))
		if e.IsDir() {
			return os.MkdirAll(to, 0o700)
		}
		content, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, content, 0o600)
	})
}

// start runs the node and waits until it is ready.
func (c *company) start() error {
	n, err := node.Open(c.home, slog.New(slog.NewTextHandler(c.w.log, &slog.HandlerOptions{Level: slog.LevelWarn})).With("node", c.name))
	if err != nil {
		return err
	}
	ready := make(chan node.Ready, 1)
	c.w.g.Go(func() error {
		if err := n.Run(c.w.ctx, func(r node.Ready) { ready <- r }); err != nil {
			return fmt.Errorf("running the node of %s: %w", c.name, err)
		}
		return n.Close()
	})
	select {
	case c.ready = <-ready:
		return nil
	case <-c.w.ctx.Done():
		return context.Cause(c.w.ctx)
	}
}

// join makes two companies partners: it pairs them, publishes their rules for
// each other, and waits until the connection is up.
func (w *world) join(a, b *company) error {
	if err := w.pair(a, b); err != nil {
		return err
	}
	for _, side := range [][2]*company{{a, b}, {b, a}} {
		if err := side[0].publish(side[1].name); err != nil {
			return err
		}
	}
	return w.connected(a, b)
}

// pair lets two companies exchange cards, and confirm each other's fingerprint.
func (w *world) pair(a, b *company) error {
	cards := map[*company]node.Offer{}
	for _, c := range []*company{a, b} {
		card, err := node.PairOffer.Ask(w.ctx, c.home, node.OfferQuestion{})
		if err != nil {
			return fmt.Errorf("making a card of %s: %w", c.name, err)
		}
		cards[c] = card
	}
	for _, side := range [][2]*company{{a, b}, {b, a}} {
		us, them := side[0], side[1]
		if _, err := node.PairAccept.Ask(w.ctx, us.home, node.AcceptQuestion{Card: cards[them].Card, As: them.name}); err != nil {
			return fmt.Errorf("accepting the card of %s at %s: %w", them.name, us.name, err)
		}
		if _, err := node.PairConfirm.Ask(w.ctx, us.home, node.ConfirmQuestion{Peer: them.name, Fingerprint: cards[them].Fingerprint}); err != nil {
			return fmt.Errorf("confirming %s at %s: %w", them.name, us.name, err)
		}
	}
	return nil
}

// publish makes a draft in the home the rules that work.
func (c *company) publish(draft string) error {
	if _, err := node.RulesPublish.Ask(c.w.ctx, c.home, node.RulesQuestion{Connections: []string{draft}, Note: "for the demo"}); err != nil {
		return fmt.Errorf("publishing the rules of %s for %s: %w", c.name, draft, err)
	}
	return nil
}

// connected waits until both companies' connections with each other are up.
func (w *world) connected(a, b *company) error {
	last := "nothing was heard"
	err := within(w.ctx, openWithin, func() (bool, error) {
		for _, side := range [][2]*company{{a, b}, {b, a}} {
			s, err := node.StatusOf.Ask(w.ctx, side[0].home, node.Nothing{})
			if err != nil {
				return false, err
			}
			up := false
			for _, c := range s.Connections {
				if c.Peer == side[1].name {
					up, last = c.State == "up", fmt.Sprintf("at %s it is %s. %s", side[0].name, c.State, c.Trouble)
				}
			}
			if !up {
				return false, nil
			}
		}
		return true, nil
	})
	if errors.Is(err, errTooLate) {
		return fmt.Errorf("the connection of %s and %s did not come up: %s", a.name, b.name, last)
	}
	return err
}

// errTooLate is a state that did not come about in time.
var errTooLate = errors.New("it took too long")

// lookEvery is how often a state is looked at that somebody waits for.
const lookEvery = 20 * time.Millisecond

// within looks until a state has come about.
func within(ctx context.Context, most time.Duration, look func() (bool, error)) error {
	late := time.NewTimer(most)
	defer late.Stop()
	next := time.NewTicker(lookEvery)
	defer next.Stop()
	for {
		if ok, err := look(); ok || err != nil {
			return err
		}
		select {
		case <-next.C:
		case <-late.C:
			return errTooLate
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// keptLog keeps the nodes' first warnings, to be shown where something failed.
type keptLog struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (l *keptLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buf.Len()+len(b) <= maxLog {
		l.buf.Write(b)
	}
	return len(b), nil
}

func (l *keptLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
