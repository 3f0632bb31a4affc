package exchange

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

const (
	window       = time.Hour
	commentsEach = 5                       // times the bound of an item: new comments are many items, yet one conversation
	talked       = replica.Path("comment") // where new comments are counted
)

// bound takes out of a plan the writes of items that were written too often
// within an hour, and holds them with their trace until a person asks.
func (w *work) bound(plan *rules.Plan) {
	most := w.r.WritesPerHour
	if most == 0 || w.creating || w.ticket == nil {
		return
	}
	if w.job.asked {
		w.friction.Writes = nil
	}
	for _, write := range slices.Clone(plan.Writes) {
		if !w.spend(write.Path, most, w.in.Remote[write.Path].Raw) {
			w.loops(write.Path, write.Path, write.Name, write.Rule)
			w.leaveField(plan, write)
		}
	}
	kept := plan.Comments[:0]
	for _, c := range plan.Comments {
		p, limit := c.Path, most
		if c.Op.Adds() {
			p, limit = talked, commentsEach*most
		}
		history := p == talked && time.Since(time.UnixMilli(c.Created)) > window // it is filled in, not said now
		if history || w.spend(p, limit, c.Body) {
			kept = append(kept, c)
			continue
		}
		w.loops(c.Path, p, "A comment", c.Rule)
	}
	plan.Comments = kept
}

// spend counts one write; false: it is one too many.
func (w *work) spend(p replica.Path, most int, value []byte) bool {
	b := w.friction.Writes[p]
	if b.Stopped {
		return false
	}
	now := time.Now()
	b.Traces = slices.DeleteFunc(slices.Clone(b.Traces), func(t ledger.Trace) bool { return now.Sub(time.UnixMilli(t.At)) > window })
	if b.Stopped = len(b.Traces) >= most; !b.Stopped {
		sum := sha256.Sum256(value)
		b.Traces = append(b.Traces, ledger.Trace{At: now.UnixMilli(), Sum: hex.EncodeToString(sum[:4])})
	}
	if w.friction.Writes == nil {
		w.friction.Writes = map[replica.Path]ledger.Busy{}
	}
	w.friction.Writes[p] = b
	return !b.Stopped
}

// loops holds an item with the trace of the writes that were counted.
func (w *work) loops(p, counted replica.Path, name, rule string) {
	b := w.friction.Writes[counted]
	var trace []string
	for _, t := range b.Traces {
		trace = append(trace, time.UnixMilli(t.At).UTC().Format(time.TimeOnly)+" "+t.Sum)
	}
	w.hold(p, ledger.Definite, codeWrites, fmt.Sprintf("%s of %s was written %d times within an hour, which looks like two automations that answer each other. Times (UTC) and sums of the values: %s.", name, w.key(), len(b.Traces), strings.Join(trace, ", ")),
		rule, "Find the automation rules on both sides that answer each other and stop one; then run: parley held retry.")
}

// leaveField takes one field's write out of a plan.
func (w *work) leaveField(plan *rules.Plan, write rules.Write) {
	plan.Edit.Drop(map[string]string{write.Field: ""})
	if plan.Organizations != nil && plan.Organizations.FieldID == write.Field {
		plan.Organizations = nil
	}
	if write.Field == "status" {
		plan.Transition = nil
	}
	plan.Writes = slices.DeleteFunc(plan.Writes, func(o rules.Write) bool { return o.Path == write.Path && o.Field == write.Field })
	plan.Touched.Fields = slices.DeleteFunc(plan.Touched.Fields, func(f string) bool { return f == write.Field })
	plan.Touched.Paths = slices.DeleteFunc(plan.Touched.Paths, func(p replica.Path) bool {
		return w.r.Feeds(write.Field, p) && !feeds(w.r, plan.Touched.Fields, p)
	})
}

// calm forgets items that were not written for an hour.
func (w *work) calm() {
	for p, b := range w.friction.Writes {
		if n := len(b.Traces); !b.Stopped && (n == 0 || time.Since(time.UnixMilli(b.Traces[n-1].At)) > window) {
			delete(w.friction.Writes, p)
		}
	}
}
