package main

import (
	"fmt"
	"strings"

	"parley/jsm/sim"
)

// What people do in the cases beside writing and moving tickets, and how it is looked for on the other side.

// brings attaches a file with words about it, as the portal does; the words may show it as a picture.
func (p person) brings(key, name string, size int64, words string) {
	p.act("attaching "+name+" to "+key, func() error {
		_, err := p.does.AttachBy(key, name, sim.Noise(uint64(size), size), words, true)
		return err
	})
}

// logs books work, in seconds.
func (p person) logs(key string, seconds int64, words string) {
	p.act("logging work on "+key, func() error { return p.does.Log(key, seconds, words) })
}

// points links a ticket to a page of the web.
func (p person) points(key, address, title string) {
	p.act("linking "+key, func() error { return p.does.WebLink(key, address, title) })
}

// asks brings a ticket to a status in which somebody has to approve it.
func (p person) asks(key, status string, approver person) {
	p.act("asking for approval of "+key, func() error {
		return p.does.Transition(key, status, map[string]any{"Approvers": []string{approver.mail}})
	})
}

// approves answers the approval that waits.
func (p person) approves(key string) {
	p.act("approving "+key, func() error { return p.does.Answer(key, true) })
}

// bears waits for a file of this name whose content is, byte for byte, the one at the other company.
func (s *drama) bears(company, ticket, name, from string) look {
	return s.like(company, ticket, func(t sim.Ticket) (string, bool) {
		origin, _ := s.ticket(from, ticket)
		for _, f := range t.Files {
			for _, o := range origin.Files {
				if f.Name == name && o.Name == name {
					return fmt.Sprintf("%s, %d bytes", f.Name, f.Size), f.SHA256 == o.SHA256
				}
			}
		}
		return fmt.Sprintf("%d files", len(t.Files)), false
	})
}

// pictured waits for a comment that shows a file as a picture, in its place.
func (s *drama) pictured(company, ticket, words, name string) look {
	return s.like(company, ticket, func(t sim.Ticket) (string, bool) {
		for _, c := range t.Comments {
			if strings.Contains(c.Text, words) {
				return "the comment is there", strings.Contains(c.Wiki, "!"+name)
			}
		}
		return fmt.Sprintf("%d comments", len(t.Comments)), false
	})
}

// filled waits for a field to hold something like that; "" means anything.
func (s *drama) filled(company, ticket, field, value string) look {
	return s.like(company, ticket, func(t sim.Ticket) (string, bool) {
		is := strings.Join(t.Fields[field], ", ")
		return field + ": " + is, is != "" && (value == "" || is == value)
	})
}
