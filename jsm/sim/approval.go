package sim

import (
	"net/http"
	"slices"
	"time"
)

// stepApproval keeps the approval step true: an issue that stands in its status with approvers has one open
// approval, and one that left it unanswered has none.
func (t *Tenant) stepApproval(is *issue, now time.Time) {
	step := t.desk.approval
	if step == nil {
		return
	}
	open := slices.IndexFunc(is.approvals, func(a *approval) bool { return a.decision == "pending" })
	if is.str("status") != step.status.id {
		if open >= 0 {
			is.approvals = slices.Delete(slices.Clone(is.approvals), open, open+1)
		}
		return
	}
	wanted := is.list(step.field.id)
	switch {
	case open < 0 && len(wanted) > 0:
		a := &approval{id: t.next("approval"), name: step.name, created: now, decision: "pending"}
		a.approvers = t.approvers(is, wanted, nil)
		is.approvals = append(slices.Clip(is.approvals), a)
	case open >= 0:
		a := *is.approvals[open]
		a.approvers = t.approvers(is, wanted, a.approvers)
		list := slices.Clone(is.approvals)
		list[open] = &a
		is.approvals = list
	}
	t.index.wrote(t, is)
}

// approvers makes the list of approvers; who answered already keeps the answer.
func (t *Tenant) approvers(is *issue, ids []string, have []approver) []approver {
	var out []approver
	for _, id := range ids {
		u := t.people.byID[id]
		if u == nil || slices.ContainsFunc(t.desk.approval.exclude, func(f string) bool { return is.str(f) == id }) {
			continue
		}
		i := slices.IndexFunc(have, func(ap approver) bool { return ap.who == u })
		if i >= 0 {
			out = append(out, have[i])
		} else {
			out = append(out, approver{who: u, decision: "pending"})
		}
	}
	return out
}

func (a *approval) mayAnswer(me *user) bool {
	return a.decision == "pending" && slices.ContainsFunc(a.approvers, func(ap approver) bool { return ap.who == me && ap.decision == "pending" })
}

// awaited tells whether the request belongs into a list by approval status: what the caller is still to answer,
// or has answered; "" takes all.
func (t *Tenant) awaited(me *user, is *issue, status string) bool {
	has := func(pending bool) bool {
		return slices.ContainsFunc(is.approvals, func(a *approval) bool {
			return pending && a.mayAnswer(me) ||
				!pending && slices.ContainsFunc(a.approvers, func(ap approver) bool { return ap.who == me && ap.decision != "pending" })
		})
	}
	switch status {
	case "MY_PENDING_APPROVAL":
		return has(true)
	case "MY_HISTORY_APPROVAL":
		return has(false)
	}
	return true
}

func (t *Tenant) approvalBean(is *issue, a *approval, me *user) obj {
	now := t.now()
	list := []any{}
	for _, ap := range a.approvers {
		list = append(list, obj{"approver": t.deskUser(ap.who, me), "approverDecision": ap.decision})
	}
	b := obj{"id": text(a.id), "name": a.name, "finalDecision": a.decision, "canAnswerApproval": a.mayAnswer(me), "approvers": list,
		"createdDate": deskDate(a.created, me, now), "_links": obj{"self": t.url + "/rest/servicedeskapi/request/" + is.idText() + "/approval/" + text(a.id)}}
	if !a.completed.IsZero() {
		b["completedDate"] = deskDate(a.completed, me, now)
	}
	return b
}

// approvalsField is the platform's approvals field: null where there never was one.
func (t *Tenant) approvalsField(is *issue, me *user) any {
	if len(is.approvals) == 0 {
		return nil
	}
	out := []any{}
	for _, a := range is.approvals {
		out = append(out, t.approvalBean(is, a, me))
	}
	return out
}

func listApprovals(c *call) answer {
	is, a, found := c.request()
	if !found {
		return a
	}
	out := []any{}
	for _, ap := range is.approvals {
		out = append(out, c.t.approvalBean(is, ap, c.me))
	}
	return deskPage(c, out)
}

func (c *call) approval() (*issue, *approval, answer, bool) {
	is, a, found := c.request()
	if !found {
		return nil, nil, a, false
	}
	for _, ap := range is.approvals {
		if text(ap.id) == c.v("approval") {
			return is, ap, answer{}, true
		}
	}
	return nil, nil, refuseDesk(http.StatusNotFound, "sd.rest.approval.not.found", "The approval does not exist."), false
}

func getApproval(c *call) answer {
	is, ap, a, found := c.approval()
	if !found {
		return a
	}
	return ok(c.t.approvalBean(is, ap, c.me))
}

// decided tells how an approval stands: one refusal declines, as many approvals as the step needs approve.
func (s *approvalStep) decided(list []approver) string {
	yes := 0
	for _, ap := range list {
		switch ap.decision {
		case "declined":
			return "declined"
		case "approved":
			yes++
		}
	}
	need := min(s.need, len(list))
	if s.percent > 0 {
		need = (len(list)*s.percent + 99) / 100
	}
	if yes >= need {
		return "approved"
	}
	return "pending"
}

// answerApproval takes an approver's decision. Where that decides the step, its own transition follows; until
// then nothing of the issue changes, not even its `updated`.
func answerApproval(c *call) answer {
	is, ap, a, found := c.approval()
	if !found {
		return a
	}
	var in struct {
		Decision string `json:"decision"`
	}
	if a, fine := c.decodeDesk(&in); !fine {
		return a
	}
	decision := map[string]string{"approve": "approved", "decline": "declined"}[in.Decision]
	i := slices.IndexFunc(ap.approvers, func(x approver) bool { return x.who == c.me })
	switch {
	case decision == "":
		return badRequest("sd.rest.approval.decision.invalid", "The decision must be approve or decline.")
	case i < 0:
		return refuseDesk(http.StatusForbidden, "sd.rest.approval.not.approver", "You are not an approver of this request.")
	case ap.decision != "pending" || ap.approvers[i].decision != "pending":
		return refuseDesk(http.StatusConflict, "sd.rest.approval.already.answered", "The approval has already been answered or completed.")
	}
	fresh := *ap
	fresh.approvers = slices.Clone(ap.approvers)
	fresh.approvers[i].decision = decision
	if fresh.decision = c.t.desk.approval.decided(fresh.approvers); fresh.decision != "pending" {
		fresh.completed = c.now
	}
	list := slices.Clone(is.approvals)
	list[slices.Index(list, ap)] = &fresh
	is.approvals = list
	for _, tr := range c.t.lists.transitions {
		if fresh.decision == decision && tr.approval == in.Decision && tr.starts(is) {
			c.t.fire(is, tr, c.me, nil)
			break
		}
	}
	c.t.index.wrote(c.t, is)
	return ok(c.t.approvalBean(is, &fresh, c.me))
}
