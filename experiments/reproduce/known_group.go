package reproduce

import (
	"container/heap"
	"context"
	"fmt"

	"suspect/detectors"
	"suspect/model"
	"suspect/sim"
)

// group is some processes of one detector that all watch each other, on true clocks,
// joined by nothing but [group.carry].
type group struct {
	members []groupMember
	now     model.Time

	// carry returns how long a message takes, and whether it arrives. It may change it.
	carry func(m *model.Message) (model.Duration, bool)
	// verdict is told what member p says, unless it is nil.
	verdict func(p model.ProcessID, v model.Verdict)

	events groupEvents
	posted int
}

type groupMember struct {
	automaton model.Automaton
	random    *sim.Stream // its own, so that its choices do not depend on what others choose
	wake      model.Time
	crashed   bool
	silent    bool       // does nothing but answer: it takes no wake-ups
	paused    model.Time // until when it takes nothing
}

// groupDelay is what a message takes where nothing else is said.
const groupDelay = 250 * model.Microsecond

type groupEvent struct {
	at      model.Time
	number  int
	member  model.ProcessID
	kind    model.InputKind
	message model.Message
}

// groupEvents is a heap, by time and then by the order in which they were posted.
type groupEvents []*groupEvent

func (e groupEvents) Len() int      { return len(e) }
func (e groupEvents) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *groupEvents) Push(x any)   { *e = append(*e, x.(*groupEvent)) }
func (e groupEvents) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].number < e[j].number
}

func (e *groupEvents) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}

// newGroup makes n members of a detector with the given parameters, which start at time 0.
func newGroup(n int, seed uint64, detector string, given map[string]string) (*group, error) {
	spec, ok := detectors.Lookup(detector)
	if !ok {
		panic(fmt.Sprintf("reproduce: there is no detector %q", detector))
	}
	params, errs := model.NewParams(spec.Params, given)
	if len(errs) > 0 {
		panic(fmt.Sprintf("reproduce: %s: %v", detector, errs))
	}
	g := &group{members: make([]groupMember, n),
		carry: func(*model.Message) (model.Duration, bool) { return groupDelay, true }}
	for p := range n {
		env := detectors.Env{Self: model.ProcessID(p), N: n}
		for q := range n {
			if q != p {
				env.Watch = append(env.Watch, model.ProcessID(q))
			}
		}
		env.Watchers = env.Watch
		a, err := spec.New(env, params)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", detector, err)
		}
		g.members[p] = groupMember{automaton: a, random: sim.NewStream(seed, fmt.Sprint("member ", p)), wake: model.Never}
		g.post(groupEvent{member: model.ProcessID(p), kind: model.Start})
	}
	return g, nil
}

func (g *group) post(e groupEvent) {
	g.posted++
	e.number = g.posted
	heap.Push(&g.events, &e)
}

// run takes all steps up to and at the given time. It ends earlier once stop is true,
// unless that is nil, and with an error when ctx ends.
func (g *group) run(ctx context.Context, until model.Time, stop func() bool) error {
	var out model.Output
	for steps := 0; len(g.events) > 0 && g.events[0].at <= until; steps++ {
		if stop != nil && stop() {
			return nil
		}
		if steps%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		e := heap.Pop(&g.events).(*groupEvent)
		m := &g.members[e.member]
		g.now = e.at
		switch {
		case m.crashed, e.kind == model.Wake && (m.silent || m.wake > e.at):
			continue
		case m.paused > e.at:
			e.at = m.paused
			g.post(*e)
			continue
		}
		out.Reset()
		in := model.Input{Kind: e.kind, Message: e.message, Random: m.random}
		m.automaton.Step(e.at, &in, &out)
		if m.wake = out.Wake; m.wake != model.Never {
			g.post(groupEvent{at: m.wake, member: e.member, kind: model.Wake})
		}
		for _, s := range out.Send {
			if delay, arrives := g.carry(&s); arrives {
				g.post(groupEvent{at: e.at.Add(delay), member: s.To, kind: model.Deliver, message: s})
			}
		}
		if g.verdict != nil {
			for _, v := range out.Verdicts {
				g.verdict(e.member, v)
			}
		}
	}
	return nil
}
