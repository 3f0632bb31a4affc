package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"parley/jsm"
	"parley/node/hint"
	"parley/node/ledger"
)

// Webhook is what an admin needs to know to point Jira here.
type Webhook struct {
	URL      string      `json:"url"`
	Events   []string    `json:"events"` // to tick in Jira
	JQL      string      `json:"jql"`    // a filter that lets through what the rules may want
	Header   string      `json:"header"` // for automation, beside a body that names the issue
	Body     string      `json:"body"`
	Source   string      `json:"source"`                     // where the secret is
	Secret   string      `json:"secret,omitempty"`           // where it was asked for
	Word     string      `json:"word,omitempty"`             // the header's value; likewise
	OldUntil *time.Time  `json:"old_secret_until,omitempty"` // the secret before is valid until then
	Unsigned bool        `json:"unsigned"`                   // requests without a proof are taken too
	Tally    *hint.Tally `json:"requests,omitempty"`         // since the node started; absent where none runs
	Warning  string      `json:"warning,omitempty"`
}

// hookEvents are those that tell of a change that could cross. The one of entity
// properties is not: our own marks would come back by it.
var hookEvents = []string{
	"jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_updated", "comment_deleted",
	"worklog_created", "worklog_updated", "worklog_deleted", "attachment_created", "attachment_deleted", "issuelink_created", "issuelink_deleted",
}

const automationBody = `{"issue": {"id": "{{issue.id}}", "key": "{{issue.key}}"}}`

// WebhookQuestion asks how to point Jira here.
type WebhookQuestion struct {
	Secret bool `json:"secret"` // tell it too
}

// WebhookOf asks what to enter in Jira.
var WebhookOf = op("webhook", func(n *Node, _ context.Context, q WebhookQuestion) (Webhook, error) { return n.webhookOf(q) })

func (n *Node) webhookOf(q WebhookQuestion) (w Webhook, err error) {
	c := n.conf.Webhook
	if c.Listen == "" {
		return w, advise(errors.New("this node listens for no webhooks"), "add [webhook] with listen to %s and start the node again; until then it polls", nodeFile)
	}
	path, err := n.hookPath()
	if err != nil {
		return w, err
	}
	secrets, err := n.hookSecrets()
	if err != nil {
		return w, err
	}
	w = Webhook{Events: hookEvents, Header: hint.Header, Body: automationBody, Unsigned: c.Unsigned, Source: n.hookSource()}
	w.URL = c.URL + path
	if c.URL == "" {
		scheme := "http://"
		if c.Cert != "" {
			scheme = "https://"
		}
		w.URL = scheme + c.Listen + path
		w.Warning = "url under [webhook] in " + nodeFile + " is not set: the address shown is the one listened on, which Jira may not reach"
	}
	if len(secrets) > 1 && (secrets[1].Until.IsZero() || time.Now().Before(secrets[1].Until)) {
		w.OldUntil = &secrets[1].Until
	}
	if q.Secret {
		w.Secret, w.Word = secrets[0].Value, hint.Word(secrets[0].Value)
	}
	if l := n.hook.listener.Load(); l != nil {
		t := l.Tally()
		w.Tally = &t
	}
	w.JQL, err = n.hookJQL()
	return w, err
}

func (n *Node) hookSource() string {
	switch s := n.conf.Webhook.Secret; {
	case s.Env != "":
		return "environment variable " + s.Env
	case s.File != "":
		return n.conf.WebhookFile(s.File)
	case s.Command != "":
		return "secret_command in " + nodeFile
	}
	return filepath.Join(n.home, hookSecretFile) + ", first line"
}

// hookJQL is a filter of the projects that published rules name.
func (n *Node) hookJQL() (string, error) {
	names, err := n.led.PublishedConnections()
	if err != nil {
		return "", err
	}
	var keys []string
	for _, name := range names {
		p, err := n.led.PublishedRules(name)
		if errors.Is(err, ledger.ErrNone) {
			continue
		}
		if err != nil {
			return "", err
		}
		src, err := source(p)
		if err != nil {
			continue // its rules stand still and say so elsewhere
		}
		for _, key := range src.Projects {
			if quoted := jsm.QuoteJQL(key.Value); !slices.Contains(keys, quoted) {
				keys = append(keys, quoted)
			}
		}
	}
	if len(keys) == 0 {
		return "", nil
	}
	slices.Sort(keys)
	return "project in (" + strings.Join(keys, ", ") + ")", nil
}

// RotateQuestion asks for a new secret, or for the end of the one before.
type RotateQuestion struct {
	Keep   time.Duration `json:"keep"`   // how long the present one stays valid; 0: it ends at once
	Finish bool          `json:"finish"` // no new secret: the one before ends now
}

// RotateWebhook makes a new secret for webhooks; the one before stays valid for
// a while, so that Jira can be told.
var RotateWebhook = op("webhook-rotate", func(n *Node, _ context.Context, q RotateQuestion) (Webhook, error) {
	if err := n.rotateWebhook(q); err != nil {
		return Webhook{}, err
	}
	return n.webhookOf(WebhookQuestion{Secret: true})
})

// mostKept bounds how long a secret that was replaced stays valid.
const mostKept = 30 * 24 * time.Hour

func (n *Node) rotateWebhook(q RotateQuestion) error {
	switch {
	case n.conf.Webhook.Listen == "":
		return nil // webhookOf says so
	case n.conf.Webhook.Secret.IsSet():
		return advise(fmt.Errorf("the secret is not this node's own: it comes from %s", n.hookSource()),
			"name the present one under old_secret_… in [webhook], put a new one where secret_… points, and start the node again")
	case q.Keep < 0 || q.Keep > mostKept:
		return fmt.Errorf("a replaced secret can stay valid for at most %s", mostKept)
	}
	secrets, err := n.readHookSecrets()
	if err != nil {
		return err
	}
	text := secrets[0].Value + "\n"
	if !q.Finish {
		text = rand.Text() + "\n"
		if q.Keep > 0 {
			text += secrets[0].Value + " " + time.Now().Add(q.Keep).UTC().Format(time.RFC3339) + "\n"
		}
	}
	path := filepath.Join(n.home, hookSecretFile)
	if err := os.Remove(path + ".new"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("rotating the webhook secret: %w", err)
	}
	if err := writePrivate(path+".new", []byte(text)); err != nil {
		return fmt.Errorf("rotating the webhook secret: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("rotating the webhook secret: %w", err)
	}
	n.hook.mu.Lock()
	defer n.hook.mu.Unlock()
	n.hook.secrets = nil
	return nil
}
