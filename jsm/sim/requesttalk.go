package sim

import (
	"net/http"
	"slices"
)

// deskComments are those that the caller sees by servicedeskapi: customers see the public ones.
func (c *call) deskComments(is *issue) []*comment {
	return slices.DeleteFunc(slices.Clone(is.comments), func(cm *comment) bool {
		return !c.t.seesComment(c.me, cm) || !cm.public() && !c.me.licensed()
	})
}

func (c *call) deskComment(is *issue, cm *comment) obj {
	b := obj{"_expands": []string{"attachment", "renderedBody"}, "id": text(cm.id), "body": c.t.toWiki(is, cm.body), "public": cm.public(), "author": c.t.deskUser(cm.author, c.me),
		"created": deskDate(cm.created, c.me, c.now), "_links": obj{"self": c.t.url + "/rest/servicedeskapi/request/" + is.idText() + "/comment/" + text(cm.id)}}
	for _, e := range c.list("expand") {
		switch e {
		case "renderedBody":
			b["renderedBody"] = obj{"html": adfToHTML(cm.body)}
		case "attachment":
			b["attachments"] = c.whole(c.attachmentsIn(is, cm))
		}
	}
	return b
}

func requestComments(c *call) answer {
	is, a, found := c.request()
	if !found {
		return a
	}
	out := []any{}
	for _, cm := range c.deskComments(is) {
		if cm.public() && c.flag("public", true) || !cm.public() && c.flag("internal", true) {
			out = append(out, c.deskComment(is, cm))
		}
	}
	c.objects = len(out)
	return deskPage(c, out)
}

func addRequestComment(c *call) answer {
	is, a, found := c.request()
	if !found {
		return a
	}
	var in struct {
		Body   string `json:"body"`
		Public *bool  `json:"public"`
	}
	if a, fine := c.decodeDesk(&in); !fine {
		return a
	}
	switch {
	case in.Body == "":
		return badRequest("sd.rest.comment.body.empty", "Comment body can not be empty!")
	case textLength(in.Body) > maxText:
		return badRequest("sd.rest.comment.body.too.long", tooLong(maxText))
	case in.Public == nil:
		return badRequest("sd.rest.comment.public.missing", "The public parameter is required.")
	case !*in.Public && !c.me.licensed():
		return refuseDesk(http.StatusForbidden, "sd.rest.comment.internal.forbidden", "You do not have permission to add internal comments.")
	case len(is.comments) >= maxComments:
		return tooManyComments()
	}
	cm := c.t.addComment(is, c.me, newComment{body: c.t.fromWiki(is, in.Body), props: audience(*in.Public)})
	return created(c.deskComment(is, cm))
}

func listSLAs(c *call) answer {
	is, a, found := c.request()
	if !found {
		return a
	}
	if !c.me.licensed() {
		return noLicence()
	}
	return deskPage(c, c.t.slaBeans(is, c.me))
}

func getSLA(c *call) answer {
	is, a, found := c.request()
	if !found {
		return a
	}
	if !c.me.licensed() {
		return noLicence()
	}
	for _, b := range c.t.slaBeans(is, c.me) {
		if b.(obj)["id"] == c.v("sla") {
			return ok(b)
		}
	}
	return refuseDesk(http.StatusNotFound, "sd.rest.sla.not.found", "The SLA metric does not exist on this request.")
}
