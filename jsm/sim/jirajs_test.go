package sim

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// wanted skips a test that lacks something on this machine, or fails it where everything is demanded.
func wanted(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("PARLEY_DEMAND") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// TestJiraJS lets jira.js, a client that knows nothing of us, drive a tenant and look for what is not as on Jira Cloud.
func TestJiraJS(t *testing.T) {
	dir := filepath.Join("..", "..", "testdata", "jirajs")
	node, err := exec.LookPath("node")
	if err != nil {
		wanted(t, "node is not installed: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "jira.js")); err != nil {
		wanted(t, "jira.js is not installed (npm ci --omit=dev in testdata/jirajs): %v", err)
	}
	for _, run := range []struct {
		name, script string
		checks       int
	}{{"north", "check.mjs", 60}, {"south", "check.mjs", 60}, {"north", "entities.mjs", 18}, {"south", "entities.mjs", 18}} {
		name := run.name
		t.Run(name+" "+run.script, func(t *testing.T) {
			tenant := MustNew(Config{Name: name})
			server := httptest.NewServer(tenant)
			defer server.Close()
			tenant.SetURL(server.URL)
			accounts, err := json.Marshal(tenant.Accounts())
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, node, run.script, server.URL, tenant.Project(), string(accounts))
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "AUDIT_SCHEMAS=true")
			out, err := cmd.Output()
			var report struct {
				OK     bool
				Checks []struct {
					What, Detail string
					OK           bool
				}
			}
			if json.Unmarshal(out, &report) != nil {
				exit, _ := err.(*exec.ExitError)
				t.Fatalf("%s gave no report: %v\n%s\n%+v", run.script, err, out, exit)
			}
			for _, c := range report.Checks {
				if !c.OK {
					t.Errorf("%s: %s", c.What, c.Detail)
				}
			}
			if len(report.Checks) < run.checks || report.OK == t.Failed() {
				t.Errorf("%d checks, ok %v", len(report.Checks), report.OK)
			}
		})
	}
}
