package notify

import (
	"slices"
	"time"

	"parley/conf"
)

// silent reports whether a channel is to be left alone now. It goes by the clock
// on the wall of the channel's zone, so an hour that the clocks skip or repeat
// is what that clock says.
func silent(q conf.Quiet, now time.Time, urgent bool) bool {
	if urgent && q.UrgentPasses {
		return false
	}
	if q.Zone != nil {
		now = now.In(q.Zone)
	}
	minute := now.Hour()*60 + now.Minute()
	return slices.Contains(q.Days, now.Weekday()) || slices.ContainsFunc(q.Spans, func(s conf.Span) bool { return s.Holds(minute) })
}
