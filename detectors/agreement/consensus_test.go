package agreement

import (
	"strings"
	"testing"

	"suspect/detectors"
	"suspect/detectors/asynctest"
	"suspect/detectors/ideal"
	"suspect/model"
)

// settled is when the oracles of these tests have stopped lying: runs need not take longer
// than that and a few exchanges of messages.
const settled = 400

// horizon is far beyond: a consensus that has not come by then does not come.
const horizon = 20_000

// detector makes the failure detector of one process.
type detector func(env detectors.Env) (model.Automaton, error)

// oracle returns the detector of a class, at its worst, for a system.
func oracle(s *asynctest.System, class model.Class, dice *asynctest.Dice) detector {
	plan := ideal.NewPlan(s.Crashes, model.Time(dice.IntN(settled)), model.Duration(1+dice.IntN(60)))
	return func(env detectors.Env) (model.Automaton, error) { return ideal.New(class, env, plan) }
}

func leaders(s *asynctest.System, dice *asynctest.Dice) detector {
	plan := ideal.NewPlan(s.Crashes, model.Time(dice.IntN(settled)), model.Duration(1+dice.IntN(60)))
	return func(env detectors.Env) (model.Automaton, error) { return ideal.NewOmega(env, plan) }
}

// decide runs consensus, where process p proposes 10+p.
func decide(t *testing.T, s asynctest.System, a Algorithm, d detector) *asynctest.Run {
	t.Helper()
	if s.Done == nil {
		s.Done = asynctest.AllDecided
	}
	if s.Until == model.Never {
		s.Until = horizon
	}
	run, err := s.Run(func(env detectors.Env) (model.Automaton, error) {
		fd, err := d(env)
		if err != nil {
			return nil, err
		}
		return NewConsensus(env, a, fd, 10+int64(env.Self), Options{})
	})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// coverage counts what must have happened somewhere in a test, lest it shows nothing.
type coverage map[string]int

func (c coverage) require(t *testing.T, what ...string) {
	t.Helper()
	for _, w := range what {
		if c[w] == 0 {
			t.Errorf("it never came to this: %s", w)
		}
	}
}

// note counts what happened in a run of consensus.
func (c coverage) note(r *asynctest.Run) {
	decided := int64(-1)
	for _, rec := range r.Records {
		switch {
		case rec.Kind == model.Suspected && !r.System.Crashes.Crashed(rec.Peer, rec.At):
			c["a wrong suspicion"]++
		case rec.Kind == model.Announced && rec.Announcement == model.Decided:
			if !r.System.Crashes.Correct(rec.Process) {
				c["a faulty process decides"]++
			}
			decided = int64(rec.SentAt)
		}
	}
	if decided > 10 {
		c["another value than the first is decided"]++
	}
	if r.Undecided() != 0 {
		c["no decision"]++
	}
}

// Chandra and Toueg 1996, section 6.1: with a detector of S, consensus ends for any number of crashes up to n-1, and is uniform.
func TestWithS(t *testing.T) {
	t.Parallel()
	seen := coverage{}
	for seed := range uint64(1200) {
		dice := asynctest.Dice(seed)
		n := 1 + dice.IntN(5)
		s := asynctest.Random(seed, n, dice.IntN(n), settled)
		s.Links = asynctest.Links(dice.IntN(2))
		class := model.S
		if dice.IntN(4) == 0 {
			class = model.P
		}
		run := decide(t, s, WithS, oracle(&s, class, &dice))
		seen.note(run)
		if err := run.Consensus(); err != nil {
			t.Fatal(err)
		}
		if left := run.Undecided(); left != 0 {
			t.Fatalf("seed %d: %v do not decide, with crashes at %v", seed, left, s.Crashes.CrashedAt)
		}
	}
	seen.require(t, "a wrong suspicion", "a faulty process decides", "another value than the first is decided")
}

// spy is a protocol that tells what its vector was when it decided.
type spy struct {
	*vectors
	told func(Vector)
}

func (s spy) reset() {
	if s.round == s.n {
		s.told(Vector(s.v.append(nil)))
	}
	s.vectors.reset()
}

// The lemma on which agreement rests there: after phase 2 all vectors are equal, and not empty.
func TestVectorsAreEqual(t *testing.T) {
	t.Parallel()
	partial := 0
	for seed := range uint64(600) {
		dice := asynctest.Dice(seed)
		n := 2 + dice.IntN(4)
		s := asynctest.Random(seed, n, dice.IntN(n), 100)
		s.Links = asynctest.Links(dice.IntN(2))
		var told []Vector
		a := Algorithm{"spied", func(n *node, o Options) protocol {
			return spy{WithS.protocol(n, o).(*vectors), func(v Vector) { told = append(told, v) }}
		}}
		decide(t, s, a, oracle(&s, model.S, &dice))
		for _, v := range told {
			if v != told[0] {
				t.Fatalf("seed %d: vectors %v and %v", seed, told[0], v)
			}
		}
		if len(told) == 0 {
			t.Fatalf("seed %d: nobody got through phase 2", seed)
		}
		if v := newVector(n); v.parse(told[0]) && v.known != detectors.AllOf(n) {
			partial++
		}
	}
	if partial == 0 {
		t.Error("every vector was full: phase 2 was never needed")
	}
}

// The algorithm for S is not indulgent: with a detector that is only eventually strong two
// processes may decide differently (Guerraoui, "Indulgent algorithms", PODC 2000).
func TestWithSNeedsS(t *testing.T) {
	t.Parallel()
	disagreed := 0
	for seed := range uint64(300) {
		dice := asynctest.Dice(seed)
		s := asynctest.Random(seed, 3, 0, 1)
		s.Until = 2000
		if decide(t, s, WithS, oracle(&s, model.EventuallyS, &dice)).Consensus() != nil {
			disagreed++
		}
	}
	t.Logf("disagreement in %d runs of 300", disagreed)
	if disagreed == 0 {
		t.Error("no run ends in disagreement")
	}
}

// Section 6.2 there: with a detector of <>S and a correct majority, consensus ends; and the
// same of Paxos with Omega.
func TestIndulgentConsensus(t *testing.T) {
	for _, c := range []struct {
		algorithm Algorithm
		detector  func(s *asynctest.System, dice *asynctest.Dice) detector
	}{
		{WithEventuallyS, func(s *asynctest.System, dice *asynctest.Dice) detector { return oracle(s, model.EventuallyS, dice) }},
		{WithOmega, leaders},
	} {
		t.Run(c.algorithm.String(), func(t *testing.T) {
			t.Parallel()
			seen := coverage{}
			for seed := range uint64(1200) {
				dice := asynctest.Dice(seed)
				n := 1 + dice.IntN(5)
				s := asynctest.Random(seed, n, dice.IntN((n+1)/2), settled)
				s.Links = asynctest.Links(dice.IntN(2))
				run := decide(t, s, c.algorithm, c.detector(&s, &dice))
				seen.note(run)
				if err := run.Consensus(); err != nil {
					t.Fatal(err)
				}
				if left := run.Undecided(); left != 0 {
					t.Fatalf("seed %d: %v do not decide, with crashes at %v", seed, left, s.Crashes.CrashedAt)
				}
			}
			seen.require(t, "a faulty process decides", "another value than the first is decided")
			if c.algorithm.name == "<>S" {
				seen.require(t, "a wrong suspicion")
			}
		})
	}
}

// Indulgence (Chandra and Toueg 1996, section 6.2; Guerraoui 2000): whatever the detector says,
// and though a majority crashes, no two processes decide differently, faulty ones included.
// Then some runs do not end.
func TestIndulgence(t *testing.T) {
	for _, c := range []struct {
		algorithm Algorithm
		detector  func(env detectors.Env, every model.Duration) (model.Automaton, error)
	}{{WithEventuallyS, ideal.NewArbitrary}, {WithOmega, ideal.NewArbitraryLeader}} {
		t.Run(c.algorithm.String(), func(t *testing.T) {
			t.Parallel()
			seen := coverage{}
			for seed := range uint64(1200) {
				dice := asynctest.Dice(seed)
				n := 2 + dice.IntN(4)
				s := asynctest.Random(seed, n, dice.IntN(n), 120)
				s.Links = asynctest.Links(dice.IntN(3)) // safety stands lost messages too
				s.Until = 1000
				every := model.Duration(1 + dice.IntN(40))
				run := decide(t, s, c.algorithm, func(env detectors.Env) (model.Automaton, error) { return c.detector(env, every) })
				seen.note(run)
				if err := run.Consensus(); err != nil {
					t.Fatal(err)
				}
			}
			seen.require(t, "a faulty process decides", "another value than the first is decided", "no decision")
		})
	}
}

// With a correct minority from the start nothing is decided (Chandra and Toueg 1996, section
// 6: no algorithm could, with a detector of <>P).
func TestMinorityBlocks(t *testing.T) {
	t.Parallel()
	for _, a := range []Algorithm{WithEventuallyS, WithOmega} {
		for n := 2; n <= 5; n++ {
			s := asynctest.Random(uint64(n), n, 0, 1)
			for p := range (n + 1) / 2 {
				s.Crashes.CrashedAt[p] = 0
			}
			s.Until = 5000
			dice := asynctest.Dice(n)
			d := oracle(&s, model.EventuallyP, &dice)
			if a.name == "Omega" {
				d = leaders(&s, &dice)
			}
			run := decide(t, s, a, d)
			if run.Undecided() != run.Correct() {
				t.Errorf("%v: of %d processes only %v are correct, and some decide", a, n, run.Correct())
			}
		}
	}
}

// quorums returns an algorithm with quorums of another size.
func quorums(a Algorithm, need int) Algorithm {
	return Algorithm{a.name, func(n *node, o Options) protocol {
		switch p := a.protocol(n, o).(type) {
		case *rotating:
			p.need = need
			return p
		case *ballots:
			p.need = need
			return p
		}
		panic("no quorums")
	}}
}

// split is the run of that proof: two halves of which each takes the other for
// crashed, as an eventually perfect detector may for a while, and whose messages to each other
// are late. A quorum of n-f, with f >= n/2, lets both decide.
func split(t *testing.T, a Algorithm, n, need int) *asynctest.Run {
	const healed = 1000
	half := func(p model.ProcessID) bool { return int(p) < n/2 }
	s := asynctest.Random(1, n, 0, 1)
	s.Path = func(now model.Time, m *model.Message) model.Time {
		if half(m.From) != half(m.To) && now < healed {
			return healed + 5
		}
		return now + 5
	}
	return decide(t, s, quorums(a, need), func(env detectors.Env) (model.Automaton, error) {
		return &halves{env: env, half: half, until: healed}, nil
	})
}

// halves suspects the other half until a time, and elects the first of its own half till then.
type halves struct {
	env   detectors.Env
	half  func(model.ProcessID) bool
	until model.Time
	said  bool
}

func (d *halves) Step(now model.Time, _ *model.Input, out *model.Output) {
	apart := now < d.until
	if apart != d.said {
		leader := model.ProcessID(0)
		if apart && !d.half(d.env.Self) {
			for d.half(leader) {
				leader++
			}
		}
		out.Announcements = append(out.Announcements, model.Announcement{Kind: model.Elected, Peer: leader})
		for _, q := range d.env.Watch {
			if d.half(q) != d.half(d.env.Self) {
				out.Verdicts = append(out.Verdicts, model.Verdict{Peer: q, Suspected: apart})
			}
		}
	}
	d.said = apart
	if apart {
		out.Wake = d.until
	}
}

func (d *halves) Clone() model.Automaton                               { c := *d; return &c }
func (d *halves) AppendState(b []byte, _ model.Time) []byte            { return detectors.AppendBool(b, d.said) }
func (d *halves) LoadState(b []byte, _ model.Time) (r []byte, e error) { panic("not needed") }

// Why a majority: with n-f for it, and f >= n/2, the split decides twice; with a majority it
// waits and decides once.
func TestMajorityIsNeeded(t *testing.T) {
	t.Parallel()
	for _, a := range []Algorithm{WithEventuallyS, WithOmega} {
		for _, n := range []int{2, 4, 6} {
			if err := split(t, a, n, n-n/2).Consensus(); err == nil {
				t.Errorf("%v, %d processes, quorums of %d: no disagreement", a, n, n-n/2)
			}
			run := split(t, a, n, majority(n))
			if err := run.Consensus(); err != nil || run.Undecided() != 0 {
				t.Errorf("%v, %d processes, quorums of %d: undecided %v, %v", a, n, majority(n), run.Undecided(), err)
			}
		}
	}
}

// tapped calls a function on each message that an automaton sends.
type tapped struct {
	model.Automaton
	tap func(m model.Message)
}

func (d tapped) Step(now model.Time, in *model.Input, out *model.Output) {
	d.Automaton.Step(now, in, out)
	for _, m := range out.Send {
		d.tap(m)
	}
}

// Locking (Chandra and Toueg 1996, section 6.2; Lamport 1998, condition B3): once a majority has sent an
// ack for v in round r, or has accepted ballot r, every later round or ballot proposes v.
func TestLocking(t *testing.T) {
	for _, c := range []struct {
		algorithm             Algorithm
		detector              func(env detectors.Env, every model.Duration) (model.Automaton, error)
		proposes, acknowledge uint8
		itself                bool // who proposes acknowledges in the same step; a proposer of Paxos may refuse
	}{
		{WithEventuallyS, ideal.NewArbitrary, proposalKind, ackKind, true},
		{WithOmega, ideal.NewArbitraryLeader, acceptKind, acceptedKind, false},
	} {
		t.Run(c.algorithm.String(), func(t *testing.T) {
			t.Parallel()
			later := 0
			for seed := range uint64(250) {
				dice := asynctest.Dice(seed)
				n := 3 + dice.IntN(3)
				s := asynctest.Random(seed, n, dice.IntN(n/2+1), 200)
				s.Until = 1000
				every := model.Duration(1 + dice.IntN(20))
				proposals, acks := map[int]Value{}, map[int]detectors.Set{}
				run, err := s.Run(func(env detectors.Env) (model.Automaton, error) {
					fd, err := c.detector(env, every)
					if err != nil {
						return nil, err
					}
					a, err := NewConsensus(env, c.algorithm, fd, 10+int64(env.Self), Options{})
					return tapped{a, func(m model.Message) {
						r := roundOf(&m)
						switch m.Kind {
						case c.proposes:
							if v, ok := proposals[r]; ok && v != valueOf(&m) {
								t.Errorf("seed %d, round %d: two proposals", seed, r)
							}
							proposals[r] = valueOf(&m)
							if c.itself {
								acks[r] = acks[r].With(m.From)
							}
						case c.acknowledge:
							acks[r] = acks[r].With(m.From)
						}
					}}, err
				})
				if err != nil {
					t.Fatal(err)
				}
				for r, by := range acks {
					if by.Len() < majority(n) {
						continue
					}
					for other, v := range proposals {
						if other > r {
							later++
							if v != proposals[r] {
								t.Fatalf("seed %d: %v is locked in round %d by %v, and round %d proposes %v", seed, proposals[r], r, by, other, v)
							}
						}
					}
				}
				if err := run.Consensus(); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("%d proposals after a lock", later)
			if later == 0 {
				t.Error("no round followed one that locked a value")
			}
		})
	}
}

// With one round for everybody no message is about a second, and the decision may fail to
// come. (With one ballot each, the largest is refused by nobody.)
func TestRoundsRunOut(t *testing.T) {
	t.Parallel()
	for _, a := range []Algorithm{WithEventuallyS, WithOmega} {
		undecided := 0
		for seed := range uint64(200) {
			s := asynctest.Random(seed, 3, 0, 1)
			s.Until = 1000
			s.Done = asynctest.AllDecided
			run, err := s.Run(func(env detectors.Env) (model.Automaton, error) {
				fd, err := ideal.NewArbitrary(env, 5)
				if a.name == "Omega" {
					fd, err = ideal.NewArbitraryLeader(env, 5)
				}
				if err != nil {
					return nil, err
				}
				c, err := NewConsensus(env, a, fd, 10+int64(env.Self), Options{Rounds: 1})
				return tapped{c, func(m model.Message) {
					if r := roundOf(&m); m.Tag == 0 && (a.name == "<>S" && r > 1 || r > 5) {
						t.Errorf("%v, seed %d: a message of round %d", a, seed, r)
					}
				}}, err
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := run.Consensus(); err != nil {
				t.Fatal(err)
			}
			if run.Undecided() != 0 {
				undecided++
			}
		}
		if a.name == "<>S" && (undecided == 0 || undecided == 200) {
			t.Errorf("%v: with one round, %d of 200 runs end without a decision", a, undecided)
		}
	}
}

// Bad configuration is an error that says what to do.
func TestBadOptions(t *testing.T) {
	t.Parallel()
	env := asynctest.Everybody(0, 3)
	fd, err := ideal.NewArbitrary(env, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want string
		make func() (model.Automaton, error)
	}{
		{"name WithS", func() (model.Automaton, error) { return NewConsensus(env, Algorithm{}, fd, 1, Options{}) }},
		{"give it one", func() (model.Automaton, error) { return NewConsensus(env, WithS, nil, 1, Options{}) }},
		{"from 1 to 349524", func() (model.Automaton, error) { return NewConsensus(env, WithOmega, fd, 1, Options{Rounds: -1}) }},
		{"from 1 to 349524", func() (model.Automaton, error) { return NewConsensus(env, WithOmega, fd, 1, Options{Rounds: 1 << 20}) }},
		{"up to 64", func() (model.Automaton, error) {
			return NewConsensus(asynctest.Everybody(0, 65), WithOmega, fd, 1, Options{})
		}},
		{"give a positive time", func() (model.Automaton, error) { return NewReliable(env, Submissions{Every: -1}) }},
		{"not one of the 3", func() (model.Automaton, error) { return NewUniform(detectors.Env{Self: 3, N: 3}, Submissions{}) }},
		{"give it one", func() (model.Automaton, error) { return NewAtomic(env, WithS, nil, Submissions{}, Options{}) }},
		{"give it one", func() (model.Automaton, error) { return NewOrdered(env, WithS, nil, 1, Options{}) }},
	} {
		if _, err := c.make(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
}
