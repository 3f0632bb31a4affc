package jsm

import (
	"context"
	"encoding/json"
	"fmt"
)

// WatcherList is no field of Jira's. Named among the fields of a read it asks for the persons behind the number in
// "watches": a call of its own for each ticket, from then on with every read, so that they all show the same.
const WatcherList = "watchers"

const watchesField = "watches"

// watchersOf lists who watches a ticket; nil where the number is all that this account may see.
func (c *Client) watchersOf(ctx context.Context, t *Ticket) ([]Person, error) {
	people, err := c.Watchers(ctx, t.ID)
	if isDefinite(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the watchers of %s: %w", t.Key, err)
	}
	return append([]Person{}, people...), nil
}

// setWatchers adds the list to what the field "watches" holds.
func setWatchers(t *Ticket, people []Person) {
	var field map[string]json.RawMessage
	if json.Unmarshal(t.Fields[watchesField], &field) != nil || field == nil {
		field = map[string]json.RawMessage{}
	}
	list := make([]personJSON, 0, len(people))
	for _, p := range people {
		list = append(list, personJSON{AccountID: p.AccountID, Name: p.Name, Email: p.Email, Type: p.Type, Active: &p.Active})
	}
	var err error
	if field["watchers"], err = json.Marshal(list); err != nil {
		return
	}
	if raw, err := json.Marshal(field); err == nil {
		t.Fields[watchesField] = raw
	}
}
