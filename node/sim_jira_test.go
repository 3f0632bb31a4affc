package node_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"parley/jsm/sim"
)

// mouth is a process's way to its tenant: requests are answered in this
// process, without a socket, which would stop the virtual clock.
type mouth struct {
	p     *process
	calls atomic.Int64 // made
	dead  atomic.Bool  // the process is no more: nothing it says is heard

	mu     sync.Mutex // guards the fields below
	frozen time.Time  // the process stands still until then
	beside *beside
}

// beside is what happens once at a certain call of the node's: right before it,
// in the window between its reading and its writing, or when it is carried out
// and nobody has heard of it.
type beside struct {
	method, path string // the path's end, where the id of an issue or comment may stand as *
	skip         int    // so many such calls pass first
	before, then func() // nil: nothing
}

func (b *beside) fits(r *http.Request) bool {
	if b == nil || r.Method != b.method {
		return false
	}
	want, got := strings.Split(b.path, "/"), strings.Split(r.URL.Path, "/")
	if len(want) > len(got) {
		return false
	}
	for i, part := range want {
		if at := got[len(got)-len(want)+i]; part != "*" && part != at {
			return false
		}
	}
	return true
}

var errDead = errors.New("connection reset by peer")

// silent reports whether the process can say nothing now.
func (m *mouth) silent() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead.Load() || time.Now().Before(m.frozen)
}

// freeze lets the process stand still for a while, as SIGSTOP does.
func (m *mouth) freeze(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.frozen = time.Now().Add(d)
}

// thaw waits while the process stands still.
func (m *mouth) thaw() {
	m.mu.Lock()
	rest := time.Until(m.frozen)
	m.mu.Unlock()
	time.Sleep(rest)
}

// at has something happen at the next call of that kind; nil: nothing any more.
func (m *mouth) at(b *beside) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.beside = b
}

func (m *mouth) RoundTrip(r *http.Request) (*http.Response, error) {
	m.thaw()
	if m.dead.Load() || r.Context().Err() != nil {
		return nil, errors.Join(errDead, r.Context().Err())
	}
	if m.p.c.slow.Load() { // what is on its way arrives, whatever becomes of who sent it
		time.Sleep(time.Duration(m.calls.Add(1)%7) * 40 * time.Millisecond)
	}
	m.mu.Lock()
	b := &beside{}
	switch {
	case !m.beside.fits(r):
	case m.beside.skip > 0:
		m.beside.skip--
	default:
		b, m.beside = m.beside, nil
	}
	m.mu.Unlock()
	if b.before != nil {
		b.before()
	}
	var asked bytes.Buffer
	if r.Body != nil {
		r.Body = io.NopCloser(io.TeeReader(r.Body, &asked))
	}
	a, err := answer(m.p.c.tenant, r)
	if b.then != nil {
		b.then()
	}
	m.thaw()
	if m.dead.Load() {
		return nil, errDead
	}
	if err == nil {
		err = m.p.c.w.mutant.shows(m.p.c, r, asked.Bytes(), a)
	}
	return a, err
}

// torn is what follows where a connection has ended too early.
type torn struct{}

func (torn) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// answer is the tenant's, as its server would give it.
func answer(tenant *sim.Tenant, r *http.Request) (a *http.Response, err error) {
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr, in.Host = r.URL.RequestURI(), "192.0.2.1:1", r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	defer func() {
		switch dropped := recover(); {
		case dropped == http.ErrAbortHandler && rec.Body.Len() > 0: // … in the middle of its answer
			a, err = rec.Result(), nil
			a.Body = io.NopCloser(io.MultiReader(rec.Body, torn{}))
		case dropped == http.ErrAbortHandler: // the tenant dropped the connection
			a, err = nil, errDead
		case dropped != nil:
			panic(dropped)
		}
	}()
	tenant.ServeHTTP(rec, in)
	a = rec.Result()
	a.Header.Set("Date", tenant.Now().Format(http.TimeFormat))
	return a, nil
}
