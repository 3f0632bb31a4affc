package conf

import (
	"errors"
	"strings"
	"testing"
)

func FuzzPolicy(f *testing.F) {
	f.Add("[never]\nitems = [\"comments.internal\", \"field:Salary\"]\npeople = \"alias\"\nrelay = \"forbid\"\n[attachments]\nmax = \"25 MiB\"\ndeny = [\"*.exe\"]")
	f.Add("[peers]\nglobex = { projects = [\"SUPPORT\"], domains = [\"globex.example\"] }\n[arrive]\ncomments = \"internal\"\nitems = []")
	f.Add("[never]\nitems = 7")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePolicy("policy.toml", []byte(text))
		var ps *Problems
		if err != nil && (!errors.As(err, &ps) || len(ps.List) == 0 || err.Error() == "") {
			t.Fatalf("not told as problems: %v", err)
		}
		if err == nil && p == nil {
			t.Fatal("neither a policy nor an error: it would stand for no limits")
		}
	})
}

// FuzzToken: what is taken for a token fits on one line of a header, and what is
// not is never quoted.
func FuzzToken(f *testing.F) {
	f.Add("s3cret-t0ken\n")
	f.Add("two\nlines")
	f.Add("control\x01character")
	f.Fuzz(func(t *testing.T, s string) {
		token, err := cleanToken(s, "token file")
		if err != nil {
			if line := strings.TrimSpace(s); len(line) > 20 && strings.Contains(err.Error(), line) {
				t.Errorf("the error quotes it: %v", err)
			}
			return
		}
		if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) || !strings.Contains(s, token) {
			t.Errorf("%q is taken as %q", s, token)
		}
	})
}
