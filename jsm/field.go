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
	AssetType       FieldType = "asset"         // objects of Assets (once Insight)
	EffortType      FieldType = "time-tracking" // the original and the remaining estimate
	ParentType      FieldType = "parent"        // the issue that this one is a part of
	WatchersType    FieldType = "watchers"      // read here; written by calls of their own
	SLAType         FieldType = "sla"           // never written: Jira runs it
	ApprovalsType   FieldType = "approvals"     // never written: approvers answer
	FeedbackType    FieldType = "satisfaction"  // never written: the customer rates
	ReadOnly        FieldType = "read-only"     // time stamps, counters …: read as Raw, never written
	UnknownType     FieldType = "unknown"       // an app's field: read as Raw, never written
)

// Set reports whether the type holds several values that can be added and removed one by one.
func (t FieldType) Set() bool {
	switch t {
	case MultiSelect, Checkboxes, MultiUser, MultiGroup, Labels, MultiVersion, Components, Organizations, Participants, AssetType, WatchersType:
		return true
	}
	return false
}

// OwnOptions reports whether a custom field of the type has a list of options of its own, which an
// administrator can add to.
func (t FieldType) OwnOptions() bool {
	switch t {
	case Select, Radio, MultiSelect, Checkboxes, Cascading:
		return true
	}
	return false
}

// Whole reports whether a set can only be written as a whole: adding single values is not to be relied on.
func (t FieldType) Whole() bool { return t == Organizations || t == Participants || t == AssetType }

// Writable reports whether a value of the type can be written by Edit or CreateRequest.
func (t FieldType) Writable() bool {
	switch t {
	case ReadOnly, UnknownType, StatusType, WatchersType, SLAType, ApprovalsType, FeedbackType:
		return false
	}
	return true
}

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
	"timetracking": EffortType, "parent": ParentType, "watches": WatchersType,
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
	"sd-approvals": ApprovalsType, "sd-sla-field": SLAType, "sd-request-feedback": FeedbackType, "cmdb-object-cftype": AssetType,
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
