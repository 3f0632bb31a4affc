package main

import (
	"net/http"
	"strings"
	"testing"

	"parley/jsm/sim"
	"parley/transport"
)

// A paired partner that lies, and a tenant that is not itself, meet a real node
// that serves an honest partner beside. Each time the node must stay up, say what
// is wrong where an admin looks, and keep the honest traffic going: the other
// partner's, and in the same session what the liar says rightly on another connection.

const hostileRules = `
peer = "mallory"
connection = "trap"
project = "SUPPORT"
[outgoing]
share = ["summary"]
[incoming]
accept = ["summary"]
[incoming.create]
project = "SUPPORT"
request_type = "Get IT help"
[limits]
tickets_per_day = 5
`

func TestHostilePartner(t *testing.T) {
	t.Parallel()
	north, south := pairedFirms(t, killNorth, killSouth)
	m := newMallory(t, north)
	north.publish("trap", hostileRules)
	north.publish("calm", strings.Replace(hostileRules, `"trap"`, `"calm"`, 1))
	honest := honesty{t: t, from: north, to: south}
	honest.share()
	for _, c := range []struct {
		name string
		do   func(*mallory)
		sees string // what status then says of the partner or the connection
		log  string // what the node's log says
		told string // what the partner is told
		over bool   // the whole session ends, not this connection alone
	}{
		{"hello that is no position", func(m *mallory) { m.live(); m.hello.set("\x00garbage"); m.anew() }, "reading the hello", "", "", true},
		{"garbled replica", func(m *mallory) { m.replica(m.next(), []byte("\xc1 not msgpack")) }, "", "a replica cannot be read", "malformed", false},
		{"replica of another number", func(m *mallory) { m.replica(m.next(), vector(t, "one item has a new value")) }, "", "it calls itself replica 4711", "malformed", false},
		{"change of a view that nobody has", func(m *mallory) { n := m.next(); m.replica(n, numbered(t, "one item has a new value", n)) }, "", "", "resend", false},
		{"gap in the numbers", func(m *mallory) { m.replica(m.seq+50, []byte("x")) }, "a replica is missing before this one", "", "", false},
		{"other epoch", func(m *mallory) { m.stream("trap", 2, 'R', arrival(m.seq+1, []byte("x"))) }, "was put back to an earlier state", "", "", false},
		{"oversized replica", func(m *mallory) { m.replica(m.seq+1, make([]byte, transport.MaxMessage-24)) }, "larger than allowed", "", "", false},
		{"message of an unknown kind", func(m *mallory) { m.stream("trap", 1, 'Z', []byte("what is this")) }, "is no replica", "", "", false},
		{"stream that begins wrongly", func(m *mallory) { m.open("trap", 'R', nil) }, "begins with a message of kind", "", "", false},
		{"receipt that nobody signed", func(m *mallory) { m.control('r', []byte("received, honestly")) }, "reading a receipt", "", "", true},
		{"position that is none", func(m *mallory) { m.control('p', []byte(`{"c":7}`)) }, "reading a position", "", "", true},
		{"refusal of our connection", func(m *mallory) { m.control('x', []byte("trap")) }, "it needs published rules of that name there", "", "", false},
		{"unknown connection", func(m *mallory) { m.stream("no-such-connection", 1, 'R', arrival(1, []byte("x"))) }, "", "connection=no-such-connection", "no-such-connection", false},
		{"another partner's connection", func(m *mallory) { m.stream("desk", 1, 'R', arrival(1, []byte("x"))) }, "", "connection=desk", "desk", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m.t = t
			before := len(north.log())
			c.do(m)
			if c.told != "" {
				m.told(c.told)
			}
			eventually(t, "the log tells of it", func() string {
				if news := north.log()[before:]; !strings.Contains(news, c.log) {
					return "only: " + news
				}
				return ""
			})
			if c.sees != "" {
				m.noticed(c.sees)
			}
			if !c.over {
				m.calm()
			}
			m.hello.set("")
			m.anew()
			honest.goesOn(t)
		})
	}

	// Once it behaves, it is served: nothing of what it did before is in the way.
	m.t = t
	n := m.next()
	m.replica(n, numbered(t, "the first replica of a link", n))
	eventually(t, "the partner's ticket is made", func() string {
		for _, ticket := range north.tenant.Issues() {
			if strings.Contains(ticket.Summary, "rinter on floor 3") {
				return ""
			}
		}
		return "it is not there"
	})
	for _, f := range []*firm{north, south} {
		f.end()
		f.checkLog()
	}
}

// A tenant that answers with pages for people, or refuses the token, stops only
// what needs it, says so, and nothing that happened meanwhile is lost.
func TestHostileTenant(t *testing.T) {
	t.Parallel()
	north, south := pairedFirms(t, killNorth, killSouth)
	honest := honesty{t: t, from: north, to: south}
	honest.share()
	page := "<!doctype html><title>Log in</title><form>Who are you?</form>"
	for _, c := range []struct {
		name  string
		fault sim.Fault
		sees  string // in status
		next  string // in what the doctor says
	}{
		{"login page", sim.Fault{Kind: "status", Status: http.StatusOK, Body: page, Header: map[string]string{"Content-Type": "text/html"}}, "HTML", "check url in parley.toml"},
		{"gateway's page", sim.Fault{Kind: "html"}, "502", ""},
		{"token refused", sim.Fault{Kind: "status", Status: http.StatusUnauthorized, Body: "Client must be authenticated"}, "401", "make a new API token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.fault.Times = -1
			t.Cleanup(south.tenant.ClearFaults)
			if err := south.tenant.Fault(c.fault); err != nil {
				t.Fatal(err)
			}
			eventually(t, "status says what is wrong with the tenant", func() string {
				s := south.status()
				if s.Tenant.State != "down" || !strings.Contains(s.Tenant.Trouble, c.sees) {
					return s.Tenant.State + ": " + s.Tenant.Trouble
				}
				return ""
			})
			if said := south.refuses("doctor"); !strings.Contains(said, "FAIL  tenant") || !strings.Contains(said, c.next) {
				t.Errorf("the doctor says:\n%s", said)
			}
			mark := honest.say()
			south.awaitConnection("desk", "up", "") // the partner is served as before
			south.tenant.ClearFaults()
			honest.heard(t, mark)
		})
	}
	for _, f := range []*firm{north, south} {
		f.end()
		f.checkLog()
	}
}

// honesty is a ticket that two firms share, and what is said on it.
type honesty struct {
	t        *testing.T
	from, to *firm
	key      string
	said     int
}

const honestMark = "case-honest"

func (h *honesty) share() {
	h.t.Helper()
	var err error
	if h.key, err = h.from.agent().CreateRequest("Get IT help", map[string]any{"summary": "Honest", "description": honestMark}); err != nil {
		h.t.Fatal(err)
	}
	h.goesOn(h.t)
}

func (h *honesty) say() (mark string) {
	h.t.Helper()
	h.said++
	mark = "saying-0" + strings.Repeat("i", h.said) + "."
	if _, err := h.from.agent().Comment(h.key, mark, true); err != nil {
		h.t.Fatal(err)
	}
	return mark
}

// heard waits until the other side shows it, and insists that it is there once.
func (h *honesty) heard(t *testing.T, mark string) {
	t.Helper()
	eventually(t, "honest traffic goes on", func() string {
		n := 0
		for _, twin := range h.to.matching(honestMark) {
			for _, c := range twin.Comments {
				n += strings.Count(c.Text, "0"+strings.TrimPrefix(mark, "saying-0"))
			}
		}
		if n == 1 {
			return ""
		}
		return mark + " is not there once"
	})
}

func (h *honesty) goesOn(t *testing.T) {
	t.Helper()
	h.heard(t, h.say())
}
