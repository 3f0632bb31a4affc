package jsm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const pdf7 = `{"id":"7","filename":"a b.pdf","size":5,"mimeType":"application/pdf","author":{"accountId":"ann","displayName":"Ann","accountType":"atlassian"},"created":"2026-11-22T10:00:00.000+0000"}`

func TestOneReadBringsTheParts(t *testing.T) {
	c, f := jira(t, map[string]any{"GET /rest/api/3/issue/1": `{"id":"1","key":"S-1","fields":{
		"attachment":[{"id":"8","filename":"c.txt","size":0,"mimeType":"text/plain","author":{"accountId":"qm:x","displayName":"C","accountType":"customer"},"created":"2026-11-22T11:00:00.000+0000"},` + pdf7 + `,` + pdf7 + `],
		"issuelinks":[
			{"id":"30","type":{"id":"10","name":"Blocks","inward":"is blocked by","outward":"blocks"},"outwardIssue":{"id":"2","key":"S-2"}},
			{"id":"31","type":{"id":"10","name":"Blocks","inward":"is blocked by","outward":"blocks"},"inwardIssue":{"id":"3","key":"S-3"}}],
		"subtasks":[{"id":"4","key":"S-4","fields":{}}],
		"worklog":{"startAt":0,"maxResults":20,"total":25,"worklogs":[{"id":"50","author":{"accountId":"ann"},"timeSpentSeconds":3600,"started":"2026-11-22T09:00:00.000+0000","created":"2026-11-22T10:00:00.000+0000","visibility":{"type":"role","value":"Agents"}}]}}}`})
	got, err := c.Ticket(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	ann := Person{AccountID: "ann", Name: "Ann", Type: "atlassian", Active: true}
	at := func(hour int) time.Time { return time.Date(2026, 11, 22, hour, 0, 0, 0, time.UTC) }
	blocks := LinkType{"10", "Blocks", "blocks", "is blocked by"}
	want := &Ticket{
		Attachments: []Attachment{
			{ID: "7", Name: "a b.pdf", Size: 5, MIME: "application/pdf", Author: ann, Created: at(10)},
			{ID: "8", Name: "c.txt", MIME: "text/plain", Author: Person{AccountID: "qm:x", Name: "C", Type: "customer", Active: true}, Created: at(11), Shown: ByCustomer},
		},
		Links:         []IssueLink{{"30", blocks, true, Option{ID: "2", Value: "S-2"}}, {"31", blocks, false, Option{ID: "3", Value: "S-3"}}},
		Subtasks:      []Option{{ID: "4", Value: "S-4"}},
		Worklogs:      []Worklog{{ID: "50", Author: Person{AccountID: "ann", Active: true}, Started: at(9), Seconds: 3600, Limit: &Limit{"role", "Agents", ""}, Created: at(10)}},
		WorklogsTotal: 25,
	}
	parts := &Ticket{Attachments: got.Attachments, Links: got.Links, Subtasks: got.Subtasks, Worklogs: got.Worklogs, WorklogsTotal: got.WorklogsTotal}
	if d := cmp.Diff(want, parts, cmp.AllowUnexported(Ticket{})); d != "" {
		t.Error(d)
	}
	if len(f.lines()) != 1 || got.Attachments[0].Customer() || !got.Attachments[1].Customer() {
		t.Errorf("%v, %+v", f.lines(), got.Attachments)
	}
}

func TestPartsThatMakeNoSense(t *testing.T) {
	for _, fields := range []string{
		`"attachment":[{"filename":"a"}]`, `"attachment":[{"id":"7","size":-1}]`, `"attachment":"x"`, `"issuelinks":[{"id":"1","type":{}}]`,
		`"issuelinks":[{"id":"1","inwardIssue":{"id":"2"},"outwardIssue":{"id":"3"}}]`, `"worklog":[]`, `"subtasks":{}`,
	} {
		c, f := jira(t, map[string]any{"GET /rest/api/3/issue/1": `{"id":"1","key":"S-1","fields":{` + fields + `}}`})
		f.any = true
		if got, err := c.Ticket(t.Context(), "1"); err == nil {
			t.Errorf("%s: %+v", fields, got)
		}
	}
}

// shownFile is an attachment as the service desk shows it, which gives its id in addresses only.
func shownFile(id string) string {
	return `{"filename":"f","size":5,"_links":{"jiraRest":"https://north.example/rest/api/2/attachment/` + id + `","content":"https://north.example/secure/attachment/` + id + `/f"}}`
}

func TestProveAttachments(t *testing.T) {
	comment := func(id, public, files string, last bool) string {
		return fmt.Sprintf(`{"id":"%s"%s,"attachments":{"isLastPage":%v,"values":[%s]}}`, id, public, last, files)
	}
	const yes, no = `,"public":true`, `,"public":false`
	for _, c := range []struct {
		name, page string
		rest       any // of comment 20's attachments
		want       string
	}{
		{"by a public comment", comment("20", yes, shownFile("7"), true), nil, "20"},
		{"a comment that turns out internal", comment("20", no, shownFile("7"), true), nil, ""},
		{"a comment of unknown visibility", comment("20", ``, shownFile("7"), true), nil, ""},
		{"a comment limited to a role", comment("21", yes, shownFile("7"), true), nil, ""},
		{"a comment that the ticket does not have", comment("99", yes, shownFile("7"), true), nil, ""},
		{"an internal one of the platform's", comment("22", yes, shownFile("7"), true), nil, ""},
		{"another file", comment("20", yes, shownFile("70"), true), nil, ""},
		{"a file without any address", comment("20", yes, `{"filename":"a b.pdf","size":5}`, true), nil, ""},
		{"addresses that lead elsewhere", comment("20", yes, `{"_links":{"jiraRest":"https://evil.example/7","content":"https://evil.example/attachment/x/7"}}`, true), nil, ""},
		{"on a later page", comment("20", yes, shownFile("6"), false), `{"isLastPage":true,"values":[` + shownFile("6") + `,` + shownFile("7") + `]}`, "20"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answers := map[string]any{"GET /rest/servicedeskapi/request/1/comment": `{"isLastPage":true,"values":[` + c.page + `]}`}
			if c.rest != nil {
				answers["GET /rest/servicedeskapi/request/1/comment/20/attachment"] = c.rest
			}
			client, f := jira(t, answers)
			ticket := &Ticket{ID: "1", Attachments: []Attachment{{ID: "7"}}, Comments: []Comment{
				{ID: "20", Public: true, VisibilityKnown: true}, {ID: "21", Public: true, VisibilityKnown: true, Restricted: true}, {ID: "22", VisibilityKnown: true},
			}}
			if err := client.ProveAttachments(t.Context(), ticket); err != nil {
				t.Fatal(err)
			}
			if a := ticket.Attachments[0]; a.Comment != c.want || a.Customer() != (c.want != "") {
				t.Errorf("%+v", a)
			}
			if q := f.seen[0].Query; !strings.Contains(q, "public=true") || !strings.Contains(q, "internal=false") || !strings.Contains(q, "expand=attachment") {
				t.Error(q)
			}
		})
	}
}

func TestProvingCostsNoMoreThanNeeded(t *testing.T) {
	page := `{"isLastPage":false,"values":[{"id":"20","public":true,"attachments":{"isLastPage":true,"values":[` + shownFile("7") + `]}}]}`
	c, f := jira(t, map[string]any{"GET /rest/servicedeskapi/request/1/comment": page})
	ticket := &Ticket{ID: "1", Attachments: []Attachment{{ID: "7"}, {ID: "8", Shown: ByCustomer}, {ID: "9"}}, Comments: []Comment{{ID: "20", Public: true, VisibilityKnown: true}}}
	for range 2 { // the second time nothing is open
		if err := c.ProveAttachments(t.Context(), ticket, "7", "8"); err != nil || ticket.Attachments[0].Shown != ByComment || ticket.Attachments[2].Customer() {
			t.Errorf("%+v, %v", ticket.Attachments, err)
		}
	}
	if len(f.lines()) != 1 {
		t.Error(f.lines())
	}
	c, _ = jira(t, map[string]any{"GET /rest/servicedeskapi/request/1/comment": answer{status: 404, body: `{"errorMessage":"The request does not exist."}`}})
	if err := c.ProveAttachments(t.Context(), ticket); err != nil || ticket.Attachments[2].Customer() {
		t.Errorf("of no request: %+v, %v", ticket.Attachments, err)
	}
	c, _ = jira(t, map[string]any{"GET /rest/servicedeskapi/request/1/comment": answer{status: 403, body: `{"errorMessage":"no"}`}})
	if err := c.ProveAttachments(t.Context(), ticket); err == nil {
		t.Error("a refusal says nothing")
	}
}

func TestSmallCallsAboutAttachments(t *testing.T) {
	gone := answer{status: 404, body: `{"errorMessages":["gone"],"errors":{}}`}
	c, _ := jira(t, map[string]any{
		"GET /rest/api/3/attachment/7":    strings.Replace(pdf7, `"id":"7"`, `"id":7`, 1),
		"GET /rest/api/3/attachment/8":    gone,
		"GET /rest/api/3/attachment/meta": `{"enabled":true,"uploadLimit":1000}`,
		"GET /rest/api/3/issue/1":         `{"id":"1","key":"S-1","fields":{"attachment":[` + pdf7 + `]}}`,
		"DELETE /rest/api/3/attachment/7": sequence(answer{status: 204}, gone),
		"DELETE /rest/api/3/attachment/8": gone,
	})
	if a, err := c.Attachment(t.Context(), "7"); err != nil || a.ID != "7" || a.Size != 5 {
		t.Errorf("%+v, %v", a, err)
	}
	if limit, on, err := c.AttachmentLimit(t.Context()); err != nil || limit != 1000 || !on {
		t.Error(limit, on, err)
	}
	if list, err := c.Attachments(t.Context(), "1"); err != nil || len(list) != 1 || list[0].Name != "a b.pdf" {
		t.Errorf("%+v, %v", list, err)
	}
	if err := c.DeleteAttachment(t.Context(), "1", "7"); err != nil {
		t.Error(err)
	}
	if err := c.DeleteAttachment(t.Context(), "1", "7"); !IsNotFound(err) {
		t.Errorf("it is there and may not be deleted: %v", err)
	}
	if err := c.DeleteAttachment(t.Context(), "1", "8"); err != nil {
		t.Error(err)
	}
}

func TestFileName(t *testing.T) {
	for in, want := range map[string]string{
		"a b.pdf": "a b.pdf", "../../etc/passwd": "passwd", `C:\x\y.txt`: "y.txt", "": "file", "..": "file", " . ": "file", "a/": "file",
		"a\r\nContent-Type: x": "aContent-Type: x", "ann\u202egpj.exe": "anngpj.exe", "a\x00b": "ab", "\xffx": "x", "日本.txt": "日本.txt", `q"uote.txt`: `q"uote.txt`,
		strings.Repeat("é", 200) + ".pdf": strings.Repeat("é", 125) + ".pdf", strings.Repeat("x", 100) + "." + strings.Repeat("y", 300): strings.Repeat("x", 100) + "." + strings.Repeat("y", 154),
	} {
		if got := FileName(in); got != want || FileName(got) != got {
			t.Errorf("%q → %q, want %q", in, got, want)
		}
	}
}

func FuzzFileName(f *testing.F) {
	for _, s := range []string{"a.txt", "../x", "\u202e", strings.Repeat("é", 300), `a\..`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := FileName(s)
		if got == "" || len(got) > maxFileName || strings.ContainsAny(got, "/\\\r\n\x00") || strings.Trim(got, ". ") == "" || FileName(got) != got {
			t.Errorf("%q → %q", s, got)
		}
	})
}

// FuzzParts feeds the decoders of what hangs on a ticket.
func FuzzParts(f *testing.F) {
	for _, s := range []string{
		`[` + pdf7 + `]`, `[{"id":"30","type":{},"outwardIssue":{"id":2}}]`, `{"total":-1,"worklogs":[null,{"visibility":{}}]}`, slaAnswer, approvalAnswer, `{"rating":5,"comment":null}`,
		`{"isLastPage":false,"values":[{"id":"20","public":true,"attachments":{"values":[` + shownFile("7") + `]}}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		raw := json.RawMessage(b)
		ticket := Ticket{Fields: map[string]json.RawMessage{FieldAttachments: raw, FieldLinks: raw, FieldSubtasks: raw, FieldWorklogs: raw}}
		for _, only := range []string{FieldAttachments, FieldLinks, FieldSubtasks, FieldWorklogs} {
			one := Ticket{Fields: map[string]json.RawMessage{only: ticket.Fields[only]}}
			if one.readParts() != nil {
				continue
			}
			for _, a := range one.Attachments {
				if a.ID == "" || a.Size < 0 || a.Customer() && a.Author.Type != "customer" {
					t.Errorf("%+v", a)
				}
			}
			if one.WorklogsTotal < len(one.Worklogs) {
				t.Errorf("%+v", one.Worklogs)
			}
		}
		if s, err := DecodeSLA(Raw(b)); err == nil && s.Running != nil && (s.Running.Elapsed != 0 || s.Running.Paused && !s.Running.Breached && !s.Running.Breach.IsZero()) {
			t.Errorf("it ticks: %+v", s.Running)
		}
		if list, err := DecodeApprovals(Raw(b)); err == nil {
			for _, a := range list {
				if a.ID == "" || !a.Decision.known() {
					t.Errorf("%+v", a)
				}
			}
		}
		if r, err := DecodeRating(Raw(b)); err == nil && (r.Stars < 1 || r.Stars > 5) {
			t.Errorf("%+v", r)
		}
		var page deskPage[deskComment]
		if json.Unmarshal(b, &page) == nil {
			for _, cm := range page.Values {
				if cm.Attachments == nil {
					continue
				}
				for i := range cm.Attachments.Values {
					if id := cm.Attachments.Values[i].id(); strings.Trim(id, "0123456789") != "" {
						t.Errorf("id %q", id)
					}
				}
			}
		}
		var link remoteLinkJSON
		if json.Unmarshal(b, &link) == nil {
			if body, err := link.link().body(); err == nil {
				if _, err := http.NewRequest(http.MethodGet, body.Object.URL, nil); err != nil {
					t.Error(err)
				}
			}
		}
	})
}
