package rules

import (
	"bytes"
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
	doc = doc.Portable() // a mention's account id would notify somebody here
	s := *p.scope
	s.view, s.comment = nil, commentRecord(doc.Plain(), c.Public, remotePerson(c.Author), millis(c.Created), millis(c.Edited))
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
	w := CommentWrite{Op: AddComment, Path: path, Created: int64(c.Created), Rule: place(r.e.Name.Pos), Body: p.body(r, c, doc, "")}
	if c.Parent != "" {
		w.Parent = replica.Path("comment/" + c.Parent)
	}
	if w.Public, err = p.public(r, c.Public, &s); err != nil {
		hold(Expression, fmt.Sprintf("A comment is not written: public_when cannot be decided, since %s.", err), "Correct the condition, or guard it with has().")
		return
	}
	if local, ok := p.in.twin(path); ok {
		p.commentEdit(r, w, local, c, doc)
		return
	}
	p.plan.Comments = append(p.plan.Comments, w)
	p.judged(r, path, Written, "new")
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

// body is a comment as it is written here, under a line that says who wrote it.
func (p *planner) body(r *inComments, c replica.Comment, doc *adf.Doc, what string) jsm.Rich {
	if !r.e.Byline.Value && what == "" {
		return jsm.Rich(doc.JSON())
	}
	who := personName(c.Author)
	if who == "" {
		who = p.r.Peer
	}
	return jsm.Rich(doc.Prepend(clip(who) + what + ":").JSON())
}

// commentEdit follows an edit of a comment that is here already.
func (p *planner) commentEdit(r *inComments, w CommentWrite, local string, c replica.Comment, doc *adf.Doc) {
	twin := p.local(local)
	switch {
	case twin == nil:
		p.judged(r, w.Path, Ours, "it was deleted here")
	case bytes.Equal(canonical(twin.Body), canonical(w.Body)):
		p.judged(r, w.Path, Same, "")
	case r.e.Edits.Value == "ignore":
		p.judged(r, w.Path, Skipped, `edits = "ignore"`)
	case r.e.Edits.Value == "note":
		w.Op, w.Body = NoteComment, p.body(r, c, doc, " (edited)")
		w.Public = w.Public && twin.Public
		p.note(w)
		p.judged(r, w.Path, Written, "edited: noted")
	default:
		w.Op, w.LocalID, w.Public = EditComment, local, twin.Public
		p.plan.Comments = append(p.plan.Comments, w)
		p.judged(r, w.Path, Written, "edited")
	}
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
	r := p.commentRule(public(twin))
	if r == nil || r.block != "" {
		return
	}
	w := CommentWrite{Path: path, LocalID: local, Public: twin.Public, Created: twin.Created.UnixMilli(), Rule: place(r.e.Name.Pos)}
	switch r.e.Deletes.Value {
	case "ignore":
		p.judged(r, path, Skipped, `deletes = "ignore"`)
		return
	case "delete":
		w.Op = DeleteComment
	default:
		doc, err := adf.Parse(twin.Body)
		mark := fmt.Sprintf("Deleted at %s", p.r.Peer)
		if err != nil || strings.HasPrefix(doc.Plain(), mark) {
			p.judged(r, path, Same, "it is marked already")
			return
		}
		w.Op, w.Body = MarkComment, jsm.Rich(doc.Prepend(mark+":").JSON())
	}
	p.plan.Comments = append(p.plan.Comments, w)
	p.judged(r, path, Written, "deleted by the peer")
}
