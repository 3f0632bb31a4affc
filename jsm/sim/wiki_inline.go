package sim

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	wikiImage  = regexp.MustCompile(`^!([^\s!|][^!|\n]*)(?:\|([^!\n]*))?!`)
	wikiURL    = regexp.MustCompile(`^(?:https?|ftps?|irc|file|news|mailto)://?[^\s\[\]<>"\x{FFFD}]+|^mailto:[^\s\[\]<>"|\x{FFFD}]+`)
	wikiColour = regexp.MustCompile(`^\{color:([^}\n]*)\}`)
	wikiDash   = regexp.MustCompile(`^(-{2,3})(\s|$)`)
	wikiUNC    = regexp.MustCompile(`^\\\\\S*\\`)
)

// inlineReader turns one run of text into nodes.
type inlineReader struct {
	p     *wikiParser
	s     string
	out   []*adfNode
	plain strings.Builder
	depth int
}

func (p *wikiParser) inline(s string) []*adfNode { return p.inlineAt(s, 0) }

func (p *wikiParser) inlineAt(s string, depth int) []*adfNode {
	r := &inlineReader{p: p, s: s, depth: depth}
	for i := 0; i < len(s); {
		n := 0
		if depth < maxWikiDepth {
			n = r.sign(i)
		}
		if n == 0 {
			_, n = utf8.DecodeRuneInString(s[i:])
			if s[i] == macroOpen[0] {
				n = r.macroAt(i)
			} else {
				r.plain.WriteString(s[i : i+n])
			}
		}
		i += n
	}
	r.flush()
	return r.out
}

func (r *inlineReader) flush() {
	if r.plain.Len() > 0 {
		r.out = append(r.out, &adfNode{Type: "text", Text: r.plain.String()})
		r.plain.Reset()
	}
}

func (r *inlineReader) emit(nodes ...*adfNode) {
	r.flush()
	r.out = append(r.out, nodes...)
}

// sign reads the markup at i and tells how many bytes it took; 0: no markup here.
func (r *inlineReader) sign(i int) int {
	rest := r.s[i:]
	switch rest[0] {
	case '\n':
		r.emit(&adfNode{Type: "hardBreak"})
		return 1
	case '\\':
		return r.backslash(rest)
	case '{':
		return r.brace(i, rest)
	case '[':
		return r.bracket(rest)
	case '!':
		return r.image(i, rest)
	case '?':
		if strings.HasPrefix(rest, "??") {
			return r.cite(i, rest)
		}
	case '-':
		if n := r.dash(i, rest); n > 0 {
			return n
		}
		return r.span(i, rest)
	case '*', '_', '+', '^', '~':
		return r.span(i, rest)
	case 'h', 'f', 'i', 'n', 'm':
		return r.bareURL(rest)
	case ':', ';', '(':
		return r.emoticon(rest)
	}
	return 0
}

func (r *inlineReader) macroAt(i int) int {
	end := strings.Index(r.s[i:], macroClose)
	number, err := strconv.Atoi(r.s[i+1 : max(i+1, i+end)])
	if end < 0 || err != nil || number >= len(r.p.macros) {
		return 1
	}
	r.emit(r.p.macros[number]...)
	return end + 1
}

// backslash reads a forced line break or an escaped sign. "\\server\share" stays as it is.
func (r *inlineReader) backslash(rest string) int {
	if strings.HasPrefix(rest, `\\`) {
		if wikiUNC.MatchString(rest) {
			r.plain.WriteString(`\\`)
			return 2
		}
		r.emit(&adfNode{Type: "hardBreak"})
		return 2
	}
	if len(rest) > 1 && strings.IndexByte(`*_-+^~{}[]()!#|?:;@&"'`, rest[1]) >= 0 {
		n := 2
		if strings.HasPrefix(rest, `\{{`) {
			n = 3
		}
		r.plain.WriteString(rest[1:n])
		return n
	}
	return 0
}

// brace reads {{code}}, {color}, {anchor} and the braced signs {*}bold{*}.
func (r *inlineReader) brace(i int, rest string) int {
	line, _, _ := strings.Cut(rest, "\n")
	switch {
	case strings.HasPrefix(rest, "{{"):
		end := strings.Index(line[2:], "}}")
		if end <= 0 || strings.TrimSpace(line[2:2+end]) == "" {
			return 0
		}
		r.emit(&adfNode{Type: "text", Text: r.plainOf(line[2 : 2+end]), Marks: []adfMark{{Type: "code"}}})
		return end + 4
	case strings.HasPrefix(rest, "{color"):
		return r.colour(rest)
	case strings.HasPrefix(rest, "{anchor:"):
		return strings.IndexByte(line, '}') + 1
	case len(rest) > 2 && rest[2] == '}' && wikiSpans[rest[1]].Type != "":
		sign := rest[:3]
		end := strings.Index(line[3:], sign)
		if end <= 0 {
			return 0
		}
		r.marked(wikiSpans[rest[1]], line[3:3+end])
		return end + 6
	}
	return 0
}

// plainOf drops macro numbers out of text that is shown as it is.
func (r *inlineReader) plainOf(s string) string {
	return strings.NewReplacer(macroOpen, "", macroClose, "").Replace(s)
}

func (r *inlineReader) colour(rest string) int {
	m := wikiColour.FindStringSubmatch(rest)
	if m == nil {
		if strings.HasPrefix(rest, "{color}") {
			return len("{color}") // one that closes nothing
		}
		return 0
	}
	body, _, closed := strings.Cut(rest[len(m[0]):], "{color}")
	if !closed {
		return len(m[0])
	}
	r.marked(adfMark{Type: "textColor", Attrs: map[string]any{"color": hexColour(m[1], "#000000")}}, body)
	return len(m[0]) + len(body) + len("{color}")
}

// marked reads text and marks all of it.
func (r *inlineReader) marked(m adfMark, body string) {
	nodes := r.p.inlineAt(body, r.depth+1)
	for _, n := range nodes {
		addMark(n, m)
	}
	r.emit(nodes...)
}

var wikiSpans = map[byte]adfMark{
	'*': {Type: "strong"}, '_': {Type: "em"}, '-': {Type: "strike"}, '+': {Type: "underline"},
	'^': {Type: "subsup", Attrs: map[string]any{"type": "sup"}}, '~': {Type: "subsup", Attrs: map[string]any{"type": "sub"}},
}

// span reads *bold* and its like: the sign stands at a word's edge, and no white space inside touches it.
func (r *inlineReader) span(i int, rest string) int {
	sign := rest[0]
	if !r.edgeBefore(i) || len(rest) < 3 || isSpace(rest[1]) || rest[1] == sign {
		return 0
	}
	line, _, _ := strings.Cut(rest, "\n")
	end := spanEnd(line, sign)
	if end < 2 || isSpace(line[end-1]) {
		return 0
	}
	body := line[1:end]
	if strings.Count(body, "{color:") != strings.Count(body, "{color}") {
		return 0
	}
	next, _ := utf8.DecodeRuneInString(line[end+1:])
	if end+1 < len(line) && isWord(next) {
		return 0
	}
	r.marked(wikiSpans[sign], body)
	return end + 1
}

// spanEnd finds the closing sign, past code text and escaped signs.
func spanEnd(line string, sign byte) int {
	for j := 1; j < len(line); j++ {
		switch {
		case strings.HasPrefix(line[j:], "{{"):
			if end := strings.Index(line[j:], "}}"); end > 0 {
				j += end + 1
			}
		case line[j] == '\\' && j+1 < len(line) && line[j+1] == sign && line[j-1] != '\\':
			j++
		case line[j] == sign:
			return j
		}
	}
	return -1
}

// edgeBefore tells whether a word may begin at i.
func (r *inlineReader) edgeBefore(i int) bool {
	if i == 0 {
		return true
	}
	before, _ := utf8.DecodeLastRuneInString(r.s[:i])
	return !isWord(before)
}

func isWord(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' }

func (r *inlineReader) cite(i int, rest string) int {
	line, _, _ := strings.Cut(rest, "\n")
	end := strings.Index(line[2:], "??")
	if end <= 0 || !r.edgeBefore(i) || isSpace(line[2]) || isSpace(line[1+end]) {
		return 0
	}
	r.marked(adfMark{Type: "em"}, "— "+line[2:2+end])
	return end + 4
}

func (r *inlineReader) dash(i int, rest string) int {
	m := wikiDash.FindStringSubmatch(rest)
	if m == nil || i > 0 && !isSpace(r.s[i-1]) {
		return 0
	}
	r.plain.WriteString(map[int]string{2: "–", 3: "—"}[len(m[1])])
	return len(m[1])
}

// image reads !name|options!: a picture stands by itself, so it splits the paragraph.
func (r *inlineReader) image(i int, rest string) int {
	m := wikiImage.FindStringSubmatch(rest)
	if m == nil || !r.edgeBefore(i) || strings.Contains(m[0], macroOpen) {
		return 0
	}
	attrs := map[string]any{"height": json.Number("183"), "width": json.Number("200")} // Jira's placeholder size
	for _, part := range strings.Split(m[2], ",") {
		k, v, _ := strings.Cut(part, "=")
		k, v = strings.TrimSpace(k), strings.Trim(strings.TrimSpace(v), `"`)
		if _, err := strconv.ParseUint(v, 10, 16); err == nil && (k == "width" || k == "height") {
			attrs[k] = json.Number(strings.TrimLeft(v, "0") + map[bool]string{true: "0"}[strings.Trim(v, "0") == ""])
		}
		if k == "alt" && v != "" {
			attrs["alt"] = v
		}
	}
	if u, err := url.Parse(m[1]); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		attrs["type"], attrs["url"] = "external", m[1]
	} else {
		attrs["type"], attrs["id"], attrs["collection"] = "file", m[1], ""
	}
	r.emit(&adfNode{Type: "mediaSingle", Attrs: map[string]any{"layout": "center"}, Content: []*adfNode{{Type: "media", Attrs: attrs}}})
	return len(m[0])
}

func (r *inlineReader) emoticon(rest string) int {
	for _, e := range emoticons {
		if strings.HasPrefix(rest, e.sign) {
			r.emit(&adfNode{Type: "emoji", Attrs: map[string]any{"shortName": e.short, "id": e.id, "text": e.text}})
			return len(e.sign)
		}
	}
	return 0
}
