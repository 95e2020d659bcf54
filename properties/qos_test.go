package properties_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"suspect/model"
	"suspect/properties"
)

func quality(t testing.TB, r run) *properties.Quality {
	t.Helper()
	q, err := properties.NewQoS(r.env)
	if err != nil {
		t.Fatal(err)
	}
	var told, cut int64
	var longest model.Duration
	q.Mistaken = func(m properties.Mistake) {
		told++
		longest = max(longest, m.Duration())
		if m.Censored {
			cut++
		}
	}
	for i := range r.records {
		rec := r.records[i]
		if q.Kinds().Has(rec.Kind) {
			q.Observe(&rec)
		}
	}
	quality := q.Finish(r.end)
	if told != quality.Mistakes || cut != quality.CensoredMistakes || longest != quality.WorstMistake.Duration() {
		t.Errorf("%v\ntold of %d mistakes, %d censored, the longest %v; measured %s", r, told, cut, longest, summary(quality))
	}
	return quality
}

// summary renders what does not depend on the names of processes.
func summary(q *properties.Quality) string {
	d := func(s *properties.Durations) string {
		return fmt.Sprintf("%d(%v..%v, sum %v)", s.Count(), s.Min(), s.Max(), s.Sum())
	}
	var unseen []string // in no order: that of the horizon is by names
	for _, u := range q.Unseen {
		unseen = append(unseen, fmt.Sprint(u))
	}
	slices.Sort(unseen)
	return fmt.Sprintf("longest outage=%v unseen=%v T_D=%s undetected=%d missed=%d mistakes=%d censored=%d T_M=%s T_MR=%s T_G=%s alive=%v wrong=%v worst T_D=%v worst T_M=%v",
		q.LongestOutage, unseen, d(&q.DetectionTime), q.Undetected, q.Missed, q.Mistakes, q.CensoredMistakes,
		d(&q.MistakeDuration), d(&q.Recurrence), d(&q.GoodPeriod), q.Alive, q.Wrong,
		q.WorstDetection.Duration(), q.WorstMistake.Duration())
}

// alive tells whether both processes have started and are up in moment i and not down again in the
// instant in which it begins: a process is down from the instant of its crash on.
func alive(ms []moment, i, p, q int) bool {
	for j := i; j < len(ms) && ms[j].from == ms[i].from; j++ {
		if ms[j].down[p] || ms[j].down[q] {
			return false
		}
	}
	return ms[i].started[p] && ms[i].started[q]
}

// bruteQuality measures r by walking, for each pair, over the moments.
func bruteQuality(r run) *properties.Quality {
	ms := moments(r)
	q := &properties.Quality{}
	var aliveTime, wrong properties.Durations
	longest := model.Duration(-1)
	for _, pair := range r.pairs() {
		p, peer := pair[0], pair[1]
		changed, lastS := model.Time(-1), model.Time(-1)
		for i, m := range ms {
			if !alive(ms, i, p, peer) {
				changed, lastS = -1, -1
				continue
			}
			s := m.suspects[pair]
			if i > 0 && alive(ms, i-1, p, peer) && m.from >= r.env.WarmUp && s != ms[i-1].suspects[pair] {
				if s {
					q.Mistakes++
					if lastS >= 0 {
						q.Recurrence.Add(m.from.Sub(lastS))
					}
					if changed >= 0 {
						q.GoodPeriod.Add(m.from.Sub(changed))
					}
					lastS = m.from
					// Look ahead for the end of the mistake.
					end, censored := m.to, true
					for j := i; ; j++ {
						end = ms[j].to
						if j+1 == len(ms) || !alive(ms, j+1, p, peer) {
							break
						}
						if !ms[j+1].suspects[pair] {
							censored = false
							break
						}
					}
					if censored {
						q.CensoredMistakes++
					} else {
						q.MistakeDuration.Add(end.Sub(m.from))
					}
					longest = max(longest, end.Sub(m.from))
				}
				changed = m.from
			}
			if from := max(m.from, r.env.WarmUp); m.to > from {
				aliveTime.Add(m.to.Sub(from))
				if s {
					wrong.Add(m.to.Sub(from))
				}
			}
		}
	}
	if longest >= 0 {
		q.WorstMistake.Until = model.Time(longest)
	}
	q.Alive, q.Wrong = aliveTime.Sum(), wrong.Sum()
	for c, m := range ms {
		if c == 0 || m.recordMade.Kind != model.Crashed || m.from < r.env.WarmUp {
			continue
		}
		peer := int(m.recordMade.Process)
		if ms[c-1].down[peer] {
			continue
		}
		e := c
		for e+1 < len(ms) && ms[e+1].down[peer] {
			e++
		}
		unseen := properties.Unseen{Lasted: ms[e].to.Sub(m.from), Open: e+1 == len(ms)}
		for _, p := range r.watchers(peer) {
			up := true
			for _, x := range ms[c : e+1] {
				up = up && x.started[p] && !x.down[p]
			}
			pair := [2]int{p, peer}
			if up {
				q.LongestOutage = max(q.LongestOutage, unseen.Lasted)
			}
			switch {
			case !up:
			case ms[e].suspects[pair]:
				s := e
				for s > 0 && ms[s-1].suspects[pair] {
					s--
				}
				d := max(0, ms[s].from.Sub(m.from))
				q.DetectionTime.Add(d)
				q.WorstDetection.SuspectedAt = max(q.WorstDetection.SuspectedAt, model.Time(d))
			case e+1 < len(ms):
				q.Missed++
				unseen.Monitors++
			default:
				q.Undetected++
				unseen.Monitors++
			}
		}
		if unseen.Monitors > 0 {
			q.Unseen = append(q.Unseen, unseen)
		}
	}
	return q
}

func TestQoSAgreesWithBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var detections, mistakes, good, missed, undetected int64
	for i := range 20000 {
		r := randomRun(rng, 24, false)
		got, want := quality(t, r), bruteQuality(r)
		if summary(got) != summary(want) {
			t.Fatalf("run %d:\n%v\ngot  %s\nwant %s", i, r, summary(got), summary(want))
		}
		detections += got.DetectionTime.Count()
		mistakes += got.Mistakes
		good += got.GoodPeriod.Count()
		missed += got.Missed
		undetected += got.Undetected
	}
	for _, n := range []int64{detections, mistakes, good, missed, undetected} {
		if n < 100 {
			t.Errorf("the runs are too tame: %d detections, %d mistakes, %d good periods, %d missed, %d undetected",
				detections, mistakes, good, missed, undetected)
		}
	}
}

// A story is written in milliseconds: "s 5 0 1" is p0 suspects p1 at 5 ms; t trusts,
// c crashes, r recovers, b begins: where any does, nobody runs before. A verdict may name
// its kind: "s 5 0 1 congestion".
func story(n int, warmUp, end int, events ...string) run {
	r := run{env: properties.Env{N: n, Watch: properties.WatchAll(n), WarmUp: ms(warmUp)}, end: ms(end)}
	for _, e := range events {
		var what string
		var at, p, q int
		var kind string
		if k, _ := fmt.Sscan(e, &what, &at, &p, &q, &kind); k < 3 {
			panic("bad event " + e)
		}
		rec := model.Record{At: ms(at), Process: model.ProcessID(p), Peer: model.ProcessID(q)}
		for k := model.Unspecified; k <= model.Wedge; k++ {
			if k.String() == kind {
				rec.Failure = k
			}
		}
		switch what {
		case "s":
			rec.Kind = model.Suspected
		case "t":
			rec.Kind = model.Trusted
		case "c":
			rec.Kind, rec.Peer, rec.Failure = model.Crashed, model.Nobody, model.ProcessCrash
		case "r":
			rec.Kind, rec.Peer = model.Recovered, model.Nobody
		case "b":
			rec.Kind, rec.Peer, r.env.Starts = model.Started, model.Nobody, true
		}
		r.records = append(r.records, rec)
	}
	return r
}

func ms(n int) model.Time { return model.Time(n) * model.Time(model.Millisecond) }

// TestQoSByHand: runs small enough to be worked out on paper. Times in milliseconds; a
// list of durations is given as count/sum/max.
func TestQoSByHand(t *testing.T) {
	type list struct{ count, sum, max int }
	tests := []struct {
		name                              string
		run                               run
		td, tm, tmr, tg                   list
		undetected, missed, mistakes, cut int64
		alive, wrong                      int
	}{{
		name:     "two mistakes: p0 is wrong in [10,14) and [30,31)",
		run:      story(2, 0, 100, "s 10 0 1", "t 14 0 1", "s 30 0 1", "t 31 0 1"),
		tm:       list{2, 5, 4},
		tmr:      list{1, 20, 20},
		tg:       list{1, 16, 16}, // [14,30); [0,10) and [31,100) are censored
		mistakes: 2, alive: 200, wrong: 5,
	}, {
		name:     "a mistake open at the horizon counts, its duration does not",
		run:      story(2, 0, 100, "s 90 0 1"),
		mistakes: 1, cut: 1, alive: 200, wrong: 10,
	}, {
		name: "crash at 50, detected by p0 at 53 and by p2 at 58; the last suspicion counts",
		run:  story(3, 0, 100, "c 50 1", "s 53 0 1", "s 54 2 1", "t 55 2 1", "s 58 2 1"),
		td:   list{2, 11, 8},
		// (0,1), (2,1), (1,0) and (1,2) for 50 ms; (0,2) and (2,0) for 100 ms.
		alive: 400,
	}, {
		name: "crash while suspected: T_D is zero, and the mistake is censored",
		run:  story(2, 0, 100, "s 40 0 1", "c 50 1"),
		td:   list{1, 0, 0}, mistakes: 1, cut: 1, alive: 100, wrong: 10,
	}, {
		name:       "crash nobody detects",
		run:        story(3, 0, 100, "c 50 1"),
		undetected: 2, alive: 400,
	}, {
		name: "outage [50,70): p0 detects at 60 and trusts at 75; the wait after the recovery is wrong, but no mistake",
		run:  story(2, 0, 100, "c 50 1", "s 60 0 1", "r 70 1", "t 75 0 1"),
		td:   list{1, 10, 10}, alive: 160, wrong: 5,
	}, {
		name:   "outage that ends before it is detected",
		run:    story(2, 0, 100, "c 50 1", "r 70 1"),
		missed: 1, alive: 160,
	}, {
		name: "the good period after a recovery is seen whole: [75,80)",
		run:  story(2, 0, 100, "c 50 1", "s 60 0 1", "r 70 1", "t 75 0 1", "s 80 0 1", "t 82 0 1"),
		td:   list{1, 10, 10}, tm: list{1, 2, 2}, tg: list{1, 5, 5}, mistakes: 1, alive: 160, wrong: 7,
	}, {
		name:     "warm-up to 20: the mistake of [15,25) is not one, its tail is wrong time; then [40,41)",
		run:      story(2, 20, 100, "s 5 0 1", "t 6 0 1", "s 15 0 1", "t 25 0 1", "s 40 0 1", "t 41 0 1"),
		tm:       list{1, 1, 1},
		tg:       list{1, 15, 15},
		mistakes: 1, alive: 160, wrong: 6,
	}, {
		name: "the monitor crashes: its mistake is censored, and it owes no detection",
		run:  story(3, 0, 100, "s 10 0 1", "c 20 0", "c 30 1", "s 35 2 0", "s 35 2 1"),
		td:   list{2, 20, 15}, mistakes: 1, cut: 1,
		alive: 4*20 + 2*30, wrong: 10,
	}, {
		name: "of typed verdicts only host failure counts",
		run: story(2, 0, 100, "s 10 0 1 congestion", "s 20 0 1 host-crash", "t 25 0 1 congestion", "t 30 0 1 host-crash",
			"s 35 0 1 partition", "c 50 1", "s 60 0 1 route-failure", "s 70 0 1 process-crash"),
		td: list{1, 20, 20}, tm: list{1, 10, 10}, mistakes: 1, alive: 100, wrong: 10,
	}, {
		name: "suspected in the instant of the crash, which is recorded after it: no mistake, and T_D is zero",
		run:  story(2, 0, 100, "s 10 0 1", "t 14 0 1", "s 50 0 1", "c 50 1"),
		td:   list{1, 0, 0}, tm: list{1, 4, 4}, mistakes: 1, alive: 100, wrong: 4,
	}, {
		name: "trusted in the instant of the crash: the pair is no longer alive, so the mistake is censored",
		run:  story(2, 0, 100, "s 40 0 1", "t 50 0 1", "c 50 1", "s 55 0 1"),
		td:   list{1, 5, 5}, mistakes: 1, cut: 1, alive: 100, wrong: 10,
	}, {
		name:  "the monitor crashes in the instant in which it suspects",
		run:   story(2, 0, 100, "s 50 0 1", "c 50 0"),
		alive: 100, undetected: 1,
	}, {
		name: "crash and recovery in one instant: the suspicion before them stands, the one after is a mistake",
		run:  story(2, 0, 100, "s 50 0 1", "c 50 1", "r 50 1", "t 50 0 1", "s 50 0 1", "t 52 0 1"),
		td:   list{1, 0, 0}, tm: list{1, 2, 2}, tg: list{1, 0, 0}, mistakes: 1, alive: 200, wrong: 2,
	}, {
		name: "p1 starts at 20, suspected by p0 since 15: no mistake, but wrong until 23",
		run:  story(2, 0, 100, "b 0 0", "s 15 0 1", "b 20 1", "t 23 0 1", "s 40 0 1", "t 41 0 1"),
		tm:   list{1, 1, 1}, tg: list{1, 17, 17}, mistakes: 1, alive: 160, wrong: 4,
	}, {
		name:  "suspected and trusted before the start: nothing",
		run:   story(2, 0, 100, "b 0 0", "s 15 0 1", "t 18 0 1", "b 20 1"),
		alive: 160,
	}, {
		name: "p1 never starts, and crashes at 30: T_D is 5; p2 had not started then",
		run:  story(3, 0, 100, "b 0 0", "c 30 1", "s 35 0 1", "b 40 2", "s 60 2 1"),
		td:   list{1, 5, 5}, alive: 120,
	}, {
		name: "p1 crashes at 10, before its start at 20, and recovers at 50",
		run:  story(2, 0, 100, "b 0 0", "c 10 1", "b 20 1", "s 25 0 1", "r 50 1", "t 53 0 1"),
		td:   list{1, 15, 15}, alive: 100, wrong: 3,
	}, {
		name:     "a recovered monitor trusts everybody and owes nothing for older crashes",
		run:      story(2, 0, 100, "c 10 0", "c 20 1", "r 30 0"),
		alive:    20,
		mistakes: 0,
	}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := quality(t, tt.run)
			got := map[string]any{}
			want := map[string]any{}
			add := func(name string, s *properties.Durations, w list) {
				got[name] = [3]int64{s.Count(), int64(math.Round(s.Sum().Seconds() * 1000)), int64(s.Max() / model.Millisecond)}
				want[name] = [3]int64{int64(w.count), int64(w.sum), int64(w.max)}
			}
			add("T_D", &q.DetectionTime, tt.td)
			add("T_M", &q.MistakeDuration, tt.tm)
			add("T_MR", &q.Recurrence, tt.tmr)
			add("T_G", &q.GoodPeriod, tt.tg)
			got["undetected"], want["undetected"] = q.Undetected, tt.undetected
			got["missed"], want["missed"] = q.Missed, tt.missed
			got["mistakes"], want["mistakes"] = q.Mistakes, tt.mistakes
			got["censored"], want["censored"] = q.CensoredMistakes, tt.cut
			got["alive"], want["alive"] = int(math.Round(q.Alive.Seconds()*1000)), tt.alive
			got["wrong"], want["wrong"] = int(math.Round(q.Wrong.Seconds()*1000)), tt.wrong
			for _, name := range model.SortedKeys(want) {
				if got[name] != want[name] {
					t.Errorf("%s = %v, want %v", name, got[name], want[name])
				}
			}
		})
	}
}

func TestQoSWitnesses(t *testing.T) {
	q := quality(t, story(3, 0, 100,
		"s 10 0 1", "t 14 0 1", "s 20 2 0", "t 29 2 0", "c 50 1", "s 53 0 1", "s 58 2 1", "s 90 0 2"))
	if want := (properties.Detection{Monitor: 2, Peer: 1, CrashedAt: ms(50), SuspectedAt: ms(58)}); q.WorstDetection != want {
		t.Errorf("worst detection %+v, want %+v", q.WorstDetection, want)
	}
	worst := properties.Mistake{Monitor: 0, Peer: 2, From: ms(90), Until: ms(100), Censored: true}
	if q.WorstMistake != worst {
		t.Errorf("worst mistake %+v, want %+v", q.WorstMistake, worst)
	}
	first := []properties.Mistake{
		{Monitor: 0, Peer: 1, From: ms(10), Until: ms(14)},
		{Monitor: 2, Peer: 0, From: ms(20), Until: ms(29)},
		worst,
	}
	if fmt.Sprint(q.FirstMistakes) != fmt.Sprint(first) {
		t.Errorf("first mistakes %+v, want %+v", q.FirstMistakes, first)
	}
	if rate, ok := q.MistakeRate(); !ok || math.Abs(rate-3/0.4) > 1e-9 { // 2 pairs for 100 ms, 4 for 50 ms
		t.Errorf("mistake rate %v, want 7.5", rate)
	}
	if share, ok := q.QueryAccuracy(); !ok || math.Abs(share-(1-23./400)) > 1e-12 {
		t.Errorf("query accuracy %v", share)
	}
}

// TestQoSOfNothing: no pair was ever alive, so there is no rate and no accuracy.
func TestQoSOfNothing(t *testing.T) {
	q := quality(t, story(2, 50, 20))
	if _, ok := q.MistakeRate(); ok {
		t.Error("a mistake rate of nothing")
	}
	if _, ok := q.QueryAccuracy(); ok {
		t.Error("a query accuracy of nothing")
	}
}

// TestQualityMerge: two replications merged are what both say together.
func TestQualityMerge(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 500 {
		a, b := randomRun(rng, 12, true), randomRun(rng, 12, true)
		m, x, y := quality(t, a), quality(t, a), quality(t, b)
		m.Merge(y)
		if m.Mistakes != x.Mistakes+y.Mistakes || m.DetectionTime.Count() != x.DetectionTime.Count()+y.DetectionTime.Count() ||
			m.Undetected != x.Undetected+y.Undetected || m.Missed != x.Missed+y.Missed || m.CensoredMistakes != x.CensoredMistakes+y.CensoredMistakes ||
			m.Alive.Seconds() != x.Alive.Seconds()+y.Alive.Seconds() && math.Abs(m.Alive.Seconds()-x.Alive.Seconds()-y.Alive.Seconds()) > 1e-15 ||
			m.DetectionTime.Max() != max(x.DetectionTime.Max(), y.DetectionTime.Max()) ||
			m.WorstDetection.Duration() != m.DetectionTime.Max() ||
			m.WorstMistake.Duration() != max(x.WorstMistake.Duration(), y.WorstMistake.Duration()) {
			t.Fatalf("%s\n+ %s\n= %s", summary(x), summary(y), summary(m))
		}
	}
}
