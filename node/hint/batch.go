package hint

import (
	"context"
	"errors"
	"time"
)

const (
	maxWaiting = 1024             // requests that wait for the disk; the next one is answered 503
	maxWait    = 15 * time.Second // for the disk; Jira waits 20 s for an answer
)

// errBusy means that a request was not taken and should be sent again.
var errBusy = errors.New("too many webhooks wait for the disk")

// post is one request's hint on its way to the disk.
type post struct {
	hint Hint
	done chan error // holds one; never blocks the committer
}

// commit hands a hint to the committer and returns once it is on disk.
// errBusy where too many wait; ctx's error where the requester gave up.
func (l *Listener) commit(ctx context.Context, h Hint) error {
	p := &post{hint: h, done: make(chan error, 1)}
	select {
	case l.posts <- p:
	default:
		return errBusy
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	select {
	case err := <-p.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// work marks what waits, many requests with one synced write, until ctx ends;
// who waits then is told to come again.
func (l *Listener) work(ctx context.Context) {
	for {
		select {
		case p := <-l.posts:
			l.mark(p)
		case <-ctx.Done():
			for {
				select {
				case p := <-l.posts:
					p.done <- errBusy
				default:
					return
				}
			}
		}
	}
}

// mark commits a request together with all that wait behind it.
func (l *Listener) mark(first *post) {
	posts := []*post{first}
	for len(posts) < maxWaiting {
		select {
		case p := <-l.posts:
			posts = append(posts, p)
			continue
		default:
		}
		break
	}
	err := l.cfg.Mark(merge(posts))
	for _, p := range posts {
		p.done <- err
	}
}

// merge folds the hints of many requests: of a ticket that several name, the
// newest state counts, and one that tells no state counts as newer than any.
func merge(posts []*post) (all Hint) {
	at := map[Ticket]int{}
	for _, p := range posts {
		all.Stray = all.Stray || p.hint.Stray
		for _, t := range p.hint.Tickets {
			name := Ticket{ID: t.ID}
			if t.ID == "" {
				name.Key = t.Key
			}
			i, known := at[name]
			if !known {
				at[name] = len(all.Tickets)
				all.Tickets = append(all.Tickets, t)
				continue
			}
			was := &all.Tickets[i]
			if t.Key != "" {
				was.Key = t.Key
			}
			if t.Updated.IsZero() || !was.Updated.IsZero() && t.Updated.After(was.Updated) {
				was.Updated = t.Updated
			}
		}
	}
	return all
}
