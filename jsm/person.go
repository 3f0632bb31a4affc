package jsm

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Account is who we are for Jira.
type Account struct {
	Person
	TimeZone string // IANA name; dates in JQL written as text mean this zone
}

// Myself reads the calling account.
func (c *Client) Myself(ctx context.Context) (Account, error) {
	var out struct {
		personJSON
		TimeZone string `json:"timeZone"`
	}
	_, err := c.do(ctx, call{op: opMyself, method: http.MethodGet, path: rest("myself"), out: &out, objects: func() int { return 2 }})
	if err != nil {
		return Account{}, err
	}
	if out.AccountID == "" {
		return Account{}, unusable(opMyself, 200, false, Tenant, "the answer has no account id; is this Jira Cloud?")
	}
	return Account{Person: out.person(), TimeZone: out.TimeZone}, nil
}

// FindPerson finds the account with this e-mail. Only a visible, equal address counts: where privacy
// settings hide addresses nobody is found rather than somebody else taken. The account may be
// inactive; Jira refuses those as assignees.
func (c *Client) FindPerson(ctx context.Context, email string) (Person, bool, error) {
	if strings.TrimSpace(email) == "" {
		return Person{}, false, nil
	}
	var out []personJSON
	_, err := c.do(ctx, call{
		op: opUsers, method: http.MethodGet, path: rest("user", "search"), query: url.Values{"query": {email}},
		out: &out, objects: func() int { return 2 * len(out) },
	})
	if err != nil {
		return Person{}, false, err
	}
	var found []Person
	for i := range out {
		if p := out[i].person(); p.AccountID != "" && strings.EqualFold(p.Email, email) {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 0:
		return Person{}, false, nil
	case 1:
		return found[0], true, nil
	}
	return Person{}, false, fmt.Errorf("%d accounts have this e-mail address", len(found))
}

// Permissions tells which of the permissions (keys such as EDIT_ISSUES) the account lacks in a
// project. Jira refuses a list with a key that it does not know.
func (c *Client) Permissions(ctx context.Context, project string, keys []string) (missing []string, err error) {
	var out struct {
		Permissions map[string]struct {
			Have bool `json:"havePermission"`
		} `json:"permissions"`
	}
	_, err = c.do(ctx, call{
		op: "GET mypermissions", method: http.MethodGet, path: rest("mypermissions"),
		query: url.Values{"projectKey": {project}, "permissions": {strings.Join(keys, ",")}}, // "permissions" is mandatory on Cloud [S]
		out:   &out, objects: func() int { return 2 * len(out.Permissions) },
	})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return out.Permissions[k].Have }), nil
}
