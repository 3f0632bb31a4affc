package rules

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"parley/jsm"
)

// What a desk does with a plan's comments, files and parts.

// parley is the account that the nodes write with.
var parley = jsm.Person{AccountID: "parley", Name: "parley", Active: true}

// change does what a plan says to the fields.
func (d *firm) change(p Plan) {
	for id, v := range p.Edit.Set {
		d.write(p.Edit.Types[id], v)
	}
	for id, f := range p.Edit.Types {
		if len(p.Edit.Add[id])+len(p.Edit.Remove[id]) == 0 {
			continue
		}
		now, err := reads(d.ticket, f)
		for _, v := range p.Edit.Remove[id] {
			now = slices.DeleteFunc(now, func(one string) bool { return err == nil && one == d.one(f, v) })
		}
		for _, v := range p.Edit.Add[id] {
			if now = append(now, d.one(f, v)); err != nil {
				break
			}
		}
		if err != nil {
			d.j.fail("%s: %v", id, err)
		}
		d.ticket.Fields[id] = asJira(f, now)
	}
	if w := p.Organizations; w != nil {
		f, err := d.schema.Field(w.FieldID)
		now, _ := asRead(w.Keep)
		if err != nil {
			d.j.fail("%v", err)
		}
		d.ticket.Fields[f.ID] = asJira(f, append(now, w.Names...))
	}
	if p.Transition == nil {
		return
	}
	i := slices.IndexFunc(d.schema.Statuses, func(s jsm.Status) bool { return s.Name == p.Transition.Status })
	if i < 0 {
		d.j.fail("there is no status %q", p.Transition.Status)
	}
	d.ticket.Status = d.schema.Statuses[i]
}

// one is a member of a set, as Jira takes and shows it.
func (d *firm) one(f jsm.Field, v jsm.Value) string {
	list := (&field{Field: f}).setOf([]jsm.Value{v})
	d.takes(f, list)
	said, err := asRead(list)
	if err != nil || len(said) != 1 {
		d.j.fail("%s: %v %v", f.ID, v, err)
	}
	return said[0]
}

// write sets a field, as Jira takes and shows it.
func (d *firm) write(f jsm.Field, v jsm.Value) {
	d.takes(f, v)
	if text, ok := v.(jsm.Rich); ok {
		d.ticket.Fields[f.ID] = json.RawMessage(stored(text))
		return
	}
	said, err := asRead(v)
	if err != nil {
		d.j.fail("%s: %v", f.ID, err)
	}
	d.ticket.Fields[f.ID] = asJira(f, said)
}

// takes has the client encode a value: what it refuses Jira would.
func (d *firm) takes(f jsm.Field, v jsm.Value) {
	if f.Type == jsm.AssetType {
		v = resolved(v)
	}
	if _, err := f.Encode(v); err != nil {
		d.j.fail("%s cannot be written: %v", f.Name, err)
	}
}

func (d *firm) comment(w CommentWrite) {
	at := func() *jsm.Comment {
		i := slices.IndexFunc(d.ticket.Comments, func(c jsm.Comment) bool { return c.ID == w.LocalID })
		if i < 0 {
			d.j.fail("%s %s: there is no comment %q", w.Op, w.Path, w.LocalID)
		}
		return &d.ticket.Comments[i]
	}
	switch w.Op {
	case AddComment, NoteComment:
		c := jsm.Comment{ID: d.id(), Author: parley, Body: stored(w.Body), Public: w.Public, VisibilityKnown: true, Created: d.j.now, Updated: d.j.now, Parent: w.ReplyTo}
		if local, ok := d.twins[w.Parent]; ok && c.Parent == "" && d.public(local) == w.Public {
			c.Parent = local
		}
		d.ticket.Comments = append(d.ticket.Comments, c)
		if p := PartPath(w.Path, w.Part); w.Op == AddComment {
			d.twins[p] = c.ID
		} else {
			d.twins[d.noteOf(w.Path)] = c.ID
		}
	case EditComment, MarkComment:
		at().Body = stored(w.Body)
	case DeleteComment:
		at()
		d.ticket.Comments = slices.DeleteFunc(d.ticket.Comments, func(c jsm.Comment) bool { return c.ID == w.LocalID })
	}
}

func (d *firm) public(id string) bool {
	i := slices.IndexFunc(d.ticket.Comments, func(c jsm.Comment) bool { return c.ID == id })
	return i >= 0 && d.ticket.Comments[i].Public
}

// stored is a document as Jira keeps it: it gives every paragraph an id of its own.
func stored(body jsm.Rich) jsm.Rich {
	return jsm.Rich(strings.ReplaceAll(string(body), `"type":"paragraph"`, `"attrs":{"localId":"0b5e"},"type":"paragraph"`))
}

func (d *firm) attach(w AttachmentWrite) {
	if w.Op == DeleteAttachment {
		d.ticket.Attachments = slices.DeleteFunc(d.ticket.Attachments, func(a jsm.Attachment) bool { return a.ID == w.LocalID })
		return
	}
	a := jsm.Attachment{ID: d.id(), Name: jsm.FileName(w.Name), Size: w.Size, MIME: w.MIME, Author: parley, Created: d.j.now}
	if w.Public {
		a.Shown = jsm.ByComment
	}
	d.ticket.Attachments = append(d.ticket.Attachments, a)
	d.twins[w.Path], d.media[a.ID] = FilePrefix+a.ID, "media-"+a.ID
}

func (d *firm) part(w PartWrite) {
	gone := func(prefix string) string {
		delete(d.twins, w.Path)
		return strings.TrimPrefix(w.LocalID, prefix)
	}
	switch {
	case w.Op == ForgetPart:
		delete(d.twins, w.Path)
	case w.Op == AdoptPart:
		d.twins[w.Path] = w.LocalID
	case w.Op == DeletePart && w.Web != nil, w.Op == DeletePart && w.Path.Kind() == "web_link":
		id := gone(twinWebLink)
		d.ticket.WebLinks = slices.DeleteFunc(d.ticket.WebLinks, func(l jsm.RemoteLink) bool { return l.GlobalID == id })
	case w.Web != nil:
		d.ticket.WebLinks = slices.DeleteFunc(d.ticket.WebLinks, func(l jsm.RemoteLink) bool { return l.GlobalID == w.Web.GlobalID })
		l := *w.Web
		l.ID = d.id()
		d.ticket.WebLinks = append(d.ticket.WebLinks, l)
		d.twins[w.Path] = twinWebLink + l.GlobalID
	case w.Path.Kind() == "worklog":
		d.worked(w, gone)
	case w.Path.Kind() == "link" && w.Op == DeletePart:
		id := gone(twinLink)
		d.ticket.Links = slices.DeleteFunc(d.ticket.Links, func(l jsm.IssueLink) bool { return l.ID == id })
	case w.Link != nil:
		l := jsm.IssueLink{ID: d.id(), Type: w.Link.Type, Outward: !w.Link.Reversed, Other: w.Link.Other}
		d.ticket.Links = append(d.ticket.Links, l)
		d.twins[w.Path] = twinLink + l.ID
	case w.Person != nil:
		d.takesPart(w.Person.AccountID, w.Op == AddPart)
		if d.twins[w.Path] = twinParticipant + w.Person.AccountID; w.Op == DeletePart {
			delete(d.twins, w.Path)
		}
	default:
		d.j.fail("what is to be done with %+v?", w)
	}
}

func (d *firm) worked(w PartWrite, gone func(string) string) {
	if w.Op == DeletePart {
		id := gone(twinWorklog)
		d.ticket.Worklogs = slices.DeleteFunc(d.ticket.Worklogs, func(l jsm.Worklog) bool { return l.ID == id })
	} else {
		l := jsm.Worklog{ID: d.id(), Author: parley, Started: w.Worklog.Started, Seconds: w.Worklog.Seconds / 60 * 60, Text: w.Worklog.Text, Created: d.j.now, Updated: d.j.now}
		if i := slices.IndexFunc(d.ticket.Worklogs, func(l jsm.Worklog) bool { return twinWorklog+l.ID == w.LocalID }); w.Op == EditPart {
			l.ID = d.ticket.Worklogs[i].ID
			d.ticket.Worklogs[i] = l
		} else {
			d.ticket.Worklogs = append(d.ticket.Worklogs, l)
			d.twins[w.Path] = twinWorklog + l.ID
		}
	}
	d.ticket.WorklogsTotal = len(d.ticket.Worklogs)
}

// participantsField holds who takes part.
func (d *firm) participantsField() jsm.Field {
	return d.schema.Fields[slices.IndexFunc(d.schema.Fields, func(f jsm.Field) bool { return f.Type == jsm.Participants })]
}

func (d *firm) takesPart(account string, in bool) {
	f := d.participantsField()
	v, err := d.ticket.Value(f)
	if err != nil {
		d.j.fail("%v", err)
	}
	people, _ := v.([]jsm.Person)
	people = slices.DeleteFunc(slices.Clone(people), func(p jsm.Person) bool { return p.AccountID == account })
	if in {
		people = append(people, jsm.Person{AccountID: account})
	}
	var parts []json.RawMessage
	for _, p := range people {
		parts = append(parts, json.RawMessage(fmt.Sprintf(`{"accountId":%q}`, p.AccountID)))
	}
	d.ticket.Fields[f.ID], _ = json.Marshal(parts)
}

var southernLinks = []jsm.LinkType{{ID: "10", Name: "Blocks", Outward: "blocks", Inward: "is blocked by"}, {ID: "11", Name: "Cause", Outward: "is caused by", Inward: "causes"}}
