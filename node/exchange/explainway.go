package exchange

import (
	"context"
	"maps"
	"slices"
	"strings"

	"parley/node/rules"
	"parley/replica"
)

// outgoing explains what the outgoing rules make of the ticket, and what the peer said of it.
func (e *explaining) outgoing(content bool) ([]ItemReport, error) {
	twins, err := e.d.led.TwinsOn(e.ticket.ID)
	if err != nil {
		return nil, err
	}
	view, held, fates := e.r.Explain(e.local(e.ticket, twins), content)
	rows := []ItemReport{}
	for _, h := range held {
		if h.Path == "" {
			continue // the whole link's: see TicketReport.Trouble
		}
		r := ItemReport{Path: string(h.Path)}
		r.keeps(h.Code, h.Reason, h.Rule, h.Next)
		e.leftOut(true, h.Path, &r)
		rows = append(rows, r)
	}
	for _, f := range fates {
		r := reported(f)
		if f.Verdict == rules.Skipped {
			twin, copied := twins[f.Path.Element()]
			if copied && f.Path.Kind() == "comment" && twin.Connection == e.c.Name {
				continue // it came by this connection: the way in tells of it
			}
			if copied && f.Path.Kind() == "comment" {
				r.Why = "it came by connection " + twin.Connection + ", and relay is off"
			}
			r.Became = Unsent
		} else {
			e.sent(f, view, &r)
		}
		rows = append(rows, r)
	}
	sortReports(rows)
	return rows, nil
}

func reported(f rules.Fate) ItemReport {
	r := ItemReport{Path: string(f.Path), Field: f.Field, Became: Crossed, From: f.From, To: f.To, Rule: f.Rule, Why: f.Why}
	if f.Mapped {
		r.Became = Mapped
	} else {
		r.From = "" // it is the same as To
	}
	return r
}

func sortReports(rows []ItemReport) {
	slices.SortStableFunc(rows, func(a, b ItemReport) int { return strings.Compare(a.Path, b.Path) })
}

// sent says how far an item of the view has come.
func (e *explaining) sent(f rules.Fate, view replica.View, r *ItemReport) {
	p := f.Path
	base := e.out.Bases[p]
	r.Replica = uint64(base.Seq)
	meant := func(paths []replica.Path) bool {
		return slices.Contains(paths, p) || slices.Contains(paths, replica.Path(p.Kind()))
	}
	whole := len(e.word.Paths) == 0 || meant(e.word.Paths)
	switch {
	case base.Local != hashOf(view, p) && rules.MovesNothing(p):
		r.Became, r.Why = Waiting, "Jira tells nobody of it: it leaves once parley has looked for it"
		r.Next = "It leaves at once with: parley sync " + e.c.Name + " " + e.ticket.Key
	case base.Local != hashOf(view, p):
		r.Became, r.Why = Waiting, "it leaves with the next replica"
	case base.Seq == 0:
		r.Why = "it came from " + e.c.Peer + " and is not sent back"
	case base.Seq > e.word.Seq:
		r.Became, r.Why = Waiting, e.c.Peer+" has not answered yet"
	case e.word.State == replica.Held && whole:
		r.keeps(e.word.Code, e.c.Peer+" holds it", "", "Ask the partner: its \"parley held list\" names the reason.")
	case e.word.State == replica.Refused && whole:
		r.Became, r.Code, r.Why = Refusal, e.word.Code, e.c.Peer+" refuses it"
	case e.word.State == replica.Dropped && whole:
		r.Became, r.Code, r.Why = LeftOut, e.word.Code, "somebody at "+e.c.Peer+" left it out"
	case meant(e.word.Kept):
		r.Became, r.Why = Overruled, "changed on both sides at the same time; "+e.c.Peer+" kept its own"
	}
}

// incoming explains what the incoming rules make of what the peer shows.
func (e *explaining) incoming(ctx context.Context, content bool) ([]ItemReport, error) {
	rows := []ItemReport{}
	if e.in.Seq == 0 {
		return rows, nil
	}
	view, _, err := e.view(e.ticket)
	if err != nil {
		return nil, err
	}
	w := &work{lane: e.lane, ticket: e.ticket, view: view}
	in := w.arrival(slices.Sorted(maps.Keys(e.in.Remote)), e.made)
	if in.Person, err = e.d.persons(ctx, e.r.EmailsWanted(in)); err != nil {
		return nil, err
	}
	plan, fates := e.r.ExplainArrival(in, content)
	told := map[replica.Path]bool{}
	for _, f := range fates {
		if r, ok := e.came(f); ok {
			rows, told[f.Path] = append(rows, r), true
		}
	}
	for _, h := range plan.Held {
		if h.Path != "" && !told[h.Path] {
			r := ItemReport{Path: string(h.Path)}
			r.keeps(h.Code, h.Reason, h.Rule, h.Next)
			rows, told[h.Path] = append(rows, r), true
		}
	}
	for at, h := range e.held { // what Jira refused, and what was withdrawn and yet waits
		if !at.out && at.path != "" && !told[at.path] {
			r := ItemReport{Path: string(at.path)}
			r.keeps(h.Code, h.Reason, h.Rule, h.Next)
			rows = append(rows, r)
		}
	}
	sortReports(rows)
	return rows, nil
}

// came says what became of one item of the peer's; ok is false where there is nothing to be told.
func (e *explaining) came(f rules.Fate) (r ItemReport, ok bool) {
	p := f.Path
	r = reported(f)
	r.Replica = uint64(e.in.Items[p].Seq)
	_, shown := e.in.Remote[p]
	twin, made := e.made[p]
	if made {
		r.To = twin.Local
	}
	switch {
	case e.leftOut(false, p, &r) || e.waits(false, p, &r):
	case f.Verdict == rules.Waits:
		return r, false // the plan tells why
	case shown && e.in.Items[p].Seq > e.done.Seq:
		r.Became, r.Why = Waiting, "it is not worked in yet"
	case made && twin.Gone:
		r.Became, r.Why = Overruled, "it was deleted here"
	case made:
	case f.Verdict == rules.Skipped:
		if !shown {
			return r, false
		}
		r.Became = Unused
	case f.Verdict == rules.Ours && e.lost[p] == 0, f.Verdict == rules.Lost && e.lost[p] == 0, f.Verdict == rules.Written:
		r.Became, r.Why = Overruled, "it was changed here since"
	case f.Verdict == rules.Ours || f.Verdict == rules.Lost:
		r.Became = Overruled
	case !shown:
		r.Why = "by the rule alone"
	}
	return r, true
}
