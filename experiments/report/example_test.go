package report_test

import (
	"fmt"

	"suspect/experiments/report"
	"suspect/model"
)

// Names from a scenario are made harmless before they are shown or become files.
func Example() {
	name := "../run\x1b[2J #1"
	fmt.Println(report.Printable(name))
	fmt.Println(report.FileName(name))
	fmt.Println(report.Duration(1234567*model.Nanosecond), report.Count(1234567))
	// Output:
	// ../run?[2J #1
	// run--2J--1
	// 1.235ms 1,234,567
}
