package jsm

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"
	"unicode/utf8"
)

func FuzzTicket(f *testing.F) {
	f.Add([]byte(issue42))
	f.Add([]byte(`{"id":1,"key":"S-1","fields":{"comment":{"total":-1,"comments":[null]},"customfield_10010":{}},"changelog":{"histories":[{"items":[{}]}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var is issueJSON
		if json.Unmarshal(b, &is) != nil {
			return
		}
		got, err := is.ticket(nil, "customfield_10010")
		if err != nil {
			return
		}
		if got.ID == "" || got.Key == "" || got.CommentsTotal < len(got.Comments) || got.HistoryTotal < len(got.History) {
			t.Errorf("%+v", got)
		}
		for _, c := range got.Comments {
			if c.Customer() && (!c.VisibilityKnown || !c.Public || c.Restricted) {
				t.Errorf("shown to customers: %+v", c)
			}
		}
	})
}

var allTypes = []FieldType{Text, Paragraph, NumberType, DateType, DateTime, Select, Radio, MultiSelect, Checkboxes, Cascading, User, MultiUser, Group, MultiGroup,
	Labels, URL, Version, MultiVersion, Components, Priority, StatusType, Resolution, Security, IssueType, ProjectType, Organizations, Participants, RequestTypeType,
	AssetType, EffortType, ParentType, WatchersType, SLAType, ApprovalsType, FeedbackType, ReadOnly, UnknownType}

// FuzzValue checks that what is written is JSON, and that a canonical number stays itself.
func FuzzValue(f *testing.F) {
	for _, s := range []string{`"x"`, `3.0`, `-1e-400`, `{"id":"1","value":"a","child":{"id":2}}`, `[{"accountId":"a"}]`, `["a b"]`, adfHello, `{"requestType":{"id":"5"}}`,
		`{"originalEstimateSeconds":57600,"remainingEstimateSeconds":-1}`, `{"watchCount":1,"watchers":[{"accountId":"a"}]}`, `[{"id":"w:7","label":"web-1"}]`, `"2023-07-12T16:00:00.000+0100"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if !json.Valid([]byte(raw)) {
			return
		}
		for _, ft := range allTypes {
			field := Field{ID: "customfield_1", Type: ft}
			v, err := field.Decode(json.RawMessage(raw))
			if err != nil {
				continue
			}
			if n, ok := v.(Number); ok {
				if again, err := canonicalNumber(json.Number(n)); err != nil || again != n {
					t.Errorf("%s → %s → %s, %v", raw, n, again, err)
				}
			}
			if out, err := field.Encode(v); err == nil && !json.Valid(out) {
				t.Errorf("%s writes %s", ft, out)
			}
		}
	})
}

func FuzzErrorBody(f *testing.F) {
	f.Add(400, "application/json", "3", `{"errorMessages":["a"],"errors":{"b":"c"}}`)
	f.Add(403, "", "", ``)
	f.Add(429, "text/html", "99999999999999999999", `<html>`)
	f.Fuzz(func(t *testing.T, status int, contentType, after, body string) {
		h := http.Header{"Content-Type": {contentType}, "Retry-After": {after}}
		e := refused("POST x", status, h, []byte(body), true, time.Unix(0, 0))
		if e.RetryAfter < 0 || e.RetryAfter > maxRetryAfter || len(e.Error()) > (maxMessages+3)*2*(maxMessage+200) || !utf8.ValidString(e.Error()) {
			t.Errorf("%d %q %q: %s", status, after, body, e)
		}
		if e.Class == "" || e.Applied == "" {
			t.Errorf("%d: %+v", status, e)
		}
	})
}
