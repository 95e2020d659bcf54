package agreement

import (
	"fmt"

	"suspect/detectors"
	"suspect/detectors/seeded"
	"suspect/model"
)

// Options are what the algorithms of consensus leave to their user.
type Options struct {
	// Rounds bounds the rounds (with [WithOmega], the own ballots) that a process begins in
	// one instance, so that an exploration is finite: 0 is for as many as can be counted,
	// 2^20 divided by the number of processes. A process that has used them up begins no
	// other and waits for what comes, so termination is promised below the bound only. [WithS]
	// takes n-1 rounds, whatever is written here.
	Rounds int
}

// Algorithm is an algorithm of consensus over a failure detector.
type Algorithm struct {
	name     string
	protocol func(n *node, o Options) protocol
}

// String returns a's name: S, <>S or Omega.
func (a Algorithm) String() string { return a.name }

// protocol is the part of one process in one instance of consensus, without what all
// algorithms share. It is stepped until nothing happens.
type protocol interface {
	// propose begins. It is called once, and before step.
	propose(c *instance, v Value, out *model.Output)

	// receive takes a message of this instance, from any process of the system. It may come
	// before propose.
	receive(c *instance, m *model.Message, out *model.Output)

	// step does one thing, if there is one that can be done, and tells.
	step(c *instance, d *detectors.Module, out *model.Output) bool

	reset()
	clone() protocol
	append(b []byte) []byte
	load(r *detectors.Reader)
}

// instance is one instance of consensus at one process.
//
// A decision that one process alone can make is R-broadcast, as the papers have it: sent to
// all, and on its first receipt relayed to all before it is acted on. Which of the rounds it
// was made in makes no difference, so only one is relayed.
type instance struct {
	*node
	number   int64
	begun    bool
	decided  bool
	decision Value
	protocol protocol
}

func (c *instance) propose(v Value, out *model.Output) {
	c.begun = true
	c.protocol.propose(c, v, out)
}

// broadcast is R-broadcast of a decision.
func (c *instance) broadcast(v Value, out *model.Output) {
	c.sendToAll(withValue(model.Message{Kind: decideKind, Seq: packRounds(c.number, 0, 0)}, v), out)
}

// decide ends the instance here.
func (c *instance) decide(v Value) {
	c.decided, c.decision = true, v
	c.protocol.reset()
	c.drop()
}

// receive takes a message of this instance.
func (c *instance) receive(m *model.Message, out *model.Output) {
	switch {
	case c.decided:
	case m.Kind == decideKind:
		if v := valueOf(m); m.From == c.self {
			c.decide(v)
		} else {
			for q := range model.ProcessID(c.n) {
				if q != c.self && !seeded.Bug("a decision is not relayed") {
					c.send(q, withValue(model.Message{Kind: decideKind, Seq: m.Seq}, v), out)
				}
			}
			c.decide(v)
		}
	default:
		c.protocol.receive(c, m, out)
	}
}

// run does all that can be done now.
func (c *instance) run(d *detectors.Module, out *model.Output) {
	for !c.decided {
		if m, ok := c.take(); ok {
			c.receive(&m, out)
		} else if !c.begun || !c.protocol.step(c, d, out) {
			return
		}
	}
}

func (c *instance) restart(number int64) {
	c.protocol.reset()
	c.number, c.begun, c.decided, c.decision = number, false, false, Value{}
}

func (c *instance) clone(n *node) instance {
	return instance{n, c.number, c.begun, c.decided, c.decision, c.protocol.clone()}
}

// append writes whether the process has begun and decided, and what follows from that.
func (c *instance) append(b []byte) []byte {
	b = detectors.AppendBool(detectors.AppendBool(b, c.begun), c.decided)
	if c.decided {
		return appendValue(b, c.decision)
	}
	return c.protocol.append(b)
}

func (c *instance) load(r *detectors.Reader) {
	c.restart(c.number)
	c.begun, c.decided = r.Bool(), r.Bool()
	if c.decided {
		c.decision = readValue(r)
	} else {
		c.protocol.load(r)
	}
}

// newInstance returns the first instance.
func newInstance(n *node, a Algorithm, o Options) (instance, error) {
	if a.protocol == nil {
		return instance{}, fmt.Errorf("no algorithm of consensus is given: name WithS, WithEventuallyS or WithOmega")
	}
	if o.Rounds == 0 {
		o.Rounds = maxRound/n.n - 1
	}
	if o.Rounds < 1 || o.Rounds > maxRound/n.n-1 {
		return instance{}, fmt.Errorf("a process cannot begin %d rounds: from 1 to %d, or 0 for the latter", o.Rounds, maxRound/n.n-1)
	}
	return instance{node: n, protocol: a.protocol(n, o)}, nil
}

// consensus is a process of one instance, which proposes at its start. Consensus demands
//
//   - Termination: every correct process decides.
//   - Uniform integrity: no process decides twice.
//   - Agreement: no two correct processes decide differently; uniform agreement: no two do.
//   - Uniform validity: what is decided was proposed.
type consensus struct {
	node
	module   detectors.Module
	value    int64
	instance instance
}

// NewConsensus returns the process env.Self of consensus by an algorithm over the detector d,
// which is that process's, and the number that it proposes.
func NewConsensus(env detectors.Env, a Algorithm, d model.Automaton, propose int64, o Options) (model.Automaton, error) {
	n, err := newNode(env)
	if err != nil {
		return nil, err
	}
	c := &consensus{node: n, value: propose}
	if c.module, err = detectors.NewModule(env, d); err != nil {
		return nil, err
	}
	c.instance, err = newInstance(&c.node, a, o)
	return c, err
}

func (d *consensus) Step(now model.Time, in *model.Input, out *model.Output) {
	own := d.module.Step(now, in, out)
	d.module.Report(out)
	if d.instance.decided {
		return
	}
	if !d.instance.begun {
		out.Announcements = append(out.Announcements, model.Announcement{Kind: model.Proposed, Peer: d.self, Value: d.value})
		d.instance.propose(Value{Number: d.value}, out)
	}
	if m := &in.Message; own && d.isOther(m.From) && instanceOf(m) == 0 {
		d.instance.receive(m, out)
	}
	d.instance.run(&d.module, out)
	if d.instance.decided {
		out.Announcements = append(out.Announcements, model.Announcement{Kind: model.Decided, Peer: d.self, Value: d.instance.decision.Number})
	}
}

func (d *consensus) Clone() model.Automaton {
	c := &consensus{node: d.node.clone(), module: d.module.Clone(), value: d.value}
	c.instance = d.instance.clone(&c.node)
	return c
}

// AppendMessage is for exploration: what of a message matters.
func (d *consensus) AppendMessage(b []byte, m *model.Message) []byte {
	return d.module.AppendMessage(b, m, bodyOf(m))
}

// AppendState writes the detector's module and the instance.
func (d *consensus) AppendState(b []byte, now model.Time) []byte {
	return d.instance.append(d.module.AppendState(b, now))
}

func (d *consensus) LoadState(b []byte, now model.Time) ([]byte, error) {
	r := detectors.NewReader(b)
	r.Module(&d.module, now)
	d.instance.load(&r)
	return r.Rest()
}

// Decision returns what the process has decided, if it has.
func (d *consensus) Decision() (v int64, ok bool) {
	return d.instance.decision.Number, d.instance.decided
}
