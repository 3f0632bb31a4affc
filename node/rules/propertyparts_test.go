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

// Work logs and links of a case, and the rules about them.

// works are the work logs.
type works struct {
	j                                *journey
	shared, long, taken, short, line bool // long and short: only those of more than an hour, of less than three
	edits, deletes                   string
	all                              []*done
	drawn                            int
}

// done is a work log of the north's.
type done struct {
	id      string
	by      jsm.Person
	seconds int64
	text    []piece
	limited bool
	created time.Time
	deleted bool
	posted  *done // as the south was shown it
	there   *done // as the south must hold it; text is under its byline
	seen    seen
}

func drawWorks(j *journey) {
	w := &works{j: j, edits: "follow", deletes: "delete"}
	flag := func(label string) bool { return rapid.Bool().Draw(j.T, label) }
	if w.shared = flag("shares work"); w.shared {
		var words []string
		if w.long = flag("long work"); w.long {
			words = append(words, `when = 'worklog.seconds > 3600.0'`)
		}
		j.north.table("outgoing.worklogs", words...)
	}
	if w.taken = flag("takes work"); w.taken {
		w.line, w.edits, w.deletes = flag("byline of work"), rapid.SampledFrom([]string{"follow", "ignore"}).Draw(j.T, "edits of work"), rapid.SampledFrom([]string{"delete", "ignore"}).Draw(j.T, "deletes of work")
		words := []string{fmt.Sprintf("byline = %t\nedits = %q\ndeletes = %q", w.line, w.edits, w.deletes)}
		if w.short = flag("short work"); w.short {
			words = append(words, `when = 'worklog.seconds < 10800.0'`)
		}
		j.south.table("incoming.worklogs", words...)
	}
	for range rapid.IntRange(0, 2).Draw(j.T, "work logs") {
		w.add()
	}
	j.parts = append(j.parts, w)
}

func (w *works) draw(d *done) {
	d.seconds = rapid.SampledFrom([]int64{5, 90, 5400, 14400}).Draw(w.j.T, "seconds")
	d.limited = rapid.IntRange(0, 3).Draw(w.j.T, "is limited") == 3
	d.text = slices.DeleteFunc(w.j.drawText("work"), func(p piece) bool { return p.picture != nil })
}

func (w *works) add() {
	w.drawn++
	d := &done{id: fmt.Sprint(20 + w.drawn), by: rapid.SampledFrom(northern).Draw(w.j.T, "worker"), created: w.j.at("work")}
	w.draw(d)
	w.all = append(w.all, d)
	w.put()
}

func (w *works) put() {
	var list []jsm.Worklog
	for _, d := range w.all {
		one := jsm.Worklog{ID: d.id, Author: d.by, Started: t0, Seconds: d.seconds, Created: d.created, Updated: d.created}
		if len(d.text) > 0 {
			one.Text = w.j.here(d.text)
		}
		if d.limited {
			one.Limit = &jsm.Limit{Kind: "role", Name: "Agents"}
		}
		if !d.deleted {
			list = append(list, one)
		}
	}
	w.j.north.ticket.Worklogs, w.j.north.ticket.WorklogsTotal = list, len(list)
}

func (w *works) edit() {
	for _, d := range w.all {
		switch rapid.SampledFrom([]string{"stays", "edited", "deleted"}).Draw(w.j.T, "work "+d.id) {
		case "edited":
			w.draw(d)
		case "deleted":
			d.deleted = true
		}
	}
	w.put()
}

func (w *works) arrive() {
	for _, d := range w.all {
		passes := w.shared && !d.deleted && !d.limited && (!w.long || d.seconds > 3600)
		if old := d.posted == nil && !w.j.since.IsZero() && d.created.Before(w.j.since); old {
			passes = false
		}
		switch {
		case passes:
			d.posted = &done{seconds: d.seconds, text: d.text}
			w.arrived(d)
		case d.deleted && d.posted != nil:
			if d.posted = nil; w.taken && w.deletes == "delete" {
				d.there = nil
			}
		}
	}
}

func (w *works) arrived(d *done) {
	if !w.taken || w.short && d.posted.seconds >= 10800 || d.there != nil && w.edits == "ignore" {
		return
	}
	d.there = &done{seconds: max(d.posted.seconds, 60) / 60 * 60}
	d.seen = w.j.there(d.posted.text, "twin", "twin", false)
	switch name := w.j.people.called(d.by); {
	case w.line && len(d.posted.text) == 0:
		d.seen = seen{blocks: []string{paragraph(textNode(name, ""))}}
	case w.line:
		d.seen = d.seen.under(name + ":")
	}
}

func (w *works) compare() {
	count := 0
	for _, d := range w.all {
		if d.there == nil {
			continue
		}
		count++
		local := strings.TrimPrefix(w.j.south.twins[replica.Path("worklog/"+d.id)], twinWorklog)
		i := slices.IndexFunc(w.j.south.ticket.Worklogs, func(l jsm.Worklog) bool { return l.ID == local })
		if i < 0 {
			w.j.fail("work %s is not there", d.id)
		}
		got := w.j.south.ticket.Worklogs[i]
		if len(d.seen.blocks) == 0 != (got.Text == nil) || got.Seconds != d.there.seconds || got.Text != nil && canonicalText(got.Text) != d.seen.text() {
			w.j.fail("work %s is %ds %s, and not %ds %s", d.id, got.Seconds, got.Text, d.there.seconds, d.seen.text())
		}
	}
	if n := len(w.j.south.ticket.Worklogs); n != count {
		w.j.fail("the south has %d work logs, and %d are right", n, count)
	}
}

// ties are the links of a case: to other tickets, and to the web.
type ties struct {
	j                           *journey
	shared, taken, kept, ownToo bool
	only                        string // of what kind the north shares: "", web, Blocks
	takes                       string // of what kind the south takes: "", ticket, web
	kinds                       *naming
	all                         []*tie
	drawn                       int
}

type tie struct {
	id, kind, other string // of a link to a ticket
	url, title      string // of one to the web
	deleted, posted bool
	there           string // what the south must hold
}

// northern kinds of links; the south has Blocks, and Cause, of which "causes" is the inward word.
var northernLinks = map[string]jsm.LinkType{
	"Blocks": {ID: "1", Name: "Blocks", Outward: "blocks", Inward: "is blocked by"}, "Relates": {ID: "2", Name: "Relates", Outward: "relates to", Inward: "relates to"},
	"Causation": {ID: "3", Name: "Causation", Outward: "causes", Inward: "is caused by"},
}

func drawTies(j *journey) {
	l := &ties{j: j}
	flag := func(label string) bool { return rapid.Bool().Draw(j.T, label) }
	if l.shared = flag("shares links"); l.shared {
		var words []string
		if l.ownToo = flag("own site"); l.ownToo {
			words = append(words, "own_site = true")
		}
		switch l.only = rapid.SampledFrom([]string{"", "web", "Blocks"}).Draw(j.T, "only links"); l.only {
		case "web":
			words = append(words, `when = 'link.kind == "web"'`)
		case "Blocks":
			words = append(words, `when = 'link.type == "Blocks"'`)
		}
		j.north.table("outgoing.links", words...)
	}
	if l.taken = flag("takes links"); l.taken {
		var words []string
		if flag("maps kinds of links") {
			l.kinds = drawNaming(j.T, "kinds", []string{"Blocks", "Relates", "Causation"}, []string{"Blocks", "is blocked by", "Cause", "causes"})
			words = l.kinds.lines()
		}
		if l.kept = flag("keeps links"); l.kept {
			words = append(words, `deletes = "ignore"`)
		}
		if l.takes = rapid.SampledFrom([]string{"", "ticket", "web"}).Draw(j.T, "takes only"); l.takes != "" {
			words = append(words, fmt.Sprintf(`when = 'link.kind == "%s"'`, l.takes))
		}
		j.south.table("incoming.links", words...)
	}
	l.add()
	j.parts = append(j.parts, l)
}

func (l *ties) add() {
	for _, other := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"5", "6", "77"}), 0, 2, rapid.ID).Draw(l.j.T, "linked tickets") {
		if slices.ContainsFunc(l.all, func(t *tie) bool { return t.other == other }) {
			continue
		}
		l.drawn++
		l.all = append(l.all, &tie{id: fmt.Sprint(30 + l.drawn), kind: rapid.SampledFrom([]string{"Blocks", "Relates", "Causation"}).Draw(l.j.T, "kind of link"), other: other})
	}
	for range rapid.IntRange(0, 2).Draw(l.j.T, "web links") {
		l.drawn++
		l.all = append(l.all, &tie{id: fmt.Sprint(30 + l.drawn), url: rapid.SampledFrom([]string{"https://else.example/x", "https://north.example/y", "ftp://else.example/z"}).Draw(l.j.T, "web link"),
			title: rapid.SampledFrom([]string{"Status", ""}).Draw(l.j.T, "title")})
	}
	l.put()
}

func (l *ties) put() {
	t := l.j.north.ticket
	if t.Links, t.WebLinks = nil, nil; l.j.article != nil {
		t.WebLinks = append(t.WebLinks, *l.j.article)
	}
	for _, one := range l.all {
		switch {
		case one.deleted:
		case one.kind != "":
			t.Links = append(t.Links, jsm.IssueLink{ID: one.id, Type: northernLinks[one.kind], Outward: true, Other: jsm.Option{ID: one.other, Value: "NO-" + one.other}})
		default:
			t.WebLinks = append(t.WebLinks, jsm.RemoteLink{ID: one.id, URL: one.url, Title: one.title})
		}
	}
}

func (l *ties) edit() {
	for _, one := range l.all {
		switch rapid.SampledFrom([]string{"stays", "renamed", "deleted"}).Draw(l.j.T, "link "+one.id) {
		case "renamed":
			one.title = "Renamed"
		case "deleted":
			one.deleted = true
		}
	}
	l.add()
}

func (l *ties) shares(one *tie) bool {
	switch {
	case !l.shared || one.deleted:
		return false
	case one.kind != "":
		return one.other != "77" && l.only != "web" && (l.only == "" || one.kind == l.only)
	}
	own := strings.HasPrefix(one.url, "https://north.example")
	return strings.HasPrefix(one.url, "https") && (!own || l.ownToo) && l.only != "Blocks"
}

func (l *ties) arrive() {
	for _, one := range l.all {
		was := one.posted
		one.posted = l.shares(one)
		switch {
		case !l.taken:
		case one.posted && one.kind == "" && l.takes != "ticket":
			one.there = one.url + " " + cmpOr(one.title, one.url)
		case one.posted && one.kind != "" && l.takes != "web":
			one.there = l.kind(one)
		case was && !one.posted && !l.kept:
			one.there = ""
		}
	}
}

// kind is what a link of the north's is in the south; empty: it waits, or is skipped.
func (l *ties) kind(one *tie) string {
	name, f := l.kinds.of(one.kind)
	if f != lands {
		return ""
	}
	if l.kinds == nil && name == "Causation" {
		name = "causes" // by its words, where its name says nothing here
	}
	to := map[string]string{"Blocks": "blocks", "is blocked by": "is blocked by", "Cause": "is caused by", "causes": "causes"}[name]
	if to == "" {
		return ""
	}
	return to + " SO-" + one.other
}

func (l *ties) compare() {
	var want, got []string
	for _, one := range l.all {
		if one.there != "" {
			want = append(want, one.there)
		}
	}
	for _, one := range l.j.south.ticket.Links {
		word := one.Type.Inward
		if one.Outward {
			word = one.Type.Outward
		}
		got = append(got, word+" "+one.Other.Value)
	}
	for _, one := range l.j.south.ticket.WebLinks {
		if !l.j.claimed[one.GlobalID] {
			got = append(got, one.URL+" "+one.Title)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		l.j.fail("the south has the links %q, and %q is right", got, want)
	}
}
