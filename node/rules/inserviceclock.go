package rules

import (
	"bytes"
	"slices"
	"time"

	"parley/jsm"
	"parley/replica"
	"parley/replica/adf"
)

// Our own clock beside the partner's, in one note (clock = "both"). Ours moves without the partner's: the note is then
// judged again, and only then.

// OfTheDesk reports whether an item is something that a service desk does of itself: it starts its clocks, asks its
// approvers and words its portal as soon as a ticket is there, whoever made that. It is news also where we made it.
func OfTheDesk(p replica.Path) bool { return serviceOf(p) != "" }

// both is the rule that shows our clocks beside the partner's; nil: there is none.
func (r *Rules) both() *inService {
	if in := r.service.in["sla"]; in != nil && in.e.Service.Clock.Value == "both" {
		return in
	}
	return nil
}

// OurClocks says how our own clocks stand that are shown beside the partner's, by name; nil where none are to be.
func (r *Rules) OurClocks(t *jsm.Ticket) map[string]string {
	if r.both() == nil || t == nil {
		return nil
	}
	all := map[string]string{}
	for _, f := range r.service.clocks {
		raw, err := rawOf(t, f)
		if err != nil || raw == nil {
			continue
		}
		if c, _, id, err := clockOf(raw); err == nil && id != "" {
			all[c.Name] = clockText(c)
		}
	}
	return all
}

// StaleClocks lists the partner's clocks whose note says something else of our own clock than that says now. The
// arrival needs Remote, Ticket and Twin.
func (r *Rules) StaleClocks(in Arrival) (stale []replica.Path) {
	rule := r.both()
	if rule == nil || in.Ticket == nil {
		return nil
	}
	p := &planner{r: r, in: &in}
	for path, it := range in.Remote {
		if path.Kind() != serviceKinds["sla"] {
			continue
		}
		local, known := in.twin(path)
		note := p.local(local)
		v, err := it.Value()
		if !known || note == nil || err != nil {
			continue
		}
		if want := adf.Text(p.told(rule, v)).JSON(); !bytes.Equal(canonical(note.Body), canonical(jsm.Rich(want))) {
			stale = append(stale, path)
		}
	}
	slices.Sort(stale)
	return stale
}

// NextBreach is when the next clock that is shown to somebody is breached by the mere course of time. Where that is past,
// and yet Jira calls none breached, that one may be any moment. Zero: none is to be.
func (r *Rules) NextBreach(t *jsm.Ticket) (at time.Time) {
	shared := r.service.out["sla"] != nil && r.service.out["sla"].never == ""
	if !shared && r.both() == nil {
		return at
	}
	for _, f := range r.service.clocks {
		raw, err := rawOf(t, f)
		if err != nil || raw == nil {
			continue
		}
		s, err := jsm.DecodeSLA(raw)
		if err != nil || s.Running == nil || s.Running.Paused || s.Running.Breached || s.Running.Breach.IsZero() {
			continue
		}
		if at.IsZero() || s.Running.Breach.Before(at) {
			at = s.Running.Breach
		}
	}
	return at
}
