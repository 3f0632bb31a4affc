package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// Files on the pages: lists, up, down, away; and the pictures inside of bodies.

type fileView struct {
	ID, Name, Size, Author, At string
	Address                    string // of the content
	Picture                    bool
	Internal                   bool // the portal does not show it
}

func readableSize(n int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"GB", 1 << 30}, {"MB", 1 << 20}, {"kB", 1 << 10}} {
		if n >= u.size {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.size), u.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}

// page is the address of a ticket on the side that the person looks at.
func (v *visit) page(key string) string {
	if v.side == "portal" {
		return "/portal/" + url.PathEscape(key)
	}
	return "/browse/" + url.PathEscape(key)
}

// agentFiles lists what the platform shows; a request's attachments that the portal shows are not marked as internal.
func (v *visit) agentFiles(key string, fields any) (out []fileView) {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	is := v.t.find(key)
	if is == nil { // deleted meanwhile
		return nil
	}
	shown := is.onPortal()
	for _, b := range listAt(fields, "attachment") {
		id := textAt(b, "id")
		f := fileView{ID: id, Name: textAt(b, "filename"), Author: textAt(b, "author", "displayName"), At: shortTime(textAt(b, "created")),
			Size: readableSize(number(textAt(b, "size"))), Picture: pictured(textAt(b, "mimeType")), Address: v.page(key) + "/file/" + id}
		if at := is.attachment(number(id)); at != nil {
			f.Internal = !shown[at.media]
		}
		out = append(out, f)
	}
	return out
}

// portalFiles lists what servicedeskapi shows; an attachment's id is in its links only.
func (v *visit) portalFiles(key string) (out []fileView) {
	_, answer := v.t.act(v.me, "GET", "/rest/servicedeskapi/request/"+url.PathEscape(key)+"/attachment?limit=100", nil)
	for _, b := range listAt(answer, "values") {
		id := path.Base(textAt(b, "_links", "jiraRest"))
		out = append(out, fileView{ID: id, Name: textAt(b, "filename"), Author: textAt(b, "author", "displayName"), At: textAt(b, "created", "friendly"),
			Size: readableSize(number(textAt(b, "size"))), Picture: pictured(textAt(b, "mimeType")), Address: v.page(key) + "/file/" + id})
	}
	return out
}

// file sends an attachment to the person's browser, which saves it or shows it in a picture, but never as a page.
func (v *visit) file(vars map[string]string) {
	target := "/rest/api/3/attachment/content/" + url.PathEscape(vars["id"])
	if v.side == "portal" {
		target = "/rest/servicedeskapi/request/" + url.PathEscape(vars["key"]) + "/attachment/" + url.PathEscape(vars["id"])
	}
	at := v.t.contentFor(v.me, target+"?redirect=false")
	if at == nil {
		v.fail(http.StatusNotFound, "There is no such file, or it is not for you.")
		return
	}
	v.t.sendContent(v.w, v.r, at, false)
}

func (t *Tenant) contentFor(me *user, target string) *attachment {
	req, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		return nil
	}
	a, _ := t.runAs(me, req, req.URL, nil)
	return a.content
}

// takeForm reads a multipart form: its fields into PostForm, its files into the spool. Fields come before files,
// so that no file is taken of a form that is not ours.
func (v *visit) takeForm() bool {
	parts, err := v.r.MultipartReader()
	if err != nil {
		return false
	}
	v.r.PostForm = url.Values{}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return v.ours()
		}
		if err != nil {
			return false
		}
		if part.FileName() == "" {
			text, err := io.ReadAll(io.LimitReader(part, maxForm))
			if err != nil || len(v.r.PostForm) > 100 {
				return false
			}
			if part.FormName() != "file" { // the file field of a form without a file
				v.r.PostForm.Add(part.FormName(), string(text))
			}
			continue
		}
		if !v.ours() || len(v.files) == maxFiles {
			return false
		}
		f, err := v.t.uploaded(part.FileName(), part)
		if err != nil {
			v.tooBig = errors.Is(err, errTooLarge)
			return false
		}
		v.files = append(v.files, f)
	}
}

// attach puts files at the ticket: by the portal's two steps, or by the platform where an agent keeps them internal.
func (v *visit) attach(vars map[string]string) {
	key := vars["key"]
	wrong := func(status int, b bean) {
		v.fail(http.StatusUnprocessableEntity, complaint(status, b))
	}
	if len(v.files) == 0 {
		v.fail(http.StatusUnprocessableEntity, "Choose a file first.")
		return
	}
	if v.side == "agent" && v.r.PostFormValue("audience") != "public" {
		if status, b := v.t.actFiles(v.me, "POST", "/rest/api/3/issue/"+url.PathEscape(key)+"/attachments", nil, v.files...); status != http.StatusOK {
			wrong(status, b)
			return
		}
		v.redirect(v.page(key) + "?done=attached")
		return
	}
	status, b := v.t.actFiles(v.me, "POST", "/rest/servicedeskapi/servicedesk/"+v.desk()+"/attachTemporaryFile", nil, v.files...)
	if status != http.StatusCreated {
		wrong(status, b)
		return
	}
	var ids []string
	for _, x := range listAt(b, "temporaryAttachments") {
		ids = append(ids, textAt(x, "temporaryAttachmentId"))
	}
	status, b = v.t.act(v.me, "POST", "/rest/servicedeskapi/request/"+url.PathEscape(key)+"/attachment",
		bean{"temporaryAttachmentIds": ids, "public": true, "additionalComment": bean{"body": v.r.PostFormValue("words")}})
	if status != http.StatusCreated {
		wrong(status, b)
		return
	}
	v.redirect(v.page(key) + "?done=attached")
}

func (v *visit) detach(vars map[string]string) {
	status, b := v.t.act(v.me, "DELETE", "/rest/api/3/attachment/"+url.PathEscape(v.r.PostFormValue("attachment")), nil)
	if status != http.StatusNoContent {
		v.fail(http.StatusUnprocessableEntity, complaint(status, b))
		return
	}
	v.redirect(v.page(vars["key"]) + "?done=detached")
}

// body shows a document of a ticket. Its files have their names, and pictures stand in place: media are found by
// their id, or by their name where the document was made of wiki markup.
func (v *visit) body(key string, doc any) template.HTML {
	raw, ok := rawDoc(doc)
	if !ok {
		return ""
	}
	return template.HTML(adfToHTML(v.withFiles(key, raw))) //nolint:gosec // adfToHTML escapes everything that a person wrote
}

func (v *visit) withFiles(key string, raw json.RawMessage) json.RawMessage {
	if !hasMedia(raw) {
		return raw
	}
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	is, tree := v.t.find(key), parseADF(raw)
	if is == nil || tree == nil {
		return raw
	}
	eachMedia(tree, func(n *adfNode) {
		for _, at := range is.attachments {
			if id := n.attr("id"); id != at.media && id != at.name {
				continue
			}
			n.Attrs["alt"] = at.name
			if pictured(at.mime) {
				n.Attrs[adfPicture] = v.page(strings.ToUpper(key)) + "/file/" + text(at.id)
			}
		}
	})
	return tree.document()
}
