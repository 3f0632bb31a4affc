package sim

// Admin webhooks: who is told what. An event of the tenant becomes one delivery for each hook that wants
// it; webhook_send.go brings deliveries out, webhook_body.go writes what they say. As on Cloud they are
// at least once, in no promised order, retried on some answers and lost on others.

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"slices"
	"time"
)

const (
	maxHooks      = 100     // hooks of one tenant
	maxDeliveries = 50_000  // waiting ones; what comes beyond is lost and counted
	maxDelivered  = 10_000  // kept in the record of what was sent
	maxHookBody   = 4 << 20 // bytes; Jira's cap is said to be 25 MB, ours bounds memory
)

// A Webhook is a registration, as an administrator makes it.
type Webhook struct {
	Name        string
	URL         string   // http or https
	Events      []string // webhookEvent names: "jira:issue_created", "comment_created", …
	JQL         string   // only issues that match; empty: all
	Secret      string   // signs each body as X-Hub-Signature; empty: unsigned
	ExcludeBody bool
	// Automation makes it an automation rule's "Send web request" instead: it
	// sends Header, and Body with {{issue.id}} and {{issue.key}} filled in, and
	// neither signs nor names its deliveries.
	Automation bool
	Header     map[string]string
	Body       string
}

// WebhookFaults say what goes wrong, as shares of 1. The zero value is a quiet network.
type WebhookFaults struct {
	Lose      float64 `json:"lose"`      // never sent
	Duplicate float64 `json:"duplicate"` // sent twice, under one identifier
	Reorder   float64 `json:"reorder"`   // held back up to two seconds
	NoPublic  bool    `json:"noPublic"`  // comments without jsdPublic
	NoIssue   bool    `json:"noIssue"`   // comment events without their issue, as on Data Center
	Seed      uint64  `json:"seed"`      // which ones are hit follows from seed and identifier
}

// A Delivery is one attempt, as the record keeps it.
type Delivery struct {
	Hook       int64     `json:"hook"`
	Event      string    `json:"event"`
	Identifier string    `json:"identifier"`
	Attempt    int       `json:"attempt"` // 0 is the first
	At         time.Time `json:"at"`
	Status     int       `json:"status"` // 0: no answer
	Lost       bool      `json:"lost"`   // a fault switch swallowed it
}

// hooks is all that webhooks add to a tenant; the tenant's lock guards it. The zero value is ready.
type hooks struct {
	list      []*hook
	last      int64
	events    uint64 // numbers the events, for their identifiers
	waiting   []*delivery
	overflow  int // lost because too many waited
	record    []Delivery
	faults    WebhookFaults
	transport http.RoundTripper
	wake      chan struct{} // made by runWebhooks
}

type hook struct {
	id      int64
	Webhook // as registered
	updated time.Time
	by      *user
	failing time.Time // since when every attempt fails; zero: it works
	busy    bool      // a delivery is on its way: one at a time
}

type delivery struct {
	hook       *hook
	event      event
	identifier string
	attempt    int
	due        time.Time
	body       []byte // made at the first attempt, the same afterwards
}

// AddWebhook registers a webhook as the administrator would.
func (t *Tenant) AddWebhook(w Webhook) (int64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h, err := t.addHook(w, nil)
	if err != nil {
		return 0, err
	}
	return h.id, nil
}

func (t *Tenant) addHook(w Webhook, by *user) (*hook, error) {
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil:
		return nil, fmt.Errorf("%w: the URL is not one that can be called", ErrWebhook)
	case len(t.hooks.list) >= maxHooks:
		return nil, fmt.Errorf("%w: there are %d already", ErrWebhook, maxHooks)
	case len(w.Events) == 0:
		return nil, fmt.Errorf("%w: no event is named", ErrWebhook)
	}
	for _, e := range w.Events {
		if !hookEvents[e] {
			return nil, fmt.Errorf("%w: there is no event %q", ErrWebhook, e)
		}
	}
	if w.JQL != "" {
		if err := t.checkJQL(w.JQL); err != nil {
			return nil, fmt.Errorf("%w: %v", ErrWebhook, err)
		}
	}
	t.hooks.last++
	h := &hook{id: t.hooks.last, Webhook: w, updated: t.now(), by: by}
	t.hooks.list = append(t.hooks.list, h)
	return h, nil
}

// hookEvents are the events that the tenant sends.
var hookEvents = wordSet("jira:issue_created jira:issue_updated jira:issue_deleted comment_created comment_updated comment_deleted" +
	" worklog_created worklog_updated worklog_deleted issuelink_created issuelink_deleted issue_property_set issue_property_deleted" +
	" attachment_created attachment_deleted")

// SetWebhookTransport says how deliveries travel; nil: over the network. Call it before Run.
func (t *Tenant) SetWebhookTransport(rt http.RoundTripper) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hooks.transport = rt
}

// SetWebhookFaults sets what goes wrong from now on.
func (t *Tenant) SetWebhookFaults(f WebhookFaults) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hooks.faults = f
}

// Deliveries gives the record of what was sent, oldest first; at most the newest 10,000.
func (t *Tenant) Deliveries() []Delivery {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.hooks.record)
}

// emit takes an event over. The lock is held: it only queues.
func (t *Tenant) emit(e event) {
	t.hooks.events++
	for _, h := range t.hooks.list {
		if !slices.Contains(h.Events, e.Kind) || !t.hookWants(h, e) {
			continue
		}
		if len(t.hooks.waiting) >= maxDeliveries {
			t.hooks.overflow++
			continue
		}
		d := &delivery{hook: h, event: e, identifier: t.identifier(h, t.hooks.events), due: e.At}
		t.hooks.waiting = append(t.hooks.waiting, d)
		t.misfortune(d)
	}
	t.wakeWebhooks()
}

// hookWants applies the hook's JQL. Events without an issue pass, as on a live site.
func (t *Tenant) hookWants(h *hook, e event) bool {
	if h.JQL == "" || e.Issue == nil {
		return true
	}
	yes, err := t.matchJQL(h.JQL, e.Issue)
	return err == nil && yes
}

// identifier is the same for an event and hook however often it is sent.
func (t *Tenant) identifier(h *hook, number uint64) string {
	in := binary.BigEndian.AppendUint64([]byte("webhook "+t.name+" "), uint64(h.id))
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(in, number))
	return uuid(sum[:])
}

// misfortune lets the fault switches strike a delivery that was just queued.
func (t *Tenant) misfortune(d *delivery) {
	f := t.hooks.faults
	if f.chance("reorder", d.identifier) < f.Reorder {
		d.due = d.due.Add(time.Duration(f.chance("delay", d.identifier) * float64(2*time.Second)))
	}
	if f.chance("lose", d.identifier) < f.Lose {
		t.hooks.waiting = t.hooks.waiting[:len(t.hooks.waiting)-1]
		t.recordDelivery(Delivery{Hook: d.hook.id, Event: d.event.Kind, Identifier: d.identifier, At: t.now(), Lost: true})
		return
	}
	if f.chance("duplicate", d.identifier) < f.Duplicate {
		twice := *d
		t.hooks.waiting = append(t.hooks.waiting, &twice)
	}
}

// chance is a number in [0,1) that follows from the seed, the fault and the delivery.
func (f WebhookFaults) chance(fault, identifier string) float64 {
	h := fnv.New64a()
	fmt.Fprint(h, f.Seed, fault, identifier)
	sum := sha256.Sum256(h.Sum(nil))
	return float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
}

func (t *Tenant) recordDelivery(d Delivery) {
	if len(t.hooks.record) >= maxDelivered {
		t.hooks.record = slices.Delete(t.hooks.record, 0, maxDelivered/10)
	}
	t.hooks.record = append(t.hooks.record, d)
}

// wakeWebhooks lets the sender look again: something was queued, or the clock moved. It never blocks.
func (t *Tenant) wakeWebhooks() {
	select {
	case t.hooks.wake <- struct{}{}:
	default:
	}
}
