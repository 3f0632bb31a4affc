package jsm

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// reading completes one ticket: each part from memory where the answer tells that it is as it was, else by calls.
//
// What tells, each of it in the very answer that a read brings anyway (issue/bulkfetch with its fields and its newest
// history, or the answer of an edit [S]):
//
//   - `updated` is the one of the last read: nothing has touched the ticket;
//   - `updated` is the moment of an entry of the history that is new, of a new comment, or of our own edit of one: that
//     touched it last. Jira enters in the history what changes a field, a link between tickets, an attachment or the time
//     spent; an entry that names comments, work logs or web links has these read;
//   - the number of comments and work logs, and the first of them, are as they were; more comments than before, with the
//     last known one at its place, are read from there on;
//   - the field "watches" and the stars of a rating are as they were.
//
// Anything else that moves `updated` (an edited comment, an automation, a clock) has all of it read.
type reading struct {
	c         *Client
	t         *Ticket
	was       *further        // nil: nothing is known
	same      bool            // nothing has touched the ticket since
	explained bool            // or only what is told has
	named     map[string]bool // what new entries of its history name, in lower case
	spared    bool            // something was taken from memory
	next      further
}

// together is how far Jira's moment of an entry and of the ticket's `updated` may lie apart, both being written by one
// call. How far they do is not documented: a smaller bound costs calls, a larger one hides more until the whole read.
const together = time.Second

// History entries that name a part, by field: as Jira's history calls them where it has them at all [B].
const (
	namesComments = "comment"
	namesWebLinks = "remoteissuelink"
)

var namesWorklogs = []string{"timespent", "worklogid", "worklogtimespent"}

func (c *Client) reading(t *Ticket) *reading {
	r := &reading{c: c, t: t, was: c.recall.of(t.ID), named: map[string]bool{}}
	if r.was == nil {
		return r
	}
	r.same = t.Updated.Equal(r.was.updated) && t.HistoryTotal == r.was.entries
	if t.Updated.Before(r.was.updated) { // an answer that was overtaken
		r.was = nil
		return r
	}
	r.explained = r.same
	for i := range t.History {
		h := &t.History[i]
		if compareIDs(h.ID, r.was.entry) <= 0 {
			break // newest first
		}
		r.explains(h.At)
		for _, it := range h.Items {
			r.named[strings.ToLower(it.FieldID)], r.named[strings.ToLower(it.Field)] = true, true
		}
	}
	if r.was.said.After(r.was.updated) {
		r.explains(r.was.said)
	}
	if said := lastSaid(t.Comments); said.After(r.was.said) {
		r.explains(said)
	}
	return r
}

// explains notes the moment of something new.
func (r *reading) explains(at time.Time) {
	if r.t.Updated.Sub(at).Abs() <= together {
		r.explained = true
	}
}

// recalls reports whether a part may be taken from memory that none of these names speaks of.
func (r *reading) recalls(names ...string) bool {
	return r.was != nil && r.explained && !slices.ContainsFunc(names, func(n string) bool { return r.named[n] })
}

// all completes the ticket and remembers what was read.
func (r *reading) all(ctx context.Context) error {
	for _, part := range []func(context.Context) error{r.comments, r.worklogs, r.watchers, r.webLinks, r.rating} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	r.t.owed = r.spared && (!r.same || r.was.owed)
	known := r.t.known()
	known.comments, known.worklogs = r.next.comments, r.next.worklogs
	known.watches, known.watchers = r.next.watches, r.next.watchers
	known.stars, known.rating, known.rated = r.next.stars, r.next.rating, r.next.rated
	r.c.recall.keep(known)
	return nil
}

func (r *reading) comments(ctx context.Context) error {
	t := r.t
	if t.CommentsTotal <= len(t.Comments) {
		return nil
	}
	all, err := r.knownComments(ctx)
	if err == nil && all == nil {
		all, err = r.c.commentPages(ctx, t.ID, "", 0)
	} else {
		r.spared = true
	}
	if err != nil {
		return fmt.Errorf("reading the comments of %s: %w", t.Key, err)
	}
	t.Comments, t.CommentsTotal = all, len(all)
	r.next.comments = slices.Clone(all)
	return nil
}

// knownComments gives the comments from memory, with those that are new; nil where that cannot be told.
func (r *reading) knownComments(ctx context.Context) ([]Comment, error) {
	t := r.t
	if r.was == nil || len(r.was.comments) == 0 || r.named[namesComments] || t.CommentsTotal < len(r.was.comments) {
		return nil, nil
	}
	all := slices.Clone(r.was.comments)
	if t.CommentsTotal > len(all) {
		last := len(all) - 1
		more, err := r.c.commentPages(ctx, t.ID, "", last)
		if err != nil {
			return nil, err
		}
		if len(more) == 0 || more[0].ID != all[last].ID || last+len(more) < t.CommentsTotal {
			return nil, nil // one before it is gone
		}
		r.explains(lastSaid(more[1:]))
		all = append(all[:last], more...)
	}
	for i, first := range t.Comments { // as they are now
		if all[i].ID != first.ID {
			return nil, nil
		}
		all[i] = first
	}
	if !r.explained {
		return nil, nil
	}
	return all, nil
}

func (r *reading) worklogs(ctx context.Context) (err error) {
	t := r.t
	if !r.c.learned.worklogs.Load() || t.WorklogsTotal <= len(t.Worklogs) {
		return nil
	}
	switch {
	case r.recalls(namesWorklogs...) && len(r.was.worklogs) == t.WorklogsTotal && slices.EqualFunc(t.Worklogs, r.was.worklogs[:len(t.Worklogs)], sameWork):
		t.Worklogs, r.spared = slices.Clone(r.was.worklogs), true
	default:
		if t.Worklogs, err = r.c.Worklogs(ctx, t.ID); err != nil {
			return err
		}
	}
	t.WorklogsTotal = len(t.Worklogs)
	r.next.worklogs = slices.Clone(t.Worklogs)
	return nil
}

func sameWork(a, b Worklog) bool { return a.ID == b.ID && a.Updated.Equal(b.Updated) }

func (r *reading) watchers(ctx context.Context) (err error) {
	raw, read := r.t.Fields[watchesField]
	if !read || !r.c.learned.watchers.Load() {
		return nil
	}
	r.next.watches = bytes.Clone(raw)
	if r.was != nil && r.was.watchers != nil && bytes.Equal(r.was.watches, raw) {
		r.next.watchers, r.spared = r.was.watchers, true
	} else if r.next.watchers, err = r.c.watchersOf(ctx, r.t); err != nil {
		return err
	}
	if r.next.watchers != nil {
		setWatchers(r.t, r.next.watchers)
	}
	return nil
}

func (r *reading) webLinks(ctx context.Context) (err error) {
	t := r.t
	if !r.c.learned.webLinks.Load() || t.webLinks {
		return nil
	}
	if r.recalls(namesWebLinks) && r.was.linked {
		t.WebLinks, r.spared = slices.Clone(r.was.webLinks), true
	} else if t.WebLinks, err = r.c.RemoteLinks(ctx, t.ID); err != nil {
		return fmt.Errorf("reading the web links of %s: %w", t.Key, err)
	}
	t.webLinks = true
	return nil
}

func (r *reading) rating(ctx context.Context) error {
	t, field := r.t, r.c.learned.rating.Load()
	if field == nil || t.rated {
		return nil
	}
	if raw, there := t.Fields[*field]; there && string(raw) != "null" {
		if r.was != nil && r.was.rated && bytes.Equal(r.was.stars, raw) {
			t.Rating, r.spared = r.was.rating, true
		} else if err := r.c.readRating(ctx, t); err != nil {
			return err
		}
		r.next.stars, r.next.rating, r.next.rated = bytes.Clone(raw), t.Rating, true
	}
	t.rated = true
	return nil
}
