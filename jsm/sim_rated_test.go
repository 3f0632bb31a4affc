package jsm_test

import (
	"testing"

	"parley/jsm"
)

// The words of a rating come with every read once somebody asked for them.
func TestRatingWordsInTheSimulator(t *testing.T) {
	tenant, c, s, unrated := full(t)
	ctx := t.Context()
	rating, err := s.Field("Satisfaction")
	if err != nil {
		t.Fatal(err)
	}
	key, err := tenant.As("cara@west.example").CreateRequest("Report a problem", map[string]any{"summary": "mine", "Impact": "Low"})
	if err != nil {
		t.Fatal(err)
	}
	first, err := c.Ticket(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.TransitionTo(ctx, first.ID, jsm.Target{Status: "Resolved", Resolution: "Fixed"}); err != nil {
		t.Fatal(err)
	}
	if err := tenant.As("cara@west.example").Rate(key, 4, "quick"); err != nil {
		t.Fatal(err)
	}
	asked := []string{rating.ID, jsm.RatingWords(rating.ID)}
	before, err := c.Tickets(ctx, []string{first.ID}, []string{rating.ID})
	if err != nil || before[first.ID].Rating != nil || before[first.ID].Bears(asked) {
		t.Error(err, "nobody has asked for ratings, and the ticket says that it bears them")
	}
	both, err := c.Tickets(ctx, []string{first.ID, unrated}, asked)
	if err != nil || both[first.ID].Rating == nil || *both[first.ID].Rating != (jsm.Rating{Stars: 4, Text: "quick"}) || both[unrated].Rating != nil {
		t.Fatalf("%+v, %v", both, err)
	}
	if !both[first.ID].Bears(asked) || !both[unrated].Bears(asked) {
		t.Error("they bear what was asked for")
	}
}
