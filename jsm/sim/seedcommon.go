package sim

import (
	"fmt"
	"hash/fnv"
	"strings"
)

// habit is one way of naming what every desk has.
type habit struct {
	priorities []string
	statuses   [5]string // new, working, waiting, approval, done
	resolution []string
	request    [2]string
	contract   string
	impact     string
	levels     []string
}

var habits = []habit{
	{[]string{"Highest", "High", "Medium", "Low", "Lowest"}, [5]string{"To Do", "In Progress", "Pending", "Awaiting approval", "Done"}, []string{"Done", "Won't Do"},
		[2]string{"Get help", "Order something"}, "Contract", "Impact", []string{"High", "Medium", "Low"}},
	{[]string{"Blocker", "Major", "Minor", "Trivial"}, [5]string{"New", "Working", "On hold", "Needs approval", "Solved"}, []string{"Solved", "Rejected"},
		[2]string{"Report a fault", "New request"}, "Contract no.", "Business impact", []string{"Company", "Department", "Person"}},
	{[]string{"1 - Urgent", "2 - Soon", "3 - Later"}, [5]string{"Received", "Assigned", "Waiting", "For approval", "Finished"}, []string{"Finished", "Cancelled"},
		[2]string{"Technical question", "Service order"}, "Agreement", "Reach", []string{"Everybody", "Some", "One"}},
}

// commonSeed is the desk of every tenant that is neither north nor south. Its project key is made of the
// name's letters: client-a has CLIENTA.
func commonSeed(name string) *seed {
	h := fnv.New32a()
	h.Write([]byte(name))
	n := h.Sum32()
	w := habits[n%uint32(len(habits))]
	st := w.statuses
	zones := []string{"Europe/Berlin", "America/New_York", "Asia/Kolkata", "Etc/UTC"}
	key := strings.ToUpper(strings.ReplaceAll(name, "-", ""))
	title := strings.ToUpper(name[:1]) + name[1:]
	s := &seed{Site: name, Project: key[:min(10, len(key))], ProjectName: title + " Desk", Other: "MOVED",
		People:     staff(name, zones[n/7%uint32(len(zones))], [6]string{title + " Agent", title + " Human", title + " Admin", title + " Approver", title + " Customer", title + " Portal"}),
		Priorities: w.priorities, Resolutions: w.resolution, IssueTypes: []string{"Task", "Service Request"}, Subtasks: []string{"Subtask"}, Security: desksOnly("Internal", "Restricted"), Assets: []seedAsset{{"Core router", "Router"}, {"Mail server 1", "Server"}}, Components: []string{"General", "Network"}, Versions: []string{"1.0", "2.0"},
		Statuses: []seedStatus{{st[0], "new"}, {st[1], "indeterminate"}, {st[2], "indeterminate"}, {st[3], "indeterminate"}, {st[4], "done"}},
	}
	s.People = append(s.People, seedPerson{Email: "partner@" + name + ".example", Name: "Partner Desk", Role: Customer})
	s.Organizations = []seedGroup{{Name: "Partner", Members: []string{"partner@" + name + ".example"}}}
	s.Groups = []seedGroup{{Name: "first-line", Members: []string{"agent@" + name + ".example"}}}
	s.Fields = []seedField{
		{Name: w.contract, Type: "text"},
		{Name: w.impact, Type: "select", Options: values(w.levels...)},
		{Name: "Notes", Type: "paragraph"},
		{Name: "People affected", Type: "number"},
		{Name: "Wanted by", Type: "date"},
		{Name: "Began at", Type: "datetime"},
		{Name: "Stage", Type: "radio", Options: values("Live", "Trial")},
		{Name: "Goods", Type: "multiselect", Options: values("Phone", "Router", "Laptop")},
		{Name: "Checks", Type: "checkboxes", Options: values("Rebooted", "Cables")},
		{Name: "Place", Type: "cascading", Options: []seedOption{{"North", []string{"N1", "N2"}}, {"South", []string{"S1"}}}},
		{Name: "Expert", Type: "user"},
		{Name: "Informed", Type: "users"},
		{Name: "Crew", Type: "group"},
		{Name: "Crews", Type: "groups"},
		{Name: "Words", Type: "labels"},
		{Name: "Page", Type: "url"},
		{Name: "Seen in", Type: "version"},
		{Name: "Fixed in", Type: "versions"},
		{Name: "Partner reference", Type: "text"},
		{Name: "Partner due", Type: "datetime"},
		{Name: "Not editable", Type: "text", NoEdit: true},
	}
	if n%2 == 0 {
		s.Fields = append(jsmFields(), s.Fields...)
	} else {
		s.Fields = append(s.Fields, jsmFields()...)
	}
	s.Fields = append(s.Fields, seedField{Name: "Other project", Type: "projectpicker"}, seedField{Name: "Machines", Type: "assets"})
	s.RequestTypes = []seedRequestType{
		{Name: w.request[0], Description: "Something is wrong.", IssueType: "Task", Form: hidden(form("summary!", "description", "priority", w.contract, w.impact), "labels", "")},
		{Name: w.request[1], Description: "You need something.", IssueType: "Service Request", Form: hidden(form("summary!", "description"), "Stage", `{"value":"Live"}`)},
	}
	s.Transitions = []seedTransition{
		{Name: "Start", From: []string{st[0]}, To: st[1]},
		{Name: "Wait", From: []string{st[1]}, To: st[2]},
		{Name: "Go on", From: []string{st[2]}, To: st[1], Portal: true},
		{Name: "Ask approval", From: []string{st[0], st[1]}, To: st[3], Screen: []string{"Approvers"}},
		{Name: "Approve", From: []string{st[3]}, To: st[1], Approval: "approve"},
		{Name: "Decline", From: []string{st[3]}, To: st[4], Resolve: w.resolution[1], Approval: "decline"},
		{Name: "Finish", From: []string{st[1], st[2]}, To: st[4], Resolve: w.resolution[0], Screen: []string{"resolution"}},
		{Name: "Reopen", From: []string{st[4]}, To: st[1], Resolve: "-"},
	}
	s.Approval = &seedApproval{Status: st[3], Field: "Approvers", Name: "Approval"}
	s.SLAs = []seedSLA{
		{Name: "First reply", Minutes: 180, Stop: []string{st[4]}, Reply: true},
		{Name: "Time to done", Minutes: 1920, Goals: map[string]int{w.priorities[0]: 240}, Stop: []string{st[4]}, Pause: []string{st[2]}},
	}
	s.Queues = []seedQueue{{Name: "Open", JQL: fmt.Sprintf("project = %q AND resolution IS EMPTY", s.Project), Columns: []string{"issuekey", "summary", "status", "priority"}}}
	return s
}
