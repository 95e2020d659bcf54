package seeded_test

import (
	"fmt"

	"suspect/detectors/seeded"
)

func Example() {
	limit := 3
	if seeded.Bug("the limit is one too low") {
		limit--
	}
	fmt.Println(limit)
	// Output: 3
}
