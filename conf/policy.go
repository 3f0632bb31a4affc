package conf

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// Policy is policy.toml: the security team's limits. The zero Policy forbids nothing; a policy that
// cannot be read must stop the node, never stand for the zero one.
type Policy struct {
	File        string
	Never       Never
	Arrive      Arrive
	Peers       []PeerPolicy
	Attachments AttachmentPolicy
	Approvals   Count // persons who must agree before rules are published
	source      []byte
}

// Never is what no rule of any connection can share.
type Never struct {
	Items  []Text
	People Text // at most: company, alias, name, email. Not set: no limit
	Relay  Text // "forbid" or "allow"
}

// Arrive is what partners may do here at most. Not set: no limit.
type Arrive struct {
	Comments Text // "internal": whatever a partner writes lands as an internal note; "public": may be public
	Items    []Text
	Pos      Pos // of Items; an empty list that was written lets nothing in
}

// PeerPolicy bounds one peer.
type PeerPolicy struct {
	Name     Text
	Projects []Text // local projects that it may reach
	Domains  []Text // its mail domains: peer.domains in expressions
}

// AttachmentPolicy says which files never cross, either way.
type AttachmentPolicy struct {
	Max    int64 // bytes; 0 no limit
	MaxPos Pos
	Deny   []Text // patterns of names, as path.Match has them
}

// Source is the file's content, for the hash that audit entries carry.
func (p *Policy) Source() []byte { return p.source }

// Peer finds what the policy says of a peer.
func (p *Policy) Peer(name string) (PeerPolicy, bool) {
	i := slices.IndexFunc(p.Peers, func(one PeerPolicy) bool { return one.Name.Value == name })
	if i < 0 {
		return PeerPolicy{}, false
	}
	return p.Peers[i], true
}

// ReadPolicy reads policy.toml of a home. A home without one has the zero policy; content that is wrong
// is a *Problems.
func ReadPolicy(home fs.FS) (*Policy, error) {
	const file = "policy.toml"
	content, err := readBounded(home, file)
	if errors.Is(err, fs.ErrNotExist) {
		return &Policy{File: file}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	return ParsePolicy(file, content)
}

// ParsePolicy reads the content of a policy.toml. Words of the language that this version cannot
// enforce are refused: a limit that is not kept is worse than none.
func ParsePolicy(file string, content []byte) (*Policy, error) {
	ps := &Problems{}
	root := parse(file, content, ps)
	if root == nil {
		return nil, ps.Err()
	}
	p := &Policy{File: file, source: content}
	t := openTable(root, "the top of "+file, ps)
	if never, ok := t.sub("never", "[never]"); ok {
		p.Never.Items = policyItems(never, "items")
		if never.n.kid("people") != nil {
			p.Never.People = never.choice("people", "company", "alias", "name", "email")
		}
		if never.n.kid("relay") != nil {
			p.Never.Relay = never.choice("relay", "forbid", "allow")
		}
		never.known = append(never.known, "people", "relay")
		never.done(nil)
	}
	if arrive, ok := t.sub("arrive", "[arrive]"); ok {
		if arrive.n.kid("comments") != nil {
			p.Arrive.Comments = arrive.choice("comments", "internal", "public")
		}
		if items := arrive.n.kid("items"); items != nil {
			p.Arrive.Pos = items.at
		}
		p.Arrive.Items = policyItems(arrive, "items")
		arrive.known = append(arrive.known, "comments")
		arrive.done(nil)
	}
	p.readPeers(t)
	p.readAttachments(t)
	if pub, ok := t.sub("publish", "[publish]"); ok {
		p.Approvals = pub.count("approvals")
		pub.done(nil)
	}
	for _, word := range []string{"redact", "hold"} {
		if n := t.get(word); n != nil {
			ps.Add(n.key, "remove it, and forbid the items under [never] instead", "[%s] is not enforced by this version", word)
		}
	}
	t.done(nil)
	if err := ps.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Policy) readPeers(t *table) {
	peers, ok := t.sub("peers", "[peers]")
	if !ok {
		return
	}
	for _, k := range peers.n.kids {
		one, ok := peers.sub(k.name, fmt.Sprintf("[peers.%s]", quoteKey(k.name)))
		if !ok {
			continue
		}
		pp := PeerPolicy{Name: Text{Value: k.name, Pos: k.key}, Projects: one.texts("projects", false), Domains: one.texts("domains", false)}
		if one.n.kid("projects") == nil {
			t.ps.Add(k.key, `write projects = ["SUPPORT"]`, "%s names no projects", one.where)
		}
		one.done(nil)
		p.Peers = append(p.Peers, pp)
	}
}

// policyItems reads a list of entities; also a queue, which never leaves, may be forbidden or allowed.
func policyItems(t *table, word string) []Text {
	var out []Text
	for _, name := range t.texts(word, false) {
		if name.Value == "queue" || checkEntity(name, false, t.ps) {
			out = append(out, name)
		}
	}
	return out
}

// size reads bytes: a number with B, KiB, MiB or GiB.
func (t *table) size(word string) int64 {
	v := t.text(word)
	if !v.IsSet() {
		return 0
	}
	number, unit, _ := strings.Cut(v.Value, " ")
	n, err := strconv.ParseInt(number, 10, 32)
	shift, ok := map[string]int{"B": 0, "KiB": 10, "MiB": 20, "GiB": 30}[unit]
	if err != nil || n < 0 || !ok {
		t.ps.Add(v.Pos, `for example "25 MiB"`, "%s = %q in %s is not a size", word, v.Value, t.where)
		return 0
	}
	return n << shift
}

// WritePolicy writes a new policy.toml that forbids the usual and explains itself. An existing file is
// never touched: the error is then fs.ErrExist.
func WritePolicy(path string) error { return writeNew(path, []byte(policyText)) }

const policyText = `# The security team's limits: no rule of any connection can exceed them.

[never]                          # what never leaves, whatever a connection's rules say
items = []                       # for example ["comments.internal", "field:Salary"]
# people = "alias"               # how persons appear at most: company, alias, name, email
# relay = "forbid"               # what came in by one connection never leaves by another

[arrive]                         # ceilings for what partners may do here
comments = "internal"            # whatever partners write is an internal note until this says "public"
# items = ["summary", "description", "priority", "status", "comments"]

# [peers]
# globex = { projects = ["SUPPORT"], domains = ["globex.example"] }   # a peer not named here is bound by its rules alone
`
