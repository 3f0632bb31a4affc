package jsm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// What an edit needs before its PUT: watchers have calls of their own, Assets objects are written by ids that must
// be looked up, and an option must be there before it can be chosen. Each of these may be repeated.

// prepare makes those calls and gives the edit that is left for the PUT. Where the tenant refuses one, the error is
// a *FieldErrors as the PUT's would be, and the PUT is not made.
func (c *Client) prepare(ctx context.Context, id string, e Edit) (Edit, error) {
	bad := map[string]string{}
	e, err := c.watching(ctx, id, e, bad)
	if err != nil {
		return e, err
	}
	for _, field := range slices.Sorted(maps.Keys(e.Create)) {
		if err := refusedField(bad, field, c.addOptions(ctx, id, e.field(field), e.optionsOf(field))); err != nil {
			return e, fmt.Errorf("adding an option to field %s: %w", field, err)
		}
	}
	set := maps.Clone(e.Set)
	for _, field := range slices.Sorted(maps.Keys(set)) {
		list, ok := set[field].([]Option)
		if !ok || e.field(field).Type != AssetType {
			continue
		}
		found, err := c.findAssets(ctx, list)
		if err := refusedField(bad, field, err); err != nil {
			return e, fmt.Errorf("looking for objects of field %s: %w", field, err)
		}
		set[field] = found
	}
	e.Set = set
	if len(bad) > 0 {
		return e, &FieldErrors{Fields: bad}
	}
	return e, nil
}

// notHere is what cannot be done for a field, in plain words.
type notHere struct{ why string }

func (n *notHere) Error() string { return n.why }

// refusedField notes what the tenant certainly refuses to do for a field; other errors are given back.
func refusedField(bad map[string]string, field string, err error) error {
	var no *notHere
	var api *APIError
	switch {
	case errors.As(err, &no):
		bad[field] = no.why
	case errors.As(err, &api) && (api.Class == Definite || IsScopeMissing(err)):
		bad[field] = strings.Join(append([]string{"the account may not do this"}, api.Messages...), ": ")
	default:
		return err
	}
	return nil
}

// watching adds and removes watchers, and takes them out of the edit.
func (c *Client) watching(ctx context.Context, id string, e Edit, bad map[string]string) (Edit, error) {
	for _, change := range []struct {
		of   *map[string][]Value
		call func(context.Context, string, string) error
	}{{&e.Add, c.AddWatcher}, {&e.Remove, c.RemoveWatcher}} {
		rest := maps.Clone(*change.of)
		for _, field := range slices.Sorted(maps.Keys(rest)) {
			if e.field(field).Type != WatchersType {
				continue
			}
			for _, v := range rest[field] {
				p, ok := v.(Person)
				if !ok || p.AccountID == "" {
					bad[field] = "a watcher is a person with an account"
					continue
				}
				if err := refusedField(bad, field, change.call(ctx, id, p.AccountID)); err != nil {
					return e, fmt.Errorf("changing the watchers: %w", err)
				}
			}
			delete(rest, field)
		}
		*change.of = rest
	}
	return e, nil
}

// optionsOf are the options that an edit writes to a field.
func (e Edit) optionsOf(field string) (all []Option) {
	switch v := e.Set[field].(type) {
	case Option:
		all = append(all, v)
	case []Option:
		all = append(all, v...)
	}
	for _, v := range e.Add[field] {
		if o, ok := v.(Option); ok {
			all = append(all, o)
		}
	}
	return all
}
