package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"parley/conf"
	"parley/jsm"
	"parley/node/console"
	"parley/node/ledger"
	"parley/transport"
)

// ErrOpen is wrapped where another process has the home open.
var ErrOpen = errors.New("another parley process has this home open")

// lockWait is how long Open waits for a command that has the home open for a moment.
const lockWait = 10 * time.Second

// Node is a home, open in this process.
type Node struct {
	// ExposeConsole allows a console address that others than this machine can
	// reach; the page then asks for the password in HOME/console.password. Set
	// it before Run.
	ExposeConsole bool

	home    string
	conf    *conf.Node
	id      *transport.Identity
	led     *ledger.Ledger
	pairing *transport.Pairing
	tenant  *tenant
	outside outside
	log     *slog.Logger
	saving  saving
	space   space
	hook    webhook
	fatal   chan string // the ledger's disk failed, with the reason

	turn chan struct{} // one publication at a time
	live atomic.Pointer[live]
}

// Open opens a home: it reads the configuration and the identity, and opens the
// ledger, waiting a few seconds for a command that has it open. ErrOpen where
// it stays open elsewhere, as a running node's does. log may be nil.
func Open(dir string, log *slog.Logger) (*Node, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	for {
		n, err := open(dir, log)
		if !errors.Is(err, ErrOpen) {
			return n, err
		}
		if _, nobody := console.Dial(ctx, filepath.Join(dir, socketFile)); nobody == nil {
			return nil, advise(fmt.Errorf("opening %s: %w: a node runs there", dir, ErrOpen), "stop that node first; two cannot share a home")
		}
		if !pause(ctx, 100*time.Millisecond) {
			return nil, advise(err, "look for another parley process with this home")
		}
	}
}

// open is one try of Open.
func open(dir string, log *slog.Logger) (*Node, error) { return openIn(outside{}, dir, log) }

func openIn(o outside, dir string, log *slog.Logger) (*Node, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c, err := readNode(dir)
	if err != nil {
		return nil, err
	}
	id, err := transport.LoadIdentity(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the node's identity: %w", err)
	}
	n := &Node{home: dir, space: space{look: diskSpace}, conf: c, id: id, log: log, outside: o, fatal: make(chan string, 1), turn: make(chan struct{}, 1)}
	if n.tenant, err = newTenantBy(c, log, o.jira); err != nil {
		return nil, err
	}
	n.led, err = ledger.Open(ledger.Config{
		Dir: filepath.Join(dir, ledgerDir), Logger: log, FS: o.disk, Step: o.step,
		Fatal: func(reason string) { n.fatal <- reason },
	})
	if locked(err) {
		return nil, fmt.Errorf("opening %s: %w", dir, ErrOpen)
	}
	if err != nil {
		return nil, err
	}
	n.pairing = transport.NewPairing(id, peers{n.led})
	return n, nil
}

// readNode reads a home's parley.toml; a folder that is no home gets its own words.
func readNode(dir string) (*conf.Node, error) {
	c, err := conf.ReadNode(filepath.Join(dir, nodeFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, advise(fmt.Errorf("%s is not a node's home: it has no %s", dir, nodeFile), `make one with "parley init", or name another with --home or PARLEY_HOME`)
	}
	return c, err
}

// locked recognises Pebble's two ways to say that its lock is taken: fcntl's
// answer where another process has it, a text where this one has.
func locked(err error) bool {
	return errors.Is(err, syscall.EAGAIN) || err != nil && strings.Contains(err.Error(), "lock held by current process")
}

// Close closes the ledger. Run must have returned.
func (n *Node) Close() error { return n.led.Close() }

// Home is the node's folder.
func (n *Node) Home() string { return n.home }

// Conf is the node's configuration, as read by Open.
func (n *Node) Conf() *conf.Node { return n.conf }

// ID is the node's id.
func (n *Node) ID() transport.NodeID { return n.id.NodeID() }

// Calls counts what this process has asked of the tenant.
func (n *Node) Calls() *jsm.Counter { return n.tenant.client.Calls() }

// pause waits; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// peers keeps the pairings in the ledger.
type peers struct{ led *ledger.Ledger }

func (p peers) Peers() (all []*transport.Peer, err error) {
	records, err := p.led.Peers()
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		one, err := transport.DecodePeer(r)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func (p peers) SavePeer(one *transport.Peer) error { return p.led.PutPeer(one.Name, one.Encode()) }

// Check walks the whole ledger and reports what does not fit together. It reads
// only, and may run beside a running node.
func (n *Node) Check() error { return n.led.Check() }
