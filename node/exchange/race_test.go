//go:build race

package exchange_test

// The race detector makes everything some ten times slower, and finds no more in a larger play.
const (
	bigComments = 200
	bigFiles    = 40
	mishapStep  = 30
)
