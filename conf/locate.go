package conf

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// This is the first station of a document: BurntSushi/toml keeps no positions, so the locator walks the
// text once and notes where each key and value stands. It accepts more than TOML does (the decoder that
// comes next refuses the rest) and stops at what it cannot read.

const (
	maxDocument = 512 << 10 // bytes of one file; the largest sensible map of options is far below
	maxDepth    = 24        // tables, inline tables and arrays inside each other, and parts of a dotted key
)

var (
	errTooDeep = errors.New("nested too deeply")
	errLost    = errors.New("cannot read on") // the decoder will say what is wrong
)

// A place is where one value stands, and where its children stand. Numbers are byte offsets.
type place struct {
	key, val int
	inner    int  // the first character inside a string, else val
	exact    bool // a string without escapes: its characters stand in the file as they are
	kids     map[string]*place
	order    []string
	elems    []*place
}

// kid gives the child of that name, new where there was none.
func (p *place) kid(name string, at int) *place {
	if k := p.kids[name]; k != nil {
		return k
	}
	if p.kids == nil {
		p.kids = map[string]*place{}
	}
	k := &place{key: at, val: at, inner: at}
	p.kids[name] = k
	p.order = append(p.order, name)
	return k
}

// last gives the table that a header path leads into: of an array of tables the last member.
func (p *place) last() *place {
	if n := len(p.elems); n > 0 {
		return p.elems[n-1]
	}
	return p
}

type locator struct {
	src string
	at  int
}

// locate gives the places of a document. It returns what it found together with errTooDeep or errLost.
func locate(src string) (*place, error) {
	root := &place{}
	l := &locator{src: strings.TrimPrefix(src, "\ufeff"), at: 0}
	if len(l.src) != len(src) {
		l.src, l.at = src, len("\ufeff")
	}
	open := root
	for {
		l.blank(true)
		if l.at >= len(l.src) {
			return root, nil
		}
		var err error
		if l.peek() == '[' {
			open, err = l.header(root)
		} else {
			err = l.pair(open, 0)
		}
		if err != nil {
			return root, err
		}
	}
}

// peek gives the next byte, or 0 at the end.
func (l *locator) peek() byte {
	if l.at < len(l.src) {
		return l.src[l.at]
	}
	return 0
}

// blank skips spaces, and with lines also line ends and comments.
func (l *locator) blank(lines bool) {
	for l.at < len(l.src) {
		switch c := l.src[l.at]; {
		case c == ' ' || c == '\t':
			l.at++
		case lines && (c == '\n' || c == '\r'):
			l.at++
		case lines && c == '#':
			if i := strings.IndexByte(l.src[l.at:], '\n'); i >= 0 {
				l.at += i
			} else {
				l.at = len(l.src)
			}
		default:
			return
		}
	}
}

// header reads [a.b] or [[a.b]] and returns the table that it opens.
func (l *locator) header(root *place) (*place, error) {
	list := strings.HasPrefix(l.src[l.at:], "[[")
	l.at++
	if list {
		l.at++
	}
	open, err := l.path(root)
	if err != nil {
		return nil, err
	}
	if list {
		open.elems = append(open.elems, &place{key: open.key, val: open.key, inner: open.key})
	}
	for l.peek() == ']' {
		l.at++
	}
	return open.last(), nil
}

// pair reads key = value into a table.
func (l *locator) pair(table *place, depth int) error {
	p, err := l.path(table)
	if err != nil {
		return err
	}
	if l.peek() != '=' {
		return errLost
	}
	l.at++
	l.blank(false)
	return l.value(p, depth)
}

// path reads a dotted key and returns the place that it names, below from.
func (l *locator) path(from *place) (*place, error) {
	for depth := 0; ; depth++ {
		if depth > maxDepth {
			return nil, errTooDeep
		}
		l.blank(false)
		start := l.at
		name, err := l.name()
		if err != nil {
			return nil, err
		}
		from = from.last().kid(name, start)
		l.blank(false)
		if l.peek() != '.' {
			return from, nil
		}
		l.at++
	}
}

// name reads one bare or quoted part of a key.
func (l *locator) name() (string, error) {
	if q := l.peek(); q == '"' || q == '\'' {
		start := l.at + 1
		if err := l.quoted(q); err != nil {
			return "", err
		}
		inside := l.src[start : l.at-1]
		if q == '\'' {
			return inside, nil
		}
		return unescape(inside), nil
	}
	start := l.at
	for l.at < len(l.src) && !strings.ContainsRune(" \t\r\n=.[]{},#\"'", rune(l.src[l.at])) {
		l.at++
	}
	if l.at == start {
		return "", errLost
	}
	return l.src[start:l.at], nil
}

// value reads any value into its place.
func (l *locator) value(p *place, depth int) error {
	if depth > maxDepth {
		return errTooDeep
	}
	p.val, p.inner = l.at, l.at
	switch c := l.peek(); c {
	case '"', '\'':
		return l.text(p, c)
	case '[':
		return l.list(p, depth)
	case '{':
		return l.inline(p, depth)
	}
	end := strings.IndexAny(l.src[l.at:], ",]}#\n")
	if end == 0 {
		return errLost
	}
	if end < 0 {
		end = len(l.src) - l.at
	}
	l.at += end
	return nil
}

func (l *locator) list(p *place, depth int) error {
	for l.at++; ; {
		l.blank(true)
		switch l.peek() {
		case ']':
			l.at++
			return nil
		case ',':
			l.at++
			continue
		case 0:
			return errLost
		}
		elem := &place{key: l.at}
		p.elems = append(p.elems, elem)
		if err := l.value(elem, depth+1); err != nil {
			return err
		}
	}
}

func (l *locator) inline(p *place, depth int) error {
	for l.at++; ; {
		l.blank(true)
		switch l.peek() {
		case '}':
			l.at++
			return nil
		case ',':
			l.at++
			continue
		case 0:
			return errLost
		}
		if err := l.pair(p, depth+1); err != nil {
			return err
		}
	}
}

// text reads a string of any of the four kinds and notes where its characters begin.
func (l *locator) text(p *place, q byte) error {
	long := strings.Repeat(string(q), 3)
	if !strings.HasPrefix(l.src[l.at:], long) {
		p.inner = l.at + 1
		if err := l.quoted(q); err != nil {
			return err
		}
		p.exact = q == '\'' || !strings.Contains(l.src[p.inner:l.at], `\`)
		return nil
	}
	l.at += 3
	if strings.HasPrefix(l.src[l.at:], "\r\n") {
		l.at++
	}
	if l.peek() == '\n' { // a line end right after the opening is not part of the string
		l.at++
	}
	p.inner = l.at
	for ; l.at < len(l.src); l.at++ {
		if q == '"' && l.src[l.at] == '\\' {
			l.at++
			continue
		}
		if !strings.HasPrefix(l.src[l.at:], long) {
			continue
		}
		for l.at += 3; l.peek() == q; { // up to two quotes may belong to the string
			l.at++
		}
		p.exact = q == '\'' || !strings.Contains(l.src[p.inner:l.at], `\`)
		return nil
	}
	return errLost
}

// quoted skips a single-line string.
func (l *locator) quoted(q byte) error {
	for l.at++; l.at < len(l.src); l.at++ {
		switch c := l.src[l.at]; {
		case c == q:
			l.at++
			return nil
		case c == '\n':
			return errLost
		case c == '\\' && q == '"':
			l.at++
		}
	}
	return errLost
}

// unescape resolves the escapes of a basic string; what it does not know stays as written.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if at := strings.IndexByte("btnfre\"\\", s[i]); at >= 0 {
			b.WriteByte("\b\t\n\f\r\x1b\"\\"[at])
			continue
		}
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[i]]
		if digits == 0 || i+1+digits > len(s) {
			b.WriteByte(s[i])
			continue
		}
		if n, err := strconv.ParseUint(s[i+1:i+1+digits], 16, 32); err == nil {
			b.WriteRune(rune(n))
		}
		i += digits
	}
	return b.String()
}

// lines turns byte offsets of a document into places that a person can find.
type lines struct {
	file   string
	src    string
	starts []int
}

func newLines(file, src string) *lines {
	l := &lines{file: file, src: src, starts: []int{0}}
	for i := 0; i < len(src); i++ {
		if src[i] == '\n' {
			l.starts = append(l.starts, i+1)
		}
	}
	return l
}

func (l *lines) pos(offset int) Pos {
	offset = min(max(offset, 0), len(l.src))
	lo, hi := 0, len(l.starts)
	for lo+1 < hi {
		if mid := (lo + hi) / 2; l.starts[mid] <= offset {
			lo = mid
		} else {
			hi = mid
		}
	}
	return Pos{File: l.file, Line: lo + 1, Col: 1 + utf8.RuneCountInString(l.src[l.starts[lo]:offset])}
}
