package rules

import (
	"regexp"
	"slices"
	"strings"

	"parley/jsm"
)

// What must stand in the south's field. Nothing here asks the rules under test.

// shares is what the north shows; stays: it waits there, and what was shown stays.
func (p *pair) shares() (v []string, stays bool) {
	if len(p.value) == 0 || p.when && !p.j.summary.goes() {
		return nil, false
	}
	for _, name := range p.value {
		to, f := p.out.of(name)
		switch {
		case f == waits && p.elements: // of that name the peer keeps what it has
			if slices.Contains(p.posted, name) && !slices.Contains(v, name) {
				v = append(v, name)
			}
		case f == waits:
			return nil, true
		case f == lands && !slices.Contains(v, to):
			v = append(v, to)
		}
	}
	if p.elements {
		slices.Sort(v)
	}
	return v, false
}

// arrive moves what the south must hold.
func (p *pair) arrive() {
	before := p.posted
	now, stays := p.shares()
	if stays {
		now = before
	}
	p.posted = now
	changed := !slices.Equal(before, now)
	due := p.j.wakes || !p.once && (changed || p.wants && p.j.summary.changed)
	if !due || p.wants && !p.j.summary.isOn() {
		return
	}
	switch s := looks[p.to.Type]; {
	case s == sNames || s == sLabels || s == sPeople:
		p.fill(before, now)
	case len(now) > 0:
		if v, fits := p.single(now); fits {
			p.set(v)
		}
	default:
		p.cleared()
	}
}

func (p *pair) set(v []string) {
	p.want = slices.Clone(v)
	slices.Sort(p.want)
	p.want = slices.Compact(p.want)
}

// cleared is what comes of nothing: ours is kept, unless the rule says clear.
func (p *pair) cleared() {
	if p.clear && !p.j.wakes {
		p.want = nil
	}
}

// fill is a set's: elements come and go one by one; a list is taken whole.
func (p *pair) fill(before, now []string) {
	var wanted []string
	for _, one := range now {
		if v, fits := p.member(one); fits && !slices.Contains(wanted, v) {
			wanted = append(wanted, v)
		}
	}
	switch {
	case p.replace:
		p.set(wanted)
	case p.elements && p.j.wakes, p.add && !p.elements:
		p.set(append(wanted, p.want...))
	case p.elements:
		kept := p.want
		for _, gone := range before {
			to, f := p.in.of(gone)
			if !slices.Contains(now, gone) && f == lands && !slices.Contains(wanted, to) {
				kept = slices.DeleteFunc(slices.Clone(kept), func(s string) bool { return s == to })
			}
		}
		woken := p.wants && p.j.summary.changed // when may have kept out what came before
		for _, one := range now {
			if v, fits := p.member(one); fits && (woken || !slices.Contains(before, one)) {
				kept = append(slices.Clone(kept), v)
			}
		}
		p.set(kept)
	case len(wanted) == 0:
		p.cleared()
	default:
		p.set(wanted)
	}
}

// twoLevels: the value is one of a cascading select that no map of the north made a plain name of.
func (p *pair) twoLevels(name string) bool {
	return looks[p.from.Type] == sCascade && strings.Contains(name, " / ")
}

// member is one value of a set in the south.
func (p *pair) member(one string) (v string, fits bool) {
	switch looks[p.from.Type] {
	case sPerson, sPeople:
		them := who(one)
		there, nobody := p.j.people.is(them)
		if nobody {
			p.j.unknown(p.to.Name, them)
		}
		return there.AccountID, !nobody
	}
	name, f := p.in.of(one)
	if f != lands || p.twoLevels(one) && name == one {
		return "", false
	}
	if looks[p.to.Type] == sLabels {
		return name, oneWord(name)
	}
	return p.chosen(name)
}

// chosen is an option of the south's field by name: one that is there, or is made, or what else says.
func (p *pair) chosen(name string) (string, bool) {
	switch {
	case !hasOptions(p.to.Type), slices.Contains(p.to.Options, name), p.creates:
		return name, true
	case p.otherwise != "":
		return p.otherwise, true
	case p.in != nil && p.in.other != "":
		return p.in.other, true
	}
	return "", false
}

// single is the value of a field that holds one; fits is false where it waits or is skipped, and ours stays.
func (p *pair) single(now []string) (v []string, fits bool) {
	to := looks[p.to.Type]
	if s := looks[p.from.Type]; s == sPerson || s == sPeople {
		return p.persons(now)
	}
	var names []string
	for _, one := range now {
		name, f := p.in.of(one)
		list := looks[p.from.Type] == sNames || looks[p.from.Type] == sLabels
		switch {
		case f == waits, f == skipped && !list:
			return nil, false
		case f == lands && !slices.Contains(names, name):
			names = append(names, name)
		}
	}
	if len(names) == 0 { // a list of which the map leaves nothing says nothing
		if p.clear && !p.j.wakes {
			return nil, true
		}
		return nil, false
	}
	switch to {
	case sChoice:
		if p.twoLevels(now[0]) && names[0] == now[0] {
			return nil, false
		}
		fallthrough
	case sCascade:
		name, ok := p.chosen(names[0])
		return []string{name}, ok
	}
	text := strings.Join(names, ", ")
	if looks[p.from.Type] == sRich {
		text = squeezed(text)
	}
	return written(to, text)
}

// squeezed is a rich text as it reads: an empty line parts paragraphs, and a paragraph is a line.
func squeezed(s string) string { return regexp.MustCompile(`\n+`).ReplaceAllString(s, "\n") }

func (p *pair) persons(now []string) (v []string, fits bool) {
	if p.to.Type != jsm.User {
		var names []string
		for _, one := range now {
			names = append(names, p.j.people.called(who(one)))
		}
		slices.Sort(names)
		return written(looks[p.to.Type], strings.Join(names, ", "))
	}
	them := who(now[0])
	there, nobody := p.j.people.is(them)
	if p.to.ID == "assignee" && there.Type == "customer" { // Jira assigns nothing to one
		if there, nobody = southern[4], p.j.people.otherwise != "user"; nobody {
			there = jsm.Person{}
		}
	}
	if nobody {
		p.j.unknown(p.to.Name, them)
	}
	return []string{there.AccountID}, !nobody
}
