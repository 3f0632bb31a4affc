package sim

// ADF → wiki markup, as API v2 and the webhooks show it. It loses what Jira loses: alignment, background
// colours, indentation, list starts; text is not escaped except "{" of a macro and "!" of a picture.

import (
	"encoding/json"
	"sort"
	"strconv"
	"strings"
)

// adfToWiki renders a stored document; "" where raw is no document.
func adfToWiki(raw json.RawMessage) string {
	root := parseADF(raw)
	if root == nil {
		return ""
	}
	return wikiBlocks(root.Content)
}

func wikiBlocks(nodes []*adfNode) string {
	parts := make([]string, 0, len(nodes))
	for _, n := range nodes {
		parts = append(parts, wikiBlock(n))
	}
	return strings.Join(parts, "\n\n")
}

var panelColours = map[string]string{
	"info": "#deebff", "note": "#eae6ff", "warning": "#fffae6", "error": "#ffebe6", "success": "#e3fcef",
}

func wikiBlock(n *adfNode) string {
	switch n.Type {
	case "paragraph":
		return wikiInline(n.Content)
	case "heading":
		return "h" + n.attr("level") + ". " + wikiInline(n.Content)
	case "rule":
		return "----"
	case "codeBlock":
		return wikiCode(n)
	case "blockquote":
		return "{quote}" + wikiBlocks(n.Content) + "{quote}"
	case "panel":
		return "{panel:bgColor=" + panelColours[n.attr("panelType")] + "}\n" + wikiBlocks(n.Content) + "\n{panel}"
	case "bulletList", "orderedList", "taskList", "decisionList":
		return wikiList(n, "")
	case "table":
		return wikiTable(n)
	case "mediaSingle", "mediaGroup":
		return wikiMediaBlock(n)
	case "expand":
		return "*" + n.attr("title") + "*\n\n" + wikiTight(n.Content)
	case "blockCard":
		return wikiCard(n, "smart-card")
	case "embedCard":
		return wikiCard(n, "smart-embed")
	}
	return wikiRaw(n, "block")
}

// wikiTight joins blocks as Jira does inside an expand: blocks of their own fence follow on the next line.
func wikiTight(nodes []*adfNode) string {
	var b strings.Builder
	for i, n := range nodes {
		if i > 0 {
			b.WriteByte('\n')
			if n.Type != "codeBlock" && n.Type != "panel" {
				b.WriteByte('\n')
			}
		}
		b.WriteString(wikiBlock(n))
	}
	return b.String()
}

func wikiCode(n *adfNode) string {
	var text strings.Builder
	for _, c := range n.Content {
		text.WriteString(c.Text)
	}
	if lang := strings.ToLower(n.attr("language")); codeLanguages[lang] {
		return "{code:" + lang + "}" + text.String() + "{code}"
	}
	return "{noformat}" + text.String() + "{noformat}"
}

func wikiList(n *adfNode, prefix string) string {
	if n.Type == "orderedList" {
		prefix += "#"
	} else {
		prefix += "*"
	}
	var lines []string
	for _, item := range n.Content {
		switch item.Type {
		case "taskList":
			lines = append(lines, wikiList(item, prefix))
		case "taskItem":
			if len(item.Content) == 0 {
				continue
			}
			lines = append(lines, prefix+" "+wikiMarked(item.Content, item.attr("state") == "DONE"))
		case "decisionItem":
			lines = append(lines, prefix+" <> "+wikiInline(item.Content))
		default:
			lines = append(lines, wikiItem(item, prefix))
		}
	}
	return strings.Join(lines, "\n")
}

func wikiItem(item *adfNode, prefix string) string {
	var b strings.Builder
	if len(item.Content) == 0 || !isListKind(item.Content[0].Type) {
		b.WriteString(prefix + " ")
	}
	for i, c := range item.Content {
		if i > 0 {
			b.WriteByte('\n')
		}
		if isListKind(c.Type) {
			b.WriteString(wikiList(c, prefix))
		} else {
			b.WriteString(wikiBlock(c))
		}
	}
	return b.String()
}

func isListKind(kind string) bool {
	return kind == "bulletList" || kind == "orderedList" || kind == "taskList"
}

func wikiTable(n *adfNode) string {
	for _, row := range n.Content {
		for _, cell := range row.Content {
			if span(cell, "colspan") > 1 || span(cell, "rowspan") > 1 {
				return wikiRaw(n, "block")
			}
		}
	}
	rows := make([]string, 0, len(n.Content))
	for _, row := range n.Content {
		var b strings.Builder
		bar := "|"
		for _, cell := range row.Content {
			bar = "|"
			if cell.Type == "tableHeader" {
				bar = "||"
			}
			parts := make([]string, 0, len(cell.Content))
			for _, c := range cell.Content {
				parts = append(parts, wikiBlock(c))
			}
			b.WriteString(bar + orElse(strings.TrimSpace(strings.Join(parts, "\n")), " "))
		}
		rows = append(rows, b.String()+bar)
	}
	return strings.Join(rows, "\n")
}

func span(cell *adfNode, name string) int {
	n, _ := strconv.Atoi(cell.attr(name))
	return n
}

func wikiMediaBlock(n *adfNode) string {
	var lines []string
	for _, c := range n.Content {
		if c.Type == "caption" {
			lines = append(lines, wikiInline(c.Content))
			continue
		}
		lines = append(lines, wikiMedia(c, n))
	}
	return strings.Join(lines, "\n")
}

func wikiMedia(m, parent *adfNode) string {
	var opts []string
	if w := parent.attr("width"); w != "" && parent.Type == "mediaSingle" {
		opts = append(opts, "width="+w+"%")
	} else if m.attr("width") != "" && m.attr("height") != "" {
		opts = append(opts, "width="+m.attr("width"), "height="+m.attr("height"))
	}
	if link := m.mark("link"); link != nil {
		opts = append(opts, `href="`+link.attr("href")+`"`)
	}
	if alt := m.attr("alt"); alt != "" {
		opts = append(opts, `alt="`+alt+`"`)
	}
	if len(opts) == 0 {
		opts = []string{"thumbnail"}
	}
	return "!" + orElse(m.attr("id"), m.attr("url")) + "|" + strings.Join(opts, ",") + "!"
}

func wikiCard(n *adfNode, kind string) string {
	url := n.attr("url")
	if url == "" {
		if kind == "smart-link" {
			return wikiRaw(n, "inline")
		}
		return wikiRaw(n, "block")
	}
	return "[" + url + "|" + url + "|" + kind + "]"
}

// wikiRaw keeps what wiki cannot say as the document's own JSON in an {adf} macro.
func wikiRaw(n *adfNode, display string) string {
	text, err := json.Marshal(n.toJSON())
	if err != nil {
		return ""
	}
	if display == "inline" {
		return "{adf:display=inline}" + string(text) + "{adf}"
	}
	return "{adf:display=block}\n" + string(text) + "\n{adf}"
}

func (n *adfNode) toJSON() map[string]any {
	m := map[string]any{"type": n.Type}
	if n.Text != "" {
		m["text"] = n.Text
	}
	if n.Attrs != nil {
		m["attrs"] = n.Attrs
	}
	if len(n.Marks) > 0 {
		marks := make([]any, 0, len(n.Marks))
		for _, mark := range n.Marks {
			mm := map[string]any{"type": mark.Type}
			if mark.Attrs != nil {
				mm["attrs"] = mark.Attrs
			}
			marks = append(marks, mm)
		}
		m["marks"] = marks
	}
	if n.Content != nil {
		content := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			content = append(content, c.toJSON())
		}
		m["content"] = content
	}
	return m
}

func wikiInline(nodes []*adfNode) string { return wikiMarked(nodes, false) }

// wikiMarked renders inline nodes; struck strikes each of them (a done task).
func wikiMarked(nodes []*adfNode, struck bool) string {
	var b strings.Builder
	for _, n := range nodes {
		marks := n.Marks
		if struck && n.mark("strike") == nil {
			marks = append(append([]adfMark(nil), marks...), adfMark{Type: "done"})
		}
		b.WriteString(wikiMarks(wikiLeaf(n), marks))
	}
	return b.String()
}

var statusColours = map[string]string{
	"neutral": "#97A0AF", "purple": "#6554C0", "blue": "#00B8D9", "red": "#FF5630", "yellow": "#FF991F", "green": "#36B37E",
}

func wikiLeaf(n *adfNode) string {
	switch n.Type {
	case "text":
		if n.mark("code") != nil {
			return n.Text
		}
		return wikiEscape(n.Text)
	case "hardBreak":
		return "\n"
	case "mention":
		return "[~accountid:" + strings.TrimPrefix(n.attr("id"), "accountid:") + "]"
	case "emoji":
		return wikiEmoji(n)
	case "date":
		return "{{" + adfDay(n) + "}}"
	case "status":
		colour := orElse(statusColours[n.attr("color")], n.attr("color"))
		return "{color:" + colour + "}*[ " + strings.ToUpper(n.attr("text")) + " ]*{color}"
	case "inlineCard":
		return wikiCard(n, "smart-link")
	case "mediaInline":
		return "[^" + n.attr("id") + "]"
	}
	return wikiRaw(n, "inline")
}

// wikiEscape escapes what would start a macro or a picture; Jira escapes no other markup.
func wikiEscape(s string) string {
	return wikiEscapes.ReplaceAllStringFunc(s, func(m string) string {
		if m[0] == '{' {
			return `\` + m
		}
		return `\!` + m[1:len(m)-1] + `\!`
	})
}

// markOrder is how marks nest, outermost first.
var markOrder = []string{"link", "textColor", "done", "subsup", "underline", "strong", "strike", "em", "code"}

func wikiMarks(text string, marks []adfMark) string {
	sorted := append([]adfMark(nil), marks...)
	rank := func(m adfMark) int {
		for i, name := range markOrder {
			if name == m.Type {
				return i
			}
		}
		return len(markOrder)
	}
	sort.SliceStable(sorted, func(i, j int) bool { return rank(sorted[i]) > rank(sorted[j]) })
	for _, m := range sorted {
		text = wikiMark(text, &m)
	}
	return text
}

// wikiFences are the signs around marked words; "done" is how a finished task is struck.
var wikiFences = map[string]string{"strong": "*", "em": "_", "strike": "-", "done": "-", "underline": "+"}

func wikiMark(text string, m *adfMark) string {
	switch m.Type {
	case "code":
		return "{{" + text + "}}"
	case "textColor":
		return "{color:" + m.attr("color") + "}" + text + "{color}"
	case "link":
		return "[" + text + "|" + m.attr("href") + "]"
	case "subsup":
		if m.attr("type") == "sub" {
			return fence(text, "~")
		}
		return fence(text, "^")
	}
	if title, ok := strings.CutPrefix(text, "— "); ok && m.Type == "em" {
		return fence(title, "??")
	}
	if f, ok := wikiFences[m.Type]; ok {
		return fence(text, f)
	}
	return text
}

// fence puts the sign around the words and leaves white space outside, where markup would not be seen.
func fence(text, sign string) string {
	core := strings.Trim(text, " ")
	if core == "" {
		return text
	}
	i := strings.Index(text, core)
	return text[:i] + sign + core + sign + text[i+len(core):]
}
