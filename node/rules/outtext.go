package rules

import (
	"cmp"
	"net/url"
	"strings"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
	"parley/replica/adf"
)

// From a ticket's rich text to what the peer reads: files, persons and addresses as the rules share them.

// TwinRef begins the reference of what is the receiver's own, of which the sender holds the copy: the path of an item in
// the receiver's view follows, or the element of a comment.
const TwinRef = "twin/"

// rich is a text as it crosses. addresses is what the rule says of the tenant's own addresses.
func (v *viewer) rich(doc *adf.Doc, addresses string) replica.Rich {
	o := adf.Outgoing{Media: v.medium, Person: v.mentioned, Email: v.mentionedEmail}
	o.Link = func(address string) adf.Target { return v.address(address, addresses) }
	return replica.Rich(doc.PortableFor(o).JSON())
}

// medium is the attachment that a media node shows: a reference where the peer is shown it, or has the original;
// else its name alone.
func (v *viewer) medium(m adf.Medium) (ref, name string) {
	id := v.in.attachmentOf(m.ID)
	name = cmp.Or(v.in.fileName(id), m.Name, m.Alt)
	if id == "" {
		return "", name
	}
	p := FilePrefix + id
	if _, shown := v.view[replica.Path(p)]; shown {
		return p, name
	}
	if v.in.Origin != nil {
		if theirs, ok := v.in.Origin(p); ok {
			return TwinRef + string(theirs), name
		}
	}
	return "", name
}

// checkAddresses refuses the word where there is no text that could hold one.
func (c *compiler) checkAddresses(e conf.Entity, f *field) {
	if e.Addresses.IsSet() && f.Type != jsm.Paragraph && f.Type != jsm.UnknownType {
		c.ps.Add(e.Addresses.Pos, "remove it: only rich texts hold addresses", "addresses says nothing about %s", f.Name)
	}
}

// ShowsFiles reports whether texts may show files: whether the rules name attachments in either direction.
func (r *Rules) ShowsFiles() bool { return r.namesFiles() }

// attachmentOf is the id of the attachment that has a media id; empty where that is not known.
func (in *Local) attachmentOf(media string) string { return fileOf(in.Files, media) }

// fileOf is the id of the attachment that has a media id.
func fileOf(files map[string]string, media string) string {
	if media == "" {
		return ""
	}
	for id, m := range files {
		if m == media {
			return id
		}
	}
	return ""
}

func (in *Local) fileName(id string) string {
	if id == "" {
		return ""
	}
	for i := range in.Ticket.Attachments {
		if a := &in.Ticket.Attachments[i]; a.ID == id {
			return a.Name
		}
	}
	return ""
}

// mentioned is a person whom a text addresses, as people.share shows them.
func (v *viewer) mentioned(m adf.Mention) (ref, text string) {
	if m.ID == "all" || m.ID == "here" { // nobody there is meant
		return "", m.ID
	}
	p := v.person(v.account(m))
	return p.Ref, cmp.Or(p.Name, p.Alias, p.Company)
}

func (v *viewer) mentionedEmail(m adf.Mention) string { return v.person(v.account(m)).Email }

// account is what the ticket tells of a mentioned account.
func (v *viewer) account(m adf.Mention) jsm.Person {
	t := v.in.Ticket
	for i := range t.Comments {
		if t.Comments[i].Author.AccountID == m.ID {
			return t.Comments[i].Author
		}
	}
	for _, role := range [...]string{"assignee", "reporter"} {
		if got, err := t.Value(system[role]); err == nil {
			if p, ok := got.(jsm.Person); ok && p.AccountID == m.ID {
				return p
			}
		}
	}
	p := jsm.Person{AccountID: m.ID, Name: strings.TrimLeft(m.Text, "@")}
	if strings.HasPrefix(m.ID, "qm:") {
		p.Type = "customer"
	}
	return p
}

// address is an address as it crosses: one of the tenant's own only where it leads to a ticket that both sides share,
// which then crosses as that ticket's address and nothing else, or where the rule keeps all of them.
func (v *viewer) address(address, word string) adf.Target {
	home := hostOf(v.in.Site)
	if word == "keep" || home == "" {
		return adf.Target{URL: address}
	}
	t := adf.Withhold(home)(address)
	key := adf.IssueKey(address)
	if t.URL != "" || word == "text" || key == "" || v.in.SharedKey == nil || !v.in.SharedKey(key) || hostOf(address) != home {
		return t
	}
	return adf.Target{URL: v.r.TicketURL(v.in.Site, key)}
}

// hostOf is the host that an address names, without its port; empty where it names none.
func hostOf(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
