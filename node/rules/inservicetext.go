package rules

import (
	"fmt"
	"strings"

	"parley/jsm"
	"parley/replica"
)

// The words of notes about the peer's approvals, clocks, portal, rating and articles. They say the same whenever they
// are made of the same item: nothing in them depends on when.

// told is an item as a note says it.
func (p *planner) told(r *inService, v replica.Value) string {
	switch v := v.(type) {
	case replica.Approval:
		return p.approvalText(v)
	case replica.SLA:
		text := fmt.Sprintf("%s at %s: %s", titled(v.Name, "SLA"), p.r.Peer, clockText(v))
		if ours, ok := p.r.OurClocks(p.in.Ticket)[v.Name]; ok {
			text += "\nHere: " + ours
		}
		return text
	case replica.Portal:
		return fmt.Sprintf("The customer's portal at %s shows: %s", p.r.Peer, strings.TrimSpace(clip(v.Status)+"\n"+v.URL))
	case replica.Rating:
		text := fmt.Sprintf("The customer at %s rated the work: %d of 5 stars", p.r.Peer, v.Stars)
		if v.Text != "" {
			text += "\n" + v.Text
		}
		return text
	case replica.Article:
		return fmt.Sprintf("Knowledge of %s: %s\n%s", p.r.Peer, clip(v.Title), v.URL)
	}
	return ""
}

func titled(name, otherwise string) string {
	if strings.TrimSpace(name) == "" {
		return otherwise
	}
	return clip(name)
}

const mostNamed = 20 // approvers that a note names

// approvalText says how an approval stands: decision, role and time together, and who, as far as the peer shares persons.
func (p *planner) approvalText(a replica.Approval) string {
	text := fmt.Sprintf("%s at %s: %s", titled(a.Name, "Approval"), p.r.Peer, a.Decision)
	if a.Completed != 0 {
		text += " " + moment(a.Completed)
	}
	for i, one := range a.Approvers {
		if i == mostNamed {
			return text + fmt.Sprintf("\nand %d more", len(a.Approvers)-i)
		}
		who := personName(one.Person)
		if who == "" {
			who = p.r.Peer
		}
		text += fmt.Sprintf("\n%s: %s", clip(who), one.Decision)
	}
	return text
}

// clockText says how a clock stands.
func clockText(c replica.SLA) string {
	var parts []string
	switch {
	case c.Completed != 0 && c.Breached:
		parts = append(parts, "completed "+moment(c.Completed)+", too late")
	case c.Completed != 0:
		parts = append(parts, "completed "+moment(c.Completed)+", in time")
	case c.Breached:
		parts = append(parts, "breached")
	case c.Paused:
		parts = append(parts, "paused")
	}
	if c.Breach != 0 && c.Completed == 0 {
		parts = append(parts, "due "+moment(c.Breach))
	}
	if c.Goal > 0 {
		parts = append(parts, "goal "+spanText(c.Goal))
	}
	if len(parts) == 0 {
		return "runs"
	}
	return strings.Join(parts, ", ")
}

// decisionMoves has a decision move the ticket through our workflow.
func (p *planner) decisionMoves(r *inService, path replica.Path, a replica.Approval, at int64) {
	rule := r.status[a.Decision]
	switch {
	case rule == nil:
		p.serviceJudged(r, path, Skipped, "", fmt.Sprintf("status says nothing of %q", a.Decision))
		return
	case rule.block != "":
		p.plan.Held = append(p.plan.Held, dropped(path, rule.block, place(rule.e.Name.Pos)))
		return
	case p.plan.Transition != nil:
		p.serviceJudged(r, path, Skipped, r.to[a.Decision], "the peer's status moves it at the same time")
		return
	}
	p.write(rule, path, jsm.Option{Value: r.to[a.Decision]}, r.to[a.Decision], at)
}
