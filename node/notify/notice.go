package notify

import (
	"strings"
	"time"
	"unicode"
)

// Severity says how soon a person should look.
type Severity string

// The severities, in rising order.
const (
	Info    Severity = "info"    // good to know
	Warning Severity = "warning" // within days
	Urgent  Severity = "urgent"  // now: sharing has stopped or will
)

func (s Severity) rank() int {
	switch s {
	case Urgent:
		return 2
	case Warning:
		return 1
	}
	return 0
}

// Notice is one trouble as it stands at the moment of a look. Its texts name
// tickets by key and give reasons; they hold no content of a ticket, no person
// and no token.
type Notice struct {
	Key      string        `json:"key"` // what it is about, such as "peer/globex": the same trouble, the same key
	Class    string        `json:"class"`
	Severity Severity      `json:"severity"`
	Title    string        `json:"title"`           // one sentence
	Lines    []Line        `json:"lines,omitempty"` // what it is made of, newest first
	More     int           `json:"more,omitempty"`  // how many lines there are besides
	Next     string        `json:"next,omitempty"`  // what to do
	Patience time.Duration `json:"patience,omitempty"`

	// Unknown says that this look cannot tell whether the trouble stands, as
	// just after a start: what is known of it stays. Only Key counts then.
	Unknown bool `json:"-"`
}

// Line is one part of a notice. A part younger than those told is news.
type Line struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// What is kept of a notice.
const (
	maxKey   = 200 // bytes; longer keys are not taken
	maxTitle = 300 // characters
	maxLine  = 300 // characters
	maxLines = 10
)

// newest is the time of the youngest line; zero where there is none.
func (n *Notice) newest() (at time.Time) {
	for _, l := range n.Lines {
		if l.At.After(at) {
			at = l.At
		}
	}
	return at
}

// since leaves only the lines younger than at, which were not told yet; all of
// them where none is.
func (n Notice) since(at time.Time) Notice {
	var young []Line
	for _, l := range n.Lines {
		if l.At.After(at) {
			young = append(young, l)
		}
	}
	if len(young) > 0 && len(young) < len(n.Lines) {
		n.More += len(n.Lines) - len(young)
		n.Lines = young
	}
	return n
}

// bounded cleans and clips a notice's texts. The caller's notice stays as it is.
func (n Notice) bounded() Notice {
	n.Class, n.Title, n.Next = tidy(n.Class, 60), tidy(n.Title, maxTitle), tidy(n.Next, maxTitle)
	kept := n.Lines[:min(len(n.Lines), maxLines)]
	n.More += len(n.Lines) - len(kept)
	lines := make([]Line, len(kept))
	for i, l := range kept {
		lines[i] = Line{l.At.Round(0), tidy(l.Text, maxLine)}
	}
	n.Lines = lines
	return n
}

// tidy makes one line of visible characters of s, at most most of them.
func tidy(s string, most int) string {
	s = s[:min(len(s), 16*most)] // what is longer is clipped anyway
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) { // controls, bidirectional marks, what is no character
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}
