package adf

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// shared opens a file of the shared folder: PARLEY_SHARED, else beside the
// repository. Without it the test is skipped, or fails where PARLEY_DEMAND is 1.
func shared(t *testing.T, name string) *bufio.Scanner {
	t.Helper()
	root := os.Getenv("PARLEY_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		if os.Getenv("PARLEY_DEMAND") == "1" {
			t.Fatalf("the oracle is demanded: %v", err)
		}
		t.Skipf("no oracle here: %v", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, len(b)+1)
	return lines
}

type sample struct {
	ID    string          `json:"id"`
	ADF   json.RawMessage `json:"adf"`
	Valid bool            `json:"-"`
}

// samples are the oracle's documents with the verdict of Atlassian's schema.
func samples(t *testing.T) []sample {
	valid := map[string]bool{}
	for lines := shared(t, "oracles/adf/adf_validation.jsonl"); lines.Scan(); {
		var v struct {
			ID     string
			Schema struct{ OK bool }
		}
		decode(t, lines.Bytes(), &v)
		valid[v.ID] = v.Schema.OK
	}
	var all []sample
	for lines := shared(t, "oracles/adf/adf.jsonl"); lines.Scan(); {
		var s sample
		decode(t, lines.Bytes(), &s)
		s.Valid = valid[s.ID]
		all = append(all, s)
	}
	return all
}

func decode(t *testing.T, b []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

func TestPlainIsAtlassians(t *testing.T) {
	docs := map[string]json.RawMessage{}
	for _, s := range samples(t) {
		docs[s.ID] = s.ADF
	}
	right, refused := 0, 0
	for lines := shared(t, "oracles/adf/adf_to_text_expected.jsonl"); lines.Scan(); {
		var want struct {
			ID, Error string
			Text      *string
		}
		decode(t, lines.Bytes(), &want)
		d, err := Parse(docs[want.ID])
		if err != nil {
			t.Errorf("%s: %v", want.ID, err)
			continue
		}
		if want.Text == nil { // its own judge stops at marks that the schema allows
			refused++
			continue
		}
		if got := d.Plain(); got != *want.Text {
			t.Errorf("%s: %s\ngot  %q\nwant %q", want.ID, docs[want.ID], got, *want.Text)
			continue
		}
		right++
	}
	if right != 651 || refused != 2 {
		t.Errorf("%d texts are Atlassian's and %d it refused, want 651 and 2", right, refused)
	}
}
