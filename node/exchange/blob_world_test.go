package exchange

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/quic-go/quic-go/testutils/simnet"

	"parley/jsm"
	"parley/node/ledger"
	"parley/replica"
	"parley/transport"
)

// A filesWorld is two nodes that exchange files alone, in one bubble: real
// ledgers and spools on disks that can lose what was not synced, real QUIC over
// a simulated network, tenants that are a map of files.
type filesWorld struct {
	t            *testing.T
	net          *simnet.Simnet
	north, south *filesNode
}

// filesNode is one side. North has the files as a rule, and south wants them.
type filesNode struct {
	w       *filesWorld
	name    string
	peer    *filesNode
	id      *transport.Identity
	pairs   *transport.MemoryStore
	address *net.UDPAddr
	socket  net.PacketConn
	fs      *vfs.MemFS
	wrap    func(vfs.FS) vfs.FS // what the spool sees of fs; nil: fs
	names   []string
	serve   func(context.Context, *transport.Session) error // instead of the desk's

	mu     sync.Mutex // guards the fields below
	files  map[string][]byte
	opened []int64            // offsets, in order
	read   int64              // bytes in all
	onRead func(n int64)      // sees the sum
	refuse func(string) error // what opening a file comes to

	led  *ledger.Ledger
	desk *Desk
	halt func()
}

const (
	filesEvery = 256 << 10 // bytes between two syncs of a spool here
	filesMost  = 64 << 20
)

var filesLink = replica.LinkID{1}

// VirtualStart is when a bubble's story begins. quic-go counts time from the start of
// the process; in the year 2000, where a bubble's clock starts, that is below zero,
// and a lost path probe, whose time is zero, lies ahead for ever: its loop spins.
// This year begins on a Saturday, and has a day more, as that one.
var VirtualStart = time.Date(2084, 1, 1, 0, 0, 0, 0, time.UTC)

// inFiles runs a story in a bubble. Both nodes know the connections named.
func inFiles(t *testing.T, names []string, before func(w *filesWorld), story func(w *filesWorld)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(VirtualStart))
		w := &filesWorld{t: t, net: &simnet.Simnet{Router: &simnet.PerfectRouter{}}}
		t.Cleanup(func() {
			for _, n := range []*filesNode{w.north, w.south} {
				n.stop()
				n.socket.Close()
			}
			w.must(w.net.Close())
		})
		w.north, w.south = w.node("north", 1, names), w.node("south", 2, names)
		w.north.peer, w.south.peer = w.south, w.north
		for _, n := range []*filesNode{w.north, w.south} {
			card, err := transport.NewPairing(n.id, n.pairs).Offer([]string{n.address.String()}, false)
			w.must(err)
			theirs := transport.NewPairing(n.peer.id, n.peer.pairs)
			_, err = theirs.Accept(card, n.name)
			w.must(err)
			_, err = theirs.Confirm(n.name, transport.Confirmation{Fingerprint: n.id.Fingerprint()})
			w.must(err)
		}
		w.must(w.net.Start())
		if before != nil {
			before(w)
		}
		w.north.start()
		w.south.start()
		story(w)
	})
}

func (w *filesWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *filesWorld) node(name string, host byte, names []string) *filesNode {
	n := &filesNode{
		w: w, name: name, names: names, fs: vfs.NewCrashableMem(), pairs: &transport.MemoryStore{}, files: map[string][]byte{},
		address: &net.UDPAddr{IP: net.IPv4(10, 0, 0, host), Port: 7843},
	}
	n.socket = w.net.NewEndpoint(n.address, simnet.NodeBiDiLinkSettings{Latency: 5 * time.Millisecond})
	var err error
	n.id, err = transport.NewIdentity(name)
	w.must(err)
	return n
}

// noTenant is the way to a tenant that is never called.
type noTenant struct{}

func (noTenant) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("nobody calls the tenant here")
}

// blobDesk makes a desk that serves files alone.
func blobDesk(led *ledger.Ledger, node string, sign ed25519.PrivateKey, cfg BlobConfig, log *slog.Logger) (*Desk, error) {
	jira, err := jsm.New(jsm.Config{Base: "https://jira.invalid", HTTP: &http.Client{Transport: noTenant{}}, Auth: jsm.Auth{User: "a", Token: jsm.Token("b")}})
	if err != nil {
		return nil, err
	}
	return New(Config{Ledger: led, Tenant: jira, Node: node, Company: "c", Sign: sign, Blobs: cfg, Log: log})
}

// start opens what the last run left on disk and serves.
func (n *filesNode) start() {
	var err error
	n.led, err = ledger.Open(ledger.Config{Dir: "ledger", FS: n.fs})
	n.w.must(err)
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("PARLEY_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", n.name)
	}
	var disk vfs.FS = n.fs
	if n.wrap != nil {
		disk = n.wrap(n.fs)
	}
	n.desk, err = blobDesk(n.led, string(n.id.NodeID()), n.id.LedgerKey(), BlobConfig{Read: n.open, Spool: ledger.SpoolConfig{Dir: "blobs", FS: disk, Every: filesEvery, Most: filesMost}}, log)
	n.w.must(err)
	for _, name := range n.names {
		n.w.must(n.desk.Use(name, name, n.peer.name, replica.Hash{1}, nil, ""))
	}
	serve := n.serve
	if serve == nil {
		serve = n.desk.Serve
	}
	endpoint, err := transport.New(transport.Config{
		Identity: n.id, Pairing: transport.NewPairing(n.id, n.pairs), Conn: n.socket, ResetKey: [32]byte{1}, TokenKey: [32]byte{2},
		Logger: log, Hello: n.desk.Positions, Serve: serve,
	})
	n.w.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := endpoint.Run(ctx); err != nil && ctx.Err() == nil {
			n.w.t.Errorf("%s: transport: %v", n.name, err)
		}
	})
	n.halt = func() {
		cancel()
		wg.Wait()
	}
}

// stop ends the node in good order.
func (n *filesNode) stop() {
	if n == nil || n.halt == nil {
		return
	}
	n.halt()
	n.halt = nil
	n.w.must(n.led.Check())
	n.w.must(n.led.Close())
}

// kill ends the node as a power cut does.
func (n *filesNode) kill(rng *rand.Rand) {
	left := n.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(3) * 50, RNG: rng})
	n.halt()
	n.halt = nil
	n.w.must(n.led.Close())
	n.fs = left
}

// open is the tenant's download.
func (n *filesNode) open(_ context.Context, source string, offset int64) (io.ReadCloser, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.refuse != nil {
		if err := n.refuse(source); err != nil {
			return nil, err
		}
	}
	b, ok := n.files[source]
	if !ok || offset > int64(len(b)) {
		return nil, fmt.Errorf("opening %s: %w", source, ErrBlobGone)
	}
	n.opened = append(n.opened, offset)
	return &download{n, bytes.NewReader(b[offset:])}, nil
}

type download struct {
	n    *filesNode
	from io.Reader
}

func (d *download) Read(p []byte) (int, error) {
	k, err := d.from.Read(p[:min(len(p), 10_000)])
	d.n.mu.Lock()
	d.n.read += int64(k)
	sum, seen := d.n.read, d.n.onRead
	d.n.mu.Unlock()
	if seen != nil {
		seen(sum)
	}
	return k, err
}

func (*download) Close() error { return nil }

// offsets are where files were read from, in order.
func (n *filesNode) offsets() []int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.opened)
}

// got is how many bytes were read in all.
func (n *filesNode) got() int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.read
}

// watch has seen called with that after each read; nil: nothing is.
func (n *filesNode) watch(seen func(sum int64)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.onRead = seen
}

// put makes a file of the tenant's and grants it to a connection.
func (n *filesNode) put(connection, source string, content []byte) (replica.Hash, int64) {
	n.w.t.Helper()
	n.mu.Lock()
	n.files[source] = content
	n.mu.Unlock()
	sum := replica.Hash(sha256.Sum256(content))
	n.w.must(n.led.Write(func(b *ledger.Batch) error {
		return ledger.PutGrant(b, ledger.Grant{Connection: connection, Link: filesLink, Path: replica.Path("attachment/" + source), Hash: sum, Size: int64(len(content)), Source: source})
	}))
	return sum, int64(len(content))
}

// pull waits for a file.
func (n *filesNode) pull(connection string, hash replica.Hash, size int64) (got []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Hour) // virtual
	defer cancel()
	err = n.desk.Pull(ctx, n.desk.Connection(connection), filesLink, hash, size, func(b *Blob) error {
		r, err := b.Open()
		if err != nil {
			return err
		}
		defer r.Close()
		got, err = io.ReadAll(r)
		return err
	})
	return got, err
}

// held insists that a pull ends held by a code.
func (n *filesNode) held(connection string, hash replica.Hash, size int64, code string) BlobWait {
	n.w.t.Helper()
	_, err := n.pull(connection, hash, size)
	var e *BlobError
	if !errors.As(err, &e) || e.Wait.Code != code {
		n.w.t.Fatalf("held as %v, want %s", err, code)
	}
	return e.Wait
}

// spooled lists the spool's folder.
func (n *filesNode) spooled() []string {
	n.w.t.Helper()
	names, err := n.fs.List("blobs")
	n.w.must(err)
	return names
}

func content(seed uint64, size int) []byte {
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b)
	return b
}
