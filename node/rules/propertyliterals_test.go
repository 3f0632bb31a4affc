package rules

import (
	"slices"

	"pgregory.net/rapid"

	"parley/jsm"
)

// literals are fields that are set, or computed of the summary on either side.
type literals struct {
	j                   *journey
	set, computed, told bool
	want                [3][]string
}

var literalFields = [3]jsm.Field{
	{ID: "customfield_901", Name: "L set", Custom: true, Type: jsm.Text}, {ID: "customfield_902", Name: "L computed", Custom: true, Type: jsm.Text},
	{ID: "customfield_903", Name: "L told", Custom: true, Type: jsm.Paragraph},
}

func drawLiterals(j *journey) {
	l := &literals{j: j}
	j.south.schema.Fields = append(j.south.schema.Fields, literalFields[:]...)
	if l.set = rapid.Bool().Draw(j.T, "sets a field"); l.set {
		j.south.table(`incoming."field:L set"`, `set = "ours"`)
	}
	if l.computed = rapid.Bool().Draw(j.T, "computes a field"); l.computed {
		j.south.table(`incoming."field:L computed"`, `value = 'view.summary + "!"'`)
	}
	if l.told = rapid.Bool().Draw(j.T, "is told what is computed"); l.told {
		j.north.table(`outgoing."view:said"`, `value = 'ticket.summary + "?"'`)
		j.south.table(`incoming."field:L told"`, `from = "view:said"`)
	}
	j.parts = append(j.parts, l)
}

func (l *literals) edit() {}

func (l *literals) arrive() {
	if l.set && l.j.wakes { // a literal is written when the ticket is made
		l.want[0] = []string{"ours"}
	}
	if l.computed {
		l.want[1] = []string{l.j.summary.text + "!"}
	}
	if l.told {
		l.want[2] = []string{l.j.summary.text + "?"}
	}
}

func (l *literals) compare() {
	for i, f := range literalFields {
		if got, err := reads(l.j.south.ticket, f); err != nil || !slices.Equal(got, l.want[i]) {
			l.j.fail("%s is %q, and %q is right: %v", f.Name, got, l.want[i], err)
		}
	}
}
