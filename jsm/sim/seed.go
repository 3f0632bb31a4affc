package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
)

// A seed is the tenant as it stands before anything happened. Config.Seed may hold one as JSON, with the
// keys below; names refer to each other, ids are given out in the order of the lists from IDs on.
type seed struct {
	Site          string            `json:"site"`    // "north": host part, e-mail domain north.example
	Project       string            `json:"project"` // key of the service project
	ProjectName   string            `json:"projectName"`
	Other         string            `json:"otherProject"` // key of a second project, to move issues to
	IDs           int64             `json:"ids"`          // where ids begin; 0: derived from Site
	People        []seedPerson      `json:"people"`
	Organizations []seedGroup       `json:"organizations"`
	Groups        []seedGroup       `json:"groups"`
	Priorities    []string          `json:"priorities"` // highest first; the middle one is the default
	Statuses      []seedStatus      `json:"statuses"`   // the first is where an issue begins
	Resolutions   []string          `json:"resolutions"`
	IssueTypes    []string          `json:"issueTypes"`
	Subtasks      []string          `json:"subtaskTypes"` // issue types of sub-tasks
	Security      []seedLevel       `json:"security"`
	Assets        []seedAsset       `json:"assets"` // objects that fields of type assets point to
	Components    []string          `json:"components"`
	Versions      []string          `json:"versions"`
	Fields        []seedField       `json:"fields"`
	RequestTypes  []seedRequestType `json:"requestTypes"`
	Transitions   []seedTransition  `json:"transitions"`
	Approval      *seedApproval     `json:"approval"`
	Calendar      *seedCalendar     `json:"calendar"` // working hours; none: Monday to Friday, 9 to 17, UTC
	SLAs          []seedSLA         `json:"slas"`
	Queues        []seedQueue       `json:"queues"`
}

type seedPerson struct {
	Email    string `json:"email"`
	Name     string `json:"name"`
	Role     Role   `json:"role"`
	TimeZone string `json:"timeZone"` // IANA; empty: Etc/UTC
	Hidden   bool   `json:"hidden"`
	Inactive bool   `json:"inactive"`
	Portal   bool   `json:"portalOnly"` // a customer without an Atlassian account: a qm: id
}

type seedGroup struct {
	Name    string   `json:"name"`
	Members []string `json:"members"` // e-mails
	Apart   bool     `json:"apart"`   // an organization that is not linked to the desk
}

type seedLevel struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Roles       []Role `json:"roles"` // who may see issues at this level
}

type seedAsset struct {
	Label string `json:"label"`
	Type  string `json:"type"`
}

type seedStatus struct {
	Name     string `json:"name"`
	Category string `json:"category"` // new, indeterminate, done
}

type seedField struct {
	Name    string       `json:"name"`
	Type    string       `json:"type"` // a kind by its name in kind.go: "text", "select", …
	Options []seedOption `json:"options"`
	NoEdit  bool         `json:"noEdit"` // not on the edit screen
}

type seedOption struct {
	Value    string   `json:"value"`
	Children []string `json:"children"`
}

type seedRequestType struct {
	Name        string     `json:"name"`
	Description string     `json:"description"`
	IssueType   string     `json:"issueType"`
	Form        []seedForm `json:"form"`
}

type seedForm struct {
	Field    string          `json:"field"` // id of a system field or name of a custom one
	Required bool            `json:"required"`
	Hidden   bool            `json:"hidden"`
	Preset   json.RawMessage `json:"preset"`
}

type seedTransition struct {
	Name     string   `json:"name"`
	From     []string `json:"from"` // empty: from everywhere (global)
	To       string   `json:"to"`
	Screen   []string `json:"screen"`   // fields that may be set on it
	Roles    []Role   `json:"roles"`    // a condition: only these may use it
	Requires string   `json:"requires"` // a validator: this field must have a value
	Resolve  string   `json:"resolve"`  // a post-function: the resolution it sets; "-" clears it
	Portal   bool     `json:"portal"`   // customers see it
	Approval string   `json:"approval"` // "approve" or "decline": owned by the approval step
}

type seedApproval struct {
	Status string `json:"status"`
	Field  string `json:"field"` // the approvers' user field, by name
	Name   string `json:"name"`
	// How many approvals pass the step; 0: one. Percent, where set, counts instead: of the approvers.
	Need    int      `json:"need"`
	Percent int      `json:"percent"`
	Exclude []string `json:"exclude"` // assignee, reporter: who cannot be an approver
}

type seedCalendar struct {
	TimeZone string   `json:"timeZone"` // IANA; empty: UTC
	Opens    string   `json:"opens"`    // "09:00"
	Closes   string   `json:"closes"`
	Days     []string `json:"days"` // "mon", "tue" …
	Holidays []string `json:"holidays"`
}

type seedSLA struct {
	Name    string         `json:"name"`
	Minutes int            `json:"minutes"` // goal, in working minutes
	Goals   map[string]int `json:"goals"`   // by priority
	Stop    []string       `json:"stop"`    // statuses that complete the cycle
	Pause   []string       `json:"pause"`
	Reply   bool           `json:"reply"` // also completed by the first public comment of an agent
}

type seedQueue struct {
	Name    string   `json:"name"`
	JQL     string   `json:"jql"`
	Columns []string `json:"columns"`
}

// ErrSeed means that a seed does not hold together.
var ErrSeed = errors.New("sim: bad seed")

const maxSeed = 4 << 20 // bytes; a seed is written by hand

func readSeed(raw []byte) (*seed, error) {
	if len(raw) > maxSeed {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrSeed, maxSeed)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	s := new(seed)
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrSeed, err)
	}
	return s, s.check()
}

func (s *seed) check() error {
	switch {
	case s.Site == "" || s.Project == "":
		return fmt.Errorf("%w: site and project are needed", ErrSeed)
	case len(s.Statuses) == 0 || len(s.Priorities) == 0 || len(s.IssueTypes) == 0 || len(s.RequestTypes) == 0:
		return fmt.Errorf("%w: statuses, priorities, issueTypes and requestTypes are needed", ErrSeed)
	case len(s.People) == 0:
		return fmt.Errorf("%w: nobody works there", ErrSeed)
	}
	if s.IDs == 0 {
		h := fnv.New32a()
		h.Write([]byte(s.Site))
		s.IDs = 10000 + int64(h.Sum32()%89)*100
	}
	return nil
}
