package hint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Ticket is one ticket that may have changed. At least one of ID and Key is set.
type Ticket struct {
	ID  string // decimal, as Jira gives it
	Key string // "SUP-7", in capitals
	// Updated is the ticket's state when the event was sent; zero where the
	// event does not tell, or is about something that a state cannot show.
	Updated time.Time
}

// Hint is what one request says.
type Hint struct {
	Tickets []Ticket // each once, at most maxTickets
	// Stray: something changed and nothing says which ticket.
	Stray bool
}

const maxTickets = 100 // of one request: Jira names one or two, automation as many as a rule finds; more are a stray hint

// ErrMalformed means that a body is not JSON of one object.
var ErrMalformed = errors.New("the body is not a JSON object")

// loose is a value that some versions write as a string, others as a number.
type loose string

func (l *loose) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(l))
	}
	if len(b) > 0 && (b[0] == '-' || b[0] >= '0' && b[0] <= '9') {
		*l = loose(b)
	}
	return nil // anything else says nothing
}

type issue struct {
	ID     loose `json:"id"`
	Key    loose `json:"key"`
	Self   loose `json:"self"`
	Fields struct {
		Updated loose `json:"updated"`
	} `json:"fields"`
}

// event is what is read of a body; see the package doc.
type event struct {
	Name      loose   `json:"webhookEvent"`
	Timestamp loose   `json:"timestamp"`
	Issue     *issue  `json:"issue"`
	Issues    []issue `json:"issues"`
	Comment   *struct {
		Self    loose `json:"self"`
		Updated loose `json:"updated"`
	} `json:"comment"`
	Worklog *struct {
		IssueID loose `json:"issueId"`
	} `json:"worklog"`
	Link *struct {
		Source      loose  `json:"sourceIssueId"`
		Destination loose  `json:"destinationIssueId"`
		Inward      *issue `json:"inwardIssue"`
		Outward     *issue `json:"outwardIssue"`
	} `json:"issueLink"`
	Attachment json.RawMessage `json:"attachment"`

	issue
	IssueID  loose `json:"issueId"`
	IssueKey loose `json:"issueKey"`
}

// Parse reads a body. An empty one (a webhook that excludes its body) is a stray
// hint; an event about anything but tickets says nothing. ErrMalformed where it
// is no JSON object.
func Parse(body []byte) (Hint, error) {
	h, _, err := parse(body)
	return h, err
}

// parse also tells whether the body is an event of Jira's own, with its time:
// then no two events have the same bytes.
func parse(body []byte) (h Hint, unique bool, err error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return Hint{Stray: true}, false, nil
	}
	var e event
	var mistyped *json.UnmarshalTypeError
	if err := json.Unmarshal(body, &e); err != nil && !errors.As(err, &mistyped) {
		return Hint{}, false, fmt.Errorf("%w: broken JSON", ErrMalformed)
	}
	if body[0] != '{' {
		return Hint{}, false, ErrMalformed
	}
	return e.hint(), e.Name != "" && e.Timestamp != "", nil
}

func (e *event) hint() Hint {
	b := builder{}
	updated := e.updated()
	if e.Issue != nil {
		b.issue(e.Issue, updated)
	}
	if len(b.Tickets) == 0 && e.Comment != nil {
		b.add(within(commentPath, string(e.Comment.Self)), "", updated)
	}
	for i := range e.Issues {
		b.issue(&e.Issues[i], time.Time{})
	}
	if e.Worklog != nil {
		b.add(string(e.Worklog.IssueID), "", time.Time{})
	}
	if l := e.Link; l != nil {
		b.add(string(l.Source), "", time.Time{})
		b.add(string(l.Destination), "", time.Time{})
		for _, end := range []*issue{l.Inward, l.Outward} {
			if end != nil {
				b.issue(end, time.Time{})
			}
		}
	}
	b.add(string(e.IssueID), string(e.IssueKey), time.Time{})
	if goodKey(string(e.Key)) { // an id alone could be that of anything
		b.issue(&e.issue, time.Time{})
	}
	if len(b.Tickets) == 0 {
		b.Stray = len(e.Attachment) > 0 || e.Link != nil || e.Comment != nil || e.Worklog != nil || strings.HasPrefix(string(e.Name), "attachment_")
	}
	return b.Hint
}

// updated is the state that the event tells of. A deletion has none: what was
// deleted bears the time of its last change, which may be old.
func (e *event) updated() time.Time {
	switch e.Name {
	case "jira:issue_created", "jira:issue_updated":
		if e.Issue != nil {
			return moment(e.Issue.Fields.Updated)
		}
	case "comment_created", "comment_updated":
		if e.Comment != nil {
			return moment(e.Comment.Updated)
		}
	}
	return time.Time{}
}

// moment reads Jira's time: an offset without a colon on Cloud, milliseconds
// since 1970 in some bodies of Data Center. Zero where it is neither.
func moment(s loose) time.Time {
	if len(s) > 40 {
		return time.Time{}
	}
	for _, layout := range []string{"2006-01-02T15:04:05-0700", time.RFC3339} { // both take a fraction
		if t, err := time.Parse(layout, string(s)); err == nil {
			return t.UTC()
		}
	}
	if ms, err := strconv.ParseInt(string(s), 10, 64); err == nil && ms > 0 && ms < 1<<47 {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}

// builder collects tickets, each once.
type builder struct{ Hint }

func (b *builder) issue(is *issue, updated time.Time) {
	id := string(is.ID)
	if !goodID(id) {
		id = within(issuePath, string(is.Self))
	}
	b.add(id, string(is.Key), updated)
}

func (b *builder) add(id, key string, updated time.Time) {
	t := Ticket{Updated: updated}
	if goodID(id) {
		t.ID = id
	}
	if goodKey(key) {
		t.Key = strings.ToUpper(key)
	}
	if t.ID == "" && t.Key == "" {
		return
	}
	for _, was := range b.Tickets {
		if was.ID == t.ID && (t.ID != "" || was.Key == t.Key) {
			return
		}
	}
	if len(b.Tickets) == maxTickets {
		b.Stray = true
		return
	}
	b.Tickets = append(b.Tickets, t)
}

var (
	issuePath   = regexp.MustCompile(`/issue/([1-9][0-9]{0,17})$`)
	commentPath = regexp.MustCompile(`/issue/([1-9][0-9]{0,17})/comment/[0-9]+$`)
	keyShape    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}-[1-9][0-9]{0,11}$`)
	idShape     = regexp.MustCompile(`^[1-9][0-9]{0,17}$`)
)

// within takes a ticket's id out of one of Jira's own links.
func within(shape *regexp.Regexp, self string) string {
	if m := shape.FindStringSubmatch(self); m != nil {
		return m[1]
	}
	return ""
}

func goodID(s string) bool  { return idShape.MatchString(s) }
func goodKey(s string) bool { return keyShape.MatchString(s) }
