package node

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"parley/node/exchange"
	"parley/node/ledger"
	"parley/replica"
)

// ConflictQuestion names conflicts: all, one connection's, or one by its id.
type ConflictQuestion struct {
	Connection string `json:"connection"`
	ID         string `json:"id"`
}

// Conflict is a value that lost against the other side's, or an item on which
// the two sides' rules never agree.
type Conflict struct {
	ID         string    `json:"id"`
	Connection string    `json:"connection"`
	Key        string    `json:"key"`
	Twin       string    `json:"twin"`
	Path       string    `json:"path"`
	Standing   bool      `json:"standing"` // it goes on until the rules are changed
	Lost       string    `json:"lost"`     // whose value lost: ours, theirs; "" of a standing one
	At         time.Time `json:"at"`
	Rule       string    `json:"rule,omitempty"`
	Link       string    `json:"link"`
}

// ConflictDetail is one of them with the value that lost, in full.
type ConflictDetail struct {
	Conflict
	Kind   string `json:"kind,omitempty"`
	Value  string `json:"value,omitempty"`
	Reason string `json:"reason,omitempty"` // of a standing one
	Next   string `json:"next,omitempty"`   // likewise
}

// Conflicts lists them: the standing ones first, then the newest.
var Conflicts = op("conflicts", (*Node).conflicts)

func (n *Node) conflicts(_ context.Context, q ConflictQuestion) ([]Conflict, error) {
	all := []Conflict{}
	keys := linkKeys{n: n, known: map[linkName][2]string{}}
	err := n.led.Held(q.Connection, func(h ledger.Held) bool {
		if h.Code == exchange.CodeStanding {
			all = append(all, keys.standing(h))
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	err = n.led.Overruled(q.Connection, func(o ledger.Overruled) bool {
		all = append(all, keys.lost(o))
		return true
	})
	if err == nil {
		err = keys.err
	}
	slices.SortStableFunc(all, func(a, b Conflict) int {
		if a.Standing != b.Standing {
			if a.Standing {
				return -1
			}
			return 1
		}
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Path, b.Path))
	})
	return all, err
}

// ConflictShow shows one with the value that lost.
var ConflictShow = op("conflicts/show", (*Node).conflictShow)

func (n *Node) conflictShow(_ context.Context, q ConflictQuestion) (d ConflictDetail, err error) {
	keys := linkKeys{n: n, known: map[linkName][2]string{}}
	err = n.led.Overruled("", func(o ledger.Overruled) bool {
		if o.ID() == q.ID {
			d = ConflictDetail{Conflict: keys.lost(o), Kind: string(o.Kind), Value: exchange.ValueText(replica.Item{Kind: o.Kind, Raw: o.Value})}
		}
		return d.ID == ""
	})
	if err != nil || d.ID != "" {
		return d, cmp.Or(err, keys.err)
	}
	h, err := n.heldOne(q.ID)
	if err != nil || h.Code != exchange.CodeStanding {
		return d, advise(fmt.Errorf("there is no conflict under the id %q", q.ID), `"parley conflicts" lists them`)
	}
	return ConflictDetail{Conflict: keys.standing(h), Reason: h.Reason, Next: h.Next}, keys.err
}

type linkName struct {
	connection string
	id         replica.LinkID
}

// linkKeys looks up what links are called on both sides, each once.
type linkKeys struct {
	n     *Node
	known map[linkName][2]string
	err   error
}

func (k *linkKeys) of(connection string, id replica.LinkID) (key, twin string) {
	name := linkName{connection, id}
	if pair, ok := k.known[name]; ok {
		return pair[0], pair[1]
	}
	link, err := k.n.led.Link(connection, id)
	if err != nil {
		k.err = cmp.Or(k.err, fmt.Errorf("finding link %s: %w", id, err))
	}
	if twin, err = k.n.led.TwinKey(connection, id); err != nil {
		k.err = cmp.Or(k.err, fmt.Errorf("looking at link %s: %w", id, err))
	}
	k.known[name] = [2]string{link.Key, twin}
	return link.Key, twin
}

func (k *linkKeys) lost(o ledger.Overruled) Conflict {
	key, twin := k.of(o.Connection, o.Link)
	c := Conflict{
		ID: o.ID(), Connection: o.Connection, Key: key, Twin: twin, Path: string(o.Path), Lost: "theirs",
		At: time.UnixMilli(o.At), Rule: o.Rule, Link: o.Link.String(),
	}
	if o.Ours {
		c.Lost = "ours"
	}
	return c
}

func (k *linkKeys) standing(h ledger.Held) Conflict {
	_, twin := k.of(h.Connection, h.Link)
	return Conflict{
		ID: h.ID(), Connection: h.Connection, Key: h.Key, Twin: twin, Path: string(h.Path), Standing: true,
		At: time.UnixMilli(h.Since), Rule: h.Rule, Link: h.Link.String(),
	}
}
