package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
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
	r.add("GET", "/rest/api/{v}/worklog/deleted", deletedWorklogs)
	r.add("POST", "/rest/api/{v}/worklog/list", worklogsByID)
}

func (t *Tenant) worklogBean(is *issue, w *worklog, v view) obj {
	b := obj{"id": text(w.id), "issueId": is.idText(), "self": t.url + "/rest/api/" + v.dialect() + "/issue/" + is.idText() + "/worklog/" + text(w.id),
		"author": t.userBean(w.author, v.me), "updateAuthor": t.userBean(w.editor, v.me), "created": stampFor(w.created, v.me), "updated": stampFor(w.updated, v.me),
		"started": stampFor(w.started, v.me), "timeSpent": writeEstimate(w.seconds), "timeSpentSeconds": w.seconds}
	if len(w.comment) > 0 {
		b["comment"] = w.comment
		if v.v2 {
			b["comment"] = t.toWiki(is, w.comment)
		}
	}
	if w.visibility != nil {
		b["visibility"] = w.visibility.bean()
	}
	if v.expand["properties"] {
		b["properties"] = propertyList(w.props)
	}
	return b
}

func (c *call) worklogBean(is *issue, w *worklog) obj { return c.t.worklogBean(is, w, c.view()) }

// worklogsOf is fields.worklog: the first 20.
func (t *Tenant) worklogsOf(is *issue, v view) obj {
	list, seen := []any{}, t.visibleWorklogs(is, v.me)
	for _, w := range seen[:min(20, len(seen))] {
		list = append(list, t.worklogBean(is, w, v))
	}
	return obj{"startAt": 0, "maxResults": 20, "total": len(seen), "worklogs": list}
}

func (t *Tenant) visibleWorklogs(is *issue, me *user) []*worklog {
	return slices.DeleteFunc(slices.Clone(is.worklogs), func(w *worklog) bool { return !t.seesRestricted(me, w.author, w.visibility) })
}

func listWorklogs(c *call) answer {
	is, a, found := c.issue()
	if !found {
		return a
	}
	part, head, bad := page(c, c.t.visibleWorklogs(is, c.me), 5000, 5000)
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
	Visibility *visibilityBody `json:"visibility"`
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
		body, complaint := setter{t: c.t, me: c.me, is: c.at, v2: c.v2}.paragraph(in.Comment)
		if complaint != "" {
			errs["comment"] = complaint
		} else if body != nil {
			w.comment = body.(json.RawMessage)
		}
	}
	if in.Visibility != nil {
		to, complaint := in.Visibility.read()
		if complaint != "" {
			return refuse(http.StatusBadRequest, complaint), false
		}
		w.visibility = to
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
	w := &worklog{id: c.t.next("worklog"), issue: is.id, author: c.me, editor: c.me, started: c.now, created: c.now, updated: c.now}
	if a, fine := c.readWorklog(w, true); !fine {
		return a
	}
	left, a, fine := c.adjusted(is, "reduceBy", -w.seconds)
	if !fine {
		return a
	}
	c.t.changeWorklogs(is, c.me, append(slices.Clip(is.worklogs), w), left)
	c.t.happened("worklog_created", "", c.me, is, func(e *event) { e.Worklog = w })
	return created(c.worklogBean(is, w))
}

// adjusted is the remaining estimate after work was logged, as the parameters say: auto (also where they say
// nothing) moves it by the time, manual by what the parameter called by tells, new sets it, leave keeps it. A
// negative one means that nothing is to be changed.
func (c *call) adjusted(is *issue, by string, moved int64) (int64, answer, bool) {
	e, estimated := is.vals["timetracking"].(estimate)
	param := map[string]string{"new": "newEstimate", "manual": by}[c.q.Get("adjustEstimate")]
	if param == "" {
		if !estimated || e.remaining < 0 || c.q.Get("adjustEstimate") == "leave" {
			return -1, answer{}, true
		}
		return max(0, e.remaining+moved), answer{}, true
	}
	n, fine := readEstimate(c.q.Get(param))
	switch {
	case !fine:
		return 0, refuse(http.StatusBadRequest, "The parameter '"+param+"' must be a duration such as 2d 4h."), false
	case param == "reduceBy":
		n = max(0, e.remaining-n)
	case param == "increaseBy":
		n += max(0, e.remaining)
	}
	return n, answer{}, true
}

// changeWorklogs puts a new list of worklogs in place, with the history that follows from it. A negative
// estimate left stays as it is.
func (t *Tenant) changeWorklogs(is *issue, me *user, list []*worklog, left int64) {
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
	if left >= 0 {
		e, has := is.vals["timetracking"].(estimate)
		if !has {
			e = estimate{-1, -1}
		}
		fresh := estimate{e.original, left}
		items = append(items, trackingItems(changeItem{fieldType: "jira"}, e, fresh)...)
		is.vals["timetracking"] = fresh
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
		if text(w.id) == c.v("id") && c.t.seesRestricted(c.me, w.author, w.visibility) {
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
	w.updated, w.editor = c.now, c.me
	if a, fine := c.readWorklog(&w, false); !fine {
		return a
	}
	list := slices.Clone(is.worklogs)
	list[slices.Index(list, old)] = &w
	left, a, fine := c.adjusted(is, "", old.seconds-w.seconds)
	if !fine {
		return a
	}
	c.t.changeWorklogs(is, c.me, list, left)
	c.t.happened("worklog_updated", "", c.me, is, func(e *event) { e.Worklog = &w })
	c.t.dropOrphans(is, c.me, old.comment)
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
	left, a, fine := c.adjusted(is, "increaseBy", w.seconds)
	if !fine {
		return a
	}
	c.t.changeWorklogs(is, c.me, slices.DeleteFunc(slices.Clone(is.worklogs), func(x *worklog) bool { return x == w }), left)
	c.t.issues.unlogged = append(c.t.issues.unlogged, unlogged{w.id, c.now})
	c.t.happened("worklog_deleted", "", c.me, is, func(e *event) { e.Worklog = w })
	return noContent()
}
