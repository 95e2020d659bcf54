package detectors_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/commands"

	"suspect/detectors"
	"suspect/model"
)

// The adaptive detector against its definition, in long histories of arrivals and silences,
// in which it is now and then replaced by its clone or by one that loads its state. What the
// detector does with a heap of deadlines that it postpones, the model does by looking at every
// peer.

const (
	statefulPeers = 6
	firstTimeout  = 3 * second
	statefulStep  = second
	mostTimeout   = 6 * second
)

// opinion is a verdict and its time.
type opinion struct {
	at        model.Time
	peer      model.ProcessID
	suspected bool
}

// patience is the model: what the definition keeps of each peer. It is a value, but for said,
// which is never changed once it is made.
type patience struct {
	now       model.Time
	since     [statefulPeers]model.Time
	timeout   [statefulPeers]model.Duration
	suspected [statefulPeers]bool
	said      []opinion // in the last command
}

func newPatience() (p patience) {
	for q := range p.timeout {
		p.timeout[q] = firstTimeout
	}
	return p
}

// pass lets time pass until now.
func (p *patience) pass(now model.Time) {
	for q := range p.since {
		if at := p.since[q].Add(p.timeout[q]); at <= now && !p.suspected[q] {
			p.suspected[q] = true
			p.said = append(p.said, opinion{at, model.ProcessID(q + 1), true})
		}
	}
	slices.SortStableFunc(p.said, func(a, b opinion) int { return int(a.at - b.at) })
	p.now = now
}

// hear takes a heartbeat.
func (p *patience) hear(q int) {
	p.since[q] = p.now
	if p.suspected[q] {
		p.suspected[q] = false
		p.timeout[q] = min(p.timeout[q]+statefulStep, mostTimeout)
		p.said = append(p.said, opinion{p.now, model.ProcessID(q + 1), false})
	}
}

// driven is the detector, woken up whenever it asks for that.
type driven struct {
	t    *testing.T
	now  model.Time
	wake model.Time
	a    model.Automaton
	said []opinion
}

func newAdaptiveOf(t *testing.T) model.Automaton {
	env := detectors.Env{N: statefulPeers + 1}
	for q := range statefulPeers {
		env.Watch = append(env.Watch, model.ProcessID(q+1))
	}
	a, err := build(t, "adaptive", map[string]string{"eta": "1s", "timeout": firstTimeout.String(), "step": statefulStep.String(), "most": mostTimeout.String()})(env)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (d *driven) step(now model.Time, in model.Input) {
	var out model.Output
	out.Reset()
	d.a.Step(now, &in, &out)
	d.now, d.wake = now, out.Wake
	for _, v := range out.Verdicts {
		d.said = append(d.said, opinion{now, v.Peer, v.Suspected})
	}
}

// deed is a command: one value for all kinds, so that its shrinking is in one place.
type deed struct {
	kind  deedKind
	peer  int            // of hear
	after model.Duration // time that passes before
	seen  map[string]int // what happened, over all runs
}

type deedKind int

const (
	hear deedKind = iota
	nothing
	reload
	clone
	deedKinds
)

func (c deed) String() string {
	return fmt.Sprintf("after %v %s %d", c.after, [...]string{"hear", "nothing", "reload", "clone"}[c.kind], c.peer)
}

// Run does it to the detector, and returns what that says.
func (c deed) Run(system commands.SystemUnderTest) commands.Result {
	d := system.(*driven)
	d.said = nil
	until := d.now.Add(c.after)
	for d.wake <= until {
		d.step(d.wake, model.Input{Kind: model.Wake})
	}
	d.now = until
	switch c.kind {
	case hear:
		d.step(until, model.Input{Kind: model.Deliver, Message: model.Message{From: model.ProcessID(c.peer + 1), Kind: detectors.HeartbeatKind}})
	case reload:
		b := newAdaptiveOf(d.t)
		if rest, err := b.LoadState(d.a.AppendState(nil, until), until); err != nil || len(rest) > 0 {
			return fmt.Errorf("it does not load its state: %v", err)
		}
		d.a = b
	case clone:
		old := d.a
		d.a = d.a.Clone()
		var out model.Output
		old.Step(until+1<<40, &model.Input{Kind: model.Wake}, &out) // to spoil what they share
	}
	return d.said
}

// NextState does it to the model.
func (c deed) NextState(state commands.State) commands.State {
	p := state.(patience)
	p.said = nil
	p.pass(p.now.Add(c.after))
	if c.kind == hear {
		p.hear(c.peer)
	}
	return p
}

// PreCondition is that of shrunk commands too.
func (c deed) PreCondition(commands.State) bool {
	return c.after >= 0 && 0 <= c.peer && c.peer < statefulPeers
}

// PostCondition compares what was said.
func (c deed) PostCondition(state commands.State, result commands.Result) *gopter.PropResult {
	p := state.(patience)
	said, ok := result.([]opinion)
	if !ok || !slices.Equal(said, p.said) {
		return &gopter.PropResult{Status: gopter.PropFalse, Labels: []string{fmt.Sprintf("%v: it says %v, want %v", c, result, p.said)}}
	}
	for i, o := range said {
		switch {
		case !o.suspected:
			c.seen["a mistake"]++
		case i > 0 && said[i-1].at == o.at:
			c.seen["two suspicions at once"]++
		}
	}
	for q := range p.suspected {
		if p.timeout[q] == mostTimeout {
			c.seen["the longest timeout"]++
		}
		if p.suspected[q] && c.kind == reload {
			c.seen["a suspicion was encoded"]++
		}
	}
	return &gopter.PropResult{Status: gopter.PropTrue}
}

// generate draws a deed: times at which something is about to happen are likely.
func (c deed) generate(state commands.State) gopter.Gen {
	p := state.(patience)
	return func(g *gopter.GenParameters) *gopter.GenResult {
		d := deed{kind: hear, peer: g.Rng.Intn(statefulPeers), seen: c.seen}
		if g.Rng.Intn(3) == 0 {
			d.kind = deedKind(g.Rng.Intn(int(deedKinds)))
		}
		switch g.Rng.Intn(4) {
		case 0:
			q := g.Rng.Intn(statefulPeers)
			d.after = max(0, p.since[q].Add(p.timeout[q]).Sub(p.now)+model.Duration(g.Rng.Intn(3)-1))
		case 1:
			d.after = model.Duration(g.Rng.Int63n(int64(second)))
		case 2:
			d.after = model.Duration(g.Rng.Intn(4)) * second
		}
		return gopter.NewGenResult(d, shrinkDeed)
	}
}

// shrinkDeed makes times rounder and shorter, and peers and kinds earlier ones.
func shrinkDeed(value any) gopter.Shrink {
	c := value.(deed)
	var simpler []any
	add := func(d deed) {
		if d.kind != c.kind || d.peer != c.peer || d.after != c.after {
			simpler = append(simpler, d)
		}
	}
	for _, after := range []model.Duration{0, c.after / second * second, c.after / 2} {
		d := c
		d.after = after
		add(d)
	}
	d := c
	d.peer = 0
	add(d)
	return func() (any, bool) {
		if len(simpler) == 0 {
			return nil, false
		}
		next := simpler[0]
		simpler = simpler[1:]
		return next, true
	}
}

func TestAdaptiveHistories(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	of := &commands.ProtoCommands{
		NewSystemUnderTestFunc: func(commands.State) commands.SystemUnderTest {
			d := &driven{t: t, a: newAdaptiveOf(t)}
			d.step(0, model.Input{Kind: model.Start})
			return d
		},
		InitialStateGen: func(*gopter.GenParameters) *gopter.GenResult {
			return gopter.NewGenResult(newPatience(), gopter.NoShrinker)
		},
		GenCommandFunc: func(state commands.State) gopter.Gen { return deed{seen: seen}.generate(state) },
	}
	params := gopter.DefaultTestParametersWithSeed(1)
	params.MinSuccessfulTests, params.MinSize, params.MaxSize = 100, 60, 60
	if result := commands.Prop(of).Check(params); result.Status != gopter.TestPassed && result.Status != gopter.TestProved {
		t.Errorf("seed 1: %v %v %v", result.Status, result.Labels, result.Args)
	}
	for _, what := range []string{"a mistake", "two suspicions at once", "the longest timeout", "a suspicion was encoded"} {
		if seen[what] == 0 {
			t.Errorf("it never came to %s", what)
		}
	}
}
