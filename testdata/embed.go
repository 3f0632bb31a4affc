// Package testdata holds the rule files and tenants that "parley demo" plays
// with, so that an installed binary has them. They are written to be read: each
// is a short, commented example of what an admin would write.
//
// Below demo there is one folder for each case. In it, NODE/ lies over a fresh
// home of that node, and NODE.seed.json is the node's tenant where none of the
// simulator's own will do. The other folders here serve the tests alone.
//
// Start at demo/case1.
package testdata

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

//go:embed demo
var demo embed.FS

// Home gives the files that lie over a node's home in a case.
func Home(number int, name string) (fs.FS, error) {
	return fs.Sub(demo, fmt.Sprintf("demo/case%d/%s", number, name))
}

// Seed gives a node's tenant in a case; nil where it is one of the simulator's own.
func Seed(number int, name string) ([]byte, error) {
	seed, err := demo.ReadFile(fmt.Sprintf("demo/case%d/%s.seed.json", number, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return seed, err
}
