package sim

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// surfer is a browser without a screen: it keeps cookies, follows redirects and finds the CSRF token on a page.
type surfer struct {
	t      *testing.T
	client *http.Client
	base   string
}

func surf(t *testing.T) (*Tenant, *surfer) {
	t.Helper()
	tenant := MustNew(Config{Name: "north"})
	server := httptest.NewServer(tenant)
	t.Cleanup(server.Close)
	tenant.SetURL(server.URL)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return tenant, &surfer{t, &http.Client{Jar: jar}, server.URL}
}

func (s *surfer) read(resp *http.Response, err error) (int, string) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func (s *surfer) get(path string) (int, string) {
	s.t.Helper()
	return s.read(s.client.Get(s.base + path))
}

var csrfInput = regexp.MustCompile(`name="csrf" value="([0-9a-f]+)"`)

// post sends a form with the token of the page it stands on.
func (s *surfer) post(page, action string, form url.Values) (int, string) {
	s.t.Helper()
	_, body := s.get(page)
	m := csrfInput.FindStringSubmatch(body)
	if m == nil {
		s.t.Fatalf("no token on %s:\n%s", page, body)
	}
	form.Set("csrf", m[1])
	return s.read(s.client.PostForm(s.base+action, form))
}

func (s *surfer) be(side string, a Account) {
	s.t.Helper()
	page, form := "/", url.Values{"person": {a.ID}, "here": {"/"}}
	if side == "portal" {
		page, form = "/portal", url.Values{"person": {a.ID}, "here": {"/portal"}, "side": {"portal"}}
	}
	if status, body := s.post(page, "/as", form); status != 200 {
		s.t.Fatalf("switching to %s: %d\n%s", a.Name, status, body)
	}
}

const nasty = `<script>alert("x")</script> & 'quotes' [click|javascript:alert(1)]`

// raise lets the portal's person raise a request by the first type that asks for a summary, and gives its key.
func (s *surfer) raise(tenant *Tenant, summary string) string {
	s.t.Helper()
	_, portal := s.get("/portal")
	for _, m := range regexp.MustCompile(`href="(/portal/raise/\d+)"`).FindAllStringSubmatch(portal, -1) {
		_, form := s.get(m[1])
		if strings.Contains(form, "required><option") || strings.Contains(form, `class="checks"`) {
			continue // this one wants a choice as well
		}
		values := url.Values{"f.summary": {summary}}
		if strings.Contains(form, `name="f.description"`) {
			values.Set("f.description", "It is about *this*: "+nasty)
		}
		status, body := s.post(m[1], m[1], values)
		key := regexp.MustCompile(tenant.Project() + `-\d+`).FindString(body)
		if status != 200 || key == "" || !strings.Contains(body, "Your request was sent.") {
			s.t.Fatalf("raising: status %d\n%s", status, body)
		}
		return key
	}
	s.t.Fatalf("no simple request type:\n%s", portal)
	return ""
}

func TestWebStory(t *testing.T) {
	tenant, s := surf(t)
	key := s.raise(tenant, "Need help "+nasty)
	for _, page := range []string{"/", "/browse/" + key, "/portal", "/portal/" + key} {
		status, body := s.get(page)
		if status != 200 || strings.Contains(body, "<script") || strings.Contains(body, `href="javascript`) || !strings.Contains(body, "&lt;script&gt;") {
			t.Errorf("%s: status %d, escaping\n%s", page, status, body)
		}
	}
	if _, body := s.get("/browse/" + key); !strings.Contains(body, "<strong>this</strong>") {
		t.Errorf("the description is not shown as rich text:\n%s", body)
	}
	if status, body := s.post("/browse/"+key, "/browse/"+key+"/comment", url.Values{"comment": {"Only for us"}}); status != 200 || !strings.Contains(body, "Internal note</span>") {
		t.Errorf("a comment without an audience must stay internal: %d\n%s", status, body)
	}
	s.post("/browse/"+key, "/browse/"+key+"/comment", url.Values{"comment": {"Dear *customer*"}, "audience": {"public"}})
	_, body := s.get("/portal/" + key)
	if !strings.Contains(body, "Dear <strong>customer</strong>") || strings.Contains(body, "Only for us") {
		t.Errorf("the portal shows the wrong comments:\n%s", body)
	}
	s.post("/portal/"+key, "/portal/"+key+"/comment", url.Values{"comment": {"Thank you"}})
	if _, body := s.get("/browse/" + key); !strings.Contains(body, "Thank you") {
		t.Error("the agent does not see the reply")
	}
}

// TestWebSavesOnlyWhatChanged: a value that changed under the form's feet survives.
func TestWebSavesOnlyWhatChanged(t *testing.T) {
	tenant, s := surf(t)
	key := s.raise(tenant, "Before")
	who, _ := tenant.Account(Agent)
	api := scripted{t: t, base: tenant.URL(), account: who, rt: inProcess{tenant}}
	api.do("PUT", "/rest/api/3/issue/"+key, bean{"fields": bean{"summary": "By somebody else"}}, 204)
	form := url.Values{"was.summary": {"Before"}, "f.summary": {"Before"}, "was.labels": {""}, "f.labels": {"vpn  fire"}}
	if status, body := s.post("/browse/"+key, "/browse/"+key+"/fields", form); status != 200 || !strings.Contains(body, "Changes saved.") {
		t.Fatalf("saving: %d\n%s", status, body)
	}
	is := api.get("/rest/api/3/issue/" + key)
	if got := textAt(is, "fields", "summary"); got != "By somebody else" {
		t.Errorf("summary is %q", got)
	}
	if got := strings.Join(ids(dig(is, "fields", "labels")), " "); got != "fire vpn" && got != "vpn fire" {
		t.Errorf("labels are %q", got)
	}
	form = url.Values{"was.labels": {"fire vpn"}, "f.labels": {strings.Repeat("x", 300)}}
	if status, body := s.post("/browse/"+key, "/browse/"+key+"/fields", form); status != 422 || !strings.Contains(body, `role="alert"`) {
		t.Errorf("a refused edit answers %d\n%s", status, body)
	}
}

// TestWebFieldsRoundTrip: every control shows what it wrote.
func TestWebFieldsRoundTrip(t *testing.T) {
	tenant, s := surf(t)
	key := s.raise(tenant, "All fields")
	agent := tenant.person(mustAccount(t, tenant, Agent).Email)
	v := &visit{t: tenant, me: agent, side: "agent"}
	path := "/rest/api/3/issue/" + key
	controls := v.editControls(path, nil)
	if len(controls) < 12 {
		t.Fatalf("only %d controls", len(controls))
	}
	wrote := map[string]string{}
	for _, c := range controls {
		value := map[string]string{"text": "https://example.com/x", "area": "some *bold* text", "number": "2.5", "date": "2026-12-24",
			"datetime": "2026-12-24T18:30", "labels": "a b"}[c.Kind]
		if len(c.Choices) > 0 {
			value = c.Choices[len(c.Choices)-1].Value
		}
		wrote[c.ID] = value
		if status, answer := tenant.act(agent, "PUT", path, bean{"fields": bean{c.ID: c.write(value)}}); status != 204 {
			t.Errorf("%s (%s) = %q: %d %v", c.ID, c.Kind, value, status, answer)
		}
	}
	_, is := tenant.act(agent, "GET", path, nil)
	for _, c := range v.editControls(path, dig(is, "fields")) {
		if c.Value != wrote[c.ID] {
			t.Errorf("%s (%s) shows %q, wrote %q", c.ID, c.Kind, c.Value, wrote[c.ID])
		}
		if status, answer := tenant.act(agent, "PUT", path, bean{"fields": bean{c.ID: c.write("")}}); status != 204 && c.ID != "summary" && c.ID != "priority" && c.ID != "reporter" {
			t.Errorf("clearing %s: %d %v", c.ID, status, answer)
		}
	}
}

func mustAccount(t *testing.T, tenant *Tenant, role Role) Account {
	t.Helper()
	a, ok := tenant.Account(role)
	if !ok {
		t.Fatalf("no account with the role %s", role)
	}
	return a
}

func TestWebRefuses(t *testing.T) {
	tenant, s := surf(t)
	key := s.raise(tenant, "Mine")
	if status, _ := s.read(s.client.PostForm(s.base+"/browse/"+key+"/comment", url.Values{"comment": {"forged"}, "csrf": {"0123"}})); status != 403 {
		t.Errorf("a form without our token answers %d", status)
	}
	if status, _ := s.get("/browse/" + key + "/comment"); status != 404 {
		t.Errorf("GET of a form's address answers %d", status)
	}
	if status, _ := s.get("/browse/NOPE-1"); status != 404 {
		t.Errorf("a missing ticket answers %d", status)
	}
	var strangers []Account
	for _, a := range tenant.Accounts() {
		if a.Role == Customer {
			strangers = append(strangers, a)
		}
	}
	hidden := false
	for _, a := range strangers[1:] {
		s.be("portal", a)
		if status, body := s.get("/portal/" + key); status == 404 && !strings.Contains(body, "Mine") {
			hidden = true
		}
	}
	if !hidden {
		t.Error("every other customer sees the request")
	}
	if status, body := s.post("/", "/as", url.Values{"person": {strangers[0].ID}, "here": {"/"}}); status != 400 {
		t.Errorf("a customer sat down at the desk: %d\n%s", status, body)
	}
	jump := *s.client
	jump.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, to := range []string{"https://evil.example", "//evil.example", `/\evil.example`} {
		resp, err := jump.PostForm(s.base+"/as", url.Values{"person": {mustAccount(t, tenant, Agent).ID}, "here": {to}, "csrf": {tenant.csrfToken()}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Location"); got != "/" {
			t.Errorf("here=%q leads to %q", to, got)
		}
	}
	resp, err := s.client.Get(s.base + "/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
}
