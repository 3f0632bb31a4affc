package replica

import (
	"time"

	"parley/replica/adf"
)

// Every field that is empty is left out, so that a value has one form only. Keys
// stand in byte order.

func (t Text) encode(s *sink)    { s.str(string(t)) }
func (r Rich) encode(s *sink)    { s.str(string(r)) }
func (d Date) encode(s *sink)    { s.str(string(d)) }
func (t Time) encode(s *sink)    { s.int(int64(t)) }
func (u Unknown) encode(s *sink) { s.raw(u.Raw) }

func (n Number) encode(s *sink) {
	if canonical, err := ParseNumber(string(n)); err == nil {
		n = canonical
	}
	s.str(string(n))
}

// field is one key of a map with a text behind it.
type field struct{ key, value string }

// fields writes the map of those that are not empty.
func (s *sink) fields(all ...field) {
	n := 0
	for _, f := range all {
		if f.value != "" {
			n++
		}
	}
	s.mapLen(n)
	for _, f := range all {
		s.field(f)
	}
}

func (s *sink) field(f field) {
	if f.value != "" {
		s.ascii(f.key)
		s.str(f.value)
	}
}

func (o Option) encode(s *sink) {
	if o.Child == nil {
		s.fields(field{"id", o.ID}, field{"name", o.Name})
		return
	}
	s.mapLen(1 + present(o.ID) + present(o.Name))
	s.ascii("child")
	o.Child.encode(s)
	s.field(field{"id", o.ID})
	s.field(field{"name", o.Name})
}

func present(v string) int {
	if v == "" {
		return 0
	}
	return 1
}

func (st Status) encode(s *sink) {
	s.fields(field{"category", st.Category}, field{"id", st.ID}, field{"name", st.Name})
}

func (p Person) encode(s *sink) {
	s.fields(field{"alias", p.Alias}, field{"company", p.Company}, field{"email", p.Email},
		field{"name", p.Name}, field{"ref", p.Ref})
}

func (l List) encode(s *sink) {
	s.arrayLen(len(l))
	for _, v := range l {
		s.mapLen(2)
		s.ascii("k")
		s.str(string(v.Kind()))
		s.ascii("v")
		v.encode(s)
	}
}

func (c Comment) encode(s *sink) {
	n := 3 + present(c.Parent)
	if c.Edited != 0 {
		n++
	}
	s.mapLen(n + 1)
	s.ascii("author")
	c.Author.encode(s)
	s.ascii("body")
	c.Body.encode(s)
	s.ascii("created")
	s.int(int64(c.Created))
	if c.Edited != 0 {
		s.ascii("edited")
		s.int(int64(c.Edited))
	}
	s.field(field{"parent", c.Parent})
	s.ascii("public")
	s.bool(c.Public)
}

// decodeValue reads one value of a kind; inList says that a list is around it.
func decodeValue(s *source, kind Kind, inList bool) Value {
	switch kind {
	case KindText:
		return Text(s.str(MaxText))
	case KindRich:
		return s.rich()
	case KindOption:
		return *s.option(maxChild)
	case KindStatus:
		return s.status()
	case KindNumber:
		return s.number()
	case KindDate:
		return s.date()
	case KindTime:
		return Time(s.int())
	case KindPerson:
		return s.person()
	case KindComment:
		return s.comment()
	case KindEffort:
		return s.effort()
	case KindTicket:
		return s.ticket()
	case KindWorklog:
		return s.worklog()
	case KindRelation:
		return s.relation()
	case KindWebLink:
		return s.webLink()
	case KindAttachment:
		return s.attachment()
	case KindApproval:
		return s.approval()
	case KindSLA:
		return s.sla()
	case KindPortal:
		return s.portal()
	case KindRating:
		return s.rating()
	case KindArticle:
		return s.article()
	case KindList:
		if inList {
			s.fail("list in a list")
			return nil
		}
		return s.list()
	}
	return Unknown{Name: kind, Raw: s.raw()}
}

func (s *source) rich() Rich {
	b := Rich(s.str(MaxRich))
	if s.err == nil {
		_, err := adf.Parse(b)
		s.failed("reading rich text", err)
	}
	return b
}

func (s *source) number() Number {
	n := Number(s.str(maxNumber))
	if canonical, err := ParseNumber(string(n)); s.err == nil && (err != nil || canonical != n) {
		s.fail("number is not a canonical decimal")
	}
	return n
}

func (s *source) date() Date {
	d := s.str(len(time.DateOnly))
	if _, err := time.Parse(time.DateOnly, d); err != nil {
		s.fail("date is not YYYY-MM-DD")
	}
	return Date(d)
}

// keys reads a map of optional texts: rising keys, each of which read knows.
func (s *source) keys(limit int, read func(key string) bool) {
	for range s.mapLen(limit) {
		key := s.str(maxName)
		if s.err != nil {
			return
		}
		if !read(key) {
			s.fail("unknown key in a value")
			return
		}
	}
}

func (s *source) option(steps int) *Option {
	o := new(Option)
	s.keys(3, func(key string) bool {
		switch key {
		case "child":
			if steps <= 1 {
				s.fail("option nested too deep")
				return true
			}
			o.Child = s.option(steps - 1)
		case "id":
			o.ID = s.full(maxName)
		case "name":
			o.Name = s.full(maxName)
		default:
			return false
		}
		return true
	})
	return o
}

func (s *source) status() (st Status) {
	s.keys(3, func(key string) bool {
		switch key {
		case "category":
			st.Category = s.full(maxName)
		case "id":
			st.ID = s.full(maxName)
		case "name":
			st.Name = s.full(maxName)
		default:
			return false
		}
		return true
	})
	switch st.Category {
	case "", "new", "indeterminate", "done", "undefined":
	default:
		s.fail("unknown status category")
	}
	return st
}

func (s *source) person() (p Person) {
	s.keys(5, func(key string) bool {
		switch key {
		case "alias":
			p.Alias = s.full(maxName)
		case "company":
			p.Company = s.full(maxName)
		case "email":
			p.Email = s.full(maxName)
		case "name":
			p.Name = s.full(maxName)
		case "ref":
			p.Ref = s.full(maxName)
		default:
			return false
		}
		return true
	})
	return p
}

func (s *source) list() List {
	n := s.arrayLen(MaxList)
	l := make(List, 0, n)
	for range n {
		if s.mapLen(2) != 2 {
			s.fail("want a list element: k, v")
		}
		s.want("k")
		kind := s.kind()
		s.want("v")
		v := decodeValue(s, kind, true)
		if s.err != nil {
			return nil
		}
		l = append(l, v)
	}
	return l
}

func (s *source) comment() (c Comment) {
	seen := 0
	s.keys(6, func(key string) bool {
		switch key {
		case "author":
			c.Author, seen = s.person(), seen+1
		case "body":
			c.Body, seen = s.rich(), seen+1
		case "created":
			c.Created, seen = Time(s.int()), seen+1
		case "edited":
			if c.Edited = Time(s.int()); c.Edited == 0 {
				s.fail("edited at 0, which is left out")
			}
		case "parent":
			c.Parent = s.full(maxName)
		case "public":
			c.Public, seen = s.bool(), seen+1
		default:
			return false
		}
		return true
	})
	if seen != 4 {
		s.fail("comment without author, body, created or public")
	}
	return c
}
