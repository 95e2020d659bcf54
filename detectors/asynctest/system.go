package asynctest

import (
	"fmt"

	"suspect/detectors"
	"suspect/model"
)

// Links is what a system's links promise. All of them delay messages by any finite time,
// so that one overtakes another, and none makes up a message.
type Links uint8

const (
	// Reliable: what is sent arrives, also after its sender has crashed.
	Reliable Links = iota
	// QuasiReliable: what a correct process sends to a correct process arrives. Of what one
	// that crashes has sent, and has not arrived by then, any part is lost.
	QuasiReliable
	// FairLossy: any message may be lost, one in four here; and one in eight arrives twice.
	FairLossy
)

// String returns the name of l.
func (l Links) String() string {
	return [...]string{"reliable", "quasi-reliable", "fair-lossy"}[l]
}

// System is a system of processes, and all that happens to it.
type System struct {
	N       int
	Crashes model.FailurePattern // Never for those who do not crash
	Links   Links
	Seed    uint64

	// Delay is how long a message takes at most, but for one in eight, which takes up to ten
	// times as long. Processes start within as much.
	Delay model.Duration

	// Path, if there is one, says instead of Delay when a message arrives: never if at Never.
	Path func(now model.Time, m *model.Message) model.Time

	// Until is when the run ends, and Done, if there is one, ends it earlier: it is asked
	// after each step that announced something.
	Until model.Time
	Done  func(r *Run) bool
}

// Random returns a system of n processes of which the given number crash, at times before the
// given one, all drawn from the seed.
func Random(seed uint64, n, crashes int, before model.Time) System {
	dice := Dice(seed*0x9e3779b97f4a7c15 + 1)
	s := System{N: n, Seed: seed, Crashes: model.NewFailurePattern(n), Delay: 10, Until: model.Never}
	for ; crashes > 0; crashes-- {
		p := dice.IntN(n)
		for s.Crashes.CrashedAt[p] != model.Never {
			p = (p + 1) % n
		}
		s.Crashes.CrashedAt[p] = model.Time(dice.IntN(int(before)))
	}
	return s
}

// Dice is SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), a [model.Random].
type Dice uint64

// IntN returns a number from 0 to n-1.
func (d *Dice) IntN(n int) int {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) >> 1 % uint64(n))
}

// Run is what happened.
type Run struct {
	System  System
	Records []model.Record // Started, Crashed, Suspected, Trusted and Announced, in time
	Ended   model.Time
	Steps   int
	Sent    int

	// Idle tells that the run ended because nothing was left to happen.
	Idle bool

	automata []model.Automaton
}

// Automaton returns the automaton of a process as it was at the end.
func (r *Run) Automaton(p model.ProcessID) model.Automaton { return r.automata[p] }

// event is a thing that is to happen: a start, a crash, a wake-up or the arrival of a message.
type event struct {
	at      model.Time
	kind    eventKind
	process model.ProcessID
	letter  int // of an arrival
}

type eventKind uint8

const (
	crashes eventKind = iota // at equal times, first
	starts
	wakes
	arrives
)

type letter struct {
	message model.Message
	gone    bool // arrived, or lost
}

// world is a run in progress.
type world struct {
	*Run
	now     model.Time
	dice    Dice
	queue   []event // a heap by time, kind and order
	order   []int64 // of the queue's events
	pushed  int64
	letters []letter
	live    []process
	out     model.Output
}

type process struct {
	state   lifeState
	dice    Dice
	wake    model.Time
	letters [2]int // of its last step: from, to
	records [2]int
}

type lifeState uint8

const (
	unborn lifeState = iota
	alive
	dead
)

// maxSteps is more than any run needs: an automaton that takes more does not come to an end
// at one time.
const maxSteps = 2_000_000

// Run runs the system with the automata that build makes. The environment has everybody
// watch everybody. An error is one of build, or of an automaton that does not rest.
func (s System) Run(build func(env detectors.Env) (model.Automaton, error)) (*Run, error) {
	w := &world{Run: &Run{System: s}, dice: Dice(s.Seed), live: make([]process, s.N)}
	for p := range model.ProcessID(s.N) {
		a, err := build(Everybody(p, s.N))
		if err != nil {
			return nil, err
		}
		w.automata = append(w.automata, a)
		w.live[p].dice = Dice(s.Seed ^ uint64(p+1)<<32)
		w.push(event{at: model.Time(w.dice.IntN(int(s.Delay) + 1)), kind: starts, process: p})
		if at := s.Crashes.CrashedAt[p]; at != model.Never {
			w.push(event{at: at, kind: crashes, process: p})
		}
	}
	for len(w.queue) > 0 && w.queue[0].at <= s.Until {
		e := w.pop()
		w.now = e.at
		before := len(w.Records)
		w.happen(e)
		if w.Steps > maxSteps {
			return nil, fmt.Errorf("seed %d: %d steps until %v", s.Seed, w.Steps, w.now)
		}
		if s.Done != nil && len(w.Records) > before && s.Done(w.Run) {
			w.Ended = w.now
			return w.Run, nil
		}
	}
	w.Idle = len(w.queue) == 0
	w.Ended = w.now
	if !w.Idle {
		w.Ended = s.Until
	}
	return w.Run, nil
}

// Everybody returns the environment of a process that watches all n, and is watched by all.
func Everybody(self model.ProcessID, n int) detectors.Env {
	env := detectors.Env{Self: self, N: n}
	for q := range model.ProcessID(n) {
		if q != self {
			env.Watch = append(env.Watch, q)
		}
	}
	env.Watchers = env.Watch
	return env
}

func (w *world) happen(e event) {
	p := &w.live[e.process]
	switch e.kind {
	case crashes:
		w.crash(e.process)
	case starts:
		if p.state == unborn {
			p.state = alive
			w.record(model.Record{Kind: model.Started, Process: e.process})
			w.step(e.process, &model.Input{Kind: model.Start})
		}
	case wakes:
		if p.state == alive && p.wake == e.at {
			w.step(e.process, &model.Input{Kind: model.Wake})
		}
	case arrives:
		switch l := &w.letters[e.letter]; {
		case l.gone || p.state == dead:
		case p.state == unborn:
			e.at++
			w.push(e)
			return
		default:
			l.gone = true
			w.step(e.process, &model.Input{Kind: model.Deliver, Message: l.message})
			return
		}
		w.letters[e.letter].gone = true
	}
}

func (w *world) record(r model.Record) {
	r.At = w.now
	w.Records = append(w.Records, r)
}

func (w *world) step(id model.ProcessID, in *model.Input) {
	w.Steps++
	p := &w.live[id]
	w.out.Reset()
	in.Random = &p.dice
	w.automata[id].Step(w.now, in, &w.out)
	p.letters[0], p.records[0] = len(w.letters), len(w.Records)
	for _, m := range w.out.Send {
		w.send(m)
	}
	for _, v := range w.out.Verdicts {
		kind := model.Trusted
		if v.Suspected {
			kind = model.Suspected
		}
		w.record(model.Record{Kind: kind, Process: id, Peer: v.Peer, Failure: v.Kind})
	}
	for _, a := range w.out.Announcements {
		w.record(model.Record{Kind: model.Announced, Process: id, Peer: a.Peer, Seq: a.Seq, SentAt: model.Time(a.Value), Announcement: a.Kind})
	}
	p.letters[1], p.records[1] = len(w.letters), len(w.Records)
	p.wake = w.out.Wake
	if p.wake != model.Never {
		w.push(event{at: p.wake, kind: wakes, process: id})
	}
}

func (w *world) send(m model.Message) {
	w.Sent++
	copies := 1
	if w.System.Links == FairLossy {
		switch k := w.dice.IntN(8); {
		case k < 2:
			copies = 0
		case k == 2:
			copies = 2
		}
	}
	for range copies {
		at := w.now + 1
		if w.System.Path != nil {
			at = w.System.Path(w.now, &m)
		} else if d := int(w.System.Delay); w.dice.IntN(8) == 0 {
			at += model.Time(w.dice.IntN(10 * d))
		} else {
			at += model.Time(w.dice.IntN(d))
		}
		w.letters = append(w.letters, letter{m, at == model.Never})
		if at != model.Never {
			w.push(event{at: at, kind: arrives, process: m.To, letter: len(w.letters) - 1})
		}
	}
}

// crash ends a process in the middle of its last step, as far as nothing of that has been
// seen: of its last messages the first few go out, and unless all of them do, what it said
// after them it did not say. What it proposed and broadcast stands, for that came before.
func (w *world) crash(id model.ProcessID) {
	p := &w.live[id]
	was := p.state
	p.state = dead
	if was == alive {
		last := w.letters[p.letters[0]:p.letters[1]]
		cut := len(last)
		for cut > 0 && !last[cut-1].gone {
			cut--
		}
		cut += w.dice.IntN(len(last) - cut + 1)
		if cut < len(last) {
			for i := range last[cut:] {
				last[cut+i].gone = true
			}
			w.unsay(p.records)
		}
	}
	if w.System.Links == QuasiReliable {
		share := w.dice.IntN(3) // of two: none, half or all
		for i := range w.letters {
			if l := &w.letters[i]; l.message.From == id && w.dice.IntN(2) < share {
				l.gone = true
			}
		}
	}
	w.record(model.Record{Kind: model.Crashed, Process: id, Failure: model.ProcessCrash})
}

// unsay takes back what was said in a step.
func (w *world) unsay(span [2]int) {
	kept := w.Records[:span[0]:span[0]]
	for i, r := range w.Records[span[0]:] {
		if span[0]+i >= span[1] || r.Kind == model.Announced && (r.Announcement == model.Proposed || r.Announcement == model.Broadcast) {
			kept = append(kept, r)
		}
	}
	for p := range w.live {
		if s := &w.live[p].records; s[0] >= span[1] {
			s[0] -= len(w.Records) - len(kept)
			s[1] -= len(w.Records) - len(kept)
		}
	}
	w.Records = kept
}

func (w *world) less(i, j int) bool {
	a, b := &w.queue[i], &w.queue[j]
	if a.at != b.at {
		return a.at < b.at
	}
	if (a.kind == crashes) != (b.kind == crashes) {
		return a.kind == crashes
	}
	return w.order[i] < w.order[j]
}

func (w *world) swap(i, j int) {
	w.queue[i], w.queue[j] = w.queue[j], w.queue[i]
	w.order[i], w.order[j] = w.order[j], w.order[i]
}

func (w *world) push(e event) {
	w.queue, w.order = append(w.queue, e), append(w.order, w.pushed)
	w.pushed++
	for i := len(w.queue) - 1; i > 0 && w.less(i, (i-1)/2); i = (i - 1) / 2 {
		w.swap(i, (i-1)/2)
	}
}

func (w *world) pop() event {
	e, last := w.queue[0], len(w.queue)-1
	w.swap(0, last)
	w.queue, w.order = w.queue[:last], w.order[:last]
	for i := 0; ; {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < last && w.less(child, least) {
				least = child
			}
		}
		if least == i {
			return e
		}
		w.swap(i, least)
		i = least
	}
}
