package jsm

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"parley/replica/adf"
)

// Jira's limits on texts, in UTF-16 units as Jira (Java) counts [B]; the figures are [D].
const (
	maxLine = 255 // summary, text fields, one label
	maxURL  = 32_767
)

// Encode turns a value into what Jira takes for the field, in "fields" of an edit or in a request.
// nil clears: null, or the empty list for sets. A value of a wrong Go type, or one that Jira is known
// to refuse, is an error that names no content.
func (f Field) Encode(v Value) (json.RawMessage, error) {
	if !f.Type.Writable() {
		return nil, fmt.Errorf("a %s field cannot be written", f.Type)
	}
	if v == nil {
		if f.Type.Set() {
			return json.RawMessage("[]"), nil
		}
		return json.RawMessage("null"), nil
	}
	out, err := f.encode(v)
	if err != nil {
		return nil, err
	}
	return json.Marshal(out)
}

func (f Field) encode(v Value) (any, error) {
	switch v := v.(type) {
	case string:
		return f.encodeText(v)
	case Rich:
		if f.Type == Paragraph {
			if !json.Valid(v) {
				return nil, errors.New("the rich text is no JSON")
			}
			return json.RawMessage(v), nil
		}
	case Number:
		if f.Type == NumberType {
			n, err := canonicalNumber(json.Number(v))
			return json.Number(n), err
		}
	case Date:
		if f.Type == DateType {
			if _, err := time.Parse(time.DateOnly, string(v)); err != nil {
				return nil, errors.New("not a date in the form YYYY-MM-DD")
			}
			return string(v), nil
		}
	case time.Time:
		if f.Type == DateTime {
			return v.UTC().Format(jiraTime), nil
		}
	case Option:
		if !f.Type.Set() {
			return f.encodeOption(v)
		}
	case Person:
		if f.Type == User {
			return encodePerson(v)
		}
	case Effort:
		if f.Type == EffortType {
			return encodeEffort(v)
		}
	case []Option, []Person, []string:
		if f.Type.Set() {
			members, err := f.members(v)
			if members == nil {
				members = []any{}
			}
			return members, err
		}
	}
	return nil, f.mismatch(v)
}

func (f Field) mismatch(v Value) error {
	return fmt.Errorf("a %T does not fit a %s field", v, f.Type)
}

func (f Field) encodeText(s string) (any, error) {
	switch f.Type {
	case Text:
		if strings.ContainsAny(s, "\r\n") {
			return nil, errors.New("a line break does not fit a single-line field")
		}
		return s, bounded(s, maxLine)
	case URL:
		return s, bounded(s, maxURL)
	case Paragraph:
		return json.RawMessage(adf.Text(s).JSON()), nil
	}
	return nil, f.mismatch(s)
}

func bounded(s string, limit int) error {
	if n := len(utf16.Encode([]rune(s))); n > limit {
		return fmt.Errorf("%d characters, Jira takes %d", n, limit)
	}
	return nil
}

// encodeOption writes the id where known, else the member that Jira takes a name in.
func (f Field) encodeOption(o Option) (any, error) {
	if o.ID == "" && o.Value == "" {
		return nil, errors.New("neither id nor name")
	}
	switch f.Type {
	case RequestTypeType: // an id as a bare string; a name is refused with 400 [L]
		if o.ID == "" {
			return nil, errors.New("a request type is written by id")
		}
		return o.ID, nil
	case Organizations: // bare numbers [L]
		n, err := strconv.ParseInt(o.ID, 10, 64)
		if err != nil {
			return nil, errors.New("an organization is written by its numeric id")
		}
		return n, nil
	case Group, MultiGroup:
		return byIDOr("groupId", "name", o), nil
	case Select, Radio, MultiSelect, Checkboxes:
		return byIDOr("id", "value", o), nil
	case Cascading:
		out := byIDOr("id", "value", o)
		if o.Child == nil {
			return out, nil
		}
		if o.Child.ID == "" && o.Child.Value == "" {
			return nil, errors.New("the second level has neither id nor name")
		}
		out["child"] = byIDOr("id", "value", *o.Child)
		return out, nil
	case Version, MultiVersion, Components, Priority, Resolution, Security, IssueType:
		return byIDOr("id", "name", o), nil
	case ProjectType, ParentType:
		return byIDOr("id", "key", o), nil
	case AssetType:
		if o.ID == "" {
			return nil, errors.New("an asset is written by its id, and none is known for its label")
		}
		return map[string]any{"id": o.ID}, nil
	}
	return nil, f.mismatch(o)
}

func byIDOr(idKey, nameKey string, o Option) map[string]any {
	if o.ID != "" {
		return map[string]any{idKey: o.ID}
	}
	return map[string]any{nameKey: o.Value}
}

// encodeEffort writes estimates in whole minutes, rounded up: Jira's notation has nothing finer [D].
func encodeEffort(e Effort) (any, error) {
	out := map[string]string{}
	for key, seconds := range map[string]int64{"originalEstimate": e.Original, "remainingEstimate": e.Remaining} {
		switch {
		case seconds > maxEffort:
			return nil, errors.New("an estimate beyond what Jira stores")
		case seconds >= 0:
			out[key] = strconv.FormatInt((seconds+59)/60, 10) + "m"
		}
	}
	if len(out) == 0 {
		return nil, errors.New("neither an original nor a remaining estimate")
	}
	return out, nil
}

const maxEffort = 1 << 40 // seconds

func encodePerson(p Person) (any, error) {
	if p.AccountID == "" {
		return nil, errors.New("a person without an account id")
	}
	return map[string]any{"accountId": p.AccountID}, nil
}

// members encodes a set's values one by one.
func (f Field) members(v Value) ([]any, error) {
	var out []any
	switch v := v.(type) {
	case []string:
		if f.Type != Labels {
			return nil, f.mismatch(v)
		}
		for _, s := range v {
			if err := checkLabel(s); err != nil {
				return nil, err
			}
			out = append(out, s)
		}
	case []Option:
		switch f.Type {
		case Labels, MultiUser, Participants, WatchersType:
			return nil, f.mismatch(v)
		}
		for _, o := range v {
			m, err := f.encodeOption(o)
			if err != nil {
				return nil, err
			}
			out = append(out, m)
		}
	case []Person:
		if f.Type != MultiUser && f.Type != Participants {
			return nil, f.mismatch(v)
		}
		for _, p := range v {
			m, err := encodePerson(p)
			if err != nil {
				return nil, err
			}
			out = append(out, m)
		}
	default:
		return nil, f.mismatch(v)
	}
	return out, nil
}

func checkLabel(s string) error {
	if s == "" || strings.ContainsAny(s, " \t\r\n") {
		return errors.New("a label is one word")
	}
	return bounded(s, maxLine)
}

// encodeMember encodes one value to add to, or remove from, a set. Organizations and participants
// have no such operations that could be relied on [U], nor have assets: set them whole.
func (f Field) encodeMember(v Value) (any, error) {
	if !f.Type.Set() || f.Type.Whole() {
		return nil, fmt.Errorf("a %s field takes no single values to add or remove", f.Type)
	}
	var list Value
	switch v := v.(type) {
	case string:
		list = []string{v}
	case Option:
		list = []Option{v}
	case Person:
		list = []Person{v}
	default:
		return nil, f.mismatch(v)
	}
	members, err := f.members(list)
	if err != nil {
		return nil, err
	}
	return members[0], nil
}
