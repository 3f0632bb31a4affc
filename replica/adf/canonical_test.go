package adf

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

func canonical(t testing.TB, in string) string {
	t.Helper()
	b, err := Canonical([]byte(in))
	if err != nil {
		t.Fatalf("%s: %v", in, err)
	}
	return string(b)
}

// doc is a document of these nodes.
func doc(nodes string) string { return `{"version":1,"type":"doc","content":[` + nodes + `]}` }

// p is a paragraph of these inline nodes.
func p(inline string) string { return `{"type":"paragraph","content":[` + inline + `]}` }

func tx(s string) string { return `{"type":"text","text":"` + s + `"}` }

func TestCanonicalForms(t *testing.T) {
	const strong, em = `{"type":"strong"}`, `{"type":"em"}`
	for what, c := range map[string][2]string{
		"space and order of members": {
			" {\n\"version\" : 1, \"content\":[ ],\t\"type\":\"doc\"}\n", `{"content":[],"type":"doc","version":1}`,
		},
		"no content, no version": {`{"type":"doc"}`, `{"content":[],"type":"doc","version":1}`},
		"null content":           {`{"type":"doc","content":null}`, doc(``)},
		"localId": {
			doc(`{"type":"paragraph","attrs":{"localId":"a1"},"content":[{"type":"status","attrs":{"text":"x","color":"red","localId":""}}]}`),
			doc(p(`{"type":"status","attrs":{"text":"x","color":"red"}}`)),
		},
		"localId of tasks is numbered": {
			doc(`{"type":"taskList","attrs":{"localId":"u1"},"content":[{"type":"taskItem","attrs":{"localId":"u2","state":"TODO"}},{"type":"taskItem","attrs":{"localId":"u3","state":"DONE"},"content":[]}]}`),
			doc(`{"type":"taskList","attrs":{"localId":"1"},"content":[{"type":"taskItem","attrs":{"localId":"2","state":"TODO"}},{"type":"taskItem","attrs":{"localId":"3","state":"DONE"}}]}`),
		},
		"what Jira adds to a mention": {
			doc(p(`{"type":"mention","attrs":{"id":"1","text":"","accessLevel":"","localId":"x","userType":""}}`)),
			doc(p(`{"type":"mention","attrs":{"id":"1","userType":""}}`)),
		},
		"localId of a mark stays": {
			doc(`{"type":"extension","attrs":{"localId":"x"},"marks":[{"type":"fragment","attrs":{"localId":"f"}}]}`),
			doc(`{"type":"extension","marks":[{"type":"fragment","attrs":{"localId":"f"}}]}`),
		},
		"empty text":            {doc(p(tx(``) + `,` + tx(`a`) + `,` + tx(``))), doc(p(tx(`a`)))},
		"nothing but empty":     {doc(p(tx(``))), doc(`{"type":"paragraph"}`)},
		"neighbours":            {doc(p(tx(`a`) + `,` + tx(`b`) + `,` + tx(`c`))), doc(p(tx(`abc`)))},
		"neighbours over empty": {doc(p(tx(`a`) + `,{"type":"text","text":"","marks":[` + em + `]},` + tx(`b`))), doc(p(tx(`ab`)))},
		"neighbours of two minds": {
			doc(p(`{"type":"text","text":"a","marks":[` + em + `,` + strong + `]},{"type":"text","text":"b","marks":[` + strong + `,` + em + `]},` + tx(`c`))),
			doc(p(`{"type":"text","text":"ab","marks":[` + em + `,` + strong + `]},` + tx(`c`))),
		},
		"neighbours with more to say": {
			doc(p(`{"type":"text","text":"a","x":1},` + tx(`b`))), doc(p(`{"type":"text","text":"a","x":1},` + tx(`b`))),
		},
		"empty marks and attributes": {
			doc(`{"type":"paragraph","attrs":{},"marks":[],"content":[{"type":"hardBreak","attrs":{}}]}`), doc(p(`{"type":"hardBreak"}`)),
		},
		"empty content":                  {doc(`{"type":"codeBlock","content":[]}`), doc(`{"type":"codeBlock"}`)},
		"empty content that is demanded": {doc(`{"type":"tableCell","content":[]}`), doc(`{"type":"tableCell","content":[]}`)},
		"attributes that are demanded":   {doc(`{"type":"nestedExpand","attrs":{},"content":[]}`), doc(`{"type":"nestedExpand","attrs":{},"content":[]}`)},
		"numbers":                        {doc(`{"type":"x","attrs":{"a":1.0,"b":-0,"c":25e-1,"d":1E2,"e":0.10,"f":12345678901234567890.5}}`), doc(`{"type":"x","attrs":{"a":1,"b":0,"c":2.5,"d":100,"e":0.1,"f":12345678901234567890.5}}`)},
		"escapes":                        {doc(p(tx(`\u00e9\/\u0041\ud83d\ude00<&>\u2028`))), doc(p(tx("é/A😀<&>\u2028")))},
		"a surrogate alone":              {doc(p(tx(`\ud800`))), doc(p(tx("\uFFFD")))},
		"unknown things": {
			`{"type":"doc","version":1,"z":{"b":1,"a":[null,true]},"content":[{"type":"hologram","depth":3,"attrs":{"w":{"y":"1","x":null}},"content":[],"text":"t"}]}`,
			`{"content":[{"attrs":{"w":{"x":null,"y":"1"}},"content":[],"depth":3,"text":"t","type":"hologram"}],"type":"doc","version":1,"z":{"a":[null,true],"b":1}}`,
		},
	} {
		if got, want := canonical(t, c[0]), c[1]; !sameJSON(t, got, want) {
			t.Errorf("%s:\ngot  %s\nwant %s", what, got, want)
		}
	}
	if got := canonical(t, doc(p(tx(`a\n\"\\\u0001`)))); got != `{"content":[{"content":[{"text":"a\n\"\\\u0001","type":"text"}],"type":"paragraph"}],"type":"doc","version":1}` {
		t.Errorf("to the byte: %s", got)
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	decode(t, []byte(a), &x)
	decode(t, []byte(b), &y)
	return reflect.DeepEqual(x, y)
}

// TestNothingIsLost compares with what encoding/json reads, where the
// normalisations, written down a second time here, are done on both.
func TestNothingIsLost(t *testing.T) {
	valid := 0
	for _, s := range samples(t) {
		d, err := Parse(s.ADF)
		if !s.Valid {
			continue
		}
		valid++
		if err != nil {
			t.Errorf("%s: %v", s.ID, err)
			continue
		}
		var want, got any
		decode(t, s.ADF, &want)
		out := d.JSON()
		decode(t, out, &got)
		if plain(want); !reflect.DeepEqual(want, got) {
			w, _ := json.Marshal(want)
			t.Errorf("%s:\nhave %s\nwant %s", s.ID, out, w)
		}
		if again := canonical(t, string(out)); again != string(out) {
			t.Errorf("%s: canonical form changes to %s", s.ID, again)
		}
	}
	if valid != 653 {
		t.Errorf("%d valid documents, want 653", valid)
	}
}

// plain does to a tree of encoding/json what the canonical form does.
func plain(root any) {
	local := 0
	var node func(n map[string]any)
	node = func(n map[string]any) {
		attrs, _ := n["attrs"].(map[string]any)
		if attrs != nil && n["type"] != "syncBlock" && n["type"] != "bodiedSyncBlock" {
			switch n["type"] {
			case "taskList", "taskItem", "blockTaskItem", "decisionList", "decisionItem":
				local++
				attrs["localId"] = strconv.Itoa(local)
			default:
				delete(attrs, "localId")
			}
		}
		if n["type"] == "mention" {
			for _, name := range []string{"text", "accessLevel"} {
				if attrs[name] == "" {
					delete(attrs, name)
				}
			}
		}
		if n["type"] != "nestedExpand" && attrs != nil && len(attrs) == 0 {
			delete(n, "attrs")
		}
		plainMarks(n)
		list, ok := n["content"].([]any)
		if !ok {
			return
		}
		var out []any
		for _, c := range list {
			c := c.(map[string]any)
			plainMarks(c)
			if c["type"] == "text" && c["text"] == "" {
				continue
			}
			if len(out) > 0 {
				if last := out[len(out)-1].(map[string]any); last["type"] == "text" && c["type"] == "text" && reflect.DeepEqual(last["marks"], c["marks"]) {
					last["text"] = last["text"].(string) + c["text"].(string)
					continue
				}
			}
			node(c)
			out = append(out, c)
		}
		switch {
		case len(out) > 0:
			n["content"] = out
		case strings.Contains(" paragraph heading codeBlock caption taskItem decisionItem ", " "+n["type"].(string)+" "):
			delete(n, "content")
		default:
			n["content"] = []any{}
		}
	}
	node(root.(map[string]any))
}

// plainMarks puts a node's marks in order and drops what is empty.
func plainMarks(n map[string]any) {
	list, ok := n["marks"].([]any)
	if !ok {
		return
	}
	if len(list) == 0 {
		delete(n, "marks")
		return
	}
	for _, m := range list {
		m := m.(map[string]any)
		if attrs, ok := m["attrs"].(map[string]any); ok && len(attrs) == 0 {
			delete(m, "attrs")
		}
	}
	for i := range list {
		for j := i; j > 0 && markKey(list[j]) < markKey(list[j-1]); j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
}

func markKey(m any) string {
	b, _ := json.Marshal(m) // of what encoding/json read
	return m.(map[string]any)["type"].(string) + "\x00" + string(b)
}

func TestParseRefuses(t *testing.T) {
	for what, in := range map[string]string{
		"nothing": "", "text": `"x"`, "null": "null", "list": "[]", "cut short": `{"type":"doc"`, "two": `{"type":"doc"}{}`,
		"another root": `{"type":"paragraph"}`, "no type": `{"version":1}`, "version 2": `{"type":"doc","version":2}`,
		"no version at all": `{"type":"doc","version":null}`, "version as text": `{"type":"doc","version":"1"}`, "content is an object": `{"type":"doc","content":{}}`,
		"node is text": doc(`"x"`), "node is null": doc(`null`), "node without a type": doc(`{}`), "empty type": doc(`{"type":""}`),
		"type is a number": doc(`{"type":1}`), "text is a number": doc(p(`{"type":"text","text":1}`)),
		"attrs is a list": doc(`{"type":"x","attrs":[]}`), "marks is an object": doc(`{"type":"x","marks":{}}`),
		"mark is text": doc(`{"type":"x","marks":["strong"]}`), "mark without a type": doc(`{"type":"x","marks":[{}]}`),
		"attrs of a mark is text": doc(`{"type":"x","marks":[{"type":"x","attrs":"y"}]}`),
		"content deep down":       doc(p(`{"type":"x","content":7}`)),
		"too deep":                doc(strings.Repeat(`{"type":"x","content":[`, 100) + strings.Repeat(`]}`, 100)),
		"depth bomb":              strings.Repeat(`[`, 4<<20),
		"too many":                doc(`{"type":"x"` + strings.Repeat(`,"y":[]`, 250_000) + `}`),
		"many in an attribute":    doc(`{"type":"x","attrs":{"y":[` + strings.Repeat(`0,`, 600_000) + `0]}}`),
		"too large":               doc(p(tx(strings.Repeat("x", MaxSize)))),
	} {
		if d, err := Parse([]byte(in)); err == nil || d != nil {
			t.Errorf("%s passes", what)
		}
	}
	if _, err := Parse([]byte(doc(strings.Repeat(`{"type":"x","content":[`, 99) + strings.Repeat(`]}`, 99)))); err != nil {
		t.Errorf("99 nodes in each other: %v", err)
	}
}

// TestHostileDocumentsAreQuick: work grows with the bytes, not with their square.
func TestHostileDocumentsAreQuick(t *testing.T) {
	for what, in := range map[string]string{
		"many texts":    doc(p(strings.Repeat(tx(`a`)+`,`, 80_000) + tx(`a`))),
		"many blanks":   doc(strings.Repeat(p(tx(` `))+`,`, 40_000) + p(tx(`(x) a`))),
		"many breaks":   doc(p(strings.Repeat(`{"type":"hardBreak"},`, 100_000) + tx(`(x) a`))),
		"marks of one":  doc(p(`{"type":"text","text":"a","marks":[` + strings.Repeat(`{"type":"strong"},`, 100_000) + `{"type":"em"}]}`)),
		"many keys":     doc(p(tx(strings.Repeat(`AA-1 `, 100_000)))),
		"many cells":    doc(`{"type":"table","content":[{"type":"tableRow","content":[` + strings.Repeat(`{"type":"tableCell"},`, 30_000) + `{"type":"tableCell"}]}]}`),
		"deep items":    doc(strings.Repeat(`{"type":"bulletList","content":[{"type":"listItem","content":[`, 48) + strings.Repeat(p(tx(strings.Repeat(`a `, 10_000)))+`,`, 30) + p(``) + strings.Repeat(`]}]}`, 48)),
		"long and deep": doc(strings.Repeat(`{"type":"x","content":[`, 98) + tx(strings.Repeat(`a`, 3<<20)) + strings.Repeat(`]}`, 98)),
	} {
		start := time.Now()
		d, err := Parse([]byte(in))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		out := d.JSON()
		d.Plain()
		d.CutPrefix("(x)")
		d.Portable()
		hostile := Incoming{Link: func(address string) Target { return Target{URL: address + "x"} }, Key: func(string) Target { return Target{URL: "https://x"} }}
		d.Local(hostile)
		_ = Check([]byte(in))
		_, _ = d.Split(32_000)
		if !bytes.Equal(out, d.JSON()) {
			t.Errorf("%s: not deterministic", what)
		}
		if took := time.Since(start); took > 30*time.Second { // about 0.5 s; the square would take minutes
			t.Errorf("%s: %v", what, took)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		doc(p(tx(`a`))), doc(`{"type":"taskList","attrs":{"localId":"1"},"content":[]}`),
		doc(p(`{"type":"text","text":"b","marks":[{"type":"strong"},{"type":"link","attrs":{"href":"x"}}],"x":1.50}`)),
		doc(p(`{"type":"mention","attrs":{"id":"1","text":"@J"}}`) + `,{"type":"mediaSingle","content":[{"type":"media","attrs":{"alt":"f"}},{"type":"caption"}]}`),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Parse(b)
		if err != nil {
			return
		}
		out := d.JSON()
		if !json.Valid(out) {
			t.Fatalf("invalid JSON: %s", out)
		}
		again, err := Canonical(out)
		if err != nil || !bytes.Equal(again, out) {
			t.Fatalf("%s\nbecomes %s, %v", out, again, err)
		}
		for _, other := range []*Doc{d.Portable(), d.Prepend("x"), d.Append("x")} {
			if _, err := Canonical(other.JSON()); err != nil && len(b) < MaxSize/2 && !deep(b) {
				t.Fatalf("%s: %v", other.JSON(), err)
			}
		}
		d.Plain()
		d.Empty()
		if cut, ok := d.CutPrefix("(x)"); ok {
			cut.JSON()
		}
		d.CutLast(func(string) bool { return true })
		if !bytes.Equal(d.JSON(), out) {
			t.Fatal("a change went into the document itself")
		}
	})
}

// deep says that another level may be one too many.
func deep(b []byte) bool { return bytes.Count(b, []byte("{")) > maxDepth/2-4 }

// FuzzText: any text becomes a document that says it.
func FuzzText(f *testing.F) {
	f.Add("a\n\nb\r\nc")
	f.Fuzz(func(t *testing.T, s string) {
		d := Text(s)
		if _, err := Canonical(d.JSON()); err != nil && len(s) < MaxSize/8 {
			t.Fatal(err)
		}
		words := strings.Fields(strings.ToValidUTF8(s, "\uFFFD"))
		if got := strings.Fields(d.Plain()); trim(s) == s && strings.Join(got, " ") != strings.Join(words, " ") && len(words) > 0 && !strings.ContainsRune(s, '\uFEFF') {
			t.Fatalf("%q says %q", s, d.Plain())
		}
	})
}
