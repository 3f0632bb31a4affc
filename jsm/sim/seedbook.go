package sim

import (
	"fmt"
	"strings"
)

// The built-in seeds. north and south are written apart, as two companies would have set up their desks:
// other words, other orders, other ids. Every other name gets the common desk below with its own ids, and
// one of three habits of naming things.

func seedFor(cfg Config) (*seed, error) {
	if len(cfg.Seed) > 0 {
		return readSeed(cfg.Seed)
	}
	var s *seed
	switch cfg.Name {
	case "north":
		s = northSeed()
	case "south":
		s = southSeed()
	default:
		if cfg.Name != strings.ToLower(cfg.Name) || strings.ContainsAny(cfg.Name, " ./:@") {
			return nil, fmt.Errorf("%w: name %q: lower-case letters, digits and hyphens only", ErrConfig, cfg.Name)
		}
		s = commonSeed(cfg.Name)
	}
	if cfg.Project != "" && cfg.Project != s.Project {
		for i := range s.Queues {
			q := strings.ReplaceAll(s.Queues[i].JQL, "project = "+s.Project, "project = "+cfg.Project)
			s.Queues[i].JQL = strings.ReplaceAll(q, fmt.Sprintf("project = %q", s.Project), fmt.Sprintf("project = %q", cfg.Project))
		}
		s.Project = cfg.Project
	}
	if cfg.Approve > 0 && s.Approval != nil {
		s.Approval.Need = cfg.Approve
	}
	return s, s.check()
}

// staff are the people whom every site has. The human has the agent's rights and edits beside the sync account.
func staff(site, zone string, names [6]string) []seedPerson {
	at := "@" + site + ".example"
	return []seedPerson{
		{Email: "agent" + at, Name: names[0], Role: Agent, TimeZone: zone},
		{Email: "sync" + at, Name: "Parley Sync", Role: Sync, TimeZone: zone},
		{Email: "human" + at, Name: names[1], Role: Human, TimeZone: zone},
		{Email: "admin" + at, Name: names[2], Role: Admin, TimeZone: zone},
		{Email: "approver" + at, Name: names[3], Role: Approver, TimeZone: zone},
		{Email: "customer" + at, Name: names[4], Role: Customer},
		{Email: "portal" + at, Name: names[5], Role: Customer, Portal: true},
		{Email: "hidden" + at, Name: "Kim Private", Role: Agent, Hidden: true},
		{Email: "guest" + at, Name: "Gale Guest", Role: Guest},
		{Email: "gone" + at, Name: "Greer Gone", Role: Agent, Inactive: true},
	}
}

// jsmFields are the fields that JSM itself brings.
func jsmFields() []seedField {
	return []seedField{
		{Name: "Request Type", Type: "requesttype"},
		{Name: "Organizations", Type: "organizations"},
		{Name: "Request participants", Type: "participants"},
		{Name: "Approvals", Type: "approvals"},
		{Name: "Approvers", Type: "users"},
		{Name: "Satisfaction", Type: "rating"},
		{Name: "Satisfaction date", Type: "ratingdate"},
	}
}

// desksOnly are two security levels: one for everybody with a licence, one for administrators and the sync account.
func desksOnly(staff, few string) []seedLevel {
	return []seedLevel{
		{staff, "People of the desk.", []Role{Agent, Human, Sync, Admin, Approver}},
		{few, "Administrators.", []Role{Admin, Sync}},
	}
}

func values(names ...string) []seedOption {
	out := make([]seedOption, len(names))
	for i, n := range names {
		out[i].Value = n
	}
	return out
}

func form(ids ...string) []seedForm {
	var out []seedForm
	for _, id := range ids {
		name, required := strings.CutSuffix(id, "!")
		out = append(out, seedForm{Field: name, Required: required})
	}
	return out
}

func hidden(f []seedForm, field, preset string) []seedForm {
	ff := seedForm{Field: field, Hidden: true}
	if preset != "" {
		ff.Preset = []byte(preset)
	}
	return append(f, ff)
}

func northSeed() *seed {
	s := &seed{Site: "north", Project: "SUPPORT", ProjectName: "Northwind Support", Other: "OPS", IDs: 10000,
		People:      staff("north", "Europe/Oslo", [6]string{"Astrid Berg", "Nils Haugen", "Ingrid Dahl", "Solveig Lund", "Carla Customer", "Per Portal"}),
		Priorities:  []string{"Critical", "Urgent", "High", "Medium", "Low"},
		Resolutions: []string{"Done", "Won't Do", "Duplicate", "Cannot Reproduce"},
		IssueTypes:  []string{"Incident", "Service Request", "Change"},
		Subtasks:    []string{"Sub-task"},
		Security:    desksOnly("Internal", "Confidential"),
		Assets:      []seedAsset{{"Mail server 1", "Server"}, {"Core router", "Router"}, {"Oslo printer", "Printer"}},
		Components:  []string{"Network", "Mail", "Billing"},
		Versions:    []string{"2026.1", "2026.2", "2026.3"},
		Statuses: []seedStatus{{"Waiting for support", "new"}, {"In progress", "indeterminate"}, {"Waiting for customer", "indeterminate"},
			{"Waiting for vendor", "indeterminate"}, {"Waiting for approval", "indeterminate"}, {"Resolved", "done"}, {"Closed", "done"}, {"Canceled", "done"}},
	}
	s.Organizations = []seedGroup{{Name: "Globex", Members: []string{"customer@north.example"}}, {Name: "Initech"}, {Name: "Unlinked Ltd", Apart: true}}
	s.Groups = []seedGroup{{Name: "network-team", Members: []string{"agent@north.example", "human@north.example"}}, {Name: "billing-team"}}
	s.Fields = append(jsmFields(),
		seedField{Name: "Contract number", Type: "text"},
		seedField{Name: "Steps taken", Type: "paragraph"},
		seedField{Name: "Affected users", Type: "number"},
		seedField{Name: "Needed by", Type: "date"},
		seedField{Name: "Outage start", Type: "datetime"},
		seedField{Name: "Impact", Type: "select", Options: values("Extensive", "Significant", "Moderate", "Minor")},
		seedField{Name: "Environment kind", Type: "radio", Options: values("Production", "Staging", "Test")},
		seedField{Name: "Products", Type: "multiselect", Options: values("Router", "Switch", "Firewall", "Phone")},
		seedField{Name: "Checks done", Type: "checkboxes", Options: values("Rebooted", "Cables", "Logs collected")},
		seedField{Name: "Location", Type: "cascading", Options: []seedOption{{"Norway", []string{"Oslo", "Bergen"}}, {"Sweden", []string{"Stockholm", "Malmö"}}}},
		seedField{Name: "Technical contact", Type: "user"},
		seedField{Name: "Watch list", Type: "users"},
		seedField{Name: "Responsible group", Type: "group"},
		seedField{Name: "Informed groups", Type: "groups"},
		seedField{Name: "Tags", Type: "labels"},
		seedField{Name: "Monitoring link", Type: "url"},
		seedField{Name: "Found in release", Type: "version"},
		seedField{Name: "Planned releases", Type: "versions"},
		seedField{Name: "Salary", Type: "number"},
		seedField{Name: "Partner reference", Type: "text"},
		seedField{Name: "Partner due", Type: "datetime"},
		seedField{Name: "Audit code", Type: "text", NoEdit: true},
		seedField{Name: "Related project", Type: "projectpicker"},
		seedField{Name: "Affected assets", Type: "assets"},
	)
	basics := form("summary!", "description", "priority", "Impact", "Contract number", "Partner reference")
	s.RequestTypes = []seedRequestType{
		{Name: "Get IT help", Description: "Something is broken or you do not know how.", IssueType: "Incident", Form: hidden(basics, "labels", "")},
		{Name: "Report an outage", Description: "Many people cannot work.", IssueType: "Incident", Form: hidden(form("summary!", "description!", "Outage start", "Affected users", "priority"), "Environment kind", `{"value":"Production"}`)},
		{Name: "Request new hardware", Description: "Needs an approval.", IssueType: "Service Request", Form: form("summary!", "description", "Products!", "Needed by", "Location")},
		{Name: "Ask for a change", Description: "A planned change.", IssueType: "Change", Form: form("summary!", "description", "Needed by")},
	}
	s.Transitions = northFlow()
	s.Approval = &seedApproval{Status: "Waiting for approval", Field: "Approvers", Name: "Manager approval"}
	s.SLAs = []seedSLA{
		{Name: "Time to first response", Minutes: 240, Goals: map[string]int{"Critical": 30, "Urgent": 60}, Stop: []string{"Resolved", "Closed", "Canceled"}, Reply: true},
		{Name: "Time to resolution", Minutes: 2400, Goals: map[string]int{"Critical": 240, "Urgent": 480, "High": 960}, Stop: []string{"Resolved", "Closed", "Canceled"}, Pause: []string{"Waiting for customer", "Waiting for approval"}},
	}
	s.Queues = []seedQueue{
		{Name: "All open", JQL: "project = SUPPORT AND statusCategory != Done ORDER BY created ASC", Columns: []string{"issuekey", "summary", "status", "priority", "reporter", "assignee"}},
		{Name: "Unassigned", JQL: "project = SUPPORT AND assignee IS EMPTY AND statusCategory != Done", Columns: []string{"issuekey", "summary", "created"}},
		{Name: "Globex", JQL: "project = SUPPORT AND labels = vendor-globex", Columns: []string{"issuekey", "summary", "status", "labels"}},
	}
	return s
}

func northFlow() []seedTransition {
	open := []string{"Waiting for support", "In progress", "Waiting for customer", "Waiting for vendor"}
	return []seedTransition{
		{Name: "Start work", From: []string{"Waiting for support", "Waiting for vendor"}, To: "In progress"},
		{Name: "Back to support", From: []string{"In progress", "Waiting for customer"}, To: "Waiting for support"},
		{Name: "Ask customer", From: []string{"Waiting for support", "In progress"}, To: "Waiting for customer"},
		{Name: "Respond to support", From: []string{"Waiting for customer"}, To: "Waiting for support", Portal: true},
		{Name: "Hand to vendor", From: []string{"In progress"}, To: "Waiting for vendor", Requires: "assignee", Screen: []string{"assignee"}},
		{Name: "Ask approval", From: []string{"Waiting for support", "In progress"}, To: "Waiting for approval", Screen: []string{"Approvers"}},
		{Name: "Approve", From: []string{"Waiting for approval"}, To: "In progress", Approval: "approve"},
		{Name: "Decline", From: []string{"Waiting for approval"}, To: "Canceled", Resolve: "Won't Do", Approval: "decline"},
		{Name: "Withdraw approval", From: []string{"Waiting for approval"}, To: "Waiting for support", Roles: []Role{Agent, Human, Sync, Admin}},
		{Name: "Resolve", From: open, To: "Resolved", Screen: []string{"resolution"}},
		{Name: "Mark as done", From: []string{"In progress"}, To: "Resolved", Resolve: "Done"},
		{Name: "Reopen", From: []string{"Resolved"}, To: "In progress", Resolve: "-"},
		{Name: "Close", From: []string{"Resolved"}, To: "Closed"},
		{Name: "Cancel request", From: []string{"Waiting for support", "Waiting for customer"}, To: "Canceled", Resolve: "Won't Do", Portal: true},
		{Name: "Force close", To: "Closed", Resolve: "Done", Roles: []Role{Admin}},
	}
}

func southSeed() *seed {
	s := &seed{Site: "south", Project: "HELP", ProjectName: "Southwind Help Desk", Other: "DEV", IDs: 20400,
		People:      staff("south", "Australia/Sydney", [6]string{"Mateo Silva", "Bruna Costa", "Rafael Pinto", "Livia Rocha", "Clara Cliente", "Paulo Portal"}),
		Priorities:  []string{"P1", "P2", "P3", "P4"},
		Resolutions: []string{"Fixed", "Done", "Rejected", "Duplicate"},
		IssueTypes:  []string{"Problem", "Request"},
		Subtasks:    []string{"Part of a problem"},
		Security:    desksOnly("Staff only", "Management"),
		Assets:      []seedAsset{{"Core router", "Network device"}, {"Mail server 1", "Host"}},
		Components:  []string{"network", "Mail", "Identity"},
		Versions:    []string{"R25", "R26"},
		Statuses: []seedStatus{{"Open", "new"}, {"In Progress", "indeterminate"}, {"Pending customer", "indeterminate"}, {"Pending approval", "indeterminate"},
			{"Resolved", "done"}, {"Closed", "done"}},
	}
	s.People = append(s.People, seedPerson{Email: "desk@globex.example", Name: "Globex Desk", Role: Customer},
		seedPerson{Email: "desk@north.example", Name: "Northwind Desk", Role: Customer})
	s.Organizations = []seedGroup{{Name: "Globex", Members: []string{"desk@globex.example"}}, {Name: "Northwind", Members: []string{"desk@north.example"}}}
	s.Groups = []seedGroup{{Name: "second-line", Members: []string{"agent@south.example"}}, {Name: "network-team", Members: []string{"human@south.example"}}}
	s.Fields = append([]seedField{
		{Name: "Contract reference", Type: "text"},
		{Name: "Severity", Type: "select", Options: values("Critical", "Major", "Minor")},
		{Name: "Team", Type: "select", Options: values("Network", "Mail", "Identity")},
		{Name: "Number of users", Type: "number"},
		{Name: "Region", Type: "cascading", Options: []seedOption{{"Sweden", []string{"Malmö", "Stockholm"}}, {"Norway", []string{"Oslo", "Tromsø"}}}},
		{Name: "Due for partner", Type: "datetime"},
		{Name: "Wanted on", Type: "date"},
		{Name: "Partner key", Type: "text"},
		{Name: "History notes", Type: "paragraph"},
		{Name: "Stage", Type: "radio", Options: values("Test", "Staging", "Production")},
		{Name: "Devices", Type: "multiselect", Options: values("Phone", "Router", "Firewall", "Printer")},
		{Name: "Done already", Type: "checkboxes", Options: values("Logs collected", "Rebooted", "Cables")},
		{Name: "Specialist", Type: "user"},
		{Name: "Informed", Type: "users"},
		{Name: "Owning group", Type: "group"},
		{Name: "Helping groups", Type: "groups"},
		{Name: "Keywords", Type: "labels"},
		{Name: "Dashboard", Type: "url"},
		{Name: "Seen in", Type: "version"},
		{Name: "Fixed in", Type: "versions"},
		{Name: "Impact", Type: "text"},
		{Name: "Severity", Type: "text", NoEdit: true},
	}, append(jsmFields(), seedField{Name: "Devices in Assets", Type: "assets"}, seedField{Name: "Belongs to project", Type: "projectpicker"})...)
	s.RequestTypes = []seedRequestType{
		{Name: "Report a problem", Description: "Something does not work.", IssueType: "Problem", Form: hidden(form("summary!", "description", "Contract reference", "Number of users"), "labels", "")},
		{Name: "Ask a question", Description: "You want to know something.", IssueType: "Request", Form: form("summary!", "description!")},
		{Name: "Other", Description: "Everything else.", IssueType: "Request", Form: hidden(form("summary!", "description", "priority"), "Stage", `{"value":"Production"}`)},
	}
	s.Transitions = []seedTransition{
		{Name: "Begin", From: []string{"Open"}, To: "In Progress"},
		{Name: "Wait for the customer", From: []string{"In Progress"}, To: "Pending customer"},
		{Name: "Customer answered", From: []string{"Pending customer"}, To: "In Progress", Portal: true},
		{Name: "Ask for approval", From: []string{"Open", "In Progress"}, To: "Pending approval", Screen: []string{"Approvers"}},
		{Name: "Approved", From: []string{"Pending approval"}, To: "In Progress", Approval: "approve"},
		{Name: "Declined", From: []string{"Pending approval"}, To: "Closed", Resolve: "Rejected", Approval: "decline"},
		{Name: "Solve", From: []string{"In Progress"}, To: "Resolved", Screen: []string{"resolution"}, Requires: "resolution"},
		{Name: "Back to work", From: []string{"Resolved"}, To: "In Progress", Resolve: "-"},
		{Name: "Close", From: []string{"Resolved"}, To: "Closed"},
		{Name: "Open again", From: []string{"Closed"}, To: "Open", Resolve: "-", Roles: []Role{Agent, Human, Sync, Admin}},
		{Name: "Cancel", From: []string{"Open"}, To: "Closed", Resolve: "Rejected", Portal: true},
	}
	s.Approval = &seedApproval{Status: "Pending approval", Field: "Approvers", Name: "Approval by the lead"}
	s.SLAs = []seedSLA{
		{Name: "First answer", Minutes: 120, Stop: []string{"Resolved", "Closed"}, Reply: true},
		{Name: "Time to resolution", Minutes: 1440, Goals: map[string]int{"P1": 180, "P2": 480}, Stop: []string{"Resolved", "Closed"}, Pause: []string{"Pending customer", "Pending approval"}},
	}
	s.Queues = []seedQueue{
		{Name: "Open problems", JQL: "project = HELP AND issuetype = Problem AND resolution IS EMPTY", Columns: []string{"issuekey", "summary", "priority", "status"}},
		{Name: "Network", JQL: `project = HELP AND Team = Network`, Columns: []string{"issuekey", "summary", "Team"}},
	}
	return s
}
