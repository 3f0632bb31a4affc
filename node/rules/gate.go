package rules

import (
	"fmt"
	"strings"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
)

// gate is the policy at work: the last step before the outbox, and the first after the inbox.
type gate struct {
	never        map[string]string // entity → the place that forbids it
	arrives      map[string]bool   // entities that partners may write; nil: all
	arrivesAt    string
	internalOnly bool // whatever partners write is internal
	internalAt   string
	files        *conf.AttachmentPolicy // which files never cross
}

func newGate(p *conf.Policy, s *jsm.Schema) gate {
	g := gate{never: map[string]string{}, internalOnly: p.Arrive.Comments.Value == "internal", internalAt: line(p.Arrive.Comments.Pos), files: &p.Attachments}
	for _, item := range p.Never.Items {
		g.never[canonicalEntity(item.Value, s)] = line(item.Pos)
	}
	if p.Arrive.Pos.IsSet() {
		g.arrives, g.arrivesAt = map[string]bool{}, line(p.Arrive.Pos)
		for _, item := range p.Arrive.Items {
			g.arrives[canonicalEntity(item.Value, s)] = true
		}
	}
	return g
}

func line(p conf.Pos) string { return fmt.Sprintf("%s line %d", p.File, p.Line) }

// canonicalEntity gives a custom field the name that its items have.
func canonicalEntity(name string, s *jsm.Schema) string {
	nameOrID, custom := conf.CustomField(name)
	if !custom {
		return name
	}
	if s != nil {
		if f, err := s.Field(nameOrID); err == nil {
			return "field:" + f.Name
		}
	}
	return "field:" + nameOrID
}

// forbids says why an entity never leaves; empty: it may.
func (g *gate) forbids(entity string) string {
	if at, ok := g.never[entity]; ok {
		return at + " forbids " + entity
	}
	return ""
}

// refuses says why a partner may not write an entity; empty: it may.
func (g *gate) refuses(entity string) string {
	if g.arrives == nil || g.arrives[entity] || entity == "comments.internal" && g.arrives["comments"] || entity == "attachments.internal" && g.arrives["attachments"] {
		return ""
	}
	return fmt.Sprintf("%s does not let partners write %s", g.arrivesAt, entity)
}

// Gate takes out of a view what the policy forbids, whatever made it. View has passed it already; it is
// for whatever goes to the outbox another way. A second passage changes nothing.
func (r *Rules) Gate(v replica.View) (replica.View, []Held) {
	var held []Held
	var out replica.View
	for p, it := range v {
		why := r.gate.forbids(entityOf(p, it))
		if why == "" {
			why = r.gate.deniesItem(it)
		}
		if why == "" {
			continue
		}
		if out == nil {
			out = v.Clone()
		}
		delete(out, p)
		held = append(held, dropped(p, why, ""))
	}
	if out == nil {
		return v, nil
	}
	sortHeld(held)
	return out, held
}

func dropped(p replica.Path, why, rule string) Held {
	return Held{Path: p, Class: Policy, Code: Dropped, Rule: rule,
		Reason: fmt.Sprintf("%s stays home: %s.", p, why), Next: "Nothing waits. Remove it from the rules, or ask the security team."}
}

// entityOf names the entity that an item belongs to, as the policy does.
func entityOf(p replica.Path, it replica.Item) string {
	switch p.Kind() {
	case "label", "component", "organization", "fix_version", "affects_version":
		return p.Kind() + "s"
	case "approval":
		return "approvals"
	case "attachment":
		return attachmentEntity(it)
	case "comment":
		v, err := it.Value()
		if c, ok := v.(replica.Comment); err == nil && ok && c.Public {
			return "comments"
		}
		return "comments.internal" // unknown counts as internal
	}
	if entity := PartOf(p.Kind()); entity != "" {
		return entity
	}
	entity, _, _ := strings.Cut(string(p), "/")
	if strings.Contains(entity, ":") {
		return string(p)
	}
	return entity
}
