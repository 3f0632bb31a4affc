package sim

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// sharedDir finds the folder of oracles and specs, which is not part of the tree.
func sharedDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("PARLEY_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("PARLEY_DEMAND") == "1" {
			t.Fatalf("no shared folder (PARLEY_SHARED): %v", err)
		}
		t.Skipf("no shared folder (PARLEY_SHARED): %v", err)
	}
	return dir
}

// oracleLines decodes one JSON line a T from an oracle file.
func oracleLines[T any](t testing.TB, name string) []T {
	t.Helper()
	f, err := os.Open(filepath.Join(sharedDir(t), "oracles", "adf", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []T
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("%s line %d: %v", name, len(out)+1, err)
		}
		out = append(out, v)
	}
	if err := lines.Err(); err != nil || len(out) == 0 {
		t.Fatalf("%s: %d lines, %v", name, len(out), err)
	}
	return out
}

type oracleDoc struct {
	ID  string          `json:"id"`
	ADF json.RawMessage `json:"adf"`
}

// TestADFVerdicts holds validADF to the verdict of Atlassian's schema on every document of the corpus.
func TestADFVerdicts(t *testing.T) {
	docs := oracleLines[oracleDoc](t, "adf.jsonl")
	verdicts := oracleLines[struct {
		ID     string `json:"id"`
		Schema struct {
			OK bool `json:"ok"`
		} `json:"schema"`
	}](t, "adf_validation.jsonl")
	agree, valid := 0, 0
	for i, doc := range docs {
		if verdicts[i].ID != doc.ID {
			t.Fatalf("line %d: %s beside %s", i+1, doc.ID, verdicts[i].ID)
		}
		err := validADF(doc.ADF)
		if (err == nil) == verdicts[i].Schema.OK {
			agree++
		} else {
			t.Errorf("%s: schema says %v, we say %v", doc.ID, verdicts[i].Schema.OK, err)
		}
		if err == nil {
			valid++
		} else if refusal := (*adfError)(nil); !errors.As(err, &refusal) || refusal.Message == "" {
			t.Errorf("%s: refusal without Jira's message: %v", doc.ID, err)
		}
	}
	t.Logf("%d of %d verdicts agree, %d valid", agree, len(docs), valid)
}
