package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

const (
	maxRequest = 1 << 20  // bytes of one operation's question; a card has about 2 KB, a list of keys less
	maxAnswer  = 64 << 20 // bytes of one answer: a listing of some 100,000 links
	apiPath    = "/v1/"
)

// Call is one operation: it reads its question from JSON and returns what is
// written as JSON.
type Call func(ctx context.Context, question json.RawMessage) (any, error)

// Problem is an error as it crosses the socket.
type Problem struct {
	Message string `json:"error"`
	Hint    string `json:"hint,omitempty"`
}

func (p *Problem) Error() string { return p.Message }

// API answers the local API: POST /v1/NAME with a JSON question. explain words
// an error for the person who asked.
func API(calls map[string]Call, explain func(error) *Problem) http.Handler {
	mux := http.NewServeMux()
	for name, call := range calls {
		mux.HandleFunc("POST "+apiPath+name, func(w http.ResponseWriter, r *http.Request) {
			question, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
			if err != nil {
				answer(w, http.StatusRequestEntityTooLarge, &Problem{Message: fmt.Sprintf("the question has more than %d bytes", maxRequest)})
				return
			}
			a, err := call(r.Context(), question)
			if err != nil {
				answer(w, http.StatusUnprocessableEntity, explain(err))
				return
			}
			answer(w, http.StatusOK, a)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusNotFound, &Problem{
			Message: "the running node does not know this operation",
			Hint:    "it may run another version of parley than this command: restart it",
		})
	})
	return mux
}

func answer(w http.ResponseWriter, status int, a any) {
	b, err := json.Marshal(a)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"the answer could not be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(b)
}

// NewServer wraps a handler with the limits that both faces share. Answers have
// no time limit: waiting for a ticket's outcome may take minutes.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// ListenSocket listens on a unix socket of mode 0600. A socket file that a
// killed node left is replaced: the caller holds the ledger, so no node lives
// behind it.
func ListenSocket(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("replacing an old socket: %w", err)
	}
	short, done, err := shortPath(path)
	if err != nil {
		return nil, err
	}
	defer done()
	l, err := net.Listen("unix", short)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", path, err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // its name may be the short one
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("closing %s to others: %w", path, err), l.Close())
	}
	return socket{l, path}, nil
}

type socket struct {
	net.Listener
	path string
}

func (s socket) Close() error {
	err := s.Listener.Close()
	if gone := os.Remove(s.path); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		return errors.Join(err, gone)
	}
	return err
}

// maxSocket is the longest path that every system takes for a unix socket: 104
// bytes with the final zero on BSD and macOS, 108 on Linux (unix(7)).
const maxSocket = 103

// shortPath gives a name of at most maxSocket bytes for path, good until done.
func shortPath(path string) (short string, done func(), err error) {
	if len(path) <= maxSocket {
		return path, func() {}, nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, fmt.Errorf("opening the socket's folder: %w", err)
	}
	short = fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path))
	if _, err := os.Stat(filepath.Dir(short)); err != nil || len(short) > maxSocket {
		dir.Close()
		return "", nil, fmt.Errorf("the path %s is too long for a unix socket here (%d bytes at most)", path, maxSocket)
	}
	return short, func() { dir.Close() }, nil
}
