package rules

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
)

// Rules is one connection's compiled rules. They are immutable: many may use them at once.
type Rules struct {
	Peer, Connection string
	Projects         []string // keys of the local projects whose tickets cross, policy applied
	Trigger          string   // JQL as written; empty: nothing starts by itself
	Leave            string   // keep, pause, unlink
	Since            string   // link, all
	ApproveFirst     bool
	Limits           Limits
	WritesPerHour    int // of one item of a ticket; 0: no limit

	relay    bool
	src      *conf.Rules
	under    [sha256.Size]byte // the policy's content
	schema   *jsm.Schema
	env      *env
	people   people
	gate     gate
	out      []*outRule
	comments [2]*outComments // internal, public
	in       []*inRule
	arriving [2]*inComments // internal, public
	parts    parts
	service  service
	files    [2]*outAttachments // internal, public
	landing  [2]*inAttachments  // likewise
	create   *createRule
	fields   map[string]*field // every entity that a rule or expression names
	constant *record
	peer     *record
	warnings []conf.Problem
}

// Limits bound what the connection starts in a day; 0 is no limit.
type Limits struct {
	TicketsPerDay, FirstDay     int
	BytesPerTicket, BytesPerDay int64 // of files that cross, each way
}

// SchemaProject names the project whose schema Compile wants: where twins are made, else the first.
func SchemaProject(src *conf.Rules) string {
	if src.Create.Project.Value != "" {
		return src.Create.Project.Value
	}
	if len(src.Projects) > 0 {
		return src.Projects[0].Value
	}
	return ""
}

// Compile checks rules against the tenant and the policy. Without a schema it lints: custom fields and
// names of options are then taken on trust. Without a policy nothing is limited. The error is a
// *conf.Problems with everything that is wrong.
func Compile(src *conf.Rules, policy *conf.Policy, s *jsm.Schema) (*Rules, error) {
	if policy == nil {
		policy = &conf.Policy{}
	}
	e, err := newEnv(s, src.Const)
	if err != nil {
		return nil, err
	}
	r := &Rules{
		Peer: src.Peer.Value, Connection: src.Connection.Value, Trigger: src.Trigger.JQL.Value, Leave: src.Trigger.Leave.Value,
		Since: src.Since.Value, ApproveFirst: src.ApproveFirst.Value,
		Limits:        Limits{src.Limits.TicketsPerDay.Value, src.Limits.FirstDay.Value, src.Limits.BytesPerTicket, src.Limits.BytesPerDay},
		WritesPerHour: writesPerHour(src.Limits.WritesPerItemHour),
		relay:         src.Relay.Value && policy.Never.Relay.Value != "forbid",
		src:           src, under: sha256.Sum256(policy.Source()), schema: s, env: e, people: newPeople(src.People, policy.Never.People), fields: map[string]*field{},
	}
	c := &compiler{Rules: r, policy: policy, ps: &conf.Problems{}}
	c.gate = newGate(policy, s)
	c.projects()
	c.variables()
	c.outgoing()
	c.incoming()
	c.creation()
	c.warn()
	if err := c.ps.Err(); err != nil {
		return nil, err
	}
	return r, nil
}

func writesPerHour(c conf.Count) int {
	if !c.Pos.IsSet() {
		return conf.DefaultWritesPerItemHour
	}
	return c.Value
}

// A compiler holds what only compiling needs.
type compiler struct {
	*Rules
	policy *conf.Policy
	ps     *conf.Problems
}

// projects applies what the policy says of the peer.
func (c *compiler) projects() {
	all := slices.Clone(c.src.Projects)
	if p := c.src.Create.Project; p.Value != "" {
		all = append(all, p)
	}
	allowed, bounded := c.policy.Peer(c.Peer)
	for _, p := range all {
		if bounded && !slices.ContainsFunc(allowed.Projects, func(a conf.Text) bool { return a.Value == p.Value }) {
			c.warning(p.Pos, "", "policy.toml line %d keeps %s from project %s", allowed.Name.Pos.Line, c.Peer, p.Value)
			continue
		}
		if !slices.Contains(c.Projects, p.Value) {
			c.Projects = append(c.Projects, p.Value)
		}
	}
}

func (c *compiler) warning(at conf.Pos, hint, format string, args ...any) {
	c.warnings = append(c.warnings, conf.Problem{File: at.File, Line: at.Line, Col: at.Col, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// variables fills const and peer, which are the same for every evaluation.
func (c *compiler) variables() {
	consts := map[string]any{}
	for _, k := range c.src.Const {
		consts[k.Name] = k.Value.Value
	}
	c.constant = &record{typ: celObject(constant), load: func(member string) (any, error) { return consts[member], nil }}
	domains := []string{}
	if p, ok := c.policy.Peer(c.Peer); ok {
		for _, d := range p.Domains {
			domains = append(domains, strings.ToLower(d.Value))
		}
	}
	c.peer = &record{typ: celObject("peer"), load: func(member string) (any, error) {
		switch {
		case member == "name":
			return c.Peer, nil
		case len(domains) > 0:
			return domains, nil
		}
		return nil, missing("peer.domains (policy.toml names none)")
	}}
}

var savedFilter = regexp.MustCompile(`(?i)\b(filter|savedfilter|request|searchrequest)\s*(=|in\b)`)

// warn says what is allowed and yet worth a second look.
func (c *compiler) warn() {
	if jql := c.src.Trigger.JQL; savedFilter.MatchString(jql.Value) {
		c.warning(jql.Pos, "write the filter's JQL out here", "the trigger uses a saved filter, which others can edit")
	}
	if c.src.People.Share.Value != c.people.share {
		c.warning(c.src.People.Share.Pos, "", "policy.toml line %d lets persons appear as %s at most", c.policy.Never.People.Pos.Line, c.people.share)
	}
	if c.src.Relay.Value && !c.relay {
		c.warning(c.src.Relay.Pos, "", "policy.toml line %d forbids relay", c.policy.Never.Relay.Pos.Line)
	}
}

// bind finds a field once and remembers it.
func (c *compiler) bind(name conf.Text) *field {
	f, err := bind(name.Value, c.schema)
	if err != nil {
		addError(c.ps, name.Pos, err)
		return nil
	}
	c.fields[f.entity] = f
	return f
}

// fieldOf finds the field behind a member of ticket.
func (r *Rules) fieldOf(member string) *field {
	if f := r.fields[member]; f != nil {
		return f
	}
	f, err := bind(member, r.schema)
	if err != nil {
		return nil
	}
	return f
}

// expr compiles an expression that was written, and remembers the fields that it reads.
func (c *compiler) expr(src conf.Text, allowed ...string) *expr {
	if !src.IsSet() {
		return nil
	}
	x := c.env.compileExpr(src, append(allowed, "peer", constant), c.ps)
	if x == nil {
		return nil
	}
	for _, rd := range x.reads {
		if rd.variable != "ticket" {
			continue
		}
		if f := c.fieldOf(rd.member); f != nil {
			c.fields[f.entity], c.fields[rd.member] = f, f
		}
	}
	return x
}

// Relay reports whether what came in by another connection may leave by this one.
func (r *Rules) Relay() bool { return r.relay }

// SharesKey reports whether the peer is told our ticket's key: it always is (rules.md, egress).
func (r *Rules) SharesKey() bool { return true }

// TicketURL is the address of a ticket that the peer is told; site is the tenant's address.
func (r *Rules) TicketURL(site, key string) string {
	if site == "" || key == "" {
		return ""
	}
	return strings.TrimRight(site, "/") + "/browse/" + key
}

// Warnings are worth a second look, though the rules work.
func (r *Rules) Warnings() []conf.Problem { return r.warnings }

// Sources gives the files that the rules were read from.
func (r *Rules) Sources() map[string][]byte { return r.src.Sources() }

// Version is the SHA-256 over the sorted sources, each name and content preceded by its length.
func (r *Rules) Version() replica.Hash { return VersionOf(r.src.Sources()) }

// Basis is the SHA-256 over the version and the policy that these rules were
// compiled under: what all their verdicts follow from.
func (r *Rules) Basis() replica.Hash {
	version := r.Version()
	return sha256.Sum256(append(version[:], r.under[:]...))
}

// VersionOf is the version of sources that are not compiled.
func VersionOf(sources map[string][]byte) replica.Hash {
	h := sha256.New()
	part := func(b []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		part([]byte(name))
		part(sources[name])
	}
	return replica.Hash(h.Sum(nil))
}

// place writes a position as held items and decisions carry it.
func place(p conf.Pos) string { return p.String() }

// Desk is the service desk's id, where the schema is known.
func (r *Rules) Desk() string {
	if r.schema == nil {
		return ""
	}
	return r.schema.Desk
}
