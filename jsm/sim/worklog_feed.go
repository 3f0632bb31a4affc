package sim

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// unlogged is a work log that is gone.
type unlogged struct {
	id int64
	at time.Time
}

func updatedWorklogs(c *call) answer {
	var all []unlogged
	for _, id := range c.t.issues.order {
		for _, w := range c.t.issues.byID[id].worklogs {
			all = append(all, unlogged{w.id, w.updated})
		}
	}
	return c.worklogFeed("updated", all)
}

func deletedWorklogs(c *call) answer {
	return c.worklogFeed("deleted", slices.Clone(c.t.issues.unlogged))
}

// worklogFeed lists what changed since a moment, oldest first, without the last minute; 1,000 a page.
func (c *call) worklogFeed(what string, all []unlogged) answer {
	since := int64(0)
	if s := c.q.Get("since"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return badNumber("since", s)
		}
		since = n
	}
	until := c.now.Add(-time.Minute).UnixMilli()
	all = slices.DeleteFunc(all, func(w unlogged) bool { return w.at.UnixMilli() < since || w.at.UnixMilli() > until })
	slices.SortStableFunc(all, func(a, b unlogged) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id)) })
	last := len(all) <= 1000
	values := []any{}
	for _, w := range all[:min(1000, len(all))] {
		until = w.at.UnixMilli()
		values = append(values, obj{"worklogId": w.id, "updatedTime": until, "properties": []any{}})
	}
	self := c.t.url + "/rest/api/3/worklog/" + what + "?since="
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
			if slices.Contains(in.IDs, w.id) && c.t.sees(c.me, is) && c.t.seesRestricted(c.me, w.author, w.visibility) {
				out = append(out, c.worklogBean(is, w))
			}
		}
	}
	c.objects = len(out)
	return ok(out)
}
