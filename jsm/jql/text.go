package jql

import (
	"slices"
	"strings"
	"unicode"
)

// textTest compiles the operand of ~ and !~ on a text field: words that must all occur, "phrases in quotes", * and ? inside
// or after a word, AND OR NOT && || ! + - and parentheses. Fuzzy (word~), proximity ("a b"~9) and boost (word^4) marks are
// read and ignored. Words are compared without case; there is no stemming.
func (k *comparison) textTest(v Value) func(Datum) bool {
	if strings.TrimSpace(v.Text) == "" {
		k.fail("The field '%s' does not support searching for an empty string.", k.name)
		return nil
	}
	p := &textParser{rest: plain(strings.TrimSpace(v.Text))}
	if c := p.rest[0]; c == '*' || c == '?' {
		k.fail("The text query '%s' for field '%s' is not allowed to start with character '%c'.", v.Text, k.name, c)
		return nil
	}
	m := p.any()
	if p.broken || strings.TrimSpace(p.rest) != "" {
		k.fail("Unable to parse the text '%s' for field '%s'.", v.Text, k.name)
		return nil
	}
	if m == nil { // nothing but punctuation: Jira's analyzer leaves no word to find
		return func(Datum) bool { return false }
	}
	return func(d Datum) bool { return m(words(d.Name)) }
}

// plain takes the escapes away. An escaped sign is no longer syntax: to the index it is punctuation, like the dot put there.
func plain(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	escaped := false
	for _, c := range s {
		switch {
		case escaped && wordRune(c):
			b.WriteRune(c)
		case escaped:
			b.WriteRune('·')
		case c != '\\':
			b.WriteRune(c)
		}
		escaped = c == '\\' && !escaped
	}
	if escaped { // a lone backslash at the end
		b.WriteRune('·')
	}
	return b.String()
}

// words cuts text as the search index does: runs of letters, digits and underscores, in lower case.
func words(s string) []string {
	return strings.FieldsFunc(fold(s), func(c rune) bool { return !wordRune(c) })
}

func wordRune(c rune) bool {
	return unicode.IsLetter(c) || unicode.IsDigit(c) || unicode.IsMark(c) || c == '_'
}

type textMatch func(text []string) bool

// textParser reads the search syntax of one operand. A nil textMatch is a part without words: it restricts nothing.
type textParser struct {
	rest   string
	depth  int
	broken bool
}

const maxTextDepth = 50 // parentheses and NOTs within one text operand

func (p *textParser) skip() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// accept takes one of the marks: an operator word needs white space or the end behind it.
func (p *textParser) accept(marks ...string) bool {
	p.skip()
	for _, m := range marks {
		after, ok := strings.CutPrefix(p.rest, m)
		if ok && (m[0] < 'A' || m[0] > 'Z' || after == "" || strings.ContainsRune(" \t\r\n(\"", rune(after[0]))) {
			p.rest = after
			return true
		}
	}
	return false
}

func (p *textParser) any() textMatch {
	parts := []textMatch{p.all()}
	for p.accept("OR", "||") {
		parts = append(parts, p.all())
	}
	return combine(parts, false)
}

func (p *textParser) all() textMatch {
	var parts []textMatch
	for !p.broken {
		p.skip()
		if p.rest == "" || p.rest[0] == ')' || strings.HasPrefix(p.rest, "||") || p.ahead("OR") {
			break
		}
		if p.accept("AND", "&&") && len(parts) == 0 {
			p.broken = true
		}
		parts = append(parts, p.one())
	}
	return combine(parts, true)
}

func (p *textParser) ahead(mark string) bool {
	look := *p
	return look.accept(mark)
}

// combine joins parts of which all, or else any, must match.
func combine(parts []textMatch, all bool) textMatch {
	parts = slices.DeleteFunc(parts, func(m textMatch) bool { return m == nil })
	switch len(parts) {
	case 0:
		return nil
	case 1:
		return parts[0]
	}
	return func(text []string) bool {
		for _, m := range parts {
			if m(text) != all {
				return !all
			}
		}
		return all
	}
}

func (p *textParser) one() textMatch {
	if p.depth++; p.depth > maxTextDepth {
		p.broken = true
		return nil
	}
	defer func() { p.depth-- }()
	switch {
	case p.accept("NOT", "!", "-"):
		m := p.one()
		if m == nil {
			return nil
		}
		return func(text []string) bool { return !m(text) }
	case p.accept("+"):
		return p.one()
	case p.accept("("):
		m := p.any()
		p.broken = p.broken || !p.accept(")")
		return m
	case p.accept(`"`):
		inside, after, ok := strings.Cut(p.rest, `"`)
		p.rest, p.broken = after, p.broken || !ok
		p.marks()
		return phrase(pieces(inside))
	}
	return p.word()
}

// word reads up to white space or a sign that ends it. What the index would cut apart, such as SUP-7, is a phrase.
func (p *textParser) word() textMatch {
	end := strings.IndexAny(p.rest, " \t\r\n()\"~^")
	switch {
	case end == 0:
		p.broken = true
		return nil
	case end < 0:
		end = len(p.rest)
	}
	p.broken = p.broken || p.rest[0] == '*' || p.rest[0] == '?' // the index cannot look up a word by its end
	w := p.rest[:end]
	p.rest = p.rest[end:]
	p.marks()
	return phrase(pieces(w))
}

// marks drops ~, ~0.8, ^4 behind a word or phrase.
func (p *textParser) marks() {
	for p.rest != "" && (p.rest[0] == '~' || p.rest[0] == '^') {
		p.rest = strings.TrimLeft(p.rest[1:], "0123456789.")
	}
}

// pieces cuts a search word like words does, but keeps the wildcards.
func pieces(s string) []string {
	list := strings.FieldsFunc(fold(s), func(c rune) bool { return !wordRune(c) && c != '*' && c != '?' })
	return slices.DeleteFunc(list, func(w string) bool { return strings.Trim(w, "*?") == "" })
}

// phrase matches where the pieces stand one behind the other.
func phrase(want []string) textMatch {
	if len(want) == 0 {
		return nil
	}
	return func(text []string) bool {
		for i := 0; i+len(want) <= len(text); i++ {
			if slices.EqualFunc(want, text[i:i+len(want)], glob) {
				return true
			}
		}
		return false
	}
}

// glob matches a whole string against a pattern of * and ?. It goes back to the last * only, so it is never exponential.
func glob(pattern, s string) bool {
	star, retry := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			if pattern[p] == '?' {
				i = nextRune(s, i)
			} else {
				i++
			}
			p++
		case star >= 0:
			retry = nextRune(s, retry)
			p, i = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

func nextRune(s string, i int) int {
	for i++; i < len(s) && s[i]&0xc0 == 0x80; i++ {
	}
	return i
}
