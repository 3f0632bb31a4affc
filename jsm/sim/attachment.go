package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const maxAttachments = 2000 // per issue on Cloud

// An attachment is a file at an issue. Two may have one name. The media id is what documents call it by; no
// endpoint tells which id belongs to which media id, but the signed address holds it.
type attachment struct {
	id      int64
	media   string
	name    string
	mime    string
	author  *user
	created time.Time
	content *blob
}

func (t *Tenant) attachmentRoutes(r *router) {
	r.add("POST", "/rest/api/{v}/issue/{key}/attachments", addAttachments).takesFiles().perItem = true
	r.add("GET", "/rest/api/{v}/attachment/meta", func(c *call) answer {
		return ok(obj{"enabled": true, "uploadLimit": c.t.uploadLimit})
	})
	r.add("GET", "/rest/api/{v}/attachment/content/{id}", func(c *call) answer { return c.content(false) })
	r.add("GET", "/rest/api/{v}/attachment/thumbnail/{id}", func(c *call) answer { return c.content(true) })
	r.add("GET", "/rest/api/{v}/attachment/{id}", func(c *call) answer {
		is, at, a, found := c.attachment()
		if !found {
			return a
		}
		b := c.t.attachmentBean(at, c.me, c.v2)
		b["id"] = at.id // a number here, a string everywhere else
		c.key = is.key
		return ok(b)
	})
	r.add("DELETE", "/rest/api/{v}/attachment/{id}", deleteAttachment).perItem = true
	r.add("POST", "/rest/servicedeskapi/servicedesk/{desk}/attachTemporaryFile", attachTemporary).takesFiles()
	r.add("POST", "/rest/servicedeskapi/request/{key}/attachment", attachToRequest).perItem = true
	r.add("GET", "/rest/servicedeskapi/request/{key}/attachment", requestAttachments)
	r.add("GET", "/rest/servicedeskapi/request/{key}/attachment/{id}", func(c *call) answer { return c.requestContent(false) })
	r.add("GET", "/rest/servicedeskapi/request/{key}/attachment/{id}/thumbnail", func(c *call) answer { return c.requestContent(true) })
	r.add("GET", "/rest/servicedeskapi/request/{key}/comment/{id}/attachment", commentAttachments)
}

// takesFiles marks an endpoint whose body is multipart.
func (e *endpoint) takesFiles() *endpoint {
	e.upload = true
	return e
}

// attachmentBean is an attachment as the platform shows it.
func (t *Tenant) attachmentBean(at *attachment, me *user, v2 bool) obj {
	rest := t.url + "/rest/api/" + view{v2: v2}.dialect() + "/attachment/"
	b := obj{"self": rest + text(at.id), "id": text(at.id), "filename": at.name, "author": t.userBean(at.author, me), "created": stampFor(at.created, me),
		"size": at.content.size, "mimeType": at.mime, "content": rest + "content/" + text(at.id)}
	if pictured(at.mime) {
		b["thumbnail"] = rest + "thumbnail/" + text(at.id)
	}
	return b
}

// attachmentsOf is fields.attachment: all of them.
func (t *Tenant) attachmentsOf(is *issue, v view) []any {
	out := []any{}
	for _, at := range is.attachments {
		out = append(out, t.attachmentBean(at, v.me, v.v2))
	}
	return out
}

// attachment finds the attachment of the path for the platform.
func (c *call) attachment() (*issue, *attachment, answer, bool) {
	gone := refuse(http.StatusNotFound, fmt.Sprintf("The attachment with id '%s' does not exist", c.v("id")))
	id, err := strconv.ParseInt(c.v("id"), 10, 64)
	is := c.t.issues.byID[c.t.issues.files[id]]
	if err != nil || is == nil || !c.t.sees(c.me, is) {
		return nil, nil, gone, false
	}
	at := is.attachment(id)
	if at == nil {
		return nil, nil, gone, false
	}
	c.objects = 1
	return is, at, answer{}, true
}

func (is *issue) attachment(id int64) *attachment {
	for _, at := range is.attachments {
		if at.id == id {
			return at
		}
	}
	return nil
}

// addAttachments puts files at an issue. In a service project the portal does not show them until a public
// comment or the description does.
func addAttachments(c *call) answer {
	is, a, found := c.issue()
	if !found {
		return a
	}
	if !c.me.licensed() {
		return refuse(http.StatusForbidden, "You do not have permission to create attachments for this issue.")
	}
	if len(is.attachments)+len(c.files) > maxAttachments {
		return tooManyAttachments()
	}
	out := []any{}
	for _, at := range c.t.attach(is, c.me, c.files) {
		out = append(out, c.t.attachmentBean(at, c.me, c.v2))
	}
	return ok(out)
}

func tooManyAttachments() answer {
	return refuse(http.StatusRequestEntityTooLarge, fmt.Sprintf("The issue has reached the limit of %d attachments.", maxAttachments))
}

// attach adds files to an issue, with one history entry for each.
func (t *Tenant) attach(is *issue, me *user, files []upload) []*attachment {
	now := t.now()
	var added []*attachment
	for _, f := range files {
		at := &attachment{id: t.next("attachment"), name: f.name, mime: f.mime, author: me, created: now, content: f.content}
		at.media = accountID(fmt.Sprintf("media %d %d", is.id, at.id), t.name, false)[len("712020:"):]
		is.attachments = append(slices.Clip(is.attachments), at)
		t.issues.files[at.id], t.issues.media[at.media] = is.id, at
		added = append(added, at)
		id, name := text(at.id), at.name
		t.happened("attachment_created", "", me, is, func(e *event) { e.Attachment = at })
		t.record(is, me, []changeItem{{field: "Attachment", fieldID: "attachment", fieldType: "jira", to: &id, toString: &name}}, "issue_updated", now)
	}
	return added
}

// detach takes an attachment away from its issue.
func (t *Tenant) detach(is *issue, at *attachment, me *user) {
	is.attachments = slices.DeleteFunc(slices.Clone(is.attachments), func(x *attachment) bool { return x == at })
	delete(t.issues.files, at.id)
	delete(t.issues.media, at.media)
	id, name := text(at.id), at.name
	t.happened("attachment_deleted", "", me, is, func(e *event) { e.Attachment = at })
	t.record(is, me, []changeItem{{field: "Attachment", fieldID: "attachment", fieldType: "jira", from: &id, fromString: &name}}, "issue_updated", t.now())
}

func deleteAttachment(c *call) answer {
	is, at, a, found := c.attachment()
	if !found {
		return a
	}
	if !c.me.licensed() {
		return refuse(http.StatusForbidden, "You do not have permission to delete attachment with id: "+text(at.id))
	}
	c.key = is.key
	c.t.detach(is, at, c.me)
	return noContent()
}

// content leads to an attachment's content: to the media host, or straight to it with redirect=false.
func (c *call) content(thumbnail bool) answer {
	_, at, a, found := c.attachment()
	if !found {
		return a
	}
	if thumbnail && !pictured(at.mime) && !c.flag("fallbackToDefault", true) {
		return refuse(http.StatusNotFound, "There is no thumbnail for this attachment.")
	}
	return c.lead(at)
}

func (c *call) lead(at *attachment) answer {
	if !c.flag("redirect", true) {
		return answer{status: http.StatusOK, content: at}
	}
	return answer{status: http.StatusSeeOther}.with("Location", c.t.signed(at, c.now))
}

// hasMedia tells quickly whether a document may name media at all.
func hasMedia(raw json.RawMessage) bool { return bytes.Contains(raw, []byte(`"media`)) }

// mediaIn lists the media ids of the files in a document.
func mediaIn(raw json.RawMessage) []string {
	if !hasMedia(raw) {
		return nil
	}
	var out []string
	eachMedia(parseADF(raw), func(n *adfNode) {
		if id := n.attr("id"); id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	})
	return out
}

func eachMedia(n *adfNode, do func(*adfNode)) {
	if n == nil {
		return
	}
	if (n.Type == "media" || n.Type == "mediaInline") && n.attr("type") != "external" {
		do(n)
	}
	for _, c := range n.Content {
		eachMedia(c, do)
	}
}
