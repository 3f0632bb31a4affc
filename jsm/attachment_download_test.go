package jsm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	contentLine = "GET /rest/api/3/attachment/content/7"
	mediaLine   = "GET https://api.media.atlassian.com/file/u/binary"
	signed      = "?token=s1gned-s3cret"
)

var file7 = Attachment{ID: "7", Name: "a.txt", Size: 10, MIME: "text/plain"}

func redirect(to string) answer {
	return answer{status: 303, header: map[string]string{"Location": to}}
}

func toMedia() answer { return redirect("https://api.media.atlassian.com/file/u/binary" + signed) }

func readAll(c *Client, a Attachment, offset int64) (string, *Download, error) {
	d, err := c.OpenAttachment(context.Background(), a, offset)
	if err != nil {
		return "", nil, err
	}
	defer d.Close()
	b, err := io.ReadAll(d)
	return string(b), d, err
}

func TestDownloadFollowsToTheMediaHostWithoutTheToken(t *testing.T) {
	c, f := jira(t, map[string]any{contentLine: toMedia(), mediaLine: answer{body: "0123456789", header: map[string]string{"Content-Type": "text/plain", "Content-Length": "10"}}})
	got, d, err := readAll(c, file7, 0)
	if err != nil || got != "0123456789" {
		t.Fatal(got, err)
	}
	if sum, ok := d.SHA256(); !ok || sum != sha256.Sum256([]byte("0123456789")) {
		t.Error("hash")
	}
	if q := f.last(mediaLine).Query; "?"+q != signed {
		t.Error(q)
	}
	if sum, err := c.HashAttachment(t.Context(), file7); err != nil || sum != sha256.Sum256([]byte("0123456789")) {
		t.Error(err)
	}
	if n := c.Calls().Total(); n.Points != 4 {
		t.Errorf("%+v", n)
	}
}

func TestDownloadGoesOnWhereItEnded(t *testing.T) {
	span := func(span string) answer {
		return answer{status: 206, body: "456789", header: map[string]string{"Content-Type": "text/plain", "Content-Range": span}}
	}
	for _, c := range []struct {
		name string
		media,
		jira any
		want string
	}{
		{"from the media host", span("bytes 4-9/10"), toMedia(), "456789"},
		{"a host that does not know the size", span("bytes 4-9/*"), toMedia(), "456789"},
		{"straight from Jira", nil, span("bytes 4-9/10"), "456789"},
		{"a host that gives all of it", answer{body: "0123456789", header: map[string]string{"Content-Type": "text/plain"}}, toMedia(), "456789"},
		{"another span", span("bytes 3-8/10"), toMedia(), ""},
		{"a file of another size", span("bytes 4-9/11"), toMedia(), ""},
		{"no span", span(""), toMedia(), ""},
		{"nonsense", span("bytes 4-9/9"), toMedia(), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var ranges []string
			note := func(a any) askedFunc {
				return func(r *http.Request, _ []byte) answer {
					ranges = append(ranges, r.Header.Get("Range"))
					return a.(answer)
				}
			}
			answers := map[string]any{contentLine: note(c.jira)}
			if c.media != nil {
				answers[mediaLine] = note(c.media)
			}
			client, _ := jira(t, answers)
			got, d, err := readAll(client, file7, 4)
			if got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("%q, %v", got, err)
			}
			if d != nil {
				if _, ok := d.SHA256(); ok {
					t.Error("a part has no whole hash")
				}
			}
			for _, r := range ranges {
				if r != "bytes=4-" {
					t.Error(ranges)
				}
			}
		})
	}
	c, f := jira(t, nil)
	if got, _, err := readAll(c, file7, 10); got != "" || err != nil || len(f.lines()) != 0 {
		t.Error(got, err)
	}
	for _, offset := range []int64{-1, 11} {
		if _, err := c.OpenAttachment(t.Context(), file7, offset); err == nil {
			t.Error(offset)
		}
	}
	if _, d, err := readAll(c, Attachment{ID: "7"}, 0); err != nil {
		t.Error(err)
	} else if sum, ok := d.SHA256(); !ok || sum != sha256.Sum256(nil) {
		t.Error("an empty file has a hash too")
	}
}

func TestDownloadGoesNowhereElse(t *testing.T) {
	for _, to := range []string{
		"https://evil.example/file/u", "http://api.media.atlassian.com/file/u", "https://api.media.atlassian.com:8443/file/u", "https://user:pw@api.media.atlassian.com/u",
		"https://api.media.atlassian.com.evil.example/u", "https://127.0.0.1/u", "https://localhost/u", "http://169.254.169.254/latest/meta-data", "https://[::1]/u", "https://10.0.0.1/u",
		"file:///etc/passwd", "//evil.example/u", "https:evil", "https://north.example:444/u",
	} {
		c, f := jira(t, map[string]any{contentLine: redirect(to + "#" + signed)})
		_, _, err := readAll(c, file7, 0)
		if err == nil || len(f.lines()) != 1 {
			t.Errorf("%s: %v, %v", to, f.lines(), err)
		}
		if strings.Contains(err.Error(), "s1gned") || strings.Contains(err.Error(), "pw@") {
			t.Errorf("the address is a secret: %v", err)
		}
		if !errors.Is(err, ErrHost) {
			t.Errorf("%s: %v", to, err)
		}
	}
	for _, first := range []string{"https://%zz/" + signed, "https://api.media.atlassian.com/file/u/binary"} {
		synctest.Test(t, func(t *testing.T) {
			c, _ := jira(t, map[string]any{contentLine: redirect(first), mediaLine: redirect("https://%zz/" + signed), "GET /rest/api/3/myself": `{"accountId":"me"}`})
			if _, _, err := readAll(c, file7, 0); err == nil || strings.Contains(err.Error(), "s1gned") {
				t.Error(err)
			}
		})
	}
	ring, f := jira(t, map[string]any{contentLine: toMedia(), mediaLine: toMedia()})
	if _, _, err := readAll(ring, file7, 0); err == nil || len(f.lines()) != 1+maxHops {
		t.Errorf("%v, %v", f.lines(), err)
	}
	on, _ := jira(t, map[string]any{contentLine: toMedia(), mediaLine: redirect("https://evil.example/u")})
	if _, _, err := readAll(on, file7, 0); !errors.Is(err, ErrHost) {
		t.Error(err)
	}
	fine, _ := jira(t, map[string]any{contentLine: toMedia(), mediaLine: redirect("https://media-cdn.atlassian.com/u"), "GET https://media-cdn.atlassian.com/u": answer{body: "0123456789", header: map[string]string{"Content-Type": "x/y"}}})
	if got, _, err := readAll(fine, file7, 0); got != "0123456789" || err != nil {
		t.Error(got, err)
	}
}

func TestDownloadOfWhatIsNotTheFile(t *testing.T) {
	plain := map[string]string{"Content-Type": "text/plain"}
	for _, c := range []struct {
		name  string
		media answer
	}{
		{"shorter", answer{body: "012345678", header: plain}},
		{"longer", answer{body: "0123456789x", header: plain}},
		{"announced shorter", answer{body: "012", header: map[string]string{"Content-Length": "3", "Content-Type": "text/plain"}}},
		{"announced longer", answer{body: "0123456789", header: map[string]string{"Content-Length": "11", "Content-Type": "text/plain"}}},
		{"packed", answer{body: "0123456789", header: map[string]string{"Content-Encoding": "gzip", "Content-Type": "text/plain"}}},
		{"a page", answer{body: "<html>log in", header: map[string]string{"Content-Type": "text/html"}}},
		{"expired", answer{status: 403, body: "expired", header: plain}},
		{"gone", answer{status: 404, body: "", header: plain}},
		{"cut", answer{source: io.MultiReader(strings.NewReader("01234"), failing{io.ErrUnexpectedEOF}), header: plain}},
		{"lost", answer{err: errors.New("connection reset by peer at https://api.media.atlassian.com" + signed)}},
		{"a part that was not asked for", answer{status: 206, body: "56789", header: plain}},
	} {
		client, _ := jira(t, map[string]any{contentLine: toMedia(), mediaLine: c.media})
		_, _, err := readAll(client, file7, 0)
		var e *APIError
		if !errors.As(err, &e) || e.Class != Transient || e.Applied != No {
			t.Errorf("%s: %v", c.name, err)
		}
		if s := client.Standing(); s.State != Up {
			t.Errorf("%s: the tenant is %v", c.name, s)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestDownloadStraightFromJira(t *testing.T) {
	html := Attachment{ID: "7", Size: 10, MIME: "text/html; charset=utf-8"}
	page := answer{body: "<b>0</b>\r\n", header: map[string]string{"Content-Type": "text/html"}}
	c, _ := jira(t, map[string]any{contentLine: page})
	if got, _, err := readAll(c, html, 0); got != "<b>0</b>\r\n" || err != nil {
		t.Error(got, err)
	}
	synctest.Test(t, func(t *testing.T) {
		c, _ := jira(t, map[string]any{contentLine: page, "GET /rest/api/3/myself": `{"accountId":"me"}`})
		var e *APIError
		if _, _, err := readAll(c, file7, 0); !errors.As(err, &e) || e.Trouble != TroublePage {
			t.Errorf("a login page in the file's place: %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c, _ := jira(t, map[string]any{
			contentLine:              answer{body: "0123456789", header: map[string]string{"Content-Type": "text/plain", "X-AUSERNAME": "anonymous"}},
			"GET /rest/api/3/myself": `{"accountId":"me"}`,
		})
		if d, err := c.OpenAttachment(t.Context(), file7, 0); err == nil {
			t.Errorf("an answer as to a stranger: %+v", d)
		}
	})
	c, _ = jira(t, map[string]any{contentLine: answer{status: 404, body: `{"errorMessages":["gone"],"errors":{}}`}})
	if _, _, err := readAll(c, file7, 0); !IsNotFound(err) {
		t.Error(err)
	}
}

// stuck is a body that ends only with its request.
type stuck struct{ ctx context.Context }

func (s stuck) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func TestDownloadThatStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := jira(t, map[string]any{contentLine: toMedia(), mediaLine: func(r *http.Request, _ []byte) answer {
			slow := io.MultiReader(late{50 * time.Second}, late{50 * time.Second}, late{50 * time.Second}, stuck{r.Context()})
			return answer{source: slow, header: map[string]string{"Content-Type": "text/plain"}}
		}})
		began := time.Now()
		got, _, err := readAll(c, file7, 0)
		if took := time.Since(began); got != "xxx" || !errors.Is(err, errStalled) || took != 3*50*time.Second+defaultTimeout {
			t.Errorf("%q after %s: %v", got, took, err)
		}
	})
}

func TestDownloadWaitsForItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := jira(t, map[string]any{contentLine: toMedia(), mediaLine: answer{body: "0123456789", header: map[string]string{"Content-Type": "text/plain"}}})
		d, err := c.OpenAttachment(t.Context(), file7, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		for i := range 10 {
			<-time.After(time.Hour)
			if _, err := io.ReadFull(d, make([]byte, 1)); err != nil || d.watch.ctx.Err() != nil {
				t.Fatalf("byte %d: %v, %v", i, err, d.watch.ctx.Err())
			}
		}
		if _, err := d.Read(make([]byte, 1)); err != io.EOF {
			t.Error(err)
		}
	})
}

// late is one byte after a while.
type late struct{ after time.Duration }

func (l late) Read(p []byte) (int, error) {
	<-time.After(l.after)
	return copy(p, "x"), io.EOF
}

func TestDownloadOnThisMachine(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<18) // 4 MiB
	mux := http.NewServeMux()
	media := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		http.ServeContent(w, r, "x.bin", time.Time{}, bytes.NewReader(big))
	}))
	defer media.Close()
	mux.HandleFunc("GET /rest/api/3/attachment/content/7", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, media.URL+"/file", http.StatusSeeOther)
	})
	site := httptest.NewServer(mux)
	defer site.Close()
	c, err := New(Config{Base: site.URL, Auth: Auth{User: "u", Token: Token(testToken)}, HTTP: &http.Client{Transport: site.Client().Transport}})
	if err != nil {
		t.Fatal(err)
	}
	a := Attachment{ID: "7", Size: int64(len(big)), MIME: "application/octet-stream"}
	for _, offset := range []int64{0, 1, a.Size - 1} {
		if got, _, err := readAll(c, a, offset); err != nil || got != string(big[offset:]) {
			t.Errorf("from %d: %d bytes, %v", offset, len(got), err)
		}
	}
}

// TestDownloadHoldsNoFile reads 64 MiB and sees that they are not held.
func TestDownloadHoldsNoFile(t *testing.T) {
	const size = 64 << 20
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(size))
		w.Header().Set("Content-Type", "application/zip")
		io.CopyN(w, zeros{}, size)
	}))
	defer site.Close()
	c, err := New(Config{Base: site.URL, Auth: Auth{User: "u", Token: Token(testToken)}, HTTP: site.Client()})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	sum, err := c.HashAttachment(t.Context(), Attachment{ID: "7", Size: size, MIME: "application/zip"})
	runtime.ReadMemStats(&after)
	if err != nil || sum == [32]byte{} {
		t.Error(err)
	}
	held := after.TotalAlloc - before.TotalAlloc
	t.Logf("%d KiB were allocated for %d MiB", held>>10, size>>20)
	if held > size/16 {
		t.Error("that is too much")
	}
}

func TestNoNameLeadsToAPrivateAddress(t *testing.T) {
	inside := httptest.NewServer(http.NotFoundHandler())
	defer inside.Close()
	m := newMedia("https://north.example", Config{MediaHosts: []string{"media.example"}})
	plain := m.safe.Transport.(guarded)
	plain.plain.Proxy = nil
	safe := &http.Client{Transport: guarded{plain.plain, publicOnly(plain.plain)}}
	if resp, err := safe.Get(inside.URL); !errors.Is(err, errPrivate) {
		t.Error(resp, err)
	}
	if m.client(mustURL(t, "https://media.example/x")) != m.safe || m.client(mustURL(t, "https://north.example/x")) != m.open {
		t.Error("the wrong client")
	}
	for ip, want := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1111": true, "10.1.2.3": false, "192.168.0.1": false, "172.16.0.1": false, "100.64.0.1": false, "127.0.0.1": false, "0.0.0.0": false,
		"169.254.169.254": false, "::1": false, "fe80::1": false, "fd00::1": false, "::ffff:10.0.0.1": false, "224.0.0.1": false, "255.255.255.255": false,
	} {
		if got := public(netip.MustParseAddr(ip)); got != want {
			t.Errorf("%s: %v", ip, got)
		}
	}
}

func TestMediaID(t *testing.T) {
	const id = "0b1c2d3e-0000-4abc-8def-001122334455"
	for to, want := range map[string]string{
		"https://api.media.atlassian.com/file/" + id + "/binary" + signed: id, "https://evil.example/file/" + id: id, // it is not followed
		"https://api.media.atlassian.com/file/../x": "", "https://api.media.atlassian.com/file": "", "/login": "",
		"https://api.media.atlassian.com/file/" + strings.ToUpper(id): "", "https://api.media.atlassian.com/file/" + id + "0/binary": "",
	} {
		c, f := jira(t, map[string]any{contentLine: redirect(to)})
		got, err := c.MediaID(t.Context(), file7)
		if got != want || errors.Is(err, ErrNoMedia) != (want == "") || len(f.lines()) != 1 {
			t.Errorf("%s: %q, %v", to, got, err)
		}
	}
	c, _ := jira(t, map[string]any{contentLine: answer{body: "0123456789", header: map[string]string{"Content-Type": "text/plain"}}})
	if _, err := c.MediaID(t.Context(), file7); !errors.Is(err, ErrNoMedia) {
		t.Error(err)
	}
	c, _ = jira(t, map[string]any{
		contentLine: redirect("https://api.media.atlassian.com/file/" + id + "/binary"),
		"GET https://api.media.atlassian.com/file/" + id + "/binary": answer{body: "0123456789", header: map[string]string{"Content-Type": "text/plain"}},
	})
	if _, d, err := readAll(c, file7, 0); err != nil || d.Media != id {
		t.Error(d, err)
	}
}

// FuzzDownload has the hosts answer anything: a download is the whole file or an error, and nobody else is asked.
func FuzzDownload(f *testing.F) {
	f.Add(uint8(0), uint16(206), "bytes 4-9/10", "6", "", "", "456789")
	f.Add(uint8(1), uint16(302), "", "", "", "https://media-cdn.atlassian.com/x", "")
	f.Add(uint8(1), uint16(200), "", "10", "text/html", "//evil.example", "0123456789")
	f.Fuzz(func(t *testing.T, offset uint8, status uint16, span, length, kind, location, body string) {
		if status < 200 || status > 999 || status == 401 {
			return
		}
		hosts := map[string]bool{"north.example": true, "api.media.atlassian.com": true, "media-cdn.atlassian.com": true}
		wire := roundTrip(func(r *http.Request) (*http.Response, error) {
			if !hosts[r.URL.Hostname()] || r.URL.Scheme != "https" || r.URL.Hostname() != "north.example" && r.Header.Get("Authorization") != "" {
				t.Errorf("asked %s with %v", r.URL, r.Header)
			}
			if strings.HasPrefix(r.URL.Path, "/rest/api/3/attachment/content") {
				return &http.Response{StatusCode: 303, Header: http.Header{"Location": {"https://api.media.atlassian.com/file/u/binary"}}, Body: http.NoBody, Request: r}, nil
			}
			h := http.Header{}
			for k, v := range map[string]string{"Content-Range": span, "Content-Type": kind, "Location": location} {
				if v != "" {
					h.Set(k, v)
				}
			}
			n, err := strconv.ParseInt(length, 10, 64)
			if err != nil || n < 0 {
				n = -1
			}
			return &http.Response{StatusCode: int(status), Header: h, ContentLength: n, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		})
		c, err := New(Config{Base: "https://north.example", Auth: Auth{User: "u", Token: Token(testToken)}, HTTP: &http.Client{Transport: wire}, Media: &http.Client{Transport: wire}})
		if err != nil {
			t.Fatal(err)
		}
		at := int64(offset % 11)
		got, d, err := readAll(c, file7, at)
		if err != nil {
			return
		}
		if _, ok := d.SHA256(); ok != (at == 0) || int64(len(got)) != file7.Size-at {
			t.Errorf("%d of %d bytes", len(got), file7.Size-at)
		}
	})
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func FuzzContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-9/10", "bytes 4-9/*", "bytes */10", "bytes 9-4/10", "bytes -1-4/10", "bytes 0-9223372036854775807/9223372036854775807"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if first, size, ok := contentRange(s); ok && (first < 0 || size >= 0 && first >= size) {
			t.Errorf("%q: %d of %d", s, first, size)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
