package sim

import (
	"encoding/json"
	"strconv"
	"time"
)

// A view says for whom and how an issue is shown.
type view struct {
	me     *user
	v2     bool
	fields []string // names of the fields parameter; empty: *all
	expand map[string]bool
	props  []string
	search bool // an answer of a search: comments and changelog are cut shorter
}

// render turns a stored value into the JSON that the field shows; nil for an empty one.
func (t *Tenant) render(is *issue, f *field, v view) any {
	switch f.id {
	case "created":
		return stampFor(is.created, v.me)
	case "updated":
		return stampFor(is.updated, v.me)
	case "resolutiondate":
		return stampFor(is.resolved, v.me)
	case "statuscategorychangedate":
		return stampFor(is.inStatus, v.me)
	case "creator":
		return t.userBean(is.creator, v.me)
	case "project":
		return t.projectBean(is.proj)
	case "comment":
		return t.commentsOf(is, v)
	case "issuelinks":
		return t.linksOf(is)
	case "watches":
		return t.watchesOf(is, v)
	case "subtasks":
		return t.subtasksOf(is)
	case "attachment":
		return t.attachmentsOf(is, v)
	case "worklog":
		return t.worklogsOf(is, v)
	case "timetracking":
		return t.trackingOf(is)
	}
	switch f.kind {
	case kSLA:
		if s := t.slaOf(is, f, v.me); s != nil {
			return s
		}
		return nil
	case kApprovals:
		return t.approvalsField(is, v.me)
	case kRating:
		if is.rating == nil {
			return nil
		}
		return obj{"rating": is.rating.stars}
	case kRatingDate:
		if is.rating == nil {
			return nil
		}
		return stampFor(is.rating.at, v.me)
	}
	value, is2 := is.vals[f.id]
	if !is2 {
		if f.kind.many() && f.custom == 0 {
			return []any{}
		}
		return nil
	}
	return t.renderValue(is, f, value, v)
}

func (t *Tenant) renderValue(is *issue, f *field, value any, v view) any {
	switch x := value.(type) {
	case json.RawMessage:
		if v.v2 {
			return t.toWiki(is, x)
		}
		return x
	case float64:
		return floatJSON(x)
	case time.Time:
		return stampFor(x, v.me)
	case [2]string:
		return t.cascadeBean(f, x)
	case string:
		return t.renderOne(is, f, x, v)
	case []string:
		if f.kind == kLabels {
			return x
		}
		out := make([]any, 0, len(x))
		for _, one := range x {
			if b := t.renderOne(is, f, one, v); b != nil {
				out = append(out, b)
			}
		}
		return out
	}
	return nil
}

// floatJSON writes a number as Jira does, where 3 is 3.0.
func floatJSON(x float64) json.RawMessage {
	s := strconv.FormatFloat(x, 'f', -1, 64)
	for _, c := range s {
		if c == '.' {
			return json.RawMessage(s)
		}
	}
	return json.RawMessage(s + ".0")
}

func (t *Tenant) renderOne(is *issue, f *field, id string, v view) any {
	rest := t.url + "/rest/api/" + v.dialect()
	switch f.kind {
	case kText, kURL, kDate:
		return id
	case kUser, kUsers, kParticipants:
		return t.userBean(t.people.byID[id], v.me)
	case kGroup, kGroups:
		for _, g := range t.people.groups {
			if g.name == id {
				return obj{"name": g.name, "groupId": g.id, "self": rest + "/group?groupId=" + g.id}
			}
		}
		return nil
	case kStatus:
		return t.statusBean(t.status(id))
	case kPriority:
		if p, known := pick(t.lists.priorities, id); known {
			return obj{"self": rest + "/priority/" + p.id, "iconUrl": t.url + "/images/icons/priorities/" + p.id + ".svg", "name": p.name, "id": p.id}
		}
	case kResolution:
		if r, known := pick(t.lists.resolutions, id); known {
			return obj{"self": rest + "/resolution/" + r.id, "id": r.id, "name": r.name, "description": r.extra}
		}
	case kIssueType:
		if it, known := pick(t.lists.issueTypes, id); known {
			return t.issueTypeBean(it)
		}
	case kPicked:
		return t.projectBean(t.project(id))
	case kAssets:
		return t.assetField(id)
	case kParent:
		return t.parentBean(id)
	case kSecurity:
		if l := t.level(id); l != nil {
			return t.levelBean(l)
		}
	case kComponents:
		if c, known := pick(t.lists.components, id); known {
			return obj{"self": rest + "/component/" + c.id, "id": c.id, "name": c.name}
		}
	case kVersion, kVersions:
		for _, ver := range t.lists.versions {
			if ver.id == id {
				return t.versionBean(ver, nil)
			}
		}
	case kOrgs:
		if o := t.organization(id); o != nil {
			return t.orgBean(o, v.me)
		}
	case kRequestType:
		return t.requestTypeField(is, id, v.me)
	default:
		for _, o := range f.options {
			if o.id == id {
				return t.optionBean(o)
			}
		}
	}
	return nil
}

func (v view) dialect() string {
	if v.v2 {
		return "2"
	}
	return "3"
}

func (t *Tenant) optionBean(o *option) obj {
	return obj{"self": t.url + "/rest/api/3/customFieldOption/" + o.id, "value": o.value, "id": o.id}
}

func (t *Tenant) cascadeBean(f *field, ids [2]string) any {
	for _, o := range f.options {
		if o.id != ids[0] {
			continue
		}
		b := t.optionBean(o)
		for _, c := range o.children {
			if c.id == ids[1] {
				b["child"] = t.optionBean(c)
			}
		}
		return b
	}
	return nil
}

func (t *Tenant) statusBean(s *status) obj {
	if s == nil {
		return nil
	}
	return obj{"self": t.url + "/rest/api/3/status/" + s.id, "description": "", "iconUrl": t.url + "/images/icons/statuses/generic.png",
		"name": s.name, "id": s.id, "statusCategory": t.categoryBean(s.category)}
}

func (t *Tenant) categoryBean(key string) obj {
	b := obj{"key": key}
	switch key {
	case "new":
		b["id"], b["colorName"], b["name"] = 2, "blue-gray", "To Do"
	case "indeterminate":
		b["id"], b["colorName"], b["name"] = 4, "yellow", "In Progress"
	case "done":
		b["id"], b["colorName"], b["name"] = 3, "green", "Done"
	default:
		b["id"], b["colorName"], b["name"] = 1, "medium-gray", "No Category"
	}
	b["self"] = t.url + "/rest/api/3/statuscategory/" + strconv.Itoa(b["id"].(int))
	return b
}

func (t *Tenant) issueTypeBean(it named) obj {
	return obj{"self": t.url + "/rest/api/3/issuetype/" + it.id, "id": it.id, "description": it.extra, "iconUrl": t.url + "/images/icons/issuetypes/" + it.id + ".svg",
		"name": it.name, "subtask": t.subtask(it.id), "avatarId": 10300, "hierarchyLevel": map[bool]int{true: -1}[t.subtask(it.id)]}
}

func (t *Tenant) projectBean(p *project) obj {
	kind := "software"
	if p.desk != "" {
		kind = "service_desk"
	}
	return obj{"self": t.url + "/rest/api/3/project/" + p.id, "id": p.id, "key": p.key, "name": p.name, "projectTypeKey": kind,
		"simplified": false, "avatarUrls": obj{"48x48": t.url + "/secure/projectavatar?pid=" + p.id}}
}

func (t *Tenant) trackingOf(is *issue) any {
	b := obj{}
	spent := int64(0)
	for _, w := range is.worklogs {
		spent += w.seconds
	}
	if e, has := is.vals["timetracking"].(estimate); has {
		if e.original >= 0 {
			b["originalEstimate"], b["originalEstimateSeconds"] = writeEstimate(e.original), e.original
		}
		if e.remaining >= 0 {
			b["remainingEstimate"], b["remainingEstimateSeconds"] = writeEstimate(e.remaining), e.remaining
		}
	}
	if spent > 0 {
		b["timeSpent"], b["timeSpentSeconds"] = writeEstimate(spent), spent
	}
	return b
}
