package jql

import (
	"slices"
	"strings"
)

var (
	equality   = []Operator{Equals, NotEquals, In, NotIn}
	emptiness  = []Operator{Is, IsNot}
	relational = []Operator{Less, AtMost, Greater, AtLeast}
	textual    = []Operator{Like, NotLike}
	historical = []Operator{Was, WasNot, WasIn, WasNotIn, Changed}
)

// Operators are what a custom field of the type supports, as Jira's searchers for custom fields have it.
func Operators(t FieldType) []Operator { return customOperators[t] }

var customOperators = map[FieldType][]Operator{
	Text:     slices.Concat(textual, emptiness),
	Exact:    slices.Concat(equality, emptiness),
	Label:    slices.Concat(equality, emptiness),
	Option:   slices.Concat(equality, emptiness),
	Ranked:   slices.Concat(equality, emptiness, relational),
	User:     slices.Concat(equality, emptiness),
	IssueRef: slices.Concat(equality, emptiness, relational),
	Number:   slices.Concat(equality, emptiness, relational),
	Duration: slices.Concat(equality, emptiness, relational),
	Date:     slices.Concat(equality, emptiness, relational),
	DateTime: slices.Concat(equality, emptiness, relational),
	SLA:      slices.Concat([]Operator{Equals, NotEquals}, relational),
	Approval: {Equals},
}

// SystemField finds a field that every Jira has, by its JQL name or alias in any case. The operators are those of
// Atlassian's reference "Advanced searching - fields reference" (Jira Service Management 10.3); labels NOT IN, which the
// page lists on neither side, works.
func SystemField(name string) (FieldInfo, bool) {
	f, ok := systemFields[fold(name)]
	return f, ok
}

var systemTable = []struct {
	names string // the first is the id, the others are aliases
	typ   FieldType
	ops   [][]Operator
}{
	{"affectedVersion", Ranked, [][]Operator{equality, emptiness, relational, textual}},
	{"approvals,approval", Approval, [][]Operator{{Equals}}},
	{"assignee", User, [][]Operator{equality, emptiness, historical}},
	{"attachments", Option, [][]Operator{emptiness}},
	{"category", Option, [][]Operator{equality, emptiness}},
	{"comment", Text, [][]Operator{textual}},
	{"component", Option, [][]Operator{equality, emptiness}},
	{"created,createdDate", DateTime, [][]Operator{equality, emptiness, relational}},
	{"creator", User, [][]Operator{equality, emptiness, {Was, WasNot, WasIn, WasNotIn}}},
	{"Customer Request Type,Request Type", Option, [][]Operator{equality}},
	{"description", Text, [][]Operator{textual, emptiness}},
	{"duedate,due", Date, [][]Operator{equality, emptiness, relational}},
	{"environment", Text, [][]Operator{textual, emptiness}},
	{"Epic Link", IssueRef, [][]Operator{equality, emptiness}},
	{"filter", Option, [][]Operator{equality}},
	{"fixVersion", Ranked, [][]Operator{equality, emptiness, relational, textual, historical}},
	{"issuekey,key,issue,id", IssueRef, [][]Operator{equality, emptiness, relational}},
	{"issueLinkType", Option, [][]Operator{equality}},
	{"issuetype,type", Option, [][]Operator{equality, emptiness}},
	{"labels", Label, [][]Operator{equality, emptiness}},
	{"lastViewed", DateTime, [][]Operator{equality, emptiness, relational}},
	{"level", Option, [][]Operator{equality, emptiness}},
	{"originalEstimate,timeOriginalEstimate", Duration, [][]Operator{equality, emptiness, relational}},
	{"parent", IssueRef, [][]Operator{equality}},
	{"priority", Ranked, [][]Operator{equality, emptiness, relational, historical}},
	{"project", Option, [][]Operator{equality, emptiness}},
	{"remainingEstimate,timeEstimate", Duration, [][]Operator{equality, emptiness, relational}},
	{"reporter", User, [][]Operator{equality, emptiness, historical}},
	{"request-channel-type", Exact, [][]Operator{equality, emptiness}},
	{"request-last-activity-time", DateTime, [][]Operator{equality, emptiness, relational}},
	{"resolution", Ranked, [][]Operator{equality, emptiness, relational, historical}},
	{"resolutiondate,resolved", DateTime, [][]Operator{equality, emptiness, relational}},
	{"sprint", Option, [][]Operator{equality, emptiness}},
	{"status", Option, [][]Operator{equality, emptiness, historical}},
	{"statusCategory", Option, [][]Operator{equality}},
	{"summary", Text, [][]Operator{textual, emptiness}},
	{"text", Text, [][]Operator{{Like}}},
	{"timeSpent", Duration, [][]Operator{equality, emptiness, relational}},
	{"updated,updatedDate", DateTime, [][]Operator{equality, emptiness, relational}},
	{"voter", User, [][]Operator{equality, emptiness}},
	{"votes", Number, [][]Operator{equality, relational}},
	{"watcher", User, [][]Operator{equality, emptiness}},
	{"watchers", Number, [][]Operator{equality, relational}},
	{"worklogAuthor", User, [][]Operator{equality, emptiness}},
	{"worklogComment", Text, [][]Operator{textual}},
	{"worklogDate", Date, [][]Operator{equality, relational}},
	{"workRatio", Number, [][]Operator{equality, emptiness, relational}},
}

var systemFields = map[string]FieldInfo{} // by folded name

func init() {
	for _, row := range systemTable {
		names := strings.Split(row.names, ",")
		f := FieldInfo{ID: names[0], Type: row.typ, Operators: slices.Concat(row.ops...)}
		f.Unsorted = slices.Contains(unsorted, f.ID)
		f.Newest = slices.Contains(newest, f.ID)
		for _, name := range names {
			systemFields[fold(name)] = f
		}
	}
}

var (
	unsorted = []string{"approvals", "attachments", "category", "comment", "filter", "issueLinkType", "text", "voter", "watcher", "worklogAuthor", "worklogComment", "worklogDate"}
	newest   = []string{"created", "updated", "resolutiondate", "lastViewed", "priority", "votes", "watchers"}
)

// userField resolves the people that BY names, whatever field changed.
var userField = FieldInfo{ID: "assignee", Type: User}
