package rules

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"pgregory.net/rapid"

	"parley/jsm"
)

// The values of fields as the oracle has them: what a person reads of a field, member by member. Accounts stand for
// persons, "Parent / Child" for the two levels of a cascading select, RFC 3339 for a time; nothing is an empty field.

// look is how a field's values look, whatever Jira calls its type.
type look string

const (
	sLine    look = "line"
	sURL     look = "url"
	sRich    look = "rich"
	sNumber  look = "number"
	sDate    look = "date"
	sTime    look = "time"
	sChoice  look = "choice"
	sCascade look = "cascade"
	sNames   look = "names"
	sLabels  look = "labels"
	sPerson  look = "person"
	sPeople  look = "people"
	sStatus  look = "status" // of a sender; where it is written it is a choice
)

// looks are those of the types that a custom field can have, and of Jira's own fields beyond.
var looks = map[jsm.FieldType]look{
	jsm.Text: sLine, jsm.URL: sURL, jsm.Paragraph: sRich, jsm.NumberType: sNumber, jsm.DateType: sDate, jsm.DateTime: sTime,
	jsm.Select: sChoice, jsm.Radio: sChoice, jsm.Version: sChoice, jsm.Group: sChoice, jsm.ProjectType: sChoice,
	jsm.Priority: sChoice, jsm.Security: sChoice, jsm.Resolution: sChoice, jsm.StatusType: sChoice, jsm.Cascading: sCascade,
	jsm.MultiSelect: sNames, jsm.Checkboxes: sNames, jsm.MultiVersion: sNames, jsm.MultiGroup: sNames, jsm.AssetType: sNames,
	jsm.Components: sNames, jsm.Organizations: sNames, jsm.Labels: sLabels, jsm.User: sPerson, jsm.MultiUser: sPeople,
}

// reaches are the looks that a value may be written to.
var reaches = map[look][]look{
	sLine:    {sLine, sURL, sRich, sNumber, sDate, sTime, sChoice, sCascade, sNames, sLabels},
	sURL:     {sLine, sURL, sRich},
	sRich:    {sRich, sLine},
	sNumber:  {sNumber, sLine, sRich, sChoice, sNames, sLabels},
	sDate:    {sDate, sLine, sRich, sLabels},
	sTime:    {sTime, sLine, sRich},
	sChoice:  {sChoice, sLine, sURL, sRich, sNumber, sDate, sTime, sCascade, sNames, sLabels},
	sCascade: {sCascade, sLine, sRich, sChoice, sNames, sLabels},
	sNames:   {sNames, sLabels, sLine, sRich},
	sLabels:  {sLabels, sNames, sLine, sRich},
	sPerson:  {sPerson, sPeople, sLine, sRich},
	sPeople:  {sPeople, sLine, sRich},
	sStatus:  {sChoice, sLine, sRich, sCascade, sNames, sLabels},
}

// options is what fields with a list of their own choose from: each tenant has some of them.
var options = []string{"Alpha", "beta", "Rot", "two words", "7", "2026-11-22", "https://a.example/x", "Ünique"}

var (
	treeOptions = []string{"EU / Berlin", "EU / Rome", "EU", "Asia / Goa", "Asia"}
	lines       = []string{"Alpha", "beta", "two words", "7", "-2.5", "10017", "2026-11-22", "2026-11-22T10:00:00Z", "https://a.example/x", "EU / Rome", "no wêrd, \"quoted\" <b>",
		strings.Repeat("x", 255)}
	richTexts = []string{"one line", "two\nlines", "a paragraph\n\nand another", "7", strings.Repeat("words ", 60) + "end", strings.Repeat("🙂", 200)}
	numbers   = []string{"0", "7", "-2.5", "12345678901234567890.5"}
	times     = []string{"2026-11-22T10:00:00Z", "1999-01-01T00:00:00Z"}
	dates     = []string{"2026-11-22", "2028-02-29"}
	labels    = []string{"Alpha", "beta", "vpn", "7", "x_y"}
)

// drawValue is a value that a field of the north may hold; nil: it is empty.
func drawValue(t *rapid.T, f jsm.Field) []string {
	pool, most := lines, 1
	switch looks[f.Type] {
	case sURL:
		pool = []string{"https://a.example/x", "https://b.example/y?z=1"}
	case sRich:
		pool = richTexts
	case sNumber:
		pool = numbers
	case sDate:
		pool = dates
	case sTime:
		pool = times
	case sChoice:
		pool = f.Options
	case sCascade:
		pool = f.Options
	case sNames:
		pool, most = f.Options, 3
	case sLabels:
		pool, most = labels, 3
	case sPerson, sPeople:
		pool = nil
		for _, p := range northern {
			pool = append(pool, p.AccountID)
		}
		if looks[f.Type] == sPeople {
			most = 3
		}
	}
	least := 0
	if f.Type == jsm.StatusType {
		least = 1
	}
	list := rapid.SliceOfNDistinct(rapid.SampledFrom(pool), least, min(most, len(pool)), rapid.ID).Draw(t, "north's "+f.Name)
	slices.Sort(list)
	return list
}

// asJira is a value as Jira answers it.
func asJira(f jsm.Field, v []string) json.RawMessage {
	if len(v) == 0 {
		return json.RawMessage("null")
	}
	var members []any
	for _, one := range v {
		members = append(members, memberOf(f, one))
	}
	var out any = members
	switch looks[f.Type] {
	case sNames, sLabels, sPeople:
	default:
		out = members[0]
	}
	b, _ := json.Marshal(out)
	return b
}

func memberOf(f jsm.Field, v string) any {
	switch looks[f.Type] {
	case sRich:
		return json.RawMessage(rich(v))
	case sNumber:
		return json.Number(v)
	case sTime:
		return strings.Replace(v, "Z", ".000+0000", 1)
	case sPerson, sPeople:
		for _, p := range slices.Concat(northern, southern) {
			if p.AccountID == v {
				return map[string]any{"accountId": v, "displayName": p.Name, "emailAddress": p.Email, "active": p.Active, "accountType": p.Type}
			}
		}
	case sCascade:
		parent, child, two := strings.Cut(v, " / ")
		if two {
			return map[string]any{"id": f.ID + parent, "value": parent, "child": map[string]any{"id": f.ID + v, "value": child}}
		}
		return map[string]any{"id": f.ID + v, "value": v}
	case sChoice, sNames:
		switch f.Type {
		case jsm.Organizations:
			return map[string]any{"id": fmt.Sprint(crc32.ChecksumIEEE([]byte(v))), "name": v} // a number of its own
		case jsm.ProjectType:
			return map[string]any{"id": f.ID + v, "key": v, "name": "Project " + v}
		case jsm.AssetType:
			return map[string]any{"id": "w:" + v, "label": v}
		case jsm.Select, jsm.Radio, jsm.MultiSelect, jsm.Checkboxes:
			return map[string]any{"id": f.ID + v, "value": v}
		}
		return map[string]any{"id": f.ID + v, "name": v}
	}
	return v
}

// reads is what a person reads of a ticket's field.
func reads(tk *jsm.Ticket, f jsm.Field) ([]string, error) {
	if f.Type == jsm.StatusType {
		return []string{tk.Status.Name}, nil
	}
	v, err := tk.Value(f)
	if err != nil {
		return nil, err
	}
	return asRead(v)
}

// asRead is what a person reads of a value.
func asRead(v jsm.Value) (out []string, err error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		out = []string{v}
	case jsm.Rich:
		out = []string{plainOf(v)}
	case jsm.Number:
		out = []string{string(v)}
	case jsm.Date:
		out = []string{string(v)}
	case time.Time:
		out = []string{v.UTC().Format(time.RFC3339Nano)}
	case jsm.Option:
		out = []string{optionText(v)}
	case []jsm.Option:
		for _, o := range v {
			out = append(out, optionText(o))
		}
	case jsm.Person:
		out = []string{v.AccountID}
	case []jsm.Person:
		for _, p := range v {
			out = append(out, p.AccountID)
		}
	case []string:
		out = slices.Clone(v)
	default:
		return nil, fmt.Errorf("%T", v)
	}
	slices.Sort(out)
	return out, nil
}

func optionText(o jsm.Option) string {
	switch {
	case o.Value == "":
		return "id " + o.ID
	case o.Child != nil:
		return o.Value + " / " + o.Child.Value
	}
	return o.Value
}

var decimal = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// written is a text as a field with one value takes it; fits is false where it does not take it.
func written(s look, text string) (v []string, fits bool) {
	switch s {
	case sLine:
		fits = !strings.ContainsAny(text, "\n\r") && len(utf16.Encode([]rune(text))) <= 255
	case sURL:
		u, err := url.Parse(text)
		fits = err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
	case sRich:
		fits = true
	case sNumber:
		fits = decimal.MatchString(text)
	case sDate:
		_, err := time.Parse(time.DateOnly, text)
		fits = err == nil
	case sTime:
		_, err := time.Parse(time.RFC3339, text)
		fits = err == nil
	}
	return []string{text}, fits
}

// oneWord is what a label may be.
func oneWord(s string) bool {
	return s != "" && !strings.ContainsAny(s, " \t\n") && len(utf16.Encode([]rune(s))) <= 255
}

func quotes(list []string) string {
	var out []string
	for _, s := range list {
		out = append(out, strconv.Quote(s))
	}
	return strings.Join(out, ", ")
}
