package sim

import (
	"encoding/json"
	"strings"
	"time"
)

// adfToText gives the words of a document, blocks on lines of their own: what text search reads.
func adfToText(raw json.RawMessage) string {
	root := parseADF(raw)
	if root == nil {
		return ""
	}
	var b strings.Builder
	textOf(&b, root)
	return strings.TrimSpace(b.String())
}

func textOf(b *strings.Builder, n *adfNode) {
	switch n.Type {
	case "text":
		b.WriteString(n.Text)
	case "hardBreak":
		b.WriteByte('\n')
	case "mention":
		b.WriteString(orElse(n.attr("text"), "@unknown"))
	case "emoji":
		b.WriteString(orElse(n.attr("text"), n.attr("shortName")))
	case "date":
		b.WriteString(adfDay(n))
	case "status":
		b.WriteString("[ " + strings.ToUpper(n.attr("text")) + " ]")
	case "inlineCard", "blockCard", "embedCard":
		b.WriteString(cardURL(n))
	case "extension", "inlineExtension", "bodiedExtension":
		b.WriteString(n.attr("text"))
	case "media", "mediaInline":
		b.WriteString(n.attr("alt"))
	}
	inline := false
	for i, c := range n.Content {
		if block := isBlock(c.Type); i > 0 && (block || !inline) {
			if c.Type == "tableCell" || c.Type == "tableHeader" {
				b.WriteByte(' ')
			} else {
				b.WriteByte('\n')
			}
		}
		inline = !isBlock(c.Type)
		textOf(b, c)
	}
}

func isBlock(kind string) bool {
	switch kind {
	case "text", "hardBreak", "mention", "emoji", "date", "status", "inlineCard", "inlineExtension", "mediaInline", "placeholder":
		return false
	}
	return true
}

// adfDay is a date node's day: its timestamp holds Unix milliseconds as a string.
func adfDay(n *adfNode) string {
	ms, ok := parseMillis(n.attr("timestamp"))
	if !ok {
		return n.attr("timestamp")
	}
	return time.UnixMilli(ms).UTC().Format(time.DateOnly)
}

func cardURL(n *adfNode) string {
	if u := n.attr("url"); u != "" {
		return u
	}
	data, _ := n.Attrs["data"].(map[string]any)
	return attrString(data, "url")
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
