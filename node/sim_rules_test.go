package node_test

import "strings"

// A shape is one way in which two companies agree: the customer's rules, the
// vendor's, and what the checks must know of both.
type shape struct {
	name            string
	customer        string
	vendor          string
	stubborn        bool              // the customer's word wins where both changed an item at once
	strict          bool              // what no map names is held
	deletes, people bool              // the vendor deletes with the customer; assignees cross
	down            map[string]string // the customer's priorities as the vendor has them
	up              map[string]string // and back
	terms           terms             // which parts of a ticket cross
}

const customerRules = `
peer = "south"
connection = "desk"
project = "SUPPORT"

[trigger]
jql = 'project = SUPPORT AND labels = vendor-x'

[outgoing]
share = ["summary", "description", "priority", "status", "labels", "components", "due_date"]

[outgoing.comments]

[people]
share = "name"

[incoming]
accept = ["labels", "summary", "due_date"]

[incoming.comments]
as = "same"

[incoming.components]
map = { network = "Network", Mail = "Mail" }
otherwise = "skip"
mode = "replace"

[incoming.priority]
map = { P1 = "Critical", P2 = "High", P3 = "Medium", P4 = "Low" }

[incoming.status]
map = { Resolved = "Resolved", "In Progress" = "In progress" }
otherwise = "skip"
resolution = { Resolved = "Done" }
reopen = true
`

const vendorRules = `
peer = "north"
connection = "desk"
project = "HELP"

[outgoing]
share = ["summary", "priority", "status", "labels", "components", "due_date"]

[outgoing.comments]

[people]
share = "name"

[incoming]
accept = ["labels", "summary", "description", "due_date"]

[incoming.comments]
as = "same"

[incoming.components]
map = { Network = "network", Mail = "Mail" }
otherwise = "skip"
mode = "replace"

[incoming.create]
project = "HELP"
request_type = "Report a problem"

[incoming.priority]
map = { Critical = "P1", Urgent = "P1", High = "P2", Medium = "P3" }
else = "P4"
`

// with replaces the first old text, which must be there.
func with(text, old, now string) string {
	if !strings.Contains(text, old) {
		panic("the rules lack " + old)
	}
	return strings.Replace(text, old, now, 1)
}

var (
	downMap = map[string]string{"Critical": "P1", "Urgent": "P1", "High": "P2", "Medium": "P3", "Low": "P4"}
	upMap   = map[string]string{"P1": "Critical", "P2": "High", "P3": "Medium", "P4": "Low"}
)

// shapes are played in turn, by the seed.
func shapes() []shape {
	plain := shape{name: "latest", customer: customerRules, vendor: vendorRules, down: downMap, up: upMap}

	stubborn := plain
	stubborn.name, stubborn.stubborn = "ours against theirs", true
	stubborn.customer = with(with(customerRules, `accept = ["labels", "summary",`, `accept = ["labels",`), "P4 = \"Low\" }\n", "P4 = \"Low\" }\nwins = \"ours\"\n") +
		"\n[incoming.summary]\nwins = \"ours\"\n"
	stubborn.vendor = with(with(vendorRules, `accept = ["labels", "summary",`, `accept = ["labels",`), "else = \"P4\"\n", "else = \"P4\"\nwins = \"theirs\"\n") +
		"\n[incoming.summary]\nwins = \"theirs\"\n"

	strict := plain
	strict.name, strict.strict, strict.deletes = "strict", true, true
	strict.vendor = with(with(vendorRules, "else = \"P4\"\n", ""), "as = \"same\"\n", "as = \"same\"\ndeletes = \"delete\"\n")

	people := plain
	people.name, people.people = "people", true
	people.customer = with(with(customerRules, `share = "name"`, "share = \"email\"\nmap = { \"agent@south.example\" = \"agent@north.example\", \"human@south.example\" = \"human@north.example\" }\nelse = \"drop\""),
		`"due_date"]`, `"due_date", "assignee"]`) + "\n[incoming.assignee]\n"
	people.vendor = with(with(vendorRules, `share = "name"`, "share = \"email\"\nmap = { \"agent@north.example\" = \"agent@south.example\", \"human@north.example\" = \"human@south.example\" }\nelse = \"drop\""),
		`"due_date"]`, `"due_date", "assignee"]`) + "\n[incoming.assignee]\n"
	return []shape{plain, stubborn, strict, people}
}

// The third company is another customer of the north, which passes nothing on.
const (
	clientRules = `
peer = "north"
connection = "side"
project = "CLIENTA"

[trigger]
jql = 'project = CLIENTA AND labels = partner-x'

[outgoing]
share = ["summary", "description"]

[outgoing.comments]

[incoming]
accept = ["summary"]

[incoming.comments]
as = "same"
`
	hostRules = `
peer = "client-a"
connection = "side"
project = "SUPPORT"

[outgoing]
share = ["summary"]

[outgoing.comments]

[incoming]
accept = ["summary", "description"]

[incoming.comments]
as = "same"

[incoming.create]
project = "SUPPORT"
request_type = "Get IT help"
`
)

// cast gives the companies of a shape; a third where there shall be one.
func (s shape) cast(third bool) []role {
	north := role{name: "north", rules: map[string]string{"link": s.customer}, closed: s.terms.up.closed}
	south := role{name: "south", rules: map[string]string{"link": s.vendor}, closed: s.terms.down.closed}
	if !third {
		return []role{north, south}
	}
	north.rules["other"] = hostRules
	return []role{north, south, {name: "client-a", rules: map[string]string{"link": clientRules}}}
}
