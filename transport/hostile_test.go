package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
)

// rawTLS lets a test speak to a node as a paired but hostile peer.
func rawTLS(t *testing.T, id *Identity) *tls.Config {
	t.Helper()
	leaf, err := id.currentLeaf()
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{NextProtos: []string{protocolName}, InsecureSkipVerify: true, Certificates: []tls.Certificate{*leaf}}
}

func rawServerTLS(t *testing.T, id *Identity) *tls.Config {
	t.Helper()
	conf := rawTLS(t, id)
	conf.ClientAuth = tls.RequireAnyClientCert
	return conf
}

// A peer that is paired and says anything else than what is due is thrown out with a reason, and the node stays well.
func TestHostilePeerIsThrownOut(t *testing.T) {
	a, b := newNode(t, "north").listen(), newNode(t, "south")
	b.cfg.DialOnly = true
	a.run()
	befriend(a, b)
	greetingOf := func(holds [32]byte, v Versions) []byte {
		g := sampleGreeting()
		g.holds, g.protocol = holds, v
		return g.encode()
	}
	for name, c := range map[string]struct {
		wire []byte
		want quic.ApplicationErrorCode
	}{
		"noise":             {bytes.Repeat([]byte{0x55}, 100), codeProtocol},
		"a huge frame":      {[]byte{0xff, 0xff, 0xff, 0xff, 1}, codeProtocol},
		"another kind":      {frames(t, func(w *FrameWriter) { w.WriteFrame(frameHello, nil) }), codeProtocol},
		"an empty greeting": {frames(t, func(w *FrameWriter) { w.WriteFrame(frameGreeting, nil) }), codeProtocol},
		"a forged clock":    {frames(t, func(w *FrameWriter) { w.WriteFrame(frameGreeting, greetingOf([32]byte{}, Versions{1, 1})) }), codeProtocol},
		"end of stream":     {nil, codeProtocol},
	} {
		conn, err := quic.DialAddr(t.Context(), a.address, rawTLS(t, b.id), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		stream, err := conn.OpenStream()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		stream.Write(c.wire)
		if len(c.wire) == 0 {
			stream.Close()
		}
		select {
		case <-conn.Context().Done():
		case <-time.After(30 * time.Second):
			t.Fatalf("%s: nobody closed the connection", name)
		}
		app, ok := errors.AsType[*quic.ApplicationError](context.Cause(conn.Context()))
		if !ok || !app.Remote || app.ErrorCode != c.want {
			t.Errorf("%s: closed with %v", name, context.Cause(conn.Context()))
		}
	}
	b.listen().run()
	talk(t, a.next(), b.next())
}

// What a handshake must be: each flaw alone is refused, on the listening side as on the dialling one.
func TestHandshakesAreJudged(t *testing.T) {
	a, b := newNode(t, "north").listen(), newNode(t, "south")
	b.cfg.DialOnly = true
	a.run()
	a.accept(b.card(), "south")
	other, err := NewIdentity("other")
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(c *tls.Config){
		"no certificate": func(c *tls.Config) { c.Certificates = nil },
		"the leaf alone": func(c *tls.Config) { c.Certificates[0].Certificate = c.Certificates[0].Certificate[:1] },
		"three certificates": func(c *tls.Config) {
			c.Certificates[0].Certificate = append(c.Certificates[0].Certificate, b.id.cert.Raw)
		},
		"another's leaf": func(c *tls.Config) {
			c.Certificates = rawTLS(t, other).Certificates
			c.Certificates[0].Certificate = [][]byte{c.Certificates[0].Certificate[0], b.id.cert.Raw}
		},
		"another protocol":      func(c *tls.Config) { c.NextProtos = []string{"h3"} },
		"a node of another key": func(c *tls.Config) { c.Certificates = rawTLS(t, other).Certificates },
		"an old leaf": func(c *tls.Config) {
			leaf, err := b.id.issueLeaf(time.Now().Add(-leafLife - time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			c.Certificates = []tls.Certificate{*leaf}
		},
	} {
		conf := rawTLS(t, b.id)
		spoil(conf)
		conn, err := quic.DialAddr(t.Context(), a.address, conf, nil)
		if err == nil { // TLS 1.3: the client learns of it afterwards
			<-conn.Context().Done()
			err = context.Cause(conn.Context())
		}
		if _, ok := errors.AsType[*quic.TransportError](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(a.pairing.Pending()); n != 1 {
		t.Errorf("%d keys knocked, want the other node's alone: only who proves a key is listed", n)
	}
}
