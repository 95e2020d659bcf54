package oracle

import (
	_ "embed"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"suspect/experiments/schema"
	"suspect/sim"
)

// SchemaVersion is the version of the shape of [Comparison]. It grows when a field
// changes its meaning or goes away; new fields leave it as it is.
const SchemaVersion = 1

//go:embed results.go
var resultsSource string

// ResultsSchema returns the JSON Schema of [Comparison].
func ResultsSchema() []byte {
	return schema.Of("Results of suspect experiment", &Comparison{}, resultsSource)
}

// Comparison is what a comparison found, as one document.
type Comparison struct {
	// SchemaVersion is the version of this document's shape.
	SchemaVersion int `json:"schema_version"`
	// Experiment is "queueing" or "chen".
	Experiment string `json:"experiment"`
	// Seed is the seed from which all randomness follows.
	Seed uint64 `json:"seed"`
	// Judgement is the judgement of all rows together.
	Judgement Judgement `json:"judgement"`
	// Results are the rows.
	Results []Result `json:"results"`
}

// Row is one exact value.
type Row struct {
	// ID names the row. Rows of one Simulation are measured in the same runs.
	ID         string `json:"id"`
	Simulation string `json:"simulation"`
	// Model, Params, Metric and Formula tell what the value is of.
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

	// Packets is the number of them in all Replications together.
	Replications int `json:"replications"`
	Packets      int `json:"packets"`
	// Bare tells that it was simulated without the network.
	Bare bool `json:"bare_queue"`
	// Exactly tells that Target is to be matched without tolerance.
	Exactly bool `json:"exactly"`

	// Failure says why the row does not pass, or is empty.
	Failure string `json:"failure,omitempty"`
}

// Judgement is the judgement of all rows of a comparison together.
type Judgement struct {
	// Rows is their number, Failed how many of them do not agree with theory.
	Rows   int `json:"rows"`
	Failed int `json:"failed"`
	// SumOfSquares is the sum of t² over the rows with randomness; of rows that share
	// a simulation only the first counts, since the others are not independent
	// of it. Low and High are the 0.1 % and 99.9 % points of its distribution if the
	// simulator is right, found by simulation. All are 0 without such rows.
	SumOfSquares float64 `json:"sum_of_squares_of_t"`
	Low          float64 `json:"sum_low"`
	High         float64 `json:"sum_high"`
	// Agrees tells that no row fails and the sum is within its bounds.
	Agrees bool `json:"agrees"`
}

// Judge judges results, with randomness from seed.
func Judge(results []Result, seed uint64) Judgement {
	j := Judgement{Rows: len(results)}
	seen := make(map[string]bool)
	random, replications := 0, 0
	for _, r := range results {
		if r.Failure != "" {
			j.Failed++
		}
		if !r.Exactly && !seen[r.Simulation] {
			seen[r.Simulation] = true
			j.SumOfSquares += r.T * r.T
			random, replications = random+1, r.Replications
		}
	}
	const draws = 20_000
	s := sim.NewStream(seed, "sum of squares")
	nu := float64(replications - 1)
	sums := make([]float64, draws)
	for i := range sums {
		for range random { // t² as Bailey draws t, Mathematics of Computation 62 (1994)
			cos := math.Cos(2 * math.Pi * s.Float64())
			sums[i] += nu * (math.Pow(1-s.Float64(), -2/nu) - 1) * cos * cos
		}
	}
	slices.Sort(sums)
	j.Low, j.High = sums[draws/1000], sums[draws-draws/1000]
	j.Agrees = j.Failed == 0 && j.Low <= j.SumOfSquares && j.SumOfSquares <= j.High
	return j
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
