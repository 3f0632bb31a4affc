package replica

// Work logs and links: parts of a ticket that have an author or a target of their own. They came after the
// first release of the format, and older receivers keep them unread.

// The kinds of this file.
const (
	KindWorklog  Kind = "worklog"
	KindRelation Kind = "relation"
	KindWebLink  Kind = "web_link"
)

// Worklog is one entry of a ticket's work log. Text is nil where nothing was written beside the time;
// Edited is 0 where it never was.
type Worklog struct {
	Author          Person
	Started         Time
	Seconds         int64 // of work, 0 to 2^40
	Text            Rich
	Created, Edited Time
}

// Relation is a link from the ticket that shows it to another that both sides share: the ticket stands
// before Outward ("blocks"), To before Inward ("is blocked by"). Type is the sender's name of the kind.
type Relation struct {
	Type, Outward, Inward string
	To                    Ticket
}

// WebLink is an address of the web that a ticket shows.
type WebLink struct{ URL, Title, Summary string }

// Kind is KindWorklog.
func (Worklog) Kind() Kind { return KindWorklog }

// Kind is KindRelation.
func (Relation) Kind() Kind { return KindRelation }

// Kind is KindWebLink.
func (WebLink) Kind() Kind { return KindWebLink }

func (w Worklog) encode(s *sink) {
	n := 4
	if w.Edited != 0 {
		n++
	}
	if w.Text != nil {
		n++
	}
	s.mapLen(n)
	s.ascii("author")
	w.Author.encode(s)
	s.ascii("created")
	s.int(int64(w.Created))
	if w.Edited != 0 {
		s.ascii("edited")
		s.int(int64(w.Edited))
	}
	s.ascii("seconds")
	s.int(w.Seconds)
	s.ascii("started")
	s.int(int64(w.Started))
	if w.Text != nil {
		s.ascii("text")
		w.Text.encode(s)
	}
}

func (s *source) worklog() (w Worklog) {
	seen := 0
	s.keys(6, func(key string) bool {
		switch key {
		case "author":
			w.Author, seen = s.person(), seen+1
		case "created":
			w.Created, seen = Time(s.int()), seen+1
		case "edited":
			if w.Edited = Time(s.int()); w.Edited == 0 {
				s.fail("edited at 0, which is left out")
			}
		case "seconds":
			w.Seconds, seen = s.seconds(), seen+1
		case "started":
			w.Started, seen = Time(s.int()), seen+1
		case "text":
			w.Text = s.rich()
		default:
			return false
		}
		return true
	})
	if seen != 4 {
		s.fail("work log without author, created, seconds or started")
	}
	return w
}

func (r Relation) encode(s *sink) {
	s.mapLen(1 + present(r.Inward) + present(r.Outward) + present(r.Type))
	s.field(field{"inward", r.Inward})
	s.field(field{"outward", r.Outward})
	s.ascii("to")
	r.To.encode(s)
	s.field(field{"type", r.Type})
}

func (s *source) relation() (r Relation) {
	seen := false
	s.keys(4, func(key string) bool {
		switch key {
		case "inward":
			r.Inward = s.full(maxName)
		case "outward":
			r.Outward = s.full(maxName)
		case "to":
			r.To, seen = s.ticket(), true
		case "type":
			r.Type = s.full(maxName)
		default:
			return false
		}
		return true
	})
	if !seen {
		s.fail("link to no ticket")
	}
	return r
}

// maxAddress bounds an address of a web link: in bytes, beyond what browsers take.
const maxAddress = 8 << 10

func (l WebLink) encode(s *sink) {
	s.fields(field{"summary", l.Summary}, field{"title", l.Title}, field{"url", l.URL})
}

func (s *source) webLink() (l WebLink) {
	s.keys(3, func(key string) bool {
		switch key {
		case "summary":
			l.Summary = s.full(maxSummary)
		case "title":
			l.Title = s.full(maxName)
		case "url":
			l.URL = s.full(maxAddress)
		default:
			return false
		}
		return true
	})
	if l.URL == "" {
		s.fail("web link without an address")
	}
	return l
}

const maxSummary = 32 << 10 // bytes of a web link's summary
