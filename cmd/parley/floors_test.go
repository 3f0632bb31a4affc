package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors are the imports that each room may have among our own packages. An
// arrow points down or is not there; a new one is a decision, made here.
var floors = map[string][]string{
	"cmd/parley":    {"node", "conf", "transport", "jsm/sim", "testdata"},
	"node":          {"node/console", "node/hint", "node/exchange", "node/notify", "node/rules", "node/ledger", "conf", "jsm", "transport", "replica", "replica/adf"},
	"node/console":  {"node/ledger", "node/rules"},
	"node/hint":     {},
	"node/exchange": {"node/rules", "node/ledger", "jsm", "replica", "replica/adf", "transport"},
	"node/notify":   {"conf"},
	"node/rules":    {"conf", "jsm", "replica", "replica/adf"},
	"node/ledger":   {"replica"},
	"transport":     {},
	"conf":          {},
	"jsm":           {"jsm/jql", "jsm/wiki", "replica/adf"},
	"jsm/sim":       {"jsm/jql"},
	"jsm/jql":       {},
	"replica":       {"replica/adf"},
	"replica/adf":   {},
	"testdata":      {},
}

// testsToo are imports that test files alone may have besides.
var testsToo = []string{"jsm/sim", "conf", "node/ledger"}

const root = "../.."

func TestImportsPointDown(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || (strings.HasPrefix(d.Name(), ".") && path != root)) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		room, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		allowed, known := floors[filepath.ToSlash(room)]
		if !known {
			t.Errorf("%s is in a room that floors does not list", path)
			return nil
		}
		seen[filepath.ToSlash(room)] = true
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			to, ours := strings.CutPrefix(name, "parley/")
			if !ours || to == filepath.ToSlash(room) || slices.Contains(allowed, to) {
				continue
			}
			if strings.HasSuffix(path, "_test.go") && slices.Contains(testsToo, to) {
				continue
			}
			t.Errorf("%s imports %s: not among the floors of %s", path, name, room)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for room := range floors {
		if !seen[room] {
			t.Errorf("floors lists %s, which has no Go file", room)
		}
	}
}

// TestTopLevel holds the repository's first floor.
func TestTopLevel(t *testing.T) {
	want := []string{"README.md", "cmd", "conf", "go.mod", "go.sum", "jsm", "node", "replica", "testdata", "transport"}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			got = append(got, e.Name())
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the top level holds %v, want %v", got, want)
	}
}
