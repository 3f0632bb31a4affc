package exchange_test

import (
	"strings"
	"testing"
)

// TestACommentInPartsThroughEveryMishap has a comment come that its twin holds in two parts only, grow by a third, shrink
// to one, and go.
func TestACommentInPartsThroughEveryMishap(t *testing.T) {
	t.Parallel()
	long := func(word string) any { return paragraphOf(run(strings.Repeat(word+" ", 32600/(len(word)+1)))) }
	var key, twin, id string
	(&tale{
		north: customer, south: vendor,
		begin: func(w *world) { key, twin = w.shared("Printer on fire") },
		deeds: []func(w *world){
			func(w *world) { id, _ = w.north.say(key, long("hurry"), nil) },
			func(w *world) { w.north.rewords(key, id, long("quickly")) },
			func(w *world) { w.north.comment(key, "short", true) },
			func(w *world) { w.north.rewords(key, id, paragraphOf(run("never mind"))) },
			func(w *world) { w.north.rewords(key, id, long("hastily")) },
		},
		ends: func(w *world, note string) {
			said := w.south.said(twin)
			if len(said) != 3 || !strings.Contains(said[0]+said[2], "(1/2):") || !strings.Contains(said[0]+said[2], "(2/2):") || strings.Count(strings.Join(said, ""), "hastily") != 32600/8 {
				w.t.Errorf("%s: the south reads %d comments: %.90q", note, len(said), said)
			}
			same(w.t, note+": the north's comments", len(w.north.said(key)), 2)
		},
	}).suffers(t)
}

// TestAPictureInATextThroughEveryMishap has a file and a comment that shows it come, the comment be reworded, another
// file take the first one's place, and go.
func TestAPictureInATextThroughEveryMishap(t *testing.T) {
	t.Parallel()
	var key, twin, id string
	(&tale{
		north: withFiles(customer), south: withFiles(vendor),
		begin: func(w *world) { key, twin = w.shared("Printer on fire") },
		deeds: []func(w *world){
			func(w *world) {
				w.north.attach(key, "plan.png", 300_000, true)
				id, _ = w.north.say(key, w.north.shows(key, "plan.png", "look"), nil)
			},
			func(w *world) { w.north.rewords(key, id, w.north.shows(key, "plan.png", "look again")) },
			func(w *world) {
				w.north.attach(key, "plan2.png", 200_000, true)
				w.north.rewords(key, id, w.north.shows(key, "plan2.png", "this one"))
			},
			func(w *world) { w.south.say(twin, w.south.shows(twin, "plan.png", "which?"), nil) },
		},
		ends: func(w *world, note string) {
			same(w.t, note+": the south's files", w.south.files(twin), []string{"plan.png 300000 portal", "plan2.png 200000 portal"})
			same(w.t, note+": the north's files", w.north.files(key), []string{"plan.png 300000 portal", "plan2.png 200000 portal"})
			same(w.t, note+": the south sees", w.south.sees(twin, w.south.line(twin, "this one")), []string{"plan2.png", "plan.png"}) // Jira would delete what is shown no more
			same(w.t, note+": the north sees", w.north.sees(key, w.north.line(key, "which?")), []string{"plan.png"})
			same(w.t, note+": the north's comments", len(w.north.said(key)), 4) // two of them show what was attached
			same(w.t, note+": the south's comments", len(w.south.said(twin)), 6)
		},
	}).suffers(t)
}

// TestPartsThroughEveryMishap has a work log, a link, a participant and a web link come, change, go and come again, also
// from the other side.
func TestPartsThroughEveryMishap(t *testing.T) {
	t.Parallel()
	var first, twin1, second, twin2, log, web string
	(&tale{
		north: partly(customer, northPeople), south: partly(vendor, southPeople),
		begin: func(w *world) {
			first, twin1 = w.shared("Printer on fire")
			second, twin2 = w.shared("Floor without power")
		},
		deeds: []func(w *world){
			func(w *world) {
				web = w.north.web(first, "", "https://status.globex.example/7", "Status page")
				log = w.north.logs(first, 5400, "Changed the fuser")
				w.north.link(first, "Blocks", second)
				w.north.participants("POST", first, "customer@north.example")
			},
			func(w *world) {
				w.north.web(first, web, "https://status.globex.example/8", "Status page")
				w.north.do(w.north.agent, "PUT", "/rest/api/3/issue/"+first+"/worklog/"+log, map[string]any{"timeSpentSeconds": 7200, "comment": words("And the drum")})
				w.south.logs(twin1, 3600, "Ordered the part")
				w.south.link(twin1, "Duplicate", twin2)
			},
			func(w *world) {
				w.north.participants("DELETE", first, "customer@north.example")
				w.north.unlink(second)
			},
			func(w *world) { w.north.participants("POST", first, "portal@north.example") },
		},
		ends: func(w *world, note string) {
			same(w.t, note+": south's work", w.south.worked(twin1), []string{"7200: Astrid Berg, north: / And the drum", "3600: Ordered the part"})
			same(w.t, note+": north's work", w.north.worked(first), []string{"7200: And the drum", "3600: Mateo Silva, south: / Ordered the part"})
			same(w.t, note+": south's links", w.south.linked(twin1), []string{"duplicates " + twin2})
			same(w.t, note+": north's links", w.north.linked(first), []string{"duplicates " + second})
			same(w.t, note+": south's participants", w.south.takesPart(twin1), []string{"Paulo Portal"})
			same(w.t, note+": north's participants", len(w.north.takesPart(first)), 1)
			same(w.t, note+": south's web links", w.south.webs(twin1), []string{"Status page: https://status.globex.example/8"})
			same(w.t, note+": north's web links", w.north.webs(first), []string{"Status page: https://status.globex.example/8"})
		},
	}).suffers(t)
}
