package jql

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// instant is a date operand. A literal with hours has minute grain, one without has midnight in the session's zone.
type instant struct {
	time  time.Time
	grain time.Duration // what = and ON compare: a minute or a day for literals, a millisecond for epoch numbers
}

const day = 24 * time.Hour

// grain is what of a time a field compares: the calendar day of a Date, written as that day's midnight UTC, or the instant.
// A Date's value counts by the calendar of its own location, so a store need not know the session's zone.
func (k *comparison) grain(t time.Time) time.Time {
	if k.field.Type != Date {
		return t
	}
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// dateTest is = on dates. Date literals have no seconds, so a time equals one anywhere within its minute; a bare number of
// epoch milliseconds is exact.
func (k *comparison) dateTest(v Value) func(Datum) bool {
	at, ok := k.dateLiteral(v, "field '"+k.name+"'")
	if !ok {
		return nil
	}
	if k.field.Type == Date {
		want := k.grain(at.time)
		return func(d Datum) bool { return k.grain(d.Time).Equal(want) }
	}
	grain := min(at.grain, time.Minute)
	want := at.time.Truncate(grain)
	return func(d Datum) bool { return d.Time.Truncate(grain).Equal(want) }
}

// moment reads the operand of a date field: a literal, a date function, or a function of the store.
func (k *comparison) moment(o Operand) (at instant, verdict predicate, ok bool) {
	switch o := o.(type) {
	case Value:
		at, ok = k.dateLiteral(o, "field '"+k.name+"'")
		return at, nil, ok
	case Func:
		t, known, err := k.session.dateFunction(o)
		if err != nil {
			k.fail("%w", err)
			return at, nil, false
		}
		if known {
			return instant{t, day}, nil, true
		}
		if fold(o.Name) != "currentuser" {
			result, ok := k.invoke(o)
			if !ok || result.Match != nil {
				return at, result.Match, ok
			}
			if len(result.Values) == 1 && !result.Values[0].Time.IsZero() {
				return instant{result.Values[0].Time.In(k.session.Zone), time.Millisecond}, nil, true
			}
		}
		k.fail("A date for the field '%s' provided by the function '%s' is not valid.", k.name, o.Name)
	}
	return at, nil, false
}

func (c *compiler) dateLiteral(v Value, what string) (instant, bool) {
	at, ok := c.session.dateLiteral(v)
	if !ok {
		c.fail("Date value '%s' for %s is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.", v.Text, what)
	}
	return at, ok
}

// dateLiteral reads 2024/01/31 10:15, 2024-01-31, -1w 3d, or epoch milliseconds, which must be a bare number.
func (s Session) dateLiteral(v Value) (instant, bool) {
	if v.Number() {
		ms, err := strconv.ParseInt(v.Text, 10, 64)
		return instant{time.UnixMilli(ms).In(s.Zone), time.Millisecond}, err == nil
	}
	text := strings.TrimSpace(v.Text)
	for _, layout := range []string{"2006/1/2 15:04", "2006-1-2 15:04"} {
		if t, err := time.ParseInLocation(layout, text, s.Zone); err == nil {
			return instant{t, time.Minute}, true
		}
	}
	for _, layout := range []string{"2006/1/2", "2006-1-2"} {
		if t, err := time.ParseInLocation(layout, text, s.Zone); err == nil {
			return instant{t, day}, true
		}
	}
	ago, ok := period(text, clockUnits)
	return instant{s.Now.Add(time.Duration(ago) * time.Second), day}, ok
}

// dateFunction evaluates now(), startOfDay("-1d"), currentLogin() and their like; known is false for any other function.
func (s Session) dateFunction(fn Func) (at time.Time, known bool, err error) {
	name := fold(fn.Name)
	switch name {
	case "now":
		return s.Now, true, checkArguments(fn, 0, 0)
	case "currentlogin":
		return s.Login.In(s.Zone), true, checkArguments(fn, 0, 0)
	case "lastlogin":
		return s.LastLogin.In(s.Zone), true, checkArguments(fn, 0, 0)
	}
	unit, end := strings.CutPrefix(name, "endof")
	if !end {
		if unit, known = strings.CutPrefix(name, "startof"); !known {
			return at, false, nil
		}
	}
	natural, known := map[string]byte{"day": 'd', "week": 'w', "month": 'M', "year": 'y'}[unit]
	if !known {
		return at, false, nil
	}
	if err := checkArguments(fn, 0, 1); err != nil {
		return at, true, err
	}
	var add increment
	if len(fn.Args) == 1 {
		if add, err = parseIncrement(fn, natural); err != nil {
			return at, true, err
		}
	}
	return s.edge(natural, end, add), true, nil
}

// edge is the first or last millisecond of the period around now, moved by add. An increment of the period's own unit moves
// the period, so that endOfMonth("+1") is a month's last day too; any other moves the edge: startOfMonth("+14d") is the 15th.
func (s Session) edge(unit byte, end bool, add increment) time.Time {
	now := s.Now
	y, m, d := now.Date()
	n := 0
	if add.unit == unit {
		n, add = add.n, increment{}
	}
	if end {
		n++
	}
	var at time.Time
	switch unit {
	case 'd':
		at = time.Date(y, m, d+n, 0, 0, 0, 0, s.Zone)
	case 'w':
		back := (int(now.Weekday()) - int(s.WeekStart) + 7) % 7
		at = time.Date(y, m, d-back+7*n, 0, 0, 0, 0, s.Zone)
	case 'M':
		at = time.Date(y, m+time.Month(n), 1, 0, 0, 0, 0, s.Zone)
	case 'y':
		at = time.Date(y+n, 1, 1, 0, 0, 0, 0, s.Zone)
	}
	if end {
		at = at.Add(-time.Millisecond)
	}
	return add.to(at)
}

type increment struct {
	n    int
	unit byte // y M w d h m; 0: none
}

var incrementForm = regexp.MustCompile(`^([+-]?)(\d{1,6})([yMwdhm]?)$`)

func parseIncrement(fn Func, natural byte) (increment, error) {
	parts := incrementForm.FindStringSubmatch(strings.TrimSpace(fn.Args[0]))
	if parts == nil {
		return increment{}, fmt.Errorf("Duration for function '%s' should have the format (+/-)n(yMwdm), e.g -1M for 1 month earlier.", fn.Name)
	}
	n, _ := strconv.Atoi(parts[2]) // at most six digits
	if parts[1] == "-" {
		n = -n
	}
	if parts[3] != "" {
		natural = parts[3][0]
	}
	return increment{n, natural}, nil
}

func (a increment) to(t time.Time) time.Time {
	switch a.unit {
	case 'y':
		return t.AddDate(a.n, 0, 0)
	case 'M':
		return t.AddDate(0, a.n, 0)
	case 'w':
		return t.AddDate(0, 0, 7*a.n)
	case 'd':
		return t.AddDate(0, 0, a.n)
	case 'h':
		return t.Add(time.Duration(a.n) * time.Hour)
	case 'm':
		return t.Add(time.Duration(a.n) * time.Minute)
	}
	return t
}
