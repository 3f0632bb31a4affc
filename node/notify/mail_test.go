package notify

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"
)

// post is a small mail server: it speaks SMTP for one connection at a time and
// keeps what it is given. It accepts a login only under TLS.
type post struct {
	net.Listener
	cert     tls.Certificate
	implicit bool
	offers   []string          // extensions, beside STARTTLS where that is in
	refuse   map[string]string // by verb: what is answered instead
	quiet    bool              // says nothing at all

	got  chan delivery // one for each connection
	done chan struct{}
}

type delivery struct {
	from, login string
	to          []string
	data        string
	secured     bool
	taken       bool
}

func newPost(t *testing.T, p *post) *post {
	t.Helper()
	var err error
	if p.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	p.cert = certificate(t)
	p.got, p.done = make(chan delivery, 10), make(chan struct{})
	go func() {
		defer close(p.done)
		for {
			c, err := p.Accept()
			if err != nil {
				return
			}
			p.got <- p.serve(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { p.Close(); <-p.done })
	return p
}

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// roots trusts the server's certificate.
func (p *post) roots(t *testing.T) *tls.Config {
	t.Helper()
	leaf, err := x509.ParseCertificate(p.cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Config{RootCAs: pool}
}

func (p *post) serve(c net.Conn) (d delivery) {
	if p.quiet {
		io.Copy(io.Discard, c) // until the other side gives up
		return d
	}
	if p.implicit {
		c, d.secured = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{p.cert}}), true
	}
	in := bufio.NewReader(c)
	say := func(s string) { fmt.Fprintf(c, "%s\r\n", s) }
	hear := func() string { s, _ := in.ReadString('\n'); return strings.TrimRight(s, "\r\n") }
	say("220 post")
	for {
		line := hear()
		verb, rest, _ := strings.Cut(line, " ")
		verb = strings.ToUpper(verb)
		if answer := p.refuse[verb]; answer != "" {
			say(answer)
			continue
		}
		switch verb {
		case "EHLO":
			offers := append([]string{"post"}, p.offers...)
			for i, o := range offers {
				mark := "-"
				if i == len(offers)-1 {
					mark = " "
				}
				say("250" + mark + o)
			}
		case "STARTTLS":
			say("220 go on")
			c = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{p.cert}})
			in, d.secured = bufio.NewReader(c), true
		case "AUTH":
			way, first, _ := strings.Cut(rest, " ")
			if way == "LOGIN" {
				say("334 " + base64.StdEncoding.EncodeToString([]byte("Username:")))
				user := hear()
				say("334 " + base64.StdEncoding.EncodeToString([]byte("Password:")))
				first = user + " " + hear()
			}
			d.login = way + " " + first
			say("235 welcome")
		case "MAIL":
			d.from = rest
			say("250 ok")
		case "RCPT":
			d.to = append(d.to, rest)
			say("250 ok")
		case "DATA":
			say("354 go on")
			for l := hear(); l != "."; l = hear() {
				d.data += strings.TrimPrefix(l, ".") + "\n"
			}
			d.taken = true
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return d
		case "":
			return d
		default:
			say("502 what?")
		}
	}
}

func (p *post) mail(t *testing.T) *Mail {
	return &Mail{
		Node: "north", Zone: time.UTC, Server: p.Addr().String(), TLS: "starttls", From: "parley@acme.example",
		To: []string{"desk@acme.example", "night@acme.example"}, Roots: p.roots(t),
	}
}

func TestMail(t *testing.T) {
	p := newPost(t, &post{offers: []string{"STARTTLS", "AUTH LOGIN PLAIN"}})
	s := p.mail(t)
	s.User, s.Password = "bot", fixed("s3cret")
	m := aMessage()
	m.Items[0].Title = "Wörk — wäits on a connection with a name so long that it must be folded into several lines"
	m.Items = m.Items[:1]
	if _, err := s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	d := <-p.got
	if !d.taken || !d.secured || len(d.to) != 2 || !strings.HasPrefix(d.from, "FROM:<parley@acme.example>") {
		t.Errorf("delivered %+v", d)
	}
	if want := "PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00bot\x00s3cret")); d.login != want {
		t.Errorf("login %q", d.login)
	}
	got, err := mail.ReadMessage(strings.NewReader(d.data))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	if err != nil || subject != "[parley north] "+m.Items[0].Title {
		t.Errorf("subject %q (%v)", subject, err)
	}
	for line := range strings.SplitSeq(d.data, "\n") {
		if len(line) > 78 {
			t.Errorf("a line of %d characters: %s", len(line), line)
		}
	}
	to, err := got.Header.AddressList("To")
	if err != nil || len(to) != 2 {
		t.Errorf("to %v (%v)", to, err)
	}
	if _, err := got.Header.Date(); err != nil || got.Header.Get("Message-ID") != "<MID.parley@acme.example>" || got.Header.Get("Auto-Submitted") != "auto-generated" {
		t.Errorf("headers %v (%v)", got.Header, err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(got.Body))
	if err != nil || !strings.Contains(string(body), "WARNING: Wörk") || !strings.Contains(string(body), "- and 2 more") {
		t.Errorf("body %q (%v)", body, err)
	}
}

// No text of a notice becomes a header, whatever it holds.
func TestMailHeadersCannotBeForged(t *testing.T) {
	p := newPost(t, &post{offers: []string{"STARTTLS"}})
	m := aMessage()
	m.Items = m.Items[:1]
	m.Items[0].Title = "a\r\nBcc: evil@evil.example\r\n\r\nfree text\r\n.\r\nQUIT"
	if _, err := p.mail(t).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	d := <-p.got
	got, err := mail.ReadMessage(strings.NewReader(d.data))
	if err != nil || got.Header.Get("Bcc") != "" || len(d.to) != 2 || !d.taken {
		t.Errorf("delivered %+v (%v)", d, err)
	}
}

func TestMailImplicitTLS(t *testing.T) {
	p := newPost(t, &post{implicit: true, offers: []string{"AUTH LOGIN"}})
	s := p.mail(t)
	s.TLS, s.User, s.Password = "implicit", "bot", fixed("s3cret")
	if _, err := s.Send(t.Context(), aMessage()); err != nil {
		t.Fatal(err)
	}
	d := <-p.got
	want := "LOGIN " + base64.StdEncoding.EncodeToString([]byte("bot")) + " " + base64.StdEncoding.EncodeToString([]byte("s3cret"))
	if !d.taken || !d.secured || d.login != want {
		t.Errorf("delivered %+v", d)
	}
}

// Nothing crosses in clear, and no error tells a secret or an address.
func TestMailFails(t *testing.T) {
	for name, c := range map[string]struct {
		post post
		edit func(*Mail)
		want string
	}{
		"no STARTTLS":     {post{}, nil, "STARTTLS"},
		"stripped":        {post{offers: []string{"AUTH PLAIN"}}, nil, "STARTTLS"},
		"untrusted":       {post{offers: []string{"STARTTLS"}}, func(s *Mail) { s.Roots = nil }, "certificate"},
		"login refused":   {post{offers: []string{"STARTTLS", "AUTH PLAIN"}, refuse: map[string]string{"AUTH": "535 s3cret is wrong"}}, nil, "refuses the login"},
		"no login there":  {post{offers: []string{"STARTTLS", "AUTH XOAUTH2"}}, nil, "AUTH"},
		"no such mailbox": {post{offers: []string{"STARTTLS", "AUTH PLAIN"}, refuse: map[string]string{"RCPT": "550 <desk@acme.example> is unknown"}}, nil, "<…> is unknown"},
		"not taken":       {post{offers: []string{"STARTTLS", "AUTH PLAIN"}, refuse: map[string]string{"DATA": "451 later"}}, nil, "451"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, &c.post)
			s := p.mail(t)
			s.User, s.Password = "bot", fixed("s3cret")
			if c.edit != nil {
				c.edit(s)
			}
			_, err := s.Send(t.Context(), aMessage())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			} else if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "desk@") {
				t.Errorf("the error tells too much: %v", err)
			}
			if d := <-p.got; d.taken || d.login != "" && !d.secured {
				t.Errorf("delivered %+v", d)
			}
		})
	}
}

// A server that says nothing is let go, as one that never stops talking.
func TestMailIsPatientOnlyForAWhile(t *testing.T) {
	p := newPost(t, &post{quiet: true})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := p.mail(t).Send(ctx, aMessage()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	endless := newPost(t, &post{offers: append(make([]string, 200_000), "STARTTLS")})
	if _, err := endless.mail(t).Send(t.Context(), aMessage()); err == nil {
		t.Error("an endless greeting was listened to")
	}
}
