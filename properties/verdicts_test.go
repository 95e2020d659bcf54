package properties_test

import (
	"strings"
	"testing"

	"suspect/model"
	"suspect/properties"
)

// TestVerdicts: for every property a good, a bad, a vacuous and an open run, with what
// the reason says. Times in milliseconds; bounds in milliseconds, negative for none.
func TestVerdicts(t *testing.T) {
	const (
		holds    = properties.Holds
		violated = properties.Violated
		open     = properties.Inconclusive
	)
	quiet := story(3, 0, 100)
	detected := story(3, 0, 100, "c 50 1", "s 53 0 1", "s 58 2 1")
	mistaken := story(3, 0, 100, "s 10 0 1", "t 20 0 1", "s 30 0 1", "t 35 0 1")
	allMistaken := story(3, 0, 100, "s 10 0 1", "s 12 1 2", "s 14 2 0", "t 40 0 1", "t 40 1 2", "t 40 2 0")
	allCrashed := story(2, 0, 100, "c 10 0", "c 20 1")
	tests := []struct {
		property               string
		run                    run
		within, from, mistakes int
		outcome                properties.Outcome
		checked                int
		reason                 string
		witnesses              int
	}{
		{"strong-completeness", detected, 10, -1, -1, holds, 2, "every crash was detected within 10ms and until its end", 0},
		{"strong-completeness", detected, 8, -1, -1, holds, 2, "", 0}, // at the very deadline
		{"strong-completeness", detected, 7, -1, -1, violated, 2, "p2 did not suspect p1 within 7ms of its crash at 50ms (1 of 2 correct monitors missed it)", 1},
		{"strong-completeness", story(3, 0, 100, "c 50 1", "s 53 0 1", "s 53 2 1", "t 70 2 1", "s 71 2 1"), 10, -1, -1, violated, 2, "p2 no longer suspected p1 at 70ms, which had crashed at 50ms", 2},
		{"strong-completeness", detected, -1, -1, -1, open, 2, "no bound was given; consistent at the horizon", 0},
		{"strong-completeness", story(3, 0, 100, "c 50 1"), -1, -1, -1, open, 2, "no bound was given; at the horizon of 100ms, p0 does not suspect p1, which crashed at 50ms", 0},
		{"strong-completeness", quiet, 10, -1, -1, open, 0, "vacuous: no process crashed", 0},
		{"strong-completeness", detected, 51, -1, -1, open, 0, "too short: p1 crashed at 50ms, and the run ends at 100ms, before the bound of 51ms has passed", 0},
		{"strong-completeness", detected, 50, -1, -1, holds, 2, "", 0},
		{"strong-completeness", allCrashed, 10, -1, -1, open, 0, "no process is correct", 0},
		{"strong-completeness", story(2, 0, 100, "c 50 1", "r 60 1"), 10, -1, -1, open, 0, "vacuous: no crash of a process with a correct monitor lasted longer than 10ms", 0},
		{"strong-completeness", story(2, 0, 100, "c 50 1", "r 61 1"), 10, -1, -1, violated, 1, "p0 did not suspect p1", 1},
		{"strong-completeness", story(2, 70, 100, "c 50 1", "s 70 0 1"), 10, -1, -1, holds, 1, "", 0}, // in the warm-up
		{"strong-completeness", story(2, 70, 100, "c 50 1", "s 71 0 1"), 10, -1, -1, violated, 1, "", 1},

		{"weak-completeness", detected, 3, -1, -1, holds, 1, "", 0},
		{"weak-completeness", detected, 2, -1, -1, violated, 1, "(2 of 2 correct monitors missed it)", 1},
		{"weak-completeness", quiet, 10, -1, -1, open, 0, "vacuous", 0},
		{"weak-completeness", detected, -1, -1, -1, open, 1, "consistent at the horizon", 0},

		{"strong-accuracy", quiet, -1, -1, -1, holds, 6, "no process was suspected before it crashed", 0},
		{"strong-accuracy", detected, -1, -1, -1, holds, 6, "", 0},
		{"strong-accuracy", mistaken, -1, -1, -1, violated, 6, "p0 suspected p1 at 10ms; 2 mistakes in all", 1},
		// Who crashes at 10 ms is in F(t) from 10 ms on, whatever the order of the records.
		{"strong-accuracy", story(2, 0, 100, "s 10 0 1", "c 10 1"), -1, -1, -1, holds, 2, "", 0},
		{"strong-accuracy", story(2, 0, 100, "s 10 0 1", "c 10 0"), -1, -1, -1, holds, 2, "", 0},
		{"strong-accuracy", story(3, 0, 100, "s 10 0 1", "c 10 2"), -1, -1, -1, violated, 6, "", 1},
		{"strong-accuracy", story(2, 0, 100, "s 10 0 1", "c 11 1"), -1, -1, -1, violated, 2, "1 mistake in all", 1},
		{"strong-accuracy", story(2, 0, 10, "s 10 0 1"), -1, -1, -1, violated, 2, "1 mistake in all", 1},
		{"strong-accuracy", story(3, 100, 200, "s 60 0 1", "c 100 1"), -1, -1, -1, holds, 2, "", 0},
		{"strong-accuracy", story(3, 100, 200, "s 60 0 1", "t 100 0 1"), -1, -1, -1, violated, 6, "", 1},
		{"strong-accuracy", story(2, 100, 100), -1, -1, -1, open, 2, "too short", 0},
		// Congestion is not a crash: neither mistake nor detection.
		{"strong-accuracy", story(2, 0, 100, "s 10 0 1 congestion"), -1, -1, -1, holds, 2, "", 0},
		{"strong-accuracy", story(2, 0, 100, "s 10 0 1 congestion", "s 20 0 1 host-crash"), -1, -1, -1, violated, 2, "at 20ms", 1},
		{"strong-accuracy", story(2, 0, 100, "s 10 0 1 process-crash"), -1, -1, -1, violated, 2, "", 1},
		{"strong-completeness", story(2, 0, 100, "c 50 1", "s 53 0 1 congestion"), 10, -1, -1, violated, 1, "", 1},
		{"strong-completeness", story(2, 0, 100, "c 50 1", "s 53 0 1 process-crash", "s 54 0 1 stall", "t 70 0 1 stall"), 10, -1, -1, holds, 1, "", 0},
		{"strong-accuracy", story(2, 0, 100, "c 10 1", "s 10 0 1"), -1, -1, -1, holds, 2, "", 0},
		{"strong-accuracy", story(2, 15, 100, "s 10 0 1", "t 14 0 1"), -1, -1, -1, holds, 2, "", 0},
		{"strong-accuracy", story(2, 15, 100, "s 10 0 1", "t 16 0 1"), -1, -1, -1, violated, 2, "p0 suspected p1 at 10ms", 1},
		{"strong-accuracy", story(2, 0, 100, "c 10 1", "r 20 1", "s 30 0 1"), -1, -1, -1, holds, 2, "", 0},
		{"strong-accuracy", story(1, 0, 100), -1, -1, -1, open, 0, "vacuous", 0},
		{"strong-accuracy", allCrashed, -1, -1, -1, open, 2, "no process is correct", 0},
		{"strong-accuracy", story(2, 200, 100, "s 10 0 1"), -1, -1, -1, open, 0, "too short", 0},

		// Before its start a process is neither up nor crashed.
		{"strong-accuracy", story(2, 0, 100, "b 0 0", "s 10 0 1", "t 15 0 1", "b 20 1"), -1, -1, -1, holds, 2, "", 0},
		{"strong-accuracy", story(2, 0, 100, "b 0 0", "s 10 0 1", "b 20 1", "t 25 0 1"), -1, -1, -1, violated, 2, "p0 suspected p1 at 10ms, and still when that started at 20ms; 1 mistake in all between processes that had never crashed", 1},
		{"strong-accuracy", story(2, 30, 100, "b 0 0", "s 10 0 1", "b 20 1", "t 25 0 1"), -1, -1, -1, holds, 2, "", 0},
		{"strong-accuracy", story(2, 0, 100, "b 0 0", "s 10 0 1", "c 15 1", "b 20 1"), -1, -1, -1, open, 0, "vacuous", 0},
		{"strong-accuracy", story(2, 0, 100, "b 0 0", "s 10 0 1"), -1, -1, -1, open, 0, "vacuous", 0},
		{"weak-accuracy", story(2, 0, 100, "b 0 0", "s 10 0 1", "t 15 0 1", "b 20 1"), -1, -1, -1, holds, 2, "", 0},
		{"eventual-strong-accuracy", story(2, 0, 100, "b 0 0", "s 10 0 1", "t 15 0 1", "b 20 1"), -1, 12, 0, holds, 2, "", 0},
		{"eventual-strong-accuracy", story(2, 0, 100, "b 0 0", "s 10 0 1", "b 20 1", "t 25 0 1"), -1, 12, -1, violated, 2, "", 1},
		{"strong-completeness", story(3, 0, 100, "b 0 0", "b 0 1", "c 50 1", "s 53 0 1", "b 58 2"), 10, -1, -1, holds, 1, "", 0},
		{"strong-completeness", story(3, 0, 100, "b 0 0", "b 50 2", "c 50 1", "s 53 0 1"), 10, -1, -1, violated, 2, "", 1},

		{"weak-accuracy", story(3, 0, 100, "s 10 2 0", "s 10 2 1", "c 10 2"), -1, -1, -1, holds, 2, "p0 was never suspected, nor 1 other", 0},
		{"weak-accuracy", mistaken, -1, -1, -1, holds, 3, "p0 was never suspected, nor 1 other", 0},
		{"weak-accuracy", allMistaken, -1, -1, -1, violated, 3, "every correct process was suspected by one that had not crashed", 3},
		{"weak-accuracy", story(1, 0, 100), -1, -1, -1, open, 0, "vacuous", 0},
		{"weak-accuracy", allCrashed, -1, -1, -1, open, 0, "no process is correct", 0},
		// The only process that nobody suspected crashes.
		{"weak-accuracy", story(3, 0, 100, "s 10 0 1", "s 12 1 2", "c 20 0"), -1, -1, -1, violated, 2, "", 2},

		{"eventual-strong-accuracy", mistaken, -1, 36, -1, holds, 6, "no mistake from 36ms on: none in the last 64ms (p0 suspected p1 at 30ms, until 35ms, in mistake number 2)", 0},
		{"eventual-strong-accuracy", mistaken, -1, 35, -1, violated, 6, "", 1},
		{"eventual-strong-accuracy", mistaken, -1, -1, 2, holds, 6, "at most 2 mistakes per pair", 0},
		{"eventual-strong-accuracy", mistaken, -1, -1, 1, violated, 6, "", 1},
		{"eventual-strong-accuracy", mistaken, -1, 36, 1, violated, 6, "", 1},
		{"eventual-strong-accuracy", mistaken, -1, -1, -1, open, 6, "no bound was given; consistent at the horizon", 0},
		{"eventual-strong-accuracy", story(2, 0, 100, "s 90 0 1"), -1, -1, -1, open, 2, "no bound was given; p0 suspected p1 at 90ms, still at the horizon", 0},
		{"eventual-strong-accuracy", story(2, 0, 100, "s 90 0 1"), -1, -1, 1, open, 2, "within the bound so far, but p0 suspected p1 at 90ms, still at the horizon", 0},
		{"eventual-strong-accuracy", quiet, -1, 101, -1, open, 6, "too short: the run ends at 100ms, not after 101ms", 0},
		{"eventual-strong-accuracy", quiet, -1, 100, -1, open, 6, "too short: the run ends at 100ms, not after 100ms", 0}, // nothing would be accepted
		{"eventual-strong-accuracy", quiet, -1, 99, -1, holds, 6, "none in the last 1ms", 0},
		{"eventual-strong-accuracy", story(2, 0, 100, "s 100 0 1"), -1, 100, -1, violated, 2, "", 1},
		{"eventual-strong-accuracy", story(2, 100, 100, "s 50 0 1"), -1, -1, 0, open, 2, "too short", 0},
		{"eventual-strong-accuracy", story(2, 0, 100, "s 10 0 1", "c 90 1"), -1, 20, -1, open, 0, "vacuous", 0},
		{"eventual-strong-accuracy", allCrashed, -1, 20, -1, open, 0, "no process is correct", 0},

		{"eventual-weak-accuracy", mistaken, -1, 0, -1, holds, 3, "", 0},
		{"eventual-weak-accuracy", allMistaken, -1, 40, -1, violated, 3, "", 1},
		{"eventual-weak-accuracy", allMistaken, -1, 41, -1, holds, 3, "", 0},
		{"eventual-weak-accuracy", allMistaken, -1, -1, 0, violated, 3, "", 1},
		{"eventual-weak-accuracy", allMistaken, -1, -1, -1, open, 3, "no bound was given", 0},
		{"eventual-weak-accuracy", story(1, 0, 100), -1, 0, -1, open, 0, "vacuous", 0},
	}
	bound := func(n int) int {
		if n < 0 {
			return n
		}
		return n * int(model.Millisecond)
	}
	covered := map[string]map[properties.Outcome]bool{}
	for _, tt := range tests {
		got := check(t, tt.property, tt.run, bound(tt.within), bound(tt.from), tt.mistakes)
		if got.Outcome != tt.outcome || got.Checked != tt.checked || !strings.Contains(got.Reason, tt.reason) || len(got.Witness) != tt.witnesses {
			t.Errorf("%s within=%d from=%d mistakes=%d of\n%vgot  %v, checked %d, %d witnesses: %s\nwant %v, checked %d, %d witnesses: %s",
				tt.property, tt.within, tt.from, tt.mistakes, tt.run,
				got.Outcome, got.Checked, len(got.Witness), got.Reason, tt.outcome, tt.checked, tt.witnesses, tt.reason)
		}
		if covered[tt.property] == nil {
			covered[tt.property] = map[properties.Outcome]bool{}
		}
		covered[tt.property][got.Outcome] = true
	}
	for _, s := range properties.All() {
		if !s.OfNetwork && !s.Truth && len(covered[s.Name]) != 3 { // those have tests of their own
			t.Errorf("%s is not shown to hold, to be violated and to be inconclusive", s.Name)
		}
	}
}

// TestRegistry: every property says what it is, refuses a malformed Env, and is found
// by its name.
func TestRegistry(t *testing.T) {
	for _, s := range properties.All() {
		if s.Source == "" || s.Doc == "" {
			t.Errorf("%s has no source or doc", s.Name)
		}
		if found, ok := properties.Lookup(s.Name); !ok || found.Name != s.Name {
			t.Errorf("Lookup(%q) = %q, %v", s.Name, found.Name, ok)
		}
		params, errs := model.NewParams(s.Params, nil)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		for _, env := range []properties.Env{
			{N: 2, Watch: properties.WatchAll(3)},
			{N: 2, Watch: [][]model.ProcessID{{0}, {}}},        // itself
			{N: 2, Watch: [][]model.ProcessID{{2}, {}}},        // nobody
			{N: 3, Watch: [][]model.ProcessID{{2, 1}, {}, {}}}, // not increasing
			{N: 3, Watch: [][]model.ProcessID{{1, 1}, {}, {}}},
			{N: 2, Watch: properties.WatchAll(2), WarmUp: -1},
			{N: 2, Watch: properties.WatchAll(2), Names: []string{"a"}},
		} {
			env.Truth = true
			if _, err := s.New(env, params); err == nil {
				t.Errorf("%s accepts %+v", s.Name, env)
			}
		}
	}
	if _, ok := properties.Lookup("nonsense"); ok {
		t.Error("nonsense is registered")
	}
	for _, s := range []properties.Spec{properties.All()[0], {New: properties.All()[0].New}, {Name: "hollow"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a property named %q could be registered", s.Name)
				}
			}()
			properties.Register(s)
		}()
	}
}

// Reasons name processes as the experiment does.
func TestNames(t *testing.T) {
	for _, s := range properties.All() {
		if s.OfNetwork || s.Truth {
			continue
		}
		named := 0
		for _, r := range []run{
			story(2, 0, 100, "s 10 0 1", "t 20 0 1", "s 30 1 0", "t 40 1 0"), story(2, 0, 100, "c 50 1", "s 53 0 1", "t 60 0 1"),
			story(2, 0, 100, "c 50 1"), story(2, 0, 55, "c 50 1"), story(2, 0, 100),
		} {
			r.env.Names = []string{"tokyo", "osaka"}
			for _, within := range []int{-1, 10 * int(model.Millisecond)} {
				got := check(t, s.Name, r, within, 0, 5)
				if strings.Contains(got.Reason, "p0") || strings.Contains(got.Reason, "p1") {
					t.Errorf("%s: %s", s.Name, got.Reason)
				}
				if strings.Contains(got.Reason, "tokyo") || strings.Contains(got.Reason, "osaka") {
					named++
				}
			}
		}
		if named == 0 {
			t.Errorf("%s never names a process", s.Name)
		}
	}
}

func TestWorst(t *testing.T) {
	const h, v, i = properties.Holds, properties.Violated, properties.Inconclusive
	for _, tt := range []struct {
		in   []properties.Outcome
		want properties.Outcome
	}{
		{nil, i}, {[]properties.Outcome{h}, h}, {[]properties.Outcome{h, i}, i}, {[]properties.Outcome{i, h}, i},
		{[]properties.Outcome{i, v, h}, v}, {[]properties.Outcome{h, h}, h}, {[]properties.Outcome{h, v}, v},
	} {
		if got := properties.Worst(tt.in...); got != tt.want {
			t.Errorf("Worst(%v) = %v, want %v", tt.in, got, tt.want)
		}
	}
	for _, o := range []properties.Outcome{h, v, i} {
		if got, err := properties.ParseOutcome(o.String()); err != nil || got != o {
			t.Errorf("ParseOutcome(%q) = %v, %v", o, got, err)
		}
	}
	if _, err := properties.ParseOutcome("passed"); err == nil {
		t.Error(`"passed" is an outcome`)
	}
}
