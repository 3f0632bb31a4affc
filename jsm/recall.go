package jsm

import (
	"container/list"
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"time"
)

// What a ticket's own answer leaves out: comments beyond the first (20 in a bulk read), work logs beyond the first 20,
// web links, the persons who watch, the words of a rating. Each costs calls of its own, so a Client that Recall allows
// remembers them, and completes a ticket from memory where its answer tells that they are as they were (recalltell.go).
//
// The answer cannot tell all. A comment or work log that was edited between two reads hides behind a later edit of a
// field; a comment that was turned internal, a web link and who watches do not move `updated` reliably (facts 2.3). So a
// ticket of which anything was taken on such a word is Owed: its parts are as they were at the last whole read, and
// whoever holds it must read it whole before long, after Forget. Only then is no change lost for a call that was spared.

// Recall lets the client remember what answers leave out, in at most so many bytes; 0, the default: every read is
// whole. It is for callers who read again what is Owed.
func (c *Client) Recall(bytes int64) {
	c.recall.mu.Lock()
	defer c.recall.mu.Unlock()
	c.recall.most = bytes
	c.recall.room(0)
}

// Forget has the next reads of these tickets, by id or key, be whole. Whatever changes a part, but for adding one, says so.
func (c *Client) Forget(tickets ...string) {
	c.recall.mu.Lock()
	defer c.recall.mu.Unlock()
	for _, t := range tickets {
		c.recall.drop(t)
	}
}

// Owed reports that parts of the ticket were taken from memory though it was touched since: they may have changed
// unseen, and a whole read is due before long.
func (t *Ticket) Owed() bool { return t.owed }

// recall remembers the parts of tickets, those that were read last.
type recall struct {
	mu   sync.Mutex // guards the fields below
	most int64      // bytes
	size int64      // bytes
	byID map[string]*list.Element
	used list.List // of further, the longest unused first
}

// further is what is known of one ticket beyond its own answer, as of one read.
type further struct {
	id, key string
	updated time.Time
	entry   string    // id of the newest entry of its history
	entries int       // of its history
	said    time.Time // when a comment was last written or changed; later than updated: by ourselves
	owed    bool

	comments []Comment // all of them; nil: its own answer had them all
	worklogs []Worklog // likewise
	webLinks []RemoteLink
	linked   bool // webLinks were read
	watches  json.RawMessage
	watchers []Person // nil: not read
	stars    json.RawMessage
	rating   *Rating
	rated    bool // rating was read for these stars
}

// empty reports that there is nothing to remember.
func (f *further) empty() bool {
	return f.comments == nil && f.worklogs == nil && !f.linked && f.watchers == nil && !f.rated
}

// bytes estimates what is held, members and texts.
func (f *further) bytes() int64 {
	const each = 250 // a comment, work log, link or person without its text
	n := 2*each + len(f.watches) + len(f.stars) + each*(len(f.comments)+len(f.worklogs)+len(f.webLinks)+len(f.watchers))
	for i := range f.comments {
		n += len(f.comments[i].Body)
	}
	for i := range f.worklogs {
		n += len(f.worklogs[i].Text)
	}
	for i := range f.webLinks {
		n += len(f.webLinks[i].URL) + len(f.webLinks[i].Summary)
	}
	return int64(n)
}

// of gives what is known of a ticket; nil: nothing. Its lists are shared and not written to.
func (r *recall) of(id string) *further {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.byID[id]
	if e == nil {
		return nil
	}
	r.used.MoveToBack(e)
	f := e.Value.(further)
	return &f
}

// keep remembers a ticket's parts, and forgets others where there is no room.
func (r *recall) keep(f further) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(f.id)
	n := f.bytes()
	if f.empty() || n > r.most {
		return
	}
	r.room(n)
	if r.byID == nil {
		r.byID = map[string]*list.Element{}
	}
	r.byID[f.id] = r.used.PushBack(f)
	r.size += n
}

// reword takes a comment that we have edited into what is known of its ticket. After an error nothing is.
func (r *recall) reword(ticket string, now Comment, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.byID[ticket]
	if e == nil {
		r.drop(ticket) // where it was named by its key
		return
	}
	f := e.Value.(further)
	i := slices.IndexFunc(f.comments, func(c Comment) bool { return c.ID == now.ID })
	if err != nil || len(now.Body) == 0 || f.comments != nil && i < 0 {
		r.drop(ticket)
		return
	}
	r.size -= f.bytes()
	if i >= 0 {
		f.comments = slices.Clone(f.comments)
		f.comments[i], f.comments[i].Mark = now, nil
	}
	if now.Updated.After(f.said) {
		f.said = now.Updated
	}
	r.size += f.bytes()
	e.Value = f
	r.room(0)
}

// room makes room for so many bytes.
func (r *recall) room(n int64) {
	for r.size+n > r.most && r.used.Len() > 0 {
		r.drop(r.used.Front().Value.(further).id)
	}
}

func (r *recall) drop(idOrKey string) {
	if _, err := strconv.ParseUint(idOrKey, 10, 64); err != nil { // a key: rare
		for id, e := range r.byID {
			if e.Value.(further).key == idOrKey {
				idOrKey = id
				break
			}
		}
	}
	e := r.byID[idOrKey]
	if e == nil {
		return
	}
	f := r.used.Remove(e).(further)
	delete(r.byID, f.id)
	r.size -= f.bytes()
}

// known makes the memory of a ticket that was completed.
func (t *Ticket) known() further {
	f := further{id: t.ID, key: t.Key, updated: t.Updated, entries: t.HistoryTotal, owed: t.owed, said: lastSaid(t.Comments)}
	if len(t.History) > 0 {
		f.entry = t.History[0].ID
	}
	if t.webLinks {
		f.webLinks, f.linked = slices.Clone(t.WebLinks), true
	}
	return f
}

// lastSaid is when a comment was last written or changed.
func lastSaid(list []Comment) (last time.Time) {
	for i := range list {
		for _, at := range []time.Time{list[i].Created, list[i].Updated} {
			if at.After(last) {
				last = at
			}
		}
	}
	return last
}
