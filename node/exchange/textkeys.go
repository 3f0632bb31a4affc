package exchange

import (
	"cmp"
	"strings"
	"sync"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// Keys in texts. A ticket that a connection shares has a key on either side; a text that names one leads to the other.

// keys are those of a connection's links. They are read when a text first names one, and kept up by every visit. A key
// that a ticket had before it was moved still leads to it, as in Jira.
type keys struct {
	mu    sync.Mutex        // guards the fields below
	whole bool              // every link has been read
	twins map[string]string // the peer's to ours
	ours  map[string]bool
}

func (k *keys) put(ours, theirs string) {
	if ours == "" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ours == nil {
		k.ours, k.twins = map[string]bool{}, map[string]string{}
	}
	k.ours[ours] = true
	if theirs != "" {
		k.twins[theirs] = ours
	}
}

func (k *keys) find(key string) (ours bool, twin string, whole bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ours[key], k.twins[key], k.whole
}

// named looks a key up: whether it is one of our tickets that the connection shares, and the key here of the peer's
// ticket that bears it.
func (c *Connection) named(led *ledger.Ledger, key string) (ours bool, twin string) {
	ours, twin, whole := c.keys.find(key)
	if ours || twin != "" || whole {
		return ours, twin
	}
	if c.readKeys(led) != nil {
		return false, "" // as if it were not shared: the text stays what it is
	}
	ours, twin, _ = c.keys.find(key)
	return ours, twin
}

// readKeys reads them from every link, once.
func (c *Connection) readKeys(led *ledger.Ledger) error {
	var failed error
	err := led.Links(c.Name, func(k ledger.Link) bool {
		if k.Key == "" || k.Ended {
			return true
		}
		var in *ledger.Incoming
		var word ledger.Word
		if in, failed = led.Incoming(c.Name, k.ID); failed != nil {
			return false
		}
		if word, failed = led.Word(c.Name, k.ID); failed != nil {
			return false
		}
		c.keys.put(k.Key, cmp.Or(in.Key, word.Twin))
		return true
	})
	if err := cmp.Or(err, failed); err != nil {
		return err
	}
	c.keys.mu.Lock()
	defer c.keys.mu.Unlock()
	c.keys.whole = true
	return nil
}

// textsOut is what the outgoing rules are told for the ticket's texts.
func (l *lane) textsOut(t *jsm.Ticket, twins map[string]ledger.Twin) rules.TextsOut {
	return rules.TextsOut{
		Files: l.filesOf(t), Site: l.d.cfg.Site,
		Origin: func(local string) (replica.Path, bool) {
			t, ok := twins[local]
			return rules.Whole(t.Path), ok && t.Connection == l.c.Name && t.Link == l.link.ID && !strings.Contains(string(t.Path), noteInfix)
		},
		SharedKey: func(key string) bool {
			ours, _ := l.c.named(l.d.led, key)
			return ours
		},
	}
}

// textsIn is what the incoming rules are told for the peer's texts.
func (w *work) textsIn(twins map[replica.Path]ledger.Twin) rules.TextsIn {
	origins := map[string]replica.Path{}
	for p, t := range twins {
		origins[t.Local] = p
	}
	return rules.TextsIn{
		Files: w.filesOf(w.ticket), Site: w.d.cfg.Site, PeerSite: w.in.URL, NewerTexts: w.d.cfg.NewerTexts,
		Origin: func(local string) (replica.Path, bool) {
			p, ok := origins[local]
			return p, ok
		},
		Shown: func(ours replica.Path) bool {
			_, ok := w.out.Posted[ours]
			return ok
		},
		TwinKey: func(theirs string) (string, bool) {
			_, twin := w.c.named(w.d.led, theirs)
			return twin, twin != ""
		},
	}
}
