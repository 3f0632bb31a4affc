package conf

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Node is parley.toml: one company's node. Durations are positive; addresses are host:port.
type Node struct {
	Name      string   // how partners see this node in its card
	Tenant    Tenant   // the JSM site that it serves
	Listen    string   // UDP address for partners; empty with DialOnly
	DialOnly  bool     // never listens: dials out to every partner
	Addresses []string // what the card tells partners to dial; may be empty
	Console   string   // TCP address of the web console and local API; empty: no console
	LogLevel  string   // debug, info, warn, error
	Poll      Poll
	Settle    Settle

	home string
}

// Tenant says where the site is and who we are there. At most one token source is set.
type Tenant struct {
	URL          string // https; http only on loopback. May hold a context path (Data Center)
	Flavor       string // cloud or datacenter
	User         string // e-mail (Cloud); empty on Data Center, where the token is a bearer
	TokenEnv     string // name of an environment variable
	TokenFile    string // path, relative to the home; its mode must hide it from others
	TokenCommand string // run by the shell; its first output line is the token
}

// Poll is how changes are found where no webhook tells of them.
type Poll struct {
	Every    time.Duration // between two polls of the tenant
	Overlap  time.Duration // how far each poll looks back before the last one's start (facts: index order and clock)
	IndexLag time.Duration // how long a written ticket may stay unseen by search
}

// Settle is how long an unanswered create is waited for before it is looked for and tried again.
type Settle struct {
	Comment time.Duration
	Create  time.Duration
}

// DefaultNode gives the defaults; Name and Tenant.URL are still to be filled.
func DefaultNode() Node {
	return Node{
		Listen:   ":7843",
		Console:  "127.0.0.1:7844",
		LogLevel: "info",
		Tenant:   Tenant{Flavor: "cloud"},
		Poll:     Poll{Every: 10 * time.Second, Overlap: 5 * time.Minute, IndexLag: time.Minute},
		Settle:   Settle{Comment: time.Minute, Create: 3 * time.Minute},
	}
}

// Home is the directory that parley.toml was read from.
func (n *Node) Home() string { return n.home }

// ReadNode reads and checks parley.toml. Wrong content is a *Problems; it names the file by its base
// name, as all files of a home are named.
func ReadNode(path string) (*Node, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the node's configuration: %w", err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	n, err := ParseNode(filepath.Base(path), content)
	if err != nil {
		return nil, err
	}
	n.home = filepath.Dir(path)
	return n, nil
}

// ParseNode reads the content of a parley.toml. file is used in messages.
func ParseNode(file string, content []byte) (*Node, error) {
	ps := &Problems{}
	root := parse(file, content, ps)
	if root == nil {
		return nil, ps.Err()
	}
	t := openTable(root, "the top of "+file, ps)
	n := DefaultNode()
	n.readTop(t)
	n.readTenant(t)
	if poll, ok := t.sub("poll", "[poll]"); ok {
		n.Poll.Every = poll.duration("every", n.Poll.Every, 50*time.Millisecond, time.Hour)
		n.Poll.Overlap = poll.duration("overlap", n.Poll.Overlap, 0, 24*time.Hour)
		n.Poll.IndexLag = poll.duration("index_lag", n.Poll.IndexLag, 0, time.Hour)
		poll.done(nil)
	}
	if settle, ok := t.sub("settle", "[settle]"); ok {
		n.Settle.Comment = settle.duration("comment", n.Settle.Comment, 0, 24*time.Hour)
		n.Settle.Create = settle.duration("create", n.Settle.Create, 0, 24*time.Hour)
		settle.done(nil)
	}
	t.done(func(k *node) string {
		switch k.name {
		case "url", "flavor", "user", "token", "token_env", "token_file", "token_command":
			return "it belongs under [tenant]"
		}
		return ""
	})
	if err := ps.Err(); err != nil {
		return nil, err
	}
	return &n, nil
}

// goodName is what files, peers and connections may be called: it is safe in a path, a log and a URL.
var goodName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

const nameHint = `letters, digits, "-", "_" and ".", at most 64`

func (n *Node) readTop(t *table) {
	name := t.text("name")
	n.Name = name.Value
	switch {
	case !name.IsSet():
		t.ps.Add(t.n.key, `for example name = "north"`, "the node has no name")
	case !goodName.MatchString(n.Name):
		t.ps.Add(name.Pos, nameHint, "name = %q cannot be used as a name", n.Name)
	}
	n.DialOnly = t.flag("dial_only", false).Value
	if listen := t.text("listen"); listen.IsSet() {
		n.Listen = t.address(listen, true)
		if n.DialOnly {
			t.ps.Add(listen.Pos, "remove one of the two", "listen and dial_only = true exclude each other")
		}
	}
	if n.DialOnly {
		n.Listen = ""
	}
	if console := t.text("console"); console.IsSet() {
		n.Console = console.Value
		if n.Console != "" {
			n.Console = t.address(console, true)
		}
	}
	for _, a := range t.texts("addresses", true) {
		n.Addresses = append(n.Addresses, t.address(a, false))
	}
	n.LogLevel = t.choice("log_level", "info", "debug", "warn", "error").Value
}

// address checks host:port; the host may be missing where we listen.
func (t *table) address(a Text, listening bool) string {
	host, port, err := net.SplitHostPort(a.Value)
	number, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || (host == "" || number == 0) && !listening {
		t.ps.Add(a.Pos, `for example "parley.acme.example:7843"`, "%q is not an address (host:port)", a.Value)
	}
	return a.Value
}

func (n *Node) readTenant(t *table) {
	ten, ok := t.sub("tenant", "[tenant]")
	if !ok {
		t.ps.Add(t.n.key, `add [tenant] with url = "https://…"`, "the node has no tenant")
		return
	}
	if address := ten.text("url"); !address.IsSet() {
		t.ps.Add(ten.n.key, "", "[tenant] has no url")
	} else if why := badURL(address.Value); why != "" {
		t.ps.Add(address.Pos, "", "url %s", why) // the value is not shown: it may hold a password
	} else {
		n.Tenant.URL = strings.TrimRight(address.Value, "/")
	}
	n.Tenant.Flavor = ten.choice("flavor", "cloud", "datacenter").Value
	n.Tenant.User = ten.text("user").Value
	sources := 0
	for _, s := range []struct {
		word string
		to   *string
	}{{"token_env", &n.Tenant.TokenEnv}, {"token_file", &n.Tenant.TokenFile}, {"token_command", &n.Tenant.TokenCommand}} {
		v := ten.text(s.word)
		if !v.IsSet() {
			continue
		}
		*s.to = v.Value
		if sources++; sources > 1 {
			t.ps.Add(v.Pos, "keep one of token_env, token_file, token_command", "the token has two sources")
		}
		if v.Value == "" || s.word == "token_env" && !goodEnv.MatchString(v.Value) {
			t.ps.Add(v.Pos, "", "%s does not name anything that could hold a token", s.word)
		}
	}
	ten.done(func(k *node) string {
		if strings.Contains(k.name, "token") || strings.Contains(k.name, "password") {
			return "a secret does not belong in this file: name where it is, with token_env, token_file or token_command"
		}
		return ""
	})
}

var goodEnv = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// badURL says what is wrong with a tenant's address, or "".
func badURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "must look like https://acme.atlassian.net"
	case u.User != nil:
		return "must not hold a user or password: use user and token_env"
	case u.RawQuery != "" || u.Fragment != "":
		return "must not hold a query or fragment"
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "must be https (http only for a tenant on this machine)"
	}
	return ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
