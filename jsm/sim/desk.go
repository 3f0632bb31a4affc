package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// desk is the one service desk of the tenant: what its customers may ask for and how it is worked.
type desk struct {
	requestTypes []*requestType
	approval     *approvalStep // nil: the workflow has none
	slas         []*slaMetric
	calendar     *calendar // the hours in which the SLAs run
	queues       []*queue
	customers    map[string]bool // accountIds that may raise requests
	temporary    []temporary     // files that wait for their request
	group        string          // id of the one request type group
}

type requestType struct {
	id, name, description string
	issueType             string
	form                  []formField
}

type formField struct {
	f        *field
	required bool
	hidden   bool
	preset   any // stored form; for hidden fields
	presetID []string
}

type approvalStep struct {
	status *status
	field  *field // the approvers
	name   string
	// The step is passed by so many approvals, or by such a share of the approvers.
	need, percent int
	exclude       []string // fields, as assignee, whose person cannot be an approver
}

type queue struct {
	id, name, jql string
	columns       []string
}

func (t *Tenant) growDesk() error {
	d := &t.desk
	d.group = t.nextText("rtgroup")
	d.customers = map[string]bool{}
	for _, u := range t.people.list {
		if u.role == Customer || u.licensed() {
			d.customers[u.id] = true
		}
	}
	for _, s := range t.seed.RequestTypes {
		rt, err := t.growRequestType(s)
		if err != nil {
			return err
		}
		d.requestTypes = append(d.requestTypes, rt)
	}
	if a := t.seed.Approval; a != nil {
		step := &approvalStep{status: t.statusNamed(a.Status), field: t.fieldNamed(a.Field), name: a.Name, need: max(1, a.Need), percent: a.Percent, exclude: a.Exclude}
		if step.status == nil || step.field == nil || step.field.kind != kUsers {
			return fmt.Errorf("%w: the approval step needs a status and a field of type users", ErrSeed)
		}
		d.approval = step
	}
	var err error
	if d.calendar, err = growCalendar(t.seed.Calendar); err != nil {
		return err
	}
	for _, s := range t.seed.SLAs {
		m, err := t.growSLA(s)
		if err != nil {
			return err
		}
		d.slas = append(d.slas, m)
	}
	for _, s := range t.seed.Queues {
		q := &queue{id: t.nextText("queue"), name: s.Name, jql: s.JQL}
		for _, name := range s.Columns {
			if name == "issuekey" {
				q.columns = append(q.columns, name)
			} else if f := t.fieldNamed(name); f != nil {
				q.columns = append(q.columns, f.id)
			} else {
				return fmt.Errorf("%w: queue %q has the unknown column %q", ErrSeed, s.Name, name)
			}
		}
		if err := t.checkJQL(q.jql); err != nil {
			return fmt.Errorf("%w: queue %q: %v", ErrSeed, s.Name, err)
		}
		d.queues = append(d.queues, q)
	}
	return nil
}

func (t *Tenant) growRequestType(s seedRequestType) (*requestType, error) {
	it, known := pick(t.lists.issueTypes, s.IssueType)
	if !known {
		return nil, fmt.Errorf("%w: request type %q has the unknown issue type %q", ErrSeed, s.Name, s.IssueType)
	}
	rt := &requestType{id: t.nextText("requesttype"), name: s.Name, description: s.Description, issueType: it.id}
	for _, ff := range s.Form {
		f := t.fieldNamed(ff.Field)
		if f == nil {
			return nil, fmt.Errorf("%w: request type %q has the unknown field %q", ErrSeed, s.Name, ff.Field)
		}
		out := formField{f: f, required: ff.Required, hidden: ff.Hidden}
		if !isNull(ff.Preset) {
			v, complaint := setter{t: t, proj: t.lists.projects[0], v2: true}.value(f, ff.Preset)
			if complaint != "" {
				return nil, fmt.Errorf("%w: preset of %q in %q: %s", ErrSeed, ff.Field, s.Name, complaint)
			}
			out.preset = v
			switch x := v.(type) {
			case string:
				out.presetID = []string{x}
			case []string:
				out.presetID = x
			}
		}
		rt.form = append(rt.form, out)
	}
	return rt, nil
}

func (t *Tenant) requestType(id string) *requestType {
	for _, rt := range t.desk.requestTypes {
		if rt.id == id {
			return rt
		}
	}
	return nil
}

func (t *Tenant) deskRoutes(r *router) {
	r.add("GET", "/rest/servicedeskapi/info", func(c *call) answer {
		return ok(obj{"_links": obj{"self": c.t.url + "/rest/servicedeskapi/info"}, "version": "5.12.0", "platformVersion": "1001.0.0-SNAPSHOT",
			"buildChangeSet": "simulated", "buildDate": deskDate(c.now.AddDate(0, 0, -14), c.me, c.now), "isLicensedForUse": true})
	}).open = true
	r.add("GET", "/rest/servicedeskapi/servicedesk", func(c *call) answer {
		return deskPage(c, []any{c.t.deskBean(c.t.lists.projects[0])})
	})
	r.add("GET", "/rest/servicedeskapi/servicedesk/{desk}", func(c *call) answer {
		return c.inDesk(func(p *project) answer { return ok(c.t.deskBean(p)) })
	})
	r.add("GET", "/rest/servicedeskapi/requesttype", listRequestTypes)
	r.add("GET", "/rest/servicedeskapi/servicedesk/{desk}/requesttype", func(c *call) answer {
		return c.inDesk(func(*project) answer { return listRequestTypes(c) })
	})
	r.add("GET", "/rest/servicedeskapi/servicedesk/{desk}/requesttype/{type}", func(c *call) answer {
		return c.inRequestType(func(rt *requestType) answer { return ok(c.requestTypeBean(rt)) })
	})
	r.add("GET", "/rest/servicedeskapi/servicedesk/{desk}/requesttype/{type}/field", func(c *call) answer {
		return c.inRequestType(func(rt *requestType) answer { return ok(c.formBean(rt)) })
	})
	r.add("GET", "/rest/servicedeskapi/servicedesk/{desk}/requesttypegroup", func(c *call) answer {
		return c.inDesk(func(*project) answer { return deskPage(c, []any{obj{"id": c.t.desk.group, "name": "General"}}) })
	})
	r.add("GET", "/rest/servicedeskapi/servicedesk/{desk}/queue", listQueues)
	r.add("GET", "/rest/servicedeskapi/servicedesk/{desk}/queue/{queue}", func(c *call) answer {
		return c.inQueue(func(q *queue) answer { return ok(c.queueBean(q)) })
	})
	r.add("GET", "/rest/servicedeskapi/servicedesk/{desk}/queue/{queue}/issue", queueIssues)
	r.add("GET", "/rest/servicedeskapi/knowledgebase/article", listArticles)
	r.add("GET", "/rest/servicedeskapi/servicedesk/{desk}/knowledgebase/article", func(c *call) answer {
		return c.inDesk(func(*project) answer { return listArticles(c) })
	})
}

func (t *Tenant) deskBean(p *project) obj {
	return obj{"id": p.desk, "projectId": p.id, "projectName": p.name, "projectKey": p.key,
		"_links": obj{"self": t.url + "/rest/servicedeskapi/servicedesk/" + p.desk}}
}

// inDesk finds the desk of the path: by its id, or by the project's id or key.
func (c *call) inDesk(run func(p *project) answer) answer {
	p := c.t.lists.projects[0]
	if c.v("desk") != p.desk && c.t.project(c.v("desk")) != p {
		return refuseDesk(http.StatusNotFound, "sd.rest.servicedesk.not.found", "The Service Desk you are trying to view does not exist.")
	}
	return run(p)
}

func (c *call) inRequestType(run func(rt *requestType) answer) answer {
	return c.inDesk(func(*project) answer {
		rt := c.t.requestType(c.v("type"))
		if rt == nil {
			return refuseDesk(http.StatusNotFound, "sd.rest.requesttype.not.found", "The request type you are trying to view does not exist.")
		}
		return run(rt)
	})
}

func (c *call) requestTypeBean(rt *requestType) obj {
	p := c.t.lists.projects[0]
	icons := obj{}
	for _, size := range []string{"48x48", "24x24", "16x16", "32x32"} {
		icons[size] = c.t.url + "/rest/api/2/universal_avatar/view/type/SD_REQTYPE/avatar/10001?size=" + size
	}
	b := obj{"_expands": []string{"field"}, "id": rt.id, "name": rt.name, "description": rt.description, "helpText": "", "issueTypeId": rt.issueType,
		"serviceDeskId": p.desk, "portalId": p.desk, "groupIds": []string{c.t.desk.group},
		"icon":   obj{"id": "10001", "_links": obj{"iconUrls": icons}},
		"_links": obj{"self": c.t.url + "/rest/servicedeskapi/servicedesk/" + p.desk + "/requesttype/" + rt.id}}
	if slices.Contains(c.list("expand"), "field") {
		b["fields"] = c.formBean(rt)
	}
	return b
}

func listRequestTypes(c *call) answer {
	out := []any{}
	query := strings.ToLower(c.q.Get("searchQuery"))
	for _, rt := range c.t.desk.requestTypes {
		if strings.Contains(strings.ToLower(rt.name+" "+rt.description), query) {
			out = append(out, c.requestTypeBean(rt))
		}
	}
	return deskPage(c, out)
}

// formBean is the request type's form. Hidden fields are shown to administrators who ask for them.
func (c *call) formBean(rt *requestType) obj {
	fields := []any{}
	hidden := slices.Contains(c.list("expand"), "hiddenFields") && c.me.admin()
	for _, ff := range rt.form {
		if ff.hidden && !hidden {
			continue
		}
		valid := []any{}
		if ff.f.kind.listed() || ff.f.kind == kCascade {
			valid = c.t.validValues(ff.f)
		}
		fields = append(fields, obj{"fieldId": ff.f.id, "name": ff.f.name, "description": "", "required": ff.required, "visible": !ff.hidden,
			"validValues": valid, "defaultValues": []any{}, "presetValues": nonNil(ff.presetID), "jiraSchema": ff.f.schema()})
	}
	return obj{"requestTypeFields": fields, "canRaiseOnBehalfOf": c.me.licensed(), "canAddRequestParticipants": true}
}

func (t *Tenant) validValues(f *field) []any {
	out := []any{}
	if f.kind == kCascade {
		for _, o := range f.options {
			children := []any{}
			for _, child := range o.children {
				children = append(children, obj{"value": child.id, "label": child.value, "children": []any{}})
			}
			out = append(out, obj{"value": o.id, "label": o.value, "children": children})
		}
		return out
	}
	for _, ch := range t.choices(f, nil) {
		out = append(out, obj{"value": ch.id, "label": ch.name, "children": []any{}})
	}
	return out
}

// requestTypeField is what the request type field of the platform reads as.
func (t *Tenant) requestTypeField(is *issue, id string, me *user) any {
	rt := t.requestType(id)
	if rt == nil {
		return nil
	}
	c := &call{t: t, me: me}
	return obj{"requestType": c.requestTypeBean(rt), "currentStatus": t.deskStatus(is, me), "_links": t.requestLinks(is)}
}

func (t *Tenant) deskStatus(is *issue, me *user) obj {
	s := t.status(is.str("status"))
	return obj{"status": s.name, "statusCategory": strings.ToUpper(s.category), "statusDate": deskDate(is.inStatus, me, t.now())}
}

func listQueues(c *call) answer {
	if !c.me.licensed() {
		return noLicence()
	}
	return c.inDesk(func(*project) answer {
		out := []any{}
		for _, q := range c.t.desk.queues {
			out = append(out, c.queueBean(q))
		}
		return deskPage(c, out)
	})
}

func (c *call) inQueue(run func(q *queue) answer) answer {
	if !c.me.licensed() {
		return noLicence()
	}
	return c.inDesk(func(*project) answer {
		for _, q := range c.t.desk.queues {
			if q.id == c.v("queue") {
				return run(q)
			}
		}
		return refuseDesk(http.StatusNotFound, "sd.rest.queue.not.found", "The queue you are trying to view does not exist.")
	})
}

func (c *call) queueBean(q *queue) obj {
	p := c.t.lists.projects[0]
	b := obj{"id": q.id, "name": q.name, "jql": q.jql, "fields": q.columns, "_links": obj{"self": c.t.url + "/rest/servicedeskapi/servicedesk/" + p.desk + "/queue/" + q.id}}
	if c.flag("includeCount", false) {
		b["issueCount"] = len(c.inQueueNow(q))
	}
	return b
}

// inQueueNow evaluates the queue's JQL, which is what a queue is.
func (c *call) inQueueNow(q *queue) []*issue {
	query, m, messages := c.t.compile(q.jql, c.me)
	if messages != nil {
		return nil
	}
	return c.t.matching(c.me, query, m, nil)
}

func queueIssues(c *call) answer {
	return c.inQueue(func(q *queue) answer {
		out := []any{}
		v := view{me: c.me, fields: q.columns}
		for _, is := range c.inQueueNow(q) {
			out = append(out, c.t.issueBean(is, c.me, v))
		}
		return deskPage(c, out)
	})
}

// articles of the knowledge base; the API links none of them to a ticket.
var articles = [][2]string{
	{"Connect to the company VPN", "Install the client, sign in with your company account and choose the gateway nearest to you."},
	{"Reset a forgotten password", "Open the sign-in page, choose to reset the password and follow the message that you receive."},
	{"Ask for new hardware", "Hardware is ordered by the service desk after your manager has approved the request."},
}

func listArticles(c *call) answer {
	query := strings.ToLower(c.q.Get("query"))
	if query == "" {
		return refuseDesk(http.StatusBadRequest, "sd.rest.kb.query.required", "The query parameter is required.")
	}
	out := []any{}
	for i, a := range articles {
		if strings.Contains(strings.ToLower(a[0]+" "+a[1]), query) {
			out = append(out, obj{"title": a[0], "excerpt": a[1], "source": obj{"type": "confluence"},
				"content": obj{"iframeSrc": fmt.Sprintf("%s/rest/servicedeskapi/knowledgebase/article/view/%d", c.t.url, 98304+i)}})
		}
	}
	return deskPage(c, out)
}
