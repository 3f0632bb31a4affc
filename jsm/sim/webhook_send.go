package sim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
)

// Delivery as Atlassian documents it (developer.atlassian.com/cloud/jira/platform/webhooks).
const (
	hookConnect = 5 * time.Second  // to connect
	hookAnswer  = 20 * time.Second // to answer
	hookRetries = 5
	hookRetry   = 5 * time.Minute  // the shortest pause; the longest is three times that
	hookGiveUp  = 30 * time.Minute // after so long without success each event gets one attempt
	hookIdle    = time.Minute      // the sender looks again at least so often
)

// ErrWebhook means that a webhook cannot be registered so.
var ErrWebhook = errors.New("sim: bad webhook")

// runWebhooks sends deliveries until ctx ends, one at a time for each hook, and waits for those on the way.
func (t *Tenant) runWebhooks(ctx context.Context) error {
	t.mu.Lock()
	wake := make(chan struct{}, 1)
	t.hooks.wake = wake
	client := hookClient(t.hooks.transport)
	t.mu.Unlock()
	defer client.CloseIdleConnections()

	var under errgroup.Group
	defer under.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		for _, d := range t.dueDeliveries() {
			under.Go(func() error {
				t.deliver(ctx, client, d)
				return nil
			})
		}
		timer.Reset(t.untilNextDelivery())
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
		case <-timer.C:
		}
	}
}

func hookClient(rt http.RoundTripper) *http.Client {
	if rt == nil {
		rt = &http.Transport{DialContext: (&net.Dialer{Timeout: hookConnect}).DialContext, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4}
	}
	return &http.Client{Transport: rt, Timeout: hookConnect + hookAnswer,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// dueDeliveries takes the first due delivery of each hook that is not busy, and writes its body.
func (t *Tenant) dueDeliveries() []*delivery {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	var out []*delivery
	kept := t.hooks.waiting[:0]
	for _, d := range t.hooks.waiting {
		if d.hook.busy || d.due.After(now) {
			kept = append(kept, d)
			continue
		}
		d.hook.busy = true
		if d.body == nil && !d.hook.ExcludeBody {
			d.body = t.bodyFor(d.hook, d.event)
		}
		out = append(out, d)
	}
	clear(t.hooks.waiting[len(kept):])
	t.hooks.waiting = kept
	return out
}

func (t *Tenant) untilNextDelivery() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	wait, now := hookIdle, t.now()
	for _, d := range t.hooks.waiting {
		if !d.hook.busy {
			wait = min(wait, max(0, d.due.Sub(now)))
		}
	}
	return wait
}

// deliver makes one attempt and queues the next where the answer asks for it.
func (t *Tenant) deliver(ctx context.Context, client *http.Client, d *delivery) {
	status := attempt(ctx, client, d)
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	d.hook.busy = false
	t.recordDelivery(Delivery{Hook: d.hook.id, Event: d.event.Kind, Identifier: d.identifier, Attempt: d.attempt, At: now, Status: status})
	switch {
	case status >= 200 && status < 300:
		d.hook.failing = time.Time{}
	case ctx.Err() == nil && retriable(status):
		if d.hook.failing.IsZero() {
			d.hook.failing = now
		}
		if d.attempt < hookRetries && now.Sub(d.hook.failing) < hookGiveUp {
			again := *d
			again.attempt++
			pause := WebhookFaults{}.chance("retry"+strconv.Itoa(d.attempt), d.identifier)
			again.due = now.Add(hookRetry + time.Duration(pause*2*float64(hookRetry)))
			t.hooks.waiting = append(t.hooks.waiting, &again)
		}
	}
	t.wakeWebhooks()
}

// retriable names the answers after which Jira tries again; 0 is no answer at all.
func retriable(status int) bool {
	switch status {
	case 0, http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

// attempt posts once and gives the status, 0 for none.
func attempt(ctx context.Context, client *http.Client, d *delivery) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.hook.URL, bytes.NewReader(d.body))
	if err != nil {
		return 0
	}
	flow := "Primary"
	if d.event.Cascade {
		flow = "Secondary"
	}
	h := req.Header
	h.Set("Content-Type", "application/json; charset=utf-8")
	if d.hook.Automation {
		h.Set("User-Agent", "Atlassian Automation")
		for name, value := range d.hook.Header {
			h.Set(name, value)
		}
		return hookStatus(client, req)
	}
	h.Set("User-Agent", "Atlassian Webhook HTTP Client")
	h.Set("X-Atlassian-Webhook-Identifier", d.identifier)
	h.Set("X-Atlassian-Webhook-Flow", flow)
	h.Set("X-Atlassian-Webhook-Trace", d.identifier[:8]+strconv.Itoa(d.attempt))
	if d.attempt > 0 {
		h.Set("X-Atlassian-Webhook-Retry", strconv.Itoa(d.attempt))
	}
	if d.hook.Secret != "" {
		h.Set("X-Hub-Signature", signature(d.hook.Secret, d.body))
	}
	return hookStatus(client, req)
}

func hookStatus(client *http.Client, req *http.Request) int {
	resp, err := client.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)); err != nil {
		return 0
	}
	return resp.StatusCode
}

// signature is the WebSub form: the method, "=" and the HMAC of the raw body in hexadecimal.
func signature(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
