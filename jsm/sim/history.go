package sim

import (
	"net/http"
	"slices"
	"strconv"
)

func (t *Tenant) historyRoutes(r *router) {
	r.add("GET", "/rest/api/{v}/issue/{key}/changelog", func(c *call) answer {
		is, a, found := c.issue()
		if !found {
			return a
		}
		part, head, bad := page(c, is.changes, 100, 100)
		if bad != nil {
			return *bad
		}
		list := make([]any, len(part))
		for i, ch := range part {
			list[i] = c.t.changeBean(ch, c.me)
		}
		c.objects = len(list)
		self := c.t.url + "/rest/api/3/issue/" + is.idText() + "/changelog"
		b := lastPage(head, list, self+"?maxResults="+strconv.Itoa(head["maxResults"].(int))+"&startAt="+strconv.Itoa(head["startAt"].(int)))
		if !b["isLast"].(bool) {
			b["nextPage"] = self + "?maxResults=" + strconv.Itoa(head["maxResults"].(int)) + "&startAt=" + strconv.Itoa(head["startAt"].(int)+len(list))
		}
		return ok(b)
	})
	r.add("POST", "/rest/api/{v}/changelog/bulkfetch", bulkHistory)
}

func bulkHistory(c *call) answer {
	var in struct {
		FieldIDs      []string `json:"fieldIds"`
		IDs           []string `json:"issueIdsOrKeys"`
		MaxResults    int      `json:"maxResults"`
		NextPageToken string   `json:"nextPageToken"`
	}
	if a, fine := c.decode(&in); !fine {
		return a
	}
	if in.MaxResults == 0 {
		in.MaxResults = 1000
	}
	from, fine := readToken(in.NextPageToken, "changelog")
	switch {
	case len(in.IDs) == 0 || len(in.IDs) > 1000:
		return refuse(http.StatusBadRequest, "The number of issue IDs or keys must be between 1 and 1000.")
	case len(in.FieldIDs) > 10:
		return refuse(http.StatusBadRequest, "The maximum number of field IDs is 10.")
	case in.MaxResults < 1 || in.MaxResults > 10000:
		return refuse(http.StatusBadRequest, "The value of maxResults must be between 1 and 10000.")
	case !fine:
		return refuse(http.StatusBadRequest, "Invalid nextPageToken.")
	}
	logs, at, taken := []any{}, 0, 0
	for _, is := range c.visible(in.IDs) {
		var list []any
		for _, ch := range is.changes {
			items := []any{}
			for _, it := range ch.items {
				if len(in.FieldIDs) == 0 || slices.Contains(in.FieldIDs, it.fieldID) {
					items = append(items, it.bean())
				}
			}
			if len(items) == 0 {
				continue
			}
			if at++; at <= from || taken >= in.MaxResults {
				continue
			}
			taken++
			b := c.t.changeBean(ch, c.me)
			b["items"] = items
			list = append(list, b)
		}
		if list != nil {
			logs = append(logs, obj{"issueId": is.idText(), "changeHistories": list})
		}
	}
	c.objects = taken
	b := obj{"issueChangeLogs": logs}
	if from+taken < at {
		b["nextPageToken"] = writeToken(from+taken, "changelog")
	}
	return ok(b)
}

// visible gives the issues that the caller may see, each once, by ascending id.
func (c *call) visible(ids []string) []*issue {
	var out []*issue
	for _, id := range ids {
		if is := c.t.find(id); is != nil && c.t.sees(c.me, is) && !slices.Contains(out, is) {
			out = append(out, is)
		}
	}
	slices.SortFunc(out, func(a, b *issue) int { return int(a.id - b.id) })
	return out
}
