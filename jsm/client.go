package jsm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	defaultTimeout = 60 * time.Second // one attempt, body included
	defaultMaxWait = 30 * time.Second // longest pause that a call sits out itself
	defaultMaxBody = 32 << 20         // bytes of one answer; a page of 100 tickets with comments is 1–5 MB
)

// Auth says who calls. Cloud takes Basic with the account's e-mail and an API token [D]; with an
// empty User the token goes as Bearer (service accounts, OAuth).
type Auth struct {
	User  string                                         // e-mail of the account; empty: Bearer
	Token func(context.Context) (string, error)          // asked for every attempt, so that a rotated token is used at once
	Renew func(ctx context.Context, refused string) bool // after a 401: can another token than this one be had? nil: no
	Base  func(context.Context) (string, error)          // a gateway's address to use instead of Config.Base; nil: none
}

// Token is an Auth.Token for a token that does not change.
func Token(t string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return t, nil }
}

// Config describes one tenant. Base and Auth.Token are required.
type Config struct {
	Base       string        // https://SITE.atlassian.net; for scoped tokens https://api.atlassian.com/ex/jira/CLOUDID; http only to this machine
	Auth       Auth          //
	HTTP       *http.Client  // its Transport is used; its redirect policy, cookie jar and timeout are not. nil: one of our own
	Logger     *slog.Logger  // nil: silent
	UserAgent  string        // empty: "parley"
	Calls      *Counter      // nil: one of our own, see Client.Calls
	Timeout    time.Duration // of one attempt; zero: 60 s
	MaxWait    time.Duration // longest pause (Retry-After, backoff) a call waits out before it gives the error back; zero: 30 s
	MaxBody    int64         // bytes of one answer; zero: 32 MiB
	Media      *http.Client  // its Transport fetches attachments from the hosts that Jira sends us to. nil: one of our own, which reaches no private address
	MediaHosts []string      // such hosts besides Atlassian's own
	Points     int           // points an hour that may be spent; zero: what Jira's answers say, if they do
}

// Client talks to one tenant as one account. It is safe for concurrent use.
type Client struct {
	base    string // without a trailing slash
	auth    Auth
	http    *http.Client
	media   media
	log     *slog.Logger
	agent   string
	calls   *Counter
	gov     *governor
	timeout time.Duration
	maxWait time.Duration
	maxBody int64

	doubts  chan struct{} // room for one: who looks whether a refusal means the account
	assets  assets        // what is known of objects of Assets
	recall  recall        // what answers leave out
	learned learned       // what earlier answers taught: forms, the request type field, workflows
}

// New checks the configuration and makes no call.
func New(cfg Config) (*Client, error) {
	base, err := checkBase(cfg.Base)
	if err != nil {
		return nil, err
	}
	if cfg.Auth.Token == nil {
		return nil, errors.New("jsm: no token source")
	}
	c := &Client{
		base: base, auth: cfg.Auth, log: cfg.Logger, agent: cfg.UserAgent, calls: cfg.Calls,
		timeout: cfg.Timeout, maxWait: cfg.MaxWait, maxBody: cfg.MaxBody,
	}
	c.http = &http.Client{CheckRedirect: refuseRedirect}
	if cfg.HTTP != nil {
		c.http.Transport = cfg.HTTP.Transport
	}
	c.media = newMedia(c.base, cfg)
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.agent == "" {
		c.agent = "parley"
	}
	if c.calls == nil {
		c.calls = new(Counter)
	}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if c.maxWait <= 0 {
		c.maxWait = defaultMaxWait
	}
	if c.maxBody <= 0 {
		c.maxBody = defaultMaxBody
	}
	c.gov, c.doubts = newGovernor(cfg.Points, c.maxWait, c.log), make(chan struct{}, 1)
	return c, nil
}

// Calls is the counter of what this client has asked of Jira.
func (c *Client) Calls() *Counter { return c.calls }

// refuseRedirect hands the 3xx answer to the caller. Only the content of attachments has a reason to be
// redirected; it is followed without the token, see OpenAttachment. A redirect that is followed with it is how a token
// leaves for another host.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func checkBase(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil { // the parse error would quote the address, and with it user info
		return "", errors.New("jsm: the tenant's address is no URL")
	}
	switch {
	case u.User != nil:
		return "", errors.New("jsm: the tenant's address must not hold a user or password; give the token apart")
	case u.Host == "" || u.Opaque != "":
		return "", fmt.Errorf("jsm: the tenant's address %q has no host; write https://SITE.atlassian.net", base)
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return "", errors.New("jsm: the tenant's address must end with its path, without ? or #")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "", fmt.Errorf("jsm: %q would carry the token in clear; use https", base)
	case u.Scheme != "https" && u.Scheme != "http":
		return "", fmt.Errorf("jsm: scheme %q is not https", u.Scheme)
	}
	for seg := range strings.SplitSeq(u.Path, "/") {
		if seg == ".." || seg == "." {
			return "", errors.New("jsm: the tenant's address holds . or .. in its path")
		}
	}
	return strings.TrimRight(u.Scheme+"://"+u.Host+u.EscapedPath(), "/"), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
