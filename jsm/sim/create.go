package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// What an administrator may add to the lists that tickets pick from: versions, components, options of custom
// fields. Nobody else may.

func (t *Tenant) createRoutes(r *router) {
	r.add("POST", "/rest/api/{v}/version", createVersion)
	r.add("POST", "/rest/api/{v}/component", createComponent)
	r.add("GET", "/rest/api/{v}/field/{field}/context", func(c *call) answer {
		return c.asAdmin(func(f *field) answer {
			return c.paged([]any{obj{"id": f.context(), "name": "Default Configuration Scheme for " + f.name, "description": "", "isGlobalContext": true, "isAnyIssueType": true}})
		})
	})
	r.add("GET", "/rest/api/{v}/field/{field}/context/{context}/option", func(c *call) answer {
		return c.inContext(func(f *field) answer { return c.paged(f.optionBeans()) })
	})
	r.add("POST", "/rest/api/{v}/field/{field}/context/{context}/option", createOptions)
}

// context is the id of a custom field's one context.
func (f *field) context() string { return text(f.custom + 400) }

// optionBeans lists options as administrators see them; a child names its parent as optionId.
func (f *field) optionBeans() []any {
	out := []any{}
	for _, o := range f.options {
		out = append(out, obj{"id": o.id, "value": o.value, "disabled": false})
		for _, child := range o.children {
			out = append(out, obj{"id": child.id, "value": child.value, "disabled": false, "optionId": o.id})
		}
	}
	return out
}

func (c *call) asAdmin(run func(f *field) answer) answer {
	if !c.me.admin() {
		return refuse(http.StatusForbidden, "Only Jira administrators can access custom field contexts.")
	}
	f := c.t.field(c.v("field"))
	if f == nil || f.custom == 0 {
		return refuse(http.StatusNotFound, "The custom field was not found.")
	}
	return run(f)
}

func (c *call) inContext(run func(f *field) answer) answer {
	return c.asAdmin(func(f *field) answer {
		if c.v("context") != f.context() {
			return refuse(http.StatusNotFound, "The custom field context was not found.")
		}
		return run(f)
	})
}

// createOptions adds options, all of them or none: with optionId they are children of that one.
func createOptions(c *call) answer {
	return c.inContext(func(f *field) answer {
		var in struct {
			Options []struct {
				Value  string `json:"value"`
				Parent string `json:"optionId"`
			} `json:"options"`
		}
		if a, fine := c.decode(&in); !fine {
			return a
		}
		if len(in.Options) == 0 || len(in.Options) > 1000 || f.kind != kCascade && (!f.kind.listed() || f.options == nil) {
			return refuse(http.StatusBadRequest, "This custom field cannot have such options.")
		}
		whole := cloneOptions(f.options)
		made := []any{}
		for _, o := range in.Options {
			siblings := &whole
			if o.Parent != "" {
				i := slices.IndexFunc(whole, func(x *option) bool { return x.id == o.Parent })
				if i < 0 || f.kind != kCascade {
					return refuse(http.StatusBadRequest, fmt.Sprintf("The option with id %s was not found.", o.Parent))
				}
				siblings = &whole[i].children
			}
			taken := slices.ContainsFunc(*siblings, func(x *option) bool { return strings.EqualFold(x.value, o.Value) })
			if taken || strings.TrimSpace(o.Value) == "" || textLength(o.Value) > maxLine {
				return refuse(http.StatusBadRequest, fmt.Sprintf("The option value %q must be unique, and 1 to 255 characters long.", o.Value))
			}
			fresh := &option{id: c.t.nextText("option"), value: o.Value}
			*siblings = append(*siblings, fresh)
			b := obj{"id": fresh.id, "value": fresh.value, "disabled": false}
			if o.Parent != "" {
				b["optionId"] = o.Parent
			}
			made = append(made, b)
		}
		f.options = whole
		return ok(obj{"options": made})
	})
}

func cloneOptions(list []*option) []*option {
	out := make([]*option, len(list))
	for i, o := range list {
		out[i] = &option{id: o.id, value: o.value, children: cloneOptions(o.children)}
	}
	return out
}

func createVersion(c *call) answer {
	var in struct {
		Name      string `json:"name"`
		Project   string `json:"project"`
		ProjectID int64  `json:"projectId"`
		Released  bool   `json:"released"`
		Archived  bool   `json:"archived"`
	}
	if a, fine := c.decode(&in); !fine {
		return a
	}
	p := c.t.project(in.Project)
	if in.ProjectID != 0 {
		p = c.t.project(text(in.ProjectID))
	}
	if p == nil || !c.me.admin() {
		return refuse(http.StatusNotFound, "The project does not exist or you do not have permission to administer it.")
	}
	taken := slices.ContainsFunc(c.t.lists.versions, func(v version) bool { return strings.EqualFold(v.name, in.Name) })
	if complaint := badName(in.Name, "version", taken); complaint != "" {
		return refuseFields(map[string]string{"name": complaint})
	}
	v := version{id: c.t.nextText("version"), name: in.Name, released: in.Released, archived: in.Archived}
	c.t.lists.versions = append(slices.Clip(c.t.lists.versions), v)
	return created(c.t.versionBean(v, p))
}

func createComponent(c *call) answer {
	var in struct {
		Name        string          `json:"name"`
		Project     string          `json:"project"`
		Description json.RawMessage `json:"description"`
	}
	if a, fine := c.decode(&in); !fine {
		return a
	}
	p := c.t.project(in.Project)
	switch {
	case p == nil:
		return refuse(http.StatusNotFound, "The project does not exist.")
	case !c.me.admin():
		return refuse(http.StatusForbidden, "You do not have permission to administer the project.")
	}
	taken := slices.ContainsFunc(c.t.lists.components, func(x named) bool { return strings.EqualFold(x.name, in.Name) })
	if complaint := badName(in.Name, "component", taken); complaint != "" {
		return refuseFields(map[string]string{"name": complaint})
	}
	x := named{id: c.t.nextText("component"), name: in.Name}
	c.t.lists.components = append(slices.Clip(c.t.lists.components), x)
	all := c.t.componentBeans(p)
	return created(all[len(all)-1])
}

func badName(name, what string, taken bool) string {
	switch {
	case strings.TrimSpace(name) == "":
		return "You must specify a valid " + what + " name"
	case textLength(name) > maxLine:
		return "The " + what + " name is too long, 255 characters are the limit."
	case taken:
		return "A " + what + " with this name already exists in this project."
	}
	return ""
}
