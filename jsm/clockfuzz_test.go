package jsm

import (
	"encoding/json"
	"testing"
	"time"
)

// FuzzTimes reads arbitrary text as each kind of moment that an answer has. What
// is read is the same once written as Jira writes it, to the millisecond.
func FuzzTimes(f *testing.F) {
	for _, s := range []string{"2026-07-07T10:01:40.376+0900", "2026-07-07T01:01:40Z", "2026-07-07T01:01Z", "2026-07-07T10:01:40+09:00", "", "9999-12-31T23:59:59.999999999-2359"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := parseReset(s); err == nil && len(s) > 64 {
			t.Errorf("a reset of %d characters", len(s))
		}
		when, err := parseTime(s)
		if err != nil {
			return
		}
		ms := when.Truncate(time.Millisecond)
		if again, err := parseTime(ms.Format(jiraTime)); (err != nil || !again.Equal(ms)) && ms.Year() >= 0 && ms.Year() <= 9999 {
			t.Errorf("%q is %v, which reads as %v, %v", s, ms, again, err)
		}
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var m moment
		if err := json.Unmarshal(b, &m); err != nil || !m.Equal(when) {
			t.Errorf("%q in an answer is %v, %v", s, m, err)
		}
	})
}
