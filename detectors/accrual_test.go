package detectors_test

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"

	"suspect/detectors"
	"suspect/detectors/detectortest"
	"suspect/model"
	"suspect/sim"
)

// phiRow is a row of testdata/phi.csv: levels of several accrual detectors, computed
// with 60 decimal digits, of which twelve are given.
type phiRow struct {
	id        string
	intervals []model.Duration
	elapsed   model.Duration
	text      map[string]string
}

func (r *phiRow) number(t *testing.T, name string) float64 {
	v, err := strconv.ParseFloat(r.text[name], 64)
	if err != nil {
		t.Fatalf("%s: %s: %v", r.id, name, err)
	}
	return v
}

func phiRows(t *testing.T) (rows []phiRow) {
	f, err := os.Open("testdata/phi.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		r := phiRow{id: line[0], text: map[string]string{}}
		for i, name := range lines[0] {
			r.text[name] = line[i]
		}
		milliseconds := func(s string) model.Duration {
			d, err := model.ParseDuration(s + "ms")
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		for _, s := range strings.Fields(r.text["intervals_ms"]) {
			r.intervals = append(r.intervals, milliseconds(s))
		}
		r.elapsed = milliseconds(r.text["elapsed_ms"])
		rows = append(rows, r)
	}
	if len(rows) < 27 {
		t.Fatalf("only %d rows", len(rows))
	}
	return rows
}

// listener is a detector on process 1 that listens to process 0.
type listener struct {
	model.Automaton
	t        testing.TB
	out      model.Output
	verdicts []change
}

func listen(t testing.TB, name string, given map[string]string) *listener {
	a, err := build(t, name, given)(detectors.Env{Self: 1, N: 2, Watch: []model.ProcessID{0}})
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{Automaton: a, t: t}
	l.step(0, model.Input{Kind: model.Start})
	return l
}

func (l *listener) step(now model.Time, in model.Input) {
	l.out.Reset()
	l.Step(now, &in, &l.out)
	for _, v := range l.out.Verdicts {
		l.verdicts = append(l.verdicts, change{now, v})
	}
}

func (l *listener) until(now model.Time) {
	for l.out.Wake <= now {
		l.step(l.out.Wake, model.Input{Kind: model.Wake})
	}
}

// hear delivers heartbeats at 0 and after each of the intervals, and returns the time of
// the last one.
func (l *listener) hear(intervals []model.Duration) (last model.Time) {
	in := model.Input{Kind: model.Deliver, Message: model.Message{To: 1, Kind: detectors.HeartbeatKind}}
	l.step(0, in)
	for _, interval := range intervals {
		last = last.Add(interval)
		l.until(last)
		in.Message.Seq++
		l.step(last, in)
	}
	return last
}

func (l *listener) level(now model.Time) float64 {
	return l.Automaton.(detectors.Accrual).Level(now, 0)
}

// timeout returns when after its last heartbeat the peer is suspected.
func (l *listener) timeout(last model.Time) model.Duration {
	l.until(last.Add(model.Hour))
	v := l.verdicts[len(l.verdicts)-1]
	if !v.Suspected {
		l.t.Fatal("not suspected within an hour")
	}
	return v.at.Sub(last)
}

// Every column, from the detectors themselves: levels after the row's arrivals and
// silence, and the silence after which the peer is suspected with a threshold of 8.
func TestAccrualVectors(t *testing.T) {
	near := func(got, want float64) bool {
		return got == want || math.Abs(got-want) <= 1e-11*math.Abs(want) || math.Abs(want) < 1e-58 && math.Abs(got) < 1e-58
	}
	checked := map[string]int{}
	for _, r := range phiRows(t) {
		n := fmt.Sprint(len(r.intervals)) // as many as push the seeds out
		for _, c := range []struct {
			level, timeout string // columns
			detector       string
			given          map[string]string
		}{
			{"phi_normal_pop", "t_phi8_normal_pop", "phi", map[string]string{"n": n, "deviation": "0s"}},
			{"phi_normal_sample", "", "phi", map[string]string{"n": n, "deviation": "0s", "sample": "true"}},
			{"phi_normal_naive_f64", "", "phi", map[string]string{"n": n, "deviation": "0s", "naive": "true"}},
			{"phi_logistic_pop", "t_phi8_logistic_pop", "phi-akka", map[string]string{"n": n, "deviation": "1ms", "pause": "0s", "outages": "true"}},
			{"phi_exponential", "t_phi8_exponential", "phi-exponential", nil},
			{"phi_akka_default", "t_phi8_akka_default", "phi-akka", nil},
			{"phi_akka_default_f64", "", "phi-akka", map[string]string{"naive": "true"}},
			{"phi_cassandra_default", "t_phi8_cassandra_default", "phi-cassandra", nil},
			{"p_satzger_scale1", "", "satzger", map[string]string{"scale": "1"}},
		} {
			if text := r.text[c.level]; text == "undefined" || text == "NaN/Inf" {
				continue // all intervals are the same: see TestPhiWithoutDeviation
			}
			l := listen(t, c.detector, c.given)
			last := l.hear(r.intervals)
			if got, want := l.level(last.Add(r.elapsed)), r.number(t, c.level); !near(got, want) {
				t.Errorf("%s: %s = %.13g, want %.13g", r.id, c.level, got, want)
			}
			checked[c.level]++
			if c.timeout == "" {
				continue
			}
			want := r.number(t, c.timeout)
			clock := 1e-9 // a picosecond
			if c.detector == "phi-akka" {
				clock = 1
			}
			got := float64(l.timeout(last)) / float64(model.Millisecond)
			if got < want-1e-11*want || got > want+1e-11*want+clock {
				t.Errorf("%s: %s = %.13g, want %.13g", r.id, c.timeout, got, want)
			}
			checked[c.timeout]++
		}
	}
	for column, want := range map[string]int{
		"phi_normal_pop": 24, "phi_normal_sample": 24, "phi_normal_naive_f64": 24, "phi_logistic_pop": 24, "phi_exponential": 27,
		"phi_akka_default": 27, "phi_akka_default_f64": 27, "phi_cassandra_default": 27, "p_satzger_scale1": 27,
		"t_phi8_normal_pop": 24, "t_phi8_logistic_pop": 24, "t_phi8_exponential": 27, "t_phi8_akka_default": 27, "t_phi8_cassandra_default": 27,
	} {
		if checked[column] != want {
			t.Errorf("%s: %d rows checked, want %d", column, checked[column], want)
		}
	}
}

// What the windows of Akka and Cassandra hold shows at other thresholds, too: two
// levels tell mean and deviation, one tells the mean.
func TestAccrualWindows(t *testing.T) {
	for _, r := range phiRows(t) {
		l := listen(t, "phi-cassandra", nil)
		last := l.hear(r.intervals)
		mean := r.elapsed.Seconds() * 1000 / (l.level(last.Add(r.elapsed)) * math.Ln10)
		if want := r.number(t, "cassandra_mean_ms"); math.Abs(mean-want) > 1e-12*want {
			t.Errorf("%s: Cassandra's mean is %v ms, want %v", r.id, mean, want)
		}
		l = listen(t, "phi-akka", nil)
		last = l.hear(r.intervals)
		at := func(phi float64) float64 { // Akka's clock has no fractions: interpolate
			t1 := detectors.Crossing(l.Automaton.(detectors.Accrual), 0, phi, last, last.Add(model.Minute))
			t0 := t1 - model.Time(model.Millisecond)
			low, high := l.level(t0), l.level(t1)
			return t1.Sub(last).Seconds()*1000 - (high-phi)/(high-low)
		}
		// phi is log10(2) at the mean, and 8 at y = 5.2255
		want := r.number(t, "akka_mean_ms") + 3000
		if got := at(math.Log10(2)); math.Abs(got-want) > 1e-3 {
			t.Errorf("%s: Akka's mean and pause are %v ms, want %v", r.id, got, want)
		}
		floored := max(100, r.number(t, "akka_sd_ms"))
		y := (r.number(t, "t_phi8_akka_default") - want) / floored
		if got := (at(8) - at(math.Log10(2))) / y; math.Abs(got-floored) > 1e-3*floored {
			t.Errorf("%s: Akka's deviation is %v ms, want %v", r.id, got, floored)
		}
	}
}

// regular are n intervals of a second.
func regular(n int) []model.Duration { return slices.Repeat([]model.Duration{model.Second}, n) }

// By detectors.md's source reading: default Akka suspects 4.53 s and default Cassandra
// 20.1 s after the last of ten regular intervals of a second, and 4.52 s and 18.4 s in
// the long run.
func TestKnownTimeouts(t *testing.T) {
	for _, c := range []struct {
		detector string
		beats    int
		want     string
	}{
		{"phi-akka", 10, "4.53"}, {"phi-akka", 2000, "4.52"},
		{"phi-cassandra", 10, "20.1"}, {"phi-cassandra", 2000, "18.4"},
	} {
		l := listen(t, c.detector, nil)
		got := l.timeout(l.hear(regular(c.beats)))
		digits := len(c.want) - strings.Index(c.want, ".") - 1
		if text := strconv.FormatFloat(got.Seconds(), 'f', digits, 64); text != c.want {
			t.Errorf("%s suspects %v after the last of %d beats, want %s s", c.detector, got, c.beats, c.want)
		}
	}
}

// The published mistakes cost what they are known to cost.
func TestPublishedMistakes(t *testing.T) {
	after := append(append(regular(4), 20*model.Second), regular(3)...)
	silent := func(detector string, given map[string]string, silence model.Duration) float64 {
		l := listen(t, detector, given)
		return l.level(l.hear(after).Add(silence))
	}
	for outages, want := range map[string]string{"false": "24.61", "true": "0.250"} {
		got := silent("phi-akka", map[string]string{"outages": outages}, 5*model.Second)
		if text := strconv.FormatFloat(got, 'f', len(want)-strings.Index(want, ".")-1, 64); text != want {
			t.Errorf("after one gap of 20 s, 5 s of silence are %v for Akka with outages %s, want %s", got, outages, want)
		}
	}
	// phi as published lets the gap in, too, and without it is as before the gap.
	with, without := silent("phi", nil, 5*model.Second), silent("phi", map[string]string{"outages": "false"}, 5*model.Second)
	if with > 1 || without < 100 {
		t.Errorf("after one gap of 20 s, 5 s of silence are %v, and %v without it", with, without)
	}
	// A threshold of 20 and one of 300 are the same to whom 1-F is 0 from 8.3 deviations on.
	for _, c := range []struct{ threshold, least, most float64 }{{8, 5.6, 5.7}, {20, 8.2, 8.3}, {300, 8.2, 8.3}} {
		l := listen(t, "phi", map[string]string{"threshold": model.FormatNumber(c.threshold), "naive": "true"})
		last := l.hear(regular(2000))
		if got := (l.timeout(last) - model.Second).Seconds() * 10; got < c.least || got > c.most {
			t.Errorf("naive phi reaches %v at %v deviations, want between %v and %v", c.threshold, got, c.least, c.most)
		}
	}
}

// Without a least deviation a perfectly regular peer has none, and phi is infinite from
// the first picosecond of delay on.
func TestPhiWithoutDeviation(t *testing.T) {
	for _, sample := range []string{"false", "true"} {
		l := listen(t, "phi", map[string]string{"deviation": "0s", "n": "10", "sample": sample})
		last := l.hear(regular(10))
		due := last.Add(model.Second)
		if at, after := l.level(due), l.level(due+1); at != 0 || !math.IsInf(after, 1) {
			t.Errorf("phi is %v when the heartbeat is due and then %v, want 0 and +Inf", at, after)
		}
		if got := l.timeout(last); got != model.Second+1 {
			t.Errorf("suspected after %v", got)
		}
	}
}

// slow is an accrual detector for the twin: the definition, on lists and in float64.
type slow struct {
	name  string
	given map[string]string

	seeds    []float64 // intervals, in periods
	n        int
	empty    float64 // interval if there are none, in periods
	tick     model.Duration
	deemed   model.Duration
	anyOrder bool
	counts   func(interval model.Duration, trusted bool) bool
	memory   model.Duration // beyond 64 periods

	threshold float64
	level     func(window []float64, silence float64) float64 // in nanoseconds
}

func moments(window []float64) (mean, population, sample float64) {
	for _, v := range window {
		mean += v / float64(len(window))
	}
	for _, v := range window {
		population += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(population / float64(len(window))), math.Sqrt(population / float64(len(window)-1))
}

func slowNormal(y float64) float64 { return -math.Log10(math.Erfc(y/math.Sqrt2) / 2) }

func slowLogistic(y float64) float64 {
	x := y * (1.5976 + 0.070566*y*y)
	return (max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))) / math.Ln10
}

func everyInterval(model.Duration, bool) bool       { return true }
func ofTrusted(_ model.Duration, trusted bool) bool { return trusted }

const ns = float64(model.Nanosecond)

func slowOnes() []slow {
	ms := func(n float64) float64 { return n * 1e6 }
	quarters := []float64{0.75, 1.25} // in Akka a quarter of 10 ms is 2
	return []slow{
		{name: "phi", given: map[string]string{"threshold": "2", "deviation": "1ms", "n": "7"},
			seeds: quarters, n: 7, counts: everyInterval, threshold: 2,
			level: func(w []float64, t float64) float64 {
				mean, sigma, _ := moments(w)
				return slowNormal((t - mean) / max(sigma, ms(1)))
			}},
		{name: "phi", given: map[string]string{"threshold": "1.5", "deviation": "2ms", "sample": "true", "outages": "false"},
			seeds: quarters, n: 1000, counts: ofTrusted, threshold: 1.5,
			level: func(w []float64, t float64) float64 {
				mean, _, sigma := moments(w)
				return slowNormal((t - mean) / max(sigma, ms(2)))
			}},
		{name: "phi-akka", given: map[string]string{"threshold": "1.25", "deviation": "1ms", "n": "5", "pause": "9ms", "expected": "20ms"},
			seeds: []float64{0.8, 1.2}, n: 5, tick: model.Millisecond, deemed: 20 * model.Millisecond, anyOrder: true, counts: ofTrusted, threshold: 1.25,
			level: func(w []float64, t float64) float64 {
				mean, sigma, _ := moments(w)
				return slowLogistic((t - mean - ms(9)) / max(sigma, ms(1)))
			}},
		{name: "phi-akka", given: map[string]string{"threshold": "1", "deviation": "2ms", "n": "1", "pause": "0s", "expected": "1ms", "outages": "true"},
			seeds: []float64{0.8, 1.2}, n: 1, tick: model.Millisecond, deemed: model.Millisecond, anyOrder: true, counts: everyInterval, threshold: 1,
			level: func(w []float64, t float64) float64 {
				mean, sigma, _ := moments(w)
				return slowLogistic((t - mean) / max(sigma, ms(2)))
			}},
		{name: "phi-cassandra", given: map[string]string{"threshold": "1", "n": "6", "seed": "15ms", "max": "25ms"},
			seeds: []float64{1.5}, n: 6, memory: 25 * model.Millisecond, threshold: 1,
			counts: func(interval model.Duration, _ bool) bool { return interval <= 25*model.Millisecond },
			level: func(w []float64, t float64) float64 {
				mean, _, _ := moments(w)
				return t / mean / math.Ln10
			}},
		{name: "phi-exponential", given: map[string]string{"threshold": "0.75", "n": "4"},
			empty: 1, n: 4, counts: everyInterval, threshold: 0.75,
			level: func(w []float64, t float64) float64 {
				mean, _, _ := moments(w)
				return t / mean / math.Ln10
			}},
		{name: "satzger", given: map[string]string{"threshold": "0.7", "scale": "0.8", "n": "10"},
			empty: 1, n: 10, counts: everyInterval, threshold: 0.7,
			level: func(w []float64, t float64) float64 {
				shorter := 0
				for _, s := range w {
					if s <= 0.8*t+1e-6 {
						shorter++
					}
				}
				return float64(shorter) / float64(len(w))
			}},
	}
}

// belief is what the definition knows of a peer from one time on.
type belief struct {
	since  model.Time
	window []float64      // intervals in nanoseconds
	last   model.Time     // when the silence began
	most   model.Duration // as which it counts at most
	old    bool           // it is of a heartbeat that came after a later one
}

// beliefs returns what is known of one peer from the start on and after each arrival.
func (s *slow) beliefs(p plan, log []arrival, peer model.ProcessID) []belief {
	tick := max(1, s.tick)
	clock := func(t model.Time) model.Time { return t - t%model.Time(tick) }
	var window []float64
	for _, seed := range s.seeds {
		window = append(window, seed*float64(eta)/ns)
	}
	if s.empty > 0 {
		window = []float64{s.empty * float64(eta) / ns}
	}
	window = window[max(0, len(window)-s.n):]
	last, known := clock(p.start).Add(s.deemed), s.deemed > 0
	largest, empty := int64(-1), s.empty > 0
	var wait, most model.Duration
	all := []belief(nil)
	know := func(since model.Time, old bool) {
		low, high := model.Duration(0), 100*model.Second // of the crossing
		for low < high {
			if middle := (low + high) / 2; s.level(window, float64(middle)/ns) >= s.threshold {
				high = middle
			} else {
				low = middle + 1
			}
		}
		wait = (low + tick - 1) / tick * tick
		most = wait + 64*eta + s.memory
		all = append(all, belief{since, window, last, most, old})
	}
	know(p.start, false)
	for _, a := range log {
		if a.from != peer || !s.anyOrder && a.seq <= largest && a.at < last.Add(most) {
			continue
		}
		at := clock(a.at)
		interval := min(at.Sub(last), most)
		if known && interval >= 0 && s.counts(interval, a.at < last.Add(wait)) {
			if empty {
				window, empty = nil, false
			}
			window = append(slices.Clone(window), math.Floor(float64(interval)/ns))
			window = window[max(0, len(window)-s.n):]
		}
		old := a.seq < largest
		largest, last, known = a.seq, at, true
		know(a.at, old)
	}
	return all
}

// gapDelays make heartbeats late and lost, and sometimes leave peers silent for longer
// than any memory; the late ones come after such a silence.
var gapDelays, lateDelays = gaps(0), gaps(2)

func gaps(late int) gopter.Gen {
	return gen.SliceOf(gen.Frequency(map[int]gopter.Gen{
		10:   gen.IntRange(0, 9),
		4:    gen.IntRange(-8, -1),
		1:    gen.IntRange(10, 60),
		3:    gen.IntRange(-110, -8), // that many are lost
		late: gen.IntRange(600, 2000),
	})).Map(func(drawn []int) (delays []int) {
		for _, d := range drawn {
			if d < -8 {
				delays = append(delays, slices.Repeat([]int{-1}, -d-1)...)
			}
			delays = append(delays, d)
		}
		return delays[:min(len(delays), 300)]
	})
}

// Each detector of the family has the levels of its definition at all times and is
// suspicious when they are at the threshold.
func TestAccrualTwins(t *testing.T) {
	t.Parallel()
	for _, s := range slowOnes() {
		verdicts, capped, old := 0, 0, 0
		forAllPlansOf(t, fmt.Sprintf("%s %v agrees with its definition", s.name, s.given), lateDelays, func(p plan) error {
			given := map[string]string{"eta": eta.String(), "stagger": fmt.Sprint(p.stagger), "pause": "0s"}
			for name, value := range s.given {
				given[name] = value
			}
			if s.name != "phi-akka" && s.name != "phi-cassandra" {
				delete(given, "pause")
			}
			a, err := build(t, s.name, given)(detectors.Env{Self: 2, N: 3, Watch: []model.ProcessID{0, 1}})
			if err != nil {
				return err
			}
			var log []arrival
			for _, x := range p.arrivals() {
				if x.at >= p.start {
					log = append(log, x)
				}
			}
			suspected := map[model.ProcessID]bool{}
			var out model.Output
			step := func(now model.Time, in model.Input) {
				out.Reset()
				a.Step(now, &in, &out)
				for _, v := range out.Verdicts {
					suspected[v.Peer] = v.Suspected
					verdicts++
				}
			}
			known := [2][]belief{s.beliefs(p, log, 0), s.beliefs(p, log, 1)}
			check := func(now model.Time, peer model.ProcessID) error {
				for len(known[peer]) > 1 && known[peer][1].since <= now {
					known[peer] = known[peer][1:]
					if known[peer][0].old {
						old++
					}
				}
				b := known[peer][0]
				silence := now.Sub(b.last)
				if s.tick > 0 {
					silence = (now - now%model.Time(s.tick)).Sub(b.last)
				}
				if silence >= b.most {
					silence = b.most
					capped++
				}
				want := 0.0
				if silence >= 0 {
					want = s.level(b.window, float64(silence)/ns)
				}
				got := a.(detectors.Accrual).Level(now, peer)
				if math.Abs(got-want) > 1e-6*(1+want) && min(got, want) < 300 { // math.Erfc ends there
					return fmt.Errorf("at %v, peer %d: level %v, by the definition %v", now, peer, got, want)
				}
				if math.Abs(got-s.threshold) > 1e-6 && suspected[peer] != (got >= s.threshold) {
					return fmt.Errorf("at %v, peer %d: level %v and suspected %v", now, peer, got, suspected[peer])
				}
				return nil
			}
			step(p.start, model.Input{Kind: model.Start})
			next := 0
			for now := p.start; now <= p.end(); {
				wake, arrival := out.Wake, model.Never
				if next < len(log) {
					arrival = log[next].at
				}
				now = min(wake, arrival)
				switch {
				case now == model.Never || now > p.end():
					return nil
				case wake <= arrival:
					step(now, model.Input{Kind: model.Wake})
				default:
					step(now, model.Input{Kind: model.Deliver, Message: model.Message{From: log[next].from, To: 2, Kind: detectors.HeartbeatKind, Seq: log[next].seq}})
					next++
				}
				if next < len(log) && log[next].at == now {
					continue // the definition takes arrivals at one time together
				}
				for peer := range model.ProcessID(2) {
					if err := check(now, peer); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if verdicts < 500 || capped < 100 || old < 50 {
			t.Errorf("%s: only %d verdicts in all plans, %d silences as long as can be, %d old heartbeats that count", s.name, verdicts, capped, old)
		}
	}
}

// The level of what nobody hears never falls and stays when the state is loaded, and the
// detector suspects at the crossing of its own threshold.
func TestLevels(t *testing.T) {
	t.Parallel()
	family := []struct {
		name      string
		threshold float64        // of the verdicts; 0 if it is not fixed
		slack     model.Duration // for rounding
	}{
		{"phi", 8, model.Nanosecond}, {"phi-akka", 8, 0}, {"phi-cassandra", 8, 2}, {"phi-exponential", 8, 2}, {"satzger", 0.5, 0}, {"kappa", 3, 0},
		{"nfd-e", 1, 0}, {"2w-fd", 0, 0}, {"bertier", 0, 0},
	}
	for _, c := range family {
		crossed := 0
		forAllPlansOf(t, "levels of "+c.name, gapDelays, func(p plan) error {
			env := detectors.Env{Self: 2, N: 3, Watch: []model.ProcessID{0, 1}}
			given := map[string]string{"stagger": fmt.Sprint(p.stagger)}
			a, err := build(t, c.name, given)(env)
			if err != nil {
				return err
			}
			level := a.(detectors.Accrual).Level
			if level(0, 0) != 0 || level(model.MaxTime, 1) != 0 {
				return fmt.Errorf("a level before the start")
			}
			var out model.Output
			var last [2]float64
			steps := 0
			suspected := [2]bool{}
			before := p.start
			scale := model.Time(model.Second / eta) // the defaults are for periods of a second
			step := func(now model.Time, in model.Input) error {
				var crossing [2]model.Time
				for peer := range crossing {
					if in.Kind != model.Wake || c.threshold == 0 {
						break
					}
					crossing[peer] = detectors.Crossing(a.(detectors.Accrual), model.ProcessID(peer), c.threshold, before, now.Add(c.slack))
				}
				out.Reset()
				a.Step(now, &in, &out)
				for _, v := range out.Verdicts {
					if v.Suspected && c.threshold > 0 && in.Kind == model.Wake {
						if x := crossing[v.Peer]; x == model.Never || now.Sub(x) > c.slack {
							return fmt.Errorf("at %v, peer %d is suspected; the level reaches the threshold at %v", now, v.Peer, crossing[v.Peer])
						}
						crossed++
					}
					suspected[v.Peer] = v.Suspected
				}
				twin := a
				if steps++; steps%4 == 0 {
					twin, _ = build(t, c.name, given)(env)
					if _, err := twin.LoadState(a.AppendState(nil, now), now); err != nil {
						return err
					}
				}
				for peer := range last {
					x, y := level(now, model.ProcessID(peer)), twin.(detectors.Accrual).Level(now, model.ProcessID(peer))
					if x != y {
						return fmt.Errorf("at %v, level %v, when loaded %v", now, x, y)
					}
					if x < last[peer] && !(in.Kind == model.Deliver && in.Message.From == model.ProcessID(peer)) {
						return fmt.Errorf("at %v, the level falls from %v to %v", now, last[peer], x)
					}
					last[peer] = x
				}
				if level(now, 2) != 0 || level(now, -1) != 0 {
					return fmt.Errorf("a level of a stranger")
				}
				before = now
				return nil
			}
			p.start *= scale
			before = p.start
			if err := step(p.start, model.Input{Kind: model.Start}); err != nil {
				return err
			}
			var log []arrival
			for _, x := range p.arrivals() {
				if x.at *= scale; x.at >= p.start {
					log = append(log, x)
				}
			}
			for _, x := range log {
				for out.Wake < x.at {
					if err := step(out.Wake, model.Input{Kind: model.Wake}); err != nil {
						return err
					}
				}
				if err := step(x.at, model.Input{Kind: model.Deliver, Message: model.Message{From: x.from, To: 2, Kind: detectors.HeartbeatKind, Seq: x.seq}}); err != nil {
					return err
				}
			}
			return nil
		})
		if c.threshold > 0 && crossed < 50 {
			t.Errorf("%s: only %d crossings", c.name, crossed)
		}
	}
}

func TestCrossing(t *testing.T) {
	l := listen(t, "phi-exponential", nil)
	last := l.hear(regular(10))
	a := l.Automaton.(detectors.Accrual)
	got := detectors.Crossing(a, 0, 2, last, last.Add(model.Minute))
	want := last.Add(model.Duration(math.Ceil(2 * math.Ln10 * 1e12)))
	if d := got.Sub(want); d < -1 || d > 1 {
		t.Errorf("phi is 2 after %v, want %v", got.Sub(last), want.Sub(last))
	}
	for _, c := range []struct {
		threshold  float64
		now, until model.Time
		want       model.Time
	}{
		{2, last, got, got}, {2, last, got - 1, model.Never}, {2, got, got, got}, {2, got + 5, got + 7, got + 5},
		{0, last, last, last}, {2, got + 1, got, model.Never}, {1e9, last, last.Add(1000 * model.Hour), model.Never},
	} {
		if got := detectors.Crossing(a, 0, c.threshold, c.now, c.until); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// The contract holds at the edges of the parameters too.
func TestAccrualConformanceOfOddParameters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		given map[string]string
	}{
		{"phi", map[string]string{"n": "2", "threshold": "0.01", "deviation": "1ns", "stagger": "false"}},
		{"phi", map[string]string{"n": "30", "threshold": "1.5", "deviation": "1ms", "outages": "false", "sample": "true"}},
		{"phi", map[string]string{"n": "5", "deviation": "0s", "naive": "true"}},
		{"phi-akka", map[string]string{"n": "1", "threshold": "0.31", "deviation": "1ms", "pause": "0s", "expected": "1ms"}},
		{"phi-akka", map[string]string{"eta": "1ms", "n": "4", "pause": "1.5ms", "expected": "1.5ms", "outages": "true", "naive": "true", "threshold": "400"}},
		{"phi-cassandra", map[string]string{"n": "1", "seed": "1ns", "max": "1ns", "pause": "0s", "threshold": "0.01"}},
		{"phi-cassandra", map[string]string{"n": "8", "seed": "10ms", "max": "30ms", "pause": "11ms", "threshold": "1"}},
		{"satzger", map[string]string{"n": "7", "threshold": "0.0001", "scale": "0.01"}},
		{"kappa", map[string]string{"n": "3", "threshold": "2.5", "ramp": "0.3"}},
	} {
		if c.given["eta"] == "" {
			c.given["eta"] = "10ms"
		}
		period, err := model.ParseDuration(c.given["eta"])
		if err != nil {
			t.Fatal(err)
		}
		if err := detectortest.Check(build(t, c.name, c.given), period); err != nil {
			t.Error(c.name, c.given, err)
		}
	}
}

// kappa is the sum of its definition, and NFD-E at one alpha.
func TestKappa(t *testing.T) {
	for _, c := range []struct {
		threshold, ramp float64
		alpha           string
	}{{3, 1, "30ms"}, {2.5, 1, "25ms"}, {2.5, 0.5, "22.5ms"}, {2, 0, "10ms"}, {1, 0, "0s"}, {0.5, 0.2, "1ms"}} {
		forAllPlansOf(t, fmt.Sprintf("kappa %v, ramp %v", c.threshold, c.ramp), gapDelays, func(p plan) error {
			env := detectors.Env{Self: 2, N: 3, Watch: []model.ProcessID{0, 1}}
			common := map[string]string{"eta": eta.String(), "stagger": fmt.Sprint(p.stagger)}
			with := func(name string, more map[string]string) model.Automaton {
				for k, v := range common {
					more[k] = v
				}
				a, err := build(t, name, more)(env)
				if err != nil {
					t.Fatal(err)
				}
				return a
			}
			k := with("kappa", map[string]string{"threshold": model.FormatNumber(c.threshold), "ramp": model.FormatNumber(c.ramp)})
			e := with("nfd-e", map[string]string{"alpha": c.alpha})
			log := p.arrivals()
			got, want := drive(t, k.Clone(), p.start, p.end(), log), drive(t, e.Clone(), p.start, p.end(), log)
			if !slices.Equal(got, want) {
				return fmt.Errorf("verdicts %v, of NFD-E %v", got, want)
			}
			// After the plan only the levels tell; NFD-E's is by how much the next heartbeat
			// is overdue.
			drive(t, k, p.start, p.end(), log)
			drive(t, e, p.start, p.end(), log)
			for now := p.end(); now < p.end()+model.Time(30*eta); now += model.Time(700 * model.Microsecond) {
				overdue := math.Round(e.(detectors.Accrual).Level(now, 0) * 1e12)
				sum := 0.0
				for j := 0.0; j*float64(eta) <= overdue; j++ {
					x := (overdue - j*float64(eta)) / float64(eta)
					switch {
					case x >= c.ramp:
						sum++
					case x > 0:
						sum += x / c.ramp
					}
				}
				if overdue == 0 {
					continue // due or not
				}
				if got := k.(detectors.Accrual).Level(now, 0); math.Abs(got-sum) > 1e-6 {
					return fmt.Errorf("at %v, kappa is %v, by the definition %v", now, got, sum)
				}
			}
			return nil
		})
	}
}

func TestAccrualRefuses(t *testing.T) {
	for _, c := range []struct{ detector, name, value, want string }{
		{"phi", "threshold", "0", `parameter "threshold": "0" is out of range: from 0.01 to 1000`},
		{"phi", "threshold", "eight", `parameter "threshold": "eight" is not a decimal number (write 8 or 0.05)`},
		{"phi", "n", "1", `parameter "n": 1 is out of range: from 2 to 65536 intervals`},
		{"phi", "n", "65537", `parameter "n": 65537 is out of range: from 2 to 65536 intervals`},
		{"phi", "eta", "0s", `parameter "eta": 0s is too short: at least 1ps`},
		{"phi-akka", "n", "0", `parameter "n": 0 is out of range: from 1 to 65536 heartbeats`},
		{"phi-akka", "deviation", "0s", `parameter "deviation": 0s is too short: at least 1ms`},
		{"phi-akka", "expected", "0s", `parameter "expected": 0s is too short: at least 1ms`},
		{"phi-cassandra", "pause", "1s", `parameter "pause": 1s would take every period of 1s for a pause: more than eta, or 0s for no such rule`},
		{"phi-cassandra", "seed", "0s", `parameter "seed": 0s is too short: at least 1ns`},
		{"phi-cassandra", "max", "1ps", `parameter "max": 1ps is too short: at least 1ns`},
		{"satzger", "threshold", "1.1", `parameter "threshold": "1.1" is out of range: from 0.0001 to 1`},
		{"kappa", "ramp", "2", `parameter "ramp": "2" is out of range: from 0 to 1`},
		{"kappa", "eta", "150h", `parameter "threshold": 3 periods of 540000s are too long: at most 576460.752303423488s`},
	} {
		s, _ := detectors.Lookup(c.detector)
		p, errs := model.NewParams(s.Params, map[string]string{c.name: c.value})
		var err error
		if errs != nil {
			err = errs[0]
		} else {
			_, err = s.New(detectors.Env{Self: 0, N: 1}, p)
		}
		if _, ok := err.(*model.ParamError); !ok || err.Error() != c.want {
			t.Errorf("%s, %s=%s: %v", c.detector, c.name, c.value, err)
		}
	}
}

// Before anything is heard Akka's level is 0, even where it is not for no silence at all.
func TestAkkaBeforeTheFirstHeartbeat(t *testing.T) {
	l := listen(t, "phi-akka", map[string]string{"pause": "0s", "deviation": "1s"})
	for at, want := range map[model.Duration]float64{
		0: 0, 999 * model.Millisecond: 0,
		model.Second:     slowLogistic(-1), // taken for heard; the mean is 1 s
		2 * model.Second: slowLogistic(0),
	} {
		if got := l.level(model.Time(at)); math.Abs(got-want) > 1e-12 {
			t.Errorf("after %v the level is %v, want %v", at, got, want)
		}
	}
}

// A process with Cassandra's detector stands still once, while a peer falls silent. It
// suspects the peer at tau, or when it moves again; but if the pause was longer than 5 s,
// from its last look at the clock on, not before 5 s later.
func TestLocalPause(t *testing.T) {
	stream := sim.NewStream(1, "test/local-pause")
	between := func(low, high float64) model.Time {
		return model.Time((low + (high-low)*stream.Float64()) * float64(model.Second))
	}
	held, short := 0, 0
	for range 300 {
		l := listen(t, "phi-cassandra", map[string]string{"threshold": "2", "stagger": "false"})
		last := l.hear(regular(10))
		tau := last.Add(model.Duration(math.Ceil(2 * math.Ln10 * 12e12 / 11)))
		begin := between(10, 20)
		end := begin + between(0, 12)
		l.until(begin)
		if l.out.Wake <= end {
			l.step(end, model.Input{Kind: model.Wake})
		}
		l.until(end + model.Time(model.Minute))

		want := tau
		if begin < tau {
			want = max(tau, end)
		}
		look := begin - begin%model.Time(model.Second)
		missed := look+model.Time(model.Second) <= end // a look
		switch {
		case begin < tau && missed && end-look > model.Time(5*model.Second):
			want = max(tau, end+model.Time(5*model.Second))
			held++
		case begin < tau && tau < end:
			short++
		case tau > end:
			want = tau
		}
		if len(l.verdicts) != 1 || l.verdicts[0].at.Sub(want) > 1 || want.Sub(l.verdicts[0].at) > 1 {
			t.Fatalf("pause from %v to %v, tau %v: %v, want %v", begin, end, tau, l.verdicts, want)
		}
	}
	if held < 30 || short < 20 {
		t.Errorf("only %d long pauses and %d short ones", held, short)
	}
}

// Once a pause is too long, it no longer matters how long it is.
func TestLongPausesEncodeAlike(t *testing.T) {
	a, err := build(t, "phi-cassandra", nil)(detectors.Env{Self: 0, N: 1})
	if err != nil {
		t.Fatal(err)
	}
	a.Step(0, &model.Input{Kind: model.Start}, new(model.Output))
	state := func(now model.Duration) string { return string(a.AppendState(nil, model.Time(now))) }
	if state(6*model.Second) != state(60*model.Second) {
		t.Error("pauses of 6 s and of a minute differ")
	}
	if state(5*model.Second) == state(6*model.Second) {
		t.Error("pauses of 5 s and 6 s do not differ")
	}
}

// Nor does it suspect anybody for what it hears in these 5 s: here heartbeats at one
// moment, which make the mean interval 0.
func TestBurstAfterLocalPause(t *testing.T) {
	l := listen(t, "phi-cassandra", map[string]string{"n": "1"})
	l.hear(regular(2))
	const end = model.Time(12 * model.Second)
	for seq := range int64(3) {
		l.step(end, model.Input{Kind: model.Deliver, Message: model.Message{Kind: detectors.HeartbeatKind, Seq: 10 + seq}})
	}
	if phi := l.level(end); !math.IsInf(phi, 1) || len(l.verdicts) > 0 {
		t.Errorf("phi is %v, verdicts %v", phi, l.verdicts)
	}
	l.until(end + model.Time(model.Minute))
	if want := (change{end + model.Time(5*model.Second), model.Verdict{Suspected: true}}); len(l.verdicts) != 1 || l.verdicts[0] != want {
		t.Errorf("verdicts %v, want %v", l.verdicts, want)
	}
}

// After a time of losses and delays at will, delays differ by as much as a claim bears:
// from some time on there are no mistakes. The delays are the extreme ones, at random.
func TestAccrualClaims(t *testing.T) {
	const ms = model.Millisecond
	for _, c := range []struct {
		name  string
		given map[string]string
		bears model.Duration // less than this, from one delay to another
	}{
		{"phi", map[string]string{"n": "20", "threshold": "1"}, 50 * ms},
		{"phi", map[string]string{"n": "20", "deviation": "400ms", "sample": "true"}, 200 * ms},
		{"phi-akka", map[string]string{"n": "20"}, 2000 * ms},
		{"phi-akka", map[string]string{"n": "20", "threshold": "0.31", "pause": "1.5s"}, 500 * ms},
		{"phi-cassandra", map[string]string{"n": "20", "threshold": "1", "max": "1.4s"}, 333 * ms},
		{"phi-cassandra", map[string]string{"n": "20", "max": "1.2s"}, 200 * ms},
		{"phi-exponential", map[string]string{"n": "20", "threshold": "1"}, 333 * ms},
		{"satzger", map[string]string{"n": "20"}, 52 * ms},
		{"satzger", map[string]string{"n": "20", "threshold": "0.0001", "scale": "0.5"}, 333 * ms},
		{"kappa", map[string]string{"threshold": "1.1", "ramp": "0"}, 100 * ms},
		{"kappa", map[string]string{"threshold": "3"}, 2000 * ms},
	} {
		stream := sim.NewStream(1, "test/claims/"+c.name)
		chance := func(n int) int { return int(stream.Float64() * float64(n)) }
		for range 20 {
			const wild, calm, judged = 60, 60, 200
			var log []arrival
			for i := range int64(wild + calm + judged) {
				delay := model.Duration(0)
				switch {
				case i < wild && chance(3) == 0:
					continue
				case i < wild:
					delay = model.Duration(chance(4000)) * ms
				case chance(2) == 0:
					delay = c.bears - 2
				}
				log = append(log, arrival{model.Time(i)*model.Time(model.Second) + model.Time(delay), 0, i})
			}
			sort.SliceStable(log, func(i, j int) bool { return log[i].at < log[j].at })
			a, err := build(t, c.name, c.given)(detectors.Env{Self: 1, N: 2, Watch: []model.ProcessID{0}})
			if err != nil {
				t.Fatal(err)
			}
			const end = model.Time(wild+calm+judged) * model.Time(model.Second)
			changes := drive(t, a, 0, end+model.Time(300*model.Second), log)
			for _, x := range changes {
				if x.at > model.Time(wild+calm)*model.Time(model.Second) && x.at < end-model.Time(model.Second) {
					t.Fatalf("%s %v: %v at %v", c.name, c.given, x.Verdict, x.at)
				}
			}
			if !suspects(changes, 0, model.Never) {
				t.Fatalf("%s %v never suspects", c.name, c.given)
			}
		}
	}
}

// To keep the interval that ended a suspicion out of the window is right in Akka, where
// a pause is accepted beside what the window says. In plain phi it breaks the claim:
// after heartbeats in one burst every regular one is too late, and none ever counts.
func TestPhiWithoutOutagesNeverLearns(t *testing.T) {
	burst := append(make([]model.Duration, 10), regular(100)...)
	for outages, want := range map[string]int{"true": 10, "false": 99} {
		l := listen(t, "phi", map[string]string{"n": "10", "outages": outages})
		l.hear(burst)
		mistakes := 0
		for _, v := range l.verdicts {
			if v.Suspected {
				mistakes++
			}
		}
		if outages == "true" && mistakes > want || outages == "false" && mistakes < want {
			t.Errorf("outages %s: %d mistakes", outages, mistakes)
		}
	}
}

// A user watches a peer with a threshold of his own, much below the detector's.
func ExampleCrossing() {
	spec, _ := detectors.Lookup("phi")
	params, _ := model.NewParams(spec.Params, map[string]string{"n": "10"})
	d, _ := spec.New(detectors.Env{Self: 1, N: 2, Watch: []model.ProcessID{0}}, params)

	var out model.Output
	last := model.Time(0)
	for i := range int64(12) {
		last = model.Time(i) * model.Time(model.Second)
		heartbeat := model.Message{From: 0, To: 1, Kind: detectors.HeartbeatKind, Seq: i}
		out.Reset()
		d.Step(last, &model.Input{Kind: model.Deliver, Message: heartbeat}, &out)
	}

	level := d.(detectors.Accrual)
	for _, threshold := range []float64{1, 3, 8} {
		at := detectors.Crossing(level, 0, threshold, last, last.Add(model.Minute))
		fmt.Printf("phi is %v after %.4f s of silence\n", threshold, at.Sub(last).Seconds())
	}
	// Output:
	// phi is 1 after 1.1282 s of silence
	// phi is 3 after 1.3090 s of silence
	// phi is 8 after 1.5612 s of silence
}
