package sim

import (
	"net/http"
	"net/url"
	"strings"
)

// What hangs on a ticket besides its fields: people, work, links, parts.

type ticketMore struct {
	Files        []fileView
	Watching     bool
	Watchers     []string
	Participants []choice
	Candidates   []choice // who could be a participant
	Request      bool
	Works        []workView
	Spent, Left  string
	Links        []linkView
	LinkTypes    []choice
	WebLinks     []linkView
	Parent       *linkView
	Parts        []linkView
	Rating       string
}

type workView struct{ Author, At, Spent, Words string }

type linkView struct{ ID, Words, Key, Summary, Address string }

func (v *visit) more(key string, fields any) ticketMore {
	at := "/rest/api/3/issue/" + url.PathEscape(key)
	m := ticketMore{Files: v.agentFiles(key, fields), Watching: dig(fields, "watches", "isWatching") == true,
		Spent: textAt(fields, "timetracking", "timeSpent"), Left: textAt(fields, "timetracking", "remainingEstimate")}
	_, watchers := v.t.act(v.me, "GET", at+"/watchers", nil)
	for _, u := range listAt(watchers, "watchers") {
		m.Watchers = append(m.Watchers, textAt(u, "displayName"))
	}
	m.Request, m.Participants = v.participants(key)
	if m.Request {
		m.Candidates = v.ask("/rest/api/3/users/search?maxResults=1000", "accountId", "displayName")
	}
	_, works := v.t.act(v.me, "GET", at+"/worklog?maxResults=50", nil)
	for _, w := range listAt(works, "worklogs") {
		row := workView{Author: textAt(w, "author", "displayName"), At: shortTime(textAt(w, "started")), Spent: textAt(w, "timeSpent")}
		if raw, rich := rawDoc(w["comment"]); rich {
			row.Words = adfToText(raw)
		}
		m.Works = append(m.Works, row)
	}
	m.links(v, at, fields)
	return m
}

func (m *ticketMore) links(v *visit, at string, fields any) {
	for _, l := range listAt(fields, "issuelinks") {
		side, words := "outwardIssue", textAt(l, "type", "outward")
		if l[side] == nil {
			side, words = "inwardIssue", textAt(l, "type", "inward")
		}
		m.Links = append(m.Links, linkView{ID: textAt(l, "id"), Words: words, Key: textAt(l, side, "key"), Summary: textAt(l, side, "fields", "summary")})
	}
	_, remote := v.t.act(v.me, "GET", at+"/remotelink", nil)
	for _, r := range listAt(remote, "values") {
		address := textAt(r, "object", "url")
		if lower := strings.ToLower(address); !strings.HasPrefix(lower, "http://") && !strings.HasPrefix(lower, "https://") {
			address = ""
		}
		m.WebLinks = append(m.WebLinks, linkView{ID: textAt(r, "id"), Words: textAt(r, "relationship"), Summary: textAt(r, "object", "title"), Address: address})
	}
	m.LinkTypes = v.linkTypes()
	if key := textAt(fields, "parent", "key"); key != "" {
		m.Parent = &linkView{Key: key, Summary: textAt(fields, "parent", "fields", "summary")}
	}
	for _, p := range listAt(fields, "subtasks") {
		m.Parts = append(m.Parts, linkView{Key: textAt(p, "key"), Words: textAt(p, "fields", "status", "name"), Summary: textAt(p, "fields", "summary")})
	}
	if f := v.t.fieldOfKind(kRating); f != nil {
		m.Rating = stars(dig(fields, f.id, "rating"))
	}
}

// stars draws a rating; "" where there is none.
func stars(rating any) string {
	n := number(textAt(rating))
	if n < 1 || n > 5 {
		return ""
	}
	return strings.Repeat("★", int(n)) + strings.Repeat("☆", int(5-n))
}

func (v *visit) linkTypes() (out []choice) {
	_, types := v.t.act(v.me, "GET", "/rest/api/3/issueLinkType", nil)
	for _, k := range listAt(types, "issueLinkTypes") {
		out = append(out, choice{Value: textAt(k, "name"), Label: textAt(k, "outward")})
	}
	return out
}

// participants tells also whether the ticket is a request at all.
func (v *visit) participants(key string) (bool, []choice) {
	status, answer := v.t.act(v.me, "GET", "/rest/servicedeskapi/request/"+url.PathEscape(key)+"/participant?limit=100", nil)
	var out []choice
	for _, u := range listAt(answer, "values") {
		out = append(out, choice{Value: textAt(u, "accountId"), Label: textAt(u, "displayName")})
	}
	return status == http.StatusOK, out
}

// deed performs one call and goes back to the ticket.
func (v *visit) deed(key, done, method, target string, body any) {
	if status, answer := v.t.act(v.me, method, target, body); status/100 != 2 {
		v.fail(http.StatusUnprocessableEntity, complaint(status, answer))
		return
	}
	v.redirect(v.page(key) + "?done=" + done)
}

func (v *visit) watch(vars map[string]string) {
	at := "/rest/api/3/issue/" + url.PathEscape(vars["key"]) + "/watchers"
	if v.r.PostFormValue("watch") == "no" {
		v.deed(vars["key"], "watch", "DELETE", at+"?accountId="+url.QueryEscape(v.me.id), nil)
		return
	}
	v.deed(vars["key"], "watch", "POST", at, v.me.id)
}

func (v *visit) participant(vars map[string]string) {
	method := "POST"
	if v.r.PostFormValue("deed") == "remove" {
		method = "DELETE"
	}
	v.deed(vars["key"], "people", method, "/rest/servicedeskapi/request/"+url.PathEscape(vars["key"])+"/participant",
		bean{"accountIds": []string{v.r.PostFormValue("account")}})
}

func (v *visit) work(vars map[string]string) {
	v.deed(vars["key"], "work", "POST", "/rest/api/2/issue/"+url.PathEscape(vars["key"])+"/worklog",
		bean{"timeSpent": v.r.PostFormValue("spent"), "comment": v.r.PostFormValue("words")})
}

// linkTo links the ticket to another, or to a page of the web.
func (v *visit) linkTo(vars map[string]string) {
	key := vars["key"]
	if gone := v.r.PostFormValue("remove"); gone != "" {
		v.deed(key, "link", "DELETE", "/rest/api/3/issueLink/"+url.PathEscape(gone), nil)
		return
	}
	to := strings.TrimSpace(v.r.PostFormValue("to"))
	if strings.Contains(to, "://") {
		v.deed(key, "link", "POST", "/rest/api/3/issue/"+url.PathEscape(key)+"/remotelink", bean{"object": bean{"url": to, "title": to}})
		return
	}
	v.deed(key, "link", "POST", "/rest/api/3/issueLink", bean{"type": bean{"name": v.r.PostFormValue("type")}, "inwardIssue": bean{"key": key}, "outwardIssue": bean{"key": to}})
}

// rate takes the customer's stars.
func (v *visit) rate(vars map[string]string) {
	v.deed(vars["key"], "rated", "POST", "/rest/servicedeskapi/request/"+url.PathEscape(vars["key"])+"/feedback",
		bean{"type": "csat", "rating": number(v.r.PostFormValue("stars")), "comment": bean{"body": v.r.PostFormValue("words")}})
}

// feedback is what the page offers: the stars that were given, or whether this person may give some now.
func (v *visit) feedback(key string, rq bean) (given string, may bool) {
	_, answer := v.t.act(v.me, "GET", "/rest/servicedeskapi/request/"+url.PathEscape(key)+"/feedback", nil)
	given = stars(answer["rating"])
	return given, given == "" && textAt(rq, "currentStatus", "statusCategory") == "DONE" && textAt(rq, "reporter", "accountId") == v.me.id
}
