package node

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"parley/conf"
	"parley/jsm"
	"parley/node/hint"
)

const (
	hookPathFile   = "webhook.path"   // the listener's own path
	hookSecretFile = "webhook.secret" // first line the secret; second line the one before, and until when
	hookKept       = 5 * time.Second  // how long secrets that were read are believed
)

// webhook is what a node has besides for its webhooks.
type webhook struct {
	listener atomic.Pointer[hint.Listener] // while it listens

	mu      sync.Mutex // guards the fields below
	secrets []hint.Secret
	read    time.Time
}

// hooks is an open listener.
type hooks struct {
	*hint.Listener
	at     net.Listener
	secure *tls.Config
}

// openWebhooks opens the listener that parley.toml asks for; nil for none.
func (n *Node) openWebhooks() (*hooks, error) {
	c := n.conf.Webhook
	if c.Listen == "" {
		return nil, nil
	}
	path, err := n.hookPath()
	if err != nil {
		return nil, err
	}
	if _, err := n.hookSecrets(); err != nil {
		return nil, advise(err, "[webhook] in %s says where the secret is", nodeFile)
	}
	h := &hooks{}
	h.Listener, err = hint.New(hint.Config{Path: path, Secrets: n.hookSecrets, Unsigned: c.Unsigned, Mark: n.take, Log: n.log})
	if err != nil {
		return nil, err
	}
	if c.Cert != "" {
		if h.secure, err = hint.Certificate(n.conf.WebhookFile(c.Cert), n.conf.WebhookFile(c.Key)); err != nil {
			return nil, advise(err, "tls_cert and tls_key in %s name the files", nodeFile)
		}
	}
	if h.at, err = net.Listen("tcp", c.Listen); err != nil {
		return nil, advise(fmt.Errorf("opening the webhook listener: %w", err), `another program may use this address; "listen" under [webhook] in %s says which`, nodeFile)
	}
	return h, nil
}

// serveWebhooks answers until ctx ends.
func (n *Node) serveWebhooks(ctx context.Context, h *hooks) error {
	n.hook.listener.Store(h.Listener)
	defer n.hook.listener.Store(nil)
	return h.Serve(ctx, h.at, h.secure)
}

// close gives up a listener that never served; none is no error.
func (h *hooks) close() error {
	if h == nil {
		return nil
	}
	return h.at.Close()
}

// slowest is how slow polling may get: not slower where nothing else tells of changes.
func (n *Node) slowest() time.Duration {
	if n.conf.Webhook.Listen == "" {
		return 0
	}
	return n.conf.Poll.Slowest
}

// ahead is the tenant's clock minus ours; 0 while it is not known.
func (h *heard) ahead() time.Duration {
	offset, _ := h.clock()
	return offset
}

// take hands hints to the desk and returns once they are on disk.
func (n *Node) take(h hint.Hint) error {
	l := n.live.Load()
	if l == nil {
		return errors.New("the node is stopping")
	}
	if h.Stray {
		l.desk.PollNow()
	}
	hints := make([]jsm.Hint, len(h.Tickets))
	for i, t := range h.Tickets {
		hints[i] = jsm.Hint{ID: t.ID, Key: t.Key, Updated: t.Updated}
	}
	return l.desk.Hint(hints)
}

func (n *Node) hookPath() (string, error) {
	b, err := n.secret(hookPathFile, func() []byte { return []byte("/hook/" + rand.Text() + "\n") })
	return strings.TrimSpace(string(b)), err
}

// hookSecrets are the secrets that are valid now, the newest first.
func (n *Node) hookSecrets() ([]hint.Secret, error) {
	n.hook.mu.Lock()
	secrets, read := n.hook.secrets, n.hook.read
	n.hook.mu.Unlock()
	if secrets != nil && time.Since(read) < hookKept {
		return secrets, nil
	}
	secrets, err := n.readHookSecrets()
	if err != nil {
		return nil, fmt.Errorf("reading the webhook secret: %w", err)
	}
	n.hook.mu.Lock()
	defer n.hook.mu.Unlock()
	n.hook.secrets, n.hook.read = secrets, time.Now()
	return secrets, nil
}

func (n *Node) readHookSecrets() ([]hint.Secret, error) {
	if c := n.conf.Webhook; c.Secret.IsSet() {
		var all []hint.Secret
		for _, s := range []conf.Secret{c.Secret, c.OldSecret} {
			if !s.IsSet() {
				continue
			}
			v, err := s.Read(context.Background(), n.home, "secret") // a command has a time limit of its own
			if err != nil {
				return nil, err
			}
			all = append(all, hint.Secret{Value: v})
		}
		return all, nil
	}
	b, err := n.secret(hookSecretFile, func() []byte { return []byte(rand.Text() + "\n") })
	if err != nil {
		return nil, err
	}
	return parseHookSecrets(string(b))
}

// parseHookSecrets reads webhook.secret.
func parseHookSecrets(text string) (all []hint.Secret, err error) {
	for line := range strings.Lines(text) {
		value, until, dated := strings.Cut(strings.TrimSpace(line), " ")
		if value == "" {
			continue
		}
		s := hint.Secret{Value: value}
		if dated {
			if s.Until, err = time.Parse(time.RFC3339, until); err != nil {
				return nil, fmt.Errorf("line %d of %s does not end with a time", len(all)+1, hookSecretFile)
			}
		}
		all = append(all, s)
	}
	if len(all) == 0 || len(all) > 2 {
		return nil, advise(fmt.Errorf("%s holds %d secrets", hookSecretFile, len(all)), "remove it; the node makes a new one, which Jira must then be told")
	}
	return all, nil
}
