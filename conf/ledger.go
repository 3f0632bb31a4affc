package conf

import (
	"strconv"
	"strings"
	"time"
)

// Ledger is [ledger] of parley.toml: how long the content of what crossed is kept.
type Ledger struct {
	Keep time.Duration // bodies of replicas older than this are erased; what proves that they crossed stays. 0: kept for good
}

const (
	keepStandard = 400 * 24 * time.Hour // a year, and some more
	keepLeast    = 7 * 24 * time.Hour   // a partner away over a holiday is sent what it missed
	keepMost     = 100 * 365 * 24 * time.Hour
)

// readLedger reads [ledger]: keep = "400d", "9600h" or "forever".
func (n *Node) readLedger(t *table) {
	n.Ledger.Keep = keepStandard
	led, ok := t.sub("ledger", "[ledger]")
	if !ok {
		return
	}
	defer led.done(nil)
	keep := led.text("keep")
	if !keep.IsSet() {
		return
	}
	if keep.Value == "forever" {
		n.Ledger.Keep = 0
		return
	}
	d, ok := days(keep.Value)
	switch {
	case !ok:
		led.ps.Add(keep.Pos, `for example "400d", or "forever"`, "keep = %q in [ledger] is no number of days", keep.Value)
	case d < keepLeast || d > keepMost:
		led.ps.Add(keep.Pos, "", "keep = %q in [ledger] must lie between %dd and %dd", keep.Value, keepLeast/(24*time.Hour), keepMost/(24*time.Hour))
	default:
		n.Ledger.Keep = d
	}
}

// days reads "400d"; what time.ParseDuration knows is also taken.
func days(s string) (time.Duration, bool) {
	if number, found := strings.CutSuffix(s, "d"); found {
		n, err := strconv.ParseUint(number, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err == nil
	}
	d, err := time.ParseDuration(s)
	return d, err == nil
}
