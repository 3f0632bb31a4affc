package rules

import "parley/replica"

// A queue is a query in JSM: nothing is put into it. The rules write the fields that bring the ticket there, and have it
// checked that it is there.

// OutsideQueue is the code of a ticket that is not in the queue though its fields were written.
const OutsideQueue = "queue"

// QueueWrite is a queue that is to hold the ticket once the plan's fields are written.
type QueueWrite struct {
	Path replica.Path // "queue"
	Name string
	Rule string
}

const queuePath replica.Path = "queue"

func (c *compiler) queueSets(i *inService) {
	for _, s := range i.e.Service.Set {
		r := c.serviceRule(s.Field, queuePath)
		if r == nil {
			continue
		}
		if r.set = c.inLiteral(s.Value, r.to); r.set == nil {
			continue
		}
		i.set = append(i.set, r)
	}
}

// queue plans what brings the ticket into the queue: when it is made, when the rules are new, when what when reads has
// changed, and while it is not there.
func (p *planner) queue() {
	r := p.r.service.in["queue"]
	if r == nil || len(r.set) == 0 || !p.queueDue(r) {
		return
	}
	if r.when != nil {
		ok, err := r.when.test(p.scope)
		if err != nil {
			p.serviceHold(r, queuePath, Expression, "It is not brought into the queue: when cannot be decided, since "+err.Error()+".", "Correct the condition, or guard it with has().")
			return
		}
		if !ok {
			p.serviceJudged(r, queuePath, Skipped, "", "when does not hold")
			return
		}
	}
	for _, rule := range r.set {
		if rule.to.Type.Set() {
			p.set(rule)
		} else {
			p.single(rule, queuePath, rule.set, 0)
		}
	}
	p.plan.Queue = &QueueWrite{Path: queuePath, Name: r.e.Service.Queue.Value, Rule: place(r.e.Name.Pos)}
}

func (p *planner) queueDue(r *inService) bool {
	if p.in.creating() || p.in.RulesChanged || p.in.Waited[queuePath] {
		return true
	}
	return r.when.readsAny(p.in.Changed)
}

// queueWanted lists the addresses that the queue's fields name.
func (r *Rules) queueWanted(in *Arrival) (emails []string) {
	if q := r.service.in["queue"]; q != nil {
		for _, rule := range q.set {
			if column := columnOf(rule.to.Type); column == cUser || column == cUsers {
				emails = append(emails, r.wantedBy(rule, in.Remote)...)
			}
		}
	}
	return emails
}
