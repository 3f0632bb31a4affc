package exchange_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/jsm/sim"
	"parley/node/exchange"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// withFiles has both sides share the files that their customers see, and show them to theirs.
func withFiles(text string) string {
	for _, word := range []string{"share", "accept"} {
		text = strings.Replace(text, "\n"+word+" = [", "\n"+word+` = ["attachments", `, 1)
	}
	text = strings.Replace(text, "\naccept = [\"attachments\", ", "\naccept = [", 1)
	return text + "\n[incoming.attachments]\nas = \"same\"\n"
}

// attach has an agent attach a file, for the customer to see or not.
func (c *company) attach(key, name string, size int64, public bool) (id string) {
	c.w.t.Helper()
	var err error
	if public {
		id, err = c.tenant.As(c.agent.Email).AttachBy(key, name, sim.Noise(seedOf(name), size), "", true)
	} else {
		id, err = c.tenant.As(c.agent.Email).Attach(key, name, sim.Noise(seedOf(name), size))
	}
	c.w.must(err)
	return id
}

func seedOf(name string) (seed uint64) {
	for _, b := range []byte(name) {
		seed = seed*31 + uint64(b)
	}
	return seed
}

// files lists a ticket's files as "name size portal", oldest first, and sees that their content is as it was attached.
func (c *company) files(key string) (list []string) {
	c.w.t.Helper()
	for _, f := range c.ticket(key).Files {
		r, ok := c.tenant.OpenFile(f.ID)
		if !ok {
			c.w.t.Fatalf("file %s cannot be read", f.ID)
		}
		got, err := io.ReadAll(r)
		c.w.must(err)
		want, err := io.ReadAll(sim.Noise(seedOf(f.Name), f.Size))
		c.w.must(err)
		if !bytes.Equal(got, want) {
			c.w.t.Errorf("%s of %s has other bytes", f.Name, key)
		}
		where := "internal"
		if f.Portal {
			where = "portal"
		}
		list = append(list, fmt.Sprintf("%s %d %s", f.Name, f.Size, where))
	}
	return list
}

// ticket is everything that the tenant holds of a ticket.
func (c *company) ticket(key string) sim.Ticket {
	c.w.t.Helper()
	t, ok := c.tenant.Issue(key)
	if !ok {
		c.w.t.Fatalf("there is no %s", key)
	}
	return t
}

// copyOf is the id of a file by its name.
func (c *company) copyOf(key, name string) string {
	c.w.t.Helper()
	for _, f := range c.ticket(key).Files {
		if f.Name == name {
			return f.ID
		}
	}
	c.w.t.Fatalf("%s has no file %s", key, name)
	return ""
}

// arrives waits until a ticket has so many files.
func (w *world) arrives(c *company, key string, n int) {
	w.t.Helper()
	w.until(fmt.Sprintf("%s has %d files", key, n), 5*time.Minute, func() bool {
		return len(c.ticket(key).Files) == n
	})
}

// spooled are the bytes that a node keeps for partners' files.
func (c *company) spooled() int {
	names, err := c.fs.List("blobs")
	c.w.must(err)
	return len(names)
}

// TestAFileThatWasGivenUpComesWhenAPersonAsks has it read by nobody: first here, to be shared, then for the partner.
func TestAFileThatWasGivenUpComesWhenAPersonAsks(t *testing.T) {
	t.Parallel()
	inWorld(t, withFiles(customer), withFiles(vendor), func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.quiet()
		unreadable := func(skip int) {
			w.must(w.north.tenant.Fault(sim.Fault{Kind: "drop", Method: "GET", Path: "/file/*/binary", Times: 100_000, Skip: skip}))
		}
		asks := func(c *company, file string, h ledger.Held) {
			w.north.tenant.ClearFaults()
			began := time.Now()
			w.north.before("GET", "/attachment/content/"+w.north.copyOf(key, file), func() { time.Sleep(5 * time.Second) })
			w.must(c.desk.RetryNow(w.t.Context(), h.Connection, h.Link))
			same(t, "what still waits", c.waiting(), "[]")
			if under, err := c.desk.Underway(h); err != nil || !under {
				t.Errorf("%s is not on its way: %v", file, err)
			}
			w.until(file+" crosses", 3*time.Minute, func() bool { return strings.Contains(fmt.Sprint(w.south.files(twin)), file) })
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("%s came %v after a person had asked", file, took)
			}
			w.quiet()
			if under, err := c.desk.Underway(h); err != nil || under {
				t.Errorf("%s is still on its way: %v", file, err)
			}
		}
		unreadable(0)
		w.north.attach(key, "shot.png", 70_000, true)
		w.until("it is held in the north", 10*time.Minute, func() bool { return w.north.heldAs(exchange.FileUnread).Key != "" })
		asks(w.north, "shot.png", w.north.heldAs(exchange.FileUnread))
		unreadable(1) // it is read once, to be shared
		w.north.attach(key, "log.txt", 90_000, true)
		w.until("it is held in the south", 20*time.Minute, func() bool { return w.south.heldAs(exchange.FileLate).Key != "" })
		asks(w.south, "log.txt", w.south.heldAs(exchange.FileLate))
	})
}

func TestFilesCrossOnceAndStayAsTheyAre(t *testing.T) {
	t.Parallel()
	inWorld(t, withFiles(customer), withFiles(vendor), func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.north.attach(key, "shot.png", 70_000, true)
		w.north.attach(key, "salaries.xlsx", 5_000, false)
		w.arrives(w.south, twin, 1)
		w.south.attach(twin, "answer.pdf", 1_000_000, true)
		w.arrives(w.north, key, 3)
		w.quiet()
		same(t, "south's files", w.south.files(twin), []string{"shot.png 70000 portal", "answer.pdf 1000000 portal"})
		same(t, "north's files", w.north.files(key), []string{"shot.png 70000 portal", "salaries.xlsx 5000 internal", "answer.pdf 1000000 portal"})
		same(t, "south's spool", w.south.spooled(), 0)
		echoes := 0
		for _, line := range w.south.said(twin) {
			if strings.HasPrefix(line, "public") {
				echoes++
			}
		}
		if echoes != 3 { // north's own words around its file, our echo of the upload, and south's own
			t.Errorf("the south reads %q", w.south.said(twin))
		}
	})
}

func TestOnlyTheOriginsDeletionOfAFileTravels(t *testing.T) {
	t.Parallel()
	inWorld(t, withFiles(customer), withFiles(vendor), func(w *world) {
		key, twin := w.shared("Printer on fire")
		first := w.north.attach(key, "first.png", 10_000, true)
		w.north.attach(key, "second.png", 20_000, true)
		w.arrives(w.south, twin, 2)
		w.quiet()
		w.must(w.south.tenant.As(w.south.sync.Email).Detach(w.south.copyOf(twin, "second.png"))) // somebody deletes the copy here
		w.must(w.north.tenant.As(w.north.agent.Email).Detach(first))
		w.arrives(w.south, twin, 0)
		w.quiet()
		same(t, "north's files", w.north.files(key), []string{"second.png 20000 portal"})
		same(t, "south's files", w.south.files(twin), []string(nil))
	})
}

func TestFilesOfOneNameStayApart(t *testing.T) {
	t.Parallel()
	inWorld(t, withFiles(customer), withFiles(vendor), func(w *world) {
		key, twin := w.shared("Printer on fire")
		for range 3 {
			w.north.attach(key, "image.png", 30_000, true)
		}
		w.arrives(w.south, twin, 3)
		w.quiet()
		same(t, "south's files", w.south.files(twin), slices.Repeat([]string{"image.png 30000 portal"}, 3))
	})
}

// TestAnUploadWithoutAnAnswerIsMadeOnce loses the answer of each call of an upload, or has it take effect late.
func TestAnUploadWithoutAnAnswerIsMadeOnce(t *testing.T) {
	t.Parallel()
	internal := strings.ReplaceAll(withFiles(vendor), "as = \"same\"", "as = \"internal\"")
	for name, c := range map[string]struct {
		vendor string
		fault  sim.Fault
		want   string
	}{
		"internal, lost":  {internal, sim.Fault{Kind: "lost", Method: "POST", Path: "/rest/api/3/issue/*/attachments"}, "internal"},
		"internal, drop":  {internal, sim.Fault{Kind: "drop", Method: "POST", Path: "/rest/api/3/issue/*/attachments"}, "internal"},
		"internal, late":  {internal, sim.Fault{Kind: "late", Method: "POST", Path: "/rest/api/3/issue/*/attachments", AfterMS: 5_000}, "internal"},
		"public, lost":    {withFiles(vendor), sim.Fault{Kind: "lost", Method: "POST", Path: "/rest/servicedeskapi/request/*/attachment"}, "portal"},
		"public, late":    {withFiles(vendor), sim.Fault{Kind: "late", Method: "POST", Path: "/rest/servicedeskapi/request/*/attachment", AfterMS: 5_000}, "portal"},
		"temporary, lost": {withFiles(vendor), sim.Fault{Kind: "lost", Method: "POST", Path: "/rest/servicedeskapi/servicedesk/*/attachTemporaryFile"}, "portal"},
		"too late":        {internal, sim.Fault{Kind: "late", Method: "POST", Path: "/rest/api/3/issue/*/attachments", AfterMS: 120_000}, "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, withFiles(customer), c.vendor, func(w *world) {
				key, twin := w.shared("Printer on fire")
				w.quiet()
				c.fault.Account = w.south.sync.Email
				w.must(w.south.tenant.Fault(c.fault))
				w.north.attach(key, "shot.png", 70_000, true)
				w.arrives(w.south, twin, 1)
				if name == "too late" {
					time.Sleep(2 * time.Hour) // the second look is after an hour
				}
				w.quiet()
				same(t, "late uploads that wait", w.south.tenant.PendingLate(), 0)
				same(t, "south's files", w.south.files(twin), []string{"shot.png 70000 " + c.want})
				same(t, "north's files", w.north.files(key), []string{"shot.png 70000 portal"})
				same(t, "north's words", len(w.north.said(key)), 1)
			})
		})
	}
}

// TestKilledWhileAFileCrosses kills either node at moments of the file's way.
func TestKilledWhileAFileCrosses(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inWorld(t, withFiles(customer), withFiles(vendor), func(w *world) {
				key, twin := w.shared("Printer on fire")
				rng := rand.New(rand.NewPCG(seed, 9))
				if seed%2 == 1 { // the call that is under way has no answer
					w.must(w.south.tenant.Fault(sim.Fault{Kind: "lost", Method: "POST", Path: "/rest/servicedeskapi/request/*/attachment", Account: w.south.sync.Email}))
				}
				w.north.attach(key, "dump.bin", 3<<20, true)
				for _, c := range []*company{w.south, w.north, w.south} {
					time.Sleep(time.Duration(rng.IntN(1500)) * time.Millisecond)
					c.kill(rng)
					c.start()
				}
				w.arrives(w.south, twin, 1)
				w.quiet()
				same(t, "south's files", w.south.files(twin), []string{"dump.bin 3145728 portal"})
				same(t, "north's files", w.north.files(key), []string{"dump.bin 3145728 portal"})
			})
		})
	}
}

// TestATwinIsMadeWithItsFiles has a file come before the ticket is shared.
func TestATwinIsMadeWithItsFiles(t *testing.T) {
	t.Parallel()
	inWorld(t, withFiles(customer), withFiles(vendor), func(w *world) {
		key := w.north.raise("Printer on fire", nil)
		w.north.attach(key, "form.png", 40_000, true)
		time.Sleep(5 * time.Minute)
		w.north.attach(key, "old.png", 50_000, true)
		time.Sleep(time.Minute)
		w.north.edit(key, map[string]any{"labels": []string{"vendor-x"}})
		w.until("the twin is there", 2*time.Minute, func() bool { return w.north.twin(key) != "" })
		twin := w.north.twin(key)
		w.arrives(w.south, twin, 1)
		w.quiet()
		same(t, "south's files", w.south.files(twin), []string{"form.png 40000 portal"})
	})
}

// TestABudgetHoldsAFile lets one file too many come.
func TestABudgetHoldsAFile(t *testing.T) {
	t.Parallel()
	limited := withFiles(vendor) + "\n[limits]\nbytes_per_ticket = \"60 KiB\"\n"
	inWorld(t, withFiles(customer), limited, func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.north.attach(key, "a.png", 40_000, true)
		w.arrives(w.south, twin, 1)
		w.north.attach(key, "b.png", 40_000, true)
		w.until("the second is held", 2*time.Minute, func() bool { return len(w.south.codes(rules.Budget)) == 1 })
		w.quiet()
		same(t, "south's files", w.south.files(twin), []string{"a.png 40000 portal"})
		held := 0
		w.must(w.north.led.Links("", func(k ledger.Link) bool {
			if word, err := w.north.led.Word(k.Connection, k.ID); err == nil && word.State == replica.Held {
				held++
			}
			return true
		}))
		same(t, "links that the north knows to wait", held, 1)
	})
}

// TestADaysBudgetEndsAtMidnight lets more come in a day than it may, on either side.
func TestADaysBudgetEndsAtMidnight(t *testing.T) {
	t.Parallel()
	const limit = "\n[limits]\nbytes_per_day = \"60 KiB\"\n"
	for name, r := range map[string][2]string{
		"out": {withFiles(customer) + limit, withFiles(vendor)},
		"in":  {withFiles(customer), withFiles(vendor) + limit},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, r[0], r[1], func(w *world) {
				key, twin := w.shared("Printer on fire")
				w.north.attach(key, "a.png", 40_000, true)
				w.arrives(w.south, twin, 1)
				w.north.attach(key, "b.png", 40_000, true)
				w.until("the second is held", 2*time.Minute, func() bool {
					return len(w.south.codes(rules.Budget))+len(w.north.codes(rules.Budget)) == 1
				})
				w.quiet()
				for _, c := range []*company{w.north, w.south} {
					c.stop()
				}
				time.Sleep(24 * time.Hour)
				for _, c := range []*company{w.north, w.south} {
					c.start()
				}
				w.arrives(w.south, twin, 2)
				w.quiet()
				same(t, "held in the south", w.south.codes(rules.Budget), []replica.Path(nil))
			})
		})
	}
}

// TestAHomePutBackKnowsItsFiles loses the records of files that crossed: none is attached again, and none goes back.
func TestAHomePutBackKnowsItsFiles(t *testing.T) {
	t.Parallel()
	for _, how := range []exchange.Remedy{exchange.FromPeer, exchange.Resync} {
		t.Run(string(how), func(t *testing.T) {
			inWorld(t, withFiles(customer), withFiles(vendor), func(w *world) {
				key, twin := w.shared("Printer on fire")
				w.quiet()
				copied, taken := w.south.backup()
				w.quiet()
				w.north.attach(key, "shot.png", 70_000, true)
				w.arrives(w.south, twin, 1)
				w.south.attach(twin, "answer.pdf", 30_000, true)
				w.arrives(w.north, key, 2)
				w.quiet()
				w.south.restore(copied, taken, true)
				w.south.heal(how, true)
				w.quiet()
				want := []string{"shot.png 70000 portal", "answer.pdf 30000 portal"}
				same(t, "south's files", w.south.files(twin), want)
				same(t, "north's files", w.north.files(key), want)
			})
		})
	}
}

// TestAFileThatWentWhileItWasFetchedIsLeft has the origin delete a file before its bytes have come.
func TestAFileThatWentWhileItWasFetchedIsLeft(t *testing.T) {
	t.Parallel()
	inWorld(t, withFiles(customer), withFiles(vendor), func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.quiet()
		w.must(w.north.tenant.Fault(sim.Fault{Kind: "drop", Path: "/file/**", Times: -1, Skip: 1})) // it is hashed, and not given
		id := w.north.attach(key, "shot.png", 70_000, true)
		time.Sleep(20 * time.Second)
		w.must(w.north.tenant.As(w.north.agent.Email).Detach(id))
		w.quiet()
		same(t, "south's files", w.south.files(twin), []string(nil))
		held := 0
		w.must(w.south.led.Held("", func(ledger.Held) bool { held++; return true }))
		same(t, "what the south holds", held, 0)
	})
}
