package rules

import (
	"fmt"
	"slices"

	"parley/jsm"
)

// The table of coercions as people read it: type by type, with what to know and what to do instead.

// Coercion is one cell of the table, from type by type.
type Coercion struct {
	From    jsm.FieldType `json:"from"`
	To      jsm.FieldType `json:"to"`
	Way     Way           `json:"way"`
	Note    string        `json:"note,omitempty"`    // what a person should know of it
	Instead string        `json:"instead,omitempty"` // where it is refused: what to do
}

// CoercionOf is the cell for two types. A type that no field crosses with, or is written to, is refused.
func CoercionOf(from, to jsm.FieldType) Coercion {
	f := formOfType(from)
	c := Coercion{From: from, To: to, Way: way(f, to)}
	switch {
	case from == jsm.WatchersType && columnOf(to) == cUsers:
		c.Way, c.Note = ByMap, `where the sender shares them with as = "people"`
	case from == to && (to == jsm.Labels || to == jsm.URL):
		c.Way = Lossless // other values of the same form need not fit
	case c.Way == Never:
		c.Note, c.Instead = refusedNote(f, to)
	default:
		c.Note = notes[columnOf(to)]
	}
	return c
}

// notes say what each family of fields takes of a value that is not its own.
var notes = map[column]string{
	cLine:    "one line of at most 255 characters; formatting is left out",
	cURL:     "an http or https address",
	cNumber:  "a decimal number",
	cDate:    "a date like 2026-11-22",
	cTime:    "a time like 2026-11-22T10:00:00Z",
	cChoice:  "an option of the same name here, or what map says",
	cCascade: `an option of the same path here ("Parent / Child"), or what map says`,
	cChoices: "members of the same names here, or what map says; one that is missing waits alone",
	cLabels:  "one word each; others are held, or mapped",
	cUser:    "the person that [people] finds here; nobody is guessed",
	cUsers:   "the persons that [people] finds here; nobody is guessed",
	cEffort:  "seconds, written in minutes",
	cParent:  "a ticket that this connection shares too",
}

// refusedNote says why a form does not get into a type, and what to do instead.
func refusedNote(from form, to jsm.FieldType) (why, instead string) {
	switch col := columnOf(to); {
	case from == "":
		return "its values do not cross", "share another field that says the same"
	case col == "":
		return "it is never written by anybody but Jira", readOnlyWay[to]
	case from == fTime && col == cDate:
		return "which day it is depends on the time zone", `compute it with value: value = 'view["field:Starts"]' takes the day in UTC`
	case from == fDate && col == cTime:
		return "a day has no time of day", `compute it with value: value = 'view.due_date' takes midnight in UTC`
	case col == cUser && from == fPeople:
		return "it is several persons", "write it to a field that holds several persons"
	case col == cUser || col == cUsers:
		return "it is no person", "let the partner share the person, and match it under [people]"
	case col == cEffort:
		return "it has not two estimates", `share and accept "time_tracking"`
	case col == cParent:
		return "it points to no ticket", `share and accept "parent"`
	case from == fNames:
		return "it is several values", `take one with value: value = 'view.labels[0]'`
	case from == fEffort:
		return "it is two estimates", `compute it with value: value = 'view.time_tracking.remaining / 3600.0' is hours`
	case from == fPerson || from == fPeople:
		return "persons are no names of options", `write it to a text or user field`
	case from == fTicket:
		return "a ticket is no such value", "write it to a text field"
	}
	return fmt.Sprintf("a %s is no %s", from, columnOf(to)), "compute it with value, an expression that gives the right type"
}

// readOnlyWay says what to do where a type is never written.
var readOnlyWay = map[jsm.FieldType]string{
	jsm.SLAType:       `Jira runs its own clocks: let "sla" write the partner's goal and breach into a date-time field`,
	jsm.ApprovalsType: `approvals begin in the workflow: let "approvals" add a note, write a field or take a transition`,
	jsm.FeedbackType:  `only the customer may rate: let "satisfaction" write a number field or a note`,
	jsm.ReadOnly:      "write to another field",
	jsm.UnknownType:   "write to a field of a type that Jira itself brings",
}

// crossing are the types of fields, in the order in which they are listed.
var crossing = []jsm.FieldType{
	jsm.Text, jsm.URL, jsm.Paragraph, jsm.NumberType, jsm.DateType, jsm.DateTime,
	jsm.Select, jsm.Radio, jsm.Cascading, jsm.MultiSelect, jsm.Checkboxes, jsm.Labels,
	jsm.User, jsm.MultiUser, jsm.Group, jsm.MultiGroup, jsm.Version, jsm.MultiVersion, jsm.ProjectType, jsm.AssetType, jsm.Organizations,
	jsm.Priority, jsm.StatusType, jsm.Resolution, jsm.Components, jsm.Security, jsm.RequestTypeType, jsm.Participants,
	jsm.EffortType, jsm.ParentType, jsm.WatchersType,
}

// Coercions lists every cell, by the type that crosses and then by the type that is written.
func Coercions() (all []Coercion) {
	for _, from := range crossing {
		for _, to := range crossing {
			all = append(all, CoercionOf(from, to))
		}
	}
	return all
}

// A Matrix is the table with the types that are treated alike in one row, and in one column.
type Matrix struct {
	Rows, Columns [][]jsm.FieldType
	Ways          [][]Way // by row and column
}

// CoercionMatrix is the table in its shortest form.
func CoercionMatrix() (m Matrix) {
	m.Rows = alikeTypes(func(t, other jsm.FieldType) Way { return CoercionOf(t, other).Way })
	m.Columns = alikeTypes(func(t, other jsm.FieldType) Way { return CoercionOf(other, t).Way })
	for _, row := range m.Rows {
		var ways []Way
		for _, col := range m.Columns {
			ways = append(ways, CoercionOf(row[0], col[0]).Way)
		}
		m.Ways = append(m.Ways, ways)
	}
	return m
}

// alikeTypes groups the types for which way says the same of every other.
func alikeTypes(way func(t, other jsm.FieldType) Way) (groups [][]jsm.FieldType) {
	for _, t := range crossing {
		i := slices.IndexFunc(groups, func(g []jsm.FieldType) bool {
			return !slices.ContainsFunc(crossing, func(o jsm.FieldType) bool { return way(g[0], o) != way(t, o) })
		})
		if i < 0 {
			groups = append(groups, []jsm.FieldType{t})
			continue
		}
		groups[i] = append(groups[i], t)
	}
	return groups
}
