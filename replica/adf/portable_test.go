package adf

import (
	"strings"
	"testing"
)

func TestPortable(t *testing.T) {
	media := func(attrs string) string { return `{"type":"media","attrs":{` + attrs + `}}` }
	for what, c := range map[string][2]string{
		"mention":             {p(tx(`ask `) + `,` + jane), p(tx(`ask @Jane Doe`))},
		"mention without @":   {p(`{"type":"mention","attrs":{"id":"1","text":"Jane"}}`), p(tx(`@Jane`))},
		"mention of nobody":   {p(`{"type":"mention","attrs":{"id":"1"}}`), p(tx(`@unknown`))},
		"mention of all":      {p(`{"type":"mention","attrs":{"id":"all","text":"@everybody"}}`), p(tx(`@all`))},
		"mention in a list":   {bullets(item(p(jane))), bullets(item(p(tx(`@Jane Doe`))))},
		"mention with a mark": {p(`{"type":"mention","attrs":{"id":"1","text":"@J"},` + strong + `}`), p(bold(`@J`))},
		"picture":             {`{"type":"mediaSingle","attrs":{"layout":"center"},"content":[` + media(`"type":"file","id":"u-u","collection":"c","alt":"plan.png"`) + `]}`, p(tx(`[attachment: plan.png]`))},
		"picture without alt": {`{"type":"mediaSingle","content":[` + media(`"type":"file","id":"u-u","alt":" "`) + `]}`, p(tx(`[attachment: file]`))},
		"picture elsewhere":   {`{"type":"mediaSingle","content":[` + media(`"type":"external","url":"https://x/y.png"`) + `]}`, p(tx(`[attachment: https://x/y.png]`))},
		"with a caption":      {`{"type":"mediaSingle","content":[` + media(`"alt":"a"`) + `,{"type":"caption","content":[` + tx(`by `) + `,` + jane + `]}]}`, p(tx(`[attachment: a]`)) + `,` + p(tx(`by @Jane Doe`))},
		"group":               {`{"type":"mediaGroup","content":[` + media(`"alt":"a"`) + `,` + media(`"alt":"b"`) + `]}`, p(tx(`[attachment: a]`)) + `,` + p(tx(`[attachment: b]`))},
		"inline":              {p(tx(`see `) + `,{"type":"mediaInline","attrs":{"id":"u","collection":"c","alt":"log.txt"}}`), p(tx(`see [attachment: log.txt]`))},
		"others":              {p(`{"type":"emoji","attrs":{"shortName":":x:"}}`) + `,{"type":"hologram","z":1}`, p(`{"type":"emoji","attrs":{"shortName":":x:"}}`) + `,{"type":"hologram","z":1}`},
		"nothing":             {``, ``},
	} {
		in := doc(c[0])
		d := parse(t, in)
		same(t, what, d.Portable(), doc(c[1]), d, in)
	}
}

// TestPortableHoldsNoIDs: over all documents, no account and no media id is left.
func TestPortableHoldsNoIDs(t *testing.T) {
	for _, s := range samples(t) {
		d, err := Parse(s.ADF)
		if err != nil {
			continue
		}
		out := string(d.Portable().JSON())
		for _, kind := range []string{"mention", "media", "mediaInline", "mediaSingle", "mediaGroup"} {
			if strings.Contains(out, `"type":"`+kind+`"`) {
				t.Errorf("%s: holds a %s: %s", s.ID, kind, out)
			}
		}
	}
}
