package jql

import (
	"cmp"
	"slices"
)

// sorter is one field of ORDER BY.
type sorter struct {
	env   Env
	field FieldInfo
	down  bool
}

func (c *compiler) order(sorts []Sort) []sorter {
	if len(sorts) > MaxSort {
		c.fail("The ORDER BY clause has %d fields; the maximum is %d.", len(sorts), MaxSort)
		return nil
	}
	var list []sorter
	for _, s := range sorts {
		f, ok := c.env.Field(s.Field)
		if !ok || f.Unsorted {
			c.fail("Not able to sort using field '%s'.", s.Field.Name)
			continue
		}
		list = append(list, sorter{c.env, f, s.Direction == "DESC" || s.Direction == "" && f.Newest})
	}
	return list
}

// Less says whether ORDER BY puts a before b. Equal ones, and all where there is no ORDER BY, are not less either way:
// a stable sort keeps their order. An empty field is greater than any value.
func (m *Matcher) Less(a, b Issue) bool {
	for _, s := range m.order {
		if n := s.compare(a, b); n != 0 {
			return n < 0 != s.down
		}
	}
	return false
}

func (s sorter) compare(a, b Issue) int {
	x, y := s.env.Values(a, s.field), s.env.Values(b, s.field)
	if len(x) == 0 || len(y) == 0 {
		return cmp.Compare(len(y), len(x)) // fewer is greater: one of them is empty
	}
	return s.rank(slices.MinFunc(x, s.rank), slices.MinFunc(y, s.rank))
}

func (s sorter) rank(a, b Datum) int {
	if s.field.Type == IssueRef {
		ap, an := splitKey(a.Name)
		bp, bn := splitKey(b.Name)
		return cmp.Or(cmp.Compare(ap, bp), cmp.Compare(an, bn))
	}
	n, _ := order(s.field.Type, a, b)
	return n
}
