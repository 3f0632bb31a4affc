package sim

// ADF → HTML for people (the web face) and for renderedBody. Everything a person wrote is escaped, and a link
// leads only to http, https, mailto or the site itself.

import (
	"encoding/json"
	"html"
	"strings"
)

var htmlTags = map[string]string{
	"paragraph": "p", "bulletList": "ul", "orderedList": "ol", "listItem": "li", "blockquote": "blockquote", "taskList": "ul", "taskItem": "li",
	"decisionList": "ul", "decisionItem": "li", "tableRow": "tr", "tableHeader": "th", "tableCell": "td", "caption": "figcaption",
	"mediaSingle": "figure", "mediaGroup": "figure", "layoutSection": "div", "layoutColumn": "div", "bodiedExtension": "div", "blockTaskItem": "li",
}

var htmlMarks = map[string]string{"strong": "strong", "em": "em", "strike": "del", "underline": "ins", "code": "code"}

// adfToHTML renders a stored document; "" where raw is none.
func adfToHTML(raw json.RawMessage) string {
	root := parseADF(raw)
	if root == nil {
		return ""
	}
	var b strings.Builder
	htmlChildren(&b, root)
	return b.String()
}

func htmlChildren(b *strings.Builder, n *adfNode) {
	for _, c := range n.Content {
		htmlNode(b, c)
	}
}

func htmlNode(b *strings.Builder, n *adfNode) {
	tag := htmlTags[n.Type]
	switch n.Type {
	case "heading":
		tag = "h6"
		if level := n.attr("level"); len(level) == 1 && level >= "1" && level <= "6" {
			tag = "h" + level
		}
	case "codeBlock":
		b.WriteString("<pre><code>")
		htmlChildren(b, n)
		b.WriteString("</code></pre>")
		return
	case "panel":
		b.WriteString(`<div class="panel panel-` + html.EscapeString(n.attr("panelType")) + `">`)
		htmlChildren(b, n)
		b.WriteString("</div>")
		return
	case "table":
		b.WriteString("<table><tbody>")
		htmlChildren(b, n)
		b.WriteString("</tbody></table>")
		return
	case "expand", "nestedExpand":
		b.WriteString("<details><summary>" + html.EscapeString(orElse(n.attr("title"), "More")) + "</summary>")
		htmlChildren(b, n)
		b.WriteString("</details>")
		return
	case "rule":
		b.WriteString("<hr>")
		return
	}
	if tag == "" {
		htmlInline(b, n)
		return
	}
	b.WriteString("<" + tag + ">")
	if n.attr("state") == "DONE" {
		b.WriteString("☑ ")
	}
	htmlChildren(b, n)
	b.WriteString("</" + tag + ">")
}

func htmlInline(b *strings.Builder, n *adfNode) {
	switch n.Type {
	case "text":
		htmlText(b, n)
	case "hardBreak":
		b.WriteString("<br>")
	case "mention":
		b.WriteString(`<span class="mention">` + html.EscapeString(orElse(n.attr("text"), "@unknown")) + "</span>")
	case "status":
		b.WriteString(`<span class="lozenge">` + html.EscapeString(strings.ToUpper(n.attr("text"))) + "</span>")
	case "date":
		b.WriteString("<time>" + html.EscapeString(adfDay(n)) + "</time>")
	case "inlineCard", "blockCard", "embedCard":
		b.WriteString(htmlLink(cardURL(n), html.EscapeString(cardURL(n))))
	case "media", "mediaInline":
		if src := n.attr(adfPicture); src != "" {
			b.WriteString(`<img class="shown" src="` + html.EscapeString(src) + `" alt="` + html.EscapeString(n.attr("alt")) + `">`)
			return
		}
		b.WriteString(`<span class="file">📎 ` + html.EscapeString(orElse(n.attr("alt"), orElse(n.attr("url"), n.attr("id")))) + "</span>")
	default:
		var words strings.Builder
		textOf(&words, n)
		b.WriteString(html.EscapeString(words.String()))
	}
}

// adfPicture is the attribute by which a page of ours says where a picture lies; no stored document has it.
const adfPicture = "sim:src"

func htmlText(b *strings.Builder, n *adfNode) {
	out := strings.ReplaceAll(html.EscapeString(n.Text), "\n", "<br>")
	for _, m := range n.Marks {
		switch m.Type {
		case "link":
			out = htmlLink(m.attr("href"), out)
		case "subsup":
			if tag := m.attr("type"); tag == "sub" || tag == "sup" {
				out = "<" + tag + ">" + out + "</" + tag + ">"
			}
		case "textColor":
			if c := hexColour(m.attr("color"), ""); c != "" {
				out = `<font color="` + c + `">` + out + "</font>"
			}
		default:
			if tag := htmlMarks[m.Type]; tag != "" {
				out = "<" + tag + ">" + out + "</" + tag + ">"
			}
		}
	}
	b.WriteString(out)
}

// htmlLink links text, already escaped, where the address is of a kind that is safe to follow.
func htmlLink(href, text string) string {
	lower := strings.ToLower(strings.TrimSpace(href))
	safe := strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "mailto:") ||
		strings.HasPrefix(lower, "/") && !strings.HasPrefix(lower, "//") && !strings.HasPrefix(lower, `/\`)
	if !safe {
		return text
	}
	return `<a href="` + html.EscapeString(href) + `" rel="noopener noreferrer nofollow">` + text + "</a>"
}
