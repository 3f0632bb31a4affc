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

// files are the attachments of a case, and the rules about them.
type files struct {
	j     *journey
	out   [2]*fileRule // internal, public; nil: not shared
	in    [2]*fileRule // likewise; nil: not taken, unless those of the customer cover them
	all   []*annex
	drawn int
}

type fileRule struct {
	when            bool // only pictures
	max             int64
	retract         bool
	as, onceDeleted string
}

type annex struct {
	id, name string
	size     int64
	public   bool
	created  time.Time
	deleted  bool
	posted   bool
	local    string // media id in the south; empty: it is not there
	opened   bool   // the customer in the south sees it
	fresh    bool   // it has come with the last sync: texts of the same show it in a second step
}

func drawFiles(j *journey) {
	j.files = &files{j: j}
	for i, name := range attachmentKinds {
		if rapid.Bool().Draw(j.T, "shares "+name) {
			j.files.out[i] = j.files.rule(j.north, "outgoing", name)
		}
		if rapid.Bool().Draw(j.T, "takes "+name) {
			j.files.in[i] = j.files.rule(j.south, "incoming", name)
		}
	}
	for range rapid.IntRange(0, 3).Draw(j.T, "files") {
		j.files.add()
	}
	j.parts = append(j.parts, j.files)
}

func (f *files) rule(d *firm, direction, name string) *fileRule {
	r := &fileRule{as: "internal", onceDeleted: "origin"}
	var words []string
	if r.when = rapid.IntRange(0, 3).Draw(f.j.T, "when it is a picture") == 3; r.when {
		words = append(words, `when = 'attachment.name.endsWith(".png")'`)
	}
	if rapid.IntRange(0, 3).Draw(f.j.T, "has a most size") == 3 {
		r.max = 1024
		words = append(words, `max = "1 KiB"`)
	}
	if direction == "outgoing" {
		if r.retract = rapid.Bool().Draw(f.j.T, "retract"); r.retract {
			words = append(words, "retract = true")
		}
	} else {
		r.as = rapid.SampledFrom([]string{"internal", "public", "same"}).Draw(f.j.T, "files as")
		r.onceDeleted = rapid.SampledFrom([]string{"origin", "mark", "ignore"}).Draw(f.j.T, "files' deletes")
		words = append(words, fmt.Sprintf("as = %q\ndeletes = %q", r.as, r.onceDeleted))
	}
	d.table(fmt.Sprintf("%s.%q", direction, name), words...)
	return r
}

// add has somebody in the north attach a file.
func (f *files) add() {
	t := f.j.T
	f.drawn++
	one := &annex{id: fmt.Sprint(70 + f.drawn), name: rapid.SampledFrom([]string{"plan.png", "log.txt", "ä b.png"}).Draw(t, "file"),
		size: rapid.SampledFrom([]int64{3, 1024, 1025}).Draw(t, "file's size"), public: rapid.Bool().Draw(t, "file is public"), created: f.j.at("file")}
	f.all = append(f.all, one)
	a := jsm.Attachment{ID: one.id, Name: one.name, Size: one.size, MIME: "image/png", Author: northern[0], Created: one.created}
	if one.public {
		a.Shown = jsm.ByComment
	}
	f.j.north.ticket.Attachments = append(f.j.north.ticket.Attachments, a)
	f.j.north.media[one.id] = "media-" + one.id
}

func (f *files) edit() {
	if len(f.all) > 0 && rapid.Bool().Draw(f.j.T, "a file is deleted") {
		if one := rapid.SampledFrom(f.all).Draw(f.j.T, "that file"); !one.deleted {
			one.deleted = true
			delete(f.j.north.media, one.id)
			f.j.north.ticket.Attachments = slices.DeleteFunc(f.j.north.ticket.Attachments, func(a jsm.Attachment) bool { return a.ID == one.id })
		}
	}
	if rapid.Bool().Draw(f.j.T, "a file is added") {
		f.add()
	}
}

func (r *fileRule) passes(one *annex) bool {
	return r != nil && (r.max == 0 || one.size <= r.max) && (!r.when || strings.HasSuffix(one.name, ".png"))
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// shares says whether the north shows a file.
func (f *files) shares(one *annex) bool {
	switch rule := f.out[bit(one.public)]; {
	case one.deleted:
		return false
	case one.posted:
		return true // its content never changes, and no rule of this case does
	case !f.j.since.IsZero() && one.created.Before(f.j.since) && one.created.After(t0.Add(time.Minute)):
		return false
	default:
		return rule.passes(one)
	}
}

// landing is the south's rule about a file of some visibility.
func (f *files) landing(public bool) *fileRule {
	if r := f.in[bit(public)]; r != nil || public {
		return r
	}
	return f.in[1]
}

// opens: the customer in the south may see the file.
func (f *files) opens(one *annex) bool {
	r := f.landing(one.public)
	return r != nil && (r.as == "public" || r.as == "same" && one.public)
}

func (f *files) arrive() {
	for _, one := range f.all {
		was := one.posted
		one.posted, one.fresh = f.shares(one), false
		switch {
		case was && !one.posted && one.local != "":
			f.gone(one)
		case one.posted && one.local == "" && !was && f.landing(one.public).passes(one):
			one.opened, one.fresh = f.opens(one), true
			one.local = "media-" + strings.TrimPrefix(f.j.south.twins[replica.Path(FilePrefix+one.id)], FilePrefix)
		}
	}
}

// gone follows a deletion, by the rule about what the customer in the south sees, or does not, where there are two.
func (f *files) gone(one *annex) {
	r := f.landing(one.opened)
	if r == nil {
		r = f.in[0]
	}
	switch {
	case r.onceDeleted == "ignore":
	case r.onceDeleted == "mark":
		f.j.notes[one.name+" was deleted at north"] = true
	default:
		one.local = ""
	}
}

// shown is the media id by which a text in the south shows a file; empty: it names it.
func (f *files) shown(one *annex, public bool) string {
	if one.deleted || public && !f.opens(one) {
		return ""
	}
	return one.local
}

// bare is a text that is written once, before the files that come with it are there.
func (f *files) bare(text []piece) []piece {
	out := slices.Clone(text)
	for i, p := range out {
		if p.picture != nil && p.picture.fresh {
			out[i].picture = &annex{name: p.picture.name}
		}
	}
	return out
}

// goes: a file with that media id goes from the south, so that no text need keep it.
func (f *files) goes(media string) bool {
	return !slices.ContainsFunc(f.all, func(one *annex) bool { return one.local == media })
}

func (f *files) compare() {
	var want, got []string
	for _, one := range f.all {
		if one.local != "" {
			want = append(want, fmt.Sprintf("%s %s public=%t", one.local, one.name, one.opened))
		}
	}
	for _, a := range f.j.south.ticket.Attachments {
		got = append(got, fmt.Sprintf("media-%s %s public=%t", a.ID, a.Name, a.Customer()))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		f.j.fail("the south has the files %q, and %q is right", got, want)
	}
}
