package sim

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func number(id string) int64 {
	n, _ := strconv.ParseInt(id, 10, 64) // ids of ours are numbers
	return n
}

func (t *Tenant) userRoutes(r *router) {
	r.add("GET", "/rest/api/{v}/user", func(c *call) answer {
		u := c.t.people.byID[c.q.Get("accountId")]
		if u == nil {
			return refuse(http.StatusNotFound, "Specified user does not exist or you do not have required permissions")
		}
		c.objects = 2
		return ok(c.t.userBean(u, c.me))
	})
	r.add("GET", "/rest/api/{v}/user/search", searchUsers)
	r.add("GET", "/rest/api/{v}/users/search", func(c *call) answer { return c.userPage(c.t.people.list) })
	r.add("GET", "/rest/api/{v}/user/assignable/search", searchAssignable)
	r.add("GET", "/rest/api/{v}/user/bulk", bulkUsers)
	r.add("GET", "/rest/api/{v}/group/bulk", func(c *call) answer {
		out := []any{}
		for _, g := range c.t.people.groups {
			out = append(out, obj{"name": g.name, "groupId": g.id})
		}
		return c.paged(out)
	})
	r.add("GET", "/rest/api/{v}/group/member", groupMembers)
	r.add("GET", "/rest/api/{v}/groups/picker", pickGroups)
}

// userPage answers a bare array of users, as the user searches do.
func (c *call) userPage(found []*user) answer {
	start, fine1 := c.number("startAt", 0)
	limit, fine2 := c.number("maxResults", 50)
	if !fine1 || !fine2 {
		return badNumber("startAt", c.q.Get("startAt"))
	}
	out := []any{}
	for _, u := range found[min(start, len(found)):min(start+min(limit, 1000), len(found))] {
		out = append(out, c.t.userBean(u, c.me))
	}
	c.objects = 2 * len(out)
	return ok(out)
}

// known tells whether the query names the user; an address counts only where the caller may see it.
func (c *call) known(u *user, query string) bool {
	q := strings.ToLower(query)
	return strings.Contains(strings.ToLower(u.name), q) || c.t.seesEmail(u, c.me) && strings.HasPrefix(strings.ToLower(u.email), q)
}

func searchUsers(c *call) answer {
	query, id := c.q.Get("query"), c.q.Get("accountId")
	if query == "" && id == "" && c.q.Get("property") == "" {
		return refuse(http.StatusBadRequest, "The query parameters 'accountId', 'query' and 'property' are missing. Specify at least one.")
	}
	if !c.me.browses() {
		return refuse(http.StatusForbidden, "You do not have the permission to browse users.")
	}
	var found []*user
	for _, u := range c.t.people.list {
		if id != "" && u.id == id || id == "" && u.active && c.known(u, query) {
			found = append(found, u)
		}
	}
	return c.userPage(found)
}

func searchAssignable(c *call) answer {
	if p := c.q.Get("project"); p != "" && c.t.project(p) == nil {
		return refuse(http.StatusNotFound, "No project could be found with key '"+p+"'.")
	}
	for _, name := range []string{"issueKey", "issueId"} {
		if k := c.q.Get(name); k != "" && c.t.find(k) == nil {
			return issueGone()
		}
	}
	if c.q.Get("project") == "" && c.q.Get("issueKey") == "" && c.q.Get("issueId") == "" {
		return refuse(http.StatusBadRequest, "Must specify either 'project' or 'issueKey' parameter.")
	}
	var found []*user
	for _, u := range c.t.people.list {
		if c.t.assignable(u) && c.known(u, c.q.Get("query")) && (c.q.Get("accountId") == "" || c.q.Get("accountId") == u.id) {
			found = append(found, u)
		}
	}
	return c.userPage(found)
}

func bulkUsers(c *call) answer {
	ids := c.list("accountId")
	if len(ids) == 0 || len(ids) > 200 {
		return refuse(http.StatusBadRequest, "Specify between 1 and 200 account IDs.")
	}
	out := []any{}
	for _, id := range ids {
		if u := c.t.people.byID[id]; u != nil {
			out = append(out, c.t.userBean(u, c.me))
		}
	}
	return c.paged(out)
}

func groupMembers(c *call) answer {
	i := slices.IndexFunc(c.t.people.groups, func(g *group) bool { return g.id == c.q.Get("groupId") || g.name == c.q.Get("groupname") })
	if i < 0 {
		return refuse(http.StatusNotFound, "The group does not exist.")
	}
	out := []any{}
	for _, id := range c.t.people.groups[i].members {
		out = append(out, c.t.userBean(c.t.people.byID[id], c.me))
	}
	return c.paged(out)
}

func pickGroups(c *call) answer {
	out := []any{}
	for _, g := range c.t.people.groups {
		if strings.Contains(strings.ToLower(g.name), strings.ToLower(c.q.Get("query"))) {
			out = append(out, obj{"name": g.name, "groupId": g.id, "html": g.name, "labels": []any{}})
		}
	}
	return ok(obj{"header": "Showing " + strconv.Itoa(len(out)) + " of " + strconv.Itoa(len(out)) + " matching groups", "total": len(out), "groups": out})
}
