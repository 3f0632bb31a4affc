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

// The calendar of every desk: Monday to Friday, 9 to 17, UTC.
const (
	opens  = 9 * time.Hour
	closes = 17 * time.Hour
)

func midnight(at time.Time) time.Time {
	y, m, d := at.UTC().Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

func workday(day time.Time) bool {
	return day.Weekday() != time.Saturday && day.Weekday() != time.Sunday
}

func working(at time.Time) bool {
	since := at.Sub(midnight(at))
	return workday(at.UTC()) && since >= opens && since < closes
}

// workBetween is the working time from a to b.
func workBetween(a, b time.Time) time.Duration {
	total := time.Duration(0)
	for day := midnight(a); day.Before(b); day = day.AddDate(0, 0, 1) {
		if !workday(day) {
			continue
		}
		from, to := day.Add(opens), day.Add(closes)
		if a.After(from) {
			from = a
		}
		if b.Before(to) {
			to = b
		}
		if to.After(from) {
			total += to.Sub(from)
		}
	}
	return total
}

// addWork is the moment at which d of working time has passed since a.
func addWork(a time.Time, d time.Duration) time.Time {
	for day := midnight(a); ; day = day.AddDate(0, 0, 1) {
		if !workday(day) {
			continue
		}
		from, to := day.Add(opens), day.Add(closes)
		if a.After(from) {
			from = a
		}
		if !to.After(from) {
			continue
		}
		if left := to.Sub(from); d > left {
			d -= left
			continue
		}
		return from.Add(d)
	}
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
	goal := m.goal
	if g, special := m.goals[is.str("priority")]; special {
		goal = g
	}
	now := t.now()
	out := &slaClock{}
	var run *slaCycle
	replied := m.replied(is)
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
		if m.stop[mo.status] || m.reply && !replied.IsZero() && !mo.at.Before(replied) {
			continue
		}
		if run == nil {
			run = &slaCycle{start: mo.at, goal: goal}
		}
		run.paused = m.pause[mo.status]
		stopped := m.reply && !replied.IsZero() && !replied.After(end)
		if stopped {
			end = replied
		}
		run.breach = addWork(mo.at, max(0, goal-run.elapsed))
		if !run.paused {
			run.elapsed += workBetween(mo.at, end)
		}
		if stopped {
			run.finish(replied)
			out.completed = append(out.completed, *run)
			run = nil
		}
	}
	if run != nil {
		run.settle()
		out.ongoing = run
	}
	return out
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
		o["withinCalendarHours"] = working(now)
		b["ongoingCycle"] = o
	}
	return b
}

func (y slaCycle) bean(me *user, now time.Time) obj {
	return obj{"startTime": deskDate(y.start, me, now), "breachTime": deskDate(y.breach, me, now), "breached": y.breached,
		"goalDuration": deskDuration(y.goal), "elapsedTime": deskDuration(y.elapsed), "remainingTime": deskDuration(y.remaining)}
}
