package explorable_test

import (
	"fmt"

	"suspect/experiments/explorable"
	"suspect/properties/explore"
)

// Consensus with S over a detector that suspects whom it likes: two processes decide
// differently, each of its own accord.
func Example() {
	o, err := explorable.Open("consensus-s", map[string]string{"detector": "arbitrary"}, explorable.Environment{Processes: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	search, err := explore.NewSearch(o.System, explore.Options{Workers: 1}, explorable.Agreement())
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := search.Run()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Findings[0].Reason)
	for _, line := range report.Findings[0].Counterexample.Swimlane(2, o.Message) {
		fmt.Println(line)
	}
	// Output:
	// violated after 2 steps, and after no fewer
	//  step  p0                 p1
	//     1  starts
	//        -> p1 vector [10]
	//        -> p1 vector [10]
	//        SUSPECTS p1
	//        proposes 10
	//        DECIDES 10
	//     2                     starts
	//                           -> p0 vector [- 11]
	//                           -> p0 vector [- 11]
	//                           SUSPECTS p0
	//                           proposes 11
	//                           DECIDES 11
}
