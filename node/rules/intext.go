package rules

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"parley/jsm"
	"parley/replica"
	"parley/replica/adf"
)

// From the peer's rich text to one that this tenant may hold, and that Jira takes.

// maxText is how long Jira lets a comment or a rich text field be, in UTF-16 units of its stored form (facts 9 and 12).
const maxText = 32767

// localRich is a text of the peer's as it is written here. item is the one that it came with: where a file that it
// shows is not here yet, the text names it, and the item waits for the file (Plan.Awaits). Jira opens a file that a
// public comment shows to the customer: public says that it is one, and then only files show that are theirs to see.
func (p *planner) localRich(doc *adf.Doc, addresses string, item replica.Path, public bool) *adf.Doc {
	return doc.Local(p.incoming(addresses, func(m adf.Medium) (adf.Medium, bool) {
		if public && !p.customers(m.Ref) {
			return adf.Medium{}, false
		}
		media, known := p.in.mediaOf(m.Ref)
		if known && media == "" {
			p.awaits(item, replica.Path(m.Ref))
		}
		return adf.Medium{ID: media}, media != ""
	}))
}

// customers reports whether the customer here may see the file behind a ref: one of the peer's that the rules make
// public, or one of ours that surely is.
func (p *planner) customers(ref string) bool {
	if ours, ok := strings.CutPrefix(ref, TwinRef); ok {
		f := p.file(ours)
		return f != nil && f.Customer()
	}
	it, there := p.in.Remote[replica.Path(ref)]
	if !there { // the peer has deleted it, and our copy may have stayed
		local, _ := p.in.twin(replica.Path(ref))
		f := p.file(local)
		return f != nil && f.Customer()
	}
	a, ok := AttachmentOf(it)
	return ok && p.r.landsPublic(a.Public)
}

// withoutFiles is the text as it was written before any of its files came.
func (p *planner) withoutFiles(doc *adf.Doc, addresses string) *adf.Doc {
	return doc.Local(p.incoming(addresses, nil))
}

func (p *planner) incoming(addresses string, media func(adf.Medium) (adf.Medium, bool)) adf.Incoming {
	return adf.Incoming{
		Media: media, Person: p.mentioned, Pictures: addresses == "keep",
		Link: func(address string) adf.Target { return p.address(address, addresses) },
		Key: func(key string) adf.Target {
			if addresses != "twin" || p.in.TwinKey == nil {
				return adf.Target{}
			}
			ours, ok := p.in.TwinKey(key)
			if !ok {
				return adf.Target{}
			}
			return adf.Target{URL: p.r.TicketURL(p.in.Site, ours), Text: key}
		},
	}
}

// awaits notes that an item's text waits for a file.
func (p *planner) awaits(item, ref replica.Path) {
	if p.plan.Awaits == nil {
		p.plan.Awaits = map[replica.Path][]replica.Path{}
	}
	if !slices.Contains(p.plan.Awaits[item], ref) {
		p.plan.Awaits[item] = append(p.plan.Awaits[item], ref)
	}
}

// mediaOf is the media id here of what a portable text calls ref. known with an empty id: it may still come.
// A peer's word opens nothing: a ref leads to what came from it, or to what it was shown.
func (in *Arrival) mediaOf(ref string) (media string, known bool) {
	local, known := in.fileBehind(ref)
	return in.Files[local], known
}

// fileBehind is the attachment here behind a ref; known with an empty id: it is shared, and may still come.
func (in *Arrival) fileBehind(ref string) (id string, known bool) {
	if ours, ok := strings.CutPrefix(ref, TwinRef+FilePrefix); ok {
		if in.Shown == nil || !in.Shown(replica.Path(FilePrefix+ours)) {
			return "", false
		}
		return ours, true
	}
	p := replica.Path(ref)
	if p.Kind() != "attachment" || p.Element() == "" {
		return "", false
	}
	local, _ := in.twin(p)
	return strings.TrimPrefix(local, FilePrefix), true
}

// FilesWanted lists the attachments here whose media ids Plan will ask Arrival.Files for.
func (r *Rules) FilesWanted(in Arrival) (ids []string) {
	in.texts(func(doc *adf.Doc) {
		for _, m := range doc.Media() {
			if id, _ := in.fileBehind(m.Ref); id != "" && in.Files[id] == "" {
				ids = append(ids, id)
			}
		}
	})
	ids = append(ids, r.filesToShow(&in)...)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// texts calls use for every rich text that is to be judged and that refers to anything.
func (in *Arrival) texts(use func(*adf.Doc)) {
	for _, path := range slices.Concat(in.Changed, in.waited()) {
		it := in.Remote[path]
		if !bytes.Contains(it.Raw, []byte(`"ref"`)) {
			continue
		}
		v, err := it.Value()
		if err != nil {
			continue
		}
		for _, body := range richIn(v) {
			if doc, err := adf.Parse(body); err == nil {
				use(doc)
			}
		}
	}
}

func (in *Arrival) waited() (paths []replica.Path) {
	for p := range in.Waited {
		paths = append(paths, p)
	}
	return paths
}

// richIn are the rich texts of a value.
func richIn(v replica.Value) []replica.Rich {
	switch v := v.(type) {
	case replica.Rich:
		return []replica.Rich{v}
	case replica.Comment:
		return []replica.Rich{v.Body}
	case replica.Worklog:
		return []replica.Rich{v.Text}
	}
	return nil
}

// mentioned is the account here of a person whom a text addresses: somebody whom [people] maps or matches, and who can
// be told. Nobody stands in for anybody: else they stay a name.
func (p *planner) mentioned(m adf.Mention) (adf.Mention, bool) {
	for _, email := range p.r.people.candidates(personMeant(m)) {
		if who, ok := p.in.person(email); ok && who.Active && who.Type != "customer" {
			return adf.Mention{ID: who.AccountID, Text: "@" + who.Name}, true
		}
	}
	return adf.Mention{}, false
}

const mostMentioned = 100 // persons of one plan's texts who are looked up: a peer's words cost calls

// mentionsWanted are the addresses of those whom texts address.
func (r *Rules) mentionsWanted(in *Arrival) (emails []string) {
	in.texts(func(doc *adf.Doc) {
		for _, m := range doc.Mentions() {
			for _, email := range r.people.candidates(personMeant(m)) {
				if !slices.Contains(emails, email) && len(emails) < mostMentioned {
					emails = append(emails, email)
				}
			}
		}
	})
	return emails
}

// personMeant is whom a portable mention names.
func personMeant(m adf.Mention) replica.Person {
	name := strings.TrimLeft(m.Text, "@")
	return replica.Person{Ref: m.Ref, Name: name, Alias: name, Email: m.Email}
}

// address is what an address of the peer's becomes here: of a ticket that both sides share the twin's.
func (p *planner) address(address, word string) adf.Target {
	theirs := hostOf(p.in.PeerSite)
	if word == "keep" || theirs == "" || hostOf(address) != theirs {
		return adf.Target{URL: address}
	}
	if word == "text" {
		return adf.Target{}
	}
	if key := adf.IssueKey(address); key != "" && p.in.TwinKey != nil {
		if ours, ok := p.in.TwinKey(key); ok {
			return adf.Target{URL: p.r.TicketURL(p.in.Site, ours)}
		}
	}
	return adf.Target{URL: address}
}

// retain is after with the files that before shows: Jira deletes an attachment when the text that shows it is
// written without it. A file that the peer deleted and that goes with it is gone anyway.
func (p *planner) retain(before jsm.Rich, after *adf.Doc) *adf.Doc {
	was, err := adf.Parse(before)
	if err != nil {
		return after
	}
	return adf.Retain(was, after, func(m adf.Medium) bool {
		id := fileOf(p.in.Files, m.ID)
		if id == "" || p.in.Origin == nil {
			return false
		}
		theirs, copied := p.in.Origin(FilePrefix + id)
		_, there := p.in.Remote[theirs]
		return copied && !there && p.goes(FilePrefix+id)
	})
}

// richField is the value of a rich text field that the peer's text comes to. The error is a *refusal.
func (p *planner) richField(r *inRule, v replica.Rich) (jsm.Value, error) {
	doc, err := adf.Parse(v)
	if err != nil {
		return nil, r.to.refuse(v, "it is no document that can be read")
	}
	doc = p.localRich(doc, r.e.Addresses.Value, r.origin(), false)
	if t := p.in.Ticket; t != nil {
		if now, err := valueOf(t, r.to); err == nil {
			if before, ok := now.(jsm.Rich); ok {
				doc = p.retain(before, doc)
			}
		}
	}
	body := doc.JSON()
	if why := p.unfit(body); why != "" {
		return nil, &refusal{reason: fmt.Sprintf("%s is not written: %s.", r.to.Name, why), next: "Correct or shorten the text at the peer's."}
	}
	return jsm.Rich(body), nil
}

// unfit says why Jira would not take a document; empty: it may. What this version does not know Jira may, or may not:
// it is asked only where the admin says so.
func (p *planner) unfit(body []byte) string {
	if n := len(utf16.Encode([]rune(string(body)))); n > maxText {
		return fmt.Sprintf("it is longer than the %d characters that Jira takes", maxText)
	}
	err := adf.Check(body)
	var flaw *adf.Flaw
	switch {
	case err == nil:
		return ""
	case errors.As(err, &flaw) && flaw.Unknown:
		if p.in.NewerTexts {
			return ""
		}
		return "it holds what this version of parley does not know (" + flaw.Reason + "); a newer one may, or newer_texts = true under [tenant] lets Jira decide"
	case flaw != nil:
		return "it is no document that Jira takes: " + flaw.Reason
	}
	return "it is no document that can be read"
}
