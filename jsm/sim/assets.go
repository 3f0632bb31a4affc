package sim

// Assets: objects of a workspace that fields point to. A field holds and shows ids only, which no other tenant
// knows; what an object is called, the Assets API tells.

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// An asset is one object.
type asset struct{ id, key, label, kind string }

// assetHomes are the two addresses of the Assets API: by the site, and by the API gateway's own host.
var assetHomes = []string{"/gateway/api/jsm/assets/workspace/{workspace}/v1", "/jsm/assets/workspace/{workspace}/v1"}

func (t *Tenant) assetRoutes(r *router) {
	r.add("GET", "/rest/servicedeskapi/assets/workspace", func(c *call) answer {
		return deskPage(c, []any{obj{"workspaceId": c.t.workspace()}})
	})
	for _, home := range assetHomes {
		r.add("GET", home+"/object/{object}", func(c *call) answer {
			return c.inWorkspace(func() answer {
				for i, a := range c.t.lists.assets {
					if a.id == c.v("object") {
						return ok(c.t.assetBean(i))
					}
				}
				return refuse(http.StatusNotFound, "The object does not exist.")
			})
		})
		r.add("POST", home+"/object/aql", func(c *call) answer { return c.inWorkspace(c.searchAssets) })
	}
}

func (t *Tenant) growAssets() error {
	for i, s := range t.seed.Assets {
		if s.Label == "" || s.Type == "" {
			return fmt.Errorf("%w: an asset needs a label and a type", ErrSeed)
		}
		t.lists.assets = append(t.lists.assets, asset{t.nextText("asset"), fmt.Sprintf("%s-%d", strings.ToUpper(t.seed.Project[:1]+"A"), i+1), s.Label, s.Type})
	}
	return nil
}

// workspace is the id of the tenant's one Assets workspace.
func (t *Tenant) workspace() string {
	return accountID("assets@"+t.name, t.name, false)[len("712020:"):]
}

func (c *call) inWorkspace(run func() answer) answer {
	switch {
	case !c.me.licensed():
		return refuse(http.StatusForbidden, "You do not have permission to use Assets.")
	case c.v("workspace") != c.t.workspace():
		return refuse(http.StatusNotFound, "The workspace does not exist.")
	}
	return run()
}

func (t *Tenant) assetBean(i int) obj {
	a := t.lists.assets[i]
	kind := 1 + slices.IndexFunc(t.lists.assets, func(x asset) bool { return x.kind == a.kind })
	return obj{"workspaceId": t.workspace(), "globalId": t.workspace() + ":" + a.id, "id": a.id, "label": a.label, "objectKey": a.key, "name": a.label,
		"objectType": obj{"workspaceId": t.workspace(), "id": strconv.Itoa(kind), "name": a.kind}}
}

var assetTerm = regexp.MustCompile(`(?i)^\s*(label|name|key|objecttype)\s*=\s*"?([^"]*?)"?\s*$`)

// searchAssets knows of AQL what it takes to find an object by its label, key or type: equalities joined by AND.
func (c *call) searchAssets() answer {
	var in struct {
		Query string `json:"qlQuery"`
	}
	if a, fine := c.decode(&in); !fine {
		return a
	}
	want := map[string]string{}
	for _, term := range regexp.MustCompile(`(?i)\s+and\s+`).Split(in.Query, -1) {
		m := assetTerm.FindStringSubmatch(term)
		if m == nil {
			return refuse(http.StatusBadRequest, "The AQL query is not valid: "+in.Query)
		}
		want[strings.ToLower(m[1])] = m[2]
	}
	fits := func(word, value string) bool {
		w, asked := want[word]
		return !asked || strings.EqualFold(w, value)
	}
	out := []any{}
	for i, a := range c.t.lists.assets {
		if fits("label", a.label) && fits("name", a.label) && fits("key", a.key) && fits("objecttype", a.kind) {
			out = append(out, c.t.assetBean(i))
		}
	}
	part, head, bad := page(c, out, 25, 100)
	if bad != nil {
		return *bad
	}
	return ok(lastPage(head, part, ""))
}

// assets reads an Assets field: objects by the workspace's and their own id.
func (s setter) assets(raw json.RawMessage) (any, string) {
	var refs []struct {
		ID        string `json:"id"`
		Workspace string `json:"workspaceId"`
		Object    string `json:"objectId"`
	}
	if json.Unmarshal(raw, &refs) != nil {
		return nil, "data was not an array"
	}
	var out []string
	for _, r := range refs {
		workspace, id, _ := strings.Cut(cmp.Or(r.ID, r.Workspace+":"+r.Object), ":")
		if workspace != s.t.workspace() || s.t.assetAt(id) < 0 {
			return nil, fmt.Sprintf("We couldn't find the object %q in Assets.", r.ID)
		}
		out = append(out, id)
	}
	return listOrNil(out), ""
}

func (t *Tenant) assetAt(id string) int {
	for i, a := range t.lists.assets {
		if a.id == id {
			return i
		}
	}
	return -1
}

// assetField is one object as a field shows it: no word of what it is.
func (t *Tenant) assetField(id string) obj {
	return obj{"workspaceId": t.workspace(), "id": t.workspace() + ":" + id, "objectId": id}
}
