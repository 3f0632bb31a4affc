package hint

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections are in memory, so that time is virtual.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	shut  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), shut: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.shut:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.shut) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

// served runs a story against a serving listener in virtual time.
func served(t *testing.T, d *desk, story func(p *pipes)) {
	synctest.Test(t, func(t *testing.T) {
		d.marks = map[string]int{}
		l, err := New(Config{Path: testPath, Mark: d.mark, Secrets: func() ([]Secret, error) { return []Secret{{Value: newer}}, nil }})
		if err != nil {
			t.Fatal(err)
		}
		p := newPipes()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := l.Serve(ctx, p, nil); err != nil {
				t.Error(err)
			}
		})
		story(p)
		cancel()
		wg.Wait()
	})
}

// request is what Jira writes for an event.
func request(body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: n.example\r\nContent-Type: application/json\r\nX-Hub-Signature: %s\r\nContent-Length: %d\r\n\r\n%s",
		testPath, Sign(newer, []byte(body)), len(body), body)
}

func status(t *testing.T, c net.Conn) int {
	t.Helper()
	a, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	return a.StatusCode
}

func TestServeAnswers(t *testing.T) {
	d := &desk{}
	served(t, d, func(p *pipes) {
		c := p.dial()
		defer c.Close()
		if _, err := io.WriteString(c, request(fmt.Sprintf(changed, 10042, 7))); err != nil {
			t.Fatal(err)
		}
		if got := status(t, c); got != 200 || d.count() != 1 {
			t.Errorf("%d, %d marks", got, d.count())
		}
	})
}

// TestSlowSenders: a head or a body that drips in is given up, whoever sends it.
func TestSlowSenders(t *testing.T) {
	whole := request(fmt.Sprintf(changed, 10042, 7))
	for name, c := range map[string]struct {
		begin string
		limit time.Duration
	}{
		"head": {"", headTime},
		"body": {whole[:len(whole)-100], bodyTime},
	} {
		t.Run(name, func(t *testing.T) {
			d := &desk{}
			served(t, d, func(p *pipes) {
				conn := p.dial()
				defer conn.Close()
				start := time.Now()
				if _, err := io.WriteString(conn, c.begin); err != nil {
					t.Fatal(err)
				}
				gone := make(chan struct{})
				go func() { // reads whatever is answered until the connection ends
					io.Copy(io.Discard, conn)
					close(gone)
				}()
				rest := whole[len(c.begin):]
				for i := range rest {
					if _, err := io.WriteString(conn, rest[i:i+1]); err != nil {
						break
					}
					time.Sleep(time.Second)
				}
				<-gone
				if took := time.Since(start); took > c.limit+3*time.Second {
					t.Errorf("it was given up after %v", took)
				}
				if d.count() > 0 {
					t.Error("half a request was taken")
				}
			})
		})
	}
}

// TestManyConnections: beyond the bound a connection waits, and is served when
// the idle ones are let go.
func TestManyConnections(t *testing.T) {
	d := &desk{}
	served(t, d, func(p *pipes) {
		idle := make([]net.Conn, maxConns)
		for i := range idle {
			idle[i] = p.dial()
			defer idle[i].Close()
		}
		start := time.Now()
		c := p.dial() // taken once one of the idle ones was closed
		defer c.Close()
		if took := time.Since(start); took < headTime || took > headTime+time.Second {
			t.Errorf("the connection after the last was taken after %v", took)
		}
		if _, err := io.WriteString(c, request(fmt.Sprintf(changed, 10042, 7))); err != nil {
			t.Fatal(err)
		}
		if got := status(t, c); got != 200 {
			t.Errorf("%d", got)
		}
	})
}

// TestDiskThatHangs: who waits too long is told to come again.
func TestDiskThatHangs(t *testing.T) {
	d := &desk{slow: time.Hour}
	served(t, d, func(p *pipes) {
		c := p.dial()
		defer c.Close()
		start := time.Now()
		if _, err := io.WriteString(c, request(fmt.Sprintf(changed, 10042, 7))); err != nil {
			t.Fatal(err)
		}
		if got, took := status(t, c), time.Since(start); got != 503 || took != maxWait {
			t.Errorf("%d after %v", got, took)
		}
	})
}

func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	if _, err := Certificate(cert, key); err == nil {
		t.Fatal("missing files make no certificate")
	}
	write := func(serial int64, at time.Time) {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		one := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "n"}, NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"n.example"}}
		der, err := x509.CreateCertificate(rand.Reader, one, one, &private.PublicKey, private)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
			if err := os.WriteFile(name, pem.EncodeToMemory(b), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(name, at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	begin := time.Now().Add(-time.Hour)
	write(1, begin)
	f := &files{cert: cert, key: key}
	if err := f.load(begin); err != nil {
		t.Fatal(err)
	}
	serial := func(now time.Time) int64 {
		leaf, err := x509.ParseCertificate(f.current(now).Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.SerialNumber.Int64()
	}
	write(2, begin.Add(time.Second))
	if got := serial(begin.Add(lookAgain / 2)); got != 1 {
		t.Errorf("certificate %d before the files were looked at", got)
	}
	if got := serial(begin.Add(lookAgain)); got != 2 {
		t.Errorf("certificate %d after the files changed", got)
	}
	if err := os.WriteFile(cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := serial(begin.Add(2 * lookAgain)); got != 2 {
		t.Errorf("certificate %d while the files make no pair", got)
	}
}
