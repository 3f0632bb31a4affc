package jsm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// atlassianMedia are the hosts on which Jira Cloud keeps what is attached: signed addresses lead to the first [D],
// and some of them on to the second [B].
var atlassianMedia = []string{"api.media.atlassian.com", "media-cdn.atlassian.com"}

// media says where attachments may be fetched from, and fetches them.
type media struct {
	base  *url.URL
	hosts []string
	local bool         // the tenant itself is on this machine or a private address, as in tests
	open  *http.Client // reaches every address
	safe  *http.Client // reaches no private address
}

func newMedia(base string, cfg Config) media {
	m := media{hosts: slices.Concat(atlassianMedia, cfg.MediaHosts)}
	m.base, _ = url.Parse(base) // checked before
	m.local = private(m.base.Hostname())
	if cfg.Media != nil {
		m.open = &http.Client{Transport: cfg.Media.Transport, CheckRedirect: refuseRedirect}
		m.safe = m.open
		return m
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableKeepAlives = true // a download is long, and none waits for the next
	m.open = &http.Client{Transport: t, CheckRedirect: refuseRedirect}
	m.safe = &http.Client{Transport: guarded{t, publicOnly(t)}, CheckRedirect: refuseRedirect}
	return m
}

// client is the one to fetch from an address with.
func (m media) client(at *url.URL) *http.Client {
	if m.local || at.Host == m.base.Host {
		return m.open
	}
	return m.safe
}

// address judges where a redirect leads. The error names the host only.
func (m media) address(from *url.URL, location string) (*url.URL, error) {
	at, err := from.Parse(location)
	if err != nil {
		return nil, contentError(0, "Jira redirects to what is no address")
	}
	at.Fragment = ""
	host := strings.ToLower(at.Hostname())
	switch {
	case at.User != nil, at.Opaque != "", at.Scheme != "https" && at.Scheme != "http":
	case at.Scheme == m.base.Scheme && at.Host == m.base.Host:
		return at, nil
	case at.Scheme == "http" && !(m.local && m.base.Scheme == "http"):
	case slices.Contains(m.hosts, host) && (at.Port() == "" || at.Port() == "443"), slices.Contains(m.hosts, at.Host):
		return at, nil
	case m.local && private(host):
		return at, nil
	}
	return nil, fmt.Errorf("%w: %q; if it is yours, add it to media_hosts under [tenant] in parley.toml", ErrHost, clip(host, 100))
}

// withoutAddress takes an address that is signed out of the one error that net/http quotes it in.
func withoutAddress(err error) error {
	if strings.Contains(err.Error(), "Location header") {
		return errors.New("a redirect to what is no address")
	}
	return err
}

// private tells names and addresses that mean this machine or its network.
func private(host string) bool {
	if loopback(host) {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && !public(ip)
}

// carrierNAT are the addresses that providers share among customers (RFC 6598); inside many clouds they are private.
var carrierNAT = netip.MustParsePrefix("100.64.0.0/10")

func public(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !carrierNAT.Contains(ip)
}

var errPrivate = errors.New("the name stands for a private address")

// publicOnly closes connections that a name led to a private address, whatever it stood for a moment before.
func publicOnly(t *http.Transport) *http.Transport {
	g := t.Clone()
	dial := t.DialContext
	g.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if at, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err != nil || !public(at.Addr()) {
			conn.Close()
			return nil, errPrivate
		}
		return conn, nil
	}
	return g
}

// guarded goes through the operator's proxy where there is one, which is private with good reason and dials
// itself; else to public addresses only.
type guarded struct{ plain, public *http.Transport }

func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if g.plain.Proxy != nil {
		if via, err := g.plain.Proxy(r); via != nil || err != nil {
			return g.plain.RoundTrip(r)
		}
	}
	return g.public.RoundTrip(r)
}
