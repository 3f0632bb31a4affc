package conf

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The vocabulary: which entities there are, which of them this version carries, and which words each
// knows in each direction. A word that does nothing in its place is an error, not a decoration.

var (
	plainEntities = []string{"summary", "description", "environment", "status", "resolution", "priority", "assignee",
		"reporter", "due_date", "labels", "components", "comments", "comments.internal", "request_type", "organizations",
		"attachments", "attachments.internal",
		"fix_versions", "affects_versions", "security_level", "time_tracking", "parent", "watchers",
		"worklogs", "links", "participants", "subtasks",
		"approvals", "sla", "portal", "satisfaction", "queue", "knowledge"}
	customID = regexp.MustCompile(`^customfield_[0-9]{1,19}$`)
)

const (
	fieldPrefix = "field:"
	viewPrefix  = "view:"
)

// EntityKnown reports whether name is an entity that this version carries.
func EntityKnown(name string) bool {
	return slices.Contains(plainEntities, name) || customID.MatchString(name) ||
		strings.HasPrefix(name, fieldPrefix) && len(name) > len(fieldPrefix) ||
		strings.HasPrefix(name, viewPrefix) && len(name) > len(viewPrefix)
}

// CustomField gives the name or id of a custom field entity: "field:Impact" and "customfield_10050".
func CustomField(entity string) (nameOrID string, ok bool) {
	if customID.MatchString(entity) {
		return entity, true
	}
	return strings.CutPrefix(entity, fieldPrefix)
}

// checkEntity reports a name that cannot stand as an entity.
func checkEntity(name Text, incoming bool, ps *Problems) bool {
	n := name.Value
	switch {
	case incoming && strings.HasPrefix(n, viewPrefix):
		ps.Add(name.Pos, fmt.Sprintf("name the field to write, and read it with from = %q", n), "%q is made by the sender and cannot be written to", n)
		return false
	case refusePart(name, incoming, ps), refuseService(name, incoming, ps):
		return false
	case EntityKnown(n):
		return true
	}
	hint := DidYouMean(n, plainEntities)
	if hint == "" && n != "" {
		hint = fmt.Sprintf("a custom field is written \"field:%s\"", n)
	}
	ps.Add(name.Pos, hint, "there is no item called %q", n)
	return false
}

var (
	outWords      = []string{"from", "when", "value", "set", "map", "else", "otherwise"}
	inWords       = append(slices.Clone(outWords), "once", "wins", "empty", "mode")
	personWords   = []string{"from", "when", "set", "once", "wins", "empty"}
	outComment    = []string{"when", "strip", "retract"}
	inComment     = []string{"when", "as", "public_when", "byline", "edits", "deletes"}
	statusOut     = []string{"when", "map", "else", "otherwise"}
	statusIn      = []string{"from", "when", "value", "set", "map", "else", "otherwise", "once", "wins", "resolution", "via", "reopen"}
	wholeWords    = []string{"from", "when", "once", "wins", "empty"} // of what has neither names nor literals
	watcherWords  = []string{"from", "when", "set", "once", "mode"}
	typeIn        = []string{"from", "when", "set", "map", "else", "otherwise", "once", "wins"}
	everyWord     = append(slices.Clone(inWords), "strip", "retract", "as", "public_when", "byline", "edits", "deletes", "resolution", "via", "reopen", "create", "max", "own_site", addressesWord)
	topWords      = []string{"peer", "connection", "project", "relay", "since", "approve_first", "use"}
	besideMap     = []string{"else", "otherwise", "wins", "empty", "mode", "when"}
	directionOnly = map[string]string{"once": "incoming", "wins": "incoming", "empty": "incoming", "mode": "incoming", "as": "incoming",
		"public_when": "incoming", "byline": "incoming", "edits": "incoming", "deletes": "incoming", "reopen": "incoming", "via": "incoming",
		"resolution": "incoming", "create": "incoming", "strip": "outgoing", "retract": "outgoing", "own_site": "outgoing", "clock": "incoming", "fields": "incoming", "name": "incoming"}
)

// wordsOf lists the words that an entity's table knows.
func wordsOf(entity string, incoming bool) []string {
	return withAddresses(entity, ownWords(entity, incoming))
}

func ownWords(entity string, incoming bool) []string {
	if words, known := partWords(entity, incoming); known {
		return words
	}
	if words, known := serviceWords(entity, incoming); known {
		return words
	}
	switch entity {
	case "attachments", "attachments.internal":
		return attachmentWords(incoming)
	case "comments", "comments.internal":
		if incoming {
			return inComment
		}
		return outComment
	case "assignee", "reporter":
		if incoming {
			return personWords
		}
		return []string{"when"}
	case "status":
		if incoming {
			return statusIn
		}
		return statusOut
	case "request_type":
		if incoming {
			return typeIn
		}
	case "organizations":
		if incoming {
			return append(slices.Clone(inWords), "create")
		}
	case "time_tracking", "parent":
		if incoming {
			return wholeWords
		}
		return []string{"when"}
	case "watchers":
		if incoming {
			return watcherWords
		}
		return []string{"when", "as"}
	}
	if _, custom := CustomField(entity); custom && incoming {
		return append(slices.Clone(inWords), "create")
	}
	if incoming {
		return inWords
	}
	return outWords
}

// asWords lists what as can say of an entity, its default first.
func asWords(entity string) []string {
	if entity == "watchers" {
		return []string{"count", "people"}
	}
	if words := serviceAs(entity); words != nil {
		return words
	}
	return []string{"internal", "public", "same"}
}
