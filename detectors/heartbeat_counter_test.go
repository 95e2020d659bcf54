package detectors_test

import (
	"testing"

	"suspect/detectors"
	"suspect/model"
)

// The three properties of HB, on links that lose half of the messages and delay the others at
// will: counters do not decrease, those of crashed processes are bounded, by what was sent,
// and others go on growing. There is no verdict, ever; a counter counts arrivals.
func TestHeartbeatCounter(t *testing.T) {
	const n = 4
	w := newWorld(t, n, "heartbeat-counter", nil)
	weather := splitMix(1)
	arrived := map[[2]model.ProcessID][]model.Time{}
	w.path = func(now model.Time, m *model.Message) (model.Duration, bool) {
		delay := model.Duration(weather.IntN(20_000)) * ms
		if weather.IntN(2) == 0 {
			return 0, false
		}
		key := [2]model.ProcessID{m.To, m.From}
		arrived[key] = append(arrived[key], now.Add(delay))
		return delay, true
	}
	w.start()
	before := map[[2]model.ProcessID]int64{}
	for end := 100 * second; end <= 1000*second; end += 100 * second {
		w.until(at(end))
		for p := range model.ProcessID(n) {
			if w.automata[p] == nil {
				continue
			}
			counters := w.automata[p].(detectors.Counters)
			for q := range model.ProcessID(n) {
				key := [2]model.ProcessID{p, q}
				want := int64(0)
				for _, a := range arrived[key] {
					if a <= w.now {
						want++
					}
				}
				got := counters.Counter(q)
				switch {
				case got != want:
					t.Errorf("at %v: p%d counts %d heartbeats of p%d, of %d", w.now, p, got, q, want)
				case p == q:
				case q == 2 && end > 500*second && got > before[key]: // its last arrive within 20 s
					t.Errorf("at %v: the counter of crashed p%d at p%d grows from %d to %d", w.now, q, p, before[key], got)
				case (q != 2 || end <= 400*second) && got <= before[key]:
					t.Errorf("at %v: the counter of p%d at p%d goes from %d to %d", w.now, q, p, before[key], got)
				}
				before[key] = got
			}
			if len(w.changes[p]) > 0 {
				t.Errorf("p%d says %v", p, w.changes[p])
			}
			if counters.Counter(99) != 0 || counters.Counter(-1) != 0 {
				t.Error("counts strangers")
			}
		}
		if end == 400*second {
			w.crash(2)
		}
	}
}

// The counters are part of the state.
func TestHeartbeatCounterState(t *testing.T) {
	make := build(t, "heartbeat-counter", nil)
	env := detectors.Env{Self: 0, N: 3, Watch: []model.ProcessID{1, 2}}
	a, _ := make(env)
	var out model.Output
	for range 300 {
		a.Step(5, &model.Input{Kind: model.Deliver, Message: model.Message{From: 2, Kind: detectors.HeartbeatKind}}, &out)
	}
	a.Step(5, &model.Input{Kind: model.Deliver, Message: model.Message{From: 1, Kind: detectors.HeartbeatKind + 1}}, &out) // is none
	b, _ := make(env)
	if rest, err := b.LoadState(a.AppendState(nil, 7), 7); err != nil || len(rest) > 0 {
		t.Fatal(rest, err)
	}
	if c := b.(detectors.Counters); c.Counter(1) != 0 || c.Counter(2) != 300 {
		t.Error(c.Counter(1), c.Counter(2))
	}
}
