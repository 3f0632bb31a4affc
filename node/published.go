package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"parley/conf"
	"parley/node/ledger"
	"parley/node/rules"
)

const (
	learnFirst = 2 * time.Second // after the tenant could not be read
	learnMost  = time.Minute
)

// source reads the rules of a published version as they were written.
func source(p ledger.Published) (*conf.Rules, error) {
	src, err := conf.ParseRules(p.Sources, p.File)
	if err != nil {
		return nil, fmt.Errorf("reading version %d of the rules of %q: %w", p.Number, p.Connection, err)
	}
	return src, nil
}

// policy reads the security team's limits. A policy that cannot be read stops
// whoever asks: it never stands for no limits.
func (n *Node) policy() (*conf.Policy, error) {
	p, err := conf.ReadPolicy(os.DirFS(n.home))
	if err != nil {
		return nil, fmt.Errorf("reading the policy: %w", err)
	}
	return p, nil
}

// begin makes every published connection known to the desk before the tenant
// has been asked: partners can reach them, and what arrives is stored.
func (l *live) begin() (err error) {
	if l.policy, err = l.n.policy(); err != nil {
		return err
	}
	return l.each(func(p ledger.Published, src *conf.Rules) error {
		if err := l.desk.Use(p.Connection, src.Connection.Value, src.Peer.Value, p.Hash, nil, "the tenant has not been read yet"); err != nil {
			return err
		}
		why, err := l.n.paused(p.Connection)
		if err != nil || why == "" {
			return err
		}
		return l.desk.Pause(p.Connection, why)
	})
}

// each calls use for every published connection that can be read.
func (l *live) each(use func(ledger.Published, *conf.Rules) error) error {
	names, err := l.n.led.PublishedConnections()
	if err != nil {
		return err
	}
	for _, name := range names {
		p, err := l.n.led.PublishedRules(name)
		if err != nil {
			return fmt.Errorf("reading the rules of %q: %w", name, err)
		}
		src, err := source(p)
		if err != nil {
			l.n.log.Error("published rules cannot be read; the connection stands still", "connection", name, "err", err)
			continue
		}
		if err := use(p, src); err != nil {
			return fmt.Errorf("using the rules of %q: %w", name, err)
		}
	}
	return nil
}

// tend keeps the connections at work by their published rules: it reads the
// account and the schemas, again every hour, soon after a failure, and when a
// refused write casts doubt on them; and it applies a publication when asked.
func (l *live) tend(ctx context.Context) error {
	wait, read := learnFirst, time.Now() // read: when a doubt last counted
	var asked chan struct{}              // who waits for this round
	for {
		next := schemaAge
		anew, err := l.limits(asked != nil)
		if err == nil {
			err = l.apply(ctx, anew)
		}
		if asked != nil {
			close(asked)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ledger.ErrFailed):
			return err
		case err != nil:
			l.n.log.Warn("not all published rules could be applied; it is tried again", "err", err, "took", wait)
			next, wait = wait, min(2*wait, learnMost)
		default:
			wait = learnFirst
		}
		asked = l.idle(ctx, next, &read)
	}
}

// idle waits for a reason to look at the tenant again: it is time (schemas are
// as old as that), a write was refused and the last doubt is a while ago, or
// somebody asks for it, who is then returned.
func (l *live) idle(ctx context.Context, d time.Duration, read *time.Time) (asked chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return nil
		case <-l.n.tenant.heard.doubt:
			if time.Since(*read) >= doubted {
				l.n.tenant.forget()
				*read = time.Now()
				return nil
			}
		case asked := <-l.refresh:
			return asked
		case <-ctx.Done():
			return nil
		}
	}
}

// again has the published rules applied, and waits for it.
func (l *live) again(ctx context.Context) error {
	done := make(chan struct{})
	select {
	case l.refresh <- done:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// limits reads the policy again when rules were published, and reports whether
// it is another one. An edit of the file alone changes nothing.
func (l *live) limits(published bool) (anew bool, err error) {
	if !published {
		return false, nil
	}
	policy, err := l.n.policy()
	if err != nil {
		return false, err
	}
	anew = !bytes.Equal(policy.Source(), l.policy.Source())
	l.policy = policy
	return anew, nil
}

// apply makes each connection work by its published rules as the tenant's
// schema stands. A connection whose rules cannot work says why, and is none of
// the others' business. The error is what may be better when tried again.
func (l *live) apply(ctx context.Context, anew bool) error {
	me, lost := l.n.tenant.client.Myself(ctx)
	l.setTrouble(lost)
	if lost == nil {
		l.desk.SetAccount(me)
	}
	unread := lost
	err := l.each(func(p ledger.Published, src *conf.Rules) error {
		r, trouble, err := l.compile(ctx, p, src, lost)
		if err != nil {
			unread = err
			if !anew && l.works[p.Connection] == p.Number {
				return nil // the version it works by is still good; only the look at the tenant failed
			}
		}
		return l.use(p, src, r, trouble, anew)
	})
	return errors.Join(err, unread)
}

// use hands a connection's rules to the desk. Under another policy the same
// rules show another view, so all links are compared anew: the desk does that
// where rules come after none.
func (l *live) use(p ledger.Published, src *conf.Rules, r *rules.Rules, trouble string, anew bool) error {
	put := func(r *rules.Rules, trouble string) error {
		return l.desk.Use(p.Connection, src.Connection.Value, src.Peer.Value, p.Hash, r, trouble)
	}
	delete(l.works, p.Connection)
	if r == nil {
		return put(nil, trouble)
	}
	if anew {
		if err := put(nil, "the policy has changed"); err != nil {
			return err
		}
	}
	l.works[p.Connection] = p.Number
	return put(r, "")
}

// compile compiles one connection's rules; nil with the trouble in plain words
// where they cannot work, and an error where it is the tenant's fault.
func (l *live) compile(ctx context.Context, p ledger.Published, src *conf.Rules, lost error) (*rules.Rules, string, error) {
	if lost != nil {
		return nil, "the tenant cannot be read: " + lost.Error(), lost
	}
	schema, err := l.n.tenant.schema(ctx, rules.SchemaProject(src), schemaAge)
	if err != nil {
		return nil, "the tenant cannot be read: " + err.Error(), err
	}
	r, err := rules.Compile(src, l.policy, schema)
	if err != nil {
		l.n.log.Error("published rules do not fit the tenant any more; the connection stands still", "connection", p.Connection, "err", err)
		return nil, "the published rules do not fit the tenant any more: " + err.Error(), nil
	}
	return r, "", nil
}

func (l *live) setTrouble(err error) {
	why := ""
	if err != nil {
		why = err.Error()
	}
	l.trouble.Store(&why)
}

// tenantTrouble is why the tenant does not answer; "" while it does.
func (l *live) tenantTrouble() string {
	if why := l.desk.TenantTrouble(); why != "" {
		return why
	}
	if why := l.trouble.Load(); why != nil {
		return *why
	}
	return "it has not been asked yet"
}
