package rules

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
)

// levels are how much of a person is shown, least first.
var levels = []string{"company", "alias", "name", "email"}

// people is [people] with the policy's ceiling applied.
type people struct {
	share     string
	to        map[string]string // their e-mail, name or alias to our e-mail
	match     bool
	otherwise string // note, drop, user
	user      string
}

func newPeople(p conf.People, never conf.Text) people {
	out := people{share: p.Share.Value, to: map[string]string{}, match: p.Match.Value == "email", otherwise: p.Else.Value, user: p.ElseUser.Value}
	if never.IsSet() && slices.Index(levels, never.Value) < slices.Index(levels, out.share) {
		out.share = never.Value
	}
	for _, e := range p.Map.Entries {
		out.to[e.From.Value] = e.To.Value
	}
	return out
}

var aliasText = base32.StdEncoding.WithPadding(base32.NoPadding)

// show is a person as the peer may see them. At "company" nothing tells two persons apart.
func (pp people) show(p jsm.Person, company string, secret []byte) replica.Person {
	out := replica.Person{Company: company}
	if pp.share == "company" {
		return out
	}
	if len(secret) > 0 {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(p.AccountID))
		out.Ref = strings.ToLower(aliasText.EncodeToString(mac.Sum(nil)[:15]))
	}
	switch pp.share {
	case "alias":
		if out.Ref != "" {
			out.Alias = "Agent " + strings.ToUpper(out.Ref[:5])
			if p.Type == "customer" {
				out.Alias = "Customer " + strings.ToUpper(out.Ref[:5])
			}
		}
	case "email":
		out.Email = p.Email
		fallthrough
	case "name":
		out.Name = p.Name
	}
	return out
}

// personName is how a person of the peer is called here.
func personName(p replica.Person) string {
	who := p.Name
	if who == "" {
		who = p.Alias
	}
	switch {
	case who == "":
		return p.Company
	case p.Company == "":
		return who
	}
	return who + ", " + p.Company
}

// candidates are the local e-mail addresses that a person of the peer may stand for, best first.
func (pp people) candidates(p replica.Person) (emails []string) {
	for _, key := range []string{p.Email, p.Name, p.Alias} {
		if to, ok := pp.to[key]; ok && key != "" {
			emails = append(emails, to)
			break
		}
	}
	if pp.match && p.Email != "" {
		emails = append(emails, p.Email)
	}
	return emails
}

// resolve finds who a person of the peer is here. Somebody unknown, deactivated or unfit is nobody else: the rule's else
// says whether a fixed user stands in; where nobody does, why says so. unfit gives the reason for which somebody will not
// do; nil: everybody does.
func (pp people) resolve(p replica.Person, in *Arrival, unfit func(jsm.Person) string) (who jsm.Person, why string) {
	why = "not known here"
	emails := pp.candidates(p)
	known := len(emails)
	if pp.otherwise == "user" {
		emails = append(emails, pp.user)
	}
	for i, email := range emails {
		who, ok := in.person(email)
		reason := ""
		switch {
		case !ok:
			continue
		case !who.Active:
			reason = "deactivated here"
		case unfit != nil:
			reason = unfit(who)
		}
		if reason == "" {
			return who, ""
		}
		if i < known {
			why = reason
		}
	}
	return jsm.Person{}, why
}
