package jql

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

type kind uint8

const (
	endOfQuery kind = iota
	leftParen
	rightParen
	comma
	leftBracket
	rightBracket
	bang
	compareOp // < > <= >=
	equalsOp  // = !=
	likeOp    // ~ !~
	inWord
	isWord
	andWord
	orWord
	notWord
	emptyWord
	wasWord
	changedWord
	predicateWord // after before on during from to
	orderWord
	byWord // also a predicate
	directionWord
	customFieldWord // cf
	positiveNumber
	negativeNumber
	word
	quoted
)

// token is one lexeme, src[start:end]. text is its meaning: decoded for words and quoted strings, lower case for keywords.
type token struct {
	kind       kind
	start, end int
	text       string
}

// lexer cuts src into tokens, the longest first, as Atlassian's grammar does.
type lexer struct {
	src string
	pos int
}

// next returns the token at pos and moves behind it. It reports the characters, words and escapes that no query may hold.
func (l *lexer) next() (token, error) {
	for l.pos < len(l.src) && strings.IndexByte(" \t\r\n", l.src[l.pos]) >= 0 {
		l.pos++
	}
	start := l.pos
	if start == len(l.src) {
		return token{kind: endOfQuery, start: start, end: start}, nil
	}
	if k, n := punctuation(l.src[start:]); n > 0 {
		l.pos += n
		return token{k, start, l.pos, l.src[start:l.pos]}, nil
	}
	if c := l.src[start]; c == '"' || c == '\'' {
		return l.quoted(c)
	}
	return l.word()
}

func punctuation(s string) (kind, int) {
	second := byte(0)
	if len(s) > 1 {
		second = s[1]
	}
	switch s[0] {
	case '(':
		return leftParen, 1
	case ')':
		return rightParen, 1
	case ',':
		return comma, 1
	case '[':
		return leftBracket, 1
	case ']':
		return rightBracket, 1
	case '=':
		return equalsOp, 1
	case '~':
		return likeOp, 1
	case '<', '>':
		if second == '=' {
			return compareOp, 2
		}
		return compareOp, 1
	case '!':
		switch second {
		case '=':
			return equalsOp, 2
		case '~':
			return likeOp, 2
		}
		return bang, 1
	case '&':
		if second == '&' {
			return andWord, 2
		}
		return andWord, 1
	case '|':
		if second == '|' {
			return orWord, 2
		}
		return orWord, 1
	}
	return 0, 0
}

func (l *lexer) quoted(quote byte) (token, error) {
	start := l.pos
	escaped := false
	for i := start + 1; i < len(l.src); {
		c, n := utf8.DecodeRuneInString(l.src[i:])
		switch {
		case c == rune(quote):
			l.pos = i + 1
			text := l.src[start+1 : i]
			if escaped {
				text = unescape(text)
			}
			return token{quoted, start, l.pos, text}, nil
		case c == '\\':
			escaped = true
			if n = escapeLen(l.src[i:]); n == 0 {
				return token{}, l.badEscape(i)
			}
		case c != '\n' && c != '\r' && unprintable(c):
			return token{}, l.mustEscape(i, c)
		}
		i += n
	}
	text := strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace(l.src[start+1:])
	if text == "" {
		return token{}, l.errorAt(start, "Error in the JQL Query: The quoted string has not been completed.")
	}
	return token{}, l.errorAt(start, "Error in the JQL Query: The quoted string '%s' has not been completed.", text)
}

func (l *lexer) word() (token, error) {
	start, i := l.pos, l.pos
	escaped := false
	for i < len(l.src) {
		c, n := utf8.DecodeRuneInString(l.src[i:])
		if c == '\\' {
			escaped = true
			if n = escapeLen(l.src[i:]); n == 0 {
				return token{}, l.badEscape(i)
			}
		} else if !bareRune(c) {
			break
		}
		i += n
	}
	if i == start {
		c, _ := utf8.DecodeRuneInString(l.src[i:])
		if strings.ContainsRune(reservedRunes, c) {
			return token{}, l.errorAt(i, "Error in the JQL Query: The character '%c' is a reserved JQL character. You must enclose it in a string or use the escape '\\u%04x' instead.", c, c)
		}
		return token{}, l.mustEscape(i, c)
	}
	l.pos = i
	text := l.src[start:i]
	if escaped {
		return token{word, start, i, unescape(text)}, nil
	}
	k, meaning := classify(text)
	if k == reserved {
		return token{}, l.errorAt(start, "Error in the JQL Query: '%s' is a reserved JQL word. You must surround it in quotation marks to use it in a query.", text)
	}
	return token{k, start, i, meaning}, nil
}

// reservedRunes may appear in quotes only; Jira keeps them for later versions of the language.
const reservedRunes = "#$%*+/;?@^{}"

// bareRune says whether c may stand in a word without quotes. White space is ASCII only: a no-break space is part of a word.
func bareRune(c rune) bool {
	switch {
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
		return true
	case c < 0x80:
		return c == '-' || c == '.' || c == ':' || c == '_' || c == '`'
	}
	return !unprintable(c)
}

// unprintable holds for the code points that a query must write as an escape, in quotes or out of them.
func unprintable(c rune) bool {
	return c < 0x20 || c >= 0x7f && c <= 0x9f || c >= 0xfdd0 && c <= 0xfdef || c == 0xfffe || c == 0xffff
}

func (l *lexer) badEscape(at int) error {
	const valid = `The valid escape sequences are \', \", \t, \n, \r, \\, '\ ' and \uXXXX.`
	rest := l.src[at+1:]
	if rest == "" {
		return l.errorAt(at, "Error in the JQL Query: The escape sequence has not been completed. %s", valid)
	}
	n := 0 // as far as it could be an escape, and the character that spoils it
	if rest[0] == 'u' {
		for n = 1; n < len(rest) && isHex(rest[n]); n++ {
		}
	}
	_, last := utf8.DecodeRuneInString(rest[n:])
	shown := l.src[at : at+1+n+last]
	return l.errorAt(at, "Error in the JQL Query: '%s' is an illegal JQL escape sequence. %s", shown, valid)
}

func (l *lexer) mustEscape(at int, c rune) error {
	line, col := l.place(at)
	return l.errorAt(at, "Error in the JQL Query: The character 'U+%04X' on line %d at position %d must be escaped. Use the escape '\\u%04x' instead.", c, line, col, c)
}

// place gives the line and character, both from 1, of a byte offset. Characters are UTF-16 units, as Jira counts them.
func (l *lexer) place(at int) (line, col int) {
	before := l.src[:at]
	line = 1 + strings.Count(before, "\n")
	col = 1
	for _, c := range before[strings.LastIndexByte(before, '\n')+1:] {
		col++
		if c > 0xffff {
			col++
		}
	}
	return line, col
}

func (l *lexer) errorAt(at int, format string, args ...any) error {
	line, col := l.place(at)
	msg := fmt.Sprintf(format, args...)
	return &SyntaxError{Line: line, Col: col, Offset: at, Msg: fmt.Sprintf("%s (line %d, character %d)", msg, line, col)}
}
