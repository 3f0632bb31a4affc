package jsm_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"parley/jsm"
)

// What moves no `updated` is found by asking for it.
func TestWhatMovesNoTicketIsFoundInTheSimulator(t *testing.T) {
	tenant, c, s, _ := full(t)
	ctx := t.Context()
	projects := []string{s.Project.Value}
	if s.RatedOn == "" {
		t.Fatal("the schema does not tell when customers rate")
	}
	key, err := tenant.As("cara@west.example").CreateRequest("Report a problem", map[string]any{"summary": "mine", "Impact": "Low"})
	if err != nil {
		t.Fatal(err)
	}
	first, err := c.Ticket(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	if open, err := c.Open(ctx, projects); err != nil || !slices.Contains(open, first.ID) {
		t.Errorf("open: %v, %v", open, err)
	}
	if err := c.TransitionTo(ctx, first.ID, jsm.Target{Status: "Resolved", Resolution: "Fixed"}); err != nil {
		t.Fatal(err)
	}
	if open, err := c.Open(ctx, projects); err != nil || slices.Contains(open, first.ID) {
		t.Errorf("open once it is resolved: %v, %v", open, err)
	}
	if rated, err := c.Rated(ctx, projects, s.RatedOn, time.Minute); err != nil || len(rated) != 0 {
		t.Errorf("nobody has rated: %v, %v", rated, err)
	}
	was, err := c.Ticket(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := tenant.As("cara@west.example").Rate(key, 4, "quick"); err != nil {
		t.Fatal(err)
	}
	if is, err := c.Ticket(ctx, key); err != nil || !is.Updated.Equal(was.Updated) {
		t.Errorf("a rating moves the ticket: %v, %v", is.Updated, err)
	}
	rated, err := c.Rated(ctx, projects, s.RatedOn, time.Minute)
	if err != nil || len(rated) != 1 || rated[0].ID != first.ID || time.Since(rated[0].Updated) > time.Minute {
		t.Errorf("%v, %v", rated, err)
	}
	if rated, err := c.Rated(ctx, []string{"ELSEWHERE"}, s.RatedOn, time.Minute); err == nil && len(rated) != 0 {
		t.Errorf("of another project: %v", rated)
	}
	if _, err := c.Rated(ctx, projects, "summary", time.Minute); !errors.Is(err, jsm.ErrNoClause) {
		t.Errorf("by a field that is no custom field: %v", err)
	}
	if list, err := c.Rated(ctx, nil, s.RatedOn, time.Minute); err != nil || list != nil {
		t.Errorf("of no project: %v, %v", list, err)
	}
	var api *jsm.APIError
	if _, err := c.Rated(ctx, projects, "customfield_99999", time.Minute); !errors.As(err, &api) || api.Class != jsm.Definite {
		t.Errorf("by a field that is not there: %v", err)
	}
}

func TestWhoWaitsForAnApprovalIsFoundInTheSimulator(t *testing.T) {
	tenant, c, s, id := full(t)
	ctx := t.Context()
	field, err := s.Field("Approvals")
	if err != nil {
		t.Fatal(err)
	}
	found, err := c.Awaiting(ctx, []string{s.Project.Value}, field.ID)
	if err != nil || len(found) != 0 {
		t.Errorf("nobody waits: %v, %v", found, err)
	}
	ticket, err := c.Ticket(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if err := tenant.As("ann@west.example").SetField(ticket.Key, "Approvers", []string{"ann@west.example"}); err != nil {
		t.Fatal(err)
	}
	if err := c.TransitionTo(ctx, id, jsm.Target{Status: "Waiting"}); err != nil {
		t.Fatal(err)
	}
	found, err = c.Awaiting(ctx, []string{s.Project.Value}, field.ID)
	if err != nil || len(found[id]) != 1 || len(found[id][0].Approvers) != 1 || found[id][0].Approvers[0].Decision != jsm.Pending {
		t.Errorf("%+v, %v", found, err)
	}
}
