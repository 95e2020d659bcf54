package properties

import (
	"fmt"

	"suspect/model"
)

// ClassOutcome says whether a run met one of the eight classes.
type ClassOutcome struct {
	Class   model.Class
	Outcome Outcome
	Reason  string // of the part that decided
}

// completenessNames and accuracyNames are the registered properties, by the values of
// [model.Completeness] and [model.Accuracy].
var (
	completenessNames = [...]string{"strong-completeness", "weak-completeness"}
	accuracyNames     = [...]string{"strong-accuracy", "weak-accuracy", "eventual-strong-accuracy", "eventual-weak-accuracy"}
)

// ClassOutcomes returns what the results of the completeness and accuracy properties
// say about each class, in the order of [model.Classes]. A class has the worst of the
// outcomes of its two parts, and is Inconclusive where a part is missing. A part that
// settles nothing itself holds where a stronger one holds: strong implies weak, and
// accuracy at all times implies accuracy from some time on. Results of other
// properties are ignored.
func ClassOutcomes(results []Result) []ClassOutcome {
	var completeness [len(completenessNames)]Result
	var accuracy [len(accuracyNames)]Result
	for i, name := range completenessNames {
		completeness[i] = resultOf(name, results)
	}
	for i, name := range accuracyNames {
		accuracy[i] = resultOf(name, results)
	}
	imply(completeness[:], model.StrongCompleteness, model.WeakCompleteness)
	imply(accuracy[:], model.StrongAccuracy, model.WeakAccuracy)
	imply(accuracy[:], model.StrongAccuracy, model.EventualStrongAccuracy)
	imply(accuracy[:], model.WeakAccuracy, model.EventualWeakAccuracy)
	imply(accuracy[:], model.EventualStrongAccuracy, model.EventualWeakAccuracy)

	var outcomes []ClassOutcome
	for _, c := range model.Classes() {
		decisive, other := completeness[c.Completeness()], accuracy[c.Accuracy()]
		if other.Outcome.badness() > decisive.Outcome.badness() {
			decisive = other
		}
		reason := fmt.Sprintf("%s: %s", decisive.Property, decisive.Reason)
		if decisive.Outcome == Holds {
			reason = "both parts hold"
		}
		outcomes = append(outcomes, ClassOutcome{c, decisive.Outcome, reason})
	}
	return outcomes
}

func resultOf(name string, results []Result) Result {
	for _, r := range results {
		if r.Property == name {
			return r
		}
	}
	return Result{Property: name, Reason: "was not checked"}
}

// imply lets the stronger property settle the weaker one.
func imply[K ~uint8](results []Result, stronger, weaker K) {
	if results[stronger].Outcome == Holds && results[weaker].Outcome == Inconclusive {
		results[weaker].Outcome = Holds
		results[weaker].Reason = "implied by " + results[stronger].Property
	}
}
