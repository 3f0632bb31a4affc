package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"parley/conf"
	"parley/jsm"
)

// variables are what expressions can read; where each has a value, compileExpr is told.
var variables = []string{"ticket", "view", "comment", "worklog", "link", "attachment", "approval", "sla", "person", "peer", constant}

// constant is the variable const inside CEL, which reserves that word: expressions are respelled before
// they are parsed. Both words have five characters, so that columns stay right.
const constant = "konst"

// spelled is a variable as operators write it.
func spelled(variable string) string {
	if variable == constant {
		return "const"
	}
	return variable
}

// An env is the typed world of one connection's expressions.
type env struct {
	cel    *cel.Env
	shapes map[string]*shape
	schema *jsm.Schema // nil: offline
}

// A shape is the type of a variable: its members and their types.
type shape struct {
	typ     *cel.Type
	members map[string]*cel.Type
	other   func(member string) *cel.Type // for members that are not listed; nil: there are none
}

func newShape(name string, members map[string]*cel.Type) *shape {
	return &shape{typ: celObject(name), members: members}
}

func (s *shape) member(name string) *cel.Type {
	if t := s.members[name]; t != nil {
		return t
	}
	if s.other != nil {
		return s.other(name)
	}
	return nil
}

var personType, effortType = celObject("person"), celObject("effort")

// newEnv makes the environment: ticket as the tenant's schema has it, const as the file has it.
func newEnv(s *jsm.Schema, consts []conf.Const) (*env, error) {
	str, text := cel.StringType, map[string]*cel.Type{}
	for _, m := range []string{"name", "email", "alias", "company", "id", "kind"} {
		text[m] = str
	}
	konst := map[string]*cel.Type{}
	for _, c := range consts {
		konst[c.Name] = literalType(c.Value.Value)
	}
	e := &env{schema: s, shapes: map[string]*shape{
		"ticket": ticketShape(s), "view": viewShape(),
		"person": newShape("person", text), "attachment": attachmentShape(),
		"comment": newShape("comment", map[string]*cel.Type{"text": str, "public": cel.BoolType, "author": personType,
			"created": cel.TimestampType, "edited": cel.TimestampType}),
		"worklog": newShape("worklog", map[string]*cel.Type{"text": str, "author": personType, "seconds": cel.DoubleType,
			"started": cel.TimestampType, "created": cel.TimestampType}),
		"link":   newShape("link", map[string]*cel.Type{"kind": str, "type": str, "url": str, "title": str}),
		"effort": newShape("effort", map[string]*cel.Type{"original": cel.DoubleType, "remaining": cel.DoubleType}),
		"peer":   newShape("peer", map[string]*cel.Type{"name": str, "domains": cel.ListType(str)}),
		constant: newShape(constant, konst),
	}}
	serviceShapes(e.shapes)
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, fmt.Errorf("making the registry of types: %w", err)
	}
	macros := slices.DeleteFunc(slices.Clone(cel.StandardMacros), func(m cel.Macro) bool { return m.Function() == operators.Has })
	opts := []cel.EnvOption{
		cel.CustomTypeAdapter(registry), cel.CustomTypeProvider(&provider{Registry: registry, shapes: e.shapes}),
		cel.ClearMacros(), cel.Macros(append(macros, cel.GlobalMacro(operators.Has, 1, expandHas))...),
		cel.CrossTypeNumericComparisons(true),
		cel.ParserRecursionLimit(maxNesting), cel.ParserExpressionSizeLimit(maxSource), cel.ExpressionNodeLimit(maxNodes),
		cel.ExpressionNestingDepthLimit(maxNesting), cel.RegexProgramSizeLimit(2_000),
		cel.Function("domain", cel.MemberOverload("string_domain", []*cel.Type{str}, str, cel.UnaryBinding(domain))),
		cel.Function("lower", cel.MemberOverload("string_lower", []*cel.Type{str}, str, cel.UnaryBinding(lower))),
		cel.Function(personInList, cel.Overload("person_in_list", []*cel.Type{personType, cel.ListType(str)}, cel.BoolType, cel.BinaryBinding(personIn))),
	}
	for _, v := range variables {
		opts = append(opts, cel.Variable(v, e.shapes[v].typ))
	}
	if e.cel, err = cel.NewEnv(opts...); err != nil {
		return nil, fmt.Errorf("making the expression environment: %w", err)
	}
	return e, nil
}

func literalType(v any) *cel.Type {
	switch v.(type) {
	case bool:
		return cel.BoolType
	case int64:
		return cel.IntType
	case float64:
		return cel.DoubleType
	case []string:
		return cel.ListType(cel.StringType)
	}
	return cel.StringType
}

// members lists every member's name, for suggestions.
func (e *env) members() []string {
	var all []string
	for _, s := range e.shapes {
		for m := range s.members {
			all = append(all, m)
		}
	}
	slices.Sort(all)
	return all
}

// A provider tells CEL of our shapes.
type provider struct {
	*types.Registry
	shapes map[string]*shape
}

func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if s := p.shapes[name]; s != nil {
		return types.NewTypeTypeWithParam(s.typ), true
	}
	return p.Registry.FindStructType(name)
}

func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	if p.shapes[name] != nil {
		return nil, true
	}
	return p.Registry.FindStructFieldNames(name)
}

func (p *provider) FindStructFieldType(name, member string) (*types.FieldType, bool) {
	s := p.shapes[name]
	if s == nil {
		return p.Registry.FindStructFieldType(name, member)
	}
	t := s.member(member)
	if t == nil {
		return nil, false
	}
	return &types.FieldType{
		Type:    t,
		GetFrom: func(r any) (any, error) { return r.(*record).get(member) },
		IsSet: func(r any) bool {
			_, err := r.(*record).get(member)
			return err == nil
		},
	}, true
}

// NewValue refuses person{…}: nobody is made up.
func (p *provider) NewValue(name string, fields map[string]ref.Val) ref.Val {
	if p.shapes[name] != nil {
		return types.NewErr("%s cannot be made", name)
	}
	return p.Registry.NewValue(name, fields)
}

// expandHas is CEL's has(), which also takes ticket["Impact"].
func expandHas(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
	switch x := args[0]; x.Kind() {
	case ast.SelectKind:
		return f.NewPresenceTest(x.AsSelect().Operand(), x.AsSelect().FieldName()), nil
	case ast.CallKind:
		if call := x.AsCall(); call.FunctionName() == operators.Index {
			if name, ok := literalText(call.Args()[1]); ok {
				if of := call.Args()[0]; of.Kind() == ast.IdentKind {
					name = memberName(of.AsIdent(), name)
				}
				return f.NewPresenceTest(call.Args()[0], name), nil
			}
		}
	}
	return nil, f.NewError(args[0].ID(), `has() takes a member, as has(ticket.priority) or has(ticket["Impact"])`)
}

// domain is the part behind the last @, in lower case.
func domain(v ref.Val) ref.Val {
	s := string(v.(types.String))
	i := strings.LastIndexByte(s, '@')
	if i < 0 || i == len(s)-1 {
		return types.NewErr("no '@' in an address")
	}
	return types.String(strings.ToLower(s[i+1:]))
}

func lower(v ref.Val) ref.Val { return types.String(strings.ToLower(string(v.(types.String)))) }

// personInList stands for "in" where a person is looked for among texts: CEL's own overload is generic,
// so another one beside it is refused. The name cannot be written in an expression.
const personInList = "@person_in"

// personIn reports whether a list names the person, by e-mail (in any case) or by exact name.
func personIn(p, list ref.Val) ref.Val {
	who, ok := p.(*record)
	group, isList := list.(traits.Lister)
	if !ok || !isList {
		return types.MaybeNoSuchOverloadErr(p)
	}
	email, emailErr := who.get("email")
	name, nameErr := who.get("name")
	if emailErr != nil && nameErr != nil {
		return types.WrapErr(errors.Join(emailErr, nameErr))
	}
	for it := group.Iterator(); it.HasNext() == types.True; {
		one, _ := it.Next().Value().(string)
		if e, isText := email.(string); emailErr == nil && isText && strings.EqualFold(e, one) {
			return types.True
		}
		if n, isText := name.(string); nameErr == nil && isText && n == one {
			return types.True
		}
	}
	if emailErr != nil && group.Size() != types.IntZero {
		return types.WrapErr(emailErr) // "not in the group" cannot be told of somebody whose address is hidden
	}
	return types.False
}
