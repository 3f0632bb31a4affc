package conf

import (
	"fmt"
	"slices"
	"strings"
)

// direction reads [outgoing] or [incoming]: a list of names, and a table for each entity that needs one.
func (rd *rulesReader) direction(t *table, list string, to *Direction) error {
	incoming := list == "accept"
	to.Pos = t.n.key
	seen := map[string]Pos{}
	for _, name := range t.texts(list, false) {
		if before, ok := seen[name.Value]; ok {
			rd.ps.Add(name.Pos, "", "%q is named twice in %s (first at line %d)", name.Value, list, before.Line)
			continue
		}
		seen[name.Value] = name.Pos
		if strings.HasPrefix(name.Value, viewPrefix) && !incoming {
			rd.ps.Add(name.Pos, fmt.Sprintf("give it a table: [outgoing.%s] with value or set", quoteKey(name.Value)), "%q has no value", name.Value)
			continue
		}
		if checkEntity(name, incoming, rd.ps) {
			to.Named = append(to.Named, name)
		}
	}
	for _, k := range t.n.kids {
		if k.name == list || slices.Contains(t.known, k.name) {
			continue
		}
		if !k.isTable {
			continue // done reports it
		}
		t.get(k.name)
		where := fmt.Sprintf("[%s.%s]", t.n.name, quoteKey(k.name))
		sub := openTable(k, where, rd.ps)
		var err error
		if incoming && k.name == "create" {
			err = rd.create(sub)
		} else {
			err = rd.entity(sub, incoming, to)
		}
		if err != nil {
			return err
		}
	}
	t.known = []string{list}
	for _, k := range t.n.kids {
		if k.isTable {
			t.known = append(t.known, k.name)
		}
	}
	t.done(func(k *node) string {
		switch {
		case k.name == "share" || k.name == "accept":
			return fmt.Sprintf("did you mean %q?", list)
		case EntityKnown(k.name):
			return fmt.Sprintf("add it to %s, or give it a table [%s.%s]", list, t.n.name, quoteKey(k.name))
		}
		return misplaced(k)
	})
	return nil
}

// quoteKey writes a key as it must stand in a header.
func quoteKey(s string) string {
	if goodConst(strings.ReplaceAll(s, "-", "_")) {
		return s
	}
	return quote(s)
}

// entity reads one entity's table.
func (rd *rulesReader) entity(t *table, incoming bool, to *Direction) error {
	name := Text{Value: t.n.name, Pos: t.n.key}
	if inner := t.n.kid("internal"); inner != nil && inner.isTable {
		rd.ps.Add(inner.key, fmt.Sprintf("keys that hold a dot need quotes: [%s.\"%s.internal\"]", directionName(incoming), name.Value),
			"unknown word %q in %s", "internal", t.where)
		t.get("internal")
	}
	if incoming && refuseImpossible(t, rd.r.People, rd.ps) || !checkEntity(name, incoming, rd.ps) {
		return nil
	}
	words := wordsOf(name.Value, incoming)
	e := plainEntity(name)
	var err error
	for _, word := range words {
		if err = rd.word(t, word, &e); err != nil {
			return err
		}
	}
	t.done(func(k *node) string { return wordHint(k, name.Value, incoming) })
	e.check(t, incoming)
	e.checkService(t, incoming)
	to.Entities = append(to.Entities, e)
	return nil
}

func directionName(incoming bool) string {
	if incoming {
		return "incoming"
	}
	return "outgoing"
}

// wordHint helps with a word that the entity does not know here.
func wordHint(k *node, entity string, incoming bool) string {
	if hint := misplaced(k); hint != "" {
		return hint
	}
	if d, ok := directionOnly[k.name]; ok && d != directionName(incoming) && slices.Contains(wordsOf(entity, d == "incoming"), k.name) {
		return fmt.Sprintf("it belongs under [%s.%s]", d, quoteKey(entity))
	}
	if slices.Contains(everyWord, k.name) {
		return fmt.Sprintf("%q says nothing about %s", k.name, entity)
	}
	return ""
}

// word reads one word into its place.
func (rd *rulesReader) word(t *table, word string, e *Entity) (err error) {
	if known, err := rd.serviceWord(t, word, e); known {
		return err
	}
	texts := map[string]*Text{"from": &e.From, "when": &e.When, "value": &e.Value, "strip": &e.Strip, "public_when": &e.PublicWhen}
	choices := map[string]struct {
		to    *Text
		words []string
	}{
		"otherwise": {&e.Otherwise, []string{"hold", "same", "skip"}},
		"wins":      {&e.Wins, []string{"latest", "ours", "theirs", "hold"}},
		"empty":     {&e.Empty, []string{"keep", "clear"}},
		"mode":      {&e.Mode, []string{"add", "replace"}},
		"as":        {&e.As, asWords(e.Name.Value)},
		"edits":     {&e.Edits, editsWords(e.Name.Value)},
		"deletes":   {&e.Deletes, deletesWords(e.Name.Value)},

		addressesWord: {&e.Addresses, addressesChoices},
	}
	switch word {
	case "set":
		e.Set = t.literal(word)
	case "else":
		e.Else = t.literal(word)
	case "once":
		e.Once = t.flag(word, false)
	case "byline":
		e.Byline = t.flag(word, true)
	case "retract":
		e.Retract = t.flag(word, false)
	case "reopen":
		e.Reopen = t.flag(word, true)
	case "own_site":
		e.OwnSite = t.flag(word, false)
	case "create":
		e.Creates = t.flag(word, false)
	case "max":
		e.Max = t.size(word)
	case "via":
		e.Via = t.texts(word, false)
	case "map":
		e.Map, err = rd.mapping(t, word)
	case "resolution":
		e.Resolution, err = rd.mapping(t, word)
	default:
		if to, ok := texts[word]; ok {
			*to = t.text(word)
			if to.IsSet() && strings.TrimSpace(to.Value) == "" {
				t.ps.Add(to.Pos, "", "%q in %s is empty", word, t.where)
			}
			return nil
		}
		c := choices[word]
		*c.to = t.choice(word, c.words...)
	}
	return err
}

// check refuses words that contradict each other. elseAlone: else may stand without a map, for what the
// field does not have among its options.
func (e *Entity) check(t *table, elseAlone bool) {
	pairs := []struct {
		a, b   Pos
		an, bn string
		hint   string
	}{
		{e.Set.Pos, e.Value.Pos, "set", "value", "set is a literal, value is an expression: keep one"},
		{e.Set.Pos, e.From.Pos, "set", "from", "a literal reads nothing: keep one"},
		{e.Set.Pos, e.Map.Pos, "set", "map", "a literal needs no map: keep one"},
		{e.Value.Pos, e.From.Pos, "value", "from", "the expression names what it reads: keep one"},
		{e.Else.Pos, e.Otherwise.Pos, "else", "otherwise", "else gives a value, otherwise says hold, same or skip: keep one"},
	}
	for _, p := range pairs {
		if !p.a.IsSet() || !p.b.IsSet() {
			continue
		}
		later := p.a
		if p.a.Before(p.b) < 0 {
			later = p.b
		}
		t.ps.Add(later, p.hint, "%s and %s in %s exclude each other", p.an, p.bn, t.where)
	}
	for _, w := range []struct {
		pos  Pos
		name string
	}{{e.Else.Pos, "else"}, {e.Otherwise.Pos, "otherwise"}} {
		if w.pos.IsSet() && !e.Map.Pos.IsSet() && !(elseAlone && w.name == "else") {
			t.ps.Add(w.pos, "add a map, or remove it", "%s in %s has no map to fall back from", w.name, t.where)
		}
	}
	if strings.HasPrefix(e.Name.Value, viewPrefix) && !e.Set.IsSet() && !e.Value.IsSet() && !e.From.IsSet() {
		t.ps.Add(e.Name.Pos, "give it value, set or from", "%s has no value", t.where)
	}
}

// mapping reads a map: a table of names, or the path of a file that holds one.
func (rd *rulesReader) mapping(t *table, word string) (Map, error) {
	n := t.get(word)
	if n == nil {
		return Map{}, nil
	}
	m := Map{Pos: n.at}
	where := word + " in " + t.where
	if _, ok := n.value.(string); ok {
		file, err := rd.include(n.text())
		if err != nil || file == nil {
			return m, err
		}
		n, where = file, n.text().Value
	}
	if !n.isTable {
		t.wrong(n, `a table such as { Urgent = "P1" } or the path of a file with one`, "")
		return m, nil
	}
	for _, k := range n.kids {
		if slices.Contains(besideMap, k.name) {
			rd.ps.Add(k.key, fmt.Sprintf("put %s beside the map, not inside it", k.name), "%q stands inside %s", k.name, where)
			continue
		}
		if _, ok := k.value.(string); !ok {
			hint := ""
			if k.isTable {
				hint = "keys that hold a dot need quotes"
			}
			rd.ps.Add(k.at, hint, "%q in %s must be a string, not %s", k.name, where, k.kind())
			continue
		}
		m.Entries = append(m.Entries, MapEntry{From: Text{Value: k.name, Pos: k.key}, To: k.text()})
	}
	if len(m.Entries) == 0 && len(n.kids) == 0 {
		rd.ps.Add(n.at, "", "%s is empty", where)
	}
	return m, nil
}

// create reads [incoming.create].
func (rd *rulesReader) create(t *table) error {
	c := &rd.r.Create
	c.Pos = t.n.key
	c.Project = t.text("project")
	if c.Project.IsSet() && !goodProject(c.Project.Value) {
		rd.ps.Add(c.Project.Pos, `a project's key, for example "HELP"`, "project %q is not a key", c.Project.Value)
	}
	c.OnBehalfOf = t.text("on_behalf_of")
	c.RequestType.Name = Text{Value: "request_type", Pos: t.n.key}
	n := t.n.kid("request_type")
	switch {
	case n == nil:
		t.get("request_type")
	case n.isTable:
		t.get("request_type")
		c.RequestType.Name.Pos = n.key
		sub := openTable(n, "request_type in "+t.where, rd.ps)
		for _, w := range []string{"from", "map", "else", "otherwise"} {
			if err := rd.word(sub, w, &c.RequestType); err != nil {
				return err
			}
		}
		sub.done(nil)
		c.RequestType.check(sub, false)
	default:
		v := t.text("request_type")
		c.RequestType.Name.Pos = n.key
		c.RequestType.Set = Literal{Value: v.Value, Pos: v.Pos}
		if v.Value == "" {
			rd.ps.Add(n.at, "", "request_type in %s is empty", t.where)
		}
	}
	t.done(misplaced)
	return nil
}
