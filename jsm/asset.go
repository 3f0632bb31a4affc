package jsm

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Objects of Assets. A ticket shows only their ids, which mean nothing to another tenant; what crosses is the
// label. Labels are read, and objects found by them, through the Assets API: below a gateway's base it is
// jsm/assets (developer.atlassian.com/cloud/assets/rest), at a site's own address gateway/api/jsm/assets [B].

const (
	assetPage    = 100              // objects that one query gives
	assetMemory  = 10_000           // labels remembered
	assetFresh   = 10 * time.Minute // how long a label is believed: objects are renamed
	assetRefused = time.Minute      // before one that was refused objects, or not answered, asks again
)

// assets is what a client knows of objects.
type assets struct {
	mu        sync.Mutex // everything below
	fields    map[string]bool
	labels    map[string]knownLabel // by the object's whole id, "WORKSPACE:NUMBER"
	workspace string
	refused   time.Time // when objects were last not to be had
}

type knownLabel struct {
	label string
	read  time.Time
}

type assetJSON struct {
	Workspace string  `json:"workspaceId"`
	ID        looseID `json:"globalId"`
	Label     string  `json:"label"`
}

// learn remembers which fields hold objects.
func (a *assets) learn(field string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fields == nil {
		a.fields, a.labels = map[string]bool{}, map[string]knownLabel{}
	}
	a.fields[field] = true
}

// labelAssets writes the labels of objects into a ticket's fields, as the member "label" that Jira leaves out.
// Where the account may not read objects, or Assets does not answer, they stay without: the ticket is whole.
func (c *Client) labelAssets(ctx context.Context, t *Ticket) {
	if ids, held := c.assets.unlabelled(t); len(ids) > 0 {
		label(t, held, c.labels(ctx, ids))
	}
}

// object is one element of a field of objects, with all its members.
type object = map[string]json.RawMessage

func objectID(o object) (id looseID) {
	_ = json.Unmarshal(o["id"], &id)
	return id
}

// unlabelled finds the objects of a ticket that have no label, and the fields that hold them.
func (a *assets) unlabelled(t *Ticket) (ids []string, held map[string][]object) {
	held = map[string][]object{}
	for _, field := range a.held() {
		var list []object
		if raw := t.Fields[field]; len(raw) == 0 || json.Unmarshal(raw, &list) != nil {
			continue
		}
		for _, one := range list {
			if id := objectID(one); id != "" && one["label"] == nil {
				held[field] = list
				ids = append(ids, string(id))
			}
		}
	}
	return ids, held
}

func label(t *Ticket, held map[string][]object, labels map[string]string) {
	for field, list := range held {
		for _, one := range list {
			if said, ok := labels[string(objectID(one))]; ok {
				one["label"], _ = json.Marshal(said)
			}
		}
		if raw, err := json.Marshal(list); err == nil {
			t.Fields[field] = raw
		}
	}
}

// held lists the fields that hold objects, in a fixed order.
func (a *assets) held() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []string
	for f := range a.fields {
		list = append(list, f)
	}
	slices.Sort(list)
	return list
}

// known gives the labels that are remembered, and the ids that must be asked for; none while asking is refused.
func (a *assets) known(ids []string, now time.Time) (labels map[string]string, ask []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	labels = map[string]string{}
	for _, id := range ids {
		if k, ok := a.labels[id]; ok && now.Sub(k.read) < assetFresh {
			labels[id] = k.label
		} else if !slices.Contains(ask, id) {
			ask = append(ask, id)
		}
	}
	if now.Sub(a.refused) < assetRefused {
		ask = nil
	}
	return labels, ask
}

func (a *assets) remember(id, label string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.labels) >= assetMemory || a.labels == nil {
		a.labels = map[string]knownLabel{}
	}
	a.labels[id] = knownLabel{label, now}
}

// labels reads the labels of objects: one call each, remembered.
func (c *Client) labels(ctx context.Context, ids []string) map[string]string {
	labels, ask := c.assets.known(ids, time.Now())
	for _, id := range ask {
		workspace, number, ok := strings.Cut(id, ":")
		if !ok || number == "" || strings.Trim(number, "0123456789") != "" {
			continue
		}
		var o assetJSON
		_, err := c.do(ctx, call{
			op: "GET assets/object", method: http.MethodGet, path: c.assetPath(workspace, "object", number), aside: true, out: &o, objects: one,
		})
		if IsNotFound(err) {
			continue // gone, or in a schema that is closed to us
		}
		if err != nil {
			c.log.Debug("the labels of objects cannot be read", "err", err)
			c.assets.refuse(time.Now())
			break
		}
		labels[id] = o.Label
		c.assets.remember(id, o.Label, time.Now())
	}
	return labels
}

// refuse notes that objects are not to be had for the moment.
func (a *assets) refuse(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused = now
}

// assetPath is the path of a call to the Assets API.
func (c *Client) assetPath(workspace string, segments ...string) []string {
	path := append([]string{"jsm", "assets", "workspace", workspace, "v1"}, segments...)
	if !strings.Contains(c.base, "/ex/jira/") {
		path = append([]string{"gateway", "api"}, path...)
	}
	return path
}

// queryAssets asks for at most assetPage objects in the Assets query language.
func (c *Client) queryAssets(ctx context.Context, workspace, query string) ([]assetJSON, error) {
	var out struct {
		Values []assetJSON `json:"values"`
	}
	_, err := c.do(ctx, call{
		op: "POST object/aql", method: http.MethodPost, path: c.assetPath(workspace, "object", "aql"), read: true, aside: true,
		query: url.Values{"startAt": {"0"}, "maxResults": {strconv.Itoa(assetPage)}, "includeAttributes": {"false"}},
		body:  map[string]any{"qlQuery": query}, out: &out, objects: func() int { return len(out.Values) }, most: 1 + assetPage,
	})
	return out.Values, err
}

// assetWorkspace is the site's workspace: there is one, or Assets is not in use.
func (c *Client) assetWorkspace(ctx context.Context) (string, error) {
	c.assets.mu.Lock()
	workspace := c.assets.workspace
	c.assets.mu.Unlock()
	if workspace != "" {
		return workspace, nil
	}
	var out deskPage[assetJSON]
	_, err := c.do(ctx, call{
		op: "GET assets/workspace", method: http.MethodGet, path: desk("assets", "workspace"), query: deskQuery(0), aside: true,
		out: &out, objects: func() int { return len(out.Values) },
	})
	if err != nil {
		return "", err
	}
	if len(out.Values) == 0 || out.Values[0].Workspace == "" {
		return "", &notHere{"Assets is not in use on this site"}
	}
	c.assets.mu.Lock()
	defer c.assets.mu.Unlock()
	c.assets.workspace = out.Values[0].Workspace
	return c.assets.workspace, nil
}

// findAssets gives each object that is known by its label alone its id. A label that none bears, or several, is
// a *notHere: nobody is guessed.
func (c *Client) findAssets(ctx context.Context, list []Option) ([]Option, error) {
	out := slices.Clone(list)
	for i, o := range out {
		if o.ID != "" {
			continue
		}
		workspace, err := c.assetWorkspace(ctx)
		if err != nil {
			return nil, err
		}
		found, err := c.queryAssets(ctx, workspace, `label = "`+aqlEscape.Replace(o.Value)+`"`)
		if err != nil {
			return nil, err
		}
		found = slices.DeleteFunc(found, func(a assetJSON) bool { return a.Label != o.Value || a.ID == "" })
		if len(found) != 1 {
			return nil, &notHere{fmt.Sprintf("%d objects that the account sees are labelled %q", len(found), clip(o.Value, 80))}
		}
		out[i].ID = string(found[0].ID)
		c.assets.remember(out[i].ID, o.Value, time.Now())
	}
	return out, nil
}

var aqlEscape = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
