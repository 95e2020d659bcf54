package detectors_test

import (
	"fmt"
	"slices"
	"sort"
	"testing"

	"suspect/detectors"
	"suspect/model"
)

// world is a few processes that all watch each other, and exchange messages under a test's
// control, on clocks of its choice.
type world struct {
	automata []model.Automaton // nil once crashed
	drift    []int64           // of each clock, in millionths; none if nil
	choices  model.Random

	// path returns the delay of a message, and whether it arrives.
	path func(at model.Time, m *model.Message) (model.Duration, bool)

	agents *agents // that requests go to, on the machines at one switch

	now     model.Time
	wakes   []model.Time // true times
	mail    []letter
	sent    []letter // all messages, at the times of their sending
	changes [][]change
}

type letter struct {
	at model.Time
	model.Message
}

// newWorld starts n processes of the named detector at time 0, with delays of a
// millisecond, and draws that are uniform.
func newWorld(t testing.TB, n int, name string, given map[string]string) *world {
	w := &world{wakes: make([]model.Time, n), changes: make([][]change, n), choices: new(splitMix),
		path: func(model.Time, *model.Message) (model.Duration, bool) { return model.Millisecond, true }}
	for p := range n {
		w.automata = append(w.automata, w.build(t, p, n, name, given))
	}
	return w
}

func (w *world) build(t testing.TB, p, n int, name string, given map[string]string) model.Automaton {
	env := detectors.Env{Self: model.ProcessID(p), N: n, Map: starOf(n)}
	for q := range n {
		if q != p {
			env.Watch = append(env.Watch, model.ProcessID(q))
		}
	}
	env.Watchers = env.Watch
	a, err := build(t, name, given)(env)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// start gives everybody its first step.
func (w *world) start() {
	for p := range w.automata {
		w.step(p, model.Input{Kind: model.Start})
	}
}

// local returns what p's clock shows at t.
func (w *world) local(p int, t model.Time) model.Time {
	if w.drift == nil {
		return t
	}
	const million = 1_000_000
	return t + t/million*model.Time(w.drift[p]) + t%million*model.Time(w.drift[p])/million
}

// when returns the first time at which p's clock shows at least the given time.
func (w *world) when(p int, local model.Time) model.Time {
	if local == model.Never || w.drift == nil {
		return local
	}
	t := model.Time(sort.Search(int(min(2*local+1, model.MaxTime)), func(t int) bool { return w.local(p, model.Time(t)) >= local }))
	return max(t, w.now+1)
}

func (w *world) step(p int, in model.Input) {
	if w.automata[p] == nil {
		return
	}
	in.Random = w.choices
	var out model.Output
	out.Reset()
	w.automata[p].Step(w.local(p, w.now), &in, &out)
	w.wakes[p] = w.when(p, out.Wake)
	for _, v := range out.Verdicts {
		w.changes[p] = append(w.changes[p], change{w.now, v})
	}
	for _, m := range out.Send {
		w.sent = append(w.sent, letter{w.now, m})
		w.carry(m)
	}
}

// carry lets a message arrive after the delay of its path, or not at all.
func (w *world) carry(m model.Message) {
	if delay, arrives := w.path(w.now, &m); arrives {
		at := w.now.Add(delay)
		i := sort.Search(len(w.mail), func(i int) bool { return w.mail[i].at > at })
		w.mail = slices.Insert(w.mail, i, letter{at, m})
	}
}

// until lets happen what happens up to end.
func (w *world) until(end model.Time) {
	for {
		at, who := model.Never, -1
		for p, wake := range w.wakes {
			if w.automata[p] != nil && wake < at {
				at, who = wake, p
			}
		}
		if len(w.mail) > 0 && w.mail[0].at <= at {
			at, who = w.mail[0].at, -1
		}
		if at > end {
			w.now = end
			return
		}
		w.now = at
		if who >= 0 {
			w.step(who, model.Input{Kind: model.Wake})
			continue
		}
		m := w.mail[0].Message
		w.mail = w.mail[1:]
		if m.Layer != model.ProcessLayer {
			w.agents.serve(&m)
			continue
		}
		in := model.Input{Kind: model.Deliver, Message: m}
		if e, ok := m.Body.(*model.Evidence); ok {
			in = model.Input{Kind: model.Inform, Evidence: e}
		}
		w.step(int(m.To), in)
	}
}

func (w *world) crash(p int) { w.automata[p] = nil }

// suspectedAt returns when p began the suspicion of q that it holds now, or Never.
func (w *world) suspectedAt(p, q int) model.Time {
	at := model.Never
	for _, c := range w.changes[p] {
		if int(c.Peer) != q {
			continue
		}
		at = model.Never
		if c.Suspected {
			at = c.at
		}
	}
	return at
}

// gaps returns the times between the messages of a kind from p to q that were sent since a
// time.
func (w *world) gaps(p, q int, kind uint8, since model.Time) (gaps []model.Duration) {
	last := model.Never
	for _, m := range w.sent {
		if int(m.From) == p && int(m.To) == q && m.Kind == kind && m.at >= since {
			if last != model.Never {
				gaps = append(gaps, m.at.Sub(last))
			}
			last = m.at
		}
	}
	return gaps
}

// splitMix is SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
type splitMix uint64

func (r *splitMix) IntN(n int) int {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) % uint64(n))
}

const (
	ms     = model.Millisecond
	second = model.Second
)

func at(d model.Duration) model.Time { return model.Time(d) }

func (l letter) String() string {
	return fmt.Sprintf("%v: kind %d from %d to %d", l.at, l.Kind, l.From, l.To)
}
