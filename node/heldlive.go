package node

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"parley/jsm"
	"parley/node/exchange"
	"parley/node/ledger"
)

// standstill is what keeps back everything of a tenant or a connection. No
// record is kept of it: it is what is so just now.
type standstill struct {
	Held
	cause string // in the words of whoever told it
}

// everything is what a standstill keeps back, in place of an item.
const everything = "everything"

// rewoundWords stand in a connection's trouble where it is the partner's ledger
// that was put back.
const rewoundWords = "put back to an earlier state"

// standstills lists what a running node's tenant and partners keep back; a node
// that does not run is asked by nobody, and so has none.
func (n *Node) standstills() (all []standstill) {
	l := n.live.Load()
	if l == nil {
		return nil
	}
	if s := n.tenant.client.Standing(); s.State != jsm.Up {
		all = append(all, tenantStandstill(s))
	}
	names, err := n.led.PublishedConnections()
	if err != nil {
		n.log.Warn("connections that wait cannot be listed", "err", err)
		return all
	}
	for _, name := range names {
		line, waits, err := n.connectionStandstill(l, name)
		if err != nil {
			n.log.Warn("what a connection waits for cannot be told", "connection", name, "err", err)
		}
		if waits {
			all = append(all, line)
		}
	}
	return all
}

func tenantStandstill(s jsm.Standing) standstill {
	code := exchange.TroubleCode(s.Trouble)
	e, _ := exchange.Explain(code)
	line := standstill{Held: Held{
		ID: standstillID("tenant", ""), Class: e.Class, Code: code, Path: everything, Direction: "tenant", Since: s.Since,
		Reason: e.Means, Next: e.Next,
	}}
	line.cause = s.Why
	if !s.Until.IsZero() {
		line.Retry = &s.Until
	}
	return line
}

// connectionStandstill tells what keeps back a connection as a whole: an admin,
// a ledger that was restored, or a partner who is not there for what waits.
func (n *Node) connectionStandstill(l *live, name string) (line standstill, waits bool, err error) {
	c := Connection{Name: name}
	at := l.desk.Connection(name)
	if at == nil {
		return line, false, nil
	}
	paused, err := n.paused(name)
	if err != nil {
		return line, false, err
	}
	if err := n.outbox(&c); err != nil {
		return line, false, err
	}
	code, reason, cause := "", "", at.Trouble()
	switch {
	case paused != "":
		code, reason = exchange.Paused, "The connection is paused: "+paused+"."
	case at.Log.Epoch().Rewound(), strings.Contains(cause, rewoundWords), strings.Contains(cause, ledger.ErrRewind.Error()):
		code, reason = exchange.Rewind, "The two ledgers disagree, so nothing crosses."
	case !at.Up() && c.Outbox > 0:
		code, reason = exchange.PeerDown, fmt.Sprintf("%d replicas wait for %s, which is not connected.", c.Outbox, at.Peer)
		if cause == "" {
			cause = l.end.States()[at.Peer].Err
		}
	default:
		return line, false, nil
	}
	e, _ := exchange.Explain(code)
	line.Held = Held{
		ID: standstillID("connection", name), Connection: name, Class: e.Class, Code: code, Path: everything, Direction: "connection",
		Reason: reason, Next: e.Next, Since: time.Now().Add(-time.Duration(c.OldestUnacked * float64(time.Second))),
	}
	line.cause = cause
	return line, true, nil
}

func standstillID(what, name string) string {
	sum := sha256.Sum256([]byte("standstill\x00" + what + "\x00" + name))
	return hex.EncodeToString(sum[:5])
}
