package sim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func (s setter) users(f *field, raw json.RawMessage) (any, string) {
	if !f.kind.many() {
		var r ref
		if json.Unmarshal(raw, &r) != nil || r.AccountID == nil && r.ID == nil {
			return nil, "expected Object containing an accountId property"
		}
		id := r.id()
		if r.AccountID != nil {
			id = *r.AccountID
		}
		if f.id == "assignee" && id == "-1" {
			return nil, "" // automatic: the project's default assignee is nobody
		}
		return s.user(f, id)
	}
	var refs []ref
	if json.Unmarshal(raw, &refs) != nil {
		return nil, "data was not an array"
	}
	var out []string
	for _, r := range refs {
		if r.AccountID == nil && r.ID == nil {
			return nil, "expected Object containing an accountId property"
		}
		id := r.id()
		if r.AccountID != nil {
			id = *r.AccountID
		}
		found, complaint := s.user(f, id)
		if complaint != "" {
			return nil, complaint
		}
		if !slices.Contains(out, found.(string)) {
			out = append(out, found.(string))
		}
	}
	return listOrNil(out), ""
}

func (s setter) user(f *field, id string) (any, string) {
	u := s.t.people.byID[id]
	switch {
	case f.id == "assignee" && (u == nil || !s.t.assignable(u)):
		return nil, fmt.Sprintf("User '%s' cannot be assigned issues.", id)
	case u == nil && f.id == "reporter":
		return nil, "The reporter specified is not a user."
	case u == nil || !u.active:
		return nil, fmt.Sprintf("Specify a valid value for %s: the user '%s' does not exist or is inactive.", f.name, id)
	case f.id == "reporter" && !s.me.licensed() && u != s.me:
		return nil, "Field 'reporter' cannot be set. It is not on the appropriate screen, or unknown."
	}
	return u.id, ""
}

// assignable people are active agents.
func (t *Tenant) assignable(u *user) bool { return u.active && u.licensed() }

func (s setter) groups(f *field, raw json.RawMessage) (any, string) {
	refs := make([]ref, 1)
	target := any(&refs[0])
	if f.kind.many() {
		target = &refs
	}
	if json.Unmarshal(raw, target) != nil {
		if f.kind.many() {
			return nil, "data was not an array"
		}
		return nil, "expected Object containing a name property"
	}
	var out []string
	for _, r := range refs {
		g := s.t.group(r)
		if g == nil {
			return nil, "Could not find group with the name or id that was given."
		}
		if !slices.Contains(out, g.name) {
			out = append(out, g.name)
		}
	}
	if f.kind.many() {
		return listOrNil(out), ""
	}
	return out[0], ""
}

func (t *Tenant) group(r ref) *group {
	for _, g := range t.people.groups {
		if r.GroupID != nil && g.id == *r.GroupID || r.GroupID == nil && r.Name != nil && g.name == *r.Name {
			return g
		}
	}
	return nil
}

// requestType reads the request type field: Cloud takes the id as a string, nothing else.
func (s setter) requestType(raw json.RawMessage) (any, string) {
	text, complaint := readText(raw)
	if complaint != "" {
		return nil, "Operation value must be a string"
	}
	for _, rt := range s.t.desk.requestTypes {
		if rt.id == text && s.proj.desk != "" {
			return rt.id, ""
		}
	}
	return nil, fmt.Sprintf("Request type '%s' is not valid.", text)
}

// organizations reads the organizations field: numbers in, and only those linked to the desk.
func (s setter) organizations(raw json.RawMessage) (any, string) {
	var ids []json.Number
	if json.Unmarshal(raw, &ids) != nil || strings.Contains(string(raw), `"`) {
		return nil, "Operation value must be an array of organization IDs (numbers)"
	}
	var out []string
	for _, n := range ids {
		org := s.t.organization(n.String())
		if org == nil || !org.linked {
			return nil, fmt.Sprintf("The organization with ID %s does not exist or is not associated with the project.", n)
		}
		if !slices.Contains(out, org.id) {
			out = append(out, org.id)
		}
	}
	return listOrNil(out), ""
}

func (t *Tenant) organization(id string) *organization {
	for _, o := range t.lists.orgs {
		if o.id == id {
			return o
		}
	}
	return nil
}

func (t *Tenant) addOrganization(name string) *organization {
	o := &organization{id: t.nextText("org"), name: name, created: t.now(), uuid: accountID("org "+name, t.name, false)[7:]}
	t.lists.orgs = append(t.lists.orgs, o)
	return o
}

// estimate is the stored form of time tracking: seconds, -1 where none.
type estimate struct{ original, remaining int64 }

func (s setter) tracking(raw json.RawMessage) (any, string) {
	var in struct {
		OriginalEstimate  *string `json:"originalEstimate"`
		RemainingEstimate *string `json:"remainingEstimate"`
	}
	if json.Unmarshal(raw, &in) != nil {
		return nil, "Operation value must be an object"
	}
	out := estimate{-1, -1}
	for _, part := range []struct {
		text *string
		dst  *int64
	}{{in.OriginalEstimate, &out.original}, {in.RemainingEstimate, &out.remaining}} {
		if part.text == nil || *part.text == "" {
			continue
		}
		n, fine := readEstimate(*part.text)
		if !fine {
			return nil, "The original estimate specified is not valid."
		}
		*part.dst = n
	}
	if out.remaining < 0 {
		out.remaining = out.original
	}
	return out, ""
}

// readEstimate reads "1w 2d 3h 4m" with Jira's default week of 5 days of 8 hours; a bare number is minutes.
func readEstimate(text string) (int64, bool) {
	total := int64(0)
	parts := strings.Fields(text)
	for _, p := range parts {
		unit := int64(60)
		switch p[len(p)-1] {
		case 'w':
			unit = 5 * 8 * 3600
		case 'd':
			unit = 8 * 3600
		case 'h':
			unit = 3600
		case 'm':
		default:
			p += "m"
		}
		n, err := strconv.ParseFloat(p[:len(p)-1], 64)
		if err != nil || n < 0 || n > 1e6 {
			return 0, false
		}
		total += int64(n * float64(unit))
	}
	return total, len(parts) > 0
}

// writeEstimate shows seconds as Jira does.
func writeEstimate(sec int64) string {
	if sec == 0 {
		return "0m"
	}
	var out []string
	for _, u := range []struct {
		name string
		size int64
	}{{"w", 5 * 8 * 3600}, {"d", 8 * 3600}, {"h", 3600}, {"m", 60}} {
		if n := sec / u.size; n > 0 {
			out = append(out, strconv.FormatInt(n, 10)+u.name)
			sec %= u.size
		}
	}
	return strings.Join(out, " ")
}
