package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

const maxLinks = 2000 // issue links and remote links per issue on Cloud

func (t *Tenant) linkRoutes(r *router) {
	r.add("POST", "/rest/api/{v}/issueLink", addLink)
	r.add("GET", "/rest/api/{v}/issueLink/{id}", func(c *call) answer {
		l := c.t.link(c.v("id"))
		if l == nil {
			return refuse(http.StatusNotFound, fmt.Sprintf("No issue link with id '%s' exists.", c.v("id")))
		}
		in, out := c.t.issues.byID[l.inward], c.t.issues.byID[l.outward]
		return ok(obj{"id": text(l.id), "self": c.t.url + "/rest/api/3/issueLink/" + text(l.id), "type": c.t.linkTypeBean(l.kind),
			"inwardIssue": c.t.linkedBean(in), "outwardIssue": c.t.linkedBean(out)})
	})
	r.add("DELETE", "/rest/api/{v}/issueLink/{id}", func(c *call) answer {
		l := c.t.link(c.v("id"))
		if l == nil || !c.me.licensed() {
			return refuse(http.StatusNotFound, fmt.Sprintf("No issue link with id '%s' exists.", c.v("id")))
		}
		c.t.unlink(l, c.me)
		return noContent()
	})
	r.add("GET", "/rest/api/{v}/issue/{key}/remotelink", listRemoteLinks)
	r.add("POST", "/rest/api/{v}/issue/{key}/remotelink", putRemoteLink).perItem = true
	r.add("DELETE", "/rest/api/{v}/issue/{key}/remotelink", deleteRemoteLink).perItem = true
	r.add("PUT", "/rest/api/{v}/issue/{key}/remotelink/{id}", editRemoteLink).perItem = true
	r.add("GET", "/rest/api/{v}/issue/{key}/remotelink/{id}", func(c *call) answer {
		is, rl, a, found := c.remoteLink()
		if !found {
			return a
		}
		return ok(c.t.remoteBean(is, rl))
	})
	r.add("DELETE", "/rest/api/{v}/issue/{key}/remotelink/{id}", func(c *call) answer {
		is, rl, a, found := c.remoteLink()
		if !found {
			return a
		}
		c.t.dropRemote(is, rl)
		return noContent()
	})
}

func (t *Tenant) linkTypeBean(k *linkType) obj {
	return obj{"id": k.id, "name": k.name, "inward": k.inward, "outward": k.outward, "self": t.url + "/rest/api/3/issueLinkType/" + k.id}
}

func (t *Tenant) linkedBean(is *issue) obj {
	v := view{}
	return obj{"id": is.idText(), "key": is.key, "self": t.url + "/rest/api/3/issue/" + is.idText(), "fields": obj{
		"summary": is.str("summary"), "status": t.render(is, t.field("status"), v), "priority": t.render(is, t.field("priority"), v),
		"issuetype": t.render(is, t.field("issuetype"), v)}}
}

// linksOf is fields.issuelinks: on the inward issue a link shows the outward one, and the other way round.
func (t *Tenant) linksOf(is *issue) []any {
	out := []any{}
	for _, l := range is.links {
		b := obj{"id": text(l.id), "self": t.url + "/rest/api/3/issueLink/" + text(l.id), "type": t.linkTypeBean(l.kind)}
		other, side := l.outward, "outwardIssue"
		if l.outward == is.id {
			other, side = l.inward, "inwardIssue"
		}
		o := t.issues.byID[other]
		if o == nil {
			continue
		}
		b[side] = t.linkedBean(o)
		out = append(out, b)
	}
	return out
}

func (t *Tenant) link(id string) *link {
	for _, n := range t.issues.order {
		for _, l := range t.issues.byID[n].links {
			if text(l.id) == id {
				return l
			}
		}
	}
	return nil
}

func addLink(c *call) answer {
	var in struct {
		Type    ref             `json:"type"`
		Inward  ref             `json:"inwardIssue"`
		Outward ref             `json:"outwardIssue"`
		Comment json.RawMessage `json:"comment"`
	}
	if a, fine := c.decode(&in); !fine {
		return a
	}
	if !c.me.licensed() {
		return refuse(http.StatusForbidden, "You do not have permission to link issues.")
	}
	i := slices.IndexFunc(c.t.lists.linkTypes, func(k *linkType) bool {
		return len(in.Type.ID) > 0 && k.id == in.Type.id() || in.Type.Name != nil && k.name == *in.Type.Name
	})
	if i < 0 {
		return refuse(http.StatusNotFound, "No issue link type with the given name or id found.")
	}
	from, to := c.t.findRef(in.Inward), c.t.findRef(in.Outward)
	if from == nil || to == nil {
		return issueGone()
	}
	if len(from.links) >= maxLinks || len(to.links) >= maxLinks {
		return refuse(http.StatusRequestEntityTooLarge, fmt.Sprintf("The issue has reached the limit of %d links.", maxLinks))
	}
	c.key = from.key
	if len(in.Comment) > 0 && !isNull(in.Comment) {
		n, complaint := c.readComment(in.Comment)
		if complaint != "" {
			return c.refuseComment(complaint)
		}
		c.t.addComment(from, c.me, n) // also where the link exists already
	}
	c.t.join(from, to, c.t.lists.linkTypes[i], c.me)
	return answer{status: http.StatusCreated}
}

func (t *Tenant) findRef(r ref) *issue {
	if r.Key != nil {
		return t.find(*r.Key)
	}
	return t.find(r.id())
}

// join links two issues once; a link of the same type and direction that exists already is left as it is.
func (t *Tenant) join(in, out *issue, kind *linkType, me *user) {
	for _, l := range in.links {
		if l.kind == kind && l.inward == in.id && l.outward == out.id {
			return
		}
	}
	l := &link{id: t.next("link"), kind: kind, inward: in.id, outward: out.id}
	now := t.now()
	for _, side := range []struct {
		is, other *issue
		words     string
	}{{in, out, kind.outward}, {out, in, kind.inward}} {
		side.is.links = append(slices.Clip(side.is.links), l)
		s := "This issue " + side.words + " " + side.other.key
		key := side.other.key
		t.record(side.is, me, []changeItem{{field: "Link", fieldID: "issuelinks", fieldType: "jira", to: &key, toString: &s}}, "issue_updated", now)
	}
	t.happened("issuelink_created", "", me, in, func(e *event) { e.Link = l })
}

func (t *Tenant) unlink(l *link, me *user) {
	var last *issue
	for _, pair := range [][2]int64{{l.inward, l.outward}, {l.outward, l.inward}} {
		is, other := t.issues.byID[pair[0]], t.issues.byID[pair[1]]
		if is == nil {
			continue
		}
		last = is
		is.links = slices.DeleteFunc(slices.Clone(is.links), func(x *link) bool { return x == l })
		if other != nil {
			words, key := l.kind.outward, other.key
			if pair[0] == l.outward {
				words = l.kind.inward
			}
			s := "This issue " + words + " " + key
			t.record(is, me, []changeItem{{field: "Link", fieldID: "issuelinks", fieldType: "jira", from: &key, fromString: &s}}, "issue_updated", t.now())
		}
	}
	if last != nil {
		t.happened("issuelink_deleted", "", me, last, func(e *event) { e.Link = l })
	}
}

func (t *Tenant) remoteBean(is *issue, r *remoteLink) obj {
	b := obj{"id": r.id, "self": t.url + "/rest/api/3/issue/" + is.idText() + "/remotelink/" + text(r.id), "object": r.object}
	if r.globalID != "" {
		b["globalId"] = r.globalID
	}
	if r.relationship != "" {
		b["relationship"] = r.relationship
	}
	b["application"] = obj{}
	if len(r.application) > 0 {
		b["application"] = r.application
	}
	return b
}

func listRemoteLinks(c *call) answer {
	is, a, found := c.issue()
	if !found {
		return a
	}
	if want := c.q.Get("globalId"); want != "" {
		for _, r := range is.remotes {
			if r.globalID == want {
				return ok(c.t.remoteBean(is, r))
			}
		}
		return refuse(http.StatusNotFound, fmt.Sprintf("The remote issue link with globalId '%s' does not exist.", want))
	}
	out := []any{}
	for _, r := range is.remotes {
		out = append(out, c.t.remoteBean(is, r))
	}
	c.objects = len(out)
	return ok(out)
}

// putRemoteLink is the platform's one natural upsert: the same globalId is updated, as a whole.
func putRemoteLink(c *call) answer {
	is, a, found := c.issue()
	if !found {
		return a
	}
	fresh, a, fine := c.readRemoteLink()
	if !fine {
		return a
	}
	list := slices.Clone(is.remotes)
	for i, r := range list {
		if r.globalID == fresh.globalID && fresh.globalID != "" {
			fresh.id = r.id
			list[i] = fresh
			is.remotes = list
			c.t.index.wrote(c.t, is)
			return ok(obj{"id": r.id, "self": c.t.url + "/rest/api/3/issue/" + is.idText() + "/remotelink/" + text(r.id)})
		}
	}
	if len(list) >= maxLinks {
		return refuse(http.StatusRequestEntityTooLarge, fmt.Sprintf("The issue has reached the limit of %d remote links.", maxLinks))
	}
	fresh.id = c.t.next("remotelink")
	is.remotes = append(list, fresh)
	c.t.index.wrote(c.t, is)
	return created(obj{"id": fresh.id, "self": c.t.url + "/rest/api/3/issue/" + is.idText() + "/remotelink/" + text(fresh.id)})
}

// readRemoteLink judges a body; what it leaves out is empty, also where the link had it.
func (c *call) readRemoteLink() (*remoteLink, answer, bool) {
	var in struct {
		GlobalID     string          `json:"globalId"`
		Application  json.RawMessage `json:"application"`
		Relationship string          `json:"relationship"`
		Object       json.RawMessage `json:"object"`
	}
	if a, fine := c.decode(&in); !fine {
		return nil, a, false
	}
	if !c.me.licensed() {
		return nil, refuse(http.StatusForbidden, "You do not have permission to link issues."), false
	}
	var object struct{ URL, Title string }
	errs := map[string]string{}
	if !unmarshal(in.Object, &object) || object.Title == "" {
		errs["title"] = "'title' is required."
	}
	if u, err := url.Parse(object.URL); object.URL == "" || err != nil || u.Scheme == "" {
		errs["url"] = "'url' is required and must be absolute."
	}
	if textLength(in.GlobalID) > 255 {
		errs["globalId"] = "'globalId' exceeds the maximum length of 255 characters."
	}
	if len(errs) > 0 {
		return nil, refuseFields(errs), false
	}
	fresh := &remoteLink{globalID: in.GlobalID, application: in.Application, relationship: in.Relationship, object: bytes.Clone(in.Object)}
	if len(in.Application) > 0 && isNull(in.Application) {
		fresh.application = nil
	}
	return fresh, answer{}, true
}

// editRemoteLink replaces a link by its id.
func editRemoteLink(c *call) answer {
	is, old, a, found := c.remoteLink()
	if !found {
		return a
	}
	fresh, a, fine := c.readRemoteLink()
	if !fine {
		return a
	}
	fresh.id = old.id
	is.remotes = slices.Clone(is.remotes)
	is.remotes[slices.Index(is.remotes, old)] = fresh
	c.t.index.wrote(c.t, is)
	return noContent()
}

// deleteRemoteLink deletes by globalId; Jira wants a Content-Type on this DELETE.
func deleteRemoteLink(c *call) answer {
	is, a, found := c.issue()
	if !found {
		return a
	}
	if c.r.Header.Get("Content-Type") == "" {
		return answer{status: http.StatusUnsupportedMediaType}
	}
	want := c.q.Get("globalId")
	if want == "" {
		return refuse(http.StatusBadRequest, "'globalId' is required.")
	}
	for _, r := range is.remotes {
		if r.globalID == want {
			c.t.dropRemote(is, r)
			return noContent()
		}
	}
	return refuse(http.StatusNotFound, fmt.Sprintf("The remote issue link with globalId '%s' does not exist.", want))
}

func (t *Tenant) dropRemote(is *issue, r *remoteLink) {
	is.remotes = slices.DeleteFunc(slices.Clone(is.remotes), func(x *remoteLink) bool { return x == r })
	t.index.wrote(t, is)
}

func (c *call) remoteLink() (*issue, *remoteLink, answer, bool) {
	is, a, found := c.issue()
	if !found {
		return nil, nil, a, false
	}
	id, err := strconv.ParseInt(c.v("id"), 10, 64)
	for _, r := range is.remotes {
		if err == nil && r.id == id {
			return is, r, answer{}, true
		}
	}
	return nil, nil, refuse(http.StatusNotFound, fmt.Sprintf("The remote issue link with id '%s' does not exist.", c.v("id"))), false
}
