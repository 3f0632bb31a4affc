package conf

import (
	"strings"
	"testing"
	"time"
)

const aNode = "name = \"n\"\n[tenant]\nurl = \"https://north.example\"\n"

func TestNotify(t *testing.T) {
	n, err := ParseNode("parley.toml", []byte(aNode+`
[notify]
zone = "Europe/Berlin"
quiet = ["22:00-07:00", "12:00-13:00"]
quiet_days = ["sat", "sun"]
peer_down = "30m"
[notify.channel.chat]
kind = "webhook"
url_env = "CHAT_URL"
secret_file = "chat.secret"
shape = "slack"
digest = "1h"
[notify.channel.mail]
kind = "mail"
server = "smtp.acme.example:465"
from = "parley@acme.example"
to = "desk@acme.example"
user = "bot"
password_command = "pass smtp"
floor = "urgent"
quiet = []
quiet_days = ["sun"]
urgent_passes = false
[notify.channel.desk]
kind = "ticket"
project = "IT"
request_type = "Report a problem"
`))
	if err != nil {
		t.Fatal(err)
	}
	c := n.Notify.Channels
	if len(c) != 3 || n.Notify.PeerDown != 30*time.Minute || n.Notify.TenantDown != time.Minute {
		t.Fatalf("read as %+v", n.Notify)
	}
	chat, mail, desk := c[0], c[1], c[2]
	if chat.URLAt.Env != "CHAT_URL" || chat.Secret.File != "chat.secret" || chat.Shape != "slack" || chat.Digest != time.Hour || chat.Floor != "warning" ||
		len(chat.Quiet.Spans) != 2 || len(chat.Quiet.Days) != 2 || chat.Quiet.Zone.String() != "Europe/Berlin" || !chat.Quiet.UrgentPasses {
		t.Errorf("chat: %+v", chat)
	}
	if mail.TLS != "implicit" || len(mail.To) != 1 || mail.Password.Command != "pass smtp" || mail.Floor != "urgent" ||
		len(mail.Quiet.Spans) != 0 || len(mail.Quiet.Days) != 1 || mail.Quiet.UrgentPasses || mail.Digest != 10*time.Minute {
		t.Errorf("mail: %+v", mail)
	}
	if desk.Project != "IT" || desk.RequestType != "Report a problem" || len(desk.Quiet.Spans) != 2 {
		t.Errorf("desk: %+v", desk)
	}
	night := chat.Quiet.Spans[0]
	for minute, want := range map[int]bool{22*60 - 1: false, 22 * 60: true, 0: true, 7*60 - 1: true, 7 * 60: false} {
		if night.Holds(minute) != want {
			t.Errorf("22:00-07:00 at minute %d: %v", minute, !want)
		}
	}
}

func TestNotifyRefuses(t *testing.T) {
	hook := "[notify.channel.a]\nkind = \"webhook\"\nurl = \"https://h.example\"\n"
	post := "[notify.channel.a]\nkind = \"mail\"\nserver = \"smtp.example:587\"\nfrom = \"a@b.example\"\nto = [\"c@d.example\"]\n"
	for _, c := range []struct{ text, want string }{
		{"[notify.channel.a]\n", `4:17 [notify.channel.a] has no kind that there is | kind = "webhook", "mail" or "ticket"`},
		{"[notify.channel.a]\nkind = \"fax\"", `5:8 [notify.channel.a] has no kind`},
		{"[notify.chat]\nkind = \"webhook\"", `a channel is written [notify.channel.chat]`},
		{"[notify.channel.\"a b\"]\nkind = \"webhook\"\nurl = \"https://h.example\"", `"a b" cannot be the name of a channel`},
		{"[notify.channel.a]\nkind = \"webhook\"", `[notify.channel.a] has no url`},
		{"[notify.channel.a]\nkind = \"webhook\"\nurl = \"http://h.example/hidden\"", `url must be https`},
		{hook + "url_env = \"X\"", `two sources`},
		{hook + "secret = \"s3cret\"", `a secret does not belong in this file`},
		{hook + "secret_env = \"A\"\nsecret_file = \"b\"", `"secret" has two sources`},
		{hook + "secret_env = \"$A\"", `secret_env does not name anything`},
		{hook + "shape = \"Slack\"", `did you mean "slack"?`},
		{hook + "floor = \"fatal\"", `floor = "fatal"`},
		{hook + "digest = \"48h\"", `must lie between`},
		{hook + "zone = \"Mars/Olympus\"", `there is no time zone`},
		{hook + "quiet = [\"22-7\"]", `"22-7" is not a time of the day`},
		{hook + "quiet_days = [\"Sunday\"]", `"Sunday" is not a day`},
		{hook + "urgent_passes = false\nquiet = [\"00:00-12:00\", \"12:00-00:00\"]", `it is always quiet`},
		{hook + "project = \"X\"", `unknown word "project"`},
		{post + "tls = \"none\"", `for a mail server on this machine only`},
		{post + "user = \"bot\"", `belong together`},
		{strings.Replace(post, "c@d.example", "c@d.example\\r\\nBcc: e@f.example", 1), `is not a plain mail address`},
		{strings.Replace(post, "a@b.example", "A <a@b.example>", 1), `is not a plain mail address`},
		{strings.Replace(post, "to = [\"c@d.example\"]", "", 1), `needs 1 to 50 addresses`},
		{strings.Replace(post, "server = \"smtp.example:587\"", "", 1), `[notify.channel.a] has no server`},
		{strings.Replace(post, ":587", "", 1), `is not an address (host:port)`},
		{"[notify.channel.a]\nkind = \"ticket\"\nproject = \"IT\"", `needs a project and a request_type`},
	} {
		_, err := ParseNode("parley.toml", []byte(aNode+c.text))
		if got := told(err); !strings.Contains(got, c.want) {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		} else if strings.Contains(got, "hidden") || strings.Contains(got, "s3cret") {
			t.Errorf("%s\ntells too much: %s", c.text, got)
		}
	}
}

func TestSecretIsReadAnew(t *testing.T) {
	t.Setenv("PARLEY_TEST_SECRET", "one")
	s := Secret{Env: "PARLEY_TEST_SECRET"}
	for _, want := range []string{"one", "two"} {
		t.Setenv("PARLEY_TEST_SECRET", want)
		if got, err := s.Read(t.Context(), "", "secret"); got != want || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	if _, err := (Secret{File: "none"}).Read(t.Context(), t.TempDir(), "password"); err == nil || !strings.HasPrefix(err.Error(), "reading the password: ") {
		t.Errorf("got %v", err)
	}
}
