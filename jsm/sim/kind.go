package sim

import (
	"slices"
	"strconv"
)

// A kind is what a field holds and how Jira's schema calls it. The stored form of a value in issue.vals:
//
//	text url date          string
//	paragraph              json.RawMessage (ADF)
//	number                 float64
//	datetime               time.Time
//	one of a list          string, the id (select, priority, version, status …)
//	many of a list         []string, the ids, in the order of the list
//	cascading              [2]string, ids of parent and child (child "" where none)
//	parent                 string, the issue's id; assets: []string, the objects' ids
//	user group             string, account id or group name; users groups labels: []string
//
// An empty value is not stored at all.
type kind string

const (
	kText         kind = "text"
	kParagraph    kind = "paragraph"
	kNumber       kind = "number"
	kDate         kind = "date"
	kDateTime     kind = "datetime"
	kSelect       kind = "select"
	kRadio        kind = "radio"
	kMulti        kind = "multiselect"
	kChecks       kind = "checkboxes"
	kCascade      kind = "cascading"
	kUser         kind = "user"
	kUsers        kind = "users"
	kGroup        kind = "group"
	kGroups       kind = "groups"
	kLabels       kind = "labels"
	kURL          kind = "url"
	kVersion      kind = "version"
	kVersions     kind = "versions"
	kComponents   kind = "components"
	kPriority     kind = "priority"
	kStatus       kind = "status"
	kResolution   kind = "resolution"
	kIssueType    kind = "issuetype"
	kProject      kind = "project"
	kOrgs         kind = "organizations"
	kParticipants kind = "participants"
	kRequestType  kind = "requesttype"
	kApprovals    kind = "approvals"
	kSLA          kind = "sla"
	kRating       kind = "rating"
	kRatingDate   kind = "ratingdate"
	kStamp        kind = "stamp"    // created, updated, resolutiondate: ours to set
	kComments     kind = "comments" // read only containers
	kLinks        kind = "links"    //
	kWorklogs     kind = "worklogs" //
	kAttachments  kind = "attachments"
	kWatches      kind = "watches"
	kSecurity     kind = "security"
	kParent       kind = "parent" // stored as the id in text
	kSubtasks     kind = "subtasks"
	kPicked       kind = "projectpicker"
	kAssets       kind = "assets"
	kTracking     kind = "timetrack" // timetracking; time spent follows from worklogs
)

type kindFacts struct {
	typ, items string
	custom     string // suffix of schema.custom
	ops        []string
	readOnly   bool
	searcher   bool // may be named in JQL
}

const (
	jiraFields = "com.atlassian.jira.plugin.system.customfieldtypes:"
	deskFields = "com.atlassian.servicedesk:"
)

var (
	setOnly = []string{"set"}
	setMany = []string{"add", "set", "remove"}
)

var kinds = map[kind]kindFacts{
	kText:         {typ: "string", custom: jiraFields + "textfield", ops: setOnly, searcher: true},
	kParagraph:    {typ: "string", custom: jiraFields + "textarea", ops: setOnly, searcher: true},
	kNumber:       {typ: "number", custom: jiraFields + "float", ops: setOnly, searcher: true},
	kDate:         {typ: "date", custom: jiraFields + "datepicker", ops: setOnly, searcher: true},
	kDateTime:     {typ: "datetime", custom: jiraFields + "datetime", ops: setOnly, searcher: true},
	kSelect:       {typ: "option", custom: jiraFields + "select", ops: setOnly, searcher: true},
	kRadio:        {typ: "option", custom: jiraFields + "radiobuttons", ops: setOnly, searcher: true},
	kMulti:        {typ: "array", items: "option", custom: jiraFields + "multiselect", ops: setMany, searcher: true},
	kChecks:       {typ: "array", items: "option", custom: jiraFields + "multicheckboxes", ops: setMany, searcher: true},
	kCascade:      {typ: "option-with-child", custom: jiraFields + "cascadingselect", ops: setOnly, searcher: true},
	kUser:         {typ: "user", custom: jiraFields + "userpicker", ops: setOnly, searcher: true},
	kUsers:        {typ: "array", items: "user", custom: jiraFields + "multiuserpicker", ops: setMany, searcher: true},
	kGroup:        {typ: "group", custom: jiraFields + "grouppicker", ops: setOnly, searcher: true},
	kGroups:       {typ: "array", items: "group", custom: jiraFields + "multigrouppicker", ops: setMany, searcher: true},
	kLabels:       {typ: "array", items: "string", custom: jiraFields + "labels", ops: setMany, searcher: true},
	kURL:          {typ: "string", custom: jiraFields + "url", ops: setOnly, searcher: true},
	kVersion:      {typ: "version", custom: jiraFields + "version", ops: setOnly, searcher: true},
	kVersions:     {typ: "array", items: "version", custom: jiraFields + "multiversion", ops: setMany, searcher: true},
	kComponents:   {typ: "array", items: "component", ops: setMany, searcher: true},
	kPriority:     {typ: "priority", ops: setOnly, searcher: true},
	kStatus:       {typ: "status", readOnly: true, searcher: true},
	kResolution:   {typ: "resolution", ops: setOnly, searcher: true},
	kIssueType:    {typ: "issuetype", ops: setOnly, searcher: true},
	kProject:      {typ: "project", ops: setOnly, searcher: true},
	kOrgs:         {typ: "array", items: "sd-customerorganization", custom: deskFields + "sd-customer-organizations", ops: setMany, searcher: true},
	kParticipants: {typ: "array", items: "user", custom: deskFields + "sd-request-participants", ops: setMany, searcher: true},
	kRequestType:  {typ: "sd-customerrequesttype", custom: deskFields + "vp-origin", ops: setOnly, searcher: true},
	kApprovals:    {typ: "sd-approvals", custom: "com.atlassian.servicedesk.approvals-plugin:sd-approvals", readOnly: true, searcher: true},
	kSLA:          {typ: "sd-servicelevelagreement", custom: deskFields + "sd-sla-field", readOnly: true, searcher: true},
	kRating:       {typ: "sd-feedback", custom: deskFields + "sd-request-feedback", readOnly: true, searcher: true},
	kRatingDate:   {typ: "datetime", custom: deskFields + "sd-request-feedback-date", readOnly: true, searcher: true},
	kStamp:        {typ: "datetime", readOnly: true, searcher: true},
	kComments:     {typ: "comments-page", readOnly: true, searcher: true},
	kLinks:        {typ: "array", items: "issuelinks", readOnly: true, searcher: true},
	kWorklogs:     {typ: "array", items: "worklog", readOnly: true},
	kAttachments:  {typ: "array", items: "attachment", readOnly: true, searcher: true},
	kWatches:      {typ: "watches", readOnly: true, searcher: true},
	kSecurity:     {typ: "securitylevel", ops: setOnly, searcher: true},
	kParent:       {typ: "issuelink", ops: setOnly, searcher: true},
	kSubtasks:     {typ: "array", items: "issuelinks", readOnly: true},
	kPicked:       {typ: "project", custom: jiraFields + "project", ops: setOnly, searcher: true},
	kAssets:       {typ: "array", items: "cmdb-object-field", custom: "com.atlassian.jira.plugins.cmdb:cmdb-object-cftype", ops: setMany, searcher: true},
	kTracking:     {typ: "timetracking", ops: setOnly},
}

// A field is a system field or a custom field of this tenant.
type field struct {
	id, name string
	kind     kind
	custom   int64    // number of customfield_N; 0: a system field
	clauses  []string // the names by which JQL knows it
	options  []*option
	noEdit   bool // not on the edit screen
	noCreate bool // not on the create screen
	history  string
}

// many tells whether the stored form is a list.
func (k kind) many() bool {
	return slices.Contains(kinds[k].ops, "add")
}

// listed tells whether the value is picked from a list of the tenant.
func (k kind) listed() bool {
	switch k {
	case kSelect, kRadio, kMulti, kChecks, kVersion, kVersions, kComponents, kPriority, kStatus, kResolution, kIssueType, kOrgs, kSecurity, kPicked:
		return true
	}
	return false
}

// nameKey is the member under which a listed value shows its name.
func (k kind) nameKey() string {
	switch k {
	case kSelect, kRadio, kMulti, kChecks, kCascade:
		return "value"
	}
	return "name"
}

func (f *field) schema() obj {
	facts := kinds[f.kind]
	s := obj{"type": facts.typ}
	if facts.items != "" {
		s["items"] = facts.items
	}
	if f.custom != 0 {
		s["custom"] = facts.custom
		s["customId"] = f.custom
	} else {
		s["system"] = f.id
	}
	return s
}

// systemFields are the fields that every Jira has, with the name that the changelog gives them.
func systemFields() []*field {
	sys := func(id, name string, k kind, history string, clauses ...string) *field {
		if clauses == nil {
			clauses = []string{id}
		}
		return &field{id: id, name: name, kind: k, history: history, clauses: clauses}
	}
	all := []*field{
		sys("summary", "Summary", kText, "summary"),
		sys("description", "Description", kParagraph, "description"),
		sys("environment", "Environment", kParagraph, "Environment"),
		sys("issuetype", "Issue Type", kIssueType, "issuetype", "issuetype", "type"),
		sys("project", "Project", kProject, "project"),
		sys("status", "Status", kStatus, "status"),
		sys("priority", "Priority", kPriority, "priority"),
		sys("resolution", "Resolution", kResolution, "resolution"),
		sys("assignee", "Assignee", kUser, "assignee"),
		sys("reporter", "Reporter", kUser, "reporter"),
		sys("creator", "Creator", kUser, "creator"),
		sys("labels", "Labels", kLabels, "labels"),
		sys("components", "Components", kComponents, "Component", "component"),
		sys("fixVersions", "Fix versions", kVersions, "Fix Version", "fixVersion"),
		sys("versions", "Affects versions", kVersions, "Version", "affectedVersion"),
		sys("duedate", "Due date", kDate, "duedate", "due", "duedate"),
		sys("timetracking", "Time tracking", kTracking, "timeoriginalestimate"),
		sys("attachment", "Attachment", kAttachments, "Attachment", "attachments"),
		sys("comment", "Comment", kComments, "Comment"),
		sys("issuelinks", "Linked Issues", kLinks, "Link", "issueLinkType"),
		sys("watches", "Watchers", kWatches, "", "watchers"),
		sys("security", "Security Level", kSecurity, "security", "level"),
		sys("parent", "Parent", kParent, "IssueParentAssociation", "parent"),
		sys("subtasks", "Sub-tasks", kSubtasks, "", "subtasks"),
		sys("worklog", "Log Work", kWorklogs, "worklog"),
		sys("created", "Created", kStamp, "created", "created", "createdDate"),
		sys("updated", "Updated", kStamp, "updated", "updated", "updatedDate"),
		sys("resolutiondate", "Resolved", kStamp, "resolutiondate", "resolutiondate", "resolved"),
		sys("statuscategorychangedate", "Status Category Changed", kStamp, "", "statusCategoryChangedDate"),
	}
	for _, f := range all {
		switch f.id {
		case "creator":
			f.noEdit, f.noCreate = true, true
		case "status", "issuetype", "project", "resolution":
			f.noEdit = true
		}
		if f.id == "resolution" || kinds[f.kind].readOnly {
			f.noCreate, f.noEdit = true, true
		}
	}
	return all
}

// customField makes a custom field with its number and its options' numbers.
func (t *Tenant) customField(s seedField) *field {
	n := t.next("field")
	f := &field{id: "customfield_" + strconv.FormatInt(n, 10), name: s.Name, kind: kind(s.Type), custom: n, noEdit: s.NoEdit}
	f.history = f.name
	f.clauses = []string{"cf[" + strconv.FormatInt(n, 10) + "]", f.name}
	for _, o := range s.Options {
		opt := &option{id: t.nextText("option"), value: o.Value}
		for _, child := range o.Children {
			opt.children = append(opt.children, &option{id: t.nextText("option"), value: child})
		}
		f.options = append(f.options, opt)
	}
	if kinds[f.kind].readOnly {
		f.noEdit, f.noCreate = true, true
	}
	return f
}
