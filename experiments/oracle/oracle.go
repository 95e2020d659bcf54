package oracle

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"text/tabwriter"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"suspect/sim"
)

//go:embed queueing.csv
var queueingCSV []byte

// Row is one exact value.
type Row struct {
	ID      string `json:"id"`
	Model   string `json:"model"`
	Params  string `json:"params"`
	Metric  string `json:"metric"`
	Formula string `json:"formula,omitempty"`

	// Exact is the closed form's value; Target is what the simulation estimates,
	// the same but for quantiles, where it is the probability beyond Exact.
	Exact  float64 `json:"exact"`
	Target float64 `json:"target"`
}

// Result is a row beside its simulation.
type Result struct {
	Row

	// Mean is the mean over the replications, Half the half-width of its 99 %
	// confidence interval, T the t statistic of Mean against Target. A row without
	// randomness has Half and T zero.
	Mean float64 `json:"mean"`
	Half float64 `json:"half_width_99"`
	T    float64 `json:"t"`

	Replications int  `json:"replications"`
	Packets      int  `json:"packets"`    // in all replications together
	Bare         bool `json:"bare_queue"` // simulated without the network
	Exactly      bool `json:"exactly"`    // to be matched without tolerance

	// Failure says why the row does not pass, or is empty.
	Failure string `json:"failure,omitempty"`
}

// Options of a comparison.
type Options struct {
	// Packets of each row, in all replications together; rows of high load and
	// far tails take ten or thirty times as many. The precision that a row must
	// reach scales with the square root.
	Packets int

	Replications int // at least 2
	Seed         uint64
	IDs          []string // of the rows to simulate; nil is all
	Workers      int      // 0 is one for each processor
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
		row := Row{ID: r[0], Model: r[1], Params: r[2], Metric: r[3], Formula: r[5]}
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

// compare simulates the rows that o asks for.
func compare(ctx context.Context, rows []Row, experiments map[string]experiment, o Options) ([]Result, error) {
	var results []Result
	var todo []experiment
	for _, row := range rows {
		if o.IDs != nil && !slices.Contains(o.IDs, row.ID) {
			continue
		}
		e, ok := experiments[row.ID]
		if !ok {
			return nil, fmt.Errorf("no simulation is known for row %s (%s, %s)", row.ID, row.Model, row.Metric)
		}
		r := Result{Row: row, Replications: o.Replications, Packets: o.Packets, Bare: e.bare, Exactly: e.floor == 0}
		r.Packets *= max(1, e.longer)
		if r.Exactly {
			r.Replications = 1
		}
		results = append(results, r)
		todo = append(todo, e)
	}
	if len(o.IDs) > len(results) {
		return nil, fmt.Errorf("of the rows %v, only %d exist", o.IDs, len(results))
	}
	if err := simulate(ctx, results, todo, o); err != nil {
		return nil, err
	}
	judge(results, todo, o)
	return results, nil
}

// simulate fills in the estimates, spreading replications over the workers. The
// results do not depend on their number.
func simulate(ctx context.Context, results []Result, todo []experiment, o Options) error {
	type job struct{ row, replication int }
	var jobs []job
	samples := make([][]float64, len(results))
	for i, r := range results {
		samples[i] = make([]float64, r.Replications)
		for j := range r.Replications {
			jobs = append(jobs, job{i, j})
		}
	}
	workers := o.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	errs := make([]error, len(jobs))
	queue := make(chan int)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for n := range queue {
				j := jobs[n]
				r := &results[j.row]
				seed := sim.NewStream(o.Seed, fmt.Sprintf("%s/%d", r.ID, j.replication)).Uint64()
				v, err := todo[j.row].estimate(seed, r.Packets/r.Replications, r.Exact)
				if err != nil {
					errs[n] = fmt.Errorf("row %s: %w", r.ID, err)
				}
				samples[j.row][j.replication] = v
			}
		})
	}
	for n := range jobs {
		if ctx.Err() != nil {
			break
		}
		queue <- n
	}
	close(queue)
	group.Wait()
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
		r.Mean = samples[i][0]
		if r.Exactly {
			continue
		}
		mean, deviation := stat.MeanStdDev(samples[i], nil)
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
func judge(results []Result, todo []experiment, o Options) {
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
		floor := todo[i].floor / math.Sqrt(min(1, size)) * r.Target
		switch {
		case math.Abs(r.T) > limit:
			r.Failure = fmt.Sprintf("t = %.2f, beyond %.2f", r.T, limit)
		case r.Half > floor:
			r.Failure = fmt.Sprintf("half-width %.3g: too wide to tell, must be at most %.3g", r.Half, floor)
		}
	}
}

// SumOfSquares returns the sum of t² over the results with randomness, and the
// 0.1 % and 99.9 % points of its distribution if the simulator is right, found by
// simulation.
func SumOfSquares(results []Result, seed uint64) (sum, low, high float64) {
	rows, replications := 0, 0
	for _, r := range results {
		if !r.Exactly {
			sum += r.T * r.T
			rows, replications = rows+1, r.Replications
		}
	}
	const draws = 20_000
	s := sim.NewStream(seed, "sum of squares")
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(replications - 1)}
	sums := make([]float64, draws)
	for i := range sums {
		for range rows {
			x := t.Quantile(s.Float64())
			sums[i] += x * x
		}
	}
	slices.Sort(sums)
	return sum, sums[draws/1000], sums[draws-draws/1000]
}

// Write prints the results as a Markdown table.
func Write(w io.Writer, results []Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintln(t, "| row\t| model\t| metric\t| target\t| simulated\t| ± (99 %)\t| t\t| packets\t| on\t| verdict\t|")
	fmt.Fprintln(t, "|---\t|---\t|---\t|--:\t|--:\t|--:\t|--:\t|--:\t|---\t|---\t|")
	for _, r := range results {
		half, tt, on, verdict := fmt.Sprintf("%.2g", r.Half), fmt.Sprintf("%+.2f", r.T), "network", "agrees"
		if r.Exactly {
			half, tt, verdict = "exact", "", "equal"
		}
		if r.Bare {
			on = "bare queue"
		}
		if r.Failure != "" {
			verdict = "FAILS: " + r.Failure
		}
		fmt.Fprintf(t, "| %s\t| %s\t| %s\t| %.9g\t| %.6g\t| %s\t| %s\t| %.0e\t| %s\t| %s\t|\n",
			r.ID, r.Model, r.Metric, r.Target, r.Mean, half, tt, float64(r.Packets), on, verdict)
	}
	return t.Flush()
}
