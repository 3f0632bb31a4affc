package rules

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types/ref"

	"parley/conf"
)

// Bounds of one expression. The figures leave a sensible rule two orders of magnitude of room.
const (
	maxSource   = 4 << 10         // characters of an expression
	maxNodes    = 2_000           // of its syntax tree
	maxNesting  = 60              // levels of its syntax tree
	costLimit   = 300_000         // CEL cost units: about 12 ms of loops, half a second of the worst regular expressions
	memoryLimit = 1 << 20         // elements alive at once, as CEL counts them: 10 bytes of text are one
	maxInput    = 256 << 10       // bytes of one text that an expression reads; Jira's own limit is 32,767 characters
	evalTime    = 2 * time.Second // a last resort behind the cost limit
)

// An expr is a compiled expression.
type expr struct {
	src   conf.Text
	prog  cel.Program
	out   *cel.Type
	reads []read
}

// A read is one thing that an expression reads: variable and member.
type read struct{ variable, member string }

// compileExpr checks an expression against the environment. allowed names the variables that have a
// value where the expression stands. nil is returned where there are problems.
func (e *env) compileExpr(src conf.Text, allowed []string, ps *conf.Problems) *expr {
	if n := len([]rune(src.Value)); n > maxSource {
		ps.Add(src.Pos, "", "the expression has %d characters, at most %d are taken", n, maxSource)
		return nil
	}
	parsed, issues := e.cel.Parse(respell(src.Value))
	if issues.Err() != nil {
		e.report(src, issues, ps)
		return nil
	}
	indexToMember(parsed)
	checked, issues := e.cel.Check(parsed)
	if personsInLists(parsed, issues) {
		checked, issues = e.cel.Check(parsed)
	}
	if issues.Err() != nil {
		e.report(src, issues, ps)
		return nil
	}
	x := &expr{src: src, out: checked.OutputType()}
	if !x.collect(checked, allowed, ps) {
		return nil
	}
	var err error
	x.prog, err = e.cel.Program(checked, cel.CostLimit(costLimit), cel.MemoryLimit(memoryLimit), cel.InterruptCheckFrequency(1),
		cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		ps.Add(src.Pos, "", "the expression cannot be planned: %s", firstLine(err.Error()))
		return nil
	}
	return x
}

// respell writes the word const as CEL can take it, outside of string literals.
func respell(src string) string {
	if !strings.Contains(src, "const") {
		return src
	}
	return wordOrText.ReplaceAllStringFunc(src, func(token string) string {
		if token == "const" {
			return constant
		}
		return token
	})
}

// wordOrText matches what respell must see as one: string literals of every kind, comments, and words.
var wordOrText = regexp.MustCompile(`(?s)[rR]"""(.*?)"""|[rR]'''(.*?)'''|"""(?:[^\\]|\\.)*?"""|'''(?:[^\\]|\\.)*?'''|` +
	`[rR]"[^"\n]*"|[rR]'[^'\n]*'|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|//[^\n]*|(?:\.\s*)?[A-Za-z_][A-Za-z0-9_]*`)

// indexToMember turns ticket["Impact"] into the member access that the checker can type.
func indexToMember(a *cel.Ast) {
	fac := ast.NewExprFactory()
	ast.PostOrderVisit(a.NativeRep().Expr(), ast.NewExprVisitor(func(x ast.Expr) {
		if x.Kind() != ast.CallKind || x.AsCall().FunctionName() != operators.Index {
			return
		}
		args := x.AsCall().Args()
		name, ok := literalText(args[1])
		if ok && args[0].Kind() == ast.IdentKind && slices.Contains(variables, args[0].AsIdent()) {
			x.SetKindCase(fac.NewSelect(x.ID(), fac.CopyExpr(args[0]), memberName(args[0].AsIdent(), name)))
		}
	}))
}

// personsInLists turns each "person in texts" that the checker refused into the call that takes it, and
// reports whether there was one.
func personsInLists(a *cel.Ast, issues *cel.Issues) (changed bool) {
	const refused = "'@in' applied to '(person, list(string))'"
	at := map[int64]bool{}
	for _, issue := range issues.Errors() {
		if strings.Contains(issue.Message, refused) {
			at[issue.ExprID] = true
		}
	}
	fac := ast.NewExprFactory()
	ast.PostOrderVisit(a.NativeRep().Expr(), ast.NewExprVisitor(func(x ast.Expr) {
		if at[x.ID()] && x.Kind() == ast.CallKind {
			x.SetKindCase(fac.NewCall(x.ID(), personInList, x.AsCall().Args()...))
			changed = true
		}
	}))
	return changed
}

// memberName is the member that a text index means: ticket["Impact"] is a custom field, view["severity"]
// an item that the sender computed.
func memberName(variable, name string) string {
	_, isSystem := system[name]
	_, isTyped := typed[name]
	_, custom := conf.CustomField(name)
	switch {
	case isSystem, isTyped, custom, strings.HasPrefix(name, "view:"):
		return name
	case variable == "ticket":
		return "field:" + name
	case variable == "view":
		return "view:" + name
	}
	return name
}

func literalText(x ast.Expr) (string, bool) {
	if x.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := x.AsLiteral().Value().(string)
	return s, ok
}

// collect lists what the checked expression reads. A variable that stands alone would make the list
// inexact, so only a person may.
func (x *expr) collect(a *cel.Ast, allowed []string, ps *conf.Problems) bool {
	seen := map[read]bool{}
	whole := map[int64]bool{} // identifiers that are the operand of a member access
	ok := true
	fail := func(id int64, hint, format string, args ...any) {
		loc := a.NativeRep().SourceInfo().GetStartLocation(id)
		ps.Add(x.src.At(loc.Line(), loc.Column()+1), hint, format, args...)
		ok = false
	}
	pre := func(e ast.Expr) {
		switch e.Kind() {
		case ast.SelectKind:
			if o := e.AsSelect().Operand(); o.Kind() == ast.IdentKind && slices.Contains(variables, o.AsIdent()) {
				whole[o.ID()] = true
				seen[read{o.AsIdent(), e.AsSelect().FieldName()}] = true
			}
		case ast.ComprehensionKind:
			if v := e.AsComprehension().IterVar(); slices.Contains(variables, v) {
				fail(e.ID(), "choose another name", "%q is a variable of its own and cannot be a loop's", spelled(v))
			}
		}
	}
	ast.PreOrderVisit(a.NativeRep().Expr(), ast.NewExprVisitor(pre))
	ast.PreOrderVisit(a.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.IdentKind || !slices.Contains(variables, e.AsIdent()) {
			return
		}
		name := e.AsIdent()
		switch {
		case !slices.Contains(allowed, name):
			fail(e.ID(), "here an expression may read: "+strings.ReplaceAll(strings.Join(allowed, ", "), constant, "const"), "%q has no value here", spelled(name))
		case whole[e.ID()]:
		case name == "person":
			seen[read{name, "name"}], seen[read{name, "email"}] = true, true
		default:
			fail(e.ID(), fmt.Sprintf("for example %s.%s", spelled(name), sampleMember[name]), "%q stands alone: name what to read of it", spelled(name))
		}
	}))
	x.reads = slices.SortedFunc(maps.Keys(seen), func(a, b read) int {
		return strings.Compare(a.variable+"."+a.member, b.variable+"."+b.member)
	})
	return ok
}

var (
	sampleMember = map[string]string{"ticket": "priority", "view": "priority", "comment": "text", "attachment": "name", "worklog": "text", "link": "kind", "approval": "decision", "sla": "name", "peer": "name", constant: "contract"}
	noField      = regexp.MustCompile(`undefined field '(.*)'`)
	noReference  = regexp.MustCompile(`undeclared reference to '(.*?)'`)
	noOverload   = regexp.MustCompile(`found no matching overload for '(.*?)'`)
	bareLiteral  = regexp.MustCompile(`^[\pL\pN][\pL\pN _./:-]*$`)
)

// report turns the compiler's issues into problems at their places in the file.
func (e *env) report(src conf.Text, issues *cel.Issues, ps *conf.Problems) {
	for i, issue := range issues.Errors() {
		if i == 5 {
			return // what follows a syntax error is rarely news
		}
		msg, hint := strings.ReplaceAll(firstLine(issue.Message), constant, "const"), ""
		if m := noField.FindStringSubmatch(msg); m != nil {
			msg, hint = e.noMember(m[1])
		} else if m := noReference.FindStringSubmatch(msg); m != nil {
			msg = fmt.Sprintf("%q is not known in expressions", m[1])
			if hint = conf.DidYouMean(m[1], variables); hint == "" && bareLiteral.MatchString(src.Value) {
				hint = fmt.Sprintf("a literal? use set = %q", src.Value)
			}
		} else if m := noOverload.FindStringSubmatch(msg); m != nil && strings.Contains(msg, "double, int") {
			hint = "write the number with a fraction: 3.0"
		} else if bareLiteral.MatchString(src.Value) {
			hint = fmt.Sprintf("a literal? use set = %q", src.Value)
		}
		ps.Add(src.At(issue.Location.Line(), issue.Location.Column()+1), hint, "%s", msg)
	}
}

// noMember says what is wrong with a member that nothing has.
func (e *env) noMember(name string) (msg, hint string) {
	custom, isCustom := strings.CutPrefix(name, "field:")
	if e.schema == nil || !isCustom {
		if hint = conf.DidYouMean(name, e.members()); hint == "" && e.schema != nil {
			if f, err := e.schema.Field(name); err == nil {
				hint = fmt.Sprintf("a custom field is read as ticket[%q]", f.Name)
			}
		}
		return fmt.Sprintf("there is no field %q to read", name), hint
	}
	one := &conf.Problems{}
	if _, err := bind(name, e.schema); err != nil {
		addError(one, conf.Pos{}, err)
		return one.List[0].Message, one.List[0].Hint
	}
	return fmt.Sprintf("the field %q cannot be read", custom), ""
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	if len(line) > 300 {
		line = line[:300] + "…"
	}
	return line
}

// A dataError says, without content, why what an expression reads cannot be had.
type dataError struct{ reason string }

func (e *dataError) Error() string { return e.reason }

// missing is data that an expression reads and the ticket does not have.
func missing(what string) error { return &dataError{what + " is missing"} }

// eval evaluates the expression. Its errors name no content.
func (x *expr) eval(s *scope) (ref.Val, error) {
	ctx, cancel := context.WithTimeout(context.Background(), evalTime)
	defer cancel()
	v, _, err := x.prog.ContextEval(ctx, s)
	if err == nil {
		return v, nil
	}
	var data *dataError
	if errors.As(err, &data) {
		return nil, data
	}
	for said, mean := range map[string]string{
		"cost limit": "it costs more than an expression may", "memory limit": "it needs more memory than an expression may",
		"interrupted": "it takes longer than an expression may", "no such key": "a key that it asks for is not there",
		"no such overload": "a value has not the type that it expects", "index out of bounds": "a list has fewer elements than it expects",
		"divi": "it divides by zero", "no '@'": "an address has no domain",
	} {
		if strings.Contains(err.Error(), said) {
			return nil, errors.New(mean)
		}
	}
	return nil, errors.New("it cannot be evaluated on this data")
}

// test evaluates a condition.
func (x *expr) test(s *scope) (bool, error) {
	v, err := x.eval(s)
	if err != nil {
		return false, err
	}
	b, ok := v.Value().(bool)
	if !ok {
		return false, errors.New("it does not give true or false")
	}
	return b, nil
}
