package main

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

// A slope is how fast something grows, per minute: the median slope of all pairs
// of points (Theil and Sen), which a third of wild points cannot move, and the
// interval that holds the true one with 95 % certainty (Sen 1968, by Kendall's tau).
type slope struct{ median, low, high float64 }

// in writes a slope in another unit.
func (s slope) in(unit float64) string {
	return fmt.Sprintf("%+.2f (%+.2f to %+.2f)", s.median/unit, s.low/unit, s.high/unit)
}

// trend is the slope of one figure of the samples, of medians over soakBucket: the
// single samples are not independent, so their interval would be too narrow.
func trend(seen []footprint, figure func(footprint) int) slope {
	var x, y []float64
	for len(seen) > 0 {
		n := slices.IndexFunc(seen, func(f footprint) bool { return f.age >= seen[0].age+soakBucket })
		if n < 0 {
			n = len(seen)
		}
		ages, figures := make([]int, n), make([]int, n)
		for i, f := range seen[:n] {
			ages[i], figures[i] = int(f.age), figure(f)
		}
		x, y = append(x, time.Duration(middle(ages)).Minutes()), append(y, float64(middle(figures)))
		seen = seen[n:]
	}
	return theilSen(x, y)
}

func theilSen(x, y []float64) slope {
	var all []float64
	for i := range x {
		for j := range i {
			if x[i] != x[j] {
				all = append(all, (y[i]-y[j])/(x[i]-x[j]))
			}
		}
	}
	if len(all) == 0 {
		return slope{low: math.Inf(-1), high: math.Inf(1)}
	}
	slices.Sort(all)
	n, m := float64(len(x)), len(all)
	reach := 1.96 * math.Sqrt(n*(n-1)*(2*n+5)/18)
	at := func(rank float64) float64 { return all[min(max(int(rank), 0), m-1)] }
	return slope{all[m/2], at(math.Floor((float64(m) - reach) / 2)), at(math.Ceil((float64(m) + reach) / 2))}
}

func middle(of []int) int {
	return slices.Sorted(slices.Values(of))[len(of)/2]
}

// The estimate finds a line under wild points, and says when there is none.
func TestSlopeOfNoisyPoints(t *testing.T) {
	var x, rising, flat []float64
	for i := range 40 {
		x = append(x, float64(i)/4)
		noise := float64(i*7919%13) - 6
		if i%9 == 0 {
			noise += 1000
		}
		rising, flat = append(rising, 50+3*x[i]+noise/10), append(flat, 50+noise)
	}
	if s := theilSen(x, rising); s.low > 3 || s.high < 3 || s.low <= 0 || math.Abs(s.median-3) > 0.3 {
		t.Errorf("rising by 3: %+v", s)
	}
	if s := theilSen(x, flat); s.low > 0 || s.high < 0 {
		t.Errorf("flat: %+v", s)
	}
	if s := theilSen(x[:1], flat[:1]); !math.IsInf(s.low, -1) {
		t.Errorf("a single point has a slope: %+v", s)
	}
}
