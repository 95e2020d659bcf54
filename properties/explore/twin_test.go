package explore_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"suspect/model"
	"suspect/properties/explore"
)

// chatter is an automaton that does all that an environment must cope with: at every
// second step it chooses whether to ask everybody, it answers questions at once, and it
// suspects and trusts by the answers.
type chatter struct {
	self   model.ProcessID
	n      int
	mood   int64 // 0..1, what it answers
	doubts uint64
	asked  model.Time // when it last asked

	// favourite makes each question turn the mood, and it remember who last asked it, so
	// that it matters in what order messages arrive; and it makes it suspect only at
	// times.
	favourite bool
	last      model.ProcessID
}

const (
	question = iota + 1
	answer
)

func (c *chatter) Step(now model.Time, in *model.Input, out *model.Output) {
	period := model.Time(explore.Steps(2))
	switch {
	case in.Kind == model.Wake && now%period == 0 && now != c.asked:
		c.asked = now
		if in.Random.IntN(2) == 1 {
			for to := range model.ProcessID(c.n) {
				if to != c.self {
					out.Send = append(out.Send, model.Message{From: c.self, To: to, Kind: question})
				}
			}
		}
		if !c.favourite {
			c.mood = 1 - c.mood
		}
	case in.Kind == model.Deliver && in.Message.Kind == question:
		from := in.Message.From
		out.Send = append(out.Send, model.Message{From: c.self, To: from, Kind: answer, Arg: c.mood})
		if c.favourite {
			c.mood = 1 - c.mood
			c.last = from
		}
	case in.Kind == model.Deliver:
		from := in.Message.From
		doubt := in.Message.Arg == 1 && (!c.favourite || in.Random.IntN(2) == 1)
		if bit := uint64(1) << from; doubt != (c.doubts&bit != 0) {
			c.doubts ^= bit
			out.Verdicts = append(out.Verdicts, model.Verdict{Peer: from, Suspected: doubt})
		}
	}
	out.Wake = now + 1
}

func (c *chatter) Clone() model.Automaton {
	d := *c
	return &d
}

func (c *chatter) AppendState(b []byte, now model.Time) []byte {
	b = append(b, byte(c.mood), byte(c.doubts), byte(c.last))
	return binary.AppendUvarint(b, uint64(now)%uint64(explore.Steps(2)))
}

func (c *chatter) LoadState(b []byte, now model.Time) ([]byte, error) {
	return b, errors.New("not needed")
}

// naive is an explorer written from the description of Ticks alone: whole states as text in
// a map, steps made anew each time.
type naive struct {
	cfg         explore.Ticks
	states      map[string]bool
	transitions int64
}

type naiveProcess struct {
	a     model.Automaton
	step  int // number of the next step
	kinds uint64
	pause int
}

type naiveLetter struct {
	age int
	m   model.Message
}

type naiveState struct {
	stable    bool
	processes []*naiveProcess                 // nil: crashed
	links     map[[2]int]map[naiveLetter]bool // from, to
}

func (x *naiveState) clone() *naiveState {
	y := &naiveState{x.stable, slices.Clone(x.processes), map[[2]int]map[naiveLetter]bool{}}
	for ends, letters := range x.links {
		y.links[ends] = maps.Clone(letters)
	}
	return y
}

const third = model.Time(model.Millisecond)

func (x *naiveState) key() string {
	var parts []string
	for p, s := range x.processes {
		if s != nil {
			at := 3*third*model.Time(s.step-1) + 2*third
			parts = append(parts, fmt.Sprintf("p%d %x %b %d", p, s.a.AppendState(nil, at), s.kinds, s.pause))
		}
	}
	for ends, letters := range x.links {
		for l := range letters {
			parts = append(parts, fmt.Sprint(ends, l.age, l.m.Kind, l.m.Arg))
		}
	}
	slices.Sort(parts)
	return fmt.Sprint(x.stable, parts)
}

// fixed is a Random that gives what it is told, and then zeros; of notes how many each
// choice had.
type fixed struct {
	give []int
	of   []int
}

func (f *fixed) IntN(n int) int {
	f.of = append(f.of, n)
	if len(f.of) <= len(f.give) {
		return f.give[len(f.of)-1]
	}
	return 0
}

// every calls do for every sequence of choices that it asks for.
func every(give []int, do func(r *fixed)) {
	r := &fixed{give: give}
	do(r)
	// The choices behind those given were 0: take the others.
	for i := len(give); i < len(r.of); i++ {
		for v := 1; v < r.of[i]; v++ {
			next := slices.Clone(give)
			for len(next) < i {
				next = append(next, 0)
			}
			every(append(next, v), do)
		}
	}
}

func (x *naive) visit(first *naiveState) {
	queue := []*naiveState{first}
	x.states[first.key()] = true
	for ; len(queue) > 0; queue = queue[1:] {
		x.successors(queue[0], func(s *naiveState) {
			x.transitions++
			if key := s.key(); !x.states[key] {
				x.states[key] = true
				queue = append(queue, s)
			}
		})
	}
}

func (x *naive) successors(s *naiveState, do func(*naiveState)) {
	if !s.stable {
		t := s.clone()
		t.stable = true
		x.choose(t, 0, make([]string, x.cfg.N), do)
	}
	x.choose(s, 0, make([]string, x.cfg.N), do)
}

// choose says for process p and those after it what they do.
func (x *naive) choose(s *naiveState, p int, does []string, do func(*naiveState)) {
	if p == x.cfg.N {
		x.tick(s, does, do)
		return
	}
	for _, d := range []string{"down", "crash", "rest", "run"} {
		does[p] = d
		gone := 0
		for q, s := range s.processes {
			if s == nil || q < p && does[q] == "crash" {
				gone++
			}
		}
		up := s.processes[p] != nil
		switch {
		case up == (d == "down"):
		case d == "crash" && gone >= x.cfg.Crashes:
		case d == "rest" && s.stable && s.processes[p].pause >= x.cfg.Phi-1:
		default:
			x.choose(s, p+1, does, do)
		}
	}
}

// tick is what follows when the processes do so: first the links, then the sends, then
// for each process what arrives.
func (x *naive) tick(s *naiveState, does []string, do func(*naiveState)) {
	t := s.clone()
	for ends, letters := range t.links {
		delete(t.links, ends)
		if does[ends[1]] == "down" || does[ends[1]] == "crash" {
			continue
		}
		older := map[naiveLetter]bool{}
		for l := range letters {
			older[naiveLetter{min(l.age+1, x.cfg.Delta), l.m}] = true
		}
		t.links[ends] = older
	}
	for p, d := range does {
		switch d {
		case "crash":
			t.processes[p] = nil
		case "rest":
			q := *t.processes[p]
			q.pause = min(q.pause+1, x.cfg.Phi-1)
			t.processes[p] = &q
		}
	}
	x.send(t, does, 0, do)
}

// send wakes process p and those after it.
func (x *naive) send(s *naiveState, does []string, p int, do func(*naiveState)) {
	if p == x.cfg.N {
		x.arrive(s, does, 0, nil, do)
		return
	}
	if does[p] != "run" {
		x.send(s, does, p+1, do)
		return
	}
	every(nil, func(r *fixed) {
		t := s.clone()
		out := t.input(p, 0, model.Input{Kind: model.Wake, Random: r})
		for _, m := range out.Send {
			if does[m.To] == "run" || does[m.To] == "rest" {
				t.put(m)
			}
		}
		x.send(t, does, p+1, do)
	})
}

func (s *naiveState) put(m model.Message) {
	m.Seq = 0 // which nobody here reads
	ends := [2]int{int(m.From), int(m.To)}
	if s.links[ends] == nil {
		s.links[ends] = map[naiveLetter]bool{}
	}
	s.links[ends][naiveLetter{0, m}] = true
}

// input gives in to process p at a third of its step.
func (s *naiveState) input(p, part int, in model.Input) *model.Output {
	q := *s.processes[p]
	q.a = q.a.Clone()
	var out model.Output
	out.Reset()
	q.a.Step(3*third*model.Time(q.step)+model.Time(part)*third, &in, &out)
	for _, v := range out.Verdicts {
		q.kinds &^= 1 << v.Peer
		if v.Suspected {
			q.kinds |= 1 << v.Peer
		}
	}
	s.processes[p] = &q
	return &out
}

// arrive lets what is chosen arrive at process p and those after it, and puts what they
// answer on its way at the end of the tick.
func (x *naive) arrive(s *naiveState, does []string, p int, answers []model.Message, do func(*naiveState)) {
	if p == x.cfg.N {
		t := s.clone()
		for _, m := range answers {
			if does[m.To] == "run" || does[m.To] == "rest" {
				t.put(m)
			}
		}
		do(t)
		return
	}
	if does[p] != "run" {
		x.arrive(s, does, p+1, answers, do)
		return
	}
	type arriving struct {
		from int
		l    naiveLetter
	}
	var may []arriving
	for from := range x.cfg.N {
		for l := range s.links[[2]int{from, p}] {
			may = append(may, arriving{from, l})
		}
	}
	slices.SortFunc(may, func(a, b arriving) int { // the oldest first, then by sender
		if a.l.age != b.l.age {
			return b.l.age - a.l.age
		}
		if a.from != b.from {
			return a.from - b.from
		}
		return strings.Compare(fmt.Sprint(a.l.m), fmt.Sprint(b.l.m))
	})
	for set := range 1 << len(may) {
		missing := false
		for i, a := range may {
			missing = missing || set>>i&1 == 0 && s.stable && a.l.age == x.cfg.Delta
		}
		if missing {
			continue
		}
		every(nil, func(r *fixed) {
			t := s.clone()
			more := slices.Clone(answers)
			for i, a := range may {
				if set>>i&1 != 0 {
					delete(t.links[[2]int{a.from, p}], a.l)
					more = append(more, t.input(p, 1, model.Input{Kind: model.Deliver, Message: a.l.m, Random: r}).Send...)
				}
			}
			more = append(more, t.input(p, 2, model.Input{Kind: model.Wake, Random: r}).Send...)
			t.processes[p].step++
			t.processes[p].pause = 0
			x.arrive(t, does, p+1, more, do)
		})
	}
}

// chatting returns n chatters.
func chatting(n int, favourite bool) func(p model.ProcessID) (model.Automaton, error) {
	return func(p model.ProcessID) (model.Automaton, error) {
		return &chatter{self: p, n: n, favourite: favourite, last: p}, nil
	}
}

// Automata that choose, answer, and care for the order of messages have as many states and
// transitions as an explorer finds that knows no tables.
func TestTwin(t *testing.T) {
	for _, ticks := range []explore.Ticks{
		{N: 2, Crashes: 1, Delta: 1, Phi: 1, FirstStep: 2, New: chatting(2, true)},
		{N: 2, Crashes: 2, Delta: 1, Phi: 2, FirstStep: 1, New: chatting(2, false)},
		row{2, 1, 1, 2, 1, 1, 1, 1, 0, 0}.adaptive(),
		row{2, 2, 2, 1, 2, 3, 2, 0, 0, 0}.adaptive(),
		row{3, 1, 1, 1, 1, 1, 2, 0, 0, 0}.adaptive(),
	} {
		x := &naive{cfg: ticks, states: map[string]bool{}}
		first := &naiveState{stable: !ticks.Stabilises, links: map[[2]int]map[naiveLetter]bool{}}
		for p := range ticks.N {
			a, err := ticks.New(model.ProcessID(p))
			if err != nil {
				t.Fatal(err)
			}
			first.processes = append(first.processes, &naiveProcess{a: a, step: ticks.FirstStep - 1})
			first.input(p, 1, model.Input{Kind: model.Start})
			first.processes[p].step++
		}
		x.visit(first)
		for _, symmetry := range []bool{false, true} {
			ticks.Symmetry = symmetry
			_, r := search(t, ticks, explore.Options{Workers: 2})
			t.Logf("%d states, %d transitions, symmetry %v: %v", len(x.states), x.transitions, symmetry, r)
			if !symmetry && (r.States != int64(len(x.states)) || r.Transitions != x.transitions) {
				t.Errorf("%d states and %d transitions, want %d and %d", r.States, r.Transitions, len(x.states), x.transitions)
			}
			if orbit := int64(ticks.N * (ticks.N - 1)); symmetry && (r.States >= int64(len(x.states)) || orbit*r.States < int64(len(x.states))) {
				t.Errorf("%d orbits of %d states", r.States, len(x.states))
			}
		}
	}
}

// Automata for which the order of messages matters, which is by the names of the senders,
// are not alike under renaming.
func TestOrderIsNotSymmetric(t *testing.T) {
	for _, favourite := range []bool{false, true} {
		sys, err := explore.Ticks{N: 3, Delta: 1, Phi: 1, FirstStep: 2, Symmetry: true, New: chatting(3, favourite)}.NewSystem()
		if err != nil {
			t.Fatal(err)
		}
		s, err := explore.NewSearch(sys, explore.Options{Workers: 1, MaxStates: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = s.Run(); (err != nil) != favourite || favourite && !strings.Contains(err.Error(), "not alike under a renaming") {
			t.Errorf("favourite %v: %v", favourite, err)
		}
	}
}
