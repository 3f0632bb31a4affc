package sim

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// attach sends a file with the form that stands on a page.
func (s *surfer) attach(page, audience, name, content string) (int, string) {
	s.t.Helper()
	_, body := s.get(page)
	m := csrfInput.FindStringSubmatch(body)
	if m == nil {
		s.t.Fatalf("no token on %s:\n%s", page, body)
	}
	return s.attachWith(page, m[1], audience, name, content)
}

func (s *surfer) attachWith(page, token, audience, name, content string) (int, string) {
	s.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.WriteField("csrf", token)
	_ = w.WriteField("audience", audience)
	_ = w.WriteField("words", "see this")
	if name != "" {
		p, _ := w.CreateFormFile("file", name)
		_, _ = io.WriteString(p, content)
	}
	w.Close()
	return s.read(s.client.Post(s.base+page+"/attach", w.FormDataContentType(), &b))
}

// TestWebFiles: files up and down on both sides, and nobody sees more than the API shows.
func TestWebFiles(t *testing.T) {
	tenant, s := surf(t)
	key := s.raise(tenant, "With files")
	desk, portal := "/browse/"+key, "/portal/"+key
	if status, body := s.attach(desk, "internal", "note.html", "<b>internal</b>"); status != 200 || !strings.Contains(body, "File attached.") || !strings.Contains(body, ">internal</span>") {
		t.Fatalf("attaching: %d\n%s", status, body)
	}
	if status, body := s.attach(portal, "", "photo.png", "picture"); status != 200 || !strings.Contains(body, "photo.png") || strings.Contains(body, "note.html") {
		t.Fatalf("attaching by the portal: %d\n%s", status, body)
	}
	is, _ := tenant.Issue(key)
	if len(is.Files) != 2 || is.Files[0].Portal || !is.Files[1].Portal {
		t.Fatalf("%+v", is.Files)
	}
	_, body := s.get(portal)
	if !strings.Contains(body, `<img class="shown" src="`+portal+"/file/"+is.Files[1].ID+`" alt="photo.png">`) || !strings.Contains(body, "see this") {
		t.Errorf("the portal's conversation has no picture:\n%s", body)
	}
	for path, want := range map[string]int{
		desk + "/file/" + is.Files[0].ID: 200, desk + "/file/" + is.Files[1].ID: 200, portal + "/file/" + is.Files[1].ID: 200,
		portal + "/file/" + is.Files[0].ID: 404, desk + "/file/99": 404,
	} {
		resp, err := s.client.Get(s.base + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		safe := strings.HasPrefix(resp.Header.Get("Content-Disposition"), "attachment") && resp.Header.Get("X-Content-Type-Options") == "nosniff"
		if resp.StatusCode != want || want == 200 && !safe {
			t.Errorf("%s: %d %v", path, resp.StatusCode, resp.Header)
		}
	}
	if status, _ := s.attachWith(desk, strings.Repeat("0", 48), "internal", "forged.txt", "x"); status != http.StatusForbidden {
		t.Errorf("a forged form: %d", status)
	}
	if status, body := s.attach(desk, "internal", "", ""); status != 422 || !strings.Contains(body, "Choose a file") {
		t.Errorf("no file: %d\n%s", status, body)
	}
	tenant.uploadLimit = 10
	if status, _ := s.attach(desk, "internal", "big.bin", "more than ten bytes"); status != http.StatusRequestEntityTooLarge {
		t.Errorf("too large: %d", status)
	}
	if status, body := s.post(desk, desk+"/detach", url.Values{"attachment": {is.Files[0].ID}}); status != 200 || strings.Contains(body, "note.html</a>") {
		t.Errorf("deleting: %d\n%s", status, body)
	}
}

// TestWebMore: watching, participants, work, links and stars, each by its form.
func TestWebMore(t *testing.T) {
	tenant, s := surf(t)
	customer, _ := tenant.Account(Customer)
	approver, _ := tenant.Account(Approver)
	key, other := s.raise(tenant, "One"), s.raise(tenant, "Another")
	desk, portal := "/browse/"+key, "/portal/"+key
	shows := func(page string, words ...string) {
		t.Helper()
		_, body := s.get(page)
		for _, w := range words {
			if !strings.Contains(body, w) {
				t.Errorf("%s does not show %q:\n%s", page, w, body)
			}
		}
	}
	done := func(page, action string, form url.Values) {
		t.Helper()
		if status, body := s.post(page, page+action, form); status != 200 || !strings.Contains(body, `class="notice"`) {
			t.Errorf("%s%s: %d\n%s", page, action, status, body)
		}
	}
	done(desk, "/watch", url.Values{"watch": {"yes"}})
	shows(desk, "Watchers (1)", "Stop watching")
	done(desk, "/watch", url.Values{"watch": {"no"}})
	shows(desk, "Watchers (0)")
	done(desk, "/participant", url.Values{"account": {approver.ID}})
	shows(portal, approver.Name)
	done(portal, "/participant", url.Values{"account": {approver.ID}, "deed": {"remove"}})
	shows(portal, "Nobody takes part.")
	done(desk, "/work", url.Values{"spent": {"1h 30m"}, "words": {"looked into it"}})
	shows(desk, "1h 30m spent", "looked into it")
	done(desk, "/link", url.Values{"type": {"Blocks"}, "to": {other}})
	shows(desk, `href="/browse/`+other+`"`)
	shows("/browse/"+other, `href="/browse/`+key+`"`)
	done(desk, "/link", url.Values{"to": {"https://example.com/page"}})
	shows(desk, `href="https://example.com/page"`)
	is := tenant.find(key)
	done(desk, "/link", url.Values{"remove": {text(is.links[0].id)}})
	if status, _ := s.post(desk, desk+"/work", url.Values{"spent": {"soon"}}); status != 422 {
		t.Errorf("bad work: %d", status)
	}
	if err := tenant.As("agent@north.example").Transition(key, "Resolve", map[string]any{"resolution": "Done"}); err != nil {
		t.Fatal(err)
	}
	shows(portal, "How did we do?")
	done(portal, "/rate", url.Values{"stars": {"4"}, "words": {"quick"}})
	shows(portal, "★★★★☆")
	shows(desk, "★★★★☆")
	if x, _ := tenant.Issue(key); x.Reporter != customer.Email {
		t.Errorf("the reporter is %s", x.Reporter)
	}
	if _, body := s.get(portal); strings.Contains(body, "How did we do?") {
		t.Error("the portal asks twice")
	}
}

// TestWebApproval: an approver finds what waits on the portal, answers there, and only once.
func TestWebApproval(t *testing.T) {
	tenant, s := surf(t)
	approver, _ := tenant.Account(Approver)
	key := s.raise(tenant, "Please buy")
	if err := tenant.As("agent@north.example").Transition(key, "Ask approval", map[string]any{"Approvers": approver.Email}); err != nil {
		t.Fatal(err)
	}
	if _, body := s.get("/portal"); strings.Contains(body, "Waiting for your approval") {
		t.Error("the customer is asked to approve")
	}
	s.be("portal", approver)
	if _, body := s.get("/portal"); !strings.Contains(body, "Waiting for your approval") || !strings.Contains(body, key) {
		t.Errorf("the approver is not asked:\n%s", body)
	}
	page := "/portal/" + key
	x, _ := tenant.Issue(key)
	answer := url.Values{"approval": {x.Approvals[0].ID}, "decision": {"approve"}}
	if status, body := s.post(page, page+"/approval", answer); status != 200 || !strings.Contains(body, "Your answer was recorded.") {
		t.Errorf("%d\n%s", status, body)
	}
	if status, body := s.post(page, page+"/approval", answer); status != 422 || !strings.Contains(body, "already") {
		t.Errorf("answered twice: %d\n%s", status, body)
	}
	if _, body := s.get("/portal"); strings.Contains(body, "Waiting for your approval") {
		t.Error("what is answered still waits")
	}
}
