package detectors_test

import (
	"errors"
	"fmt"
	"math"
	"sort"
	"testing"

	"github.com/leanovate/gopter/gen"

	"suspect/detectors"
	"suspect/detectors/detectortest"
	"suspect/model"
)

func TestConformanceOfPull(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		given map[string]string
		eta   model.Duration
	}{
		{"ping", map[string]string{"eta": "10ms", "timeout": "1ps", "stagger": "false"}, 10 * model.Millisecond},
		{"ping", map[string]string{"eta": "10ms", "timeout": "33ms"}, 10 * model.Millisecond},
		{"timeout-2d-r", map[string]string{"eta": "10ms", "d": "0s", "r": "0s", "stagger": "false"}, 10 * model.Millisecond},
		{"timeout-2d-r", map[string]string{"eta": "10ms", "d": "1ms", "r": "1ms"}, 10 * model.Millisecond},
		{"timeout-2d-r", map[string]string{"eta": "10ms", "d": "15ms", "r": "12ms"}, 10 * model.Millisecond},
		// The periods are whole microseconds in all systems of the suite.
		{"so-sirer", map[string]string{"eta": "12ms", "timeout": "5ms", "hazards": "4 1"}, 12 * model.Millisecond},
		{"so-sirer", map[string]string{"eta": "12ms", "timeout": "100ms", "hazards": "1"}, 12 * model.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			// A system of one process has no room for two hazards.
			make := func(env detectors.Env) (model.Automaton, error) {
				if env.N == 1 && c.given["hazards"] != "" {
					return build(t, c.name, map[string]string{})(env)
				}
				return build(t, c.name, c.given)(env)
			}
			if err := detectortest.Check(make, c.eta); err != nil {
				t.Error(c.given, err)
			}
		})
	}
}

// exchange is one ping and what became of it.
type exchange struct {
	peer      model.ProcessID
	sent      model.Time
	answered  model.Time // when the reply arrived, or Never
	seq       int64
	delivered bool
}

// ask runs the monitor, process 2, of targets 0 and 1. The k-th ping to a peer is answered
// after roundTrip(peer, k, sent), if that is not negative. It returns what the monitor said
// and asked.
func ask(a model.Automaton, start, end model.Time, roundTrip func(peer model.ProcessID, k int, sent model.Time) model.Duration) (changes []change, asked []exchange) {
	var out model.Output
	count := map[model.ProcessID]int{}
	step := func(now model.Time, in model.Input) {
		out.Reset()
		a.Step(now, &in, &out)
		for _, v := range out.Verdicts {
			changes = append(changes, change{now, v})
		}
		for _, m := range out.Send {
			x := exchange{peer: m.To, sent: now, answered: model.Never, seq: m.Seq}
			if d := roundTrip(m.To, count[m.To], now); d >= 0 {
				x.answered = now.Add(d)
			}
			count[m.To]++
			asked = append(asked, x)
		}
	}
	step(start, model.Input{Kind: model.Start})
	for {
		first := -1
		for i, x := range asked {
			if !x.delivered && (first < 0 || x.answered < asked[first].answered) {
				first = i
			}
		}
		at, in := out.Wake, model.Input{Kind: model.Wake}
		if first >= 0 && asked[first].answered < at {
			x := &asked[first]
			x.delivered = true
			at, in = x.answered, model.Input{Kind: model.Deliver, Message: model.Message{From: x.peer, To: 2, Kind: 3, Seq: x.seq}}
		}
		if at > end {
			return changes, asked
		}
		step(at, in)
	}
}

func monitor(t testing.TB, name string, given map[string]string) model.Automaton {
	a, err := build(t, name, given)(detectors.Env{Self: 2, N: 3, Watch: []model.ProcessID{0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The definitions of the detectors that ask, evaluated on all that was asked and
// answered, on every millisecond, and just before and at each verdict.
func TestPullTwins(t *testing.T) {
	for _, c := range []struct {
		name      string
		given     func(p plan) map[string]string
		suspected func(p plan, asked []exchange, peer model.ProcessID, now model.Time) bool
	}{
		{"ping", func(p plan) map[string]string {
			return map[string]string{"eta": eta.String(), "timeout": (p.patience + 1).String(), "stagger": fmt.Sprint(p.stagger)}
		}, func(p plan, asked []exchange, peer model.ProcessID, now model.Time) bool {
			return now.Sub(lastAnswer(p, asked, peer, now)) >= p.patience+1
		}},
		{"timeout-2d-r", func(p plan) map[string]string {
			return map[string]string{"eta": eta.String(), "d": (p.patience / 2).String(), "r": "3ms", "stagger": fmt.Sprint(p.stagger)}
		}, func(p plan, asked []exchange, peer model.ProcessID, now model.Time) bool {
			due, best := int64(-1), int64(-1)
			for _, x := range asked {
				if x.peer != peer {
					continue
				}
				if now.Sub(x.sent) > p.patience/2*2+3*model.Millisecond {
					due = max(due, x.seq)
				}
				if x.answered <= now {
					best = max(best, x.seq)
				}
			}
			return best < due
		}},
		{"so-sirer", func(p plan) map[string]string {
			return map[string]string{"eta": "9ms", "timeout": (p.patience + 1).String(), "hazards": "4 1 100"}
		}, func(p plan, asked []exchange, peer model.ProcessID, now model.Time) bool {
			// 4 and 1 have the square roots 2 and 1, with the mean 1.5.
			period := 9 * model.Millisecond * 3 / 4
			if peer == 1 {
				period *= 2
			}
			return now.Sub(lastAnswer(p, asked, peer, now)) >= period+p.patience+1
		}},
	} {
		verdicts := 0
		forAllPlans(t, c.name+" agrees with its definition", func(p plan) error {
			changes, asked := ask(monitor(t, c.name, c.given(p)), p.start, p.end(), func(peer model.ProcessID, k int, _ model.Time) model.Duration {
				if k >= len(p.delays[peer]) {
					return -1
				}
				return model.Duration(p.delays[peer][k]) * model.Millisecond
			})
			var instants []model.Time
			for now := p.start; now <= p.end(); now = now.Add(model.Millisecond) {
				instants = append(instants, now)
			}
			for _, c := range changes {
				instants = append(instants, c.at, max(p.start, c.at-1))
			}
			for _, now := range instants {
				for peer := range model.ProcessID(2) {
					if got, want := suspects(changes, peer, now), c.suspected(p, asked, peer, now); got != want {
						return fmt.Errorf("at %v, peer %d: suspected %v, by the definition %v", now, peer, got, want)
					}
				}
			}
			verdicts += len(changes)
			return nil
		})
		if verdicts < 1000 {
			t.Errorf("%s: only %d verdicts in all plans", c.name, verdicts)
		}
	}
}

func lastAnswer(p plan, asked []exchange, peer model.ProcessID, now model.Time) model.Time {
	last := p.start
	for _, x := range asked {
		if x.peer == peer && x.answered <= now {
			last = max(last, x.answered)
		}
	}
	return last
}

// A timeout of 2d + r is exact: round trips of up to that cause no suspicion, a picosecond
// more does, and a process that crashes right after a response is suspected eta + 2d + r
// after the request of that, and a picosecond. That holds for requests that follow each
// other faster than responses, too.
func TestTwoDRIsExact(t *testing.T) {
	for _, limit := range []model.Duration{3 * model.Millisecond, 10 * model.Millisecond, 47 * model.Millisecond} {
		given := map[string]string{"eta": eta.String(), "d": (limit / 3).String(), "r": (limit - limit/3*2).String(), "stagger": "false"}
		forAllPlansOf(t, "2d + r is enough", gen.SliceOf(gen.Int64Range(0, int64(limit))).Map(func(v []int64) []int {
			d := make([]int, 0, len(v))
			for i, x := range v {
				if i%3 == 0 {
					x = int64(limit)
				}
				d = append(d, int(x))
			}
			return d
		}), func(p plan) error {
			n := len(p.delays[0])
			changes, _ := ask(monitor(t, "timeout-2d-r", given), p.start, p.start.Add(model.Duration(n)*eta+limit), func(_ model.ProcessID, k int, _ model.Time) model.Duration {
				if k >= n {
					return 0
				}
				return model.Duration(p.delays[0][k])
			})
			if len(changes) > 0 {
				return fmt.Errorf("suspicions: %v", changes)
			}
			return nil
		})
		const slow = 20
		changes, _ := ask(monitor(t, "timeout-2d-r", given), 0, model.Time(30*eta), func(_ model.ProcessID, k int, _ model.Time) model.Duration {
			if k == slow {
				return limit + 1
			} else if k > slow && k <= slow+int(limit/eta) {
				return 2 * limit // or these would answer for it
			}
			return limit
		})
		if want := model.Time(slow * eta).Add(limit + 1); len(changes) == 0 || changes[0].at != want {
			t.Errorf("limit %v: %v after a response a picosecond late, want a suspicion at %v", limit, changes, want)
		}
		crash := model.Time(20 * eta)
		changes, _ = ask(monitor(t, "timeout-2d-r", given), 0, model.Time(60*eta), func(_ model.ProcessID, _ int, sent model.Time) model.Duration {
			if sent > crash {
				return -1
			}
			return limit / 2
		})
		if want := crash.Add(eta + limit + 1); len(changes) != 2 || changes[0].at != want {
			t.Errorf("limit %v: after a crash at %v %v, want both suspected at %v", limit, crash, changes, want)
		}
	}
}

// After a pause, of the requests that are due only the latest counts, and those that are
// not due are still to be judged: a state encoded before the first step after it is worth
// as much as the automaton.
func TestTwoDRStateInAPause(t *testing.T) {
	make := build(t, "timeout-2d-r", map[string]string{"eta": "10ms", "d": "10ms", "r": "5ms"})
	env := detectors.Env{Self: 0, N: 2, Watch: []model.ProcessID{1}}
	for answered := range int64(3) { // none, the first, the first two of three requests
		for at := 20 * model.Millisecond; at < 70*model.Millisecond; at += model.Millisecond {
			now := model.Time(at)
			a, _ := make(env)
			b, _ := make(env)
			var x, y model.Output
			for k := range int64(3) {
				a.Step(model.Time(k*int64(eta)), &model.Input{Kind: model.Wake}, &x)
				if k < answered {
					in := model.Input{Kind: model.Deliver, Message: model.Message{From: 1, Kind: 3, Seq: k}}
					a.Step(model.Time(k*int64(eta))+1, &in, &x)
				}
			}
			if _, err := b.LoadState(a.AppendState(nil, now), now); err != nil {
				t.Fatal(err)
			}
			for range 40 {
				x.Reset()
				y.Reset()
				a.Step(now, &model.Input{Kind: model.Wake}, &x)
				b.Step(now, &model.Input{Kind: model.Wake}, &y)
				if fmt.Sprint(x) != fmt.Sprint(y) {
					t.Fatalf("%d answered, encoded at %v: at %v %v, the loaded one %v", answered, at, now, x, y)
				}
				now = now.Add(model.Millisecond)
			}
		}
	}
}

// The square-root law. A monitor of 20 targets sends each its share of pings, and all of
// them together as many as the budget has.
func TestSoSirerBudget(t *testing.T) {
	const n = 20
	env := detectors.Env{Self: 0, N: n + 1}
	hazards, roots := "1", 0.0
	hazard := func(p int) float64 { return 1 + 0.37*float64(p*p%23) }
	for p := 1; p <= n; p++ {
		env.Watch = append(env.Watch, model.ProcessID(p))
		hazards += fmt.Sprint(" ", hazard(p))
		roots += math.Sqrt(hazard(p))
	}
	a, err := build(t, "so-sirer", map[string]string{"eta": "100ms", "hazards": hazards})(env)
	if err != nil {
		t.Fatal(err)
	}
	sent := make([]int, n+1)
	const length = 1000 // seconds
	var out model.Output
	in := model.Input{Kind: model.Start}
	for now := model.Time(0); now < model.Time(length*model.Second); now = out.Wake {
		out.Reset()
		a.Step(now, &in, &out)
		in.Kind = model.Wake
		for _, m := range out.Send {
			sent[m.To]++
		}
	}
	all := 0
	for p := 1; p <= n; p++ {
		budget := n / 0.1 // pings a second
		want := length * budget * math.Sqrt(hazard(p)) / roots
		if math.Abs(float64(sent[p])-want) > 1 {
			t.Errorf("process %d, of hazard %v: %d pings, want %.1f", p, hazard(p), sent[p], want)
		}
		all += sent[p]
	}
	if want := length * n * 10; all < want-n || all > want+n {
		t.Errorf("%d pings, want %d", all, want)
	}
	// The weighted latency is convex, so that it is least where no share of one target
	// would do better at another.
	latency := func(p int, pings float64) float64 { return hazard(p) / 2 / pings }
	for p := 1; p <= n; p++ {
		for q := 1; q <= n; q++ {
			x, y := float64(sent[p]), float64(sent[q])
			if moved := 0.02 * x; p != q && latency(p, x-moved)+latency(q, y+moved) <= latency(p, x)+latency(q, y) {
				t.Errorf("some pings of %d would do better at %d", p, q)
			}
		}
	}
}

// The detection time of a crash, whenever it happens in the period, is uniform between
// the timeout and the timeout and a period of the target, so that half a period stands
// beside the timeout in the mean; weighted by the hazards that is
//
//	(sum of sqrt(h_i))^2 / (2 B sum of h_i)
//
// which is less than with equal periods, and less than with rates in proportion to the
// hazards, which need as much as equal ones.
func TestSoSirerLatency(t *testing.T) {
	// The crashes sweep a common multiple of all periods, by half a millisecond.
	const timeout, crashes, sweep = 5 * model.Millisecond, 720, 360 * model.Millisecond
	mean := func(hazards string, weights [2]float64) float64 {
		weighted := 0.0
		for peer, weight := range weights {
			var sum model.Duration
			for k := range crashes {
				crash := model.Time(100*model.Millisecond + sweep/crashes*model.Duration(k) + sweep/crashes/2)
				changes, _ := ask(monitor(t, "so-sirer", map[string]string{"eta": "12ms", "timeout": timeout.String(), "hazards": hazards}),
					0, crash.Add(100*model.Millisecond), func(p model.ProcessID, _ int, sent model.Time) model.Duration {
						if p == model.ProcessID(peer) && sent >= crash {
							return -1
						}
						return 0
					})
				if len(changes) != 1 || changes[0].Peer != model.ProcessID(peer) {
					t.Fatalf("%v, want one suspicion of %d", changes, peer)
				}
				sum += changes[0].at.Sub(crash)
			}
			weighted += weight * float64(sum) / crashes / float64(model.Second)
		}
		return weighted/(weights[0]+weights[1]) - float64(timeout)/float64(model.Second)
	}
	weights := [2]float64{9, 1}
	const budget = 2 / 0.012
	for _, c := range []struct {
		hazards string
		want    float64
	}{
		{"9 1 1", (3 + 1) * (3 + 1) / (2 * budget * (9 + 1))}, // square roots
		{"1 1 1", 0.012 / 2},  // equal rates
		{"81 1 1", 0.012 / 2}, // rates as the hazards: 9 to 1
		{"4 1 1", (9./2 + 1) * (2 + 1) / (2 * budget * (9 + 1))},
		{"16 1 1", (9./4 + 1) * (4 + 1) / (2 * budget * (9 + 1))},
	} {
		if got := mean(c.hazards, weights); math.Abs(got-c.want) > 5e-5 {
			t.Errorf("hazards %s: mean latency %.6f s beside the timeout, want %.6f", c.hazards, got, c.want)
		}
	}
}

// The times of pings of a target do not depend on the order in which targets are kept:
// loaded anew before each step, a monitor of many sends the same.
func TestSoSirerOrder(t *testing.T) {
	env := detectors.Env{Self: 3, N: 9, Watch: []model.ProcessID{0, 1, 2, 4, 5, 6, 7, 8}}
	make := build(t, "so-sirer", map[string]string{"eta": "8ms", "timeout": "3ms", "hazards": "1 4 1 1 16 1 4 1 1"})
	a, err := make(env)
	if err != nil {
		t.Fatal(err)
	}
	in, out, again := model.Input{Kind: model.Start}, model.Output{}, model.Output{}
	for now := model.Time(0); now < model.Time(model.Second); now = max(out.Wake, now+1) {
		b, err := make(env)
		if err == nil {
			_, err = b.LoadState(a.AppendState(nil, now), now)
		}
		out.Reset()
		again.Reset()
		a.Step(now, &in, &out)
		b.Step(now, &in, &again)
		if fmt.Sprint(out.Send, out.Verdicts) != fmt.Sprint(again.Send, again.Verdicts) || err != nil {
			t.Fatalf("at %v: %v, loaded %v, error %v", now, out, again, err)
		}
		sorted := sort.SliceIsSorted(out.Send, func(i, j int) bool { return out.Send[i].To < out.Send[j].To })
		if !sorted {
			t.Fatal(errors.New("pings of one moment out of order"))
		}
		in.Kind = model.Wake
	}
}
