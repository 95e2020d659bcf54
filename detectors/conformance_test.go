package detectors_test

import (
	"testing"

	"suspect/detectors"
	"suspect/detectors/detectortest"
	"suspect/model"
)

// build returns a maker of the named detector with the given parameters.
func build(t testing.TB, name string, given map[string]string) detectortest.New {
	t.Helper()
	s, ok := detectors.Lookup(name)
	if !ok {
		t.Fatalf("no detector %q", name)
	}
	p, errs := model.NewParams(s.Params, given)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return func(env detectors.Env) (model.Automaton, error) { return s.New(env, p) }
}

// Every registered detector keeps the contract, with its default parameters. Those whose
// messages all have a body of their own, immutable for ever, cannot but allocate it.
func TestConformance(t *testing.T) {
	allocates := map[string]bool{"gossip": true}
	fast := map[string]model.Duration{"badabing": 50 * model.Millisecond} // whose slots are milliseconds
	for _, s := range detectors.All() {
		t.Run(s.Name, func(t *testing.T) {
			period := model.Second
			if p, ok := fast[s.Name]; ok {
				period = p
			}
			if allocates[s.Name] {
				if err := detectortest.Check(build(t, s.Name, nil), period); err != nil {
					t.Error(err)
				}
				return
			}
			detectortest.Test(t, build(t, s.Name, nil), period)
		})
	}
}

// And with parameters at their edges.
func TestConformanceOfOddParameters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		given map[string]string
	}{
		{"timeout", map[string]string{"eta": "10ms", "timeout": "1ps", "stagger": "false"}},
		{"timeout", map[string]string{"eta": "10ms", "timeout": "10ms"}},
		{"nfd-s", map[string]string{"eta": "10ms", "delta": "0s", "stagger": "false"}},
		{"nfd-s", map[string]string{"eta": "10ms", "delta": "3.3ms"}},
		{"nfd-s", map[string]string{"eta": "10ms", "delta": "75ms"}},
		{"nfd-e", map[string]string{"eta": "10ms", "alpha": "0s", "n": "1", "stagger": "false"}},
		{"nfd-e", map[string]string{"eta": "10ms", "alpha": "7ms", "n": "3"}},
		{"gossip", map[string]string{"t-gossip": "10ms", "t-fail": "25ms", "t-cleanup": "25ms", "stagger": "false"}},
		{"gossip", map[string]string{"t-gossip": "10ms", "t-fail": "1ps"}},
		{"rapid", map[string]string{"interval": "10ms", "k": "1", "h": "1", "l": "1", "window": "1", "failures": "1", "stagger": "false"}},
		{"rapid", map[string]string{"interval": "10ms", "k": "64", "h": "40", "l": "4", "window": "64", "failures": "3", "fallback": "5"}},
		{"rapid", map[string]string{"interval": "10ms", "window": "0", "failures": "10", "fallback": "0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := detectortest.Check(build(t, c.name, c.given), 10*model.Millisecond); err != nil {
				t.Error(c.given, err)
			}
		})
	}
}
