package agreement

import (
	"testing"

	"suspect/detectors"
	"suspect/detectors/asynctest"
	"suspect/model"
)

// solvers are the algorithms of consensus with the worst detector for each, and the number of
// crashes of n that they stand.
var solvers = []struct {
	algorithm Algorithm
	detector  func(s *asynctest.System, dice *asynctest.Dice) detector
	crashes   func(n int) int
}{
	{WithS, func(s *asynctest.System, d *asynctest.Dice) detector { return oracle(s, model.S, d) }, func(n int) int { return n - 1 }},
	{WithEventuallyS, func(s *asynctest.System, d *asynctest.Dice) detector { return oracle(s, model.EventuallyS, d) }, func(n int) int { return (n - 1) / 2 }},
	{WithOmega, leaders, func(n int) int { return (n - 1) / 2 }},
}

// Atomic broadcast by consensus (Chandra and Toueg 1996, section 7): all that reliable
// broadcast promises, and one order, by each algorithm of consensus and its number of crashes.
func TestAtomic(t *testing.T) {
	for _, c := range solvers {
		t.Run(c.algorithm.String(), func(t *testing.T) {
			t.Parallel()
			concurrent := 0
			for seed := range uint64(400) {
				dice := asynctest.Dice(seed)
				n := 1 + dice.IntN(4)
				s := asynctest.Random(seed, n, dice.IntN(c.crashes(n)+1), settled)
				s.Links = asynctest.Links(dice.IntN(2))
				s.Until = 4 * settled
				d, plan := c.detector(&s, &dice), dice
				run, err := s.Run(func(env detectors.Env) (model.Automaton, error) {
					fd, err := d(env)
					if err != nil {
						return nil, err
					}
					return NewAtomic(env, c.algorithm, fd, messages(env.Self, &plan), Options{})
				})
				if err != nil {
					t.Fatal(err)
				}
				if err := run.Broadcast(s.Links == asynctest.Reliable); err != nil {
					t.Fatal(err)
				}
				if err := run.Order(); err != nil {
					t.Fatal(err)
				}
				for p := range model.ProcessID(n) {
					for k, r := range run.Handed(p) {
						if k > 0 && r.Peer != run.Handed(p)[k-1].Peer {
							concurrent++
						}
					}
				}
			}
			if concurrent == 0 {
				t.Error("never were messages of two processes delivered")
			}
		})
	}
}

// Agreement by reliable broadcast alone keeps no order: what the runs above test for is not
// had for nothing.
func TestReliableKeepsNoOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		dice := asynctest.Dice(seed)
		if broadcast(t, asynctest.Random(seed, 4, 0, 1), dice, NewReliable).Order() != nil {
			return
		}
	}
	t.Error("no run was out of order")
}

// The way back (section 7): consensus by atomic broadcast, which is by consensus.
func TestOrdered(t *testing.T) {
	for _, c := range solvers {
		t.Run(c.algorithm.String(), func(t *testing.T) {
			t.Parallel()
			seen := coverage{}
			for seed := range uint64(300) {
				dice := asynctest.Dice(seed)
				n := 1 + dice.IntN(4)
				s := asynctest.Random(seed, n, dice.IntN(c.crashes(n)+1), settled)
				s.Links = asynctest.Links(dice.IntN(2))
				s.Done, s.Until = asynctest.AllDecided, horizon
				d := c.detector(&s, &dice)
				run, err := s.Run(func(env detectors.Env) (model.Automaton, error) {
					fd, err := d(env)
					if err != nil {
						return nil, err
					}
					return NewOrdered(env, c.algorithm, fd, 10+int64(env.Self), Options{})
				})
				if err != nil {
					t.Fatal(err)
				}
				seen.note(run)
				if err := run.Consensus(); err != nil {
					t.Fatal(err)
				}
				if left := run.Undecided(); left != 0 {
					t.Fatalf("seed %d: %v do not decide, with crashes at %v", seed, left, s.Crashes.CrashedAt)
				}
			}
			seen.require(t, "another value than the first is decided")
		})
	}
}
