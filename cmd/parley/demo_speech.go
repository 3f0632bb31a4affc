package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// speech is what the demo tells, line by line for a person or as one document
// at the end.
type speech struct {
	live  bool // lines for a person
	began time.Time

	mu sync.Mutex // guards to: what crosses is told while the play goes on
	to io.Writer
}

const speechWidth = 78 // columns

func newSpeech(to io.Writer, asJSON bool) *speech {
	return &speech{live: !asJSON, began: time.Now(), to: to}
}

// line tells one line to a person.
func (s *speech) line(format string, args ...any) {
	if !s.live {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.to, format+"\n", args...) // a reader who has gone away is nobody to tell
}

func (s *speech) begin(play int) {
	s.line("parley plays %d of its %d cases. The tenants are simulated, the nodes are real.", play, len(cases))
	s.line("→ is a replica that a node posts, ✓ what was then seen in the other tenant.")
}

func (s *speech) title(c demoCase) {
	s.line("\n%d  %s", c.id, c.name)
	for _, l := range wrap(c.story, speechWidth-3) {
		s.line("   %s", l)
	}
}

// check tells a check; took is 0 where nothing was waited for.
func (s *speech) check(c check, took time.Duration) {
	mark, after := "✓", ""
	if took > 0 {
		after = fmt.Sprintf("%d ms", took.Milliseconds())
	}
	if !c.OK {
		mark = "✗"
	}
	s.line("%s", strings.TrimRight(fmt.Sprintf(" %s %-*s %8s", mark, speechWidth-12, c.What, after), " "))
	if !c.OK {
		for _, l := range wrap(c.Detail, speechWidth-5) {
			s.line("     %s", clean(l))
		}
	}
}

// wrap breaks a text into lines of at most width characters.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}

// demoReport is what --json prints.
type demoReport struct {
	OK      bool         `json:"ok"`
	Cases   []caseResult `json:"cases"`
	Latency struct {
		P50 int64 `json:"p50"`
		P99 int64 `json:"p99"`
	} `json:"latency_ms"`
	CallsPerChange float64 `json:"jira_calls_per_change"`
	Polls          int     `json:"jira_polls"`
	Changes        int     `json:"changes"`
	Replicas       int     `json:"replicas"`
	Seconds        float64 `json:"seconds"`
}

// end sums up.
func (s *speech) end(results []caseResult, f figures) error {
	r := demoReport{OK: true, Cases: results, Polls: f.polled, Changes: f.changes, Replicas: f.replicas, Seconds: round(time.Since(s.began).Seconds())}
	checks, held := 0, 0
	for _, one := range results {
		r.OK = r.OK && one.OK
		checks += len(one.Checks)
		for _, c := range one.Checks {
			if c.OK {
				held++
			}
		}
	}
	r.Latency.P50, r.Latency.P99 = quantile(f.latencies, 0.50).Milliseconds(), quantile(f.latencies, 0.99).Milliseconds()
	if f.changes > 0 {
		r.CallsPerChange = round(float64(f.calls) / float64(f.changes))
	}
	if !s.live {
		return writeJSON(s.to, r)
	}
	s.line("\n%d of %d checks held, in %.0f s.", held, checks, r.Seconds)
	s.line("%d edits by people became %d replicas. From an edit until it was seen on the", r.Changes, r.Replicas)
	s.line("other side: p50 %d ms, p99 %d ms; a node looks at its tenant every %d ms.", r.Latency.P50, r.Latency.P99, demoPoll.Every.Milliseconds())
	s.line("%.1f calls to Jira for each edit, both sides together, and %d polls.", r.CallsPerChange, r.Polls)
	return nil
}

func round(x float64) float64 { return float64(int64(x*10+0.5)) / 10 }

// quantile is the value that a share q of all does not exceed; 0 of none.
func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// play says what a person can do with the desks that stay up.
func (s *speech) play(w *world) {
	s.line("\nNow it is your turn, until Ctrl-C:")
	for _, name := range w.names {
		c := w.companies[name]
		s.line("   %-6s desk      %s/", name, c.tenant.URL())
		s.line("          portal    %s/portal", c.tenant.URL())
		s.line("          console   %s", c.ready.Console)
		s.line("          home      %s", c.home)
	}
	s.line("   Raise a ticket in north's portal, give it the label vendor-x at north's")
	s.line("   desk, and look at south's. The rules are in each home's connections/.")
}
