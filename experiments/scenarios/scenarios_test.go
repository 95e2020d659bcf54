package scenarios_test

import (
	"fmt"

	"suspect/experiments/scenarios"
)

func Example() {
	fmt.Println(scenarios.Names())
	text, ok := scenarios.Text("star")
	fmt.Println(len(text) > 0, ok)
	// Output:
	// [fat-tree first graph kinds lossy month perfect-detector qjump recorded star]
	// true true
}
