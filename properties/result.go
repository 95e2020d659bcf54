package properties

import (
	"fmt"

	"suspect/model"
)

// Outcome is the judgement of a [Checker]. The zero value is Inconclusive, so that a
// result that nobody filled in is not taken for a pass.
type Outcome uint8

const (
	// Inconclusive: the run settles nothing; the reason says why.
	Inconclusive Outcome = iota
	// Holds: the property, in its safe or bounded form, holds of this run.
	Holds
	// Violated: it does not; the witness shows where.
	Violated
)

var outcomeNames = [...]string{"inconclusive", "holds", "violated"}

// String returns the name of o in lower case.
func (o Outcome) String() string {
	if int(o) >= len(outcomeNames) {
		return fmt.Sprintf("outcome(%d)", uint8(o))
	}
	return outcomeNames[o]
}

// MarshalText returns the name of o.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// ParseOutcome returns the outcome with the given name.
func ParseOutcome(s string) (Outcome, error) {
	for i, name := range outcomeNames {
		if name == s {
			return Outcome(i), nil
		}
	}
	return 0, fmt.Errorf("unknown outcome %q (outcomes: holds, violated, inconclusive)", s)
}

// badness orders the outcomes from the best to the worst.
func (o Outcome) badness() int { return [...]int{Inconclusive: 1, Holds: 0, Violated: 2}[o] }

// Worst returns the worst of the outcomes: Violated before Inconclusive before
// Holds. Of none it is Inconclusive.
func Worst(outcomes ...Outcome) Outcome {
	if len(outcomes) == 0 {
		return Inconclusive
	}
	worst := outcomes[0]
	for _, o := range outcomes[1:] {
		if o.badness() > worst.badness() {
			worst = o
		}
	}
	return worst
}

// Result is what a [Checker] found.
type Result struct {
	Property string
	Outcome  Outcome

	// Checked is the number of times that the antecedent fired, in the unit that
	// the property's Doc states. The property is vacuous where it is 0.
	Checked int

	// Reason is one sentence for people.
	Reason string

	// Witness are the records that show a violation, in the order of time.
	Witness []model.Record
}
