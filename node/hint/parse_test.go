package hint

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	at := time.Date(2026, 7, 7, 1, 1, 40, 376e6, time.UTC)
	many := `{"issues":[` + manyIssues(101) + `]}`
	for _, c := range []struct {
		name, body string
		want       Hint
	}{
		{"updated", `{"timestamp":1,"webhookEvent":"jira:issue_updated","issue":{"id":"10042","key":"SUP-7","self":"x","fields":{"updated":"2026-07-07T10:01:40.376+0900"}}}`,
			Hint{Tickets: []Ticket{{ID: "10042", Key: "SUP-7", Updated: at}}}},
		{"id as a number, time in ms", `{"webhookEvent":"jira:issue_created","issue":{"id":10042,"key":"sup-7","fields":{"updated":1783386100376}}}`,
			Hint{Tickets: []Ticket{{ID: "10042", Key: "SUP-7", Updated: at}}}},
		{"deleted tells no state", `{"webhookEvent":"jira:issue_deleted","issue":{"id":"10042","key":"SUP-7","fields":{"updated":"2026-07-07T10:01:40.376+0900"}}}`,
			Hint{Tickets: []Ticket{{ID: "10042", Key: "SUP-7"}}}},
		{"comment", `{"webhookEvent":"comment_created","comment":{"self":"https://n.example/rest/api/2/issue/10042/comment/5","updated":"2026-07-07T01:01:40.376Z"},"issue":{"id":"10042","key":"SUP-7"}}`,
			Hint{Tickets: []Ticket{{ID: "10042", Key: "SUP-7", Updated: at}}}},
		{"comment deleted tells no state", `{"webhookEvent":"comment_deleted","comment":{"updated":"2026-07-07T01:01:40.376Z"},"issue":{"id":"10042"}}`,
			Hint{Tickets: []Ticket{{ID: "10042"}}}},
		{"data center: comment without issue", `{"webhookEvent":"comment_created","comment":{"self":"https://jira.example/ctx/rest/api/2/issue/10042/comment/5"}}`,
			Hint{Tickets: []Ticket{{ID: "10042"}}}},
		{"data center: issue by its link only", `{"webhookEvent":"jira:issue_updated","issue":{"self":"https://jira.example/rest/api/2/issue/10042"}}`,
			Hint{Tickets: []Ticket{{ID: "10042"}}}},
		{"worklog", `{"webhookEvent":"worklog_created","worklog":{"issueId":"10042"}}`, Hint{Tickets: []Ticket{{ID: "10042"}}}},
		{"link, one shape", `{"webhookEvent":"issuelink_created","issueLink":{"sourceIssueId":10042,"destinationIssueId":10043}}`,
			Hint{Tickets: []Ticket{{ID: "10042"}, {ID: "10043"}}}},
		{"link, the other shape", `{"webhookEvent":"issuelink_created","issueLink":{"inwardIssue":{"id":"10042","key":"SUP-7"},"outwardIssue":{"key":"SUP-8"}}}`,
			Hint{Tickets: []Ticket{{ID: "10042", Key: "SUP-7"}, {Key: "SUP-8"}}}},
		{"link that says nothing", `{"webhookEvent":"issuelink_deleted","issueLink":{"id":1}}`, Hint{Stray: true}},
		{"attachment", `{"webhookEvent":"attachment_created","attachment":{"id":"1","filename":"a"}}`, Hint{Stray: true}},
		{"automation, issue data", `{"self":"https://n.example/rest/api/2/issue/10042","id":10042,"key":"SUP-7","fields":{"updated":"2026-07-07T01:01:40.376Z"}}`,
			Hint{Tickets: []Ticket{{ID: "10042", Key: "SUP-7"}}}},
		{"automation, our own words", `{"issue":{"id":"10042","key":"SUP-7"}}`, Hint{Tickets: []Ticket{{ID: "10042", Key: "SUP-7"}}}},
		{"automation, key only", `{"issueKey":"SUP-7"}`, Hint{Tickets: []Ticket{{Key: "SUP-7"}}}},
		{"automation, many", `{"issues":[{"key":"SUP-7"},{"key":"SUP-8"},{"key":"SUP-7"}]}`, Hint{Tickets: []Ticket{{Key: "SUP-7"}, {Key: "SUP-8"}}}},
		{"of a user", `{"webhookEvent":"user_updated","id":"10042","user":{"key":"jane"}}`, Hint{}},
		{"ids that are none", `{"issue":{"id":"../1","key":"SUP 7"},"issueId":"-1","issueKey":"' OR 1=1"}`, Hint{}},
		{"types that are none", `{"issue":[1],"comment":"x","worklog":{"issueId":{}},"issues":{"a":1}}`, Hint{Stray: true}},
		{"no body", ` `, Hint{Stray: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	got, err := Parse([]byte(many))
	if err != nil || len(got.Tickets) != maxTickets || !got.Stray {
		t.Errorf("of 101 tickets: %d, stray %v, %v", len(got.Tickets), got.Stray, err)
	}
	for _, body := range []string{`{`, `[]`, `7`, `"x"`, `null`, `{"issue":`, "\x00", strings.Repeat("[", 20_000)} {
		if _, err := Parse([]byte(body)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%.20q: %v", body, err)
		}
	}
}

func manyIssues(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"id":"%d"},`, i+1)
	}
	return strings.TrimSuffix(b.String(), ",")
}

// FuzzParse: whatever comes, what is believed of it has the shape of an id or a
// key, each once, and few enough.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{"webhookEvent":"jira:issue_updated","issue":{"id":"10042","key":"SUP-7","fields":{"updated":"2026-07-07T10:01:40.376+0900"}}}`,
		`{"webhookEvent":"comment_created","comment":{"self":"https://j/rest/api/2/issue/1/comment/5","updated":1}}`,
		`{"issueLink":{"sourceIssueId":1,"outwardIssue":{"id":2}}}`, `{"issues":[{"key":"A-1"}],"id":1,"key":"B-2"}`, ``, `{"worklog":{"issueId":null}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		h, err := Parse(body)
		if err != nil {
			if !errors.Is(err, ErrMalformed) || len(h.Tickets) > 0 || h.Stray {
				t.Fatalf("%+v, %v", h, err)
			}
			return
		}
		if len(h.Tickets) > maxTickets {
			t.Fatalf("%d tickets", len(h.Tickets))
		}
		once := map[Ticket]bool{}
		for _, one := range h.Tickets {
			if one.ID == "" && one.Key == "" || one.ID != "" && !goodID(one.ID) || one.Key != "" && (!goodKey(one.Key) || one.Key != strings.ToUpper(one.Key)) {
				t.Fatalf("%+v", one)
			}
			name := Ticket{ID: one.ID}
			if one.ID == "" {
				name.Key = one.Key
			}
			if once[name] {
				t.Fatalf("%+v twice", one)
			}
			once[name] = true
		}
	})
}
