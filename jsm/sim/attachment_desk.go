package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	temporaryTTL = time.Hour // how long a temporary file waits to be attached
	maxTemporary = 5000      // that wait at a time
)

// A temporary is a file that was uploaded to the desk and belongs to no request yet.
type temporary struct {
	id    string
	file  upload
	until time.Time
}

func attachTemporary(c *call) answer {
	return c.inDesk(func(p *project) answer {
		if !c.t.desk.customers[c.me.id] {
			return refuseDesk(http.StatusForbidden, "sd.rest.attachment.forbidden", "You do not have permission to attach files in this service desk.")
		}
		d := &c.t.desk
		d.temporary = slices.DeleteFunc(d.temporary, func(x temporary) bool { return !c.now.Before(x.until) })
		if len(d.temporary)+len(c.files) > maxTemporary {
			return refuseDesk(http.StatusRequestEntityTooLarge, "sd.rest.attachment.too.many", "Too many files wait to be attached.")
		}
		out := []any{}
		for _, f := range c.files {
			n := c.t.next("temporary")
			x := temporary{id: "temp" + accountID(fmt.Sprintf("temporary %s %d", p.desk, n), c.t.name, false)[len("712020:"):], file: f, until: c.now.Add(temporaryTTL)}
			d.temporary = append(d.temporary, x)
			out = append(out, obj{"temporaryAttachmentId": x.id, "fileName": f.name})
		}
		return created(obj{"temporaryAttachments": out})
	})
}

// takeTemporary finds the files of some ids, all of them or none. An id is good once.
func (c *call) takeTemporary(ids []string) ([]upload, string) {
	var files []upload
	seen := map[string]bool{}
	for _, id := range ids {
		i := slices.IndexFunc(c.t.desk.temporary, func(x temporary) bool { return x.id == id && c.now.Before(x.until) })
		if i < 0 || seen[id] {
			return nil, fmt.Sprintf("The temporary attachment '%s' does not exist, was used, or has expired.", id)
		}
		seen[id] = true
		files = append(files, c.t.desk.temporary[i].file)
	}
	c.t.desk.temporary = slices.DeleteFunc(c.t.desk.temporary, func(x temporary) bool { return seen[x.id] })
	return files, ""
}

// attachToRequest makes attachments of temporary files, and always a comment that names them.
func attachToRequest(c *call) answer {
	is, a, found := c.request()
	if !found {
		return a
	}
	var in struct {
		IDs     []string `json:"temporaryAttachmentIds"`
		Public  *bool    `json:"public"`
		Comment struct {
			Body string `json:"body"`
		} `json:"additionalComment"`
	}
	if a, fine := c.decodeDesk(&in); !fine {
		return a
	}
	switch {
	case len(in.IDs) == 0:
		return badRequest("sd.rest.attachment.missing", "At least one temporary attachment ID is required.")
	case in.Public == nil:
		return badRequest("sd.rest.attachment.public.missing", "The public parameter is required.")
	case !*in.Public && !c.me.licensed():
		return refuseDesk(http.StatusForbidden, "sd.rest.attachment.internal.forbidden", "You do not have permission to add internal attachments.")
	case textLength(in.Comment.Body) > maxText:
		return badRequest("sd.rest.comment.body.too.long", tooLong(maxText))
	case len(is.comments) >= maxComments:
		return tooManyComments()
	case len(is.attachments)+len(in.IDs) > maxAttachments:
		return tooManyAttachments()
	}
	files, complaint := c.takeTemporary(in.IDs)
	if complaint != "" {
		return badRequest("sd.rest.attachment.temporary.not.found", complaint)
	}
	added := c.t.attach(is, c.me, files)
	cm := c.t.addComment(is, c.me, newComment{body: c.echo(is, in.Comment.Body, added), props: audience(*in.Public)})
	return created(obj{"comment": c.deskComment(is, cm), "attachments": c.whole(c.deskAttachments(is, added))})
}

// audience is what servicedeskapi stores beside a comment.
func audience(public bool) map[string]json.RawMessage {
	return map[string]json.RawMessage{publicProperty: fmt.Appendf(nil, `{"internal":%t}`, !public)}
}

// echo is the comment that names new attachments: what the caller says, then pictures in place and other files in a row.
func (c *call) echo(is *issue, words string, added []*attachment) json.RawMessage {
	tree := &adfNode{Type: "doc"}
	if strings.TrimSpace(words) != "" {
		tree = parseADF(c.t.fromWiki(is, words))
	}
	for _, at := range added {
		media := &adfNode{Type: "media", Attrs: map[string]any{"type": "file", "id": at.media, "collection": ""}}
		last := len(tree.Content) - 1
		switch {
		case pictured(at.mime):
			media.Attrs["width"], media.Attrs["height"] = json.Number("200"), json.Number("183")
			tree.Content = append(tree.Content, &adfNode{Type: "mediaSingle", Attrs: map[string]any{"layout": "center"}, Content: []*adfNode{media}})
		case last >= 0 && tree.Content[last].Type == "mediaGroup":
			tree.Content[last].Content = append(tree.Content[last].Content, media)
		default:
			tree.Content = append(tree.Content, &adfNode{Type: "mediaGroup", Content: []*adfNode{media}})
		}
	}
	return tree.document()
}

// deskAttachment is an attachment as servicedeskapi shows it: without an id, but in its links.
func (c *call) deskAttachment(is *issue, at *attachment) obj {
	id := text(at.id)
	self := c.t.url + "/rest/servicedeskapi/request/" + is.idText() + "/attachment/" + id
	links := obj{"self": self, "jiraRest": c.t.url + "/rest/api/2/attachment/" + id, "content": c.t.url + "/secure/attachment/" + id + "/" + pathEscape(at.name)}
	if pictured(at.mime) {
		links["thumbnail"] = self + "/thumbnail"
	}
	return obj{"filename": at.name, "author": c.t.deskUser(at.author, c.me), "created": deskDate(at.created, c.me, c.now), "size": at.content.size,
		"mimeType": at.mime, "_links": links}
}

// onPortal gives the media ids of the attachments that the portal shows: the description or a public comment must name them.
func (is *issue) onPortal() map[string]bool {
	shown := map[string]bool{}
	raw, _ := is.vals["description"].(json.RawMessage)
	for _, id := range mediaIn(raw) {
		shown[id] = true
	}
	for _, cm := range is.comments {
		if !hasMedia(cm.body) || !cm.public() {
			continue
		}
		for _, id := range mediaIn(cm.body) {
			shown[id] = true
		}
	}
	return shown
}

// seenAttachments are the attachments of a request that servicedeskapi shows the caller.
func (c *call) seenAttachments(is *issue) []*attachment {
	if c.me.licensed() {
		return is.attachments
	}
	shown := is.onPortal()
	return slices.DeleteFunc(slices.Clone(is.attachments), func(at *attachment) bool { return !shown[at.media] })
}

func requestAttachments(c *call) answer {
	is, a, found := c.request()
	if !found {
		return a
	}
	out := c.deskAttachments(is, c.seenAttachments(is))
	c.objects = len(out)
	return deskPage(c, out)
}

// commentAttachments lists those that a comment names.
func commentAttachments(c *call) answer {
	is, a, found := c.request()
	if !found {
		return a
	}
	for _, cm := range c.deskComments(is) {
		if text(cm.id) == c.v("id") {
			return deskPage(c, c.attachmentsIn(is, cm))
		}
	}
	return refuseDesk(http.StatusNotFound, "sd.rest.comment.not.found", "The comment does not exist or you do not have permission to see it.")
}

func (c *call) attachmentsIn(is *issue, cm *comment) []any {
	named := mediaIn(cm.body)
	return c.deskAttachments(is, slices.DeleteFunc(slices.Clone(is.attachments), func(at *attachment) bool { return !slices.Contains(named, at.media) }))
}

func (c *call) deskAttachments(is *issue, list []*attachment) []any {
	out := []any{}
	for _, at := range list {
		out = append(out, c.deskAttachment(is, at))
	}
	return out
}

// requestContent leads customers too to the content of what the portal shows them.
func (c *call) requestContent(thumbnail bool) answer {
	is, a, found := c.request()
	if !found {
		return a
	}
	id, err := strconv.ParseInt(c.v("id"), 10, 64)
	at := is.attachment(id)
	if err != nil || at == nil || !slices.Contains(c.seenAttachments(is), at) || thumbnail && !pictured(at.mime) {
		return refuseDesk(http.StatusNotFound, "sd.rest.attachment.not.found", "The attachment does not exist or you do not have permission to see it.")
	}
	return c.lead(at)
}
