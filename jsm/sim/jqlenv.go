package sim

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/jsm/jql"
)

// jqlEnv answers the query language's questions about the tenant, for one account.
type jqlEnv struct {
	t  *Tenant
	me *user
}

func (e jqlEnv) Session() jql.Session {
	s := jql.Session{Now: e.t.now(), Zone: zoneOf(e.me), WeekStart: time.Monday}
	if e.me != nil {
		s.User = e.me.id
	}
	return s
}

func (e jqlEnv) Field(f jql.Field) (jql.FieldInfo, bool) {
	if len(f.Properties) > 0 {
		return jql.FieldInfo{}, false // nobody declared entity properties searchable here
	}
	if info, known := jql.SystemField(f.Name); known {
		info.Ref = e.t.systemRef(info.ID)
		return info, true
	}
	for _, cf := range e.t.lists.fields {
		if cf.custom == 0 || !kinds[cf.kind].searcher {
			continue
		}
		for _, name := range cf.clauses {
			if strings.EqualFold(name, f.Name) {
				return jql.FieldInfo{ID: cf.id, Type: queryType(cf.kind), Ref: cf}, true
			}
		}
	}
	return jql.FieldInfo{}, false
}

// systemRef finds the field of this tenant behind a JQL name; nil where JQL has a field of its own.
func (t *Tenant) systemRef(id string) any {
	switch id {
	case "Customer Request Type":
		return t.fieldOfKind(kRequestType)
	case "level":
		return t.field("security")
	case "component":
		return t.field("components")
	case "fixVersion":
		return t.field("fixVersions")
	case "affectedVersion":
		return t.field("versions")
	}
	if f := t.field(id); f != nil {
		return f
	}
	return nil
}

func queryType(k kind) jql.FieldType {
	switch k {
	case kText, kParagraph:
		return jql.Text
	case kURL:
		return jql.Exact
	case kLabels:
		return jql.Label
	case kNumber:
		return jql.Number
	case kDate:
		return jql.Date
	case kDateTime, kRatingDate, kStamp:
		return jql.DateTime
	case kUser, kUsers, kParticipants:
		return jql.User
	case kVersion, kVersions, kPriority, kResolution:
		return jql.Ranked
	case kSLA:
		return jql.SLA
	case kApprovals:
		return jql.Approval
	case kRating:
		return jql.Number
	}
	return jql.Option
}

func (e jqlEnv) Resolve(info jql.FieldInfo, v jql.Value) []jql.Datum {
	var byID, byName []jql.Datum
	add := func(d jql.Datum, names ...string) {
		if v.Number() && d.ID == v.Text {
			byID = append(byID, d)
		}
		for _, n := range append(names, d.Name) {
			if strings.EqualFold(n, v.Text) {
				byName = append(byName, d)
				return
			}
		}
	}
	switch {
	case info.Type == jql.User:
		for _, u := range e.t.people.list {
			d := jql.Datum{ID: u.id, Name: u.name}
			names := []string{u.id}
			if e.t.seesEmail(u, e.me) {
				names = append(names, u.email)
			}
			add(d, names...)
		}
	case info.Type == jql.IssueRef:
		if is := e.t.find(v.Text); is != nil {
			return []jql.Datum{{ID: is.idText(), Name: is.key}}
		}
	case info.ID == "statusCategory":
		for i, key := range []string{"new", "indeterminate", "done"} {
			b := e.t.categoryBean(key)
			add(jql.Datum{ID: strconv.Itoa(b["id"].(int)), Name: b["name"].(string), Rank: i}, key)
		}
	case info.ID == "issueLinkType":
		for _, k := range e.t.lists.linkTypes {
			add(jql.Datum{ID: k.id, Name: k.name}, k.inward, k.outward)
		}
	default:
		e.resolveListed(info, add)
	}
	if byID != nil {
		return byID
	}
	return byName
}

func (e jqlEnv) resolveListed(info jql.FieldInfo, add func(jql.Datum, ...string)) {
	f, _ := info.Ref.(*field)
	if f == nil {
		return
	}
	switch f.kind {
	case kProject, kPicked:
		for _, p := range e.t.lists.projects {
			add(jql.Datum{ID: p.id, Name: p.name}, p.key)
		}
	case kRequestType:
		for _, rt := range e.t.desk.requestTypes {
			add(jql.Datum{ID: rt.id, Name: rt.name}, rt.name+" ("+e.t.seed.Project+")")
		}
	case kGroup, kGroups:
		for _, g := range e.t.people.groups {
			add(jql.Datum{ID: g.name, Name: g.name})
		}
	case kCascade:
		for _, o := range f.options {
			add(jql.Datum{ID: o.id, Name: o.value})
			for _, c := range o.children {
				add(jql.Datum{ID: c.id, Name: c.value})
			}
		}
	default:
		choices := e.t.choices(f, nil)
		for i, c := range choices {
			add(jql.Datum{ID: c.id, Name: c.name, Rank: rank(f.kind, i, len(choices))})
		}
	}
}

// rank orders listed values as JQL does: the first priority is the greatest, the last version is.
func rank(k kind, i, n int) int {
	if k == kPriority {
		return n - i
	}
	return i
}

func (e jqlEnv) Values(issue jql.Issue, info jql.FieldInfo) []jql.Datum {
	is := issue.(*issueT)
	switch info.ID {
	case "issuekey":
		return []jql.Datum{{ID: is.idText(), Name: is.key}}
	case "text":
		return e.allText(is)
	case "comment":
		return e.commentTexts(is)
	case "attachments", "watcher", "watchers", "worklogAuthor", "worklogComment", "worklogDate", "timeSpent":
		return e.hung(is, info.ID)
	case "statusCategory":
		b := e.t.categoryBean(e.t.status(is.str("status")).category)
		return []jql.Datum{{ID: strconv.Itoa(b["id"].(int)), Name: b["name"].(string)}}
	case "created":
		return at(is.created)
	case "updated":
		return at(is.updated)
	case "resolutiondate":
		return at(is.resolved)
	case "creator":
		return []jql.Datum{{ID: is.creator.id, Name: is.creator.name}}
	case "project":
		return []jql.Datum{{ID: is.proj.id, Name: is.proj.name}}
	case "originalEstimate", "remainingEstimate":
		est, has := is.vals["timetracking"].(estimate)
		if !has {
			return nil
		}
		if info.ID == "originalEstimate" {
			return []jql.Datum{{Number: float64(est.original)}}
		}
		return []jql.Datum{{Number: float64(est.remaining)}}
	case "issueLinkType":
		var out []jql.Datum
		for _, l := range is.links {
			out = append(out, jql.Datum{ID: l.kind.id, Name: l.kind.name})
		}
		return out
	}
	f, _ := info.Ref.(*field)
	if f == nil {
		return nil
	}
	return e.fieldValues(is, f)
}

func at(when time.Time) []jql.Datum {
	if when.IsZero() {
		return nil
	}
	return []jql.Datum{{Time: when}}
}

func (e jqlEnv) fieldValues(is *issueT, f *field) []jql.Datum {
	switch f.kind {
	case kSLA:
		if c := e.t.clockOf(is, f); c != nil && c.ongoing != nil {
			return []jql.Datum{{Number: c.ongoing.remaining.Seconds()}}
		}
		return nil
	case kRating:
		if is.rating != nil {
			return []jql.Datum{{Number: float64(is.rating.stars)}}
		}
		return nil
	case kRatingDate:
		if is.rating != nil {
			return at(is.rating.at)
		}
		return nil
	}
	switch x := is.vals[f.id].(type) {
	case nil:
		return nil
	case json.RawMessage:
		return []jql.Datum{{Name: adfToText(x)}}
	case float64:
		return []jql.Datum{{Number: x}}
	case time.Time:
		return at(x)
	case [2]string:
		parent, child := e.t.optionWords(f, x)
		out := []jql.Datum{{ID: x[0], Name: parent}}
		if x[1] != "" {
			out = append(out, jql.Datum{ID: x[1], Name: child})
		}
		return out
	case string:
		if f.kind == kDate {
			day, err := time.ParseInLocation("2006-01-02", x, zoneOf(e.me))
			if err != nil {
				return nil
			}
			return at(day)
		}
		return []jql.Datum{e.datum(f, x)}
	case []string:
		out := make([]jql.Datum, len(x))
		for i, one := range x {
			out[i] = e.datum(f, one)
		}
		return out
	}
	return nil
}

// datum is one stored value: plain text by name alone, a listed one by id, name and rank.
func (e jqlEnv) datum(f *field, stored string) jql.Datum {
	switch f.kind {
	case kText, kURL, kLabels:
		return jql.Datum{Name: stored}
	case kParent:
		return jql.Datum{ID: stored, Name: e.t.nameOf(f, stored)}
	case kPriority, kResolution, kVersion, kVersions:
		choices := e.t.choices(f, nil)
		i := slices.IndexFunc(choices, func(c named) bool { return c.id == stored })
		if i < 0 {
			return jql.Datum{ID: stored, Name: stored}
		}
		return jql.Datum{ID: stored, Name: choices[i].name, Rank: rank(f.kind, i, len(choices))}
	}
	return jql.Datum{ID: stored, Name: e.t.nameOf(f, stored)}
}

func (e jqlEnv) commentTexts(is *issueT) []jql.Datum {
	var out []jql.Datum
	for _, cm := range is.comments {
		if e.t.seesComment(e.me, cm) {
			out = append(out, jql.Datum{Name: adfToText(cm.body)})
		}
	}
	return out
}

func (e jqlEnv) allText(is *issueT) []jql.Datum {
	out := e.commentTexts(is)
	for _, f := range e.t.lists.fields {
		if f.kind == kText || f.kind == kParagraph {
			out = append(out, e.fieldValues(is, f)...)
		}
	}
	return out
}

// History turns the changelog of one field into steps.
func (e jqlEnv) History(issue jql.Issue, info jql.FieldInfo) jql.History {
	is := issue.(*issueT)
	h := jql.History{Created: is.created, Creator: is.creator.id}
	f, _ := info.Ref.(*field)
	if f == nil {
		return h
	}
	for _, ch := range is.changes {
		for _, it := range ch.items {
			if it.fieldID == f.id {
				h.Steps = append(h.Steps, jql.Step{At: ch.at, By: ch.author.id, From: e.side(f, it.from, it.fromString), To: e.side(f, it.to, it.toString)})
			}
		}
	}
	return h
}

func (e jqlEnv) side(f *field, id, name *string) []jql.Datum {
	if id == nil && name == nil {
		return nil
	}
	if id != nil && !f.kind.many() {
		d := e.datum(f, *id)
		return []jql.Datum{d}
	}
	d := jql.Datum{}
	if id != nil {
		d.ID = *id
	}
	if name != nil {
		d.Name = *name
	}
	return []jql.Datum{d}
}

// issueT names the issue type where a variable called issue hides it.
type issueT = issue
