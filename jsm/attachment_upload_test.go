package jsm

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	attachLine    = "POST /rest/api/3/issue/1/attachments"
	temporaryLine = "POST /rest/servicedeskapi/servicedesk/10/attachTemporaryFile"
	requestLine   = "POST /rest/servicedeskapi/request/1/attachment"
	markLine      = "PUT /rest/api/3/comment/700/properties/parley"
)

func hello() Upload {
	return Upload{Name: "../he\"llo.txt", Size: 5, MIME: "text/plain", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("hello")), nil }}
}

func attached(size int) string {
	return fmt.Sprintf(`[{"id":"7","filename":"hello.txt","size":%d,"mimeType":"text/plain","author":{"accountId":"me"},"created":"2026-11-22T10:00:00.000+0000"}]`, size)
}

// theFile reads the one file of a form.
func theFile(t *testing.T, r *http.Request, body []byte) (name, kind, content string) {
	t.Helper()
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	form := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	part, err := form.NextPart()
	if err != nil || part.FormName() != "file" {
		t.Fatal(part, err)
	}
	b, err := io.ReadAll(part)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := form.NextPart(); err != io.EOF {
		t.Errorf("more than one part: %v", err)
	}
	if int64(len(body)) != r.ContentLength {
		t.Errorf("%d bytes announced, %d sent", r.ContentLength, len(body))
	}
	return part.FileName(), part.Header.Get("Content-Type"), string(b)
}

func TestAttachInternal(t *testing.T) {
	c, f := jira(t, map[string]any{attachLine: func(r *http.Request, body []byte) answer {
		if name, kind, content := theFile(t, r, body); name != `he"llo.txt` || kind != "text/plain" || content != "hello" {
			t.Errorf("%q %q %q", name, kind, content)
		}
		return answer{body: attached(5)}
	}})
	up, err := c.AttachInternal(t.Context(), "1", hello())
	if err != nil || up.Attachment.ID != "7" || up.Attachment.Customer() || up.Echo != nil || up.SHA256 != sha256.Sum256([]byte("hello")) {
		t.Errorf("%+v, %v", up, err)
	}
	if n := c.Calls().Total(); n.Calls != 1 || n.Points != 1 || len(f.lines()) != 1 {
		t.Errorf("%+v", n)
	}
}

func TestAttachOfAKindThatIsNone(t *testing.T) {
	for _, kind := range []string{"", "text/plain\r\nX: y", "x", "text/plain; a", "text/" + strings.Repeat("x", maxMIME)} {
		c, _ := jira(t, map[string]any{attachLine: func(r *http.Request, body []byte) answer {
			if _, got, _ := theFile(t, r, body); got != "application/octet-stream" {
				t.Errorf("%q → %q", kind, got)
			}
			return answer{body: attached(5)}
		}})
		u := hello()
		u.MIME = kind
		if _, err := c.AttachInternal(t.Context(), "1", u); err != nil {
			t.Error(err)
		}
	}
}

func TestAttachInternalRefusedOrLost(t *testing.T) {
	for _, c := range []struct {
		name    string
		answer  any
		applied Applied
		class   Class
	}{
		{"too large", answer{status: 413, body: `{"errorMessages":["too large"],"errors":{}}`}, No, Definite},
		{"forbidden", answer{status: 403, body: `{"errorMessages":["no"],"errors":{}}`}, No, Definite},
		{"lost", answer{err: errors.New("connection reset by peer")}, Maybe, Transient},
		{"a gateway's error", answer{status: 502}, Maybe, Transient},
		{"none made", answer{body: `[]`}, Maybe, Transient},
		{"two made", answer{body: strings.Replace(attached(5), "]", ","+attached(5)[1:], 1)}, Maybe, Transient},
		{"without id", answer{body: `[{"size":5}]`}, Maybe, Transient},
		{"of another size", answer{body: attached(4)}, Maybe, Transient},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, f := jira(t, map[string]any{attachLine: c.answer})
				_, err := client.AttachInternal(t.Context(), "1", hello())
				var e *APIError
				if !errors.As(err, &e) || e.Applied != c.applied || e.Class != c.class || len(f.lines()) != 1 {
					t.Errorf("%v, %v", err, f.lines())
				}
			})
		})
	}
}

func TestAttachIsSentAgainFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		c, _ := jira(t, map[string]any{attachLine: func(r *http.Request, body []byte) answer {
			if _, _, content := theFile(t, r, body); content != "hello" {
				t.Error(content)
			}
			if tries++; tries == 1 {
				return answer{status: 429, header: map[string]string{"Retry-After": "1"}}
			}
			return answer{body: attached(5)}
		}})
		if up, err := c.AttachInternal(t.Context(), "1", hello()); err != nil || tries != 2 || up.SHA256 != sha256.Sum256([]byte("hello")) {
			t.Errorf("%+v, %v", up, err)
		}
	})
}

func TestAttachOfAFileThatIsNotAsAnnounced(t *testing.T) {
	other := sha256.Sum256([]byte("other"))
	broken := errors.New("the disk is gone")
	for _, c := range []struct {
		name   string
		change func(*Upload)
		want   error
	}{
		{"shorter", func(u *Upload) { u.Size = 6 }, ErrSource},
		{"longer", func(u *Upload) { u.Size = 4 }, ErrSource},
		{"another", func(u *Upload) { u.SHA256 = &other }, ErrSource},
		{"unreadable", func(u *Upload) {
			u.Open = func() (io.ReadCloser, error) { return io.NopCloser(failing{broken}), nil }
		}, broken},
	} {
		got := make(chan error, 1)
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			got <- err
			io.WriteString(w, attached(5))
		}))
		client, err := New(Config{Base: site.URL, Auth: Auth{User: "u", Token: Token(testToken)}, HTTP: site.Client()})
		if err != nil {
			t.Fatal(err)
		}
		u := hello()
		c.change(&u)
		_, err = client.AttachInternal(t.Context(), "1", u)
		if !errors.Is(err, c.want) || errors.Is(c.want, ErrSource) && MaybeApplied(err) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err := <-got; err == nil {
			t.Errorf("%s: the server has a whole form", c.name)
		}
		site.Close()
	}
	c, f := jira(t, nil)
	for _, u := range []Upload{
		{Name: "x", Size: 5}, {Size: -1, Open: hello().Open},
		{Size: 5, Open: func() (io.ReadCloser, error) { return nil, broken }}, {Size: 5, Open: hello().Open, Mark: json.RawMessage(`{`)},
	} {
		if _, err := c.AttachInternal(t.Context(), "1", u); err == nil || MaybeApplied(err) || len(f.lines()) > 0 {
			t.Error(err, f.lines())
		}
	}
}

func TestAttachThatStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := jira(t, map[string]any{attachLine: answer{body: attached(5)}})
		u := hello()
		ctx := t.Context()
		u.Open = func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(late{50 * time.Second}, late{50 * time.Second}, late{50 * time.Second}, late{50 * time.Second}, late{50 * time.Second})), nil
		}
		if _, err := c.AttachInternal(ctx, "1", u); err != nil {
			t.Errorf("slow, but it moves: %v", err)
		}
		u.Open = func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(late{0}, late{defaultTimeout + time.Second}, strings.NewReader("xxx"))), nil
		}
		if _, err := c.AttachInternal(ctx, "1", u); err == nil {
			t.Error("it stood still")
		}
	})
}

func TestARefusalComesBeforeABigFile(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		io.WriteString(w, `{"errorMessages":["too large"],"errors":{}}`)
	}))
	defer site.Close()
	c, err := New(Config{Base: site.URL, Auth: Auth{User: "u", Token: Token(testToken)}})
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	_, err = c.AttachInternal(t.Context(), "1", Upload{Size: 1 << 30, Open: func() (io.ReadCloser, error) {
		read++
		return io.NopCloser(io.LimitReader(zeros{}, 1<<30)), nil
	}})
	var e *APIError
	if !errors.As(err, &e) || e.Status != http.StatusRequestEntityTooLarge || e.Applied != No || read != 1 {
		t.Errorf("%v, opened %d times", err, read)
	}
}

// TestAttachHoldsNoFile sends 64 MiB and sees that they are not held.
func TestAttachHoldsNoFile(t *testing.T) {
	const size = 64 << 20
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, err := io.Copy(io.Discard, r.Body); err != nil || n != r.ContentLength {
			t.Errorf("%d of %d, %v", n, r.ContentLength, err)
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, attached(size))
	}))
	defer site.Close()
	c, err := New(Config{Base: site.URL, Auth: Auth{User: "u", Token: Token(testToken)}, HTTP: site.Client()})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	up, err := c.AttachInternal(t.Context(), "1", Upload{Name: "big", Size: size, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.LimitReader(zeros{}, size)), nil
	}})
	runtime.ReadMemStats(&after)
	if err != nil || up.Attachment.Size != size {
		t.Errorf("%+v, %v", up, err)
	}
	held := after.TotalAlloc - before.TotalAlloc
	t.Logf("%d KiB were allocated for %d MiB", held>>10, size>>20)
	if held > size/16 {
		t.Error("that is too much")
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

const (
	temporary = `{"temporaryAttachments":[{"temporaryAttachmentId":"temp1","fileName":"hello.txt"}]}`
	given     = `"attachments":{"isLastPage":true,"values":[{"filename":"hello.txt","size":5,"mimeType":"text/plain","author":{"accountId":"me"},"created":{"epochMillis":1764000000000},"_links":{"jiraRest":"https://north.example/rest/api/2/attachment/7"}}]}`
)

func echoed(public string) answer {
	return answer{status: 201, body: `{"comment":{"id":"700","body":"!hello.txt!"` + public + `,"created":{"epochMillis":1764000000000}},` + given + `}`}
}

func TestAttachPublic(t *testing.T) {
	c, f := jira(t, map[string]any{temporaryLine: answer{status: 201, body: temporary}, requestLine: echoed(`,"public":true`), markLine: answer{status: 201}})
	u := hello()
	u.Say, u.Mark = "Jane [Doe|http://evil.example], *Anne-Marie*:", json.RawMessage(`{"n":1}`)
	up, err := c.AttachPublic(t.Context(), "1", "10", u)
	if err != nil || up.Attachment.ID != "7" || up.Attachment.Shown != ByComment || up.Attachment.Comment != "700" || up.SHA256 != sha256.Sum256([]byte("hello")) {
		t.Fatalf("%+v, %v", up, err)
	}
	if e := up.Echo; e == nil || e.ID != "700" || !e.Customer() || e.Author.AccountID != "me" || string(e.Mark) != `{"n":1}` || !e.Created.Equal(time.UnixMilli(1764000000000)) {
		t.Errorf("%+v", e)
	}
	sameJSON(t, f.last(requestLine).Body, `{"temporaryAttachmentIds":["temp1"],"public":true,"additionalComment":{"body":"Jane Doe http: evil.example , Anne-Marie :"}}`)
	sameJSON(t, f.last(markLine).Body, `{"n":1}`)
	if n := c.Calls().Total(); n.Points != 3 {
		t.Errorf("%+v", n)
	}
}

func TestAttachPublicGoesWrong(t *testing.T) {
	lost := answer{err: errors.New("connection reset by peer")}
	for _, c := range []struct {
		name             string
		first, last, put any
		maybe            bool
		check            func(Uploaded, error) bool
	}{
		{"the desk's answer is lost", lost, nil, nil, false, nil},
		{"the desk makes none", answer{status: 201, body: `{"temporaryAttachments":[]}`}, nil, nil, false, nil},
		{"the request's answer is lost", answer{status: 201, body: temporary}, lost, nil, true, nil},
		{"a temporary file that expired", answer{status: 201, body: temporary}, answer{status: 400, body: `{"errorMessage":"expired"}`}, nil, false, nil},
		{"none attached", answer{status: 201, body: temporary}, answer{status: 201, body: `{"attachments":{"values":[]}}`}, nil, true, nil},
		{"no id", answer{status: 201, body: temporary}, answer{status: 201, body: `{"attachments":{"values":[{"size":5}]}}`}, nil, true, nil},
		{"internal after all", answer{status: 201, body: temporary}, echoed(`,"public":false`), nil, false, func(up Uploaded, err error) bool {
			var hidden *HiddenUpload
			return errors.As(err, &hidden) && up.Attachment.ID == "7" && !up.Attachment.Customer() && up.Echo != nil
		}},
		{"nobody says that it is public", answer{status: 201, body: temporary}, echoed(``), nil, false, func(up Uploaded, err error) bool {
			var hidden *HiddenUpload
			return errors.As(err, &hidden) && !up.Attachment.Customer()
		}},
		{"without a comment", answer{status: 201, body: temporary}, answer{status: 201, body: `{` + given + `}`}, nil, false, func(up Uploaded, err error) bool {
			var hidden *HiddenUpload
			return errors.As(err, &hidden) && !up.Attachment.Customer() && up.Echo == nil
		}},
		{"the mark is refused", answer{status: 201, body: temporary}, echoed(`,"public":true`), answer{status: 403, body: `{"errorMessages":["no"],"errors":{}}`}, false, func(up Uploaded, err error) bool {
			var bare *UnmarkedEcho
			return errors.As(err, &bare) && bare.Comment == "700" && up.Attachment.Customer() && up.Echo.ID == "700"
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, f := jira(t, map[string]any{temporaryLine: c.first, requestLine: c.last, markLine: c.put})
				f.any = true
				u := hello()
				u.Mark = json.RawMessage(`1`)
				up, err := client.AttachPublic(t.Context(), "1", "10", u)
				if err == nil || MaybeApplied(err) != c.maybe || c.check != nil && !c.check(up, err) {
					t.Errorf("%+v, %v", up, err)
				}
			})
		})
	}
}

func TestFindUpload(t *testing.T) {
	const created = `"created":"2026-11-22T10:00:00.000+0000"`
	file := func(id, name, by string, size int) string {
		return fmt.Sprintf(`{"id":"%s","filename":"%s","size":%d,"author":{"accountId":"%s"},%s}`, id, name, size, by, created)
	}
	issue := func(files ...string) string {
		return `{"id":"1","key":"S-1","fields":{"attachment":[` + strings.Join(files, ",") + `],"comment":{"total":2,"comments":[
			{"id":"699","jsdPublic":true,"author":{"accountId":"me"},` + created + `},{"id":"700","jsdPublic":true,"author":{"accountId":"me"},` + created + `}]}}}`
	}
	content := func(s string) answer { return answer{body: s, header: map[string]string{"Content-Type": "text/plain"}} }
	hash := sha256.Sum256([]byte("hello"))
	since := time.Date(2026, 11, 22, 10, 5, 0, 0, time.UTC) // our clock is ahead of theirs
	for _, c := range []struct {
		name  string
		files []string
		known []string
		hash  *[32]byte
		since time.Time
		want  string
	}{
		{"nothing there", nil, nil, &hash, since, ""},
		{"it is there", []string{file("7", "hello.txt", "me", 5)}, nil, &hash, since, "7"},
		{"under a name that Jira changed", []string{file("7", "hello(1).txt", "me", 5)}, nil, &hash, since, "7"},
		{"somebody else's", []string{file("7", "hello.txt", "ann", 5)}, nil, &hash, since, ""},
		{"of another size", []string{file("7", "hello.txt", "me", 6)}, nil, &hash, since, ""},
		{"known already", []string{file("7", "hello.txt", "me", 5)}, []string{"7"}, &hash, since, ""},
		{"of the same name and size", []string{file("8", "hello.txt", "me", 5)}, nil, &hash, since, ""},
		{"one of two of the same name", []string{file("8", "hello.txt", "me", 5), file("7", "hello.txt", "me", 5)}, nil, &hash, since, "7"},
		{"long before", []string{file("7", "hello.txt", "me", 5)}, nil, &hash, since.Add(time.Hour), ""},
		{"by its name", []string{file("7", "hello.txt", "me", 5)}, nil, nil, since, "7"},
		{"by its name, and it has another", []string{file("7", "x.txt", "me", 5)}, nil, nil, since, ""},
	} {
		client, _ := jira(t, map[string]any{
			"GET /rest/api/3/issue/1":                                   issue(c.files...),
			"GET /rest/api/3/attachment/content/7":                      content("hello"),
			"GET /rest/api/3/attachment/content/8":                      content("hallo"),
			"GET /rest/api/3/comment/700/properties/parley":             `{"key":"parley","value":{"n":1}}`,
			"GET /rest/servicedeskapi/request/1/comment/699/attachment": `{"isLastPage":true,"values":[` + shownFile("70") + `]}`,
			"GET /rest/servicedeskapi/request/1/comment/700/attachment": `{"isLastPage":true,"values":[` + shownFile("7") + `]}`,
		})
		up, err := client.FindUpload(t.Context(), "1", Sought{Name: "hello.txt", Size: 5, SHA256: c.hash, By: "me", Since: c.since, Known: c.known, Public: true})
		switch {
		case err != nil || (up == nil) != (c.want == ""):
			t.Errorf("%s: %+v, %v", c.name, up, err)
		case up != nil && (up.Attachment.ID != c.want || up.Echo == nil || up.Echo.ID != "700" || string(up.Echo.Mark) != `{"n":1}` || !up.Attachment.Customer()):
			t.Errorf("%s: %+v", c.name, up)
		}
	}
	client, _ := jira(t, map[string]any{
		"GET /rest/api/3/issue/1":              issue(file("7", "hello.txt", "me", 5)),
		"GET /rest/api/3/attachment/content/7": answer{status: 403, body: `{"errorMessages":["no"],"errors":{}}`},
	})
	if up, err := client.FindUpload(t.Context(), "1", Sought{Name: "hello.txt", Size: 5, SHA256: &hash, By: "me"}); err == nil {
		t.Errorf("what cannot be read is not absent: %+v", up)
	}
}
