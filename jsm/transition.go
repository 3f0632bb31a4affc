package jsm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	maxSteps   = 6 // transitions of one TransitionTo
	maxBlind   = 4 // of these, steps into statuses from which no way is known yet
	maxSamples = 8 // statuses looked into by way of other tickets, for one TransitionTo
)

// Target is the status that a ticket should have.
type Target struct {
	Status     string   // name as Jira shows it in the account's language, or id
	Via        []string // transitions to prefer, by name or id, best first
	Resolution string   // name or id; empty: whatever the workflow does
	Ticket     *Ticket  // the ticket as just read, which saves a read; nil: it is read
}

func (t Target) is(s Status) bool { return s.ID != "" && (s.Name == t.Status || s.ID == t.Status) }

// ErrNoPath is a status that cannot be reached now, for errors.Is. The error itself is *NoPath.
var ErrNoPath = errors.New("no way to the status")

// NoPath says where the ticket stands and what is open to our account there.
type NoPath struct {
	At, Target string
	Open       []string // "Transition → Status"
	Approval   bool     // an approval is pending here; its answer decides
	Moved      bool     // the ticket was moved on the way and stands at At now
}

func (e *NoPath) Error() string {
	open := "nothing is open there"
	if len(e.Open) > 0 {
		open = "open there: " + strings.Join(e.Open, ", ")
	}
	if e.Approval {
		open += "; an approval is pending"
	}
	return fmt.Sprintf("jira: %v %q from %q; %s", ErrNoPath, e.Target, e.At, open)
}

func (e *NoPath) Unwrap() error { return ErrNoPath }

// NoResolution is a transition that is done, but whose resolution could not be set.
type NoResolution struct{ Status, Resolution, Why string }

func (e *NoResolution) Error() string {
	return fmt.Sprintf("jira: the ticket is in %q, but resolution %q is not set: %s", e.Status, e.Resolution, e.Why)
}

// TransitionTo brings a ticket to a status, step by step. A ticket that is there already is left
// alone. It uses an agent's permissions only:
//
//  1. transitions seen before on tickets of the same project and issue type (no read at all where t.Ticket is given);
//  2. the transitions open on this ticket;
//  3. the transitions open on other tickets of that project and type in the statuses ahead, which only reads;
//  4. at last single steps into statuses of category new or indeterminate, where no other ticket shows
//     the way, at most four, and none further once an approval is found pending.
//
// Errors: *NoPath, *NoResolution (transition done), *FieldErrors and *APIError from a workflow's
// validators. After a lost answer the status is read again, so a step is never taken twice.
func (c *Client) TransitionTo(ctx context.Context, id string, t Target) error {
	if t.Status == "" {
		return errors.New("changing a status: no status named")
	}
	w := &walk{c: c, id: id, target: t, visited: map[string]bool{}}
	if err := w.start(ctx); err != nil {
		return err
	}
	return w.run(ctx)
}

// walk is one ticket on its way.
type walk struct {
	c      *Client
	id     string
	target Target

	at         Status
	project    string // id
	issueType  string // id
	resolution *Option
	resKnown   bool // resolution is the ticket's current one

	flow    *workflow
	fresh   bool // flow's edges from at were read from this very ticket since it came here
	visited map[string]bool
	steps   int
	blind   int
	refused int
}

func (w *walk) start(ctx context.Context) error {
	t := w.target.Ticket
	if t == nil || t.Status.ID == "" || t.Project.ID == "" || t.IssueType.ID == "" {
		return w.look(ctx)
	}
	w.here(t)
	return nil
}

// look reads where the ticket stands.
func (w *walk) look(ctx context.Context) error {
	asked := []string{"status", "project", "issuetype", "resolution"}
	var out issueJSON
	_, err := w.c.do(ctx, call{
		op: opIssue, method: http.MethodGet, path: rest("issue", w.id), query: url.Values{"fields": {strings.Join(asked, ",")}},
		out: &out, objects: one,
	})
	if err != nil {
		return fmt.Errorf("reading the status: %w", err)
	}
	t, err := out.ticket(asked, "")
	if err != nil {
		return fmt.Errorf("reading the status: %w", err)
	}
	w.here(t)
	return nil
}

func (w *walk) here(t *Ticket) {
	w.at, w.project, w.issueType = t.Status, t.Project.ID, t.IssueType.ID
	w.flow = w.c.learned.workflow(w.project + "/" + w.issueType)
	w.visited[w.at.ID], w.fresh = true, false
	w.resolution, w.resKnown = nil, false
	if raw, ok := t.Fields["resolution"]; ok {
		if v, err := (Field{ID: "resolution", Type: Resolution}).Decode(raw); err == nil {
			w.resKnown = true
			if o, ok := v.(Option); ok {
				w.resolution = &o
			}
		}
	}
}

func (w *walk) run(ctx context.Context) error {
	for !w.target.is(w.at) {
		if w.steps >= maxSteps {
			return w.noPath(false)
		}
		e, err := w.next(ctx)
		if err != nil {
			return err
		}
		if err := w.take(ctx, e); err != nil {
			return err
		}
	}
	return w.settleResolution(ctx)
}

// next chooses the transition to take from here, in the order that TransitionTo's comment gives.
func (w *walk) next(ctx context.Context) (edge, error) {
	if way := w.flow.path(w.at.ID, w.target); way != nil {
		return way[0], nil
	}
	if !w.fresh {
		if err := w.open(ctx); err != nil {
			return edge{}, err
		}
		if way := w.flow.path(w.at.ID, w.target); way != nil {
			return way[0], nil
		}
	}
	if ok, err := w.exists(ctx); err != nil {
		return edge{}, err
	} else if !ok {
		return edge{}, w.noPath(false)
	}
	for range maxSamples {
		ahead := w.flow.frontier(w.at.ID)
		if len(ahead) == 0 {
			break
		}
		if err := w.c.sample(ctx, w.flow, w.project, w.issueType, ahead[0]); err != nil {
			return edge{}, err
		}
		if way := w.flow.path(w.at.ID, w.target); way != nil {
			return way[0], nil
		}
	}
	pending, err := w.c.approvalPending(ctx, w.id)
	if err != nil {
		return edge{}, err
	}
	if e, ok := w.stepAhead(); ok && !pending {
		w.blind++
		return e, nil
	}
	return edge{}, w.noPath(pending)
}

// stepAhead picks an open transition into an unvisited status of unknown exits. Into a status of
// category done it steps only where the rule's Via names the transition: "Cancel" also leads there.
func (w *walk) stepAhead() (edge, bool) {
	if w.blind >= maxBlind {
		return edge{}, false
	}
	for _, e := range preferred(w.flow.from(w.at.ID), w.target.Via) {
		named := slices.Contains(w.target.Via, e.name) || slices.Contains(w.target.Via, e.id)
		closed := e.to.Category != "new" && e.to.Category != "indeterminate" && !named
		if !closed && !w.visited[e.to.ID] && !w.flow.known(e.to.ID) {
			return e, true
		}
	}
	return edge{}, false
}

// open reads the transitions of this ticket.
func (w *walk) open(ctx context.Context) error {
	list, err := w.c.transitions(ctx, w.id, w.at.ID)
	if err != nil {
		return fmt.Errorf("reading the transitions: %w", err)
	}
	w.flow.learn(w.at.ID, list)
	w.fresh = true
	return nil
}

// exists asks whether the workflow has the target at all.
func (w *walk) exists(ctx context.Context) (bool, error) {
	if w.flow.has(w.target) {
		return true, nil
	}
	types, err := w.c.projectStatuses(ctx, w.project)
	if err != nil {
		return false, fmt.Errorf("reading the project's statuses: %w", err)
	}
	i := slices.IndexFunc(types, func(t typeStatuses) bool { return t.issueType.ID == w.issueType })
	if i < 0 {
		return true, nil // the project does not list the type; the search below decides
	}
	w.flow.setStatuses(types[i].statuses)
	return w.flow.has(w.target), nil
}

// take does one transition and notes where it leads.
func (w *walk) take(ctx context.Context, e edge) error {
	body := map[string]any{"transition": map[string]any{"id": e.id}}
	sentResolution := false
	if w.target.Resolution != "" && e.resolution && (w.target.is(e.to) || e.to.Category == "done") {
		if value, ok := pick(e.resolutions, w.target.Resolution); ok {
			body["fields"] = map[string]any{"resolution": value}
			sentResolution = true
		}
	}
	_, err := w.c.do(ctx, call{
		op: "POST transitions", method: http.MethodPost, path: rest("issue", w.id, "transitions"), issue: w.id, body: body,
	})
	var api *APIError
	switch {
	case err == nil:
	case errors.As(err, &api) && api.Applied == Maybe:
		if lookErr := w.look(ctx); lookErr != nil || w.at.ID != e.to.ID {
			return err // not there now; it may still happen, so the caller comes back later
		}
		w.steps++
		return nil
	case errors.As(err, &api) && (api.Class == Definite || api.Status == http.StatusConflict) && !w.fresh && w.refused < 2:
		w.refused++ // the workflow is not what was learned, or the ticket moved: look, then decide anew
		w.flow.forget(w.at.ID)
		return w.look(ctx)
	default:
		return byField(err)
	}
	w.steps++
	w.at, w.fresh = e.to, false
	w.visited[w.at.ID] = true
	w.resolution, w.resKnown = nil, false
	if sentResolution {
		w.resolution, w.resKnown = &Option{ID: w.target.Resolution, Value: w.target.Resolution}, true
	}
	return nil
}

// pick writes the resolution by id where the list tells it. An unknown list takes the name.
func pick(allowed []Option, nameOrID string) (map[string]any, bool) {
	for _, o := range allowed {
		if o.Value == nameOrID || o.ID == nameOrID {
			return byIDOr("id", "name", o), true
		}
	}
	return map[string]any{"name": nameOrID}, len(allowed) == 0
}

// settleResolution sets the resolution where the last transition's screen could not: the REST
// transition skips screens, post-functions may have set or cleared it (facts section 5).
func (w *walk) settleResolution(ctx context.Context) error {
	want := w.target.Resolution
	if want == "" {
		return nil
	}
	if !w.resKnown {
		if err := w.look(ctx); err != nil {
			return afterWrite(err)
		}
	}
	if w.resolution != nil && (w.resolution.Value == want || w.resolution.ID == want) {
		return nil
	}
	var meta struct {
		Fields map[string]screenField `json:"fields"`
	}
	_, err := w.c.do(ctx, call{op: "GET editmeta", method: http.MethodGet, path: rest("issue", w.id, "editmeta"), out: &meta, objects: one})
	if err != nil {
		return afterWrite(fmt.Errorf("reading the edit screen: %w", err))
	}
	f, ok := meta.Fields["resolution"]
	if !ok {
		return &NoResolution{w.at.Name, want, "neither the transition's screen nor the edit screen has the field"}
	}
	value, ok := pick(options(f.Allowed), want)
	if !ok {
		return &NoResolution{w.at.Name, want, "the edit screen does not offer it"}
	}
	_, err = w.c.do(ctx, call{
		op: "PUT issue", method: http.MethodPut, path: rest("issue", w.id), issue: w.id,
		body: map[string]any{"fields": map[string]any{"resolution": value}},
	})
	return byField(afterWrite(err))
}

// noPath reports what is open, and forgets the workflow: what was learned from other tickets may be
// old or theirs alone, so the next attempt looks anew.
func (w *walk) noPath(approval bool) error {
	e := &NoPath{At: w.at.Name, Target: w.target.Status, Approval: approval, Moved: w.steps > 0}
	for _, t := range w.flow.from(w.at.ID) {
		e.Open = append(e.Open, t.name+" → "+t.to.Name)
	}
	w.flow.reset()
	return e
}

// screenField is a field of a transition's or the edit screen. allowedValues can hold other things
// than options for other fields, so only the resolution's is read, see transitions.
type screenField struct {
	Allowed []optionJSON `json:"allowedValues"`
}

// transitions reads what is open to us on a ticket that stands in the status given.
func (c *Client) transitions(ctx context.Context, id, status string) ([]edge, error) {
	var out struct {
		Transitions []struct {
			ID        looseID                    `json:"id"`
			Name      string                     `json:"name"`
			To        statusJSON                 `json:"to"`
			Available *bool                      `json:"isAvailable"`
			Fields    map[string]json.RawMessage `json:"fields"`
		} `json:"transitions"`
	}
	_, err := c.do(ctx, call{
		op: "GET transitions", method: http.MethodGet, path: rest("issue", id, "transitions"), query: url.Values{"expand": {"transitions.fields"}},
		out: &out, objects: func() int { return len(out.Transitions) },
	})
	if err != nil {
		return nil, err
	}
	var list []edge
	for _, t := range out.Transitions {
		if t.ID == "" || t.To.ID == "" || string(t.To.ID) == status || t.Available != nil && !*t.Available {
			continue
		}
		e := edge{id: string(t.ID), name: t.Name, to: t.To.status()}
		if raw, ok := t.Fields["resolution"]; ok {
			var f screenField
			e.resolution = json.Unmarshal(raw, &f) == nil
			e.resolutions = options(f.Allowed)
		}
		list = append(list, e)
	}
	return list, nil
}
