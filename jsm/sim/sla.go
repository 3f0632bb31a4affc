package sim

import (
	"fmt"
	"slices"
	"time"
)

// An slaMetric is one clock of the desk. Its cycles follow from the issue's statuses, comments and priority
// alone, so that reading it twice at the same moment tells the same.
type slaMetric struct {
	id    string
	f     *field
	goal  time.Duration            // working time
	goals map[string]time.Duration // by priority id
	stop  map[string]bool          // statuses that complete the cycle
	pause map[string]bool
	reply bool // also completed by the first public comment of an agent
}

// slaClock is a metric on one issue, now.
type slaClock struct {
	completed []slaCycle
	ongoing   *slaCycle // nil: stopped
}

type slaCycle struct {
	start, stop, breach      time.Time
	goal, elapsed, remaining time.Duration
	breached, paused         bool
}

const maxGoal = 100_000 // working minutes, most of a year; bounds the days that a clock counts through

func (t *Tenant) growSLA(s seedSLA) (*slaMetric, error) {
	m := &slaMetric{id: t.nextText("sla"), f: t.fieldNamed(s.Name), goal: time.Duration(s.Minutes) * time.Minute, goals: map[string]time.Duration{},
		stop: map[string]bool{}, pause: map[string]bool{}, reply: s.Reply}
	if s.Minutes < 1 || s.Minutes > maxGoal {
		return nil, fmt.Errorf("%w: SLA %q has a goal of %d minutes", ErrSeed, s.Name, s.Minutes)
	}
	for name, minutes := range s.Goals {
		p, known := pick(t.lists.priorities, name)
		if !known || minutes < 1 || minutes > maxGoal {
			return nil, fmt.Errorf("%w: SLA %q has a goal of %d minutes for the priority %q", ErrSeed, s.Name, minutes, name)
		}
		m.goals[p.id] = time.Duration(minutes) * time.Minute
	}
	for i, names := range [][]string{s.Stop, s.Pause} {
		for _, name := range names {
			st := t.statusNamed(name)
			if st == nil {
				return nil, fmt.Errorf("%w: SLA %q names the unknown status %q", ErrSeed, s.Name, name)
			}
			[]map[string]bool{m.stop, m.pause}[i][st.id] = true
		}
	}
	return m, nil
}

// clockOf computes a metric; nil where it does not apply: issues that are no requests.
func (t *Tenant) clockOf(is *issue, f *field) *slaClock {
	i := slices.IndexFunc(t.desk.slas, func(m *slaMetric) bool { return m.f == f })
	if i < 0 || is.str(t.fieldOfKind(kRequestType).id) == "" {
		return nil
	}
	return t.desk.slas[i].clock(t, is)
}

func (m *slaMetric) clock(t *Tenant, is *issue) *slaClock {
	now := t.now()
	out := &slaClock{}
	var run *slaCycle
	replied := m.replied(is)
	answered := false // in the first moment at the latest: then it is completed, too
	for i, mo := range is.moments {
		end := now
		if i+1 < len(is.moments) {
			end = is.moments[i+1].at
		}
		if run != nil && m.stop[mo.status] {
			run.finish(mo.at)
			out.completed = append(out.completed, *run)
			run = nil
		}
		if m.stop[mo.status] || answered || m.reply && !replied.IsZero() && mo.at.After(replied) {
			continue
		}
		if run == nil {
			run = &slaCycle{start: mo.at, goal: m.goalAt(is, m.ends(is, i, replied, now))}
		}
		run.paused = m.pause[mo.status]
		stopped := m.reply && !replied.IsZero() && !replied.After(end)
		if stopped {
			end = replied
		}
		run.breach = t.desk.calendar.after(mo.at, max(0, run.goal-run.elapsed))
		if !run.paused {
			run.elapsed += t.desk.calendar.between(mo.at, end)
		}
		if stopped {
			run.finish(replied)
			out.completed = append(out.completed, *run)
			run, answered = nil, true
		}
	}
	if run != nil {
		run.settle()
		out.ongoing = run
	}
	return out
}

// ends is when the cycle that began at a moment was completed; now, where it was not.
func (m *slaMetric) ends(is *issue, i int, replied, now time.Time) time.Time {
	end := now
	for _, mo := range is.moments[i+1:] {
		if m.stop[mo.status] {
			end = mo.at
			break
		}
	}
	if m.reply && !replied.IsZero() && replied.Before(end) {
		end = replied
	}
	return end
}

// goalAt is the goal for the priority that the issue had: a completed cycle keeps its goal, a running one has the newest.
func (m *slaMetric) goalAt(is *issue, at time.Time) time.Duration {
	priority := is.str("priority")
	for _, ch := range slices.Backward(is.changes) {
		if !ch.at.After(at) {
			break
		}
		for _, it := range ch.items {
			if it.fieldID == "priority" && it.from != nil {
				priority = *it.from
			}
		}
	}
	if g, special := m.goals[priority]; special {
		return g
	}
	return m.goal
}

// replied is when an agent first answered in public.
func (m *slaMetric) replied(is *issue) time.Time {
	for _, cm := range is.comments {
		if m.reply && cm.public() && cm.author.licensed() && cm.author.id != is.str("reporter") {
			return cm.created
		}
	}
	return time.Time{}
}

func (y *slaCycle) settle() {
	y.remaining = y.goal - y.elapsed
	y.breached = y.remaining < 0
}

func (y *slaCycle) finish(at time.Time) {
	y.stop = at
	y.settle()
}

// slaBeans lists the metrics that apply to the request.
func (t *Tenant) slaBeans(is *issue, me *user) []any {
	out := []any{}
	for _, m := range t.desk.slas {
		if b := t.slaOf(is, m.f, me); b != nil {
			out = append(out, b)
		}
	}
	return out
}

// slaOf is a metric as servicedeskapi and the SLA field show it; nil where it does not apply.
func (t *Tenant) slaOf(is *issue, f *field, me *user) obj {
	c := t.clockOf(is, f)
	if c == nil {
		return nil
	}
	i := slices.IndexFunc(t.desk.slas, func(m *slaMetric) bool { return m.f == f })
	m := t.desk.slas[i]
	now := t.now()
	completed := []any{}
	for _, y := range c.completed {
		b := y.bean(me, now)
		b["stopTime"] = deskDate(y.stop, me, now)
		completed = append(completed, b)
	}
	b := obj{"id": m.id, "name": f.name, "completedCycles": completed, "slaDisplayFormat": "NEW_SLA_FORMAT",
		"_links": obj{"self": t.url + "/rest/servicedeskapi/request/" + is.idText() + "/sla/" + m.id}}
	if c.ongoing != nil {
		o := c.ongoing.bean(me, now)
		o["paused"] = c.ongoing.paused
		o["withinCalendarHours"] = t.desk.calendar.working(now)
		b["ongoingCycle"] = o
	}
	return b
}

func (y slaCycle) bean(me *user, now time.Time) obj {
	return obj{"startTime": deskDate(y.start, me, now), "breachTime": deskDate(y.breach, me, now), "breached": y.breached,
		"goalDuration": deskDuration(y.goal), "elapsedTime": deskDuration(y.elapsed), "remainingTime": deskDuration(y.remaining)}
}
