package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"unicode/utf8"
)

const maxComments = 5000 // per issue on Cloud

func tooManyComments() answer {
	return refuse(http.StatusRequestEntityTooLarge, fmt.Sprintf("The issue has reached the limit of %d comments.", maxComments))
}

func (t *Tenant) commentRoutes(r *router) {
	r.add("GET", "/rest/api/{v}/issue/{key}/comment", listComments)
	r.add("POST", "/rest/api/{v}/issue/{key}/comment", addComment).perItem = true
	r.add("GET", "/rest/api/{v}/issue/{key}/comment/{id}", func(c *call) answer {
		is, cm, a, found := c.comment()
		if !found {
			return a
		}
		return ok(c.commentBean(is, cm))
	})
	r.add("PUT", "/rest/api/{v}/issue/{key}/comment/{id}", editComment).perItem = true
	r.add("DELETE", "/rest/api/{v}/issue/{key}/comment/{id}", deleteComment).perItem = true
	r.add("POST", "/rest/api/{v}/comment/list", commentsByID)
	r.add("GET", "/rest/api/{v}/comment/{id}/properties", commentProperties)
	r.add("GET", "/rest/api/{v}/comment/{id}/properties/{property}", commentProperties)
	r.add("PUT", "/rest/api/{v}/comment/{id}/properties/{property}", setCommentProperty)
	r.add("DELETE", "/rest/api/{v}/comment/{id}/properties/{property}", deleteCommentProperty)
}

// newComment is a comment to be made.
type newComment struct {
	body       json.RawMessage
	props      map[string]json.RawMessage
	visibility *restriction
	parent     int64
}

type commentBody struct {
	Body       json.RawMessage `json:"body"`
	Properties []struct {
		Key   string          `json:"key"`
		Value json.RawMessage `json:"value"`
	} `json:"properties"`
	Visibility *visibilityBody `json:"visibility"`
	ParentID   json.RawMessage `json:"parentId"`
}

// readComment judges the JSON of a comment; the complaint is Jira's.
func (c *call) readComment(raw json.RawMessage) (newComment, string) {
	var in commentBody
	if json.Unmarshal(raw, &in) != nil {
		return newComment{}, "The comment body is not valid."
	}
	return c.judgeComment(in)
}

func (c *call) judgeComment(in commentBody) (newComment, string) {
	n := newComment{props: map[string]json.RawMessage{}}
	body, complaint := setter{t: c.t, me: c.me, is: c.at, v2: c.v2}.paragraph(in.Body)
	if complaint != "" && !isNull(in.Body) {
		return n, complaint
	}
	if body == nil || isNull(in.Body) {
		return n, "Comment body can not be empty!"
	}
	n.body = body.(json.RawMessage)
	for _, p := range in.Properties {
		if complaint := badProperty(p.Key, p.Value); complaint != "" {
			return n, complaint
		}
		n.props[p.Key] = p.Value
	}
	if n.visibility, complaint = in.Visibility.read(); complaint != "" {
		return n, complaint
	}
	if len(in.ParentID) > 0 && !isNull(in.ParentID) {
		id, err := strconv.ParseInt(ref{ID: in.ParentID}.id(), 10, 64)
		if err != nil {
			return n, "parentId is not a comment of this issue."
		}
		n.parent = id
	}
	return n, ""
}

// refuseComment gives the shape that a complaint about a comment has.
func (c *call) refuseComment(complaint string) answer {
	switch complaint {
	case "CONTENT_LIMIT_EXCEEDED":
		return refuse(http.StatusBadRequest, complaint)
	case "parentId is not a comment of this issue.":
		return refuse(http.StatusBadRequest, complaint)
	}
	return refuseFields(map[string]string{"comment": complaint})
}

func addComment(c *call) answer {
	is, a, found := c.issue()
	if !found {
		return a
	}
	var in commentBody
	if a, fine := c.decode(&in); !fine {
		return a
	}
	n, complaint := c.judgeComment(in)
	if complaint != "" {
		return c.refuseComment(complaint)
	}
	if n.parent != 0 {
		parent := is.comment(n.parent)
		if parent == nil {
			return c.refuseComment("parentId is not a comment of this issue.")
		}
		n.inherit(parent)
	}
	if !c.me.licensed() {
		n.props[publicProperty] = json.RawMessage(`{"internal":true}`) // people without a licence write internally
	}
	if len(is.comments) >= maxComments {
		return tooManyComments()
	}
	return created(c.commentBean(is, c.t.addComment(is, c.me, n)))
}

// inherit gives a reply the visibility of its parent.
func (n *newComment) inherit(parent *comment) {
	delete(n.props, publicProperty)
	if raw, has := parent.props[publicProperty]; has {
		n.props[publicProperty] = raw
	}
	n.visibility = parent.visibility
}

// addComment writes a comment; it moves the issue's `updated` to the comment's own time.
func (t *Tenant) addComment(is *issue, me *user, n newComment) *comment {
	now := t.now()
	cm := &comment{id: t.next("comment"), author: me, editor: me, body: n.body, created: now, updated: now, parent: n.parent,
		visibility: n.visibility, props: n.props}
	is.comments = append(slices.Clip(is.comments), cm)
	t.issues.home[cm.id] = is.id
	is.updated = now
	t.index.wrote(t, is)
	t.happened("comment_created", "", me, is, func(e *event) { e.Comment = cm })
	t.happened("jira:issue_updated", "issue_commented", me, is, func(e *event) { e.Comment = cm })
	return cm
}

func (is *issue) comment(id int64) *comment {
	for _, cm := range is.comments {
		if cm.id == id {
			return cm
		}
	}
	return nil
}

// comment finds the comment of the path, if the caller may see it.
func (c *call) comment() (*issue, *comment, answer, bool) {
	is, a, found := c.issue()
	if !found {
		return nil, nil, a, false
	}
	id, err := strconv.ParseInt(c.v("id"), 10, 64)
	cm := is.comment(id)
	if err != nil || cm == nil || !c.t.seesComment(c.me, cm) {
		return nil, nil, refuse(http.StatusNotFound, fmt.Sprintf("Can not find a comment for the id: %s.", c.v("id"))), false
	}
	return is, cm, answer{}, true
}

// seesComment applies the role or group that a comment is restricted to.
func (t *Tenant) seesComment(me *user, cm *comment) bool {
	return t.seesRestricted(me, cm.author, cm.visibility)
}

// commentBean is a comment as the platform shows it to the caller.
func (c *call) commentBean(is *issue, cm *comment) obj {
	b := c.t.commentBean(cm, c.me, c.v2)
	b["self"] = c.t.url + "/rest/api/" + view{v2: c.v2}.dialect() + "/issue/" + is.idText() + "/comment/" + text(cm.id)
	for _, e := range c.list("expand") {
		switch e {
		case "properties":
			b["properties"] = propertyList(cm.props)
		case "renderedBody":
			b["renderedBody"] = adfToHTML(cm.body)
		}
	}
	return b
}

// commentBean is a comment as the platform shows it: without properties, its self link without the issue.
func (t *Tenant) commentBean(cm *comment, me *user, v2 bool) obj {
	b := obj{"id": text(cm.id), "self": t.url + "/rest/api/" + view{v2: v2}.dialect() + "/comment/" + text(cm.id),
		"author": t.userBean(cm.author, me), "updateAuthor": t.userBean(cm.editor, me),
		"created": stampFor(cm.created, me), "updated": stampFor(cm.updated, me), "jsdPublic": cm.public()}
	b["body"] = cm.body
	if v2 {
		b["body"] = t.toWiki(t.issues.byID[t.issues.home[cm.id]], cm.body)
	}
	if cm.visibility != nil {
		b["visibility"] = cm.visibility.bean()
	}
	if cm.parent != 0 {
		b["parentId"] = cm.parent
	}
	return b
}

func propertyList(props map[string]json.RawMessage) []any {
	out := []any{}
	for _, key := range sortedKeys(props) {
		out = append(out, obj{"key": key, "value": props[key]})
	}
	return out
}

func listComments(c *call) answer {
	is, a, found := c.issue()
	if !found {
		return a
	}
	all := c.visibleComments(is)
	switch by := c.q.Get("orderBy"); by {
	case "", "created", "+created", " created": // "+" is a blank in a query
	case "-created":
		slices.Reverse(all)
	default:
		return refuse(http.StatusBadRequest, "The orderBy value '"+by+"' is not valid.")
	}
	part, head, bad := page(c, all, 100, 5000)
	if bad != nil {
		return *bad
	}
	list := make([]any, len(part))
	for i, cm := range part {
		list[i] = c.commentBean(is, cm)
	}
	c.objects = len(list)
	head["comments"] = list
	return ok(head)
}

func (c *call) visibleComments(is *issue) []*comment {
	return slices.DeleteFunc(slices.Clone(is.comments), func(cm *comment) bool { return !c.t.seesComment(c.me, cm) })
}

// commentsOf is fields.comment: the first page only.
func (t *Tenant) commentsOf(is *issue, v view) obj {
	most := issueComments
	if v.search {
		most = searchComments
	}
	list := []any{}
	total := 0
	for _, cm := range is.comments {
		if !t.seesComment(v.me, cm) {
			continue
		}
		if total++; len(list) < most {
			b := t.commentBean(cm, v.me, v.v2)
			b["self"] = t.url + "/rest/api/" + v.dialect() + "/issue/" + is.idText() + "/comment/" + text(cm.id)
			list = append(list, b)
		}
	}
	return obj{"comments": list, "self": t.url + "/rest/api/" + v.dialect() + "/issue/" + is.idText() + "/comment",
		"maxResults": min(most, max(total, len(list))), "total": total, "startAt": 0}
}

func commentsByID(c *call) answer {
	var in struct {
		IDs []int64 `json:"ids"`
	}
	if a, fine := c.decode(&in); !fine {
		return a
	}
	if len(in.IDs) == 0 || len(in.IDs) > 1000 {
		return refuse(http.StatusBadRequest, "The number of comment IDs must be between 1 and 1000.")
	}
	list := []any{}
	for _, id := range in.IDs {
		if is, cm := c.t.commentByID(id); cm != nil && c.t.sees(c.me, is) && c.t.seesComment(c.me, cm) {
			list = append(list, c.commentBean(is, cm))
		}
	}
	c.objects = len(list)
	return ok(obj{"startAt": 0, "maxResults": 1048576, "total": len(list), "isLast": true, "values": list})
}

func (t *Tenant) commentByID(id int64) (*issue, *comment) {
	is := t.issues.byID[t.issues.home[id]]
	if is == nil {
		return nil, nil
	}
	return is, is.comment(id)
}

// replace puts a changed comment where the old one was.
func (t *Tenant) replaceComment(is *issue, cm *comment) {
	list := slices.Clone(is.comments)
	for i := range list {
		if list[i].id == cm.id {
			list[i] = cm
		}
	}
	is.comments = list
	t.index.wrote(t, is)
}

func editComment(c *call) answer {
	is, old, a, found := c.comment()
	if !found {
		return a
	}
	if old.author != c.me && !c.me.licensed() {
		return refuse(http.StatusForbidden, "You do not have the permission to edit this comment.")
	}
	var in commentBody
	if a, fine := c.decode(&in); !fine {
		return a
	}
	n, complaint := c.judgeComment(in)
	if complaint != "" {
		return c.refuseComment(complaint)
	}
	cm := *old
	cm.body, cm.editor, cm.updated = n.body, c.me, c.now
	if in.Visibility != nil {
		cm.visibility = n.visibility
	}
	if len(n.props) > 0 {
		cm.props = withProps(old.props, n.props)
	}
	if cm.public() != old.public() && old.parent != 0 {
		return refuse(http.StatusBadRequest, "The visibility of a child comment cannot be changed.")
	}
	c.t.replaceComment(is, &cm)
	is.updated = c.now
	c.t.index.wrote(c.t, is)
	c.t.happened("comment_updated", "", c.me, is, func(e *event) { e.Comment = &cm })
	c.t.happened("jira:issue_updated", "issue_comment_edited", c.me, is, func(e *event) { e.Comment = &cm })
	c.t.dropOrphans(is, c.me, old.body)
	return ok(c.commentBean(is, &cm))
}

func deleteComment(c *call) answer {
	is, cm, a, found := c.comment()
	if !found {
		return a
	}
	if cm.author != c.me && !c.me.licensed() {
		return refuse(http.StatusForbidden, "You do not have permission to delete comment with id: "+text(cm.id))
	}
	c.t.removeComment(is, cm, c.me)
	return noContent()
}

func (t *Tenant) removeComment(is *issue, cm *comment, me *user) {
	is.comments = slices.DeleteFunc(slices.Clone(is.comments), func(x *comment) bool { return x.id == cm.id })
	is.updated = t.now()
	t.index.wrote(t, is)
	t.happened("comment_deleted", "", me, is, func(e *event) { e.Comment = cm })
	t.happened("jira:issue_updated", "issue_comment_deleted", me, is, nil)
}

func textLength(s string) int { return utf8.RuneCountInString(s) }
