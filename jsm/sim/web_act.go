package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// bean is a JSON object as an endpoint answered it. The pages read nothing but answers, so a person sees
// what the API shows that person, and no page can show more.
type bean = map[string]any

// act calls one of the tenant's own endpoints as a person, without the gateway's limits, faults and journal.
// It gives the answer's status and, where there is one, its JSON body; a list
// comes under "values".
func (t *Tenant) act(me *user, method, target string, body any) (int, bean) {
	return t.actFiles(me, method, target, body)
}

// actFiles is act with files, as a multipart body brings them.
func (t *Tenant) actFiles(me *user, method, target string, body any, files ...upload) (int, bean) {
	u, err := url.Parse(target)
	if err != nil {
		return http.StatusBadRequest, nil
	}
	var raw []byte
	if body != nil {
		if raw, err = json.Marshal(body); err != nil {
			return http.StatusBadRequest, nil
		}
	}
	req, err := http.NewRequest(method, target, bytes.NewReader(raw))
	if err != nil {
		return http.StatusBadRequest, nil
	}
	a, found := t.runAs(me, req, u, raw, files...)
	if !found {
		return http.StatusNotFound, nil
	}
	text, err := json.Marshal(a.body)
	if err != nil {
		return http.StatusInternalServerError, nil
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return a.status, nil
	}
	if items, ok := v.([]any); ok {
		return a.status, bean{"values": items}
	}
	out, _ := v.(bean)
	return a.status, out
}

func (t *Tenant) runAs(me *user, req *http.Request, u *url.URL, raw []byte, files ...upload) (answer, bool) {
	defer t.enter()()
	e, vars, _ := t.router.find(req.Method, u.EscapedPath())
	if e == nil {
		return answer{}, false
	}
	c := &call{t: t, r: req, body: raw, files: files, q: u.Query(), me: me, vars: vars, now: t.now(), ep: e}
	c.v2 = vars["v"] == "2" || vars["v"] == "latest"
	a := e.run(c)
	// The body may hold values of the live store: it is made independent of them while the lock is held.
	if text, err := json.Marshal(a.body); err == nil {
		a.body = json.RawMessage(text)
	}
	return a, true
}

// listAt gives the beans under a key: of a page ("values", "issues", "comments") or of any other list.
func listAt(b any, path ...string) []bean {
	items, _ := dig(b, path...).([]any)
	out := make([]bean, 0, len(items))
	for _, item := range items {
		if m, ok := item.(bean); ok {
			out = append(out, m)
		}
	}
	return out
}

// dig follows keys down a bean; nil where the way ends.
func dig(v any, path ...string) any {
	for _, key := range path {
		m, ok := v.(bean)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

// textAt gives a value as text, "" where there is none.
func textAt(v any, path ...string) string {
	switch v := dig(v, path...).(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

// complaint is what a refusing answer says, in one line for a person.
func complaint(status int, b bean) string {
	var parts []string
	if msg := textAt(b, "errorMessage"); msg != "" {
		parts = append(parts, msg)
	}
	if list, ok := b["errorMessages"].([]any); ok {
		for _, m := range list {
			parts = append(parts, fmt.Sprint(m))
		}
	}
	if errs, ok := b["errors"].(bean); ok {
		for _, m := range errs {
			parts = append(parts, fmt.Sprint(m))
		}
	}
	if len(parts) == 0 {
		return fmt.Sprintf("That did not work (status %d).", status)
	}
	return strings.Join(parts, " ")
}
