package oracle

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"suspect/model"
)

// someRows are compared on every test run: each mechanism once, with a second
// moment and tails, since means are blind to the order of service.
var someRows = []string{
	"MM1-1a", "MM1-1c", "MD1-2a", "MD1-2p99", "MG1-imix1", "DM1", "DD1-1", "DD1-2", "BATCH-1", "JT-3",
	"PRI2M-1", "PRI8-4", "PRISAT-2", "MM1K", "MD1K-2", "NDD1-1a", "NDD1-1b", "NFDS-1a", "NFDS-1b", "NFDS-1c", "NFDS-4",
}

func TestQueueing(t *testing.T) {
	results, err := Queueing(context.Background(), Options{Packets: 200_000, Replications: 30, Seed: 1, IDs: someRows})
	check(t, results, err)
}

func TestChen(t *testing.T) {
	var ids []string
	for _, row := range []string{"S01", "S06", "S08", "S12"} {
		for _, metric := range []string{"E_TMR", "E_TM", "1-P_A", "E_TG", "E_TD_uniform"} {
			ids = append(ids, row+"/"+metric)
		}
	}
	results, err := Chen(context.Background(), Options{Packets: 100_000, Replications: 30, Seed: 1, IDs: ids})
	check(t, results, err)
}

func check(t *testing.T, results []Result, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Failure != "" {
			t.Errorf("%s (%s, %s): simulated %v, exact %v: %s", r.ID, r.Model, r.Metric, r.Mean, r.Target, r.Failure)
		}
	}
	if sum, low, high := SumOfSquares(results, 1); sum < low || sum > high {
		t.Errorf("the sum of t² is %.1f, not between %.1f and %.1f", sum, low, high)
	}
}

// NFD-S never takes longer than eta + delta to detect a crash, and comes close.
func TestLargestDetectionTime(t *testing.T) {
	for _, d := range []nfds{{1, 0.5, 0.01, 0.02}, {0.1, 0.35, 0.05, 0.1}, {1, 2.5, 0.3, 1}, {1, 0.5, 0, 0}} {
		quality, err := d.run(1, 20_000, true)
		if err != nil {
			t.Fatal(err)
		}
		bound, most := milliseconds(d.eta+d.delta), quality.DetectionTime.Max()
		if most > bound || most < bound-bound/20 || quality.Undetected > 1 || quality.Missed != 0 {
			t.Errorf("%+v: largest detection time %v, bound %v; %d crashes undetected, %d missed",
				d, most, bound, quality.Undetected, quality.Missed)
		}
	}
}

// The results do not depend on the number of workers.
func TestWorkers(t *testing.T) {
	var tables []string
	for _, workers := range []int{1, 3} {
		results, err := Queueing(context.Background(), Options{
			Packets: 6000, Replications: 6, Seed: 2, IDs: []string{"MD1-1a", "NFDS-1b"}, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := Write(&b, results); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, b.String())
	}
	if tables[0] != tables[1] {
		t.Errorf("one worker:\n%s\nthree workers:\n%s", tables[0], tables[1])
	}
}

// The gate catches a wrong simulator: each row simulates something a little
// different from its theory.
func TestGateCanFail(t *testing.T) {
	top := prioritised(poisson(0.3, exponential(1)), poisson(0.5, exponential(1)))
	wrong := map[string]experiment{
		"MD1-2a":  {estimate: average(single(poisson(0.82, deterministic(1))), -1, wait), floor: floorMean},
		"MM1-1a":  {estimate: average(single(poisson(0.5, deterministic(1))), -1, wait), floor: floorMean},
		"PRI2M-1": {estimate: average(top, 6, wait), floor: floorMean},
		"MD1K-2":  {estimate: average(buffered(1.2, deterministic(1), 6), -1, lost), floor: floorMean},
		"DD1-2":   {estimate: lastWait(single(periodic(0.8, deterministic(1))), 1002)},
		"BATCH-1": {estimate: fanIn(101, 256)},
		"NFDS-1a": {estimate: nfds{1, 1.4, 0.1, 0.5}.measure(false, mistakeRate), floor: floorHigh},
		"NFDS-4":  {estimate: nfds{eta: 1, delta: 0.51}.measure(true, meanDetection), floor: floorMean},
		// Right, but too short to tell.
		"MD1-3p999": {estimate: average(single(poisson(0.9, deterministic(1))), -1, waitTail), floor: floorTail / 100},
	}
	rows, err := readRows(queueingCSV)
	if err != nil {
		t.Fatal(err)
	}
	rows = slices.DeleteFunc(rows, func(r Row) bool { _, ok := wrong[r.ID]; return !ok })
	results, err := compare(context.Background(), rows, wrong, Options{Packets: 200_000, Replications: 30, Seed: 1})
	if err != nil || len(results) != len(wrong) {
		t.Fatal(len(results), err)
	}
	for _, r := range results {
		if r.Failure == "" {
			t.Errorf("%s passes: simulated %v, exact %v", r.ID, r.Mean, r.Target)
		}
	}
}

// Every row of the files has a simulation.
func TestEveryRowIsSimulated(t *testing.T) {
	for name, compare := range map[string]func(context.Context, Options) ([]Result, error){"queueing": Queueing, "chen": Chen} {
		results, err := compare(context.Background(), Options{Packets: 60, Replications: 2})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(results) < 40 {
			t.Errorf("%s: only %d rows", name, len(results))
		}
	}
}

func TestUnknownRow(t *testing.T) {
	if _, err := Queueing(context.Background(), Options{Packets: 60, Replications: 2, IDs: []string{"MM1-9"}}); err == nil {
		t.Error("an unknown row was simulated")
	}
}

func ExampleQueueing() {
	results, err := Queueing(context.Background(), Options{Packets: 1000, Replications: 2, IDs: []string{"DD1-2"}})
	if err != nil {
		panic(err)
	}
	r := results[0]
	fmt.Println(strings.TrimSpace(r.Model), r.Metric, r.Mean, r.Target, model.Duration(r.Mean)*unit)
	// Output: D/D/1 wait of packet n=1000 (n from 0) 200 200 20ms
}
