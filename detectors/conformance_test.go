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

// Every registered detector keeps the contract, with its default parameters.
func TestConformance(t *testing.T) {
	for _, s := range detectors.All() {
		t.Run(s.Name, func(t *testing.T) {
			detectortest.Test(t, build(t, s.Name, nil), model.Second)
		})
	}
}

// And with parameters at their edges.
func TestConformanceOfOddParameters(t *testing.T) {
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
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := detectortest.Check(build(t, c.name, c.given), 10*model.Millisecond); err != nil {
				t.Error(c.given, err)
			}
		})
	}
}
