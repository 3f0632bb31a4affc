package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
)

// What of the peer's approvals, clocks, portal and rating lands in which field, and in which words.

// A serviceField is one line of fields = { … }.
type serviceField struct {
	name string // of the clock or approval; "*" any that has no line of its own. Empty for portal and satisfaction
	part string // what of it
	rule *inRule
}

// serviceParts are what can land in a field, the default first: by entity.
var serviceParts = map[string][]string{
	"approvals":    {"decision", "completed"},
	"sla":          {"due", "goal", "paused", "breached", "completed"},
	"portal":       {"status", "link"},
	"satisfaction": {"stars", "text"},
}

// serviceField compiles one line: "NAME" or "NAME / part" of clocks and approvals, a part of portal and satisfaction.
func (c *compiler) serviceField(entity string, m conf.MapEntry) (f serviceField, ok bool) {
	parts := serviceParts[entity]
	f.part, f.name = parts[0], m.From.Value
	if entity == "portal" || entity == "satisfaction" {
		f.part, f.name = m.From.Value, ""
	} else if i := strings.LastIndex(m.From.Value, " / "); i > 0 && slices.Contains(parts, m.From.Value[i+3:]) {
		f.part, f.name = m.From.Value[i+3:], m.From.Value[:i]
	}
	if !slices.Contains(parts, f.part) {
		c.ps.Add(m.From.Pos, conf.DidYouMean(f.part, parts), "%s has no part called %q, only %s", entity, f.part, strings.Join(parts, ", "))
		return f, false
	}
	if f.rule = c.serviceRule(m.To, replica.Path(serviceKinds[entity])); f.rule == nil {
		return f, false
	}
	c.partnersWrite(f.rule)
	if to := f.rule.to; to.Type != jsm.UnknownType && !slices.Contains(takes[f.part], columnOf(to.Type)) {
		c.ps.Add(m.To.Pos, "a text field takes all of it", "%s of %s cannot land in %s, which is a %s field", f.part, entity, to.Name, to.Type)
		return f, false
	}
	return f, true
}

// takes are the families of fields that a part can land in.
var takes = map[string][]column{
	"decision": {cLine, cParagraph, cChoice}, "completed": {cTime, cDate, cLine, cParagraph},
	"due": {cTime, cDate, cLine, cParagraph}, "goal": {cNumber, cLine, cParagraph},
	"paused": {cChoice, cLine, cParagraph}, "breached": {cChoice, cLine, cParagraph},
	"status": {cChoice, cLine, cParagraph}, "link": {cURL, cLine, cParagraph},
	"stars": {cNumber, cChoice, cLine, cParagraph}, "text": {cLine, cParagraph},
}

// serviceFields writes what of an item lands in fields.
func (p *planner) serviceFields(r *inService, path replica.Path, v replica.Value, at int64) {
	lines := r.lines(v)
	if len(lines) == 0 {
		p.serviceJudged(r, path, Skipped, "", "fields do not name it")
	}
	for _, f := range lines {
		if f.rule.block != "" {
			p.plan.Held = append(p.plan.Held, dropped(path, f.rule.block, place(f.rule.e.Name.Pos)))
			continue
		}
		if to := p.fieldValue(f, v); to != nil {
			p.single(f.rule, path, to, at)
		} else {
			p.gone(f.rule, path)
		}
	}
}

// lines are the fields that an item lands in: those of its own name, else those of "*".
func (r *inService) lines(v replica.Value) []serviceField {
	name := ""
	switch v := v.(type) {
	case replica.Approval:
		name = v.Name
	case replica.SLA:
		name = v.Name
	}
	named := func(want string) (out []serviceField) {
		for _, f := range r.fields {
			if f.name == want {
				out = append(out, f)
			}
		}
		return out
	}
	if own := named(name); len(own) > 0 {
		return own
	}
	return named("*")
}

// fieldsGone clears the fields of an item that the peer withdrew. What it was called is not known any more, so only
// lines for which no other item is left are cleared.
func (p *planner) fieldsGone(r *inService, path replica.Path) {
	kept := map[string]bool{}
	for other, it := range p.in.Remote {
		if other.Kind() != path.Kind() {
			continue
		}
		if v, err := it.Value(); err == nil {
			for _, f := range r.lines(v) {
				kept[f.rule.to.ID] = true
			}
		}
	}
	for _, f := range r.fields {
		if !kept[f.rule.to.ID] && f.rule.block == "" {
			p.gone(f.rule, path)
		}
	}
}

// fieldValue is what a part comes to in its field, in the form that the field takes; nil: nothing to be shown.
func (p *planner) fieldValue(f serviceField, v replica.Value) replica.Value {
	to := f.rule.to
	switch v := v.(type) {
	case replica.Portal:
		if f.part == "link" {
			return textFor(to, v.URL)
		}
		return textFor(to, v.Status)
	case replica.Rating:
		if f.part == "text" {
			return textFor(to, v.Text)
		}
		return countFor(to, strconv.Itoa(v.Stars))
	case replica.Approval:
		switch {
		case f.part == "completed":
			return momentFor(to, v.Completed)
		case columnOf(to.Type) == cChoice:
			return replica.Text(strings.ToUpper(v.Decision[:1]) + v.Decision[1:])
		}
		return textFor(to, p.approvalText(v))
	case replica.SLA:
		switch f.part {
		case "goal":
			if columnOf(to.Type) == cNumber {
				return replica.Number(strconv.FormatInt(v.Goal/60_000, 10))
			}
			return replica.Text(spanText(v.Goal))
		case "paused":
			return yesNo(v.Paused)
		case "breached":
			return yesNo(v.Breached)
		case "completed":
			return momentFor(to, v.Completed)
		}
		if column := columnOf(to.Type); column == cTime || column == cDate {
			return momentFor(to, v.Breach)
		}
		return replica.Text(clockText(v))
	}
	return nil
}

// textFor is a text in the form that a field takes: some hold one line only.
func textFor(to *field, s string) replica.Value {
	if columnOf(to.Type) == cLine {
		s = cut(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), "; "), maxTitle)
	}
	if s == "" {
		return nil
	}
	return replica.Text(s)
}

func yesNo(on bool) replica.Value {
	if on {
		return replica.Text("Yes")
	}
	return replica.Text("No")
}

func countFor(to *field, n string) replica.Value {
	if columnOf(to.Type) == cNumber {
		return replica.Number(n)
	}
	return replica.Text(n)
}

// momentFor is a time in the form that a field takes; days are those of UTC.
func momentFor(to *field, t replica.Time) replica.Value {
	switch {
	case t == 0:
		return nil
	case columnOf(to.Type) == cTime:
		return t
	case columnOf(to.Type) == cDate:
		return replica.Date(millis(t).Format(time.DateOnly))
	}
	return replica.Text(moment(t))
}

// moment is a time as a note says it.
func moment(t replica.Time) string { return millis(t).Format("2006-01-02 15:04 UTC") }

// spanText is working time in milliseconds as a person reads it: "4h 30m".
func spanText(ms int64) string {
	h, m := ms/3_600_000, ms/60_000%60
	switch {
	case h == 0:
		return fmt.Sprintf("%dm", m)
	case m == 0:
		return fmt.Sprintf("%dh", h)
	}
	return fmt.Sprintf("%dh %dm", h, m)
}
