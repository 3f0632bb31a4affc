package sim

import (
	"net/http"
	"slices"
	"strconv"
)

// The three error shapes: the platform's errorMessages and errors,
// servicedeskapi's errorMessage with i18nErrorMessage, and the gateway's code and message.

// refuse answers with messages in the platform's shape.
func refuse(status int, messages ...string) answer {
	return answer{status: status, body: obj{"errorMessages": messages, "errors": obj{}}}
}

// refuseFields answers 400 with one message per field.
func refuseFields(errs map[string]string) answer {
	m := obj{}
	for k, v := range errs {
		m[k] = v
	}
	return answer{status: http.StatusBadRequest, body: obj{"errorMessages": []string{}, "errors": m}}
}

// refuseDesk answers in servicedeskapi's shape.
func refuseDesk(status int, key, message string) answer {
	return answer{status: status, body: obj{
		"errorMessage":     message,
		"i18nErrorMessage": obj{"i18nKey": key, "parameters": []string{}},
	}}
}

// noLicence is what servicedeskapi's agent operations give an unlicensed account: 403 and an empty body.
func noLicence() answer { return answer{status: http.StatusForbidden} }

const noSuchIssue = "Issue does not exist or you do not have permission to see it."

func issueGone() answer { return refuse(http.StatusNotFound, noSuchIssue) }

func requestGone() answer {
	return refuseDesk(http.StatusNotFound, "sd.customerview.error.issue.not.found",
		"Issue does not exist or you do not have permission to see it.")
}

func unauthorized() answer {
	a := answer{status: http.StatusUnauthorized, raw: []byte("Client must be authenticated to access this resource.")}
	return a.with("Content-Type", "text/plain;charset=UTF-8").with("WWW-Authenticate", `OAuth realm="https%3A%2F%2Fsim"`)
}

func notFound() answer {
	return answer{status: http.StatusNotFound, body: obj{"message": "null for uri: unknown", "status-code": 404}}
}

// badNumber is Jira's answer to a startAt or maxResults that is no number.
func badNumber(name, value string) answer {
	return refuse(http.StatusBadRequest, "The value '"+value+"' for parameter '"+name+"' is not a valid number.")
}

// page cuts a list as the platform's startAt pages do, and gives its head.
func page[T any](c *call, all []T, normal, most int) (part []T, head obj, bad *answer) {
	start, ok1 := c.number("startAt", 0)
	if !ok1 {
		a := badNumber("startAt", c.q.Get("startAt"))
		return nil, nil, &a
	}
	limit, ok2 := c.number("maxResults", normal)
	if !ok2 {
		a := badNumber("maxResults", c.q.Get("maxResults"))
		return nil, nil, &a
	}
	limit = min(limit, most)
	part = all[min(start, len(all)):min(start+limit, len(all))]
	head = obj{"startAt": start, "maxResults": limit, "total": len(all)}
	return slices.Clip(part), head, nil
}

// lastPage adds what paged beans carry beyond the head: isLast, self and the list under "values".
func lastPage[T any](head obj, part []T, self string) obj {
	if part == nil {
		part = []T{}
	}
	head["isLast"] = head["startAt"].(int)+len(part) >= head["total"].(int)
	head["values"] = part
	if self != "" {
		head["self"] = self
	}
	return head
}

// deskPage cuts a list as servicedeskapi does: start, limit, size, isLastPage, _links.
func deskPage[T any](c *call, all []T) answer {
	start, ok1 := c.number("start", 0)
	limit, ok2 := c.number("limit", 50)
	if !ok1 || !ok2 || limit == 0 {
		return refuseDesk(http.StatusBadRequest, "sd.rest.paging.invalid", "The paging parameters start and limit must be whole numbers, and limit positive.")
	}
	limit = min(limit, 100)
	from, to := min(start, len(all)), min(start+limit, len(all))
	part := all[from:to]
	if part == nil {
		part = []T{}
	}
	self := c.t.url + c.r.URL.Path
	last := to >= len(all)
	links := obj{"base": c.t.url, "context": "", "self": self}
	if c.r.URL.RawQuery != "" {
		links["self"] = self + "?" + c.r.URL.RawQuery
	}
	link := func(at int) string {
		q := c.r.URL.Query()
		q.Set("start", strconv.Itoa(at))
		q.Set("limit", strconv.Itoa(limit))
		return self + "?" + q.Encode()
	}
	if !last {
		links["next"] = link(start + limit)
	}
	if start > 0 {
		links["prev"] = link(max(0, start-limit))
	}
	return ok(obj{"_expands": []string{}, "size": len(part), "start": start, "limit": limit,
		"isLastPage": last, "_links": links, "values": part})
}
