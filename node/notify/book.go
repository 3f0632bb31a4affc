package notify

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

const (
	// calm is how long a trouble must stay away before it is over, so that one
	// that comes and goes is told once.
	calm = 2 * time.Minute
	// maxTroubles bounds what is remembered; a node has a few for each partner.
	maxTroubles = 500
	// maxBook bounds a stored book, in bytes, before it is read.
	maxBook = 16 << 20
)

// book is everything that outlives a restart: the troubles, and for each channel
// what it was told and what is on its way. It is pure; the loop in notify.go
// owns it and stores it.
type book struct {
	Troubles map[string]*trouble `json:"troubles"`
	Pages    map[string]*page    `json:"pages"` // by channel
}

// trouble is one notice over time.
type trouble struct {
	Notice  Notice    `json:"notice"` // as seen last
	Since   time.Time `json:"since"`
	Missing time.Time `json:"missing,omitzero"` // not seen since; zero: it stands
	Over    time.Time `json:"over,omitzero"`    // Missing, once calm has passed
}

func newBook() *book { return &book{map[string]*trouble{}, map[string]*page{}} }

// readBook takes up a stored book, for the channels that there are now. An
// empty one is a new one, and so is what comes with an error.
func readBook(b []byte, channels []Channel) (*book, error) {
	k, stored := newBook(), book{}
	var err error
	switch {
	case len(b) > maxBook:
		err = fmt.Errorf("reading what was told: %d bytes are too many", len(b))
	case len(b) > 0:
		if err = json.Unmarshal(b, &stored); err != nil {
			stored, err = book{}, fmt.Errorf("reading what was told: %w", err)
		}
	}
	for key, t := range stored.Troubles {
		if t != nil && t.Notice.Key == key && len(k.Troubles) < maxTroubles {
			t.Notice = t.Notice.bounded()
			k.Troubles[key] = t
		}
	}
	for _, c := range channels {
		p := stored.Pages[c.Name]
		if p == nil {
			p = &page{}
		}
		p.tidy(k.Troubles)
		k.Pages[c.Name] = p
	}
	return k, err
}

// see enters what ails now. It reports how many troubles found no room.
func (k *book) see(now time.Time, notices []Notice) (left int) {
	seen := map[string]bool{}
	for _, n := range notices {
		seen[n.Key] = true
		if n.Unknown {
			continue
		}
		t := k.Troubles[n.Key]
		switch {
		case n.Key == "" || len(n.Key) > maxKey || t == nil && len(k.Troubles) >= maxTroubles:
			left++
			continue
		case t == nil:
			t = &trouble{Since: now}
			k.Troubles[n.Key] = t
		case !t.Over.IsZero(): // it is back
			t.Since = now
		}
		t.Notice, t.Missing, t.Over = n.bounded(), time.Time{}, time.Time{}
	}
	for key, t := range k.Troubles {
		if seen[key] {
			continue
		}
		if t.Missing.IsZero() {
			t.Missing = now
		}
		if !t.ripe(now) && !k.known(key) {
			delete(k.Troubles, key)
		} else if now.Sub(t.Missing) >= calm {
			t.Over = t.Missing
		}
	}
	return left
}

// known reports whether somebody was told of a trouble.
func (k *book) known(key string) bool {
	for _, p := range k.Pages {
		if _, known := p.Told[key]; known || p.holds(key) {
			return true
		}
	}
	return false
}

// ripe reports whether a trouble has stood as long as its patience asks.
func (t *trouble) ripe(now time.Time) bool {
	if !t.Missing.IsZero() {
		now = t.Missing
	}
	return now.Sub(t.Since) >= t.Notice.Patience
}

// settle forgets what is over and owed to nobody.
func (k *book) settle(now time.Time, channels []Channel) {
	for key, t := range k.Troubles {
		open := t.Over.IsZero() || slices.ContainsFunc(channels, func(c Channel) bool {
			p := k.Pages[c.Name]
			return p.owes(t, c, now) || p.holds(key)
		})
		if open {
			continue
		}
		delete(k.Troubles, key)
		for _, p := range k.Pages {
			delete(p.Told, key)
		}
	}
}
