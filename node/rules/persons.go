package rules

import (
	"fmt"
	"slices"

	"parley/jsm"
	"parley/replica"
	"parley/replica/adf"
)

// EmailsWanted lists the addresses that Plan will ask Arrival.Person for.
func (r *Rules) EmailsWanted(in Arrival) []string {
	var emails []string
	for _, rule := range r.in {
		if !rule.due(&in) || rule.block != "" {
			continue
		}
		switch rule.to.Type {
		case jsm.User, jsm.MultiUser, jsm.Participants, jsm.WatchersType:
		default:
			continue
		}
		emails = append(emails, r.wantedBy(rule, in.Remote)...)
	}
	emails = append(emails, r.participantsWanted(&in)...)
	emails = append(emails, r.mentionsWanted(&in)...)
	emails = append(emails, r.queueWanted(&in)...)
	if in.Ticket == nil && r.create != nil && r.create.onBehalfOf.Value != "" {
		emails = append(emails, r.create.onBehalfOf.Value)
	}
	slices.Sort(emails)
	return slices.DeleteFunc(slices.Compact(emails), func(s string) bool { return s == "" })
}

func (r *Rules) wantedBy(rule *inRule, remote replica.View) (emails []string) {
	v := rule.set
	if v == nil {
		it, ok := remote[rule.from.path]
		if !ok {
			return nil
		}
		var err error
		if v, err = it.Value(); err != nil {
			return nil
		}
	}
	for _, one := range asList(v) {
		p, ok := one.(replica.Person)
		if !ok {
			continue
		}
		if rule.set != nil {
			emails = append(emails, p.Email)
			continue
		}
		emails = append(emails, r.people.candidates(p)...)
		if r.people.otherwise == "user" {
			emails = append(emails, r.people.user)
		}
	}
	return emails
}

// person brings a person field to whom the peer's person is here.
func (p *planner) person(r *inRule, at replica.Path, v replica.Value, stamp int64) {
	theirs, ok := v.(replica.Person)
	if !ok {
		p.hold(r, at, Nobody, fmt.Sprintf("%q is no person.", shown(v)), "Let the partner share the person, or remove the rule.")
		return
	}
	if who, ok := p.whoIs(r, at, theirs); ok {
		p.write(r, at, who, who.Name, stamp)
	}
}

// whoIs finds a person of the peer, or of our own literal, here; where there is nobody it says what
// becomes of it.
func (p *planner) whoIs(r *inRule, at replica.Path, theirs replica.Person) (jsm.Person, bool) {
	if r.set == nil {
		who, why := p.r.people.resolve(theirs, p.in, r.unassignable())
		if why != "" {
			p.unknown(r, at, theirs, why)
		}
		return who, why == ""
	}
	who, ok := p.in.person(theirs.Email)
	if !ok || !who.Active {
		p.hold(r, at, Nobody, fmt.Sprintf("Nobody here has the address %s, or the account is deactivated.", theirs.Email), "Correct set, or add the person to Jira.")
	}
	return who, ok && who.Active
}

// unassignable says why somebody cannot be the assignee; nil: the rule writes another field.
func (r *inRule) unassignable() func(jsm.Person) string {
	if r.to.ID != "assignee" {
		return nil
	}
	return func(who jsm.Person) string {
		if who.Type == "customer" {
			return "a customer here, to whom Jira assigns nothing"
		}
		return ""
	}
}

// unknown treats somebody who does not exist here, or is deactivated, as [people] else says: the name goes into an
// internal note, or nowhere.
func (p *planner) unknown(r *inRule, at replica.Path, who replica.Person, why string) {
	name := personName(who)
	known := who.Name != "" || who.Alias != ""
	if p.r.people.otherwise == "user" {
		p.hold(r, at, Nobody, fmt.Sprintf("Nobody active here has the address %s, which [people] else names.", p.r.people.user), "Correct else, or add the person to Jira.")
		return
	}
	if p.r.people.otherwise != "note" || !known {
		p.decide(r, at, Skipped, clip(name), why)
		return
	}
	p.decide(r, at, Skipped, clip(name), why+": noted")
	body := adf.Text(fmt.Sprintf("%s at %s: %s", r.to.Name, p.r.Peer, clip(name)))
	p.note(CommentWrite{Op: NoteComment, Path: at, Body: jsm.Rich(body.JSON()), Rule: place(r.e.Name.Pos)})
}

// note adds a comment that is nobody's twin, unless the ticket already has one that says the same.
func (p *planner) note(w CommentWrite) {
	if t := p.in.Ticket; t != nil {
		for i := range t.Comments {
			if slices.Equal(canonical(t.Comments[i].Body), canonical(w.Body)) {
				return
			}
		}
	}
	p.plan.Comments = append(p.plan.Comments, w)
}
