package exchange_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"parley/jsm/sim"
)

// checksByDefault is how many sagas are told where -rapid.checks does not say; each is two nodes and two tenants.
const checksByDefault = "8"

// TestAnyTwoDesksAgree tells sagas of two desks that somebody might have set up: whatever their people do by turns, the
// tickets come to say the same, each by its own names, and a second sync sends nothing and writes nothing.
func TestAnyTwoDesksAgree(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := flag.Set("rapid.checks", checksByDefault); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = flag.Set("rapid.checks", f.DefValue) })
	}
	t.Cleanup(func() { seeds = nil })
	rapid.Check(t, func(r *rapid.T) {
		saga := drawSaga(r)
		seeds = map[string][]byte{"north": saga.north.seed(10000), "south": saga.south.seed(20000)}
		north, south := saga.rules(&saga.north), saga.rules(&saga.south)
		var wrong string
		inWorld(t, north, south, func(w *world) { wrong = saga.tell(w) })
		if wrong != "" {
			r.Fatalf("%s\n\n--- the north's rules\n%s\n--- the south's rules\n%s", wrong, north, south)
		}
	})
}

// tell has the people act by turns; what goes wrong is told.
func (w *saga) tell(world *world) (wrong string) {
	north, south := world.north, world.south
	key := north.raise("Printer on fire", nil)
	w.act(north, &w.north, key, w.deeds[0])
	north.must(north.tenant.As(north.agent.Email).Label(key, "vendor-x"))
	twin := ""
	for turn, d := range w.deeds {
		switch turn {
		case 1:
			w.act(south, &w.south, twin, d)
		case 2:
			w.act(north, &w.north, key, d)
		case 3: // and the last: at once
			w.act(south, &w.south, twin, d)
			continue
		case 4:
			w.act(north, &w.north, key, d)
		}
		rest()
		if twin = north.twin(key); twin == "" {
			return fmt.Sprintf("no twin is made: %v %v", north.held(), south.held())
		}
		here, _ := north.tenant.Issue(key)
		there, _ := south.tenant.Issue(twin)
		if held := slices.Concat(north.held(), south.held()); len(held) > 0 {
			return fmt.Sprintf("after turn %d there waits %q", turn+1, held)
		}
		if wrong := w.differ(here, there); wrong != "" {
			return fmt.Sprintf("after turn %d %s", turn+1, wrong)
		}
	}
	return w.again(world, key, twin)
}

// rest lets everything settle.
func rest() {
	time.Sleep(6*settle + 30*every)
	synctest.Wait()
}

// again syncs both tickets once more, which their people touched where nothing is shared.
func (w *saga) again(world *world, key, twin string) (wrong string) {
	count := func() string {
		return fmt.Sprintf("replicas %d/%d, writes %v/%v", world.sent(world.north), world.sent(world.south), world.writes(world.north), world.writes(world.south))
	}
	before := count()
	for c, ticket := range map[*company]string{world.north: key, world.south: twin} {
		c.must(c.tenant.As(c.agent.Email).SetField(ticket, "Own note", "between us"))
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		_, err := c.desk.Sync(ctx, "link", []string{ticket})
		cancel()
		c.must(err)
	}
	rest()
	if after := count(); after != before {
		return fmt.Sprintf("a second sync is no silence: %s, and then %s", before, after)
	}
	return ""
}

func (c *company) must(err error) { c.w.must(err) }

// act does a deed as the desk's agent.
func (w *saga) act(c *company, desk *taleDesk, key string, d deed) {
	agent := c.tenant.As(c.agent.Email)
	for _, f := range desk.fields {
		if v, ok := d.values[f.name]; ok {
			c.must(agent.SetField(key, f.name, taleValue(desk, f, v)))
		}
	}
	if d.priority != "" {
		c.must(agent.SetField(key, "Priority", d.priority))
	}
	if now, _ := c.tenant.Issue(key); d.status != "" && now.Status != d.status {
		c.must(agent.Transition(key, d.status, nil))
	}
	for _, said := range d.comments {
		_, err := agent.Comment(key, said.text, said.public)
		c.must(err)
	}
	for _, f := range d.files {
		var err error
		if content := bytes.NewReader([]byte(f.text + " of " + desk.site)); f.public {
			_, err = agent.AttachBy(key, f.text, content, "", true)
		} else {
			_, err = agent.Attach(key, f.text, content)
		}
		c.must(err)
	}
	for _, seconds := range d.work {
		c.must(agent.Log(key, seconds, "work of the "+desk.site))
	}
	for _, page := range d.pages {
		c.must(agent.WebLink(key, page, "A page"))
		c.must(agent.SetField(key, "Own note", "see "+page)) // a web link alone moves nothing that a poll would find
	}
	w.invite(c, desk, key, d.guests)
}

// invite has just these take part.
func (w *saga) invite(c *company, desk *taleDesk, key string, guests []string) {
	if guests == nil {
		return
	}
	now, _ := c.tenant.Issue(key)
	agent := c.tenant.As(c.agent.Email)
	for _, role := range []string{"customer", "human"} {
		mail := role + "@" + desk.site + ".example"
		is, wanted := slices.Contains(now.Participants, mail), slices.Contains(guests, role)
		switch {
		case wanted && !is:
			c.must(agent.Share(key, mail))
		case is && !wanted:
			c.must(agent.Unshare(key, mail))
		}
	}
}

// taleValue is a value as the simulation's people write it.
func taleValue(desk *taleDesk, f taleField, v []string) any {
	if len(v) == 0 {
		return nil
	}
	var out []string
	for _, one := range v {
		switch f.kind {
		case "number":
			n, _ := strconv.ParseFloat(one, 64)
			return n
		case "datetime":
			return strings.Replace(one, "Z", ".000+0000", 1)
		case "user", "users":
			one += "@" + desk.site + ".example"
		}
		out = append(out, one)
	}
	if slices.Contains([]string{"multiselect", "checkboxes", "labels", "versions", "groups", "assets", "users"}, f.kind) {
		return out
	}
	return out[0]
}

// differ says in what two tickets do not agree; empty: they do.
func (w *saga) differ(here, there sim.Ticket) string {
	for _, b := range w.bonds {
		want, got := b.there(roles(here.Fields[b.north.name])), b.there(nil)
		got = append(got, roles(there.Fields[b.south.name])...)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			return fmt.Sprintf("%s (%s) is %q in the south, and not %q: %s (%s) is %q in the north", b.south.name, b.south.kind, got, want, b.north.name, b.north.kind, here.Fields[b.north.name])
		}
	}
	for what, two := range map[string][2]any{
		"summary": {here.Summary, there.Summary}, "description": {here.Description, there.Description}, "priority": {w.priorities[here.Priority], there.Priority},
		"status": {w.statuses[here.Status], there.Status}, "comments": {w.told(here), w.told(there)}, "files": {w.filed(here), w.filed(there)},
		"work": {worked(here), worked(there)}, "pages": {paged(here), paged(there)}, "participants": {byWord(roles(here.Participants)), byWord(roles(there.Participants))},
	} {
		if fmt.Sprint(two[0]) != fmt.Sprint(two[1]) {
			return fmt.Sprintf("%s: %q in the north, %q in the south", what, two[0], two[1])
		}
	}
	return ""
}

// roles are persons by what they are at their desk: the one of the north is the one of the south.
func roles(mails []string) (out []string) {
	for _, m := range mails {
		name, _, _ := strings.Cut(m, "@north.example")
		name, _, _ = strings.Cut(name, "@south.example")
		out = append(out, name)
	}
	return out
}

func byWord(list []string) []string { return slices.Sorted(slices.Values(list)) }

// told are the comments that both sides must have, without their bylines.
func (w *saga) told(t sim.Ticket) (lines []string) {
	for _, c := range t.Comments {
		i := strings.LastIndex(c.Text, " says ")
		if i < 0 || !c.Public && !w.internal {
			continue // of a file, or between us
		}
		text := c.Text[i-len("north"):]
		if own := strings.HasPrefix(c.Author, "agent@"); !own && w.byline && !strings.HasPrefix(c.Text, "Agent ") {
			text += " without a byline"
		}
		lines = append(lines, fmt.Sprintf("%s public=%t", text, c.Public))
	}
	return byWord(lines)
}

func (w *saga) filed(t sim.Ticket) (lines []string) {
	for _, f := range t.Files {
		if f.Portal || w.internal {
			lines = append(lines, fmt.Sprintf("%s %.8s public=%t", f.Name, f.SHA256, f.Portal))
		}
	}
	return byWord(lines)
}

func worked(t sim.Ticket) (lines []string) {
	for _, w := range t.Work {
		lines = append(lines, fmt.Sprintf("%d %s", w.Seconds, w.Text[strings.Index(w.Text, "work of"):]))
	}
	return byWord(lines)
}

func paged(t sim.Ticket) []string { return slices.Compact(byWord(t.WebLinks)) }

// TestAParticipantStandsForTwo is what the rules' property test found, with two nodes: two who take part in the north are
// one in the south, who goes with the last of them.
func TestAParticipantStandsForTwo(t *testing.T) {
	t.Parallel()
	inWorld(t, partly(customer, northPeople), partly(vendor, "else = { user = \"human@south.example\" }"), func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.north.participants("POST", key, "customer@north.example", "portal@north.example")
		w.until("somebody takes part", time.Minute, func() bool { return len(w.south.takesPart(twin)) == 1 })
		w.quiet()
		for _, mail := range []string{"customer@north.example", "portal@north.example"} {
			same(t, "who takes part", w.south.takesPart(twin), []string{"Bruna Costa"})
			w.north.participants("DELETE", key, mail)
			w.quiet()
		}
		same(t, "nobody takes part any more", w.south.takesPart(twin), []string(nil))
		same(t, "nor in the north", w.north.takesPart(key), []string(nil))
	})
}
