package hint

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// How long a connection may take, so that slow ones do not use up the few there are.
const (
	headTime = 5 * time.Second  // for the request's head
	bodyTime = 10 * time.Second // for all of the request; 1 MiB in it is 100 KiB/s
	sendTime = 20 * time.Second // Jira waits as long for the answer
	idleTime = 30 * time.Second
	stopTime = 2 * time.Second // for requests under way when it stops

	maxHead  = 16 << 10 // bytes; Jira's head has about 1 KiB
	maxConns = 512      // open connections; the next ones wait to be accepted
)

// Serve answers on at until ctx ends; requests under way are finished. secure
// is nil where the connection comes from a proxy that has taken TLS off.
func (l *Listener) Serve(ctx context.Context, at net.Listener, secure *tls.Config) error {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	var committer sync.WaitGroup
	committer.Go(func() { l.work(working) })
	defer committer.Wait()
	defer stop()

	server := &http.Server{
		Handler: l, ReadHeaderTimeout: headTime, ReadTimeout: bodyTime, WriteTimeout: sendTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHead, TLSConfig: secure, ErrorLog: slog.NewLogLogger(l.cfg.Log.Handler(), slog.LevelDebug),
	}
	at = &bounded{Listener: at, free: make(chan struct{}, maxConns), closed: make(chan struct{})}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		if secure == nil {
			err = server.Serve(at)
		} else {
			err = server.ServeTLS(at, "", "")
		}
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return fmt.Errorf("listening for webhooks: %w", err)
	})
	g.Go(func() error {
		<-ctx.Done()
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		if server.Shutdown(late) != nil {
			return server.Close()
		}
		return nil
	})
	return g.Wait()
}

// bounded accepts a connection only while few enough are open.
type bounded struct {
	net.Listener
	free   chan struct{} // one for each open connection
	once   sync.Once
	closed chan struct{}
}

func (b *bounded) Accept() (net.Conn, error) {
	select {
	case b.free <- struct{}{}:
	case <-b.closed:
		return nil, net.ErrClosed
	}
	c, err := b.Listener.Accept()
	if err != nil {
		<-b.free
		return nil, err
	}
	return &counted{Conn: c, done: func() { <-b.free }}, nil
}

func (b *bounded) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.Listener.Close()
}

// counted gives its place back when it is closed.
type counted struct {
	net.Conn
	once sync.Once
	done func()
}

func (c *counted) Close() error {
	defer c.once.Do(c.done)
	return c.Conn.Close()
}

// lookAgain is how often a certificate's files are looked at.
const lookAgain = time.Minute

// Certificate makes a TLS configuration of two PEM files. They are read again
// when they change, so that a renewed certificate needs no restart; while the
// new files make no pair the old one is kept.
func Certificate(cert, key string) (*tls.Config, error) {
	f := &files{cert: cert, key: key}
	if err := f.load(time.Now()); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12, // Jira's client speaks 1.2 and later
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.current(time.Now()), nil },
	}, nil
}

type files struct {
	cert, key string

	mu      sync.Mutex // guards the fields below
	pair    *tls.Certificate
	changed time.Time // of the newer file, when pair was read
	looked  time.Time
}

func (f *files) current(now time.Time) *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.looked) >= lookAgain {
		f.looked = now
		if at, err := f.newest(); err == nil && !at.Equal(f.changed) {
			if pair, err := tls.LoadX509KeyPair(f.cert, f.key); err == nil {
				f.pair, f.changed = &pair, at
			}
		}
	}
	return f.pair
}

func (f *files) load(now time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fmt.Errorf("reading the webhook listener's certificate: %w", err)
	}
	at, err := f.newest()
	f.pair, f.changed, f.looked = &pair, at, now
	return err
}

func (f *files) newest() (newest time.Time, err error) {
	for _, name := range []string{f.cert, f.key} {
		info, err := os.Stat(name)
		if err != nil {
			return newest, err
		}
		if info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	return newest, nil
}
