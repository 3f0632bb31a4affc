package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

func (t *Tenant) requestRoutes(r *router) {
	r.add("POST", "/rest/servicedeskapi/request", createRequest)
	r.add("GET", "/rest/servicedeskapi/request", listRequests)
	r.add("GET", "/rest/servicedeskapi/request/{key}", func(c *call) answer {
		is, a, found := c.request()
		if !found {
			return a
		}
		return ok(c.requestBean(is))
	})
	r.add("GET", "/rest/servicedeskapi/request/{key}/status", requestStatus)
	r.add("GET", "/rest/servicedeskapi/request/{key}/transition", requestTransitions)
	r.add("POST", "/rest/servicedeskapi/request/{key}/transition", doRequestTransition).perItem = true
	r.add("GET", "/rest/servicedeskapi/request/{key}/comment", requestComments)
	r.add("POST", "/rest/servicedeskapi/request/{key}/comment", addRequestComment).perItem = true
	r.add("GET", "/rest/servicedeskapi/request/{key}/comment/{id}", func(c *call) answer {
		is, a, found := c.request()
		if !found {
			return a
		}
		for _, cm := range c.deskComments(is) {
			if text(cm.id) == c.v("id") {
				return ok(c.deskComment(is, cm))
			}
		}
		return refuseDesk(http.StatusNotFound, "sd.rest.comment.not.found", "The comment does not exist or you do not have permission to see it.")
	})
	r.add("GET", "/rest/servicedeskapi/request/{key}/sla", listSLAs)
	r.add("GET", "/rest/servicedeskapi/request/{key}/sla/{sla}", getSLA)
}

// request finds the request of the path, if the caller takes part in it or is an agent. An issue without
// request type is no request.
func (c *call) request() (*issue, answer, bool) {
	is := c.t.find(c.v("key"))
	if is == nil || !c.t.cleared(c.me, is) || is.str(c.t.fieldOfKind(kRequestType).id) == "" || !c.t.takesPart(c.me, is) {
		return nil, requestGone(), false
	}
	c.key, c.at = is.key, is
	c.objects = 1
	return is, answer{}, true
}

// takesPart tells whether the account may see the request: agents, the reporter, participants, approvers,
// and the members of the organizations that it is shared with.
func (t *Tenant) takesPart(me *user, is *issue) bool {
	if me.licensed() || is.str("reporter") == me.id || slices.Contains(is.list(t.fieldOfKind(kParticipants).id), me.id) {
		return true
	}
	for _, a := range is.approvals {
		if slices.ContainsFunc(a.approvers, func(ap approver) bool { return ap.who == me }) {
			return true
		}
	}
	for _, id := range is.list(t.fieldOfKind(kOrgs).id) {
		if o := t.organization(id); o != nil && slices.Contains(o.members, me.id) {
			return true
		}
	}
	return false
}

type requestBody struct {
	ServiceDeskID   string                     `json:"serviceDeskId"`
	RequestTypeID   string                     `json:"requestTypeId"`
	Values          map[string]json.RawMessage `json:"requestFieldValues"`
	RaiseOnBehalfOf string                     `json:"raiseOnBehalfOf"`
	Participants    []string                   `json:"requestParticipants"`
	ADF             bool                       `json:"isAdfRequest"`
	Form            json.RawMessage            `json:"form"`
	Channel         string                     `json:"channel"`
}

func badRequest(key, message string) answer { return refuseDesk(http.StatusBadRequest, key, message) }

func createRequest(c *call) answer {
	var in requestBody
	if a, fine := c.decodeDesk(&in); !fine {
		return a
	}
	p := c.t.lists.projects[0]
	if in.ServiceDeskID != p.desk && c.t.project(in.ServiceDeskID) != p {
		return refuseDesk(http.StatusNotFound, "sd.rest.servicedesk.not.found", "The Service Desk you are trying to view does not exist.")
	}
	rt := c.t.requestType(in.RequestTypeID)
	if rt == nil {
		return badRequest("sd.rest.requesttype.not.found", "The request type does not exist.")
	}
	if !c.t.desk.customers[c.me.id] {
		return refuseDesk(http.StatusForbidden, "sd.rest.create.forbidden", "You do not have permission to create requests in this service desk.")
	}
	d, complaint := c.readForm(rt, in)
	if complaint != "" {
		return badRequest("sd.request.create.error.invalid.fields", complaint)
	}
	reporter := c.me
	if in.RaiseOnBehalfOf != "" {
		if reporter, complaint = c.onBehalf(in.RaiseOnBehalfOf); complaint != "" {
			return badRequest("sd.request.create.error.raise.on.behalf", complaint)
		}
	}
	participants, complaint := c.participants(in.Participants)
	if complaint != "" {
		return badRequest("sd.request.create.error.participants", complaint)
	}
	d[c.t.field("reporter")] = reporter.id
	d[c.t.field("issuetype")] = rt.issueType
	d[c.t.fieldOfKind(kRequestType)] = rt.id
	d[c.t.fieldOfKind(kParticipants)] = listOrNil(participants)
	is := c.t.newIssue(p, c.me, d, true, c.now)
	c.key = is.key
	return created(c.requestBean(is))
}

func (c *call) decodeDesk(dst any) (answer, bool) {
	if a, fine := c.decode(dst); !fine {
		return badRequest("sd.rest.json.invalid", a.body.(obj)["errorMessages"].([]string)[0]), false
	}
	return answer{}, true
}

// readForm judges the values against the form: nothing but its fields, and every required one.
func (c *call) readForm(rt *requestType, in requestBody) (map[*field]any, string) {
	set := map[*field]any{}
	s := setter{t: c.t, me: c.me, proj: c.t.lists.projects[0], v2: !in.ADF}
	for _, id := range sortedKeys(in.Values) {
		i := slices.IndexFunc(rt.form, func(ff formField) bool { return ff.f.id == id })
		if i < 0 || rt.form[i].hidden && rt.form[i].preset == nil {
			return nil, fmt.Sprintf("The field '%s' cannot be set: it is not on the form of the request type '%s'.", id, rt.name)
		}
		v, complaint := s.value(rt.form[i].f, in.Values[id])
		if complaint == "CONTENT_LIMIT_EXCEEDED" {
			complaint = tooLong(maxText)
		}
		if complaint != "" {
			return nil, fmt.Sprintf("Your request could not be created. Please check the fields have been filled in correctly. %s: %s", id, complaint)
		}
		set[rt.form[i].f] = v
	}
	for _, ff := range rt.form {
		v, given := set[ff.f]
		if !given && ff.preset != nil {
			set[ff.f] = ff.preset
			continue
		}
		if v == nil && ff.required && !ff.hidden {
			return nil, fmt.Sprintf("Your request could not be created. Please check the fields have been filled in correctly. %s: %s is required.", ff.f.id, ff.f.name)
		}
	}
	return set, ""
}

// onBehalf finds the customer that an agent raises for. Cloud wants the account id.
func (c *call) onBehalf(id string) (*user, string) {
	if !c.me.licensed() {
		return nil, "You do not have permission to raise a request on behalf of another customer."
	}
	u := c.t.people.byID[id]
	if u == nil || !u.active || !c.t.desk.customers[u.id] {
		return nil, fmt.Sprintf("The user '%s' is not a customer of this service desk.", id)
	}
	return u, ""
}

func (c *call) participants(ids []string) ([]string, string) {
	var out []string
	for _, id := range ids {
		u := c.t.people.byID[id]
		if u == nil || !u.active || !c.t.desk.customers[u.id] {
			return nil, fmt.Sprintf("The user '%s' cannot be a participant of this request.", id)
		}
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out, ""
}

func (t *Tenant) requestLinks(is *issue) obj {
	return obj{"self": t.url + "/rest/servicedeskapi/request/" + is.idText(), "jiraRest": t.url + "/rest/api/2/issue/" + is.idText(),
		"web": t.url + "/servicedesk/customer/portal/" + t.lists.projects[0].desk + "/" + is.key, "agent": t.url + "/browse/" + is.key}
}

// requestBean is a CustomerRequest.
func (c *call) requestBean(is *issue) obj {
	t := c.t
	rtID := is.str(t.fieldOfKind(kRequestType).id)
	b := obj{"_expands": []string{"participant", "status", "sla", "requestType", "serviceDesk", "attachment", "action", "comment"},
		"issueId": is.idText(), "issueKey": is.key, "summary": is.str("summary"), "requestTypeId": rtID, "serviceDeskId": t.lists.projects[0].desk,
		"createdDate": deskDate(is.created, c.me, c.now), "reporter": t.deskUser(t.people.byID[is.str("reporter")], c.me),
		"currentStatus": t.deskStatus(is, c.me), "requestFieldValues": c.formValues(is, rtID), "_links": t.requestLinks(is)}
	for _, e := range c.list("expand") {
		switch e {
		case "requestType":
			if rt := t.requestType(rtID); rt != nil {
				b["requestType"] = c.requestTypeBean(rt)
			}
		case "serviceDesk":
			b["serviceDesk"] = t.deskBean(t.lists.projects[0])
		case "participant":
			b["participants"] = c.whole(c.participantBeans(is))
		case "status":
			b["status"] = c.whole(c.statusHistory(is))
		case "comment":
			list := []any{}
			for _, cm := range c.deskComments(is) {
				list = append(list, c.deskComment(is, cm))
			}
			b["comments"] = c.whole(list)
		case "attachment":
			b["attachments"] = c.whole(c.deskAttachments(is, c.seenAttachments(is)))
		case "sla":
			if c.me.licensed() {
				b["sla"] = c.whole(t.slaBeans(is, c.me))
			}
		case "action":
			may := obj{"allowed": true}
			b["actions"] = obj{"addAttachment": may, "addComment": may, "addParticipant": may, "removeParticipant": may}
		}
	}
	return b
}

// whole wraps a list that is not paged further.
func (c *call) whole(list []any) obj {
	return obj{"_expands": []string{}, "size": len(list), "start": 0, "limit": max(50, len(list)), "isLastPage": true, "_links": obj{"base": c.t.url, "context": "", "self": c.t.url + c.r.URL.Path}, "values": list}
}

func (c *call) formValues(is *issue, rtID string) []any {
	out := []any{}
	rt := c.t.requestType(rtID)
	if rt == nil {
		return out
	}
	for _, ff := range rt.form {
		if ff.hidden {
			continue
		}
		b := obj{"fieldId": ff.f.id, "label": ff.f.name, "value": c.t.render(is, ff.f, view{me: c.me, v2: true})}
		if raw, rich := is.vals[ff.f.id].(json.RawMessage); rich {
			b["renderedValue"] = obj{"html": adfToHTML(raw)}
		}
		out = append(out, b)
	}
	return out
}

// listRequests lists the caller's own side of the desk from the search index, newest first.
func listRequests(c *call) answer {
	ownership := c.list("requestOwnership")
	if len(ownership) == 0 {
		ownership = []string{"OWNED_REQUESTS", "PARTICIPATED_REQUESTS", "ALL_ORGANIZATIONS"}
	}
	term := strings.ToLower(c.q.Get("searchTerm"))
	out := []any{}
	all := c.t.index.view(c.t, nil)
	slices.Reverse(all)
	for _, is := range all {
		rtID := is.str(c.t.fieldOfKind(kRequestType).id)
		s := c.t.status(is.str("status"))
		switch {
		case rtID == "", !c.t.cleared(c.me, is),
			c.q.Get("serviceDeskId") != "" && c.q.Get("serviceDeskId") != is.proj.desk,
			c.q.Get("requestTypeId") != "" && c.q.Get("requestTypeId") != rtID,
			c.q.Get("requestStatus") == "OPEN_REQUESTS" && s.category == "done",
			c.q.Get("requestStatus") == "CLOSED_REQUESTS" && s.category != "done",
			c.q.Get("organizationId") != "" && !slices.Contains(is.list(c.t.fieldOfKind(kOrgs).id), c.q.Get("organizationId")),
			term != "" && !strings.Contains(strings.ToLower(is.str("summary")+" "+is.key+" "+c.descriptionText(is)), term),
			!c.t.awaited(c.me, is, c.q.Get("approvalStatus")),
			!slices.ContainsFunc(ownership, func(o string) bool { return c.owns(is, o) }):
			continue
		}
		out = append(out, c.requestBean(is))
	}
	return deskPage(c, out)
}

func (c *call) descriptionText(is *issue) string {
	raw, _ := is.vals["description"].(json.RawMessage)
	if len(raw) == 0 {
		return ""
	}
	return adfToText(raw)
}

func (c *call) owns(is *issue, ownership string) bool {
	switch ownership {
	case "OWNED_REQUESTS":
		return is.str("reporter") == c.me.id
	case "PARTICIPATED_REQUESTS":
		return slices.Contains(is.list(c.t.fieldOfKind(kParticipants).id), c.me.id)
	case "ORGANIZATION", "ALL_ORGANIZATIONS":
		return slices.ContainsFunc(is.list(c.t.fieldOfKind(kOrgs).id), func(id string) bool {
			o := c.t.organization(id)
			return o != nil && slices.Contains(o.members, c.me.id)
		})
	case "APPROVER":
		return slices.ContainsFunc(is.approvals, func(a *approval) bool {
			return slices.ContainsFunc(a.approvers, func(ap approver) bool { return ap.who == c.me })
		})
	case "ALL_REQUESTS":
		return c.t.takesPart(c.me, is) && !c.me.licensed() || is.str("reporter") == c.me.id
	}
	return false
}

func (c *call) statusHistory(is *issue) []any {
	out := []any{}
	for _, m := range slices.Backward(is.moments) {
		s := c.t.status(m.status)
		out = append(out, obj{"status": s.name, "statusCategory": strings.ToUpper(s.category), "statusDate": deskDate(m.at, c.me, c.now)})
	}
	return out
}

func requestStatus(c *call) answer {
	is, a, found := c.request()
	if !found {
		return a
	}
	return deskPage(c, c.statusHistory(is))
}

func requestTransitions(c *call) answer {
	is, a, found := c.request()
	if !found {
		return a
	}
	out := []any{}
	for _, tr := range c.portalTransitions(is) {
		out = append(out, obj{"id": tr.id, "name": tr.name})
	}
	return deskPage(c, out)
}

// portalTransitions are those that customers see.
func (c *call) portalTransitions(is *issue) []*transition {
	return slices.DeleteFunc(slices.Clone(c.t.lists.transitions), func(tr *transition) bool { return !tr.portal || !tr.open(is, c.me) })
}

func doRequestTransition(c *call) answer {
	is, a, found := c.request()
	if !found {
		return a
	}
	var in struct {
		ID      string `json:"id"`
		Comment *struct {
			Body string `json:"body"`
		} `json:"additionalComment"`
	}
	if a, fine := c.decodeDesk(&in); !fine {
		return a
	}
	for _, tr := range c.portalTransitions(is) {
		if tr.id != in.ID {
			continue
		}
		c.t.fire(is, tr, c.me, nil)
		if in.Comment != nil && in.Comment.Body != "" {
			c.t.addComment(is, c.me, newComment{body: c.t.fromWiki(is, in.Comment.Body), props: audience(true)})
		}
		return noContent()
	}
	return badRequest("sd.rest.transition.invalid", fmt.Sprintf("The transition with ID %s is not available for this request.", in.ID))
}
