package rules

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"parley/jsm"
	"parley/replica"
)

// reports are what only a service desk knows: an approval, a clock, the portal, a rating, an article.
type reports struct {
	j   *journey
	all []*report
}

// report is one of them, and the rules about it.
type report struct {
	j              *journey
	entity         string
	path           replica.Path
	shared, taken  bool
	wants          bool   // the south takes it while the summary ends with "on"
	as             string // note, field, web_link
	fields         string // of as = "field"
	state          string // in the north; empty: there is none
	text           func(state string) string
	lands          func(state string) map[string][]string // by field of the south
	page           func(state string) string
	put            func(state string)
	states         []string
	posted         string
	note, pageThen string // that the south must have
	in             map[string][]string
}

// reportFields are what the south has for reports to land in.
var reportFields = []jsm.Field{
	{ID: "customfield_91", Name: "R text", Custom: true, Type: jsm.Text}, {ID: "customfield_92", Name: "R due", Custom: true, Type: jsm.DateTime},
	{ID: "customfield_93", Name: "R goal", Custom: true, Type: jsm.NumberType}, {ID: "customfield_94", Name: "R page", Custom: true, Type: jsm.URL},
	{ID: "customfield_95", Name: "R stars", Custom: true, Type: jsm.NumberType}, {ID: "customfield_96", Name: "R words", Custom: true, Type: jsm.Paragraph},
	{ID: "customfield_97", Name: "R shown", Custom: true, Type: jsm.Text},
}

func drawReports(j *journey) {
	j.south.schema.Fields = append(j.south.schema.Fields, reportFields...)
	j.north.schema.Fields = append(j.north.schema.Fields, jsm.Field{ID: "customfield_81", Name: "Approvals", Custom: true, Type: jsm.ApprovalsType},
		jsm.Field{ID: "customfield_82", Name: "Time to resolution", Custom: true, Type: jsm.SLAType}, jsm.Field{ID: "customfield_83", Name: "Satisfaction", Custom: true, Type: jsm.FeedbackType})
	rs := &reports{j: j, all: []*report{anApproval(j), aClock(j), thePortal(j), aRating(j), anArticle(j)}}
	for _, r := range rs.all {
		if r.shared = rapid.Bool().Draw(j.T, "shares "+r.entity); r.shared {
			j.north.named = append(j.north.named, r.entity)
		}
		if r.taken = rapid.Bool().Draw(j.T, "takes "+r.entity); r.taken {
			r.drawTaken()
		}
	}
	rs.edit()
	j.parts = append(j.parts, rs)
}

func (r *report) drawTaken() {
	ways := []string{"note"}
	if r.fields != "" {
		ways = append(ways, "field")
	}
	if r.page != nil {
		ways = append(ways, "web_link")
	}
	r.as = rapid.SampledFrom(ways).Draw(r.j.T, r.entity+" as")
	words := []string{fmt.Sprintf("as = %q", r.as)}
	if r.as == "field" {
		words = append(words, "fields = { "+r.fields+" }")
	}
	if r.wants = rapid.IntRange(0, 2).Draw(r.j.T, r.entity+" when") == 2; r.wants {
		words = append(words, `when = 'view.summary.endsWith("on")'`)
	}
	r.j.south.table("incoming."+r.entity, words...)
}

func (rs *reports) edit() {
	for _, r := range rs.all {
		r.state = rapid.SampledFrom(append([]string{""}, r.states...)).Draw(rs.j.T, r.entity)
		r.put(r.state)
	}
}

func set(j *journey, id, raw string) { j.north.ticket.Fields[id] = json.RawMessage(raw) }

func anApproval(j *journey) *report {
	r := &report{j: j, entity: "approvals", path: "approval/3", states: []string{"pending", "approved", "declined"}, fields: `"*" = "field:R text"`}
	r.put = func(state string) {
		if state == "" {
			set(j, "customfield_81", "null")
			return
		}
		set(j, "customfield_81", approvalJSON(state, "jane", false))
	}
	r.text = func(state string) string {
		jane := jsm.Person{AccountID: "jane", Name: "Jane"}
		when := " 2026-11-22 11:00 UTC"
		if state == "pending" {
			when = ""
		}
		return fmt.Sprintf("Manager approval at north: %s%s\n%s: %s", state, when, j.people.called(jane), state)
	}
	r.lands = func(state string) map[string][]string {
		return map[string][]string{"customfield_91": {strings.ReplaceAll(r.text(state), "\n", "; ")}}
	}
	return r
}

func aClock(j *journey) *report {
	r := &report{j: j, entity: "sla", path: "sla/12", states: []string{"running", "paused", "breached"},
		fields: `"Time to resolution" = "field:R due", "Time to resolution / goal" = "field:R goal"`}
	r.put = func(state string) {
		switch state {
		case "":
			set(j, "customfield_82", "null")
		case "paused":
			set(j, "customfield_82", `{"id":"12","name":"Time to resolution","completedCycles":[],"ongoingCycle":{"startTime":`+deskTime(askedAt)+`,"goalDuration":{"millis":14400000},"breached":false,"paused":true}}`)
		default:
			set(j, "customfield_82", clockJSON(fmt.Sprintf(`"breached":%t,"paused":false`, state == "breached")))
		}
	}
	r.text = func(state string) string {
		return "Time to resolution at north: " + map[string]string{"running": "due 2026-11-22 14:00 UTC, goal 4h", "paused": "paused, goal 4h", "breached": "breached, due 2026-11-22 14:00 UTC, goal 4h"}[state]
	}
	r.lands = func(state string) map[string][]string {
		due := []string{"2026-11-22T14:00:00Z"}
		if state == "paused" {
			due = nil
		}
		return map[string][]string{"customfield_92": due, "customfield_93": {"240"}}
	}
	return r
}

func thePortal(j *journey) *report {
	const url = "https://north.example/portal/1/NO-1"
	r := &report{j: j, entity: "portal", path: "portal", states: []string{"We are on it", "Done 👍"}, fields: `status = "field:R shown", link = "field:R page"`}
	r.put = func(state string) {
		if state == "" {
			set(j, "customfield_99", "null")
			return
		}
		set(j, "customfield_99", fmt.Sprintf(`{"requestType":{"id":"11","name":"Report"},"currentStatus":{"status":%q},"_links":{"web":%q}}`, state, url))
	}
	r.text = func(state string) string { return "The customer's portal at north shows: " + state + "\n" + url }
	r.lands = func(state string) map[string][]string {
		return map[string][]string{"customfield_97": {state}, "customfield_94": {url}}
	}
	r.page = func(state string) string { return url + " Request at north " + state }
	return r
}

func aRating(j *journey) *report {
	r := &report{j: j, entity: "satisfaction", path: "satisfaction", states: []string{"4 quick", "1 two\nlines", "5 "}, fields: `stars = "field:R stars", text = "field:R words"`}
	r.put = func(state string) {
		stars, words, rated := strings.Cut(state, " ")
		if j.north.ticket.Rating = nil; !rated {
			set(j, "customfield_83", "null")
			return
		}
		set(j, "customfield_83", `{"rating":`+stars+`}`)
		j.north.ticket.Rating = &jsm.Rating{Stars: int(stars[0] - '0'), Text: words}
	}
	r.text = func(state string) string {
		stars, words, _ := strings.Cut(state, " ")
		return strings.TrimSuffix(fmt.Sprintf("The customer at north rated the work: %s of 5 stars\n%s", stars, words), "\n")
	}
	r.lands = func(state string) map[string][]string {
		stars, words, _ := strings.Cut(state, " ")
		in := map[string][]string{"customfield_95": {stars}, "customfield_96": {words}}
		if words == "" {
			in["customfield_96"] = nil
		}
		return in
	}
	return r
}

func anArticle(j *journey) *report {
	const url = "https://north.example/wiki/1"
	r := &report{j: j, entity: "knowledge", path: "knowledge/55", states: []string{"VPN on the train", "VPN"}}
	r.put = func(state string) {
		j.article = nil
		if state != "" {
			j.article = &jsm.RemoteLink{ID: "55", URL: url, Title: state, App: "com.atlassian.confluence"}
		}
	}
	r.text = func(state string) string { return "Knowledge of north: " + state + "\n" + url }
	r.page = func(state string) string { return url + " " + state + " " }
	return r
}

func (rs *reports) arrive() {
	for _, r := range rs.all {
		r.arrive()
	}
}

const withdrawn = "No longer shown by north:\n"

func (r *report) arrive() {
	was := r.posted
	if r.posted = ""; r.shared {
		r.posted = r.state
	}
	if r.in == nil {
		r.in = map[string][]string{}
	}
	switch {
	case !r.taken || was == "" && r.posted == "":
	case r.posted == "":
		r.withdraw()
	case r.wants && !r.j.summary.isOn():
	case !r.j.wakes && was == r.posted && !(r.wants && r.j.summary.changed):
	case r.as == "note":
		r.note = r.text(r.posted)
	case r.as == "field":
		maps.Copy(r.in, r.lands(r.posted))
	default:
		r.pageThen = r.page(r.posted)
	}
}

func (r *report) withdraw() {
	switch {
	case r.as == "field":
		clear(r.in)
	case r.as == "web_link":
		r.pageThen = ""
	case r.note != "" && !strings.HasPrefix(r.note, withdrawn):
		r.note = withdrawn + r.note
	}
}

func (rs *reports) compare() {
	tk := rs.j.south.ticket
	for _, r := range rs.all {
		local := rs.j.south.twins[r.path]
		page, note := "", ""
		for _, l := range tk.WebLinks {
			if twinWebLink+l.GlobalID == local {
				page = l.URL + " " + l.Title + " " + l.Summary
				rs.j.claim(l.GlobalID)
			}
		}
		for _, c := range tk.Comments {
			if c.ID == local {
				note = unaliased(plainOf(c.Body))
				if rs.j.claim(c.ID); c.Public {
					rs.j.fail("the note about %s is public", r.entity)
				}
			}
		}
		if note != r.note || page != r.pageThen {
			rs.j.fail("%s is %q: the south has the note %q and the page %q, and %q and %q are right", r.entity, r.posted, note, page, r.note, r.pageThen)
		}
	}
	rs.compareFields()
}

func (rs *reports) compareFields() {
	want := map[string][]string{}
	for _, r := range rs.all {
		maps.Copy(want, r.in)
	}
	for _, f := range reportFields {
		got, err := reads(rs.j.south.ticket, f)
		for i := range got {
			got[i] = unaliased(got[i])
		}
		if err != nil || !slices.Equal(got, want[f.ID]) {
			rs.j.fail("%s holds %q, and %q is right. %v", f.Name, got, want[f.ID], err)
		}
	}
}
