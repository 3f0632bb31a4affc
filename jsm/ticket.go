package jsm

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// MarkKey is the entity property that our marks live under, on tickets and on comments.
const MarkKey = "parley"

// Ticket is one issue of the tenant as read at one moment.
type Ticket struct {
	ID          string // numeric, stable; Key changes when a ticket moves
	Key         string
	Project     Option // id and key
	IssueType   Option
	Created     time.Time
	Updated     time.Time // SLA clocks and automation move it too: compare contents, not this
	Creator     Person
	Fields      map[string]json.RawMessage // by field id, as answered
	Status      Status
	RequestType *Option // nil: none, or not read (see Client.Schema)

	Comments      []Comment // oldest first; all of them unless CommentsTotal says otherwise
	CommentsTotal int
	History       []Change // newest first; Ticket reads all, Tickets the newest 40
	HistoryTotal  int
	Marks         map[string]json.RawMessage // our entity properties, by key

	Attachments   []Attachment // oldest first; see FieldAttachments, and ProveAttachments for who sees them
	Links         []IssueLink  // see FieldLinks
	Subtasks      []Option     // ids and keys; see FieldSubtasks
	Worklogs      []Worklog    // the first 20 without marks; see FieldWorklogs
	WorklogsTotal int
	WebLinks      []RemoteLink // where WebLinkList was asked for
	Rating        *Rating      // where RatingWords were asked for; nil: none, or not to be seen

	webLinks bool // WebLinks were read
	rated    bool // Rating was, where there is one
	owed     bool // see Owed

	asked []string // field ids asked for; nil: all
}

// Change is one entry of the history: what one person changed at one moment.
type Change struct {
	ID     string
	Author Person
	At     time.Time
	Items  []ChangeItem
}

// ChangeItem is one field of a Change. From and To are ids where the field has ids.
type ChangeItem struct {
	Field, FieldID   string // localized name; stable id
	From, FromString string
	To, ToString     string
}

// ErrNotRead is a value of a field that was not asked for when the ticket was read. It is not "empty".
var ErrNotRead = errors.New("field was not read")

// Value reads a field of the ticket. A field that the ticket does not have is nil.
func (t *Ticket) Value(f Field) (Value, error) {
	raw, ok := t.Fields[f.ID]
	if !ok && t.asked != nil && !slices.Contains(t.asked, f.ID) {
		return nil, fmt.Errorf("ticket %s, field %s: %w", t.Key, f.ID, ErrNotRead)
	}
	return f.Decode(raw)
}

// Bears reports whether all of the fields were asked for when the ticket was read.
func (t *Ticket) Bears(fields []string) bool {
	return t.asked == nil || !slices.ContainsFunc(fields, func(id string) bool { return !t.lists(id) && !slices.Contains(t.asked, id) })
}

// always are the fields that every read asks for: a Ticket is made of them.
var always = []string{"summary", "status", "issuetype", "project", "created", "updated", "creator", "comment"}

// asking adds what a Ticket needs to the fields wanted, without doubles and in a stable order.
func (c *Client) asking(fields []string) []string {
	want := map[string]bool{}
	for _, list := range [][]string{fields, always} {
		for _, id := range list {
			want[id] = true
		}
	}
	if want[WatcherList] {
		c.learned.watchers.Store(true)
		delete(want, WatcherList)
	}
	c.askParts(want)
	if id := c.learned.requestTypeField.Load(); id != nil {
		want[*id] = true
	}
	return slices.Sorted(maps.Keys(want))
}

type issueJSON struct {
	ID         looseID                    `json:"id"`
	Key        string                     `json:"key"`
	Fields     map[string]json.RawMessage `json:"fields"`
	Properties map[string]json.RawMessage `json:"properties"`
	Changelog  *historyPage               `json:"changelog"`
}

type historyPage struct {
	Total     int          `json:"total"`
	Histories []changeJSON `json:"histories"`
}

type changeJSON struct {
	ID      looseID     `json:"id"`
	Author  *personJSON `json:"author"`
	Created moment      `json:"created"`
	Items   []struct {
		Field      string  `json:"field"`
		FieldID    string  `json:"fieldId"`
		From       *string `json:"from"`
		FromString *string `json:"fromString"`
		To         *string `json:"to"`
		ToString   *string `json:"toString"`
	} `json:"items"`
}

func (h *changeJSON) change() Change {
	out := Change{ID: string(h.ID), Author: h.Author.person(), At: h.Created.Time}
	for _, it := range h.Items {
		out.Items = append(out.Items, ChangeItem{
			Field: it.Field, FieldID: it.FieldID,
			From: text(it.From), FromString: text(it.FromString), To: text(it.To), ToString: text(it.ToString),
		})
	}
	return out
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// ticket turns an answer into a Ticket. requestTypeField is the vp-origin field's id, "" if not known.
func (is *issueJSON) ticket(asked []string, requestTypeField string) (*Ticket, error) {
	if is.ID == "" || is.Key == "" {
		return nil, errors.New("an issue without id or key")
	}
	if is.Fields == nil {
		return nil, fmt.Errorf("issue %s without fields", is.ID)
	}
	t := &Ticket{ID: string(is.ID), Key: is.Key, Fields: is.Fields, Marks: is.Properties, asked: asked}
	if err := t.readSystem(); err != nil {
		return nil, fmt.Errorf("issue %s: %w", is.ID, err)
	}
	if err := t.readParts(); err != nil {
		return nil, fmt.Errorf("issue %s: %w", is.ID, err)
	}
	if raw, ok := is.Fields[requestTypeField]; ok {
		v, err := (Field{ID: requestTypeField, Type: RequestTypeType}).Decode(raw)
		if err != nil {
			return nil, fmt.Errorf("issue %s: %w", is.ID, err)
		}
		if o, ok := v.(Option); ok {
			t.RequestType = &o
		}
	}
	if is.Changelog != nil {
		t.HistoryTotal = is.Changelog.Total
		for i := range is.Changelog.Histories {
			t.History = append(t.History, is.Changelog.Histories[i].change())
		}
		newestFirst(t.History)
		t.HistoryTotal = max(t.HistoryTotal, len(t.History))
	}
	return t, nil
}

// newestFirst sorts a history by time; entries of the same moment keep Jira's order of ids.
func newestFirst(h []Change) {
	slices.SortStableFunc(h, func(a, b Change) int {
		if d := b.At.Compare(a.At); d != 0 {
			return d
		}
		return compareIDs(b.ID, a.ID)
	})
}

// compareIDs orders decimal ids as numbers.
func compareIDs(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// readSystem fills the members that come from Jira's own fields, as far as they were answered.
func (t *Ticket) readSystem() error {
	var (
		status           statusJSON
		issueType        optionJSON
		creator          *personJSON
		created, updated moment
		comments         commentsPage
		project          struct {
			ID  looseID `json:"id"`
			Key string  `json:"key"`
		}
	)
	for _, part := range []struct {
		id  string
		out any
	}{
		{"status", &status}, {"issuetype", &issueType}, {"project", &project}, {"creator", &creator},
		{"created", &created}, {"updated", &updated}, {"comment", &comments},
	} {
		raw, ok := t.Fields[part.id]
		if !ok {
			continue
		}
		if err := json.Unmarshal(raw, part.out); err != nil {
			return fmt.Errorf("reading field %s: %s", part.id, shape(err))
		}
	}
	t.Status, t.IssueType, t.Creator = status.status(), issueType.option(), creator.person()
	t.Project = Option{ID: string(project.ID), Value: project.Key}
	t.Created, t.Updated = created.Time, updated.Time
	t.Comments, t.CommentsTotal = comments.comments(), max(comments.Total, len(comments.Comments))
	return nil
}
