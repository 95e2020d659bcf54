package explorable

import (
	"errors"
	"strings"
	"testing"

	"suspect/model"
	"suspect/properties"
	"suspect/properties/explore"
)

// cases are systems and what theory says of them: the properties that are violated; all
// others that are asked for hold.
var cases = []struct {
	name     string
	params   string
	e        Environment
	ask      string // properties; those that are to hold if empty
	violated string
}{
	// The eventually perfect detector (Chandra and Toueg 1996), and one whose timeout
	// cannot grow.
	{"adaptive", "", Environment{Processes: 2, Crashes: 1, Delta: 2, Phi: 2}, "", ""},
	{"adaptive", "most=4silent", Environment{Processes: 2, Crashes: 1, Delta: 2, Phi: 1, Stabilises: true}, "", ""},
	{"adaptive", "", Environment{Processes: 2, Crashes: 1, Delta: 2, Phi: 2, Symmetry: true}, "strong-accuracy", "strong-accuracy"},
	{"timeout", "", Environment{Processes: 2, Crashes: 1, Delta: 2, Phi: 2, Stabilises: true}, "", "eventual-strong-accuracy"},
	{"timeout", "timeout=5silent", Environment{Processes: 2, Crashes: 1, Delta: 2, Phi: 2}, "strong-accuracy strong-completeness", ""},
	{"timeout", "timeout=4silent", Environment{Processes: 2, Crashes: 1, Delta: 2, Phi: 2}, "strong-accuracy strong-completeness", "strong-accuracy"},

	// Consensus with S, for all crashes but one; it is not indulgent.
	{"consensus-s", "", Environment{Processes: 2, Crashes: 1}, "", ""},
	{"consensus-s", "detector=P", Environment{Processes: 2, Crashes: 2}, "", ""},
	{"consensus-s", "detector=<>P", Environment{Processes: 2, Crashes: 1}, "agreement validity", "agreement"},
	{"consensus-s", "detector=arbitrary", Environment{Processes: 2, Crashes: 0}, "agreement uniform-agreement validity integrity", "agreement uniform-agreement"},
	{"consensus-s", "detector=arbitrary", Environment{Processes: 2, Crashes: 0, Reduce: true}, "agreement uniform-agreement validity integrity", "agreement uniform-agreement"},

	// Indulgent: safe whatever the detector says, though a majority crashes.
	{"consensus-eventually-s", "rounds=2", Environment{Processes: 2, Crashes: 2}, "", ""},
	{"consensus-eventually-s", "", Environment{Processes: 3, Crashes: 2, Reduce: true}, "", ""},
	{"consensus-eventually-s", "", Environment{Processes: 2, Crashes: 1}, "termination", "termination"},
	{"consensus-eventually-s", "detector=P rounds=2", Environment{Processes: 2, Crashes: 0}, "termination uniform-agreement", ""},
	{"consensus-omega", "", Environment{Processes: 2, Crashes: 2}, "", ""},
	{"consensus-omega", "detector=Omega lies=0", Environment{Processes: 3, Crashes: 0}, "termination uniform-agreement", ""},
	{"consensus-omega", "detector=Omega", Environment{Processes: 2, Crashes: 0, Losses: 1}, "termination", "termination"}, // links are to be reliable
	{"atomic-broadcast", "messages=2", Environment{Processes: 2, Crashes: 1}, "", ""},

	// Agreement of broadcast is uniform on reliable links and not on quasi-reliable ones,
	// where a majority of acknowledgements restores it, while a majority is correct.
	{"reliable-broadcast", "", Environment{Processes: 3, Crashes: 2}, "", ""},
	{"reliable-broadcast", "", Environment{Processes: 3, Crashes: 1, QuasiReliable: true}, "", "uniform-agreement"},
	{"uniform-broadcast", "", Environment{Processes: 3, Crashes: 1, QuasiReliable: true}, "", ""},
	{"uniform-broadcast", "", Environment{Processes: 3, Crashes: 2, QuasiReliable: true}, "", "validity uniform-agreement"},
	{"reliable-broadcast", "messages=2", Environment{Processes: 2, Crashes: 1, Ordered: true, Duplicates: 1}, "", ""},
	{"reliable-broadcast", "", Environment{Processes: 3, Duplicates: explore.Unlimited}, "no-duplication no-creation", ""},
	{"reliable-broadcast", "", Environment{Processes: 2, Losses: 1}, "agreement validity", "agreement"},
}

func given(text string) map[string]string {
	all := map[string]string{}
	for _, f := range strings.Fields(text) {
		name, value, _ := strings.Cut(f, "=")
		all[name] = value
	}
	return all
}

// Each has the verdicts that theory foretells, and whatever is violated is so again: after
// it was written and read, in the explorer and in the simulator.
func TestVerdicts(t *testing.T) {
	for _, c := range cases {
		t.Run(strings.Join(strings.Fields(c.name+" "+c.params), ","), func(t *testing.T) {
			t.Parallel()
			o, err := Open(c.name, given(c.params), c.e)
			if err != nil {
				t.Fatal(err)
			}
			props := o.Properties[:o.Default]
			if c.ask != "" {
				props = nil
				for _, p := range o.Properties {
					if strings.Contains(" "+c.ask+" ", " "+p.Name+" ") {
						props = append(props, p)
					}
				}
				if len(props) != len(strings.Fields(c.ask)) {
					t.Fatalf("of %s there are only %s", c.ask, Names(props))
				}
			}
			s, err := explore.NewSearch(o.System, explore.Options{Workers: 1}, props...)
			if err != nil {
				t.Fatal(err)
			}
			r, err := s.Run()
			if err != nil {
				t.Fatal(err)
			}
			t.Log(r)
			for i, f := range r.Findings {
				want := properties.Holds
				if strings.Contains(" "+c.violated+" ", " "+f.Property+" ") {
					want = properties.Violated
				}
				if f.Outcome != want {
					t.Errorf("%s: %v, want %v: %s", f.Property, f.Outcome, want, f.Reason)
				}
				if f.Outcome == properties.Violated {
					again(t, o, c.e, f.Counterexample, props[i])
				}
			}
		})
	}
}

// again runs a counterexample again.
func again(t *testing.T, o *Opened, e Environment, c *explore.Counterexample, p explore.Property) {
	t.Helper()
	trace, err := c.Trace(o.System, nil)
	if err != nil {
		t.Fatal(err)
	}
	e.Symmetry, e.Reduce = false, false
	other, err := Open(o.Name, o.Params, e)
	if err != nil {
		t.Fatal(err)
	}
	run, err := trace.Retrace(other.System)
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Shows(other.System, p); err != nil {
		t.Error(err)
	}
	simulation, err := explore.SimulationOf(other.System)
	if err != nil {
		t.Fatal(err)
	}
	if err := simulation.Run(run, 2, nil); err != nil {
		t.Errorf("%s: %v\n%s", p.Name, err, strings.Join(run.Swimlane(e.Processes, o.Message), "\n"))
	}
}

func TestWrongParameters(t *testing.T) {
	for _, c := range []struct{ name, params, wrong string }{
		{"adaptive", "timeout=twosilent", "timeout"},
		{"adaptive", "timeout=-1silent", "timeout"},
		{"consensus-s", "detector=R", "detector"},
		{"consensus-omega", "detector=S", "detector"},
		{"reliable-broadcast", "messages=-1", "messages"},
	} {
		_, err := Open(c.name, given(c.params), Environment{Processes: 2, Delta: 1, Phi: 1})
		if wrong := new(model.ParamError); !errors.As(err, &wrong) || wrong.Name != c.wrong {
			t.Errorf("%s %s: %v", c.name, c.params, err)
		}
	}
	if _, err := Open("nobody", nil, Environment{Processes: 2}); err == nil {
		t.Error("something is explored that does not exist")
	}
}

// A system of three processes, in asynchrony.
func BenchmarkInterleaved(b *testing.B) {
	transitions := int64(0)
	for b.Loop() {
		o, err := Open("consensus-eventually-s", nil, Environment{Processes: 3, Crashes: 1})
		if err != nil {
			b.Fatal(err)
		}
		s, err := explore.NewSearch(o.System, explore.Options{Workers: 1})
		if err != nil {
			b.Fatal(err)
		}
		r, err := s.Run()
		if err != nil || !r.Complete {
			b.Fatal(err, r)
		}
		transitions += r.Transitions
	}
	b.ReportMetric(float64(transitions)/b.Elapsed().Seconds()/1e6, "Mtransitions/s")
}
