package jsm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Decision is how an approval stands, or what an approver said.
type Decision string

const (
	Approved Decision = "approved"
	Declined Decision = "declined"
	Pending  Decision = "pending"
)

// Approval is one approval of a request. It comes from the workflow and its approvers' field: no call makes one.
type Approval struct {
	ID        string
	Name      string
	Decision  Decision // of all approvers together
	Ours      bool     // our account is asked, and can answer now
	Approvers []Approver
	Created   time.Time
	Completed time.Time // zero: pending
}

// Approver is one who is asked, and the answer.
type Approver struct {
	Person   Person
	Decision Decision
}

type approvalJSON struct {
	ID        looseID   `json:"id"`
	Name      string    `json:"name"`
	Decision  Decision  `json:"finalDecision"`
	Ours      bool      `json:"canAnswerApproval"`
	Created   *deskDate `json:"createdDate"`
	Completed *deskDate `json:"completedDate"`
	Approvers []struct {
		Person   *personJSON `json:"approver"`
		Decision Decision    `json:"approverDecision"`
	} `json:"approvers"`
}

func (d Decision) known() bool { return d == Approved || d == Declined || d == Pending }

func (j *approvalJSON) approval() (Approval, error) {
	a := Approval{
		ID: string(j.ID), Name: j.Name, Decision: j.Decision, Ours: j.Ours,
		Created: j.Created.time(), Completed: j.Completed.time(),
	}
	if a.ID == "" || !a.Decision.known() {
		return Approval{}, fmt.Errorf("an approval without id, or with the decision %q", clip(string(a.Decision), 40))
	}
	for _, p := range j.Approvers {
		if !p.Decision.known() {
			return Approval{}, fmt.Errorf("approval %s has the answer %q", clip(a.ID, 40), clip(string(p.Decision), 40))
		}
		a.Approvers = append(a.Approvers, Approver{p.Person.person(), p.Decision})
	}
	return a, nil
}

func approvals(list []approvalJSON) ([]Approval, error) {
	out := make([]Approval, 0, len(list))
	for i := range list {
		a, err := list[i].approval()
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// DecodeApprovals reads the value of a field of ApprovalsType, which a ticket brings without a call of its own; its
// shape is that of the service desk's answer [B].
func DecodeApprovals(raw Raw) ([]Approval, error) {
	var list []approvalJSON
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("reading approvals: %s", shape(err))
	}
	return approvals(list)
}

// Approvals reads all approvals of a request, for 1 point and 1 for each.
func (c *Client) Approvals(ctx context.Context, issue string) ([]Approval, error) {
	list, err := pages(func(start int) (deskPage[approvalJSON], error) {
		var out deskPage[approvalJSON]
		_, err := c.do(ctx, call{
			op: "GET approval", method: http.MethodGet, path: desk("request", issue, "approval"), query: deskQuery(start),
			out: &out, objects: func() int { return len(out.Values) },
		})
		return out, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the approvals of %s: %w", clip(issue, 40), err)
	}
	return approvals(list)
}

// ErrNotApprover is an approval that our account is not asked for. Nobody can answer in another's place.
var ErrNotApprover = errors.New("jira: our account is not an approver of this approval")

// Answered is what became of an answer.
type Answered struct {
	Approval Approval
	Already  bool // it was answered or completed before, so this answer was not taken
}

// AnswerApproval gives our account's own answer, Approved or Declined. An approval that is answered already is no
// failure: Already tells, and Approval how. After a lost answer the approval is read, so none is given twice. 1 point.
// Errors: ErrNotApprover, *APIError.
func (c *Client) AnswerApproval(ctx context.Context, issue, id string, d Decision) (Answered, error) {
	const op = "POST approval"
	word := map[Decision]string{Approved: "approve", Declined: "decline"}[d]
	if word == "" {
		return Answered{}, fmt.Errorf("answering an approval: %q is no answer", clip(string(d), 40))
	}
	var out approvalJSON
	status, err := c.do(ctx, call{
		op: op, method: http.MethodPost, path: desk("request", issue, "approval", id), issue: issue,
		body: map[string]any{"decision": word}, out: &out,
	})
	var e *APIError
	switch {
	case err == nil:
		a, err := out.approval()
		if err != nil {
			return Answered{}, unusable(op, status, true, Transient, err.Error())
		}
		return Answered{Approval: a}, nil
	case errors.As(err, &e) && e.Status == http.StatusForbidden && e.Class == Definite:
		return Answered{}, fmt.Errorf("%w: %w", ErrNotApprover, err)
	case errors.As(err, &e) && e.Status == http.StatusConflict:
		a, err := c.approval(ctx, issue, id)
		return Answered{Approval: a, Already: true}, err
	case MaybeApplied(err):
		return c.answeredAfterAll(ctx, issue, id, d, err)
	}
	return Answered{}, err
}

// answeredAfterAll looks what became of an answer whose own answer was lost. Where it cannot be told, lost stays.
func (c *Client) answeredAfterAll(ctx context.Context, issue, id string, d Decision, lost error) (Answered, error) {
	a, err := c.approval(ctx, issue, id)
	if err != nil || a.Ours {
		return Answered{}, lost
	}
	me, err := c.Myself(ctx)
	if err != nil {
		return Answered{}, lost
	}
	took := slices.ContainsFunc(a.Approvers, func(p Approver) bool { return p.Person.AccountID == me.AccountID && p.Decision == d })
	return Answered{Approval: a, Already: !took}, nil
}

func (c *Client) approval(ctx context.Context, issue, id string) (Approval, error) {
	const op = "GET approval/id"
	var out approvalJSON
	_, err := c.do(ctx, call{op: op, method: http.MethodGet, path: desk("request", issue, "approval", id), out: &out, objects: one})
	if err != nil {
		return Approval{}, err
	}
	a, err := out.approval()
	if err != nil {
		return Approval{}, unusable(op, http.StatusOK, false, Definite, err.Error())
	}
	return a, nil
}
