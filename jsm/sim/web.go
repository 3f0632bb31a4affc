package sim

// The tenant's web face: "/" for the people who work at the desk, "/portal" for its customers. Plain pages
// made here, forms that post and are redirected, no script. Everything a page shows was asked of the
// tenant's own API as the person who looks (web_act.go), so a page can leak nothing that the API hides.
//
// There is no login: it is a toy tenant, and a switch on each page says who one is. The two sides remember
// their person apart, in a cookie named after the tenant, because ports of one host share their cookies.

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

//go:embed pages
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

const maxForm = 1 << 20 // bytes of a posted form

// face is what the web side adds to a tenant. The zero value is ready.
type face struct{ csrf string }

// shell is what every page shows around its own part.
type shell struct {
	Site, Title string
	Project     string
	Portal      bool // the customers' side
	Person      choice
	People      []choice
	Here        string // the page's own address, to come back to
	CSRF        string
	Error       string
	Notice      string
	Refresh     int // seconds after which the page loads itself again; 0: never
}

// listRefresh lets lists show what came in meanwhile. Pages with forms stay as they are.
const listRefresh = 15

// visit is one request of one person.
type visit struct {
	t      *Tenant
	w      http.ResponseWriter
	r      *http.Request
	me     *user
	side   string   // "agent" or "portal"
	files  []upload // of a multipart form
	tooBig bool     // a file was too large
}

var webRoutes = []struct {
	method, pattern string
	run             func(v *visit, vars map[string]string)
}{
	{"GET", "/", (*visit).queue},
	{"GET", "/browse/{key}", (*visit).ticket},
	{"POST", "/browse/{key}/comment", (*visit).comment},
	{"POST", "/browse/{key}/fields", (*visit).fields},
	{"POST", "/browse/{key}/transition", (*visit).transition},
	{"POST", "/browse/{key}/approval", (*visit).approval},
	{"POST", "/browse/{key}/attach", (*visit).attach},
	{"POST", "/browse/{key}/detach", (*visit).detach},
	{"GET", "/browse/{key}/file/{id}", (*visit).file},
	{"POST", "/browse/{key}/watch", (*visit).watch},
	{"POST", "/browse/{key}/participant", (*visit).participant},
	{"POST", "/browse/{key}/work", (*visit).work},
	{"POST", "/browse/{key}/link", (*visit).linkTo},
	{"GET", "/portal", (*visit).portal},
	{"GET", "/portal/raise/{type}", (*visit).raiseForm},
	{"POST", "/portal/raise/{type}", (*visit).raise},
	{"GET", "/portal/{key}", (*visit).request},
	{"POST", "/portal/{key}/comment", (*visit).reply},
	{"POST", "/portal/{key}/approval", (*visit).approval},
	{"POST", "/portal/{key}/attach", (*visit).attach},
	{"GET", "/portal/{key}/file/{id}", (*visit).file},
	{"POST", "/portal/{key}/participant", (*visit).participant},
	{"POST", "/portal/{key}/rate", (*visit).rate},
	{"GET", "/servicedesk/customer/portal/{desk}/{key}", func(v *visit, vars map[string]string) { v.redirect("/portal/" + url.PathEscape(vars["key"])) }},
	{"GET", "/servicedesk/customer/portal/{desk}", func(v *visit, _ map[string]string) { v.redirect("/portal") }},
	{"POST", "/as", (*visit).switchPerson},
	{"GET", "/authorize", (*visit).consentForm},
	{"POST", "/authorize", (*visit).consent},
}

// serveWeb answers every path that is no API's. It is called without the tenant's lock.
func (t *Tenant) serveWeb(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if r.Method == http.MethodGet && r.URL.Path == "/style.css" {
		h.Set("Cache-Control", "max-age=60")
		http.ServeFileFS(w, r, pageFiles, "pages/style.css")
		return
	}
	if id, ok := strings.CutPrefix(r.URL.Path, "/avatar/"); ok && r.Method == http.MethodGet {
		t.serveAvatar(w, id)
		return
	}
	v := &visit{t: t, w: w, r: r, side: "agent"}
	if strings.HasPrefix(r.URL.Path, "/portal") || !multipartForm(r) && r.FormValue("side") == "portal" {
		v.side = "portal"
	}
	v.me = v.person()
	v.route()
}

func (v *visit) route() {
	parts := split(v.r.URL.Path)
	for _, route := range webRoutes {
		want := split(route.pattern)
		if route.method != v.r.Method && !(v.r.Method == http.MethodHead && route.method == http.MethodGet) || len(want) != len(parts) {
			continue
		}
		vars, match := map[string]string{}, true
		for i, p := range want {
			if name, ok := strings.CutPrefix(p, "{"); ok {
				vars[strings.TrimSuffix(name, "}")] = parts[i]
			} else if p != parts[i] {
				match = false
			}
		}
		if !match {
			continue
		}
		if route.method == http.MethodPost && !v.genuine() {
			if v.tooBig {
				v.fail(http.StatusRequestEntityTooLarge, "The file is too large.")
				return
			}
			v.fail(http.StatusForbidden, "This form is too old, or came from another site. Load the page again.")
			return
		}
		route.run(v, vars)
		return
	}
	v.fail(http.StatusNotFound, "There is no such page here.")
}

// genuine tells whether a form came from one of our own pages.
func (v *visit) genuine() bool {
	if multipartForm(v.r) {
		return v.takeForm()
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	if v.r.ParseForm() != nil {
		return false
	}
	return v.ours()
}

func (v *visit) ours() bool {
	return subtle.ConstantTimeCompare([]byte(v.r.PostForm.Get("csrf")), []byte(v.t.csrfToken())) == 1
}

func multipartForm(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/")
}

func (t *Tenant) csrfToken() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.face.csrf == "" {
		var secret [24]byte
		rand.Read(secret[:]) // never fails
		t.face.csrf = hex.EncodeToString(secret[:])
	}
	return t.face.csrf
}

func (v *visit) cookie() string { return "sim-" + v.t.name + "-" + v.side }

// person is who looks: the one chosen before, else the side's first.
func (v *visit) person() *user {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	if c, err := v.r.Cookie(v.cookie()); err == nil {
		if u := v.t.people.byID[c.Value]; u != nil && v.maySit(u) {
			return u
		}
	}
	for _, u := range v.t.people.list {
		if v.maySit(u) && (u.role == Agent && v.side == "agent" || u.role == Customer && v.side == "portal") {
			return u
		}
	}
	return nil
}

// maySit tells who can play on this side: customers have no place at the desk.
func (v *visit) maySit(u *user) bool { return u.active && (v.side == "portal" || !u.customer()) }

func (v *visit) switchPerson(map[string]string) {
	id := v.r.PostFormValue("person")
	v.t.mu.Lock()
	u := v.t.people.byID[id]
	v.t.mu.Unlock()
	if u == nil || !v.maySit(u) {
		v.fail(http.StatusBadRequest, "There is no such person here.")
		return
	}
	http.SetCookie(v.w, &http.Cookie{Name: v.cookie(), Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	v.redirect(v.r.PostFormValue("here"))
}

// redirect sends the browser to one of our own pages.
func (v *visit) redirect(to string) {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n") {
		to = "/"
	}
	http.Redirect(v.w, v.r, to, http.StatusSeeOther)
}

// notices are what a page says after a form went through, by the word in its address.
var notices = map[string]string{
	"comment": "Comment added.", "fields": "Changes saved.", "same": "Nothing was changed.", "transition": "Status changed.",
	"raised": "Your request was sent.", "reply": "Reply sent.", "approval": "Your answer was recorded.",
	"attached": "File attached.", "detached": "File deleted.", "watch": "Done.", "people": "The participants were changed.", "work": "Work logged.",
	"link": "Links changed.", "rated": "Thank you for rating.",
}

func (v *visit) shell(title string) shell {
	s := shell{Site: siteName(v.t.name), Title: title, Project: v.t.Project(), Portal: v.side == "portal", Here: v.r.URL.Path,
		CSRF: v.t.csrfToken(), Notice: notices[v.r.URL.Query().Get("done")]}
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	for _, u := range v.t.people.list {
		if v.maySit(u) {
			c := choice{Value: u.id, Label: u.name + " — " + string(u.role), On: u == v.me}
			if c.On {
				s.Person = choice{Value: u.id, Label: u.name}
			}
			s.People = append(s.People, c)
		}
	}
	return s
}

func siteName(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// show renders a page whole before anything is sent.
func (v *visit) show(status int, page string, data any) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, page, data); err != nil {
		v.t.log.Error("rendering a page", "page", page, "err", err)
		http.Error(v.w, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	if v.r.Method != http.MethodHead {
		_, _ = b.WriteTo(v.w) // the reader has gone away: nothing to do
	}
}

func (v *visit) fail(status int, why string) {
	s := v.shell("Sorry")
	s.Error = why
	v.show(status, "sorry.html", struct{ shell }{s})
}

// serveAvatar draws a person's initials.
func (t *Tenant) serveAvatar(w http.ResponseWriter, id string) {
	t.mu.Lock()
	u := t.people.byID[id]
	t.mu.Unlock()
	if u == nil {
		http.NotFound(w, nil)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "max-age=3600")
	_ = pages.ExecuteTemplate(w, "avatar.svg.html", struct {
		Initials string
		Hue      int
	}{initials(u.name), hue(u.id)})
}

func initials(name string) string {
	var out []rune
	for _, word := range strings.Fields(name) {
		if len(out) < 2 {
			out = append(out, []rune(word)[0])
		}
	}
	return strings.ToUpper(string(out))
}

func hue(s string) int {
	h := 0
	for _, c := range s {
		h = (h*31 + int(c)) % 360
	}
	return h
}
