package exchange_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/jsm/sim"
	"parley/node/exchange"
	"parley/node/ledger"
)

// partly adds the parts of tickets to the rules of most stories.
func partly(rules, people string) string {
	share := `"worklogs", "links", "participants", "parent", "subtasks", `
	rules = strings.Replace(rules, "share = [", "share = ["+share, 1)
	rules = strings.Replace(rules, "accept = [", `accept = ["worklogs", "links", "participants", "parent", `, 1)
	return strings.Replace(rules, "[people]\nshare = \"name\"", "[people]\nshare = \"email\"\n"+people, 1)
}

const (
	northPeople = `map = { "customer@south.example" = "customer@north.example" }`
	southPeople = `map = { "customer@north.example" = "customer@south.example", "portal@north.example" = "portal@south.example", "human@north.example" = "gone@south.example" }`
)

func inParts(t *testing.T, story func(w *world)) {
	t.Helper()
	inWorld(t, partly(customer, northPeople), partly(vendor, southPeople), story)
}

// logs has the agent write a work log, and returns its id.
func (c *company) logs(key string, seconds int, text string) string {
	c.w.t.Helper()
	return c.do(c.agent, "POST", "/rest/api/3/issue/"+key+"/worklog", map[string]any{"timeSpentSeconds": seconds, "started": "2026-11-02T08:30:00.000+0000", "comment": words(text)})["id"].(string)
}

func words(text string) map[string]any {
	return map[string]any{"type": "doc", "version": 1, "content": []any{map[string]any{"type": "paragraph", "content": []any{map[string]any{"type": "text", "text": text}}}}}
}

// worked lists a ticket's work logs as "5400: text".
func (c *company) worked(key string) (lines []string) {
	c.w.t.Helper()
	for _, e := range c.do(c.agent, "GET", "/rest/api/3/issue/"+key+"/worklog", nil)["worklogs"].([]any) {
		e := e.(map[string]any)
		lines = append(lines, fmt.Sprintf("%v: %s", e["timeSpentSeconds"], plain(e["comment"])))
	}
	return lines
}

func (c *company) link(from, kind, to string) {
	c.w.t.Helper()
	c.do(c.agent, "POST", "/rest/api/3/issueLink", map[string]any{"type": name(kind), "inwardIssue": map[string]any{"key": from}, "outwardIssue": map[string]any{"key": to}})
}

// linked lists a ticket's links as "blocks HELP-2".
func (c *company) linked(key string) (lines []string) {
	c.w.t.Helper()
	for _, e := range c.linkList(key) {
		kind := e["type"].(map[string]any)
		if out, there := e["outwardIssue"].(map[string]any); there {
			lines = append(lines, fmt.Sprintf("%s %s", kind["outward"], out["key"]))
		} else {
			lines = append(lines, fmt.Sprintf("%s %s", kind["inward"], e["inwardIssue"].(map[string]any)["key"]))
		}
	}
	slices.Sort(lines)
	return lines
}

func (c *company) linkList(key string) (list []map[string]any) {
	all, _ := c.fields(key)["issuelinks"].([]any)
	for _, e := range all {
		list = append(list, e.(map[string]any))
	}
	return list
}

// unlink takes away a ticket's first link.
func (c *company) unlink(key string) {
	c.w.t.Helper()
	c.do(c.agent, "DELETE", "/rest/api/3/issueLink/"+c.linkList(key)[0]["id"].(string), nil)
}

// takesPart lists the participants of a request by name.
func (c *company) takesPart(key string) (names []string) {
	c.w.t.Helper()
	for _, e := range c.do(c.agent, "GET", "/rest/servicedeskapi/request/"+key+"/participant", nil)["values"].([]any) {
		names = append(names, e.(map[string]any)["displayName"].(string))
	}
	slices.Sort(names)
	return names
}

func (c *company) participants(method, key string, mails ...string) {
	c.w.t.Helper()
	var ids []string
	for _, mail := range mails {
		ids = append(ids, c.idOf(mail))
	}
	c.do(c.agent, method, "/rest/servicedeskapi/request/"+key+"/participant", map[string]any{"accountIds": ids})
}

// idOf is the account id behind an address, which not everybody may search for.
func (c *company) idOf(mail string) string {
	c.w.t.Helper()
	accounts := c.tenant.Accounts()
	i := slices.IndexFunc(accounts, func(a sim.Account) bool { return a.Email == mail })
	if i < 0 {
		c.w.t.Fatalf("nobody has the address %s", mail)
	}
	return accounts[i].ID
}

func TestWorkLogsCrossOnceAndFollowTheirOrigin(t *testing.T) {
	t.Parallel()
	inParts(t, func(w *world) {
		key, twin := w.shared("Printer on fire")
		id := w.north.logs(key, 5400, "Changed the fuser")
		w.do(w.north, "POST", key, map[string]any{"timeSpentSeconds": 60, "comment": words("Between us"), "visibility": map[string]any{"type": "role", "value": "Service Desk Team"}})
		w.until("the work log is there", time.Minute, func() bool { return len(w.south.worked(twin)) == 1 })
		w.south.logs(twin, 3600, "Ordered the part")
		w.until("the vendor's work log is there", time.Minute, func() bool { return len(w.north.worked(key)) == 3 })
		w.quiet()
		same(t, "south's work", w.south.worked(twin), []string{"5400: Astrid Berg, north: / Changed the fuser", "3600: Ordered the part"})
		same(t, "north's work", w.north.worked(key), []string{"5400: Changed the fuser", "60: Between us", "3600: Mateo Silva, south: / Ordered the part"})
		effort, _ := w.south.fields(twin)["timetracking"].(map[string]any)
		same(t, "nobody estimated", effort["remainingEstimateSeconds"], nil)

		w.north.do(w.north.agent, "PUT", "/rest/api/3/issue/"+key+"/worklog/"+id, map[string]any{"timeSpentSeconds": 7200, "comment": words("Changed the fuser and the drum")})
		w.until("the edit follows", time.Minute, func() bool { return strings.HasPrefix(w.south.worked(twin)[0], "7200") })
		w.quiet()
		w.north.do(w.north.agent, "DELETE", "/rest/api/3/issue/"+key+"/worklog/"+id, nil)
		w.until("the deletion follows", time.Minute, func() bool { return len(w.south.worked(twin)) == 1 })
		w.quiet()
		same(t, "south's own work stays", w.south.worked(twin), []string{"3600: Ordered the part"})
	})
}

func (w *world) do(c *company, method, key string, worklog map[string]any) {
	w.t.Helper()
	c.do(c.agent, method, "/rest/api/3/issue/"+key+"/worklog", worklog)
}

func TestAWorkLogWhoseAnswerIsLostIsNotCountedTwice(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"lost", "late", "applied"} {
		t.Run(kind, func(t *testing.T) {
			inParts(t, func(w *world) {
				key, twin := w.shared("Printer on fire")
				w.quiet()
				f := sim.Fault{Kind: kind, Method: "POST", Path: "/rest/api/3/issue/*/worklog", Account: w.south.sync.Email}
				if kind == "late" {
					f.AfterMS = 120_000
				}
				w.must(w.south.tenant.Fault(f))
				w.north.logs(key, 5400, "Changed the fuser")
				time.Sleep(4 * time.Minute)
				w.quiet()
				same(t, "late work that waits", w.south.tenant.PendingLate(), 0)
				same(t, "south's work", w.south.worked(twin), []string{"5400: Astrid Berg, north: / Changed the fuser"})
				same(t, "north's work", w.north.worked(key), []string{"5400: Changed the fuser"})
			})
		})
	}
}

func TestLinksBetweenSharedTicketsCross(t *testing.T) {
	t.Parallel()
	inParts(t, func(w *world) {
		first, twin1 := w.shared("Printer on fire")
		second, twin2 := w.shared("Floor without power")
		secret := w.north.raise("Our own affair", nil)
		w.north.link(second, "Blocks", first)
		w.north.link(first, "Relates", secret)
		w.until("the link is there", time.Minute, func() bool { return len(w.south.linked(twin2)) == 1 })
		w.quiet()
		same(t, "the second's links", w.south.linked(twin2), []string{"blocks " + twin1})
		same(t, "the first's links", w.south.linked(twin1), []string{"is blocked by " + twin2})
		w.south.link(twin1, "Duplicate", twin2)
		w.until("the vendor's link is there", time.Minute, func() bool { return len(w.north.linked(first)) == 3 })
		w.quiet()
		w.north.unlink(second)
		w.until("the deletion follows", time.Minute, func() bool { return len(w.south.linked(twin2)) == 1 })
		w.quiet()
		same(t, "south's own link stays", w.south.linked(twin1), []string{"duplicates " + twin2})
		same(t, "the north shows it", w.north.linked(second), []string{"is duplicated by " + first})
	})
}

func TestALinkWaitsForItsTicketsTwin(t *testing.T) {
	t.Parallel()
	inParts(t, func(w *world) {
		first, twin1 := w.shared("Printer on fire")
		second := w.north.raise("Floor without power", nil)
		w.north.link(first, "Blocks", second)
		w.quiet()
		same(t, "of an unshared ticket nothing crosses", w.south.linked(twin1), []string(nil))
		w.north.edit(second, map[string]any{"labels": []string{"vendor-x"}})
		w.until("the link comes with its ticket", 2*time.Minute, func() bool { return len(w.south.linked(twin1)) == 1 })
		w.quiet()
		same(t, "the link", w.south.linked(twin1), []string{"blocks " + w.north.twin(second)})
		same(t, "nothing waits", w.south.held(), []string(nil))
	})
}

// TestALinkTakenAwayAndMadeAnewStays: the peer hears of both at once. It stays the origin's, who takes it away for good
// in the end (seed 10201); so it does where the peer's node dies between the two.
func TestALinkTakenAwayAndMadeAnewStays(t *testing.T) {
	t.Parallel()
	for n := range 8 { // more steps than there are; polls are steps, too
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			inParts(t, func(w *world) {
				n1, s1 := w.shared("Printer on fire")
				n2, s2 := w.shared("Floor without power")
				linkedAnew(w, n, w.north, w.south, n1, n2, s1, s2)
				linkedAnew(w, n, w.south, w.north, s1, s2, n1, n2)
			})
		})
	}
}

func linkedAnew(w *world, dies int, origin, other *company, first, second, twin1, twin2 string) {
	w.t.Helper()
	origin.link(first, "Blocks", second)
	w.quiet()
	w.cable.cut.Store(true)
	origin.unlink(first)
	origin.link(first, "Blocks", second)
	time.Sleep(10 * time.Second)
	p := &other.perils
	p.mu.Lock()
	p.on, p.struck, p.steps, p.fate = true, false, nil, mishap{kind: afterStep, n: dies}
	p.mu.Unlock()
	w.cable.cut.Store(false)
	w.pass(time.Minute)
	w.quiet()
	same(w.t, "the origin's links", origin.linked(first), []string{"blocks " + second})
	same(w.t, "the other's links", other.linked(twin1), []string{"blocks " + twin2})
	origin.unlink(first)
	w.quiet()
	same(w.t, "the origin's links in the end", origin.linked(first), []string(nil))
	same(w.t, "the other's links in the end", other.linked(twin1), []string(nil))
}

func TestALinkMadeOnBothSidesHasOneOrigin(t *testing.T) {
	t.Parallel()
	inParts(t, func(w *world) {
		first, twin1 := w.shared("Printer on fire")
		second, twin2 := w.shared("Floor without power")
		w.quiet()
		w.cable.cut.Store(true)
		w.north.link(first, "Blocks", second)
		w.south.link(twin1, "Blocks", twin2)
		time.Sleep(10 * time.Second)
		w.cable.cut.Store(false)
		w.quiet()
		same(t, "north's links", w.north.linked(first), []string{"blocks " + second})
		same(t, "south's links", w.south.linked(twin1), []string{"blocks " + twin2})
	})
}

func TestPartsAreMadeOnceThroughLostAnswers(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"lost", "late", "applied"} {
		t.Run(kind, func(t *testing.T) {
			inParts(t, func(w *world) {
				first, twin1 := w.shared("Printer on fire")
				second, twin2 := w.shared("Floor without power")
				w.quiet()
				for _, path := range []string{"/rest/api/3/issueLink", "/rest/api/3/issue/*/remotelink", "/rest/servicedeskapi/request/*/participant"} {
					f := sim.Fault{Kind: kind, Method: "POST", Path: path, Account: w.south.sync.Email}
					if kind == "late" {
						f.AfterMS = 120_000
					}
					w.must(w.south.tenant.Fault(f))
				}
				w.north.web(first, "", "https://status.globex.example/7", "Status page")
				w.north.participants("POST", first, "customer@north.example")
				w.north.link(first, "Blocks", second)
				time.Sleep(4 * time.Minute)
				w.quiet()
				same(t, "late writes that wait", w.south.tenant.PendingLate(), 0)
				same(t, "south's links", w.south.linked(twin1), []string{"blocks " + twin2})
				same(t, "south's web links", w.south.webs(twin1), []string{"Status page: https://status.globex.example/7"})
				same(t, "south's participants", w.south.takesPart(twin1), []string{"Clara Cliente"})
				same(t, "north's links", w.north.linked(first), []string{"blocks " + second})
				same(t, "north's web links", w.north.webs(first), []string{"Status page: https://status.globex.example/7"})
				same(t, "north's participants", w.north.takesPart(first), []string{"Carla Customer"})
			})
		})
	}
}

// web makes a web link, or changes the one of an id.
func (c *company) web(key, id, url, title string) string {
	c.w.t.Helper()
	body := map[string]any{"object": map[string]any{"url": url, "title": title}}
	if id != "" {
		c.do(c.agent, "PUT", "/rest/api/3/issue/"+key+"/remotelink/"+id, body)
		return id
	}
	return fmt.Sprint(c.do(c.agent, "POST", "/rest/api/3/issue/"+key+"/remotelink", body)["id"])
}

func (c *company) webs(key string) (lines []string) {
	c.w.t.Helper()
	for _, l := range c.webList(key) {
		o := l["object"].(map[string]any)
		lines = append(lines, fmt.Sprintf("%s: %s", o["title"], o["url"]))
	}
	return lines
}

// webList reads a ticket's web links, which no object is around.
func (c *company) webList(key string) (list []map[string]any) {
	c.w.t.Helper()
	r, err := http.NewRequest("GET", c.tenant.URL()+"/rest/api/3/issue/"+key+"/remotelink", nil)
	c.w.must(err)
	r.SetBasicAuth(c.agent.Email, c.agent.Token)
	a, err := inProcess{c.tenant}.RoundTrip(r)
	c.w.must(err)
	c.w.must(json.NewDecoder(a.Body).Decode(&list))
	return list
}

func TestWebLinksFollowTheirOrigin(t *testing.T) {
	t.Parallel()
	inParts(t, func(w *world) {
		key, twin := w.shared("Printer on fire")
		id := w.north.web(key, "", "https://status.globex.example/7", "Status page")
		w.north.web(key, "", w.north.tenant.URL()+"/wiki/runbook", "Our runbook")
		w.north.comment(key, "see the link", true) // Jira does not tell of web links; anything else brings them
		w.until("the link is there", time.Minute, func() bool { return len(w.south.webs(twin)) == 1 })
		w.quiet()
		same(t, "south's links", w.south.webs(twin), []string{"Status page: https://status.globex.example/7"})
		w.north.web(key, id, "https://status.globex.example/8", "Status page")
		w.north.comment(key, "it moved", true)
		w.until("the edit follows", time.Minute, func() bool {
			return slices.Equal(w.south.webs(twin), []string{"Status page: https://status.globex.example/8"})
		})
		w.quiet()
		w.north.do(w.north.agent, "DELETE", "/rest/api/3/issue/"+key+"/remotelink/"+id, nil)
		w.north.comment(key, "no longer needed", true)
		w.until("the deletion follows", time.Minute, func() bool { return len(w.south.webs(twin)) == 0 })
		w.quiet()
		same(t, "north's own stays", w.north.webs(key), []string{"Our runbook: " + w.north.tenant.URL() + "/wiki/runbook"})
	})
}

// TestAWebLinkIsReadForTheRulesThatJudgeIt: a version that takes links again comes into force while a ticket is read
// that no rule wanted the web links of. What was not read must not pass for deleted (seed 10364).
func TestAWebLinkIsReadForTheRulesThatJudgeIt(t *testing.T) {
	t.Parallel()
	inParts(t, func(w *world) {
		key, twin := w.shared("Printer on fire")
		id := w.north.web(key, "", "https://status.globex.example/7", "Status page")
		w.north.comment(key, "see the link", true)
		w.quiet()
		taking := w.south.rules
		w.south.use(strings.Replace(strings.Replace(taking, `accept = ["worklogs", "links", `, `accept = ["worklogs", `, 1), `"links", `, "", 1))
		w.south.stop()
		w.south.start()
		w.quiet()
		w.south.before("POST", "/issue/bulkfetch", func() { w.south.use(taking) })
		w.north.web(key, id, "https://status.globex.example/8", "Status page")
		w.north.comment(key, "it moved", true)
		w.quiet()
		same(t, "south's links", w.south.webs(twin), []string{"Status page: https://status.globex.example/8"})
	})
}

func TestParticipantsAreNeverSomebodyElse(t *testing.T) {
	t.Parallel()
	inParts(t, func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.north.participants("POST", key, "customer@north.example", "portal@north.example", "human@north.example", "approver@north.example")
		w.until("two take part", time.Minute, func() bool { return len(w.south.takesPart(twin)) == 2 })
		w.quiet()
		same(t, "south's participants", w.south.takesPart(twin), []string{"Clara Cliente", "Paulo Portal"})
		said := strings.Join(w.south.said(twin), "\n")
		for _, want := range []string{"Nils Haugen, north (not known here)", "Solveig Lund, north (not known here)"} {
			if !strings.Contains(said, want) {
				t.Errorf("no note says %q: %s", want, said)
			}
		}
		same(t, "nothing waits", w.south.held(), []string(nil))
		for range 2 { // taken out, and in again
			w.north.participants("DELETE", key, "customer@north.example")
			w.until("one is taken out", time.Minute, func() bool { return len(w.south.takesPart(twin)) == 1 })
			w.quiet()
			w.north.participants("POST", key, "customer@north.example")
			w.until("and comes back", time.Minute, func() bool { return len(w.south.takesPart(twin)) == 2 })
			w.quiet()
		}
		same(t, "north's participants", len(w.north.takesPart(key)), 4)
	})
}

func TestPartsAreMadeOnceThroughPowerCuts(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inParts(t, func(w *world) {
				rng := rand.New(rand.NewPCG(seed, 7))
				first, twin1 := w.shared("Printer on fire")
				second, twin2 := w.shared("Floor without power")
				w.quiet()
				w.north.logs(first, 5400, "Changed the fuser")
				w.north.link(first, "Blocks", second)
				w.north.participants("POST", first, "customer@north.example")
				w.north.web(first, "", "https://status.globex.example/7", "Status page")
				for range 3 {
					paths := []string{"/worklog", "/issueLink", "/participant", "/remotelink"}
					cut := make(chan struct{})
					w.south.before("POST", paths[rng.IntN(len(paths))], func() { close(cut) })
					select {
					case <-cut:
					case <-time.After(time.Duration(rng.IntN(30)) * time.Second):
					}
					w.south.kill(rng)
					w.south.start()
				}
				w.quiet()
				same(t, "south's work", w.south.worked(twin1), []string{"5400: Astrid Berg, north: / Changed the fuser"})
				same(t, "south's links", w.south.linked(twin1), []string{"blocks " + twin2})
				same(t, "south's participants", w.south.takesPart(twin1), []string{"Clara Cliente"})
				same(t, "south's web links", len(w.south.webs(twin1)), 1)
				same(t, "north's work", w.north.worked(first), []string{"5400: Changed the fuser"})
				same(t, "north's links", w.north.linked(first), []string{"blocks " + second})
			})
		})
	}
}

// TestASubTaskPointsToItsParentsTwin shares a sub-task before its parent. The portal makes no sub-tasks, so Jira refuses
// the parent of its twin until an agent has made it one.
func TestASubTaskPointsToItsParentsTwin(t *testing.T) {
	t.Parallel()
	inParts(t, func(w *world) {
		parent := w.north.raise("Printer on fire", nil)
		child := w.north.do(w.north.agent, "POST", "/rest/api/3/issue", map[string]any{"fields": map[string]any{
			"project": map[string]any{"key": "SUPPORT"}, "issuetype": name("Sub-task"), "summary": "Buy an extinguisher", "parent": map[string]any{"key": parent}, "labels": []string{"vendor-x"},
		}})["key"].(string)
		w.until("the sub-task is there", 2*time.Minute, func() bool { return w.north.twin(child) != "" })
		w.quiet()
		same(t, "its parent is not shared", w.north.held(), []string{"parent: expression"})
		w.north.edit(parent, map[string]any{"labels": []string{"vendor-x"}})
		w.until("its parent is there", 2*time.Minute, func() bool { return w.north.twin(parent) != "" })
		w.quiet()
		same(t, "the north waits for the south alone", w.north.held(), []string{": peer-holds"})
		same(t, "Jira refuses it", w.south.held(), []string{"parent: refused"})
		same(t, "the rest of it", w.south.fields(w.north.twin(child))["summary"], "Buy an extinguisher")
		var listed bool
		w.must(w.south.led.Links("link", func(k ledger.Link) bool {
			in, err := w.south.led.Incoming(k.Connection, k.ID)
			_, there := in.Remote["subtasks"]
			listed = listed || err == nil && there && k.Key == w.north.twin(parent)
			return true
		}))
		same(t, "the parent lists it", listed, true)
	})
}

// TestEditsAndDeletionsOfPartsWhoseAnswerIsLost has every edit and deletion of parts carried out while its answer is lost.
func TestEditsAndDeletionsOfPartsWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	inParts(t, func(w *world) {
		first, twin1 := w.shared("Printer on fire")
		second, _ := w.shared("Floor without power")
		id := w.north.logs(first, 5400, "Changed the fuser")
		w.north.link(first, "Blocks", second)
		w.north.participants("POST", first, "customer@north.example")
		web := w.north.web(first, "", "https://status.globex.example/7", "Status page")
		w.north.comment(first, "see there", true)
		w.quiet()
		lose := func(method, path string) {
			w.must(w.south.tenant.Fault(sim.Fault{Kind: "lost", Method: method, Path: path, Account: w.south.sync.Email}))
		}
		lose("PUT", "/rest/api/3/issue/*/worklog/*")
		lose("POST", "/rest/api/3/issue/*/remotelink")
		w.north.do(w.north.agent, "PUT", "/rest/api/3/issue/"+first+"/worklog/"+id, map[string]any{"timeSpentSeconds": 7200, "comment": words("And the drum")})
		w.north.web(first, web, "https://status.globex.example/8", "Status page")
		w.quiet()
		same(t, "south's work", w.south.worked(twin1), []string{"7200: Astrid Berg, north: / And the drum"})
		same(t, "south's web links", w.south.webs(twin1), []string{"Status page: https://status.globex.example/8"})
		lose("DELETE", "/rest/api/3/issue/*/worklog/*")
		lose("DELETE", "/rest/api/3/issueLink/*")
		lose("DELETE", "/rest/api/3/issue/*/remotelink")
		lose("DELETE", "/rest/servicedeskapi/request/*/participant")
		w.north.do(w.north.agent, "DELETE", "/rest/api/3/issue/"+first+"/remotelink/"+web, nil)
		w.north.do(w.north.agent, "DELETE", "/rest/api/3/issue/"+first+"/worklog/"+id, nil)
		w.north.participants("DELETE", first, "customer@north.example")
		w.north.unlink(first)
		time.Sleep(10 * time.Minute) // tried again ever more seldom
		w.quiet()
		same(t, "nothing is left", fmt.Sprint(w.south.worked(twin1), w.south.linked(twin1), w.south.webs(twin1), w.south.takesPart(twin1)), "[] [] [] []")
		same(t, "in the north", fmt.Sprint(w.north.worked(first), w.north.linked(first), w.north.webs(first), w.north.takesPart(first)), "[] [] [] []")
		w.north.participants("POST", first, "customer@north.example")
		w.until("who was taken out comes back", time.Minute, func() bool { return len(w.south.takesPart(twin1)) == 1 })
		w.quiet()
	})
}

// TestALinkThatComesLateAfterItsOriginTookItBackGoes has Jira carry out a link minutes after the north has taken it away.
func TestALinkThatComesLateAfterItsOriginTookItBackGoes(t *testing.T) {
	t.Parallel()
	inParts(t, func(w *world) {
		first, twin1 := w.shared("Printer on fire")
		second, twin2 := w.shared("Floor without power")
		w.quiet()
		for _, path := range []string{"/rest/api/3/issueLink", "/rest/servicedeskapi/request/*/participant", "/rest/api/3/issue/*/worklog"} {
			for range 2 {
				w.must(w.south.tenant.Fault(sim.Fault{Kind: "late", Method: "POST", Path: path, AfterMS: 180_000, Account: w.south.sync.Email}))
			}
		}
		w.north.link(first, "Blocks", second)
		w.north.participants("POST", first, "customer@north.example")
		id := w.north.logs(first, 5400, "Changed the fuser")
		time.Sleep(5 * time.Second)
		w.north.unlink(first)
		w.north.participants("DELETE", first, "customer@north.example")
		w.north.do(w.north.agent, "DELETE", "/rest/api/3/issue/"+first+"/worklog/"+id, nil)
		time.Sleep(6 * time.Minute)
		w.quiet()
		same(t, "late writes that wait", w.south.tenant.PendingLate(), 0)
		same(t, "nothing is left", fmt.Sprint(w.south.worked(twin1), w.south.linked(twin2), w.south.takesPart(twin1)), "[] [] []")
		same(t, "in the north", fmt.Sprint(w.north.worked(first), w.north.linked(first), w.north.takesPart(first)), "[] [] []")
	})
}

// TestAHomePutBackKnowsItsPartsAgain puts the south back to before it wrote them.
func TestAHomePutBackKnowsItsPartsAgain(t *testing.T) {
	t.Parallel()
	inParts(t, func(w *world) {
		first, twin1 := w.shared("Printer on fire")
		second, twin2 := w.shared("Floor without power")
		w.quiet()
		copied, taken := w.south.backup()
		w.north.logs(first, 5400, "Changed the fuser")
		w.north.link(first, "Blocks", second)
		w.north.participants("POST", first, "customer@north.example")
		w.north.web(first, "", "https://status.globex.example/7", "Status page")
		w.quiet()
		w.south.restore(copied, taken, true)
		w.south.heal(exchange.FromPeer, true)
		w.quiet()
		check := func() {
			same(t, "south's work", w.south.worked(twin1), []string{"5400: Astrid Berg, north: / Changed the fuser"})
			same(t, "south's links", w.south.linked(twin1), []string{"blocks " + twin2})
			same(t, "south's participants", w.south.takesPart(twin1), []string{"Clara Cliente"})
			same(t, "south's web links", len(w.south.webs(twin1)), 1)
			same(t, "north's work", w.north.worked(first), []string{"5400: Changed the fuser"})
			same(t, "north's links", w.north.linked(first), []string{"blocks " + second})
			same(t, "north's participants", w.north.takesPart(first), []string{"Carla Customer"})
			same(t, "north's web links", len(w.north.webs(first)), 1)
		}
		check()
		w.south.comment(twin1, "go on", true)
		w.quiet()
		check()
	})
}
