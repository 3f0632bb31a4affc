package sim

import (
	"fmt"
	"net/http"
)

// Watch makes somebody watch a ticket, by e-mail address.
func (p Person) Watch(key, who string) error {
	id, err := p.account(who)
	if err != nil {
		return err
	}
	_, err = p.do(http.MethodPost, at2(key, "/watchers"), id)
	return err
}

// Unwatch ends that.
func (p Person) Unwatch(key, who string) error {
	id, err := p.account(who)
	if err != nil {
		return err
	}
	_, err = p.do(http.MethodDelete, at2(key, "/watchers?accountId="+id), nil)
	return err
}

// Share lets people take part in a request, by e-mail address.
func (p Person) Share(key string, who ...string) error {
	return p.participants(http.MethodPost, key, who)
}

// Unshare ends that.
func (p Person) Unshare(key string, who ...string) error {
	return p.participants(http.MethodDelete, key, who)
}

func (p Person) participants(method, key string, who []string) error {
	var ids []string
	for _, w := range who {
		id, err := p.account(w)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	_, err := p.do(method, atDesk(key, "/participant"), obj{"accountIds": ids})
	return err
}

func (p Person) account(email string) (string, error) {
	defer p.t.enter()()
	u := p.t.person(email)
	if u == nil {
		return "", fmt.Errorf("%w: no such person: %s", ErrDeed, email)
	}
	return u.id, nil
}

// WebLink links a ticket to a page of the web.
func (p Person) WebLink(key, address, title string) error {
	_, err := p.do(http.MethodPost, at2(key, "/remotelink"), obj{"object": obj{"url": address, "title": title}})
	return err
}

// Article links a ticket to a page of the knowledge base.
func (p Person) Article(key, address, title string) error {
	_, err := p.do(http.MethodPost, at2(key, "/remotelink"), obj{"application": obj{"type": "com.atlassian.confluence", "name": "Knowledge base"},
		"object": obj{"url": address, "title": title}})
	return err
}

// Unlink takes away all links between two tickets.
func (p Person) Unlink(key, other string) error {
	b, err := p.do(http.MethodGet, at2(key, "?fields=issuelinks"), nil)
	if err != nil {
		return err
	}
	gone := false
	for _, l := range listAt(b, "fields", "issuelinks") {
		if textAt(l, "inwardIssue", "key") != other && textAt(l, "outwardIssue", "key") != other {
			continue
		}
		if _, err := p.do(http.MethodDelete, "/rest/api/2/issueLink/"+textAt(l, "id"), nil); err != nil {
			return err
		}
		gone = true
	}
	if !gone {
		return fmt.Errorf("%w: %s has no link to %s", ErrDeed, key, other)
	}
	return nil
}

// Part makes a sub-task and gives its key.
func (p Person) Part(key, summary string) (string, error) {
	unlock := p.t.enter()
	is, kinds := p.t.find(key), p.t.lists.subtasks
	var fields obj
	if is != nil && len(kinds) > 0 {
		fields = obj{"project": obj{"key": is.proj.key}, "issuetype": obj{"id": kinds[0]}, "summary": summary, "parent": obj{"key": is.key}}
	}
	unlock()
	if fields == nil {
		return "", fmt.Errorf("%w: no such issue, or no sub-tasks here", ErrDeed)
	}
	b, err := p.do(http.MethodPost, "/rest/api/2/issue", obj{"fields": fields})
	return textAt(b, "key"), err
}
