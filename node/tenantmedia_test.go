package node

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"parley/conf"
	"parley/jsm"
)

// elsewhere is a site that keeps its attachments on a host of its own.
type elsewhere struct{ host string }

func (e elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	a := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("hello")), ContentLength: 5, Request: r}
	if r.URL.Host == "north.example" {
		a.StatusCode, a.Body, a.ContentLength = http.StatusSeeOther, http.NoBody, 0
		a.Header.Set("Location", "https://"+e.host+"/file/1?token=secret")
	} else if r.Header.Get("Authorization") != "" {
		return nil, errors.New("the token left for another host")
	}
	return a, nil
}

// TestAttachmentsComeFromTheHostsThatAreNamed: Atlassian's own always, a further one where parley.toml names it.
func TestAttachmentsComeFromTheHostsThatAreNamed(t *testing.T) {
	for _, c := range []struct {
		host, named string
		refused     bool
	}{
		{"api.media.atlassian.com", "", false},
		{"files.acme.example", "", true},
		{"files.acme.example", "other.acme.example", true},
		{"files.acme.example", "Files.Acme.example", false},
		{"evil.files.acme.example", "files.acme.example", true},
	} {
		t.Setenv("SOME_TOKEN", "x")
		text := "name = \"north\"\n[tenant]\nurl = \"https://north.example\"\nuser = \"u\"\ntoken_env = \"SOME_TOKEN\"\n"
		if c.named != "" {
			text += "media_hosts = [\"" + c.named + "\"]\n"
		}
		settings, err := conf.ParseNode("parley.toml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		tenant, err := newTenantBy(settings, slog.New(slog.DiscardHandler), elsewhere{c.host})
		if err != nil {
			t.Fatal(err)
		}
		d, err := tenant.client.OpenAttachment(t.Context(), jsm.Attachment{ID: "1", Size: 5}, 0)
		if c.refused {
			if !errors.Is(err, jsm.ErrHost) || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "media_hosts") {
				t.Errorf("%s, with %q named: %v", c.host, c.named, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s, with %q named: %v", c.host, c.named, err)
			continue
		}
		if got, err := io.ReadAll(d); string(got) != "hello" || err != nil {
			t.Errorf("%s: %q, %v", c.host, got, err)
		}
		d.Close()
	}
}
