package sim

// The media host: another host than the site, which holds the content of attachments. The site sends there
// with a signed address that expires. The host knows no account: it refuses every call that carries credentials.

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	mediaPath = "/file/"
	mediaTTL  = 10 * time.Minute // how long a signed address leads to its content
	cloudHost = "api.media.atlassian.com"
)

var mediaEndpoint = &endpoint{name: "GET /file/{file}/binary", method: http.MethodGet, open: true}

// mediaBase is where content lies. Cloud sites share one media host. A site on a local socket has it at the
// socket's other name, so that one listener serves two hosts.
func (t *Tenant) mediaBase() string {
	if t.mediaURL != "" {
		return t.mediaURL
	}
	u, err := url.Parse(t.url)
	if err != nil || strings.HasSuffix(u.Host, ".atlassian.net") {
		return "https://" + cloudHost
	}
	name, port := u.Hostname(), ""
	if u.Port() != "" {
		port = ":" + u.Port()
	}
	switch {
	case name == "localhost":
		return u.Scheme + "://127.0.0.1" + port
	case net.ParseIP(name).IsLoopback(), net.ParseIP(name).IsUnspecified():
		return u.Scheme + "://localhost" + port
	}
	return u.Scheme + "://media." + name + port
}

// SetMediaURL names the media host, where another address leads to the tenant than the one that it would use.
func (t *Tenant) SetMediaURL(base string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mediaURL = strings.TrimRight(base, "/")
}

// MediaURL is the base of the signed addresses of attachments' contents: another host than URL's.
func (t *Tenant) MediaURL() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mediaBase()
}

// signed is the address of an attachment's content, good for a while.
func (t *Tenant) signed(at *attachment, now time.Time) string {
	q := url.Values{"token": {t.mediaToken(at.media, now.Add(mediaTTL).Unix())}, "client": {t.cloudID}, "dl": {"true"}, "name": {at.name}}
	return t.mediaBase() + mediaPath + at.media + "/binary?" + q.Encode()
}

func (t *Tenant) mediaToken(media string, until int64) string {
	mac := hmac.New(sha256.New, []byte("media key of "+t.name))
	fmt.Fprintf(mac, "%s %d", media, until)
	return strconv.FormatInt(until, 10) + "." + hex.EncodeToString(mac.Sum(nil))
}

// A request of the media host, worked out: an attachment to send, or a refusal, or nothing at all.
type download struct {
	at      *attachment
	refusal answer
	torn    bool // the connection ends halfway
	dropped bool // the connection ends at once
}

// wanted works out what a call to the media host gets.
func (t *Tenant) wanted(r *http.Request) download {
	defer t.enter()()
	c := &call{t: t, r: r, q: r.URL.Query(), now: t.now(), ep: mediaEndpoint}
	t.ledger.count("anonymous", mediaEndpoint.name) // it costs no points
	f := t.strike(c)
	if f == nil {
		return t.checked(c)
	}
	switch f.Kind {
	case "cut", "lost", "applied":
		d := t.checked(c)
		d.torn = true
		return d
	case "drop", "late":
		return download{dropped: true}
	}
	a, _ := t.suffer(f, c) // of the other kinds none applies anything
	return download{refusal: a}
}

// checked judges a signed address.
func (t *Tenant) checked(c *call) download {
	no := func(status int, code string) download {
		return download{refusal: answer{status: status, body: obj{"error": obj{"code": code, "title": http.StatusText(status)}}}}
	}
	r := c.r
	base, err := url.Parse(t.mediaBase())
	media, end, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, mediaPath), "/")
	until, _, _ := strings.Cut(c.q.Get("token"), ".")
	seconds, bad := strconv.ParseInt(until, 10, 64)
	switch {
	case err != nil || !strings.EqualFold(base.Host, r.Host) || end != "binary":
		return download{refusal: notFound()}
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return download{refusal: answer{status: http.StatusMethodNotAllowed}}
	case r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "":
		return no(http.StatusUnauthorized, "CredentialsNotAccepted")
	case bad != nil || !hmac.Equal([]byte(c.q.Get("token")), []byte(t.mediaToken(media, seconds))) || c.q.Get("client") != t.cloudID:
		return no(http.StatusForbidden, "InvalidToken")
	case c.now.Unix() >= seconds:
		return no(http.StatusForbidden, "TokenExpired")
	}
	at := t.issues.media[media]
	if at == nil {
		return no(http.StatusNotFound, "ResourceNotFound")
	}
	return download{at: at}
}

// serveMedia answers a call to the media host.
func (t *Tenant) serveMedia(w http.ResponseWriter, r *http.Request) {
	d := t.wanted(r)
	switch {
	case d.dropped:
		panic(http.ErrAbortHandler) // the connection ends without an answer
	case d.at == nil:
		t.send(w, d.refusal)
	default:
		t.sendContent(w, r, d.at, d.torn)
	}
}

// sendContent streams an attachment, whole or in ranges, without the tenant's lock.
func (t *Tenant) sendContent(w http.ResponseWriter, r *http.Request, at *attachment, torn bool) {
	h := w.Header()
	h.Set("Content-Type", at.mime)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": at.name}))
	h.Set("ETag", `"`+hex.EncodeToString(at.content.sum[:])+`"`)
	h.Set("X-Content-Type-Options", "nosniff")
	if !torn {
		http.ServeContent(w, r, "", at.created, at.content.reader())
		return
	}
	http.ServeContent(w, r, "", at.created, &tornReader{blobReader: at.content.reader(), most: at.content.size / 2})
	if _, inProcess := w.(*sheet); !inProcess {
		panic(http.ErrAbortHandler)
	}
}

// A tornReader ends with an error where it has come halfway.
type tornReader struct {
	blobReader
	most int64 // bytes of the content, from its beginning, that come through
}

func (r *tornReader) Read(p []byte) (int, error) {
	at, err := r.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	left := r.most - at
	if left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	return r.blobReader.Read(p[:min(int64(len(p)), left)])
}
