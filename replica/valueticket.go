package replica

// Effort and Ticket on the wire: kinds that came after the first release of the format, which older
// receivers keep unread.

func (e Effort) encode(s *sink) {
	parts := []struct {
		key     string
		seconds int64
	}{{"original", e.Original}, {"remaining", e.Remaining}}
	n := 0
	for _, p := range parts {
		if p.seconds >= 0 {
			n++
		}
	}
	s.mapLen(n)
	for _, p := range parts {
		if p.seconds >= 0 {
			s.ascii(p.key)
			s.int(p.seconds)
		}
	}
}

func (s *source) effort() Effort {
	e := Effort{Original: NoEstimate, Remaining: NoEstimate}
	s.keys(2, func(key string) bool {
		switch key {
		case "original":
			e.Original = s.seconds()
		case "remaining":
			e.Remaining = s.seconds()
		default:
			return false
		}
		return true
	})
	return e
}

const maxSeconds = 1 << 40 // of an estimate: 34,000 years, far beyond what Jira stores

func (s *source) seconds() int64 {
	n := s.int()
	if n < 0 || n > maxSeconds {
		s.fail("estimate out of bounds")
		return 0
	}
	return n
}

func (t Ticket) encode(s *sink) {
	s.mapLen(1 + present(t.Key))
	s.field(field{"key", t.Key})
	s.ascii("link")
	s.bin(t.Link[:])
}

func (s *source) ticket() (t Ticket) {
	s.keys(2, func(key string) bool {
		switch key {
		case "key":
			t.Key = s.full(maxName)
		case "link":
			s.bin(t.Link[:])
		default:
			return false
		}
		return true
	})
	if t.Link.IsZero() {
		s.fail("ticket without a link")
	}
	return t
}
