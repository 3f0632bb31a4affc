package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/jsm"
	"parley/replica"
	"parley/replica/adf"
)

// comments plans what the peer's comments come to here, in the order in which they were written.
func (p *planner) comments() {
	first := len(p.plan.Comments)
	for _, path := range p.in.Changed {
		if path.Kind() != "comment" {
			continue
		}
		it, there := p.in.Remote[path]
		if !there {
			p.commentGone(path)
			continue
		}
		v, err := it.Value()
		c, ok := v.(replica.Comment)
		if err != nil || !ok {
			p.plan.Held = append(p.plan.Held, Held{Path: path, Class: Definite, Code: Unreadable,
				Reason: "A comment of the peer cannot be read by this version.", Next: "Update parley on both sides."})
			continue
		}
		p.comment(path, c)
	}
	slices.SortStableFunc(p.plan.Comments[first:], func(a, b CommentWrite) int {
		switch {
		case a.Created != b.Created:
			return int(min(max(a.Created-b.Created, -1), 1))
		case len(a.Path) != len(b.Path): // ids are numbers
			return len(a.Path) - len(b.Path)
		}
		return strings.Compare(string(a.Path), string(b.Path))
	})
}

// rule is the one that says what becomes of a comment; nil: they are not taken.
func (p *planner) commentRule(public bool) *inComments {
	if public {
		return p.r.arriving[1]
	}
	return p.r.arriving[0]
}

func (p *planner) judged(r *inComments, path replica.Path, verdict Verdict, why string) {
	p.plan.Decisions = append(p.plan.Decisions, Decision{Path: path, FieldID: "comment", Field: "Comment", Rule: place(r.e.Name.Pos), Verdict: verdict, Why: why})
}

// comment plans one comment that the peer has.
func (p *planner) comment(path replica.Path, c replica.Comment) {
	r := p.commentRule(c.Public)
	if r == nil {
		return
	}
	if r.block != "" {
		p.plan.Held = append(p.plan.Held, dropped(path, r.block, place(r.e.Name.Pos)))
		p.judged(r, path, Skipped, r.block)
		return
	}
	hold := func(code, reason, next string) {
		p.plan.Held = append(p.plan.Held, Held{Path: path, Class: Definite, Code: code, Rule: place(r.e.Name.Pos), Reason: reason, Next: next})
		p.judged(r, path, Waits, reason)
	}
	doc, err := adf.Parse(c.Body)
	if err != nil {
		hold(Unreadable, "A comment of the peer is no document that can be read.", "Let the partner edit it, so that it is sent anew.")
		return
	}
	s := *p.scope
	s.view, s.comment = nil, commentRecord(doc.Portable().Plain(), c.Public, remotePerson(c.Author), millis(c.Created), millis(c.Edited))
	if r.when != nil {
		ok, err := r.when.test(&s)
		if err != nil {
			hold(Expression, fmt.Sprintf("A comment is not written: when cannot be decided, since %s.", err), "Correct the condition, or guard it with has().")
			return
		}
		if !ok {
			p.judged(r, path, Skipped, "when does not hold")
			return
		}
	}
	w := CommentWrite{Op: AddComment, Path: path, Created: int64(c.Created), Rule: place(r.e.Name.Pos)}
	if w.Public, err = p.public(r, c.Public, &s); err != nil {
		hold(Expression, fmt.Sprintf("A comment is not written: public_when cannot be decided, since %s.", err), "Correct the condition, or guard it with has().")
		return
	}
	p.reply(&w, c.Parent)
	writes, why := p.said(r, w, c, doc)
	if why != "" {
		hold(Refused, fmt.Sprintf("A comment is not written: %s.", why), "Let the partner correct or shorten it, so that it is sent anew.")
		return
	}
	p.plan.Comments = append(p.plan.Comments, writes...)
}

func millis(t replica.Time) time.Time { return time.UnixMilli(int64(t)).UTC() }

// public decides who sees a comment here; the policy can only make it internal.
func (p *planner) public(r *inComments, theirs bool, s *scope) (bool, error) {
	if p.r.gate.internalOnly {
		return false, nil
	}
	public := r.e.As.Value == "public" || r.e.As.Value == "same" && theirs
	if public || r.publicWhen == nil {
		return public, nil
	}
	return r.publicWhen.test(s)
}

// local finds a comment of the ticket.
func (p *planner) local(id string) *jsm.Comment {
	if p.in.Ticket == nil {
		return nil
	}
	i := slices.IndexFunc(p.in.Ticket.Comments, func(c jsm.Comment) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	return &p.in.Ticket.Comments[i]
}

// commentGone follows a deletion at the peer's.
func (p *planner) commentGone(path replica.Path) {
	local, ok := p.in.twin(path)
	if !ok {
		return
	}
	twin := p.local(local)
	if twin == nil {
		return
	}
	r := p.commentRule(public(twin)) // by which it came is not known any more, where both are there
	if r == nil {
		r = p.r.arriving[0]
	}
	if r == nil || r.block != "" {
		return
	}
	w := CommentWrite{Path: path, Public: twin.Public, Created: twin.Created.UnixMilli(), Rule: place(r.e.Name.Pos)}
	if r.e.Deletes.Value == "ignore" {
		p.judged(r, path, Skipped, `deletes = "ignore"`)
		return
	}
	writes, why := p.takenBack(r, w)
	switch {
	case why != "":
		p.plan.Held = append(p.plan.Held, Held{Path: path, Class: Definite, Code: Refused, Rule: w.Rule,
			Reason: fmt.Sprintf("A comment that the peer deleted is not marked: %s.", why), Next: "Delete it here, or shorten it; then run: parley held retry."})
		p.judged(r, path, Waits, why)
	case len(writes) == 0:
		p.judged(r, path, Same, "it is marked already")
	default:
		p.plan.Comments = append(p.plan.Comments, writes...)
		p.judged(r, path, Written, "deleted by the peer")
	}
}
