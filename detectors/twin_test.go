package detectors_test

import (
	"fmt"
	"math/big"
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
	a, err := build(t, name, map[string]string{
		"eta": eta.String(), "stagger": fmt.Sprint(p.stagger), patience: patient.String()})(
		detectors.Env{Self: 2, N: 3, Watch: []model.ProcessID{0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// forAllPlans checks a property of random plans.
func forAllPlans(t *testing.T, name string, holds func(p plan) error) {
	t.Helper()
	parameters := gopter.DefaultTestParametersWithSeed(20020501)
	parameters.MinSuccessfulTests = 250
	properties := gopter.NewProperties(parameters)
	delays := gen.SliceOf(gen.Frequency(map[int]gopter.Gen{
		5: gen.IntRange(0, 9), 2: gen.IntRange(-8, -1), 1: gen.IntRange(10, 60)}))
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
		log := p.arrivals()
		var seen []arrival
		for _, a := range log {
			if a.at >= p.start {
				seen = append(seen, a)
			}
		}
		changes := drive(t, p.build(t, name, patience, p.patience), p.start, p.end(), log)
		exercised += len(changes)
		var instants []model.Time
		for now := p.start; now <= p.end(); now += model.Time(model.Millisecond) {
			instants = append(instants, now)
		}
		for _, c := range changes {
			instants = append(instants, c.at, max(p.start, c.at-1))
		}
		for _, now := range instants {
			for peer := range model.ProcessID(2) {
				if got, want := suspects(changes, peer, now), suspected(p, seen, peer, now); got != want {
					return fmt.Errorf("at %v, peer %d: suspected %v, by the definition %v", now, peer, got, want)
				}
			}
		}
		return nil
	})
	if exercised < 1000 {
		t.Errorf("only %d verdicts in all plans", exercised)
	}
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

// NFD-E with the mean of the last 32 arrivals in order, in big integers.
func TestNFDETwin(t *testing.T) {
	agree(t, "nfd-e", "alpha", func(p plan, log []arrival, peer model.ProcessID, now model.Time) bool {
		l := int64(-1)
		var normal []*big.Int
		for _, a := range log {
			if a.from == peer && a.at <= now && a.seq > l {
				l = a.seq
				x := new(big.Int).Mul(big.NewInt(int64(eta)), big.NewInt(-a.seq))
				normal = append(normal, x.Add(x, big.NewInt(int64(a.at))))
			}
		}
		if l < 0 {
			return now.Sub(p.start) >= eta+p.patience
		}
		normal = normal[max(0, len(normal)-32):]
		sum := new(big.Int)
		for _, x := range normal {
			sum.Add(sum, x)
		}
		tau := sum.Div(sum, big.NewInt(int64(len(normal)))) // Euclidean: rounds down
		tau.Add(tau, new(big.Int).Mul(big.NewInt(int64(eta)), big.NewInt(l+1)))
		tau.Add(tau, big.NewInt(int64(p.patience)))
		return tau.Cmp(big.NewInt(int64(now))) <= 0
	})
}

// More patience never adds a mistake, and never hastens a detection: whom the
// patient detector suspects, the other suspects too. The number of suspicions
// cannot grow either, for a timeout; for the freshness points of NFD-S and NFD-E it
// can, when the patient detector trusts for a while in one long mistake of the
// other.
func TestPatienceOnlyHelpsAccuracy(t *testing.T) {
	for name, patience := range map[string]string{"timeout": "timeout", "nfd-s": "delta", "nfd-e": "alpha"} {
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
	for name, patience := range map[string]string{"timeout": "timeout", "nfd-s": "delta", "nfd-e": "alpha"} {
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
