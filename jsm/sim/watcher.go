package sim

import (
	"encoding/json"
	"net/http"
	"slices"
)

// Watching an issue is in no history and does not move its `updated`.

func (t *Tenant) watcherRoutes(r *router) {
	r.add("GET", "/rest/api/{v}/issue/{key}/watchers", func(c *call) answer {
		is, a, found := c.issue()
		if !found {
			return a
		}
		b := c.t.watchesOf(is, view{me: c.me, v2: c.v2})
		list := []any{}
		for _, id := range is.watchers {
			list = append(list, c.t.userBean(c.t.people.byID[id], c.me))
		}
		b["watchers"] = list
		c.objects = 2 * len(list)
		return ok(b)
	})
	r.add("POST", "/rest/api/{v}/issue/{key}/watchers", addWatcher).perItem = true
	r.add("DELETE", "/rest/api/{v}/issue/{key}/watchers", removeWatcher).perItem = true
}

// watchesOf is fields.watches.
func (t *Tenant) watchesOf(is *issue, v view) obj {
	return obj{"self": t.url + "/rest/api/" + v.dialect() + "/issue/" + is.key + "/watchers", "watchCount": len(is.watchers),
		"isWatching": v.me != nil && slices.Contains(is.watchers, v.me.id)}
}

// addWatcher takes an account id as a bare JSON string; an empty body means the caller.
func addWatcher(c *call) answer {
	is, a, found := c.issue()
	if !found {
		return a
	}
	id := c.me.id
	if len(c.body) > 0 && json.Unmarshal(c.body, &id) != nil {
		return refuse(http.StatusBadRequest, "The request body must be an account ID as a JSON string.")
	}
	u := c.t.people.byID[id]
	switch {
	case u != c.me && !c.me.licensed():
		return refuse(http.StatusForbidden, "You do not have the permission to manage the watcher list.")
	case u == nil:
		return refuse(http.StatusNotFound, "The user with the account ID '"+id+"' does not exist.")
	case !u.active || !c.t.sees(u, is):
		return refuse(http.StatusBadRequest, "The user with the account ID '"+id+"' does not have permission to view this issue.")
	}
	if !slices.Contains(is.watchers, id) {
		is.watchers = append(slices.Clip(is.watchers), id)
		c.t.index.wrote(c.t, is)
	}
	return noContent()
}

func removeWatcher(c *call) answer {
	is, a, found := c.issue()
	if !found {
		return a
	}
	id := c.q.Get("accountId")
	switch {
	case id == "":
		return refuse(http.StatusBadRequest, "The query parameter 'accountId' is missing.")
	case id != c.me.id && !c.me.licensed():
		return refuse(http.StatusForbidden, "You do not have the permission to manage the watcher list.")
	case c.t.people.byID[id] == nil:
		return refuse(http.StatusNotFound, "The user with the account ID '"+id+"' does not exist.")
	}
	is.watchers = slices.DeleteFunc(slices.Clone(is.watchers), func(x string) bool { return x == id })
	c.t.index.wrote(c.t, is)
	return noContent()
}
