package rules

import (
	"testing"
	"time"

	"parley/jsm"
)

// TestAValuePutBackIsAsOldAsItWas has our account write over a person's date and
// put it back: the person's time counts, but a person's own change of mind is news.
func TestAValuePutBackIsAsOldAsItWas(t *testing.T) {
	at := func(s int64) time.Time { return time.UnixMilli(1000 * s) }
	change := func(s int64, who, from, to string) jsm.Change {
		return jsm.Change{Author: jsm.Person{AccountID: who}, At: at(s), Items: []jsm.ChangeItem{{FieldID: "duedate", Field: "duedate", From: from, To: to}}}
	}
	for name, c := range map[string]struct {
		history []jsm.Change // newest first
		want    int64
	}{
		"put back":         {[]jsm.Change{change(3, "us", "b", "a"), change(2, "us", "a", "b"), change(1, "jane", "", "a")}, 1000},
		"put back twice":   {[]jsm.Change{change(5, "us", "c", "a"), change(4, "us", "a", "c"), change(3, "us", "b", "a"), change(2, "us", "a", "b"), change(1, "jane", "", "a")}, 1000},
		"a person's":       {[]jsm.Change{change(3, "jane", "b", "a"), change(2, "jane", "a", "b"), change(1, "jane", "", "a")}, 3000},
		"over a person's":  {[]jsm.Change{change(3, "us", "b", "a"), change(2, "jane", "a", "b"), change(1, "us", "", "a")}, 3000},
		"another value":    {[]jsm.Change{change(3, "us", "b", "c"), change(2, "us", "a", "b"), change(1, "jane", "", "a")}, 3000},
		"nothing is older": {[]jsm.Change{change(3, "us", "b", "a"), change(2, "us", "a", "b")}, 3000},
	} {
		if got := stamps(&jsm.Ticket{History: c.history}, "us")["duedate"]; got != c.want {
			t.Errorf("%s: %d, not %d", name, got, c.want)
		}
	}
}
