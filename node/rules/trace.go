package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"parley/jsm"
	"parley/replica"
)

// Moves lists the outgoing items that one item of a ticket's history moved. Of a set whose history cannot
// be taken apart it gives the bare kind: some element of it.
func (r *Rules) Moves(it jsm.ChangeItem) (paths []replica.Path) {
	id := jsm.FieldOf(it)
	for _, o := range r.out {
		if !r.shows(o, id) {
			continue
		}
		f := r.readBy(o, id)
		if !o.elements() || f == nil {
			paths = append(paths, o.path)
			continue
		}
		gone, added, known := f.Members(it)
		if !known {
			paths = append(paths, o.path)
			continue
		}
		for _, m := range append(gone, added...) {
			if to, verdict := o.with.apply(m.Value, m.ID); verdict == Written {
				paths = append(paths, o.path+"/"+replica.Path(to))
			}
		}
	}
	return paths
}

// Withdrawn is when somebody else than our account last moved an item that the ticket does not show any more: Unix ms,
// 0 where the history does not tell, or where it was our account: we took it away because the peer had.
func (r *Rules) Withdrawn(t *jsm.Ticket, p replica.Path, account string) int64 {
	for _, c := range t.History { // newest first
		for _, it := range c.Items {
			moved := r.Moves(it)
			if !slices.Contains(moved, p) && !slices.Contains(moved, replica.Path(p.Kind())) {
				continue
			}
			if c.Author.AccountID == account {
				return 0
			}
			return max(c.At.UnixMilli(), 0)
		}
	}
	return 0
}

func (r *Rules) readBy(o *outRule, id string) *field {
	for _, f := range r.sources(o) {
		if f.ID == id {
			return f
		}
	}
	return nil
}

// Field describes a local field that the rules name; zero where they do not.
func (r *Rules) Field(id string) jsm.Field {
	for _, f := range r.fields {
		if f.ID == id {
			return f.Field
		}
	}
	for _, i := range r.in {
		if i.to.ID == id {
			return i.to.Field
		}
	}
	return jsm.Field{ID: id}
}

// A Contest is a field of which the peer's value was written at the same moment as somebody here set
// another one.
type Contest struct {
	Path    replica.Path // the remote item
	Item    replica.Item // the peer's
	Field   string       // as a person calls it
	Rule    string
	Verdict Verdict        // Written: the peer's stands; Ours, Lost: ours must stand; Waits: ours, until somebody decides
	Moves   []replica.Path // outgoing items that show the field
}

// Contest decides by the field's rule between what the peer set and what somebody here set at a time.
func (r *Rules) Contest(in Arrival, fieldID string, at int64) (c Contest, ok bool) {
	i := slices.IndexFunc(r.in, func(i *inRule) bool { return i.to.ID == fieldID })
	if i < 0 {
		return c, false
	}
	rule := r.in[i]
	p := &planner{r: r, in: &in, scope: &scope{view: viewRecord(in.Remote), peer: r.peer, konst: r.constant}}
	c = Contest{Path: rule.origin(), Field: rule.to.Name, Rule: place(rule.e.Name.Pos), Verdict: Written, Moves: r.OutgoingPaths(fieldID)}
	c.Item = in.Remote[c.Path]
	var stamp int64
	if _, stamp, _ = p.value(rule); stamp == 0 {
		stamp = max(c.Item.At, in.withdrawn(c.Path))
	}
	switch wins := rule.e.Wins.Value; {
	case wins == "hold":
		c.Verdict = Waits
	case wins == "ours":
		c.Verdict = Ours
	case wins == "latest" && !in.theirs(stamp, at):
		c.Verdict = Lost
	}
	return c, true
}

// theirs decides between two edits at the same time by their times; at the same millisecond the larger node id wins.
func (in *Arrival) theirs(stamp, ours int64) bool {
	return stamp > ours || stamp == ours && in.PeerNode > in.LocalNode
}

// A Print is the fingerprint of one write: enough to know it again in a ticket, nothing of its content.
type Print struct {
	Field  string   `json:"field"`            // local field id
	ID     string   `json:"id,omitempty"`     // of an option or account
	Sum    string   `json:"sum,omitempty"`    // of the value as it is compared; empty: the field is cleared
	Add    []string `json:"add,omitempty"`    // sums of single members
	Remove []string `json:"remove,omitempty"` // likewise
}

// Prints are the fingerprints of what a plan's edit and transition write.
func (p *Plan) Prints() (prints []Print) {
	for id, v := range p.Edit.Set {
		prints = append(prints, printOf(id, v))
	}
	members := map[string]*Print{}
	each := func(set map[string][]jsm.Value, to func(*Print) *[]string) {
		for id, list := range set {
			if members[id] == nil {
				members[id] = &Print{Field: id}
			}
			for _, v := range list {
				l := to(members[id])
				*l = append(*l, sum(keyOf(v)))
			}
		}
	}
	each(p.Edit.Add, func(p *Print) *[]string { return &p.Add })
	each(p.Edit.Remove, func(p *Print) *[]string { return &p.Remove })
	for _, m := range members {
		prints = append(prints, *m)
	}
	if p.Organizations != nil {
		there := Print{Field: p.Organizations.FieldID}
		for _, name := range p.Organizations.Names {
			there.Add = append(there.Add, sum(name))
		}
		prints = append(prints, there)
	}
	if t := p.Transition; t != nil {
		prints = append(prints, Print{Field: "status", ID: t.Status, Sum: sum(t.Status)})
		if t.Resolution != "" {
			prints = append(prints, Print{Field: "resolution", ID: t.Resolution, Sum: sum(t.Resolution)})
		}
	}
	slices.SortFunc(prints, func(a, b Print) int { return strings.Compare(a.Field, b.Field) })
	return prints
}

func printOf(id string, v jsm.Value) Print {
	p := Print{Field: id}
	if isEmpty(v) {
		return p
	}
	switch v := v.(type) {
	case jsm.Option:
		p.ID, p.Sum = v.ID, sum(keyOf(v))
		if v.Value == "" {
			p.Sum = ""
		}
	case jsm.Person:
		p.ID = v.AccountID
	case jsm.Rich:
		p.Sum = sum(string(canonical(v)))
	case jsm.Effort: // Jira may fill in the part that was not written
		for _, part := range membersOf(v) {
			p.Add = append(p.Add, sum(keyOf(part)))
		}
	case []string, []jsm.Option, []jsm.Person:
		p.Sum = sum(fmt.Sprintf("%q", keys(v)))
	default:
		p.Sum = sum(fmt.Sprint(v))
	}
	return p
}

// sum hides a value: a fingerprint is kept for a day, the value need not be.
func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:8])
}

// Bears reports whether a ticket's field holds what a print was taken of.
func (r *Rules) Bears(t *jsm.Ticket, p Print) bool {
	f := &field{Field: r.Field(p.Field)}
	now, err := valueOf(t, f)
	if err != nil {
		return false
	}
	if len(p.Add)+len(p.Remove) > 0 {
		var there []string
		for _, m := range membersOf(now) {
			there = append(there, sum(keyOf(m)))
		}
		return !slices.ContainsFunc(p.Add, func(s string) bool { return !slices.Contains(there, s) }) &&
			!slices.ContainsFunc(p.Remove, func(s string) bool { return slices.Contains(there, s) })
	}
	is := printOf(p.Field, now)
	switch {
	case p.ID == "" && p.Sum == "":
		return isEmpty(now)
	case p.ID != "" && (p.ID == is.ID || sum(p.ID) == is.Sum): // a status is named by either
		return true
	}
	return p.Sum != "" && p.Sum == is.Sum
}
