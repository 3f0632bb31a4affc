package sim

// Media in bodies: a document names an attachment by its media id, wiki markup by its name. And a body that is
// written again without a file that it named takes that file away, as on Cloud, where nothing else names it.

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
)

func pathEscape(s string) string { return url.PathEscape(s) }

// document is the tree of a doc node as JSON.
func (n *adfNode) document() json.RawMessage {
	tree := n.toJSON()
	tree["version"] = 1
	if tree["content"] == nil {
		tree["content"] = []any{}
	}
	raw, err := json.Marshal(tree)
	if err != nil { // cannot happen: the tree holds what was JSON
		return json.RawMessage(`{"version":1,"type":"doc","content":[]}`)
	}
	return raw
}

// fromWiki reads wiki markup in an issue: the names of its attachments become their media ids, of several
// attachments of one name the newest. is may be nil.
func (t *Tenant) fromWiki(is *issue, markup string) json.RawMessage {
	raw := wikiToADF(markup)
	if is == nil || len(is.attachments) == 0 || !hasMedia(raw) {
		return raw
	}
	tree, changed := parseADF(raw), false
	eachMedia(tree, func(n *adfNode) {
		for _, at := range slices.Backward(is.attachments) {
			if at.name == n.attr("id") {
				n.Attrs["id"], changed = at.media, true
				return
			}
		}
	})
	if !changed {
		return raw
	}
	return tree.document()
}

var wikiFile = regexp.MustCompile(`!([0-9a-f-]{36})(\|[^!\n]*)?!|\[\^([0-9a-f-]{36})\]`)

// toWiki shows a document of an issue as wiki markup, its attachments by name.
func (t *Tenant) toWiki(is *issue, raw json.RawMessage) string {
	s := adfToWiki(raw)
	if is == nil || len(is.attachments) == 0 || !hasMedia(raw) {
		return s
	}
	return wikiFile.ReplaceAllStringFunc(s, func(found string) string {
		m := wikiFile.FindStringSubmatch(found)
		i := slices.IndexFunc(is.attachments, func(at *attachment) bool { return at.media == m[1] || at.media == m[3] })
		switch {
		case i < 0:
			return found
		case m[3] == "" && pictured(is.attachments[i].mime):
			return "!" + is.attachments[i].name + m[2] + "!"
		}
		return "[^" + is.attachments[i].name + "]"
	})
}

// bodies are all rich texts of an issue.
func (t *Tenant) bodies(is *issue) []json.RawMessage {
	var out []json.RawMessage
	for _, f := range t.lists.fields {
		if raw, rich := is.vals[f.id].(json.RawMessage); rich {
			out = append(out, raw)
		}
	}
	for _, cm := range is.comments {
		out = append(out, cm.body)
	}
	for _, w := range is.worklogs {
		out = append(out, w.comment)
	}
	return out
}

// replaced gives the documents that an edit is about to replace.
func (is *issue) replaced(set map[*field]any) []json.RawMessage {
	var out []json.RawMessage
	for f := range set {
		if raw, rich := is.vals[f.id].(json.RawMessage); rich && hasMedia(raw) {
			out = append(out, raw)
		}
	}
	return out
}

// dropOrphans deletes the attachments that replaced bodies named and no body names any more.
func (t *Tenant) dropOrphans(is *issue, me *user, replaced ...json.RawMessage) {
	var lost []string
	for _, raw := range replaced {
		lost = append(lost, mediaIn(raw)...)
	}
	if len(lost) == 0 {
		return
	}
	for _, raw := range t.bodies(is) {
		named := mediaIn(raw)
		lost = slices.DeleteFunc(lost, func(id string) bool { return slices.Contains(named, id) })
	}
	for _, at := range is.attachments {
		if slices.Contains(lost, at.media) {
			t.detach(is, at, me)
		}
	}
}
