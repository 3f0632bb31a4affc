package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"parley/jsm/sim"
)

// look is one look into the tenants: whether what is waited for is there, and
// what was seen.
type look func() (seen string, ok bool)

// ticket is the one ticket of a company with these words in its summary.
func (s *drama) ticket(company, words string) (sim.Ticket, bool) {
	all := s.w.companies[company].tenant.Find(words)
	if len(all) != 1 {
		return sim.Ticket{}, false
	}
	return all[0], true
}

// key is the key of that ticket, "" where it is not there.
func (s *drama) key(company, words string) string {
	t, _ := s.ticket(company, words)
	return t.Key
}

// like waits for a company's ticket to be as it should; want says it in words.
func (s *drama) like(company, words string, as func(sim.Ticket) (string, bool)) look {
	return func() (string, bool) {
		t, there := s.ticket(company, words)
		if !there {
			return fmt.Sprintf("%s has %d tickets like that", company, len(s.w.companies[company].tenant.Find(words))), false
		}
		seen, ok := as(t)
		return strings.TrimSuffix(t.Key+", "+seen, ", "), ok
	}
}

// commented waits for words in a comment, public or not.
func (s *drama) commented(company, ticket, words string, public bool) look {
	return s.like(company, ticket, func(t sim.Ticket) (string, bool) {
		found := slices.IndexFunc(t.Comments, func(n sim.Note) bool { return strings.Contains(n.Text, words) })
		if found < 0 {
			return fmt.Sprintf("%d comments", len(t.Comments)), false
		}
		if t.Comments[found].Public {
			return "visible to the customer", public
		}
		return "internal", !public
	})
}

// resolved waits for a status with a resolution.
func (s *drama) resolved(company, ticket, status, resolution string) look {
	return s.like(company, ticket, func(t sim.Ticket) (string, bool) {
		return t.Status + ", resolution " + t.Resolution, t.Status == status && t.Resolution == resolution
	})
}

// nowhere makes sure that words are in no ticket of a company, wherever Jira
// could keep them.
func (s *drama) nowhere(company string, words ...string) look {
	return func() (string, bool) {
		all, err := json.Marshal(s.w.companies[company].tenant.Issues())
		if err != nil {
			return err.Error(), false
		}
		for _, word := range words {
			if strings.Contains(string(all), word) {
				return fmt.Sprintf("%q is there", word), false
			}
		}
		return fmt.Sprintf("%d bytes of tickets searched", len(all)), true
	}
}

// only makes sure that a company has exactly these many tickets.
func (s *drama) only(company string, n int) look {
	return func() (string, bool) {
		all := s.w.companies[company].tenant.Issues()
		return fmt.Sprintf("%s has %d tickets", company, len(all)), len(all) == n
	}
}
