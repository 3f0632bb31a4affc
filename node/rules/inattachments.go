package rules

import (
	"cmp"
	"fmt"
	"slices"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
	"parley/replica/adf"
)

// From the peer's files to what is attached here.

// inAttachments is [incoming.attachments] or [incoming."attachments.internal"].
type inAttachments struct {
	e     conf.Entity
	when  *expr
	block string
}

// AttachmentOp is what is done with a file.
type AttachmentOp string

const (
	AddAttachment    AttachmentOp = "attach" // becomes the twin of Path
	DeleteAttachment AttachmentOp = "detach" // LocalID goes
)

// AttachmentWrite is one file to be attached or to go.
type AttachmentWrite struct {
	Op      AttachmentOp
	Path    replica.Path // the remote item
	LocalID string
	Name    string // as the peer has it; the client makes it harmless
	MIME    string
	Size    int64 // bytes
	Hash    replica.Hash
	Public  bool   // for the customer to see
	Byline  string // whose file it is, above a public one; empty: no line
	Created int64  // Unix ms by the peer's Jira
	Rule    string
}

// inAttachments compiles a table of incoming attachments; ok is false where e is something else.
func (c *compiler) inAttachments(e conf.Entity) (ok bool) {
	i := slices.Index(attachmentKinds[:], e.Name.Value)
	if i < 0 {
		return false
	}
	in := &inAttachments{e: e, when: c.condition(e.When, "attachment"), block: c.gate.refuses(e.Name.Value)}
	if c.gate.internalOnly && e.As.Value != "internal" {
		c.warning(e.Name.Pos, "", "%s keeps whatever partners attach internal", c.gate.internalAt)
	}
	if in.block != "" {
		c.warning(e.Name.Pos, "they are not taken: remove it here", "%s", in.block)
	}
	c.landing[i] = in
	return true
}

// landingRule is the one that says what becomes of a file; nil: it is not taken. [incoming.attachments] also covers the
// peer's internal ones where those have no table of their own.
func (r *Rules) landingRule(public bool) *inAttachments {
	if public || r.landing[0] == nil {
		return r.landing[1]
	}
	return r.landing[0]
}

// leavingRule is the one that says what becomes of our copy of a file that the peer has deleted. By which of the two it
// came is not known any more where both are there: then the one of its readers here decides.
func (r *Rules) leavingRule(f *jsm.Attachment) *inAttachments {
	if in := r.landingRule(f.Customer()); in != nil {
		return in
	}
	return r.landing[0]
}

// landsPublic reports whether the customer here is to see a file of the peer's; the policy can only make it internal.
func (r *Rules) landsPublic(theirs bool) bool {
	in := r.landingRule(theirs)
	if in == nil || r.gate.internalOnly {
		return false
	}
	return in.e.As.Value == "public" || in.e.As.Value == "same" && theirs
}

// attachments plans what the peer's files come to here, in the order in which they were attached.
func (p *planner) attachments() {
	if p.r.landing[0] == nil && p.r.landing[1] == nil {
		return
	}
	taken := p.taken()
	var files []AttachmentWrite
	for _, path := range p.in.Changed {
		if path.Kind() != "attachment" {
			continue
		}
		it, there := p.in.Remote[path]
		if !there {
			p.attachmentGone(path)
			continue
		}
		a, ok := AttachmentOf(it)
		if !ok {
			p.plan.Held = append(p.plan.Held, Held{Path: path, Class: Definite, Code: Unreadable,
				Reason: "An attachment of the peer cannot be read by this version.", Next: "Update parley on both sides."})
			continue
		}
		if w, ok := p.attachment(path, a); ok {
			files = append(files, w)
		}
	}
	slices.SortStableFunc(files, func(a, b AttachmentWrite) int { // ids are numbers
		return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(len(a.Path), len(b.Path)), cmp.Compare(a.Path, b.Path))
	})
	for _, w := range files {
		if why := p.overBudget(taken + w.Size); why != "" {
			p.holdFile(w.Path, w.Rule, Budget, why, "Raise [limits] bytes_per_ticket, or leave large attachments out of the rules (max); then run: parley held retry.")
			continue
		}
		taken += w.Size
		p.plan.Attachments = append(p.plan.Attachments, w)
		p.judgedFile(w.Path, w.Rule, w.Name, Written, "new")
	}
}

// taken is how many bytes of the peer's files are here already.
func (p *planner) taken() (bytes int64) {
	if p.r.Limits.BytesPerTicket == 0 {
		return 0
	}
	for path, it := range p.in.Remote {
		if a, ok := AttachmentOf(it); ok {
			if _, here := p.in.twin(path); here {
				bytes += a.Size
			}
		}
	}
	return bytes
}

func (p *planner) overBudget(bytes int64) string {
	if p.r.Limits.BytesPerTicket == 0 {
		return ""
	}
	key := "the ticket"
	if p.in.Ticket != nil {
		key = p.in.Ticket.Key
	}
	return tooMuch(key, bytes, p.r.Limits.BytesPerTicket)
}

func (p *planner) judgedFile(path replica.Path, rule, name string, verdict Verdict, why string) {
	p.plan.Decisions = append(p.plan.Decisions, Decision{Path: path, FieldID: "attachment", Field: "Attachment", To: clip(name), Rule: rule, Verdict: verdict, Why: why})
}

func (p *planner) holdFile(path replica.Path, rule, code, reason, next string) {
	p.plan.Held = append(p.plan.Held, Held{Path: path, Class: Definite, Code: code, Rule: rule, Reason: reason, Next: next})
	p.judgedFile(path, rule, "", Waits, reason)
}

// attachment plans one file that the peer has; ok is false where nothing is to be done.
func (p *planner) attachment(path replica.Path, a replica.Attachment) (w AttachmentWrite, ok bool) {
	r := p.r.landingRule(a.Public)
	if r == nil {
		return w, false
	}
	rule := place(r.e.Name.Pos)
	if local, here := p.in.twin(path); here {
		p.fileHere(r, path, a, local)
		return w, false
	}
	if !p.takes(r, path, a) {
		return w, false
	}
	w = AttachmentWrite{
		Op: AddAttachment, Path: path, Name: a.Name, MIME: a.MIME, Size: a.Size, Hash: a.Hash, Created: int64(a.Created), Rule: rule,
		Public: p.r.landsPublic(a.Public),
	}
	if w.Public {
		w.Byline = p.byline(r.e.Byline.Value, a.Author)
	}
	return w, true
}

// takes reports whether a rule and the policy let a file in; where not, it is said why.
func (p *planner) takes(r *inAttachments, path replica.Path, a replica.Attachment) bool {
	rule, block := place(r.e.Name.Pos), r.block
	if block == "" {
		block = p.r.gate.deniesFile(a.Name, a.Size)
	}
	if block != "" {
		p.plan.Held = append(p.plan.Held, dropped(path, block, rule))
		p.judgedFile(path, rule, a.Name, Skipped, block)
		return false
	}
	if max := r.e.Max; max > 0 && a.Size > max {
		p.judgedFile(path, rule, a.Name, Skipped, fmt.Sprintf("it is larger than %s", conf.SizeText(max)))
		return false
	}
	if r.when != nil {
		s := *p.scope
		s.view, s.attachment = nil, attachmentRecord(a.Name, a.MIME, a.Size, a.Public, remotePerson(a.Author), millis(a.Created))
		ok, err := r.when.test(&s)
		if err != nil {
			p.holdFile(path, rule, Expression, fmt.Sprintf("An attachment is not taken: when cannot be decided, since %s.", err), "Correct the condition, or guard it with has().")
			return false
		}
		if !ok {
			p.judgedFile(path, rule, a.Name, Skipped, "when does not hold")
			return false
		}
	}
	return true
}

// attachmentGone follows a deletion at the peer's.
func (p *planner) attachmentGone(path replica.Path) {
	local, ok := p.in.twin(path)
	if !ok {
		return
	}
	file := p.file(local)
	if file == nil {
		return
	}
	r := p.r.leavingRule(file)
	if r == nil || r.block != "" {
		return
	}
	rule := place(r.e.Name.Pos)
	switch r.e.Deletes.Value {
	case "ignore":
		p.judgedFile(path, rule, file.Name, Skipped, `deletes = "ignore"`)
	case "mark":
		body := adf.Text(fmt.Sprintf("%s was deleted at %s", clip(file.Name), p.r.Peer))
		p.note(CommentWrite{Op: NoteComment, Path: path, Body: jsm.Rich(body.JSON()), Rule: rule})
		p.judgedFile(path, rule, file.Name, Written, "deleted by the peer: noted")
	default:
		p.plan.Attachments = append(p.plan.Attachments, AttachmentWrite{Op: DeleteAttachment, Path: path, LocalID: file.ID, Name: file.Name, Rule: rule})
		p.judgedFile(path, rule, file.Name, Written, "deleted by the peer")
	}
}

// goes reports whether a file that the peer deleted is deleted here, too.
func (p *planner) goes(local string) bool {
	f := p.file(local)
	if f == nil {
		return true
	}
	r := p.r.leavingRule(f)
	return r != nil && r.block == "" && r.e.Deletes.Value != "ignore" && r.e.Deletes.Value != "mark"
}

// file finds a file of the ticket by a twin's local id.
func (p *planner) file(local string) *jsm.Attachment {
	if p.in.Ticket == nil {
		return nil
	}
	i := slices.IndexFunc(p.in.Ticket.Attachments, func(f jsm.Attachment) bool { return FilePrefix+f.ID == local })
	if i < 0 {
		return nil
	}
	return &p.in.Ticket.Attachments[i]
}

// FilePrefix begins the local ids of files among a ticket's twins, and their items' paths.
const FilePrefix = "attachment/"
