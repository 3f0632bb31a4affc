package exchange_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"parley/jsm/sim"
	"parley/node/ledger"
)

// What people do on a tenant and see there.

// do is one call of a person.
func (c *company) do(who sim.Account, method, path string, body any) map[string]any {
	c.w.t.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		c.w.must(err)
		in = bytes.NewReader(b)
	}
	r, err := http.NewRequest(method, c.tenant.URL()+path, in)
	c.w.must(err)
	r.SetBasicAuth(who.Email, who.Token)
	r.Header.Set("Content-Type", "application/json")
	a, err := inProcess{c.tenant}.RoundTrip(r)
	c.w.must(err)
	b, err := io.ReadAll(a.Body)
	c.w.must(err)
	if a.StatusCode >= 300 {
		c.w.t.Fatalf("%s %s as %s: %d %s", method, path, who.Email, a.StatusCode, b)
	}
	out := map[string]any{}
	if len(b) > 0 {
		c.w.must(json.Unmarshal(b, &out))
	}
	return out
}

// raise creates a request of the desk's first type and then sets the fields
// that no portal form has.
func (c *company) raise(summary string, fields map[string]any) string {
	c.w.t.Helper()
	desk := c.first("/rest/servicedeskapi/servicedesk")
	kind := c.first("/rest/servicedeskapi/servicedesk/" + desk + "/requesttype")
	made := c.do(c.agent, "POST", "/rest/servicedeskapi/request", map[string]any{
		"serviceDeskId": desk, "requestTypeId": kind, "requestFieldValues": map[string]any{"summary": summary, "description": "Since this morning."},
	})
	key := made["issueKey"].(string)
	if len(fields) > 0 {
		c.edit(key, fields)
	}
	return key
}

func (c *company) first(path string) string {
	c.w.t.Helper()
	return c.do(c.agent, "GET", path, nil)["values"].([]any)[0].(map[string]any)["id"].(string)
}

func (c *company) edit(key string, fields map[string]any) {
	c.w.t.Helper()
	c.do(c.agent, "PUT", "/rest/api/3/issue/"+key, map[string]any{"fields": fields})
}

func (c *company) comment(key, text string, public bool) {
	c.w.t.Helper()
	c.do(c.agent, "POST", "/rest/servicedeskapi/request/"+key+"/comment", map[string]any{"body": text, "public": public})
}

func (c *company) move(key, status string) {
	c.w.t.Helper()
	open := c.do(c.agent, "GET", "/rest/api/3/issue/"+key+"/transitions", nil)["transitions"].([]any)
	for _, t := range open {
		t := t.(map[string]any)
		if t["to"].(map[string]any)["name"] == status {
			c.do(c.agent, "POST", "/rest/api/3/issue/"+key+"/transitions", map[string]any{"transition": map[string]any{"id": t["id"]}})
			return
		}
	}
	c.w.t.Fatalf("no transition of %s leads to %q now", key, status)
}

// resolve takes the transition to Resolved with a resolution on its screen.
func (c *company) resolve(key string) {
	c.w.t.Helper()
	open := c.do(c.agent, "GET", "/rest/api/3/issue/"+key+"/transitions", nil)["transitions"].([]any)
	for _, t := range open {
		t := t.(map[string]any)
		if t["to"].(map[string]any)["name"] == "Resolved" && t["hasScreen"] == true {
			c.do(c.agent, "POST", "/rest/api/3/issue/"+key+"/transitions", map[string]any{"transition": map[string]any{"id": t["id"]}, "fields": map[string]any{"resolution": map[string]any{"name": "Done"}}})
			return
		}
	}
	c.w.t.Fatalf("%s cannot be resolved now", key)
}

// fields reads a ticket as its agent sees it.
func (c *company) fields(key string) map[string]any {
	c.w.t.Helper()
	return c.do(c.agent, "GET", "/rest/api/3/issue/"+key, nil)["fields"].(map[string]any)
}

// name reads the name of a field that is one object: priority, status …
func (c *company) named(key, field string) string {
	c.w.t.Helper()
	o, _ := c.fields(key)[field].(map[string]any)
	name, _ := o["name"].(string)
	return name
}

// said lists a ticket's comments as "public: text" or "internal: text".
func (c *company) said(key string) (lines []string) {
	c.w.t.Helper()
	page := c.do(c.agent, "GET", "/rest/api/3/issue/"+key+"/comment", nil)
	for _, e := range page["comments"].([]any) {
		e := e.(map[string]any)
		who := "internal"
		if e["jsdPublic"].(bool) {
			who = "public"
		}
		lines = append(lines, who+": "+plain(e["body"]))
	}
	return lines
}

// plain is the text of an ADF body, paragraphs joined by " / ".
func plain(node any) string {
	n, ok := node.(map[string]any)
	if !ok {
		return ""
	}
	if s, ok := n["text"].(string); ok {
		return s
	}
	var parts []string
	list, _ := n["content"].([]any)
	for _, child := range list {
		parts = append(parts, plain(child))
	}
	if n["type"] == "doc" {
		return strings.Join(parts, " / ")
	}
	return strings.Join(parts, "")
}

// keys lists the tenant's tickets, oldest first.
func (c *company) keys() (keys []string) {
	c.w.t.Helper()
	page := c.do(c.agent, "POST", "/rest/api/3/search/jql", map[string]any{"jql": "project = " + c.tenant.Project() + " ORDER BY created ASC, key ASC", "fields": []string{"summary"}, "maxResults": 1000})
	for _, e := range page["issues"].([]any) {
		keys = append(keys, e.(map[string]any)["key"].(string))
	}
	return keys
}

func name(s string) map[string]any { return map[string]any{"name": s} }

// twin is the key of a ticket's twin on the other side.
func (c *company) twin(key string) (twin string) {
	c.peer.led.Links("", func(k ledger.Link) bool {
		in, err := c.peer.led.Incoming(k.Connection, k.ID)
		if err == nil && in.Key == key {
			twin = k.Key
		}
		return twin == ""
	})
	if twin == "" {
		c.led.Links("", func(k ledger.Link) bool {
			if k.Key == key {
				in, _ := c.led.Incoming(k.Connection, k.ID)
				twin = in.Key
				w, _ := c.led.Word(k.Connection, k.ID)
				if twin == "" {
					twin = w.Twin
				}
			}
			return twin == ""
		})
	}
	return twin
}
