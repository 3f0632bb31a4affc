package node

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/conf"
)

// TestTheDoctorLooksAtWebhooks follows a listener from where none is to where Jira's requests are taken, and never shows
// the secret.
func TestTheDoctorLooksAtWebhooks(t *testing.T) {
	n, url := hookedNode(t)
	secrets, err := n.hookSecrets()
	if err != nil {
		t.Fatal(err)
	}
	says := func(ok bool, want string) {
		t.Helper()
		e := &examination{}
		e.webhooks(n, time.Now())
		f := e.all[len(e.all)-1]
		if len(e.all) != 1 || f.What != "webhooks" || f.OK != ok || !strings.Contains(f.Detail, want) || f.Next == "" {
			t.Errorf("%+v, want %v and %q", e.all, ok, want)
		}
		if all := f.Detail + f.Next; strings.Contains(all, secrets[0].Value) || strings.Contains(all, url[strings.LastIndexByte(url, '/')+1:]) {
			t.Errorf("it shows the secret or the path: %s", all)
		}
	}
	send := func(secret string, want int) {
		t.Helper()
		if status, err := post(http.DefaultClient, url, secret, []byte(`{"issue":{"id":"10042"}}`)); err != nil || status != want {
			t.Fatalf("%d, %v", status, err)
		}
	}
	if status, err := post(http.DefaultClient, url+"x", "another", nil); err != nil || status != http.StatusNotFound { // it answers
		t.Fatalf("%d, %v", status, err)
	}
	says(true, "none has come since the node started")
	send("another", http.StatusUnauthorized)
	says(false, "all 1 that came were refused")
	send(secrets[0].Value, http.StatusOK)
	says(true, "1 were refused, and 1 taken, the last 0s ago")
	if line := n.hooksLine(); line == nil || line.Taken != 1 || line.Refused != 1 || line.Last.IsZero() {
		t.Errorf("on the page: %+v", line)
	}
	n.conf.Webhook = conf.Webhook{}
	says(true, "none are listened for: a change is found by asking every")
}

func TestAgo(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{0: "0s ago", -time.Second: "0s ago", 90 * time.Second: "1m30s ago", 3*time.Hour + 40*time.Second: "3h1m0s ago"} {
		if got := ago(now, now.Add(-d)); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
