package jsm

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"time"
)

// goodCloud is the shape of a cloud id, which is a UUID; it becomes part of an address.
var goodCloud = regexp.MustCompile(`^[0-9A-Za-z-]{8,64}$`)

// Gateway is Atlassian's API gateway as the way to one site: OAuth and scoped API tokens are taken
// there, at URL/ex/jira/CLOUDID, and not at the site's own address [D]. It is safe for concurrent use.
type Gateway struct {
	url, site string
	http      *http.Client

	mu    sync.Mutex // guards the fields below
	cloud string     // "": not known yet
	fault error      // of the last look-up
	until time.Time  // none before this
	step  time.Duration
}

// NewGateway checks the addresses and makes no call. cloud is the site's cloud id; where it is empty
// the site is asked.
func NewGateway(address, site, cloud string, h *http.Client) (*Gateway, error) {
	base, err := checkBase(address)
	if err != nil {
		return nil, fmt.Errorf("the gateway: %w", err)
	}
	at, err := checkBase(site)
	if err != nil {
		return nil, err
	}
	if cloud != "" && !goodCloud.MatchString(cloud) {
		return nil, fmt.Errorf("jsm: %q is no cloud id", clip(cloud, 80))
	}
	return &Gateway{url: base, site: at, cloud: cloud, http: plainClient(h)}, nil
}

// Base is the address that calls to the site begin with. It fits Auth.Base. Errors are *APIError.
func (g *Gateway) Base(ctx context.Context) (string, error) {
	g.mu.Lock()
	cloud, fault, until := g.cloud, g.fault, g.until
	g.mu.Unlock()
	if cloud == "" {
		if fault != nil && time.Now().Before(until) {
			return "", fault
		}
		var err error
		if cloud, err = g.ask(ctx); err != nil {
			return "", err
		}
	}
	return g.url + "/ex/jira/" + cloud, nil
}

// Know tells the cloud id.
func (g *Gateway) Know(cloud string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cloud, g.fault, g.step = cloud, nil, 0
}

// ask asks the site itself, without a credential; two that ask at once do no harm.
func (g *Gateway) ask(ctx context.Context) (string, error) {
	within, cancel := context.WithTimeout(ctx, grantTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(within, http.MethodGet, g.site+"/_edge/tenant_info", nil)
	if err != nil {
		return "", &APIError{Op: opCloud, Class: Tenant, Applied: No, Messages: []string{"the address cannot be built"}}
	}
	raw, e := exchange(g.http, req, opCloud)
	if e == nil {
		var cloud string
		if cloud, e = readCloud(raw); e == nil {
			g.Know(cloud)
			return cloud, nil
		}
	}
	if e.Class == Definite {
		e.Class = Tenant
	}
	if ctx.Err() != nil {
		return "", e // the caller gave up: that is no fault of the site
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.step = min(max(2*g.step, restFirst), restTransient)
	g.fault, g.until = e, time.Now().Add(g.step)
	return "", e
}

func readCloud(raw []byte) (string, *APIError) {
	var a struct {
		Cloud string `json:"cloudId"`
	}
	if err := json.Unmarshal(raw, &a); err != nil || !goodCloud.MatchString(a.Cloud) {
		return "", unusable(opCloud, http.StatusOK, false, Tenant, "an answer without a cloud id: no Jira Cloud site answers there")
	}
	return a.Cloud, nil
}
