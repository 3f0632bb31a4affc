package sim

import (
	"fmt"
	"time"
)

// jiraTime is the platform's form of a time, in the caller's zone: 2026-07-07T10:01:40.376+0900.
const jiraTime = "2006-01-02T15:04:05.000-0700"

func (c *call) stamp(at time.Time) any { return stampFor(at, c.me) }

func stampFor(at time.Time, me *user) any {
	if at.IsZero() {
		return nil
	}
	return at.In(zoneOf(me)).Format(jiraTime)
}

func zoneOf(u *user) *time.Location {
	if u == nil {
		return time.UTC
	}
	return u.tz
}

// deskDate is servicedeskapi's form: the same moment four times.
func deskDate(at time.Time, me *user, now time.Time) obj {
	local := at.In(zoneOf(me))
	return obj{"iso8601": local.Format("2006-01-02T15:04:05-0700"), "jira": local.Format(jiraTime),
		"friendly": friendlyDate(local, now.In(local.Location())), "epochMillis": at.UnixMilli()}
}

func friendlyDate(at, now time.Time) string {
	clock := at.Format("3:04 PM")
	switch days := int(now.Truncate(24*time.Hour).Sub(at.Truncate(24*time.Hour)) / (24 * time.Hour)); {
	case days == 0:
		return "Today " + clock
	case days == 1:
		return "Yesterday " + clock
	default:
		return at.Format("02/Jan/06 3:04 PM")
	}
}

// deskDuration is servicedeskapi's form of a span.
func deskDuration(d time.Duration) obj {
	sign := ""
	text := d
	if d < 0 {
		sign, text = "-", -d
	}
	h, m := int(text/time.Hour), int(text%time.Hour/time.Minute)
	friendly := fmt.Sprintf("%s%dm", sign, m)
	if h > 0 {
		friendly = fmt.Sprintf("%s%dh %dm", sign, h, m)
	}
	return obj{"millis": d.Milliseconds(), "friendly": friendly}
}

// readDateTime reads what Jira accepts for a date-time field: ISO 8601 with milliseconds and offset.
func readDateTime(s string) (time.Time, bool) {
	for _, layout := range []string{jiraTime, "2006-01-02T15:04:05.000Z07:00", "2006-01-02T15:04:05.000Z"} {
		if at, err := time.Parse(layout, s); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

func readDate(s string) bool {
	_, err := time.Parse("2006-01-02", s)
	return err == nil
}
