package conf

import (
	"fmt"
	"slices"
	"strings"
)

// A Pos is a place in a file that an operator wrote. Line and Col count from 1; Col counts characters,
// not bytes. The zero Pos means "nowhere": the value was not written.
type Pos struct {
	File      string
	Line, Col int
}

// IsSet reports whether the place exists.
func (p Pos) IsSet() bool { return p.Line > 0 }

// String gives file:line:col, or less where less is known.
func (p Pos) String() string {
	if !p.IsSet() {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Before orders places by file, line, column.
func (p Pos) Before(o Pos) int {
	if c := strings.Compare(p.File, o.File); c != 0 {
		return c
	}
	if p.Line != o.Line {
		return p.Line - o.Line
	}
	return p.Col - o.Col
}

// A Problem is one thing wrong in a document, with the way out where there is an obvious one.
type Problem struct {
	File      string
	Line, Col int
	Message   string
	Hint      string
}

// Error gives "file:line:col: message", and the hint on a line of its own.
func (p Problem) Error() string {
	s := p.Message
	if at := (Pos{p.File, p.Line, p.Col}).String(); at != "" {
		s = at + ": " + s
	}
	if p.Hint != "" {
		s += "\n  hint: " + p.Hint
	}
	return s
}

// maxProblems bounds what one reading reports: beyond it a person fixes and looks again.
const maxProblems = 200

// Problems is everything wrong with a document and what it includes, sorted by place.
type Problems struct {
	List []Problem
	more int
}

// Error gives one problem a line (hints indented below).
func (p *Problems) Error() string {
	lines := make([]string, 0, len(p.List)+1)
	for _, one := range p.List {
		lines = append(lines, one.Error())
	}
	if p.more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", p.more))
	}
	return strings.Join(lines, "\n")
}

// Add notes a problem at a place.
func (p *Problems) Add(at Pos, hint, format string, args ...any) {
	if len(p.List) >= maxProblems {
		p.more++
		return
	}
	p.List = append(p.List, Problem{File: at.File, Line: at.Line, Col: at.Col, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// Err sorts the problems and returns them as an error, or nil where there are none.
func (p *Problems) Err() error {
	if p == nil || len(p.List) == 0 {
		return nil
	}
	slices.SortStableFunc(p.List, func(a, b Problem) int {
		return Pos{a.File, a.Line, a.Col}.Before(Pos{b.File, b.Line, b.Col})
	})
	p.List = slices.Compact(p.List)
	return p
}

// Nearest finds the word that was probably meant by got: equal but for case, or within a small edit
// distance. It returns "" where nothing is near.
func Nearest(got string, words []string) string {
	if len(got) > 64 {
		return ""
	}
	best, bestAt := "", 1+min(3, max(1, len([]rune(got))/3))
	for _, w := range words {
		if w != got && strings.EqualFold(w, got) {
			return w
		}
		if d := distance([]rune(strings.ToLower(got)), []rune(strings.ToLower(w))); d < bestAt {
			best, bestAt = w, d
		}
	}
	return best
}

// DidYouMean gives a hint sentence for a word that is not among words, or "".
func DidYouMean(got string, words []string) string {
	near := Nearest(got, words)
	switch {
	case near == "":
		return ""
	case strings.EqualFold(near, got):
		return fmt.Sprintf("did you mean %q? Case matters", near)
	}
	return fmt.Sprintf("did you mean %q?", near)
}

// distance is the edit distance in which a swap of neighbours counts once (optimal string alignment).
func distance(a, b []rune) int {
	if len(a)-len(b) > 3 || len(b)-len(a) > 3 {
		return 9
	}
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
