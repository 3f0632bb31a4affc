package exchange_test

import (
	"strings"
	"testing"
	"time"

	"parley/jsm/sim"
)

// shows is a document with a picture of a ticket's file in it.
func (c *company) shows(key, file, words string) any {
	c.w.t.Helper()
	for _, f := range c.ticket(key).Files {
		if f.Name == file {
			picture := map[string]any{"type": "mediaSingle", "attrs": map[string]any{"layout": "center"}, "content": []any{
				map[string]any{"type": "media", "attrs": map[string]any{"type": "file", "id": f.Media, "collection": "", "alt": file}}}}
			return map[string]any{"type": "doc", "version": 1, "content": []any{
				map[string]any{"type": "paragraph", "content": []any{run(words)}}, picture,
				map[string]any{"type": "paragraph", "content": []any{run("as you see")}}}}
		}
	}
	c.w.t.Fatalf("%s has no file %s", key, file)
	return nil
}

// sees are the names of the files that a ticket's comment shows, in place; "?" for one that the ticket does not have.
func (c *company) sees(key string, comment int) (names []string) {
	c.w.t.Helper()
	docs := c.documents(key)
	if comment >= len(docs) {
		return nil
	}
	for _, m := range docs[comment].Media() {
		name := "?"
		for _, f := range c.ticket(key).Files {
			if f.Media == m.ID {
				name = f.Name
			}
		}
		names = append(names, name)
	}
	return names
}

// illustrated is a ticket whose comment shows a picture on both sides; id is the comment's in the north.
func (w *world) illustrated(faults ...sim.Fault) (key, twin, id string) {
	w.t.Helper()
	key, twin = w.shared("Printer on fire")
	w.quiet()
	w.north.stop()
	for _, f := range faults {
		f.Account = w.south.sync.Email
		w.must(w.south.tenant.Fault(f))
	}
	w.north.attach(key, "plan.png", 300_000, true)
	said := len(w.north.said(key)) // the portal's echo of the file
	id, refused := w.north.say(key, w.north.shows(key, "plan.png", "look"), nil)
	same(w.t, "north takes it", refused, "")
	w.north.start()
	w.until("the picture is in place", 10*time.Minute, func() bool {
		for i := range w.south.said(twin) {
			if strings.Join(w.south.sees(twin, i), " ") == "plan.png" {
				return true
			}
		}
		return false
	})
	w.quiet()
	same(w.t, "comments in the north", len(w.north.said(key)), said+1)
	return key, twin, id
}

// line is the place of the comment that says something.
func (c *company) line(key, words string) int {
	c.w.t.Helper()
	for i, said := range c.said(key) {
		if strings.Contains(said, words) {
			return i
		}
	}
	c.w.t.Fatalf("nobody says %q on %s: %q", words, key, c.said(key))
	return -1
}

// TestAPictureStaysInPlace: it is shown where it stood, on the side that it came to, once its file is there; it survives
// edits of the text, and coming is no edit that would travel back.
func TestAPictureStaysInPlace(t *testing.T) {
	t.Parallel()
	inWorld(t, withFiles(customer), withFiles(vendor), func(w *world) {
		key, twin, id := w.illustrated()
		at := w.south.line(twin, "look")
		if said := w.south.said(twin)[at]; !strings.Contains(said, "look / ") || !strings.HasSuffix(said, "/ as you see") || strings.Contains(said, "[attachment") {
			t.Errorf("the south reads %q", said)
		}
		same(t, "files in the south", len(w.south.files(twin)), 1)
		sent := w.sent(w.south)
		w.north.rewords(key, id, w.north.shows(key, "plan.png", "look again"))
		w.quiet()
		at = w.south.line(twin, "look again")
		same(t, "after an edit", w.south.sees(twin, at), []string{"plan.png"})
		same(t, "files after an edit", len(w.south.files(twin)), 1)
		same(t, "what the south has to say of it", w.sent(w.south), sent)
		w.south.say(twin, w.south.shows(twin, "plan.png", "yes, there"), nil)
		w.quiet()
		same(t, "the north's own picture comes back", w.north.sees(key, w.north.line(key, "yes, there")), []string{"plan.png"})
		same(t, "files in the north", len(w.north.files(key)), 1)
	})
}

// TestAPictureComesThroughFaults has answers lost and late while file and text are made and the text is completed.
func TestAPictureComesThroughFaults(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"lost", "late"} {
		inWorld(t, withFiles(customer), withFiles(vendor), func(w *world) {
			_, twin, _ := w.illustrated(
				sim.Fault{Kind: kind, Method: "POST", Path: "/rest/api/3/issue/*/comment", AfterMS: 3000},
				sim.Fault{Kind: kind, Method: "PUT", Path: "/rest/api/3/issue/*/comment/*", AfterMS: 3000},
			)
			looks := 0
			for _, said := range w.south.said(twin) {
				if strings.Contains(said, "look") {
					looks++
				}
			}
			same(t, kind+": said", looks, 1)
			same(t, kind+": files", len(w.south.files(twin)), 1)
			same(t, kind+": held", w.south.held(), []string(nil))
		})
	}
}
