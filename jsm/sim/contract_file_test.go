package sim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// send uploads files and gives the answer's JSON.
func (s scripted) send(path string, want int, files ...string) bean {
	s.t.Helper()
	body, kind := multi(files...)
	r, err := http.NewRequest("POST", s.base+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.SetBasicAuth(s.account.Email, s.account.Token)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("X-Atlassian-Token", "no-check")
	resp, err := s.rt.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	raw, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != want {
		s.t.Fatalf("POST %s: status %d, wanted %d\n%s", path, resp.StatusCode, want, raw)
	}
	raw = append(append([]byte(`{"values":`), raw...), '}')
	var b struct{ Values any }
	if err := json.Unmarshal(raw, &b); err != nil {
		s.t.Fatal(err)
	}
	if one, is := b.Values.(bean); is {
		return one
	}
	return bean{"values": b.Values}
}

// files takes attachments through the platform and through the desk.
func (s *session) files() {
	s.sync.get("/rest/api/3/attachment/meta")
	made := s.sync.send(s.issue("/attachments"), 200, "a.png", "picture", "b.txt", "words")
	id := textAt(listAt(made, "values")[0], "id")
	s.sync.get("/rest/api/3/attachment/" + id)
	s.sync.do("GET", "/rest/api/3/attachment/content/"+id, nil, 303)
	s.sync.do("GET", "/rest/api/3/attachment/thumbnail/"+id, nil, 303)
	s.sync.get(s.issue("?fields=attachment&expand=changelog"))
	var ids []string
	for _, x := range listAt(s.customer.send(s.deskPath("/attachTemporaryFile"), 201, "c.png", "x", "d.txt", "y"), "temporaryAttachments") {
		ids = append(ids, textAt(x, "temporaryAttachmentId"))
	}
	put := s.customer.do("POST", s.request("/attachment"), bean{"temporaryAttachmentIds": ids, "public": true, "additionalComment": bean{"body": "see"}}, 201)
	at := listAt(put, "attachments", "values")[0]
	path := textAt(at, "_links", "self")
	path = path[strings.Index(path, "/rest/"):]
	s.customer.get(s.request("/attachment"))
	s.customer.get(s.request("?expand=attachment,comment"))
	s.customer.do("GET", path, nil, 303)
	s.customer.do("GET", path+"/thumbnail", nil, 303)
	s.customer.get(s.request("/comment/" + textAt(put, "comment", "id") + "/attachment"))
	s.sync.do("DELETE", "/rest/api/3/attachment/"+id, nil, 204)
	s.sync.do("DELETE", "/rest/api/3/attachment/"+id, nil, 404)
}
