package conf

import (
	"strings"
	"testing"
	"time"
)

func TestLedgerKeep(t *testing.T) {
	const head = "name = \"acme\"\n[tenant]\nurl = \"https://acme.atlassian.net\"\n"
	for text, want := range map[string]time.Duration{
		"": 400 * 24 * time.Hour, "[ledger]\n": 400 * 24 * time.Hour, "[ledger]\nkeep = \"30d\"\n": 30 * 24 * time.Hour,
		"[ledger]\nkeep = \"720h\"\n": 720 * time.Hour, "[ledger]\nkeep = \"forever\"\n": 0,
	} {
		n, err := ParseNode("parley.toml", []byte(head+text))
		if err != nil || n.Ledger.Keep != want {
			t.Errorf("%q: %v, %v, want %v", text, n, err, want)
		}
	}
	for text, want := range map[string]string{
		"[ledger]\nkeep = \"1d\"\n":     "must lie between 7d and 36500d",
		"[ledger]\nkeep = \"later\"\n":  "no number of days",
		"[ledger]\nkeep = \"99999d\"\n": "no number of days",
		"[ledger]\nkept = \"30d\"\n":    "kept",
	} {
		if _, err := ParseNode("parley.toml", []byte(head+text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
