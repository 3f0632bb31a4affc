package sim

import "net/http"

// Work books work on an issue, in seconds, and gives the work log's id. role limits who sees it; empty: everybody.
func (p Person) Work(key string, seconds int64, words, role string) (string, error) {
	body := obj{"timeSpentSeconds": seconds, "comment": words}
	if role != "" {
		body["visibility"] = obj{"type": "role", "value": role}
	}
	b, err := p.do(http.MethodPost, at2(key, "/worklog"), body)
	return textAt(b, "id"), err
}

// EditWork replaces what a work log says.
func (p Person) EditWork(key, id string, seconds int64, words string) error {
	_, err := p.do(http.MethodPut, at2(key, "/worklog/", id), obj{"timeSpentSeconds": seconds, "comment": words})
	return err
}

// DeleteWork removes a work log.
func (p Person) DeleteWork(key, id string) error {
	_, err := p.do(http.MethodDelete, at2(key, "/worklog/", id), nil)
	return err
}

// Page links a ticket to a page of the web and gives the web link's id.
func (p Person) Page(key, address, title string) (string, error) {
	b, err := p.do(http.MethodPost, at2(key, "/remotelink"), obj{"object": obj{"url": address, "title": title}})
	return textAt(b, "id"), err
}

// EditPage leads a web link to another page.
func (p Person) EditPage(key, id, address, title string) error {
	_, err := p.do(http.MethodPut, at2(key, "/remotelink/", id), obj{"object": obj{"url": address, "title": title}})
	return err
}

// DeletePage removes a web link.
func (p Person) DeletePage(key, id string) error {
	_, err := p.do(http.MethodDelete, at2(key, "/remotelink/", id), nil)
	return err
}

// Relation is a link between two tickets as one of them shows it.
type Relation struct {
	Type    string // its name
	Outward bool   // the ticket stands before the outward words: it blocks Other
	Other   string // key
}

// Relations reads the links of a ticket to other tickets, without permissions; nil where there is no such ticket.
func (t *Tenant) Relations(key string) (list []Relation) {
	defer t.enter()()
	is := t.find(key)
	if is == nil {
		return nil
	}
	for _, l := range is.links {
		r, other := Relation{Type: l.kind.name, Outward: l.inward == is.id}, l.outward
		if !r.Outward {
			other = l.inward
		}
		if o := t.issues.byID[other]; o != nil {
			r.Other = o.key
			list = append(list, r)
		}
	}
	return list
}

// Untie takes away the links of one type by which a ticket stands before another.
func (p Person) Untie(key, linkType, other string) error {
	b, err := p.do(http.MethodGet, at2(key, "?fields=issuelinks"), nil)
	if err != nil {
		return err
	}
	for _, l := range listAt(b, "fields", "issuelinks") {
		if textAt(l, "type", "name") != linkType || textAt(l, "outwardIssue", "key") != other {
			continue
		}
		if _, err := p.do(http.MethodDelete, "/rest/api/2/issueLink/"+textAt(l, "id"), nil); err != nil {
			return err
		}
	}
	return nil
}
