package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const maxWorklogs = 10000 // per issue on Cloud

func (t *Tenant) worklogRoutes(r *router) {
	r.add("GET", "/rest/api/{v}/issue/{key}/worklog", listWorklogs)
	r.add("POST", "/rest/api/{v}/issue/{key}/worklog", addWorklog).perItem = true
	r.add("GET", "/rest/api/{v}/issue/{key}/worklog/{id}", func(c *call) answer {
		is, w, a, found := c.worklog()
		if !found {
			return a
		}
		return ok(c.worklogBean(is, w))
	})
	r.add("PUT", "/rest/api/{v}/issue/{key}/worklog/{id}", editWorklog).perItem = true
	r.add("DELETE", "/rest/api/{v}/issue/{key}/worklog/{id}", deleteWorklog).perItem = true
	r.add("GET", "/rest/api/{v}/worklog/updated", updatedWorklogs)
	r.add("POST", "/rest/api/{v}/worklog/list", worklogsByID)
}

func (t *Tenant) worklogBean(is *issue, w *worklog, v view) obj {
	b := obj{"id": text(w.id), "issueId": is.idText(), "self": t.url + "/rest/api/" + v.dialect() + "/issue/" + is.idText() + "/worklog/" + text(w.id),
		"author": t.userBean(w.author, v.me), "updateAuthor": t.userBean(w.author, v.me), "created": stampFor(w.created, v.me), "updated": stampFor(w.updated, v.me),
		"started": stampFor(w.started, v.me), "timeSpent": writeEstimate(w.seconds), "timeSpentSeconds": w.seconds}
	if len(w.comment) > 0 {
		b["comment"] = w.comment
		if v.v2 {
			b["comment"] = adfToWiki(w.comment)
		}
	}
	if v.expand["properties"] {
		b["properties"] = propertyList(w.props)
	}
	return b
}

func (c *call) worklogBean(is *issue, w *worklog) obj { return c.t.worklogBean(is, w, c.view()) }

// worklogsOf is fields.worklog: the first 20.
func (t *Tenant) worklogsOf(is *issue, v view) obj {
	list := []any{}
	for _, w := range is.worklogs[:min(20, len(is.worklogs))] {
		list = append(list, t.worklogBean(is, w, v))
	}
	return obj{"startAt": 0, "maxResults": 20, "total": len(is.worklogs), "worklogs": list}
}

func listWorklogs(c *call) answer {
	is, a, found := c.issue()
	if !found {
		return a
	}
	part, head, bad := page(c, is.worklogs, 5000, 5000)
	if bad != nil {
		return *bad
	}
	list := []any{}
	for _, w := range part {
		list = append(list, c.worklogBean(is, w))
	}
	c.objects = len(list)
	head["worklogs"] = list
	return ok(head)
}

type worklogBody struct {
	Comment    json.RawMessage `json:"comment"`
	Started    string          `json:"started"`
	Seconds    int64           `json:"timeSpentSeconds"`
	Spent      string          `json:"timeSpent"`
	Properties []struct {
		Key   string          `json:"key"`
		Value json.RawMessage `json:"value"`
	} `json:"properties"`
}

// readWorklog judges a body into w.
func (c *call) readWorklog(w *worklog, fresh bool) (answer, bool) {
	var in worklogBody
	if a, fine := c.decode(&in); !fine {
		return a, false
	}
	errs := map[string]string{}
	switch {
	case in.Seconds > 0:
		w.seconds = in.Seconds
	case in.Spent != "":
		n, fine := readEstimate(in.Spent)
		if !fine || n == 0 {
			errs["timeLogged"] = "Invalid time duration entered."
		}
		w.seconds = n
	case fresh:
		errs["timeLogged"] = "You must indicate the time spent working."
	}
	if in.Started != "" {
		at, err := time.Parse(jiraTime, in.Started)
		if err != nil {
			return refuse(http.StatusBadRequest, "Worklog must not be null, and 'started' must have the format yyyy-MM-dd'T'HH:mm:ss.SSSZ."), false
		}
		w.started = at.UTC()
	}
	if len(in.Comment) > 0 && !isNull(in.Comment) {
		body, complaint := setter{t: c.t, me: c.me, v2: c.v2}.paragraph(in.Comment)
		if complaint != "" {
			errs["comment"] = complaint
		} else if body != nil {
			w.comment = body.(json.RawMessage)
		}
	}
	for _, p := range in.Properties {
		if complaint := badProperty(p.Key, p.Value); complaint != "" {
			return refuse(http.StatusBadRequest, complaint), false
		}
		w.props = withProps(w.props, map[string]json.RawMessage{p.Key: p.Value})
	}
	if len(errs) > 0 {
		return refuseFields(errs), false
	}
	return answer{}, true
}

func addWorklog(c *call) answer {
	is, a, found := c.issue()
	if !found {
		return a
	}
	if a, may := c.mayEdit(); !may {
		return a
	}
	if len(is.worklogs) >= maxWorklogs {
		return refuse(http.StatusRequestEntityTooLarge, fmt.Sprintf("The issue has reached the limit of %d worklogs.", maxWorklogs))
	}
	w := &worklog{id: c.t.next("worklog"), issue: is.id, author: c.me, started: c.now, created: c.now, updated: c.now}
	if a, fine := c.readWorklog(w, true); !fine {
		return a
	}
	c.t.changeWorklogs(is, c.me, append(slices.Clip(is.worklogs), w), c.q.Get("adjustEstimate") != "leave", w.seconds)
	c.t.happened("worklog_created", "", c.me, is, func(e *event) { e.Worklog = w })
	return created(c.worklogBean(is, w))
}

// changeWorklogs puts a new list of worklogs in place, with the history that follows from it.
func (t *Tenant) changeWorklogs(is *issue, me *user, list []*worklog, adjust bool, spent int64) {
	was, now := seconds(is.worklogs), seconds(list)
	is.worklogs = list
	str := func(n int64) *string {
		if n == 0 {
			return nil
		}
		s := text(n)
		return &s
	}
	items := []changeItem{{field: "timespent", fieldID: "timespent", fieldType: "jira", from: str(was), fromString: str(was), to: str(now), toString: str(now)}}
	if e, has := is.vals["timetracking"].(estimate); has && adjust && e.remaining > 0 {
		left := estimate{e.original, max(0, e.remaining-spent)}
		items = append(items, trackingItems(changeItem{fieldType: "jira"}, e, left)...)
		is.vals["timetracking"] = left
	}
	t.record(is, me, items, "issue_work_logged", t.now())
}

func seconds(list []*worklog) int64 {
	n := int64(0)
	for _, w := range list {
		n += w.seconds
	}
	return n
}

func (c *call) worklog() (*issue, *worklog, answer, bool) {
	is, a, found := c.issue()
	if !found {
		return nil, nil, a, false
	}
	for _, w := range is.worklogs {
		if text(w.id) == c.v("id") {
			return is, w, answer{}, true
		}
	}
	return nil, nil, refuse(http.StatusNotFound, fmt.Sprintf("Cannot find worklog with id: '%s'.", c.v("id"))), false
}

func editWorklog(c *call) answer {
	is, old, a, found := c.worklog()
	if !found {
		return a
	}
	if a, may := c.mayEdit(); !may {
		return a
	}
	w := *old
	w.updated = c.now
	if a, fine := c.readWorklog(&w, false); !fine {
		return a
	}
	list := slices.Clone(is.worklogs)
	list[slices.Index(list, old)] = &w
	c.t.changeWorklogs(is, c.me, list, false, 0)
	c.t.happened("worklog_updated", "", c.me, is, func(e *event) { e.Worklog = &w })
	return ok(c.worklogBean(is, &w))
}

func deleteWorklog(c *call) answer {
	is, w, a, found := c.worklog()
	if !found {
		return a
	}
	if a, may := c.mayEdit(); !may {
		return a
	}
	c.t.changeWorklogs(is, c.me, slices.DeleteFunc(slices.Clone(is.worklogs), func(x *worklog) bool { return x == w }), false, 0)
	c.t.happened("worklog_deleted", "", c.me, is, func(e *event) { e.Worklog = w })
	return noContent()
}

// updatedWorklogs lists what changed since a moment, oldest first, without the last minute.
func updatedWorklogs(c *call) answer {
	since := int64(0)
	if s := c.q.Get("since"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return badNumber("since", s)
		}
		since = n
	}
	until := c.now.Add(-time.Minute).UnixMilli()
	var found []*worklog
	for _, id := range c.t.issues.order {
		for _, w := range c.t.issues.byID[id].worklogs {
			if at := w.updated.UnixMilli(); at >= since && at <= until {
				found = append(found, w)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b *worklog) int { return a.updated.Compare(b.updated) })
	last := len(found) <= 1000
	found = found[:min(1000, len(found))]
	values := []any{}
	for _, w := range found {
		until = w.updated.UnixMilli()
		values = append(values, obj{"worklogId": w.id, "updatedTime": until, "properties": []any{}})
	}
	self := c.t.url + "/rest/api/3/worklog/updated?since="
	b := obj{"values": values, "since": since, "until": until, "self": self + text(since), "lastPage": last}
	if !last {
		b["nextPage"] = self + text(until)
	}
	return ok(b)
}

func worklogsByID(c *call) answer {
	var in struct {
		IDs []int64 `json:"ids"`
	}
	if a, fine := c.decode(&in); !fine {
		return a
	}
	if len(in.IDs) == 0 || len(in.IDs) > 1000 {
		return refuse(http.StatusBadRequest, "The number of worklog IDs must be between 1 and 1000.")
	}
	out := []any{}
	for _, id := range c.t.issues.order {
		is := c.t.issues.byID[id]
		for _, w := range is.worklogs {
			if slices.Contains(in.IDs, w.id) && c.me.browses() {
				out = append(out, c.worklogBean(is, w))
			}
		}
	}
	c.objects = len(out)
	return ok(out)
}
