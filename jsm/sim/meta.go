package sim

import (
	"net/http"
	"slices"
	"strings"
)

func (t *Tenant) metaRoutes(r *router) {
	r.add("GET", "/rest/api/{v}/field", func(c *call) answer {
		out := make([]any, len(c.t.lists.fields))
		for i, f := range c.t.lists.fields {
			out[i] = f.bean()
		}
		c.objects = len(out)
		return ok(out)
	})
	r.add("GET", "/rest/api/{v}/field/search", searchFields)
	r.add("GET", "/rest/api/{v}/priority", func(c *call) answer { return ok(c.t.priorityBeans()) })
	r.add("GET", "/rest/api/{v}/priority/search", searchPriorities)
	r.add("GET", "/rest/api/{v}/resolution", func(c *call) answer {
		out := []any{}
		for _, x := range c.t.lists.resolutions {
			out = append(out, obj{"self": c.t.url + "/rest/api/3/resolution/" + x.id, "id": x.id, "name": x.name, "description": x.extra})
		}
		return ok(out)
	})
	r.add("GET", "/rest/api/{v}/status", func(c *call) answer { return ok(c.t.statusBeans()) })
	r.add("GET", "/rest/api/{v}/statuscategory", func(c *call) answer {
		return ok([]any{c.t.categoryBean("undefined"), c.t.categoryBean("new"), c.t.categoryBean("indeterminate"), c.t.categoryBean("done")})
	})
	r.add("GET", "/rest/api/{v}/issuetype", func(c *call) answer {
		out := []any{}
		for _, it := range c.t.lists.issueTypes {
			out = append(out, c.t.issueTypeBean(it))
		}
		return ok(out)
	})
	r.add("GET", "/rest/api/{v}/label", listLabels)
	r.add("GET", "/rest/api/{v}/issueLinkType", func(c *call) answer {
		out := []any{}
		for _, k := range c.t.lists.linkTypes {
			out = append(out, c.t.linkTypeBean(k))
		}
		return ok(obj{"issueLinkTypes": out})
	})
	r.add("GET", "/rest/api/{v}/issueLinkType/{id}", getLinkType)
	r.add("GET", "/rest/api/{v}/project", func(c *call) answer { return ok(c.projects()) })
	r.add("GET", "/rest/api/{v}/project/search", searchProjects)
	r.add("GET", "/rest/api/{v}/project/{project}", func(c *call) answer { return c.inProject(func(p *project) answer { return ok(c.fullProject(p)) }) })
	r.add("GET", "/rest/api/{v}/project/{project}/statuses", projectStatuses)
	r.add("GET", "/rest/api/{v}/project/{project}/components", func(c *call) answer {
		return c.inProject(func(p *project) answer { return ok(c.t.componentBeans(p)) })
	})
	r.add("GET", "/rest/api/{v}/project/{project}/component", func(c *call) answer {
		return c.inProject(func(p *project) answer { return c.paged(c.t.componentBeans(p)) })
	})
	r.add("GET", "/rest/api/{v}/project/{project}/versions", func(c *call) answer {
		return c.inProject(func(p *project) answer { return ok(c.t.versionBeans(p)) })
	})
	r.add("GET", "/rest/api/{v}/project/{project}/version", func(c *call) answer {
		return c.inProject(func(p *project) answer { return c.paged(c.t.versionBeans(p)) })
	})
	r.add("GET", "/rest/api/{v}/issue/createmeta/{project}/issuetypes", createMetaTypes)
	r.add("GET", "/rest/api/{v}/issue/createmeta/{project}/issuetypes/{type}", createMetaFields)
}

func getLinkType(c *call) answer {
	for _, k := range c.t.lists.linkTypes {
		if k.id == c.v("id") {
			return ok(c.t.linkTypeBean(k))
		}
	}
	return refuse(http.StatusNotFound, "No issue link type with id '"+c.v("id")+"' exists.")
}

// paged answers a list as a page bean.
func (c *call) paged(all []any) answer {
	part, head, bad := page(c, all, 50, 100)
	if bad != nil {
		return *bad
	}
	c.objects = len(part)
	return ok(lastPage(head, part, c.t.url+c.r.URL.Path))
}

func (c *call) inProject(run func(p *project) answer) answer {
	p := c.t.project(c.v("project"))
	if p == nil || !c.me.browses() {
		return refuse(http.StatusNotFound, "No project could be found with key '"+c.v("project")+"'.")
	}
	c.objects = 1
	return run(p)
}

func (f *field) bean() obj {
	facts := kinds[f.kind]
	return obj{"id": f.id, "key": f.id, "name": f.name, "custom": f.custom != 0, "orderable": !facts.readOnly, "navigable": f.navigable(),
		"searchable": facts.searcher, "clauseNames": f.clauses, "schema": f.schema()}
}

// navigable tells which fields a list may show: those whose value is no list of things of their own.
func (f *field) navigable() bool {
	return f.kind != kComments && f.kind != kWorklogs && f.kind != kAttachments
}

func searchFields(c *call) answer {
	out := []any{}
	types, ids, query := c.list("type"), c.list("id"), strings.ToLower(c.q.Get("query"))
	for _, f := range c.t.lists.fields {
		kind := "system"
		if f.custom != 0 {
			kind = "custom"
		}
		if len(types) > 0 && !slices.Contains(types, kind) || len(ids) > 0 && !slices.Contains(ids, f.id) || !strings.Contains(strings.ToLower(f.name), query) {
			continue
		}
		out = append(out, obj{"id": f.id, "key": f.id, "name": f.name, "schema": f.schema(), "isLocked": kinds[f.kind].readOnly})
	}
	return c.paged(out)
}

func (t *Tenant) priorityBeans() []any {
	out := []any{}
	for i, p := range t.lists.priorities {
		out = append(out, obj{"self": t.url + "/rest/api/3/priority/" + p.id, "id": p.id, "name": p.name, "statusColor": p.extra, "description": "",
			"iconUrl": t.url + "/images/icons/priorities/" + p.id + ".svg", "isDefault": i == len(t.lists.priorities)/2})
	}
	return out
}

func searchPriorities(c *call) answer {
	all := c.t.priorityBeans()
	if ids := c.list("id"); len(ids) > 0 {
		all = slices.DeleteFunc(all, func(b any) bool { return !slices.Contains(ids, b.(obj)["id"].(string)) })
	}
	return c.paged(all)
}

func (t *Tenant) statusBeans() []any {
	out := []any{}
	for _, s := range t.lists.statuses {
		out = append(out, t.statusBean(s))
	}
	return out
}

func projectStatuses(c *call) answer {
	return c.inProject(func(*project) answer {
		out := []any{}
		for _, it := range c.t.lists.issueTypes {
			out = append(out, obj{"self": c.t.url + "/rest/api/3/issuetype/" + it.id, "id": it.id, "name": it.name, "subtask": c.t.subtask(it.id), "statuses": c.t.statusBeans()})
		}
		return ok(out)
	})
}

func listLabels(c *call) answer {
	var out []any
	seen := map[string]bool{}
	for _, id := range c.t.issues.order {
		for _, l := range c.t.issues.byID[id].list("labels") {
			seen[l] = true
		}
	}
	for _, l := range sortedKeys(seen) {
		out = append(out, l)
	}
	part, head, bad := page(c, out, 1000, 1000)
	if bad != nil {
		return *bad
	}
	return ok(lastPage(head, part, ""))
}

func (c *call) projects() []any {
	out := []any{}
	if c.me.browses() {
		for _, p := range c.t.lists.projects {
			out = append(out, c.t.projectBean(p))
		}
	}
	return out
}

func searchProjects(c *call) answer {
	all := c.projects()
	keys, query := c.list("keys"), strings.ToLower(c.q.Get("query"))
	all = slices.DeleteFunc(all, func(b any) bool {
		key, name := b.(obj)["key"].(string), b.(obj)["name"].(string)
		return len(keys) > 0 && !slices.Contains(keys, key) || !strings.Contains(strings.ToLower(key+" "+name), query)
	})
	return c.paged(all)
}

func (c *call) fullProject(p *project) obj {
	b := c.t.projectBean(p)
	types := []any{}
	for _, it := range c.t.lists.issueTypes {
		types = append(types, c.t.issueTypeBean(it))
	}
	b["issueTypes"] = types
	b["components"] = c.t.componentBeans(p)
	b["versions"] = c.t.versionBeans(p)
	b["description"] = ""
	b["assigneeType"] = "UNASSIGNED"
	b["style"] = "classic"
	b["isPrivate"] = false
	b["properties"] = obj{}
	b["roles"] = obj{}
	b["expand"] = "description,lead,issueTypes,url,projectKeys,permissions,insight"
	return b
}

func (t *Tenant) componentBeans(p *project) []any {
	out := []any{}
	for _, x := range t.lists.components {
		out = append(out, obj{"self": t.url + "/rest/api/3/component/" + x.id, "id": x.id, "name": x.name, "description": x.extra,
			"assigneeType": "PROJECT_DEFAULT", "isAssigneeTypeValid": false, "project": p.key, "projectId": number(p.id)})
	}
	return out
}

func (t *Tenant) versionBean(v version, p *project) obj {
	b := obj{"self": t.url + "/rest/api/3/version/" + v.id, "id": v.id, "name": v.name, "archived": v.archived, "released": v.released}
	if p != nil {
		b["projectId"] = number(p.id)
	}
	return b
}

func (t *Tenant) versionBeans(p *project) []any {
	out := []any{}
	for _, v := range t.lists.versions {
		out = append(out, t.versionBean(v, p))
	}
	return out
}

// fieldMeta is a field in editmeta, createmeta or on a transition's screen.
func (t *Tenant) fieldMeta(f *field, required bool) obj {
	b := obj{"required": required, "schema": f.schema(), "name": f.name, "key": f.id, "operations": kinds[f.kind].ops, "hasDefaultValue": f.id == "priority"}
	switch {
	case f.kind.listed() && f.kind != kOrgs:
		allowed := []any{}
		for _, ch := range t.choices(f, nil) {
			allowed = append(allowed, obj{"self": t.url + "/rest/api/3/" + string(f.kind) + "/" + ch.id, "id": ch.id, f.kind.nameKey(): ch.name})
		}
		b["allowedValues"] = allowed
	case f.kind == kCascade:
		allowed := []any{}
		for _, o := range f.options {
			ob := t.optionBean(o)
			children := []any{}
			for _, child := range o.children {
				children = append(children, t.optionBean(child))
			}
			ob["children"] = children
			allowed = append(allowed, ob)
		}
		b["allowedValues"] = allowed
	case f.kind == kUser || f.kind == kUsers:
		b["autoCompleteUrl"] = t.url + "/rest/api/3/user/search?query="
	case f.id == "labels":
		b["autoCompleteUrl"] = t.url + "/rest/api/1.0/labels/suggest?query="
	}
	return b
}

// editMeta is the edit screen, empty for those who may not edit.
func (t *Tenant) editMeta(is *issue, me *user) obj {
	out := obj{}
	if !me.licensed() {
		return out
	}
	for _, f := range t.lists.fields {
		if !f.noEdit {
			out[f.id] = t.fieldMeta(f, f.id == "summary")
		}
	}
	out["comment"] = obj{"required": false, "schema": t.field("comment").schema(), "name": "Comment", "key": "comment", "operations": []string{"add", "edit", "remove"}}
	return out
}

func createMetaTypes(c *call) answer {
	return c.inProject(func(*project) answer {
		out := []any{}
		for _, it := range c.t.lists.issueTypes {
			out = append(out, c.t.issueTypeBean(it))
		}
		part, head, bad := page(c, out, 50, 200)
		if bad != nil {
			return *bad
		}
		head["issueTypes"] = part
		return ok(head)
	})
}

func createMetaFields(c *call) answer {
	return c.inProject(func(*project) answer {
		if _, known := pick(c.t.lists.issueTypes, c.v("type")); !known {
			return refuse(http.StatusNotFound, "The issue type '"+c.v("type")+"' does not exist in the project.")
		}
		out := []any{}
		for _, f := range c.t.lists.fields {
			if !f.noCreate {
				b := c.t.fieldMeta(f, f.id == "summary" || f.id == "project" || f.id == "issuetype")
				b["fieldId"] = f.id
				out = append(out, b)
			}
		}
		part, head, bad := page(c, out, 50, 200)
		if bad != nil {
			return *bad
		}
		head["fields"] = part
		return ok(head)
	})
}
