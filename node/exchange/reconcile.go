package exchange

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// reconcile brings the ticket to what the peer's view and our incoming rules
// say. What fails is held; only it waits. It returns when to come back, and the
// ticket as it is now where something was written.
func (l *lane) reconcile(ctx context.Context, j *job, t *jsm.Ticket) (again time.Time, fresh *jsm.Ticket, err error) {
	if l.in.Lost != 0 {
		if err := l.lost(); err != nil || l.in.Seq == 0 {
			return again, nil, err
		}
	}
	w := &work{lane: l, job: j, ticket: t, creating: l.link.Theirs && !l.link.Complete && l.link.Made}
	if err := w.filled(); err != nil {
		return again, nil, err
	}
	if err := w.recover(ctx); err != nil {
		return again, nil, err
	}
	if left, err := w.leftWhole(); err != nil {
		return again, nil, err
	} else if left {
		return w.again, nil, w.close(&rules.Plan{})
	}
	if t == nil && j.ticket == "" {
		return w.create(ctx)
	}
	if w.creating {
		return w.fill(ctx)
	}
	if err := w.begin(ctx); err != nil {
		return again, nil, err
	}
	plan, err := w.plan(ctx)
	if err != nil {
		return again, nil, err
	}
	return w.carryOut(ctx, plan)
}

// lost asks the peer for its whole view: what came was made against another
// view than the one that we hold.
func (l *lane) lost() error {
	o := &replica.Outcome{Link: l.link.ID, Seq: l.in.Lost, State: replica.Resend, Code: "base"}
	if l.in.Broken { // a whole view that is not what it says would be no better the next time
		o.State, o.Code = replica.Refused, "view"
	}
	return l.c.Log.Commit(ledger.Step{
		Outcome: o,
		Fill: func(b *ledger.Batch) error {
			if err := ledger.PutLink(b, l.link); err != nil {
				return err
			}
			return l.c.Log.Reconciled(b, l.link.ID, l.in)
		},
	})
}

// begin makes sure that a ticket made just now is read before it is judged.
func (w *work) begin(ctx context.Context) (err error) {
	if w.ticket == nil {
		w.ticket, err = w.d.jira.Ticket(ctx, w.link.Ticket)
	}
	return err
}

// work is one reconcile under way.
type work struct {
	*lane
	job      *job
	ours     bool        // a ticket found by its mark is this visit's to fill
	ticket   *jsm.Ticket // as read before the writes; nil while there is none
	view     replica.View
	judged   time.Time                  // when the plan was made: names what lost by it, noted with its write and at the end
	knew     replica.Seq                // up to it the peer's was known to whoever has changed the ticket; 0: nothing was
	creating bool                       // the ticket is ours to fill: nobody's edit is in the way
	intents  []ledger.Intent            // of this reconcile, and those recovered that still wait
	unsure   []ledger.Intent            // whose call had no clear answer
	finished []ledger.Intent            // whose outcome goes into the closing batch
	waits    map[replica.Path]time.Time // items whose earlier write may still take effect, and until when
	twins    []ledger.Twin              // comments and attachments made
	blobs    map[replica.Path]*Blob     // files that are here to be uploaded
	spent    []*Blob                    // those that the spool need not keep once this is on disk
	madeAs   map[madeComment]bool
	held     []ledger.Held
	lost     []ledger.Overruled
	beside   []*lane // the ticket's other links, whose bases moved with what came in here
	again    time.Time
	wrote    bool
	answered bool                         // an approval, which moves the ticket by itself
	fresh    *jsm.Ticket                  // as it is after the writes
	rejudged map[replica.Path]bool        // items to be judged whether they changed or not
	yielded  map[replica.Path]replica.Seq // with which items went out that the peer's value has replaced
	unkept   bool                         // recovering holds something that is not on disk yet
}

// plan judges what came.
func (w *work) plan(ctx context.Context) (*rules.Plan, error) {
	var err error
	if w.ticket != nil && w.view == nil {
		if w.view, _, err = w.lane.view(w.ticket); err != nil {
			return nil, err
		}
	}
	twins, err := w.d.led.Twins(w.c.Name, w.link.ID)
	if err != nil {
		return nil, err
	}
	changed := w.in.Changed(w.done)
	for _, p := range slices.Concat(w.arrived, w.staleClocks(w.ticket, twins)) {
		w.judgeAgain(p)
	}
	for p := range w.rejudged {
		if _, there := w.in.Items[p]; there && !slices.Contains(changed, p) {
			changed = append(changed, p)
		}
	}
	slices.Sort(changed)
	if w.creating || w.ticket == nil {
		changed = changed[:0]
		for p := range w.in.Remote {
			changed = append(changed, p)
		}
	}
	in := w.arrival(changed, twins)
	if err := w.leaveOut(&in); err != nil {
		return nil, err
	}
	if err := w.shownFiles(ctx, &in); err != nil {
		return nil, err
	}
	if in.Person, err = w.d.persons(ctx, w.r.EmailsWanted(in)); err != nil {
		return nil, err
	}
	if w.r.WantsLinkTypes(in) {
		if in.LinkTypes, err = w.d.linkTypes(ctx); err != nil {
			return nil, err
		}
	}
	plan := w.r.Plan(in)
	w.judged = time.Now()
	kept := plan.Comments[:0]
	for _, c := range plan.Comments {
		if until, waiting := w.waits[w.twinPath(c)]; waiting {
			w.again = sooner(w.again, until)
			continue
		}
		if _, there := twins[w.twinPath(c)]; there && c.Op == rules.NoteComment {
			continue // written before the process died
		}
		kept = append(kept, c)
	}
	plan.Comments = kept
	if err := w.fetchFiles(&plan); err != nil {
		return nil, err
	}
	w.keepParts(&plan)
	w.keepService(&plan)
	w.postpone(&plan)
	w.bound(&plan)
	return &plan, nil
}

// judgeAgain has an item judged though it has not changed at the peer's.
func (w *work) judgeAgain(p replica.Path) {
	if w.rejudged == nil {
		w.rejudged = map[replica.Path]bool{}
	}
	w.rejudged[rules.Whole(p)] = true
}

// postpone takes the writes of fields out of a plan while an earlier one may
// still take effect: they are judged again once that is settled.
func (w *work) postpone(plan *rules.Plan) {
	if !w.waitsFor(ledger.EditFields) && !w.waitsFor(ledger.Transition) {
		return
	}
	for _, write := range plan.Writes {
		w.delay(write.Path)
	}
	plan.Edit, plan.Transition, plan.Organizations = jsm.Edit{}, nil, nil
	plan.Writes, plan.Touched, plan.Overruled, plan.Insist = nil, rules.Touched{}, nil, nil
}

// concurrent tells whether an outgoing item was changed here without the peer's
// having known when it changed its own: by an edit that has not left yet, or by
// one that left after what the peer had reconciled.
func (w *work) concurrent(remote, outgoing replica.Path) (ours replica.Item, yes bool) {
	if w.creating || w.ticket == nil {
		return ours, false
	}
	ours = w.view[outgoing]
	now := hashOf(w.view, outgoing)
	base := w.out.Bases[outgoing]
	return ours, now != base.Local || base.Seq > peerSaw(w.in, remote)
}

// peerSaw is the newest replica of ours that the peer had reconciled when it
// changed an item. It is a variable for the simulation, which breaks it.
var peerSaw = func(in *ledger.Incoming, p replica.Path) replica.Seq { return in.Items[p].Seen }

// carryOut performs a plan: intents on disk, then the calls, then everything
// that they came to in one batch.
func (w *work) carryOut(ctx context.Context, plan *rules.Plan) (again time.Time, fresh *jsm.Ticket, err error) {
	for _, h := range plan.Held {
		w.hold(h.Path, ledger.Class(h.Class), h.Code, h.Reason, h.Rule, h.Next)
	}
	if err := w.announce(plan); err != nil {
		return w.again, nil, err
	}
	if err := w.writeOut(ctx, plan); err != nil {
		return w.again, nil, w.abandon(err)
	}
	made := w.creating
	if err := w.close(plan); err != nil {
		return w.again, nil, err
	}
	w.letGo()
	w.overtaken(plan)
	if made {
		err = w.d.twinned(w.c)
	}
	return w.again, w.fresh, err
}

// writeOut makes the calls of a plan and takes what they came to as seen.
func (w *work) writeOut(ctx context.Context, plan *rules.Plan) (err error) {
	if err := w.attachments(ctx, plan, false); err != nil {
		return err
	}
	if err := w.edit(ctx, plan); err != nil {
		return err
	}
	if err := w.transition(ctx, plan); err != nil {
		return err
	}
	if err := w.service(ctx, plan); err != nil {
		return err
	}
	if err := w.comments(ctx, plan); err != nil {
		return err
	}
	if err := w.attachments(ctx, plan, true); err != nil {
		return err
	}
	if err := w.parts(ctx, plan); err != nil {
		return err
	}
	if (w.wrote || w.creating && !w.waitsFor(ledger.EditFields)) && w.fresh == nil {
		// What a transition did to the rest, or the portal form where Jira refused
		// the completing edit, is only known by reading.
		if w.fresh, err = w.d.jira.Ticket(ctx, w.link.Ticket); err != nil {
			return fmt.Errorf("reading back ticket %s: %w", w.link.Key, err)
		}
	}
	w.textsDue(plan)
	if err := w.absorb(ctx, plan); err != nil {
		return err
	}
	return w.sayAnswered()
}

// hold notes what waits, because of what Jira said, where it was Jira.
func (w *work) hold(p replica.Path, class ledger.Class, code, reason, rule, next string, because ...error) {
	w.held = append(w.held, ledger.Held{
		Path: p, Key: w.key(), Class: class, Code: code, Reason: reason, Rule: rule, Next: next, Since: time.Now().UnixMilli(),
		Answer: answer(errors.Join(because...)),
	})
}

const seeReason = "See the reason, then run: parley held retry."

// refused holds a write that Jira will not have: what it is, in words, and what to do next.
func (w *work) refused(p replica.Path, what, rule, next string, err error) {
	w.hold(p, ledger.Definite, "refused", fmt.Sprintf("Jira refused %s: %s", what, plain(err)), rule, next, err)
}

func (w *work) key() string {
	if w.link.Key != "" {
		return w.link.Key
	}
	return w.in.Key
}

// close stores what the reconcile came to and settles it with the peer.
func (w *work) close(plan *rules.Plan) error {
	pending := map[replica.Path]bool{}
	for _, h := range w.held {
		pending[h.Path] = true
	}
	for p := range w.waits {
		origin, _, _ := strings.Cut(string(p), noteInfix)
		pending[rules.Whole(replica.Path(origin))] = true
	}
	// What was to be judged waits with its set, or with its whole link.
	for _, p := range w.in.Changed(w.done) {
		if pending[""] || pending[replica.Path(p.Kind())] {
			pending[p] = true
		}
	}
	w.disputes(plan)
	w.blind(pending)
	settled, err := w.outcome(pending)
	if err != nil {
		return err
	}
	w.done.Seq, w.done.Rules, w.done.Pending = w.in.Seq, w.hash, pending
	if w.creating && !w.waitsFor(ledger.EditFields) {
		w.link.Complete = true
	}
	return w.c.Log.Commit(ledger.Step{Outcome: settled, Fill: func(b *ledger.Batch) error {
		return w.store(b)
	}})
}

func (w *work) store(b *ledger.Batch) error {
	name, id := w.c.Name, w.link.ID
	if err := ledger.PutDone(b, name, id, w.done); err != nil {
		return err
	}
	if err := w.storeBases(b); err != nil {
		return err
	}
	if w.fresh != nil {
		w.link.Key = w.fresh.Key
	}
	if err := ledger.PutLink(b, w.link); err != nil {
		return err
	}
	for _, t := range w.twins {
		if err := ledger.PutTwin(b, t); err != nil {
			return err
		}
	}
	for _, in := range w.finished {
		if err := ledger.DropIntent(b, in); err != nil {
			return err
		}
	}
	for _, in := range w.unsure {
		if err := ledger.PutIntent(b, in); err != nil {
			return err
		}
	}
	for _, o := range w.lost {
		if err := ledger.PutOverruled(b, o); err != nil {
			return err
		}
	}
	if err := w.c.Log.Reconciled(b, id, w.in); err != nil {
		return err
	}
	if err := w.storeDoubts(b); err != nil {
		return err
	}
	if w.awaits != nil {
		if err := ledger.PutAwaits(b, name, id, w.awaits); err != nil {
			return err
		}
	}
	w.calm()
	if err := ledger.PutFriction(b, name, id, w.friction); err != nil {
		return err
	}
	return w.d.led.PutHeld(b, name, id, false, append(append(w.held, w.twinsHeld()...), w.standing()...))
}

// storeBases stores what was absorbed, here and by the ticket's other links.
func (w *work) storeBases(b *ledger.Batch) error {
	if err := ledger.PutOutgoing(b, w.c.Name, w.link.ID, w.out); err != nil {
		return err
	}
	for _, l := range w.beside {
		if err := ledger.PutOutgoing(b, l.c.Name, l.link.ID, l.out); err != nil {
			return err
		}
	}
	return nil
}

// outcome is what the peer is told: once for each sequence, and again when what
// was held has been settled since.
func (w *work) outcome(pending map[replica.Path]bool) (*replica.Outcome, error) {
	if w.in.Seq == w.done.Seq && (len(pending) > 0) == (len(w.done.Pending) > 0) {
		return nil, nil
	}
	o := &replica.Outcome{Link: w.link.ID, Seq: w.in.Seq, State: replica.Applied}
	w.told(o)
	if w.r.SharesKey() {
		o.Twin = w.link.Key
	}
	for _, h := range w.held {
		o.State, o.Code = replica.Held, h.Code
		if h.Path != "" && len(o.Paths) < maxHeldPaths {
			o.Paths = append(o.Paths, h.Path)
		}
	}
	if len(pending) == 0 {
		return o, w.leftNow(o)
	}
	return o, nil
}

const maxHeldPaths = 100 // held items that an outcome names
