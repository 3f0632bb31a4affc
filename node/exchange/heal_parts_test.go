package exchange_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/jsm/sim"
	"parley/node/exchange"
)

// TestAHomePutBackKnowsAllItMade puts either side back to a backup after which every entity that hangs on a ticket was
// made on both sides, and some of it changed or taken away. Healed, nothing is doubled, nothing comes back, nothing goes
// back to where it came from, and what is done next crosses.
func TestAHomePutBackKnowsAllItMade(t *testing.T) {
	t.Parallel()
	for _, side := range []string{"north", "south"} {
		for _, how := range []exchange.Remedy{exchange.FromPeer, exchange.Resync} {
			marked := how == exchange.FromPeer
			t.Run(fmt.Sprintf("%s %s marked=%v", side, how, marked), func(t *testing.T) {
				inWorld(t, withFiles(partly(customer, northPeople)), withFiles(partly(vendor, southPeople)), func(w *world) { allPutBack(w, side, how, marked) })
			})
		}
	}
}

func allPutBack(w *world, side string, how exchange.Remedy, marked bool) {
	c := map[string]*company{"north": w.north, "south": w.south}[side]
	first, twin1 := w.shared("Printer on fire")
	second, twin2 := w.shared("Floor without power")
	oldLog := w.north.logs(first, 60, "Looked at it")
	old := w.north.attach(first, "old.png", 20_000, true)
	w.arrives(w.south, twin1, 1)
	w.quiet()
	copied, taken := c.backup()
	w.quiet()

	long := func(word string) any { return paragraphOf(run(strings.Repeat(word+" ", 32600/(len(word)+1)))) }
	w.north.say(first, long("hurry"), nil)
	there, _ := w.south.say(twin1, long("patience"), nil)
	gone := w.north.logs(first, 5400, "By mistake")
	kept := w.north.logs(first, 1800, "Changed the fuser")
	w.south.logs(twin1, 3600, "Ordered the part")
	w.north.link(first, "Blocks", second)
	w.south.link(twin1, "Duplicate", twin2)
	w.north.participants("POST", first, "customer@north.example", "portal@north.example")
	w.north.web(first, "", "https://status.globex.example/7", "Status page")
	for _, one := range []*company{w.north, w.south} { // what shows the file bears no mark
		if marked { // the restore; with the others the mark tells
			break
		}
		w.must(one.tenant.Fault(sim.Fault{Kind: "status", Status: 400, Method: "PUT", Path: "/rest/api/3/comment/*/properties/parley", Account: one.sync.Email, Times: -1}))
	}
	w.north.attach(first, "new.png", 30_000, true)
	w.south.attach(twin1, "answer.pdf", 40_000, true)
	w.arrives(w.north, first, 3)
	w.quiet()
	w.north.say(first, w.north.shows(first, "new.png", "look"), nil)
	w.north.do(w.north.agent, "DELETE", "/rest/api/3/issue/"+first+"/worklog/"+gone, nil)
	w.north.do(w.north.agent, "DELETE", "/rest/api/3/issue/"+first+"/worklog/"+oldLog, nil)
	w.north.do(w.north.agent, "PUT", "/rest/api/3/issue/"+first+"/worklog/"+kept, map[string]any{"timeSpentSeconds": 7200, "comment": words("And the drum")})
	w.north.participants("DELETE", first, "portal@north.example")
	w.north.unlink(second)
	w.must(w.north.tenant.As(w.north.agent.Email).Detach(old))
	w.south.rewords(twin1, there, long("calm"))
	w.quiet()
	check := func(when string) {
		w.t.Helper()
		same(w.t, when+": south's work", inOrder(w.south.worked(twin1)), []string{"3600: Ordered the part", "7200: Astrid Berg, north: / And the drum"})
		same(w.t, when+": north's work", w.north.worked(first), []string{"7200: And the drum", "3600: Mateo Silva, south: / Ordered the part"})
		same(w.t, when+": south's links", w.south.linked(twin1), []string{"duplicates " + twin2})
		same(w.t, when+": north's links", w.north.linked(first), []string{"duplicates " + second})
		same(w.t, when+": south's participants", w.south.takesPart(twin1), []string{"Clara Cliente"})
		same(w.t, when+": north's participants", w.north.takesPart(first), []string{"Carla Customer"})
		same(w.t, when+": south's web links", len(w.south.webs(twin1)), 1)
		same(w.t, when+": north's web links", len(w.north.webs(first)), 1)
		same(w.t, when+": south's files", inOrder(w.south.files(twin1)), []string{"answer.pdf 40000 portal", "new.png 30000 portal"})
		same(w.t, when+": north's files", inOrder(w.north.files(first)), []string{"answer.pdf 40000 portal", "new.png 30000 portal"})
		for _, of := range []struct {
			c    *company
			key  string
			says string // what the partner said
			also string // and what was said here
		}{{w.south, twin1, "hurry", "calm"}, {w.north, first, "calm", "hurry"}} {
			said := of.c.said(of.key)
			parts := []string{}
			for _, line := range said {
				if strings.Contains(line, "/2):") && strings.Contains(line, of.says) {
					parts = append(parts, line)
				}
			}
			own := slices.DeleteFunc(slices.Clone(said), func(line string) bool { return !strings.HasPrefix(line, "public: "+of.also) })
			if len(parts) != 2 || len(own) != 1 {
				w.t.Errorf("%s: the %s reads %d parts and %d of its own: %.60q", when, of.c.name, len(parts), len(own), said)
			}
		}
		at := w.south.line(twin1, "look")
		same(w.t, when+": the south sees", w.south.sees(twin1, at), []string{"new.png"})
	}
	check("before")
	talk := func() []int { return []int{len(w.north.said(first)), len(w.south.said(twin1))} }
	said := talk()
	c.restore(copied, taken, marked)
	c.heal(how, marked)
	w.quiet()
	check("healed")
	same(w.t, "comments on both sides", talk(), said)
	same(w.t, "held", append(w.north.held(), w.south.held()...), []string(nil))

	w.north.web(first, "", "https://status.globex.example/9", "Other page")
	w.north.logs(first, 900, "Swept the floor")
	w.south.attach(twin1, "last.pdf", 10_000, true)
	w.arrives(w.north, first, 3)
	w.until("the work log crosses", 2*time.Minute, func() bool { return len(w.south.worked(twin1)) == 3 })
	w.quiet()
	same(w.t, "south's web links", len(w.south.webs(twin1)), 2)
	w.must(w.north.led.Check())
	w.must(w.south.led.Check())
}

func inOrder(list []string) []string {
	slices.Sort(list)
	return list
}
