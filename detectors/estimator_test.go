package detectors_test

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"suspect/detectors"
	"suspect/detectors/detectortest"
	"suspect/model"
)

// The detectors of estimated or known arrivals keep the contract with parameters at
// their edges.
func TestConformanceOfEstimators(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		given map[string]string
	}{
		{"nfd-u", map[string]string{"eta": "10ms", "expected": "3.3ms", "alpha": "0s", "stagger": "false"}},
		{"2w-fd", map[string]string{"eta": "10ms", "alpha": "0s", "short": "1", "long": "1"}},
		{"2w-fd", map[string]string{"eta": "10ms", "alpha": "4ms", "short": "2", "long": "5", "stagger": "false"}},
		{"bertier", map[string]string{"eta": "10ms", "n": "1", "var": "0s"}},
		{"bertier", map[string]string{"eta": "10ms", "n": "3", "gamma": "1", "phi": "0", "moderation": "1ms"}},
		{"bertier", map[string]string{"eta": "10ms", "n": "3", "gamma": "0.5", "delay": "5ms", "var": "2ms", "beta": "3", "phi": "7", "moderation": "30ms"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := detectortest.Check(build(t, c.name, c.given), 10*model.Millisecond); err != nil {
				t.Error(c.given, err)
			}
		})
	}
}

// NFD-U by its algorithm, rather than by the freshness points of NFD-S: when m_j with
// j > l arrives, l becomes j, and q trusts until EA_(l+1) + alpha.
func TestNFDUTwin(t *testing.T) {
	const expected = 4 * model.Millisecond
	verdicts := 0
	forAllPlans(t, "nfd-u agrees with its definition", func(p plan) error {
		a := p.buildWith(t, "nfd-u", map[string]string{"expected": expected.String(), "alpha": p.patience.String()})
		n, err := agreeWith(t, p, a, model.Millisecond, func(p plan, log []arrival, peer model.ProcessID, now model.Time) bool {
			l := int64(-1)
			for p.sigma(peer, l+1) < p.start {
				l++ // nobody is blamed for what was sent before the start
			}
			for _, a := range log {
				if a.from == peer && a.at <= now {
					l = max(l, a.seq)
				}
			}
			return now >= p.sigma(peer, l+1).Add(expected+p.patience)
		})
		verdicts += n
		return err
	})
	if verdicts < 1000 {
		t.Errorf("only %d verdicts in all plans", verdicts)
	}
}

// The 2W-FD suspects exactly while NFD-E suspects with the short window and with the
// long one, the larger expected arrival being the later freshness point.
func TestTwoWindowIsBothOfNFDE(t *testing.T) {
	verdicts, apart := 0, 0
	forAllPlans(t, "2w-fd agrees with two nfd-e", func(p plan) error {
		log := p.arrivals()
		patience := p.patience.String()
		short := drive(t, p.buildWith(t, "nfd-e", map[string]string{"alpha": patience, "n": "2"}), p.start, p.end(), log)
		long := drive(t, p.buildWith(t, "nfd-e", map[string]string{"alpha": patience, "n": "7"}), p.start, p.end(), log)
		a := p.buildWith(t, "2w-fd", map[string]string{"alpha": patience, "short": "2", "long": "7"})
		n, err := agreeWith(t, p, a, model.Millisecond, func(_ plan, _ []arrival, peer model.ProcessID, now model.Time) bool {
			inShort, inLong := suspects(short, peer, now), suspects(long, peer, now)
			if inShort != inLong {
				apart++
			}
			return inShort && inLong
		})
		verdicts += n
		return err
	})
	if verdicts < 1000 || apart < 1000 {
		t.Errorf("only %d verdicts, and %d instants at which the windows disagree", verdicts, apart)
	}
}

// With one window twice, it is NFD-E.
func TestTwoEqualWindows(t *testing.T) {
	forAllPlans(t, "2w-fd with equal windows is nfd-e", func(p plan) error {
		one := drive(t, p.buildWith(t, "nfd-e", map[string]string{"alpha": p.patience.String(), "n": "5"}), p.start, p.end(), p.arrivals())
		two := drive(t, p.buildWith(t, "2w-fd", map[string]string{"alpha": p.patience.String(), "short": "5", "long": "5"}), p.start, p.end(), p.arrivals())
		if fmt.Sprint(one) != fmt.Sprint(two) {
			return fmt.Errorf("%v, and %v with windows that are equal", one, two)
		}
		return nil
	})
}

// bertierTwin is the definition in 300 bits: each step as published, the window summed
// anew, nothing carried over but the delay, the variation and the moderation.
func bertierTwin(n int, gamma float64, initialVar, moderation model.Duration) twin {
	number := func(v int64) *big.Float { return new(big.Float).SetPrec(300).SetInt64(v) }
	op := func() *big.Float { return new(big.Float).SetPrec(300) }
	return func(p plan, log []arrival, peer model.ProcessID, now model.Time) bool {
		l, moderated := int64(-1), int64(0)
		delay, variation := number(0), number(int64(initialVar))
		tau := p.start.Add(eta + 4*initialVar)
		var window []*big.Int
		mean := func() int64 {
			sum := new(big.Int)
			for _, x := range window[max(0, len(window)-n):] {
				sum.Add(sum, x)
			}
			return sum.Div(sum, big.NewInt(int64(min(n, len(window))))).Int64() // rounds down
		}
		for _, a := range log {
			if a.from != peer || a.at > now || a.seq <= l {
				continue
			}
			if len(window) > 0 {
				late := number(int64(a.at) - mean() - a.seq*int64(eta))
				e := op().Sub(late, delay)
				g := op().SetFloat64(gamma)
				delay = op().Add(delay, op().Mul(g, e))
				variation = op().Add(variation, op().Mul(g, op().Sub(op().Abs(e), variation)))
			}
			l = a.seq
			window = append(window, big.NewInt(int64(a.at)-l*int64(eta)))
			alpha, _ := op().Add(op().Add(delay, op().Mul(number(4), variation)), op().SetFloat64(0.5)).Float64()
			wasSuspected := tau <= a.at
			tau = model.Time(mean() + (l+1)*int64(eta) + int64(math.Floor(alpha)) + moderated)
			if wasSuspected && a.at < tau {
				moderated += int64(moderation)
				tau += model.Time(moderation)
			}
		}
		return now >= tau
	}
}

func TestBertierTwin(t *testing.T) {
	t.Parallel()
	for _, moderation := range []model.Duration{0, 3 * model.Millisecond} {
		verdicts := 0
		forAllPlans(t, fmt.Sprint("bertier agrees with its definition, moderation ", moderation), func(p plan) error {
			// With a gamma of few digits, margins of exactly half a picosecond are common.
			const initial = 500 * model.Microsecond
			a := p.buildWith(t, "bertier", map[string]string{"n": "8", "gamma": "0.1234567", "var": initial.String(), "moderation": moderation.String()})
			n, err := agreeWith(t, p, a, 4*eta, bertierTwin(8, 0.1234567, initial, moderation))
			verdicts += n
			return err
		})
		if verdicts < 1000 {
			t.Errorf("only %d verdicts in all plans", verdicts)
		}
	}
}

// Clockwork arrivals are no errors, so that after k of them beyond the first the
// variation is (1-gamma)^k of what it was: whoever crashes then is suspected 4 times
// that after its next heartbeat is expected. In the end there is no margin at all, and
// each heartbeat is late.
func TestBertierForgetsByGamma(t *testing.T) {
	const initial, delay = 8 * model.Millisecond, 2 * model.Millisecond
	p := plan{}
	for _, k := range []int{0, 1, 2, 7, 40, 400} {
		var log []arrival
		for i := range k + 1 {
			log = append(log, arrival{p.sigma(0, int64(i)).Add(delay), 0, int64(i)})
		}
		a := p.buildWith(t, "bertier", map[string]string{"var": initial.String()})
		margin := 4 * float64(initial) * math.Pow(0.9, float64(k))
		want := p.sigma(0, int64(k+1)).Add(delay).Add(model.Duration(math.Round(margin)))
		changes := drive(t, a, 0, want.Add(eta), log)
		var suspected []model.Time
		for _, c := range changes {
			if c.Suspected && c.Peer == 0 {
				suspected = append(suspected, c.at)
			}
		}
		if k == 400 {
			if len(suspected) < 50 {
				t.Errorf("after %d heartbeats like clockwork, suspected %d times", k, len(suspected))
			}
			continue
		}
		if len(suspected) != 1 || suspected[0].Sub(want) > 1 || want.Sub(suspected[0]) > 1 {
			t.Errorf("after %d more heartbeats, suspected at %v, want %v", k, suspected, want)
		}
	}
}

// With a moderation step, delays up to some bound cause no more mistakes than there are
// steps in twice the bound, and one: a heartbeat is late for its estimate by at most the
// bound, and the learnt delay is not below minus the bound. Without it, they go on.
func TestBertierModeration(t *testing.T) {
	const bound = 9 * model.Millisecond
	random := uint64(1)
	p := plan{}
	for range 4000 {
		random = random*6364136223846793005 + 1442695040888963407
		d := int(random>>33) % 2
		if random>>40%16 == 0 {
			d = 9
		}
		p.delays[0] = append(p.delays[0], d)
	}
	mistakes := func(moderation model.Duration) (all, late int) {
		a := p.buildWith(t, "bertier", map[string]string{"var": "1ms", "moderation": moderation.String()})
		for _, c := range drive(t, a, 0, p.sigma(0, 4000), p.arrivals()) {
			if c.Suspected && c.Peer == 0 {
				all++
				if c.at > p.sigma(0, 2000) {
					late++
				}
			}
		}
		return all, late
	}
	if all, late := mistakes(0); late < all/3 || late < 50 {
		t.Errorf("without moderation %d mistakes, %d of them in the second half", all, late)
	}
	for _, step := range []model.Duration{100 * model.Microsecond, model.Millisecond, 2 * bound} {
		if all, _ := mistakes(step); all == 0 || all > int(2*bound/step)+1 {
			t.Errorf("with a step of %v, %d mistakes", step, all)
		}
	}
	if _, late := mistakes(2 * model.Millisecond); late > 0 {
		t.Errorf("with a step of 2 ms, %d mistakes in the second half", late)
	}
}

func TestEstimatorParameters(t *testing.T) {
	for _, c := range []struct {
		name, param string
		given       map[string]string
	}{
		{"2w-fd", "short", map[string]string{"short": "9", "long": "8"}},
		{"2w-fd", "short", map[string]string{"short": "0"}},
		{"2w-fd", "long", map[string]string{"long": "65537"}},
		{"bertier", "n", map[string]string{"n": "0"}},
		{"bertier", "beta", map[string]string{"beta": "1001"}},
		{"bertier", "phi", map[string]string{"phi": "1001"}},
		{"bertier", "var", map[string]string{"var": "1000h"}},
		{"bertier", "moderation", map[string]string{"moderation": "1000h"}},
		{"nfd-u", "expected", map[string]string{"expected": "1000h"}},
		{"adaptive", "most", map[string]string{"timeout": "2s", "most": "1s"}},
		{"adaptive", "step", map[string]string{"step": "0s"}},
		{"timeout-2d-r", "d", map[string]string{"d": "1000h"}},
		{"ping", "timeout", map[string]string{"timeout": "0s"}},
		{"so-sirer", "hazards", map[string]string{"hazards": " , "}},
		{"so-sirer", "hazards", map[string]string{"hazards": "1 -1"}},
		{"so-sirer", "hazards", map[string]string{"hazards": "NaN"}},
		{"so-sirer", "hazards", map[string]string{"hazards": "1 2 3 4"}},
		{"so-sirer", "hazards", map[string]string{"hazards": "1 1e-9 1e9", "eta": "100h"}},
	} {
		_, err := build(t, c.name, c.given)(detectors.Env{Self: 0, N: 3, Watch: []model.ProcessID{1, 2}})
		if e, ok := err.(*model.ParamError); !ok || e.Name != c.param {
			t.Errorf("%s with %v: error %v, want one of parameter %s", c.name, c.given, err, c.param)
		}
	}
}

// A state that is loaded leaves nothing of what an automaton has lived through.
func TestLoadForgets(t *testing.T) {
	for name, given := range map[string]map[string]string{
		"timeout":  {"timeout": "12ms"},
		"adaptive": {"timeout": "12ms", "step": "1ms"},
		"nfd-s":    {"delta": "3ms"},
		"nfd-u":    {"alpha": "3ms"},
		"nfd-e":    {"alpha": "1ms"},
		"2w-fd":    {"alpha": "1ms"},
		"bertier":  {"var": "1ms", "moderation": "1ms"},
	} {
		lived, fresh := plan{}, plan{}
		for i := range 40 {
			lived.delays[0] = append(lived.delays[0], 5+i%4)
			lived.delays[1] = append(lived.delays[1], 9-i%3)
			fresh.delays[0] = append(fresh.delays[0], i%3)
		}
		live := func(p plan) (a model.Automaton, now model.Time) {
			a, now = p.buildWith(t, name, given), p.sigma(0, 40)
			drive(t, a, 0, now, p.arrivals())
			return a, now
		}
		a, now := live(lived)
		b, _ := live(fresh)
		if _, err := a.LoadState(b.AppendState(nil, now), now); err != nil {
			t.Fatal(name, err)
		}
		for i := range int64(60) { // heartbeats of both processes, and then none
			now = now.Add(model.Millisecond)
			in := model.Input{Kind: model.Wake}
			if i < 30 && i%10 < 2 {
				in = model.Input{Kind: model.Deliver, Message: model.Message{From: model.ProcessID(i % 10), To: 2, Kind: detectors.HeartbeatKind, Seq: 40 + i/10}}
			}
			var x, y model.Output
			a.Step(now, &in, &x)
			b.Step(now, &in, &y)
			if fmt.Sprint(x.Send, x.Verdicts) != fmt.Sprint(y.Send, y.Verdicts) || string(a.AppendState(nil, now)) != string(b.AppendState(nil, now)) {
				t.Fatalf("%s, at %v: loaded %v, the original %v", name, now, x, y)
			}
		}
	}
}
