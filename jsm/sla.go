package jsm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// SLA is one clock of a request. Jira runs it and nobody writes it. What moves with the time of day, as what is left of
// it or whether the desk is open, is not read: two reads of an untouched request are equal.
type SLA struct {
	ID      string
	Name    string
	Done    []Cycle // completed, oldest first
	Running *Cycle  // nil: it does not run
}

// Cycle is one run of a clock, from its start to its stop.
type Cycle struct {
	Start    time.Time
	Stop     time.Time     // zero while it runs
	Goal     time.Duration // of the desk's working time
	Elapsed  time.Duration // of the desk's working time, of a completed cycle; zero while it runs
	Breach   time.Time     // when it is, was or would have been breached; zero while a pause puts it off
	Breached bool
	Paused   bool
}

type cycleJSON struct {
	Start    *deskDate    `json:"startTime"`
	Stop     *deskDate    `json:"stopTime"`
	Breach   *deskDate    `json:"breachTime"`
	Goal     durationJSON `json:"goalDuration"`
	Elapsed  durationJSON `json:"elapsedTime"`
	Breached bool         `json:"breached"`
	Paused   bool         `json:"paused"`
}

type durationJSON struct {
	Millis int64 `json:"millis"`
}

// span is a duration as Jira writes it; beyond ten years it is nonsense and none.
func (d durationJSON) span() time.Duration {
	const most = 10 * 366 * 24 * int64(time.Hour/time.Millisecond)
	if d.Millis < 0 || d.Millis > most {
		return 0
	}
	return time.Duration(d.Millis) * time.Millisecond
}

func (j *cycleJSON) cycle() Cycle {
	return Cycle{
		Start: j.Start.time(), Stop: j.Stop.time(), Goal: j.Goal.span(), Elapsed: j.Elapsed.span(),
		Breach: j.Breach.time(), Breached: j.Breached, Paused: j.Paused,
	}
}

type slaJSON struct {
	ID      looseID     `json:"id"`
	Name    string      `json:"name"`
	Done    []cycleJSON `json:"completedCycles"`
	Running *cycleJSON  `json:"ongoingCycle"`
}

func (j *slaJSON) sla() (SLA, error) {
	if j.ID == "" {
		return SLA{}, errors.New("an SLA without id")
	}
	s := SLA{ID: string(j.ID), Name: j.Name}
	for i := range j.Done {
		y := j.Done[i].cycle()
		y.Paused = false
		s.Done = append(s.Done, y)
	}
	if j.Running != nil {
		y := j.Running.cycle()
		y.Stop, y.Elapsed = time.Time{}, 0
		if y.Paused && !y.Breached {
			y.Breach = time.Time{}
		}
		s.Running = &y
	}
	return s, nil
}

// DecodeSLA reads the value of a field of SLAType, which a ticket brings without a call of its own. A clock that does
// not apply to the ticket is nil there.
func DecodeSLA(raw Raw) (SLA, error) {
	var j slaJSON
	if err := json.Unmarshal(raw, &j); err != nil {
		return SLA{}, fmt.Errorf("reading an SLA: %s", shape(err))
	}
	return j.sla()
}

// SLAs reads all clocks of a request, for 1 point and 1 for each. Only agents may.
func (c *Client) SLAs(ctx context.Context, issue string) ([]SLA, error) {
	list, err := pages(func(start int) (deskPage[slaJSON], error) {
		var out deskPage[slaJSON]
		_, err := c.do(ctx, call{
			op: "GET sla", method: http.MethodGet, path: desk("request", issue, "sla"), query: deskQuery(start),
			out: &out, objects: func() int { return len(out.Values) },
		})
		return out, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the SLAs of %s: %w", clip(issue, 40), err)
	}
	out := make([]SLA, 0, len(list))
	for i := range list {
		s, err := list[i].sla()
		if err != nil {
			return nil, fmt.Errorf("reading the SLAs of %s: %w", clip(issue, 40), err)
		}
		out = append(out, s)
	}
	return out, nil
}
