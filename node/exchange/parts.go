package exchange

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// Parts: work logs, links and participants of a ticket. Jira makes a second work log of a repeated call, so one carries a
// mark; the same link, web link or participant is never made twice, and is known again by what it is. All of them are
// announced: until an unclear call is settled its part is neither tried again nor taken for a person's.

// announced is what an intent's payload tells of a part that carries no mark. A link leads from From to To.
type announced struct {
	Type    string `json:"type,omitempty"` // id of the kind of link
	From    string `json:"from,omitempty"` // ids of the two tickets
	To      string `json:"to,omitempty"`
	Account string `json:"account,omitempty"`
}

// partEffect tells how a part's write is announced; "" for what is harmless whenever it comes.
func partEffect(p rules.PartWrite) ledger.Effect {
	switch {
	case p.Op == rules.DeletePart, p.Op == rules.AdoptPart, p.Op == rules.ForgetPart:
		return ""
	case p.Worklog != nil && p.Op == rules.EditPart:
		return ledger.EditWorklog
	case p.Worklog != nil:
		return ledger.AddWorklog
	case p.Link != nil:
		return ledger.AddLink
	case p.Web != nil:
		return ledger.PutWebLink
	}
	return ledger.AddParticipant
}

// isPart reports whether an effect is one of this file's.
func isPart(e ledger.Effect) bool {
	switch e {
	case ledger.AddWorklog, ledger.AddLink, ledger.PutWebLink, ledger.AddParticipant:
		return true
	}
	return false
}

// announceParts adds the intents of a plan's parts.
func (w *work) announceParts(plan *rules.Plan, add func(ledger.Intent)) error {
	for _, p := range plan.Parts {
		effect := partEffect(p)
		if effect == "" {
			continue
		}
		in := ledger.Intent{Effect: effect, Path: p.Path}
		var a announced
		switch effect {
		case ledger.AddLink:
			a.Type, a.From, a.To = p.Link.Type.ID, w.link.Ticket, p.Link.Other.ID
			if p.Link.Reversed {
				a.From, a.To = a.To, a.From
			}
		case ledger.AddParticipant:
			a.Account = p.Person.AccountID
		}
		if a != (announced{}) {
			var err error
			if in.Payload, err = json.Marshal(a); err != nil {
				return err
			}
		}
		add(in)
	}
	return nil
}

// keepParts takes out of a plan the parts that wait for an earlier write to settle, and those that were written too often
// within an hour: two automations may answer each other.
func (w *work) keepParts(plan *rules.Plan) {
	most := w.r.WritesPerHour
	kept := plan.Parts[:0]
	for _, p := range plan.Parts {
		if until, waiting := w.waits[p.Path]; waiting {
			w.again = sooner(w.again, until)
			continue
		}
		counted, limit := p.Path, most
		if p.Op == rules.AddPart {
			counted, limit = replica.Path(p.Path.Kind()), commentsEach*most
		}
		free := most == 0 || w.creating || w.ticket == nil || p.Op == rules.AdoptPart || p.Op == rules.ForgetPart ||
			p.Op == rules.AddPart && p.Created != 0 && time.Since(time.UnixMilli(p.Created)) > window
		if free || w.spend(counted, limit, w.in.Remote[p.Path].Raw) {
			kept = append(kept, p)
			continue
		}
		w.loops(p.Path, counted, partName(p.Path), p.Rule)
	}
	plan.Parts = kept
}

func partName(p replica.Path) string {
	switch p.Kind() {
	case "worklog":
		return "A work log"
	case "participant":
		return "A participant"
	}
	return "A link"
}

// parts writes what the plan says of parts.
func (w *work) parts(ctx context.Context, plan *rules.Plan) error {
	for _, p := range plan.Parts {
		err := w.part(ctx, p)
		if err == nil {
			continue
		}
		if !definite(err) {
			return fmt.Errorf("writing %s of %s: %w", p.Path.Kind(), w.key(), err)
		}
		w.refused(p.Path, strings.ToLower(partName(p.Path))+" on "+w.key(), p.Rule, seeReason, err)
	}
	return nil
}

func (w *work) part(ctx context.Context, p rules.PartWrite) error {
	switch p.Op {
	case rules.AdoptPart:
		return w.adoptPart(p)
	case rules.ForgetPart:
		return w.forget(p.Path)
	case rules.DeletePart:
		return w.deletePart(ctx, p)
	}
	in := w.intent(partEffect(p), p.Path)
	local, err := w.makePart(ctx, p, in)
	switch {
	case err == nil:
		w.join(p.Path, w.outwardOf(p), local)
	case jsm.MaybeApplied(err):
		return w.unclear(in)
	case !definite(err):
		return err
	}
	w.finished = append(w.finished, in)
	return err
}

// makePart makes one call, and returns the local id of what it made.
func (w *work) makePart(ctx context.Context, p rules.PartWrite, in ledger.Intent) (local string, err error) {
	issue := w.link.Ticket
	switch in.Effect {
	case ledger.EditWorklog:
		_, err = w.d.jira.EditWorklog(ctx, issue, strings.TrimPrefix(p.LocalID, worklogTwin), *p.Worklog)
		return p.LocalID, err
	case ledger.AddWorklog:
		n := *p.Worklog
		if n.Mark, err = json.Marshal(mark{Nonce: in.Nonce, Link: w.link.ID, Item: in.Path}); err != nil {
			return "", err
		}
		made, err := w.d.jira.AddWorklog(ctx, issue, n)
		return worklogTwin + made.ID, err
	case ledger.AddLink:
		from, to := issue, p.Link.Other.ID
		if p.Link.Reversed {
			from, to = to, from
		}
		made, err := w.d.jira.LinkIssues(ctx, from, to, p.Link.Type)
		return linkTwin + made.ID, err
	case ledger.PutWebLink:
		_, err = w.d.jira.PutRemoteLink(ctx, issue, *p.Web)
		return webLinkTwin + p.Web.GlobalID, err
	}
	return participantTwin + p.Person.AccountID, w.d.jira.AddParticipants(ctx, issue, []string{p.Person.AccountID})
}

// What the local ids of twins begin with, other than those of comments.
const (
	worklogTwin     = "worklog/"
	linkTwin        = "link/"
	webLinkTwin     = "web_link/"
	participantTwin = "participant/"
)

// deletePart takes away what the origin has deleted. The ticket is read again: what it shows no more is no person's.
func (w *work) deletePart(ctx context.Context, p rules.PartWrite) (err error) {
	_, id, _ := strings.Cut(p.LocalID, "/")
	switch p.Path.Kind() {
	case "worklog":
		err = w.d.jira.DeleteWorklog(ctx, w.link.Ticket, id)
	case "link":
		err = w.d.jira.Unlink(ctx, w.link.Ticket, id)
	case "web_link", "knowledge", "portal":
		err = w.d.jira.DeleteRemoteLink(ctx, w.link.Ticket, id)
	default:
		err = w.d.jira.RemoveParticipants(ctx, w.link.Ticket, []string{id})
	}
	if err != nil && !jsm.IsNotFound(err) {
		return err
	}
	w.wrote, w.fresh = true, nil
	return w.forget(p.Path)
}

// forget ends the twin of an item that both sides have taken away: what comes again under its path is new.
func (w *work) forget(p replica.Path) error {
	twins, err := w.d.led.Twins(w.c.Name, w.link.ID)
	if err != nil {
		return err
	}
	t, known := twins[p]
	if !known {
		return nil
	}
	return w.d.led.Write(func(b *ledger.Batch) error { return ledger.DropTwin(b, t) })
}

// adoptPart makes what is here already the twin of an item, at once in place of the one whose twin it was: between the
// two it would pass for a person's.
func (w *work) adoptPart(p rules.PartWrite) error {
	twin := w.twinAs(p.Path, p.LocalID)
	twin.Ticket = w.outwardOf(p)
	twins, err := w.d.led.TwinsOn(twin.Ticket)
	if err != nil {
		return err
	}
	return w.d.led.Write(func(b *ledger.Batch) error {
		if was, known := twins[p.LocalID]; known && was.Connection == twin.Connection && was.Link == twin.Link {
			if err := ledger.DropTwin(b, was); err != nil {
				return err
			}
		}
		return ledger.PutTwin(b, twin)
	})
}

// outwardOf is the ticket whose view would show a part: of a link the one before its outward words.
func (w *work) outwardOf(p rules.PartWrite) string {
	if p.Link != nil && p.Link.Reversed {
		return p.Link.Other.ID
	}
	return w.link.Ticket
}

// join notes that a local part is the twin of an item.
func (w *work) join(p replica.Path, ticket, local string) {
	twin := w.twinAs(p, local)
	twin.Ticket = ticket
	w.twins = append(w.twins, twin)
}

// linkTypes are the tenant's kinds of links, remembered for a while.
func (d *Desk) linkTypes(ctx context.Context) ([]jsm.LinkType, error) {
	d.mu.Lock()
	types, until := d.kinds.types, d.kinds.until
	d.mu.Unlock()
	if time.Now().Before(until) {
		return types, nil
	}
	types, err := d.jira.LinkTypes(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the kinds of links: %w", err)
	}
	d.mu.Lock()
	d.kinds = linkKinds{types, time.Now().Add(kindsFor)}
	d.mu.Unlock()
	return types, nil
}

const kindsFor = 10 * time.Minute // an administrator may add a kind of link, and want to see it work

type linkKinds struct {
	types []jsm.LinkType
	until time.Time
}

// globalID begins the global ids of the web links that are made for a link.
func (l *lane) globalID() string { return rules.OursGlobally + l.link.ID.String() + ":" }

// hide adds to the parts that do not leave those of ours that no twin tells of: a web link by its global id, a link or
// participant of a call whose answer is still awaited.
func (l *lane) hide(t *jsm.Ticket, twins map[string]ledger.Twin, hidden map[string]bool) {
	for _, web := range t.WebLinks {
		if _, known := twins[webLinkTwin+web.GlobalID]; !known && strings.HasPrefix(web.GlobalID, rules.OursGlobally) {
			hidden[webLinkTwin+web.GlobalID] = true
		}
	}
	if len(t.Links) == 0 && len(l.open) == 0 {
		return
	}
	err := l.d.led.OpenIntents(func(in ledger.Intent) bool {
		var a announced
		if !isPart(in.Effect) || json.Unmarshal(in.Payload, &a) != nil {
			return true
		}
		for _, link := range t.Links {
			if in.Effect == ledger.AddLink && link.Outward && a.From == t.ID && a.To == link.Other.ID && a.Type == link.Type.ID {
				hidden[linkTwin+link.ID] = true
			}
		}
		if in.Effect == ledger.AddParticipant && in.Link == l.link.ID {
			hidden[participantTwin+a.Account] = true
		}
		return true
	})
	if err == nil { // a link that was joined since the twins were read
		twins, err = l.d.led.TwinsOn(t.ID)
	}
	if err != nil {
		l.d.log.Warn("open writes cannot be read, so no link leaves", "connection", l.c.Name, "link", l.link.ID, "err", err)
		for _, link := range t.Links {
			hidden[linkTwin+link.ID] = true
		}
		return
	}
	for id, twin := range twins {
		if strings.HasPrefix(id, linkTwin) && (twin.Connection == l.c.Name || !l.r.Relay()) {
			hidden[id] = true
		}
	}
}

// twinned has those judged again that wait for a ticket of the connection to have a twin.
func (d *Desk) twinned(c *Connection) error {
	var waiting []replica.LinkID
	err := d.led.Held(c.Name, func(h ledger.Held) bool {
		if !h.Out && h.Code == rules.NoTwin && !slices.Contains(waiting, h.Link) {
			waiting = append(waiting, h.Link)
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("looking for what waits for a twin: %w", err)
	}
	for _, id := range waiting {
		k, err := d.led.Link(c.Name, id)
		if err != nil {
			return fmt.Errorf("reading link %s: %w", id, err)
		}
		d.enqueue(k, time.Time{})
	}
	return nil
}

// overtaken has the link judged again where a twin that it waits for was made while it was being judged.
func (w *work) overtaken(plan *rules.Plan) {
	for _, h := range plan.Held {
		if h.Code != rules.NoTwin {
			continue
		}
		var other replica.LinkID
		switch v, _ := w.in.Remote[h.Path].Value(); v := v.(type) {
		case replica.Relation:
			other = v.To.Link
		case replica.Ticket:
			other = v.Link
		}
		if _, made := w.c.ticketOf(w.d.led, other); made {
			w.d.enqueue(w.link, time.Time{})
			return
		}
	}
}

// neighbours has the shared tickets looked at again that a ticket points to or that point to it: now that it is shared, too, their
// links and parents may name it.
func (l *lane) neighbours(t *jsm.Ticket) error {
	var ids []string
	add := func(id string) {
		if id != "" && l.d.linked(id) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, link := range t.Links {
		add(link.Other.ID)
	}
	for _, sub := range t.Subtasks {
		add(sub.ID)
	}
	var parent struct {
		ID string `json:"id"`
	}
	if raw, there := t.Fields["parent"]; there && json.Unmarshal(raw, &parent) == nil {
		add(parent.ID)
	}
	if len(ids) == 0 {
		return nil
	}
	generation, err := l.d.led.MarkDirty(ids, "")
	if err != nil {
		return err
	}
	for _, id := range ids {
		l.d.queue.add(job{lane: id, ticket: id, generation: generation})
	}
	return nil
}
