package exchange_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/node/exchange"
	"parley/replica"
)

// seeds are the tenants of the next world, by name, where they are not the built-in ones.
var seeds map[string][]byte

const sweepEach = time.Hour // longer than each story but the one that waits for it

// inBigWorld runs a story of two desks that share everything.
func inBigWorld(t *testing.T, story func(w *world)) {
	t.Helper()
	seeds = map[string][]byte{"north": bigSeed("north", "SUPPORT", 10000), "south": bigSeed("south", "HELP", 20000)}
	t.Cleanup(func() { seeds = nil })
	tune(t, func(cfg *exchange.Config) { cfg.Every, cfg.Sweep = 5*time.Second, sweepEach })
	inWorld(t, bigRules("south", "SUPPORT", "HELP"), bigRules("north", "HELP", "SUPPORT"), story)
}

func (c *company) face() *deskFace {
	return &deskFace{tb: c.w.t, url: c.tenant.URL(), agent: c.agent, all: c.tenant.Accounts(), project: c.tenant.Project(), way: inProcess{c.tenant}}
}

// bigShared raises a big ticket and waits until all of it has a twin.
func (w *world) bigShared(files int) (key, twin string) {
	w.t.Helper()
	north, south := w.north.face(), w.south.face()
	key = north.raise("The printer burns")
	sizes := make([]int64, files)
	for i := range sizes {
		sizes[i] = 512
	}
	north.grow(key, sizes)
	north.share(key)
	for end := time.Now().Add(time.Hour); time.Now().Before(end); time.Sleep(15 * time.Second) {
		synctest.Wait()
		if twin == "" {
			twin = w.north.twin(key)
		}
		if twin == "" {
			continue
		}
		if comments, arrived := south.size(twin); comments >= bigComments && arrived == files {
			return key, twin
		}
	}
	w.explain()
	w.t.Fatal("the ticket does not cross whole within an hour")
	return key, twin
}

// TestAChangedFieldOfABigTicket counts what one field costs that a person changes on a ticket of 500 comments, 100
// attachments and 60 custom fields, of which the rules of both sides share everything: over both tenants, with the
// one poll that finds it, at most 3 reads and 1 write, and less than 1 KiB on the wire.
//
//	north  POST search/jql       the poll that finds the change
//	north  POST issue/bulkfetch  the ticket as it is now; what its answer leaves out (comments beyond the first, work
//	                             logs, web links, watchers) stands since it was last read, as that answer tells
//	south  POST issue/bulkfetch  the twin, before it is written to
//	south  PUT issue             the field; its answer is the twin as it is then, and who changed what
func TestAChangedFieldOfABigTicket(t *testing.T) {
	inBigWorld(t, func(w *world) {
		key, twin := w.bigShared(bigFiles)
		w.quiet()
		ids := map[*company]map[string]string{w.north: w.north.face().fieldIDs(), w.south: w.south.face().fieldIDs()}
		for _, c := range []struct {
			field string // its name, or the id of one of Jira's own
			value any
		}{
			{bigField(0), "Another row"}, {bigField(2), 77}, {bigField(4), "2026-12-01T08:00:00.000+0000"}, {bigField(5), map[string]any{"value": "Blue"}},
			{bigField(1), words("Another paragraph")}, {"summary", "The printer still burns"}, {"description", words("Smoke everywhere")},
			{"priority", name("High")}, {"components", []any{name("Mail")}}, {"timetracking", map[string]any{"originalEstimate": "2d"}},
		} {
			w.changedField(w.north, key, twin, ids, c.field, c.value)
		}
		w.changedField(w.south, twin, key, ids, bigField(10), "A row of the south's")
	})
}

// changedField has one side's agent change a field, and holds what that costs both sides together.
func (w *world) changedField(at *company, key, twin string, ids map[*company]map[string]string, field string, value any) {
	w.t.Helper()
	id, there := cmp.Or(ids[at][field], field), cmp.Or(ids[at.peer][field], field)
	before := w.spending()
	at.edit(key, map[string]any{id: value})
	w.quiet()
	reads, writes, lines, bytes := w.spent(before)
	w.t.Logf("%s: %d reads, %d writes, a replica of %d bytes: %s", field, reads, writes, bytes, strings.Join(lines, ", "))
	if reads > 3 || writes != 1 || bytes >= 1<<10 {
		w.t.Errorf("%s costs %d reads, %d writes and %d bytes", field, reads, writes, bytes)
	}
	same(w.t, field, shownValue(at.peer.fields(twin)[there]), shownValue(at.fields(key)[id]))
}

// shownValue is a field as a person reads it.
func shownValue(v any) string {
	if list, many := v.([]any); many && len(list) == 1 {
		v = list[0]
	}
	m, ok := v.(map[string]any)
	switch {
	case !ok:
		return fmt.Sprint(v)
	case m["type"] == "doc":
		return plain(m)
	case m["originalEstimate"] != nil:
		return fmt.Sprint(m["originalEstimate"])
	}
	return fmt.Sprint(cmp.Or(m["value"], m["name"]))
}

// spending is what both nodes have asked of their tenants so far, and posted.
type spending struct {
	calls, writes map[string]map[string]int
	posted        map[string]replica.Seq
}

func (w *world) spending() spending {
	s := spending{map[string]map[string]int{}, map[string]map[string]int{}, map[string]replica.Seq{}}
	for _, c := range []*company{w.north, w.south} {
		s.calls[c.name], s.writes[c.name], s.posted[c.name] = c.calls(), c.tenant.WritesBy(c.sync.Email), w.sent(c)
	}
	return s
}

// spent counts what has been asked since then. Polls that find nothing are not counted: a change is found by one.
func (w *world) spent(before spending) (reads, writes int, lines []string, bytes int) {
	w.t.Helper()
	reads, lines = 1, []string{"the poll that finds it 1"}
	for _, c := range []*company{w.north, w.south} {
		now, wrote := c.calls(), c.tenant.WritesBy(c.sync.Email)
		for _, op := range slices.Sorted(maps.Keys(now)) {
			n := now[op] - before.calls[c.name][op]
			if n == 0 || poll(op) {
				continue
			}
			lines = append(lines, fmt.Sprintf("%s %s %d", c.name, op, n))
			k := wrote[op] - before.writes[c.name][op]
			writes, reads = writes+k, reads+n-k
		}
		entries, err := c.desk.Connection("link").Log.Entries(before.posted[c.name]+1, 100)
		w.must(err)
		for _, e := range entries {
			bytes += len(e.Body)
		}
	}
	return reads, writes, lines, bytes
}

// TestWhatAFieldHidesIsSwept has a person edit an old comment, and a field right after it, between two looks: the
// answer that shows the field does not tell of the comment, which crosses with the sweep.
func TestWhatAFieldHidesIsSwept(t *testing.T) {
	inBigWorld(t, func(w *world) {
		key, twin := w.bigShared(0)
		w.quiet()
		north := w.north.face()
		page := north.do("GET", fmt.Sprintf("/rest/api/3/issue/%s/comment?startAt=%d&maxResults=1", key, bigComments/2), nil)
		id := page["comments"].([]any)[0].(map[string]any)["id"].(string)
		before := w.spending()
		w.north.do(w.north.agent, "PUT", "/rest/api/3/issue/"+key+"/comment/"+id, map[string]any{"body": words("In other words")})
		w.north.edit(key, map[string]any{"summary": "The printer still burns"})
		w.quiet()
		if reads, writes, lines, _ := w.spent(before); reads > 3 || writes != 1 {
			t.Errorf("%d reads and %d writes: %s", reads, writes, strings.Join(lines, ", "))
		}
		if w.south.heard(twin, "In other words") {
			t.Error("the edit has crossed, though nothing told of it")
		}
		time.Sleep(sweepEach + 10*time.Minute)
		w.quiet()
		if !w.south.heard(twin, "In other words") {
			t.Error("the sweep has not found the edit")
		}
	})
}

// heard reports whether a comment says these words.
func (c *company) heard(key, words string) bool {
	c.w.t.Helper()
	for start := 0; ; start += 100 {
		page := c.do(c.agent, "GET", fmt.Sprintf("/rest/api/3/issue/%s/comment?startAt=%d&maxResults=100", key, start), nil)
		list := page["comments"].([]any)
		if len(list) == 0 {
			return false
		}
		for _, e := range list {
			if strings.Contains(plain(e.(map[string]any)["body"]), words) {
				return true
			}
		}
	}
}
