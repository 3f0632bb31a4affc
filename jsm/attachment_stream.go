package jsm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"sync"
	"time"
)

// ErrSource is a file that is not as announced: shorter, longer, or with another hash. What was sent of it is
// incomplete, so Jira keeps nothing.
var ErrSource = errors.New("the file is not as announced")

// errStalled ends a transfer in which nothing moved for the time of one attempt.
var errStalled = errors.New("nothing moved for too long")

// askFrom is the size in bytes from which Jira is asked first whether it takes a form at all: a refusal then comes
// before the file, and not in the place of a connection that breaks.
const askFrom = 1 << 20

// form is one file as a multipart form (RFC 7578) that is streamed: only its frame is held. The part's name must be
// "file" [S].
type form struct {
	upload         Upload
	prefix, suffix []byte
	contentType    string

	mu    sync.Mutex // everything below
	watch *watch     // of the newest attempt
	last  *source    // likewise
}

func newForm(u Upload) (*form, error) {
	kind := u.MIME // what a stranger wrote
	if t, _, err := mime.ParseMediaType(kind); err != nil || !strings.Contains(t, "/") || len(kind) > maxMIME {
		kind = "application/octet-stream"
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition("file", u.Name)},
		"Content-Type":        {kind},
	})
	if err != nil {
		return nil, fmt.Errorf("framing an attachment: %w", err)
	}
	prefix := bytes.Clone(b.Bytes())
	b.Reset()
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("framing an attachment: %w", err)
	}
	return &form{upload: u, prefix: prefix, suffix: b.Bytes(), contentType: w.FormDataContentType()}, nil
}

// attach makes the form the request's body, from its first byte. Its length is known, since not every proxy takes
// a body without.
func (f *form) attach(req *http.Request) error {
	if f == nil {
		return nil
	}
	body, err := f.body()
	if err != nil {
		return err
	}
	req.Body, req.GetBody = body, f.body
	req.ContentLength = int64(len(f.prefix)) + f.upload.Size + int64(len(f.suffix))
	req.Header.Set("Content-Type", f.contentType)
	req.Header.Set("X-Atlassian-Token", "no-check") // forms are refused without it [S]
	if f.upload.Size > askFrom {
		req.Header.Set("Expect", "100-continue")
	}
	return nil
}

func (f *form) body() (io.ReadCloser, error) {
	file, err := f.upload.Open()
	if err != nil {
		return nil, fmt.Errorf("opening the file to attach: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &source{upload: f.upload, watch: f.watch, file: file, left: f.upload.Size, hash: sha256.New()}
	f.last = s
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(f.prefix), s, bytes.NewReader(f.suffix)), file}, nil
}

// sum is the hash of what was sent; whole tells that it was all of the file.
func (f *form) sum() (sum [sha256.Size]byte, whole bool) {
	f.mu.Lock()
	s := f.last
	f.mu.Unlock()
	if s == nil {
		return sum, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sum, s.whole
}

// blame says of an attempt that failed for the file's sake that it was not the tenant's fault.
func (f *form) blame(e *APIError) *APIError {
	if f == nil {
		return e
	}
	f.mu.Lock()
	s := f.last
	f.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		return e
	}
	e.Err, e.Trouble = s.err, ""
	if errors.Is(s.err, ErrSource) {
		e.Class, e.Applied = Definite, No
	}
	return e
}

// source reads the file and sees that it is as announced before the form's end is sent: Jira drops a form without one.
type source struct {
	upload Upload
	watch  *watch
	file   io.Reader

	mu    sync.Mutex // everything below; the transport may still read while the answer is here
	left  int64
	hash  hash.Hash
	sum   [sha256.Size]byte
	whole bool
	err   error // why it is of no use
}

func (s *source) Read(p []byte) (int, error) {
	s.watch.moved()
	n, err := s.file.Read(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left -= int64(n)
	s.hash.Write(p[:n])
	switch {
	case s.left < 0:
		s.err = fmt.Errorf("%w: it has more than %d bytes", ErrSource, s.upload.Size)
	case err == nil:
		return n, nil
	case err != io.EOF:
		s.err = fmt.Errorf("reading the file to attach: %w", err)
	case s.left > 0:
		s.err = fmt.Errorf("%w: %d bytes are missing", ErrSource, s.left)
	default:
		s.hash.Sum(s.sum[:0])
		if want := s.upload.SHA256; want != nil && *want != s.sum {
			s.err = fmt.Errorf("%w: its hash is another", ErrSource)
		}
	}
	if s.err != nil {
		return 0, s.err // without the last bytes: the form must not look whole
	}
	s.whole = true
	return n, io.EOF
}

// within bounds one attempt in time: a transfer may take as long as it needs while its bytes move.
func (k *call) within(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	switch {
	case k.file != nil:
		w := newWatch(ctx, timeout)
		k.file.mu.Lock()
		k.file.watch = w
		k.file.mu.Unlock()
		return w.ctx, w.stop
	case k.content != nil:
		k.content.watch = newWatch(ctx, timeout)
		return k.content.watch.ctx, k.content.release
	}
	return context.WithTimeout(ctx, timeout)
}

// watch ends a context when nothing moved for a time.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	after  time.Duration
}

func newWatch(ctx context.Context, after time.Duration) *watch {
	ctx, cancel := context.WithCancelCause(ctx)
	return &watch{ctx: ctx, cancel: cancel, after: after, timer: time.AfterFunc(after, func() { cancel(errStalled) })}
}

func (w *watch) moved() { w.timer.Reset(w.after) }

// rest lets time pass until something is to move again.
func (w *watch) rest() { w.timer.Stop() }

func (w *watch) stop() {
	w.timer.Stop()
	w.cancel(nil)
}
