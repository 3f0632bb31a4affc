package rules

import (
	"strings"

	"parley/jsm"
	"parley/replica"
)

// The coercion table: what a value of one type comes to in a field of another. It is what coerce.go obeys,
// what "parley rules types" prints, and what coercion_test.go proves cell by cell. Both sides of a
// connection may call a field differently and store it as another type; nothing is lost in silence.

// Way is how a value of one type gets into a field of another.
type Way string

const (
	Lossless Way = "lossless"  // it arrives as it was, and would come back so
	ByMap    Way = "by map"    // by its name: one that is the same here needs no map; others need map, else or create
	MapOnly  Way = "map only"  // likewise, but two levels never have the name of one: a rule without map is refused
	TextForm Way = "text form" // by the text that it reads as; what does not fit the field is held
	Never    Way = "refused"   // see Instead
)

// A form is what a value looks like on its way: a kind of package replica, told apart where coercing must.
type form string

const (
	fText    form = "text"
	fRich    form = "rich text"
	fNumber  form = "number"
	fDate    form = "date"
	fTime    form = "date-time"
	fOption  form = "option"
	fCascade form = "option of two levels"
	fStatus  form = "status"
	fPerson  form = "person"
	fNames   form = "list of names"
	fPeople  form = "list of persons"
	fEffort  form = "estimates"
	fTicket  form = "ticket"
)

// A column is a family of fields that take values alike.
type column string

const (
	cLine      column = "text"
	cURL       column = "url"
	cParagraph column = "paragraph"
	cNumber    column = "number"
	cDate      column = "date"
	cTime      column = "date-time"
	cChoice    column = "choice"
	cCascade   column = "cascading"
	cChoices   column = "choices"
	cLabels    column = "labels"
	cUser      column = "user"
	cUsers     column = "users"
	cEffort    column = "estimates"
	cParent    column = "parent"
)

var columns = []column{cLine, cURL, cParagraph, cNumber, cDate, cTime, cChoice, cCascade, cChoices, cLabels, cUser, cUsers, cEffort, cParent}

// table has a row for each form and a letter for each column, in the order of columns:
// = lossless, n by name, m map only, t text form, - refused.
var table = map[form]string{
	//        text url para num date time choice casc choices labels user users effort parent
	fText:    "=   t   t    t   t    t    n      n    n       t      -    -     -      -",
	fRich:    "t   t   =    -   -    -    -      -    -       -      -    -     -      -",
	fNumber:  "t   -   t    =   -    -    n      n    n       t      -    -     -      -",
	fDate:    "t   -   t    -   =    -    -      -    -       t      -    -     -      -",
	fTime:    "t   -   t    -   -    =    -      -    -       t      -    -     -      -",
	fOption:  "t   t   t    t   t    t    n      n    n       t      -    -     -      -",
	fCascade: "t   -   t    -   -    -    m      n    m       m      -    -     -      -",
	fStatus:  "t   -   t    -   -    -    n      n    n       t      -    -     -      -",
	fPerson:  "t   -   t    -   -    -    -      -    -       -      n    n     -      -",
	fNames:   "t   -   t    -   -    -    -      -    n       t      -    -     -      -",
	fPeople:  "t   -   t    -   -    -    -      -    -       -      -    n     -      -",
	fEffort:  "t   -   t    -   -    -    -      -    -       -      -    -     =      -",
	fTicket:  "t   -   t    -   -    -    -      -    -       -      -    -     -      n",
}

var letters = map[byte]Way{'=': Lossless, 'n': ByMap, 'm': MapOnly, 't': TextForm, '-': Never}

// cells is table, read.
var cells = func() map[form]map[column]Way {
	all := map[form]map[column]Way{}
	for f, row := range table {
		all[f] = map[column]Way{}
		for i, letter := range strings.Fields(row) {
			all[f][columns[i]] = letters[letter[0]]
		}
	}
	return all
}()

// formOfType is how the values of a field of this tenant cross; empty where they do not.
func formOfType(t jsm.FieldType) form {
	switch t {
	case jsm.Text, jsm.URL:
		return fText
	case jsm.Paragraph:
		return fRich
	case jsm.NumberType, jsm.WatchersType:
		return fNumber
	case jsm.DateType:
		return fDate
	case jsm.DateTime:
		return fTime
	case jsm.Select, jsm.Radio, jsm.Priority, jsm.Resolution, jsm.Version, jsm.Group, jsm.RequestTypeType, jsm.Security, jsm.ProjectType:
		return fOption
	case jsm.Cascading:
		return fCascade
	case jsm.StatusType:
		return fStatus
	case jsm.User:
		return fPerson
	case jsm.MultiSelect, jsm.Checkboxes, jsm.Components, jsm.MultiVersion, jsm.MultiGroup, jsm.Organizations, jsm.AssetType, jsm.Labels:
		return fNames
	case jsm.MultiUser, jsm.Participants:
		return fPeople
	case jsm.EffortType:
		return fEffort
	case jsm.ParentType:
		return fTicket
	}
	return ""
}

// columnOf is the family of fields that a type belongs to; empty where it is never written.
func columnOf(t jsm.FieldType) column {
	switch t {
	case jsm.Text:
		return cLine
	case jsm.URL:
		return cURL
	case jsm.Paragraph:
		return cParagraph
	case jsm.NumberType:
		return cNumber
	case jsm.DateType:
		return cDate
	case jsm.DateTime:
		return cTime
	case jsm.Cascading:
		return cCascade
	case jsm.Labels:
		return cLabels
	case jsm.User:
		return cUser
	case jsm.MultiUser, jsm.Participants, jsm.WatchersType:
		return cUsers
	case jsm.EffortType:
		return cEffort
	case jsm.ParentType:
		return cParent
	}
	switch formOfType(t) {
	case fOption, fStatus:
		return cChoice
	case fNames:
		return cChoices
	}
	return ""
}

// formOf is the form of a value that came; empty for what no field takes.
func formOf(v replica.Value) form {
	switch v := v.(type) {
	case replica.Text:
		return fText
	case replica.Rich:
		return fRich
	case replica.Number:
		return fNumber
	case replica.Date:
		return fDate
	case replica.Time:
		return fTime
	case replica.Option:
		if v.Child != nil {
			return fCascade
		}
		return fOption
	case replica.Status:
		return fStatus
	case replica.Person:
		return fPerson
	case replica.Effort:
		return fEffort
	case replica.Ticket:
		return fTicket
	case replica.List:
		for _, one := range v {
			if _, isPerson := one.(replica.Person); isPerson {
				return fPeople
			}
		}
		return fNames
	}
	return ""
}

// way is how a form gets into a field's type.
func way(from form, to jsm.FieldType) Way {
	if w := cells[from][columnOf(to)]; w != "" {
		return w
	}
	return Never
}
