package rules

import (
	"fmt"
	"slices"

	"parley/jsm"
	"parley/replica"
	"parley/replica/adf"
)

// Participants as they take part here.

// participant plans that somebody takes part. Who is not known here, or deactivated, is nobody else: the name goes
// into a note, or nowhere.
func (p *planner) participant(r *inPart, path replica.Path, theirs replica.Person) {
	who, why := p.r.people.resolve(theirs, p.in, nil)
	switch {
	case why != "" && p.r.people.otherwise == "user":
		p.holdPart(r, path, Nobody, fmt.Sprintf("Nobody active here has the address %s, which [people] else names.", p.r.people.user), "Correct else, or add the person to Jira.")
		return
	case why != "":
		p.absent(r, path, theirs, why)
		return
	}
	f := p.r.fields["participants"]
	if p.in.Ticket != nil && f != nil {
		now, err := valueOf(p.in.Ticket, f)
		if err != nil {
			p.holdPart(r, path, Unreadable, fmt.Sprintf("The participants of %s cannot be read here.", p.in.Ticket.Key), "Look at the field in Jira; it is tried again with the next change.")
			return
		}
		if people, _ := now.([]jsm.Person); slices.ContainsFunc(people, func(o jsm.Person) bool { return o.AccountID == who.AccountID }) {
			p.judgedPart(r, path, Same, "takes part already")
			return
		}
	}
	if _, known := p.in.twin(path); known {
		p.judgedPart(r, path, Ours, "was taken out here")
		return
	}
	if slices.ContainsFunc(p.plan.Parts, func(w PartWrite) bool {
		return w.Op == AddPart && w.Person != nil && w.Person.AccountID == who.AccountID
	}) {
		p.judgedPart(r, path, Same, "another of the peer's is the same person here")
		return
	}
	p.writePart(r, PartWrite{Op: AddPart, Path: path, Person: &who}, "new")
}

// heir is another participant of the peer's who comes to the same account here, and whose coming it has not been so far.
func (p *planner) heir(r *inPart, leaver replica.Path, account string) (heir replica.Path, found bool) {
	for _, path := range p.in.participants() {
		theirs, ok := remoteOf[replica.Person](p.in.Remote, path)
		if _, twin := p.in.twin(path); !ok || twin || path == leaver {
			continue
		}
		if r.when != nil {
			s := *p.scope
			s.person = remotePerson(theirs)
			if pass, err := r.when.test(&s); err != nil || !pass {
				continue
			}
		}
		if who, why := p.r.people.resolve(theirs, p.in, nil); why == "" && who.AccountID == account {
			return path, true
		}
	}
	return "", false
}

// absent treats a participant who cannot take part here.
func (p *planner) absent(r *inPart, path replica.Path, theirs replica.Person, why string) {
	name := personName(theirs)
	if p.r.people.otherwise != "note" || theirs.Name == "" && theirs.Alias == "" {
		p.judgedPart(r, path, Skipped, why)
		return
	}
	p.judgedPart(r, path, Skipped, why+": noted")
	body := adf.Text(fmt.Sprintf("Takes part at %s: %s (%s)", p.r.Peer, clip(name), why))
	p.note(CommentWrite{Op: NoteComment, Path: path, Body: jsm.Rich(body.JSON()), Rule: place(r.e.Name.Pos)})
}

// TakesPart reports whether an account is among the ticket's participants.
func (r *Rules) TakesPart(t *jsm.Ticket, account string) bool {
	f := r.fields["participants"]
	if f == nil || account == "" {
		return false
	}
	v, err := valueOf(t, f)
	people, _ := v.([]jsm.Person)
	return err == nil && slices.ContainsFunc(people, func(p jsm.Person) bool { return p.AccountID == account })
}

// ParticipantsField is the id of the field that holds a request's participants; "" where no rule names them.
func (r *Rules) ParticipantsField() string {
	if f := r.fields["participants"]; f != nil {
		return f.ID
	}
	return ""
}
