package network

import (
	"errors"
	"fmt"
	"slices"
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

	// Loses tells that packets get lost by it on links or at switches. Those that do not
	// are as early as without it.
	Loses bool

	// LosesAs tells so of a kind that does with some parameters and not with others, with
	// which generators do not let it strike; else it is nil. See [FaultSpec.LosesWith].
	LosesAs func(model.Params) bool

	// Retimes tells that it changes how long packets take on links: then records do not
	// show when a transmission began.
	Retimes bool

	// New makes a fault of a network of topology t. What it leaves to chance,
	// such as its target, it draws from s now: it strikes the same element
	// whenever it strikes. Its error is a [*model.ParamError], or several joined.
	New func(p model.Params, t *Topology, s *sim.Stream) (Fault, error)
}

// LosesWith tells whether packets get lost on links or at switches by a fault with these
// parameters.
func (f *FaultSpec) LosesWith(p model.Params) bool {
	return f.Loses || f.LosesAs != nil && f.LosesAs(p)
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

func randomOf(nodes []NodeID, s *sim.Stream) NodeID { return nodes[s.IntN(len(nodes))] }

// Settle returns the parameters p with the name of what New draws from s, where they ask
// for a random host, process, link or other element. Parameters are declared in the order
// in which New draws.
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
		case named:
		case d.Name == "host" || d.Name == "process":
			p = p.WithText(d.Name, t.Names[randomHost(t, s)])
		case d.Name == "direction" && f.hasLink():
			if l, err := linkOf(p.Text("link"), t); err == nil {
				from, _ := t.Ends(l ^ LinkID(s.IntN(2)))
				p = p.WithText(d.Name, t.Names[from])
			}
		case d.Name == "switch":
			p = p.WithText(d.Name, t.Names[randomOf(t.switches(), s)])
		case d.Name == "port":
			if at, ok := t.Node(p.Text("switch")); ok {
				p = p.WithText(d.Name, t.Names[randomOf(t.adjacent()[at], s)])
			}
		case d.Name == "below":
			p = p.WithText(d.Name, t.Names[randomOf(t.roots(), s)])
		}
	}
	return p
}

// linkParams are the parameters of faults of links.
var linkParams = []model.Param{
	{Name: "link", Type: model.TextParam, Doc: "names of its two ends as a--b, or random"},
	{Name: "direction", Type: model.TextParam, Optional: true, Doc: "the end it strikes from: only packets that leave it for the other end; or random, for either; both directions if empty"},
}

func (f FaultSpec) hasLink() bool {
	return slices.ContainsFunc(f.Params, func(d model.Param) bool { return d.Name == "link" })
}

// linksOf returns the directions of a link that linkParams name.
func linksOf(p model.Params, t *Topology, s *sim.Stream) ([]LinkID, error) {
	fail := func(name, format string, args ...any) ([]LinkID, error) {
		return nil, &model.ParamError{Name: name, Err: fmt.Errorf(format, args...)}
	}
	var l LinkID
	text, direction := p.Text("link"), p.Text("direction")
	switch {
	case text == "":
		return fail("link", "is required: a--b, or %s", random)
	case text == random && len(t.Links) == 0:
		return fail("link", "there are no links")
	case text == random && direction != "" && direction != random:
		return fail("direction", "a random link has no known end (it may be %s too)", random)
	case text == random:
		l = LinkID(2 * randomLink(t, s))
	default:
		var err error
		if l, err = linkOf(text, t); err != nil {
			return nil, &model.ParamError{Name: "link", Err: err}
		}
	}
	from, to := t.Ends(l)
	switch direction {
	case "":
		return []LinkID{l, l ^ 1}, nil
	case t.Names[from]:
		return []LinkID{l}, nil
	case t.Names[to]:
		return []LinkID{l ^ 1}, nil
	case random:
		return []LinkID{l ^ LinkID(s.IntN(2))}, nil
	}
	return fail("direction", "%q is not an end of the link: %s or %s", direction, t.Names[from], t.Names[to])
}

// linkOf returns the direction from a to b of the link that is named as a--b.
func linkOf(text string, t *Topology) (LinkID, error) {
	const longest = 1000 // each dash is a place to try
	if len(text) > longest {
		return 0, errors.New("is too long to be the names of two nodes")
	}
	// Names may have dashes themselves.
	for i := range text {
		if !strings.HasPrefix(text[i:], listSeparator) {
			continue
		}
		a, okA := t.Node(text[:i])
		b, okB := t.Node(text[i+len(listSeparator):])
		if !okA || !okB {
			continue
		}
		l, ok := t.LinkBetween(a, b)
		if !ok {
			return 0, fmt.Errorf("there is no link between %s and %s", t.Names[a], t.Names[b])
		}
		return l, nil
	}
	return 0, fmt.Errorf("%q does not name two nodes as a--b", text)
}

// listSeparator is between the names of a list that is one text.
const listSeparator = "--"

// nodesOf returns the nodes that parameter name of p lists, each once, in increasing
// order. If hosts is set they must be hosts.
func nodesOf(p model.Params, name string, t *Topology, hosts bool) ([]NodeID, error) {
	fail := func(format string, args ...any) ([]NodeID, error) {
		return nil, &model.ParamError{Name: name, Err: fmt.Errorf(format, args...)}
	}
	what := "node"
	if hosts {
		what = "host"
	}
	if p.Text(name) == "" {
		return fail("is required: the name of a %s, or a list of names", what)
	}
	byName := make(map[string]NodeID, len(t.Names))
	for i, n := range t.Names {
		byName[n] = NodeID(i)
	}
	var nodes []NodeID
	for parts := strings.Split(p.Text(name), listSeparator); len(parts) > 0; {
		// Names may have dashes themselves.
		end := 1
		node, ok := byName[parts[0]]
		for longer := parts[0]; !ok && end < len(parts); end++ {
			longer += listSeparator + parts[end]
			node, ok = byName[longer]
		}
		switch {
		case !ok && strings.ContainsAny(parts[0], ", "):
			return fail("no %s is named %q (write several as a list: [h0, h1])", what, parts[0])
		case !ok:
			return fail("no %s is named %q", what, parts[0])
		case hosts && int(node) >= t.Hosts:
			return fail("%s is a switch", t.Names[node])
		}
		nodes = append(nodes, node)
		parts = parts[end:]
	}
	slices.Sort(nodes)
	return slices.Compact(nodes), nil
}

// switchOf returns the switch that parameter name of p names, or draws one.
func switchOf(p model.Params, name string, t *Topology, s *sim.Stream) (NodeID, error) {
	fail := func(format string, args ...any) (NodeID, error) {
		return 0, &model.ParamError{Name: name, Err: fmt.Errorf(format, args...)}
	}
	text := p.Text(name)
	node, ok := t.Node(text)
	switch {
	case len(t.Names) == t.Hosts:
		return fail("there are no switches")
	case ok && int(node) < t.Hosts:
		return fail("%s is a host", text)
	case ok:
		return node, nil
	case text == random:
		return randomOf(t.switches(), s), nil
	case text == "":
		return fail("is required: the name of a switch, or %s", random)
	}
	return fail("no switch is named %q", text)
}

// switches returns all switches.
func (t *Topology) switches() []NodeID {
	var all []NodeID
	for s := t.Hosts; s < len(t.Names); s++ {
		all = append(all, NodeID(s))
	}
	return all
}

// distributionOf returns the distribution that parameter name of p writes, which must not
// be always zero.
func distributionOf(p model.Params, name string) (sim.Distribution, error) {
	text := p.Text(name)
	if text == "" {
		return sim.Distribution{}, &model.ParamError{Name: name, Err: errors.New(`is required: a duration or a distribution, as 30ms or "exponential(30ms)"`)}
	}
	d, err := sim.ParseDistribution(text)
	if err == nil && d.Mean == 0 && d.Deviation == 0 && d.High == 0 {
		err = errors.New("must not be zero")
	}
	if err != nil {
		return d, &model.ParamError{Name: name, Err: err}
	}
	return d, nil
}
