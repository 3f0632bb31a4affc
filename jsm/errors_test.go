package jsm

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestErrorShapes(t *testing.T) {
	for _, c := range []struct {
		name     string
		status   int
		header   map[string]string
		body     string
		class    Class
		applied  Applied // of a write
		contains []string
	}{
		{"platform", 400, nil, `{"errorMessages":["Bad thing."],"errors":{"summary":"You must specify a summary."}}`, Definite, No, []string{"Bad thing.", "summary: You must specify a summary."}},
		{"service desk", 400, nil, `{"errorMessage":"No customer.","i18nErrorMessage":{"i18nKey":"sd.x","parameters":[]}}`, Definite, No, []string{"No customer."}},
		{"service desk, key only", 400, nil, `{"i18nErrorMessage":{"i18nKey":"sd.only","parameters":[]}}`, Definite, No, []string{"sd.only"}},
		{"gateway", 401, nil, `{"code":401,"message":"Unauthorized; scope does not match"}`, Tenant, No, []string{"scope does not match"}},
		{"oauth", 403, nil, `{"error":"invalid_grant","error_description":"Unknown or invalid refresh token."}`, Definite, No, []string{"invalid_grant", "refresh token"}},
		{"empty 403", 403, nil, ``, Tenant, No, []string{"licence"}},
		{"forbidden", 403, nil, `{"errorMessages":["You do not have permission."],"errors":{}}`, Definite, No, []string{"permission"}},
		{"gone", 410, nil, `{"errorMessages":["The requested API has been removed. CHANGE-2046"],"errors":{}}`, Tenant, No, []string{"CHANGE-2046"}},
		{"conflict", 409, nil, `{"errorMessages":["conflict"],"errors":{}}`, Transient, No, nil},
		{"html 404", 404, map[string]string{"Content-Type": "text/html"}, `<html>Site unavailable`, Tenant, No, []string{"HTML"}},
		{"html 502", 502, map[string]string{"Content-Type": "text/html"}, `<html>Bad Gateway`, Transient, Maybe, []string{"HTML"}},
		{"504", 504, nil, ``, Transient, Maybe, nil},
		{"408", 408, nil, ``, Transient, Maybe, nil},
		{"429", 429, map[string]string{"Retry-After": "7", "RateLimit-Reason": "jira-burst-based", "Atl-Traceid": "t-1"}, `{}`, Transient, No, []string{"jira-burst-based"}},
		{"members of wrong types", 400, nil, `{"errorMessages":"text","errors":["a"],"message":{"a":1},"errorMessage":5}`, Definite, No, nil},
		{"mixed members", 400, nil, `{"errorMessages":[1,"kept",null],"errors":{"a":{"b":1},"c":"d"}}`, Definite, No, []string{"kept", "c: d"}},
		{"no JSON", 400, nil, `no json`, Definite, No, nil},
		{"array", 400, nil, `["x"]`, Definite, No, nil},
		{"terminal escapes", 400, nil, "{\"errorMessages\":[\"a\\u001b[31mb\\n\"]}", Definite, No, []string{"a [31mb"}},
	} {
		h := http.Header{}
		for k, v := range c.header {
			h.Set(k, v)
		}
		e := refused("POST x", c.status, h, []byte(c.body), true, time.Now())
		if e.Class != c.class || e.Applied != c.applied {
			t.Errorf("%s: %s, applied %s", c.name, e.Class, e.Applied)
		}
		if r := refused("GET x", c.status, h, []byte(c.body), false, time.Now()); r.Applied != No {
			t.Errorf("%s: a read may be applied", c.name)
		}
		for _, s := range c.contains {
			if !strings.Contains(e.Error(), s) {
				t.Errorf("%s: %q lacks %q", c.name, e.Error(), s)
			}
		}
	}
}

func TestErrorsAreBounded(t *testing.T) {
	long := strings.Repeat("ü", 5000)
	body := `{"errorMessages":["` + strings.Join(slices.Repeat([]string{long}, 100), `","`) + `"]}`
	e := refused("GET x", 400, http.Header{}, []byte(body), false, time.Now())
	if len(e.Messages) != maxMessages || len(e.Error()) > maxMessages*(maxMessage+10) {
		t.Errorf("%d messages, %d bytes", len(e.Messages), len(e.Error()))
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		header map[string]string
		want   time.Duration
	}{
		{nil, 0},
		{map[string]string{"Retry-After": "30"}, 30 * time.Second},
		{map[string]string{"Retry-After": " 5 "}, 5 * time.Second},
		{map[string]string{"Retry-After": "-5"}, 0},
		{map[string]string{"Retry-After": "9223372036854775807"}, maxRetryAfter},
		{map[string]string{"Retry-After": "99999999999999999999999"}, maxRetryAfter},
		{map[string]string{"Retry-After": "-99999999999999999999999"}, 0},
		{map[string]string{"Retry-After": "Sun, 22 Nov 2026 10:01:00 GMT"}, time.Minute},
		{map[string]string{"Retry-After": "Sun, 22 Nov 2026 09:01:00 GMT"}, 0},
		{map[string]string{"Retry-After": "soon"}, 0},
		{map[string]string{"X-RateLimit-Reset": "2026-11-22T10:30Z", "X-RateLimit-Remaining": "0"}, 30 * time.Minute},
		{map[string]string{"X-RateLimit-Reset": "2026-11-22T10:30:00Z", "X-RateLimit-Remaining": "0"}, 30 * time.Minute},
		{map[string]string{"X-RateLimit-Reset": "2026-11-22T10:30Z", "X-RateLimit-Remaining": "5"}, 0},
		{map[string]string{"X-RateLimit-Reset": "never", "X-RateLimit-Remaining": "0"}, 0},
	} {
		h := http.Header{}
		for k, v := range c.header {
			h.Set(k, v)
		}
		if got := retryAfter(h, now); got != c.want {
			t.Errorf("%v: %s, want %s", c.header, got, c.want)
		}
	}
}

func TestFieldErrorsKeepTheirCause(t *testing.T) {
	api := &APIError{Op: "PUT issue", Status: 400, Class: Definite, Fields: map[string]string{"customfield_1": "not on the screen"}}
	err := byField(api)
	var f *FieldErrors
	var e *APIError
	if !errors.As(err, &f) || !errors.As(err, &e) || e != api {
		t.Error(err)
	}
	if err := error(&FieldErrors{Fields: map[string]string{"a": "b"}}); errors.As(err, &e) && e == nil {
		t.Error("a local field error unwraps to a nil *APIError")
	}
	if again, after := (&APIError{Class: Transient, RetryAfter: time.Second}).Again(); !again || after != time.Second {
		t.Error("transient is not again")
	}
}

// TestErrorsSayWhatToDo reads the sentences that an operator sees.
func TestErrorsSayWhatToDo(t *testing.T) {
	for want, err := range map[string]error{
		`jira: the ticket is in "Done", but resolution "Fixed" is not set: why`:             &NoResolution{"Done", "Fixed", "why"},
		`jira: no way to the status "Done" from "Open"; nothing is open there; an approval`: &NoPath{At: "Open", Target: "Done", Approval: true},
		`jira: comment 7 on issue 1 was meant to be public and is not`:                      &WrongVisibility{"1", "7"},
		`no such field: "Sumary"; did you mean "Summary", "summary"?`:                       &NotThere{ErrNoField, "Sumary", []string{"Summary", "summary"}},
		`jira refuses the JQL: Field 'x' does not exist.`:                                   &JQLError{[]string{"Field 'x' does not exist."}},
		`jira: unreadable tickets: one; two`:                                                &Unreadable{map[string]error{"1": errors.New("one"), "2": errors.New("two")}},
		`jira: fields refused: a: b; c: d`:                                                  &FieldErrors{Fields: map[string]string{"c": "d", "a": "b"}},
	} {
		if !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got  %s\nwant %s", err, want)
		}
	}
}
