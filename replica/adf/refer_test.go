package adf

import (
	"reflect"
	"testing"
)

const everything = `{"type":"panel","attrs":{"panelType":"info"},"content":[` + single + `]},{"type":"paragraph","content":[` + jane +
	`,{"type":"mediaInline","attrs":{"type":"image","id":"2","collection":"c2","alt":"log"}},{"type":"inlineCard","attrs":{"url":"https://a"}}]},` +
	`{"type":"mediaGroup","content":[` + picture + `,{"type":"media","attrs":{"type":"file","id":"3","collection":""}}]},` +
	`{"type":"mediaSingle","content":[{"type":"media","attrs":{"type":"external","url":"https://x"}}]},` +
	`{"type":"blockCard","attrs":{"data":{"@id":"https://b"}}},{"type":"embedCard","attrs":{"url":"https://c","layout":"wide"}},{"type":"blockCard","attrs":{"datasource":{}}}`

func TestWhatADocumentRefersTo(t *testing.T) {
	d := parse(t, doc(everything))
	plan := Medium{Type: "file", ID: "5a1c", Collection: "c1", Occurrence: "o", Alt: "plan.png"}
	if got, want := d.Media(), []Medium{plan, {Type: "image", ID: "2", Collection: "c2", Alt: "log"}, plan, {Type: "file", ID: "3"}, {Type: "external", URL: "https://x"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("media %+v", got)
	}
	if got, want := d.Mentions(), []Mention{{ID: "5b10", Text: "@Jane Doe"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("mentions %+v", got)
	}
	if got, want := d.Cards(), []Card{{"inlineCard", "https://a"}, {"blockCard", "https://b"}, {"embedCard", "https://c"}, {"blockCard", ""}}; !reflect.DeepEqual(got, want) {
		t.Errorf("cards %+v", got)
	}
}

func TestRetain(t *testing.T) {
	before := parse(t, doc(everything))
	after := parse(t, doc(p(tx(`new words`))+`,{"type":"mediaSingle","content":[{"type":"media","attrs":{"type":"file","id":"3","collection":""}}]}`))
	dropped := Dropped(before, after)
	if len(dropped) != 2 || dropped[0].ID != "5a1c" || dropped[1].ID != "2" {
		t.Errorf("dropped %+v", dropped)
	}
	kept := Retain(before, after, nil)
	if left := Dropped(before, kept); left != nil {
		t.Errorf("still dropped %+v", left)
	}
	if !reflect.DeepEqual(kept.Content[:2], after.Content) || len(kept.Content) != 3 {
		t.Errorf("%s", kept.JSON())
	}
	inline := parse(t, doc(p(`{"type":"mediaInline","attrs":{"id":"2","collection":""}}`)))
	if got := Retain(inline, new(Doc), nil).JSON(); Check(got) != nil || len(Dropped(inline, parse(t, string(got)))) > 0 {
		t.Errorf("%v: %s", Check(got), got)
	}
	if Retain(before, before, nil) != before || Retain(new(Doc), after, nil) != after {
		t.Error("nothing is dropped, and the document is another")
	}
}
