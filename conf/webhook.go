package conf

import (
	"net"
	"path/filepath"
	"strings"
)

// Webhook says where the tenant's webhooks arrive. Without [webhook] nothing is
// listened for, and the tenant is polled.
type Webhook struct {
	Listen      string // TCP address; empty: none
	URL         string // how the tenant reaches it, without the node's own path; empty: as Listen
	Cert, Key   string // PEM files, relative to the home; empty: TLS ends at a proxy, or nothing leaves this machine
	BehindProxy bool   // plain HTTP may come from other machines
	Secret      Secret // unset: the node makes one and keeps it in its home
	OldSecret   Secret // the one before, while both are valid
	Unsigned    bool   // take requests without a proof (Data Center before 10 cannot sign)
}

// WebhookFile is a file of [webhook], found from the home.
func (n *Node) WebhookFile(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(n.home, name)
}

func (n *Node) readWebhook(t *table) {
	hook, ok := t.sub("webhook", "[webhook]")
	if !ok {
		return
	}
	w := &n.Webhook
	listen := hook.text("listen")
	if !listen.IsSet() || listen.Value == "" {
		t.ps.Add(hook.n.key, `for example listen = "127.0.0.1:7845"`, "[webhook] has no listen")
	} else {
		w.Listen = hook.address(listen, true)
	}
	if address := hook.text("url"); address.IsSet() {
		if why := badURL(address.Value); why != "" {
			t.ps.Add(address.Pos, `for example url = "https://parley.acme.example"`, "url in [webhook] %s", why)
		}
		w.URL = strings.TrimRight(address.Value, "/")
	}
	cert, key := hook.text("tls_cert"), hook.text("tls_key")
	w.Cert, w.Key = cert.Value, key.Value
	w.BehindProxy = hook.flag("behind_proxy", false).Value
	w.Unsigned = hook.flag("unsigned", false).Value
	w.Secret, w.OldSecret = hook.secret("secret"), hook.secret("old_secret")
	switch host, _, _ := net.SplitHostPort(w.Listen); {
	case (w.Cert == "") != (w.Key == ""):
		t.ps.Add(hook.n.key, "name both tls_cert and tls_key", "[webhook] has half a certificate")
	case w.Cert != "" && w.BehindProxy:
		t.ps.Add(hook.n.key, "remove one of the two", "behind_proxy = true and tls_cert exclude each other in [webhook]")
	case w.Listen != "" && w.Cert == "" && !w.BehindProxy && !loopback(host):
		t.ps.Add(listen.Pos, "name tls_cert and tls_key, or say behind_proxy = true where a proxy takes TLS off", "webhooks would come to %s without TLS", w.Listen)
	}
	if w.OldSecret.IsSet() && !w.Secret.IsSet() {
		t.ps.Add(hook.n.key, `the node rotates its own secret: "parley webhook rotate"`, "[webhook] has an old secret and no new one")
	}
	hook.done(func(k *node) string {
		if k.name == "secret" || k.name == "old_secret" {
			return "a secret does not belong in this file: name where it is, with secret_env, secret_file or secret_command"
		}
		return ""
	})
}
