package rules

import (
	"slices"

	"parley/jsm"
	"parley/replica"
)

// Unmoved is what a connection shows its peer and Jira does not call a change of the ticket, by how it can be noticed.
type Unmoved struct {
	RatedOn   string // field by which Jira is asked for new ratings; "": none are shown, or it cannot be asked
	Approvals string // field by which it is asked for tickets that wait for an approval; likewise
	Reread    bool   // something shows only in a read of the ticket: web links, articles, who watches
}

// Unmoved tells what of the outgoing rules has to be looked for.
func (r *Rules) Unmoved() (u Unmoved) {
	shown := func(entity string) bool {
		o := r.service.out[entity]
		return o != nil && o.never == ""
	}
	if r.schema != nil && shown("satisfaction") {
		u.RatedOn = r.schema.RatedOn
		u.Reread = u.RatedOn == ""
	}
	if f, ok := r.service.fields["approvals"]; ok && shown("approvals") {
		u.Approvals = f.ID
	}
	links := r.parts.out["links"]
	u.Reread = u.Reread || shown("knowledge") || links != nil && links.never == "" ||
		slices.ContainsFunc(r.out, func(o *outRule) bool { return o.to != nil && o.to.Type == jsm.WatchersType && o.never == "" })
	return u
}

// MovesNothing reports whether an item can change without Jira calling that a change of the ticket.
func MovesNothing(p replica.Path) bool {
	switch p.Kind() {
	case "satisfaction", "approval", "web_link", "knowledge", "watchers":
		return true
	}
	return false
}
