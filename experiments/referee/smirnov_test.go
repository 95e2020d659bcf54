package referee_test

import (
	"fmt"
	"math"
	"math/bits"
	"testing"

	"suspect/experiments/referee"
)

// Of the 20 orders of three and three values, two keep them apart altogether.
func ExampleSmirnov() {
	d, p := referee.Smirnov([]float64{1, 2, 3}, []float64{4, 5, 6})
	fmt.Printf("d = %.1f, p = %.3f\n", d, p)
	// Output:
	// d = 1.0, p = 0.100
}

// The probability agrees with a count of all orders of the values of both samples.
func TestSmirnovAgreesWithEnumeration(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {1, 4}, {3, 3}, {5, 2}, {5, 6}, {7, 7}} {
		n, m := size[0], size[1]
		var distances []float64
		var samples [][2][]float64
		for order := range uint64(1) << (n + m) {
			if bits.OnesCount64(order) != n {
				continue
			}
			var x, y []float64
			distance := 0.0
			for place := range n + m {
				if order>>place&1 != 0 {
					x = append(x, float64(place))
				} else {
					y = append(y, float64(place))
				}
				distance = max(distance, math.Abs(float64(len(x))/float64(n)-float64(len(y))/float64(m)))
			}
			distances = append(distances, distance)
			samples = append(samples, [2][]float64{x, y})
		}
		for i, s := range samples {
			asLarge := 0
			for _, d := range distances {
				if d > distances[i]-1e-9 {
					asLarge++
				}
			}
			want := float64(asLarge) / float64(len(distances))
			d, p := referee.Smirnov(s[0], s[1])
			if math.Abs(d-distances[i]) > 1e-12 || math.Abs(p-want) > 1e-12 {
				t.Fatalf("Smirnov(%v, %v) = %v, %v, want %v, %v", s[0], s[1], d, p, distances[i], want)
			}
		}
	}
}
