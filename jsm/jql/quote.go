package jql

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Quote writes s as a double-quoted JQL literal: safe as an operand, a field name or an argument, whatever s holds.
// Bytes that are not UTF-8 become U+FFFD. It protects the query, not the text search syntax inside a ~ operand.
func Quote(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case unprintable(c):
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// escapeLen is the length of the escape at the start of s, 0 where it is none: \t \n \r \" \' \\ "\ " \uXXXX.
func escapeLen(s string) int {
	if len(s) < 2 {
		return 0
	}
	if strings.IndexByte("tnr\"'\\ ", s[1]) >= 0 {
		return 2
	}
	if s[1] != 'u' || len(s) < 6 {
		return 0
	}
	for i := 2; i < 6; i++ {
		if !isHex(s[i]) {
			return 0
		}
	}
	return 6
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// unescape decodes a literal whose escapes the lexer has checked. Surrogate pairs join; a lone surrogate becomes U+FFFD.
func unescape(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for len(s) > 0 {
		if s[0] != '\\' {
			n := strings.IndexByte(s, '\\')
			if n < 0 {
				n = len(s)
			}
			b.WriteString(s[:n])
			s = s[n:]
			continue
		}
		switch s[1] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'u':
			c := hexRune(s)
			if utf16.IsSurrogate(c) {
				low := rune(utf8.RuneError)
				if strings.HasPrefix(s[6:], `\u`) {
					low = hexRune(s[6:])
				}
				if c = utf16.DecodeRune(c, low); c != utf8.RuneError {
					s = s[6:]
				}
			}
			b.WriteRune(c)
			s = s[4:]
		default:
			b.WriteByte(s[1])
		}
		s = s[2:]
	}
	return b.String()
}

func hexRune(escape string) rune {
	n, _ := strconv.ParseUint(escape[2:6], 16, 16) // checked by escapeLen
	return rune(n)
}
