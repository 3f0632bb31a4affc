package sim

import (
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The customers' side: raise a request, follow it, answer. It asks servicedeskapi only, as the portal does,
// and so sees public comments and the request's own fields and nothing else.

type portalPage struct {
	shell
	Types    []requestTypeView
	Requests []requestRow
	Asked    []requestRow // what waits for the person's approval
}

type requestTypeView struct{ ID, Name, Description string }

type requestRow struct{ Key, Summary, Type, Status, Category, Created string }

func (v *visit) portal(map[string]string) {
	page := portalPage{shell: v.shell("Help center")}
	page.Refresh = listRefresh
	status, types := v.t.act(v.me, "GET", "/rest/servicedeskapi/servicedesk/"+v.desk()+"/requesttype?limit=100", nil)
	if status != http.StatusOK {
		page.Error = complaint(status, types)
	}
	names := map[string]string{}
	for _, rt := range listAt(types, "values") {
		page.Types = append(page.Types, requestTypeView{textAt(rt, "id"), textAt(rt, "name"), textAt(rt, "description")})
		names[textAt(rt, "id")] = textAt(rt, "name")
	}
	page.Requests = v.requests("", names)
	page.Asked = v.requests("&requestOwnership=APPROVER&approvalStatus=MY_PENDING_APPROVAL", names)
	v.show(http.StatusOK, "portal.html", page)
}

// requests lists requests by further parameters of the list.
func (v *visit) requests(more string, types map[string]string) (out []requestRow) {
	_, found := v.t.act(v.me, "GET", "/rest/servicedeskapi/request?requestStatus=ALL_REQUESTS&limit=100&serviceDeskId="+v.desk()+more, nil)
	for _, rq := range listAt(found, "values") {
		out = append(out, requestRow{Key: textAt(rq, "issueKey"), Summary: requestSummary(rq), Type: types[textAt(rq, "requestTypeId")],
			Status: textAt(rq, "currentStatus", "status"), Category: strings.ToLower(textAt(rq, "currentStatus", "statusCategory")),
			Created: textAt(rq, "createdDate", "friendly")})
	}
	return out
}

func requestSummary(rq bean) string {
	for _, f := range listAt(rq, "requestFieldValues") {
		if textAt(f, "fieldId") == "summary" {
			return textAt(f, "value")
		}
	}
	return textAt(rq, "summary")
}

type raisePage struct {
	shell
	Type     requestTypeView
	Controls []*control
}

func (v *visit) raiseForm(vars map[string]string) { v.showRaise(vars["type"], http.StatusOK, "") }

func (v *visit) showRaise(id string, status int, wrong string) {
	code, rt := v.t.act(v.me, "GET", v.typePath(id), nil)
	if code != http.StatusOK {
		v.fail(code, complaint(code, rt))
		return
	}
	page := raisePage{shell: v.shell(textAt(rt, "name")), Type: requestTypeView{textAt(rt, "id"), textAt(rt, "name"), textAt(rt, "description")}}
	page.Error = wrong
	page.Controls = v.formControls(id)
	for _, c := range page.Controls {
		if value := c.posted(v.r.PostForm); value != "" {
			c.Value = value
			for i := range c.Choices {
				c.Choices[i].On = strings.Contains("\n"+value+"\n", "\n"+c.Choices[i].Value+"\n")
			}
		}
	}
	v.show(status, "raise.html", page)
}

func (v *visit) typePath(id string) string {
	return "/rest/servicedeskapi/servicedesk/" + v.desk() + "/requesttype/" + url.PathEscape(id)
}

// formControls are the fields of a request type's form.
func (v *visit) formControls(id string) (out []*control) {
	_, form := v.t.act(v.me, "GET", v.typePath(id)+"/field", nil)
	for _, f := range listAt(form, "requestTypeFields") {
		schema, ok := f["jiraSchema"].(bean)
		if !ok || f["visible"] == false {
			continue
		}
		if c := v.newControl(textAt(f, "fieldId"), textAt(f, "name"), schema, listAt(f, "validValues")); c != nil {
			c.Required, c.Hint = f["required"] == true, textAt(f, "description")
			out = append(out, c)
		}
	}
	return out
}

func (v *visit) raise(vars map[string]string) {
	values := bean{}
	for _, c := range v.formControls(vars["type"]) {
		if value := c.posted(v.r.PostForm); value != "" {
			values[c.ID] = c.write(value)
		}
	}
	status, answer := v.t.act(v.me, "POST", "/rest/servicedeskapi/request", bean{"serviceDeskId": v.desk(), "requestTypeId": vars["type"],
		"requestFieldValues": values, "isAdfRequest": true})
	if status != http.StatusCreated {
		v.showRaise(vars["type"], http.StatusUnprocessableEntity, complaint(status, answer))
		return
	}
	v.redirect("/portal/" + url.PathEscape(textAt(answer, "issueKey")) + "?done=raised")
}

type requestPage struct {
	shell
	Key, Summary, Status, Category string
	Reporter, Created              string
	Fields                         []requestField
	Comments                       []commentView
	Approvals                      []approvalView
	Files                          []fileView
	Request                        bool
	Participants, Candidates       []choice
	Rating                         string // stars that were given
	MayRate                        bool
	Typed                          string
}

type requestField struct {
	Label string
	Body  template.HTML
	Text  string
}

func (v *visit) request(vars map[string]string) { v.showRequest(vars["key"], http.StatusOK, "", "") }

func (v *visit) showRequest(key string, status int, wrong, typed string) {
	path := "/rest/servicedeskapi/request/" + url.PathEscape(key)
	code, rq := v.t.act(v.me, "GET", path, nil)
	if code != http.StatusOK {
		v.fail(code, complaint(code, rq))
		return
	}
	page := requestPage{shell: v.shell(requestSummary(rq)), Key: textAt(rq, "issueKey"), Summary: requestSummary(rq), Typed: typed,
		Status: textAt(rq, "currentStatus", "status"), Category: strings.ToLower(textAt(rq, "currentStatus", "statusCategory")),
		Reporter: textAt(rq, "reporter", "displayName"), Created: textAt(rq, "createdDate", "friendly")}
	page.Error = wrong
	page.Here = "/portal/" + page.Key
	for _, f := range listAt(rq, "requestFieldValues") {
		if textAt(f, "fieldId") == "summary" || f["value"] == nil {
			continue
		}
		field := requestField{Label: textAt(f, "label"), Text: plainValue(f["value"])}
		if textAt(f, "renderedValue", "html") != "" {
			field.Body = v.body(key, wikiDoc(field.Text))
		}
		if field.Text != "" {
			page.Fields = append(page.Fields, field)
		}
	}
	page.Comments = v.publicComments(key, path)
	page.Files = v.portalFiles(key)
	page.Request, page.Participants = v.participants(key)
	page.Candidates = v.colleagues()
	page.Rating, page.MayRate = v.feedback(key, rq)
	page.Approvals = v.approvals(key)
	v.show(status, "request.html", page)
}

// publicComments asks for what is public, also where an agent looks at the portal.
func (v *visit) publicComments(key, path string) (out []commentView) {
	for start := 0; start < 1000; start += 50 {
		_, page := v.t.act(v.me, "GET", path+"/comment?public=true&internal=false&limit=50&start="+strconv.Itoa(start), nil)
		for _, c := range listAt(page, "values") {
			if c["public"] == true {
				out = append(out, commentView{Author: textAt(c, "author", "displayName"), AuthorID: textAt(c, "author", "accountId"), Public: true,
					At: textAt(c, "created", "friendly"), Body: v.body(key, wikiDoc(textAt(c, "body")))})
			}
		}
		if page["isLastPage"] != false {
			break
		}
	}
	return out
}

// colleagues are whom a customer may share a request with: the members of the customer's organizations.
func (v *visit) colleagues() (out []choice) {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	for _, u := range v.t.people.list {
		if u != v.me && u.active && v.t.desk.customers[u.id] && v.t.together(v.me, u) {
			out = append(out, choice{Value: u.id, Label: u.name})
		}
	}
	return out
}

// together tells whether two people belong to one organization.
func (t *Tenant) together(a, b *user) bool {
	return slices.ContainsFunc(t.lists.orgs, func(o *organization) bool {
		return slices.Contains(o.members, a.id) && slices.Contains(o.members, b.id)
	})
}

func (v *visit) reply(vars map[string]string) {
	typed := v.r.PostFormValue("comment")
	if strings.TrimSpace(typed) == "" {
		v.showRequest(vars["key"], http.StatusUnprocessableEntity, "Write something first.", "")
		return
	}
	status, answer := v.t.act(v.me, "POST", "/rest/servicedeskapi/request/"+url.PathEscape(vars["key"])+"/comment", bean{"body": typed, "public": true})
	if status != http.StatusCreated {
		v.showRequest(vars["key"], http.StatusUnprocessableEntity, complaint(status, answer), typed)
		return
	}
	v.redirect("/portal/" + url.PathEscape(vars["key"]) + "?done=reply")
}

// plainValue shows a field's value in words.
func plainValue(value any) string {
	if items, ok := value.([]any); ok {
		var words []string
		for _, item := range items {
			words = append(words, plainValue(item))
		}
		return strings.Join(words, ", ")
	}
	if s := textAt(value); s != "" {
		return s
	}
	name := orElse(textAt(value, "displayName"), orElse(textAt(value, "value"), textAt(value, "name")))
	if child := textAt(value, "child", "value"); child != "" {
		name += " › " + child
	}
	return name
}

// rawDoc gives a value as a document, where it is one.
func rawDoc(value any) (json.RawMessage, bool) {
	if textAt(value, "type") != "doc" {
		return nil, false
	}
	raw, err := json.Marshal(value)
	return raw, err == nil
}

func wikiDoc(s string) any {
	var doc any
	if json.Unmarshal(wikiToADF(s), &doc) != nil {
		return nil
	}
	return doc
}
