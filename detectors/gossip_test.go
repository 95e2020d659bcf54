package detectors_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"suspect/detectors"
	"suspect/model"
)

// gossipGiven returns parameters of gossip in periods of a second that begin together.
func gossipGiven(fail, cleanup model.Duration) map[string]string {
	return map[string]string{"t-gossip": "1s", "t-fail": fail.String(), "t-cleanup": cleanup.String(), "stagger": "false"}
}

// Of two members, each hears of the other in every period. One that crashes is suspected
// t-fail after the arrival of the last list that it sent.
func TestGossipOfTwo(t *testing.T) {
	w := newWorld(t, 2, "gossip", gossipGiven(10*second, 20*second))
	w.start()
	w.until(at(5500 * ms))
	w.crash(1)
	w.until(at(100 * second))
	want := []change{{at(15*second + ms), model.Verdict{Peer: 1, Suspected: true}}}
	if !slices.Equal(w.changes[0], want) {
		t.Errorf("verdicts %v, want %v", w.changes[0], want)
	}
	for _, m := range w.sent {
		period := int64(m.at) / int64(second)
		var want string
		switch {
		case period == 0:
			want = fmt.Sprintf("p%d 0", m.From)
		case m.From == 1:
			want = fmt.Sprintf("p0 %d, p1 %d", period-1, period)
		case period <= 15:
			want = fmt.Sprintf("p0 %d, p1 %d", period, min(period-1, 5))
		default: // p1 has failed
			want = fmt.Sprintf("p0 %d", period)
		}
		bytes := int32(3 + 8*len(strings.Split(want, ", ")))
		if got := fmt.Sprint(m.Body); got != want || m.Bytes != bytes || m.Seq != period {
			t.Fatalf("%v: %s in %d bytes, want %s in %d", m, got, m.Bytes, want, bytes)
		}
	}
}

// uninformed returns the expected part of n-1 others that have not heard a rumour after some
// rounds, in each of which all who know it tell it to one of n-1 others, drawn at random, and
// each message arrives with probability q. One teller reaches one that nobody has reached in
// this round either with probability q*(uninformed - reached)/(n-1).
func uninformed(n, rounds int, q float64) float64 {
	known := make([]float64, n+1) // probability that so many know it
	known[1] = 1
	for range rounds {
		next := make([]float64, n+1)
		for k := 1; k <= n; k++ {
			reached := make([]float64, n-k+1)
			reached[0] = known[k]
			for range k {
				for h := n - k; h >= 0; h-- {
					hit := q * float64(n-k-h) / float64(n-1)
					reached[h] *= 1 - hit
					if h > 0 {
						reached[h] += reached[h-1] * q * float64(n-k-h+1) / float64(n-1)
					}
				}
			}
			for h, p := range reached {
				next[k+h] += p
			}
		}
		known = next
	}
	mean := 0.0
	for k, p := range known {
		mean += p * float64(n-k)
	}
	return mean / float64(n-1)
}

// A member that has heard nothing of another since the start suspects it after t-fail. How
// many do is the number that a rumour has not reached by then, which has a closed form.
func TestGossipSpreads(t *testing.T) {
	if got := uninformed(3, 1, 1); math.Abs(got-0.5) > 1e-12 {
		t.Fatal("one of two others knows after one round, got", got)
	}
	if got := uninformed(3, 2, 1); math.Abs(got-0.5*0.25) > 1e-12 { // neither of two tells the third
		t.Fatal("after two rounds", got)
	}
	for _, c := range []struct {
		n, rounds int
		q         float64
	}{{8, 3, 1}, {8, 5, 1}, {8, 4, 0.7}, {20, 6, 1}} {
		var parts []float64
		for run := range 300 {
			w := newWorld(t, c.n, "gossip", gossipGiven(model.Duration(c.rounds)*second-second/2, 100*second))
			*w.choices.(*splitMix) = splitMix(run) << 32
			loss := splitMix(run)<<32 + 77
			w.path = func(model.Time, *model.Message) (model.Duration, bool) {
				return ms, float64(loss.IntN(1000)) < 1000*c.q
			}
			w.start()
			w.until(at(model.Duration(c.rounds)*second - second/2))
			suspicions := 0
			for _, changes := range w.changes {
				for _, v := range changes {
					if !v.Suspected || v.at != w.now {
						t.Fatalf("%+v", v)
					}
					suspicions++
				}
			}
			parts = append(parts, float64(suspicions)/float64(c.n*(c.n-1)))
		}
		want := uninformed(c.n, c.rounds, c.q)
		if got, err := mean(parts); math.Abs(got-want) > 3.5*err {
			t.Errorf("%+v: %.4f +- %.4f have not heard, want %.4f", c, got, err, want)
		} else {
			t.Logf("%+v: %.4f +- %.4f, closed form %.4f", c, got, err, want)
		}
	}
}

// gossipTwin is the protocol without timers: when a counter last increased is kept, and
// looked at when somebody asks.
type gossipTwin struct {
	fail, cleanup model.Duration
	counter       map[[2]int]int64
	increased     map[[2]int]model.Time
}

func (g *gossipTwin) failed(p, q int, now model.Time) bool {
	return now.Sub(g.increased[[2]int{p, q}]) >= g.fail
}

func (g *gossipTwin) list(p int, now model.Time, n int) string {
	text, sep := "", ""
	for q := range n {
		counter, known := g.counter[[2]int{p, q}]
		if q == p {
			counter, known = int64(now)/int64(second), true
		} else if g.failed(p, q, now) {
			continue
		}
		if known {
			text += fmt.Sprintf("%sp%d %d", sep, q, counter)
			sep = ", "
		}
	}
	return text
}

func (g *gossipTwin) hear(p int, list string, now model.Time) {
	for len(list) > 0 {
		var q int
		var counter int64
		fmt.Sscanf(list, "p%d %d", &q, &counter)
		if i := slices.Index([]byte(list), ','); i >= 0 {
			list = list[i+2:]
		} else {
			list = ""
		}
		key := [2]int{p, q}
		known, ok := g.counter[key]
		if now.Sub(g.increased[key]) >= g.cleanup {
			ok = false // forgotten
		}
		if p != q && (!ok || counter > known) {
			g.counter[key], g.increased[key] = counter, now
		}
	}
}

// The same messages make the same lists and verdicts in the detector and in its twin.
func TestGossipTwin(t *testing.T) {
	const n = 5
	trusted := 0
	for seed := range 20 {
		fail := model.Duration(2+seed%4)*second + 300*ms
		cleanup := fail + model.Duration(seed%3)*second
		w := newWorld(t, n, "gossip", gossipGiven(fail, cleanup))
		twin := gossipTwin{fail, cleanup, map[[2]int]int64{}, map[[2]int]model.Time{}}
		*w.choices.(*splitMix) = splitMix(seed) << 32
		weather := splitMix(seed)<<32 + 5
		type arrival struct {
			at   model.Time
			to   int
			list string
		}
		var mail []arrival
		w.path = func(now model.Time, m *model.Message) (model.Duration, bool) {
			// Odd microseconds: never with a tick, nor with another arrival.
			delay := model.Duration(1+2*weather.IntN(2_000_000)) * model.Microsecond
			list := m.Body.(fmt.Stringer).String()
			for i := 0; i < len(mail); {
				if mail[i].at > now {
					i++
					continue
				}
				first := i
				for j := range mail {
					if mail[j].at < mail[first].at {
						first = j
					}
				}
				twin.hear(mail[first].to, mail[first].list, mail[first].at)
				mail = slices.Delete(mail, first, first+1)
				i = 0
			}
			if want := twin.list(int(m.From), now, n); list != want {
				t.Fatalf("seed %d at %v: p%d sends %q, want %q", seed, now, m.From, list, want)
			}
			for p, changes := range w.changes {
				held := map[model.ProcessID]bool{}
				for _, c := range changes {
					held[c.Peer] = c.Suspected
					if !c.Suspected {
						trusted++
					}
				}
				for q := range n {
					// A process whose step of this moment is to come is asked the next time.
					if q != p && p == int(m.From) && held[model.ProcessID(q)] != twin.failed(p, q, now) {
						t.Fatalf("seed %d at %v: p%d suspects p%d: %v", seed, now, p, q, held[model.ProcessID(q)])
					}
				}
			}
			arrives := weather.IntN(10) > 0
			if arrives {
				mail = append(mail, arrival{now.Add(delay), int(m.To), list})
			}
			return delay, arrives
		}
		w.start()
		w.until(at(20 * second))
		w.crash(seed % n)
		w.until(at(60 * second))
	}
	if trusted == 0 {
		t.Error("nobody was ever trusted again: a test of nothing")
	}
}

// A counter that is kept long enough does not bring back who has failed. Where it is
// forgotten at once, the lists of those who heard of it later do, and then those of who
// heard it from them, without end: crashed members are trusted again and again.
func TestGossipCleanup(t *testing.T) {
	for _, cleanup := range []model.Duration{15 * second, 30 * second} {
		back := 0
		for seed := range 20 {
			w := newWorld(t, 10, "gossip", gossipGiven(15*second, cleanup))
			*w.choices.(*splitMix) = splitMix(seed) << 32
			w.start()
			w.until(at(20 * second))
			w.crash(3)
			w.until(at(120 * second))
			for p, changes := range w.changes {
				for _, c := range changes {
					if c.Peer == 3 && !c.Suspected {
						back++
					}
				}
				if p != 3 && cleanup == 30*second && w.suspectedAt(p, 3) > at(50*second) {
					t.Errorf("seed %d: p%d trusts who has crashed", seed, p)
				}
			}
		}
		if (back > 0) != (cleanup == 15*second) {
			t.Errorf("t-cleanup %v: trusted again %d times", cleanup, back)
		}
	}
}

func TestGossipParameters(t *testing.T) {
	_, err := build(t, "gossip", gossipGiven(10*second, 9*second))(detectors.Env{N: 2, Watch: []model.ProcessID{1}})
	want := `parameter "t-cleanup": 9s is shorter than t-fail, 10s: a member is forgotten after it has failed`
	if err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
}
