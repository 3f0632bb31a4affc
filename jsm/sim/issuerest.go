package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (t *Tenant) issueRoutes(r *router) {
	r.add("POST", "/rest/api/{v}/issue/bulkfetch", bulkFetch)
	r.add("POST", "/rest/api/{v}/issue", createIssue)
	r.add("GET", "/rest/api/{v}/issue/{key}", getIssue)
	r.add("PUT", "/rest/api/{v}/issue/{key}", editIssue).perItem = true
	r.add("DELETE", "/rest/api/{v}/issue/{key}", deleteIssue)
	r.add("PUT", "/rest/api/{v}/issue/{key}/assignee", assignIssue).perItem = true
	r.add("GET", "/rest/api/{v}/issue/{key}/editmeta", func(c *call) answer {
		is, a, found := c.issue()
		if !found {
			return a
		}
		return ok(obj{"fields": c.t.editMeta(is, c.me)})
	})
}

// issue finds the issue of the path for the platform; portal-only customers see none there.
func (c *call) issue() (*issue, answer, bool) {
	is := c.t.find(c.v("key"))
	if is == nil || !c.t.sees(c.me, is) {
		return nil, issueGone(), false
	}
	c.key, c.at = is.key, is
	c.objects = 1
	return is, answer{}, true
}

// view reads fields, expand and properties of a GET.
func (c *call) view() view {
	v := view{me: c.me, v2: c.v2, fields: c.list("fields"), props: c.list("properties"), expand: map[string]bool{}}
	for _, e := range c.list("expand") {
		v.expand[e] = true
	}
	return v
}

func getIssue(c *call) answer {
	is, a, found := c.issue()
	if !found {
		return a
	}
	v := c.view()
	if len(v.props) > 5 {
		return refuse(http.StatusBadRequest, "The maximum number of properties is 5.")
	}
	return ok(c.t.issueBean(is, c.me, v))
}

func bulkFetch(c *call) answer {
	var in struct {
		Expand       []string `json:"expand"`
		Fields       []string `json:"fields"`
		FieldsByKeys bool     `json:"fieldsByKeys"`
		IDs          []string `json:"issueIdsOrKeys"`
		Properties   []string `json:"properties"`
	}
	if a, fine := c.decode(&in); !fine {
		return a
	}
	switch {
	case len(in.IDs) == 0:
		return refuse(http.StatusBadRequest, "issueIdsOrKeys must not be empty.")
	case len(in.IDs) > 100:
		return refuse(http.StatusBadRequest, "The maximum number of issues that can be fetched is 100.")
	case len(in.Properties) > 5:
		return refuse(http.StatusBadRequest, "The maximum number of properties is 5.")
	}
	if in.Fields == nil {
		in.Fields = []string{"*navigable"}
	}
	v := view{me: c.me, v2: c.v2, fields: in.Fields, props: in.Properties, expand: map[string]bool{}, search: true}
	for _, e := range in.Expand {
		v.expand[e] = true
	}
	var found []*issue
	errs := []any{}
	for _, id := range in.IDs {
		is := c.t.find(id)
		if is == nil || !c.t.sees(c.me, is) {
			errs = append(errs, obj{"id": id, "errorMessage": noSuchIssue})
		} else if !slices.Contains(found, is) {
			found = append(found, is)
		}
	}
	slices.SortFunc(found, func(a, b *issue) int { return int(a.id - b.id) })
	c.objects = len(found)
	list := make([]any, len(found))
	for i, is := range found {
		list[i] = c.t.issueBean(is, c.me, v)
	}
	return ok(obj{"issues": list, "issueErrors": errs})
}

func createIssue(c *call) answer {
	var in draftBody
	if a, fine := c.decode(&in); !fine {
		return a
	}
	if !c.me.licensed() {
		return refuse(http.StatusForbidden, "You do not have permission to create issues in this project.")
	}
	errs := map[string]string{}
	proj := c.readProject(in, errs)
	issueType := c.readIssueType(in, errs)
	delete(in.Fields, "project")
	delete(in.Fields, "issuetype")
	if proj == nil {
		return refuseFields(errs)
	}
	d := c.readDraft(in, nil, proj, func(f *field) bool { return !f.noCreate })
	for id, e := range errs {
		d.errs[id] = e
	}
	if d.set[c.t.field("summary")] == nil && d.errs["summary"] == "" {
		d.errs["summary"] = "You must specify a summary of the issue."
	}
	c.t.checkParent(d, issueType)
	if a, bad := d.refusal(); bad {
		proj.last++ // a refused create may burn its number (JRACLOUD-78553)
		return a
	}
	d.set[c.t.field("issuetype")] = issueType
	is := c.t.newIssue(proj, c.me, d.set, false, c.now)
	c.key = is.key
	for key, value := range d.props {
		c.t.setProperty(is, key, value, c.me)
	}
	for _, n := range d.comments {
		c.t.addComment(is, c.me, n)
	}
	b := obj{"id": is.idText(), "key": is.key, "self": c.t.url + "/rest/api/" + view{v2: c.v2}.dialect() + "/issue/" + is.idText()}
	if in.Transition != nil {
		b["transition"] = c.firstTransition(is, in)
	}
	return created(b)
}

func (c *call) readProject(in draftBody, errs map[string]string) *project {
	var r ref
	if unmarshal(in.Fields["project"], &r) {
		if p := c.t.project(r.id()); p != nil {
			return p
		}
		if r.Key != nil {
			if p := c.t.project(*r.Key); p != nil {
				return p
			}
		}
	}
	errs["project"] = "Specify a valid project ID or key"
	return nil
}

func (c *call) readIssueType(in draftBody, errs map[string]string) string {
	var r ref
	if unmarshal(in.Fields["issuetype"], &r) {
		if id, complaint := r.among(c.t.field("issuetype"), c.t.lists.issueTypes); complaint == "" {
			return id
		}
	}
	errs["issuetype"] = "Specify a valid issue type"
	return ""
}

// newIssue makes an issue with the defaults of the project and tells the world.
func (t *Tenant) newIssue(p *project, me *user, set map[*field]any, viaDesk bool, now time.Time) *issue {
	p.last++
	is := &issue{id: t.next("issue"), proj: p, key: p.key + "-" + strconv.Itoa(p.last), vals: map[string]any{}, created: now, updated: now,
		creator: me, viaDesk: viaDesk}
	if t.lists.priorities != nil {
		is.vals["priority"] = t.lists.priorities[len(t.lists.priorities)/2].id
	}
	is.vals["issuetype"] = t.lists.issueTypes[0].id
	is.vals["reporter"] = me.id
	for _, f := range t.lists.fields {
		if v, given := set[f]; given {
			t.store(is, f, v)
		}
	}
	is.vals["status"] = t.lists.statuses[0].id
	t.issues.byID[is.id] = is
	t.issues.byKey[strings.ToUpper(is.key)] = is
	t.issues.order = append(t.issues.order, is.id)
	t.moved(is, now)
	t.index.wrote(t, is)
	t.happened("jira:issue_created", "issue_created", me, is, nil)
	return is
}

func editIssue(c *call) answer {
	is, a, found := c.issue()
	if !found {
		return a
	}
	var in draftBody
	if a, fine := c.decode(&in); !fine {
		return a
	}
	if a, may := c.mayEdit(); !may {
		return a
	}
	d := c.readDraft(in, is, is.proj, func(f *field) bool { return !f.noEdit })
	if a, bad := d.refusal(); bad {
		return a
	}
	if len(is.comments)+len(d.comments) > maxComments {
		return tooManyComments()
	}
	c.write(is, d)
	if c.flag("returnIssue", false) {
		return ok(c.t.issueBean(is, c.me, c.view()))
	}
	return noContent()
}

func assignIssue(c *call) answer {
	is, a, found := c.issue()
	if !found {
		return a
	}
	var in struct {
		AccountID *string `json:"accountId"`
	}
	if a, fine := c.decode(&in); !fine {
		return a
	}
	if a, may := c.mayEdit(); !may {
		return a
	}
	f := c.t.field("assignee")
	d := draft{set: map[*field]any{f: nil}}
	if in.AccountID != nil && *in.AccountID != "-1" {
		v, complaint := setter{t: c.t, me: c.me, proj: is.proj}.user(f, *in.AccountID)
		if complaint != "" {
			return refuseFields(map[string]string{"assignee": complaint})
		}
		d.set[f] = v
	}
	c.write(is, d)
	return noContent()
}

func deleteIssue(c *call) answer {
	is, a, found := c.issue()
	if !found {
		return a
	}
	if !c.me.admin() {
		return refuse(http.StatusForbidden, "You do not have permission to delete issues in this project.")
	}
	if a, may := c.mayDelete(is); !may {
		return a
	}
	c.t.removeIssue(is, c.me)
	return noContent()
}

// removeIssue deletes an issue; what hung on it is told as a consequence.
func (t *Tenant) removeIssue(is *issue, me *user) {
	for _, child := range t.children(is) {
		t.removeIssue(child, me)
	}
	for _, l := range is.links {
		t.unlink(l, me)
	}
	delete(t.issues.byID, is.id)
	for key, at := range t.issues.byKey {
		if at == is {
			delete(t.issues.byKey, key)
		}
	}
	t.issues.order = slices.DeleteFunc(t.issues.order, func(id int64) bool { return id == is.id })
	t.index.gone(t, is.id)
	t.happened("jira:issue_deleted", "issue_deleted", me, is, nil)
	for _, cm := range is.comments {
		t.happened("comment_deleted", "", me, is, func(e *event) { e.Comment, e.Cascade = cm, true })
	}
	for _, w := range is.worklogs {
		t.issues.unlogged = append(t.issues.unlogged, unlogged{w.id, t.now()})
		t.happened("worklog_deleted", "", me, is, func(e *event) { e.Worklog, e.Cascade = w, true })
	}
	for _, at := range is.attachments {
		delete(t.issues.files, at.id)
		delete(t.issues.media, at.media)
		t.happened("attachment_deleted", "", me, is, func(e *event) { e.Attachment, e.Cascade = at, true })
	}
}

// moveTo moves an issue to another project; the old key goes on leading to it.
func (t *Tenant) moveTo(is *issue, p *project, me *user) {
	if is.proj == p {
		return
	}
	old, was := is.key, is.proj
	p.last++
	is.proj = p
	is.key = fmt.Sprintf("%s-%d", p.key, p.last)
	t.issues.byKey[strings.ToUpper(is.key)] = is
	str := func(s string) *string { return &s }
	t.record(is, me, []changeItem{
		{field: "project", fieldID: "project", fieldType: "jira", from: str(was.id), fromString: str(was.name), to: str(p.id), toString: str(p.name)},
		{field: "Key", fieldID: "issuekey", fieldType: "jira", fromString: str(old), toString: str(is.key)},
	}, "issue_moved", t.now())
	for _, child := range t.children(is) {
		t.moveTo(child, p, me)
	}
}
