package sim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const maxBody = 16 << 20 // bytes of a request; far beyond any issue

func text(n int64) string { return strconv.FormatInt(n, 10) }

// ServeHTTP answers as the tenant's site does. It takes the lock once, for as long as the answer is worked
// out, and writes to the network without it.
func (t *Tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := r.URL.Path
	if strings.HasPrefix(p, mediaPath) {
		t.serveMedia(w, r)
		return
	}
	isAPI := func(prefix string) bool { return strings.HasPrefix(p, prefix) }
	if !slices.ContainsFunc([]string{"/rest/", "/jsm/", "/gateway/", "/sim/", "/_edge/", "/oauth/", gatePath}, isAPI) {
		t.serveWeb(w, r)
		return
	}
	a, how := t.answer(r, t.takeIn(w, r))
	switch {
	case how == dropped:
		panic(http.ErrAbortHandler) // the connection ends without an answer
	case a.content != nil:
		t.sendContent(w, r, a.content, a.torn)
	default:
		t.send(w, a)
	}
}

func (t *Tenant) send(w http.ResponseWriter, a answer) {
	h := w.Header()
	for k, v := range a.header {
		h[k] = v
	}
	h.Set("Cache-Control", "no-cache, no-store, no-transform")
	if a.raw != nil {
		w.WriteHeader(a.status)
		_, _ = w.Write(a.raw) // the caller is gone: nobody to tell
		return
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a.body); err != nil {
		t.log.Error("answer cannot be written as JSON", "err", err)
		http.Error(w, "cannot encode", http.StatusInternalServerError)
		return
	}
	h.Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(a.status)
	_, _ = w.Write(bytes.TrimRight(out.Bytes(), "\n")) // the caller is gone: nobody to tell
}

// outcome says whether an answer reaches the caller.
type outcome int

const (
	answered outcome = iota
	dropped
)

// answer works out the answer under the lock: who, which endpoint, limits, faults, the work itself, the journal.
func (t *Tenant) answer(r *http.Request, in intake) (answer, outcome) {
	defer t.enter()()
	r, cloud := ungate(r)
	c := &call{t: t, r: r, body: in.body, files: in.files, q: r.URL.Query(), now: t.now(), cloud: cloud}
	path := r.URL.EscapedPath()
	ep, vars, other := t.router.find(r.Method, path)
	c.vars, c.ep = vars, ep
	c.v2 = vars["v"] == "2" || vars["v"] == "latest"
	if ep != nil && strings.HasPrefix(ep.name[strings.IndexByte(ep.name, ' ')+1:], "/sim/") {
		return ep.run(c), answered
	}
	who, stranger, fine := c.admit()
	c.me = who
	if ep == nil {
		a := notFound()
		if other {
			a = answer{status: http.StatusMethodNotAllowed}
		}
		return t.noted(c, r.Method+" unknown", a), answered
	}
	if !fine || who == nil && !ep.open {
		return t.noted(c, ep.name, stranger), answered
	}
	if a, refused := t.wrongContent(c); refused {
		return t.noted(c, ep.name, a), answered
	}
	if in.refusal != nil {
		return t.noted(c, ep.name, *in.refusal), answered
	}
	if a, refused := t.limits.refuses(c); refused {
		return t.noted(c, ep.name, a), answered
	}
	a, how := t.withFaults(c)
	c.lost = how == dropped
	a = t.noted(c, ep.name, a)
	if who != nil {
		a = a.with("X-AACCOUNTID", who.id)
	}
	return a, how
}

// wrongContent refuses a body that is not said to be JSON.
func (t *Tenant) wrongContent(c *call) (answer, bool) {
	kind := c.r.Header.Get("Content-Type")
	if strings.HasPrefix(kind, "application/json") != c.ep.upload {
		return answer{}, false
	}
	if len(c.body) > 0 || c.r.Method == http.MethodPost && kind != "" {
		return answer{status: http.StatusUnsupportedMediaType, body: obj{"errorMessages": []string{"Unsupported Media Type"}, "errors": obj{}}}, true
	}
	return answer{}, false
}

// authenticate reads Basic email:token. A wrong credential is refused, never treated as anonymous.
func (t *Tenant) authenticate(r *http.Request) (*user, bool) {
	head := r.Header.Get("Authorization")
	if head == "" {
		return nil, true
	}
	email, token, basic := r.BasicAuth()
	if !basic {
		return nil, false
	}
	u := t.people.byEmail[strings.ToLower(email)]
	if u == nil || u.token != token || !u.active {
		return nil, false
	}
	return u, true
}
