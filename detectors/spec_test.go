package detectors_test

import (
	"errors"
	"slices"
	"testing"

	"suspect/detectors"
	"suspect/model"
)

func TestAll(t *testing.T) {
	var names []string
	for _, s := range detectors.All() {
		names = append(names, s.Name)
		if s.Source == "" || s.Doc == "" || len(s.Claims) == 0 && s.Name != "heartbeat-counter" && s.Name != "untyped-partition" {
			t.Errorf("%s lacks its source, doc or claims", s.Name)
		}
		for _, p := range s.Params {
			if p.Doc == "" || p.Default == "" && !p.Optional {
				t.Errorf("%s: parameter %s lacks doc or default", s.Name, p.Name)
			}
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("%v is not in order", names)
	}
	for _, name := range []string{"nfd-e", "nfd-s", "timeout"} {
		if !slices.Contains(names, name) {
			t.Errorf("%v lacks %s", names, name)
		}
	}
}

func TestRegisterPanics(t *testing.T) {
	nothing := func(detectors.Env, model.Params) (model.Automaton, error) { return nil, nil }
	for name, s := range map[string]detectors.Spec{
		"twice":   {Name: "timeout", New: nothing},
		"no name": {New: nothing},
		"no New":  {Name: "hollow"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			detectors.Register(s)
		})
	}
	if _, ok := detectors.Lookup("hollow"); ok {
		t.Error("registered all the same")
	}
}

func TestBadParameters(t *testing.T) {
	for _, c := range []struct{ detector, parameter, value, want string }{
		{"timeout", "eta", "0s", `parameter "eta": 0s is too short: at least 1ps`},
		{"timeout", "eta", "200h", `parameter "eta": 720000s is too long: at most 576460.752303423488s`},
		{"timeout", "timeout", "0s", `parameter "timeout": 0s is too short: at least 1ps`},
		{"nfd-s", "delta", "1000h", `parameter "delta": 3600000s is too long: at most 576460.752303423488s`},
		{"nfd-e", "alpha", "1000h", `parameter "alpha": 3600000s is too long: at most 576460.752303423488s`},
		{"nfd-e", "n", "0", `parameter "n": 0 is out of range: from 1 to 65536 heartbeats`},
		{"nfd-e", "n", "65537", `parameter "n": 65537 is out of range: from 1 to 65536 heartbeats`},
	} {
		_, err := build(t, c.detector, map[string]string{c.parameter: c.value})(detectors.Env{N: 2, Watch: []model.ProcessID{1}})
		var p *model.ParamError
		if !errors.As(err, &p) || p.Name != c.parameter || err.Error() != c.want {
			t.Errorf("%s %s=%s: %v", c.detector, c.parameter, c.value, err)
		}
	}
}

func TestBadEnv(t *testing.T) {
	ids := func(p ...model.ProcessID) []model.ProcessID { return p }
	for _, env := range []detectors.Env{
		{Self: 2, N: 2},
		{Self: -1, N: 2},
		{N: 3, Watch: ids(0, 1)},
		{N: 3, Watch: ids(2, 1)},
		{N: 3, Watch: ids(1, 1)},
		{N: 3, Watch: ids(3)},
		{N: 3, Watchers: ids(-1)},
	} {
		for _, s := range detectors.All() {
			if !s.Heartbeats {
				continue
			}
			if _, err := build(t, s.Name, nil)(env); err == nil {
				t.Errorf("%s: no error for %+v", s.Name, env)
			}
		}
	}
}
