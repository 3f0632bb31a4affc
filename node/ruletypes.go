package node

import (
	"fmt"
	"slices"

	"parley/jsm"
	"parley/node/rules"
)

// Coercions lists how values of one type of field get into fields of another; from and to empty mean all.
func Coercions(from, to string) ([]rules.Coercion, error) {
	all := rules.Coercions()
	for _, name := range []string{from, to} {
		known := slices.ContainsFunc(all, func(c rules.Coercion) bool { return c.From == jsm.FieldType(name) })
		if name != "" && !known {
			return nil, &Advice{Err: fmt.Errorf("there is no type of field %q", name), Hint: "parley rules types lists them"}
		}
	}
	return slices.DeleteFunc(all, func(c rules.Coercion) bool {
		return from != "" && c.From != jsm.FieldType(from) || to != "" && c.To != jsm.FieldType(to)
	}), nil
}

// CoercionMatrix is the same in one table.
func CoercionMatrix() rules.Matrix { return rules.CoercionMatrix() }
