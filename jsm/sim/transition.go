package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

func (t *Tenant) transitionRoutes(r *router) {
	r.add("GET", "/rest/api/{v}/issue/{key}/transitions", getTransitions)
	r.add("POST", "/rest/api/{v}/issue/{key}/transitions", doTransition).perItem = true
}

func unmarshal(raw json.RawMessage, dst any) bool {
	return len(raw) > 0 && json.Unmarshal(raw, dst) == nil
}

func getTransitions(c *call) answer {
	is, a, found := c.issue()
	if !found {
		return a
	}
	list := c.t.transitionBeans(is, c.me, c.flag("includeUnavailableTransitions", false), slices.Contains(c.list("expand"), "transitions.fields"))
	if want := c.q.Get("transitionId"); want != "" {
		list = slices.DeleteFunc(list, func(b any) bool { return b.(obj)["id"] != want })
	}
	c.objects = len(list)
	return ok(obj{"expand": "transitions", "transitions": list})
}

// transitionBeans lists what the account may do with the issue now.
func (t *Tenant) transitionBeans(is *issue, me *user, all, fields bool) []any {
	out := []any{}
	if !me.licensed() {
		return out
	}
	for _, tr := range t.lists.transitions {
		if !tr.starts(is) || !all && !tr.open(is, me) {
			continue
		}
		b := obj{"id": tr.id, "name": tr.name, "to": t.statusBean(tr.to), "hasScreen": len(tr.screen) > 0, "isGlobal": len(tr.from) == 0,
			"isInitial": false, "isAvailable": tr.open(is, me), "isConditional": tr.conditional(), "isLooped": tr.to.id == is.str("status")}
		if fields {
			meta := obj{}
			for _, f := range tr.screen {
				meta[f.id] = t.fieldMeta(f, f == tr.requires)
			}
			b["fields"] = meta
		}
		out = append(out, b)
	}
	return out
}

func doTransition(c *call) answer {
	is, a, found := c.issue()
	if !found {
		return a
	}
	var in draftBody
	if a, fine := c.decode(&in); !fine {
		return a
	}
	if in.Transition == nil || len(in.Transition.ID) == 0 {
		return refuse(http.StatusBadRequest, "Missing 'transition' identifier")
	}
	tr, a, found := c.transition(is, ref{ID: in.Transition.ID}.id())
	if !found {
		return a
	}
	d := c.readDraft(in, is, is.proj, func(f *field) bool { return slices.Contains(tr.screen, f) })
	if a, bad := d.refusal(); bad {
		return a
	}
	if a, bad := c.validate(is, tr, d); bad {
		return a
	}
	if len(is.comments)+len(d.comments) > maxComments {
		return tooManyComments()
	}
	c.t.fire(is, tr, c.me, d.set)
	for key, value := range d.props {
		c.t.setProperty(is, key, value, c.me)
	}
	for _, n := range d.comments {
		c.t.addComment(is, c.me, n)
	}
	return noContent()
}

// transition finds an open transition by id; closed ones are refused like unknown ones.
func (c *call) transition(is *issue, id string) (*transition, answer, bool) {
	for _, tr := range c.t.lists.transitions {
		if tr.id == id && tr.open(is, c.me) && c.me.licensed() {
			return tr, answer{}, true
		}
	}
	return nil, refuse(http.StatusBadRequest, fmt.Sprintf("It seems that you have tried to perform an illegal workflow operation: transition id %s is not valid for this issue.", id)), false
}

// validate runs the workflow validator. A field that the screen requires, but no validator, is not asked for by REST.
func (c *call) validate(is *issue, tr *transition, d draft) (answer, bool) {
	if tr.requires == nil {
		return answer{}, false
	}
	v, given := d.set[tr.requires]
	if !given {
		v = is.vals[tr.requires.id]
	}
	if v == nil {
		return refuse(http.StatusBadRequest, fmt.Sprintf("%s is required for the transition %q.", tr.requires.name, tr.name)), true
	}
	return answer{}, false
}

// firstTransition performs the transition of a create and reports how it went, as Jira does beside the new issue.
func (c *call) firstTransition(is *issue, in draftBody) obj {
	tr, a, found := c.transition(is, ref{ID: in.Transition.ID}.id())
	if !found {
		return obj{"status": a.status, "errorCollection": obj{"errorMessages": a.body.(obj)["errorMessages"], "errors": obj{}}}
	}
	c.t.fire(is, tr, c.me, nil)
	return obj{"status": http.StatusOK, "errorCollection": obj{"errorMessages": []string{}, "errors": obj{}}}
}
