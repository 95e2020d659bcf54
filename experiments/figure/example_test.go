package figure_test

import (
	"fmt"
	"strings"

	"suspect/experiments/figure"
)

// A bound grows with the number of hosts; what was measured stays below it.
func Example() {
	bound := figure.Series{Name: "n*P/R at 10 Gb/s, P = 256 B"}
	for n := 2; n <= 64; n++ {
		bound.Points = append(bound.Points, figure.Point{X: float64(n), Y: float64(n) * 256 * 8 / 10e9})
	}
	measured := figure.Series{Name: "slowest packet", Kind: figure.Marks, Points: []figure.Point{{X: 12, Y: 2.31e-6}}}
	f := figure.Figure{
		Title: "Delay on one switch",
		Panels: []figure.Panel{{
			Caption: "time from the limiter to the receiver",
			X:       figure.Axis{Label: "hosts", Log: true},
			Y:       figure.Axis{Unit: figure.Seconds, Log: true},
			Series:  []figure.Series{bound, measured},
			Lines:   []figure.Line{{At: 10e-6, Label: "wanted: 10 µs"}},
		}},
	}
	svg := string(f.SVG())
	fmt.Println(strings.Contains(svg, "<title>Delay on one switch</title>"), strings.Contains(svg, ">5 µs</text>"))
	// Output: true true
}
