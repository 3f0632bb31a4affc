package jsm

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const opContent = "GET attachment/content"

// maxHops bounds the redirects of one download; Jira's own and one to a delivery network are known.
const maxHops = 3

// maxDrain is what is read of a redirect's own words, so that its connection can serve again.
const maxDrain = 4 << 10

// ErrHost is an attachment whose content Jira keeps where we do not fetch from.
var ErrHost = errors.New("jira: the attachment's content lies on a host that is not allowed")

// OpenAttachment begins to read an attachment's content at an offset, to go on where an earlier download ended. The
// content comes from the host that Jira names, without our token, and only where that host is one of
// Atlassian's, one of Config.MediaHosts or the tenant itself. The address is signed, so it is in no error and no log.
//
// It costs 2 points. ctx bounds the whole download, and a read that stands still for the time of one attempt ends
// it; between reads the caller may take its time. What is not exactly as
// long as a.Size is an error, a login page in the file's place among it. The caller closes the Download.
// Errors: ErrHost, *APIError.
func (c *Client) OpenAttachment(ctx context.Context, a Attachment, offset int64) (*Download, error) {
	if offset < 0 || offset > a.Size {
		return nil, fmt.Errorf("reading attachment %s from byte %d: it has %d", clip(a.ID, 40), offset, a.Size)
	}
	d := &Download{left: a.Size - offset, hash: sha256.New(), whole: offset == 0}
	if d.left == 0 {
		d.body, d.watch = http.NoBody, newWatch(ctx, c.timeout)
		d.watch.rest()
		return d, nil
	}
	span := http.Header{"Accept": {"*/*"}, "Accept-Encoding": {"identity"}}
	if offset > 0 {
		span.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	got := &taken{file: a}
	k := call{op: opContent, method: http.MethodGet, path: rest("attachment", "content", a.ID), header: span, objects: one, content: got}
	if _, err := c.do(ctx, k); err != nil {
		got.drop()
		return nil, err
	}
	d.Media = mediaID(got.location)
	from, err := url.Parse(c.base)
	for hop := 0; got.resp == nil; hop++ {
		if err != nil || hop == maxHops {
			return nil, contentError(0, "Jira redirects to content that is nowhere")
		}
		if from, err = c.media.address(from, got.location); err != nil {
			return nil, err
		}
		if got, err = c.fetch(ctx, from, a, span); err != nil {
			return nil, err
		}
	}
	d.body, d.watch = got.resp.Body, got.watch
	d.watch.rest()
	if err := d.begin(got.resp, a, offset); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// fetch asks a host for the content. It is no Jira that answers, so it says nothing of the tenant and
// nothing but the span is sent.
func (c *Client) fetch(ctx context.Context, at *url.URL, a Attachment, span http.Header) (*taken, error) {
	w := newWatch(ctx, c.timeout)
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		w.stop()
		return nil, contentError(0, "the content's address cannot be used")
	}
	req.Header = span.Clone()
	req.Header.Set("User-Agent", c.agent)
	resp, err := c.media.client(at).Do(req)
	if err != nil {
		if why := context.Cause(w.ctx); why != nil {
			err = why
		}
		w.stop()
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = withoutAddress(u.Err) // the rest of it is the address
		}
		e := contentError(0, "the content's host gives no answer")
		e.Err = err
		return nil, e
	}
	got := &taken{file: a, watch: w}
	got.take(resp)
	if got.resp == nil {
		resp.Body.Close()
		w.stop()
	}
	if got.resp == nil && got.location == "" {
		e := contentError(resp.StatusCode, "the content's host does not give it")
		e.RetryAfter = retryAfter(resp.Header, time.Now())
		return nil, e
	}
	return got, nil
}

// contentError is a download that failed where another may succeed: signed addresses end soon.
func contentError(status int, why string) *APIError {
	return &APIError{Op: "GET content of an attachment", Status: status, Class: Transient, Applied: No, Messages: []string{why}}
}

// taken is an answer to a request for content: the content, or where it is.
type taken struct {
	file     Attachment
	watch    *watch
	resp     *http.Response // nil: no content yet
	location string
}

// take takes over an answer that is content or leads to it. In its place stays a success without content, which is
// judged as any other; the rest is left as it is.
func (t *taken) take(resp *http.Response) {
	if t == nil {
		return
	}
	t.drop()
	t.location = ""
	switch status := resp.StatusCode; {
	case status/100 == 3 && resp.Header.Get("Location") != "":
		t.location = resp.Header.Get("Location")
		io.CopyN(io.Discard, resp.Body, maxDrain)
		resp.Body.Close()
		emptied(resp)
	case status != http.StatusOK && status != http.StatusPartialContent,
		isHTML(resp.Header, nil) && !strings.Contains(strings.ToLower(t.file.MIME), "html"):
	default:
		own := *resp
		t.resp = &own
		emptied(resp)
	}
}

func emptied(resp *http.Response) {
	resp.Body, resp.Header, resp.StatusCode = http.NoBody, resp.Header.Clone(), http.StatusNoContent
	resp.Header.Del("Content-Type")
}

// drop ends content that is of no use.
func (t *taken) drop() {
	if t.resp != nil {
		t.resp.Body.Close()
		t.resp = nil
		t.release()
	}
}

// release ends the attempt, but for the content that is still to be read.
func (t *taken) release() {
	if t.resp == nil {
		t.watch.stop()
	}
}

// Download is an attachment's content on its way. It ends with io.EOF only after as many bytes as the attachment
// has. It is not safe for concurrent use.
type Download struct {
	Media string // the id that rich texts name the attachment by, see MediaID; "": not told

	body  io.ReadCloser
	watch *watch
	left  int64
	hash  hash.Hash
	whole bool // it began at the first byte
	err   error
}

// begin sees that the answer is the span that was asked for.
func (d *Download) begin(resp *http.Response, a Attachment, offset int64) error {
	length := a.Size
	if resp.StatusCode == http.StatusPartialContent {
		length -= offset
		if first, size, ok := contentRange(resp.Header.Get("Content-Range")); !ok || first != offset || size >= 0 && size != a.Size {
			return contentError(resp.StatusCode, "another part of the content than was asked for")
		}
	}
	if code := resp.Header.Get("Content-Encoding"); code != "" && code != "identity" {
		return contentError(resp.StatusCode, "the content comes in an encoding that was not asked for")
	}
	if resp.ContentLength >= 0 && resp.ContentLength != length {
		return contentError(resp.StatusCode, fmt.Sprintf("the content has %d bytes where %d were to come; perhaps it is a login page", resp.ContentLength, length))
	}
	if resp.StatusCode != http.StatusPartialContent && offset > 0 { // the span was passed over
		if _, err := io.CopyN(io.Discard, watched{d}, offset); err != nil {
			return d.cut(err)
		}
	}
	return nil
}

// contentRange reads "bytes 100-199/200"; size is -1 where the host does not know it (RFC 9110, 14.4).
func contentRange(s string) (first, size int64, ok bool) {
	span, total, _ := strings.Cut(strings.TrimPrefix(s, "bytes "), "/")
	from, to, _ := strings.Cut(span, "-")
	first, err := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	size = -1
	if total != "*" {
		n, err := strconv.ParseInt(total, 10, 64)
		if err != nil || n <= last {
			return 0, 0, false
		}
		size = n
	}
	return first, size, strings.HasPrefix(s, "bytes ") && err == nil && err2 == nil && first >= 0 && last >= first
}

// watched reads the content as it comes, under the watch.
type watched struct{ d *Download }

func (w watched) Read(p []byte) (int, error) {
	w.d.watch.moved()
	defer w.d.watch.rest() // whoever reads may take its time
	return w.d.body.Read(p)
}

// Read reads on. Its errors but io.EOF are *APIError and final.
func (d *Download) Read(p []byte) (int, error) {
	if d.err != nil || len(p) == 0 {
		return 0, d.err
	}
	if d.left == 0 {
		d.err = d.end()
		return 0, d.err
	}
	n, err := watched{d}.Read(p[:min(int64(len(p)), d.left)])
	d.left -= int64(n)
	if d.whole {
		d.hash.Write(p[:n])
	}
	if err != nil && d.left > 0 {
		d.err = d.cut(err)
	}
	return n, d.err
}

// end sees that nothing follows the last byte.
func (d *Download) end() error {
	var one [1]byte
	if n, _ := io.ReadFull(watched{d}, one[:]); n > 0 {
		return contentError(0, "the content has more bytes than the attachment")
	}
	return io.EOF
}

func (d *Download) cut(err error) error {
	e := contentError(0, "the content ended early")
	e.Trouble = TroubleCut
	if err != io.EOF {
		e.Err = err
	}
	if why := context.Cause(d.watch.ctx); why != nil {
		e.Err = why
	}
	return e
}

// SHA256 is the content's hash; ok only once io.EOF was read of a download that began at the first byte.
func (d *Download) SHA256() (sum [sha256.Size]byte, ok bool) {
	if !d.whole || d.err != io.EOF {
		return sum, false
	}
	d.hash.Sum(sum[:0])
	return sum, true
}

// Close ends the download.
func (d *Download) Close() error {
	d.watch.stop()
	return d.body.Close()
}

// HashAttachment reads an attachment from end to end and returns its hash.
func (c *Client) HashAttachment(ctx context.Context, a Attachment) (sum [sha256.Size]byte, err error) {
	d, err := c.OpenAttachment(ctx, a, 0)
	if err != nil {
		return sum, err
	}
	defer d.Close()
	if _, err := io.Copy(io.Discard, d); err != nil {
		return sum, fmt.Errorf("hashing attachment %s: %w", clip(a.ID, 40), err)
	}
	sum, _ = d.SHA256()
	return sum, nil
}
