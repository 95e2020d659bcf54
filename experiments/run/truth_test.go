package run

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/experiments/scenario"
)

// What the results say of the ground truth, by hand, of three hosts on a switch. The link of
// h1 is down from 300 ms to 500 ms, and the process of h2 from 700 ms to 800 ms. From the
// beginning on h0 sends to h1 as much as its link takes, so that by the window of 100 ms its
// port, and that of the switch to h1, are congested at 100 ms; the latter has been idle while
// the link was down, and is so again at 600 ms.
func TestTruthInResults(t *testing.T) {
	const text = `name: truth
duration: 1s
network: {framing: ethernet, topology: {star: {hosts: 3}}, edge: {rate: 100Mbps}}
traffic: [{use: bulk, from: h0, to: h1, packet: 1000B}]
faults:
  - {use: link-down, link: h1--s0, at: 300ms, for: 200ms}
  - {use: process-crash, process: h2, at: 700ms, for: 100ms}
truth: {definitions: [utilisation, loss], congestion: {window: 100ms}}
`
	for _, c := range []struct {
		set  []string
		want []string
	}{
		{nil, []string{
			"6 pairs",
			"process-crash 2 open 0: 0.2 = 0 + 0 + 0", // of h2, to h0 and h1
			// (h0,h1): 0.1-0.3, 0.5-1; (h0,h2): 0.1-1; (h2,h1): 0.1-0.3, 0.6-0.7, 0.8-1, and not
			// while h2 is down; (h1,h0) as (h0,h1); (h2,h0): 0.1-0.7, 0.8-1; (h1,h2): 0.1-0.3, 0.6-1.
			"congestion utilisation 12 open 6: 4.2 = 2.1 + 2.1 + 0",
			"partition 4 open 0: 0.8 = 0 + 0 + 0.8", // h1 and each other, both ways round
			"utilisation but not loss: 4.2, the reverse: 0, 0.35 of the time",
		}},
		{[]string{"replications=2", "warmup=200ms", "monitor.watch={successors: 1}"}, []string{
			// (h0,h1): 0.2-0.3, 0.5-1; (h1,h2): 0.2-0.3, 0.6-1; (h2,h0): 0.2-0.7, 0.8-1; all twice.
			"3 pairs",
			"process-crash 2 open 0: 0.2 = 0 + 0 + 0",
			"congestion utilisation 12 open 6: 3.6 = 1.2 + 2.4 + 0",
			"partition 4 open 0: 0.8 = 0 + 0 + 0.8",
			"utilisation but not loss: 3.6, the reverse: 0, 0.375 of the time",
		}},
		{[]string{"truth.definitions=[]", "truth.pairs=all"}, []string{
			"6 pairs",
			"process-crash 2 open 0: 0.2 = 0 + 0 + 0",
			"partition 4 open 0: 0.8 = 0 + 0 + 0.8",
		}},
	} {
		s, err := scenario.Parse("truth.yaml", []byte(text), c.set)
		if err != nil {
			t.Fatal(err)
		}
		res, err := Run(t.Context(), s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := []string{fmt.Sprint(res.Truth.Pairs, " pairs")}
		round := func(x float64) float64 { return math.Round(x*1000) / 1000 }
		for _, k := range res.Truth.Kinds {
			name := k.Kind
			if k.Priority != nil {
				name += " " + k.Definition
				if *k.Priority != 7 {
					t.Errorf("%s of class %d", name, *k.Priority)
				}
			}
			got = append(got, fmt.Sprintf("%s %d open %d: %v = %v + %v + %v", name, k.Intervals, k.Open,
				round(k.PairSeconds), round(k.Forward), round(k.Backward), round(k.Both)))
		}
		for _, r := range res.Truth.Congestion {
			got = append(got, fmt.Sprintf("%s but not %s: %v, the reverse: %v, %v of the time", r.A, r.B, round(r.OnlyA), round(r.OnlyB), round(*r.Disagree)))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q:\n%s", c.set, diff)
		}
	}
}
