package conf

import "slices"

// The words of what a service desk knows of a request beside its fields: approvals, sla, portal, satisfaction, queue
// and knowledge. What they cannot say, because Jira takes it from nobody, is in impossible.go.

// Service holds the words that only these entities have.
type Service struct {
	Clock  Text   // sla: theirs, ours, both
	Fields Map    // what of theirs lands in which of our fields
	Status Map    // approvals: our status for a decision
	Queue  Text   // queue: its name
	Set    []Sets // queue: what puts a ticket there
}

// Sets is one field with its literal.
type Sets struct {
	Field Text
	Value Literal
}

var serviceEntities = []string{"approvals", "sla", "portal", "satisfaction", "queue", "knowledge"}

// ServiceEntity reports whether an entity is one of the service desk's own.
func ServiceEntity(entity string) bool { return slices.Contains(serviceEntities, entity) }

// serviceWords lists the words of such an entity; known is false for any other.
func serviceWords(entity string, incoming bool) (words []string, known bool) {
	if !ServiceEntity(entity) {
		return nil, false
	}
	words = []string{"when"}
	if !incoming {
		return words, true
	}
	switch entity {
	case "sla":
		words = append(words, "clock", "as", "fields")
	case "approvals":
		words = append(words, "as", "fields", "status")
	case "queue":
		words = append(words, "name", "set")
	case "knowledge":
		words = append(words, "as")
	default:
		words = append(words, "as", "fields")
	}
	return words, true
}

// serviceAs lists what as can say of such an entity, its default first; none for any other.
func serviceAs(entity string) []string {
	switch entity {
	case "approvals":
		return []string{"note", "field", "transition", "answer"}
	case "sla", "satisfaction":
		return []string{"note", "field"}
	case "portal":
		return []string{"note", "field", "web_link"}
	case "knowledge":
		return []string{"web_link", "note"}
	}
	return nil
}

// refuseService refuses what no desk can take or tell, with what to do instead.
func refuseService(name Text, incoming bool, ps *Problems) bool {
	if incoming || name.Value != "queue" {
		return false
	}
	ps.Add(name.Pos, `share the fields that it asks for, and let the partner name its own queue under [incoming.queue]`, "a queue does not cross: it is a filter of your own desk")
	return true
}

// serviceWord reads one of these words; known is false for any other.
func (rd *rulesReader) serviceWord(t *table, word string, e *Entity) (known bool, err error) {
	if !ServiceEntity(e.Name.Value) {
		return false, nil
	}
	s := &e.Service
	switch {
	case word == "clock":
		s.Clock = t.choice(word, "theirs", "ours", "both")
	case word == "fields":
		s.Fields, err = rd.mapping(t, word)
	case word == "status":
		s.Status, err = rd.mapping(t, word)
	case word == "name":
		s.Queue = t.text(word)
	case word == "set":
		s.Set = rd.sets(t)
	default:
		return false, nil
	}
	return true, err
}

// sets reads the fields of [incoming.queue].
func (rd *rulesReader) sets(t *table) (all []Sets) {
	n := t.get("set")
	if n == nil {
		return nil
	}
	if !n.isTable {
		t.wrong(n, `a table such as { "field:Team" = "Network", labels = ["vip"] }`, "")
		return nil
	}
	sub := openTable(n, "set in "+t.where, rd.ps)
	for _, k := range n.kids {
		name := Text{Value: k.name, Pos: k.key}
		v := sub.literal(k.name)
		if v.IsSet() && checkEntity(name, true, rd.ps) {
			all = append(all, Sets{name, v})
		}
	}
	return all
}

// checkService refuses words that contradict each other or lack one.
func (e *Entity) checkService(t *table, incoming bool) {
	if !ServiceEntity(e.Name.Value) || !incoming {
		return
	}
	s, as := &e.Service, t.n.kid("as")
	if s.Fields.Pos.IsSet() && as == nil {
		e.As = Text{Value: "field"} // fields say so
	}
	switch {
	case e.As.Value == "field" && !s.Fields.Pos.IsSet():
		t.ps.Add(e.As.Pos, "add fields = "+fieldsExample[e.Name.Value], "as = %q in %s names no field", "field", t.where)
	case e.As.Value != "field" && s.Fields.Pos.IsSet():
		t.ps.Add(s.Fields.Pos, `as = "field" goes with it`, "fields in %s say nothing where as = %q", t.where, e.As.Value)
	}
	if e.Name.Value == "approvals" {
		switch {
		case e.As.Value == "transition" && !s.Status.Pos.IsSet():
			t.ps.Add(e.As.Pos, `add status = { approved = "In Progress", declined = "Closed" }`, "as = %q in %s names no status", "transition", t.where)
		case e.As.Value != "transition" && s.Status.Pos.IsSet():
			t.ps.Add(s.Status.Pos, `as = "transition" goes with it`, "status in %s says nothing where as = %q", t.where, e.As.Value)
		}
		for _, m := range s.Status.Entries {
			if m.From.Value != "approved" && m.From.Value != "declined" {
				t.ps.Add(m.From.Pos, `"approved" and "declined" are decisions`, "%q in status of %s is no decision", m.From.Value, t.where)
			}
		}
	}
	if e.Name.Value == "queue" && (!s.Queue.IsSet() || t.n.kid("set") == nil) {
		t.ps.Add(e.Name.Pos, `name = "VIP" and set = { labels = ["vip"] }`, "%s needs the queue's name, and what puts a ticket there", t.where)
	}
}

// fieldsExample is a line of fields for a hint.
var fieldsExample = map[string]string{
	"approvals": `{ "*" = "field:Partner approval" }`, "sla": `{ "Time to resolution" = "field:Partner due" }`,
	"portal": `{ status = "field:Partner status" }`, "satisfaction": `{ stars = "field:Partner rating" }`,
}
