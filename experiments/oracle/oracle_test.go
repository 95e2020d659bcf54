package oracle

import (
	"context"
	"errors"
	"fmt"
	"math"
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
	ids := []string{"S01", "S06", "S08", "S12"}
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
	if j := Judge(results, 1); !j.Agrees || j.Rows != len(results) || j.High == 0 {
		t.Errorf("all together: %+v", j)
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
		tables = append(tables, fmt.Sprint(results))
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

// The gate on the sum of t² fails where every row passes: intervals that are too
// wide make it too small, replications that share their randomness too large.
// Rows of one simulation count once, and rows without randomness not at all.
func TestJudge(t *testing.T) {
	rows := func(n int, t float64) []Result {
		var rs []Result
		for i := range n {
			rs = append(rs, Result{Row: Row{Simulation: fmt.Sprint(i)}, T: t, Replications: 30})
		}
		return rs
	}
	// Drawing t by the inverse of its distribution gives 22.8 and 91.9.
	if j := Judge(rows(45, 1), 1); math.Abs(j.Low-22.8) > 1 || math.Abs(j.High-92) > 5 {
		t.Errorf("the bounds are %v and %v", j.Low, j.High)
	}
	shared := append(rows(40, 1), rows(40, 3)...)
	failing := rows(40, 1)
	failing[3].Failure = "t"
	for _, c := range []struct {
		name   string
		rows   []Result
		failed int
		sum    float64
		agrees bool
	}{
		{"right", rows(40, 1), 0, 40, true},
		{"too small", rows(40, 0.5), 0, 10, false},
		{"too large", rows(40, -1.6), 0, 102.4, false},
		{"shared", shared, 0, 40, true},
		{"a row fails", failing, 1, 40, false},
		{"exact", []Result{{Exactly: true, T: 1, Replications: 1}}, 0, 0, true},
	} {
		j := Judge(c.rows, 1)
		if j.Failed != c.failed || math.Abs(j.SumOfSquares-c.sum) > 1e-9 || j.Agrees != c.agrees || j.Rows != len(c.rows) {
			t.Errorf("%s: %+v", c.name, j)
		}
	}
}

// Rows that share a simulation come out the same when they are asked for alone.
func TestSharedSimulation(t *testing.T) {
	o := Options{Packets: 30_000, Replications: 3, Seed: 1}
	all, err := Chen(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all[5:10] {
		o.IDs = []string{r.ID}
		alone, err := Chen(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		if a := alone[0]; a.ID != r.ID || a.Mean != r.Mean || a.T != r.T {
			t.Errorf("%s: %v with others, %v alone", r.ID, r.Mean, a.Mean)
		}
	}
}

// A number of workers or replications that means nothing is refused, and a context
// that ends ends a comparison, however long its replications are.
func TestComparisonEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	for _, o := range []Options{
		{Packets: 60, Replications: 2, Workers: -1}, {Packets: 60, Replications: 1}, {Packets: 1, Replications: 2},
	} {
		if _, err := Chen(ctx, o); err == nil {
			t.Errorf("%+v was run", o)
		}
	}
	begun, release := make(chan bool), make(chan bool)
	endless := map[string]experiment{"x": {floor: 1, estimate: func(uint64, int, float64) (float64, error) {
		begun <- true
		<-release
		return 0, nil
	}}}
	go func() {
		<-begun
		cancel()
	}()
	_, err := compare(ctx, []Row{{ID: "x", Simulation: "x"}}, endless, Options{Packets: 60, Replications: 2, Workers: 1})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	close(release)
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
	} else if unknown := new(UnknownRowError); !errors.As(err, &unknown) || unknown.ID != "MM1-9" {
		t.Errorf("error %v", err)
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
