package rules

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/jsm"
	"parley/replica"
)

// TestTheWholeTicketArrives: any two schemas, any rules, any ticket. It is sent, changed in the north and sent again, twice; each
// time what the rules share stands in the south as both sides' maps say, and a second sync sends and writes nothing.
func TestTheWholeTicketArrives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := drawJourney(t)
		for i, d := range []*firm{j.north, j.south} {
			if d.compile(); i == 1 && !j.joined {
				d.ticket = nil
			}
		}
		for range 3 {
			j.sync()
			j.compare()
			j.settled()
			for _, p := range j.parts {
				p.edit()
			}
		}
	})
}

// drawJourney draws a case.
func drawJourney(t *rapid.T) *journey {
	j := &journey{T: t, notes: map[string]bool{}, now: t0.Add(24 * time.Hour), people: drawFolk(t)}
	j.joined = rapid.Bool().Draw(t, "the south has a ticket")
	j.north = drawFirm(j, "North", "NO", 100)
	j.south = drawFirm(j, "South", "SO", 500)
	j.south.remote = replica.View{}
	for _, d := range []*firm{j.north, j.south} {
		d.others = map[string]replica.LinkID{"5": {5}, "6": {6}}
	}
	if rapid.IntRange(0, 2).Draw(t, "since the link") == 2 {
		j.since = t0.Add(2 * time.Hour)
	}
	drawSummary(j)
	drawLiterals(j)
	drawFiles(j)
	drawDescription(j)
	drawTalk(j)
	drawWorks(j)
	drawReports(j)
	drawTies(j)
	drawGuests(j)
	for n := range rapid.IntRange(0, 4).Draw(t, "fields") {
		drawPair(j, n)
	}
	if !j.joined {
		j.south.table("incoming.create", `project = "SO"`, `request_type = "Report"`)
	}
	return j
}

// drawFirm makes one side, with the little that every desk has.
func drawFirm(j *journey, name, key string, ids int) *firm {
	d := &firm{j: j, name: name, ids: ids, site: "https://" + strings.ToLower(name) + ".example", twins: map[replica.Path]string{}, media: map[string]string{}, seq: map[replica.Path]int{}}
	d.schema = &jsm.Schema{Project: jsm.Option{ID: "10000", Value: key}, Desk: "1",
		RequestTypes: []jsm.RequestType{{ID: "11", Name: "Report", Fields: []jsm.FormField{{Field: jsm.Field{ID: "summary", Name: "Summary", Type: jsm.Text}, Required: true}}}},
		Fields:       []jsm.Field{{ID: "summary", Name: "Summary", Type: jsm.Text}, {ID: "description", Name: "Description", Type: jsm.Paragraph}, {ID: "customfield_99", Name: "Request Type", Custom: true, Type: jsm.RequestTypeType}}}
	for i, status := range rapid.Permutation([]string{"Open", "Alpha", "beta", key + " done"}).Draw(j.T, name+"'s workflow") {
		d.schema.Statuses = append(d.schema.Statuses, jsm.Status{ID: d.id(), Name: status, Category: []string{"new", "indeterminate", "indeterminate", "done"}[i]})
	}
	d.ticket = &jsm.Ticket{ID: d.id(), Key: key + "-1", Project: d.schema.Project, Created: t0, Updated: t0, Status: d.schema.Statuses[0], Fields: map[string]json.RawMessage{}}
	d.ticket.Fields["summary"] = json.RawMessage(`"of the ` + name + `"`)
	return d
}

// summary is shared in any case; the conditions of other rules read it.
type summary struct {
	j       *journey
	text    string
	changed bool // since the last sync
}

func drawSummary(j *journey) {
	j.summary = &summary{j: j}
	j.parts = append(j.parts, j.summary)
	j.north.named, j.south.named = append(j.north.named, "summary"), append(j.south.named, "summary")
	j.summary.draw()
}

func (s *summary) draw() {
	was := s.text
	s.text = rapid.SampledFrom([]string{"go ", "no "}).Draw(s.j.T, "summary begins") + rapid.SampledFrom([]string{"on", "off"}).Draw(s.j.T, "summary ends")
	s.changed = s.text != was
	s.j.north.ticket.Fields["summary"], _ = json.Marshal(s.text)
}

func (s *summary) goes() bool { return strings.HasPrefix(s.text, "go") }
func (s *summary) isOn() bool { return strings.HasSuffix(s.text, "on") }

func (s *summary) edit()   { s.draw() }
func (s *summary) arrive() {}

func (s *summary) compare() {
	if got, err := reads(s.j.south.ticket, s.j.south.schema.Fields[0]); err != nil || !slices.Equal(got, []string{s.text}) {
		s.j.fail("the summary is %q, and not %q: %v", got, s.text, err)
	}
}

// compare moves what is expected, and looks at all of it.
func (j *journey) compare() {
	for _, p := range j.parts {
		p.arrive()
	}
	j.claimed = map[string]bool{}
	for _, p := range j.parts {
		p.compare()
	}
	j.compareNotes()
	for id := range j.south.ticket.Fields {
		if !j.mayWrite(id) {
			j.fail("%s was written, of which no rule speaks", id)
		}
	}
}

// mayWrite: a part of the case looks at the field.
func (j *journey) mayWrite(id string) bool {
	return id == "summary" || id == "description" || strings.HasPrefix(id, "customfield_9") || slices.ContainsFunc(j.parts, func(p part) bool {
		field, ok := p.(*pair)
		return ok && field.to.ID == id
	})
}

// at is when something was said: before the tickets were linked, or since.
func (j *journey) at(what string) time.Time {
	return t0.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 3}).Draw(j.T, what+"'s hour")) * time.Hour)
}

func (j *journey) claim(comment string) { j.claimed[comment] = true }

// compareNotes: what nobody claims is a note that is expected, and none is missing.
func (j *journey) compareNotes() {
	got := map[string]bool{}
	for _, c := range j.south.ticket.Comments {
		if j.claimed[c.ID] {
			continue
		}
		text, plain := canonicalText(c.Body), unaliased(plainOf(c.Body))
		if !j.notes[text] && !j.notes[plain] {
			j.fail("nobody asked for the comment %s", c.Body)
		}
		got[text], got[plain] = true, true
	}
	for note := range j.notes {
		if !got[note] {
			j.fail("there is no note %s", note)
		}
	}
}
