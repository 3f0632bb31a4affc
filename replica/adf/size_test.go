package adf

import (
	"strings"
	"testing"
)

func TestSize(t *testing.T) {
	in := doc(p(tx(strings.Repeat("x", 1000))))
	if got, want := Size([]byte(in)), len(canonical(t, in))+localIDs; got != want {
		t.Errorf("%d, want %d", got, want)
	}
	wide := doc(p(tx(strings.Repeat("😀ü", 100))))
	if got, want := Size([]byte(wide)), len(canonical(t, doc(p(tx(strings.Repeat("xxy", 100))))))+localIDs; got != want {
		t.Errorf("an emoji counts as two and ü as one: %d, want %d", got, want)
	}
	if got := Size([]byte("no document")); got != 11 {
		t.Errorf("no document: %d", got)
	}
	dates := doc(strings.TrimSuffix(strings.Repeat(`{"type":"date","attrs":{"timestamp":"0"}},`, 50), ","))
	if got := Size([]byte(dates)); got < len(parse(t, dates).Plain()) {
		t.Errorf("less than its text: %d", got)
	}
}

// TestSizeIsAnUpperBound: Jira's normalisation, with the longest ids, makes no document longer than its Size.
func TestSizeIsAnUpperBound(t *testing.T) {
	for _, s := range samples(t) {
		if !s.Valid {
			continue
		}
		d := parse(t, string(s.ADF))
		if stored := stored(t, d.JSON(), 36); units(string(stored)) > d.Size() || units(d.Plain()) > d.Size() {
			t.Errorf("%s: Jira counts %d, the size is %d: %s", s.ID, units(string(stored)), d.Size(), stored)
		}
	}
}
