package detectors

import (
	"math"
	"testing"

	"suspect/model"
)

// The certainty of the winner is what Dempster's rule gives when it is carried out in full:
// masses on sets of rivals, intersected pairwise, without the mass of the empty set. It is
// never rounded up to a certainty.
func TestMergerAgainstDempster(t *testing.T) {
	random := uint64(1)
	next := func(n uint64) uint64 {
		random = random*6364136223846793005 + 1442695040888963407
		return random >> 33 % n
	}
	all := 1<<len(rivals) - 1
	for trial := range 2000 {
		masses := map[int]float64{all: 1}
		var facts [model.Wedge + 1]support
		for k := range facts {
			facts[k].doubt = 1
		}
		for range 1 + next(6) {
			r := int(next(uint64(len(rivals))))
			c := model.Certainty(1 + next(999))
			facts[rivals[r]].add(model.Finding{Kind: rivals[r], Certainty: c})
			joined := map[int]float64{}
			for set := range all + 1 {
				m := masses[set]
				joined[set&(1<<r)] += m * float64(c) / 1000
				joined[set] += m * (1 - float64(c)/1000)
			}
			masses = joined
		}
		winner, got := explain(&facts)
		best, kind := 0.0, model.Unspecified
		for r, k := range rivals {
			if b := masses[1<<r] / (1 - masses[0]); b > best+1e-9 {
				best, kind = b, k
			}
		}
		if math.Abs(float64(got)-min(1000*best, 999)) > 0.51 || winner != kind {
			t.Fatalf("trial %d: %v with %d, by the rule %v with %v", trial, winner, got, kind, 1000*best)
		}
	}
}

// What is certain wins, and of several such the first rival; of no kind is said what has no
// other; and what holds beside the rivals is joined for itself.
func TestMergerPrecedence(t *testing.T) {
	type said map[model.FailureKind]model.Certainty
	for _, c := range []struct {
		name  string
		parts [][]model.Finding
		want  said
	}{
		{"nothing", [][]model.Finding{nil, nil}, said{}},
		{"no kind", [][]model.Finding{{{Kind: model.Unspecified}}, nil}, said{model.Unspecified: 500}},
		{"no kind and one", [][]model.Finding{{{Kind: model.Unspecified}}, {{Kind: model.HostCrash, Certainty: 166}}}, said{model.HostCrash: 166}},
		{"two of a kind", [][]model.Finding{{{Kind: model.Partition, Certainty: 500}}, {{Kind: model.Partition, Certainty: 500}}}, said{model.Partition: 750}},
		// o = 0.166/0.834 = 0.199 and 1: 1/(1 + 1.199) = 0.4548
		{"rivals", [][]model.Finding{{{Kind: model.HostCrash, Certainty: 166}}, {{Kind: model.RouteFailure, Certainty: 500}}}, said{model.RouteFailure: 455}},
		{"equal rivals", [][]model.Finding{{{Kind: model.Stall, Certainty: 500}}, {{Kind: model.Partition, Certainty: 500}}}, said{model.Partition: 333}},
		{"certain", [][]model.Finding{{{Kind: model.HostCrash, Certainty: 900}}, {{Kind: model.Wedge, Certainty: 1000}}}, said{model.Wedge: 1000}},
		{"contradiction", [][]model.Finding{{{Kind: model.Wedge, Certainty: 1000}}, {{Kind: model.HostCrash, Certainty: 1000}}}, said{model.HostCrash: 1000}},
		{"all but certain", [][]model.Finding{{{Kind: model.Stall, Certainty: 990}, {Kind: model.Congestion, Certainty: 990}}, {{Kind: model.Stall, Certainty: 990}, {Kind: model.Congestion, Certainty: 990}}},
			said{model.Stall: 999, model.Congestion: 999}},
		{"beside", [][]model.Finding{{{Kind: model.Congestion, Certainty: 500}}, {{Kind: model.Congestion, Certainty: 800}, {Kind: model.Stall, Certainty: 1000}}},
			said{model.Congestion: 900, model.Stall: 1000}},
		{"untold", [][]model.Finding{{{Kind: model.Stall}}}, said{model.Stall: 500}},
		{"warning", [][]model.Finding{{{Kind: model.HostCrash, Certainty: 700, Warning: true}}, {{Kind: model.Stall, Certainty: 1000}}},
			said{model.HostCrash: 700, model.Stall: 1000}},
	} {
		d := &merger{opinions: opinions{reportFull, newPeers([]model.ProcessID{1}), make([][]opinion, 1)}}
		for _, findings := range c.parts {
			d.parts = append(d.parts, fixed{findings: findings})
		}
		var out model.Output
		d.join(0, 0, &out)
		got := said{}
		for _, f := range d.Findings(1, 0, nil) {
			got[f.Kind] = f.Certainty
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		for k, want := range c.want {
			if got[k] != want {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		}
	}
}

// The place is that of the most certain finding, and of several such of the first part's.
func TestMergerPlace(t *testing.T) {
	at := func(node model.ProcessID, c model.Certainty) fixed {
		return fixed{findings: []model.Finding{{Kind: model.Partition, Certainty: c, Place: model.NodePlace(node)}}}
	}
	for _, c := range []struct {
		parts []Typed
		want  model.Place
	}{
		{[]Typed{at(5, 500), at(6, 700), at(7, 700)}, model.NodePlace(6)},
		{[]Typed{at(5, 700), at(6, 700), at(7, 500)}, model.NodePlace(5)},
	} {
		d := &merger{opinions: opinions{reportFull, newPeers([]model.ProcessID{1}), make([][]opinion, 1)}, parts: c.parts}
		var out model.Output
		d.join(0, 0, &out)
		if got := d.Findings(1, 0, nil); len(got) != 1 || got[0].Place != c.want {
			t.Errorf("%+v, want %v", got, c.want)
		}
	}
}

// fixed is a part that always says the same.
type fixed struct {
	model.Automaton
	findings []model.Finding
}

func (f fixed) Findings(_ model.ProcessID, _ model.Time, to []model.Finding) []model.Finding {
	return append(to, f.findings...)
}

func TestMergerRefusesParts(t *testing.T) {
	s, _ := Lookup("merger")
	for text, want := range map[string]string{
		"differential -- merger":   `parameter "parts": a merger cannot be a part of one: name its parts`,
		"timeout":                  `parameter "parts": "timeout" names no kinds of failure: only typed detectors can be parts`,
		"differential -- ":         `parameter "parts": names no detector: write one, and its parameters, as: timeout eta=1s`,
		"differential paths=0":     `parameter "parts": differential: parameter "paths": 0 is out of range: from 1 to 8`,
		"differential--telepathic": `parameter "parts": "telepathic" is not a detector that can accuse`,
	} {
		p, errs := model.NewParams(s.Params, map[string]string{"parts": text})
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		if _, err := s.New(Env{N: 2, Watch: []model.ProcessID{1}}, p); err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %v", text, err, want)
		}
	}
}

// changeable is a part of which the certainty changes without a verdict, as it may.
type changeable struct {
	fixed
	wakes model.Time
	turn  func(in *model.Input) bool // tells whether it changes
	next  model.Certainty
}

func (c *changeable) Step(_ model.Time, in *model.Input, out *model.Output) {
	if out.Wake = c.wakes; c.turn(in) {
		c.findings[0].Certainty = c.next
	}
}

// A part that becomes more certain of what it says, by evidence that is about nobody or as
// time passes, gives no verdict: the joint report follows all the same.
func TestMergerFollowsCertainty(t *testing.T) {
	for name, c := range map[string]struct {
		in   model.Input
		turn func(*model.Input) bool
	}{
		"evidence": {model.Input{Kind: model.Inform, Evidence: &model.Evidence{Kind: model.LinkState, About: model.Nobody}},
			func(in *model.Input) bool { return in.Kind == model.Inform }},
		"time": {model.Input{Kind: model.Wake}, func(*model.Input) bool { return true }},
	} {
		part := &changeable{fixed{findings: []model.Finding{{Kind: model.Partition, Certainty: 500}}}, 10, c.turn, 900}
		stall := fixed{findings: []model.Finding{{Kind: model.Stall, Certainty: 800}}}
		quiet := &changeable{stall, model.Never, func(*model.Input) bool { return false }, 0}
		d := &merger{opinions: opinions{reportFull, newPeers([]model.ProcessID{1}), make([][]opinion, 1)}, parts: []Typed{part, quiet}, wakes: []model.Time{10, model.Never}}
		var out model.Output
		d.join(0, 0, &out)
		if got := d.Findings(1, 0, nil); len(got) != 1 || got[0].Kind != model.Stall {
			t.Errorf("%s: at first %v", name, got)
		}
		out.Reset()
		d.Step(10, &c.in, &out)
		// o = 9 and 4: 9/14
		if got := d.Findings(1, 10, nil); len(got) != 1 || got[0].Kind != model.Partition || got[0].Certainty != 643 || len(out.Verdicts) != 2 {
			t.Errorf("%s: in the end %v by %v", name, got, out.Verdicts)
		}
	}
}
