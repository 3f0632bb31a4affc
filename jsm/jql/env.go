package jql

import (
	"errors"
	"time"
)

// Issue is whatever the store hands to Match; this package only passes it back to its Env.
type Issue any

// Env is the store behind a query. Compile calls Session, Field, Resolve and Call; Match calls Values and History. Its
// methods must be as safe for concurrent use as the Matcher is to be.
type Env interface {
	// Session tells who asks, and when and where. It is read once per Compile.
	Session() Session
	// Field finds what a name in a query means: a system field (SystemField knows them), a custom field's name, cf[10001],
	// an entity property. False means that the field does not exist, or that this user may not see it.
	Field(f Field) (FieldInfo, bool)
	// Resolve gives the values that a literal means for a field of type Option, Ranked, User or IssueRef: all of them
	// where a name is not unique, none where there is none. Of a bare number (Value.Number) Jira tries the id first.
	Resolve(f FieldInfo, v Value) []Datum
	// Call runs a function that this package does not have. ErrNoFunction says that there is none of this name; any
	// other error's text is shown as it is.
	Call(f FieldInfo, op Operator, fn Func) (Result, error)
	// Values are an issue's values of a field: none where it is empty, one for each of several.
	Values(issue Issue, f FieldInfo) []Datum
	// History is how a field's value came about. It is asked only where FieldInfo allows history operators.
	History(issue Issue, f FieldInfo) History
}

// ErrNoFunction is Env.Call's answer for a function it does not have.
var ErrNoFunction = errors.New("no such function")

// Session is the searching account. JQL has no zone of its own: date literals are read in the account's.
type Session struct {
	Now       time.Time
	Zone      *time.Location // nil: UTC
	WeekStart time.Weekday   // first day for startOfWeek and endOfWeek; Jira takes it from the account's locale
	User      string         // account id; empty: anonymous, and currentUser() is nobody
	Login     time.Time      // currentLogin(); zero: unknown
	LastLogin time.Time      // lastLogin(); zero: unknown
}

// FieldType says how a field's literals are read and its values compared.
type FieldType uint8

// The field types. Which members of Datum matter stands behind each.
const (
	Text     FieldType = iota // Name; searched by words
	Exact                     // Name; compared whole, case ignored: URL, channel type
	Label                     // Name; compared whole, case ignored
	Option                    // ID, Name: project, type, status, select, component, organization, group …
	Ranked                    // ID, Name, Rank: priority, resolution, version
	User                      // ID (account id), Name
	IssueRef                  // ID, Name (the key); ordered within one project by number
	Number                    // Number
	Duration                  // Number in seconds; literals such as 2h, 1w 2d
	Date                      // Time; compared by day in the session's zone
	DateTime                  // Time
	SLA                       // Number: remaining seconds, for literals and order; all else by functions
	Approval                  // by functions alone
)

// FieldInfo is what a store knows of a field.
type FieldInfo struct {
	ID        string // "summary", "customfield_10010"
	Type      FieldType
	Operators []Operator // nil: Operators(Type)
	Unsorted  bool       // ORDER BY refuses it
	Newest    bool       // without ASC or DESC the greatest comes first
	Ref       any        // the store's own; never touched here
}

// Datum is one value of a field. Which members count depends on the field's type.
type Datum struct {
	ID     string // compared where both sides have one
	Name   string
	Rank   int // greater is greater: Highest above High, a later version above an earlier
	Number float64
	Time   time.Time
}

// Result is what a function means: values to compare with, or a verdict of its own.
type Result struct {
	Values []Datum
	List   bool // the values go with IN and NOT IN, not with = and !=
	// Match, where set, decides alone, under the operator that Call was asked with. For != and NOT IN it is asked as
	// = and IN and the answer is turned round, except that an issue without a value in the field never matches.
	Match func(Issue) bool
}

// History is the life of one field in one issue.
type History struct {
	Created time.Time
	Creator string // account id
	Steps   []Step // oldest first
}

// Step is one change. Of a field with several values From and To hold what was taken away and what was added.
type Step struct {
	At       time.Time
	By       string // account id
	From, To []Datum
}
