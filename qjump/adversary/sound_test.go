package adversary

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"suspect/model"
	"suspect/network"
	"suspect/qjump"
	"suspect/sim"
)

// randomProblem draws a small network with one or two classes, and frames or none, and
// describes it to package qjump too.
func randomProblem(seed uint64) (Problem, qjump.Path, []qjump.Class) {
	r := sim.NewStream(seed, "problem")
	pick := func(values ...int) int { return values[r.IntN(len(values))] }
	p := Problem{Framing: network.Bare}
	path := qjump.Path{Switches: 1, Rate: rate, JoinsOnce: true}
	n := 3 + r.IntN(5)
	if leaves := pick(1, 1, 2, 3); leaves == 1 {
		p.Topology = network.Star(n, link)
	} else {
		m, core := 2+r.IntN(2), link
		n, path.Switches = leaves*m, 3
		if pick(0, 1) == 1 {
			core.Rate = 4 * rate
			path.Fastest, path.Slowdowns = core.Rate, 1
		}
		p.Topology = network.LeafSpine(leaves, 1, m, link, core)
	}
	if pick(0, 1) == 1 {
		p.Frame, p.Frames = int32(pick(64, 300, 1518)), 1+r.IntN(2)
		path.Frame, path.HostFrame = p.Frame, p.Frame
	}
	var classes []qjump.Class
	levels := 1 + r.IntN(2)
	for i := range levels {
		bytes, budget := pick(64, 100, 256), pick(1, 1, 2)
		c := Class{
			Priority: model.Priority(7 - i), Payload: int32(bytes), Packets: budget + 1 + r.IntN(2),
			Limiter: qjump.LimiterConfig{
				Kind:   qjump.LimiterKind(r.IntN(3)),
				Epoch:  model.Duration(budget*pick(n, 2*n, 2*n+3)*bytes*levels) * octet,
				Budget: qjump.Budget{Packets: int64(budget)},
			},
		}
		for h := 1; h < n; h++ {
			c.Senders = append(c.Senders, network.NodeID(h))
		}
		p.Classes = append(p.Classes, c)
		classes = append(classes, counted(c))
	}
	return p, path, classes
}

// The adversary beats no proved bound on any small problem, and is often near: the
// bounds and the adversary check each other.
func TestBeatsNoProvedBound(t *testing.T) {
	parameters := gopter.DefaultTestParametersWithSeed(1)
	parameters.MinSuccessfulTests = 500
	properties := gopter.NewProperties(parameters)
	bounded, near := 0, 0
	properties.Property("found <= proved", prop.ForAll(func(seed uint64) string {
		p, path, classes := randomProblem(seed)
		g, err := path.Bound(classes...)
		if err != nil {
			return ""
		}
		b := find(t, p, Options{Seed: seed, Evaluations: 300})
		bounded++
		if float64(b.Delay) >= 0.9*float64(g.Delay) {
			near++
		}
		if b.Delay > g.Delay {
			return fmt.Sprintf("%+v: found %v, proved %v (%s: %s)", p, b.Delay, g.Delay, g.Method, g.Numbers)
		}
		return ""
	}, gen.UInt64()))
	properties.TestingRun(t)
	t.Logf("%d of %d within a tenth of the bound", near, bounded)
	if bounded < 400 || near < bounded/4 {
		t.Errorf("%d problems with a bound, within a tenth of it in %d: too few to tell", bounded, near)
	}
}

// Nor does it break the rules: what a limiter releases is never more than its kind
// allows, and so a class that is told of as spaced cannot be one with windows.
func TestFindsAWrongBound(t *testing.T) {
	p := problem(network.Star(6, link), 6, qjump.FixedWindow, packet, 2)
	c := counted(p.Classes[0])
	c.Kind = qjump.MinimumSpacing
	g, err := (&qjump.Path{Switches: 1, Rate: rate}).Bound(c)
	if err != nil {
		t.Fatal(err)
	}
	if b := find(t, p, Options{Seed: 1, Evaluations: 50}); b.Delay <= g.Delay {
		t.Errorf("found %v, within %v", b.Delay, g.Delay)
	}
}

// What is not usable is refused with its reason, not played.
func TestRefuses(t *testing.T) {
	lossy := link
	lossy.Loss = network.IndependentLoss(0.1)
	for want, change := range map[string]func(*Problem, *Options){
		"no host":           func(p *Problem, _ *Options) { p.Receiver = 4 },
		"no class":          func(p *Problem, _ *Options) { p.Classes = nil },
		"loss or jitter":    func(p *Problem, _ *Options) { p.Topology = network.Star(4, lossy) },
		"both zero":         func(p *Problem, _ *Options) { p.Frames = 1 },
		"packets; at most":  func(p *Problem, _ *Options) { p.Classes[0].Packets = maxSends },
		"above that of":     func(p *Problem, _ *Options) { p.Classes[0].Priority, p.Frame, p.Frames = 0, 64, 1 },
		"must be below":     func(p *Problem, _ *Options) { p.Classes = append(p.Classes, p.Classes[0]) },
		"must be positive":  func(p *Problem, _ *Options) { p.Classes[0].Payload = 0 },
		"or there twice":    func(p *Problem, _ *Options) { p.Classes[0].Senders[0] = 0 },
		"an epoch of":       func(p *Problem, _ *Options) { p.Classes[0].Limiter.Epoch = 0 },
		"the range of time": func(p *Problem, _ *Options) { p.Classes[0].Limiter.Epoch = model.Duration(model.MaxTime) / 4 },
		"of 0 evaluations":  func(_ *Problem, o *Options) { o.Evaluations = 0 },
		"no name":           func(p *Problem, _ *Options) { p.Topology.Names[1] = "" },
	} {
		p, o := problem(network.Star(4, link), 4, qjump.MinimumSpacing, packet, 2), Options{Evaluations: 10}
		change(&p, &o)
		if _, err := Search(p, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

// A schedule that breaks the rules is not played either.
func TestReplayRefuses(t *testing.T) {
	for want, change := range map[string]func(*Schedule){
		"4 phases":      func(s *Schedule) { s.Phases = append(s.Phases, s.Phases[0]) },
		"0 packets":     func(s *Schedule) { s.Sends = nil },
		"phase 1 is":    func(s *Schedule) { s.Phases[1].Host = 0 },
		"after one at":  func(s *Schedule) { s.Sends[0].At = model.MaxTime },
		"of no class":   func(s *Schedule) { s.Sends[0].Payload = 2 * packet },
		"no frame":      func(s *Schedule) { s.Sends[0].Priority = 1 },
		"more than 2":   func(s *Schedule) { s.Sends = append(s.Sends, s.Sends[len(s.Sends)-1]) },
		"from 9":        func(s *Schedule) { s.Sends[0].From = 9 },
		"from 1 to 1 ":  func(s *Schedule) { s.Sends[0].From, s.Sends[0].To = 1, 1 },
		"passes the ra": func(s *Schedule) { s.Sends[len(s.Sends)-1].At = model.MaxTime },
	} {
		p := problem(network.Star(4, link), 4, qjump.MinimumSpacing, packet, 2)
		s := find(t, p, Options{Evaluations: 1}).Schedule
		change(&s)
		if _, err := Replay(p, s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}
