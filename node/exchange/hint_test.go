package exchange_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/conf"
	"parley/jsm"
	"parley/jsm/sim"
	"parley/node/exchange"
	"parley/node/ledger"
	"parley/node/rules"
)

// tuning changes what the next desks that are made work with.
var tuning func(*exchange.Config)

func tuned(cfg exchange.Config) exchange.Config {
	if tuning != nil {
		tuning(&cfg)
	}
	return cfg
}

// tune runs a story whose desks work differently.
func tune(t *testing.T, change func(*exchange.Config)) {
	tuning = change
	t.Cleanup(func() { tuning = nil })
}

// toDesk hands a tenant's webhooks to its node's desk, without a socket and
// without the listener, which has tests of its own.
type toDesk struct {
	c    *company
	came atomic.Int64
}

func (d *toDesk) RoundTrip(r *http.Request) (*http.Response, error) {
	var body struct {
		Issue struct {
			ID, Key string
			Fields  struct{ Updated string }
		}
		Comment struct{ Updated string }
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, err
	}
	h := jsm.Hint{ID: body.Issue.ID, Key: body.Issue.Key}
	for _, at := range []string{body.Issue.Fields.Updated, body.Comment.Updated} {
		if t, err := time.Parse("2006-01-02T15:04:05-0700", at); err == nil {
			h.Updated = t
		}
	}
	d.came.Add(1)
	if err := d.c.desk.Hint([]jsm.Hint{h}); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

// hooked has a company's tenant send webhooks until the story ends.
func (c *company) hooked() *toDesk {
	d := &toDesk{c: c}
	c.tenant.SetWebhookTransport(d)
	_, err := c.tenant.AddWebhook(sim.Webhook{URL: "https://" + c.name + ".example/hook", Events: []string{"jira:issue_created", "jira:issue_updated", "comment_created", "comment_updated"}})
	c.w.must(err)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := c.tenant.Run(c.w.t.Context()); err != nil && c.w.t.Context().Err() == nil {
			c.w.t.Error(err)
		}
	})
	c.w.t.Cleanup(wg.Wait)
	return d
}

func (c *company) asked(op string) int64 { return c.jira.Calls().ByOp()[op].Calls }

// TestWebhooksAreFasterThanPolling: with an hour between two polls everything
// crosses within seconds, and the echoes of our own writes cost no read.
func TestWebhooksAreFasterThanPolling(t *testing.T) {
	tune(t, func(c *exchange.Config) { c.Every, c.Slowest = time.Hour, time.Hour })
	inWorld(t, customer, vendor, func(w *world) {
		hooks := w.north.hooked()
		w.south.hooked()
		time.Sleep(time.Minute) // the first poll is over
		key, twin := w.north.raise("Printer on fire", nil), ""
		time.Sleep(10 * time.Second)
		same(t, "unlabelled, it stays", w.north.twin(key), "")
		w.north.edit(key, map[string]any{"labels": []string{"vendor-x"}, "priority": map[string]any{"name": "High"}})
		w.until("the twin is there", 10*time.Second, func() bool {
			twin = w.north.twin(key)
			return twin != ""
		})
		w.north.comment(key, "Third floor", true)
		w.until("the comment crosses", 5*time.Second, func() bool { return len(w.south.said(twin)) == 1 })
		w.south.comment(twin, "On my way", true)
		w.until("the answer crosses", 5*time.Second, func() bool { return len(w.north.said(key)) == 2 })
		time.Sleep(5 * time.Minute)

		const reads = 2 // of the visit that writes it, and of one that sees whether somebody edited beside it
		came, read := hooks.came.Load(), w.north.asked("POST issue/bulkfetch")
		w.south.comment(twin, "It was the toner", true)
		w.until("that crosses", 5*time.Second, func() bool { return len(w.north.said(key)) == 3 })
		time.Sleep(5 * time.Minute)
		if hooks.came.Load() == came {
			t.Fatal("no webhook told of our own comment")
		}
		same(t, "marks that are left", w.north.marks(), []string(nil))
		same(t, "reads for one comment that came in", w.north.asked("POST issue/bulkfetch")-read, reads)
	})
}

// TestAKeyIsEnough: automation rules may know the key only.
func TestAKeyIsEnough(t *testing.T) {
	tune(t, func(c *exchange.Config) { c.Every, c.Slowest = time.Hour, time.Hour })
	inWorld(t, customer, vendor, func(w *world) {
		time.Sleep(time.Minute)
		key := w.north.raise("Printer on fire", map[string]any{"labels": []string{"vendor-x"}})
		time.Sleep(10 * time.Second)
		w.must(w.north.desk.Hint([]jsm.Hint{{Key: key}, {Key: "ELSE-1"}, {Key: "SUPPORT-999"}, {ID: "no id"}}))
		w.until("it crosses", 10*time.Second, func() bool { return w.north.twin(key) != "" })
		time.Sleep(5 * time.Minute)
		same(t, "marks left", w.north.marks(), []string(nil))
	})
}

func (c *company) marks() (tickets []string) {
	c.w.must(c.led.Dirty(func(m ledger.Mark) bool {
		tickets = append(tickets, m.Ticket)
		return true
	}))
	return tickets
}

// TestAHintOutlivesACrash: once a webhook is answered, the ticket is looked at,
// whatever happens. The search shows nothing here, so that only the mark can tell.
func TestAHintOutlivesACrash(t *testing.T) {
	tune(t, func(c *exchange.Config) { c.Every, c.Slowest = time.Hour, time.Hour })
	for _, byKey := range []bool{false, true} {
		inWorld(t, customer, vendor, func(w *world) {
			key := w.north.raise("Printer on fire", map[string]any{"labels": []string{"vendor-x"}})
			id := w.north.do(w.north.agent, "GET", "/rest/api/3/issue/"+key, nil)["id"].(string)
			h := jsm.Hint{ID: id, Key: key}
			if byKey {
				h.ID = ""
			}
			w.north.blind(true)
			w.north.halt() // nobody is there to look
			w.must(w.north.desk.Hint([]jsm.Hint{h}))
			w.north.kill(rand.New(rand.NewPCG(1, 2)))
			w.north.start()
			w.until("it crosses", time.Minute, func() bool { return w.north.twin(key) != "" })
		})
	}
}

// blind has searches of the node show nothing.
func (c *company) blind(on bool) {
	c.tenant.ClearFaults()
	if on {
		c.w.must(c.tenant.Fault(sim.Fault{Kind: "status", Status: 200, Times: -1, Path: "/rest/api/3/search/jql", Account: c.sync.Email, Body: `{"issues":[],"isLast":true}`}))
	}
}

// TestTheSweepFindsWhatNobodyTold: a change that no search ever showed.
func TestTheSweepFindsWhatNobodyTold(t *testing.T) {
	tune(t, func(c *exchange.Config) { c.Sweep = 30 * time.Minute })
	inWorld(t, customer, vendor, func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.quiet()
		w.north.blind(true)
		w.north.edit(key, map[string]any{"summary": "Printer burns"})
		time.Sleep(5 * time.Minute)
		w.north.blind(false)
		time.Sleep(time.Minute)
		same(t, "the poll saw nothing", w.south.fields(twin)["summary"], "Printer on fire")
		w.until("the edit crosses", 40*time.Minute, func() bool { return w.south.fields(twin)["summary"] == "Printer burns" })
		reads := w.north.asked("POST issue/bulkfetch")
		time.Sleep(61 * time.Minute)
		if n := w.north.asked("POST issue/bulkfetch") - reads; n != 2 {
			t.Errorf("%d bulk reads in two rounds of one ticket that did not change", n)
		}
	})
}

// TestWhatCameMeanwhileStartsLater: tickets that match while their connection
// cannot take them are shared when it can again, however long that takes.
func TestWhatCameMeanwhileStartsLater(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ stop, again func(w *world) }{
		"paused": {
			func(w *world) { w.must(w.north.desk.Pause("link", "a test")) },
			func(w *world) { w.must(w.north.desk.Resume("link")) },
		},
		"paused and killed": {
			func(w *world) { w.must(w.north.desk.Pause("link", "a test")) },
			func(w *world) {
				w.north.kill(rand.New(rand.NewPCG(1, 2)))
				w.north.start()
				w.must(w.north.desk.Resume("link"))
			},
		},
		"rules do not work": {
			func(w *world) {
				w.north.useAlso("other", strings.NewReplacer(`"desk"`, `"second"`, "vendor-x", "vendor-y").Replace(customer))
				con := w.north.desk.Connection("link")
				w.must(w.north.desk.Use("link", con.Wire, con.Peer, con.Rules().Version(), nil, "a test"))
			},
			func(w *world) { w.north.use(w.north.rules) },
		},
		"trigger refused": {
			func(w *world) {
				w.must(w.north.tenant.Fault(sim.Fault{Kind: "status", Status: 200, Times: -1, Path: "/rest/api/3/jql/match", Account: w.north.sync.Email, Body: `{"matches":[{"matchedIssues":[],"errors":["Field 'labels' does not exist."]}]}`}))
			},
			func(w *world) { w.north.tenant.ClearFaults() },
		},
	} {
		for _, long := range []time.Duration{20 * time.Second, 15 * time.Minute} { // within what polls have just seen, and beyond every overlap
			t.Run(fmt.Sprint(name, " for ", long), func(t *testing.T) {
				leaving := strings.Replace(customer, "labels = vendor-x'", "labels = vendor-x'\nleave = \"unlink\"", 1)
				inWorld(t, leaving, vendor, func(w *world) {
					before, _ := w.shared("Before")
					w.quiet()
					c.stop(w)
					w.north.comment(before, "while it cannot", true)
					key := w.north.raise("Meanwhile", map[string]any{"labels": []string{"vendor-x"}})
					time.Sleep(long)
					same(t, "nothing starts meanwhile", w.north.twin(key), "")
					c.again(w)
					w.until("it starts", 10*time.Minute, func() bool { return w.north.twin(key) != "" })
					w.quiet()
					w.must(w.north.led.Links("link", func(k ledger.Link) bool {
						if k.Ended {
							t.Errorf("%s was unlinked, though its trigger only could not be asked", k.Key)
						}
						return true
					}))
					same(t, "marks left", w.north.marks(), []string(nil))
				})
			})
		}
	}
}

// useAlso publishes the rules of a second connection, which goes on working.
func (c *company) useAlso(name, text string) {
	c.w.t.Helper()
	file := "connections/" + name + ".toml"
	src, err := conf.ParseRules(map[string][]byte{file: []byte(text)}, file)
	c.w.must(err)
	schema, err := c.jira.Schema(c.w.t.Context(), rules.SchemaProject(src))
	c.w.must(err)
	r, err := rules.Compile(src, nil, schema)
	c.w.must(err)
	c.w.must(c.desk.Use(name, r.Connection, r.Peer, r.Version(), r, ""))
}

// TestATenantWhoseClockIsBehind: what it changed is in the past by our clock.
func TestATenantWhoseClockIsBehind(t *testing.T) {
	for _, offset := range []time.Duration{-time.Hour, time.Hour} {
		tune(t, func(c *exchange.Config) { c.Clock = func() time.Duration { return offset } })
		inWorld(t, customer, vendor, func(w *world) {
			for _, c := range []*company{w.north, w.south} {
				c.tenant.Advance(offset)
			}
			time.Sleep(time.Minute)
			key, twin := w.shared("Printer on fire")
			w.north.edit(key, map[string]any{"summary": "Printer burns"})
			w.until("the edit crosses", time.Minute, func() bool { return w.south.fields(twin)["summary"] == "Printer burns" })
		})
	}
}
