package jsm

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// The shapes of values in answers, by type: Atlassian's field documentation and recordings, [D][L].

type optionJSON struct {
	ID      looseID     `json:"id"`
	Value   string      `json:"value"` // selects
	Name    string      `json:"name"`  // everything else
	Key     string      `json:"key"`   // projects and issues
	Label   string      `json:"label"` // assets, see labelAssets
	GroupID string      `json:"groupId"`
	Child   *optionJSON `json:"child"`
}

func (o *optionJSON) option() Option {
	out := Option{ID: string(o.ID), Value: o.Value}
	if out.Value == "" {
		out.Value = o.Name
	}
	if out.ID == "" {
		out.ID = o.GroupID
	}
	if o.Child != nil {
		child := o.Child.option()
		child.Child = nil // Jira has two levels
		out.Child = &child
	}
	return out
}

// looseID reads an id written as a string or as a number; Jira does both for the same thing [L].
type looseID string

func (id *looseID) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] != '"' {
		var n *json.Number
		if err := json.Unmarshal(b, &n); err != nil {
			return err
		}
		*id = ""
		if n != nil {
			*id = looseID(n.String())
		}
		return nil
	}
	var s string
	err := json.Unmarshal(b, &s)
	*id = looseID(s)
	return err
}

type personJSON struct {
	AccountID string `json:"accountId"`
	Name      string `json:"displayName"`
	Email     string `json:"emailAddress"`
	Type      string `json:"accountType"`
	Active    *bool  `json:"active"`
}

func (p *personJSON) person() Person {
	if p == nil {
		return Person{}
	}
	return Person{AccountID: p.AccountID, Name: p.Name, Email: p.Email, Type: p.Type, Active: p.Active == nil || *p.Active}
}

// Decode reads a field's value as it stands in a ticket. JSON null is nil for every type.
func (f Field) Decode(raw json.RawMessage) (Value, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	v, err := decodeValue(f.Type, raw)
	if err != nil {
		return nil, fmt.Errorf("reading field %s as %s: %s", f.ID, f.Type, shape(err))
	}
	return v, nil
}

func decodeValue(t FieldType, raw json.RawMessage) (Value, error) {
	switch t {
	case Text, URL:
		return read[string](raw)
	case Paragraph:
		return decodeRich(raw)
	case NumberType:
		n, err := read[json.Number](raw)
		if err != nil {
			return nil, err
		}
		return asValue(canonicalNumber(n))
	case DateType:
		s, err := read[string](raw)
		return asValue(Date(s), err)
	case DateTime:
		m, err := read[moment](raw)
		return asValue(m.Time, err)
	case Select, Radio, Cascading, Priority, StatusType, Resolution, Security, Version, Group, IssueType:
		o, err := read[optionJSON](raw)
		return asValue(o.option(), err)
	case ProjectType, ParentType:
		o, err := read[optionJSON](raw)
		return asValue(Option{ID: string(o.ID), Value: o.Key}, err)
	case MultiSelect, Checkboxes, Components, MultiVersion, MultiGroup, Organizations:
		return decodeOptions(raw)
	case User:
		p, err := read[personJSON](raw)
		return asValue(p.person(), err)
	case MultiUser, Participants:
		list, err := read[[]personJSON](raw)
		people := make([]Person, 0, len(list))
		for i := range list {
			people = append(people, list[i].person())
		}
		return asValue(people, err)
	case Labels:
		return read[[]string](raw)
	case AssetType:
		list, err := read[[]optionJSON](raw)
		assets := make([]Option, 0, len(list))
		for _, o := range list {
			assets = append(assets, Option{ID: string(o.ID), Value: o.Label})
		}
		return asValue(assets, err)
	case EffortType:
		return decodeEffort(raw)
	case WatchersType:
		return decodeWatchers(raw)
	case RequestTypeType:
		return decodeRequestType(raw)
	}
	return Raw(append([]byte(nil), raw...)), nil
}

// read keeps the typed value out of the Value on an error.
func read[T any](raw json.RawMessage) (T, error) {
	var v T
	err := json.Unmarshal(raw, &v)
	return v, err
}

func asValue[T any](v T, err error) (Value, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

// decodeRich takes an ADF document as it is; version 2 of the API, and some apps, answer a string.
func decodeRich(raw json.RawMessage) (Value, error) {
	if raw[0] == '"' {
		return read[string](raw)
	}
	var doc struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	if doc.Type != "doc" {
		return nil, fmt.Errorf("a rich text whose root is %q", clip(doc.Type, 40))
	}
	return Rich(append([]byte(nil), raw...)), nil
}

func decodeOptions(raw json.RawMessage) (Value, error) {
	list, err := read[[]optionJSON](raw)
	options := make([]Option, 0, len(list))
	for i := range list {
		options = append(options, list[i].option())
	}
	return asValue(options, err)
}

// decodeEffort reads timetracking, whose parts stand in words of the account's language and in seconds.
func decodeEffort(raw json.RawMessage) (Value, error) {
	var out struct {
		Original  *int64 `json:"originalEstimateSeconds"`
		Remaining *int64 `json:"remainingEstimateSeconds"`
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, err
	}
	if out.Original == nil && out.Remaining == nil {
		return nil, nil
	}
	e := Effort{Original: -1, Remaining: -1}
	if out.Original != nil {
		e.Original = *out.Original
	}
	if out.Remaining != nil {
		e.Remaining = *out.Remaining
	}
	return e, nil
}

// decodeWatchers reads "watches" of an issue, which only counts, and the list of GET watchers.
func decodeWatchers(raw json.RawMessage) (Value, error) {
	var out struct {
		Count    int          `json:"watchCount"`
		Watchers []personJSON `json:"watchers"`
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, err
	}
	if out.Watchers == nil {
		return Number(strconv.Itoa(out.Count)), nil
	}
	people := make([]Person, 0, len(out.Watchers))
	for i := range out.Watchers {
		people = append(people, out.Watchers[i].person())
	}
	return people, nil
}

// decodeRequestType reads the vp-origin field: an object with requestType, whose own id is a string
// on Cloud [S].
func decodeRequestType(raw json.RawMessage) (Value, error) {
	var origin struct {
		RequestType *optionJSON `json:"requestType"`
	}
	if err := json.Unmarshal(raw, &origin); err != nil {
		return nil, err
	}
	if origin.RequestType == nil || strings.TrimSpace(string(origin.RequestType.ID)) == "" {
		return nil, nil
	}
	return origin.RequestType.option(), nil
}
