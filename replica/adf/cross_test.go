package adf

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// twins are two tenants whose people and files are the same: refs of one stand for the same in the other.
type twins struct {
	files  []Medium
	people []Mention
}

func (w *twins) outgoing() Outgoing {
	return Outgoing{
		Media: func(m Medium) (string, string) {
			w.files = append(w.files, m)
			return fmt.Sprint("attachment/", len(w.files)-1), "file " + m.ID
		},
		Person: func(m Mention) (string, string) {
			w.people = append(w.people, m)
			return fmt.Sprint("p", len(w.people)-1), m.Text
		},
		Link: func(address string) Target { return Target{URL: address} },
		Key:  func(key string) Target { return Target{} },
		Keep: func(*Node) bool { return true },
	}
}

func (w *twins) incoming() Incoming {
	var at int
	return Incoming{
		Pictures: true,
		Media: func(m Medium) (Medium, bool) {
			_, err := fmt.Sscanf(m.Ref, "attachment/%d", &at)
			return w.files[at], err == nil
		},
		Person: func(m Mention) (Mention, bool) {
			_, err := fmt.Sscanf(m.Ref, "p%d", &at)
			return w.people[at], err == nil
		},
		Link: func(address string) Target { return Target{URL: address} },
		Key:  func(key string) Target { return Target{} },
		Keep: func(*Node) bool { return true },
	}
}

// across takes a document to the other side through its JSON.
func across(t testing.TB, d *Doc, o Outgoing, in Incoming) *Doc {
	t.Helper()
	b := d.PortableFor(o).JSON()
	arrived, err := Parse(b)
	if err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return arrived.Local(in)
}

// TestEveryDocumentCrosses: to a tenant with the same people and files, each of the 653 arrives as it was.
func TestEveryDocumentCrosses(t *testing.T) {
	valid, media, people := 0, 0, 0
	for _, s := range samples(t) {
		d, err := Parse(s.ADF)
		if err != nil {
			continue
		}
		var w twins
		got := across(t, d, w.outgoing(), w.incoming())
		if !s.Valid {
			continue
		}
		valid, media, people = valid+1, media+len(w.files), people+len(w.people)
		if g, want := string(got.JSON()), string(d.JSON()); g != want {
			t.Errorf("%s:\ngot  %s\nwant %s", s.ID, g, want)
		}
		if got.Plain() != d.Plain() {
			t.Errorf("%s: says %q, want %q", s.ID, got.Plain(), d.Plain())
		}
	}
	if valid != 653 || media < 40 || people < 40 {
		t.Errorf("%d documents, %d files, %d mentions", valid, media, people)
	}
}

// TestUnknownThingsCross: nodes, marks and attributes that no schema knows arrive without anybody's leave.
func TestUnknownThingsCross(t *testing.T) {
	in := doc(`{"type":"hologram","depth":3,"attrs":{"w":{"x":[1,null]}},"content":[` + p(tx(`a`)) + `]},` +
		p(`{"type":"text","text":"b","marks":[{"type":"glow","attrs":{"hue":7},"z":1}],"x":2},{"type":"ping","attrs":{"n":1}}`) + `,` +
		`{"type":"extension","attrs":{"extensionKey":"toc","extensionType":"core","parameters":{"depth":2}}}`)
	d := parse(t, in)
	same(t, "unknown", across(t, d, Outgoing{}, Incoming{}), in, d, in)
}

// TestKeepIsNotForContent: what is kept for its attributes holds people and files like any other node.
func TestKeepIsNotForContent(t *testing.T) {
	in := doc(`{"type":"bodiedExtension","attrs":{"extensionKey":"k","extensionType":"t","parameters":{"accountId":"1"}},"content":[` + p(jane) + `,` + single + `]}`)
	d := parse(t, in)
	want := doc(`{"type":"bodiedExtension","attrs":{"extensionKey":"k","extensionType":"t","parameters":{"accountId":"1"}},"content":[` + p(tx(`@Jane Doe`)) + `,` + p(tx(`[attachment: plan.png]`)) + `]}`)
	same(t, "kept", d.PortableFor(Outgoing{Keep: func(*Node) bool { return true }}), want, d, in)
	root := parse(t, `{"type":"doc","version":1,"content":[],"accountId":"1","x":2}`)
	same(t, "the root", root.Portable(), `{"type":"doc","version":1,"content":[],"x":2}`, d, in)
}

// TestNothingOfTheTenantCrosses: over all documents, no id that they hold is in the portable form.
func TestNothingOfTheTenantCrosses(t *testing.T) {
	found := 0
	for _, s := range samples(t) {
		d, err := Parse(s.ADF)
		if err != nil {
			continue
		}
		out := d.PortableFor(Outgoing{
			Media:  func(m Medium) (string, string) { return "attachment/1", "n" },
			Person: func(m Mention) (string, string) { return "p", "N" },
			Link:   func(string) Target { return Target{} },
		})
		b := out.JSON()
		for _, m := range d.Media() {
			found += lacks(t, s.ID, b, m.ID, m.Collection, m.Occurrence, m.URL)
		}
		for _, m := range d.Mentions() {
			found += lacks(t, s.ID, b, m.ID)
		}
		for _, c := range d.Cards() {
			found += lacks(t, s.ID, b, c.URL)
		}
		if bytes.Contains(b, []byte("https://")) && !bytes.Contains(b, []byte(`"https:\`)) {
			t.Errorf("%s: holds an address: %s", s.ID, b)
		}
		if s.Valid {
			if err := Check(d.PortableFor(Outgoing{Link: func(string) Target { return Target{} }}).JSON()); err != nil {
				t.Errorf("%s: as text alone it is invalid: %v", s.ID, err)
			}
		}
	}
	if found < 100 {
		t.Errorf("%d ids looked for: no test", found)
	}
}

func lacks(t *testing.T, doc string, b []byte, ids ...string) (found int) {
	t.Helper()
	for _, id := range ids {
		if len(id) < 4 { // "1" is a number of a task, too
			continue
		}
		found++
		if bytes.Contains(b, append(appendString(nil, id)[:len(id)+1], '"')) {
			t.Errorf("%s: %q crosses: %s", doc, id, b)
		}
	}
	return found
}

const (
	picture = `{"type":"media","attrs":{"type":"file","id":"5a1c","collection":"c1","occurrenceKey":"o","alt":"plan.png","width":10,"height":20.5,"__fileName":"x"}}`
	single  = `{"type":"mediaSingle","attrs":{"layout":"center"},"content":[` + picture + `]}`
)

func TestPortableFor(t *testing.T) {
	north := Outgoing{
		Media: func(m Medium) (string, string) {
			if m.ID == "5a1c" {
				return "attachment/77", "plan v2.png"
			}
			return "", "secret.pdf"
		},
		Person: func(m Mention) (string, string) {
			if m.ID == "5b10" {
				return "ref1", "Jane"
			}
			return "", "somebody"
		},
		Link: func(address string) Target {
			if key := IssueKey(address); key == "SUP-7" {
				return Target{URL: "https://north/portal/1/SUP-7"}
			} else if key == "SUP-8" {
				return Target{URL: "https://north/portal/1/SUP-8", Text: "a request"}
			}
			return Withhold("north")(address)
		},
		Key: func(key string) Target {
			if key == "SUP-7" {
				return Target{URL: "https://north/portal/1/SUP-7"}
			}
			return Target{}
		},
	}
	crossed := func(attrs string) string { return `{"type":"media","attrs":{` + attrs + `}}` }
	link := func(text, href string) string {
		return `{"type":"text","text":"` + text + `","marks":[{"type":"link","attrs":{"href":"` + href + `"}}]}`
	}
	card := func(kind, attrs string) string { return `{"type":"` + kind + `","attrs":{` + attrs + `}}` }
	for what, c := range map[string][2]string{
		"mention":           {p(jane), p(`{"type":"mention","attrs":{"ref":"ref1","text":"@Jane"}}`)},
		"mention of no one": {p(`{"type":"mention","attrs":{"id":"9","text":"@Jim Poe"}}`), p(tx(`@somebody`))},
		"picture": {single, `{"type":"mediaSingle","attrs":{"layout":"center"},"content":[` +
			crossed(`"type":"file","ref":"attachment/77","name":"plan v2.png","alt":"plan.png","width":10,"height":20.5`) + `]}`},
		"picture of no one": {`{"type":"mediaSingle","content":[{"type":"media","attrs":{"type":"file","id":"0","collection":""}},{"type":"caption","content":[` + jane + `]}]}`,
			p(tx(`[attachment: secret.pdf]`)) + `,` + p(`{"type":"mention","attrs":{"ref":"ref1","text":"@Jane"}}`)},
		"inline": {p(`{"type":"mediaInline","attrs":{"type":"image","id":"5a1c","collection":"c"}}`), p(`{"type":"mediaInline","attrs":{"type":"image","ref":"attachment/77","name":"plan v2.png"}}`)},
		"a group of both": {`{"type":"mediaGroup","content":[` + picture + `,{"type":"media","attrs":{"type":"file","id":"0","collection":""}},` + picture + `]}`,
			`{"type":"mediaGroup","content":[` + crossed(`"type":"file","ref":"attachment/77","name":"plan v2.png","alt":"plan.png","width":10,"height":20.5`) + `]},` + p(tx(`[attachment: secret.pdf]`)) +
				`,{"type":"mediaGroup","content":[` + crossed(`"type":"file","ref":"attachment/77","name":"plan v2.png","alt":"plan.png","width":10,"height":20.5`) + `]}`},
		"elsewhere":          {`{"type":"mediaSingle","content":[` + crossed(`"type":"external","url":"https://x/y.png"`) + `]}`, `{"type":"mediaSingle","content":[` + crossed(`"type":"external","url":"https://x/y.png"`) + `]}`},
		"elsewhere at home":  {`{"type":"mediaSingle","content":[` + crossed(`"type":"external","url":"https://north/y.png"`) + `]}`, p(tx(`[attachment: [link]]`))},
		"card":               {p(card("inlineCard", `"url":"https://north/browse/SUP-7"`)), p(card("inlineCard", `"url":"https://north/portal/1/SUP-7"`))},
		"card as a link":     {p(card("inlineCard", `"url":"https://north/browse/SUP-8"`)), p(link("a request", "https://north/portal/1/SUP-8"))},
		"card of no one":     {p(card("inlineCard", `"url":"https://north/browse/SUP-9"`)), p(tx(`SUP-9`))},
		"block card":         {card("blockCard", `"url":"https://north/browse/SUP-9"`), p(tx(`SUP-9`))},
		"embedded":           {card("embedCard", `"url":"https://north/wiki/9","layout":"center"`), p(tx(`[link]`))},
		"card with data":     {p(card("inlineCard", `"data":{"@type":"Page","url":"https://public/","summary":"inside"}`)), p(card("inlineCard", `"url":"https://public/"`))},
		"a table of issues":  {card("blockCard", `"datasource":{"id":"1","parameters":{"cloudId":"x","jql":"project = HR"},"views":[{"type":"table"}]}`), p(tx(`[blockCard]`))},
		"link":               {p(link("see", "https://north/browse/SUP-9") + `,` + link("out", "https://public/")), p(tx(`see`) + `,` + link("out", "https://public/"))},
		"link that says it":  {p(link("https://north/browse/SUP-7", "https://north/browse/SUP-7")), p(link("https://north/portal/1/SUP-7", "https://north/portal/1/SUP-7"))},
		"link with ids":      {p(`{"type":"text","text":"x","marks":[{"type":"link","attrs":{"href":"https://a","collection":"c","id":"i","occurrenceKey":"o","title":"https://north/t"}}]}`), p(`{"type":"text","text":"x","marks":[{"type":"link","attrs":{"href":"https://a","title":"[link]"}}]}`)},
		"address in text":    {p(tx(`at https://north/browse/SUP-9, or https://public/a.`)), p(tx(`at SUP-9, or https://public/a.`))},
		"address in code":    {`{"type":"codeBlock","content":[` + tx(`GET https://north/x SUP-7`) + `]}`, `{"type":"codeBlock","content":[` + tx(`GET [link] SUP-7`) + `]}`},
		"address in a title": {`{"type":"expand","attrs":{"title":"https://north/x"},"content":[` + p(``) + `]}`, `{"type":"expand","attrs":{"title":"[link]"},"content":[` + p(``) + `]}`},
		"relative":           {p(link("x", "/browse/SUP-9") + `,` + link("y", "#top")), p(tx(`x`) + `,` + link("y", "#top"))},
		"key": {p(tx(`see SUP-7 and SUP-9, not XSUP-7, SUP-7a or UTF-8`)),
			p(tx(`see `) + `,` + link("SUP-7", "https://north/portal/1/SUP-7") + `,` + tx(` and SUP-9, not XSUP-7, SUP-7a or UTF-8`))},
		"key in a link":       {p(link("SUP-7", "https://public/")), p(link("SUP-7", "https://public/"))},
		"synced":              {`{"type":"syncBlock","attrs":{"resourceId":"ari:x","localId":"1"}}`, p(tx(`[syncBlock]`))},
		"synced with words":   {`{"type":"bodiedSyncBlock","attrs":{"resourceId":"ari:x","localId":"1"},"content":[` + p(jane) + `]}`, p(`{"type":"mention","attrs":{"ref":"ref1","text":"@Jane"}}`)},
		"extension":           {`{"type":"extension","attrs":{"extensionKey":"k","extensionType":"t","text":"chart","parameters":{"owner":"712020:0e1b7d3a-9f51-4c4e-8d31-6a0e6a1d2c3b"}}}`, p(tx(`chart`))},
		"body":                {`{"type":"bodiedExtension","attrs":{"extensionKey":"k","extensionType":"t","parameters":{"u":"https://north/x"}},"content":[` + p(tx(`a`)) + `]}`, p(tx(`a`))},
		"unknown attribute":   {`{"type":"paragraph","attrs":{"owner":"712020:0e1b7d3a-9f51-4c4e-8d31-6a0e6a1d2c3b","n":1},"accountId":"x","content":[` + tx(`a`) + `]}`, `{"type":"paragraph","attrs":{"n":1},"content":[` + tx(`a`) + `]}`},
		"JSON in a text":      {`{"type":"extension","attrs":{"extensionKey":"k","extensionType":"t","parameters":{"x":"{\"who\":\"5b10ac8d82e05b22cc7d4ef5\"}"}}}`, p(tx(`[extension]`))},
		"a site's resource":   {`{"type":"extension","attrs":{"extensionKey":"k","extensionType":"t","parameters":["ari:cloud:platform::site/0","ari:cloud:jira:0e1b7d3a-9f51-4c4e-8d31-6a0e6a1d2c3b:issue/1"]}}`, p(tx(`[extension]`))},
		"an app of anybody":   {`{"type":"extension","attrs":{"extensionKey":"ari:cloud:ecosystem::extension/x","extensionType":"t"}}`, `{"type":"extension","attrs":{"extensionKey":"ari:cloud:ecosystem::extension/x","extensionType":"t"}}`},
		"unknown in a line":   {p(tx(`a`) + `,{"type":"chip","attrs":{"accountId":"x","text":"who"}}`), p(tx(`awho`))},
		"a mention in a link": {p(`{"type":"mention","attrs":{"id":"5b10"},"marks":[{"type":"link","attrs":{"href":"https://north/x"}}]}`), p(`{"type":"mention","attrs":{"ref":"ref1","text":"@Jane"}}`)},
		"kept": {p(`{"type":"emoji","attrs":{"shortName":":x:","id":"1"}},{"type":"date","attrs":{"timestamp":"1"}},{"type":"status","attrs":{"text":"Open","color":"red"}}`) + `,{"type":"rule"}`,
			p(`{"type":"emoji","attrs":{"shortName":":x:","id":"1"}},{"type":"date","attrs":{"timestamp":"1"}},{"type":"status","attrs":{"text":"Open","color":"red"}}`) + `,{"type":"rule"}`},
	} {
		in := doc(c[0])
		d := parse(t, in)
		same(t, what, d.PortableFor(north), doc(c[1]), d, in)
	}
	// Whoever knows no refs reads a text.
	d := parse(t, doc(p(jane)+`,`+single))
	for what, got := range map[string]*Doc{"local": d.PortableFor(north).Local(Incoming{}), "portable": d.PortableFor(north).Portable()} {
		if text := got.Plain(); text != "@Jane\n[attachment: plan v2.png]" || Check(got.JSON()) != nil {
			t.Errorf("%s: %q", what, text)
		}
	}
}

func TestLocal(t *testing.T) {
	south := Incoming{
		Pictures: true,
		Media: func(m Medium) (Medium, bool) {
			return Medium{ID: "f00d", Collection: "", Occurrence: "k"}, m.Ref == "attachment/77"
		},
		Person: func(m Mention) (Mention, bool) {
			return Mention{ID: "88", Text: "@Jane D.", AccessLevel: "SITE"}, m.Ref == "ref1"
		},
		Link: func(address string) Target { return Target{URL: strings.Replace(address, "north", "south", 1)} },
		Key:  func(key string) Target { return Target{Text: strings.Replace(key, "SUP", "HELP", 1)} },
	}
	portable := func(ref string) string {
		return `{"type":"media","attrs":{"type":"file","ref":"` + ref + `","name":"a b.png","alt":"A","width":3}}`
	}
	mention := func(attrs string) string { return `{"type":"mention","attrs":{` + attrs + `}}` }
	link := func(text, href string) string {
		return `{"type":"text","text":"` + text + `","marks":[{"type":"link","attrs":{"href":"` + href + `"}}]}`
	}
	for what, c := range map[string][2]string{
		"mention":             {p(mention(`"ref":"ref1","text":"@Jane"`)), p(mention(`"id":"88","text":"@Jane D.","accessLevel":"SITE"`))},
		"a stranger":          {p(mention(`"ref":"ref2","text":"@Jim"`)), p(tx(`@Jim`))},
		"one of ours, forged": {p(mention(`"id":"88","text":"@Boss"`)), p(tx(`@Boss`))},
		"everybody, forged":   {p(mention(`"id":"all","ref":"x"`)), p(tx(`@all`))},
		"picture":             {`{"type":"mediaSingle","attrs":{"layout":"center"},"content":[` + portable("attachment/77") + `]}`, `{"type":"mediaSingle","attrs":{"layout":"center"},"content":[{"type":"media","attrs":{"type":"file","id":"f00d","collection":"","occurrenceKey":"k","alt":"A","width":3}}]}`},
		"not here yet":        {`{"type":"mediaSingle","attrs":{"layout":"center"},"content":[` + portable("attachment/78") + `]}`, p(tx(`[attachment: a b.png]`))},
		"a file, forged":      {single, p(tx(`[attachment: plan.png]`))},
		"a link":              {p(link("x", "https://north/1")), p(link("x", "https://south/1"))},
		"a link that runs":    {p(link("x", `java\tscript:alert(1)`) + `,` + link("y", "data:text/html,z")), p(tx(`xy`))},
		"a card that runs":    {p(`{"type":"inlineCard","attrs":{"url":"JavaScript:1"}}`), p(tx(`[link]`))},
		"a key":               {p(tx(`SUP-7`)), p(tx(`HELP-7`))},
		"data of a card":      {p(`{"type":"inlineCard","attrs":{"data":{"url":"https://north/1","name":"<b>"}}}`), p(`{"type":"inlineCard","attrs":{"url":"https://south/1"}}`)},
	} {
		in := doc(c[0])
		d := parse(t, in)
		same(t, what, d.Local(south), doc(c[1]), d, in)
		if err := Check(d.Local(south).JSON()); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if err := Check(d.JSON()); strings.Contains(in, `"ref"`) && err == nil {
			t.Errorf("%s: what is portable could reach Jira", what)
		}
	}
	pixel := doc(`{"type":"mediaSingle","content":[{"type":"media","attrs":{"type":"external","url":"https://spy/1.gif"}}]}`)
	same(t, "a picture elsewhere needs leave", parse(t, pixel).Local(Incoming{}), doc(p(tx(`[attachment: https://spy/1.gif]`))), parse(t, pixel), pixel)
}

func TestIssueKey(t *testing.T) {
	for address, want := range map[string]string{
		"https://x.atlassian.net/browse/SUP-7": "SUP-7", "https://x/jira/browse/SUP-7?focusedId=1#c": "SUP-7", "/browse/SUP-7": "SUP-7",
		"https://x/servicedesk/customer/portal/3/SUP-7": "SUP-7", "https://x/jira/servicedesk/projects/SUP/queues/issues/SUP-7": "SUP-7",
		"https://x/jira/software/c/projects/SUP/boards/1?selectedIssue=SUP-7": "SUP-7", "https://x/projects/SUP/queues/custom/2": "",
		"https://x/browse/SUP": "", "https://x/SUP-7": "", "%": "", "": "", "https://x/?selectedIssue=<b>": "",
	} {
		if got := IssueKey(address); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

func TestWithhold(t *testing.T) {
	link := Withhold("acme.atlassian.net", "help.acme.com")
	for address, crosses := range map[string]bool{
		"https://acme.atlassian.net/browse/A-1": false, "https://ACME.atlassian.net:443/x": false, "http://help.acme.com": false, "//help.acme.com/x": false,
		"/browse/A-1": false, "browse": false, "": false, "http://[": false,
		"https://acme.atlassian.net.evil.com/": true, "https://example.com": true, "mailto:a@b.c": true, "#top": true, "tel:123": true,
	} {
		if got := link(address); (got.URL == address && address != "") != crosses {
			t.Errorf("%q: %+v", address, got)
		}
	}
}
