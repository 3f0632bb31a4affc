package exchange

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica/adf"
)

// creation is what was asked of Jira, for looking it up.
type creation struct {
	Project string `json:"project"`
}

// create makes the twin of a link that the peer shared: a portal request, which
// shows what the customer may see from its first moment, then one edit for
// everything that the form lacks.
func (w *work) create(ctx context.Context) (again time.Time, fresh *jsm.Ticket, err error) {
	if _, waiting := w.waits[""]; waiting {
		return w.again, nil, nil
	}
	if w.link.Ticket != "" { // found by its mark
		if !w.ours {
			return w.again, nil, nil
		}
		return w.fill(ctx)
	}
	if reason := w.refuses(); reason != nil {
		w.held = append(w.held, *reason)
		return w.again, nil, w.close(&rules.Plan{})
	}
	plan, err := w.plan(ctx)
	if err != nil {
		return w.again, nil, err
	}
	if plan.Create == nil {
		for _, h := range plan.Held {
			w.hold(h.Path, ledger.Class(h.Class), h.Code, h.Reason, h.Rule, h.Next)
		}
		return w.again, nil, w.close(plan)
	}
	in, request, err := w.request(plan.Create)
	if err != nil {
		return w.again, nil, err
	}
	err = w.d.led.Write(func(b *ledger.Batch) error {
		if err := w.recovered(b); err != nil {
			return err
		}
		return ledger.PutIntent(b, in)
	})
	if err != nil {
		return w.again, nil, err
	}
	id, key, err := w.d.jira.CreateRequest(ctx, request)
	switch {
	case err == nil:
		if ours, err := w.adopt(in, id, key); err != nil || !ours {
			return w.again, nil, err
		}
		for _, field := range markedFields {
			if v := request.Fields[field]; !reflect.DeepEqual(v, plan.Create.Fields[field]) {
				unmark(plan, field, plan.Create.Fields[field])
			}
		}
		return w.carryOut(ctx, plan)
	case jsm.MaybeApplied(err):
		in.At = time.Now().UnixMilli()
		err := w.d.led.Write(func(b *ledger.Batch) error { return ledger.PutIntent(b, in) })
		return w.d.settled(in, w.d.cfg.SettleCreate), nil, err // looked up from then on
	case definite(err):
		w.finished = append(w.finished, in)
		w.hold("", ledger.Definite, "create-refused", "Jira refused to create the twin: "+refusal(err), plan.Create.Rule,
			"Correct [incoming.create] or the request type's form, then run: parley held retry.", err)
		return w.again, nil, w.close(plan)
	default:
		return w.again, nil, errors.Join(err, w.d.led.Write(func(b *ledger.Batch) error { return ledger.DropIntent(b, in) }))
	}
}

// fill completes a twin that was made before, from what Jira shows of it. While
// an earlier completing edit may still take effect nothing is written: it would
// come after ours, and its old values would pass for a person's.
func (w *work) fill(ctx context.Context) (again time.Time, fresh *jsm.Ticket, err error) {
	if w.waitsFor(ledger.EditFields) {
		return w.again, nil, nil
	}
	if err := w.begin(ctx); err != nil {
		return w.again, nil, err
	}
	plan, err := w.plan(ctx)
	if err != nil {
		return w.again, nil, err
	}
	if err := w.unmarkTicket(plan); err != nil {
		return w.again, nil, err
	}
	return w.carryOut(ctx, plan)
}

// filled notes that a twin is complete already: the completing edit sets the mark
// as it fills the ticket, so where the mark is, only its answer was lost. People
// may have worked on the ticket since: their word answers what it was filled from.
func (w *work) filled() error {
	var m mark
	if !w.creating || w.ticket == nil || json.Unmarshal(w.ticket.Marks[jsm.MarkKey], &m) != nil || m.Link != w.link.ID {
		return nil
	}
	w.creating, w.link.Complete, w.knew = false, true, w.link.From
	return w.absorbAll(w.ticket)
}

// markedFields can carry a create marker.
var markedFields = []string{"description", "summary"}

// unmark has the completing edit take a create marker off a field, unless it
// writes the field anyway.
func unmark(plan *rules.Plan, field string, v jsm.Value) {
	if _, written := plan.Edit.Set[field]; written {
		return
	}
	if plan.Edit.Set == nil {
		plan.Edit.Set = map[string]jsm.Value{}
	}
	plan.Edit.Set[field] = v
}

// unmarkTicket is unmark for a twin that was found again.
func (w *work) unmarkTicket(plan *rules.Plan) error {
	v, err := w.ticket.Value(jsm.Field{ID: "description", Type: jsm.Paragraph})
	if err != nil {
		return fmt.Errorf("reading the description of %s: %w", w.link.Key, err)
	}
	if body, ok := v.(jsm.Rich); ok {
		doc, err := adf.Parse(body)
		if err != nil {
			return fmt.Errorf("reading the description of %s: %w", w.link.Key, err)
		}
		if doc, _, found := doc.CutLast(func(line string) bool { return strings.HasPrefix(line, markerWord) }); found {
			if doc.Empty() {
				unmark(plan, "description", nil)
			} else {
				unmark(plan, "description", jsm.Rich(doc.JSON()))
			}
		}
	}
	v, err = w.ticket.Value(jsm.Field{ID: "summary", Type: jsm.Text})
	if err != nil {
		return fmt.Errorf("reading the summary of %s: %w", w.link.Key, err)
	}
	if summary, ok := v.(string); ok {
		if clean, _, found := strings.Cut(summary, " "+markerWord); found {
			unmark(plan, "summary", clean)
		}
	}
	return nil
}

// request turns a plan's create into a portal request that carries its mark.
func (w *work) request(c *rules.Create) (ledger.Intent, jsm.NewRequest, error) {
	nonce := rand.Text() + markerInfix + w.link.ID.String() // a restored node knows by it whose ticket that is
	payload, err := json.Marshal(creation{Project: c.Project})
	if err != nil {
		return ledger.Intent{}, jsm.NewRequest{}, err
	}
	in := ledger.Intent{
		Connection: w.c.Name, Link: w.link.ID, Nonce: nonce, Effect: ledger.CreateTicket,
		Payload: payload, At: time.Now().UnixMilli(),
	}
	r := jsm.NewRequest{ServiceDesk: c.ServiceDesk, RequestType: c.RequestType, Fields: map[string]jsm.Value{}, OnBehalfOf: c.OnBehalfOf}
	for field, v := range c.Fields {
		r.Fields[field] = v
	}
	if body, ok := r.Fields["description"].(jsm.Rich); ok || c.Describes {
		marked, err := markText(body, nonce)
		if err != nil {
			return in, r, err
		}
		r.Fields["description"] = marked
	} else if summary, ok := r.Fields["summary"].(string); ok {
		r.Fields["summary"] = clip(summary, maxSummary-len(marker(nonce))-1) + " " + marker(nonce)
	}
	return in, r, nil
}

const maxSummary = 255 // characters that Jira takes (facts: limits)

func clip(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n])
	}
	return s
}

// adopt makes a created ticket the link's own, on disk before anything else is
// done with it. It reports whether this visit holds the ticket's lane from now
// on; where somebody else does, that visit or the next fills the ticket.
func (w *work) adopt(in ledger.Intent, id, key string) (ours bool, err error) {
	ours = w.d.queue.hold(w.job, id)
	w.link.Ticket, w.link.Key, w.link.Made = id, key, true
	w.creating = true
	err = w.d.led.Write(func(b *ledger.Batch) error {
		if err := ledger.PutLink(b, w.link); err != nil {
			return err
		}
		return ledger.DropIntent(b, in)
	})
	if !ours {
		w.d.enqueue(w.link, time.Time{})
	}
	return ours, err
}

// refuses says why no twin is made at all; nil where one may be.
func (w *work) refuses() *ledger.Held {
	if !w.link.Theirs {
		return w.unknownTicket()
	}
	for _, node := range w.in.Via {
		if node == w.d.cfg.Node {
			return &ledger.Held{
				Key: w.in.Key, Class: ledger.Policy, Code: "came-back", Since: time.Now().UnixMilli(),
				Reason: fmt.Sprintf("%s came from this desk in the first place, by another connection.", w.in.Key),
				Next:   "Nothing is to be done here; the partner's relay sends tickets in a circle.",
			}
		}
	}
	return nil
}

func refusal(err error) string {
	var fields *jsm.FieldErrors
	if errors.As(err, &fields) {
		return fields.Error()
	}
	return plain(err)
}
