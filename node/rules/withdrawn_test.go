package rules

import (
	"testing"
	"time"

	"parley/jsm"
	"parley/replica"
)

// TestTheLaterWordAboutAnElement has one side take an element away, or a value, while the other keeps or brings it.
func TestTheLaterWordAboutAnElement(t *testing.T) {
	const early, late = 1_000, 2_000
	for _, c := range []struct {
		what         string
		path         replica.Path
		there        bool  // here, when the peer withdrew it; else we took away what the peer brings
		theirs, ours int64 // 0: not known
		wins         string
		follows      bool
	}{
		{"withdrawn later", "label/vip", true, late, early, "latest", true},
		{"withdrawn earlier", "label/vip", true, early, late, "latest", false},
		{"withdrawn at an unknown time", "label/vip", true, 0, early, "latest", false},
		{"brought later", "label/vip", false, late, early, "latest", true},
		{"brought earlier", "label/vip", false, early, late, "latest", false},
		{"taken away here at an unknown time", "label/vip", false, early, 0, "latest", true},
		{"withdrawn later, ours stands", "label/vip", true, late, early, "ours", false},
		{"withdrawn earlier, theirs stands", "label/vip", true, early, late, "theirs", true},
		{"a value cleared later", "due_date", true, late, early, "latest", true},
		{"a value cleared earlier", "due_date", true, early, late, "latest", false},
	} {
		words := "wins = \"" + c.wins + "\"\n"
		r := compile(t, "[outgoing]\nshare = [\"labels\", \"due_date\"]\n[incoming.labels]\n"+words+"[incoming.due_date]\nempty = \"clear\"\n"+words)
		in := Arrival{Ticket: ticket(nil), Remote: replica.View{}, Changed: []replica.Path{c.path}, LocalNode: "a", PeerNode: "b"}
		ours := replica.Item{At: c.ours}
		if c.there {
			in.Ticket = ticket(map[string]string{"labels": `["vip"]`, "duedate": `"2026-01-01"`})
			ours = replica.NewItem(replica.Text("vip"), c.ours)
			in.Withdrawn = func(replica.Path) int64 { return c.theirs }
		} else {
			in.Remote[c.path] = replica.NewItem(replica.Text("vip"), c.theirs)
		}
		in.Concurrent = func(_, _ replica.Path) (replica.Item, bool) { return ours, true }
		p := r.Plan(in)
		if p.Empty() == c.follows {
			t.Errorf("%s: %+v", c.what, p.Edit)
		}
	}
}

// TestASetThatIsReplacedGoesByItsLatestChange: where the peer only took something away, that is when its set changed.
func TestASetThatIsReplacedGoesByItsLatestChange(t *testing.T) {
	r := compile(t, "[outgoing]\nshare = [\"labels\"]\n[incoming.labels]\nmode = \"replace\"")
	for withdrawn, follows := range map[int64]bool{20: true, 10: false} {
		p := r.Plan(Arrival{
			Ticket: ticket(map[string]string{"labels": `["vip","vpn"]`}), Changed: []replica.Path{"label/vip"}, LocalNode: "a", PeerNode: "b",
			Remote:     replica.View{"label/vpn": replica.NewItem(replica.Text("vpn"), 5)},
			Withdrawn:  func(replica.Path) int64 { return withdrawn },
			Concurrent: func(_, _ replica.Path) (replica.Item, bool) { return replica.NewItem(replica.Text("vip"), 15), true },
		})
		if p.Empty() == follows {
			t.Errorf("withdrawn at %d: %+v", withdrawn, p.Edit)
		}
	}
}

func TestWithdrawn(t *testing.T) {
	labels := func(at time.Duration, who, from, to string) jsm.Change {
		return jsm.Change{At: t0.Add(at), Author: jsm.Person{AccountID: who}, Items: []jsm.ChangeItem{{FieldID: "labels", FromString: from, ToString: to}}}
	}
	tk := ticket(nil)
	tk.History = []jsm.Change{ // newest first
		labels(5*time.Hour, "me", "x y z", "x y"), labels(4*time.Hour, "jane", "x y z v", "x y z"), labels(3*time.Hour, "jane", "w x y z v", "x y z v"), labels(2*time.Hour, "me", "", "w"),
		{At: t0.Add(time.Hour), Author: jsm.Person{AccountID: "jane"}, Items: []jsm.ChangeItem{{FieldID: "duedate", FromString: "2026-01-01"}}},
	}
	r := compile(t, "[outgoing]\nshare = [\"due_date\", \"priority\"]\n[outgoing.labels]\nmap = { v = \"vip\" }\notherwise = \"same\"")
	for p, want := range map[replica.Path]int64{
		"label/vip": t0.Add(4 * time.Hour).UnixMilli(), "label/w": t0.Add(3 * time.Hour).UnixMilli(), "due_date": t0.Add(time.Hour).UnixMilli(),
		"label/z":  0, // our account took it away: the peer had
		"label/v":  0, // not what the peer calls it
		"priority": 0, "comment/1": 0, "label": 0,
	} {
		if got := r.Withdrawn(tk, p, "me"); got != want {
			t.Errorf("%s: %d, want %d", p, got, want)
		}
	}
}
