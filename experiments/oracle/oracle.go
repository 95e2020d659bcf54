package oracle

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/csv"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"suspect/sim"
)

//go:embed queueing.csv
var queueingCSV []byte

// Options of a comparison.
type Options struct {
	// Packets of each row, in all replications together; rows of high load and
	// far tails take ten or thirty times as many. The precision that a row must
	// reach scales with the square root.
	Packets int

	Replications int // at least 2
	Seed         uint64
	IDs          []string // of the rows to simulate, or what comes before their /; nil is all
	Workers      int      // replications at a time; 0 is one for each processor

	// Progress, unless nil, is told after each replication how many of all there are
	// done, and of which row it was. Calls do not overlap, and may still come when a
	// comparison that was ended early has returned.
	Progress func(done, total int, what string)
}

// fullPackets is the number of packets for which the floors are stated.
const fullPackets = 10_000_000

// familyError is the probability that a perfect simulator fails the gate on t.
const familyError = 0.01

// Queueing compares the rows of queueing.csv.
func Queueing(ctx context.Context, o Options) ([]Result, error) {
	experiments := queueExperiments()
	for id, e := range detectorExperiments() {
		experiments[id] = e
	}
	rows, err := readRows(queueingCSV)
	if err != nil {
		return nil, err
	}
	return compare(ctx, rows, experiments, o)
}

// readRows reads the columns id, model, params, metric, exact, formula and
// sim_target of a file of vectors.
func readRows(data []byte) ([]Row, error) {
	records, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, r := range records[1:] {
		row := Row{ID: r[0], Simulation: r[0], Model: r[1], Params: r[2], Metric: r[3], Formula: r[5]}
		if row.Exact, err = strconv.ParseFloat(r[4], 64); err != nil {
			return nil, fmt.Errorf("row %s: %w", row.ID, err)
		}
		row.Target = row.Exact
		if r[6] != "" {
			target, err := strconv.ParseFloat(r[6], 64)
			if err != nil {
				return nil, fmt.Errorf("row %s: %w", row.ID, err)
			}
			// The column restates means with fewer digits.
			if math.Abs(target-row.Exact) > 1e-6*row.Exact {
				row.Target = target
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// is tells whether id names the row, or all rows of which it is one: S01 names
// S01/E_TMR and the other metrics.
func (r Row) is(id string) bool { return r.ID == id || strings.HasPrefix(r.ID, id+"/") }

// UnknownRowError is returned where an identifier names no row.
type UnknownRowError struct {
	ID   string
	Rows []string // that there are
}

func (e *UnknownRowError) Error() string {
	return fmt.Sprintf("there is no row %q (rows: %s)", e.ID, strings.Join(e.Rows, ", "))
}

// known returns an error if one of the identifiers names no row.
func known(ids []string, rows []Row) error {
	all := make([]string, len(rows))
	for i, r := range rows {
		all[i] = r.ID
	}
	for _, id := range ids {
		if !slices.ContainsFunc(rows, func(r Row) bool { return r.is(id) }) {
			return &UnknownRowError{id, all}
		}
	}
	return nil
}

// compare simulates the rows that o asks for, each by the experiment of its
// Simulation.
func compare(ctx context.Context, rows []Row, experiments map[string]experiment, o Options) ([]Result, error) {
	if o.Workers < 0 || o.Replications < 2 || o.Packets < o.Replications {
		return nil, fmt.Errorf("%d packets in %d replications by %d workers: needs two replications, of a packet each, and no negative number",
			o.Packets, o.Replications, o.Workers)
	}
	if err := known(o.IDs, rows); err != nil {
		return nil, err
	}
	var results []Result
	for _, row := range rows {
		if o.IDs != nil && !slices.ContainsFunc(o.IDs, row.is) {
			continue
		}
		e, ok := experiments[row.Simulation]
		if !ok {
			return nil, fmt.Errorf("no simulation is known for row %s (%s, %s)", row.ID, row.Model, row.Metric)
		}
		r := Result{Row: row, Replications: o.Replications, Packets: o.Packets, Bare: e.bare, Exactly: e.floor == 0}
		r.Packets *= max(1, e.longer)
		if r.Exactly {
			r.Replications = 1
		}
		results = append(results, r)
	}
	if err := simulate(ctx, results, experiments, o); err != nil {
		return nil, err
	}
	judge(results, experiments, o)
	return results, nil
}

// simulate fills in the estimates, spreading replications over the workers. The
// results do not depend on their number. When ctx ends it returns at once; the
// replications under way are abandoned, and end by themselves.
func simulate(ctx context.Context, results []Result, experiments map[string]experiment, o Options) error {
	type job struct {
		rows        []*Result // of one simulation
		replication int
	}
	together := make(map[string][]*Result)
	var order []string
	samples := make(map[string][]float64) // by row
	for i := range results {
		r := &results[i]
		if together[r.Simulation] == nil {
			order = append(order, r.Simulation)
		}
		together[r.Simulation] = append(together[r.Simulation], r)
		samples[r.ID] = make([]float64, r.Replications)
	}
	var jobs []job
	for _, name := range order {
		for j := range together[name][0].Replications {
			jobs = append(jobs, job{together[name], j})
		}
	}
	workers := o.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	errs := make([]error, len(jobs))
	var mutex sync.Mutex
	finished := 0
	work := func(n int) {
		j := jobs[n]
		name := j.rows[0].Simulation
		seed := sim.NewStream(o.Seed, fmt.Sprintf("%s/%d", name, j.replication)).Uint64()
		values, err := experiments[name].replicate(seed, j.rows)
		if err != nil {
			errs[n] = fmt.Errorf("simulation %s: %w", name, err)
			return
		}
		for i, r := range j.rows {
			samples[r.ID][j.replication] = values[i]
		}
		if o.Progress != nil {
			mutex.Lock()
			defer mutex.Unlock()
			finished++
			o.Progress(finished, len(jobs), name)
		}
	}
	queue := make(chan int)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for n := range queue {
				work(n)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer group.Wait()
		defer close(queue)
		for n := range jobs {
			select {
			case queue <- n:
			case <-ctx.Done():
				return
			}
		}
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	for i := range results {
		r := &results[i]
		r.Mean = samples[r.ID][0]
		if r.Exactly {
			continue
		}
		mean, deviation := stat.MeanStdDev(samples[r.ID], nil)
		err := deviation / math.Sqrt(float64(r.Replications))
		t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(r.Replications - 1)}
		if math.IsNaN(mean) || math.IsInf(mean, 0) || err == 0 {
			r.Mean, r.Failure = 0, "too few packets for an estimate"
			continue
		}
		r.Mean, r.Half, r.T = mean, err*t.Quantile(0.995), (mean-r.Target)/err
	}
	return nil
}

// judge applies the gate.
func judge(results []Result, experiments map[string]experiment, o Options) {
	random := 0
	for _, r := range results {
		if !r.Exactly {
			random++
		}
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(o.Replications - 1)}
	limit := t.Quantile(1 - familyError/2/float64(max(1, random)))
	for i := range results {
		r := &results[i]
		if r.Exactly {
			if math.Abs(r.Mean-r.Target) > 1e-12*math.Abs(r.Target) {
				r.Failure = fmt.Sprintf("%v instead of exactly %v", r.Mean, r.Target)
			}
			continue
		}
		if r.Failure != "" {
			continue
		}
		size := float64(o.Packets) / fullPackets
		floor := experiments[r.Simulation].floor / math.Sqrt(min(1, size)) * r.Target
		switch {
		case math.Abs(r.T) > limit:
			r.Failure = fmt.Sprintf("t = %.2f, beyond %.2f", r.T, limit)
		case r.Half > floor:
			r.Failure = fmt.Sprintf("half-width %.3g: too wide to tell, must be at most %.3g", r.Half, floor)
		}
	}
}
