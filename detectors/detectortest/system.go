package detectortest

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"sort"

	"suspect/detectors"
	"suspect/model"
)

// stimulus is an input of an automaton and the local time at which it comes.
type stimulus struct {
	at model.Time
	in model.Input

	// choices is the seed of those that the automaton makes in this step: whoever is
	// to behave alike is given the same.
	choices random
}

// IntN makes a random a [model.Random].
func (r *random) IntN(n int) int { return r.below(n) }

// script is what one incarnation of a process lived through, from its Start on.
type script struct {
	env   detectors.Env
	steps []stimulus
}

// random is SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): enough for test data.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (r *random) below(n int) int  { return int(r.next() % uint64(n)) }
func (r *random) oneIn(n int) bool { return r.below(n) == 0 }
func (r *random) upTo(d model.Duration) model.Duration {
	return model.Duration(r.next() % uint64(d+1))
}

// weather is what happens to a system beside its own steps.
type weather struct {
	calm    bool // no fault at all, and one delay for all
	garbage bool // messages that no process has sent
}

// system is a small message-level simulation that records scripts.
type system struct {
	build  New
	period model.Duration
	random random
	weather
	ring bool // everybody watches its two successors, rather than all others

	choices random // seeds of the choices in the steps

	now       model.Time
	processes []*process
	mail      []letter // by time of arrival, ties in the order of sending
	letters   int
}

type process struct {
	player      *player // nil while crashed
	env         detectors.Env
	script      *script
	wake        model.Time
	pauses      model.Time // beginning of the next pause
	pausedUntil model.Time
	changes     model.Time // next crash or recovery
	machine     machine
}

// letter is a message, a request to an agent, or the evidence that one gives.
type letter struct {
	at       model.Time
	number   int
	message  model.Message
	evidence *model.Evidence
}

// run simulates n processes from the given time on, for 40 periods. It returns
// the script of every incarnation, in the order of their starts, and the outputs.
func (s *system) run(n int, start model.Time) (scripts []*script, outputs [][]output, err error) {
	end := start.Add(40 * s.period)
	s.now = start
	var log []*[]output
	begin := func(p *process) error {
		s.back(p)
		p.script = &script{env: p.env}
		scripts = append(scripts, p.script)
		log = append(log, new([]output))
		p.player, err = newPlayer(s.build, p.env)
		if err != nil {
			return err
		}
		p.player.log = log[len(log)-1]
		return s.step(p, model.Input{Kind: model.Start})
	}
	network := star(n)
	for p := range n {
		s.processes = append(s.processes, &process{env: environment(p, n, s.ring, network), wake: model.Never, changes: model.Never,
			pauses: start.Add(s.random.upTo(20 * s.period))})
		if !s.calm && p == n-1 {
			s.processes[p].changes = start.Add(10*s.period + s.random.upTo(10*s.period))
		}
	}
	for _, p := range s.processes {
		if err := begin(p); err != nil {
			return nil, nil, err
		}
	}
	for steps := 0; ; steps++ {
		at, act := s.next()
		if at > end {
			break
		}
		if steps > maxSteps {
			return nil, nil, violation(Progress, "more than %d steps in 40 periods of %v", maxSteps, s.period)
		}
		s.now = at
		if act.change {
			p := s.processes[act.process]
			p.changes = model.Never
			if p.player == nil {
				err = begin(p)
			} else {
				s.stop(p, s.random.oneIn(2), false)
			}
		} else {
			err = s.step(s.processes[act.process], act.in)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	for _, l := range log {
		outputs = append(outputs, *l)
	}
	return scripts, outputs, nil
}

func environment(p, n int, ring bool, network *model.Graph) detectors.Env {
	env := detectors.Env{Self: model.ProcessID(p), N: n, Map: network}
	for q := range n {
		ahead := (q - p + n) % n
		if ahead != 0 && (!ring || ahead <= 2) {
			env.Watch = append(env.Watch, model.ProcessID(q))
		}
		if ahead != 0 && (!ring || n-ahead <= 2) {
			env.Watchers = append(env.Watchers, model.ProcessID(q))
		}
	}
	return env
}

type action struct {
	process int
	in      model.Input
	change  bool
}

// maxSteps is far above what six processes do in 40 periods.
const maxSteps = 50_000

// next takes the next thing that happens.
func (s *system) next() (at model.Time, act action) {
	at = model.Never
	for i, p := range s.processes {
		if p.changes < at {
			at, act = p.changes, action{process: i, change: true}
		}
		if wake := max(p.wake, p.pausedUntil); p.wake != model.Never && wake < at {
			at, act = wake, action{process: i, in: model.Input{Kind: model.Wake}}
		}
	}
	for len(s.mail) > 0 && s.mail[0].at <= at {
		l := s.mail[0]
		s.mail = s.mail[1:]
		s.now = l.at
		if l.message.Layer != model.ProcessLayer {
			s.agent(&l.message)
			return s.next() // it may have stopped a process
		}
		p := s.processes[l.message.To]
		if p.player == nil {
			if l.evidence == nil {
				s.refuse(&l.message)
			}
			continue
		}
		if p.pausedUntil > l.at {
			l.at = p.pausedUntil
			s.deliver(l)
			continue
		}
		in := model.Input{Kind: model.Deliver, Message: l.message}
		if l.evidence != nil {
			in = model.Input{Kind: model.Inform, Evidence: l.evidence}
		}
		return l.at, action{process: int(l.message.To), in: in}
	}
	return at, act
}

func (s *system) post(at model.Time, m model.Message) { s.deliver(letter{at: at, message: m}) }

// deliver puts a letter into the mail.
func (s *system) deliver(l letter) {
	at := l.at
	s.letters++
	l.number = s.letters
	i := sort.Search(len(s.mail), func(i int) bool { return s.mail[i].at > at })
	s.mail = append(s.mail, letter{})
	copy(s.mail[i+1:], s.mail[i:])
	s.mail[i] = l
}

func (s *system) step(p *process, in model.Input) error {
	stim := stimulus{s.now, in, random(s.choices.next())}
	p.script.steps = append(p.script.steps, stim)
	out, err := p.player.play(stim)
	if err != nil {
		return err
	}
	p.wake = out.wake
	if !s.calm && s.now >= p.pauses {
		p.pausedUntil = s.now.Add(s.random.upTo(5 * s.period))
		p.pauses = p.pausedUntil.Add(s.random.upTo(20 * s.period))
	}
	for _, m := range out.send {
		s.send(m)
	}
	return nil
}

func (s *system) send(m model.Message) {
	s.carry(letter{message: m})
	if s.garbage && s.random.oneIn(5) && m.To != s.switchNode() && m.Layer == model.ProcessLayer {
		s.post(s.now.Add(s.random.upTo(s.period)), s.mangle(m))
	}
}

// carry brings a letter to where it goes, now or later, once, twice or never.
func (s *system) carry(l letter) {
	if s.cut(l.message.From) || s.cut(l.message.To) {
		return
	}
	if s.calm {
		l.at = s.now.Add(s.period / 10)
		s.deliver(l)
		return
	}
	copies := 1
	switch {
	case s.random.oneIn(10):
		copies = 0
	case s.random.oneIn(10):
		copies = 2
	}
	for range copies {
		delay := s.random.upTo(s.period / 5)
		if s.random.oneIn(10) {
			delay = s.random.upTo(5 * s.period)
		}
		l.at = s.now.Add(delay)
		s.deliver(l)
	}
	if s.garbage && s.random.oneIn(5) && l.message.To != s.switchNode() {
		var e model.Evidence
		if l.evidence != nil {
			e = *l.evidence
		}
		e = s.mangleEvidence(e)
		s.deliver(letter{at: s.now.Add(s.random.upTo(s.period)), message: model.Message{To: l.message.To}, evidence: &e})
	}
}

// mangle returns a message to the same process that nobody has sent.
func (s *system) mangle(m model.Message) model.Message {
	n := model.ProcessID(len(s.processes))
	froms := []model.ProcessID{m.From, m.To, -1, n, n + 100, math.MaxInt32, math.MinInt32}
	numbers := []int64{m.Seq - 1, m.Seq + 1, m.Seq + 1000, 0, -1, math.MaxInt64, math.MinInt64, int64(s.random.next())}
	m.From = froms[s.random.below(len(froms))]
	m.Seq = numbers[s.random.below(len(numbers))]
	m.Arg = numbers[s.random.below(len(numbers))]
	if s.random.oneIn(2) {
		m.Kind, m.Tag = uint8(s.random.next()), uint8(s.random.next())
	}
	return m
}

// output is a copy of what a step wrote.
type output struct {
	send     []model.Message
	verdicts []model.Verdict
	wake     model.Time
}

// sameActs tells whether a and b send and say the same. Wake-ups may differ:
// they may be early.
func sameActs(a, b output) bool {
	return slices.EqualFunc(a.send, b.send, sameMessage) && slices.Equal(a.verdicts, b.verdicts)
}

func sameMessage(a, b model.Message) bool {
	x, y := a.Body, b.Body
	a.Body, b.Body = nil, nil // they need not be comparable
	return a == b && (x == nil && y == nil || reflect.DeepEqual(x, y))
}

func (o output) String() string {
	return fmt.Sprintf("send %v, verdicts %v, wake %v", o.send, o.verdicts, o.wake)
}

// player steps one automaton and checks every step.
type player struct {
	automaton model.Automaton
	env       detectors.Env
	opinions  map[opinion]bool
	log       *[]output
	last      output
	lastAt    model.Time
	chose     bool // in the last step

	// poison makes the player reuse one input and one output, and overwrite
	// both after each step.
	poison bool
	in     *model.Input
	out    *model.Output

	evidence model.Evidence // of the input

	findings []model.Finding
	reasons  []detectors.Reason
}

type opinion struct {
	peer model.ProcessID
	kind model.FailureKind
}

func newPlayer(build New, env detectors.Env) (*player, error) {
	a, err := build(env)
	if err != nil {
		return nil, violation(Built, "%v", err)
	}
	return &player{automaton: a, env: env, opinions: map[opinion]bool{}}, nil
}

// copyWith returns a player of another automaton that is to behave as p's.
func (p *player) copyWith(a model.Automaton) *player {
	c := &player{automaton: a, env: p.env, opinions: map[opinion]bool{}, last: p.last, lastAt: p.lastAt}
	for o, held := range p.opinions {
		c.opinions[o] = held
	}
	return c
}

func (p *player) play(s stimulus) (o output, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = violation(NoPanic, "at %v, on %v %+v %+v: %v", s.at, s.in.Kind, s.in.Message, s.in.Evidence, r)
		}
	}()
	if !p.poison || p.in == nil {
		p.in, p.out = new(model.Input), new(model.Output)
	}
	choices := s.choices
	s.in.Random = &choices
	*p.in = s.in
	var lent *model.Evidence
	if s.in.Evidence != nil {
		p.evidence = *s.in.Evidence
		lent = &p.evidence
		p.in.Evidence = lent
	}
	p.out.Reset()
	p.automaton.Step(s.at, p.in, p.out)
	if p.in.Kind != s.in.Kind || p.in.Random != s.in.Random || !sameMessage(p.in.Message, s.in.Message) ||
		p.in.Evidence != lent || !sameEvidence(lent, s.in.Evidence) {
		return o, violation(Buffers, "at %v, the step changed its input to %+v %+v", s.at, *p.in, p.evidence)
	}
	o = output{append([]model.Message(nil), p.out.Send...), append([]model.Verdict(nil), p.out.Verdicts...), p.out.Wake}
	if p.poison {
		*p.in = model.Input{Kind: model.Deliver, Message: model.Message{From: -77, To: -77, Seq: -77, Kind: 77}}
		p.evidence = model.Evidence{Kind: 77, From: -77, About: -77, Seq: -77}
		for i := range p.out.Send {
			p.out.Send[i] = p.in.Message
		}
		for i := range p.out.Verdicts {
			p.out.Verdicts[i] = model.Verdict{Peer: -77, Kind: model.Stall}
		}
	}
	p.last, p.lastAt, p.chose = o, s.at, choices != s.choices
	if p.log != nil {
		*p.log = append(*p.log, o)
	}
	return o, p.judge(s, o)
}

// judge checks what can be told from one step and the opinions before it.
func (p *player) judge(s stimulus, o output) error {
	if o.wake <= s.at {
		return violation(WakeLater, "at %v, it asks for a wake-up at %v", s.at, o.wake)
	}
	for _, m := range o.send {
		if m.From != p.env.Self || !addressable(p.env, &m) {
			return violation(Addresses, "at %v, process %d sends a message of kind %d from %d to the %v layer of %d", s.at, p.env.Self, m.Kind, m.From, m.Layer, m.To)
		}
	}
	for _, v := range o.verdicts {
		if v.Peer == p.env.Self {
			return violation(NotItself, "at %v: %+v", s.at, v)
		}
		if i := sort.Search(len(p.env.Watch), func(i int) bool { return p.env.Watch[i] >= v.Peer }); i == len(p.env.Watch) || p.env.Watch[i] != v.Peer {
			return violation(OnlyWatched, "at %v: %+v", s.at, v)
		}
		key := opinion{v.Peer, v.Kind}
		if p.opinions[key] == v.Suspected {
			return violation(ChangesOnly, "at %v: %+v is no change", s.at, v)
		}
		p.opinions[key] = v.Suspected
	}
	return p.query(s.at)
}

// query asks a typed automaton for its findings and reasons, which are to be of the kinds
// of its verdicts.
func (p *player) query(now model.Time) error {
	typed, ok := p.automaton.(detectors.Typed)
	if !ok {
		return nil
	}
	explainer, explains := p.automaton.(detectors.Explainer)
	held := 0
	for _, q := range p.env.Watch {
		p.findings = typed.Findings(q, now, p.findings[:0])
		p.reasons = p.reasons[:0]
		if explains {
			p.reasons = explainer.Explain(q, now, p.reasons)
		}
		for i, f := range p.findings {
			held++
			if !p.opinions[opinion{q, f.Kind}] || i > 0 && f.Kind <= p.findings[i-1].Kind || f.Since > now || f.Lasts < 0 {
				return violation(Answers, "at %v, of process %d: %+v", now, q, p.findings)
			}
			if explains && !slices.ContainsFunc(p.reasons, func(r detectors.Reason) bool { return r.Kind == f.Kind }) {
				return violation(Answers, "at %v, of process %d: %+v, for no reason", now, q, f)
			}
		}
		for _, r := range p.reasons {
			if !p.opinions[opinion{q, r.Kind}] || r.At > now {
				return violation(Answers, "at %v, of process %d: %+v is the reason of nothing", now, q, r)
			}
		}
	}
	for _, said := range p.opinions {
		if said {
			held--
		}
	}
	if held != 0 {
		return violation(Answers, "at %v, there are %d findings more than the verdicts say", now, held)
	}
	return nil
}

// addressable tells whether there is a process or an agent to which m may go: processes
// speak to others, and to the agents of all hosts and switches.
func addressable(env detectors.Env, m *model.Message) bool {
	switch m.Layer {
	case model.ProcessLayer:
		return m.To >= 0 && int(m.To) < env.N && m.To != env.Self
	case model.SwitchLayer:
		return m.To >= model.ProcessID(env.Map.Hosts) && int(m.To) < env.Map.Nodes && model.Request(m.Kind) >= model.Probe && model.Request(m.Kind) <= model.Admit
	}
	return m.To >= 0 && int(m.To) < env.Map.Hosts && m.Layer < model.Layers &&
		model.Request(m.Kind) >= model.Probe && model.Request(m.Kind) <= model.Subscribe
}
