package rules

import (
	"fmt"
	"strings"
	"time"

	"cel.dev/cel-go/cel"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
)

// From a ticket's files to what the peer is shown of them.

// outAttachments is [outgoing.attachments] or [outgoing."attachments.internal"].
type outAttachments struct {
	e     conf.Entity
	when  *expr
	never string
}

// attachmentKinds are the entities in the order in which compiled rules hold them.
var attachmentKinds = [2]string{"attachments.internal", "attachments"}

// outAttachments compiles a table of outgoing attachments; ok is false where e is something else.
func (c *compiler) outAttachments(e conf.Entity) (ok bool) {
	for i, name := range attachmentKinds {
		if e.Name.Value == name {
			c.files[i] = &outAttachments{e: e, when: c.condition(e.When, "attachment"), never: c.gate.forbids(name)}
			c.neverWarning(e.Name, c.files[i].never)
			return true
		}
	}
	return false
}

// attachmentShape is the type of the variable attachment. size is in bytes; type is what the uploader said.
func attachmentShape() *shape {
	return newShape("attachment", map[string]*cel.Type{"name": cel.StringType, "size": cel.IntType, "type": cel.StringType,
		"public": cel.BoolType, "author": personType, "created": cel.TimestampType})
}

// attachmentRecord is the variable attachment. A type that the uploader did not say is missing.
func attachmentRecord(name, mime string, size int64, public bool, author *record, created time.Time) *record {
	return fields("attachment", map[string]any{"name": name, "size": size, "type": mime, "public": public, "author": author, "created": created})
}

// SharesFiles reports whether the outgoing rules name attachments: who the customer is shown must then be proved.
func (r *Rules) SharesFiles() bool { return r.files[0] != nil || r.files[1] != nil }

// namesFiles reports whether the rules name attachments in either direction.
func (r *Rules) namesFiles() bool {
	return r.SharesFiles() || r.landing[0] != nil || r.landing[1] != nil
}

// withRequest is how long after a ticket a file may come and still be part of the request itself, as its description is.
const withRequest = time.Minute

// attachments adds the ticket's files to the view. Their content never changes, so what was shared stays as the peer has
// it; one that does not pass any more is withdrawn only where the rule says retract, and one that was deleted is gone.
func (v *viewer) attachments() {
	if !v.r.SharesFiles() {
		return
	}
	t := v.in.Ticket
	for i := range t.Attachments {
		a := &t.Attachments[i]
		p := replica.Path(FilePrefix + a.ID)
		if v.in.Twins[string(p)] {
			continue
		}
		posted, was := v.in.Posted[p]
		if !was && !v.in.Since.IsZero() && a.Created.Before(v.in.Since) && a.Created.After(t.Created.Add(withRequest)) {
			continue
		}
		it, rule, ok := v.attachment(a, p, posted)
		switch {
		case ok:
			v.view[p] = it
		case was && (rule == nil || !rule.e.Retract.Value):
			v.view[p] = posted
		}
	}
}

// attachment makes a file's item; ok is false where it does not pass, or cannot be shown yet.
func (v *viewer) attachment(a *jsm.Attachment, p replica.Path, posted replica.Item) (it replica.Item, rule *outAttachments, ok bool) {
	was, known := AttachmentOf(posted)
	public := a.Customer() || known && was.Public // what was shown to the customer once stays so
	rule = v.r.files[0]
	if public {
		rule = v.r.files[1]
	}
	if rule == nil {
		v.stays(p, conf.Pos{}, noRule)
		return it, nil, false
	}
	hold := func(code, reason, next string) {
		v.held = append(v.held, Held{Path: p, Class: Definite, Code: code, Rule: place(rule.e.Name.Pos), Reason: reason, Next: next})
	}
	if max := rule.e.Max; max > 0 && a.Size > max {
		v.stays(p, rule.e.Name.Pos, fmt.Sprintf("it is larger than %s", conf.SizeText(max)))
		return it, rule, false
	}
	if rule.when != nil {
		s := *v.scope
		s.ticket, s.attachment = nil, attachmentRecord(a.Name, a.MIME, a.Size, public, localPerson(a.Author), a.Created)
		pass, err := rule.when.test(&s)
		if err != nil {
			hold(Expression, fmt.Sprintf("Attachment %s of %s is not sent: when cannot be decided, since %s.", a.ID, v.in.Ticket.Key, err), "Correct the condition, or guard it with has().")
		} else if !pass {
			v.stays(p, rule.e.When.Pos, "when does not hold")
		}
		if err != nil || !pass {
			return it, rule, false
		}
	}
	never := rule.never
	if never == "" {
		never = v.r.gate.deniesFile(a.Name, a.Size)
	}
	if never != "" {
		v.held = append(v.held, dropped(p, never, place(rule.e.Name.Pos)))
		return it, nil, false
	}
	if known {
		if public && !a.Customer() && v.tell != nil {
			v.tell(telling{Fate: Fate{Decision: Decision{Path: p, Rule: place(rule.e.Name.Pos), Verdict: Written, Why: customerSaw}}})
		}
		was.Public = public
		return replica.NewItem(was, posted.At), rule, true
	}
	if why := v.overBudget(a); why != "" {
		hold(Budget, why, "Raise [limits] bytes_per_ticket, or leave large attachments out of the rules (max).")
		return it, rule, false
	}
	sum, there, wait := v.sum(*a)
	if wait != nil {
		wait.Path, wait.Rule = p, place(rule.e.Name.Pos)
		v.held = append(v.held, *wait)
	}
	if !there {
		return it, rule, false
	}
	out := replica.Attachment{
		Name: replica.Fit(a.Name), MIME: replica.Fit(a.MIME), Size: a.Size, Hash: sum, Public: public,
		Author: v.person(a.Author), Created: replica.Time(max(a.Created.UnixMilli(), 0)),
	}
	if out.Name == "" {
		out.Name = jsm.FileName("")
	}
	if v.bytes != nil {
		*v.bytes += a.Size
	}
	return replica.NewItem(out, int64(out.Created)), rule, true
}

func (v *viewer) sum(a jsm.Attachment) (replica.Hash, bool, *Held) {
	if v.in.Sum == nil {
		return replica.Hash{}, false, nil
	}
	return v.in.Sum(a)
}

// overBudget says why a further file of the ticket is too much; empty: it is not.
func (v *viewer) overBudget(a *jsm.Attachment) string {
	limit := v.r.Limits.BytesPerTicket
	if limit == 0 {
		return ""
	}
	if v.bytes == nil { // once a view: a ticket may have 2,000 files (facts 13)
		v.bytes = new(filesOf(v.in.Posted, v.view))
	}
	return tooMuch(v.in.Ticket.Key, *v.bytes+a.Size, limit)
}

func tooMuch(key string, bytes, limit int64) string {
	if bytes <= limit {
		return ""
	}
	return fmt.Sprintf("With this file, the attachments of %s that cross come to %s; bytes_per_ticket allows %s.", key, conf.SizeText(bytes), conf.SizeText(limit))
}

// DayFull words that a connection has carried what it may within a day.
func DayFull(peer string, limit int64) string {
	return fmt.Sprintf("The files exchanged with %s today come to more than bytes_per_day allows, which is %s.", peer, conf.SizeText(limit))
}

// filesOf is how many bytes the attachments of some views have together, each counted once.
func filesOf(views ...replica.View) (bytes int64) {
	seen := map[replica.Path]bool{}
	for _, view := range views {
		for p, it := range view {
			if a, ok := AttachmentOf(it); ok && !seen[p] {
				seen[p] = true
				bytes += a.Size
			}
		}
	}
	return bytes
}

// AttachmentOf reads an item; ok is false where it holds no attachment.
func AttachmentOf(it replica.Item) (a replica.Attachment, ok bool) {
	if it.Kind != replica.KindAttachment {
		return a, false
	}
	v, err := it.Value()
	if err != nil {
		return a, false
	}
	a, ok = v.(replica.Attachment)
	return a, ok
}

// attachmentEntity names the entity that a file's item belongs to, as the policy does.
func attachmentEntity(it replica.Item) string {
	if a, ok := AttachmentOf(it); ok && a.Public {
		return attachmentKinds[1]
	}
	return attachmentKinds[0] // unknown counts as internal
}

// governsAttachment is the canonical text of the rules that decide about files.
func (r *Rules) governsAttachment() string {
	var parts []string
	for _, f := range r.files {
		if f != nil && f.never == "" {
			parts = append(parts, fmt.Sprintf("%s max=%d", r.ruleText(f.e), f.e.Max))
		}
	}
	return strings.Join(parts, "\n")
}

// deniesFile says why the policy keeps a file from crossing, either way; empty: it may.
func (g *gate) deniesFile(name string, size int64) string {
	if g.files == nil {
		return ""
	}
	if max := g.files.Max; max > 0 && size > max {
		return fmt.Sprintf("%s lets no attachment larger than %s cross", line(g.files.MaxPos), conf.SizeText(max))
	}
	for _, one := range []string{name, jsm.FileName(name)} { // what it is called there, and what it would be called here
		if pattern, yes := g.files.Denies(one); yes {
			return fmt.Sprintf("%s denies files like %q", line(pattern.Pos), pattern.Value)
		}
	}
	return ""
}

// deniesItem is deniesFile for an item of a view.
func (g *gate) deniesItem(it replica.Item) string {
	if a, ok := AttachmentOf(it); ok {
		return g.deniesFile(a.Name, a.Size)
	}
	return ""
}
