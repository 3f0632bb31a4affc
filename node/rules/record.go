package rules

import (
	"errors"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// A record is a variable's value: members are read when an expression asks for them, and only then.
type record struct {
	typ  *cel.Type
	load func(member string) (any, error) // string, bool, int64, float64, time.Time, []string, *record, []*record
}

var objectTypes = func() map[string]*cel.Type {
	m := map[string]*cel.Type{}
	for _, v := range append([]string{"effort"}, variables...) {
		m[v] = cel.ObjectType(v)
	}
	return m
}()

// celObject is the CEL type of a variable.
func celObject(name string) *cel.Type { return objectTypes[name] }

// get reads a member. Texts beyond maxInput are refused: cutting them could turn a condition around.
func (r *record) get(member string) (any, error) {
	v, err := r.load(member)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case string:
		if len(v) > maxInput {
			return nil, &dataError{member + " is too long to be read by an expression"}
		}
	case []string:
		n := 0
		for _, s := range v {
			n += len(s)
		}
		if n > maxInput {
			return nil, &dataError{member + " is too long to be read by an expression"}
		}
	case []*record:
		vals := make([]ref.Val, len(v))
		for i, one := range v {
			vals[i] = one
		}
		return types.NewRefValList(types.DefaultTypeAdapter, vals), nil
	}
	return v, nil
}

// ConvertToNative is not offered: an expression's result is never a record.
func (r *record) ConvertToNative(reflect.Type) (any, error) {
	return nil, errors.New("a record has no native form")
}

// ConvertToType gives the record's type, the only conversion there is.
func (r *record) ConvertToType(t ref.Type) ref.Val {
	if t == types.TypeType {
		return r.typ
	}
	return types.NewErr("no such overload")
}

// Equal compares identity: two readings of one person are one record.
func (r *record) Equal(other ref.Val) ref.Val { return types.Bool(r == other) }

// Type is the record's CEL type.
func (r *record) Type() ref.Type { return r.typ }

// Value is the record itself, which the provider reads members from.
func (r *record) Value() any { return r }

// AggregateSize is one element for CEL's count of memory: members are made when they are read.
func (r *record) AggregateSize(types.AggregateSizer) uint32 { return 1 }

// A scope binds the variables that have a value in one evaluation.
type scope struct{ ticket, view, comment, attachment, worklog, link, approval, sla, person, peer, konst *record }

// ResolveName gives a variable's record.
func (s *scope) ResolveName(name string) (any, bool) {
	var r *record
	switch name {
	case "ticket":
		r = s.ticket
	case "view":
		r = s.view
	case "comment":
		r = s.comment
	case "worklog":
		r = s.worklog
	case "link":
		r = s.link
	case "attachment":
		r = s.attachment
	case "approval":
		r = s.approval
	case "sla":
		r = s.sla
	case "person":
		r = s.person
	case "peer":
		r = s.peer
	case constant:
		r = s.konst
	}
	return r, r != nil
}

// Parent is nil: a scope stands alone.
func (s *scope) Parent() cel.Activation { return nil }
