package jql

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
)

// literal adds what a literal means: for ~ and !~ what contains it, for all other operators what equals it.
func (k *comparison) literal(v Value, m *meaning) {
	switch k.field.Type {
	case Text:
		m.add(k.textTest(v))
	case Exact, Label:
		m.named = append(m.named, Datum{Name: v.Text})
	case Option, Ranked, User, IssueRef:
		if k.op == Like || k.op == NotLike {
			m.add(nameTest(v.Text))
		} else {
			m.named = append(m.named, k.resolve(k.field, k.name, v)...)
		}
	case Number, Duration, SLA:
		if want, ok := k.number(v); ok {
			m.add(func(d Datum) bool { return d.Number == want })
		}
	case Date, DateTime:
		m.add(k.dateTest(v))
	case Approval: // only functions make sense here
		k.fail("The value '%s' does not exist for the field '%s'.", v.Text, k.name)
	}
}

func (m *meaning) add(test func(Datum) bool) { m.tests = append(m.tests, test) }

// resolve finds a literal's values for any field of named values, and complains where there are none.
func (c *compiler) resolve(f FieldInfo, name string, v Value) []Datum {
	found := c.env.Resolve(f, v)
	switch {
	case len(found) > 0:
	case f.Type == IssueRef && v.Number():
		c.fail("An issue with id '%s' does not exist for field '%s'.", v.Text, name)
	case f.Type == IssueRef && issueKey.MatchString(v.Text):
		c.fail("An issue with key '%s' does not exist for field '%s'.", v.Text, name)
	case f.Type == IssueRef:
		c.fail("The issue key '%s' for field '%s' is invalid.", v.Text, name)
	case f.Type == Option && strings.HasPrefix(f.ID, "customfield_"):
		c.fail("The option '%s' for field '%s' does not exist.", v.Text, name)
	case v.Number():
		c.fail("A value with ID '%s' does not exist for the field '%s'.", v.Text, name)
	default:
		c.fail("The value '%s' does not exist for the field '%s'.", v.Text, name)
	}
	return found
}

var issueKey = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*-\d+$`)

// nameTest is ~ on named values, versions above all: the whole name, with * for any run and ? for any character.
func nameTest(pattern string) func(Datum) bool {
	want := fold(pattern)
	return func(d Datum) bool { return glob(want, fold(d.Name)) }
}

// number reads the literal of a number, or of a duration as seconds: estimates in working time, SLAs by the clock, bare
// numbers in minutes.
func (k *comparison) number(v Value) (float64, bool) {
	if k.field.Type != Number {
		text, units := v.Text, workUnits
		if isInteger(text) {
			text += "m"
		}
		if k.field.Type == SLA {
			units = clockUnits
		}
		if seconds, ok := period(text, units); ok {
			return float64(seconds), true
		}
		k.fail("Duration value '%s' for field '%s' is invalid. Valid formats include a period format e.g. '2h', '4w 2d'.", v.Text, k.name)
		return 0, false
	}
	n, err := strconv.ParseFloat(v.Text, 64)
	if err != nil || n != n || n-n != 0 {
		k.fail("Value '%s' for the '%s' field is not a valid number.", v.Text, k.name)
		return 0, false
	}
	return n, true
}

var (
	clockUnits = map[byte]int64{'m': 60, 'h': 3600, 'd': 24 * 3600, 'w': 7 * 24 * 3600} // seconds
	// workUnits are Jira's default working time, 8 hours a day and 5 days a week, in which estimates count.
	workUnits = map[byte]int64{'m': 60, 'h': 3600, 'd': 8 * 3600, 'w': 5 * 8 * 3600}
)

// maxPeriod is about 200 years in seconds: a time.Duration ends at 292.
const maxPeriod = 200 * 366 * 24 * 3600

// period reads 2h, -1w3d or 4w 2d as seconds. The sign holds for all of it.
func period(s string, units map[byte]int64) (int64, bool) {
	sign := int64(1)
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		s, sign = rest, -1
	} else {
		s = strings.TrimPrefix(s, "+")
	}
	sum, read := int64(0), false
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		i := 0
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		n, err := strconv.ParseInt(s[:i], 10, 32)
		if err != nil || i == len(s) || units[s[i]] == 0 {
			return 0, false
		}
		if sum += n * units[s[i]]; sum > maxPeriod {
			return 0, false
		}
		s, read = s[i+1:], true
	}
	return sign * sum, read
}

// relation compiles < <= > >=. Of several values one is enough; an empty field never matches.
func (k *comparison) relation(o Operand) predicate {
	compare, verdict := k.comparer(o)
	if verdict != nil || compare == nil {
		return verdict
	}
	holds := map[Operator]func(int) bool{
		Less:    func(n int) bool { return n < 0 },
		AtMost:  func(n int) bool { return n <= 0 },
		Greater: func(n int) bool { return n > 0 },
		AtLeast: func(n int) bool { return n >= 0 },
	}[k.op]
	env, f := k.env, k.field
	return func(issue Issue) bool {
		for _, d := range env.Values(issue, f) {
			if n, ok := compare(d); ok && holds(n) {
				return true
			}
		}
		return false
	}
}

// comparer places a value below (-1), at (0) or above (1) the operand; false where the two have no order.
func (k *comparison) comparer(o Operand) (func(Datum) (int, bool), predicate) {
	switch k.field.Type {
	case Date, DateTime:
		at, verdict, ok := k.moment(o)
		if !ok || verdict != nil {
			return nil, verdict
		}
		want := k.grain(at.time)
		return func(d Datum) (int, bool) { return k.grain(d.Time).Compare(want), true }, nil
	}
	var bounds []Datum
	switch o := o.(type) {
	case Value:
		switch k.field.Type {
		case Number, Duration, SLA:
			n, ok := k.number(o)
			if !ok {
				return nil, nil
			}
			bounds = []Datum{{Number: n}}
		default:
			bounds = k.resolve(k.field, k.name, o)
		}
	case Func:
		result, ok := k.invoke(o)
		if !ok || result.Match != nil {
			return nil, result.Match
		}
		bounds = result.Values
	}
	if len(bounds) == 0 {
		return nil, func(Issue) bool { return false }
	}
	bound := bounds[0]
	return func(d Datum) (int, bool) { return order(k.field.Type, d, bound) }, nil
}

// order compares two values of a type. Issue keys have an order within one project only.
func order(t FieldType, a, b Datum) (int, bool) {
	switch t {
	case Ranked:
		return cmp.Compare(a.Rank, b.Rank), true
	case Number, Duration, SLA:
		return cmp.Compare(a.Number, b.Number), true
	case Date, DateTime:
		return a.Time.Compare(b.Time), true
	case IssueRef:
		ap, an := splitKey(a.Name)
		bp, bn := splitKey(b.Name)
		return cmp.Compare(an, bn), ap == bp
	}
	return strings.Compare(fold(a.Name), fold(b.Name)), true
}

func splitKey(key string) (project string, number uint64) {
	i := strings.LastIndexByte(key, '-')
	number, _ = strconv.ParseUint(key[i+1:], 10, 63) // not a key: 0
	return fold(key[:max(i, 0)]), number
}
