package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
	"time"
)

// Mail sends messages by SMTP (RFC 5321). The connection is under TLS before a
// login or a word of the message crosses, except to this machine where asked.
type Mail struct {
	Node     string
	Zone     *time.Location
	Server   string // host:port
	TLS      string // starttls, implicit; none: without, allowed to this machine only
	From     string // addresses, as conf checked them
	To       []string
	User     string                                // empty: no login
	Password func(context.Context) (string, error) // asked for every try
	Roots    *tls.Config                           // what is trusted; nil: what the machine trusts
}

// Send hands a message to the mail server. It returns once the server has taken
// it for all recipients; where it refuses one, it takes it for none.
func (s *Mail) Send(ctx context.Context, m Message) (string, error) {
	host, _, err := net.SplitHostPort(s.Server)
	if err != nil {
		return "", fmt.Errorf("the mail server's address: %w", err)
	}
	content, err := s.content(m)
	if err != nil {
		return "", fmt.Errorf("wording a mail: %w", err)
	}
	c, stop, err := s.connect(ctx, host)
	if err != nil {
		return "", fmt.Errorf("connecting to the mail server %s: %w", s.Server, err)
	}
	defer stop()
	defer c.Close()
	if err := s.talk(ctx, c, host, content); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err() // and not what its end did to the connection
		}
		return "", fmt.Errorf("sending mail by %s: %w", s.Server, s.nameless(err))
	}
	return "", nil
}

// nameless takes our addresses out of what the server says.
func (s *Mail) nameless(err error) error {
	said, ok := errors.AsType[*textproto.Error](err)
	if !ok {
		return err
	}
	msg := said.Msg
	for _, a := range append([]string{s.From, s.User}, s.To...) {
		if a != "" {
			msg = strings.ReplaceAll(msg, a, "…")
		}
	}
	return &textproto.Error{Code: said.Code, Msg: tidy(msg, maxLine)}
}

// maxSaid is how many bytes a server may say in one delivery.
const maxSaid = 1 << 20

// bounded is a connection that ends after so many bytes were read.
type bounded struct {
	net.Conn
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("the server says too much")
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// connect dials and, for implicit TLS, shakes hands. What it returns ends with
// ctx; stop lets go of ctx.
func (s *Mail) connect(ctx context.Context, host string) (_ *smtp.Client, stop func() bool, err error) {
	plain, err := new(net.Dialer).DialContext(ctx, "tcp", s.Server)
	if err != nil {
		return nil, nil, err
	}
	var conn net.Conn = &bounded{plain, maxSaid}
	if s.TLS == "implicit" {
		conn = tls.Client(conn, s.tls(host))
	}
	stop = context.AfterFunc(ctx, func() { plain.Close() })
	c, err := smtp.NewClient(conn, host) // reads the greeting, and so shakes hands
	if err != nil {
		stop()
		plain.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, nil, err
	}
	return c, stop, nil
}

func (s *Mail) tls(host string) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.Roots != nil {
		c = s.Roots.Clone()
	}
	c.ServerName = host
	return c
}

func (s *Mail) talk(ctx context.Context, c *smtp.Client, host string, content []byte) error {
	if err := c.Hello(heloName(s.From)); err != nil {
		return err
	}
	if s.TLS == "starttls" {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return errors.New("it offers no STARTTLS, and nothing is sent in clear")
		}
		if err := c.StartTLS(s.tls(host)); err != nil {
			return fmt.Errorf("securing the connection: %w", err)
		}
	}
	if _, secured := c.TLSConnectionState(); !secured && !loopback(host) {
		return errors.New("the connection is not secured, and nothing is sent in clear")
	}
	if err := s.login(ctx, c, host); err != nil {
		return err
	}
	if err := c.Mail(s.From); err != nil {
		return err
	}
	for _, to := range s.To {
		if err := c.Rcpt(to); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(content); err != nil {
		return err
	}
	if err := w.Close(); err != nil { // the server's word that it has taken it
		return err
	}
	c.Quit() // it is taken, whatever becomes of the farewell
	return nil
}

// login proves who we are, by what the server offers.
func (s *Mail) login(ctx context.Context, c *smtp.Client, host string) error {
	if s.User == "" {
		return nil
	}
	password, err := s.Password(ctx)
	if err != nil {
		return err
	}
	_, offered := c.Extension("AUTH")
	ways := strings.Fields(strings.ToUpper(offered))
	var way smtp.Auth
	for _, w := range ways {
		switch {
		case w == "PLAIN":
			way = smtp.PlainAuth("", s.User, password, host)
		case w == "LOGIN" && way == nil:
			way = &loginAuth{s.User, password}
		}
	}
	if way == nil {
		return errors.New("it offers neither AUTH PLAIN nor AUTH LOGIN")
	}
	if err := c.Auth(way); err != nil {
		return errors.New("it refuses the login") // its words may repeat what was sent
	}
	return nil
}

// loginAuth is AUTH LOGIN, which Exchange offers instead of PLAIN.
type loginAuth struct{ user, password string }

func (a *loginAuth) Start(*smtp.ServerInfo) (string, []byte, error) { return "LOGIN", nil, nil }

func (a *loginAuth) Next(asked []byte, more bool) ([]byte, error) {
	switch {
	case !more:
		return nil, nil
	case strings.HasPrefix(strings.ToLower(string(asked)), "user"):
		return []byte(a.user), nil
	case strings.HasPrefix(strings.ToLower(string(asked)), "pass"):
		return []byte(a.password), nil
	}
	return nil, errors.New("AUTH LOGIN asks for something else")
}

// heloName is the domain that we say we are of: the sender's.
func heloName(from string) string {
	if _, domain, ok := strings.Cut(from, "@"); ok {
		return domain
	}
	return "localhost"
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// content is the mail: headers and a quoted-printable body. Addresses are ASCII
// without spaces and every other text is encoded, so that none can end a line.
func (s *Mail) content(m Message) ([]byte, error) {
	var b bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	header("Date", m.Made.Format(time.RFC1123Z))
	header("From", "parley <"+s.From+">")
	header("To", strings.Join(s.To, ",\r\n "))
	header("Subject", subjectHeader(m.Subject(s.Node)))
	header("Message-ID", "<"+m.ID+".parley@"+heloName(s.From)+">")
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "quoted-printable")
	header("Auto-Submitted", "auto-generated") // RFC 3834: no automatic answers, please
	header("X-Auto-Response-Suppress", "All")  // the same to Exchange
	b.WriteString("\r\n")
	body := quotedprintable.NewWriter(&b)
	text := strings.ReplaceAll(m.Text(s.Zone), "\n", "\r\n") + "\r\n"
	if _, err := body.Write([]byte(text)); err != nil {
		return nil, err
	}
	return b.Bytes(), body.Close()
}

// subjectHeader encodes and folds a subject that is not plain ASCII: no line
// with encoded words beyond 76 characters (RFC 2047, section 2). What stands
// before the title is ASCII and has a line of its own.
func subjectHeader(subject string) string {
	before, title, _ := strings.Cut(tidy(subject, maxTitle), "] ")
	encoded := mime.QEncoding.Encode("utf-8", title)
	if encoded == title {
		return before + "] " + title
	}
	return before + "]\r\n " + strings.ReplaceAll(encoded, "?= =?", "?=\r\n =?")
}
