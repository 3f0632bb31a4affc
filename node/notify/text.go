package notify

import (
	"fmt"
	"strings"
	"time"
)

// Subject is a message in one line.
func (m *Message) Subject(node string) string {
	if len(m.Items) == 1 {
		it := m.Items[0]
		if !it.Over.IsZero() {
			return fmt.Sprintf("[parley %s] over: %s", node, it.Title)
		}
		return fmt.Sprintf("[parley %s] %s", node, it.Title)
	}
	urgent, over := 0, 0
	for _, it := range m.Items {
		switch {
		case !it.Over.IsZero():
			over++
		case it.Severity == Urgent:
			urgent++
		}
	}
	s := fmt.Sprintf("[parley %s] %d notices", node, len(m.Items))
	if urgent > 0 {
		s += fmt.Sprintf(", %d urgent", urgent)
	}
	if over > 0 {
		s += fmt.Sprintf(", %d over", over)
	}
	return s
}

// Text is a message as lines of plain text, without its subject. Times are of the zone.
func (m *Message) Text(zone *time.Location) string {
	parts := make([]string, len(m.Items))
	for i := range m.Items {
		parts[i] = strings.Join(m.Items[i].text(zone), "\n")
	}
	return strings.Join(parts, "\n\n")
}

// text words one trouble, a paragraph a line.
func (it *Item) text(zone *time.Location) []string {
	if zone == nil {
		zone = time.UTC
	}
	when := func(t time.Time) string { return t.In(zone).Format("2006-01-02 15:04 MST") }
	word := strings.ToUpper(string(it.Severity))
	if !it.Over.IsZero() {
		return []string{"OVER: " + it.Title, fmt.Sprintf("It was so from %s to %s.", when(it.Since), when(it.Over))}
	}
	lines := []string{word + ": " + it.Title, "Since " + when(it.Since) + "."}
	for _, l := range it.Lines {
		lines = append(lines, "- "+l.Text)
	}
	if it.More > 0 {
		lines = append(lines, fmt.Sprintf("- and %d more", it.More))
	}
	if it.Next != "" {
		lines = append(lines, "Next: "+it.Next)
	}
	return lines
}
