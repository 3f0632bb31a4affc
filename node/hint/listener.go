package hint

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	maxBody    = 1 << 20  // bytes of one body; Jira's are 5–50 KiB, its own cap is said to be 25 MB
	maxBodies  = 32 << 20 // bytes of all bodies being read at a time
	retryAfter = 30       // seconds; Jira waits 5 to 15 minutes whatever is said here
	warnEvery  = time.Minute
)

// Config is what a listener works with.
type Config struct {
	Path string // the only path that is answered; random, for it is half of a secret
	// Secrets are the valid ones, the newest first. It is asked for every
	// request that has the right path.
	Secrets func() ([]Secret, error)
	// Unsigned takes requests that bring no proof besides the path. For Data
	// Center before 10, which cannot sign. A wrong proof is refused anyway.
	Unsigned bool
	// Mark returns once the tickets' marks are on disk. It is called by one
	// goroutine, with the hints of many requests together.
	Mark func(Hint) error
	Log  *slog.Logger // nil: discards
}

// Tally counts requests since the listener was made.
type Tally struct {
	Taken     uint64    `json:"taken"`      // answered 200, their marks on disk
	Doubled   uint64    `json:"doubled"`    // answered 200, known already
	Refused   uint64    `json:"refused"`    // at the right path, with a bad proof or body
	Busy      uint64    `json:"busy"`       // answered 503
	OldSecret uint64    `json:"old_secret"` // of the taken ones: by a secret that a newer one has replaced
	Last      time.Time `json:"last"`       // when the newest was taken; zero: none yet
}

// Listener is an http.Handler for one path. Serve makes it answer.
type Listener struct {
	cfg    Config
	bodies *semaphore.Weighted
	posts  chan *post
	known  memory

	taken, doubled, refused, busy, oldSecret atomic.Uint64
	last, warned                             atomic.Int64 // Unix milliseconds
}

// New makes a listener; nothing runs before Serve.
func New(cfg Config) (*Listener, error) {
	switch {
	case len(cfg.Path) < 16 || cfg.Path[0] != '/':
		return nil, errors.New("a webhook listener needs a long random path")
	case cfg.Mark == nil || cfg.Secrets == nil:
		return nil, errors.New("a webhook listener needs secrets, and somewhere to put its hints")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Listener{cfg: cfg, bodies: semaphore.NewWeighted(maxBodies), posts: make(chan *post, maxWaiting)}, nil
}

// Tally reads the counts.
func (l *Listener) Tally() Tally {
	t := Tally{
		Taken: l.taken.Load(), Doubled: l.doubled.Load(), Refused: l.refused.Load(), Busy: l.busy.Load(), OldSecret: l.oldSecret.Load(),
	}
	if ms := l.last.Load(); ms != 0 {
		t.Last = time.UnixMilli(ms).UTC()
	}
	return t
}

// ServeHTTP takes one request. Statuses that Jira does not repeat (4xx) are
// given only where repeating cannot help.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := l.take(w, r)
	switch {
	case status >= http.StatusInternalServerError:
		l.busy.Add(1)
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	case status == http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	}
	if status != http.StatusOK {
		w.Header().Set("Connection", "close") // what is left of the body is not worth reading
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, http.StatusText(status)+"\n")
}

// take judges a request by what costs least first and gives the answer's status.
func (l *Listener) take(w http.ResponseWriter, r *http.Request) int {
	if subtle.ConstantTimeCompare([]byte(r.URL.Path), []byte(l.cfg.Path)) != 1 {
		return http.StatusNotFound
	}
	if r.Method != http.MethodPost {
		return http.StatusMethodNotAllowed
	}
	if kind := r.Header.Get("Content-Type"); kind != "" {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != "application/json" {
			return l.refuse(http.StatusUnsupportedMediaType, "a body that is not JSON")
		}
	}
	if r.ContentLength > maxBody {
		return l.refuse(http.StatusRequestEntityTooLarge, "a body that is too long")
	}
	proof, ok := proofOf(r.Header, l.cfg.Unsigned)
	if !ok {
		return l.refuse(http.StatusUnauthorized, "no proof of origin")
	}
	body, release, status := l.read(w, r)
	if status != http.StatusOK {
		return status
	}
	n, status := l.weigh(r.Header, proof, body)
	release()
	if status != http.StatusOK {
		return status
	}
	return l.keep(r, n)
}

// read reads a body within the bytes that all bodies may take together.
// release gives them back once the body is done with.
func (l *Listener) read(w http.ResponseWriter, r *http.Request) (body []byte, release func(), status int) {
	size := int64(maxBody)
	if r.ContentLength >= 0 {
		size = r.ContentLength
	}
	if err := l.bodies.Acquire(r.Context(), size); err != nil {
		return nil, nil, http.StatusServiceUnavailable
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		return body, func() { l.bodies.Release(size) }, http.StatusOK
	}
	l.bodies.Release(size)
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return nil, nil, l.refuse(http.StatusRequestEntityTooLarge, "a body that is too long")
	}
	return nil, nil, http.StatusRequestTimeout // it did not come to its end; Jira repeats after a 408
}

// news is what a request that was found genuine says.
type news struct {
	hint  Hint
	names []delivery
	old   bool // by a secret that a newer one has replaced
}

// weigh checks the proof over the body as it came, and only then reads what it says.
func (l *Listener) weigh(head http.Header, p proof, body []byte) (n news, status int) {
	secrets, err := l.cfg.Secrets()
	if err != nil {
		l.warn("a webhook cannot be checked", err)
		return n, http.StatusServiceUnavailable
	}
	by := p.by(secrets, body, time.Now())
	if by < 0 && (p.signed || p.word != "" || !l.cfg.Unsigned) {
		return n, l.refuse(http.StatusUnauthorized, "a signature or word that no valid secret made")
	}
	h, unique, err := parse(body)
	if err != nil {
		return n, l.refuse(http.StatusBadRequest, "a body that is not a JSON object")
	}
	if !p.signed { // only a signature binds what the body says
		for i := range h.Tickets {
			h.Tickets[i].Updated = time.Time{}
		}
	}
	return news{hint: h, names: names(head, body, p.signed && unique), old: by > 0}, http.StatusOK
}

// keep has what a request says marked on disk, unless it was taken before.
func (l *Listener) keep(r *http.Request, n news) int {
	if l.known.has(n.names) {
		l.doubled.Add(1)
		return http.StatusOK
	}
	if len(n.hint.Tickets) > 0 || n.hint.Stray {
		if err := l.commit(r.Context(), n.hint); err != nil {
			l.warn("a webhook could not be taken and will be sent again", err)
			return http.StatusServiceUnavailable
		}
	}
	l.known.add(n.names)
	if n.old {
		l.oldSecret.Add(1)
	}
	l.taken.Add(1)
	l.last.Store(time.Now().UnixMilli())
	return http.StatusOK
}

// names are those by which a delivery is known again: the identifier, which
// Jira keeps over its retries, and the bytes of a signed event, which a replay
// cannot change.
func names(h http.Header, body []byte, unique bool) (all []delivery) {
	if id := h.Get("X-Atlassian-Webhook-Identifier"); id != "" && len(id) <= 255 {
		all = append(all, named("identifier", []byte(strings.ToLower(id))))
	}
	if unique {
		all = append(all, named("body", body))
	}
	return all
}

func (l *Listener) refuse(status int, why string) int {
	l.refused.Add(1)
	l.warn("a webhook was refused", fmt.Errorf("%d: %s", status, why))
	return status
}

// warn tells of trouble at most once a minute: who sends it may send much.
func (l *Listener) warn(what string, err error) {
	now := time.Now().UnixMilli()
	was := l.warned.Load()
	if now-was < warnEvery.Milliseconds() || !l.warned.CompareAndSwap(was, now) {
		return
	}
	l.cfg.Log.Warn(what, "err", err)
}
