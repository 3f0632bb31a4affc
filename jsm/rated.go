package jsm

import (
	"context"
	"fmt"
	"strings"
)

// RatingWords is no field of Jira's, as WatcherList is none: it stands for the customer's words beside the stars that
// the field of FeedbackType holds. Named among the fields of a read it asks for Ticket.Rating with every read from then
// on: a call of its own (2 points) for a ticket that was rated, none for others.
func RatingWords(field string) string { return ratingPrefix + field }

const ratingPrefix = "feedback:"

// askRating notes that ratings are wanted, and takes the word out.
func (c *Client) askRating(want map[string]bool) {
	for id := range want {
		if field, ok := strings.CutPrefix(id, ratingPrefix); ok {
			c.learned.rating.Store(&field)
			delete(want, id)
		}
	}
}

// readRating reads the words of a ticket's rating.
func (c *Client) readRating(ctx context.Context, t *Ticket) error {
	r, ok, err := c.Satisfaction(ctx, t.ID)
	if err != nil && !isDefinite(err) { // the stars are all that this account may see
		return fmt.Errorf("reading the rating of %s: %w", t.Key, err)
	}
	if err == nil && ok {
		t.Rating = &r
	}
	return nil
}
