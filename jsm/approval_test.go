package jsm

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
)

const (
	answerLine     = "POST /rest/servicedeskapi/request/1/approval/3"
	approvalAnswer = `{"id":"3","name":"Manager","finalDecision":"pending","canAnswerApproval":true,"approvers":[{"approver":{"accountId":"me","displayName":"Me"},"approverDecision":"pending"},{"approver":{"accountId":"ann"},"approverDecision":"approved"}],"createdDate":{"epochMillis":1764000000000}}`
	approvalLine   = "GET /rest/servicedeskapi/request/1/approval/3"
)

func decided(mine Decision, all Decision) string {
	s := strings.Replace(approvalAnswer, `"Me"},"approverDecision":"pending"`, `"Me"},"approverDecision":"`+string(mine)+`"`, 1)
	s = strings.Replace(s, `"finalDecision":"pending"`, `"finalDecision":"`+string(all)+`"`, 1)
	if mine != Pending {
		s = strings.Replace(s, `"canAnswerApproval":true`, `"canAnswerApproval":false`, 1)
	}
	return s
}

func TestApprovals(t *testing.T) {
	c, _ := jira(t, map[string]any{"GET /rest/servicedeskapi/request/1/approval": `{"isLastPage":true,"values":[` + approvalAnswer + `]}`})
	list, err := c.Approvals(t.Context(), "1")
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	a := list[0]
	if a.ID != "3" || a.Name != "Manager" || a.Decision != Pending || !a.Ours || len(a.Approvers) != 2 || a.Approvers[1].Person.AccountID != "ann" || a.Approvers[1].Decision != Approved || a.Created.IsZero() || !a.Completed.IsZero() {
		t.Errorf("%+v", a)
	}
	if same, err := DecodeApprovals(Raw(`[` + approvalAnswer + `]`)); err != nil || len(same) != 1 || same[0].ID != a.ID {
		t.Errorf("%+v, %v", same, err)
	}
	for _, bad := range []string{`{}`, `[{}]`, `[{"id":"3","finalDecision":"maybe"}]`, `[{"id":"3","finalDecision":"pending","approvers":[{"approverDecision":""}]}]`} {
		if got, err := DecodeApprovals(Raw(bad)); err == nil {
			t.Errorf("%s: %+v", bad, got)
		}
	}
}

func TestAnswerApproval(t *testing.T) {
	lost := answer{err: errors.New("reset")}
	for _, c := range []struct {
		name    string
		post    any
		get     string
		already bool
		fails   func(error) bool // nil: it does not
	}{
		{"taken", decided(Approved, Approved), ``, false, nil},
		{"answered already", answer{status: 409, body: `{"errorMessage":"answered"}`}, decided(Declined, Declined), true, nil},
		{"not an approver", answer{status: 403, body: `{"errorMessage":"not an approver"}`}, ``, false, func(err error) bool { return errors.Is(err, ErrNotApprover) }},
		{"lost, and it was taken", lost, decided(Approved, Approved), false, nil},
		{"lost, and another was there first", lost, decided(Declined, Declined), true, nil},
		{"lost, and it was not taken", lost, decided(Pending, Pending), false, MaybeApplied},
		{"an answer that makes no sense", answer{body: `{"id":"3"}`}, ``, false, MaybeApplied},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, f := jira(t, map[string]any{answerLine: c.post, approvalLine: c.get, "GET /rest/api/3/myself": `{"accountId":"me"}`})
				got, err := client.AnswerApproval(t.Context(), "1", "3", Approved)
				switch {
				case c.fails != nil:
					if err == nil || !c.fails(err) {
						t.Error(err)
					}
				case err != nil || got.Already != c.already || got.Approval.ID != "3" || got.Approval.Decision == Pending:
					t.Errorf("%+v, %v", got, err)
				}
				sameJSON(t, f.last(answerLine).Body, `{"decision":"approve"}`)
			})
		})
	}
	c, f := jira(t, nil)
	if _, err := c.AnswerApproval(t.Context(), "1", "3", Pending); err == nil || len(f.lines()) > 0 {
		t.Error(err)
	}
}
