package jsm

import "strings"

// FieldType says how a field's value reads and writes. See Value for the Go side.
type FieldType string

const (
	Text            FieldType = "text"
	Paragraph       FieldType = "paragraph"
	NumberType      FieldType = "number"
	DateType        FieldType = "date"
	DateTime        FieldType = "datetime"
	Select          FieldType = "select"
	Radio           FieldType = "radio"
	MultiSelect     FieldType = "multi-select"
	Checkboxes      FieldType = "checkboxes"
	Cascading       FieldType = "cascading"
	User            FieldType = "user"
	MultiUser       FieldType = "multi-user"
	Group           FieldType = "group"
	MultiGroup      FieldType = "multi-group"
	Labels          FieldType = "labels"
	URL             FieldType = "url"
	Version         FieldType = "version"
	MultiVersion    FieldType = "multi-version"
	Components      FieldType = "components"
	Priority        FieldType = "priority"
	StatusType      FieldType = "status" // written by TransitionTo only
	Resolution      FieldType = "resolution"
	Security        FieldType = "security"
	IssueType       FieldType = "issue-type"
	ProjectType     FieldType = "project"
	Organizations   FieldType = "organizations"
	Participants    FieldType = "participants"
	RequestTypeType FieldType = "request-type"
	ReadOnly        FieldType = "read-only" // SLA, approvals, feedback, time stamps …: read as Raw, never written
	UnknownType     FieldType = "unknown"   // an app's field: read as Raw, never written
)

// Set reports whether the type holds several values that can be added and removed one by one.
func (t FieldType) Set() bool {
	switch t {
	case MultiSelect, Checkboxes, MultiUser, MultiGroup, Labels, MultiVersion, Components, Organizations, Participants:
		return true
	}
	return false
}

// Writable reports whether a value of the type can be written by Edit or CreateRequest.
func (t FieldType) Writable() bool { return t != ReadOnly && t != UnknownType && t != StatusType }

// Field is one field of the tenant. ID is its only stable name.
type Field struct {
	ID      string // "summary", "customfield_10050"
	Name    string // in the account's language; two fields may share it
	Custom  bool
	Type    FieldType
	Options []string // names of the allowed values where known, a child as "Parent / Child"; nil: not known
}

// fieldSchema is the part of Jira's field description that tells the type.
type fieldSchema struct {
	Type   string `json:"type"`
	Items  string `json:"items"`
	System string `json:"system"`
	Custom string `json:"custom"`
}

// systemTypes are Jira's own fields by schema.system, which equals their id. Those that are absent
// here are read-only for us.
var systemTypes = map[string]FieldType{
	"summary": Text, "description": Paragraph, "environment": Paragraph,
	"priority": Priority, "status": StatusType, "resolution": Resolution, "security": Security,
	"labels": Labels, "components": Components, "fixVersions": MultiVersion, "versions": MultiVersion,
	"assignee": User, "reporter": User, "duedate": DateType,
	"issuetype": IssueType, "project": ProjectType,
}

// customTypes are custom fields by the last part of schema.custom, as
// "com.atlassian.jira.plugin.system.customfieldtypes:textfield" or "com.atlassian.servicedesk:vp-origin".
var customTypes = map[string]FieldType{
	"textfield": Text, "textarea": Paragraph, "float": NumberType, "datepicker": DateType, "datetime": DateTime,
	"select": Select, "radiobuttons": Radio, "multiselect": MultiSelect, "multicheckboxes": Checkboxes,
	"cascadingselect": Cascading, "userpicker": User, "people": MultiUser, "multiuserpicker": MultiUser,
	"grouppicker": Group, "multigrouppicker": MultiGroup, "labels": Labels, "url": URL,
	"version": Version, "multiversion": MultiVersion, "project": ProjectType,
	"vp-origin": RequestTypeType, "sd-customer-organizations": Organizations, "sd-request-participants": Participants,
	"sd-approvals": ReadOnly, "sd-sla-field": ReadOnly, "sd-request-feedback": ReadOnly,
	"sd-request-feedback-date": ReadOnly, "sd-sentiment": ReadOnly, "sd-request-language": ReadOnly,
	"readonlyfield": ReadOnly, "importid": ReadOnly, "firstresponsedate": ReadOnly,
}

// atlassianTypes are the plugins whose short names customTypes lists; another vendor's "select" is
// not known to read like Atlassian's.
var atlassianTypes = []string{
	"com.atlassian.jira.plugin.system.customfieldtypes:", "com.atlassian.servicedesk:", "com.atlassian.servicedesk.",
	"com.atlassian.jira.plugins.", "com.atlassian.jpo:",
}

func (s fieldSchema) fieldType(id string) FieldType {
	if s.Custom == "" {
		name := s.System
		if name == "" {
			name = id // a form's description of a system field can lack schema.system
		}
		if t, ok := systemTypes[name]; ok {
			return t
		}
		return ReadOnly
	}
	for _, vendor := range atlassianTypes {
		if !strings.HasPrefix(s.Custom, vendor) {
			continue
		}
		if t, ok := customTypes[s.Custom[strings.LastIndexByte(s.Custom, ':')+1:]]; ok {
			return t
		}
	}
	return UnknownType
}

// systemField is the field of a system id; tickets always carry these.
func systemField(id string) (Field, bool) {
	t, ok := systemTypes[id]
	return Field{ID: id, Name: id, Type: t}, ok
}
