package sim

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Ticket is an issue as a test or a demonstration reads it: all of it, as the tenant holds it, without
// permissions. Values are shown as their names; several are in the order in which Jira shows them.
type Ticket struct {
	ID, Key, Project  string
	Summary           string
	Description       string // plain text
	Status, Category  string
	Priority          string
	Resolution        string // empty: unresolved
	IssueType         string
	RequestType       string // empty: no request
	Assignee          string // e-mail; empty: nobody
	Reporter, Creator string // e-mails
	Labels            []string
	Components        []string
	Organizations     []string
	Participants      []string            // e-mails
	Fields            map[string][]string // by name, custom and system fields that hold something
	Comments          []Note              // oldest first
	Approvals         []Decision
	Worklogs          int
	Work              []Work   // work logs, oldest first
	Watchers          []string // e-mails
	Parts             []string // keys of sub-tasks
	Links             []string // keys of linked issues
	WebLinks          []string // addresses
	Files             []File   // attachments, oldest first
	Properties        map[string]string
	Changes           int // history entries
	Created, Updated  time.Time
}

// Note is a comment.
type Note struct {
	ID               string
	Author           string // e-mail
	Text             string // plain text
	Wiki             string
	Public           bool
	Parent           string
	Created, Updated time.Time
	Properties       map[string]string
}

// File is an attachment.
type File struct {
	ID, Name, MIME string
	Author         string // e-mail
	Media          string // what documents call it by
	Size           int64
	SHA256         string // hexadecimal
	Portal         bool   // the portal shows it: the description or a public comment names it
	Created        time.Time
}

// Work is a work log.
type Work struct {
	ID, Author string // Author: e-mail
	Seconds    int64
	Text       string // plain text
	Started    time.Time
	Properties map[string]string
}

// Decision is an approval.
type Decision struct {
	ID, Name, State string // State: pending, approved, declined
	Approvers       []string
}

// Issue reads a ticket by key or id, also by a key that it had before.
func (t *Tenant) Issue(key string) (Ticket, bool) {
	defer t.enter()()
	is := t.find(key)
	if is == nil {
		return Ticket{}, false
	}
	return t.ticket(is), true
}

// Issues reads all tickets by ascending id.
func (t *Tenant) Issues() []Ticket {
	defer t.enter()()
	out := make([]Ticket, 0, len(t.issues.order))
	for _, id := range t.issues.order {
		out = append(out, t.ticket(t.issues.byID[id]))
	}
	return out
}

// Find reads the tickets whose summary contains the words, oldest first.
func (t *Tenant) Find(words string) []Ticket {
	return slices.DeleteFunc(t.Issues(), func(x Ticket) bool { return !strings.Contains(x.Summary, words) })
}

func (t *Tenant) ticket(is *issue) Ticket {
	s := t.status(is.str("status"))
	x := Ticket{ID: is.idText(), Key: is.key, Project: is.proj.key, Summary: is.str("summary"), Status: s.name, Category: s.category,
		Creator: is.creator.email, Worklogs: len(is.worklogs), Changes: len(is.changes), Created: is.created, Updated: is.updated,
		Fields: map[string][]string{}, Properties: plainProps(is.props)}
	for _, f := range t.lists.fields {
		v, has := is.vals[f.id]
		if !has {
			continue
		}
		names := t.readable(f, v)
		x.Fields[f.name] = names
		first := ""
		if len(names) > 0 {
			first = names[0]
		}
		switch {
		case f.id == "description":
			x.Description = first
		case f.id == "priority":
			x.Priority = first
		case f.id == "resolution":
			x.Resolution = first
		case f.id == "issuetype":
			x.IssueType = first
		case f.id == "assignee":
			x.Assignee = first
		case f.id == "reporter":
			x.Reporter = first
		case f.id == "labels":
			x.Labels = names
		case f.id == "components":
			x.Components = names
		case f.kind == kRequestType:
			x.RequestType = first
		case f.kind == kOrgs:
			x.Organizations = names
		case f.kind == kParticipants:
			x.Participants = names
		}
	}
	t.hang(&x, is)
	return x
}

// hang reads what hangs on a ticket besides its fields.
func (t *Tenant) hang(x *Ticket, is *issue) {
	for _, cm := range is.comments {
		x.Comments = append(x.Comments, t.note(is, cm))
	}
	for _, a := range is.approvals {
		d := Decision{ID: text(a.id), Name: a.name, State: a.decision}
		for _, ap := range a.approvers {
			d.Approvers = append(d.Approvers, ap.who.email)
		}
		x.Approvals = append(x.Approvals, d)
	}
	shown := is.onPortal()
	for _, at := range is.attachments {
		x.Files = append(x.Files, File{ID: text(at.id), Name: at.name, MIME: at.mime, Author: at.author.email, Media: at.media, Size: at.content.size,
			SHA256: hex.EncodeToString(at.content.sum[:]), Portal: shown[at.media], Created: at.created})
	}
	for _, w := range is.worklogs {
		x.Work = append(x.Work, Work{text(w.id), w.author.email, w.seconds, adfToText(w.comment), w.started, plainProps(w.props)})
	}
	for _, id := range is.watchers {
		x.Watchers = append(x.Watchers, t.people.byID[id].email)
	}
	for _, child := range t.children(is) {
		x.Parts = append(x.Parts, child.key)
	}
	x.Links, x.WebLinks = t.linkedKeys(is)
}

func (t *Tenant) note(is *issue, cm *comment) Note {
	n := Note{ID: text(cm.id), Author: cm.author.email, Text: adfToText(cm.body), Wiki: t.toWiki(is, cm.body), Public: cm.public(),
		Created: cm.created, Updated: cm.updated, Properties: plainProps(cm.props)}
	if cm.parent != 0 {
		n.Parent = text(cm.parent)
	}
	return n
}

func (t *Tenant) linkedKeys(is *issue) (keys, addresses []string) {
	for _, l := range is.links {
		other := l.outward
		if other == is.id {
			other = l.inward
		}
		if o := t.issues.byID[other]; o != nil {
			keys = append(keys, o.key)
		}
	}
	for _, r := range is.remotes {
		var o struct{ URL string }
		if json.Unmarshal(r.object, &o) == nil {
			addresses = append(addresses, o.URL)
		}
	}
	return keys, addresses
}

func plainProps(props map[string]json.RawMessage) map[string]string {
	out := map[string]string{}
	for k, v := range props {
		out[k] = string(v)
	}
	return out
}

// readable shows a stored value as words: people by e-mail, the rest by name.
func (t *Tenant) readable(f *field, v any) []string {
	one := func(id string) string {
		if f.kind == kUser || f.kind == kUsers || f.kind == kParticipants {
			if u := t.people.byID[id]; u != nil {
				return u.email
			}
		}
		return t.nameOf(f, id)
	}
	switch x := v.(type) {
	case json.RawMessage:
		return []string{adfToText(x)}
	case float64:
		return []string{strings.TrimSuffix(string(floatJSON(x)), ".0")}
	case time.Time:
		return []string{x.UTC().Format(time.RFC3339)}
	case [2]string:
		parent, child := t.optionWords(f, x)
		if child == "" {
			return []string{parent}
		}
		return []string{parent + " > " + child}
	case string:
		if f.kind == kText || f.kind == kURL || f.kind == kDate {
			return []string{x}
		}
		return []string{one(x)}
	case []string:
		if f.kind == kLabels {
			return slices.Clone(x)
		}
		out := make([]string, len(x))
		for i, id := range x {
			out[i] = one(id)
		}
		return out
	case estimate:
		return []string{writeEstimate(max(0, x.original))}
	}
	return nil
}
