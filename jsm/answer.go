package jsm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const redirectHint = "the tenant redirects this call, and redirects are not followed; " +
	"is this the site's own address, without a login page in front?"

const (
	maxMessages   = 20               // sentences or fields kept of one error body
	maxMessage    = 400              // bytes kept of one sentence
	quotaPause    = 10 * time.Minute // where an exhausted quota comes without a time
	maxRetryAfter = 2 * time.Hour    // a quota resets at the top of the hour [D]; Data Center sends 2^63-1 for a blocked user
)

// refused makes the error for an answer that is no success. changed tells whether the request could
// have changed something.
func refused(op string, status int, h http.Header, body []byte, changes bool, now time.Time) *APIError {
	e := &APIError{
		Op: op, Status: status, Applied: No,
		RetryAfter: retryAfter(h, now),
		Reason:     clip(h.Get("RateLimit-Reason"), 64),
		Trace:      clip(h.Get("Atl-Traceid"), 64),
	}
	html, empty := isHTML(h, body), len(bytes.TrimSpace(body)) == 0
	if !html {
		e.Messages, e.Fields = parseErrorBody(body)
	}
	e.Trouble = troubleOf(status, h, empty, html)
	switch e.Trouble {
	case TroubleLimit:
		e.Class = Transient
		if e.RetryAfter == 0 && strings.HasPrefix(e.Reason, quotaReason) {
			e.RetryAfter = min(quotaPause, now.Truncate(window).Add(window+resetSlack).Sub(now))
		}
	case TroubleGateway, TroubleMaintenance:
		e.Class = Transient
		if changes {
			e.Applied = Maybe // a 502 or 504 may follow a commit
		}
	case TroubleToken, TroubleSuspended, TroubleProxy:
		e.Class = Tenant
	case TroubleRemoved:
		e.Class = Tenant // an endpoint that Atlassian removed, as /rest/api/3/search (CHANGE-2046)
	case TroublePage:
		e.Class = Tenant
		if status/100 == 3 {
			e.Messages = append(e.Messages, redirectHint)
		}
	case TroubleLicence:
		e.Class = Tenant // an unlicensed account on agent endpoints gets 403 without a body [L]
		e.Messages = append(e.Messages, "refused without a reason; the account probably lacks a Jira Service Management agent licence")
	default:
		e.Class = Definite
		if status == http.StatusConflict || status == http.StatusTooEarly || status == http.StatusLocked {
			e.Class = Transient
		}
	}
	if html {
		e.Messages = append(e.Messages, "an HTML page instead of JSON")
	}
	return e
}

// unusable is an answer with a success status that cannot be what was asked for.
func unusable(op string, status int, changes bool, class Class, why string) *APIError {
	e := &APIError{Op: op, Status: status, Class: class, Messages: []string{why}, Applied: No}
	if changes {
		e.Applied = Maybe
	}
	return e
}

func isHTML(h http.Header, body []byte) bool {
	if strings.HasPrefix(strings.ToLower(h.Get("Content-Type")), "text/html") {
		return true
	}
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n\ufeff"), []byte("<"))
}

// parseErrorBody reads all shapes in use: platform {errorMessages[], errors{}}, servicedeskapi
// {errorMessage, i18nErrorMessage{i18nKey}}, gateway {code, message}, OAuth {error, error_description}.
// Members of an unexpected type are passed over: an error body must never hide the error.
func parseErrorBody(body []byte) (messages []string, fields map[string]string) {
	var top map[string]json.RawMessage
	if json.Unmarshal(body, &top) != nil {
		return nil, nil
	}
	say := func(s string) {
		if s = clip(s, maxMessage); s != "" && len(messages) < maxMessages {
			messages = append(messages, s)
		}
	}
	var list []json.RawMessage
	if json.Unmarshal(top["errorMessages"], &list) == nil {
		for _, m := range list {
			say(sentence(m))
		}
	}
	for _, key := range []string{"errorMessage", "message", "error", "error_description"} {
		say(sentence(top[key]))
	}
	if len(messages) == 0 {
		var i18n struct {
			Key string `json:"i18nKey"`
		}
		if json.Unmarshal(top["i18nErrorMessage"], &i18n) == nil {
			say(i18n.Key)
		}
	}
	var named map[string]json.RawMessage
	if json.Unmarshal(top["errors"], &named) == nil {
		for _, id := range slices.Sorted(maps.Keys(named)) {
			if len(fields) == maxMessages {
				break
			}
			if fields == nil {
				fields = map[string]string{}
			}
			fields[clip(id, 128)] = clip(sentence(named[id]), maxMessage)
		}
	}
	return messages, fields
}

// sentence is a JSON string's text; of another value nothing.
func sentence(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// clip bounds a text from outside and takes control characters out of it (logs, terminals).
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
		for len(s) > 0 && !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
		s += "…"
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s))
}

// retryAfter reads Retry-After as seconds or as an HTTP date, else X-RateLimit-Reset (ISO 8601) where
// nothing remains. Never negative, never beyond maxRetryAfter.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		if h.Get("X-RateLimit-Remaining") != "0" {
			return 0
		}
		t, err := parseReset(h.Get("X-RateLimit-Reset"))
		if err != nil {
			return 0
		}
		return clampWait(t.Sub(now))
	}
	if n, err := strconv.ParseInt(v, 10, 64); err == nil {
		if n > int64(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return clampWait(time.Duration(n) * time.Second)
	} else if numErr, ok := err.(*strconv.NumError); ok && numErr.Err == strconv.ErrRange && v[0] != '-' {
		return maxRetryAfter
	}
	if t, err := http.ParseTime(v); err == nil {
		return clampWait(t.Sub(now))
	}
	return 0
}

func parseReset(s string) (time.Time, error) {
	if t, err := time.Parse("2006-01-02T15:04Z07:00", s); err == nil { // Atlassian's own example has no seconds [D]
		return t, nil
	}
	t, err := parseTime(s)
	if err != nil {
		return t, fmt.Errorf("reading a rate limit reset: %w", err)
	}
	return t, nil
}

func clampWait(d time.Duration) time.Duration { return min(max(d, 0), maxRetryAfter) }
