package sim

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// TestBigFile: neither up nor down does a file cost memory, by the wire or by a socket, and it arrives as it was.
func TestBigFile(t *testing.T) {
	const size = 96 << 20
	want := sha256.New()
	_, _ = io.Copy(want, Noise(7, size))
	for _, socket := range []bool{false, true} {
		t.Run(fmt.Sprintf("socket %t", socket), func(t *testing.T) {
			s := newSite(t, Config{NoLimits: true})
			if socket {
				server := httptest.NewServer(s.tn)
				defer server.Close()
				s.tn.SetURL(server.URL)
				s.http = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			}
			key := s.raised("Big")
			before := allocated()
			pr, pw := io.Pipe()
			w := multipart.NewWriter(pw)
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				p, _ := w.CreateFormFile("file", "big.bin")
				_, err := io.Copy(p, Noise(7, size))
				w.Close()
				pw.CloseWithError(err)
			}()
			r := s.post(Agent, "/rest/api/3/issue/"+key+"/attachments", pr, map[string]string{"Content-Type": w.FormDataContentType(), "X-Atlassian-Token": "no-check"})
			<-sent
			if r.status != 200 {
				t.Fatalf("%d %s", r.status, r.raw)
			}
			away := s.want(303, "", Sync, "GET", "/rest/api/3/attachment/content/"+ids0(r), nil).header.Get("Location")
			res, err := s.http.Get(away)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			got := sha256.New()
			n, err := io.Copy(got, res.Body)
			if err != nil || n != size || res.ContentLength != size || !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
				t.Errorf("%d bytes of %d came: %v", n, res.ContentLength, err)
			}
			if grown := allocated() - before; grown > 8<<20 {
				t.Errorf("%d MiB were allocated", grown>>20)
			}
		})
	}
}

// allocated counts all bytes ever allocated.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// FuzzUpload: no multipart body makes the tenant panic, and what it keeps of one is within its bounds.
func FuzzUpload(f *testing.F) {
	good, kind := multi("a.txt", "x", `..\b.png`, "yy")
	f.Add(good, kind)
	f.Add(good[:len(good)/2], kind)
	f.Add([]byte("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"/\"\r\n\r\n\x00\r\n--x--"), "multipart/form-data; boundary=x")
	tenant := MustNew(Config{Upload: 64})
	f.Fuzz(func(t *testing.T, body []byte, kind string) {
		r := httptest.NewRequest("POST", "/rest/api/3/issue/X-1/attachments", bytes.NewReader(body))
		r.Header.Set("Content-Type", kind)
		r.Header.Set("X-Atlassian-Token", "no-check")
		in := tenant.takeIn(httptest.NewRecorder(), r)
		if (in.refusal == nil) != (len(in.files) > 0) {
			t.Errorf("%d files, refusal %v", len(in.files), in.refusal)
		}
		for _, u := range in.files {
			if u.name == "" || strings.ContainsAny(u.name, "/\\\x00\n") || u.content.size > 64 || int64(len(u.content.small)) != u.content.size {
				t.Errorf("%q %+v", u.name, u.content)
			}
		}
	})
}

// FuzzInline: wiki markup in an issue with files becomes a valid document, which can be shown again.
func FuzzInline(f *testing.F) {
	tenant := MustNew(Config{})
	agent := tenant.As("agent@north.example")
	key, err := agent.CreateIssue("Incident", map[string]any{"summary": "files"})
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{"a.png", "b c.txt"} {
		if _, err := agent.Attach(key, name, strings.NewReader(name)); err != nil {
			f.Fatal(err)
		}
	}
	is := tenant.find(key)
	f.Add("see !a.png|thumbnail! and [^b c.txt], not !c.png!")
	f.Add("||x||!a.png!||\n{quote}[^a.png]{quote}")
	f.Fuzz(func(t *testing.T, markup string) {
		doc := tenant.fromWiki(is, markup)
		if err := validADF(doc); err != nil {
			t.Fatalf("%q became %s: %v", markup, doc, err)
		}
		tenant.toWiki(is, doc)
		for _, id := range mediaIn(doc) {
			if id == "a.png" || id == "b c.txt" {
				t.Errorf("%q: the name %q was left in %s", markup, id, doc)
			}
		}
	})
}
