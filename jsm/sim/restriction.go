package sim

import (
	"cmp"
	"slices"
)

// A restriction keeps a comment or a work log to a role or a group.
type restriction struct{ kind, value, identifier string }

// visibilityBody is the role or group that a comment or a work log is kept to.
type visibilityBody struct {
	Type       string `json:"type"`
	Value      string `json:"value"`
	Identifier string `json:"identifier"`
}

func (v *visibilityBody) read() (*restriction, string) {
	switch {
	case v == nil || v.Type == "":
		return nil, ""
	case v.Type != "group" && v.Type != "role":
		return nil, "Invalid visibility type: " + v.Type
	}
	return &restriction{v.Type, v.Value, cmp.Or(v.Identifier, v.Value)}, ""
}

func (r *restriction) bean() obj {
	return obj{"type": r.kind, "value": r.value, "identifier": r.identifier}
}

// seesRestricted tells whether an account belongs to the role or group that something of the author's is kept to; nil: to none.
func (t *Tenant) seesRestricted(me, author *user, to *restriction) bool {
	if to == nil || me == author || me.admin() {
		return true
	}
	if to.kind == "role" || me == nil {
		return me.licensed()
	}
	for _, g := range t.people.groups {
		if g.name == to.value || g.id == to.identifier {
			return slices.Contains(g.members, me.id)
		}
	}
	return false
}
