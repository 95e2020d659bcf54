package agreement

import (
	"slices"
	"strings"
	"testing"

	"suspect/detectors"
	"suspect/detectors/asynctest"
	"suspect/model"
)

// messages returns a few that process p broadcasts.
func messages(p model.ProcessID, dice *asynctest.Dice) Submissions {
	s := Submissions{Every: model.Duration(dice.IntN(2) * 30)}
	for k := range dice.IntN(4) {
		s.Values = append(s.Values, int64(p)*100+int64(k))
	}
	return s
}

func broadcast(t *testing.T, s asynctest.System, dice asynctest.Dice, make func(env detectors.Env, s Submissions) (model.Automaton, error)) *asynctest.Run {
	t.Helper()
	run, err := s.Run(func(env detectors.Env) (model.Automaton, error) { return make(env, messages(env.Self, &dice)) })
	if err != nil {
		t.Fatal(err)
	}
	if !run.Idle {
		t.Fatalf("seed %d: the run did not come to rest", s.Seed)
	}
	return run
}

// handedByTheDead counts the deliveries of processes that crash.
func handedByTheDead(r *asynctest.Run) (count int) {
	for p := range model.ProcessID(r.System.N) {
		if !r.System.Crashes.Correct(p) {
			count += len(r.Handed(p))
		}
	}
	return count
}

// Reliable broadcast (Chandra and Toueg 1996, section 4): validity, agreement and integrity for
// any number of crashes, on quasi-reliable links too; on reliable links it is uniform, since
// processes relay before they deliver.
func TestReliable(t *testing.T) {
	t.Parallel()
	byFaulty := 0
	for seed := range uint64(1200) {
		dice := asynctest.Dice(seed)
		n := 1 + dice.IntN(5)
		s := asynctest.Random(seed, n, dice.IntN(n), 150)
		s.Links = asynctest.Links(dice.IntN(2))
		run := broadcast(t, s, dice, NewReliable)
		if err := run.Broadcast(s.Links == asynctest.Reliable); err != nil {
			t.Fatal(err)
		}
		byFaulty += handedByTheDead(run)
	}
	if byFaulty == 0 {
		t.Error("no faulty process ever delivered")
	}
}

// On quasi-reliable links it is not uniform: a process delivers, crashes, and takes its relays
// with it. Acknowledgements of a majority restore uniformity.
func TestUniform(t *testing.T) {
	t.Parallel()
	violated := 0
	for seed := range uint64(2000) {
		dice := asynctest.Dice(seed)
		n := 1 + dice.IntN(5)
		s := asynctest.Random(seed, n, dice.IntN((n+1)/2), 150)
		s.Links = asynctest.QuasiReliable
		if broadcast(t, s, dice, NewReliable).Broadcast(true) != nil {
			violated++
		}
		if err := broadcast(t, s, dice, NewUniform).Broadcast(true); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("reliable broadcast is not uniform in %d runs of 2000", violated)
	if violated == 0 {
		t.Error("reliable broadcast was uniform on quasi-reliable links")
	}
}

// With a correct minority only integrity is left of it: what is delivered was broadcast, but
// some wait in vain for acknowledgements.
func TestUniformMinority(t *testing.T) {
	t.Parallel()
	waits := 0
	for seed := range uint64(500) {
		dice := asynctest.Dice(seed)
		n := 2 + dice.IntN(4)
		s := asynctest.Random(seed, n, n/2+dice.IntN((n+1)/2), 20)
		s.Links = asynctest.QuasiReliable
		err := broadcast(t, s, dice, NewUniform).Broadcast(true)
		if err != nil && strings.Contains(err.Error(), "integrity") {
			t.Fatal(err)
		} else if err != nil {
			waits++
		}
	}
	if waits == 0 {
		t.Error("a majority was never needed")
	}
}

// The set of numbers, against a map.
func TestNumbers(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		dice := asynctest.Dice(seed)
		s, twin := make(numbers, 2), map[Item]bool{}
		for range 40 {
			i := Item{Origin: model.ProcessID(dice.IntN(2)), Number: int64(dice.IntN(12))}
			if got := s.add(i); got == twin[i] {
				t.Fatalf("seed %d: adding %v gives %v", seed, i, got)
			}
			twin[i] = true
			for k := range int64(12) {
				if j := (Item{Origin: i.Origin, Number: k}); s.has(j) != twin[j] {
					t.Fatalf("seed %d: has %v: %v", seed, j, s.has(j))
				}
			}
			text := s.append(nil)
			r, back := detectors.NewReader(text), make(numbers, 2)
			back.load(&r)
			if rest, err := r.Rest(); err != nil || len(rest) > 0 || !slices.Equal(back.append(nil), text) {
				t.Fatalf("seed %d: %x does not load: %v", seed, text, err)
			}
		}
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	items := []Item{{0, 0, 7}, {0, 2, -1}, {3, 1, 9}}
	b := newBatch(items)
	if got, ok := b.Items(4, nil); !ok || !slices.Equal(got, items) {
		t.Errorf("got %v, %v", got, ok)
	}
	if got := b.String(); got != "p0.0=7 p0.2=-1 p3.1=9" {
		t.Errorf("got %q", got)
	}
	for _, bad := range []Batch{"\x00", newBatch([]Item{{1, 0, 1}, {0, 0, 1}}), newBatch([]Item{{9, 0, 1}}), b[:len(b)-1]} {
		if _, ok := bad.Items(4, nil); ok {
			t.Errorf("%q is taken for a batch", string(bad))
		}
	}
}
