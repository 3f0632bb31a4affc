//go:build !race

package exchange_test

const (
	bigComments = 500
	bigFiles    = 100
	mishapStep  = 15
)
