package jsm

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// Rating is how satisfied the customer is: 1 to 5 stars and words. There is no call here that writes one, because Jira
// takes it from the reporter of the request only and refuses an agent with 403 [S]; elsewhere it can be shown in a
// field or note, as what it is: the other desk's customer's.
type Rating struct {
	Stars int
	Text  string // "": none, or read from a field, which has stars only
}

type ratingJSON struct {
	Stars int `json:"rating"`
	Text  *struct {
		Body string `json:"body"`
	} `json:"comment"`
}

func (j *ratingJSON) rating() (Rating, error) {
	if j.Stars < 1 || j.Stars > 5 {
		return Rating{}, fmt.Errorf("a rating of %d", j.Stars)
	}
	r := Rating{Stars: j.Stars}
	if j.Text != nil {
		r.Text = j.Text.Body
	}
	return r, nil
}

// DecodeRating reads the value of a field of FeedbackType, which a ticket brings without a call of its own and without words.
func DecodeRating(raw Raw) (Rating, error) {
	var j ratingJSON
	if err := json.Unmarshal(raw, &j); err != nil {
		return Rating{}, fmt.Errorf("reading a rating: %s", shape(err))
	}
	return j.rating()
}

// Satisfaction reads how the customer rated a request; ok is false where that was not done, or what is asked for is no request. 2 points.
func (c *Client) Satisfaction(ctx context.Context, issue string) (r Rating, ok bool, err error) {
	const op = "GET feedback"
	var out ratingJSON
	_, err = c.do(ctx, call{
		op: op, method: http.MethodGet, path: desk("request", issue, "feedback"), out: &out, objects: one,
		header: http.Header{"X-Experimentalapi": {"opt-in"}},
	})
	if IsNotFound(err) {
		return Rating{}, false, nil
	}
	if err != nil {
		return Rating{}, false, err
	}
	if r, err = out.rating(); err != nil {
		return Rating{}, false, unusable(op, http.StatusOK, false, Definite, err.Error())
	}
	return r, true, nil
}
