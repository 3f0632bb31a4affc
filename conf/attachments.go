package conf

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// The words of attachments. `attachments` are those that the customer surely sees, "attachments.internal" all others.

// IsAttachments reports whether an entity is one of the two.
func IsAttachments(entity string) bool {
	return entity == "attachments" || entity == "attachments.internal"
}

var (
	outAttachment = []string{"when", "max", "retract"}
	inAttachment  = []string{"when", "max", "as", "byline", "deletes"}
)

func attachmentWords(incoming bool) []string {
	if incoming {
		return inAttachment
	}
	return outAttachment
}

// deletesWords lists what deletes can say of an entity, its default first. An attachment cannot bear a line that says
// that it is deleted at its origin, so it goes there by default, too.
func deletesWords(entity string) []string {
	if IsAttachments(entity) {
		return []string{"origin", "mark", "ignore"}
	}
	if slices.Contains(partEntities, entity) {
		return partDeletes
	}
	return []string{"mark", "delete", "ignore"}
}

// Denies says whether the policy keeps files of that name from crossing, by which pattern. Capitals say nothing, and
// neither do dots and spaces at the end, which some systems drop.
func (a AttachmentPolicy) Denies(name string) (pattern Text, yes bool) {
	name = strings.ToLower(strings.TrimRight(name, ". "))
	i := slices.IndexFunc(a.Deny, func(p Text) bool {
		ok, err := path.Match(strings.ToLower(p.Value), name)
		return err != nil || ok // one that cannot be read denies all
	})
	if i < 0 {
		return Text{}, false
	}
	return a.Deny[i], true
}

// readAttachments reads [attachments] of the policy.
func (p *Policy) readAttachments(t *table) {
	a, ok := t.sub("attachments", "[attachments]")
	if !ok {
		return
	}
	p.Attachments.Max = a.size("max")
	if n := a.n.kid("max"); n != nil {
		p.Attachments.MaxPos = n.at
	}
	p.Attachments.Deny = a.texts("deny", false)
	for _, d := range p.Attachments.Deny {
		if _, err := path.Match(d.Value, ""); err != nil || d.Value == "" || strings.Contains(d.Value, "/") {
			t.ps.Add(d.Pos, `for example "*.exe"`, "deny in [attachments]: %q is no pattern of file names", d.Value)
		}
	}
	a.done(nil)
}

// readBytes reads how many bytes of files may cross, each way: of one ticket in all its life, and of all tickets of
// the connection within a day (UTC).
func (l *Limits) readBytes(t *table) {
	l.BytesPerTicket, l.BytesPerDay = t.size("bytes_per_ticket"), t.size("bytes_per_day")
}

// SizeText writes bytes as size reads them, rounded up.
func SizeText(n int64) string {
	for _, u := range []struct {
		name  string
		shift int
	}{{"GiB", 30}, {"MiB", 20}, {"KiB", 10}} {
		if n >= 1<<u.shift {
			return fmt.Sprintf("%d %s", (n+1<<u.shift-1)>>u.shift, u.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}
