package sim

import (
	"net/http"
	"slices"
	"strconv"
)

// webhookRoutes are the administrator's registration of webhooks (the old API, which API tokens may call),
// and the dynamic webhooks of OAuth apps, which they may not.
func (t *Tenant) webhookRoutes(r *router) {
	r.add("POST", "/rest/webhooks/1.0/webhook", adminOnly(registerWebhook))
	r.add("GET", "/rest/webhooks/1.0/webhook", adminOnly(listWebhooks))
	r.add("GET", "/rest/webhooks/1.0/webhook/{id}", adminOnly(withHook(func(c *call, h *hook) answer { return ok(c.hookBean(h)) })))
	r.add("DELETE", "/rest/webhooks/1.0/webhook/{id}", adminOnly(withHook(removeWebhook)))
	for _, method := range []string{"GET", "POST", "DELETE"} {
		r.add(method, "/rest/api/{v}/webhook", func(*call) answer {
			return refuse(http.StatusForbidden, "Only Connect apps and OAuth 2.0 apps can use this operation.")
		})
	}
}

// simWebhookRoutes are the switches of the simulation itself.
func (t *Tenant) simWebhookRoutes(r *router) {
	r.add("GET", "/sim/webhooks/faults", func(c *call) answer { return ok(c.t.hooks.faults) })
	r.add("PUT", "/sim/webhooks/faults", func(c *call) answer {
		var f WebhookFaults
		if bad, fine := c.decode(&f); !fine {
			return bad
		}
		c.t.hooks.faults = f
		return ok(f)
	})
	r.add("POST", "/sim/webhooks/automation", addAutomation)
	r.add("GET", "/sim/webhooks/deliveries", func(c *call) answer {
		return ok(obj{"deliveries": slices.Clone(c.t.hooks.record), "waiting": len(c.t.hooks.waiting), "overflow": c.t.hooks.overflow})
	})
}

// addAutomation makes an automation rule that sends a web request:
// {"url","events","jql","header":{…},"body"}. A live site has no API for it.
func addAutomation(c *call) answer {
	var in struct {
		URL    string            `json:"url"`
		Events []string          `json:"events"`
		JQL    string            `json:"jql"`
		Header map[string]string `json:"header"`
		Body   string            `json:"body"`
	}
	if bad, fine := c.decode(&in); !fine {
		return bad
	}
	h, err := c.t.addHook(Webhook{Name: "automation", URL: in.URL, Events: in.Events, JQL: in.JQL, Automation: true, Header: in.Header, Body: in.Body}, c.me)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	return created(c.hookBean(h))
}

func adminOnly(run func(*call) answer) func(*call) answer {
	return func(c *call) answer {
		if !c.me.admin() {
			return refuse(http.StatusForbidden, "The user is not authorized to access this resource. Administrator privileges are required.")
		}
		return run(c)
	}
}

func withHook(run func(*call, *hook) answer) func(*call) answer {
	return func(c *call) answer {
		for _, h := range c.t.hooks.list {
			if strconv.FormatInt(h.id, 10) == c.v("id") {
				return run(c, h)
			}
		}
		return refuse(http.StatusNotFound, "There is no webhook with id "+c.v("id")+".")
	}
}

// issueSection is the name under which a webhook keeps its JQL.
const issueSection = "issue-related-events-section"

func registerWebhook(c *call) answer {
	var in struct {
		Name        string            `json:"name"`
		URL         string            `json:"url"`
		Events      []string          `json:"events"`
		Filters     map[string]string `json:"filters"`
		ExcludeBody bool              `json:"excludeBody"`
		Secret      string            `json:"secret"`
	}
	if bad, fine := c.decode(&in); !fine {
		return bad
	}
	h, err := c.t.addHook(Webhook{Name: in.Name, URL: in.URL, Events: in.Events, JQL: in.Filters[issueSection], Secret: in.Secret,
		ExcludeBody: in.ExcludeBody}, c.me)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	return created(c.hookBean(h))
}

func listWebhooks(c *call) answer {
	out := []any{}
	for _, h := range c.t.hooks.list {
		out = append(out, c.hookBean(h))
	}
	return ok(out)
}

func removeWebhook(c *call, h *hook) answer {
	c.t.hooks.list = slices.DeleteFunc(c.t.hooks.list, func(other *hook) bool { return other == h })
	c.t.hooks.waiting = slices.DeleteFunc(c.t.hooks.waiting, func(d *delivery) bool { return d.hook == h })
	return noContent()
}

// hookBean never shows the secret: it is write-only.
func (c *call) hookBean(h *hook) obj {
	b := obj{"name": h.Name, "url": h.URL, "excludeBody": h.ExcludeBody, "filters": obj{issueSection: h.JQL}, "events": h.Events,
		"enabled": true, "isSigned": h.Secret != "", "lastUpdated": h.updated.UnixMilli(),
		"self": c.t.url + "/rest/webhooks/1.0/webhook/" + strconv.FormatInt(h.id, 10)}
	if h.by != nil {
		b["lastUpdatedUser"], b["lastUpdatedDisplayName"] = h.by.id, h.by.name
	}
	return b
}
