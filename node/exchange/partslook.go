package exchange

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// Looking for parts whose call was not answered: a work log by its mark, the others by what they are.

// findParts looks for parts on the ticket.
func (w *work) findParts(ctx context.Context, open []ledger.Intent) error {
	if len(open) == 0 {
		return nil
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	there, err := w.marked(ctx, slices.ContainsFunc(open, func(in ledger.Intent) bool { return in.Effect == ledger.AddWorklog }))
	if err != nil {
		return err
	}
	return w.lookUp(open, func(in ledger.Intent) (made []ledger.Twin, err error) {
		if ticket, local, found := w.foundPart(in, there); found {
			twin := w.twinAs(in.Path, local)
			twin.Ticket = ticket
			made = append(made, twin)
		}
		return made, nil
	})
}

// marked lists the ticket's work logs by the nonce of their mark, where that is wanted.
func (w *work) marked(ctx context.Context, wanted bool) (byNonce map[string]jsm.Worklog, err error) {
	if !wanted {
		return nil, nil
	}
	list, err := w.d.jira.Worklogs(ctx, w.link.Ticket)
	if err != nil {
		return nil, fmt.Errorf("looking for work logs on %s: %w", w.key(), err)
	}
	byNonce = map[string]jsm.Worklog{}
	for _, one := range list {
		if nonce := workMark(one).Nonce; nonce != "" {
			byNonce[nonce] = one
		}
	}
	return byNonce, nil
}

// workMark reads a work log's mark; zero where it has none of ours.
func workMark(one jsm.Worklog) (m mark) {
	if json.Unmarshal(one.Mark, &m) != nil {
		return mark{}
	}
	return m
}

// foundPart looks on the ticket for what an intent was to make.
func (w *work) foundPart(in ledger.Intent, there map[string]jsm.Worklog) (ticket, local string, found bool) {
	var a announced
	if len(in.Payload) > 0 && json.Unmarshal(in.Payload, &a) != nil {
		return "", "", false
	}
	ticket = w.link.Ticket
	switch in.Effect {
	case ledger.AddWorklog:
		one, found := there[in.Nonce]
		return ticket, worklogTwin + one.ID, found
	case ledger.AddLink:
		i := slices.IndexFunc(w.ticket.Links, func(l jsm.IssueLink) bool {
			from, to := ticket, l.Other.ID
			if !l.Outward {
				from, to = to, from
			}
			return l.Type.ID == a.Type && from == a.From && to == a.To
		})
		if i < 0 {
			return "", "", false
		}
		return a.From, linkTwin + w.ticket.Links[i].ID, true
	case ledger.PutWebLink:
		global := w.lane.globalID() + string(in.Path)
		return ticket, webLinkTwin + global, slices.ContainsFunc(w.ticket.WebLinks, func(l jsm.RemoteLink) bool { return l.GlobalID == global })
	}
	return ticket, participantTwin + a.Account, w.r.TakesPart(w.ticket, a.Account)
}

// sweepParts looks again for parts that may have come late. A second work log with our mark is our own mistake and goes;
// what came after its origin had taken it back goes, too.
func (w *work) sweepParts(ctx context.Context, open []*ledger.Doubt) error {
	open = slices.DeleteFunc(open, func(d *ledger.Doubt) bool { return d.Next == 0 })
	if len(open) == 0 {
		return nil
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	looking := slices.ContainsFunc(open, func(d *ledger.Doubt) bool { return d.Effect == ledger.AddWorklog && (due(d) || w.job.strange) })
	there, err := w.marked(ctx, looking)
	if err != nil {
		return err
	}
	twins, err := w.d.led.Twins(w.c.Name, w.link.ID)
	if err != nil {
		return err
	}
	for _, d := range open {
		if d.Effect == ledger.PutWebLink {
			w.judgeAgain(d.Path) // judged by what it says; with it what was withdrawn
		} else if ticket, local, found := w.foundPart(d.Intent, there); found {
			if err := w.latePart(ctx, d, ticket, local, twins[d.Path].Local); err != nil {
				return err
			}
		}
		w.looked(d)
	}
	return nil
}

// latePart decides about a part that is there after its call had been given up.
func (w *work) latePart(ctx context.Context, d *ledger.Doubt, ticket, local, adopted string) error {
	_, wanted := w.in.Remote[d.Path]
	switch {
	case adopted == local && wanted:
		if d.Effect == ledger.AddParticipant { // there is no second one; a link may come back after its origin has taken it away
			d.Next = 0
		}
		return nil
	case adopted == "" && wanted:
		w.join(d.Path, ticket, local)
		d.Next = 0
		w.judgeAgain(d.Path)
		return w.keepTwins()
	case adopted != "" && d.Effect != ledger.AddWorklog:
		return nil // judged with the rest
	case d.Effect != ledger.AddWorklog && !w.lastByUs(d, local):
		return nil // a person has made the same
	}
	_, id, _ := strings.Cut(local, "/")
	var err error
	switch d.Effect {
	case ledger.AddWorklog:
		err = w.d.jira.DeleteWorklog(ctx, w.link.Ticket, id)
	case ledger.AddLink:
		err = w.d.jira.Unlink(ctx, w.link.Ticket, id)
	default:
		err = w.d.jira.RemoveParticipants(ctx, w.link.Ticket, []string{id})
	}
	if err != nil && !definite(err) {
		return fmt.Errorf("taking back a late %s of %s: %w", d.Path.Kind(), w.key(), err)
	}
	if err != nil {
		return nil // it is looked at again
	}
	w.d.log.Info("a part of a ticket that Jira had made late was taken back", "connection", w.c.Name, "link", w.link.ID, "ticket", w.link.Ticket)
	d.Next = 0
	t, err := w.d.jira.Ticket(ctx, w.link.Ticket)
	if err != nil {
		return fmt.Errorf("reading ticket %s: %w", w.key(), err)
	}
	return w.look(t) // which no longer shows it: else it would leave as a person's
}

// lastByUs reports whether the newest change since the doubt of a part's field, or of a link the newest that made one to
// the same ticket, is our account's.
func (w *work) lastByUs(d *ledger.Doubt, local string) bool {
	field, key := w.r.ParticipantsField(), ""
	if d.Effect == ledger.AddLink {
		i := slices.IndexFunc(w.ticket.Links, func(l jsm.IssueLink) bool { return linkTwin+l.ID == local })
		if i < 0 {
			return false
		}
		field, key = jsm.FieldLinks, w.ticket.Links[i].Other.Value
	}
	steps := w.trail(w.ticket.History, d.Settled).fields[field]
	i := slices.IndexFunc(steps, func(s step) bool { return key == "" || s.item.To == key })
	return i >= 0 && steps[i].ours
}

// strayWork finds work logs of our own account that no link knows as its own, as strays does with comments.
func (d *Desk) strayWork(ctx context.Context, j *job, t *jsm.Ticket, lanes []*lane) error {
	lanes = slices.DeleteFunc(slices.Clone(lanes), func(l *lane) bool { return !slices.Contains(l.r.TicketFields(), jsm.WorklogList) })
	if t == nil || len(lanes) == 0 || len(t.Worklogs) == 0 {
		return nil
	}
	me := d.account().AccountID
	known, err := d.led.TwinsOn(t.ID)
	if err != nil {
		return err
	}
	strange := func(one jsm.Worklog) bool {
		if _, ours := known[worklogTwin+one.ID]; ours || one.Author.AccountID != me || d.strangers.has(worklogTwin+one.ID) {
			return false
		}
		p := replica.Path("worklog/" + one.ID)
		return !slices.ContainsFunc(lanes, func(l *lane) bool { _, posted := l.out.Posted[p]; return posted })
	}
	if !slices.ContainsFunc(t.Worklogs, strange) {
		return nil
	}
	there, err := d.jira.Worklogs(ctx, t.ID)
	if err != nil {
		return fmt.Errorf("looking whose work logs of %s are: %w", t.Key, err)
	}
	var found []ledger.Twin
	for _, one := range there {
		switch m := workMark(one); {
		case !strange(one):
		case m.Nonce == "":
			d.strangers.add(worklogTwin + one.ID)
		case slices.ContainsFunc(lanes, func(l *lane) bool { return l.opened(m.Nonce) }):
			// recovering finds it
		default:
			l := lanes[max(0, slices.IndexFunc(lanes, func(l *lane) bool { return l.link.ID == m.Link }))]
			found = append(found, l.twinAs(replica.Path("worklog"+lateInfix+one.ID), worklogTwin+one.ID))
			j.strange = true
		}
	}
	return d.keepStrays(found)
}

// workTwins finds the work logs that bear our mark for the link and are not known, as twins does with comments. Links and web
// links are known again by what they are.
func (rec *recollection) workTwins(ctx context.Context, l *lane, t *jsm.Ticket) error {
	if len(t.Worklogs) == 0 || !slices.Contains(l.r.TicketFields(), jsm.WorklogList) {
		return nil
	}
	there, err := rec.d.jira.Worklogs(ctx, t.ID)
	if err != nil {
		return err
	}
	twins, err := rec.d.led.Twins(rec.c.Name, l.link.ID)
	if err != nil {
		return err
	}
	known := map[string]ledger.Twin{}
	for _, twin := range twins {
		known[twin.Local] = twin
	}
	return rec.d.led.Write(func(b *ledger.Batch) error {
		for _, one := range there {
			m := workMark(one)
			if m.Link != l.link.ID || m.Item == "" || one.Author.AccountID != rec.d.account().AccountID {
				continue
			}
			was, there := known[worklogTwin+one.ID]
			_, taken := twins[m.Item]
			put := l.twinAs(m.Item, worklogTwin+one.ID)
			switch {
			case there && !taken: // taken for a second one, before it was known what is forgotten
				err = ledger.RenameTwin(b, was, m.Item)
			case there:
				continue
			case taken:
				put.Path = replica.Path("worklog" + lateInfix + one.ID)
				fallthrough
			default:
				err = ledger.PutTwin(b, put)
			}
			if err != nil {
				return err
			}
			twins[put.Path] = put
		}
		return nil
	})
}

// byThemselves are the kinds of items that are known by their own ids: what a person or the desk itself makes of them is
// news whatever the ticket's history tells.
func byThemselves(p replica.Path) bool {
	return p.Kind() == "comment" || p.Kind() == "attachment" || rules.PartOf(p.Kind()) != "" || rules.OfTheDesk(p)
}
