package rules

import (
	"bytes"
	"fmt"
	"slices"

	"parley/jsm"
	"parley/replica"
	"parley/replica/adf"
)

// A file of the peer's that is here, and that the rules have come to show to the customer since. Jira has no switch for
// that: what an agent attached is in the portal as soon as a public comment refers to it (JSDCLOUD-13030), and then
// stays. So one comment of ours names it, where none does yet: nothing is attached twice, and nothing is lost. The
// other way round there is nothing to be done: what the customer has seen cannot be taken back.

// EchoInfix ends the path of the comment by which the customer sees a file of the peer's: Jira's own of a public upload,
// or ours. It is nobody's words.
const EchoInfix = "/echo"

// Visibility is the code of what did not get the readers that the rules give it.
const Visibility = "visibility"

const customerSaw = "the customer has seen it, and Jira cannot take that back"

// unshown is a file that is to be shown, once the comments are planned: one of them may do it.
type unshown struct {
	rule   *inAttachments
	path   replica.Path
	theirs replica.Attachment
	file   *jsm.Attachment
}

// fileHere judges a file that was attached here before.
func (p *planner) fileHere(r *inAttachments, path replica.Path, a replica.Attachment, local string) {
	rule, file := place(r.e.Name.Pos), p.file(local)
	echo, echoed := p.in.twin(path + EchoInfix)
	open := p.r.landsPublic(a.Public)
	switch c := p.local(echo); {
	case file == nil:
		p.judgedFile(path, rule, a.Name, Ours, "it was deleted here")
	case echoed && !open:
		p.judgedFile(path, rule, a.Name, Same, customerSaw)
	case echoed && c != nil && !c.Customer():
		p.holdFile(path, rule, Visibility, fmt.Sprintf("%s is here for agents only: the comment that shows it is internal.", clip(a.Name)), "Make that comment public, or delete it; then run: parley held drop.")
	case echoed, !open, file.Customer():
		p.judgedFile(path, rule, a.Name, Same, "")
	case p.takes(r, path, a):
		p.toShow = append(p.toShow, unshown{r, path, a, file})
	}
}

// showFiles plans what shows files to the customer that were internal, and are not meant to be any more.
func (p *planner) showFiles() {
	for _, s := range p.toShow {
		rule, media := place(s.rule.e.Name.Pos), p.in.Files[s.file.ID]
		switch {
		case media == "":
			p.holdFile(s.path, rule, Visibility, fmt.Sprintf("%s is public at %s and internal here: Jira does not tell by which name a comment could show it.", clip(s.theirs.Name), p.r.Peer),
				"Show it by a public comment; then run: parley held drop.")
		case p.publicly(media):
			p.judgedFile(s.path, rule, s.theirs.Name, Same, "a public comment shows it")
		default:
			body := adf.File(media, s.theirs.Name)
			if by := p.byline(s.rule.e.Byline.Value, s.theirs.Author); by != "" {
				body = body.Prepend(by)
			}
			p.plan.Comments = append(p.plan.Comments, CommentWrite{Op: ShowFile, Path: s.path, Public: true, Body: jsm.Rich(body.JSON()), Created: int64(s.theirs.Created), Rule: rule})
			p.judgedFile(s.path, rule, s.theirs.Name, Written, "public at the peer's by now: a comment shows it")
		}
	}
}

// publicly reports whether a public comment shows a file, or is about to.
func (p *planner) publicly(media string) bool {
	shows := func(body []byte) bool {
		if !bytes.Contains(body, []byte(media)) {
			return false
		}
		doc, err := adf.Parse(body)
		return err == nil && slices.ContainsFunc(doc.Media(), func(m adf.Medium) bool { return m.ID == media })
	}
	return slices.ContainsFunc(p.in.Ticket.Comments, func(c jsm.Comment) bool { return c.Customer() && shows(c.Body) }) ||
		slices.ContainsFunc(p.plan.Comments, func(c CommentWrite) bool { return c.Public && shows(c.Body) })
}

// filesToShow lists the files here whose media ids showFiles may ask for.
func (r *Rules) filesToShow(in *Arrival) (ids []string) {
	if in.Ticket == nil {
		return nil
	}
	p := planner{r: r, in: in}
	for _, path := range in.Changed {
		a, ok := AttachmentOf(in.Remote[path])
		local, here := in.twin(path)
		_, echoed := in.twin(path + EchoInfix)
		if file := p.file(local); ok && here && !echoed && file != nil && !file.Customer() && r.landsPublic(a.Public) {
			ids = append(ids, file.ID)
		}
	}
	return ids
}

// byline is the line above what somebody of the peer's said or attached; empty where the rule wants none. Nobody is
// impersonated: our account writes it.
func (p *planner) byline(wanted bool, author replica.Person) string {
	if !wanted {
		return ""
	}
	return p.whose(author) + ":"
}

// whose names somebody of the peer's as the peer shares them.
func (p *planner) whose(author replica.Person) string {
	if name := personName(author); name != "" {
		return clip(name)
	}
	return clip(p.r.Peer)
}
