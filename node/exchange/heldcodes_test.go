package exchange_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"parley/jsm"
	"parley/node/exchange"
	"parley/node/ledger"
)

// The catalogue is the documentation, so it must know every code that the
// sources can produce: what is given as a Code, or to a parameter named code.
func TestEveryCodeIsExplained(t *testing.T) {
	found := codesIn(t, "../rules", "../ledger", ".")
	for _, least := range []string{"unmapped", "refused", "form", "no-path", "gone", "approve-first", "malformed", "oversize", "peer-down"} {
		if found[least] == "" {
			t.Errorf("the search does not find the code %q any more: it has gone blind", least)
		}
	}
	for code, at := range found {
		if _, ok := exchange.Explain(code); !ok {
			t.Errorf("%s: the code %q is not in the catalogue (heldcatalogue.go)", at, code)
		}
	}
	for _, a := range jsm.Troubles() {
		if e, ok := exchange.Explain(exchange.TroubleCode(a.Trouble)); !ok || e.Means != a.Sentence {
			t.Errorf("the trouble %q is not in the catalogue", a.Trouble)
		}
	}
}

// An entry that says nothing is no entry.
func TestCatalogueIsComplete(t *testing.T) {
	seen, classes := map[string]bool{}, map[ledger.Class]int{}
	for _, e := range exchange.Catalogue() {
		if seen[e.Code] {
			t.Errorf("%q is explained twice", e.Code)
		}
		seen[e.Code] = true
		classes[e.Class]++
		for what, text := range map[string]string{"name": e.Name, "means": e.Means, "cause": e.Cause, "next": e.Next} {
			if len(text) < 8 || strings.TrimSpace(text) != text || strings.ContainsAny(text, "\n\t") {
				t.Errorf("%q: its %s is %q", e.Code, what, text)
			}
		}
		if strings.HasSuffix(e.Name, ".") || !strings.HasSuffix(e.Means, ".") || !strings.HasSuffix(e.Cause, ".") || !strings.HasSuffix(e.Next, ".") {
			t.Errorf("%q: a name is no sentence, the rest are", e.Code)
		}
	}
	for _, class := range []ledger.Class{ledger.Definite, ledger.Transient, ledger.Tenant, ledger.Peer, ledger.Policy} {
		if classes[class] == 0 {
			t.Errorf("no code is of the class %q", class)
		}
	}
	if len(classes) != 5 {
		t.Errorf("classes nobody knows: %v", classes)
	}
}

// codesIn finds the codes that the packages' sources produce, each with a place.
func codesIn(t *testing.T, dirs ...string) map[string]string {
	s := &search{t: t, fset: token.NewFileSet(), consts: map[string]string{}, param: map[string]int{}, found: map[string]string{}}
	for _, dir := range dirs {
		s.parse(dir)
	}
	for _, f := range s.files {
		ast.Inspect(f, s.declared)
	}
	for _, f := range s.files {
		ast.Inspect(f, s.used)
	}
	return s.found
}

type search struct {
	t      *testing.T
	fset   *token.FileSet
	files  []*ast.File
	consts map[string]string // name of a string constant → its value
	param  map[string]int    // call of a function with a parameter "code" → its place
	found  map[string]string // code → place
}

func (s *search) parse(dir string) {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && path != dir {
			return cmp.Or(err, fs.SkipDir)
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(s.fset, path, nil, parser.ParseComments)
		s.files = append(s.files, f)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// declared collects constants, and the functions that take a code. A block of
// constants whose comment begins with "Codes of" is taken whole.
func (s *search) declared(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GenDecl:
		for _, spec := range n.Specs {
			v, ok := spec.(*ast.ValueSpec)
			if !ok || n.Tok != token.CONST || len(v.Values) != len(v.Names) {
				continue
			}
			for i, name := range v.Names {
				text, isText := literal(v.Values[i])
				if !isText {
					continue
				}
				s.consts[name.Name] = text
				if strings.HasPrefix(n.Doc.Text(), "Codes of") {
					s.found[text] = s.place(name)
				}
			}
		}
	case *ast.FuncDecl:
		s.takes(s.calls(n.Name, n.Recv != nil), n.Type)
	case *ast.AssignStmt:
		if f, ok := n.Rhs[0].(*ast.FuncLit); ok && len(n.Rhs) == 1 {
			if name, ok := n.Lhs[0].(*ast.Ident); ok {
				s.takes(s.calls(name, false), f.Type)
			}
		}
	}
	return true
}

// calls names what a call of a function looks like within its package: a method
// and a function of one name are told apart.
func (s *search) calls(name *ast.Ident, method bool) string {
	return fmt.Sprint(filepath.Dir(s.fset.Position(name.Pos()).Filename), method, name.Name)
}

func (s *search) takes(name string, f *ast.FuncType) {
	at := 0
	for _, field := range f.Params.List {
		for _, p := range field.Names {
			if p.Name == "code" {
				s.param[name] = at
			}
			at++
		}
	}
}

// used collects what is given as a code.
func (s *search) used(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.KeyValueExpr:
		if k, ok := n.Key.(*ast.Ident); ok && k.Name == "Code" {
			s.note(n.Value)
		}
	case *ast.AssignStmt:
		for i, to := range n.Lhs {
			if sel, ok := to.(*ast.SelectorExpr); ok && sel.Sel.Name == "Code" && len(n.Lhs) == len(n.Rhs) {
				s.note(n.Rhs[i])
			}
		}
	case *ast.CallExpr:
		name := ""
		switch f := n.Fun.(type) {
		case *ast.Ident:
			name = s.calls(f, false)
		case *ast.SelectorExpr:
			name = s.calls(f.Sel, true)
		}
		if at, ok := s.param[name]; ok && at < len(n.Args) {
			s.note(n.Args[at])
		}
	}
	return true
}

// note takes down a literal or a constant. What is only passed on, as h.Code or
// the parameter itself, was noted where it came from.
func (s *search) note(e ast.Expr) {
	if text, ok := literal(e); ok {
		s.found[text] = s.place(e)
		return
	}
	name := ""
	switch e := e.(type) {
	case *ast.Ident:
		name = e.Name
	case *ast.SelectorExpr:
		name = e.Sel.Name
	case *ast.CallExpr:
		return // a function that says which code: its constants are in a block of codes
	}
	if text, ok := s.consts[name]; ok {
		s.found[text] = s.place(e)
	} else if !slices.Contains([]string{"Code", "code"}, name) {
		s.t.Errorf("%s: it cannot be told which code %q is; use a constant", s.place(e), name)
	}
}

func (s *search) place(n ast.Node) string { return s.fset.Position(n.Pos()).String() }

func literal(e ast.Expr) (string, bool) {
	b, ok := e.(*ast.BasicLit)
	if !ok || b.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(b.Value)
	return text, err == nil
}
