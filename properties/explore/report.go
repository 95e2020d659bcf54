package explore

import (
	"fmt"

	"suspect/properties"
)

// Finding is the judgement of one property.
type Finding struct {
	Property string
	Outcome  properties.Outcome

	// Reason is one sentence for people.
	Reason string

	// Counterexample shows a violation; nil where there is none.
	Counterexample *Counterexample
}

// Counterexample is a run that violates a property. For safety it is as short as any.
type Counterexample struct {
	Property string
	First    []uint64 // the state in which it begins
	Prefix   []Step

	// Cycle is what is repeated for ever after the prefix, of a liveness property: it
	// ends in the state in which it begins.
	Cycle []Step
}

// Report is what a search found.
type Report struct {
	// Complete tells that every reachable state was visited. Where it is false, Reason
	// says why.
	Complete bool
	Reason   string

	States      int64 // visited; with symmetry, orbits
	Transitions int64 // choices of the environment, over all expanded states
	Depth       int   // of the deepest state: steps from the first
	Locals      []int // distinct states of each process
	StateBits   int   // of the encoding of a state

	// Bytes is the memory of the visited states and of all tables and buffers.
	Bytes int64

	// Missed bounds the odds that some state was taken for another: 0 where states are
	// kept in full, else n²/2^129 for n states that are known by a hash of 128 bits.
	Missed float64

	// Findings are the judgements of the properties, in the order in which they were
	// given.
	Findings []Finding
}

// BytesPerState returns the memory divided by the number of states.
func (r *Report) BytesPerState() float64 { return float64(r.Bytes) / float64(max(1, r.States)) }

// Outcome returns the worst outcome of the properties; of none, whether the search is
// complete.
func (r *Report) Outcome() properties.Outcome {
	worst := properties.Holds
	if !r.Complete && len(r.Findings) == 0 {
		worst = properties.Inconclusive
	}
	for _, f := range r.Findings {
		worst = properties.Worst(worst, f.Outcome)
	}
	return worst
}

// String returns the counts in one line.
func (r *Report) String() string {
	s := fmt.Sprintf("%d states, %d transitions, depth %d, %.1f bytes a state, ", r.States, r.Transitions, r.Depth, r.BytesPerState())
	if r.Missed == 0 {
		s += "no state missed: states are compared in full"
	} else {
		s += fmt.Sprintf("odds of a missed state %.2g", r.Missed)
	}
	if !r.Complete {
		s += "; incomplete: " + r.Reason
	}
	return s
}
