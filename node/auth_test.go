package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/conf"
	"parley/jsm"
)

var oauthTenant = conf.Tenant{URL: "https://a.example", Auth: conf.AuthOAuth, AuthServer: "https://auth.example", Client: "c"}

func someGrant() keptGrant {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	return keptGrant{
		Version: grantVersion, Site: oauthTenant.URL, Server: oauthTenant.AuthServer, Client: oauthTenant.Client, Cloud: "11111111-2222",
		Account: "712020:a", Refresh: "r3fresh", Access: "acc3ss", Since: at, Until: at.Add(time.Hour), Scopes: []string{"read:jira-work"},
	}
}

func TestALoginIsReplacedAsAWhole(t *testing.T) {
	home := t.TempDir()
	if k, err := readGrant(home, oauthTenant); err != nil || k.Refresh != "" {
		t.Errorf("of an empty home: %+v, %v", k, err)
	}
	first := someGrant()
	if err := writeGrant(home, first); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(home, grantFile)
	if err := os.WriteFile(path+".new", []byte(`{"refresh_tok`), 0o644); err != nil { // a crash in the middle of the next
		t.Fatal(err)
	}
	got, err := readGrant(home, oauthTenant)
	if diff := cmp.Diff(first, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	second := first
	second.Refresh = "n3xt"
	if err := writeGrant(home, second); err != nil {
		t.Fatal(err)
	}
	if got, err = readGrant(home, oauthTenant); err != nil || got.Refresh != "n3xt" {
		t.Errorf("%+v, %v", got, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := os.Stat(path + ".new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was left: %v", err)
	}
}

func TestALoginThatIsOfNoUseSaysSo(t *testing.T) {
	for name, c := range map[string]struct {
		change func(path string, k keptGrant) error
		login  bool
		want   string
	}{
		"damaged": {func(path string, _ keptGrant) error { return os.WriteFile(path, []byte(`{"refresh_token":7}`), 0o600) }, true, "is damaged"},
		"cut":     {func(path string, _ keptGrant) error { return os.Truncate(path, 20) }, true, "is damaged"},
		"of a later program": {func(path string, k keptGrant) error {
			k.Version = 2
			b, err := json.Marshal(k)
			return errors.Join(err, os.WriteFile(path, b, 0o600))
		}, true, "is of version 2"},
		"of another site": {func(path string, k keptGrant) error {
			k.Site = "https://b.example"
			return writeGrant(filepath.Dir(path), k)
		}, true, "of another site or client"},
		"open to others": {func(path string, _ keptGrant) error { return os.Chmod(path, 0o640) }, false, "others may read"},
		"huge":           {func(path string, _ keptGrant) error { return os.WriteFile(path, make([]byte, maxGrantFile+1), 0o600) }, true, "too long"},
	} {
		home := t.TempDir()
		if err := writeGrant(home, someGrant()); err != nil {
			t.Fatal(err)
		}
		if err := c.change(filepath.Join(home, grantFile), someGrant()); err != nil {
			t.Fatal(err)
		}
		k, err := readGrant(home, oauthTenant)
		if err == nil || errors.Is(err, jsm.ErrLogin) != c.login || !strings.Contains(err.Error(), c.want) || k.Refresh != "" {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), "r3fresh") || strings.Contains(err.Error(), "acc3ss")) {
			t.Errorf("%s: the error holds a secret: %v", name, err)
		}
	}
}

func FuzzGrantFile(f *testing.F) {
	good, err := json.Marshal(someGrant())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"version":1,"refresh_token":"r"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := parseGrant(b)
		if err != nil {
			if !errors.Is(err, jsm.ErrLogin) {
				t.Error(err)
			}
			return
		}
		out, err := json.Marshal(k)
		if err != nil {
			return // a year that JSON cannot say
		}
		again, err := parseGrant(out)
		if err != nil || again.Refresh != k.Refresh || again.Client != k.Client || !again.Until.Equal(k.Until) {
			t.Errorf("%+v came back as %+v, %v", k, again, err)
		}
	})
}

func TestTheEndOfATokenIsToldInStages(t *testing.T) {
	last := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	token := conf.Tenant{Auth: conf.AuthToken, Expires: last}
	for _, c := range []struct {
		left  time.Duration
		stage int
		text  string
	}{
		{31 * day, 0, ""},
		{30 * day, 1, "ends on 2027-03-01, in 30 days"},
		{14*day + time.Second, 1, "in 15 days"},
		{14 * day, 2, "in 14 days"},
		{3 * day, 3, "in 3 days"},
		{time.Hour, 3, "within a day"},
		{0, 3, "has ended on 2027-03-01"},
		{-100 * day, 3, "has ended on 2027-03-01"},
	} {
		e := ending(token, last.Add(-c.left))
		if e.stage != c.stage || !strings.Contains(e.text, c.text) || (e.text == "") != (c.stage == 0) || (e.next == "") != (c.stage == 0) {
			t.Errorf("%s before: %+v", c.left, e)
		}
	}
	if e := ending(conf.Tenant{}, last); e.stage != 0 || e.left <= 0 {
		t.Errorf("an end that is not known: %+v", e)
	}
	if e := ending(conf.Tenant{Auth: conf.AuthClient, Expires: last}, last); !strings.Contains(e.text, "client's secret has ended") {
		t.Error(e.text)
	}
}

func TestARunningNodeLogsTheEndCalmly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		now := time.Now()
		n := &Node{log: slog.New(slog.NewTextHandler(&log, nil)), conf: &conf.Node{Tenant: conf.Tenant{Expires: now.Truncate(day).Add(40 * day)}}}
		ctx, cancel := context.WithTimeout(t.Context(), 42*day)
		defer cancel()
		n.watchEnd(ctx)
		warned, failed := strings.Count(log.String(), "level=WARN"), strings.Count(log.String(), "level=ERROR")
		if warned != 2 || failed < 4 || failed > 6 {
			t.Errorf("%d warnings and %d errors:\n%s", warned, failed, log.String())
		}
	})
}
