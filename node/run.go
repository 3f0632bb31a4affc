package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/conf"
	"parley/node/console"
	"parley/node/exchange"
	"parley/node/ledger"
	"parley/node/notify"
	"parley/transport"
)

// stopping is how long requests of the local API and the page may finish when
// the node stops.
const stopping = 2 * time.Second

// draining is how long a ticket's writes that are under way may go on then.
const draining = 20 * time.Second

// Ready is what a node says when it has begun; its JSON is one line of
// "parley run --ready-json".
type Ready struct {
	Node    string `json:"node"`              // node id
	QUIC    string `json:"quic"`              // UDP address listened on; "" where the node only dials
	Console string `json:"console"`           // address of the web page; "" where there is none
	Secret  string `json:"-"`                 // file of the page's password; "" where none is asked for
	Webhook string `json:"webhook,omitempty"` // TCP address that webhooks come to; "" where none are listened for
}

// live is what only a running node has.
type live struct {
	desk    *exchange.Desk
	end     *transport.Endpoint
	n       *Node
	refresh chan chan struct{}     // apply the published rules now, then close
	works   map[string]uint64      // by connection, the published version at work; tend's own
	policy  *conf.Policy           // the policy they are compiled under; likewise
	trouble atomic.Pointer[string] // why the tenant could not be read last; "" it could

	notifier atomic.Pointer[notify.Notifier] // nil: nobody is to be told
}

// Run runs the node until ctx ends, then lets go of everything and returns nil.
// ready is called once partners and commands can reach it, whether or not the
// tenant answers. It returns an error where it cannot begin or a part fails; an
// error after the ledger's disk failed leaves goroutines that wait for that
// disk, so the process must end.
func (n *Node) Run(ctx context.Context, ready func(Ready)) error {
	l, err := n.wire()
	if err != nil {
		return err
	}
	f, err := n.listen()
	if err != nil {
		return errors.Join(err, l.end.Close())
	}
	n.live.Store(l)
	defer n.live.Store(nil)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return f.serve(ctx, n) })
	g.Go(func() error { return l.end.Run(ctx) })
	g.Go(func() error { return l.desk.Run(ctx) })
	g.Go(func() error { return l.tend(ctx) })
	g.Go(func() error { return l.tell(ctx) })
	g.Go(func() error { return n.watchSpace(ctx, l.desk) })
	g.Go(func() error { return n.keepBodies(ctx) })
	g.Go(func() error { n.watchEnd(ctx); return nil })
	ready(n.ready(l, f))
	over := make(chan error, 1)
	go func() { over <- g.Wait() }()
	select {
	case err := <-over:
		return err
	case reason := <-n.fatal:
		return advise(fmt.Errorf("the ledger's disk failed: %s", reason), "free or repair the disk of %s, then start the node again; what was acknowledged is safe", n.home)
	}
}

func (n *Node) ready(l *live, f *faces) Ready {
	r := Ready{Node: string(n.id.NodeID())}
	if !n.conf.DialOnly {
		r.QUIC = l.end.Addr().String()
	}
	if f.page != nil {
		r.Console = "http://" + f.page.Addr().String()
	}
	if f.hooks != nil {
		r.Webhook = f.hooks.at.Addr().String()
	}
	if f.password != "" {
		r.Secret = filepath.Join(n.home, passwordFile)
	}
	return r
}

// wire makes the rooms and joins them; nothing runs yet.
func (n *Node) wire() (*live, error) {
	reset, err := n.key(resetFile)
	if err != nil {
		return nil, err
	}
	token, err := n.key(tokenFile)
	if err != nil {
		return nil, err
	}
	l := &live{n: n, refresh: make(chan chan struct{}), works: map[string]uint64{}}
	c := n.conf
	l.desk, err = exchange.New(exchange.Config{
		Ledger: n.led, Tenant: n.tenant.client, Site: c.Tenant.URL, Node: string(n.id.NodeID()), Company: c.Name, Sign: n.id.LedgerKey(),
		Every: c.Poll.Every, Overlap: c.Poll.Overlap, IndexLag: c.Poll.IndexLag, Slowest: n.slowest(), Sweep: c.Poll.Sweep, Clock: n.tenant.heard.ahead,
		Unmoved: c.Poll.Unmoved, Reread: c.Poll.Reread, NewerTexts: c.Tenant.NewerTexts,
		SettleComment: c.Settle.Comment, SettleCreate: c.Settle.Create, Drain: n.drain(), Log: n.log,
		Blobs: exchange.BlobConfig{Spool: ledger.SpoolConfig{Dir: filepath.Join(n.home, "blobs"), FS: n.outside.disk}},
	})
	if err != nil {
		return nil, fmt.Errorf("making the desk: %w", err)
	}
	if err := l.begin(); err != nil {
		return nil, err
	}
	l.end, err = transport.New(transport.Config{
		Identity: n.id, Pairing: n.pairing, Conn: n.outside.wire, Listen: c.Listen, DialOnly: c.DialOnly, ResetKey: reset, TokenKey: token,
		Software: "parley " + Version(), Logger: n.log, Hello: l.desk.Positions, Serve: l.desk.Serve,
	})
	if err != nil {
		return nil, advise(err, `another program may use this UDP address; "listen" in %s says which`, nodeFile)
	}
	return l, nil
}

// drain is how long writes to Jira that are under way may still take when the
// node stops. A simulation's power cut finishes nothing.
func (n *Node) drain() time.Duration {
	if n.outside.faceless {
		return 0
	}
	return draining
}

// key reads one of the node's random keys, which outlive a restart.
func (n *Node) key(name string) (key [32]byte, err error) {
	b, err := n.secret(name, func() []byte {
		b := make([]byte, len(key))
		rand.Read(b)
		return b
	})
	if err != nil {
		return key, err
	}
	if copy(key[:], b) != len(key) || len(b) != len(key) {
		return key, advise(fmt.Errorf("%s does not hold %d bytes", name, len(key)), "remove it; the node makes a new one")
	}
	return key, nil
}

// secret reads a file that only its owner may read; where it is missing it is
// made first.
func (n *Node) secret(name string, fresh func() []byte) ([]byte, error) {
	path := filepath.Join(n.home, name)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		b := fresh()
		if err := writePrivate(path, b); err != nil {
			return nil, fmt.Errorf("making %s: %w", name, err)
		}
		return b, nil
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", name, err)
	case info.Mode().Perm()&0o077 != 0:
		return nil, advise(fmt.Errorf("others may read %s (mode %04o)", path, info.Mode().Perm()), "chmod 600 '%s'", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return b, nil
}

// writePrivate writes a new file that only its owner can read, and syncs it.
func writePrivate(path string, b []byte) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(b); err != nil {
		return err
	}
	return f.Sync()
}

// faces are where people reach the node: the socket and the web page.
type faces struct {
	socket   net.Listener
	page     net.Listener // nil: no page
	password string       // of the page; "" none
	hooks    *hooks       // nil: no webhooks
}

// listen opens the faces. The ledger is open here, so no other node answers on
// the socket.
func (n *Node) listen() (_ *faces, err error) {
	f := &faces{}
	if n.outside.faceless {
		return f, nil
	}
	if f.socket, err = console.ListenSocket(filepath.Join(n.home, socketFile)); err != nil {
		return nil, err
	}
	if f.hooks, err = n.openWebhooks(); err != nil {
		return nil, errors.Join(err, f.socket.Close())
	}
	if n.conf.Console == "" {
		return f, nil
	}
	if err := f.openPage(n); err != nil {
		return nil, errors.Join(err, f.socket.Close(), f.hooks.close())
	}
	return f, nil
}

func (f *faces) openPage(n *Node) (err error) {
	address := n.conf.Console
	if !console.Loopback(address) {
		if !n.ExposeConsole {
			return advise(fmt.Errorf("console = %q can be reached by others than this machine", address),
				"use an address such as 127.0.0.1:7844, or allow it with --expose-console (it then asks for a password)")
		}
		b, err := n.secret(passwordFile, func() []byte { return []byte(rand.Text() + "\n") })
		if err != nil {
			return err
		}
		if f.password = strings.TrimSpace(string(b)); f.password == "" {
			return advise(fmt.Errorf("%s is empty", passwordFile), "remove it; the node makes a new one")
		}
	}
	if f.page, err = net.Listen("tcp", address); err != nil {
		return advise(fmt.Errorf("opening the console: %w", err), `"console" in %s says which address; "" switches the page off`, nodeFile)
	}
	return nil
}

// serve answers on the faces until ctx ends.
func (f *faces) serve(ctx context.Context, n *Node) error {
	g, ctx := errgroup.WithContext(ctx)
	start := func(h http.Handler, l net.Listener) {
		server := console.NewServer(h, n.log)
		server.BaseContext = func(net.Listener) context.Context { return ctx } // who waits for an outcome is let go when the node stops
		g.Go(func() error {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
		g.Go(func() error {
			<-ctx.Done()
			late, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopping)
			defer cancel()
			if server.Shutdown(late) != nil {
				return server.Close()
			}
			return nil
		})
	}
	if f.socket != nil {
		start(console.API(n.calls(), problem), f.socket)
	}
	if f.page != nil {
		start(console.Pages(console.PageConfig{Load: n.page, Password: f.password, Log: n.log}), f.page)
	}
	if f.hooks != nil {
		g.Go(func() error { return n.serveWebhooks(ctx, f.hooks) })
	}
	return g.Wait()
}
