package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"parley/jsm"
)

// northern are the people of the north. Jane is known in the south by the same address; Olga's account there is
// deactivated; Carla is a customer of the portal on both sides; nobody sees Kim's address.
var northern = []jsm.Person{
	{AccountID: "n-jane", Name: "Jane Doe", Email: "jane@both.example", Active: true},
	{AccountID: "n-kim", Name: "Kim Roe", Active: true},
	{AccountID: "n-olga", Name: "Olga Old", Email: "olga@both.example", Active: true},
	{AccountID: "n-zoe", Name: "Zoe Zed", Email: "zoe@north.example", Active: true},
	{AccountID: "qm:1:carla", Name: "Carla Cust", Email: "carla@both.example", Type: "customer", Active: true},
}

var southern = []jsm.Person{
	{AccountID: "s-jane", Name: "Jane D.", Email: "jane@both.example", Active: true},
	{AccountID: "s-olga", Name: "Olga O.", Email: "olga@both.example"},
	{AccountID: "qm:2:carla", Name: "Carla C.", Email: "carla@both.example", Type: "customer", Active: true},
	{AccountID: "s-lead", Name: "The Lead", Email: "lead@south.example", Active: true},
	{AccountID: "s-desk", Name: "The Desk", Email: "desk@south.example", Active: true},
}

// folk is how persons cross: the north's share, and the south's map, match and else.
type folk struct {
	share, otherwise string
	match            bool
	to               map[string]string
}

func drawFolk(t *rapid.T) folk {
	f := folk{to: map[string]string{}}
	f.share = rapid.SampledFrom([]string{"email", "name", "alias", "company"}).Draw(t, "people.share")
	f.otherwise = rapid.SampledFrom([]string{"note", "drop", "user"}).Draw(t, "people.else")
	f.match = rapid.Bool().Draw(t, "people.match")
	for _, e := range [][2]string{{"jane@both.example", "lead@south.example"}, {"Kim Roe", "desk@south.example"}, {"Zoe Zed", "olga@both.example"}, {"zoe@north.example", "nobody@south.example"}} {
		if rapid.IntRange(0, 2).Draw(t, "maps "+e[0]) == 2 {
			f.to[e[0]] = e[1]
		}
	}
	return f
}

// table is [people] of a side.
func (f *folk) table(d *firm) string {
	if d == d.j.north {
		return fmt.Sprintf("[people]\nshare = %q\n", f.share)
	}
	lines := "[people]\n"
	if f.match {
		lines += "match = \"email\"\n"
	}
	if len(f.to) > 0 {
		var entries []string
		for from, to := range f.to {
			entries = append(entries, fmt.Sprintf("%q = %q", from, to))
		}
		slices.Sort(entries)
		lines += "map = { " + strings.Join(entries, ", ") + " }\n"
	}
	if f.otherwise == "user" {
		return lines + "else = { user = \"desk@south.example\" }\n"
	}
	return lines + fmt.Sprintf("else = %q\n", f.otherwise)
}

// findable reports whether the rules let anybody be found in the south at all.
func (f *folk) findable() bool { return f.match || len(f.to) > 0 || f.otherwise == "user" }

// who is one of the north's by account.
func who(account string) jsm.Person {
	return northern[slices.IndexFunc(northern, func(p jsm.Person) bool { return p.AccountID == account })]
}

// mailAndName are what the south is told of somebody.
func (f *folk) mailAndName(p jsm.Person) (mail, name string) {
	switch f.share {
	case "email":
		return p.Email, p.Name
	case "name":
		return "", p.Name
	}
	return "", ""
}

// candidates are the accounts of the south that somebody may be, best first: by map, then by e-mail.
func (f *folk) candidates(p jsm.Person) (all []jsm.Person) {
	mail, name := f.mailAndName(p)
	var mails []string
	if to, ok := f.to[mail]; ok && mail != "" {
		mails = append(mails, to)
	} else if to, ok := f.to[name]; ok && name != "" {
		mails = append(mails, to)
	}
	if f.match && mail != "" {
		mails = append(mails, mail)
	}
	for _, m := range mails {
		if i := slices.IndexFunc(southern, func(p jsm.Person) bool { return p.Email == m }); i >= 0 {
			all = append(all, southern[i])
		}
	}
	return all
}

// is who somebody is in the south. nobody: there is no such active account.
func (f *folk) is(p jsm.Person) (who jsm.Person, nobody bool) {
	for _, one := range f.candidates(p) {
		if one.Active {
			return one, false
		}
	}
	if f.otherwise == "user" {
		return southern[4], false
	}
	return who, true
}

// addressed is who is told where a text mentions somebody. Nobody stands in, and the portal's customers are not told.
func (f *folk) addressed(p jsm.Person) (who jsm.Person, nobody bool) {
	if f.share == "company" {
		return who, true
	}
	for _, one := range f.candidates(p) {
		if one.Active && one.Type != "customer" {
			return one, false
		}
	}
	return who, true
}

// called is the name that the south reads: an alias cannot be guessed, so that it is compared as "Agent ?".
func (f *folk) called(p jsm.Person) string {
	name := f.alone(p)
	if name == "North" {
		return name
	}
	return name + ", North"
}

// alone is the name without the company, where there is one.
func (f *folk) alone(p jsm.Person) string {
	switch {
	case f.share == "company":
		return "North"
	case f.share == "alias" && p.Type == "customer":
		return "Customer ?"
	case f.share == "alias":
		return "Agent ?"
	}
	return p.Name
}

var aliases = regexp.MustCompile(`\b(Agent|Customer) [A-Z2-7]{5}\b`)

func unaliased(s string) string { return aliases.ReplaceAllString(s, "$1 ?") }

// unknown is what becomes of somebody who is nobody in the south: a note, where the rule says so and there is a name.
func (j *journey) unknown(field string, p jsm.Person) {
	if j.people.otherwise == "note" && j.people.share != "company" {
		j.notes[fmt.Sprintf("%s at north: %s", field, j.people.called(p))] = true
	}
}
