package jsm

import (
	"encoding/json"
	"slices"
	"time"
)

// Comment is one comment of a ticket. It may be shown to a customer only if Customer says so.
type Comment struct {
	ID              string
	Author          Person
	Body            Rich
	Public          bool // Jira says that the customer sees it (jsdPublic)
	Restricted      bool // limited to a role or group; jsdPublic stays true then [L]
	VisibilityKnown bool // false: Jira did not say, Public means nothing
	Created         time.Time
	Updated         time.Time
	Parent          string          // id of the comment it replies to; empty: none
	Mark            json.RawMessage // our property; only Comments reads it, nil otherwise
}

// Customer reports whether the customer certainly sees the comment: visibility known, public, and
// not restricted. Everything else counts as internal.
func (c Comment) Customer() bool { return c.VisibilityKnown && c.Public && !c.Restricted }

type commentJSON struct {
	ID         looseID          `json:"id"`
	Author     *personJSON      `json:"author"`
	Body       json.RawMessage  `json:"body"`
	Public     *bool            `json:"jsdPublic"`
	Visibility json.RawMessage  `json:"visibility"`
	Created    moment           `json:"created"`
	Updated    moment           `json:"updated"`
	Parent     looseID          `json:"parentId"` // not in the description, used by Jira's own UI (jira.js#407) [L]
	Properties []entityProperty `json:"properties"`
}

func (j *commentJSON) comment() Comment {
	c := Comment{
		ID: string(j.ID), Author: j.Author.person(), Body: Rich(j.Body),
		Public: j.Public != nil && *j.Public, VisibilityKnown: j.Public != nil,
		Restricted: len(j.Visibility) > 0 && string(j.Visibility) != "null",
		Created:    j.Created.Time, Updated: j.Updated.Time, Parent: string(j.Parent),
	}
	if string(j.Body) == "null" {
		c.Body = nil
	}
	for _, p := range j.Properties {
		if p.Key == MarkKey {
			c.Mark = p.Value
		}
	}
	return c
}

// commentsPage is a page of comments, on its own or as the field "comment" of an issue.
type commentsPage struct {
	Total    int           `json:"total"`
	Comments []commentJSON `json:"comments"`
}

func (p commentsPage) items() []commentJSON { return p.Comments }
func (p commentsPage) last(seen int) bool   { return seen >= p.Total }

func (p commentsPage) comments() []Comment { return inOrder(p.Comments) }

// inOrder makes comments oldest first, each once: pages can overlap when one is deleted meanwhile.
func inOrder(list []commentJSON) []Comment {
	out := make([]Comment, 0, len(list))
	seen := make(map[looseID]bool, len(list))
	for i := range list {
		if seen[list[i].ID] {
			continue
		}
		seen[list[i].ID] = true
		out = append(out, list[i].comment())
	}
	slices.SortStableFunc(out, func(a, b Comment) int {
		if d := a.Created.Compare(b.Created); d != 0 {
			return d
		}
		return compareIDs(a.ID, b.ID)
	})
	return out
}
