package sim

import (
	"encoding/json"
	"slices"
	"strings"
)

const (
	searchComments  = 20  // comments inside an issue of a search or a bulk fetch: the first ones
	issueComments   = 50  // comments inside one issue read by itself
	bulkHistories   = 40  // changelog entries in a bulk fetch
	searchHistories = 100 // changelog entries in `expand=changelog`
)

// issueBean is an issue as the platform shows it. Without fields it shows all, as a single read does.
func (t *Tenant) issueBean(is *issue, me *user, v view) obj {
	v.me = me
	b := obj{"id": is.idText(), "key": is.key, "self": t.url + "/rest/api/" + v.dialect() + "/issue/" + is.idText(),
		"expand": "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations"}
	shown := t.shown(v.fields)
	if shown != nil {
		fields := make(obj, len(shown))
		for _, f := range shown {
			fields[f.id] = t.render(is, f, v)
		}
		b["fields"] = fields
	}
	if v.expand["names"] {
		names := obj{}
		for _, f := range shown {
			names[f.id] = f.name
		}
		b["names"] = names
	}
	if v.expand["schema"] {
		schemas := obj{}
		for _, f := range shown {
			schemas[f.id] = f.schema()
		}
		b["schema"] = schemas
	}
	if v.expand["renderedFields"] {
		b["renderedFields"] = t.renderedFields(is, shown, v)
	}
	if v.expand["changelog"] {
		b["changelog"] = t.changelogOf(is, v)
	}
	if v.expand["transitions"] {
		b["transitions"] = t.transitionBeans(is, me, false, v.expand["transitions.fields"])
	}
	if v.expand["editmeta"] {
		b["editmeta"] = obj{"fields": t.editMeta(is, me)}
	}
	if v.expand["operations"] {
		b["operations"] = obj{"linkGroups": []any{}}
	}
	if len(v.props) > 0 {
		props := obj{}
		for key, value := range is.props {
			if slices.Contains(v.props, key) || slices.Contains(v.props, "*all") {
				props[key] = value
			}
		}
		b["properties"] = props
	}
	return b
}

// shown picks fields as the parameter `fields` says: names, *all, *navigable, -name. nil: no fields member
// at all (a search's default of id only).
func (t *Tenant) shown(names []string) []*field {
	var out []*field
	add := func(f *field) {
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	positive := slices.ContainsFunc(names, func(n string) bool { return !strings.HasPrefix(n, "-") })
	if !positive {
		names = append([]string{"*all"}, names...)
	}
	for _, n := range names {
		switch {
		case n == "*all":
			out = append(out[:0:0], t.lists.fields...)
		case n == "*navigable":
			for _, f := range t.lists.fields {
				if f.navigable() {
					add(f)
				}
			}
		case strings.HasPrefix(n, "-"):
			out = slices.DeleteFunc(slices.Clone(out), func(f *field) bool { return f.id == n[1:] })
		default:
			if f := t.field(n); f != nil {
				add(f)
			}
		}
	}
	if out == nil {
		out = []*field{}
	}
	if len(names) == 1 && names[0] == "id" {
		return nil
	}
	return out
}

func (t *Tenant) renderedFields(is *issue, shown []*field, v view) obj {
	out := obj{}
	for _, f := range shown {
		out[f.id] = nil
		if raw, rich := is.vals[f.id].(json.RawMessage); rich {
			out[f.id] = adfToHTML(raw)
		}
	}
	return out
}

func (t *Tenant) changelogOf(is *issue, v view) obj {
	most := searchHistories
	if v.search {
		most = bulkHistories
	}
	newest := slices.Clone(is.changes)
	slices.Reverse(newest)
	newest = newest[:min(most, len(newest))]
	list := make([]any, len(newest))
	for i, ch := range newest {
		list[i] = t.changeBean(ch, v.me)
	}
	return obj{"startAt": 0, "maxResults": len(list), "total": len(is.changes), "histories": list}
}

// changeBean is a history entry as the platform shows it.
func (t *Tenant) changeBean(ch *change, me *user) obj {
	items := make([]any, len(ch.items))
	for i, it := range ch.items {
		items[i] = it.bean()
	}
	return obj{"id": text(ch.id), "author": t.userBean(ch.author, me), "created": stampFor(ch.at, me), "items": items}
}

func (it changeItem) bean() obj {
	return obj{"field": it.field, "fieldtype": it.fieldType, "fieldId": it.fieldID,
		"from": orNull(it.from), "fromString": orNull(it.fromString), "to": orNull(it.to), "toString": orNull(it.toString)}
}

func orNull(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}
