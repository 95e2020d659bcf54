package referee

import (
	"math"

	"gonum.org/v1/gonum/stat"
)

// Smirnov compares two samples, sorted in increasing order. It returns the largest
// distance d between their empirical distribution functions, and the probability p of
// one at least as large if both were drawn from one continuous distribution.
//
// All orders in which the values of both may then come are equally likely. An order is a
// path on a grid, from no values to all, and d is as large where the path leaves a band
// around the diagonal: p is the share of paths that do (J. L. Hodges, "The significance
// probability of the Smirnov two-sample test", Arkiv för Matematik 3, 1958). It takes
// len(x)*len(y) steps. Equal values make p too large, never too small.
func Smirnov(x, y []float64) (d, p float64) {
	d = stat.KolmogorovSmirnov(x, nil, y, nil)
	n, m := len(x), len(y)
	bound := int(math.Round(d * float64(n) * float64(m)))
	if bound == 0 {
		return d, 1
	}
	// left[j] is the share of the paths to (i, j) that have left the band.
	left := make([]float64, m+1)
	for i := range n + 1 {
		for j := range m + 1 {
			off := i*m - j*n
			switch {
			case max(off, -off) >= bound:
				left[j] = 1
			case i == 0 && j == 0:
				left[j] = 0
			case j == 0: // from below only, and so on
			case i == 0:
				left[j] = left[j-1]
			default:
				left[j] = (float64(i)*left[j] + float64(j)*left[j-1]) / float64(i+j)
			}
		}
	}
	return d, left[m]
}
