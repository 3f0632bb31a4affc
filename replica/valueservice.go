package replica

// What a service desk knows of a request beside its fields: approvals, clocks, the portal's words, the customer's
// rating and articles. They are reports: a receiver shows them, and writes none of them into its own desk's.

// Approval is one approval of a ticket. Its name says in which role its approvers decide; decision, role and time
// always travel together.
type Approval struct {
	Name      string // at most 1 KiB
	Decision  string // approved, declined or pending
	Created   Time
	Completed Time // 0: pending
	Approvers []Approver
}

// Approver is one who is asked, as people.share allows, and the answer.
type Approver struct {
	Person   Person
	Decision string // as Approval's
}

// SLA is one clock of a ticket: its newest run. Nothing in it moves with the time of day.
type SLA struct {
	Name      string // at most 1 KiB
	Goal      int64  // milliseconds of the desk's working time; 0 unknown
	Breach    Time   // when it is, was or would have been breached; 0 while a pause puts it off
	Completed Time   // 0: it runs
	Paused    bool
	Breached  bool
}

// Portal is what the customer sees of a request: the status in the portal's words, and the address; either may be empty.
type Portal struct{ Status, URL string }

// Rating is how the customer rated the work: 1 to 5 stars, and words that may be empty.
type Rating struct {
	Stars int
	Text  string
}

// Article is an article of the sender's knowledge base that is tied to the ticket.
type Article struct{ Title, URL string }

// The kinds of this file, which older receivers keep unread.
const (
	KindApproval Kind = "approval"
	KindSLA      Kind = "sla"
	KindPortal   Kind = "portal"
	KindRating   Kind = "rating"
	KindArticle  Kind = "article"
)

// MaxApprovers is how many an Approval names; Jira's own limit is not known, a group of approvers can be large.
const MaxApprovers = 1000

// Kind is KindApproval.
func (Approval) Kind() Kind { return KindApproval }

// Kind is KindSLA.
func (SLA) Kind() Kind { return KindSLA }

// Kind is KindPortal.
func (Portal) Kind() Kind { return KindPortal }

// Kind is KindRating.
func (Rating) Kind() Kind { return KindRating }

// Kind is KindArticle.
func (Article) Kind() Kind { return KindArticle }

// countOf counts the parts that are there.
func countOf(parts ...bool) (n int) {
	for _, p := range parts {
		if p {
			n++
		}
	}
	return n
}

// optional writes a number unless it is 0.
func (s *sink) optional(key string, n int64) {
	if n != 0 {
		s.ascii(key)
		s.int(n)
	}
}

// flag writes true, and false not at all.
func (s *sink) flag(key string, on bool) {
	if on {
		s.ascii(key)
		s.bool(true)
	}
}

func (a Approval) encode(s *sink) {
	s.mapLen(2 + countOf(len(a.Approvers) > 0, a.Completed != 0, a.Created != 0))
	if len(a.Approvers) > 0 {
		s.ascii("approvers")
		s.arrayLen(len(a.Approvers))
		for _, one := range a.Approvers {
			s.mapLen(2)
			s.ascii("decision")
			s.str(one.Decision)
			s.ascii("person")
			one.Person.encode(s)
		}
	}
	s.optional("completed", int64(a.Completed))
	s.optional("created", int64(a.Created))
	s.ascii("decision")
	s.str(a.Decision)
	s.ascii("name")
	s.str(a.Name)
}

func (s *source) approval() (a Approval) {
	seen := 0
	s.keys(5, func(key string) bool {
		switch key {
		case "approvers":
			a.Approvers = s.approvers()
		case "completed":
			a.Completed = s.later()
		case "created":
			a.Created = s.later()
		case "decision":
			a.Decision, seen = s.decision(), seen+1
		case "name":
			a.Name, seen = s.str(maxName), seen+1
		default:
			return false
		}
		return true
	})
	if seen != 2 {
		s.fail("approval without decision or name")
	}
	return a
}

func (s *source) approvers() []Approver {
	n := s.arrayLen(MaxApprovers)
	if n == 0 {
		s.fail("no approvers, which are left out")
	}
	list := make([]Approver, 0, n)
	for range n {
		var one Approver
		seen := 0
		s.keys(2, func(key string) bool {
			switch key {
			case "decision":
				one.Decision, seen = s.decision(), seen+1
			case "person":
				one.Person, seen = s.person(), seen+1
			default:
				return false
			}
			return true
		})
		if seen != 2 {
			s.fail("approver without decision or person")
		}
		if s.err != nil {
			return nil
		}
		list = append(list, one)
	}
	return list
}

func (s *source) decision() string {
	d := s.str(maxName)
	switch d {
	case "approved", "declined", "pending":
	default:
		s.fail("unknown decision")
	}
	return d
}

// later reads a time that is left out where it is 0.
func (s *source) later() Time {
	n := s.int()
	if n <= 0 {
		s.fail("time not after 1970")
	}
	return Time(n)
}

// yes reads a flag that is left out where it is false.
func (s *source) yes() bool {
	on := s.bool()
	if !on {
		s.fail("false, which is left out")
	}
	return on
}

const maxGoal = 1 << 40 // milliseconds: 34 years

func (c SLA) encode(s *sink) {
	s.mapLen(1 + countOf(c.Breach != 0, c.Breached, c.Completed != 0, c.Goal != 0, c.Paused))
	s.optional("breach", int64(c.Breach))
	s.flag("breached", c.Breached)
	s.optional("completed", int64(c.Completed))
	s.optional("goal", c.Goal)
	s.ascii("name")
	s.str(c.Name)
	s.flag("paused", c.Paused)
}

func (s *source) sla() (c SLA) {
	named := false
	s.keys(6, func(key string) bool {
		switch key {
		case "breach":
			c.Breach = s.later()
		case "breached":
			c.Breached = s.yes()
		case "completed":
			c.Completed = s.later()
		case "goal":
			if c.Goal = s.int(); c.Goal <= 0 || c.Goal > maxGoal {
				s.fail("goal out of bounds")
			}
		case "name":
			c.Name, named = s.str(maxName), true
		case "paused":
			c.Paused = s.yes()
		default:
			return false
		}
		return true
	})
	if !named {
		s.fail("sla without a name")
	}
	return c
}

func (p Portal) encode(s *sink) { s.fields(field{"status", p.Status}, field{"url", p.URL}) }

func (s *source) portal() (p Portal) {
	s.keys(2, func(key string) bool {
		switch key {
		case "status":
			p.Status = s.full(maxName)
		case "url":
			p.URL = s.full(maxURL)
		default:
			return false
		}
		return true
	})
	return p
}

func (r Rating) encode(s *sink) {
	s.mapLen(1 + present(r.Text))
	s.ascii("stars")
	s.int(int64(r.Stars))
	s.field(field{"text", r.Text})
}

func (s *source) rating() (r Rating) {
	s.keys(2, func(key string) bool {
		switch key {
		case "stars":
			r.Stars = int(s.int())
		case "text":
			r.Text = s.full(MaxText)
		default:
			return false
		}
		return true
	})
	if r.Stars < 1 || r.Stars > 5 {
		s.fail("stars out of bounds")
	}
	return r
}

func (a Article) encode(s *sink) {
	s.mapLen(2)
	s.ascii("title")
	s.str(a.Title)
	s.ascii("url")
	s.str(a.URL)
}

func (s *source) article() (a Article) {
	seen := 0
	s.keys(2, func(key string) bool {
		switch key {
		case "title":
			a.Title, seen = s.full(maxName), seen+1
		case "url":
			a.URL, seen = s.full(maxURL), seen+1
		default:
			return false
		}
		return true
	})
	if seen != 2 {
		s.fail("article without title or url")
	}
	return a
}
