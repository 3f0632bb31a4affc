package adf

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// schema reads Atlassian's JSON schema (draft 4) as far as that one uses it.
type schema struct{ definitions map[string]any }

func atlassians(t *testing.T) schema {
	var text bytes.Buffer
	for lines := shared(t, "oracles/adf/adf-schema-v1-full.json"); lines.Scan(); {
		text.Write(lines.Bytes())
	}
	var root struct{ Definitions map[string]any }
	dec := json.NewDecoder(&text)
	dec.UseNumber()
	if err := dec.Decode(&root); err != nil {
		t.Fatal(err)
	}
	return schema{root.Definitions}
}

func (s schema) takes(v any) bool { return s.fits(s.definitions["doc_node"], v) }

func (s schema) fits(rule, v any) bool {
	r := rule.(map[string]any)
	if ref, ok := r["$ref"].(string); ok {
		return s.fits(s.definitions[ref[strings.LastIndex(ref, "/")+1:]], v)
	}
	for name, want := range r {
		list, _ := want.([]any)
		each := func(rule any) bool { return s.fits(rule, v) }
		ok := true
		switch name {
		case "anyOf":
			ok = slices.ContainsFunc(list, each)
		case "allOf":
			ok = !slices.ContainsFunc(list, func(rule any) bool { return !each(rule) })
		case "enum":
			ok = slices.ContainsFunc(list, func(e any) bool { return reflect.DeepEqual(e, v) })
		case "type":
			ok = isOf(want.(string), v)
		case "pattern":
			text, is := v.(string)
			ok = !is || regexp.MustCompile(want.(string)).MatchString(text)
		case "minLength":
			text, is := v.(string)
			ok = !is || float64(utf8.RuneCountInString(text)) >= float(want)
		case "minimum", "maximum":
			n, is := v.(json.Number)
			ok = !is || n == want || (float(n) < float(want)) == (name == "maximum")
		case "items", "minItems", "maxItems":
			all, is := v.([]any)
			ok = !is || s.items(name, want, all)
		case "properties", "required", "additionalProperties":
			members, is := v.(map[string]any)
			ok = !is || s.members(r, name, members)
		}
		if !ok {
			return false
		}
	}
	return true
}

func (s schema) items(name string, want any, all []any) bool {
	switch name {
	case "minItems":
		return float64(len(all)) >= float(want)
	case "maxItems":
		return float64(len(all)) <= float(want)
	}
	tuple, isTuple := want.([]any)
	for i, v := range all {
		rule := want
		if isTuple {
			rule = tuple[min(i, len(tuple)-1)] // the draft lets anything follow; nobody means that
		}
		if !s.fits(rule, v) {
			return false
		}
	}
	return true
}

func (s schema) members(r map[string]any, name string, members map[string]any) bool {
	properties, _ := r["properties"].(map[string]any)
	switch name {
	case "properties":
		for name, rule := range properties {
			if v, ok := members[name]; ok && !s.fits(rule, v) {
				return false
			}
		}
	case "required":
		for _, name := range r["required"].([]any) {
			if _, ok := members[name.(string)]; !ok {
				return false
			}
		}
	case "additionalProperties":
		for name := range members {
			if _, ok := properties[name]; !ok && r["additionalProperties"] == false {
				return false
			}
		}
	}
	return true
}

func float(v any) float64 { f, _ := v.(json.Number).Float64(); return f }

func isOf(kind string, v any) bool {
	switch v.(type) {
	case string:
		return kind == "string"
	case json.Number:
		return kind == "number"
	case bool:
		return kind == "boolean"
	case []any:
		return kind == "array"
	case map[string]any:
		return kind == "object"
	}
	return kind == "null"
}

// TestCheckIsTheSchema changes valid documents at random and compares Check with the schema itself.
func TestCheckIsTheSchema(t *testing.T) {
	judge := atlassians(t)
	var docs, parts []any
	for _, s := range samples(t) {
		if s.Valid && len(s.ADF) < 2000 {
			v := number64(t, s.ADF)
			docs, parts = append(docs, v), append(parts, v.(map[string]any)["content"].([]any)...)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	verdicts := map[bool]int{}
	for range 4_000 {
		v := number64(t, Attr(docs[random.IntN(len(docs))]))
		for range 1 + random.IntN(2) {
			mutate(random, v, parts)
		}
		b := Attr(v)
		if bytes.Contains(b, []byte(`"bodiedSyncBlock"`)) {
			continue // the schema lets paragraphs and headings in it have any marks; no editor makes them
		}
		want, err := judge.takes(number64(t, b)), Check(b)
		verdicts[want]++
		if (err == nil) != want {
			t.Errorf("the schema says %v, and we %v: %s", want, err, b)
		}
	}
	t.Log(verdicts)
	if verdicts[true] < 500 || verdicts[false] < 500 {
		t.Errorf("the changes were no test: %v", verdicts)
	}
}

func number64(t *testing.T, b []byte) (v any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return v
}

// mutate changes one member of a random object of the tree.
func mutate(random *rand.Rand, root any, parts []any) {
	var objects []map[string]any
	var find func(v any)
	find = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			objects = append(objects, v)
			for _, name := range slices.Sorted(maps.Keys(v)) {
				find(v[name])
			}
		case []any:
			for _, e := range v {
				find(e)
			}
		}
	}
	find(root)
	objects = slices.DeleteFunc(objects, func(o map[string]any) bool { return len(o) == 0 })
	pick := func(list []string) string { return list[random.IntN(len(list))] }
	if len(objects) == 0 {
		return
	}
	o := objects[random.IntN(len(objects))]
	nodes, marks := rules()
	list, _ := o["content"].([]any)
	switch random.IntN(8) {
	case 0:
		delete(o, pick(slices.Sorted(maps.Keys(o))))
	case 1:
		o["type"] = pick(slices.Sorted(maps.Keys(nodes)))
	case 2:
		mark := map[string]any{"type": pick(slices.Sorted(maps.Keys(marks)))}
		mark["attrs"] = map[string]any{"align": "end", "level": json.Number("2"), "fontSize": "small", "localId": "f", "mode": "wide", "href": "x"}
		for _, name := range []string{"align", "level", "fontSize", "localId", "mode", "href"} {
			if r := marks[mark["type"].(string)]; len(r.attrs) == 0 || r.attrs[0][name].fits == nil {
				delete(mark["attrs"].(map[string]any), name)
			}
		}
		if marks[mark["type"].(string)].attrs == nil {
			delete(mark, "attrs")
		}
		o["marks"] = []any{mark}
	case 3, 4, 5:
		if list != nil {
			o["content"] = slices.Insert(slices.Clone(list), random.IntN(len(list)+1), parts[random.IntN(len(parts))])
		}
	case 6:
		o[pick([]string{"attrs", "content", "marks", "text"})] = [...]any{map[string]any{}, []any{}, "x", json.Number("3")}[random.IntN(4)]
	case 7:
		o[pick([]string{"localId", "width", "layout", "title", "order", "level", "state", "color", "alt"})] = [...]any{"center", json.Number("101"), json.Number("2"), true, ""}[random.IntN(5)]
	}
}
