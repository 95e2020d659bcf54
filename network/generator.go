package network

import (
	"errors"
	"fmt"
	"slices"

	"suspect/model"
	"suspect/sim"
)

// Month is the span by which rates of faults are told: 30 days. A year is twelve of them
// and five days; it is longer than a run may be, and simulated as twelve independent months.
const Month = 30 * 24 * model.Hour

// perMonth returns the rate in a [Month] of what happens so often in a year of 365 days.
func perMonth(perYear float64) float64 { return perYear * (30.0 / 365) }

// GeneratorSpec describes a generator: a source of faults whose kinds, targets, times and
// durations are drawn as a study of real systems has found them.
type GeneratorSpec struct {
	Name   string
	Source string // of the figures; what is not from there, Doc says
	Doc    string
	Params []model.Param

	// New makes a generator for a network of topology t. Its error is a
	// [*model.ParamError], or several joined.
	New func(p model.Params, t *Topology) ([]Arrivals, error)
}

// Arrivals are the faults of one kind and cause in a generator. They come as a Poisson
// process: independently of each other, and of all others. Each has a target and a duration
// of its own, and heals whatever came meanwhile.
type Arrivals struct {
	Name  string // no others of the generator have it
	Fault string // the kind

	// PerMonth is their mean number in a [Month]. If it is 0 there is one, at the
	// beginning of the run.
	PerMonth float64

	// Lasts draws how long one lasts; nil is for ever.
	Lasts Durations

	// Target draws what one strikes: the parameters of the faults that strike and heal
	// together. They may ask for random elements.
	Target func(s *sim.Stream) []map[string]string
}

// Durations are a distribution of durations.
type Durations interface {
	Sample(*sim.Stream) model.Duration
	Average() model.Duration
}

// Expected returns the mean number of faults in a run of the given duration. Of those that
// strike together it counts one.
func (a *Arrivals) Expected(run model.Duration) float64 {
	if a.PerMonth == 0 {
		return 1
	}
	return a.PerMonth * (float64(run) / float64(Month))
}

var generators model.Registry[GeneratorSpec]

// RegisterGenerator makes a generator known by its name. It is called from init functions
// and panics when s lacks New, or as [model.Registry.Add] does.
func RegisterGenerator(s GeneratorSpec) {
	if s.New == nil {
		panic(fmt.Sprintf("network: the generator %q has no New", s.Name))
	}
	generators.Add(s.Name, s.Params, s)
}

// LookupGenerator returns the generator of the given name.
func LookupGenerator(name string) (GeneratorSpec, bool) { return generators.Lookup(name) }

// AllGenerators returns the registered generators, sorted by name.
func AllGenerators() []GeneratorSpec { return generators.All() }

// Generate lets the faults of a generator come from now on. Their times, targets and
// durations are drawn from streams of their own, generator/NAME/ARRIVALS/times, targets and
// durations, so that those of others stay the same whoever is added. The error is that of a
// fault that the arrivals cannot strike with.
func (n *Network) Generate(name string, all []Arrivals) error {
	for _, a := range all {
		stream := func(of string) *sim.Stream {
			return n.kernel.Stream(fmt.Sprintf("generator/%s/%s/%s", name, a.Name, of))
		}
		g := &generated{
			network: n, arrivals: a,
			times: stream("times"), targets: stream("targets"), durations: stream("durations"),
		}
		// A first target is drawn from another stream to see whether there is one.
		if _, err := g.draw(sim.NewStream(0, "")); err != nil {
			return fmt.Errorf("generator %s, %s: %w", name, a.Name, err)
		}
		g.healing = n.kernel.NewTimer(g, heals)
		g.coming = n.kernel.NewTimer(g, comes)
		if a.PerMonth == 0 {
			n.kernel.Arm(g.coming, n.kernel.Now())
		} else {
			g.await()
		}
	}
	return nil
}

// generated are arrivals that run.
type generated struct {
	network                   *Network
	arrivals                  Arrivals
	times, targets, durations *sim.Stream
	coming, healing           sim.Timer
	inForce                   []inForce // in the order of their ends
}

// inForce are faults that struck together.
type inForce struct {
	faults []Fault
	end    model.Time
}

// The arguments of its timers.
const (
	comes uint32 = iota
	heals
)

// await arms the next arrival.
func (g *generated) await() {
	k := g.network.kernel
	k.Arm(g.coming, k.Now().Add(g.times.Interval(g.arrivals.PerMonth, Month)))
}

// draw makes the faults of the next arrival.
func (g *generated) draw(s *sim.Stream) (faults []Fault, err error) {
	spec, ok := LookupFault(g.arrivals.Fault)
	if !ok {
		return nil, fmt.Errorf("there is no fault %q", g.arrivals.Fault)
	}
	for _, given := range g.arrivals.Target(s) {
		p, errs := model.NewParams(spec.Params, given)
		if errs != nil {
			return nil, errors.Join(errs...)
		}
		f, err := spec.New(p, &g.network.topology, s)
		if err != nil {
			return nil, err
		}
		faults = append(faults, f)
	}
	return faults, nil
}

// Fire strikes, or heals.
func (g *generated) Fire(what uint32) {
	n := g.network
	now := n.kernel.Now()
	if what == heals {
		for _, f := range g.inForce[0].faults {
			f.Heal(n)
		}
		g.inForce = slices.Delete(g.inForce, 0, 1)
		g.awaitEnd()
		return
	}
	faults, err := g.draw(g.targets)
	if err != nil {
		panic(fmt.Sprintf("network: a generator could draw a %s once but not again: %v", g.arrivals.Fault, err))
	}
	for _, f := range faults {
		f.Strike(n)
	}
	if g.arrivals.Lasts != nil {
		end := now.Add(g.arrivals.Lasts.Sample(g.durations))
		at, _ := slices.BinarySearchFunc(g.inForce, end, func(f inForce, end model.Time) int {
			if f.end <= end { // of those that end together, the first comes first
				return -1
			}
			return 1
		})
		g.inForce = slices.Insert(g.inForce, at, inForce{faults, end})
		g.awaitEnd()
	}
	if g.arrivals.PerMonth != 0 {
		g.await()
	}
}

// awaitEnd arms the next end, if there is one.
func (g *generated) awaitEnd() {
	if len(g.inForce) > 0 {
		g.network.kernel.Arm(g.healing, g.inForce[0].end)
	}
}

// atMost are durations that are cut.
type atMost struct {
	Durations
	longest model.Duration
}

// Sample returns a variate, or the longest.
func (d atMost) Sample(s *sim.Stream) model.Duration { return min(d.Durations.Sample(s), d.longest) }

// durationsOf returns the distribution that parameter name of p writes.
func durationsOf(p model.Params, name string) (Durations, error) {
	d, err := distributionOf(p, name)
	return d, err
}

// struck is the target of one fault with the given parameters, as names and values in turn.
func struck(params ...string) func(*sim.Stream) []map[string]string {
	given := make(map[string]string)
	for i := 0; i < len(params); i += 2 {
		given[params[i]] = params[i+1]
	}
	return func(*sim.Stream) []map[string]string { return []map[string]string{given} }
}

// racks returns the switches to which hosts are linked, and those above them: the routers.
func (t *Topology) racks() (racks, routers []NodeID, err error) {
	next := t.adjacent()
	for _, s := range t.switches() {
		if slices.ContainsFunc(next[s], func(to NodeID) bool { return int(to) < t.Hosts }) {
			racks = append(racks, s)
		} else {
			routers = append(routers, s)
		}
	}
	if racks == nil {
		return nil, nil, errors.New("the network has no switch: its faults strike racks and switches")
	}
	return racks, routers, nil
}

// scaleParam tells for which size of a system the published counts are.
var scaleParam = model.Param{Name: "scale", Type: model.TextParam, Default: "size", Doc: "size for as many faults as the size of the network makes of the published rates, or published for as many as were counted"}

// isScaled tells whether scaleParam asks for rates by size.
func isScaled(p model.Params) (bool, error) {
	switch text := p.Text("scale"); text {
	case "size":
		return true, nil
	case "published":
		return false, nil
	default:
		return false, &model.ParamError{Name: "scale", Err: fmt.Errorf("%q is neither size nor published", text)}
	}
}
