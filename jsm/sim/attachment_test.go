package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"
)

// multi is a multipart body of some files, by name and content in turn.
func multi(files ...string) (body []byte, kind string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		p, _ := w.CreateFormFile("file", files[i])
		_, _ = io.WriteString(p, files[i+1])
	}
	w.Close()
	return b.Bytes(), w.FormDataContentType()
}

// send uploads files by a role.
func (s *site) send(role Role, path string, files ...string) reply {
	s.Helper()
	body, kind := multi(files...)
	return s.post(role, path, bytes.NewReader(body), map[string]string{"Content-Type": kind, "X-Atlassian-Token": "no-check"})
}

func (s *site) post(role Role, path string, body io.Reader, header map[string]string) reply {
	s.Helper()
	req, err := http.NewRequest("POST", s.tn.URL()+path, body)
	if err != nil {
		s.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	a, _ := s.tn.Account(role)
	req.SetBasicAuth(a.Email, a.Token)
	res, err := s.http.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	out := reply{status: res.StatusCode, header: res.Header}
	out.raw, _ = io.ReadAll(res.Body)
	_ = json.Unmarshal(out.raw, &out.body) // refusals need not be JSON
	return out
}

// fetch reads an address as it stands, with a header or without.
func (s *site) fetch(address string, header map[string]string) (*http.Response, []byte, error) {
	s.Helper()
	req, err := http.NewRequest("GET", address, nil)
	if err != nil {
		s.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := s.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return res, raw, err
}

// basic is the Authorization of a role.
func (s *site) basic(role Role) string {
	a, _ := s.tn.Account(role)
	req := http.Request{Header: http.Header{}}
	req.SetBasicAuth(a.Email, a.Token)
	return req.Header.Get("Authorization")
}

func ids0(r reply) string {
	items, _ := r.body.([]any)
	if len(items) == 0 {
		return ""
	}
	return textAt(items[0], "id")
}

// TestAttachment follows a file: up, shown, down by the media host, away.
func TestAttachment(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	key := s.raised("With a file")
	r := s.send(Agent, "/rest/api/3/issue/"+key+"/attachments", `dir\..\notes.txt`, "first", "notes.txt", "second")
	items, _ := r.body.([]any)
	if r.status != 200 || len(items) != 2 {
		t.Fatalf("upload: %d %s", r.status, r.raw)
	}
	id := ids0(r)
	for _, want := range []string{`"filename":"notes.txt"`, `"mimeType":"text/plain"`, `"size":5`, "/attachment/content/" + id} {
		if !strings.Contains(string(r.raw), want) {
			t.Errorf("the answer has no %s: %s", want, r.raw)
		}
	}
	shown := s.want(200, "notes.txt", Sync, "GET", "/rest/api/3/issue/"+key+"?fields=attachment&expand=changelog", nil)
	if n := len(listAt(shown.body, "fields", "attachment")); n != 2 {
		t.Errorf("the issue shows %d attachments", n)
	}
	if h := listAt(shown.body, "changelog", "histories"); textAt(listAt(h[0], "items")[0], "fieldId") != "attachment" {
		t.Errorf("history: %s", shown.raw)
	}
	s.want(200, `"id":`+id+`,`, Sync, "GET", "/rest/api/3/attachment/"+id, nil)
	s.want(200, `"uploadLimit":1073741824`, Sync, "GET", "/rest/api/3/attachment/meta", nil)
	away := s.want(303, "", Sync, "GET", "/rest/api/3/attachment/content/"+id, nil).header.Get("Location")
	if !strings.HasPrefix(away, "https://api.media.atlassian.com/file/") {
		t.Fatalf("redirect to %q", away)
	}
	if _, raw, err := s.fetch(away, nil); err != nil || string(raw) != "first" {
		t.Errorf("content: %q %v", raw, err)
	}
	s.want(200, "first", Sync, "GET", "/rest/api/3/attachment/content/"+id+"?redirect=false", nil)
	s.want(404, "", Customer, "GET", "/rest/api/3/attachment/content/"+id, nil)
	s.want(403, "permission", Guest, "DELETE", "/rest/api/3/attachment/"+id, nil)
	s.want(204, "", Sync, "DELETE", "/rest/api/3/attachment/"+id, nil)
	s.want(404, "", Sync, "GET", "/rest/api/3/attachment/"+id, nil)
	if res, _, _ := s.fetch(away, nil); res.StatusCode != 404 {
		t.Errorf("the content of a deleted attachment: %d", res.StatusCode)
	}
}

// TestMediaHost: signed, for a while, without credentials, and no path of the site.
func TestMediaHost(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	key := s.raised("With a file")
	id := ids0(s.send(Agent, "/rest/api/3/issue/"+key+"/attachments", "a.bin", "0123456789"))
	away := s.want(303, "", Sync, "GET", "/rest/api/3/attachment/content/"+id, nil).header.Get("Location")
	site := strings.Replace(away, "https://api.media.atlassian.com", s.tn.URL(), 1)
	forged := strings.Replace(away, "token=", "token=9", 1)
	for _, c := range []struct {
		name, address string
		header        map[string]string
		status        int
		body          string
	}{
		{"whole", away, nil, 200, "0123456789"},
		{"a range", away, map[string]string{"Range": "bytes=4-6"}, 206, "456"},
		{"beyond the end", away, map[string]string{"Range": "bytes=10-"}, 416, ""},
		{"with credentials", away, map[string]string{"Authorization": "Basic eDp5"}, 401, ""},
		{"with a cookie", away, map[string]string{"Cookie": "a=b"}, 401, ""},
		{"forged", forged, nil, 403, ""},
		{"by the site", site, nil, 404, ""},
	} {
		res, raw, err := s.fetch(c.address, c.header)
		if err != nil || res.StatusCode != c.status || c.body != "" && string(raw) != c.body {
			t.Errorf("%s: %d %q %v", c.name, res.StatusCode, raw, err)
		}
	}
	s.pass(mediaTTL)
	if res, _, _ := s.fetch(away, nil); res.StatusCode != 403 {
		t.Errorf("expired: %d", res.StatusCode)
	}
}

// TestMediaFaults: the content breaks off, a login page stands in its place, the host is gone.
func TestMediaFaults(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	key := s.raised("With a file")
	id := ids0(s.send(Agent, "/rest/api/3/issue/"+key+"/attachments", "a.bin", "0123456789"))
	away := s.want(303, "", Sync, "GET", "/rest/api/3/attachment/content/"+id, nil).header.Get("Location")
	strike := func(kind, path string) {
		if err := s.tn.Fault(Fault{Kind: kind, Path: path}); err != nil {
			t.Fatal(err)
		}
	}
	strike("status", "")
	if _, raw, err := s.fetch(away, nil); err != nil || string(raw) != "0123456789" {
		t.Errorf("a fault of the API struck the media host: %q %v", raw, err)
	}
	s.tn.ClearFaults()
	strike("cut", "/file/**")
	if _, raw, err := s.fetch(away, nil); !errors.Is(err, io.ErrUnexpectedEOF) || string(raw) != "01234" {
		t.Errorf("cut: %q %v", raw, err)
	}
	strike("portal", "/file/**")
	if res, raw, _ := s.fetch(away, nil); res.StatusCode != 200 || !strings.Contains(string(raw), "Log in") {
		t.Errorf("portal: %q", raw)
	}
	strike("status", "/file/**")
	if res, _, _ := s.fetch(away, nil); res.StatusCode != 503 {
		t.Errorf("status: %d", res.StatusCode)
	}
	for _, kind := range []string{"drop", "late"} {
		strike(kind, "/file/**")
		if _, _, err := s.fetch(away, nil); !errors.Is(err, ErrLost) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	s.tn.Advance(time.Minute)
	for _, kind := range []string{"empty", "maintenance", "html", "rate", "stranger", "unlicensed"} {
		strike(kind, "/file/**")
		if _, raw, err := s.fetch(away, nil); err != nil || string(raw) == "0123456789" {
			t.Errorf("%s: %q %v", kind, raw, err)
		}
	}
	strike("cut", "/rest/api/3/attachment/content/**")
	res, raw, err := s.fetch(s.tn.URL()+"/rest/api/3/attachment/content/"+id+"?redirect=false", map[string]string{"Authorization": s.basic(Agent)})
	if !errors.Is(err, io.ErrUnexpectedEOF) || string(raw) != "01234" {
		t.Errorf("cut without redirect: %v %q %v", res, raw, err)
	}
	if s.tn.Calls("anonymous")[mediaEndpoint.name] == 0 || s.tn.Points()["anonymous"] != 0 {
		t.Error("downloads must be counted, and cost no points")
	}
	strike("lost", "/rest/api/3/issue/**")
	body, kind := multi("lost.txt", "x")
	req, _ := http.NewRequest("POST", s.tn.URL()+"/rest/api/3/issue/"+key+"/attachments", bytes.NewReader(body))
	a, _ := s.tn.Account(Agent)
	req.SetBasicAuth(a.Email, a.Token)
	req.Header.Set("Content-Type", kind)
	req.Header.Set("X-Atlassian-Token", "no-check")
	if _, err := s.http.Do(req); !errors.Is(err, ErrLost) {
		t.Errorf("a lost upload: %v", err)
	}
	if is, _ := s.tn.Issue(key); len(is.Files) != 2 || is.Files[1].Name != "lost.txt" {
		t.Errorf("a lost upload was not applied: %+v", is.Files)
	}
}

// TestUploadRefusals: what Jira does not take changes nothing.
func TestUploadRefusals(t *testing.T) {
	s := newSite(t, Config{NoLimits: true, Upload: 100})
	key := s.raised("With a file")
	path := "/rest/api/3/issue/" + key + "/attachments"
	body, kind := multi("a.txt", "x")
	check := func(name string, r reply, status int) {
		t.Helper()
		if r.status != status {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	check("no token", s.post(Agent, path, bytes.NewReader(body), map[string]string{"Content-Type": kind}), 403)
	check("JSON", s.post(Agent, path, strings.NewReader("{}"), map[string]string{"Content-Type": "application/json", "X-Atlassian-Token": "no-check"}), 415)
	check("no file", s.send(Agent, path), 400)
	check("broken off", s.post(Agent, path, bytes.NewReader(body[:len(body)-9]), map[string]string{"Content-Type": kind, "X-Atlassian-Token": "no-check"}), 400)
	check("too large", s.send(Agent, path, "a.txt", strings.Repeat("x", 101)), 413)
	check("just so large", s.send(Agent, path, "a.txt", strings.Repeat("x", 100)), 200)
	check("too many", s.send(Agent, path, strings.Split(strings.Repeat("f,c,", 61), ",")[:122]...), 413)
	check("a guest", s.send(Guest, path, "a.txt", "x"), 403)
	check("a customer", s.send(Customer, path, "a.txt", "x"), 404)
	if is, _ := s.tn.Issue(key); len(is.Files) != 1 {
		t.Errorf("there are %d attachments", len(is.Files))
	}
}

// TestTemporary: the portal's two steps, their comment, and who sees what.
func TestTemporary(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	customer, _ := s.tn.Account(Customer)
	agent, _ := s.tn.Account(Agent)
	key, err := s.tn.As(agent.Email).RaiseFor(customer.Email, s.tn.desk.requestTypes[0].name, map[string]any{"summary": "Mine"})
	if err != nil {
		t.Fatal(err)
	}
	desk := "/rest/servicedeskapi/servicedesk/" + s.tn.Project() + "/attachTemporaryFile"
	temporary := func(role Role, name string) string {
		t.Helper()
		r := s.send(role, desk, name, "content of "+name)
		if r.status != 201 {
			t.Fatalf("%d %s", r.status, r.raw)
		}
		return textAt(listAt(r.body, "temporaryAttachments")[0], "temporaryAttachmentId")
	}
	path := "/rest/servicedeskapi/request/" + key + "/attachment"
	body := func(public bool, words string, ids ...string) obj {
		return obj{"temporaryAttachmentIds": ids, "public": public, "additionalComment": obj{"body": words}}
	}
	id := temporary(Customer, "photo.png")
	made := s.want(201, "photo.png", Customer, "POST", path, body(true, "*Look*", id))
	if got := made.at("comment", "body"); !strings.Contains(got, "*Look*") || !strings.Contains(got, "!photo.png|") {
		t.Errorf("the comment says %q", got)
	}
	s.want(400, "used", Customer, "POST", path, body(true, "", id))
	note := temporary(Agent, "internal.txt")
	s.want(403, "internal", Customer, "POST", path, body(false, "", note))
	r := s.want(201, `"public":false`, Agent, "POST", path, body(false, "", note))
	if got := r.at("comment", "body"); got != "[^internal.txt]" {
		t.Errorf("the comment says %q", got)
	}
	s.send(Agent, "/rest/api/3/issue/"+key+"/attachments", "platform.txt", "x")
	if got := s.as(Customer, "GET", path, nil); len(listAt(got.body, "values")) != 1 {
		t.Errorf("the customer sees %s", got.raw)
	}
	if got := s.as(Agent, "GET", path, nil); len(listAt(got.body, "values")) != 3 {
		t.Errorf("the agent sees %s", got.raw)
	}
	is, _ := s.tn.Issue(key)
	s.want(303, "", Customer, "GET", path+"/"+is.Files[0].ID, nil)
	s.want(303, "", Customer, "GET", path+"/"+is.Files[0].ID+"/thumbnail", nil)
	s.want(404, "", Customer, "GET", path+"/"+is.Files[1].ID, nil)
	s.want(200, "photo.png", Customer, "GET", "/rest/servicedeskapi/request/"+key+"/comment/"+is.Comments[0].ID+"/attachment", nil)
	s.want(200, `"attachments"`, Customer, "GET", "/rest/servicedeskapi/request/"+key+"/comment?expand=attachment", nil)
	late := temporary(Agent, "late.txt")
	s.pass(time.Hour)
	s.want(400, "expired", Agent, "POST", path, body(true, "", late))
}

// TestOrphans: a body written without its picture takes the picture away, unless another body has it.
func TestOrphans(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	key := s.raised("With pictures")
	at3, at2 := "/rest/api/3/issue/"+key, "/rest/api/2/issue/"+key
	s.send(Agent, at3+"/attachments", "a.png", "A", "b.png", "B", "a.png", "newer A", "free.png", "F")
	s.want(204, "", Agent, "PUT", at2, obj{"fields": obj{"description": "see !a.png|thumbnail! and !b.png!"}})
	s.want(201, "", Agent, "POST", at2+"/comment", obj{"body": "again !b.png!"})
	is, _ := s.tn.Issue(key)
	shown := s.want(200, is.Files[2].Media, Agent, "GET", at3+"?fields=description", nil)
	if strings.Contains(string(shown.raw), is.Files[0].Media) {
		t.Error("a name must mean the newest of that name")
	}
	s.want(200, "!a.png|", Agent, "GET", at2+"?fields=description", nil)
	s.want(204, "", Agent, "PUT", at3, obj{"fields": obj{"description": json.RawMessage(seenIt)}})
	names := func() (out []string) {
		is, _ := s.tn.Issue(key)
		for _, f := range is.Files {
			r, _ := s.tn.OpenFile(f.ID)
			raw, _ := io.ReadAll(r)
			out = append(out, string(raw))
		}
		return out
	}
	if got := strings.Join(names(), ","); got != "A,B,F" {
		t.Errorf("left after the description: %s", got)
	}
	s.want(200, "", Agent, "PUT", at3+"/comment/"+is.Comments[0].ID, obj{"body": json.RawMessage(seenIt)})
	if got := strings.Join(names(), ","); got != "A,F" {
		t.Errorf("left after the comment: %s", got)
	}
	s.want(200, `"fromString":"b.png"`, Agent, "GET", at3+"/changelog", nil)
}
