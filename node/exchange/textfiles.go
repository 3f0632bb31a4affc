package exchange

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
	"parley/replica/adf"
)

// Pictures in texts. A text shows a file by an id of Jira's media service, which is not the attachment's id and which
// only a download's address tells. What was told once holds for good.

// mediaIDs remembers the media ids of attachments, "" where Jira does not tell or the attachment is gone.
type mediaIDs struct {
	mu sync.Mutex // guards of
	of map[string]string
}

const mostMediaIDs = 100_000 // remembered; then it begins anew

func (m *mediaIDs) get(id string) (media string, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	media, known = m.of[id]
	return media, known
}

func (m *mediaIDs) put(id, media string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of == nil || len(m.of) >= mostMediaIDs {
		m.of = map[string]string{}
	}
	m.of[id] = media
}

// mediaID asks for an attachment's media id, once; "" where there is none.
func (d *Desk) mediaID(ctx context.Context, a jsm.Attachment) (string, error) {
	if media, known := d.media.get(a.ID); known {
		return media, nil
	}
	media, err := d.jira.MediaID(ctx, a)
	if err != nil && !errors.Is(err, jsm.ErrNoMedia) && !jsm.IsNotFound(err) && !definite(err) {
		return "", fmt.Errorf("asking how texts name attachment %s: %w", a.ID, err)
	}
	d.media.put(a.ID, media)
	return media, nil
}

// learn finds out which attachments the ticket's texts show, so that the judgement never waits for the tenant.
func (d *Desk) learn(ctx context.Context, t *jsm.Ticket, lanes []*lane) error {
	if t == nil || len(t.Attachments) == 0 || !slices.ContainsFunc(lanes, func(l *lane) bool { return l.r.ShowsFiles() }) {
		return nil
	}
	shown := mediaIn(t)
	for i := range t.Attachments {
		if media, known := d.media.get(t.Attachments[i].ID); known {
			delete(shown, media)
		}
	}
	if len(shown) == 0 {
		return nil
	}
	names := map[string]bool{}
	for _, name := range shown {
		names[name] = true
	}
	files := slices.Clone(t.Attachments)
	slices.SortStableFunc(files, func(a, b jsm.Attachment) int { // those that a text names come first
		return -compareBool(names[a.Name], names[b.Name])
	})
	for _, a := range files {
		if len(shown) == 0 {
			break
		}
		media, err := d.mediaID(ctx, a)
		if err != nil {
			return err
		}
		delete(shown, media)
	}
	return nil
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// mediaIn lists the files that the ticket's texts show: their names there, by media id.
func mediaIn(t *jsm.Ticket) map[string]string {
	shown := map[string]string{}
	look := func(raw []byte) {
		if !bytes.Contains(raw, []byte(`"media`)) {
			return
		}
		doc, err := adf.Parse(raw)
		if err != nil {
			return
		}
		for _, m := range doc.Media() {
			if m.ID != "" {
				shown[m.ID] = m.Alt
			}
		}
	}
	for _, raw := range t.Fields {
		look(raw)
	}
	for i := range t.Comments {
		look(t.Comments[i].Body)
	}
	return shown
}

// filesOf gives the media ids of a ticket's attachments, as far as they are known.
func (l *lane) filesOf(t *jsm.Ticket) map[string]string {
	files := map[string]string{}
	if t == nil || !l.r.ShowsFiles() {
		return files
	}
	for i := range t.Attachments {
		if media, _ := l.d.media.get(t.Attachments[i].ID); media != "" {
			files[t.Attachments[i].ID] = media
		}
	}
	return files
}

// shownFiles completes what the incoming rules are told of files by those that the peer's texts show.
func (w *work) shownFiles(ctx context.Context, in *rules.Arrival) error {
	for _, id := range w.r.FilesWanted(*in) {
		media, err := w.d.mediaID(ctx, jsm.Attachment{ID: id})
		if err != nil {
			return err
		}
		if media != "" {
			in.Files[id] = media
		}
	}
	return nil
}

// arrivedTexts are the texts that show a file which has come since they were written.
func (l *lane) arrivedTexts() (paths []replica.Path, err error) {
	if len(l.awaits) == 0 {
		return nil, nil
	}
	twins, err := l.d.led.Twins(l.c.Name, l.link.ID)
	if err != nil {
		return nil, err
	}
	for text, files := range l.awaits {
		if slices.ContainsFunc(files, func(p replica.Path) bool { return l.shows(twins[p]) }) {
			paths = append(paths, text)
		}
	}
	return paths, nil
}

// shows reports whether texts can show a file that was made here.
func (l *lane) shows(t ledger.Twin) bool {
	if t.Local == "" || t.Gone {
		return false
	}
	media, known := l.d.media.get(t.Local[min(len(rules.FilePrefix), len(t.Local)):])
	return !known || media != ""
}

// textsDue comes back at once where this visit made a file that a text waits for, and has the text judged then.
func (w *work) textsDue(plan *rules.Plan) {
	for p := range w.awaits {
		judged := slices.ContainsFunc(plan.Decisions, func(d rules.Decision) bool { return d.Path == p })
		if judged || w.rejudged[p] {
			delete(w.awaits, p)
		}
	}
	for p, files := range plan.Awaits {
		if w.awaits == nil {
			w.awaits = ledger.Awaits{}
		}
		w.awaits[p] = files
	}
	for _, files := range w.awaits {
		for _, t := range w.twins {
			if slices.Contains(files, t.Path) {
				w.again = sooner(w.again, time.Now())
			}
		}
	}
}
