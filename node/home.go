package node

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"parley/conf"
	"parley/transport"
)

// The names in a home.
const (
	nodeFile     = "parley.toml"
	policyFile   = "policy.toml"
	drafts       = "connections" // one NAME.toml for each connection
	exampleFile  = "example.toml.sample"
	ledgerDir    = "ledger"
	socketFile   = "parley.sock"
	resetFile    = "reset.key" // makes a restart known to peers at once (RFC 9000, section 10.3)
	tokenFile    = "token.key" // proves addresses to ourselves over a restart (RFC 9000, section 8.1.3)
	passwordFile = "console.password"
)

// identityFiles are those that transport.CreateIdentity makes.
var identityFiles = []string{"node.key", "ledger.key", "node.crt"}

// Advice is an error with the next step of whoever reads it.
type Advice struct {
	Err  error
	Hint string
}

func (a *Advice) Error() string { return a.Err.Error() }
func (a *Advice) Unwrap() error { return a.Err }

func advise(err error, hint string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Advice{err, fmt.Sprintf(hint, args...)}
}

// InitOptions say what a new node's parley.toml holds. Zero fields take the
// defaults of conf.DefaultNode.
type InitOptions struct {
	Name      string
	Tenant    conf.Tenant
	Listen    string
	DialOnly  bool
	Console   string
	Addresses []string
}

// Init makes a home: configuration, identity, a policy with safe defaults, and
// a folder for rules with an example that is not active. It never overwrites;
// after an error nothing of it is left.
func Init(dir string, o InitOptions) (err error) {
	n := conf.DefaultNode()
	n.Name, n.DialOnly, n.Addresses = o.Name, o.DialOnly, o.Addresses
	set := func(to *string, v string) {
		if v != "" {
			*to = v
		}
	}
	flavor := n.Tenant.Flavor
	n.Tenant = o.Tenant
	if n.Tenant.Flavor == "" {
		n.Tenant.Flavor = flavor
	}
	set(&n.Listen, o.Listen)
	set(&n.Console, o.Console)
	if n.DialOnly {
		n.Listen = ""
	}
	checked, err := conf.ParseNode(nodeFile, []byte(conf.NodeText(n)))
	if err != nil {
		return fmt.Errorf("a node cannot be made of this:\n%w", err)
	}
	if _, err := newTenant(checked, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	h := &newHome{dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.undo())
		}
	}()
	return h.make(n)
}

// newHome remembers what it made, so that a failed Init leaves nothing behind.
type newHome struct {
	dir  string
	made []string
}

func (h *newHome) make(n conf.Node) error {
	if err := h.folder(); err != nil {
		return err
	}
	h.made = append(h.made, h.paths(identityFiles...)...)
	if _, err := transport.CreateIdentity(h.dir, n.Name); err != nil {
		return fmt.Errorf("making the node's identity: %w", err)
	}
	h.made = append(h.made, h.paths(drafts)...)
	if err := os.Mkdir(filepath.Join(h.dir, drafts), 0o700); err != nil {
		return fmt.Errorf("making the folder for rules: %w", err)
	}
	example := filepath.Join(drafts, exampleFile)
	h.made = append(h.made, h.paths(example, policyFile, nodeFile)...)
	if err := os.WriteFile(filepath.Join(h.dir, example), []byte(exampleRules), 0o600); err != nil {
		return fmt.Errorf("writing the example: %w", err)
	}
	if err := conf.WritePolicy(filepath.Join(h.dir, policyFile)); err != nil {
		return err
	}
	return conf.WriteNode(filepath.Join(h.dir, nodeFile), n)
}

func (h *newHome) paths(names ...string) (paths []string) {
	for _, n := range names {
		paths = append(paths, filepath.Join(h.dir, n))
	}
	return paths
}

// folder makes the home's folder, or takes one that holds nothing of a node.
func (h *newHome) folder() error {
	info, err := os.Stat(h.dir)
	if errors.Is(err, fs.ErrNotExist) {
		h.made = append(h.made, h.dir)
		if err := os.MkdirAll(h.dir, 0o700); err != nil {
			return fmt.Errorf("making the home: %w", err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking at the home: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", h.dir)
	}
	for _, p := range h.paths(append(slices.Clone(identityFiles), nodeFile, policyFile, drafts, ledgerDir)...) {
		if _, err := os.Lstat(p); err == nil {
			return advise(fmt.Errorf("%s is there already: %w", p, fs.ErrExist), "nothing is overwritten: choose another --home, or move the old one away")
		}
	}
	if err := os.Chmod(h.dir, 0o700); err != nil {
		return fmt.Errorf("closing the home to others: %w", err)
	}
	return nil
}

func (h *newHome) undo() (err error) {
	for _, p := range slices.Backward(h.made) {
		if gone := os.Remove(p); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}

// draftNames lists the connections that have a draft in the home.
func draftNames(home string) (names []string, err error) {
	entries, err := os.ReadDir(filepath.Join(home, drafts))
	if err != nil {
		return nil, fmt.Errorf("reading the drafts: %w", err)
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".toml"); ok && !e.IsDir() {
			names = append(names, name)
		}
	}
	return names, nil
}

// draftFile is the draft of a connection, relative to its home.
func draftFile(connection string) string { return drafts + "/" + connection + ".toml" }

// ConnectionName reads how a person names a connection: by name, or by its file.
func ConnectionName(s string) string {
	return strings.TrimSuffix(filepath.Base(s), ".toml")
}
