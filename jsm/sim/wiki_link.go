package sim

import (
	"encoding/json"
	"net/url"
	"strings"
)

// linkSchemes are the addresses that wiki markup makes links of.
var linkSchemes = map[string]bool{"http": true, "https": true, "ftp": true, "ftps": true, "irc": true, "file": true, "news": true, "mailto": true}

// bracket reads [~mention], [^file], [url], [text|url] and the smart links.
func (r *inlineReader) bracket(rest string) int {
	line, _, _ := strings.Cut(rest, "\n")
	end := strings.IndexByte(line, ']')
	if end < 2 {
		return 0
	}
	body := line[1:end]
	if open := strings.LastIndexByte(body, '['); open >= 0 {
		return 0 // the inner bracket is the link
	}
	parts := strings.Split(body, "|")
	target := strings.TrimSpace(parts[len(parts)-1])
	switch {
	case strings.HasPrefix(body, "~") && len(parts) == 1:
		id := strings.TrimPrefix(body[1:], "accountid:")
		r.emit(&adfNode{Type: "mention", Attrs: map[string]any{"id": r.plainOf(id), "text": "", "accessLevel": ""}})
		return end + 1
	case strings.HasPrefix(target, "^") && len(target) > 1:
		media := &adfNode{Type: "media", Attrs: map[string]any{"type": "file", "id": r.plainOf(target[1:]), "collection": ""}}
		r.emit(&adfNode{Type: "mediaGroup", Content: []*adfNode{media}})
		return end + 1
	}
	text, href, style := parts[0], target, ""
	if len(parts) > 2 {
		href, style = strings.TrimSpace(parts[1]), target
	}
	if !linkTarget(href) {
		return 0
	}
	if card := smartCard(style, href); card != nil {
		r.emit(card)
		return end + 1
	}
	if len(parts) == 1 {
		text = strings.TrimPrefix(text, "mailto:")
	}
	r.link(text, href)
	return end + 1
}

func linkTarget(href string) bool {
	if strings.HasPrefix(href, "#") || strings.HasPrefix(href, "/") {
		return len(href) > 1 && !strings.Contains(href, macroOpen)
	}
	scheme, _, ok := strings.Cut(href, ":")
	return ok && linkSchemes[strings.ToLower(scheme)] && !strings.Contains(href, macroOpen)
}

func smartCard(style, href string) *adfNode {
	switch style {
	case "smart-link":
		return &adfNode{Type: "inlineCard", Attrs: map[string]any{"url": href}}
	case "smart-card":
		return &adfNode{Type: "blockCard", Attrs: map[string]any{"url": href}}
	case "smart-embed":
		return &adfNode{Type: "embedCard", Attrs: map[string]any{"url": href, "layout": "center", "width": json.Number("100")}}
	}
	return nil
}

// link emits the link's text, read as markup except for addresses, under its mark.
func (r *inlineReader) link(text, href string) {
	inner := &inlineReader{p: r.p, s: text, depth: maxWikiDepth}
	nodes := []*adfNode{{Type: "text", Text: r.plainOf(text)}}
	if r.depth < maxWikiDepth-1 && text != href {
		nodes = inner.p.inlineAt(text, r.depth+1)
	}
	for _, n := range nodes {
		addMark(n, adfMark{Type: "link", Attrs: map[string]any{"href": href}})
	}
	r.emit(nodes...)
}

// bareURL reads an address in running text, without the punctuation that ends a sentence.
func (r *inlineReader) bareURL(rest string) int {
	m := wikiURL.FindString(rest)
	if m == "" {
		return 0
	}
	m = strings.TrimRight(m, ".,;:!?'*}")
	for strings.HasSuffix(m, ")") && strings.Count(m, ")") > strings.Count(m, "(") {
		m = strings.TrimRight(m[:len(m)-1], ".,;:")
	}
	u, err := url.Parse(m)
	if err != nil || u.Host == "" && u.Opaque == "" {
		return 0
	}
	href := m
	if u.Path == "" && u.RawQuery == "" && u.Opaque == "" {
		href += "/"
	}
	text := strings.TrimPrefix(m, "mailto:")
	r.emit(&adfNode{Type: "text", Text: text, Marks: []adfMark{{Type: "link", Attrs: map[string]any{"href": href}}}})
	return len(m)
}
