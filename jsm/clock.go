package jsm

import (
	"encoding/json"
	"fmt"
	"time"
)

// jiraTime is how Jira writes a moment: milliseconds and an offset without a colon, in the calling
// account's zone. Written values need exactly this, others are refused with 400 [L].
const jiraTime = "2006-01-02T15:04:05.000-0700"

// parseTime reads every form seen in answers: +0900, +09:00 and Z, with or without a fraction.
// Go's parser takes a fraction of seconds wherever the layout has none.
func parseTime(s string) (time.Time, error) {
	if len(s) > 64 {
		return time.Time{}, fmt.Errorf("time of %d characters", len(s))
	}
	for _, layout := range []string{"2006-01-02T15:04:05-0700", time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("time %q is not in a form that Jira uses", s)
}

// moment is a time in an answer; null and "" are the zero time.
type moment struct{ time.Time }

func (m *moment) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s == nil || *s == "" {
		m.Time = time.Time{}
		return nil
	}
	t, err := parseTime(*s)
	m.Time = t
	return err
}
