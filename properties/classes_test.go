package properties_test

import (
	"fmt"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"suspect/model"
	"suspect/properties"
)

func results(t testing.TB, r run, within, from, mistakes int) []properties.Result {
	var all []properties.Result
	for _, p := range allProperties {
		all = append(all, check(t, p, r, within, from, mistakes))
	}
	return all
}

// implies lists the arrows between the classes: Chandra and Toueg 1996, section 2.
var implies = [][2]model.Class{
	{model.P, model.S}, {model.P, model.EventuallyP}, {model.S, model.EventuallyS}, {model.EventuallyP, model.EventuallyS},
	{model.Q, model.W}, {model.Q, model.EventuallyQ}, {model.W, model.EventuallyW}, {model.EventuallyQ, model.EventuallyW},
	{model.P, model.Q}, {model.S, model.W}, {model.EventuallyP, model.EventuallyQ}, {model.EventuallyS, model.EventuallyW},
}

// TestClassLattice: a history accepted as P is accepted as S, <>P and <>S, and so on;
// and one that is rejected as the weaker is rejected as the stronger. The bounds are
// the same for all classes.
func TestClassLattice(t *testing.T) {
	params := gopter.DefaultTestParametersWithSeed(42)
	params.MinSuccessfulTests = 20000
	held := map[model.Class]int{}
	props := gopter.NewProperties(params)
	props.Property("the classes form a lattice", prop.ForAll(
		func(header uint32, events []uint32, bounds uint32) string {
			r := decode(header, events[:min(len(events), 8)], true)
			within, from, mistakes := int(bounds%4), int(bounds/4%12)-2, int(bounds/64%4)-1
			of := map[model.Class]properties.Outcome{}
			for i, c := range properties.ClassOutcomes(results(t, r, within, from, mistakes)) {
				if c.Class != model.Classes()[i] {
					return fmt.Sprintf("class %v is at place %d", c.Class, i)
				}
				of[c.Class] = c.Outcome
				if c.Outcome == properties.Holds {
					held[c.Class]++
				}
			}
			for _, arrow := range implies {
				if of[arrow[0]] == properties.Holds && of[arrow[1]] != properties.Holds {
					return fmt.Sprintf("%v holds but %v is %v\n%v", arrow[0], arrow[1], of[arrow[1]], r)
				}
				if from < 0 && mistakes < 0 && of[arrow[1]] == properties.Violated && of[arrow[0]] != properties.Violated {
					return fmt.Sprintf("%v is violated but %v is %v\n%v", arrow[1], arrow[0], of[arrow[0]], r)
				}
			}
			return ""
		},
		gen.UInt32(), gen.SliceOfN(8, gen.UInt32()), gen.UInt32(),
	))
	props.TestingRun(t)
	for _, c := range model.Classes() {
		if held[c] < 100 {
			t.Errorf("%v held only %d times: the test is too weak", c, held[c])
		}
	}
}

// TestRawImplications: the same arrows, among the properties themselves.
func TestRawImplications(t *testing.T) {
	arrows := [][2]string{
		{"strong-completeness", "weak-completeness"},
		{"strong-accuracy", "weak-accuracy"},
		{"strong-accuracy", "eventual-strong-accuracy"},
		{"weak-accuracy", "eventual-weak-accuracy"},
		{"eventual-strong-accuracy", "eventual-weak-accuracy"},
	}
	params := gopter.DefaultTestParametersWithSeed(43)
	params.MinSuccessfulTests = 10000
	props := gopter.NewProperties(params)
	props.Property("where the stronger holds, the weaker is not violated", prop.ForAll(
		func(header uint32, events []uint32, bounds uint32) string {
			r := decode(header, events, true)
			outcome := map[string]properties.Outcome{}
			for _, res := range results(t, r, int(bounds%4), int(bounds/4%12), int(bounds/64%4)) {
				outcome[res.Property] = res.Outcome
			}
			for _, a := range arrows {
				if outcome[a[0]] == properties.Holds && outcome[a[1]] == properties.Violated {
					return fmt.Sprintf("%v\n%v", a, r)
				}
			}
			return ""
		},
		gen.UInt32(), gen.SliceOfN(7, gen.UInt32()), gen.UInt32(),
	))
	props.TestingRun(t)
}

func TestClassOutcomesOfMissingResults(t *testing.T) {
	for _, c := range properties.ClassOutcomes(nil) {
		if c.Outcome != properties.Inconclusive || c.Reason == "" {
			t.Errorf("%v of nothing is %v (%s)", c.Class, c.Outcome, c.Reason)
		}
	}
	violated := []properties.Result{{Property: "weak-accuracy", Outcome: properties.Violated, Reason: "because"}}
	for _, c := range properties.ClassOutcomes(violated) {
		want := properties.Inconclusive
		if c.Class == model.S || c.Class == model.W {
			want = properties.Violated
		}
		if c.Outcome != want {
			t.Errorf("%v is %v, want %v", c.Class, c.Outcome, want)
		}
	}
}

// TestClassOutcomesImply: what is stronger and holds settles what is weaker and open.
func TestClassOutcomesImply(t *testing.T) {
	for _, c := range properties.ClassOutcomes([]properties.Result{
		{Property: "strong-completeness", Outcome: properties.Holds},
		{Property: "strong-accuracy", Outcome: properties.Holds},
	}) {
		if c.Outcome != properties.Holds {
			t.Errorf("%v is %v, want holds", c.Class, c.Outcome)
		}
	}
	for _, c := range properties.ClassOutcomes([]properties.Result{
		{Property: "weak-completeness", Outcome: properties.Holds},
		{Property: "eventual-strong-accuracy", Outcome: properties.Holds},
	}) {
		want := properties.Inconclusive
		if c.Class == model.EventuallyQ || c.Class == model.EventuallyW {
			want = properties.Holds
		}
		if c.Outcome != want {
			t.Errorf("%v is %v, want %v", c.Class, c.Outcome, want)
		}
	}
}

// TestRelabelling: the names of processes mean nothing.
func TestRelabelling(t *testing.T) {
	params := gopter.DefaultTestParametersWithSeed(44)
	params.MinSuccessfulTests = 5000
	props := gopter.NewProperties(params)
	props.Property("outcomes and qualities do not depend on names", prop.ForAll(
		func(header uint32, events []uint32, shift uint32) string {
			r := decode(header, events, true)
			n := uint32(r.env.N)
			rename := func(p model.ProcessID) model.ProcessID {
				if p < 0 {
					return p
				}
				return model.ProcessID((n - uint32(p) + shift) % n) // a reflection: not only a rotation
			}
			renamed := run{env: r.env, end: r.end}
			for _, rec := range r.records {
				rec.Process, rec.Peer = rename(rec.Process), rename(rec.Peer)
				renamed.records = append(renamed.records, rec)
			}
			a, b := results(t, r, 1, 3, 1), results(t, renamed, 1, 3, 1)
			for i := range a {
				if a[i].Outcome != b[i].Outcome || a[i].Checked != b[i].Checked {
					return fmt.Sprintf("%+v\n%+v\n%v", a[i], b[i], r)
				}
			}
			x, y := quality(t, r), quality(t, renamed)
			if summary(x) != summary(y) {
				return fmt.Sprintf("%s\n%s\n%v", summary(x), summary(y), r)
			}
			return ""
		},
		gen.UInt32(), gen.SliceOfN(10, gen.UInt32()), gen.UInt32(),
	))
	props.TestingRun(t)
}
