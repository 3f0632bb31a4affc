package replica

// Kind names the type of a value on the wire. A receiver keeps kinds that it
// does not know.
type Kind string

// The kinds of format version 1.
const (
	KindText       Kind = "text"
	KindRich       Kind = "rich"
	KindOption     Kind = "option"
	KindStatus     Kind = "status"
	KindNumber     Kind = "number"
	KindDate       Kind = "date"
	KindTime       Kind = "time"
	KindPerson     Kind = "person"
	KindList       Kind = "list"
	KindComment    Kind = "comment"
	KindEffort     Kind = "effort"
	KindTicket     Kind = "ticket"
	KindAttachment Kind = "attachment"
)

// Value is what an item holds, decoded. The types of this file are all there
// are: nobody else can implement it.
type Value interface {
	Kind() Kind
	encode(*sink)
}

// Text is plain text: summary, url, text fields, label, component name,
// organization name. At most MaxText bytes.
type Text string

// Rich is canonical ADF JSON, as replica/adf makes it. At most MaxRich bytes.
type Rich []byte

// Option is a choice: priority, select, version, request type … Name is what
// both sides compare; ID is the sender's own, for display only. Child is the
// second step of a cascading select.
type Option struct {
	Name, ID string
	Child    *Option
}

// Status is a workflow status. Category is Jira's: new, indeterminate, done or
// undefined.
type Status struct{ Name, ID, Category string }

// Number is a canonical decimal, see ParseNumber: "3", "-2.5".
type Number string

// Date is a day without a time zone: YYYY-MM-DD.
type Date string

// Time is Unix milliseconds.
type Time int64

// Person is somebody as the sender's people.share allows: fields that it does
// not allow are empty. Ref is a pseudonym, stable within one connection.
type Person struct{ Ref, Name, Email, Alias, Company string }

// List holds values in order; not lists, and at most MaxList of them.
type List []Value

// Comment is one comment of a ticket. Parent is the element name of the comment
// that it answers, empty for none; Edited is 0 where it never was.
type Comment struct {
	Public          bool
	Author          Person
	Body            Rich
	Created, Edited Time
	Parent          string
}

// Effort is how long the work on a ticket is thought to take, in seconds. A part below 0 is not
// estimated, which is not the same as 0: nothing is left to do.
type Effort struct{ Original, Remaining int64 }

// NoEstimate is a part of an Effort that nobody estimated.
const NoEstimate = -1 // seconds

// Ticket points to another ticket that the two sides share: Link is the id that both know it by, Key
// the sender's name of it, for display only.
type Ticket struct {
	Link LinkID
	Key  string
}

// Unknown is a value of a kind that this version does not know: canonical
// msgpack, as received.
type Unknown struct {
	Name Kind
	Raw  []byte
}

// Kind is KindText.
func (Text) Kind() Kind { return KindText }

// Kind is KindRich.
func (Rich) Kind() Kind { return KindRich }

// Kind is KindOption.
func (Option) Kind() Kind { return KindOption }

// Kind is KindStatus.
func (Status) Kind() Kind { return KindStatus }

// Kind is KindNumber.
func (Number) Kind() Kind { return KindNumber }

// Kind is KindDate.
func (Date) Kind() Kind { return KindDate }

// Kind is KindTime.
func (Time) Kind() Kind { return KindTime }

// Kind is KindPerson.
func (Person) Kind() Kind { return KindPerson }

// Kind is KindList.
func (List) Kind() Kind { return KindList }

// Kind is KindComment.
func (Comment) Kind() Kind { return KindComment }

// Kind is KindEffort.
func (Effort) Kind() Kind { return KindEffort }

// Kind is KindTicket.
func (Ticket) Kind() Kind { return KindTicket }

// Kind is the name that the sender gave it.
func (u Unknown) Kind() Kind { return u.Name }
