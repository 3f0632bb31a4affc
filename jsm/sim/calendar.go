package sim

import (
	"fmt"
	"slices"
	"time"
)

// A calendar says when the desk works: the same hours on each of its days, but not on holidays.
type calendar struct {
	zone          *time.Location
	opens, closes time.Duration // since midnight, on the wall
	days          []time.Weekday
	holidays      map[string]bool // "2026-12-25"
}

// usualCalendar is Monday to Friday, 9 to 17, UTC.
func usualCalendar() *calendar {
	return &calendar{zone: time.UTC, opens: 9 * time.Hour, closes: 17 * time.Hour,
		days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}}
}

func growCalendar(s *seedCalendar) (*calendar, error) {
	k := usualCalendar()
	if s == nil {
		return k, nil
	}
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("%w: calendar: %v", ErrSeed, err)
	}
	k.zone, k.holidays = zone, map[string]bool{}
	for _, end := range []struct {
		text string
		dst  *time.Duration
	}{{s.Opens, &k.opens}, {s.Closes, &k.closes}} {
		if end.text == "" {
			continue
		}
		at, err := time.Parse("15:04", end.text)
		if err != nil {
			return nil, fmt.Errorf("%w: calendar: %q is no time of day", ErrSeed, end.text)
		}
		*end.dst = time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
	}
	if len(s.Days) > 0 {
		k.days = nil
	}
	for _, name := range s.Days {
		i := slices.Index([]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}, name)
		if i < 0 {
			return nil, fmt.Errorf("%w: calendar: %q is no day (mon, tue …)", ErrSeed, name)
		}
		k.days = append(k.days, time.Weekday(i))
	}
	for _, day := range s.Holidays {
		if !readDate(day) {
			return nil, fmt.Errorf("%w: calendar: %q is no date", ErrSeed, day)
		}
		k.holidays[day] = true
	}
	if k.closes <= k.opens {
		return nil, fmt.Errorf("%w: the calendar closes before it opens", ErrSeed)
	}
	return k, nil
}

// maxIdle bounds how many days without an hour of work a clock looks ahead.
const maxIdle = 400

// hours are the working hours of the day that at falls on; fine is false on a day off.
func (k *calendar) hours(at time.Time) (from, to time.Time, fine bool) {
	at = at.In(k.zone)
	if !slices.Contains(k.days, at.Weekday()) || k.holidays[at.Format("2006-01-02")] {
		return from, to, false
	}
	wall := func(d time.Duration) time.Time {
		y, m, day := at.Date()
		return time.Date(y, m, day, int(d/time.Hour), int(d%time.Hour/time.Minute), 0, 0, k.zone)
	}
	return wall(k.opens), wall(k.closes), true
}

// next is the beginning of the day after.
func (k *calendar) next(at time.Time) time.Time {
	y, m, d := at.In(k.zone).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, k.zone)
}

func (k *calendar) working(at time.Time) bool {
	from, to, fine := k.hours(at)
	return fine && !at.Before(from) && at.Before(to)
}

// between is the working time from a to b.
func (k *calendar) between(a, b time.Time) time.Duration {
	total := time.Duration(0)
	for day := a; day.Before(b); day = k.next(day) {
		from, to, fine := k.hours(day)
		if !fine {
			continue
		}
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

// after is the moment at which d of working time has passed since a. Where no day of a year has an hour of work, it is a.
func (k *calendar) after(a time.Time, d time.Duration) time.Time {
	idle := 0
	for day := a; idle < maxIdle; day = k.next(day) {
		from, to, fine := k.hours(day)
		if a.After(from) {
			from = a
		}
		if !fine || !to.After(from) {
			idle++
			continue
		}
		idle = 0
		if left := to.Sub(from); d > left {
			d -= left
			continue
		}
		return from.Add(d).UTC()
	}
	return a
}
