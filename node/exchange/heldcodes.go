package exchange

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"parley/jsm"
	"parley/node/ledger"
	"parley/replica"
)

// Codes of a visit that failed as a whole. Those of the tenant's troubles are
// made by [TroubleCode].
const (
	JiraBusy       = "jira-busy"       // 409 and its like
	JiraRefused    = "jira-refused"    // this ticket, definitely
	JiraUnreadable = "jira-unreadable" // what Jira shows of the ticket cannot be understood
	Broken         = "broken"          // parley's own fault
)

// TroubleCode is the code of a tenant's trouble; "" of none.
func TroubleCode(t jsm.Trouble) string {
	if t == "" {
		return ""
	}
	return "jira-" + string(t)
}

// Codes of what is held on its way out by its form alone, and of a whole
// connection that waits.
const (
	Oversize  = "oversize"
	Unsendful = "unsendable"
	PeerDown  = "peer-down"
	Rewind    = "rewind"
	Paused    = "paused"
	NoRules   = "no-rules"
)

// failure classifies why a visit failed.
func failure(err error) (class ledger.Class, code string) {
	var api *jsm.APIError
	var fields *jsm.FieldErrors
	switch {
	case errors.As(err, &api):
		class = ledger.Class(api.Class)
		switch code = TroubleCode(api.Trouble); {
		case code != "":
		case class == ledger.Transient:
			code = JiraBusy
		default:
			code = JiraRefused
		}
		return class, code
	case errors.As(err, &fields):
		return ledger.Definite, JiraRefused
	case unreadable(err):
		return ledger.Definite, JiraUnreadable
	}
	return ledger.Definite, Broken
}

// unreadable recognises the client's own words for data that it does not understand.
func unreadable(err error) bool {
	var many *jsm.Unreadable
	var missing *jsm.NotThere
	var twice *jsm.AmbiguousField
	var query *jsm.JQLError
	return errors.As(err, &many) || errors.As(err, &missing) || errors.As(err, &twice) || errors.As(err, &query) || errors.Is(err, jsm.ErrNotRead)
}

// Bounds of what is kept of Jira's answer.
const (
	maxAnswers = 10  // messages, and fields
	maxAnswer  = 300 // characters of each
)

// answer keeps what Jira said, bounded; nil where it was not Jira. The client
// has taken credentials out of it.
func answer(err error) *ledger.Answer {
	var api *jsm.APIError
	var fields *jsm.FieldErrors
	byField := map[string]string(nil)
	if errors.As(err, &fields) {
		byField = fields.Fields
	}
	if !errors.As(err, &api) {
		if byField == nil {
			return nil
		}
		api = &jsm.APIError{Op: "before anything was sent"}
	}
	a := &ledger.Answer{Op: clip(api.Op, maxAnswer), Status: api.Status, Reason: clip(api.Reason, maxAnswer), Trace: clip(api.Trace, maxAnswer)}
	for _, m := range api.Messages[:min(len(api.Messages), maxAnswers)] {
		a.Messages = append(a.Messages, clip(m, maxAnswer))
	}
	if api.Err != nil {
		a.Messages = append(a.Messages, clip(api.Err.Error(), maxAnswer))
	}
	if byField == nil {
		byField = api.Fields
	}
	for i, id := range slices.Sorted(maps.Keys(byField)) {
		if i == maxAnswers {
			break
		}
		if a.Fields == nil {
			a.Fields = map[string]string{}
		}
		a.Fields[clip(id, maxAnswer)] = clip(byField[id], maxAnswer)
	}
	return a
}

// sentence words a failed visit for the admin.
func sentence(key, code string, err error) string {
	var api *jsm.APIError
	said := clip(err.Error(), maxAnswer)
	if errors.As(err, &api) {
		said = clip(api.Error(), maxAnswer)
	}
	what := key
	if what == "" {
		what = "A ticket of the partner's"
	}
	e, _ := Explain(code)
	return fmt.Sprintf("%s waits: %s (%s)", what, strings.ToLower(e.Name[:1])+e.Name[1:], said)
}

// unsendable holds a link whose replica has no form that can cross: it is too
// large, or holds what the format does not allow.
func (l *lane) unsendable(r *replica.Replica, err error) error {
	h := ledger.Held{Key: l.link.Key, Class: ledger.Definite, Code: Unsendful, Since: now(),
		Reason: fmt.Sprintf("What is shared of %s cannot be put into a replica: %s.", l.link.Key, clip(err.Error(), maxAnswer)),
		Next:   "Share less of the ticket, or correct the value; then run: parley held retry."}
	if errors.Is(err, replica.ErrTooLarge) {
		items, size := 0, 0
		var largest replica.Path
		for p, it := range r.Set {
			items, size = items+1, size+len(it.Raw)
			if len(it.Raw) > len(r.Set[largest].Raw) {
				largest = p
			}
		}
		h.Code = Oversize
		h.Reason = fmt.Sprintf("What is to cross of %s is too large for one replica: %d items of %d KiB together, where at most %d KiB may cross; the largest is %s with %d KiB.",
			l.link.Key, items, size>>10, replica.MaxReplica>>10, largest, len(r.Set[largest].Raw)>>10)
		h.Next = "Share less of this ticket (since, or a when for its comments), or shorten it; it is tried again with its next change, or by: parley held retry."
	}
	h.Version = l.version("")
	return l.d.led.Write(func(b *ledger.Batch) error {
		return l.d.led.PutHeld(b, l.c.Name, l.link.ID, true, l.d.standing(l.c.Name, l.link.ID, []ledger.Held{h}))
	})
}
