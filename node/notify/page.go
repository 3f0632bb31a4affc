package notify

import (
	"crypto/rand"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	// urgentGap is the least time between two messages that wait for no digest.
	urgentGap = time.Minute
	// maxItems is how many troubles one message tells; the others are the next.
	maxItems = 20
	// stale is when a message that could not be delivered is made afresh.
	stale = time.Hour
	// The wait after a failed try: doubled each time.
	firstWait = 15 * time.Second
	mostWait  = 15 * time.Minute
	// mostAsked is the longest wait that a receiver may ask for.
	mostAsked = time.Hour
)

// page is one channel's side of the book.
type page struct {
	Told    map[string]told     `json:"told,omitempty"`    // by trouble
	Waiting map[string]*Message `json:"waiting,omitempty"` // by trouble where each has a message of its own; else one, under ""
	Fresh   time.Time           `json:"fresh,omitzero"`    // when the oldest news that no message holds was first seen
	Sent    time.Time           `json:"sent,omitzero"`     // when a message was last delivered
	Tries   int                 `json:"tries,omitempty"`   // that failed, since one was delivered
	Next    time.Time           `json:"next,omitzero"`     // nothing is tried before
	Fault   string              `json:"fault,omitempty"`   // why the last try failed; "": it did not
}

// told is what a channel knows of a trouble.
type told struct {
	Newest   time.Time `json:"newest"` // its youngest line
	Severity Severity  `json:"severity"`
	Over     bool      `json:"over"`
	Ref      string    `json:"ref,omitempty"` // what the sender made of it: a ticket's id
}

// Message is what is sent at once. Its content stays the same over all tries.
type Message struct {
	ID    string    `json:"id"` // random; the same in every try
	Made  time.Time `json:"made"`
	Items []Item    `json:"items"`

	Tried time.Time `json:"tried,omitzero"` // when the last try began; zero: none has. It may have been delivered unnoticed

	Ref  string `json:"-"` // what the sender made of the trouble before, where it has a message of its own
	Moot bool   `json:"-"` // likewise: by now the trouble is over
}

// Item is one trouble in a message.
type Item struct {
	Notice
	Since time.Time `json:"since"`
	Over  time.Time `json:"over,omitzero"` // zero: it stands
	Again bool      `json:"again"`         // the channel was told of it before; Lines are what is new
}

func (m *Message) urgent() bool {
	return slices.ContainsFunc(m.Items, func(it Item) bool { return it.Severity == Urgent })
}

// tidy makes a page that was read usable: it knows of these troubles only.
func (p *page) tidy(troubles map[string]*trouble) {
	if p.Told == nil {
		p.Told = map[string]told{}
	}
	maps.DeleteFunc(p.Told, func(key string, _ told) bool { return troubles[key] == nil })
	if p.Waiting == nil {
		p.Waiting = map[string]*Message{}
	}
	for about, m := range p.Waiting {
		if m == nil || m.ID == "" || len(m.Items) == 0 || slices.ContainsFunc(m.Items, func(it Item) bool { return troubles[it.Key] == nil }) {
			delete(p.Waiting, about) // what it told of is owed again
			continue
		}
		for i := range m.Items {
			m.Items[i].Notice = m.Items[i].Notice.bounded()
		}
	}
}

// owes reports whether the channel is to be told something of a trouble.
func (p *page) owes(t *trouble, c Channel, now time.Time) bool {
	was, known := p.Told[t.Notice.Key]
	switch {
	case !t.Over.IsZero() && known:
		return !was.Over
	case !t.ripe(now) || t.Notice.Severity.rank() < c.Floor.rank():
		return false
	case !t.Over.IsZero():
		return !c.Apart // it came and went
	}
	return !known || was.Over || t.Notice.newest().After(was.Newest) || t.Notice.Severity.rank() > was.Severity.rank()
}

// holds reports whether a message on its way tells of a trouble.
func (p *page) holds(key string) bool {
	for _, m := range p.Waiting {
		if slices.ContainsFunc(m.Items, func(it Item) bool { return it.Key == key }) {
			return true
		}
	}
	return false
}

// gather makes messages of what the channel is owed, when it is time.
func (p *page) gather(now time.Time, k *book, c Channel) {
	if m := p.Waiting[""]; m != nil && p.Tries > 0 && now.Sub(m.Made) >= stale {
		delete(p.Waiting, "")
		p.Fresh = now.Add(-c.Digest)
	}
	news, urgent := p.news(now, k, c)
	if len(news) == 0 {
		p.Fresh = time.Time{}
		return
	}
	if p.Fresh.IsZero() {
		p.Fresh = now
	}
	ready := now.Sub(p.Fresh) >= c.Digest || urgent && now.Sub(p.Sent) >= urgentGap
	if !ready || silent(c.Quiet, now, urgent) {
		return
	}
	if c.Apart {
		for _, t := range news {
			p.Waiting[t.Notice.Key] = p.message(now, []*trouble{t})
		}
		p.Fresh = time.Time{}
	} else if p.Waiting[""] == nil {
		told := min(len(news), maxItems)
		p.Waiting[""] = p.message(now, news[:told])
		if told == len(news) {
			p.Fresh = time.Time{}
		}
	}
}

// news lists what the channel is owed and no message holds: the most severe
// first, then the oldest.
func (p *page) news(now time.Time, k *book, c Channel) (news []*trouble, urgent bool) {
	for key, t := range k.Troubles {
		if p.owes(t, c, now) && !p.holds(key) {
			news = append(news, t)
			urgent = urgent || t.Notice.Severity == Urgent
		}
	}
	slices.SortFunc(news, func(a, b *trouble) int {
		if by := b.Notice.Severity.rank() - a.Notice.Severity.rank(); by != 0 {
			return by
		}
		if by := a.Since.Compare(b.Since); by != 0 {
			return by
		}
		return strings.Compare(a.Notice.Key, b.Notice.Key)
	})
	return news, urgent
}

func (p *page) message(now time.Time, about []*trouble) *Message {
	m := &Message{ID: rand.Text(), Made: now}
	for _, t := range about {
		was, known := p.Told[t.Notice.Key]
		it := Item{Notice: t.Notice, Since: t.Since, Over: t.Over, Again: known && !was.Over}
		if it.Again {
			it.Notice = it.Notice.since(was.Newest)
		}
		m.Items = append(m.Items, it)
	}
	return m
}

// due is the message to be tried now, and what it is about; nil where none is.
// The one tried longest ago comes first, so that no refused one is in the way.
func (p *page) due(now time.Time, c Channel) (about string, m *Message) {
	if now.Before(p.Next) {
		return "", nil
	}
	for key, one := range p.Waiting {
		if silent(c.Quiet, now, one.urgent()) {
			continue
		}
		if m == nil || one.Tried.Before(m.Tried) || one.Tried.Equal(m.Tried) && key < about {
			about, m = key, one
		}
	}
	return about, m
}

// delivered notes that a message has arrived, and what the sender made of it.
func (p *page) delivered(now time.Time, about string, m *Message, ref string) {
	for _, it := range m.Items {
		p.Told[it.Key] = told{Newest: it.newest(), Severity: it.Severity, Over: !it.Over.IsZero(), Ref: ref}
	}
	delete(p.Waiting, about)
	p.Sent, p.Tries, p.Next, p.Fault = now, 0, time.Time{}, ""
}

// failed notes that it has not, and when to try again; asked is what the receiver asks for.
func (p *page) failed(now time.Time, why string, asked time.Duration) {
	wait := firstWait << min(p.Tries, 10)
	p.Tries++
	p.Next, p.Fault = now.Add(max(min(wait, mostWait), min(asked, mostAsked))), tidy(why, maxLine)
}
