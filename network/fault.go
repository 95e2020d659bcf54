package network

import (
	"fmt"
	"strings"

	"suspect/model"
	"suspect/sim"
)

// Fault is something that the environment does to a network. Faults overlap freely:
// an element works again when every fault that struck it has healed.
type Fault interface {
	Strike(n *Network)
	// Heal takes one Strike back.
	Heal(n *Network)
}

// FaultSpec describes a kind of fault.
type FaultSpec struct {
	Name   string
	Source string // where the model of the fault comes from
	Doc    string
	Params []model.Param

	// New makes a fault of a network of topology t. What it leaves to chance,
	// such as its target, it draws from s now: it strikes the same element
	// whenever it strikes. Its error is a [*model.ParamError], or several joined.
	New func(p model.Params, t *Topology, s *sim.Stream) (Fault, error)
}

var faults model.Registry[FaultSpec]

// RegisterFault makes a kind of fault known by its name. It is called from init
// functions and panics when s lacks New, or as [model.Registry.Add] does: a name that
// is empty or taken, or a slip in the parameters.
func RegisterFault(s FaultSpec) {
	if s.New == nil {
		panic(fmt.Sprintf("network: the fault %q has no New", s.Name))
	}
	faults.Add(s.Name, s.Params, s)
}

// LookupFault returns the kind of fault of the given name.
func LookupFault(name string) (FaultSpec, bool) { return faults.Lookup(name) }

// AllFaults returns the registered kinds of faults, sorted by name.
func AllFaults() []FaultSpec { return faults.All() }

// Schedule lets f strike at the given time, not before now, and heal after the given
// duration; never, if that is negative.
func (n *Network) Schedule(f Fault, at model.Time, duration model.Duration) {
	s := &singleFault{network: n, fault: f, duration: duration}
	s.timer = n.kernel.NewTimer(s, 0)
	n.kernel.Arm(s.timer, at)
}

// singleFault strikes once.
type singleFault struct {
	network  *Network
	fault    Fault
	duration model.Duration
	timer    sim.Timer
	struck   bool
}

// Fire strikes, or else heals.
func (f *singleFault) Fire(uint32) {
	if f.struck {
		f.fault.Heal(f.network)
		return
	}
	f.struck = true
	f.fault.Strike(f.network)
	if k := f.network.kernel; f.duration >= 0 {
		k.Arm(f.timer, k.Now().Add(f.duration))
	}
}

// ScheduleEvery lets f strike again and again: first after a time drawn from at, then
// after times drawn from every, counted from strike to strike. It heals after a time
// drawn from duration. A strike that comes before that waits for it. All draws are
// made from s. The two must not both be always zero: time would stand still.
func (n *Network) ScheduleEvery(f Fault, at, every, duration sim.Distribution, s *sim.Stream) {
	r := &recurringFault{network: n, fault: f, every: every, duration: duration, stream: s}
	r.timer = n.kernel.NewTimer(r, 0)
	n.kernel.Arm(r.timer, n.kernel.Now().Add(at.Sample(s)))
}

// recurringFault strikes and heals in turn.
type recurringFault struct {
	network         *Network
	fault           Fault
	every, duration sim.Distribution
	stream          *sim.Stream
	timer           sim.Timer
	struck          bool
	next            model.Time // strike
}

// Fire strikes, or else heals.
func (f *recurringFault) Fire(uint32) {
	k := f.network.kernel
	if f.struck {
		f.struck = false
		f.fault.Heal(f.network)
		k.Arm(f.timer, max(f.next, k.Now()))
		return
	}
	f.struck = true
	f.fault.Strike(f.network)
	f.next = k.Now().Add(f.every.Sample(f.stream))
	k.Arm(f.timer, k.Now().Add(f.duration.Sample(f.stream)))
}

// hostOf returns the host that parameter name of p names, or draws one.
func hostOf(p model.Params, name string, t *Topology, s *sim.Stream) (model.ProcessID, error) {
	fail := func(format string, args ...any) (model.ProcessID, error) {
		return model.Nobody, &model.ParamError{Name: name, Err: fmt.Errorf(format, args...)}
	}
	text := p.Text(name)
	node, ok := t.Node(text)
	switch {
	case ok && int(node) >= t.Hosts:
		return fail("%s is a switch; processes run on hosts", text)
	case ok:
		return model.ProcessID(node), nil
	case text == random:
		return model.ProcessID(randomHost(t, s)), nil
	case text == "":
		return fail("is required: the name of a host, or %s", random)
	}
	return fail("no host is named %q", text)
}

// random as a name asks for a target drawn with equal chances.
const random = "random"

func randomHost(t *Topology, s *sim.Stream) int { return s.IntN(t.Hosts) }
func randomLink(t *Topology, s *sim.Stream) int { return s.IntN(len(t.Links)) }

// Settle returns the parameters p with the name of what New draws from s, where they ask
// for a random host, process or link.
func (f FaultSpec) Settle(p model.Params, t *Topology, s *sim.Stream) model.Params {
	for _, d := range f.Params {
		if d.Type != model.TextParam || p.Text(d.Name) != random {
			continue
		}
		_, named := t.Node(random)
		switch {
		case d.Name == "link":
			l := &t.Links[randomLink(t, s)]
			p = p.WithText(d.Name, t.Names[l.A]+"--"+t.Names[l.B])
		case (d.Name == "host" || d.Name == "process") && !named:
			p = p.WithText(d.Name, t.Names[randomHost(t, s)])
		}
	}
	return p
}

// linkParams are the parameters of faults of links.
var linkParams = []model.Param{
	{Name: "link", Type: model.TextParam, Doc: "names of its two ends as a--b, or random"},
	{Name: "direction", Type: model.TextParam, Optional: true, Doc: "the end it strikes from: only packets that leave it for the other end; both directions if empty"},
}

// linksOf returns the directions of a link that linkParams name.
func linksOf(p model.Params, t *Topology, s *sim.Stream) ([]LinkID, error) {
	fail := func(name, format string, args ...any) ([]LinkID, error) {
		return nil, &model.ParamError{Name: name, Err: fmt.Errorf(format, args...)}
	}
	text, direction := p.Text("link"), p.Text("direction")
	if text == "" {
		return fail("link", "is required: a--b, or %s", random)
	}
	if text == random {
		if len(t.Links) == 0 {
			return fail("link", "there are no links")
		}
		if direction != "" {
			return fail("direction", "a random link has no known end")
		}
		i := LinkID(randomLink(t, s))
		return []LinkID{2 * i, 2*i + 1}, nil
	}
	const longest = 1000 // each dash is a place to try
	if len(text) > longest {
		return fail("link", "is too long to be the names of two nodes")
	}
	// Names may have dashes themselves.
	for i := range text {
		if !strings.HasPrefix(text[i:], "--") {
			continue
		}
		a, okA := t.Node(text[:i])
		b, okB := t.Node(text[i+2:])
		if !okA || !okB {
			continue
		}
		l, ok := t.LinkBetween(a, b)
		switch {
		case !ok:
			return fail("link", "there is no link between %s and %s", t.Names[a], t.Names[b])
		case direction == "":
			return []LinkID{l, l ^ 1}, nil
		case direction == t.Names[a]:
			return []LinkID{l}, nil
		case direction == t.Names[b]:
			return []LinkID{l ^ 1}, nil
		}
		return fail("direction", "%q is not an end of the link: %s or %s", direction, t.Names[a], t.Names[b])
	}
	return fail("link", "%q does not name two nodes as a--b", text)
}
