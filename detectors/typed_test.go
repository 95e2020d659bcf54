package detectors_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"suspect/detectors"
	"suspect/detectors/detectortest"
	"suspect/model"
)

// Typed detectors declare kinds, take the granularity of their reports, answer queries and
// give reasons; those that ask agents refuse to be made without a map.
func TestTyped(t *testing.T) {
	typed := 0
	for _, s := range detectors.All() {
		env := detectors.Env{N: 3, Watch: []model.ProcessID{1, 2}, Map: starOf(3)}
		if s.Asks && s.Name != "merger" { // whose parts decide
			nowhere := env
			nowhere.Map = nil
			if _, err := build(t, s.Name, nil)(nowhere); err == nil {
				t.Errorf("%s is made without a map of those it asks", s.Name)
			}
			nowhere.Map = starOf(2)
			if _, err := build(t, s.Name, nil)(nowhere); err == nil {
				t.Errorf("%s is made on a map without a host for each process", s.Name)
			}
		}
		if s.Typed != (len(s.Kinds) > 0) || !slices.IsSorted(s.Kinds) {
			t.Errorf("%s: typed is %v, and its kinds are %v", s.Name, s.Typed, s.Kinds)
		}
		if !s.Typed {
			continue
		}
		typed++
		a, err := build(t, s.Name, nil)(env)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := a.(detectors.Typed); !ok {
			t.Errorf("%s does not answer queries", s.Name)
		}
		if _, ok := a.(detectors.Explainer); !ok {
			t.Errorf("%s gives no reasons", s.Name)
		}
		var wrong *model.ParamError
		if _, err := build(t, s.Name, map[string]string{"report": "all"})(env); !errors.As(err, &wrong) || wrong.Name != "report" {
			t.Errorf("%s report=all: %v", s.Name, err)
		}
	}
	if typed < 5 {
		t.Errorf("only %d are typed", typed)
	}
}

func TestTypedBadParameters(t *testing.T) {
	for _, c := range []struct{ detector, parameter, value, want string }{
		{"untyped-crash", "base", "swim", `parameter "base": swim does not live on heartbeats alone: write timeout, nfd-e or the like`},
		{"untyped-crash", "base", "", `parameter "base": names no detector: write one, and its parameters, as: timeout eta=1s`},
		{"untyped-crash", "report", "most", `parameter "report": "most" is none of: kind, place, full`},
		{"falcon", "probe", "1ns", `parameter "probe": 1ns is too short: at least 1us`},
		{"falcon", "retries", "101", `parameter "retries": 101 is too many: at most 100`},
		{"pigeon", "eta", "0s", `parameter "eta": 0s is too short: at least 1us`},
		{"albatross", "manager", "3", `parameter "manager": 3 is not a process: from 0 to 2`},
		{"albatross", "retries", "1000", `parameter "retries": 1000 is too many: at most 100`},
		{"albatross", "rejoin", "100h", `parameter "rejoin": 360000s is too long: at most 9007.199254740992s`},
	} {
		_, err := build(t, c.detector, map[string]string{c.parameter: c.value})(detectors.Env{N: 3, Watch: []model.ProcessID{1}, Map: starOf(3)})
		var p *model.ParamError
		if !errors.As(err, &p) || p.Name != c.parameter || err.Error() != c.want {
			t.Errorf("%s %s=%s: %v", c.detector, c.parameter, c.value, err)
		}
	}
}

// The contract holds for coarse reports, and other parameters, too.
func TestConformanceOfTyped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		given map[string]string
	}{
		{"untyped-partition", map[string]string{"base": "phi eta=100ms", "report": "kind"}},
		{"falcon", map[string]string{"lethal": "false", "report": "kind", "end-to-end": "10s"}},
		{"falcon", map[string]string{"retries": "0", "response": "1us", "report": "place", "retry": "200ms"}},
		{"pigeon", map[string]string{"report": "kind", "eta": "300ms", "timeout": "2s"}},
		{"albatross", map[string]string{"report": "place", "manager": "1", "retries": "0", "rejoin": "1s"}},
	} {
		t.Run(fmt.Sprint(c.name, c.given), func(t *testing.T) {
			make := build(t, c.name, c.given)
			if err := detectortest.Check(func(env detectors.Env) (model.Automaton, error) {
				if env.N == 1 && c.name == "albatross" { // which has no process 1
					return build(t, c.name, nil)(env)
				}
				return make(env)
			}, 100*model.Millisecond); err != nil {
				t.Error(err)
			}
		})
	}
}

// Coarser reports tell less, never anything else: the verdicts of a coarse detector are those
// of the full one, without the warnings, and without what is left out.
func TestCoarseReports(t *testing.T) {
	told := 0
	for _, name := range []string{"falcon", "pigeon", "albatross", "untyped-crash"} {
		var full []model.Verdict
		for _, report := range []string{"full", "place", "kind"} {
			w := newWorld(t, 3, name, map[string]string{"report": report})
			a := withAgents(w)
			w.start()
			w.until(at(second))
			a.machines[2].dark = true
			w.until(at(3 * second))
			a.machines[2].dark = false
			a.crash(1, false)
			w.until(at(30 * second))
			var said []model.Verdict
			for _, c := range w.changes[0] {
				said = append(said, c.Verdict)
			}
			if report == "full" {
				full = said
				continue
			}
			var want []model.Verdict
			for _, v := range full {
				v.Certainty, v.Lasts = 0, 0
				if report == "kind" {
					v.Place = model.Nowhere
				}
				want = append(want, v)
			}
			told += len(want)
			if !slices.Equal(said, want) {
				t.Errorf("%s report=%s says %v, want %v", name, report, said, want)
			}
		}
	}
	if told < 16 {
		t.Errorf("only %d verdicts", told)
	}
}

// A typed detector that is loaded from its state, or copied, answers as the one that it comes
// from, with places, certainties, durations and reasons: all but since when.
func TestStatesKeepFindings(t *testing.T) {
	t.Parallel()
	places, certain, lasting := 0, 0, 0
	for _, s := range detectors.All() {
		if !s.Typed {
			continue
		}
		for _, report := range []string{"full", "kind"} {
			env := detectors.Env{N: 4, Watch: []model.ProcessID{1, 2, 3}, Watchers: []model.ProcessID{1, 2, 3}, Map: starOf(4)}
			make := func() detectors.Typed {
				a, err := build(t, s.Name, map[string]string{"report": report})(env)
				if err != nil {
					t.Fatal(err)
				}
				return a.(detectors.Typed)
			}
			d, dice := make(), splitMix(7)
			var asked []model.Time
			var out model.Output
			at := model.Time(0)
			step := func(in model.Input) {
				out.Reset()
				in.Random = &dice
				d.Step(at, &in, &out)
				if len(out.Send) > 0 {
					asked = append(asked, at)
				}
			}
			step(model.Input{Kind: model.Start})
			for i := range 400 {
				if next := at.Add(model.Duration(1 + dice.IntN(int(200*ms)))); out.Wake <= next {
					at = max(at, out.Wake)
					step(model.Input{Kind: model.Wake})
				} else {
					at = next
					step(model.Input{Kind: model.Inform, Evidence: randomEvidence(&dice, asked)})
				}
				copied, loaded := d.Clone().(detectors.Typed), make()
				if rest, err := loaded.LoadState(d.AppendState(nil, at), at); err != nil || len(rest) > 0 {
					t.Fatalf("%s: its own state is refused: %v, %d bytes left", s.Name, err, len(rest))
				}
				for q := range model.ProcessID(4) {
					for name, other := range map[string]detectors.Typed{"copied": copied, "loaded": loaded} {
						want, wantWhy := answersOf(d, q, at)
						got, why := answersOf(other, q, at)
						if !slices.Equal(got, want) || !slices.Equal(why, wantWhy) {
							t.Fatalf("%s report=%s, step %d: %s, it holds of %d %+v by %v, want %+v by %v", s.Name, report, i, name, q, got, why, want, wantWhy)
						}
						for _, r := range wantWhy {
							if report == "kind" && r.Place != model.Nowhere {
								t.Fatalf("%s tells of a place: %v", s.Name, r)
							}
						}
						for _, f := range want {
							if report == "kind" && f != (model.Finding{Kind: f.Kind}) {
								t.Fatalf("%s tells more than the kind: %+v", s.Name, f)
							}
							places += count(f.Place != model.Nowhere)
							certain += count(f.Certainty != 0)
							lasting += count(f.Lasts != 0)
						}
					}
				}
			}
		}
	}
	if places < 1000 || certain < 1000 || lasting < 1000 {
		t.Errorf("only %d places, %d certainties and %d durations compared", places, certain, lasting)
	}
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// answersOf returns what is held of a peer, and why, without since when.
func answersOf(d detectors.Typed, q model.ProcessID, now model.Time) ([]model.Finding, []detectors.Reason) {
	findings := d.Findings(q, now, nil)
	for i := range findings {
		findings[i].Since = 0
	}
	reasons := d.(detectors.Explainer).Explain(q, now, nil)
	for i := range reasons {
		reasons[i].At = 0
	}
	return findings, reasons
}

// randomEvidence is of any kind, in answer to any of the last questions or to none, on four
// hosts at the switch 4.
func randomEvidence(dice *splitMix, asked []model.Time) *model.Evidence {
	e := &model.Evidence{
		Kind: model.EvidenceKind(1 + dice.IntN(int(model.EvidenceKinds)-1)), From: model.ProcessID(dice.IntN(5)), About: model.ProcessID(dice.IntN(4)),
		Layer: model.Layer(dice.IntN(int(model.Layers))), Alive: dice.IntN(2) == 0, Killed: dice.IntN(8) == 0,
		Cause: model.DropCause(dice.IntN(8)), Place: model.LinkPlace(int32(dice.IntN(8))), Value: int64(dice.IntN(100_000)), Incarnation: int64(dice.IntN(3)),
	}
	if e.Kind == model.Liveness && dice.IntN(4) > 0 {
		e.From = e.About
	}
	if k := len(asked); dice.IntN(2) == 0 && k > 0 {
		e.Seq = int64(asked[k-1-dice.IntN(min(k, 3))]) + 1
	}
	return e
}
