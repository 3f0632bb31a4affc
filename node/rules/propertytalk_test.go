package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"parley/jsm"
	"parley/replica"
)

// talk is the comments of a case, and the rules about them.
type talk struct {
	j     *journey
	out   [2]*outTalk // internal, public; nil: not shared
	in    [2]*inTalk  // likewise; nil: not taken, unless the public ones' rule covers them
	all   []*spoken
	drawn int
}

type outTalk struct {
	when, strip, retract bool
	addresses            string
}

type inTalk struct {
	when, publicWhen, byline   bool
	as, edits, deletes, places string
}

// spoken is a comment of the north's.
type spoken struct {
	id      string
	author  jsm.Person
	text    []piece
	visible string // public, internal, restricted, unknown
	created time.Time
	edited  int
	answers *spoken
	deleted bool
	posted  *posted
	there   *heard
}

// posted is what the south was shown of a comment.
type posted struct {
	text    []piece
	public  bool
	edited  int
	answers string
}

// heard is what the south must hold of it.
type heard struct {
	public  bool
	text    seen
	answers *spoken
}

// addressWords draws what a rule says of addresses.
func (j *journey) addressWords(of string) (word string, lines []string) {
	word = rapid.SampledFrom([]string{"twin", "text", "keep"}).Draw(j.T, of+" addresses")
	if word != "twin" {
		lines = append(lines, fmt.Sprintf("addresses = %q", word))
	}
	return word, lines
}

func drawTalk(j *journey) {
	k := &talk{j: j}
	flag := func(label string) bool { return rapid.IntRange(0, 2).Draw(j.T, label) == 2 }
	for i, name := range []string{"comments.internal", "comments"} {
		if rapid.Bool().Draw(j.T, "shares "+name) {
			o := &outTalk{when: flag("when"), strip: flag("strip"), retract: flag("retract")}
			var words []string
			o.addresses, words = j.addressWords(name)
			if o.when {
				words = append(words, `when = 'comment.text.contains("hello")'`)
			}
			if o.strip {
				words = append(words, `strip = "(ext)"`)
			}
			words = append(words, fmt.Sprintf("retract = %t", o.retract))
			k.out[i] = o
			j.north.table(fmt.Sprintf("outgoing.%q", name), words...)
		}
		if rapid.Bool().Draw(j.T, "takes "+name) {
			k.in[i] = drawInTalk(j, name)
		}
	}
	for range rapid.IntRange(0, 3).Draw(j.T, "comments") {
		k.add()
	}
	j.parts = append(j.parts, k)
}

func drawInTalk(j *journey, name string) *inTalk {
	n := &inTalk{when: rapid.IntRange(0, 2).Draw(j.T, "taken when") == 2, byline: rapid.Bool().Draw(j.T, "byline")}
	n.as = rapid.SampledFrom([]string{"internal", "public", "same"}).Draw(j.T, "comments as")
	n.edits = rapid.SampledFrom([]string{"follow", "note", "ignore"}).Draw(j.T, "comments' edits")
	n.deletes = rapid.SampledFrom([]string{"mark", "delete", "ignore"}).Draw(j.T, "comments' deletes")
	var words []string
	n.places, words = j.addressWords("taken " + name)
	words = append(words, fmt.Sprintf("as = %q\nbyline = %t\nedits = %q\ndeletes = %q", n.as, n.byline, n.edits, n.deletes))
	if n.when {
		words = append(words, `when = 'comment.text.contains("world")'`)
	}
	if n.publicWhen = n.as != "public" && rapid.IntRange(0, 2).Draw(j.T, "public when") == 2; n.publicWhen {
		words = append(words, `public_when = 'comment.text.startsWith("hello")'`)
	}
	j.south.table(fmt.Sprintf("incoming.%q", name), words...)
	return n
}

// openings are what a comment begins with; conditions and strip look at them.
var openings = []string{"hello", "hello world", "(ext) hello", "(ext) hello world", "world", "see NO-5"}

func (k *talk) add() {
	t := k.j.T
	k.drawn++
	c := &spoken{id: fmt.Sprint(40 + k.drawn), author: rapid.SampledFrom(northern).Draw(t, "author"), text: k.j.drawText("comment", openings...),
		visible: rapid.SampledFrom([]string{"public", "internal", "restricted", "unknown"}).Draw(t, "visibility"), created: k.j.at("comment")}
	if n := len(k.all); n > 0 && rapid.IntRange(0, 2).Draw(t, "is an answer") == 2 && k.all[n-1].answers == nil && !k.all[n-1].deleted {
		if c.answers = k.all[n-1]; c.created.Before(c.answers.created) {
			c.created = c.answers.created
		}
	}
	k.all = append(k.all, c)
	k.put()
}

// put writes the north's comments anew.
func (k *talk) put() {
	var list []jsm.Comment
	for _, c := range k.all {
		if c.deleted {
			continue
		}
		one := jsm.Comment{ID: c.id, Author: c.author, Body: stored(k.j.here(c.text)), Public: c.visible != "internal", Restricted: c.visible == "restricted",
			VisibilityKnown: c.visible != "unknown", Created: c.created, Updated: c.created.Add(time.Duration(c.edited) * time.Hour)}
		if c.answers != nil {
			one.Parent = c.answers.id
		}
		list = append(list, one)
	}
	k.j.north.ticket.Comments, k.j.north.ticket.CommentsTotal = list, len(list)
}

func (k *talk) edit() {
	t := k.j.T
	for _, c := range k.all {
		switch rapid.SampledFrom([]string{"stays", "edited", "hidden", "deleted"}).Draw(t, "comment "+c.id) {
		case "edited":
			c.text = k.j.drawText("comment", openings...)
			c.edited++
		case "hidden":
			if c.visible == "public" {
				c.visible = "internal"
			}
		case "deleted":
			c.deleted = true
		}
	}
	if rapid.Bool().Draw(t, "a comment is added") {
		k.add()
	}
	k.put()
}

// begins is a comment's first words.
func begins(text []piece) string { return text[0].words }

// says reports whether a text holds a word anywhere.
func says(text []piece, word string) bool {
	return slices.ContainsFunc(text, func(p piece) bool { return strings.Contains(p.words, word) })
}

// shares is what the north shows of a comment; kept: it does not pass any more, and stays as it was.
func (k *talk) shares(c *spoken) (p *posted, kept bool) {
	public := c.visible == "public"
	o := k.out[bit(public)]
	other := k.out[1-bit(public)]
	if o == nil {
		return nil, c.posted != nil && other != nil && !other.retract
	}
	text := c.text
	old := c.posted == nil && !k.j.since.IsZero() && c.created.Before(k.j.since)
	if old || o.when && !says(text, "hello") {
		return nil, c.posted != nil && !o.retract
	}
	if o.strip {
		rest, found := strings.CutPrefix(begins(text), "(ext)")
		if !found {
			return nil, c.posted != nil && !o.retract
		}
		text = slices.Clone(text)
		text[0].words = strings.TrimSpace(rest)
	}
	p = &posted{text: text, public: public, edited: c.edited}
	if c.answers != nil && c.answers.posted != nil && !c.answers.deleted {
		p.answers = c.answers.id
	}
	return p, false
}

// rule is the south's about a comment of some visibility.
func (k *talk) rule(public bool) *inTalk {
	if r := k.in[bit(public)]; r != nil || public {
		return r
	}
	return k.in[1]
}

func (k *talk) arrive() {
	for _, c := range k.all {
		var now *posted
		kept := false
		if !c.deleted {
			now, kept = k.shares(c)
		}
		switch {
		case kept:
		case now != nil:
			k.arrived(c, now)
		case c.posted != nil:
			c.posted = nil
			k.gone(c)
		}
	}
}

// arrived follows what the north shows.
func (k *talk) arrived(c *spoken, now *posted) {
	c.posted = now
	r := k.rule(now.public)
	if r == nil || r.when && !says(now.text, "world") {
		return
	}
	public := r.as == "public" || r.as == "same" && now.public || r.publicWhen && strings.HasPrefix(begins(now.text), "hello")
	head := ""
	if r.byline {
		head = k.j.people.called(c.author) + ":"
	}
	if c.there == nil {
		c.there = &heard{public: public, text: k.j.there(now.text, k.out[bit(now.public)].addresses, r.places, public).under(head)}
		if a := c.answers; now.answers != "" && a.there != nil && a.there.public == public {
			c.there.answers = a
		}
		return
	}
	text := k.j.there(now.text, k.out[bit(now.public)].addresses, r.places, public || c.there.public)
	same := text.under(head).keeping(c.there.text, k.j.files.goes)
	switch {
	case same.text() == c.there.text.text():
	case r.edits == "follow":
		c.there.text = same
	case r.edits == "note":
		note := k.j.there(k.j.files.bare(now.text), k.out[bit(now.public)].addresses, r.places, public || c.there.public).under(strings.TrimSuffix(cmpOr(head, k.j.people.called(c.author)+":"), ":") + " (edited):")
		k.j.notes[note.text()] = true
	}
}

func cmpOr(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// gone follows a deletion, by the rule about what the customer in the south sees, or does not, where there are two.
func (k *talk) gone(c *spoken) {
	if c.there == nil {
		return
	}
	r := k.rule(c.there.public)
	if r == nil {
		r = k.in[0]
	}
	switch {
	case r.deletes == "ignore":
	case r.deletes == "delete":
		c.there = nil
	case !strings.Contains(c.there.text.blocks[0], "Deleted at north"):
		c.there.text = c.there.text.under("Deleted at north:")
	}
}

func (k *talk) compare() {
	for _, c := range k.all {
		local, ok := k.j.south.twins[replica.Path("comment/"+c.id)]
		i := slices.IndexFunc(k.j.south.ticket.Comments, func(o jsm.Comment) bool { return o.ID == local })
		if c.there == nil {
			if ok && i >= 0 {
				k.j.fail("comment %s is there, and should not be: %s", c.id, k.j.south.ticket.Comments[i].Body)
			}
			continue
		}
		if i < 0 {
			k.j.fail("comment %s is not there: %s", c.id, c.there.text.text())
		}
		k.j.claim(local)
		got := k.j.south.ticket.Comments[i]
		if text := canonicalText(got.Body); text != c.there.text.text() || got.Public != c.there.public {
			k.j.fail("comment %s (%s)\nis    public=%t %s\nnot   public=%t %s", c.id, c.visible, got.Public, text, c.there.public, c.there.text.text())
		}
		parent := ""
		if c.there.answers != nil {
			parent = k.j.south.twins[replica.Path("comment/"+c.there.answers.id)]
		}
		if got.Parent != parent {
			k.j.fail("comment %s answers %q, and not %q", c.id, got.Parent, parent)
		}
	}
}
