package rules

import (
	"slices"
	"strconv"
	"strings"

	"parley/jsm"
	"parley/replica"
)

// Plan is what would bring the ticket to what the incoming rules say.
type Plan struct {
	Create        *Create // the ticket is to be made; nil with an empty Ticket: it cannot, see Held
	Edit          jsm.Edit
	Transition    *jsm.Target
	Comments      []CommentWrite    // in the order to be written: by creation
	Attachments   []AttachmentWrite // likewise, before the comments, which may show them
	Answers       []AnswerWrite     // likewise: our account's answers to approvals
	Queue         *QueueWrite       // that is to hold the ticket afterwards
	Parts         []PartWrite       // likewise: work logs, links, participants
	Organizations *OrganizationWrite
	Writes        []Write        // the fields of Create, Edit, Transition and Organizations, one by one
	Agreed        []replica.Path // outgoing items whose field already holds what the peer asks for
	Overruled     []Overruled    // values that lost against an edit at the same time
	Contested     []Contested    // items changed on both sides at once, and how that was decided
	Insist        []replica.Path // outgoing items that stand against a withdrawal and must be said again
	Touched       Touched
	Held          []Held

	// Awaits lists, of each text that was judged, the peer's files that it shows and that are not here yet.
	Awaits map[replica.Path][]replica.Path

	Decisions []Decision // every item that was judged, and why it came out so
}

// Empty reports whether nothing is to be written.
func (p *Plan) Empty() bool {
	edits := len(p.Edit.Set) + len(p.Edit.Add) + len(p.Edit.Remove)
	return p.Create == nil && edits == 0 && p.Transition == nil && len(p.Comments) == 0 && len(p.Parts) == 0 && len(p.Answers) == 0 && p.Queue == nil && len(p.Attachments) == 0 && p.Organizations == nil
}

// Wrote reports whether the plan writes the field.
func (p *Plan) Wrote(fieldID string) bool { return slices.Contains(p.Touched.Fields, fieldID) }

// StatusPath is the remote item behind the transition.
func (p *Plan) StatusPath() replica.Path { return p.status().Path }

// StatusRule is the place of the rule behind the transition.
func (p *Plan) StatusRule() string { return p.status().Rule }

func (p *Plan) status() Write {
	if i := slices.IndexFunc(p.Writes, func(w Write) bool { return w.Field == "status" }); i >= 0 {
		return p.Writes[i]
	}
	return Write{Path: "status"}
}

// Create makes the ticket as a portal request. What the form lacks is in Plan.Edit.
type Create struct {
	Project     string // key
	ServiceDesk string // id
	RequestType string // id
	Fields      map[string]jsm.Value
	OnBehalfOf  string // account id; empty: we are the reporter
	Describes   bool   // the form has a description
	Rule        string
}

// Write is one field that the plan writes.
type Write struct {
	Path  replica.Path // the remote item behind it
	Field string       // local field id
	Name  string
	Rule  string
}

// Overruled is a value that is not taken because the other side's won; it stays readable.
type Overruled struct {
	Path replica.Path
	Item replica.Item
	Ours bool   // ours is the one that lost
	Rule string // file:line:col of the rule that decided

	Beaten []replica.Path // outgoing items whose value won, where the peer's lost
}

// Contested is an item that was changed on both sides at the same time.
type Contested struct {
	Path  replica.Path   // the remote item
	Ours  bool           // ours stands
	Moves []replica.Path // outgoing items that show the same field
}

// Touched is what the plan moves: local field ids, and the outgoing items that will read differently
// because of it.
type Touched struct {
	Fields []string
	Paths  []replica.Path
}

// CommentOp is what is done with a comment.
type CommentOp string

const (
	AddComment    CommentOp = "add"    // becomes the twin of Path
	EditComment   CommentOp = "edit"   // Body replaces LocalID's
	MarkComment   CommentOp = "mark"   // likewise: Body says that the sender deleted it
	DeleteComment CommentOp = "delete" // LocalID goes
	NoteComment   CommentOp = "note"   // a further comment that is nobody's twin
	ShowFile      CommentOp = "show"   // likewise: it shows the customer the file of Path, which is here
)

// Adds reports whether it makes a further comment.
func (op CommentOp) Adds() bool { return op == AddComment || op == NoteComment || op == ShowFile }

// CommentWrite is one comment to be written.
type CommentWrite struct {
	Op      CommentOp
	Path    replica.Path   // the remote item
	Part    int            // of a text too long for one comment: 1, 2 …; 0: it is one
	Parts   []CommentWrite // instead of it, where Jira finds it too long; nil: it is not
	LocalID string
	Body    jsm.Rich
	Public  bool
	Parent  replica.Path // the remote comment that it answers; empty: none
	ReplyTo string       // the comment here that it answers; empty: none, or Parent, which this plan makes
	Created int64        // Unix ms by the peer's Jira
	Rule    string
}

// PartPath names a part of a comment among the twins: the first is the comment itself.
func PartPath(comment replica.Path, part int) replica.Path {
	if part < 2 {
		return comment
	}
	return comment + partInfix + replica.Path(strconv.Itoa(part))
}

// Whole is the item behind the path of its part, or of the comment that shows it.
func Whole(p replica.Path) replica.Path {
	whole, _, _ := strings.Cut(string(p), partInfix)
	return replica.Path(strings.TrimSuffix(whole, EchoInfix))
}

const partInfix = "/part/" // between a comment's path and the number of a further part

// OrganizationWrite brings the ticket's organizations to Keep and Names. Names are looked up, or with
// Create made, and the field is then set as a whole.
type OrganizationWrite struct {
	FieldID string
	Keep    []jsm.Option
	Names   []string
	Create  bool
	Path    replica.Path
	Rule    string
}

// Classes of what is held.
const (
	Definite = "definite" // waits for a person or for new rules
	Policy   = "policy"   // the security team's limits took it out; nothing waits where Code is Dropped
)

// Codes of what is held: short words that may cross to the peer.
const (
	Unmapped   = "unmapped"
	Refused    = "refused"
	Expression = "expression"
	Nobody     = "person"
	Form       = "form"
	Concurrent = "concurrent"
	Dropped    = "dropped"
	Elsewhere  = "project"
	Unreadable = "unreadable"
	Budget     = "file-budget" // more bytes of files than [limits] allows
)

// Held is an item, or with an empty Path the whole link, that waits with a reason.
type Held struct {
	Path   replica.Path
	Class  string
	Code   string // the only member that may cross to the peer
	Reason string // a plain sentence
	Rule   string // file:line:col
	Next   string // what a person does about it
}

// Verdict is how a decision came out.
type Verdict string

const (
	Written Verdict = "write"
	Same    Verdict = "same"    // nothing to write
	Waits   Verdict = "held"    // see Held
	Ours    Verdict = "ours"    // wins = "ours", or the rule leaves our value
	Lost    Verdict = "lost"    // the peer's value is older than ours
	Skipped Verdict = "skipped" // the rule does not apply, or policy or otherwise = "skip" says so
)

// Decision is what became of one item and why. From and To may hold ticket texts: never log them.
type Decision struct {
	Path     replica.Path
	FieldID  string
	Field    string
	From, To string // as a person reads them
	Rule     string // file:line:col
	Verdict  Verdict
	Why      string
}
