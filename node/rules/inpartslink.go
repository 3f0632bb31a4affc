package rules

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"parley/jsm"
	"parley/replica"
)

// Links as they are made here: between tickets, and to the web.

// relation plans a link to another shared ticket.
func (p *planner) relation(r *inPart, path replica.Path, theirs replica.Relation) {
	var other jsm.Option
	shared := false
	if p.in.Shared != nil {
		other, shared = p.in.Shared(theirs.To.Link)
	}
	if !shared {
		p.holdPart(r, path, NoTwin, fmt.Sprintf("A link of the peer leads to %s, which has no twin here yet.", clip(theirs.To.Key)), "It is judged again by itself when its twin is made.")
		return
	}
	name, verdict := r.with.apply(theirs.Type, "")
	if verdict == Skipped {
		p.judgedPart(r, path, Skipped, fmt.Sprintf("%q is not in the map", clip(theirs.Type)))
		return
	}
	kind, reversed, found := linkType(p.in.LinkTypes, name, theirs, r.with == nil)
	if verdict == Waits || !found {
		p.holdPart(r, path, Unmapped, fmt.Sprintf("There is no kind of link here for %q from %s.", clip(theirs.Type), p.r.Peer), "Add it to map under [incoming.links], or set else.")
		return
	}
	want := &LinkWrite{Type: kind, Reversed: reversed, Other: other}
	now, there := p.localLink(want)
	switch local, known := p.in.twin(path); {
	case known && there:
		p.judgedPart(r, path, Same, "")
	case known && p.holdsLink(local): // Jira changes no link's kind: the new one takes the old one's place
		p.writePart(r, PartWrite{Op: DeletePart, Path: path, LocalID: local, Link: want}, "its kind has changed")
		p.writePart(r, PartWrite{Op: AddPart, Path: path, Link: want}, "its kind has changed")
	case known:
		p.judgedPart(r, path, Ours, "it was deleted here")
	case there && p.orphan(twinLink+now.ID):
		p.adoptLink(r, path, now, want, "the peer took it away and made it anew")
	case there && p.r.parts.out["links"] != nil && p.in.PeerNode > p.in.LocalNode:
		// One of the two must be the origin, and both sides choose the same.
		p.adoptLink(r, path, now, want, "both sides have made it")
	case there:
		p.judgedPart(r, path, Same, "it is here already")
	default:
		p.writePart(r, PartWrite{Op: AddPart, Path: path, Link: want}, "new")
	}
}

// orphan reports whether a part here is the twin of an item that the peer has taken away.
func (p *planner) orphan(local string) bool {
	return slices.ContainsFunc(p.in.Changed, func(path replica.Path) bool {
		_, stands := p.in.Remote[path]
		twin, known := p.in.twin(path)
		return !stands && known && twin == local
	})
}

func (p *planner) adoptLink(r *inPart, path replica.Path, now jsm.IssueLink, want *LinkWrite, why string) {
	p.plan.Parts = append(p.plan.Parts, PartWrite{Op: AdoptPart, Path: path, LocalID: twinLink + now.ID, Link: want, Rule: place(r.e.Name.Pos)})
	p.judgedPart(r, path, Same, why)
}

// linkType finds the kind of link that a name stands for: its own name, or its words for one direction, of which the
// inward ones turn the link round. Where the rule maps nothing the peer's words are tried after its name.
func linkType(all []jsm.LinkType, name string, theirs replica.Relation, unmapped bool) (kind jsm.LinkType, reversed, found bool) {
	tries := []string{name}
	if unmapped {
		tries = append(tries, theirs.Outward)
	}
	for _, word := range tries {
		if word == "" {
			continue
		}
		for _, k := range all {
			if k.Name == word || k.ID == word {
				return k, false, true
			}
		}
		for _, k := range all {
			if k.Outward == word || k.Inward == word {
				return k, k.Outward != word, true
			}
		}
	}
	return kind, false, false
}

// localLink finds a link of the ticket that is as it should be.
func (p *planner) localLink(want *LinkWrite) (l jsm.IssueLink, there bool) {
	if p.in.Ticket == nil {
		return l, false
	}
	i := slices.IndexFunc(p.in.Ticket.Links, want.Is)
	if i < 0 {
		return l, false
	}
	return p.in.Ticket.Links[i], true
}

// Is reports whether a link of the ticket is what the write would make.
func (w *LinkWrite) Is(l jsm.IssueLink) bool {
	return l.Type.ID == w.Type.ID && l.Other.ID == w.Other.ID && (l.Outward != w.Reversed || l.Type.Inward == l.Type.Outward)
}

func (p *planner) holdsLink(local string) bool {
	return p.in.Ticket != nil && slices.ContainsFunc(p.in.Ticket.Links, func(l jsm.IssueLink) bool { return twinLink+l.ID == local })
}

const (
	maxTitle   = 255  // characters of a web link's title that Jira takes [U]
	maxAddress = 2000 // characters of its address, likewise
)

// webLink plans a web link. Its global id is made of the link and the item, so the same one is written again and never twice.
func (p *planner) webLink(r *inPart, path replica.Path, theirs replica.WebLink) {
	u, err := url.Parse(theirs.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" || utf8.RuneCountInString(theirs.URL) > maxAddress {
		p.holdPart(r, path, Refused, "A web link of the peer is no plain address of the web.", "Let the partner correct it, or share it in a comment.")
		return
	}
	title := strings.TrimSpace(theirs.Title)
	if title == "" {
		title = theirs.URL
	}
	want := &jsm.RemoteLink{GlobalID: p.in.GlobalID + string(path), URL: theirs.URL, Title: cut(title, maxTitle), Summary: cut(theirs.Summary, maxTitle)}
	w := PartWrite{Op: AddPart, Path: path, Web: want}
	now, there := p.localWeb(want.GlobalID)
	switch _, known := p.in.twin(path); {
	case there && now.URL == want.URL && now.Title == want.Title && now.Summary == want.Summary:
		p.judgedPart(r, path, Same, "")
	case known && !there:
		p.judgedPart(r, path, Ours, "it was deleted here")
	case known:
		w.Op, w.LocalID = EditPart, twinWebLink+want.GlobalID
		p.writePart(r, w, "edited")
	default:
		p.writePart(r, w, "new")
	}
}

func (p *planner) localWeb(globalID string) (l jsm.RemoteLink, there bool) {
	if p.in.Ticket == nil {
		return l, false
	}
	i := slices.IndexFunc(p.in.Ticket.WebLinks, func(l jsm.RemoteLink) bool { return l.GlobalID == globalID })
	if i < 0 {
		return l, false
	}
	return p.in.Ticket.WebLinks[i], true
}

// cut shortens a text to n characters, as Jira counts them.
func cut(s string, n int) string {
	if units(s) <= n {
		return s
	}
	room := n - 1
	for i, r := range s {
		if room -= utf16.RuneLen(r); room < 0 {
			return s[:i] + "…"
		}
	}
	return s
}
