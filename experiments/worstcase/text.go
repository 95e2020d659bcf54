package worstcase

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/properties"
	"suspect/qjump"
	"suspect/sim"
)

// bare returns a copy of s in which nobody sends anything and nothing happens: the
// network, and the levels in falling order of priority, whose windows all begin at 0.
func bare(s *scenario.Scenario) *scenario.Scenario {
	c := *s
	c.Clocks, c.Monitor.Watch = scenario.Clocks{}, nil
	c.WarmUp, c.Limits = 0, scenario.Limits{}
	c.Replications = scenario.Replications{AtLeast: 1, AtMost: 1}
	c.Judge = scenario.Judge{StableFrom: model.Never, MistakesAtMost: -1}
	c.Monitor.Start = sim.Distribution{}
	c.Detectors, c.Traffic, c.Faults, c.Generators = nil, nil, nil, nil
	c.Properties, c.NetworkProperties, c.Expect = nil, nil, nil
	q := *s.QJump
	q.Phases, q.Phase, q.RandomPhase = nil, sim.Distribution{}, false
	q.Table.Levels = slices.Clone(s.QJump.Table.Levels)
	slices.SortFunc(q.Table.Levels, func(a, b qjump.Level) int { return cmp.Compare(b.Priority, a.Priority) })
	c.QJump = &q
	return &c
}

// introduce gives the scenario another name and says what it is, as far as there is room.
func introduce(c *scenario.Scenario, suffix, about string) {
	const longestName, longestText = 100, 4000
	c.Name = c.Name[:min(len(c.Name), longestName-1-len(suffix))] + "-" + suffix
	if c.About = about; len(about) > longestText {
		c.About = strings.ToValidUTF8(about[:longestText], "") + "..."
	}
}

// text returns the scenario as a file, in which the property latency-bound is expected to
// have the outcome, and what is read of that file.
func text(c *scenario.Scenario, priority model.Priority, bound model.Duration, outcome properties.Outcome) ([]byte, *scenario.Scenario, error) {
	const name = "latency-bound"
	spec, ok := properties.Lookup(name)
	if !ok {
		panic("worstcase: the property " + name + " is not registered")
	}
	params, errs := model.NewParams(spec.Params, map[string]string{"bound": bound.String(), "priority": fmt.Sprint(priority)})
	if errs != nil {
		panic(errs[0])
	}
	s := *c
	s.NetworkProperties = []scenario.Property{{Name: name, Spec: spec, Params: params}}
	s.Expect = []scenario.Expectation{{Property: name, Detector: -1, Outcome: outcome}}
	file := s.Resolved()
	read, err := scenario.Parse(c.Name+".yaml", file, nil)
	return file, read, err
}

// phases returns the phases that the scenario lists.
func phases(c *scenario.Scenario) []Phase {
	list := []Phase{}
	for _, p := range c.QJump.Phases {
		list = append(list, Phase{c.Network.Topology.Names[p.Host], int(p.Priority), p.Phase})
	}
	return list
}

// sent returns the packets of the scenario's schedules in the order in which they are sent.
func sent(c *scenario.Scenario) []Send {
	list := []Send{}
	names := c.Network.Topology.Names
	for i := range c.Traffic {
		t := &c.Traffic[i]
		for _, x := range t.Sends {
			list = append(list, Send{x.At, names[x.From], names[x.To], x.Bytes, int(x.Priority), t.Limiter.String()})
		}
	}
	slices.SortStableFunc(list, func(x, y Send) int { return cmp.Compare(x.At, y.At) })
	return list
}

func roundUp(d, unit model.Duration) model.Duration { return (d + unit) / unit * unit }
