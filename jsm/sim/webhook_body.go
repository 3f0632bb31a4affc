package sim

import (
	"encoding/json"
	"strconv"
	"strings"
)

// hookBody writes what a delivery says. The lock is held. As on Cloud the issue is shown as it is now, not
// as it was at the event; links are of API v2, bodies are wiki text, and people come without e-mail.
func (t *Tenant) hookBody(e event) []byte {
	b := obj{"timestamp": e.At.UnixMilli(), "webhookEvent": e.Kind}
	if e.Type != "" {
		b["issue_event_type_name"] = e.Type
	}
	kind, _, _ := strings.Cut(e.Kind, "_")
	switch kind {
	case "jira:issue":
		b["user"] = t.userBean(e.Actor, nil)
		b["issue"] = t.hookIssue(e.Issue, "*all")
		if e.Change != nil {
			b["changelog"] = changelogOf(e.Change)
		}
	case "comment":
		b["comment"] = t.hookComment(e)
		if !t.hooks.faults.NoIssue {
			b["issue"] = t.hookIssue(e.Issue, "summary", "issuetype", "project", "assignee", "priority", "status")
		}
		b["eventType"] = "primaryAction"
	case "worklog":
		b["worklog"] = t.hookWorklog(e)
	case "attachment":
		b["attachment"] = t.attachmentBean(e.Attachment, nil, true) // without an issue, as on Cloud
	case "issuelink":
		b["issueLink"] = hookLink(e.Link)
	case "issue":
		b["issue"] = obj{"id": e.Issue.idText(), "self": t.url + "/rest/api/2/issue/" + e.Issue.idText(), "key": e.Issue.key}
		b["property"] = obj{"key": e.Entity, "value": e.Issue.props[e.Entity]}
		b["user"] = t.userBean(e.Actor, nil)
	}
	raw, err := json.Marshal(t.asV2(b))
	if err != nil || len(raw) > maxHookBody {
		return []byte(`{"timestamp":` + strconv.FormatInt(e.At.UnixMilli(), 10) + `,"webhookEvent":"` + e.Kind + `"}`)
	}
	return raw
}

// bodyFor is what a hook is sent of an event. The lock is held.
func (t *Tenant) bodyFor(h *hook, e event) []byte {
	if !h.Automation {
		return t.hookBody(e)
	}
	id, key := "", ""
	if e.Issue != nil {
		id, key = e.Issue.idText(), e.Issue.key
	}
	return []byte(strings.NewReplacer("{{issue.id}}", id, "{{issue.key}}", key).Replace(h.Body))
}

// hookIssue shows the live issue, or the event's copy where it is gone.
func (t *Tenant) hookIssue(is *issue, fields ...string) obj {
	if live := t.issues.byID[is.id]; live != nil {
		is = live
	}
	bean := t.issueBean(is, nil, view{v2: true, fields: fields})
	if shown, ok := bean["fields"].(obj); ok {
		delete(shown, "comment") // Cloud shows comments in their own events only
		delete(shown, "worklog")
	}
	return obj{"id": bean["id"], "self": bean["self"], "key": bean["key"], "fields": bean["fields"]}
}

func (t *Tenant) hookComment(e event) obj {
	c := t.commentBean(e.Comment, nil, true)
	c["self"] = t.url + "/rest/api/2/issue/" + e.Issue.idText() + "/comment/" + strconv.FormatInt(e.Comment.id, 10)
	if t.hooks.faults.NoPublic {
		delete(c, "jsdPublic")
	}
	delete(c, "properties")
	return c
}

func (t *Tenant) hookWorklog(e event) obj {
	w := e.Worklog
	id, issue := strconv.FormatInt(w.id, 10), strconv.FormatInt(w.issue, 10)
	return obj{"self": t.url + "/rest/api/2/issue/" + issue + "/worklog/" + id, "id": id, "issueId": issue,
		"author": t.userBean(w.author, nil), "updateAuthor": t.userBean(w.editor, nil), "comment": adfToWiki(w.comment),
		"created": stampFor(w.created, nil), "updated": stampFor(w.updated, nil), "started": stampFor(w.started, nil),
		"timeSpent": strconv.FormatInt(w.seconds/60, 10) + "m", "timeSpentSeconds": w.seconds}
}

func hookLink(l *link) obj {
	id, _ := strconv.ParseInt(l.kind.id, 10, 64)
	return obj{"id": l.id, "sourceIssueId": l.inward, "destinationIssueId": l.outward, "sequence": 0, "systemLink": false,
		"issueLinkType": obj{"id": id, "name": l.kind.name, "outwardName": l.kind.outward, "inwardName": l.kind.inward,
			"isSubTaskLinkType": false, "isSystemLinkType": false}}
}

// changelogOf shows what changed; the values are strings, the field is its name, fieldId stays the same in every language.
func changelogOf(ch *change) obj {
	items := make([]any, 0, len(ch.items))
	for _, it := range ch.items {
		item := obj{"field": it.field, "fieldtype": it.fieldType, "from": it.from, "fromString": it.fromString, "to": it.to, "toString": it.toString}
		if it.fieldID != "" {
			item["fieldId"] = it.fieldID
		}
		items = append(items, item)
	}
	return obj{"id": strconv.FormatInt(ch.id, 10), "items": items}
}

// asV2 turns the links of API v3 into those of v2 all the way down.
func (t *Tenant) asV2(v any) any {
	switch v := v.(type) {
	case obj:
		out := make(obj, len(v))
		for k, item := range v {
			if k != "emailAddress" {
				out[k] = t.asV2(item)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = t.asV2(item)
		}
		return out
	case []obj:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = t.asV2(item)
		}
		return out
	case string:
		if rest, ok := strings.CutPrefix(v, t.url+"/rest/api/3/"); ok {
			return t.url + "/rest/api/2/" + rest
		}
	}
	return v
}
