package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// A setter reads values that an account wants to write, in one issue or in a new one.
type setter struct {
	t    *Tenant
	me   *user
	proj *project
	is   *issue // whose attachments wiki markup may name; nil: a new issue
	v2   bool   // rich text comes as wiki markup
}

const (
	maxLine = 255   // characters of summary, label, text field
	maxText = 32767 // characters of description, comment, paragraph, in Jira's stored form
)

const (
	notADF    = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
	notString = "Operation value must be a string"
)

// value turns the JSON of a field into its stored form; nil for empty. The second result is Jira's complaint.
func (s setter) value(f *field, raw json.RawMessage) (any, string) {
	if isNull(raw) {
		if f.id == "summary" {
			return nil, "You must specify a summary of the issue."
		}
		return nil, ""
	}
	switch f.kind {
	case kText, kURL:
		return s.line(f, raw)
	case kParagraph:
		return s.paragraph(raw)
	case kNumber:
		var n float64
		if json.Unmarshal(raw, &n) != nil {
			return nil, "Operation value must be a number"
		}
		return n, ""
	case kDate:
		text, complaint := readText(raw)
		if complaint != "" {
			return nil, complaint
		}
		if text == "" {
			return nil, ""
		}
		if !readDate(text) {
			return nil, "Error parsing date string: " + text
		}
		return text, ""
	case kDateTime:
		text, complaint := readText(raw)
		if complaint != "" {
			return nil, complaint
		}
		at, fine := readDateTime(text)
		if !fine {
			return nil, "Error parsing time: " + text
		}
		return at.UTC(), ""
	case kLabels:
		return s.labels(raw)
	case kUser, kUsers, kParticipants:
		return s.users(f, raw)
	case kGroup, kGroups:
		return s.groups(f, raw)
	case kCascade:
		return s.cascade(f, raw)
	case kRequestType, kOrgs, kTracking, kParent, kAssets:
		return s.linked(f, raw)
	}
	if f.kind.listed() {
		return s.listed(f, raw)
	}
	return nil, fmt.Sprintf("Field '%s' cannot be set. It is not on the appropriate screen, or unknown.", f.id)
}

// linked reads the kinds whose value names something that is more than an option.
func (s setter) linked(f *field, raw json.RawMessage) (any, string) {
	switch f.kind {
	case kRequestType:
		return s.requestType(raw)
	case kOrgs:
		return s.organizations(raw)
	case kAssets:
		return s.assets(raw)
	case kParent:
		return s.parent(raw)
	}
	return s.tracking(raw)
}

func isNull(raw json.RawMessage) bool {
	return len(raw) == 0 || bytes.Equal(bytes.TrimSpace(raw), []byte("null"))
}

func readText(raw json.RawMessage) (string, string) {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return "", notString
	}
	return text, ""
}

func tooLong(limit int) string {
	return fmt.Sprintf("The entered text is too long. It exceeds the allowed limit of %d characters.", limit)
}

func (s setter) line(f *field, raw json.RawMessage) (any, string) {
	text, complaint := readText(raw)
	if complaint != "" {
		return nil, complaint
	}
	n := utf8.RuneCountInString(text)
	switch {
	case f.id == "summary" && strings.TrimSpace(text) == "":
		return nil, "You must specify a summary of the issue."
	case f.id == "summary" && strings.ContainsAny(text, "\r\n"):
		return nil, "The summary is invalid because it contains newline characters."
	case f.id == "summary" && n > maxLine:
		return nil, "Summary can't exceed 255 characters."
	case text == "":
		return nil, ""
	case n > maxLine && f.kind == kText:
		return nil, tooLong(maxLine)
	}
	if f.kind == kURL {
		if u, err := url.Parse(text); err != nil || u.Scheme == "" || u.Host == "" && u.Scheme != "mailto" {
			return nil, fmt.Sprintf("Not a valid URL: %s", text)
		}
	}
	return text, ""
}

// paragraph reads rich text: a document on v3, wiki markup on v2.
func (s setter) paragraph(raw json.RawMessage) (any, string) {
	var text string
	isText := json.Unmarshal(raw, &text) == nil
	if s.v2 {
		if !isText {
			return nil, notString
		}
		if strings.TrimSpace(text) == "" {
			return nil, ""
		}
		if utf8.RuneCountInString(text) > maxText {
			return nil, tooLong(maxText)
		}
		return s.t.fromWiki(s.is, text), ""
	}
	if isText {
		return nil, notADF
	}
	if err := validADF(raw); err != nil {
		return nil, err.Error()
	}
	if utf8.RuneCount(raw) > maxText {
		return nil, "CONTENT_LIMIT_EXCEEDED"
	}
	if strings.TrimSpace(adfToText(raw)) == "" && emptyDoc(raw) {
		return nil, ""
	}
	return normalADF(raw, uint64(s.t.ids["history"])), ""
}

func emptyDoc(raw json.RawMessage) bool {
	var d struct{ Content []json.RawMessage }
	return json.Unmarshal(raw, &d) == nil && len(d.Content) == 0
}

func (s setter) labels(raw json.RawMessage) (any, string) {
	var list []string
	if json.Unmarshal(raw, &list) != nil {
		var one string
		if json.Unmarshal(raw, &one) == nil {
			return nil, "data was not an array"
		}
		return nil, "string expected at index 0"
	}
	var out []string
	for _, l := range list {
		switch {
		case strings.ContainsAny(l, " \t\r\n\u00a0"):
			return nil, fmt.Sprintf("The label '%s' contains spaces which is invalid.", l)
		case utf8.RuneCountInString(l) > maxLine:
			return nil, fmt.Sprintf("The label '%s' exceeds the maximum length of %d characters.", l, maxLine)
		case l != "" && !slices.Contains(out, l):
			out = append(out, l)
		}
	}
	return listOrNil(out), ""
}

func listOrNil(l []string) any {
	if len(l) == 0 {
		return nil
	}
	return l
}

// ref is how a listed value is named: by id, or by name or value.
type ref struct {
	ID        json.RawMessage `json:"id"`
	Name      *string         `json:"name"`
	Value     *string         `json:"value"`
	AccountID *string         `json:"accountId"`
	GroupID   *string         `json:"groupId"`
	Key       *string         `json:"key"`
	Child     *ref            `json:"child"`
}

func (r ref) id() string {
	var text string
	if json.Unmarshal(r.ID, &text) == nil {
		return text
	}
	return string(r.ID)
}

func (s setter) listed(f *field, raw json.RawMessage) (any, string) {
	choices := s.t.choices(f, s.proj)
	if !f.kind.many() {
		var r ref
		if json.Unmarshal(raw, &r) != nil {
			return nil, "Specify a valid 'id' or '" + f.kind.nameKey() + "' for " + f.name
		}
		id, complaint := r.among(f, choices)
		return id, complaint
	}
	var refs []ref
	if json.Unmarshal(raw, &refs) != nil {
		return nil, "data was not an array"
	}
	picked := map[string]bool{}
	for _, r := range refs {
		id, complaint := r.among(f, choices)
		if complaint != "" {
			return nil, complaint
		}
		picked[id] = true
	}
	var out []string
	for _, c := range choices {
		if picked[c.id] {
			out = append(out, c.id)
		}
	}
	return listOrNil(out), ""
}

func (r ref) among(f *field, choices []named) (string, string) {
	word := f.name
	if f.kind.nameKey() == "value" {
		word = "Option"
	}
	name := r.Name
	if f.kind.nameKey() == "value" {
		name = r.Value
	}
	switch {
	case len(r.ID) > 0:
		for _, c := range choices {
			if c.id == r.id() {
				return c.id, ""
			}
		}
		return "", fmt.Sprintf("%s id '%s' is not valid", word, r.id())
	case f.kind == kPicked && r.Key != nil:
		for _, c := range choices {
			if c.extra == *r.Key {
				return c.id, ""
			}
		}
		return "", fmt.Sprintf("%s key '%s' is not valid", word, *r.Key)
	case name != nil:
		for _, c := range choices {
			if c.name == *name {
				return c.id, ""
			}
		}
		return "", fmt.Sprintf("%s %s '%s' is not valid", word, f.kind.nameKey(), *name)
	}
	return "", fmt.Sprintf("Specify a valid 'id' or '%s' for %s", f.kind.nameKey(), f.name)
}

func (s setter) cascade(f *field, raw json.RawMessage) (any, string) {
	var r ref
	if json.Unmarshal(raw, &r) != nil {
		return nil, "Operation value must be an object"
	}
	id, complaint := r.among(f, optionNames(f.options))
	if complaint != "" {
		return nil, complaint
	}
	if r.Child == nil {
		return [2]string{id, ""}, ""
	}
	for _, o := range f.options {
		if o.id == id {
			child, complaint := r.Child.among(f, optionNames(o.children))
			return [2]string{id, child}, complaint
		}
	}
	return nil, "Option id '" + id + "' is not valid"
}

func optionNames(options []*option) []named {
	out := make([]named, len(options))
	for i, o := range options {
		out[i] = named{id: o.id, name: o.value}
	}
	return out
}

// choices is the list that a listed field picks from.
func (t *Tenant) choices(f *field, p *project) []named {
	switch f.kind {
	case kPriority:
		return t.lists.priorities
	case kResolution:
		return t.lists.resolutions
	case kIssueType:
		return t.lists.issueTypes
	case kStatus:
		out := make([]named, len(t.lists.statuses))
		for i, s := range t.lists.statuses {
			out[i] = named{id: s.id, name: s.name, extra: s.category}
		}
		return out
	case kSecurity:
		out := make([]named, len(t.lists.levels))
		for i, l := range t.lists.levels {
			out[i] = named{id: l.id, name: l.name}
		}
		return out
	case kComponents:
		return t.lists.components
	case kVersion, kVersions:
		out := make([]named, len(t.lists.versions))
		for i, v := range t.lists.versions {
			out[i] = named{id: v.id, name: v.name}
		}
		return out
	case kOrgs:
		out := make([]named, len(t.lists.orgs))
		for i, o := range t.lists.orgs {
			out[i] = named{id: o.id, name: o.name}
		}
		return out
	case kAssets:
		out := make([]named, len(t.lists.assets))
		for i, a := range t.lists.assets {
			out[i] = named{id: a.id, name: a.label, extra: a.key}
		}
		return out
	case kProject, kPicked:
		out := make([]named, len(t.lists.projects))
		for i, p := range t.lists.projects {
			out[i] = named{id: p.id, name: p.name, extra: p.key}
		}
		return out
	}
	return optionNames(f.options)
}
