package sim

import (
	"encoding/json"
	"net/http"
	"slices"
)

// Sub-tasks: issues of a type of their own that have a parent, which is none itself, in the same project.

// subtask tells whether an issue type is one of sub-tasks.
func (t *Tenant) subtask(issueType string) bool { return slices.Contains(t.lists.subtasks, issueType) }

// parentBean is an issue as fields.parent and fields.subtasks show it.
func (t *Tenant) parentBean(id string) any {
	if is := t.find(id); is != nil {
		return t.linkedBean(is)
	}
	return nil
}

func (t *Tenant) subtasksOf(is *issue) []any {
	out := []any{}
	for _, child := range t.children(is) {
		out = append(out, t.linkedBean(child))
	}
	return out
}

func (t *Tenant) children(is *issue) []*issue {
	var out []*issue
	for _, id := range t.issues.order {
		if child := t.issues.byID[id]; child.str("parent") == is.idText() {
			out = append(out, child)
		}
	}
	return out
}

// parent reads the parent field: an issue of the project by id or key.
func (s setter) parent(raw json.RawMessage) (any, string) {
	var r ref
	if json.Unmarshal(raw, &r) != nil {
		return nil, "data was not an object"
	}
	p := s.t.findRef(r)
	switch {
	case p == nil || !s.t.sees(s.me, p):
		return nil, "Could not find issue by id or key."
	case s.is != nil && !s.t.subtask(s.is.str("issuetype")), p.str("parent") != "" || p.proj != s.proj:
		return nil, "Given parent work item does not belong to appropriate hierarchy."
	}
	return p.idText(), ""
}

// checkParent wants a parent for a sub-task, and none for any other issue.
func (t *Tenant) checkParent(d draft, issueType string) {
	_, given := d.set[t.field("parent")].(string)
	switch {
	case d.errs["parent"] != "":
	case t.subtask(issueType) && !given:
		d.errs["issuetype"] = "Issue type is a sub-task but parent issue key or id not specified."
	case !t.subtask(issueType) && given:
		d.errs["parent"] = "Given parent work item does not belong to appropriate hierarchy."
	}
}

// mayDelete refuses to delete a parent without its sub-tasks.
func (c *call) mayDelete(is *issue) (answer, bool) {
	if len(c.t.children(is)) > 0 && !c.flag("deleteSubtasks", false) {
		return refuse(http.StatusBadRequest, "The issue '"+is.key+"' has subtasks. You must specify the 'deleteSubtasks' parameter to delete this issue and all its subtasks."), false
	}
	return answer{}, true
}
