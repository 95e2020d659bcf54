package explore_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"suspect/model"
	"suspect/properties"
	"suspect/properties/explore"
)

// puppet is an automaton that does what a hash says: by its state and the input it chooses,
// sends, announces and suspects.
type puppet struct {
	seed   uint64
	self   model.ProcessID
	n      int
	timers bool
	active uint64 // of 8 inputs, how many have an effect

	state uint8
	sends uint8 // that are left
	said  uint8
	wakes uint8
}

func (d *puppet) Step(now model.Time, in *model.Input, out *model.Output) {
	x := d.seed ^ uint64(d.state)<<8
	switch in.Kind {
	case model.Deliver:
		x ^= uint64(in.Message.From)<<16 ^ uint64(in.Message.Kind+1)<<24
	case model.Inform:
		x ^= uint64(in.Evidence.About)<<16 ^ 7<<32
	case model.Wake:
		if d.wakes == 0 {
			return
		}
		d.wakes--
		x ^= 9 << 32
	}
	dice := splitmix(x)
	if dice()%8 < d.active || in.Kind == model.Start {
		if dice()%5 == 0 {
			dice = splitmix(x ^ uint64(in.Random.IntN(2))<<40)
		}
		d.state = uint8(dice() % 5)
		for range dice() % 3 {
			to := model.ProcessID(dice() % uint64(d.n))
			if to != d.self && d.sends > 0 {
				d.sends--
				out.Send = append(out.Send, model.Message{From: d.self, To: to, Kind: uint8(dice() % 2)})
			}
		}
		if dice()%3 == 0 && d.said < 2 {
			d.said++
			out.Announcements = append(out.Announcements, model.Announcement{Kind: model.Decided, Peer: d.self, Value: int64(dice() % 3)})
		}
	}
	if d.timers && d.wakes > 0 {
		out.Wake = now.Add(model.Second)
	}
}

func splitmix(x uint64) func() uint64 {
	return func() uint64 {
		x += 0x9e3779b97f4a7c15
		z := x
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return z ^ z>>31
	}
}

func (d *puppet) Clone() model.Automaton { c := *d; return &c }
func (d *puppet) AppendState(b []byte, _ model.Time) []byte {
	return append(b, d.state, d.sends, d.said, d.wakes)
}
func (d *puppet) LoadState(b []byte, _ model.Time) ([]byte, error) {
	d.state, d.sends, d.said, d.wakes = b[0], b[1], b[2], b[3]
	return b[4:], nil
}

// puppets returns a small random system.
func puppets(seed uint64) explore.Interleaved {
	dice := splitmix(seed)
	c := explore.Interleaved{N: 2 + int(dice()%2), Timers: dice()%2 == 0, Informs: dice()%2 == 0, Ordered: dice()%3 == 0}
	c.Crashes = int(dice() % uint64(c.N))
	if dice()%4 == 0 {
		c.Spared = 1
	}
	sends, wakes, active := uint8(1+dice()%3), uint8(dice()%2), 2+dice()%5
	c.New = func(p model.ProcessID) (model.Automaton, error) {
		return &puppet{seed: seed<<8 ^ uint64(p), self: p, n: c.N, timers: c.Timers, active: active, sends: sends, wakes: wakes}, nil
	}
	return c
}

// said tells whether some two announcements so far are of these values.
func said(v *explore.View, a, b int64) bool {
	var seen [3]bool
	for p := range v.N {
		for _, x := range v.Said(p) {
			seen[x.Value] = true
		}
	}
	return seen[a] && seen[b]
}

func agreements() []explore.Property {
	return []explore.Property{
		explore.Always("0 or 1", func(v *explore.View) bool { return !said(v, 0, 1) }),
		explore.Always("1 or 2", func(v *explore.View) bool { return !said(v, 1, 2) }),
		explore.Always("never 2 by the living", func(v *explore.View) bool {
			for _, l := range v.Locals {
				if l != nil && slices.ContainsFunc(l.Said, func(a model.Announcement) bool { return a.Value == 2 }) {
					return false
				}
			}
			return true
		}),
	}
}

func interleave(t testing.TB, c explore.Interleaved, opt explore.Options, props ...explore.Property) *explore.Report {
	t.Helper()
	sys, err := c.NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	s, err := explore.NewSearch(sys, opt, props...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Run()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// twin is a search of the same environment that was written without regard to cost: a
// world is copied for every step, and its text is its name.
type twin struct {
	c       explore.Interleaved
	seen    map[string]bool
	waiting []*world
	n       int64 // transitions
	bad     []bool
	rule    []func(w *world) bool // violated
}

type world struct {
	c        *explore.Interleaved
	automata []*puppet // nil is down
	begun    []bool
	wake     []bool
	told     []uint64
	said     [][]int64
	last     []string // what was announced with the process and sequence
	links    map[[2]int][]uint8
	losses   int
	twice    int
}

func (w *world) clone() *world {
	x := *w
	x.automata, x.begun, x.wake, x.told, x.said = nil, slices.Clone(w.begun), slices.Clone(w.wake), slices.Clone(w.told), nil
	for p := range w.automata {
		var a *puppet
		if w.automata[p] != nil {
			a = w.automata[p].Clone().(*puppet)
		}
		x.automata = append(x.automata, a)
		x.said = append(x.said, slices.Clone(w.said[p]))
	}
	x.links = map[[2]int][]uint8{}
	for k, l := range w.links {
		if len(l) > 0 {
			x.links[k] = slices.Clone(l)
		}
	}
	return &x
}

func (w *world) name() string {
	b := binary.AppendVarint(binary.AppendVarint(nil, int64(w.losses)), int64(w.twice))
	for p, a := range w.automata {
		if a == nil {
			b = append(b, 0xff)
		} else {
			b = append(b, byte(p), a.state, a.sends, a.said, a.wakes, boolByte(w.begun[p]), boolByte(w.wake[p]), byte(w.told[p]))
		}
		b = fmt.Append(b, w.said[p])
		if a == nil {
			b = append(b, boolByte(w.begun[p]))
		}
		for q := range w.automata {
			l := slices.Clone(w.links[[2]int{p, q}])
			if !w.c.Ordered {
				slices.Sort(l)
			}
			b = fmt.Append(b, l)
		}
	}
	return string(b)
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func (w *world) kill(p int) {
	w.automata[p] = nil
	w.told[p] = 0
	w.wake[p] = false
	for k := range w.links {
		if k[1] == p {
			delete(w.links, k)
		}
	}
}

// script is a Random by numbers that are given.
type script struct {
	given []int
	used  int
}

func (s *script) IntN(n int) int {
	if s.used == len(s.given) {
		s.given = append(s.given, 0)
	}
	s.used++
	return s.given[s.used-1]
}

func (t *twin) visit(w *world) {
	t.n++
	t.enter(w)
}

func (t *twin) enter(w *world) {
	name := w.name()
	if t.seen[name] {
		return
	}
	t.seen[name] = true
	for i, rule := range t.rule {
		t.bad[i] = t.bad[i] || rule(w)
	}
	t.waiting = append(t.waiting, w)
}

func (t *twin) mayCrash(w *world, p int) bool {
	down := 0
	for _, a := range w.automata {
		if a == nil {
			down++
		}
	}
	return down < t.c.Crashes && t.c.Spared>>p&1 == 0
}

// give explores a step of process p, from a world that was made for it.
func (t *twin) give(w *world, p int, in model.Input) {
	// A puppet makes one choice at most, of two.
	for choice := range 2 {
		x := w.clone()
		dice := &script{given: []int{choice}}
		in.Random = dice
		var out model.Output
		out.Reset()
		was := slices.Clone(x.said[p])
		x.automata[p].Step(0, &in, &out)
		if choice == 1 && dice.used == 0 {
			return
		}
		x.begun[p] = true
		x.wake[p] = out.Wake != model.Never && t.c.Timers
		for _, a := range out.Announcements {
			x.said[p] = append(x.said[p], a.Value)
		}
		for sent := len(out.Send); sent >= 0; sent-- {
			y := x.clone()
			if sent < len(out.Send) {
				if sent == 0 || !t.mayCrash(w, p) {
					break
				}
				y.kill(p)
				y.said[p] = was
				y.begun[p] = w.begun[p]
			}
			for _, m := range out.Send[:sent] {
				if y.automata[m.To] != nil {
					k := [2]int{p, int(m.To)}
					y.links[k] = append(y.links[k], m.Kind)
				}
			}
			t.visit(y)
		}
	}
}

func (t *twin) expand(w *world) {
	open := false
	for p, a := range w.automata {
		if a == nil {
			continue
		}
		if t.mayCrash(w, p) {
			x := w.clone()
			x.kill(p)
			t.visit(x)
		}
		if !w.begun[p] {
			open = true
			t.give(w, p, model.Input{Kind: model.Start})
			continue
		}
		if w.wake[p] {
			open = true
			t.give(w, p, model.Input{Kind: model.Wake})
		}
		for q, b := range w.automata {
			if t.c.Informs && b == nil && w.told[p]>>q&1 == 0 {
				open = true
				x := w.clone()
				x.told[p] |= 1 << q
				t.give(x, p, model.Input{Kind: model.Inform, Evidence: &model.Evidence{Kind: model.Liveness, About: model.ProcessID(q)}})
			}
			link := w.links[[2]int{q, p}]
			for i, kind := range link {
				open = true
				if t.c.Ordered && i > 0 || slices.Contains(link[:i], kind) {
					continue
				}
				in := model.Input{Kind: model.Deliver, Message: model.Message{From: model.ProcessID(q), To: model.ProcessID(p), Kind: kind}}
				x := w.clone()
				x.links[[2]int{q, p}] = slices.Delete(slices.Clone(link), i, i+1)
				t.give(x, p, in)
				if w.twice > 0 {
					y := w.clone()
					y.twice--
					t.give(y, p, in)
				}
				free := t.c.QuasiReliable && b == nil
				if free || w.losses > 0 {
					y := x.clone()
					if !free {
						y.losses--
					}
					t.visit(y)
				}
			}
		}
	}
	// What is on its way to one who has not started is lost too.
	for p, a := range w.automata {
		if a == nil || w.begun[p] {
			continue
		}
		for q, b := range w.automata {
			link := w.links[[2]int{q, p}]
			for i, kind := range link {
				if t.c.Ordered && i > 0 || slices.Contains(link[:i], kind) {
					continue
				}
				free := t.c.QuasiReliable && b == nil
				if free || w.losses > 0 {
					y := w.clone()
					y.links[[2]int{q, p}] = slices.Delete(slices.Clone(link), i, i+1)
					if !free {
						y.losses--
					}
					t.visit(y)
				}
			}
		}
	}
	if !open {
		t.visit(w)
	}
}

// run returns the numbers of states and transitions, or false if there are too many.
func (t *twin) run(most int) bool {
	w := &world{c: &t.c, links: map[[2]int][]uint8{}, losses: t.c.Losses, twice: t.c.Duplicates,
		begun: make([]bool, t.c.N), wake: make([]bool, t.c.N), told: make([]uint64, t.c.N), said: make([][]int64, t.c.N)}
	for p := range t.c.N {
		a, _ := t.c.New(model.ProcessID(p))
		w.automata = append(w.automata, a.(*puppet))
	}
	t.seen = map[string]bool{}
	t.bad = make([]bool, len(t.rule))
	t.enter(w)
	for at := 0; at < len(t.waiting); at++ {
		t.expand(t.waiting[at])
		if len(t.waiting) > most {
			return false
		}
	}
	return true
}

func (w *world) announced(a, b int64) bool {
	all := slices.Concat(w.said...)
	return slices.Contains(all, a) && slices.Contains(all, b)
}

// States, transitions and verdicts are those of the twin, on random systems of puppets.
func TestInterleavedTwin(t *testing.T) {
	t.Parallel()
	compared, states := 0, int64(0)
	var outcomes [3]int
	for seed := uint64(1); seed <= 170; seed++ {
		c := puppets(seed)
		dice := splitmix(seed ^ 1<<60)
		if dice()%3 == 0 {
			c.Losses = int(dice() % 2)
			c.Duplicates = int(dice() % 2)
			c.QuasiReliable = dice()%2 == 0
		}
		brute := twin{c: c, rule: []func(*world) bool{
			func(w *world) bool { return w.announced(0, 1) },
			func(w *world) bool { return w.announced(1, 2) },
			func(w *world) bool {
				for p, a := range w.automata {
					if a != nil && slices.Contains(w.said[p], 2) {
						return true
					}
				}
				return false
			},
		}}
		if !brute.run(1500) {
			continue
		}
		compared++
		r := interleave(t, c, explore.Options{Workers: 1})
		states += r.States
		if r.States != int64(len(brute.seen)) || r.Transitions != brute.n {
			t.Fatalf("seed %d: %v, and the twin finds %d states and %d transitions", seed, r, len(brute.seen), brute.n)
		}
		r = interleave(t, c, explore.Options{Workers: 1}, agreements()...)
		for i, f := range r.Findings {
			want := properties.Holds
			if brute.bad[i] {
				want = properties.Violated
			}
			outcomes[want]++
			if f.Outcome != want {
				t.Fatalf("seed %d: %s: %v, want %v", seed, f.Property, f.Outcome, want)
			}
		}
	}
	t.Logf("%d systems, %d states, %d verdicts hold and %d do not", compared, states, outcomes[properties.Holds], outcomes[properties.Violated])
	if compared < 100 || outcomes[properties.Holds] < 50 || outcomes[properties.Violated] < 50 {
		t.Error("too little was compared")
	}
}

// The reduction changes no verdict, and never makes more states.
func TestReductionKeepsVerdicts(t *testing.T) {
	t.Parallel()
	var all, reduced int64
	var outcomes [3]int
	smaller, compared := 0, 0
	for seed := uint64(1); seed <= 300; seed++ {
		c := puppets(seed)
		whole := interleave(t, c, explore.Options{Workers: 1, MaxStates: 3_000}, agreements()...)
		if whole.Outcome() == properties.Inconclusive {
			continue
		}
		size := interleave(t, c, explore.Options{Workers: 1, MaxStates: 3_000})
		c.Reduce = true
		less := interleave(t, c, explore.Options{Workers: 1}, agreements()...)
		for i, f := range less.Findings {
			outcomes[f.Outcome]++
			if f.Outcome != whole.Findings[i].Outcome && whole.Findings[i].Outcome != properties.Inconclusive {
				t.Fatalf("seed %d: %s: %v with the reduction, %v without", seed, f.Property, f.Outcome, whole.Findings[i].Outcome)
			}
		}
		if !size.Complete {
			continue
		}
		compared++
		part := interleave(t, c, explore.Options{Workers: 1})
		all += size.States
		reduced += part.States
		if part.States < size.States {
			smaller++
		}
		if part.States > size.States || part.Transitions > size.Transitions {
			t.Fatalf("seed %d: %v with the reduction, %v without", seed, part, size)
		}
	}
	t.Logf("%d systems: %d states without the reduction, %d with it; %d became smaller; %d verdicts hold and %d do not", compared, all, reduced, smaller, outcomes[properties.Holds], outcomes[properties.Violated])
	if smaller < 60 || outcomes[properties.Holds] < 100 || outcomes[properties.Violated] < 100 {
		t.Error("too little was reduced")
	}
}

// A search that is saved and loaded goes on to the same end.
func TestInterleavedCheckpoint(t *testing.T) {
	t.Parallel()
	for seed := uint64(1); seed <= 20; seed++ {
		c := puppets(seed)
		c.Losses = 1
		whole := interleave(t, c, explore.Options{Workers: 1}, agreements()...)
		open := func(most int64) *explore.Search {
			sys, err := c.NewSystem()
			if err != nil {
				t.Fatal(err)
			}
			s, err := explore.NewSearch(sys, explore.Options{Workers: 1, MaxStates: most}, agreements()...)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		first := open(whole.States / 2)
		if _, err := first.Run(); err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := first.Save(&file, "puppets"); err != nil {
			t.Fatal(err)
		}
		second := open(0)
		if err := second.Load(file.Bytes(), "puppets"); err != nil {
			t.Fatal(err)
		}
		r, err := second.Run()
		if err != nil {
			t.Fatal(err)
		}
		if r.Outcome() != whole.Outcome() || r.Complete && (r.States != whole.States || r.Transitions != whole.Transitions) {
			t.Errorf("seed %d: %v, and without interruption %v", seed, r, whole)
		}
	}
}

// The report does not depend on the number of workers.
func TestInterleavedWorkers(t *testing.T) {
	t.Parallel()
	for seed := uint64(1); seed <= 10; seed++ {
		c := puppets(seed)
		c.Reduce = seed%2 == 0
		one := interleave(t, c, explore.Options{Workers: 1}, agreements()...)
		three := interleave(t, c, explore.Options{Workers: 3}, agreements()...)
		if diff := cmp.Diff(one, three, cmpopts.IgnoreUnexported(explore.Local{})); diff != "" {
			t.Errorf("seed %d: %s", seed, diff)
		}
	}
}

// What would make a graph infinite, or a verdict wrong, is refused.
func TestInterleavedRefuses(t *testing.T) {
	t.Parallel()
	make := func(p model.ProcessID) (model.Automaton, error) { return &puppet{self: p, n: 2, sends: 1}, nil }
	for _, c := range []explore.Interleaved{
		{N: 8, New: make}, {N: 0, New: make}, {N: 2, Crashes: 3, New: make}, {N: 2, Losses: -2, New: make}, {N: 2},
		{N: 2, Duplicates: explore.Unlimited, New: make}, {N: 2, Sets: true, Ordered: true, New: make},
		{N: 2, Reduce: true, Losses: 1, New: make}, {N: 2, Reduce: true, QuasiReliable: true, New: make}, {N: 2, Reduce: true, Duplicates: 1, New: make},
	} {
		if _, err := c.NewSystem(); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
	live := explore.EventuallyAlways("quiet", explore.EveryoneSteps, func(*explore.View) bool { return true })
	for _, c := range []explore.Interleaved{{N: 2, Reduce: true, New: make}, {N: 2, Losses: explore.Unlimited, New: make}} {
		sys, err := c.NewSystem()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := explore.NewSearch(sys, explore.Options{Workers: 1}, live); err == nil {
			t.Errorf("%+v judges liveness", c)
		}
	}
	// A process that sends at each of its wake-ups has no finite graph, unless equal
	// messages are one.
	for _, sets := range []bool{false, true} {
		c := explore.Interleaved{N: 2, Timers: true, Sets: sets, New: func(p model.ProcessID) (model.Automaton, error) { return beacon{p}, nil }}
		sys, err := c.NewSystem()
		if err != nil {
			t.Fatal(err)
		}
		s, err := explore.NewSearch(sys, explore.Options{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		// Two processes that have started or not, and a link each way with a message or none.
		if r, err := s.Run(); sets != (err == nil) || sets && r.States != 1+2*2+4 {
			t.Errorf("sets %v: %v, %v", sets, r, err)
		}
	}
}

// beacon sends to the other process whenever it is woken.
type beacon struct{ self model.ProcessID }

func (d beacon) Step(now model.Time, in *model.Input, out *model.Output) {
	if in.Kind == model.Wake {
		out.Send = append(out.Send, model.Message{From: d.self, To: 1 - d.self})
	}
	out.Wake = now.Add(model.Second)
}
func (d beacon) Clone() model.Automaton                           { return d }
func (d beacon) AppendState(b []byte, _ model.Time) []byte        { return b }
func (d beacon) LoadState(b []byte, _ model.Time) ([]byte, error) { return b, nil }

// Whoever is woken again and again does not keep a message from arriving for ever, nor what
// is to be told of a crash, unless fairness is not asked for.
func TestWeakFairness(t *testing.T) {
	t.Parallel()
	heard := func(v *explore.View) bool { return !v.Alive(1) || len(v.Said(1)) > 0 }
	told := func(v *explore.View) bool {
		return v.Alive(0) || !v.Alive(1) || slices.ContainsFunc(v.Said(1), func(a model.Announcement) bool { return a.Value == 2 })
	}
	for _, c := range []struct {
		name    string
		crashes int
		holds   explore.Predicate
	}{{"heard", 0, heard}, {"told", 1, told}} {
		for fair, want := range map[explore.Fairness]properties.Outcome{0: properties.Violated, explore.EveryoneSteps: properties.Holds} {
			r := interleave(t, explore.Interleaved{N: 2, Crashes: c.crashes, Spared: 2, Timers: true, Informs: true, New: func(p model.ProcessID) (model.Automaton, error) {
				return &greeter{self: p}, nil
			}}, explore.Options{Workers: 1}, explore.EventuallyAlways(c.name, fair, c.holds))
			if r.Outcome() != want {
				t.Errorf("%s, fairness %d: %v, want %v", c.name, fair, r.Findings, want)
			}
		}
	}
}

// greeter greets the other process, announces when it is greeted and when the other
// crashes, and wakes up all the time.
type greeter struct {
	self model.ProcessID
	said uint8
}

func (d *greeter) Step(now model.Time, in *model.Input, out *model.Output) {
	value := uint8(0)
	switch in.Kind {
	case model.Start:
		out.Send = append(out.Send, model.Message{From: d.self, To: 1 - d.self})
	case model.Deliver:
		value = 1
	case model.Inform:
		value = 2
	}
	if value > 0 {
		d.said |= value
		out.Announcements = append(out.Announcements, model.Announcement{Kind: model.Decided, Value: int64(value)})
	}
	out.Wake = now.Add(model.Second)
}
func (d *greeter) Clone() model.Automaton                    { c := *d; return &c }
func (d *greeter) AppendState(b []byte, _ model.Time) []byte { return append(b, d.said) }
func (d *greeter) LoadState(b []byte, _ model.Time) ([]byte, error) {
	d.said = b[0]
	return b[1:], nil
}
