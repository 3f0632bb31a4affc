package sim

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The desk's side: queues, and a ticket with everything that its people do to it.

type queuePage struct {
	shell
	Queues  []queueRow
	Name    string
	Tickets []ticketRow
	More    bool
}

type queueRow struct {
	ID, Name, Count string
	On              bool
}

type ticketRow struct {
	Key, Summary, RequestType   string
	Status, Category, Priority  string
	Assignee, Reporter, Updated string
}

const queueRows = 100

// queue shows one of the desk's queues, or all of the project's tickets.
func (v *visit) queue(map[string]string) {
	if v.me == nil {
		v.redirect("/portal")
		return
	}
	page := queuePage{shell: v.shell("Queues"), Name: "All tickets"}
	page.Refresh = listRefresh
	jql := "project = " + v.t.Project() + " ORDER BY updated DESC"
	chosen := v.r.URL.Query().Get("queue")
	_, desk := v.t.act(v.me, "GET", "/rest/servicedeskapi/servicedesk/"+v.desk()+"/queue?includeCount=true&limit=50", nil)
	for _, q := range listAt(desk, "values") {
		row := queueRow{ID: textAt(q, "id"), Name: textAt(q, "name"), Count: textAt(q, "issueCount"), On: textAt(q, "id") == chosen}
		if row.On {
			page.Name, jql = row.Name, textAt(q, "jql")
		}
		page.Queues = append(page.Queues, row)
	}
	fields := []string{"summary", "status", "priority", "assignee", "reporter", "updated"}
	rt := v.requestTypeField()
	if rt != "" {
		fields = append(fields, rt)
	}
	status, found := v.t.act(v.me, "POST", "/rest/api/3/search/jql", bean{"jql": jql, "maxResults": queueRows, "fields": fields})
	if status != http.StatusOK {
		page.Error = complaint(status, found)
	}
	for _, is := range listAt(found, "issues") {
		page.Tickets = append(page.Tickets, v.ticketRow(is, rt))
	}
	page.More = textAt(found, "nextPageToken") != ""
	v.show(http.StatusOK, "queue.html", page)
}

func (v *visit) ticketRow(is bean, rt string) ticketRow {
	f := dig(is, "fields")
	return ticketRow{Key: textAt(is, "key"), Summary: textAt(f, "summary"), RequestType: textAt(f, rt, "requestType", "name"),
		Status: textAt(f, "status", "name"), Category: textAt(f, "status", "statusCategory", "key"), Priority: textAt(f, "priority", "name"),
		Assignee: textAt(f, "assignee", "displayName"), Reporter: textAt(f, "reporter", "displayName"), Updated: shortTime(textAt(f, "updated"))}
}

// desk is the service desk's id.
func (v *visit) desk() string {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	if p := v.t.project(v.t.seed.Project); p != nil {
		return p.desk
	}
	return ""
}

func (v *visit) requestTypeField() string {
	if f := v.t.fieldOfKind(kRequestType); f != nil {
		return f.id
	}
	return ""
}

func shortTime(jira string) string {
	at, ok := readDateTime(jira)
	if !ok {
		return jira
	}
	return at.Format("2 Jan 15:04")
}

type ticketPage struct {
	shell
	ticketMore
	Key, Status, Category, RequestType string
	Reporter, Created, Updated         string
	Summary                            string
	Body                               template.HTML
	Moves                              []move
	Controls                           []*control
	Comments                           []commentView
	History                            []historyView
	Approvals                          []approvalView
	SLAs                               []slaView
	Typed                              string // a comment that could not be added
}

type slaView struct {
	Name, State, Due string
	Breached, Paused bool
}

type move struct {
	ID, Name, To string
	Fields       []*control
}

type commentView struct {
	Author, AuthorID, At string
	Public               bool
	Body                 template.HTML
}

type historyView struct {
	Author, At string
	Items      []string
}

type approvalView struct {
	ID, Name, Decision string
	Mine               bool
	Approvers          []string
}

func (v *visit) ticket(vars map[string]string) { v.showTicket(vars["key"], http.StatusOK, "", "") }

// showTicket shows a ticket, after a form that did not go through with what was wrong.
func (v *visit) showTicket(key string, status int, wrong, typed string) {
	path := "/rest/api/3/issue/" + url.PathEscape(key)
	code, is := v.t.act(v.me, "GET", path+"?expand=changelog", nil)
	if code != http.StatusOK {
		v.fail(code, complaint(code, is))
		return
	}
	f := dig(is, "fields")
	page := ticketPage{shell: v.shell(textAt(is, "key") + " " + textAt(f, "summary")), Key: textAt(is, "key"), Summary: textAt(f, "summary"),
		Status: textAt(f, "status", "name"), Category: textAt(f, "status", "statusCategory", "key"),
		RequestType: textAt(f, v.requestTypeField(), "requestType", "name"), Reporter: textAt(f, "reporter", "displayName"),
		Created: shortTime(textAt(f, "created")), Updated: shortTime(textAt(f, "updated")), Body: v.body(key, dig(f, "description")), Typed: typed}
	page.Error = wrong
	page.Here = "/browse/" + page.Key
	page.Moves = v.moves(path)
	page.Controls = v.editControls(path, f)
	page.Comments = v.comments(key, path)
	page.History = history(is)
	page.Approvals = v.approvals(key)
	page.SLAs = v.slas(key)
	page.ticketMore = v.more(key, f)
	v.show(status, "ticket.html", page)
}

// slas tells how the promises about time stand: of the running cycle, else of the last one.
func (v *visit) slas(key string) (out []slaView) {
	_, answer := v.t.act(v.me, "GET", "/rest/servicedeskapi/request/"+url.PathEscape(key)+"/sla", nil)
	for _, s := range listAt(answer, "values") {
		row := slaView{Name: textAt(s, "name")}
		if running, ok := s["ongoingCycle"].(bean); ok {
			row.State, row.Breached = textAt(running, "remainingTime", "friendly")+" left", running["breached"] == true
			row.Due = "goal " + textAt(running, "goalDuration", "friendly") + ", due " + textAt(running, "breachTime", "friendly")
			if running["paused"] == true {
				row.State, row.Paused = row.State+", paused", true
			}
		} else if done := listAt(s, "completedCycles"); len(done) > 0 {
			last := done[len(done)-1]
			row.State, row.Breached = "met", last["breached"] == true
			if row.Breached {
				row.State = "missed"
			}
		}
		if row.State != "" {
			out = append(out, row)
		}
	}
	return out
}

func (v *visit) comments(key, path string) (out []commentView) {
	for start := 0; start < 1000; start += 100 {
		_, page := v.t.act(v.me, "GET", path+"/comment?maxResults=100&startAt="+strconv.Itoa(start), nil)
		part := listAt(page, "comments")
		for _, c := range part {
			out = append(out, commentView{Author: textAt(c, "author", "displayName"), AuthorID: textAt(c, "author", "accountId"),
				At: shortTime(textAt(c, "created")), Public: dig(c, "jsdPublic") == true, Body: v.body(key, dig(c, "body"))})
		}
		if len(part) < 100 {
			break
		}
	}
	return out
}

func (v *visit) moves(path string) (out []move) {
	_, answer := v.t.act(v.me, "GET", path+"/transitions?expand=transitions.fields", nil)
	for _, tr := range listAt(answer, "transitions") {
		m := move{ID: textAt(tr, "id"), Name: textAt(tr, "name"), To: textAt(tr, "to", "name")}
		fields, _ := dig(tr, "fields").(bean)
		for _, id := range fieldIDs(fields) {
			meta := fields[id]
			if schema, ok := dig(meta, "schema").(bean); ok {
				if c := v.newControl(id, textAt(meta, "name"), schema, listAt(meta, "allowedValues")); c != nil && c.Kind != "area" {
					c.Required = textAt(meta, "required") == "true"
					m.Fields = append(m.Fields, c)
				}
			}
		}
		out = append(out, m)
	}
	return out
}

func fieldIDs(b bean) []string {
	keys := make([]string, 0, len(b))
	for k := range b {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// firstFields are those that a ticket shows before the others, in this order; an empty one of the others waits aside.
var firstFields = []string{"summary", "priority", "assignee", "labels", "components", "duedate", "description"}

// editControls offers what the edit screen has and a form can say.
func (v *visit) editControls(path string, values any) []*control {
	_, meta := v.t.act(v.me, "GET", path+"/editmeta", nil)
	fields, _ := meta["fields"].(bean)
	var out []*control
	for _, id := range fieldIDs(fields) {
		schema, ok := dig(fields[id], "schema").(bean)
		if !ok || id == "issuetype" || id == "project" || id == "versions" {
			continue
		}
		c := v.newControl(id, textAt(fields[id], "name"), schema, listAt(fields[id], "allowedValues"))
		if c == nil {
			continue
		}
		c.fill(dig(values, id))
		c.Aside = id == "description" || id == "reporter" || c.Value == "" && !slices.Contains(firstFields, id)
		out = append(out, c)
	}
	place := func(c *control) int {
		if i := slices.Index(firstFields, c.ID); i >= 0 {
			return i
		}
		return len(firstFields)
	}
	slices.SortStableFunc(out, func(a, b *control) int { return place(a) - place(b) })
	return out
}

// history shows who changed what, newest first.
func history(is bean) (out []historyView) {
	for _, h := range listAt(is, "changelog", "histories") {
		row := historyView{Author: textAt(h, "author", "displayName"), At: shortTime(textAt(h, "created"))}
		for _, item := range listAt(h, "items") {
			row.Items = append(row.Items, textAt(item, "field")+": "+clip(textAt(item, "fromString"))+" → "+clip(textAt(item, "toString")))
		}
		out = append(out, row)
	}
	return out
}

func clip(s string) string {
	if s == "" {
		return "none"
	}
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return strings.ReplaceAll(s, "\n", " ")
}

func (v *visit) approvals(key string) (out []approvalView) {
	_, answer := v.t.act(v.me, "GET", "/rest/servicedeskapi/request/"+url.PathEscape(key)+"/approval", nil)
	for _, a := range listAt(answer, "values") {
		row := approvalView{ID: textAt(a, "id"), Name: textAt(a, "name"), Decision: textAt(a, "finalDecision"), Mine: dig(a, "canAnswerApproval") == true}
		for _, p := range listAt(a, "approvers") {
			row.Approvers = append(row.Approvers, textAt(p, "approver", "displayName")+" ("+textAt(p, "approverDecision")+")")
		}
		out = append(out, row)
	}
	return out
}

// comment adds a comment: to the customer, or among the desk's people.
func (v *visit) comment(vars map[string]string) {
	typed := v.r.PostFormValue("comment")
	if strings.TrimSpace(typed) == "" {
		v.showTicket(vars["key"], http.StatusUnprocessableEntity, "Write something first.", "")
		return
	}
	body := bean{"body": typed}
	// Internal unless the person said public: a slip must not publish a note.
	if v.r.PostFormValue("audience") != "public" {
		body["properties"] = []bean{{"key": publicProperty, "value": bean{"internal": true}}}
	}
	status, answer := v.t.act(v.me, "POST", "/rest/api/2/issue/"+url.PathEscape(vars["key"])+"/comment", body)
	if status != http.StatusCreated {
		v.showTicket(vars["key"], http.StatusUnprocessableEntity, complaint(status, answer), typed)
		return
	}
	v.redirect("/browse/" + url.PathEscape(vars["key"]) + "?done=comment")
}

// fields saves what the person changed, and nothing that changed meanwhile.
func (v *visit) fields(vars map[string]string) {
	path := "/rest/api/3/issue/" + url.PathEscape(vars["key"])
	set := bean{}
	for _, c := range v.editControls(path, nil) {
		was, shown := v.r.PostForm["was."+c.ID]
		if !shown {
			continue
		}
		if now := c.posted(v.r.PostForm); now != strings.ReplaceAll(was[0], "\r\n", "\n") {
			set[c.ID] = c.write(now)
		}
	}
	if len(set) == 0 {
		v.redirect("/browse/" + url.PathEscape(vars["key"]) + "?done=same")
		return
	}
	if status, answer := v.t.act(v.me, "PUT", path, bean{"fields": set}); status/100 != 2 {
		v.showTicket(vars["key"], http.StatusUnprocessableEntity, complaint(status, answer), "")
		return
	}
	v.redirect("/browse/" + url.PathEscape(vars["key"]) + "?done=fields")
}

func (v *visit) transition(vars map[string]string) {
	path := "/rest/api/3/issue/" + url.PathEscape(vars["key"])
	id := v.r.PostFormValue("transition")
	body := bean{"transition": bean{"id": id}}
	for _, m := range v.moves(path) {
		if m.ID != id {
			continue
		}
		set := bean{}
		for _, c := range m.Fields {
			if value := c.posted(v.r.PostForm); value != "" {
				set[c.ID] = c.write(value)
			}
		}
		if len(set) > 0 {
			body["fields"] = set
		}
	}
	if status, answer := v.t.act(v.me, "POST", path+"/transitions", body); status/100 != 2 {
		v.showTicket(vars["key"], http.StatusUnprocessableEntity, complaint(status, answer), "")
		return
	}
	v.redirect("/browse/" + url.PathEscape(vars["key"]) + "?done=transition")
}

// approval records an approver's answer, on either side.
func (v *visit) approval(vars map[string]string) {
	key := url.PathEscape(vars["key"])
	status, answer := v.t.act(v.me, "POST", "/rest/servicedeskapi/request/"+key+"/approval/"+url.PathEscape(v.r.PostFormValue("approval")),
		bean{"decision": v.r.PostFormValue("decision")})
	page := "/browse/" + key
	if v.side == "portal" {
		page = "/portal/" + key
	}
	if status != http.StatusOK {
		v.fail(http.StatusUnprocessableEntity, complaint(status, answer))
		return
	}
	v.redirect(page + "?done=approval")
}
