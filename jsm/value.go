package jsm

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Value is a field's value as Go sees it. It is one of:
//
//	nil           empty, or cleared
//	string        Text, URL
//	Rich          Paragraph
//	Number        NumberType
//	Date          DateType
//	time.Time     DateTime
//	Option        Select, Radio, Cascading, Priority, StatusType, Resolution, Version, Group, RequestTypeType, IssueType, Security;
//	              ProjectType and ParentType, whose Value is the key
//	[]Option      MultiSelect, Checkboxes, Components, MultiVersion, MultiGroup, Organizations; AssetType, whose Value is the label
//	Person        User
//	[]Person      MultiUser, Participants; WatchersType where they were listed
//	[]string      Labels
//	Effort        EffortType
//	Number        WatchersType where only their count was read
//	Raw           SLAType, ApprovalsType, FeedbackType, ReadOnly and UnknownType
type Value any

// Rich is a rich text: one JSON document in the Atlassian Document Format.
type Rich []byte

// Option is a thing of the tenant that a field points to. Value holds its name. Both members are the
// tenant's own; an id of another tenant means nothing here. Writing needs one of them, the id wins.
type Option struct {
	ID    string
	Value string
	Child *Option // the second level of a cascading select
}

// Person is an account as Jira shows it to us. Email is empty where privacy settings hide it.
// AccountID is the same on all Atlassian Cloud sites [D].
type Person struct {
	AccountID string
	Name      string
	Email     string
	Type      string // "atlassian", "app", "customer"
	Active    bool
}

// Number is a canonical decimal: no exponent, no leading plus, no trailing zeros ("3", "-2.5").
type Number string

// Date is a calendar day, YYYY-MM-DD.
type Date string

// Effort is how long the work on a ticket is thought to take, in seconds. A part below 0 is not estimated.
type Effort struct{ Original, Remaining int64 }

// Raw is the JSON of a value whose type this package does not read.
type Raw json.RawMessage

// maxExponent bounds the exponent of a number that is written out in full; a double ends at e±308.
const maxExponent = 400

// canonicalNumber turns a JSON number into a Number. Jira writes 3.0 and 1.0E10 for whole numbers [L].
func canonicalNumber(n json.Number) (Number, error) {
	s := string(n)
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	mant, exp := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mant = s[:i]
		var err error
		if exp, err = strconv.Atoi(s[i+1:]); err != nil || exp > maxExponent || exp < -maxExponent {
			return "", fmt.Errorf("number with an exponent beyond ±%d", maxExponent)
		}
	}
	whole, frac, _ := strings.Cut(mant, ".")
	if whole == "" || strings.Trim(whole+frac, "0123456789") != "" {
		return "", fmt.Errorf("not a number")
	}
	digits, point := whole+frac, len(whole)+exp
	if point < 0 {
		digits, point = strings.Repeat("0", -point)+digits, 0
	}
	if point > len(digits) {
		digits += strings.Repeat("0", point-len(digits))
	}
	whole = strings.TrimLeft(digits[:point], "0")
	frac = strings.TrimRight(digits[point:], "0")
	if whole == "" {
		whole = "0"
	}
	if frac != "" {
		whole += "." + frac
	}
	if neg && whole != "0" {
		whole = "-" + whole
	}
	return Number(whole), nil
}
