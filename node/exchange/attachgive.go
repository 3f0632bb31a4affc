package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// Our files on their way out. A view names a file by its hash, so each is read once, beside the visits: while it is
// read only its item waits. Who the customer is shown is proved before a view is made.

const (
	sumsAtOnce    = 2                // files that are hashed side by side
	sumsFailed    = 3                // attempts after which what waits says so
	sumsAgain     = 10 * time.Minute // between attempts from then on
	mostShown     = 100_000          // attachments of which it is remembered who sees them; then it begins anew
	FileUnread    = "file-unread"    // one of our files cannot be read
	shownInternal = ""               // by no comment
)

// files is what a desk knows of its tenant's files beyond the ledger.
type files struct {
	mu     sync.Mutex             // guards the fields below
	shown  map[string]string      // attachment → the public comment that was proved to show it
	looked map[string]string      // ticket → what there was to prove when it was last looked at
	sums   map[ledger.FileID]*sum // files that are read, or to be read
	later  map[string]bool        // tickets of which a file waits for the next day
	wake   chan struct{}

	budget chan struct{} // one place: who counts bytes
	spent  map[string]bool
	day    string // of spent
}

// sum is one file to be hashed.
type sum struct {
	file    jsm.Attachment
	tickets map[string]bool // that wait for it
	running bool
	failed  int
	next    time.Time
	wait    *rules.Held // why it is not read
}

func newFiles() *files {
	return &files{shown: map[string]string{}, looked: map[string]string{}, sums: map[ledger.FileID]*sum{}, later: map[string]bool{}, wake: make(chan struct{}, 1),
		budget: make(chan struct{}, 1), spent: map[string]bool{}}
}

func fileID(a jsm.Attachment) ledger.FileID {
	return ledger.FileID{ID: a.ID, Size: a.Size, Created: a.Created.UnixMilli()}
}

// source is where a file's bytes are read again: a Grant's Source.
type source struct {
	ID   string `json:"id"`
	Size int64  `json:"size"`
	MIME string `json:"mime,omitempty"`
}

func sourceOf(a jsm.Attachment) string {
	b, err := json.Marshal(source{a.ID, a.Size, a.MIME})
	if err != nil {
		panic(err) // three plain members
	}
	return string(b)
}

// readFiles is BlobConfig.Read by the tenant's client.
func readFiles(jira *jsm.Client) func(ctx context.Context, at string, offset int64) (io.ReadCloser, error) {
	return func(ctx context.Context, at string, offset int64) (io.ReadCloser, error) {
		var s source
		if err := json.Unmarshal([]byte(at), &s); err != nil {
			return nil, fmt.Errorf("reading where a file is: %w", err)
		}
		d, err := jira.OpenAttachment(ctx, jsm.Attachment{ID: s.ID, Size: s.Size, MIME: s.MIME}, offset)
		if jsm.IsNotFound(err) {
			return nil, fmt.Errorf("attachment %s: %w", s.ID, ErrBlobGone)
		}
		if err != nil {
			return nil, err
		}
		return d, nil
	}
}

// sumFor gives a view the hashes of the ticket's files, and has those read that are not known.
func (l *lane) sumFor(t *jsm.Ticket) func(jsm.Attachment) (replica.Hash, bool, *rules.Held) {
	return func(a jsm.Attachment) (replica.Hash, bool, *rules.Held) {
		unread := func(err error) *rules.Held {
			return &rules.Held{Class: rules.Definite, Code: FileUnread, Reason: fmt.Sprintf("Attachment %s of %s cannot be sent: %s.", a.ID, t.Key, quiet(err)), Next: "It is tried again by itself."}
		}
		limit := l.r.Limits.BytesPerDay
		if ok, err := l.d.spendBytes(l.c, bytesOut, l.link.ID, replica.Path(rules.FilePrefix+a.ID), a.Size, limit, false); err != nil {
			return replica.Hash{}, false, unread(err)
		} else if !ok {
			l.d.files.delay(t.ID)
			l.d.queue.add(job{lane: t.ID, ticket: t.ID, due: tomorrow(), retry: true})
			return replica.Hash{}, false, &rules.Held{Class: rules.Definite, Code: rules.Budget, Reason: rules.DayFull(l.c.Peer, limit), Next: "It goes on by itself tomorrow (UTC), or raise [limits] bytes_per_day."}
		}
		id := fileID(a)
		h, err := l.d.led.Sum(id)
		switch {
		case err == nil:
			return h, true, nil
		case !errors.Is(err, ledger.ErrNone):
			return h, false, unread(err)
		}
		l.unread = true
		return h, false, l.d.files.ask(id, a, t.ID)
	}
}

// ask has a file read, and says why that fails, where it does.
func (f *files) ask(id ledger.FileID, a jsm.Attachment, ticket string) *rules.Held {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.sums[id]
	if s == nil {
		s = &sum{file: a, tickets: map[string]bool{}}
		f.sums[id] = s
		f.stir()
	}
	s.tickets[ticket] = true
	if s.wait == nil {
		return nil
	}
	held := *s.wait
	return &held
}

// again has the files of a ticket read now that could not be read: a person asks. Until that fails, too, nothing waits.
func (f *files) again(ticket string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.sums {
		if s.tickets[ticket] && s.wait != nil {
			s.wait, s.failed, s.next = nil, sumsFailed-1, time.Time{}
		}
	}
	f.stir()
}

// stir has it looked anew which file is to be read.
func (f *files) stir() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *files) delay(ticket string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.later[ticket] = true
}

// reading reports whether a file of the ticket is yet to be read, now or on the next day.
func (f *files) reading(ticket string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.later[ticket] { // its next visit says so again, where it is so
		delete(f.later, ticket)
		return true
	}
	for _, s := range f.sums {
		if s.tickets[ticket] {
			return true
		}
	}
	return false
}

// unread keeps a ticket marked whose files are yet to be read: another process goes on with them.
func (d *Desk) unread(ticket string) (bool, error) {
	if !d.files.reading(ticket) {
		return false, nil
	}
	_, err := d.led.MarkDirty([]string{ticket}, "")
	return true, err
}

// take hands out a file that is to be read now; nil: there is none, and when there will be (zero: when one is asked for).
func (f *files) take() (id ledger.FileID, s *sum, next time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	for i, one := range f.sums {
		switch {
		case one.running:
		case one.next.After(now):
			next = sooner(next, one.next)
		case s == nil || one.file.Created.Before(s.file.Created):
			id, s = i, one
		}
	}
	if s != nil {
		s.running = true
	}
	return id, s, next
}

// sumFiles reads files to be hashed until ctx ends, some side by side.
func (d *Desk) sumFiles(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	places := make(chan struct{}, sumsAtOnce)
	for {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		id, s, next := d.files.take()
		if s != nil && d.brake.wait(ctx) && d.tenant.wait(ctx) {
			wg.Go(func() {
				d.sumFile(ctx, id, s)
				<-places
			})
			continue
		}
		<-places
		var timer <-chan time.Time
		if !next.IsZero() {
			timer = time.After(time.Until(next))
		}
		select {
		case <-d.files.wake:
		case <-timer:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// sumFile makes one attempt, and has the tickets visited that wait for it where it succeeds, or where it is said that
// it does not.
func (d *Desk) sumFile(ctx context.Context, id ledger.FileID, s *sum) {
	_, err := d.SumFile(ctx, id, sourceOf(s.file))
	if ctx.Err() != nil {
		return
	}
	f := d.files
	f.mu.Lock()
	s.running = false
	look := err == nil || errors.Is(err, ErrBlobGone) // what is gone is in no later reading of the ticket
	if look {
		delete(f.sums, id)
	} else {
		s.failed++
		s.next = time.Now().Add(slower(s.failed))
		if s.failed >= sumsFailed {
			look, s.next = s.failed == sumsFailed, time.Now().Add(sumsAgain)
			s.wait = &rules.Held{Class: rules.Definite, Code: FileUnread, Reason: fmt.Sprintf("Attachment %s cannot be read here: %s.", s.file.ID, quiet(err)),
				Next: "Open the file in Jira as parley's account. It is tried again by itself."}
		}
	}
	var tickets []string
	for ticket := range s.tickets {
		tickets = append(tickets, ticket)
	}
	f.mu.Unlock()
	if err != nil {
		d.log.Warn("a file could not be read to be shared", "err", quiet(err))
	}
	if !look {
		f.stir() // when to try again is news
		return
	}
	for _, ticket := range tickets {
		d.queue.add(job{lane: ticket, ticket: ticket, retry: true})
	}
}

// grants lets the peer ask for the files that a replica names, and no more for those that it withdraws.
func (l *lane) grants(b *ledger.Batch, t *jsm.Ticket, r *replica.Replica) error {
	mimes := map[string]string{}
	for _, a := range t.Attachments {
		mimes[a.ID] = a.MIME
	}
	for p, it := range r.Set {
		if it.Kind != replica.KindAttachment {
			continue
		}
		v, err := it.Value()
		if err != nil {
			return err
		}
		a, ok := v.(replica.Attachment)
		if !ok {
			continue
		}
		at := sourceOf(jsm.Attachment{ID: p.Element(), Size: a.Size, MIME: mimes[p.Element()]})
		if err := ledger.PutGrant(b, ledger.Grant{Connection: l.c.Name, Link: l.link.ID, Path: p, Hash: a.Hash, Size: a.Size, Source: at}); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(paths(r.Gone), func(p replica.Path) bool { return p.Kind() == "attachment" }) {
		return nil
	}
	all, err := l.d.led.Grants(l.c.Name, l.link.ID)
	if err != nil {
		return err
	}
	for _, g := range all {
		if _, gone := r.Gone[g.Path]; gone {
			if err := ledger.DropGrant(b, g); err != nil {
				return err
			}
		}
	}
	return nil
}

func paths(gone map[replica.Path]int64) (all []replica.Path) {
	for p := range gone {
		all = append(all, p)
	}
	return all
}
