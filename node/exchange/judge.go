package exchange

import (
	"crypto/hmac"
	"crypto/sha256"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// local is what the outgoing rules see of the ticket. Comments that came in
// never leave by the connection that brought them, and by another only where
// it relays.
func (l *lane) local(t *jsm.Ticket, twins map[string]ledger.Twin) rules.Local {
	in := rules.Local{
		Ticket: t, Twins: map[string]bool{}, Posted: l.out.Posted, Company: l.d.cfg.Company, Secret: l.d.secret(l.c.Wire), Account: l.d.account().AccountID,
	}
	for id, twin := range twins {
		if twin.Connection == l.c.Name || !l.r.Relay() {
			in.Twins[id] = true
		}
	}
	in.Shared, in.Site = l.linkOf, l.d.cfg.Site
	l.hide(t, twins, in.Twins)
	in.Sum, in.TextsOut = l.sumFor(t), l.textsOut(t, twins)
	l.d.files.apply(t)
	for i := range t.Comments {
		if c := &t.Comments[i]; l.mayEcho(c) {
			in.Twins[c.ID] = true
		}
	}
	for i := range t.Attachments {
		if a := &t.Attachments[i]; l.mayCopy(a) {
			in.Twins[rules.FilePrefix+a.ID] = true
		}
	}
	if l.link.Since > 0 {
		in.Since = time.UnixMilli(l.link.Since)
	}
	return in
}

// secret is the key of a connection's pseudonyms: the same person has another
// one in each connection.
func (d *Desk) secret(wire string) []byte {
	m := hmac.New(sha256.New, d.sign.Seed())
	m.Write([]byte("parley pseudonyms 1\n" + wire))
	return m.Sum(nil)
}

// arrival is what the incoming rules judge.
func (w *work) arrival(changed []replica.Path, twins map[replica.Path]ledger.Twin) rules.Arrival {
	return rules.Arrival{
		Remote: w.in.Remote, Changed: changed, Waited: w.done.Pending, RulesChanged: w.done.Seq > 0 && w.done.Rules != w.hash,
		Creating: w.creating, Ticket: w.ticket,
		Concurrent: func(remote, outgoing replica.Path) (replica.Item, bool) {
			ours, yes := w.concurrent(remote, outgoing)
			if yes && ours.Kind == "" {
				ours.At = w.withdrawn(w.ticket, outgoing)
			}
			return ours, yes
		},
		Known:     func(remote replica.Path) bool { return w.in.Items[remote].Seq <= w.knew },
		Withdrawn: func(p replica.Path) int64 { return w.in.Items[p].Gone },
		Twin:      twinIn(twins),
		Shared:    func(id replica.LinkID) (jsm.Option, bool) { return w.c.ticketOf(w.d.led, id) },
		GlobalID:  w.globalID(),
		TextsIn:   w.textsIn(twins),
		Account:   w.d.account().AccountID,
		LocalNode: w.d.cfg.Node, PeerNode: w.c.peerNode(),
	}
}

// twinIn looks up what was made here of an item of the peer's, and is not deleted.
func twinIn(twins map[replica.Path]ledger.Twin) func(replica.Path) (local string, known bool) {
	return func(p replica.Path) (string, bool) {
		t, ok := twins[p]
		return t.Local, ok && !t.Gone
	}
}
