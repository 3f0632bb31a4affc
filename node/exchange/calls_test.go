package exchange_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestJiraCallsPerChange counts what one ticket's life costs on Jira, change by
// change and queued up, and holds the counts: Jira's quota is what users feel.
// Polls are counted apart; each serves every ticket and connection of a tenant.
//
// Why each call is there (source side / target side):
//
//	create      1 read (bulk) + 1 trigger match   / 1 portal request + 1 edit that answers with the ticket
//	comment     1 read                            / 1 read + 1 comment, whose answer proves its visibility + 1 read (what a person did beside it)
//	edit        1 read                            / 1 read + 1 edit that answers with the ticket and its history
//	transition  1 read                            / 1 read + 1 transition + 1 read back (post-functions, foreign edits)
//
// Reads are bulk reads: tickets that changed together share one. A trigger is
// asked twice, at once and when the index has caught up, for all connections.
func TestJiraCallsPerChange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		queued bool
		most   map[string]int // calls without polls
	}{
		{"one by one", false, map[string]int{"north": 10, "south": 17}},
		{"queued up", true, map[string]int{"north": 4, "south": 6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, customer, vendor, func(w *world) {
				w.quiet()
				before := map[string]map[string]int{"north": w.north.calls(), "south": w.south.calls()}
				changes := w.life(c.queued, func() { before["south"] = w.south.calls() })
				w.quiet()
				total, spent := 0, 0
				for _, side := range []*company{w.north, w.south} {
					made := side.calls()
					n := 0
					var lines []string
					for _, op := range slices.Sorted(maps.Keys(made)) {
						k := made[op] - before[side.name][op]
						if k == 0 {
							continue
						}
						if poll(op) {
							continue
						}
						n += k
						spent += k * cost(op)
						lines = append(lines, fmt.Sprintf("%s %d", op, k))
					}
					total += n
					t.Logf("%s: %d calls: %s", side.name, n, strings.Join(lines, ", "))
					if n > c.most[side.name] {
						t.Errorf("%s made %d calls, more than %d", side.name, n, c.most[side.name])
					}
				}
				t.Logf("%s: %d changes, %d calls (%.2f a change), %d points (%.2f a change)", c.name, changes, total, float64(total)/float64(changes), spent, float64(spent)/float64(changes))
			})
		})
	}
}

func poll(op string) bool { return strings.Contains(op, "search/jql") }

// cost is what a call is charged: a read of one ticket 2, all else 1 (facts: rate limits).
func cost(op string) int {
	if strings.Contains(op, "bulkfetch") || strings.HasPrefix(op, "GET /rest/api/{v}/issue/{key}") {
		return 2
	}
	return 1
}

// life is one ticket's: created, three comments, two edits, one transition.
func (w *world) life(queued bool, restarted func()) (changes int) {
	pause := 15 * time.Second
	if queued {
		w.south.stop()
		pause = time.Second / 10
	}
	key := w.north.raise("Printer on fire", map[string]any{"labels": []string{"vendor-x"}, "priority": name("Medium")})
	time.Sleep(pause)
	for _, step := range []func(){
		func() { w.north.comment(key, "first", true) },
		func() { w.north.edit(key, map[string]any{"priority": name("High")}) },
		func() { w.north.comment(key, "second", true) },
		func() { w.north.edit(key, map[string]any{"summary": "Printer burns"}) },
		func() { w.north.move(key, "In progress") },
		func() { w.north.comment(key, "third", true) },
	} {
		step()
		changes++
		time.Sleep(pause)
	}
	if queued {
		time.Sleep(20 * time.Second)
		w.south.start()
		restarted()
	}
	return changes + 1
}

func (c *company) calls() map[string]int { return c.tenant.Calls(c.sync.Email) }
