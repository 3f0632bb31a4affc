package jsm

import (
	"encoding/json"
	"testing"
	"time"
)

// TestSinceWhenATicketMatches walks the histories that a trigger meets.
func TestSinceWhenATicketMatches(t *testing.T) {
	born := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return born.Add(time.Duration(minutes) * time.Minute) }
	labels := func(minute int, from, to string) Change {
		return Change{ID: "1", At: at(minute), Items: []ChangeItem{{Field: "labels", FieldID: "labels", FromString: from, ToString: to}}}
	}
	field := func(minute int, id, from, to string) Change {
		return Change{ID: "1", At: at(minute), Items: []ChangeItem{{Field: id, FieldID: id, FromString: from, ToString: to}}}
	}
	const vendor = "project = SUPPORT AND labels = vendor-x"
	for _, c := range []struct {
		name, jql, now string
		history        []Change // newest first
		total          int
		want           time.Time
		whole          bool
	}{
		{"from the start", vendor, `["vendor-x"]`, nil, 0, at(0), true},
		{"labelled", vendor, `["vendor-x"]`, []Change{labels(5, "", "vendor-x")}, 0, at(5), true},
		{"another label later", vendor, `["vendor-x","vip"]`, []Change{labels(9, "vendor-x", "vendor-x vip"), labels(5, "", "vendor-x")}, 0, at(5), true},
		{"another label gone later", vendor, `["vendor-x"]`, []Change{labels(9, "vendor-x vip", "vendor-x"), labels(5, "vip", "vendor-x vip")}, 0, at(5), true},
		{"left and came back", vendor, `["vendor-x"]`, []Change{labels(9, "", "vendor-x"), labels(7, "vendor-x", ""), labels(5, "", "vendor-x")}, 0, at(9), true},
		{"another field later", vendor, `["vendor-x"]`, []Change{field(9, "priority", "Low", "High"), labels(5, "", "vendor-x")}, 0, at(5), true},
		{"moved here", vendor, `["vendor-x"]`, []Change{field(9, "project", "OPS", "SUPPORT"), labels(5, "", "vendor-x")}, 0, at(9), true},
		{"either", "labels = a OR labels = b", `["b"]`, []Change{labels(9, "a b", "b"), labels(7, "a", "a b"), labels(5, "", "a")}, 0, at(5), true},
		{"not", "project = SUPPORT AND NOT labels in (secret, private) AND labels is not EMPTY", `["x"]`, []Change{labels(9, "secret x", "x"), labels(5, "", "secret x")}, 0, at(9), true},
		{"what cannot be judged", "labels = vendor-x AND reporter in membersOf(x)", `["vendor-x"]`, []Change{field(9, "reporter", "Jane", "Joe"), labels(5, "", "vendor-x")}, 0, at(9), true},
		{"what never changed", "labels = vendor-x AND reporter in membersOf(x)", `["vendor-x"]`, []Change{labels(9, "vendor-x", "vendor-x vip"), labels(5, "", "vendor-x")}, 0, at(5), true},
		{"either, one unknown", "labels = b OR reporter in membersOf(x)", `["b"]`, []Change{labels(9, "a", "a b"), labels(5, "", "a")}, 0, at(9), true},
		{"a long history", vendor, `["vendor-x","vip"]`, []Change{labels(9, "vendor-x", "vendor-x vip")}, 90, at(9), false},
	} {
		tk := &Ticket{
			Project: Option{ID: "10000", Value: "SUPPORT"}, Created: born, History: c.history, HistoryTotal: max(c.total, len(c.history)),
			Fields: map[string]json.RawMessage{"labels": json.RawMessage(c.now)},
		}
		if got, whole := MatchedSince(c.jql, tk); !got.Equal(c.want) || whole != c.whole {
			t.Errorf("%s: since %s (whole %t), want %s (%t)", c.name, got, whole, c.want, c.whole)
		}
	}
}
