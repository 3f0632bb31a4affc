package rules

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"parley/jsm"
	"parley/replica"
)

// Our account's own answer to an approval here, on the partner's word. Nobody answers in another's place: it works only
// where our account is asked, and a note says on whose word it was given.

// Unasked is the code of a decision that no approval here can take.
const Unasked = "approval"

// AnswerWrite answers one approval of the ticket. A second time is an outcome, not a failure.
type AnswerWrite struct {
	Path     replica.Path // the remote item
	Approval string       // id here
	Decision jsm.Decision
	Rule     string
}

// clockSlack is how far the two tenants' clocks may be apart: an answer that is older than the partner's decision was
// given to another one.
const clockSlack = 5 * time.Minute

// answer plans our answer, and the note on whose word it is.
func (p *planner) answer(r *inService, path replica.Path, theirs replica.Approval, at int64) {
	if theirs.Decision == string(jsm.Pending) {
		p.serviceJudged(r, path, Skipped, "", "the partner has not decided")
		return
	}
	here, err := p.approvalHere(theirs.Name)
	switch {
	case err != nil:
		p.serviceHold(r, path, Unreadable, fmt.Sprintf("The approvals of %s cannot be read here.", p.in.Ticket.Key), "Look at the ticket in Jira; it is tried again with the next change.")
	case here == nil || p.spoke(*here) && here.Completed.Before(timeOf(theirs.Completed).Add(-clockSlack)) && !here.Completed.IsZero():
		p.serviceHold(r, path, Unasked, fmt.Sprintf("%s at %s is %s, and no approval here waits for parley's account.", titled(theirs.Name, "An approval"), p.r.Peer, theirs.Decision),
			`It is answered by itself when the ticket asks parley's account; or name the account among the approvers, or set as = "note".`)
	case here.Ours:
		decision := jsm.Decision(theirs.Decision)
		p.plan.Answers = append(p.plan.Answers, AnswerWrite{Path: path, Approval: here.ID, Decision: decision, Rule: place(r.e.Name.Pos)})
		p.serviceNote(r, path, p.onWord(*here, theirs), at)
	case p.answered(*here, jsm.Decision(theirs.Decision)):
		p.serviceNote(r, path, p.onWord(*here, theirs), at) // the answer was given, and the note may be missing
	default:
		p.serviceJudged(r, path, Ours, string(here.Decision), "it was decided here by somebody else")
	}
}

// approvalHere finds the approval that a decision of the partner's is meant for: one that waits for our account, of the
// same name or the only one; else one that was answered. nil: there is none.
func (p *planner) approvalHere(name string) (*jsm.Approval, error) {
	f, ok := p.r.service.fields["approvals"]
	if !ok || p.in.Ticket == nil {
		return nil, nil
	}
	raw, err := rawOf(p.in.Ticket, f)
	if err != nil || raw == nil {
		return nil, err
	}
	list, err := jsm.DecodeApprovals(raw)
	if err != nil {
		return nil, errors.New("its approvals are no list")
	}
	asked := slices.DeleteFunc(slices.Clone(list), func(a jsm.Approval) bool { return !a.Ours })
	done := slices.DeleteFunc(list, func(a jsm.Approval) bool { return a.Ours || a.Decision == jsm.Pending && !p.spoke(a) })
	slices.Reverse(done) // the newest first
	for _, candidates := range [][]jsm.Approval{asked, done} {
		if i := slices.IndexFunc(candidates, func(a jsm.Approval) bool { return a.Name == name }); i >= 0 {
			return &candidates[i], nil
		}
		if len(candidates) == 1 {
			return &candidates[0], nil
		}
	}
	return nil, nil
}

// spoke reports whether our account has answered an approval, which may still wait for others.
func (p *planner) spoke(a jsm.Approval) bool {
	return p.answered(a, jsm.Approved) || p.answered(a, jsm.Declined)
}

func (p *planner) answered(a jsm.Approval, d jsm.Decision) bool {
	return p.in.Account != "" && slices.ContainsFunc(a.Approvers, func(one jsm.Approver) bool {
		return one.Person.AccountID == p.in.Account && one.Decision == d
	})
}

// onWord is the note: what was answered here, and the partner's own words.
func (p *planner) onWord(here jsm.Approval, theirs replica.Approval) string {
	return fmt.Sprintf("%s: %s here on the word of %s.\n%s", titled(here.Name, "Approval"), theirs.Decision, p.r.Peer, p.approvalText(theirs))
}

// Answerable reports whether a ticket has an approval that waits for our account: a decision of the partner's that found
// none before is judged again.
func (r *Rules) Answerable(t *jsm.Ticket) bool {
	in, f := r.service.in["approvals"], r.service.fields["approvals"]
	if in == nil || in.e.As.Value != "answer" || f.ID == "" || t == nil {
		return false
	}
	raw, err := rawOf(t, f)
	if err != nil || raw == nil {
		return false
	}
	list, err := jsm.DecodeApprovals(raw)
	return err == nil && slices.ContainsFunc(list, func(a jsm.Approval) bool { return a.Ours })
}
