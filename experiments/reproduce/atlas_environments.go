package reproduce

import (
	"fmt"

	"suspect/model"
	"suspect/sim"
)

// bounds tells what a claim may rely on.
type bounds uint8

const (
	noBounds     bounds = iota
	unknownInEnd        // from some time on there are bounds, above the parameters
	knownInEnd          // from some time on the bounds fit the parameters
	knownAlways
)

// climate is a kind of system: what an environment of the atlas does to its worlds.
type climate struct {
	name, about string
	bounds      bounds
	late        bool
	settled     model.Duration // how soon a crash is seen can be told from here on
	troubles    func(c *weather)
}

// weather draws what happens in one world.
type weather struct {
	*sim.Stream
	order    []int // of hosts, at random; the first crashes for good
	troubles []trouble
}

func (c *weather) add(kind ailment, host int, at, last model.Duration) {
	c.troubles = append(c.troubles, trouble{kind, host, at, last})
}

// seconds draws a whole number of seconds, from low to high.
func (c *weather) seconds(low, high int) model.Duration {
	return model.Duration(low+c.IntN(high-low+1)) * model.Second
}

// stallSome stops what is on the way to some of the hosts.
func (c *weather) stallSome(at, last model.Duration) {
	none := true
	for h := range atlasHosts {
		if c.IntN(4) > 0 || none && h == atlasHosts-1 {
			c.add(stalls, h, at, last)
			none = false
		}
	}
}

// unknownStall is how long the stalls are that no detector is set up for.
const unknownStall = 16 * model.Second

// stabilisation is when those end that come before an unknown time.
const stabilisation = 150 * model.Second

var climates = []climate{
	{name: "synchronous", bounds: knownAlways,
		about: fmt.Sprintf("no loss, and delays below %v, which fits the parameters of every detector", atlasJitter),
	},
	{name: "unknown-bound", bounds: unknownInEnd,
		about: fmt.Sprintf("no loss, and a bound on delays that holds from the beginning but that no detector is set up for: every 20 to 26 s what is on the way to some of the hosts is held up for %v", unknownStall),
		troubles: func(c *weather) {
			for at := 10 * model.Second; at+unknownStall < atlasDuration; at += c.seconds(20, 26) {
				c.stallSome(at, unknownStall)
			}
		},
	},
	{name: "stabilising", bounds: knownInEnd, late: true, settled: stabilisation,
		about: fmt.Sprintf("processes start within %v, and until %v messages are lost (%s) or held up for up to 20s; from then on as synchronous", atlasStarts, stabilisation, atlasLoss),
		troubles: func(c *weather) {
			for h := range atlasHosts {
				c.add(loses, h, 0, stabilisation)
			}
			for at := c.seconds(2, 20); at < stabilisation; at += c.seconds(22, 40) {
				c.stallSome(at, min(c.seconds(4, 20), stabilisation-at))
			}
		},
	},
	{name: "asynchronous", bounds: noBounds,
		about: "no loss, and delays without a bound: the n-th time that what is on the way to some of the hosts is held up is half as long again as the last, from 4 s on, and so grows for as long as the run goes on",
		troubles: func(c *weather) {
			at := 10 * model.Second
			for last := 4 * model.Second; at < atlasDuration; last += last / model.Second / 2 * model.Second {
				c.stallSome(at, min(last, atlasDuration-at))
				at += last + 12*model.Second
			}
		},
	},
	{name: "lossy", bounds: noBounds,
		about: fmt.Sprintf("delays as synchronous, and fair-lossy links: each message is lost with probability %s, for ever", atlasLoss),
		troubles: func(c *weather) {
			for h := range atlasHosts {
				c.add(loses, h, 0, 0)
			}
		},
	},
	{name: "asymmetric", bounds: noBounds,
		about: "as synchronous, but from some time on nobody hears one of the processes, which goes on and hears the others",
		troubles: func(c *weather) {
			c.add(muted, c.order[1], c.seconds(40, 95), 0)
		},
	},
	{name: "crash-recovery", bounds: knownInEnd,
		about: "as synchronous, but one process crashes and recovers without its memory three times",
		troubles: func(c *weather) {
			at := c.seconds(20, 40)
			for range 3 {
				down := c.seconds(5, 65)
				c.add(crashes, c.order[1], at, down)
				at += down + c.seconds(15, 30)
			}
		},
	},
}

// world returns a world of the climate. It depends on the seed and the index alone, so
// that all detectors meet the same.
func (c *climate) world(seed uint64, index int) *world {
	random := sim.NewStream(seed, fmt.Sprintf("atlas/%s/%d", c.name, index))
	x := &weather{Stream: random}
	for h := range atlasHosts {
		x.order = append(x.order, h)
	}
	for i := range x.order {
		j := i + random.IntN(atlasHosts-i)
		x.order[i], x.order[j] = x.order[j], x.order[i]
	}
	x.add(crashes, x.order[0], c.settled+x.seconds(60, 95), 0)
	if c.troubles != nil {
		c.troubles(x)
	}
	return &world{n: atlasHosts, seed: 1 + random.Uint64()%1_000_000, duration: atlasDuration, jitter: true, late: c.late, troubles: x.troubles}
}

// atlasParams are the parameters of detectors that are not to have their defaults: those
// that would not notice a stall, those whose published values are for slow networks, and
// what a claim asks for.
var atlasParams = map[string]string{
	"adaptive":        ", step: 3s",
	"bertier":         ", moderation: 10s",
	"gossip":          ", t-gossip: 250ms, t-fail: 8s",
	"ospf":            ", hello: 2s, dead: 8s",
	"node-lease":      ", renew: 2s, grace: 8s, monitor: 1s",
	"zookeeper":       ", tick: 1s, timeout: 8s",
	"traffic-light":   ", yellow: 4s, red: 6s",
	"memberlist":      ", suspicion-max-mult: 2",
	"phi-exponential": ", threshold: 4",
}

// learnsBounds are the detectors whose claim of an eventual class needs no bound that
// anybody knows.
var learnsBounds = map[string]bool{"adaptive": true, "bertier": true}

// needsOrder are the detectors whose claims need messages that do not overtake each other.
var needsOrder = map[string]bool{"bfd": true, "ospf": true}

// applies tells whether the environment has what the claim of a detector needs. A program
// cannot read the words of a claim; but claims of a class without "eventually" need bounds
// that hold always, and no recovery, and the others need them from some time on.
func (c *climate) applies(e *entry, claim model.Claim) bool {
	eventual := claim.Class.Accuracy() >= model.EventualStrongAccuracy
	switch {
	case needsOrder[e.Name] && !e.ordered:
		return false
	case !eventual:
		return c.bounds == knownAlways
	case learnsBounds[e.Name]:
		return c.bounds >= unknownInEnd
	}
	return c.bounds >= knownInEnd
}
