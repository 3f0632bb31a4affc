package rules

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"parley/jsm"
	"parley/replica/adf"
)

// Rich texts: pieces, each with its own way across.

// A piece is one block of a text.
type piece struct {
	words   string // a paragraph of plain words, or a block of JSON
	mention string // an account of the north's
	picture *annex // shown in place
	href    string // a link with the words "here"
	block   bool   // words are JSON
}

// blocks cross as they are, one that nobody knows included.
var blocks = []string{
	`{"type":"heading","attrs":{"level":2},"content":[{"type":"text","text":"Steps","marks":[{"type":"em"}]}]}`,
	`{"type":"bulletList","content":[{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"one"}]}]}]}`,
	`{"type":"panel","attrs":{"panelType":"info"},"content":[{"type":"paragraph","content":[{"type":"text","text":"mind"}]}]}`,
	`{"type":"codeBlock","attrs":{"language":"go"},"content":[{"type":"text","text":"if x {\n}"}]}`,
	`{"type":"table","content":[{"type":"tableRow","content":[{"type":"tableCell","attrs":{"colspan":1},"content":[{"type":"paragraph","content":[{"type":"text","text":"cell"}]}]}]}]}`,
	`{"type":"wobble","attrs":{"size":3},"content":[{"type":"paragraph","content":[{"type":"text","text":"odd"}]}]}`,
}

// drawText draws a text; first is what its first paragraph may begin with.
func (j *journey) drawText(label string, first ...string) (text []piece) {
	if len(first) > 0 {
		text = append(text, piece{words: rapid.SampledFrom(first).Draw(j.T, label+" begins")})
	}
	for range rapid.IntRange(0, 2).Draw(j.T, label+" goes on") {
		switch kind := rapid.SampledFrom([]string{"words", "block", "mention", "picture", "link"}).Draw(j.T, label+" with"); {
		case kind == "words":
			text = append(text, piece{words: rapid.SampledFrom([]string{"hello", "as NO-5 and NO-77", "👍 ok"}).Draw(j.T, label+" says")})
		case kind == "block":
			text = append(text, piece{words: rapid.SampledFrom(blocks).Draw(j.T, label+" shows"), block: true})
		case kind == "mention":
			text = append(text, piece{mention: rapid.SampledFrom(northern).Draw(j.T, label+" asks").AccountID})
		case kind == "picture" && len(j.files.all) > 0:
			text = append(text, piece{picture: rapid.SampledFrom(j.files.all).Draw(j.T, label+" shows file")})
		default:
			text = append(text, piece{href: rapid.SampledFrom([]string{"https://else.example/x", "https://north.example/wiki/1", "https://north.example/browse/NO-5", "https://north.example/browse/NO-77"}).Draw(j.T, label+" links")})
		}
	}
	return text
}

func textNode(s, marks string) string {
	b, _ := json.Marshal(s)
	if marks != "" {
		marks = `,"marks":[` + marks + `]`
	}
	return `{"type":"text","text":` + string(b) + marks + `}`
}

func paragraphs(blocks ...string) jsm.Rich {
	return jsm.Rich(`{"version":1,"type":"doc","content":[` + strings.Join(blocks, ",") + `]}`)
}

func link(href string) string { return fmt.Sprintf(`{"type":"link","attrs":{"href":%q}}`, href) }

func media(id string) string {
	return fmt.Sprintf(`{"type":"media","attrs":{"type":"file","id":%q,"collection":""}}`, id)
}

// here is a text as the north's Jira holds it.
func (j *journey) here(text []piece) jsm.Rich {
	var all []string
	for _, p := range text {
		switch {
		case p.block:
			all = append(all, p.words)
		case p.mention != "":
			all = append(all, paragraph(fmt.Sprintf(`{"type":"mention","attrs":{"id":%q,"text":%q}}`, p.mention, "@"+who(p.mention).Name)))
		case p.picture != nil:
			all = append(all, `{"type":"mediaSingle","attrs":{"layout":"center"},"content":[`+media("media-"+p.picture.id)+`]}`)
		case p.href != "":
			all = append(all, paragraph(textNode("here", link(p.href))))
		default:
			all = append(all, paragraph(textNode(p.words, "")))
		}
	}
	return paragraphs(all...)
}

// A seen text is what the south is to hold of one: its blocks, and the media ids that it shows.
type seen struct{ blocks, shows []string }

// there is a text as the south's Jira must hold it. public: it is a comment for the customer's eyes.
func (j *journey) there(text []piece, leaving, arriving string, public bool) (s seen) {
	for _, p := range text {
		switch {
		case p.block:
			s.blocks = append(s.blocks, p.words)
		case p.mention != "":
			s.blocks = append(s.blocks, paragraph(j.asked(who(p.mention))))
		case p.picture != nil:
			if local := j.files.shown(p.picture, public); local != "" {
				s.shows = append(s.shows, local)
				s.blocks = append(s.blocks, `{"type":"mediaSingle","attrs":{"layout":"center"},"content":[`+media(local)+`]}`)
				continue
			}
			name := p.picture.name
			if p.picture.deleted {
				name = "file"
			}
			s.blocks = append(s.blocks, paragraph(textNode("[attachment: "+name+"]", "")))
		case p.href != "":
			mark := ""
			if to := j.leads(p.href, leaving, arriving); to != "" {
				mark = link(to)
			}
			s.blocks = append(s.blocks, paragraph(textNode("here", mark)))
		default:
			s.blocks = append(s.blocks, paragraph(j.keyed(p.words, arriving)))
		}
	}
	return s
}

// leads is where a link of the north's leads in the south; empty: it is no link any more. NO-5 is shared, NO-77 is not.
func (j *journey) leads(href, leaving, arriving string) string {
	own, shared := strings.HasPrefix(href, "https://north.example"), strings.HasSuffix(href, "/NO-5")
	switch {
	case !own:
		return href
	case leaving == "text" || leaving == "twin" && !shared:
		return ""
	case arriving == "text":
		return ""
	case arriving == "twin" && shared:
		return "https://south.example/browse/SO-5"
	}
	return href
}

// keyed are words with the keys of shared tickets as links to their twins.
func (j *journey) keyed(words, arriving string) string {
	before, after, found := strings.Cut(words, "NO-5")
	if !found || arriving != "twin" {
		return textNode(words, "")
	}
	nodes := textNode("NO-5", link("https://south.example/browse/SO-5")) + "," + textNode(after, "")
	if before != "" {
		nodes = textNode(before, "") + "," + nodes
	}
	return nodes
}

// asked is somebody whom a text addresses, as the south reads it. The address of a person is known where the ticket says it.
func (j *journey) asked(p jsm.Person) string {
	known := slices.ContainsFunc(j.north.ticket.Comments, func(c jsm.Comment) bool { return c.Author.AccountID == p.AccountID })
	if v, err := reads(j.north.ticket, jsm.Field{ID: "assignee", Type: jsm.User}); err == nil && len(v) == 1 && v[0] == p.AccountID {
		known = true
	}
	if !known {
		p.Email = ""
	}
	if there, nobody := j.people.addressed(p); !nobody {
		return fmt.Sprintf(`{"type":"mention","attrs":{"id":%q,"text":%q}}`, there.AccountID, "@"+there.Name)
	}
	return textNode("@"+j.people.alone(p), "")
}

// keeping is a text with the files at its end that an earlier one showed, for writing it must delete none.
func (s seen) keeping(before seen, gone func(media string) bool) seen {
	var kept []string
	for _, id := range before.shows {
		if !slices.Contains(s.shows, id) && !slices.Contains(kept, id) && !gone(id) {
			kept = append(kept, id)
		}
	}
	if kept == nil {
		return s
	}
	var nodes []string
	for _, id := range kept {
		nodes = append(nodes, media(id))
	}
	return seen{append(slices.Clone(s.blocks), `{"type":"mediaGroup","content":[`+strings.Join(nodes, ",")+`]}`), append(slices.Clone(s.shows), kept...)}
}

// said puts a line in bold before a text.
func (s seen) under(line string) seen {
	if line == "" {
		return s
	}
	return seen{append([]string{paragraph(textNode(line, `{"type":"strong"}`))}, s.blocks...), s.shows}
}

// canonicalText makes texts comparable: an alias cannot be guessed.
func canonicalText(b []byte) string {
	c, err := adf.Canonical(b)
	if err != nil {
		return "no document: " + string(b)
	}
	return unaliased(string(c))
}

func (s seen) text() string { return canonicalText(paragraphs(s.blocks...)) }

// description is the description of the north's ticket, as a tree.
type description struct {
	j                 *journey
	shared, taken     bool
	leaving, arriving string
	text              []piece
	there             *seen
}

func drawDescription(j *journey) {
	d := &description{j: j}
	var words []string
	if d.shared = rapid.Bool().Draw(j.T, "shares the description"); d.shared {
		d.leaving, words = j.addressWords("description")
		j.north.table("outgoing.description", words...)
	}
	if d.taken = rapid.Bool().Draw(j.T, "takes the description"); d.taken {
		d.arriving, words = j.addressWords("taken description")
		j.south.table("incoming.description", words...)
	}
	d.edit()
	j.parts = append(j.parts, d)
}

func (d *description) edit() {
	d.text = d.j.drawText("description")
	d.j.north.ticket.Fields["description"] = json.RawMessage(stored(d.j.here(d.text)))
}

func (d *description) arrive() {
	if !d.shared || !d.taken || len(d.text) == 0 {
		return // ours is kept
	}
	now := d.j.there(d.text, d.leaving, d.arriving, false)
	if d.there != nil {
		now = now.keeping(*d.there, d.j.files.goes)
	}
	d.there = &now
}

func (d *description) compare() {
	got, want := "", ""
	if raw := d.j.south.ticket.Fields["description"]; raw != nil {
		got = canonicalText(raw)
	}
	if d.there != nil {
		want = d.there.text()
	}
	if got != want {
		d.j.fail("the description\nis    %s\nnot   %s", got, want)
	}
}
