package sim

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
)

// Answers that no healthy Jira gives: what stands in between, or a site in trouble, answers instead.
var impostors = map[string]string{
	"portal":      "answer 200 with a login page, as a captive portal does; nothing is applied",
	"maintenance": "answer 503 with a page and Retry-After; nothing is applied",
	"empty":       "answer 200 without content; nothing is applied",
	"cut":         "apply, then answer with the first half of the JSON",
	"stranger":    "answer 200 and an empty object, as to somebody who is not logged in; nothing is applied",
	"unlicensed":  "answer 403 without a word, as to an account without an agent's licence; nothing is applied",
}

const loginPage = `<!DOCTYPE html><html><head><title>Log in</title></head><body><form>Who are you?</form></body></html>`

// impose gives the answer of one of the impostors.
func (f *Fault) impose(c *call) answer {
	page := func(status int, text string) answer {
		return answer{status: status, raw: []byte(cmp.Or(f.Body, text))}.with("Content-Type", "text/html;charset=UTF-8")
	}
	switch f.Kind {
	case "portal":
		return page(http.StatusOK, loginPage)
	case "maintenance":
		return page(http.StatusServiceUnavailable, "<html><body><h1>Jira is down for maintenance</h1></body></html>").
			with("Retry-After", strconv.Itoa(cmp.Or(f.RetryAfter, 1)))
	case "empty":
		return answer{status: http.StatusOK}
	case "stranger":
		return ok(obj{}).with("X-Seraph-LoginReason", "AUTHENTICATED_FAILED")
	case "unlicensed":
		return answer{status: http.StatusForbidden}
	}
	return cut(c.run())
}

// cut leaves the first half of an answer.
func cut(a answer) answer {
	if a.content != nil {
		a.torn = true
		return a
	}
	whole, err := json.Marshal(a.body)
	if err != nil || a.body == nil {
		return a
	}
	a.raw, a.body = whole[:(len(whole)+1)/2], nil
	return a.with("Content-Type", "application/json;charset=UTF-8")
}
