package sim

import (
	"bytes"
	"encoding/json"
	"regexp"
	"sort"
	"strings"
	"testing"
)

// What agreement with Atlassian's own converters the tests hold. They may only rise.
const (
	floorToWiki = 640 // of 651 documents, white space and letter case of colours aside
	floorToADF  = 371 // of 403 strings, as meaning gives it
	floorToText = 630 // of 653 documents, the words in their order
)

// meaning is a document without what carries none: ids, empty texts and marks, splits of one text, the order of marks.
func meaning(n *adfNode) string {
	var b strings.Builder
	writeMeaning(&b, n)
	return b.String()
}

func writeMeaning(b *strings.Builder, n *adfNode) {
	attrs := map[string]any{}
	for k, v := range n.Attrs {
		if k != "localId" && v != "" && v != nil {
			attrs[k] = v
		}
	}
	if n.Type == "mention" {
		attrs = map[string]any{"id": strings.TrimPrefix(n.attr("id"), "accountid:")} // Jira knows its own accounts
	}
	raw, _ := json.Marshal(attrs)
	b.WriteString("(" + n.Type + string(raw))
	var run, marks string
	flush := func() {
		if run != "" {
			b.WriteString("\"" + strings.Join(strings.Fields(run), " ") + "\"" + marks)
		}
		run, marks = "", ""
	}
	for _, c := range n.Content {
		if c.Type != "text" {
			flush()
			writeMeaning(b, c)
			continue
		}
		var names []string
		for _, m := range c.Marks {
			a, _ := json.Marshal(m.Attrs)
			names = append(names, m.Type+string(a))
		}
		sort.Strings(names)
		if m := strings.Join(names, ","); m != marks {
			flush()
			marks = m
		}
		run += c.Text
	}
	flush()
	b.WriteString(")")
}

func TestWikiToADF(t *testing.T) {
	rows := oracleLines[struct {
		ID, Wiki string
		ADF      json.RawMessage
	}](t, "wiki_expected.jsonl")
	agree := 0
	for _, row := range rows {
		ours := wikiToADF(row.Wiki)
		if err := validADF(ours); err != nil {
			t.Errorf("%s: %q gives a document that Jira would refuse: %v\n%s", row.ID, row.Wiki, err, ours)
		}
		got, want := meaning(parseADF(ours)), meaning(parseADF(row.ADF))
		if got == want {
			agree++
		} else if testing.Verbose() {
			t.Logf("%s %q\n got %s\nwant %s", row.ID, row.Wiki, got, want)
		}
	}
	t.Logf("%d of %d agree", agree, len(rows))
	if agree < floorToADF {
		t.Errorf("%d agree, the floor is %d", agree, floorToADF)
	}
}

func TestADFToWiki(t *testing.T) {
	docs := map[string]json.RawMessage{}
	for _, d := range oracleLines[oracleDoc](t, "adf.jsonl") {
		docs[d.ID] = d.ADF
	}
	rows := oracleLines[struct {
		ID   string
		Wiki *string
	}](t, "adf_to_wiki_expected.jsonl")
	agree, judged := 0, 0
	for _, row := range rows {
		if row.Wiki == nil {
			continue // the converter failed: text with code and link marks at once
		}
		judged++
		got, want := looseWiki(adfToWiki(docs[row.ID])), looseWiki(*row.Wiki)
		if got == want {
			agree++
		} else if testing.Verbose() {
			t.Logf("%s\n got %q\nwant %q", row.ID, got, want)
		}
	}
	t.Logf("%d of %d agree", agree, judged)
	if agree < floorToWiki {
		t.Errorf("%d agree, the floor is %d", agree, floorToWiki)
	}
}

// looseWiki drops what means nothing: runs of white space, and the order of keys in an {adf} macro.
func looseWiki(s string) string {
	var b strings.Builder
	for {
		head, rest, ok := strings.Cut(s, "{adf:display=")
		b.WriteString(head)
		if !ok {
			break
		}
		kind, rest, _ := strings.Cut(rest, "}")
		body, rest, _ := strings.Cut(rest, "{adf}")
		var v any
		if json.Unmarshal([]byte(body), &v) == nil {
			dropDefaults(v)
			var out bytes.Buffer
			enc := json.NewEncoder(&out)
			enc.SetEscapeHTML(false)
			_ = enc.Encode(v)
			body = out.String()
		}
		b.WriteString("{adf:" + kind + "}" + body)
		s = rest
	}
	return strings.ToLower(strings.Join(strings.Fields(b.String()), " "))
}

// dropDefaults takes off the attributes that the editor's model fills in by itself.
func dropDefaults(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			dropDefaults(item)
		}
	case map[string]any:
		for k, item := range v {
			if k == "attrs" {
				attrs, _ := item.(map[string]any)
				for _, name := range []string{"layout", "isNumberColumnEnabled", "localId", "colspan", "rowspan"} {
					delete(attrs, name)
				}
				if len(attrs) == 0 {
					delete(v, k)
				}
			}
			dropDefaults(item)
		}
	}
}

func TestADFToText(t *testing.T) {
	docs := map[string]json.RawMessage{}
	for _, d := range oracleLines[oracleDoc](t, "adf.jsonl") {
		docs[d.ID] = d.ADF
	}
	rows := oracleLines[struct{ ID, Text string }](t, "adf_to_text_expected.jsonl")
	agree := 0
	for _, row := range rows {
		if got, want := words(adfToText(docs[row.ID])), words(row.Text); got == want {
			agree++
		} else if testing.Verbose() {
			t.Logf("%s\n got %q\nwant %q", row.ID, got, want)
		}
	}
	t.Logf("%d of %d agree", agree, len(rows))
	if agree < floorToText {
		t.Errorf("%d agree, the floor is %d", agree, floorToText)
	}
}

// words are a text's letters and digits; placeholders that the editor shows for blocks do not count.
func words(s string) string {
	s = listSigns.ReplaceAllString(s, " ")
	for _, block := range []string{"codeBlock", "media", "mediaInline", "blockCard", "embedCard", "inlineCard", "extension", "bodiedExtension", "inlineExtension", "syncBlock"} {
		s = strings.ReplaceAll(s, "["+block+"]", " ")
	}
	return strings.ToLower(strings.Join(strings.FieldsFunc(s, func(c rune) bool { return !isWord(c) }), ""))
}

// listSigns are the numbers that the editor puts before a list's items.
var listSigns = regexp.MustCompile(`(?m)^[\s*>|]*(?:\d+\.\s)+`)

func FuzzWiki(f *testing.F) {
	for _, s := range []string{
		"*a* _b_ {color:red}x{color}", "# a\n** b\n|c|d|", "{quote}{panel}x{panel}{quote}", "!a.png|width=00!", "[a|http://x]",
		"{adf:display=block}\n{\"type\":\"rule\"}\n{adf}", "||h|{code}x{code}|\n* y", "(*r) [~accountid:1:2] ??c?? {*}x{*}", "\\\\ \xff1\xfe",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		doc := wikiToADF(s)
		if err := validADF(doc); err != nil {
			t.Fatalf("%q gives an invalid document: %v\n%s", s, err, doc)
		}
		wiki := adfToWiki(doc)
		if err := validADF(wikiToADF(wiki)); err != nil {
			t.Fatalf("%q, from %q, gives an invalid document: %v", wiki, s, err)
		}
	})
}

func FuzzADF(f *testing.F) {
	f.Add([]byte(`{"version":1,"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"x","marks":[{"type":"strong"}]}]}]}`))
	f.Add([]byte(`{"version":1,"type":"doc","content":[{"type":"table","content":[{"type":"tableRow","content":[]}]}]}`))
	f.Add([]byte(`{"version":1,"type":"doc","content":[{"type":"mediaSingle","attrs":{"layout":"center"},"content":[{"type":"media","attrs":{"type":"file","id":"1","collection":""}}]}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		adfToWiki(raw)
		adfToText(raw)
		safeHTML(t, adfToHTML(raw))
		if validADF(raw) != nil {
			return
		}
		stored := normalADF(raw, 1)
		if err := validADF(stored); err != nil {
			t.Fatalf("stored form of %s is invalid: %v\n%s", raw, err, stored)
		}
		if again := normalADF(stored, 2); !bytes.Equal(again, stored) {
			t.Fatalf("storing twice changed %s into %s", stored, again)
		}
	})
}
