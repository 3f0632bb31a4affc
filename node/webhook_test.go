package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/conf"
	"parley/node/exchange"
	"parley/node/hint"
	"parley/node/ledger"
)

// hookedNode is a node whose listener answers on loopback; its desk polls nothing.
func hookedNode(t *testing.T) (n *Node, url string) {
	t.Helper()
	n = newNode(t)
	n.conf.Webhook = conf.Webhook{Listen: "127.0.0.1:0"}
	desk, err := exchange.New(exchange.Config{Ledger: n.led, Tenant: n.tenant.client, Node: string(n.id.NodeID()), Sign: n.id.LedgerKey()})
	if err != nil {
		t.Fatal(err)
	}
	n.live.Store(&live{desk: desk})
	h, err := n.openWebhooks()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := n.serveWebhooks(ctx, h); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	path, err := n.hookPath()
	if err != nil {
		t.Fatal(err)
	}
	return n, "http://" + h.at.Addr().String() + path
}

func post(client *http.Client, url, secret string, body []byte) (status int, err error) {
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Hub-Signature", hint.Sign(secret, body))
	a, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer a.Body.Close()
	_, err = io.Copy(io.Discard, a.Body)
	return a.StatusCode, err
}

func marked(t *testing.T, n *Node) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	if err := n.led.Dirty(func(m ledger.Mark) bool {
		all[m.Ticket] = true
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestBurstOfWebhooks sends 10,000 webhooks over loopback to a real listener
// that marks on a real disk: each is answered, and each ticket is marked.
func TestBurstOfWebhooks(t *testing.T) {
	const events, senders = 10_000, 64
	n, url := hookedNode(t)
	secrets, err := n.hookSecrets()
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	defer client.CloseIdleConnections()
	fat := strings.Repeat("x", 20<<10) // as long as Jira's usually are
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var next, again atomic.Int64
	took := make([]time.Duration, events)
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= events {
					return
				}
				body := fmt.Appendf(nil, `{"timestamp":%d,"webhookEvent":"jira:issue_updated","issue":{"id":"%d","fields":{"description":"%s"}}}`, i, 10_000+i, fat)
				for {
					begin := time.Now()
					status, err := post(client, url, secrets[0].Value, body)
					if err == nil && status == http.StatusOK {
						took[i] = time.Since(begin)
						break
					}
					if err == nil && status != http.StatusServiceUnavailable {
						t.Errorf("event %d: status %d", i, status)
						return
					}
					again.Add(1)
				}
			}
		})
	}
	wg.Wait()
	runtime.ReadMemStats(&during)
	if got := len(marked(t, n)); got != events {
		t.Errorf("%d of %d tickets are marked", got, events)
	}
	slices.Sort(took)
	grown := int64(during.HeapInuse) - int64(before.HeapInuse)
	t.Logf("answered in p50 %v, p99 %v, most %v; %d sent again; heap in use grew by %d MiB", took[events/2], took[events*99/100], took[events-1], again.Load(), grown>>20)
	if p99 := took[events*99/100]; p99 > time.Second {
		t.Errorf("the answer takes %v at p99", p99)
	}
	if grown > 128<<20 { // senders' bodies, Pebble's memtable of 64 MiB and garbage are in it
		t.Errorf("heap in use grew by %d MiB", grown>>20)
	}
}

func TestSecretsRotate(t *testing.T) {
	n, url := hookedNode(t)
	body := []byte(`{"issue":{"id":"10042"}}`)
	secrets := func() (all []string) {
		t.Helper()
		now, err := n.hookSecrets()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range now {
			all = append(all, s.Value)
		}
		return all
	}
	answers := func(secret string, want int) {
		t.Helper()
		if got, err := post(http.DefaultClient, url, secret, body); err != nil || got != want {
			t.Errorf("%d, %v; want %d", got, err, want)
		}
	}
	defer http.DefaultClient.CloseIdleConnections()
	first := secrets()[0]
	answers(first, 200)
	w, err := RotateWebhook.do(n, t.Context(), RotateQuestion{Keep: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if all := secrets(); len(all) != 2 || all[1] != first || all[0] != w.Secret || w.OldUntil == nil || w.Word != hint.Word(w.Secret) {
		t.Errorf("%+v", w)
	}
	answers(first, 200)
	answers(w.Secret, 200)
	if _, err := RotateWebhook.do(n, t.Context(), RotateQuestion{Finish: true}); err != nil {
		t.Fatal(err)
	}
	answers(first, 401)
	answers(w.Secret, 200)
	if _, err := RotateWebhook.do(n, t.Context(), RotateQuestion{Keep: mostKept + 1}); err == nil {
		t.Error("a replaced secret may stay valid for ever")
	}
	info, err := os.Stat(filepath.Join(n.home, hookSecretFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	for _, bad := range []string{"", "\n", "a\nb\nc\n", "a\nb soon\n"} {
		if all, err := parseHookSecrets(bad); err == nil {
			t.Errorf("%q: %v", bad, all)
		}
	}
}

func TestWebhookOfSaysWhatToEnter(t *testing.T) {
	n := newNode(t)
	if _, err := n.webhookOf(WebhookQuestion{}); err == nil {
		t.Error("a node without [webhook] has something to enter")
	} else if _, ok := errors.AsType[*Advice](err); !ok {
		t.Errorf("%v tells no next step", err)
	}
	n.conf.Webhook = conf.Webhook{Listen: ":7845", Cert: "c", Key: "k"}
	publish(t, n, "globex", someRules)
	w, err := n.webhookOf(WebhookQuestion{})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(w.URL, "https://:7845/hook/") || w.JQL != `project in ("SUPPORT")` || w.Warning == "" || w.Secret != "" || w.Word != "" || w.Tally != nil {
		t.Errorf("%+v", w)
	}
	n.conf.Webhook.URL = "https://parley.north.example"
	if w, err = n.webhookOf(WebhookQuestion{Secret: true}); err != nil || !strings.HasPrefix(w.URL, "https://parley.north.example/hook/") || w.Warning != "" || w.Secret == "" {
		t.Errorf("%+v, %v", w, err)
	}
}
