package oracle

import (
	"math"
	"slices"

	"suspect/sim"
)

// Row is one exact value.
type Row struct {
	// ID names the row. Rows of one Simulation are measured in the same runs.
	ID         string
	Simulation string
	// Model, Params, Metric and Formula tell what the value is of.
	Model   string
	Params  string
	Metric  string
	Formula string

	// Exact is the closed form's value; Target is what the simulation estimates,
	// the same but for quantiles, where it is the probability beyond Exact.
	Exact  float64
	Target float64
}

// Result is a row beside its simulation.
type Result struct {
	Row

	// Mean is the mean over the replications, Half the half-width of its 99 %
	// confidence interval, T the t statistic of Mean against Target. A row without
	// randomness has Half and T zero.
	Mean float64
	Half float64
	T    float64

	// Packets is the number of them in all Replications together.
	Replications int
	Packets      int
	// Bare tells that it was simulated without the network.
	Bare bool
	// Exactly tells that Target is to be matched without tolerance.
	Exactly bool

	// Failure says why the row does not pass, or is empty.
	Failure string
}

// Judgement is the judgement of all rows of a comparison together.
type Judgement struct {
	// Rows is their number, Failed how many of them do not agree with theory.
	Rows   int
	Failed int
	// SumOfSquares is the sum of t² over the rows with randomness; of rows that share
	// a simulation only the first counts, since the others are not independent
	// of it. Low and High are the 0.1 % and 99.9 % points of its distribution if the
	// simulator is right, found by simulation. All are 0 without such rows.
	SumOfSquares float64
	Low          float64
	High         float64
	// Agrees tells that no row fails and the sum is within its bounds.
	Agrees bool
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
