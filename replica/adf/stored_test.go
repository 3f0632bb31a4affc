package adf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// stored is a document as Jira stores it, by facts that other tests do not share: every node but a text has a
// localId of so many characters, other ones each time; empty texts, marks and attributes are gone.
func stored(t *testing.T, b []byte, digits int) []byte {
	t.Helper()
	var root map[string]any
	decode(t, b, &root)
	count := 0
	var node func(n map[string]any)
	node = func(n map[string]any) {
		list, _ := n["content"].([]any)
		kept := []any{}
		for _, c := range list {
			c := c.(map[string]any)
			if c["type"] == "text" && c["text"] == "" {
				continue
			}
			if marks, ok := c["marks"].([]any); ok && len(marks) == 0 {
				delete(c, "marks")
			}
			nodes, _ := rules()
			r, ours := nodes[c["type"].(string)]
			_, byWay := c["attrs"]
			if ours && r.attrs != nil && r.attrs[0]["localId"].fits != nil && c["type"] != "syncBlock" && c["type"] != "bodiedSyncBlock" && (byWay || c["type"] != "mediaSingle") {
				if c["attrs"] == nil {
					c["attrs"] = map[string]any{}
				}
				count++
				c["attrs"].(map[string]any)["localId"] = fmt.Sprintf("%0*x", digits, count)
			}
			node(c)
			kept = append(kept, c)
		}
		if list != nil {
			n["content"] = kept
		}
	}
	node(root)
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(root); err != nil {
		t.Fatal(err)
	}
	// Go alone escapes line separators.
	return []byte(strings.NewReplacer(`\u2028`, "\u2028", `\u2029`, "\u2029").Replace(strings.TrimSpace(out.String())))
}

// TestCanonicalSurvivesStoring: what Jira makes of a document has the same canonical form, however often it is
// stored, in whatever pieces the editor left its text.
func TestCanonicalSurvivesStoring(t *testing.T) {
	changed := 0
	for _, s := range samples(t) {
		if !s.Valid {
			continue
		}
		want := canonical(t, string(s.ADF))
		once := stored(t, s.ADF, 12)
		twice := stored(t, once, 36)
		pieces := strings.ReplaceAll(string(once), `{"text":"`, `{"type":"text","text":""},{"text":"`)
		for what, b := range map[string]string{"once": string(once), "twice": string(twice), "in pieces": pieces} {
			if got := canonical(t, b); got != want {
				t.Errorf("%s, stored %s:\ngot  %s\nwant %s", s.ID, what, got, want)
			}
			if b != string(s.ADF) {
				changed++
			}
			if what != "in pieces" && Check([]byte(b)) != nil {
				t.Errorf("%s, stored %s, is invalid: %v", s.ID, what, Check([]byte(b)))
			}
		}
	}
	if changed < 1900 {
		t.Errorf("storing changed %d of 1,959 documents: no test", changed)
	}
}
