package jsm

import (
	"encoding/json"
	"slices"
	"strings"

	"parley/replica/adf"
)

// FieldOf names the field of a history item: its stable id, or the name in lower case where an old
// entry lacks that.
func FieldOf(it ChangeItem) string {
	id := it.FieldID
	if id == "" {
		id = strings.ToLower(it.Field)
	}
	if id == "timeoriginalestimate" || id == "timeestimate" {
		return "timetracking" // the field that both are written by
	}
	return id
}

// Members tells which members of a set a history item took away and which it added, with ids where Jira
// gives them: labels stand in one text, components and versions have an item each. known is false for sets
// whose history Jira writes in words that cannot be taken apart (organizations, persons).
func (f Field) Members(it ChangeItem) (gone, added []Option, known bool) {
	switch f.Type {
	case Labels:
		was, is := strings.Fields(it.FromString), strings.Fields(it.ToString)
		for _, l := range was {
			if !slices.Contains(is, l) {
				gone = append(gone, Option{Value: l})
			}
		}
		for _, l := range is {
			if !slices.Contains(was, l) {
				added = append(added, Option{Value: l})
			}
		}
		return gone, added, true
	case Components, MultiVersion:
		if it.FromString != "" {
			gone = append(gone, Option{ID: it.From, Value: it.FromString})
		}
		if it.ToString != "" {
			added = append(added, Option{ID: it.To, Value: it.ToString})
		}
		return gone, added, !f.Custom
	}
	return nil, nil, false
}

// Before is the value that a history item replaced, as it can be written again. ok is false where the history
// does not tell it exactly: formatted texts, sets, times of day, and what only a transition sets.
func (f Field) Before(it ChangeItem) (v Value, ok bool) {
	if it.From == "" && it.FromString == "" {
		return nil, f.ID != "summary" && f.Type != StatusType && !f.Type.Set()
	}
	switch f.Type {
	case Text, URL:
		return it.FromString, it.FromString != ""
	case Paragraph:
		if strings.ContainsAny(it.FromString, `*_{}[]|!#+^~\`) || strings.Contains(it.FromString, "h1.") || strings.Contains(it.FromString, "bq.") {
			return nil, false // markup: what it looked like is not certain
		}
		return Rich(adf.Text(it.FromString).JSON()), true
	case NumberType:
		n, err := canonicalNumber(json.Number(it.FromString))
		return n, err == nil
	case DateType:
		return Date(it.From), len(it.From) == len("2006-01-02")
	case User:
		return Person{AccountID: it.From, Name: it.FromString}, it.From != ""
	case Select, Radio, Priority, Resolution, Version, Security:
		return Option{ID: it.From, Value: it.FromString}, it.From != ""
	case StatusType:
		return Option{ID: it.From, Value: it.FromString}, it.FromString != ""
	}
	return nil, false
}
