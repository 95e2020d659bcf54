package reduction

import (
	"strings"
	"testing"

	"suspect/detectors"
	"suspect/detectors/asynctest"
	"suspect/detectors/detectortest"
	"suspect/detectors/ideal"
	"suspect/model"
)

const (
	stable  = 300 // oracles are bound from some time before on, and nobody crashes after it
	period  = 20
	settled = 1200 // stale messages are gone, and what was lost has come again
	end     = 1800
)

// build makes the automaton of one process.
type build func(env detectors.Env) (model.Automaton, error)

// over makes an emulation over a base.
func over(base build, make func(env detectors.Env, d model.Automaton) (model.Automaton, error)) build {
	return func(env detectors.Env) (model.Automaton, error) {
		d, err := base(env)
		if err != nil {
			return nil, err
		}
		return make(env, d)
	}
}

func strongOver(base build) build {
	return over(base, func(env detectors.Env, d model.Automaton) (model.Automaton, error) { return NewStrong(env, d, period) })
}

func omegaOver(base build) build {
	return over(base, func(env detectors.Env, d model.Automaton) (model.Automaton, error) {
		return NewOmega(env, d, period, 0)
	})
}

// plan draws a system and a plan of its oracles.
func plan(seed uint64) (asynctest.System, ideal.Plan) {
	dice := asynctest.Dice(seed)
	n := 2 + dice.IntN(3)
	s := asynctest.Random(seed, n, dice.IntN(n), stable)
	s.Links = asynctest.Links(dice.IntN(3))
	s.Until = end
	return s, ideal.NewPlan(s.Crashes, model.Time(dice.IntN(stable)), model.Duration(5+dice.IntN(40)))
}

func run(t *testing.T, s asynctest.System, b build) *asynctest.Run {
	t.Helper()
	r, err := s.Run(b)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Chandra and Toueg 1996, section 3: what T makes of a weakly complete detector is
// strongly complete, and each of the four accuracies is preserved, on any links; so Q, W, <>Q
// and <>W become P, S, <>P and <>S, and these stay what they are.
func TestStrong(t *testing.T) {
	for _, class := range model.Classes() {
		t.Run(class.String(), func(t *testing.T) {
			t.Parallel()
			wrong := 0
			strong := class.Accuracy() // the number of the class with it and strong completeness
			for seed := range uint64(100) {
				s, p := plan(seed)
				r := run(t, s, strongOver(func(env detectors.Env) (model.Automaton, error) { return ideal.New(class, env, p) }))
				if err := r.Keeps(model.Class(strong), settled); err != nil {
					t.Fatal(err)
				}
				if r.Accurate(model.StrongAccuracy, 0) != nil {
					wrong++
				}
			}
			if class.Accuracy() != model.StrongAccuracy && wrong == 0 {
				t.Error("nobody was ever suspected wrongly")
			}
		})
	}
}

// Without "- {q}" a stale suspicion is kept for ever, and eventual strong accuracy is gone.
func TestStrongNeedsErasure(t *testing.T) {
	t.Parallel()
	broken := 0
	for seed := range uint64(50) {
		s, p := plan(seed)
		r := run(t, s, func(env detectors.Env) (model.Automaton, error) {
			a, err := strongOver(func(env detectors.Env) (model.Automaton, error) { return ideal.New(model.EventuallyQ, env, p) })(env)
			if err == nil {
				a.(*strong).keep = true
			}
			return a, err
		})
		if r.Accurate(model.EventualStrongAccuracy, settled) != nil {
			broken++
		}
	}
	if broken == 0 {
		t.Error("stale suspicions were forgotten nevertheless")
	}
}

// Chu 1998; Chandra, Hadzilacos and Toueg 1996: counting makes one common correct leader of a
// detector of <>W, or <>S, on any links.
func TestOmega(t *testing.T) {
	for _, class := range []model.Class{model.EventuallyW, model.EventuallyS, model.EventuallyP, model.S} {
		t.Run(class.String(), func(t *testing.T) {
			t.Parallel()
			others := 0
			for seed := range uint64(40) {
				s, p := plan(seed)
				s.Until = 6000
				r := run(t, s, omegaOver(func(env detectors.Env) (model.Automaton, error) { return ideal.New(class, env, p) }))
				if err := r.Leads(5000); err != nil {
					t.Fatal(err)
				}
				if r.Leaders(5000)[p.Chosen] != 0 {
					others++
				}
			}
			if others == 0 {
				t.Error("the leader was always process 0")
			}
		})
	}
}

// added is Omega with counters that are added up where they arrive, rather than merged: who
// suspects tells all, and everybody counts what he is told.
type added struct {
	every
	self   model.ProcessID
	n      int
	module detectors.Module
	counts []int
	leader model.ProcessID
}

func (d *added) Step(now model.Time, in *model.Input, out *model.Output) {
	own := d.module.Step(now, in, out)
	if own {
		d.count(detectors.Set(in.Message.Seq))
	}
	if d.due(now) {
		if s := d.module.Suspects(); s != 0 {
			d.count(s)
			sendToOthers(model.Message{From: d.self, Seq: int64(s)}, d.n, out)
		}
	}
	least := 0
	for x, c := range d.counts {
		if c < d.counts[least] {
			least = x
		}
	}
	if leader := model.ProcessID(least); leader != d.leader {
		d.leader = leader
		out.Announcements = append(out.Announcements, model.Announcement{Kind: model.Elected, Peer: leader})
	}
	out.Wake = min(out.Wake, d.next)
}

func (d *added) count(s detectors.Set) {
	for ; s != 0; s &= s - 1 {
		d.counts[s.First()]++
	}
}

func (d *added) Clone() model.Automaton                                { panic("not needed") }
func (d *added) AppendState([]byte, model.Time) []byte                 { panic("not needed") }
func (d *added) LoadState([]byte, model.Time) (rest []byte, err error) { panic("not needed") }

// Without merging, a process that crashes while it tells of its suspicions leaves two correct
// processes with different leaders for good.
func TestOmegaNeedsMerging(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		s := asynctest.Random(seed, 4, 1, 60)
		s.Links, s.Until = asynctest.QuasiReliable, 6000
		p := ideal.NewPlan(s.Crashes, 100, 10)
		source := func(env detectors.Env) (model.Automaton, error) { return ideal.New(model.EventuallyP, env, p) }
		r := run(t, s, over(source, func(env detectors.Env, d model.Automaton) (model.Automaton, error) {
			m, err := detectors.NewModule(env, d)
			return &added{every: every{period: period}, self: env.Self, n: env.N, module: m, counts: make([]int, env.N), leader: model.Nobody}, err
		}))
		merged := run(t, s, omegaOver(source))
		if err := merged.Leads(5000); err != nil {
			t.Fatal(err)
		}
		if r.Leads(5000) != nil {
			return
		}
	}
	t.Error("all agree without merging too")
}

// The first trusted process is a common leader if the source is eventually perfect, and may
// be none if it is eventually strong.
func TestFirst(t *testing.T) {
	t.Parallel()
	torn := 0
	for seed := range uint64(200) {
		s, p := plan(seed)
		of := func(class model.Class) *asynctest.Run {
			return run(t, s, over(func(env detectors.Env) (model.Automaton, error) { return ideal.New(class, env, p) }, NewFirst))
		}
		if err := of(model.EventuallyP).Leads(settled); err != nil {
			t.Fatal(err)
		}
		if of(model.EventuallyS).Leads(settled) != nil {
			torn++
		}
	}
	if torn == 0 {
		t.Error("an eventually strong source was enough")
	}
}

// Omega and <>S are equivalent: the complement of the leader is eventually strong, and counting
// it gives a leader again. With T and counting before, a whole tower stands on <>W.
func TestComplement(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		s, p := plan(seed)
		r := run(t, s, over(func(env detectors.Env) (model.Automaton, error) { return ideal.NewOmega(env, p) }, NewComplement))
		if err := r.Keeps(model.EventuallyS, settled); err != nil {
			t.Fatal(err)
		}
		s.Until = 6000
		tower := omegaOver(strongOver(func(env detectors.Env) (model.Automaton, error) { return ideal.New(model.EventuallyW, env, p) }))
		r = run(t, s, over(tower, NewComplement))
		if err := r.Keeps(model.EventuallyS, 5000); err != nil {
			t.Fatal(err)
		}
		r = run(t, s, omegaOver(over(tower, NewComplement)))
		if err := r.Leads(5000); err != nil {
			t.Fatal(err)
		}
	}
}

func sigmaOf(need int) build {
	return func(env detectors.Env) (model.Automaton, error) {
		a, err := NewSigma(env, period, 0)
		if err == nil && need > 0 {
			a.(*sigma).need = need
		}
		return a, err
	}
}

// Delporte-Gallet and others 2004: while a majority is correct, majorities of answers are
// quorums that intersect, and in the end are correct.
func TestSigma(t *testing.T) {
	t.Parallel()
	several := 0
	for seed := range uint64(300) {
		dice := asynctest.Dice(seed)
		n := 1 + dice.IntN(5)
		s := asynctest.Random(seed, n, dice.IntN((n+1)/2), stable)
		s.Links, s.Until = asynctest.Links(dice.IntN(2)), end
		r := run(t, s, sigmaOf(0))
		if err := r.Quorums(settled); err != nil {
			t.Fatal(err)
		}
		seen := map[model.Time]bool{}
		for _, rec := range r.Records {
			if rec.Kind == model.Announced {
				seen[rec.SentAt] = true
			}
		}
		if len(seen) > 3 {
			several++
		}
	}
	if several == 0 {
		t.Error("there were hardly two quorums")
	}
}

// Where half of the processes may crash, quorums of n-f do not intersect, in a run in which two
// halves hear late of each other; and those of a majority stay as they are, with the crashed in.
func TestSigmaNeedsMajority(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 4, 6} {
		s := asynctest.Random(1, n, 0, 1)
		s.Until = 1000
		s.Path = func(now model.Time, m *model.Message) model.Time {
			if (int(m.From) < n/2) != (int(m.To) < n/2) {
				return max(now, 900) + 5
			}
			return now + 5
		}
		if err := run(t, s, sigmaOf(n/2)).Quorums(900); err == nil || !strings.Contains(err.Error(), "do not intersect") {
			t.Errorf("%d processes, quorums of %d: %v", n, n/2, err)
		}
		if err := run(t, s, sigmaOf(0)).Quorums(0); err != nil && strings.Contains(err.Error(), "do not intersect") {
			t.Errorf("%d processes: %v", n, err)
		}
		for p := range n / 2 {
			s.Crashes.CrashedAt[p] = 1
		}
		s.Path = nil
		if err := run(t, s, sigmaOf(0)).Quorums(900); err == nil || strings.Contains(err.Error(), "do not intersect") {
			t.Errorf("%d processes of which half crash: %v", n, err)
		}
	}
}

func TestConformance(t *testing.T) {
	timeout := func(env detectors.Env) (model.Automaton, error) {
		spec, _ := detectors.Lookup("timeout")
		p, _ := model.NewParams(spec.Params, nil)
		return spec.New(env, p)
	}
	lead := func(env detectors.Env) (model.Automaton, error) { return ideal.NewArbitraryLeader(env, model.Second) }
	cases := map[string]build{
		"strong": over(timeout, func(env detectors.Env, d model.Automaton) (model.Automaton, error) {
			return NewStrong(env, d, model.Second)
		}),
		"omega": over(timeout, func(env detectors.Env, d model.Automaton) (model.Automaton, error) {
			return NewOmega(env, d, model.Second, 20)
		}),
		"first":      over(timeout, NewFirst),
		"complement": over(lead, NewComplement),
		"sigma":      func(env detectors.Env) (model.Automaton, error) { return NewSigma(env, model.Second, 30) },
	}
	for _, name := range model.SortedKeys(cases) {
		t.Run(name, func(t *testing.T) { detectortest.Test(t, detectortest.New(cases[name]), model.Second) })
	}
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	env := asynctest.Everybody(0, 3)
	d, err := ideal.NewArbitrary(env, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want string
		make func() (model.Automaton, error)
	}{
		{"positive time", func() (model.Automaton, error) { return NewStrong(env, d, 0) }},
		{"give it one", func() (model.Automaton, error) { return NewStrong(env, nil, 1) }},
		{"give it one", func() (model.Automaton, error) { return NewFirst(env, nil) }},
		{"give it one", func() (model.Automaton, error) { return NewComplement(env, nil) }},
		{"from 1 to", func() (model.Automaton, error) { return NewOmega(env, d, 1, MaxCount+1) }},
		{"positive time", func() (model.Automaton, error) { return NewOmega(env, d, -1, 0) }},
		{"sets of processes hold 64", func() (model.Automaton, error) { return NewOmega(asynctest.Everybody(0, 65), d, 1, 0) }},
		{"positive number", func() (model.Automaton, error) { return NewSigma(env, 1, -1) }},
		{"positive time", func() (model.Automaton, error) { return NewSigma(env, 0, 0) }},
		{"up to 64", func() (model.Automaton, error) { return NewSigma(asynctest.Everybody(0, 65), 1, 0) }},
	} {
		if _, err := c.make(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
}
