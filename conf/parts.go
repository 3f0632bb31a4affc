package conf

// The words of the parts of a ticket that are neither fields nor comments: work logs, links (between tickets
// and to the web), participants and sub-tasks.

var partEntities = []string{"worklogs", "links", "participants", "subtasks"}

// partWords lists the words of such an entity; known is false for any other.
func partWords(entity string, incoming bool) (words []string, known bool) {
	out := map[string][]string{
		"worklogs": {"when"}, "links": {"when", "own_site"}, "participants": {"when"}, "subtasks": {"when"},
	}
	in := map[string][]string{
		"worklogs": {"when", "byline", "edits", "deletes"}, "links": {"when", "map", "else", "otherwise", "deletes"}, "participants": {"when", "deletes"},
	}
	if incoming {
		words, known = in[entity]
		return words, known
	}
	words, known = out[entity]
	return words, known
}

// partDeletes and partEdits are what deletes and edits can say of parts, the default first. A part cannot bear a line
// that says that its origin has deleted it, as a comment can.
var (
	partDeletes = []string{"delete", "ignore"}
	partEdits   = []string{"follow", "ignore"}
)

// refusePart refuses a part that partners cannot write, with what to do instead.
func refusePart(name Text, incoming bool, ps *Problems) bool {
	if !incoming || name.Value != "subtasks" {
		return false
	}
	ps.Add(name.Pos, `accept "parent": a sub-task that is shared by its own trigger then hangs below its parent's twin`, "a list of sub-tasks cannot be written to")
	return true
}

// editsWords lists what edits can say of an entity, its default first.
func editsWords(entity string) []string {
	if entity == "worklogs" {
		return partEdits
	}
	return []string{"follow", "note", "ignore"}
}
