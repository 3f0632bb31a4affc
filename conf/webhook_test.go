package conf

import (
	"strings"
	"testing"
	"time"
)

const nodeHead = "name = \"north\"\n[tenant]\nurl = \"https://north.atlassian.net\"\n"

func TestWebhook(t *testing.T) {
	n, err := ParseNode("parley.toml", []byte(nodeHead+`[poll]
slowest = "5m"
sweep = "0s"
[webhook]
listen = ":7845"
url = "https://parley.north.example/in/"
tls_cert = "hook.pem"
tls_key = "hook.key"
secret_file = "new"
old_secret_file = "old"
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Webhook{Listen: ":7845", URL: "https://parley.north.example/in", Cert: "hook.pem", Key: "hook.key", Secret: Secret{File: "new"}, OldSecret: Secret{File: "old"}}
	if n.Webhook != want {
		t.Errorf("%+v, want %+v", n.Webhook, want)
	}
	if n.Poll.Slowest != 5*time.Minute || n.Poll.Sweep != 0 {
		t.Errorf("%+v", n.Poll)
	}
	if n, err := ParseNode("parley.toml", []byte(nodeHead)); err != nil || n.Webhook.Listen != "" || n.Poll.Sweep != 24*time.Hour {
		t.Errorf("without [webhook]: %+v, %v", n, err)
	}
	for text, complaint := range map[string]string{
		"url = \"https://x.example\"":                          "no listen",
		"listen = \"7845\"":                                    "is not an address",
		"listen = \"0.0.0.0:7845\"":                            "without TLS",
		"listen = \":7845\"":                                   "without TLS",
		"listen = \"127.0.0.1:1\"\nurl = \"http://x.example\"": "must be https",
		"listen = \":1\"\ntls_cert = \"a\"":                    "half a certificate",
		"listen = \":1\"\ntls_cert = \"a\"\ntls_key = \"b\"\nbehind_proxy = true": "exclude each other",
		"listen = \"127.0.0.1:1\"\nsecret = \"x\"":                                "does not belong in this file",
		"listen = \"127.0.0.1:1\"\nold_secret_env = \"X\"":                        "no new one",
		"listen = \"127.0.0.1:1\"\nsecret_env = \"X\"\nsecret_file = \"y\"":       "two sources",
	} {
		_, err := ParseNode("parley.toml", []byte(nodeHead+"[webhook]\n"+text+"\n"))
		if err == nil || !strings.Contains(err.Error(), complaint) {
			t.Errorf("%q: %v, want %q", text, err, complaint)
		}
	}
	for _, good := range []string{"listen = \"[::1]:1\"", "listen = \"localhost:1\"", "listen = \":1\"\nbehind_proxy = true"} {
		if _, err := ParseNode("parley.toml", []byte(nodeHead+"[webhook]\n"+good+"\n")); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}
