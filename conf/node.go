package conf

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
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
	Webhook   Webhook
	Notify    Notify
	Ledger    Ledger
	Budget    Budget

	home string
}

// Poll is how changes are found where no webhook tells of them.
type Poll struct {
	Every    time.Duration // between two polls of the tenant
	Overlap  time.Duration // how far each poll looks back before the last one's start (facts: index order and clock)
	IndexLag time.Duration // how long a written ticket may stay unseen by search
	Slowest  time.Duration // between two polls while webhooks are proven to come
	Sweep    time.Duration // between two rounds of asking for every linked ticket; 0: none
	Unmoved  time.Duration // between two questions for ratings and approvers' answers, which move no ticket; 0: none
	Reread   int           // shared, open tickets an hour that are read for what nothing tells of; 0: none
}

// mostReread is the largest Poll.Reread: at 2 points and more for each ticket it is most of an hour's 65,000.
const mostReread = 20_000

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
		Tenant:   Tenant{Flavor: "cloud", Auth: AuthToken},
		Poll:     Poll{Every: 10 * time.Second, Overlap: 5 * time.Minute, IndexLag: time.Minute, Slowest: 2 * time.Minute, Sweep: 24 * time.Hour, Unmoved: time.Minute, Reread: 600},
		Settle:   Settle{Comment: time.Minute, Create: 3 * time.Minute},
		Notify:   Notify{TenantDown: time.Minute, PeerDown: 15 * time.Minute},
		Ledger:   Ledger{Keep: keepStandard},
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
		n.Poll.Slowest = poll.duration("slowest", n.Poll.Slowest, 0, time.Hour)
		n.Poll.Sweep = poll.duration("sweep", n.Poll.Sweep, 0, 30*24*time.Hour)
		n.Poll.Unmoved = poll.duration("unmoved", n.Poll.Unmoved, 0, 24*time.Hour)
		if reread := poll.count("reread"); reread.Pos.IsSet() {
			if n.Poll.Reread = reread.Value; n.Poll.Reread > mostReread {
				poll.ps.Add(reread.Pos, "600 is as delivered", "reread = %d is more than any quota bears; at most %d", reread.Value, mostReread)
			}
		}
		poll.done(nil)
	}
	if settle, ok := t.sub("settle", "[settle]"); ok {
		n.Settle.Comment = settle.duration("comment", n.Settle.Comment, 0, 24*time.Hour)
		n.Settle.Create = settle.duration("create", n.Settle.Create, 0, 24*time.Hour)
		settle.done(nil)
	}
	n.readNotify(t)
	n.readLedger(t)
	n.readBudget(t)
	n.readWebhook(t)
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
