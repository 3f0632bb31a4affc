package exchange

import (
	"cmp"
	"fmt"
	"sync"

	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
	"parley/transport"
)

// Connection is one agreement with one peer, as this side keeps it.
type Connection struct {
	Name string      // the rule file's name: private
	Wire string      // the name both sides use
	Peer string      // the paired partner
	Log  *ledger.Log // its only record of what crossed

	mu      sync.Mutex   // guards the fields below
	hash    replica.Hash // version of the published rules
	rules   *rules.Rules
	former  map[replica.Hash]*rules.Rules // versions that worked before, since this process began
	trouble string                        // why the rules cannot work, in plain words
	refusal string                        // what the peer said when it would not take this connection
	paused  string                        // why nothing new starts, in plain words
	node    string                        // the peer's node id, once known
	session *talk                         // the session that carries it now
	waits   map[replica.LinkID]bool       // links whose change waits for a stored receipt
	back    chan error                    // ends what the peer gives back; nil: nothing is asked
	visits  int                           // visits under way that may work at it

	keys   keys       // of the tickets that it shares
	giving sync.Mutex // held while the peer is given its own replicas back
}

// Rules are the published rules, compiled; nil while they cannot work.
func (c *Connection) Rules() *rules.Rules {
	r, _ := c.version()
	return r
}

func (c *Connection) version() (*rules.Rules, replica.Hash) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rules, c.hash
}

// Trouble is why nothing crosses, in plain words; "" where nothing is wrong.
func (c *Connection) Trouble() string {
	halted := c.halted()
	c.mu.Lock()
	defer c.mu.Unlock()
	return cmp.Or(c.trouble, halted, c.refusal)
}

// Up reports whether the peer is there for this connection.
func (c *Connection) Up() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session != nil
}

// Paused is why the connection starts no new links; "" while it does.
func (c *Connection) Paused() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused
}

// use takes a version of the rules and reports whether it is another one.
func (c *Connection) use(r *rules.Rules, version replica.Hash, trouble string) (changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rules != nil && c.hash != version {
		c.former[c.hash] = c.rules
	}
	changed = c.hash != version || (c.rules == nil) != (r == nil)
	c.rules, c.hash, c.trouble = r, version, trouble
	return changed
}

// live notes that a session carries the connection.
func (c *Connection) live(t *talk) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session, c.refusal = t, ""
}

// lost notes that a session carries it no more, and why where it is known; a
// newer session that took over stays. It reports whether that is news.
func (c *Connection) lost(t *talk, why string) (news bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == t || c.session == nil && why != "" {
		news = c.session != nil || c.refusal != why
		c.session, c.refusal = nil, why
	}
	return news
}

// unsaid takes back what the admin was told of the peer, unless something newer was.
func (c *Connection) unsaid(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil && c.refusal == why {
		c.refusal = ""
	}
}

// wait notes that a link has more to post once the peer has stored its last replica.
func (c *Connection) wait(id replica.LinkID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits[id] = true
}

// waiting takes that note away and reports whether it was there.
func (c *Connection) waiting(id replica.LinkID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.waits[id]
	delete(c.waits, id)
	return was
}

// peerNode is the peer's node id; "" while no session has told it.
func (c *Connection) peerNode() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session != nil {
		c.node = string(c.session.s.PeerID())
	}
	return c.node
}

// rulesOf is a version that this process has worked by; nil where it has not.
func (c *Connection) rulesOf(version replica.Hash) *rules.Rules {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.former[version]
}

// Positions are what this node's hello tells a peer of their connections.
func (d *Desk) Positions(peer string) (lines [][]byte) {
	for _, c := range d.Connections() {
		if c.Peer != peer {
			continue
		}
		line, err := position{Connection: c.Wire, At: c.Log.Position()}.encode()
		if err != nil {
			d.log.Error("telling where a connection stands", "connection", c.Name, "err", err)
			continue
		}
		lines = append(lines, line)
	}
	return lines
}

// theirs reads the peer's hello.
func theirs(s *transport.Session) (map[string]ledger.Position, error) {
	at := map[string]ledger.Position{}
	for _, line := range s.Hello().Positions {
		p, err := decodePosition(line)
		if err != nil {
			return nil, fmt.Errorf("reading the hello of %q: %w", s.Peer(), err)
		}
		at[p.Connection] = p.At
	}
	return at, nil
}
