package rules

import (
	"fmt"
	"strings"
	"time"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
	"parley/replica/adf"
)

// comments adds the ticket's comments to the view. One that was shared and no longer passes stays as the
// peer has it: no further edits, and no withdrawal unless the rule says retract. One that was deleted
// is gone.
func (v *viewer) comments() {
	if v.r.comments[0] == nil && v.r.comments[1] == nil {
		return
	}
	t := v.in.Ticket
	for i := range t.Comments {
		c := &t.Comments[i]
		p := replica.Path("comment/" + c.ID)
		if v.in.Twins[c.ID] {
			v.stays(p, conf.Pos{}, "it is our copy of one of the partner's")
			continue
		}
		posted, was := v.in.Posted[p]
		if !was && !v.in.Since.IsZero() && c.Created.Before(v.in.Since) {
			v.stays(p, conf.Pos{}, `said before the ticket was shared, and since = "link"`)
			continue
		}
		it, retract, ok := v.comment(c, p)
		switch {
		case ok:
			v.view[p] = it
		case was && !retract:
			v.view[p] = posted
		}
	}
	if len(t.Comments) < t.CommentsTotal {
		v.keepUnread()
	}
}

// keepUnread keeps what was shared of comments that were not read: not seen is not deleted.
func (v *viewer) keepUnread() {
	for p, it := range v.in.Posted {
		if _, seen := v.view[p]; p.Kind() == "comment" && !seen {
			v.view[p] = it
		}
	}
	v.held = append(v.held, Held{Class: Definite, Code: Unreadable,
		Reason: fmt.Sprintf("Only %d of %d comments of %s could be read.", len(v.in.Ticket.Comments), v.in.Ticket.CommentsTotal, v.in.Ticket.Key),
		Next:   "It is read again by itself; check the account's permission if this stays."})
}

// public reports whether the customer surely sees the comment.
func public(c *jsm.Comment) bool { return c.VisibilityKnown && c.Public && !c.Restricted }

// comment makes a comment's item. ok is false where it does not pass; retract is then what the rule
// says about one that was shared before.
func (v *viewer) comment(c *jsm.Comment, p replica.Path) (it replica.Item, retract, ok bool) {
	rule := v.r.comments[0]
	if public(c) {
		rule = v.r.comments[1]
	}
	if rule == nil { // it turned internal, and internal ones are not shared
		other := v.r.comments[0]
		if other == nil {
			other = v.r.comments[1]
		}
		v.stays(p, conf.Pos{}, noRule)
		return it, other.e.Retract.Value, false
	}
	retract = rule.e.Retract.Value
	hold := func(code, reason, next string) {
		v.held = append(v.held, Held{Path: p, Class: Definite, Code: code, Rule: place(rule.e.Name.Pos), Reason: reason, Next: next})
	}
	doc, err := adf.Parse(c.Body)
	if err != nil {
		hold(Unreadable, fmt.Sprintf("Comment %s of %s is no document that can be read.", c.ID, v.in.Ticket.Key), "Edit it in Jira, so that it is stored anew.")
		return it, false, false
	}
	if rule.when != nil {
		s := *v.scope
		s.ticket, s.comment = nil, commentRecord(doc.Plain(), public(c), localPerson(c.Author), c.Created, c.Updated)
		pass, err := rule.when.test(&s)
		if err != nil {
			hold(Expression, fmt.Sprintf("Comment %s of %s is not sent: when cannot be decided, since %s.", c.ID, v.in.Ticket.Key, err), "Correct the condition, or guard it with has().")
		}
		if err != nil || !pass {
			v.stays(p, rule.e.When.Pos, "when does not hold")
			return it, retract, false
		}
	}
	if rule.strip != "" {
		if doc, ok = doc.CutPrefix(rule.strip); !ok {
			v.stays(p, rule.e.Strip.Pos, "it does not begin with what strip names")
			return it, retract, false
		}
	}
	if rule.never != "" {
		v.held = append(v.held, dropped(p, rule.never, place(rule.e.Name.Pos)))
		return it, false, false
	}
	return v.commentItem(c, doc, rule.e.Addresses.Value), false, true
}

func (v *viewer) commentItem(c *jsm.Comment, doc *adf.Doc, addresses string) replica.Item {
	out := replica.Comment{
		Public: public(c), Author: v.person(c.Author), Body: v.rich(doc, addresses),
		Created: replica.Time(max(c.Created.UnixMilli(), 0)), Parent: v.answered(c.Parent),
	}
	at := out.Created
	if c.Updated.After(c.Created) {
		out.Edited = replica.Time(c.Updated.UnixMilli())
		at = out.Edited
	}
	return replica.NewItem(out, int64(at))
}

// answered is the comment that one answers, as the peer knows it; empty where the peer does not see it.
func (v *viewer) answered(parent string) string {
	if _, shown := v.view[replica.Path("comment/"+parent)]; shown || parent == "" {
		return parent
	}
	if v.in.Origin != nil {
		if p, ok := v.in.Origin(parent); ok && p.Kind() == "comment" && !strings.Contains(p.Element(), "/") {
			return TwinRef + p.Element()
		}
	}
	return ""
}

// commentRecord is the variable comment. edited is missing where it never was.
func commentRecord(text string, public bool, author *record, created, edited time.Time) *record {
	members := map[string]any{"text": text, "public": public, "author": author, "created": created}
	if edited.After(created) {
		members["edited"] = edited
	}
	return &record{typ: celObject("comment"), load: func(member string) (any, error) {
		if v, ok := members[member]; ok {
			return v, nil // an empty text is a text
		}
		return nil, missing("comment." + member)
	}}
}
