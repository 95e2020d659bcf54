package model_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"suspect/model"
)

// admit tells, of the oracles whose output is a set of suspects, whether they allow a
// history.
var admit = map[string]func(model.FailurePattern, model.History[model.ProcessSet]) bool{
	"T": model.TrustingAdmits,
	"Marabout": func(f model.FailurePattern, h model.History[model.ProcessSet]) bool {
		var faulty model.ProcessSet
		for p := range model.ProcessID(len(f.CrashedAt)) {
			if !f.Correct(p) {
				faulty |= model.ProcessesOf(p)
			}
		}
		for q := range h.Outputs {
			for _, o := range h.Outputs[q] {
				if (o.Value^faulty)&^model.ProcessesOf(model.ProcessID(q)) != 0 {
					return false
				}
			}
		}
		return true
	},
}

func init() {
	for _, c := range model.Classes() {
		admit[c.String()] = c.Admits
	}
}

// system is a pattern with a history.
type system struct {
	f model.FailurePattern
	h model.History[model.ProcessSet]
}

// systems yields all histories of two processes that change at the times 1 and 2, with all
// patterns of crashes at 0, 1, 2 and never, and then random ones of three and four.
func systems(yield func(system) bool) {
	crash := []model.Time{0, 1, 2, model.Never}
	for a := range 4 {
		for b := range 4 {
			for outputs := range 64 {
				f := model.FailurePattern{CrashedAt: []model.Time{crash[a], crash[b]}}
				if f.AllCrashed() {
					continue
				}
				h := model.History[model.ProcessSet]{Outputs: make([][]model.Said[model.ProcessSet], 2)}
				for q := range 2 {
					for t := range 3 {
						var s model.ProcessSet
						if outputs>>(3*q+t)&1 != 0 {
							s = model.ProcessesOf(model.ProcessID(1 - q))
						}
						h.Outputs[q] = append(h.Outputs[q], model.Said[model.ProcessSet]{From: model.Time(t), Value: s})
					}
				}
				if !yield(system{f, h}) {
					return
				}
			}
		}
	}
	rng := rand.New(rand.NewPCG(6, 1))
	for range 20_000 {
		n := 3 + rng.IntN(2)
		f := model.NewFailurePattern(n)
		for p := 1; p < n; p++ {
			f.CrashedAt[p] = crash[rng.IntN(4)]
		}
		rng.Shuffle(n, func(i, j int) { f.CrashedAt[i], f.CrashedAt[j] = f.CrashedAt[j], f.CrashedAt[i] })
		h := model.History[model.ProcessSet]{Outputs: make([][]model.Said[model.ProcessSet], n)}
		honest := rng.IntN(5) // how much the outputs resemble the truth
		for q := range n {
			for t := range 3 {
				var s model.ProcessSet
				for p := range model.ProcessID(n) {
					suspected := f.Crashed(p, model.Time(t)) || t == 2 && !f.Correct(p)
					if rng.IntN(4+10*honest) == 0 {
						suspected = !suspected
					}
					if suspected {
						s |= model.ProcessesOf(p)
					}
				}
				h.Outputs[q] = append(h.Outputs[q], model.Said[model.ProcessSet]{From: model.Time(t), Value: s})
			}
		}
		if !yield(system{f, h}) {
			return
		}
	}
}

// TestOrderOfDefinitions: where the order says that one detector's histories are all
// another's, they are, and where it does not there is one that is not. So the table of
// implications of Chandra and Toueg 1996, section 2, is complete.
func TestOrderOfDefinitions(t *testing.T) {
	type pair struct{ a, b string }
	separated, met := map[pair]bool{}, map[string]int{}
	included := map[pair]bool{}
	for a := range admit {
		for b := range admit {
			included[pair{a, b}] = model.IncludedIn(a, b)
		}
	}
	for s := range systems {
		allows := map[string]bool{}
		for name, f := range admit {
			if allows[name] = f(s.f, s.h); allows[name] {
				met[name]++
			}
		}
		for a := range admit {
			for b := range admit {
				if !allows[a] || allows[b] {
					continue
				}
				if included[pair{a, b}] {
					t.Fatalf("%s allows a history that %s does not: pattern %v, history %v", a, b, s.f, s.h)
				}
				separated[pair{a, b}] = true
			}
		}
	}
	for a := range admit {
		if met[a] < 100 {
			t.Errorf("only %d histories of %s", met[a], a)
		}
		for b := range admit {
			if !included[pair{a, b}] && !separated[pair{a, b}] {
				t.Errorf("no history of %s was found that %s does not allow", a, b)
			}
		}
	}
}

// TestOrder: all names are known, the four classes of weak completeness are as strong as
// those of strong completeness, and the strict relations have no way back.
func TestOrder(t *testing.T) {
	var names []string
	for _, o := range model.Oracles() {
		names = append(names, o.Name)
		if o.Range == "" || o.Says == "" || o.Source == "" {
			t.Errorf("%s is not told", o.Name)
		}
	}
	for _, r := range model.Order() {
		if !slices.Contains(names, r.Stronger) || !slices.Contains(names, r.Weaker) || r.Source == "" || r.By == "" {
			t.Errorf("%+v is about nobody, or without a reason", r)
		}
		if r.Strict && model.AtLeastAsStrong(r.Weaker, r.Stronger, true) {
			t.Errorf("%s is stronger than %s, but there is a way back", r.Stronger, r.Weaker)
		}
	}
	for _, equal := range [][2]string{{"P", "Q"}, {"S", "W"}, {"<>P", "<>Q"}, {"<>S", "<>W"}, {"<>S", "Omega"}} {
		if !model.AtLeastAsStrong(equal[0], equal[1], false) || !model.AtLeastAsStrong(equal[1], equal[0], false) {
			t.Errorf("%s and %s are not equally strong", equal[0], equal[1])
		}
	}
	for _, tt := range []struct {
		a, b     string
		majority bool
		want     bool
	}{
		{"P", "<>S", false, true}, {"P", "Omega", false, true}, {"<>P", "P", false, false}, {"S", "<>P", false, false}, {"<>P", "S", false, false},
		{"Omega", "Sigma", false, false}, {"Omega", "Sigma", true, true}, {"P", "Sigma", false, true}, {"HB", "Omega", true, false},
		// Sigma is weaker than all that solve consensus for any number of crashes, as S and W do.
		{"S", "Sigma", false, true}, {"W", "Sigma", false, true}, {"<>P", "Sigma", false, false}, {"T", "Sigma", false, false},
	} {
		if got := model.AtLeastAsStrong(tt.a, tt.b, tt.majority); got != tt.want {
			t.Errorf("AtLeastAsStrong(%s, %s, %v) = %v", tt.a, tt.b, tt.majority, got)
		}
	}
	// What is stronger is at least as hard to implement.
	needs := map[string]model.Synchrony{}
	for _, o := range model.Oracles() {
		needs[o.Name] = o.Needs
	}
	for _, r := range model.Order() {
		if !r.Majority && r.Weaker != "Sigma" && needs[r.Stronger] < needs[r.Weaker] {
			t.Errorf("%s needs %v but gives %s, which needs %v", r.Stronger, needs[r.Stronger], r.Weaker, needs[r.Weaker])
		}
	}
}

func constant[T any](outputs ...T) model.History[T] {
	var h model.History[T]
	for _, o := range outputs {
		h.Outputs = append(h.Outputs, []model.Said[T]{{Value: o}})
	}
	return h
}

func TestOtherOracles(t *testing.T) {
	f := model.FailurePattern{CrashedAt: []model.Time{model.Never, 5, model.Never}}
	for _, tt := range []struct {
		leaders [3]model.ProcessID
		want    bool
	}{{[3]model.ProcessID{0, 1, 0}, true}, {[3]model.ProcessID{0, 0, 2}, false}, {[3]model.ProcessID{1, 1, 1}, false}, {[3]model.ProcessID{2, 7, 2}, true}} {
		if got := model.OmegaAdmits(f, constant(tt.leaders[:]...)); got != tt.want {
			t.Errorf("Omega and the leaders %v: %v", tt.leaders, got)
		}
	}
	set := model.ProcessesOf
	for _, tt := range []struct {
		quorums [3]model.ProcessSet
		want    bool
	}{
		{[3]model.ProcessSet{set(0, 2), set(0, 1), set(0)}, true},
		{[3]model.ProcessSet{set(0), set(0, 2), set(2)}, false},       // disjoint
		{[3]model.ProcessSet{set(0, 1), set(0, 1), set(0, 1)}, false}, // p1 crashes
		{[3]model.ProcessSet{set(0), set(1), set(0)}, false},          // p1 says so before it crashes
	} {
		if got := model.SigmaAdmits(f, constant(tt.quorums[:]...)); got != tt.want {
			t.Errorf("Sigma and the quorums %v: %v", tt.quorums, got)
		}
	}
	for _, tt := range []struct {
		counts []model.Count
		want   bool
	}{
		{[]model.Count{{1, true}, {9, false}, {0, true}}, true},
		{[]model.Count{{1, true}, {9, true}, {0, true}}, false},
		{[]model.Count{{1, true}, {9, false}, {0, false}}, false},
	} {
		if got := model.HeartbeatAdmits(f, constant(tt.counts, tt.counts, tt.counts)); got != tt.want {
			t.Errorf("HB and the counts %v: %v", tt.counts, got)
		}
	}
	// Of T, p1, which crashes at 5, is suspected after having been trusted; and p2, which does not,
	// is trusted in the end.
	for _, tt := range []struct {
		at   model.Time
		want bool
	}{{0, true}, {3, false}, {5, true}} {
		h := constant(set(2), set(), set())
		h.Outputs[0] = append(h.Outputs[0], model.Said[model.ProcessSet]{From: 7, Value: set(1)})
		h.Outputs[2] = append(h.Outputs[2], model.Said[model.ProcessSet]{From: tt.at, Value: set(1)})
		if tt.at == 0 {
			h.Outputs[2] = h.Outputs[2][1:]
		}
		if got := model.TrustingAdmits(f, h); got != tt.want {
			t.Errorf("T and a suspicion from %d on: %v", tt.at, got)
		}
	}
	falling := constant([]model.Count{{3, true}, {0, false}}, []model.Count{{0, true}, {0, true}})
	falling.Outputs[0] = append(falling.Outputs[0], model.Said[[]model.Count]{From: 2, Value: []model.Count{{2, true}, {0, false}}})
	if model.HeartbeatAdmits(model.FailurePattern{CrashedAt: []model.Time{model.Never, 1}}, falling) {
		t.Error("HB allows a counter that decreases")
	}
}

func TestEnvironment(t *testing.T) {
	e := model.Environment{N: 3, F: 1}
	one, two := model.NewFailurePattern(3), model.NewFailurePattern(3)
	one.CrashedAt[1], two.CrashedAt[1], two.CrashedAt[2] = 4, 4, 9
	if !e.Has(one) || e.Has(two) || e.Has(model.NewFailurePattern(2)) || !e.MajorityCorrect() || (model.Environment{N: 4, F: 2}).MajorityCorrect() {
		t.Error("environments of at most f crashes")
	}
}
