package exchange

import (
	"cmp"
	"maps"
	"slices"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// What a person left out (parley held drop) is not judged on its way in, and not
// held on its way out, until it changes at its source.

// leftIn lists the decisions that stand for what came in.
func (l *lane) leftIn() ([]ledger.LeftOut, error) {
	all, err := l.d.led.LeftOutOf(l.c.Name, l.link.ID)
	return slices.DeleteFunc(all, func(d ledger.LeftOut) bool { return d.Out || !d.Stands(l.in) }), err
}

// leftWhole reports whether everything that came of the link is left out. A
// ticket that was begun is completed all the same.
func (w *work) leftWhole() (bool, error) {
	left, err := w.leftIn()
	return !w.creating && slices.ContainsFunc(left, func(d ledger.LeftOut) bool { return d.Path == "" }), err
}

// leaveOut takes out of what is to be judged what a person left out.
func (w *work) leaveOut(in *rules.Arrival) error {
	left, err := w.leftIn()
	if err != nil || len(left) == 0 {
		return err
	}
	out := func(p replica.Path) bool {
		return slices.ContainsFunc(left, func(d ledger.LeftOut) bool { return d.Path != "" && d.Covers(p) })
	}
	in.Changed = slices.DeleteFunc(slices.Clone(in.Changed), out)
	in.Waited = maps.Clone(in.Waited)
	maps.DeleteFunc(in.Waited, func(p replica.Path, _ bool) bool { return out(p) })
	if w.creating || w.ticket == nil {
		in.Remote = in.Remote.Clone()
		maps.DeleteFunc(in.Remote, func(p replica.Path, _ replica.Item) bool { return out(p) })
	}
	return nil
}

// leftNow words an outcome where nothing waits, and a person left something out
// of what the peer posted last.
func (w *work) leftNow(o *replica.Outcome) error {
	left, err := w.leftIn()
	if err != nil {
		return err
	}
	for _, d := range left {
		if d.Seq < w.in.Seq {
			continue
		}
		o.State, o.Code = replica.Dropped, d.Code
		if d.Path != "" && len(o.Paths) < maxHeldPaths {
			o.Paths = append(o.Paths, d.Path)
		}
	}
	return nil
}

// standing takes away what waits on its way out and a person left out, as long
// as its source is what it was.
func (d *Desk) standing(connection string, id replica.LinkID, held []ledger.Held) []ledger.Held {
	if len(held) == 0 {
		return held
	}
	left, err := d.led.LeftOutOf(connection, id)
	if err != nil {
		d.log.Warn("what is left out cannot be read, so it is held", "connection", connection, "link", id, "err", err)
		return held
	}
	return slices.DeleteFunc(held, func(h ledger.Held) bool {
		return slices.ContainsFunc(left, func(l ledger.LeftOut) bool { return l.Out && l.Path == h.Path && l.Version == h.Version })
	})
}

// version names the state of what an outgoing item is made from: another one
// means that somebody changed it. Where it cannot be told it is "".
func (l *lane) version(p replica.Path) string {
	t := l.ticket
	if t == nil {
		return ""
	}
	if p.Kind() == "comment" {
		i := slices.IndexFunc(t.Comments, func(c jsm.Comment) bool { return c.ID == p.Element() })
		if i < 0 {
			return ""
		}
		return stampOf(t.Comments[i])
	}
	last := ""
	for _, c := range t.History { // newest first
		if p == "" || slices.ContainsFunc(c.Items, func(it jsm.ChangeItem) bool { return l.r.Feeds(jsm.FieldOf(it), p) }) {
			last = "history " + c.ID
			break
		}
	}
	if p != "" || len(t.Comments) == 0 {
		return cmp.Or(last, "as created")
	}
	return last + " " + stampOf(slices.MaxFunc(t.Comments, func(a, b jsm.Comment) int { return changedAt(a, b) }))
}

func changedAt(a, b jsm.Comment) int {
	return cmp.Or(a.Updated.Compare(b.Updated), cmp.Compare(a.ID, b.ID))
}

func stampOf(c jsm.Comment) string {
	return "comment " + c.ID + " " + c.Updated.UTC().Format("20060102150405.000")
}
