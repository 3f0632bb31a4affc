package node

import (
	"strings"
	"testing"
)

// FuzzHookSecrets reads arbitrary text as webhook.secret: at most two secrets, none
// of them empty, and an error that quotes none.
func FuzzHookSecrets(f *testing.F) {
	f.Add("abcdefghijklmnop\n")
	f.Add("abcdefghijklmnop 2026-11-30T00:00:00Z\nqrstuvwxyz\n")
	f.Add("abcdefghijklmnop tomorrow\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseHookSecrets(text)
		if err != nil {
			if line := strings.TrimSpace(text); len(line) > 20 && strings.Contains(err.Error(), line) {
				t.Errorf("the error quotes it: %v", err)
			}
			return
		}
		if len(all) == 0 || len(all) > 2 {
			t.Errorf("%d secrets", len(all))
		}
		for _, s := range all {
			if s.Value == "" || strings.ContainsAny(s.Value, " \n") {
				t.Errorf("the secret %q", s.Value)
			}
		}
	})
}
