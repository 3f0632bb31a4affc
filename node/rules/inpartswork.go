package rules

import (
	"fmt"
	"slices"

	"parley/jsm"
	"parley/replica"
	"parley/replica/adf"
)

// Work logs as they are written here.

const leastWork = 60 // seconds: Jira takes no shorter work log [D]

// worklog plans a work log. Its author is our account, so a line says whose work it was.
func (p *planner) worklog(r *inPart, path replica.Path, theirs replica.Worklog) {
	doc := adf.Text("")
	if theirs.Text != nil {
		parsed, err := adf.Parse(theirs.Text)
		if err != nil {
			p.holdPart(r, path, Unreadable, "A work log's text is no document that can be read.", "Let the partner edit it, so that it is sent anew.")
			return
		}
		doc = p.withoutFiles(parsed, r.e.Addresses.Value)
	}
	if r.e.Byline.Value {
		if who := p.whose(theirs.Author); doc.Empty() {
			doc = adf.Text(who)
		} else {
			doc = doc.Prepend(who + ":")
		}
	}
	want := &jsm.NewWorklog{Started: millis(theirs.Started), Seconds: max(theirs.Seconds, leastWork)}
	if !doc.Empty() {
		want.Text = jsm.Rich(doc.JSON())
		if why := p.unfit(want.Text); why != "" {
			p.holdPart(r, path, Refused, fmt.Sprintf("A work log is not written: %s.", why), "Let the partner correct or shorten it, so that it is sent anew.")
			return
		}
	}
	w := PartWrite{Op: AddPart, Path: path, Created: int64(theirs.Created), Worklog: want}
	local, known := p.in.twin(path)
	if !known {
		p.writePart(r, w, "new")
		return
	}
	now, all := p.localWorklog(local)
	switch {
	case now == nil && all:
		p.judgedPart(r, path, Ours, "it was deleted here")
	case now == nil:
		p.holdPart(r, path, Unreadable, fmt.Sprintf("Not all work logs of %s could be read.", p.in.Ticket.Key), "It is read again by itself; check the account's permission if this stays.")
	case sameWork(now, want):
		p.judgedPart(r, path, Same, "")
	case r.e.Edits.Value == "ignore":
		p.judgedPart(r, path, Skipped, `edits = "ignore"`)
	default:
		w.Op, w.LocalID = EditPart, local
		p.writePart(r, w, "edited")
	}
}

// localWorklog finds a work log of the ticket; all tells whether every one was read.
func (p *planner) localWorklog(local string) (w *jsm.Worklog, all bool) {
	t := p.in.Ticket
	if t == nil {
		return nil, true
	}
	i := slices.IndexFunc(t.Worklogs, func(w jsm.Worklog) bool { return twinWorklog+w.ID == local })
	if i < 0 {
		return nil, len(t.Worklogs) == t.WorklogsTotal
	}
	return &t.Worklogs[i], true
}

// sameWork compares what Jira keeps of a work log: time in whole minutes, and the text as it is canonical.
func sameWork(now *jsm.Worklog, want *jsm.NewWorklog) bool {
	var here, there jsm.Value
	if now.Text != nil {
		here = now.Text
	}
	if want.Text != nil {
		there = want.Text
	}
	empty := isEmpty(here) && isEmpty(there)
	return now.Seconds/60 == want.Seconds/60 && now.Started.UnixMilli() == want.Started.UnixMilli() &&
		(empty || slices.Equal(canonical(here), canonical(there)))
}
