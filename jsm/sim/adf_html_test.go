package sim

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

func TestADFToHTML(t *testing.T) {
	for _, c := range []struct{ name, content, want string }{
		{"words and marks", `{"type":"paragraph","content":[{"type":"text","text":"a <b>","marks":[{"type":"strong"}]},{"type":"hardBreak"},{"type":"text","text":"c"}]}`,
			`<p><strong>a &lt;b&gt;</strong><br>c</p>`},
		{"a link", `{"type":"paragraph","content":[{"type":"text","text":"x","marks":[{"type":"link","attrs":{"href":"https://e.com/?a=1&b=\"2"}}]}]}`,
			`<p><a href="https://e.com/?a=1&amp;b=&#34;2" rel="noopener noreferrer nofollow">x</a></p>`},
		{"a script link", `{"type":"paragraph","content":[{"type":"text","text":"x","marks":[{"type":"link","attrs":{"href":" JavaScript:alert(1)"}}]}]}`, `<p>x</p>`},
		{"a link to another host without a scheme", `{"type":"paragraph","content":[{"type":"text","text":"x","marks":[{"type":"link","attrs":{"href":"//evil.example"}}]}]}`, `<p>x</p>`},
		{"a card", `{"type":"blockCard","attrs":{"url":"data:text/html,<script>"}}`, `data:text/html,&lt;script&gt;`},
		{"a panel", `{"type":"panel","attrs":{"panelType":"info"},"content":[{"type":"paragraph","content":[{"type":"mention","attrs":{"id":"1","text":"@<Al>"}}]}]}`,
			`<div class="panel panel-info"><p><span class="mention">@&lt;Al&gt;</span></p></div>`},
		{"a colour", `{"type":"paragraph","content":[{"type":"text","text":"x","marks":[{"type":"textColor","attrs":{"color":"#ff0000"}}]}]}`, `<p><font color="#ff0000">x</font></p>`},
		{"code", `{"type":"codeBlock","content":[{"type":"text","text":"<i>"}]}`, `<pre><code>&lt;i&gt;</code></pre>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw := json.RawMessage(`{"version":1,"type":"doc","content":[` + c.content + `]}`)
			if err := validADF(raw); err != nil {
				t.Fatal(err)
			}
			if got := adfToHTML(raw); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// ourTag is what may follow a "<" in rendered HTML; everything else would be somebody's markup.
var ourTag = regexp.MustCompile(`^</?(?:p|ul|ol|li|blockquote|tr|th|td|table|tbody|figcaption|figure|div|strong|em|del|ins|code|pre|h[1-6]|details|summary|hr|br|span|time|sub|sup|font|font color="#[0-9a-f]{6}"|a href="[^"<>]*" rel="noopener noreferrer nofollow"|a)(?: class="[^"<>]*")?>`)

// safeHTML complains about a tag that is not ours or a link to a script.
func safeHTML(t *testing.T, s string) {
	t.Helper()
	for i := range len(s) {
		if s[i] == '<' && !ourTag.MatchString(s[i:]) {
			t.Fatalf("a foreign tag at %.80q in %s", s[i:], s)
		}
	}
	if strings.Contains(strings.ToLower(s), `href="javascript`) {
		t.Fatalf("a script link in %s", s)
	}
}

func TestADFToHTMLIsSafe(t *testing.T) {
	for _, doc := range oracleLines[oracleDoc](t, "adf.jsonl") {
		safeHTML(t, adfToHTML(doc.ADF))
	}
}
