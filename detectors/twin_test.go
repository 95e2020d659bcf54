package detectors_test

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"slices"
	"sort"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"suspect/detectors"
	"suspect/model"
)

// arrival is heartbeat seq of a peer reaching the detector.
type arrival struct {
	at   model.Time
	from model.ProcessID
	seq  int64
}

// change is a verdict and its time.
type change struct {
	at model.Time
	model.Verdict
}

// drive feeds arrivals, which are in the order of time, to a detector that is
// started at start, and wakes it when it asks, until end.
func drive(t testing.TB, a model.Automaton, start, end model.Time, arrivals []arrival) (changes []change) {
	t.Helper()
	var out model.Output
	step := func(now model.Time, in model.Input) {
		out.Reset()
		a.Step(now, &in, &out)
		for _, v := range out.Verdicts {
			changes = append(changes, change{now, v})
		}
	}
	until := func(now model.Time) {
		for out.Wake <= now {
			step(out.Wake, model.Input{Kind: model.Wake})
		}
	}
	step(start, model.Input{Kind: model.Start})
	for _, r := range arrivals {
		if r.at < start {
			continue
		}
		until(r.at)
		step(r.at, model.Input{Kind: model.Deliver, Message: model.Message{From: r.from, To: 2, Kind: detectors.HeartbeatKind, Seq: r.seq}})
	}
	until(end)
	return changes
}

// suspects tells whether the peer is suspected after all that happens at t.
func suspects(changes []change, peer model.ProcessID, t model.Time) (suspected bool) {
	for _, c := range changes {
		if c.at <= t && c.Peer == peer {
			suspected = c.Suspected
		}
	}
	return suspected
}

// plan is a random experiment: processes 0 and 1 send to process 2, which starts
// at start, in a system with eta = 10 ms.
type plan struct {
	stagger  bool
	start    model.Time
	patience model.Duration // timeout, delta or alpha
	delays   [2][]int       // of heartbeat i, in ms; negative if lost
}

const eta = 10 * model.Millisecond

func (p plan) sigma(peer model.ProcessID, i int64) model.Time {
	t := model.Time(i) * model.Time(eta)
	if p.stagger {
		t += model.Time(peer) * model.Time(eta) / 3
	}
	return t
}

func (p plan) arrivals() (arrivals []arrival) {
	for peer, delays := range p.delays {
		for i, delay := range delays {
			if delay < 0 {
				continue
			}
			a := arrival{p.sigma(model.ProcessID(peer), int64(i)).Add(model.Duration(delay) * model.Millisecond), model.ProcessID(peer), int64(i)}
			arrivals = append(arrivals, a)
			if delay%7 == 6 { // comes twice
				a.at += 13 * model.Time(model.Millisecond)
				arrivals = append(arrivals, a)
			}
		}
	}
	sort.SliceStable(arrivals, func(i, j int) bool { return arrivals[i].at < arrivals[j].at })
	return arrivals
}

func (p plan) end() model.Time {
	return model.Time(max(len(p.delays[0]), len(p.delays[1]))+15) * model.Time(eta)
}

func (p plan) build(t testing.TB, name, patience string, patient model.Duration) model.Automaton {
	return p.buildWith(t, name, map[string]string{patience: patient.String()})
}

// buildWith makes a detector with the parameters given beside those of the plan.
func (p plan) buildWith(t testing.TB, name string, given map[string]string) model.Automaton {
	given["eta"], given["stagger"] = eta.String(), fmt.Sprint(p.stagger)
	a, err := build(t, name, given)(detectors.Env{Self: 2, N: 3, Watch: []model.ProcessID{0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// forAllPlans checks a property of random plans.
func forAllPlans(t *testing.T, name string, holds func(p plan) error) {
	t.Helper()
	forAllPlansOf(t, name, gen.SliceOf(gen.Frequency(map[int]gopter.Gen{
		5: gen.IntRange(0, 9), 2: gen.IntRange(-8, -1), 1: gen.IntRange(10, 60)})), holds)
}

func forAllPlansOf(t *testing.T, name string, delays gopter.Gen, holds func(p plan) error) {
	t.Helper()
	parameters := gopter.DefaultTestParametersWithSeed(20020501)
	parameters.MinSuccessfulTests = 250
	properties := gopter.NewProperties(parameters)
	properties.Property(name, prop.ForAll(
		func(stagger bool, start, patience int, d0, d1 []int) (bool, error) {
			err := holds(plan{stagger, model.Time(start) * model.Time(model.Millisecond),
				model.Duration(patience) * model.Millisecond, [2][]int{d0, d1}})
			return err == nil, err
		},
		gen.Bool(), gen.IntRange(0, 35), gen.IntRange(1, 45), delays, delays))
	properties.TestingRun(t)
}

// twin says whether the peer is suspected after all that happens at t, by the
// definition and the whole log of arrivals.
type twin func(p plan, log []arrival, peer model.ProcessID, t model.Time) bool

// agree compares a detector with its twin on every millisecond, and just before
// and at each of its verdicts.
func agree(t *testing.T, name, patience string, suspected twin) {
	exercised := 0
	forAllPlans(t, name+" agrees with its definition", func(p plan) error {
		changes, err := agreeOn(t, p, name, patience, model.Millisecond, suspected)
		exercised += changes
		return err
	})
	if exercised < 1000 {
		t.Errorf("only %d verdicts in all plans", exercised)
	}
}

func agreeOn(t *testing.T, p plan, name, patience string, step model.Duration, suspected twin) (verdicts int, err error) {
	return agreeWith(t, p, p.build(t, name, patience, p.patience), step, suspected)
}

func agreeWith(t *testing.T, p plan, a model.Automaton, step model.Duration, suspected twin) (verdicts int, err error) {
	log := p.arrivals()
	var seen []arrival
	for _, a := range log {
		if a.at >= p.start {
			seen = append(seen, a)
		}
	}
	changes := drive(t, a, p.start, p.end(), log)
	var instants []model.Time
	for now := p.start; now <= p.end(); now = now.Add(step) {
		instants = append(instants, now)
	}
	for _, c := range changes {
		instants = append(instants, c.at, max(p.start, c.at-1))
	}
	for _, now := range instants {
		for peer := range model.ProcessID(2) {
			if got, want := suspects(changes, peer, now), suspected(p, seen, peer, now); got != want {
				return 0, fmt.Errorf("at %v, peer %d: suspected %v, by the definition %v", now, peer, got, want)
			}
		}
	}
	return len(changes), nil
}

func TestTimeoutTwin(t *testing.T) {
	agree(t, "timeout", "timeout", func(p plan, log []arrival, peer model.ProcessID, now model.Time) bool {
		last := p.start
		for _, a := range log {
			if a.from == peer && a.at <= now {
				last = a.at
			}
		}
		return now.Sub(last) >= p.patience
	})
}

// The definition of NFD-S, evaluated as it stands: for t in [tau_i, tau_(i+1)),
// trust if and only if some m_j with j >= i was received by t.
func TestNFDSTwin(t *testing.T) {
	agree(t, "nfd-s", "delta", func(p plan, log []arrival, peer model.ProcessID, now model.Time) bool {
		tau := func(i int64) model.Time { return p.sigma(peer, i).Add(p.patience) }
		i := int64(0)
		for tau(i+1) <= now {
			i++
		}
		first := int64(0) // the first heartbeat sent after the start
		for p.sigma(peer, first) < p.start {
			first++
		}
		if i < first || now < tau(i) {
			return false
		}
		for _, a := range log {
			if a.from == peer && a.at <= now && a.seq >= i {
				return false
			}
		}
		return true
	})
}

func TestNFDETwin(t *testing.T) {
	t.Parallel()
	agree(t, "nfd-e", "alpha", func(p plan, log []arrival, peer model.ProcessID, now model.Time) bool {
		suspected, _ := nfdeTwin(p, log, peer, now)
		return suspected
	})
}

// nfdeTwin is NFD-E with the mean of the last 32 arrivals in order, in big integers.
// In 64 periods after tau and the last such arrival, a number is forgotten. It tells
// how many arrivals counted although a later one had come.
func nfdeTwin(p plan, log []arrival, peer model.ProcessID, now model.Time) (suspected bool, forgotten int) {
	l, latest := int64(-1), model.Time(0)
	var normal []*big.Int
	tau := func() *big.Int {
		if len(normal) == 0 {
			return big.NewInt(int64(p.start.Add(eta + p.patience)))
		}
		sum := new(big.Int)
		for _, x := range normal {
			sum.Add(sum, x)
		}
		mean := sum.Div(sum, big.NewInt(int64(len(normal)))) // Euclidean: rounds down
		ahead := new(big.Int).Mul(big.NewInt(int64(eta)), big.NewInt(l+1))
		return mean.Add(mean, ahead).Add(mean, big.NewInt(int64(p.patience)))
	}
	remembered := func(at model.Time) bool {
		long := big.NewInt(int64(at) - 64*int64(eta))
		return long.Cmp(big.NewInt(int64(latest))) < 0 || long.Cmp(tau()) < 0
	}
	for _, a := range log {
		switch {
		case a.from != peer || a.at > now:
			continue
		case a.seq > l:
		case remembered(a.at):
			continue
		default:
			forgotten++
		}
		l, latest = a.seq, a.at
		x := new(big.Int).Mul(big.NewInt(int64(eta)), big.NewInt(-l))
		normal = append(normal, x.Add(x, big.NewInt(int64(a.at))))
		normal = normal[max(0, len(normal)-32):]
	}
	return tau().Cmp(big.NewInt(int64(now))) <= 0, forgotten
}

// In these plans peers are silent for so long, and heartbeats so late, that numbers
// are forgotten.
func TestNFDETwinInSilence(t *testing.T) {
	t.Parallel()
	forgotten := 0
	delays := gen.SliceOf(gen.Frequency(map[int]gopter.Gen{
		6: gen.IntRange(0, 9),
		2: gen.IntRange(-8, -1),
		1: gen.IntRange(600, 2000), // which is 60 to 200 periods
		3: gen.IntRange(-90, -50),  // that many are lost
	})).Map(func(drawn []int) (delays []int) {
		for _, d := range drawn {
			if d < -8 {
				delays = append(delays, slices.Repeat([]int{-1}, -d-1)...)
			}
			delays = append(delays, d)
		}
		return delays[:min(len(delays), 600)]
	})
	forAllPlansOf(t, "nfd-e agrees with its definition in silence", delays, func(p plan) error {
		most := 0
		_, err := agreeOn(t, p, "nfd-e", "alpha", eta, func(p plan, log []arrival, peer model.ProcessID, now model.Time) bool {
			suspected, n := nfdeTwin(p, log, peer, now)
			most = max(most, n)
			return suspected
		})
		forgotten += most
		return err
	})
	if forgotten < 100 {
		t.Errorf("only %d heartbeats counted although a later one had come", forgotten)
	}
}

// Heartbeats that a detector is to ignore leave no trace: its encoded state and what
// it asks for are those of a detector that never received them. That is the other
// direction of a canonical encoding: histories that must be alike encode alike.
func TestIgnoredHeartbeatsLeaveNoTrace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, patience string
		ignored        func(p plan, seen []arrival, a arrival) bool // after what was seen
	}{
		{"timeout", "timeout", func(plan, []arrival, arrival) bool { return false }},
		// One that is not the latest changes no freshness point that is still to come.
		{"nfd-s", "delta", func(p plan, seen []arrival, a arrival) bool {
			for _, s := range seen {
				if s.from == a.from && s.seq >= a.seq {
					return true
				}
			}
			return p.sigma(a.from, a.seq+1).Add(p.patience) <= a.at // late for all that it stands for
		}},
		{"nfd-e", "alpha", notTheLatest},
		{"2w-fd", "alpha", notTheLatest},
		{"bertier", "delay", notTheLatest},
	} {
		ignored := 0
		forAllPlans(t, c.name, func(p plan) error {
			full, lean := p.build(t, c.name, c.patience, p.patience), p.build(t, c.name, c.patience, p.patience)
			var fullOut, leanOut model.Output
			step := func(now model.Time, in model.Input, both bool) error {
				fullOut.Reset()
				full.Step(now, &in, &fullOut)
				if !both {
					in = model.Input{Kind: model.Wake}
				}
				leanOut.Reset()
				lean.Step(now, &in, &leanOut)
				x, y := full.AppendState(nil, now), lean.AppendState(nil, now)
				if !bytes.Equal(x, y) {
					return fmt.Errorf("at %v, state %x, without ignored heartbeats %x", now, x, y)
				}
				if fullOut.Wake != leanOut.Wake || !slices.Equal(fullOut.Verdicts, leanOut.Verdicts) {
					return fmt.Errorf("at %v, %v, without ignored heartbeats %v", now, fullOut, leanOut)
				}
				return nil
			}
			if err := step(p.start, model.Input{Kind: model.Start}, true); err != nil {
				return err
			}
			var seen []arrival
			for _, a := range p.arrivals() {
				if a.at < p.start {
					continue
				}
				for fullOut.Wake <= a.at {
					if err := step(fullOut.Wake, model.Input{Kind: model.Wake}, true); err != nil {
						return err
					}
				}
				// Strangers, other messages and impossible numbers are for nobody.
				for _, m := range []model.Message{
					{From: 2, Kind: detectors.HeartbeatKind, Seq: a.seq + 1},
					{From: a.from, Kind: detectors.HeartbeatKind + 1, Seq: a.seq + 1},
					{From: a.from, Kind: detectors.HeartbeatKind, Seq: -1},
					{From: a.from, Kind: detectors.HeartbeatKind, Seq: math.MaxInt64},
				} {
					if c.name == "timeout" && m.From == a.from && m.Kind == detectors.HeartbeatKind {
						continue // it reads no numbers
					}
					if err := step(a.at, model.Input{Kind: model.Deliver, Message: m}, false); err != nil {
						return fmt.Errorf("after %+v: %w", m, err)
					}
				}
				takes := !c.ignored(p, seen, a)
				if !takes {
					ignored++
				}
				m := model.Message{From: a.from, To: 2, Kind: detectors.HeartbeatKind, Seq: a.seq}
				if err := step(a.at, model.Input{Kind: model.Deliver, Message: m}, takes); err != nil {
					return fmt.Errorf("after heartbeat %d of %d: %w", a.seq, a.from, err)
				}
				seen = append(seen, a)
			}
			return nil
		})
		if ignored < 1000 && c.name != "timeout" {
			t.Errorf("%s: only %d heartbeats were to be ignored", c.name, ignored)
		}
	}
}

// notTheLatest is what the estimators ignore, if no peer is silent for 64 periods, as in
// these plans.
func notTheLatest(_ plan, seen []arrival, a arrival) bool {
	for _, s := range seen {
		if s.from == a.from && s.seq >= a.seq {
			return true
		}
	}
	return false
}

// More patience never adds a mistake, and never hastens a detection: whom the
// patient detector suspects, the other suspects too. The number of suspicions
// cannot grow either, for a timeout; for freshness points it can, when the patient
// detector trusts for a while in one long mistake of the other.
func TestPatienceOnlyHelpsAccuracy(t *testing.T) {
	for name, patience := range map[string]string{"timeout": "timeout", "nfd-s": "delta", "nfd-u": "alpha", "nfd-e": "alpha", "2w-fd": "alpha"} {
		differ := 0
		forAllPlans(t, name, func(p plan) error {
			log := p.arrivals()
			hasty := drive(t, p.build(t, name, patience, p.patience), p.start, p.end(), log)
			patient := drive(t, p.build(t, name, patience, p.patience+7*model.Millisecond), p.start, p.end(), log)
			if len(patient) > 0 && len(hasty) != len(patient) {
				differ++
			}
			begun := func(changes []change) (n int) {
				for _, c := range changes {
					if c.Suspected {
						n++
					}
				}
				return n
			}
			if name == "timeout" && begun(patient) > begun(hasty) {
				return fmt.Errorf("%d suspicions, and %d with more patience", begun(hasty), begun(patient))
			}
			for _, c := range patient {
				if c.Suspected && !suspects(hasty, c.Peer, c.at) && suspects(patient, c.Peer, c.at) {
					return fmt.Errorf("only the patient one suspects %d at %v", c.Peer, c.at)
				}
			}
			return nil
		})
		if differ < 50 {
			t.Errorf("%s: only %d plans in which patience made a difference", name, differ)
		}
	}
}

// The names of processes mean nothing: swapping the peers swaps the verdicts.
func TestRelabelling(t *testing.T) {
	for name, patience := range map[string]string{"timeout": "timeout", "adaptive": "timeout", "nfd-s": "delta", "nfd-u": "alpha",
		"nfd-e": "alpha", "2w-fd": "alpha", "bertier": "delay"} {
		forAllPlans(t, name, func(p plan) error {
			p.stagger = false // which depends on names, as a matter of fact
			swapped := p
			swapped.delays[0], swapped.delays[1] = p.delays[1], p.delays[0]
			got := drive(t, p.build(t, name, patience, p.patience), p.start, p.end(), p.arrivals())
			other := drive(t, p.build(t, name, patience, p.patience), p.start, p.end(), swapped.arrivals())
			if len(got) != len(other) {
				return fmt.Errorf("%d verdicts, and %d with the peers swapped", len(got), len(other))
			}
			for _, c := range got {
				if suspects(got, c.Peer, c.at) != suspects(other, 1-c.Peer, c.at) {
					return fmt.Errorf("different at %v", c.at)
				}
			}
			return nil
		})
	}
}
