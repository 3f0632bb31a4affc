package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"parley/jsm"
)

// TestAFieldThatCannotBeAskedByStopsNothing: what Jira refuses is told, rests for an hour and is no reason to stop polling;
// what it only failed at is.
func TestAFieldThatCannotBeAskedByStopsNothing(t *testing.T) {
	var told bytes.Buffer
	d := &Desk{log: slog.New(slog.NewTextHandler(&told, nil))}
	u := unmoved{refused: map[string]time.Time{}}
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	const rated = "customfield_10052"
	lost := &jsm.APIError{Op: "POST search/jql", Status: 503, Class: jsm.Transient}
	if err := u.excuse(d, rated, lost, now); !errors.Is(err, lost) || u.resting(rated, now) {
		t.Errorf("a lost tenant: %v", err)
	}
	refused := fmt.Errorf("asking by field: %w", &jsm.APIError{Op: "POST search/jql", Status: 400, Class: jsm.Definite, Messages: []string{"Field 'cf[10052]' does not exist"}})
	for field, err := range map[string]error{rated: refused, "summary": fmt.Errorf("%w: summary", jsm.ErrNoClause)} {
		if err := u.excuse(d, field, err, now); err != nil {
			t.Errorf("%s: %v", field, err)
		}
		if !u.resting(field, now.Add(59*time.Minute)) || u.resting(field, now.Add(time.Hour)) {
			t.Errorf("%s does not rest for an hour", field)
		}
	}
	if n := strings.Count(told.String(), "cannot be asked"); n != 2 || strings.Contains(told.String(), "does not exist") {
		t.Errorf("the log tells %d refusals, and must not quote Jira:\n%s", n, &told)
	}
}
