package network

import (
	"errors"
	"fmt"
	"slices"

	"suspect/model"
)

// TruthConfig says of whom the ground truth is followed, and what counts as a failure where
// that is a matter of degree. [DefaultTruth] has the usual values.
type TruthConfig struct {
	// Pairs are the processes q of the ordered pairs (p, q) that are followed, for each p,
	// increasing; nil is every other process.
	Pairs [][]model.ProcessID

	// Label is that of the flow of each pair, by which ECMP chooses its path: of messages
	// their Flow, which is mostly 0.
	Label uint32

	// Classes are the priorities of which congestion is told, without repetition. The first
	// one is that of the pair's own packets, by which rules are judged.
	Classes []model.Priority

	// Definitions are those of congestion that are told side by side.
	Definitions []CongestionDefinition

	Bytes       int32          // payload of a reference packet; 0: that of a message which states none
	Wait        model.Duration // the longest that is no congestion
	Slot        model.Duration // between two reference packets
	Window      model.Duration // over which they are counted, a whole number of slots
	Share       float64        // of them that may be lost or wait too long
	Utilisation float64        // of a link, that is no congestion
	Persistence model.Duration // for how long congestion holds before it is persistent

	// Corruption is the probability of damage on the path of a pair that is none yet.
	Corruption float64

	// Changes is how often the route of a pair may change within the time Flaps.
	Changes int
	Flaps   model.Duration

	// Slow is the mean work on an input from which on a process counts as stalled.
	Slow model.Duration

	// Forbidden are directions of links and switches that no pair's path may cross.
	Forbidden []model.Place
}

// DefaultTruth returns the usual configuration, for packets of one class.
func DefaultTruth(class model.Priority) TruthConfig {
	return TruthConfig{
		Classes: []model.Priority{class}, Definitions: []CongestionDefinition{ByReference},
		Wait: model.Millisecond, Slot: 5 * model.Millisecond, Window: model.Second, Share: 0.1,
		Utilisation: 0.95, Persistence: model.Second,
		Changes: 4, Flaps: 10 * model.Second, Slow: model.Millisecond,
	}
}

// Places returns the places that a path crosses where it crosses what the text names: a
// switch, or both directions of a link, as a--b.
func (t *Topology) Places(text string) ([]model.Place, error) {
	if node, ok := t.Node(text); ok {
		if int(node) < t.Hosts {
			return nil, fmt.Errorf("%s is a host, which no path crosses", text)
		}
		return []model.Place{model.NodePlace(model.ProcessID(node))}, nil
	}
	l, err := linkOf(text, t)
	if err != nil {
		return nil, err
	}
	return []model.Place{model.LinkPlace(int32(l)), model.LinkPlace(int32(l ^ 1))}, nil
}

// MaxSlots is the largest number of slots in a window.
const MaxSlots = 10_000

// Validate returns what is wrong with c for a network of topology top.
func (c *TruthConfig) Validate(top *Topology) error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Pairs != nil && len(c.Pairs) != top.Hosts {
		fail("pairs of %d processes are given, and there are %d", len(c.Pairs), top.Hosts)
	}
	for p, peers := range c.Pairs {
		for i, q := range peers {
			if q < 0 || int(q) >= top.Hosts || int(q) == p || i > 0 && peers[i-1] >= q {
				fail("pairs of process %d: %v must be other processes, in increasing order", p, peers)
				break
			}
		}
	}
	if len(c.Classes) == 0 {
		fail("no class is given")
	}
	for i, k := range c.Classes {
		if k >= model.Priorities || slices.Contains(c.Classes[:i], k) {
			fail("classes %v must be different priorities from 0 to %d", c.Classes, model.Priorities-1)
			break
		}
	}
	for i, d := range c.Definitions {
		if d >= CongestionDefinitions || slices.Contains(c.Definitions[:i], d) {
			fail("definitions of congestion %v: each is given once", c.Definitions)
			break
		}
	}
	if c.Bytes < 0 || c.Bytes > MaxPayload {
		fail("reference packets of %d bytes: they have at most %d", c.Bytes, MaxPayload)
	}
	for _, d := range []struct {
		name string
		of   model.Duration
	}{{"slot", c.Slot}, {"window", c.Window}, {"flaps", c.Flaps}, {"slow", c.Slow}} {
		if d.of <= 0 || d.of > model.Duration(model.MaxTime) {
			fail("%s of %v: it must be above zero and at most %v", d.name, d.of, model.MaxTime)
		}
	}
	if c.Wait < 0 || c.Persistence < 0 {
		fail("a wait of %v and a persistence of %v must not be negative", c.Wait, c.Persistence)
	}
	if c.Slot > 0 && (c.Window%c.Slot != 0 || c.Window/c.Slot > MaxSlots) {
		fail("the window of %v must be a whole number of slots of %v, at most %d", c.Window, c.Slot, MaxSlots)
	}
	for _, s := range []struct {
		name string
		of   float64
	}{{"share", c.Share}, {"utilisation", c.Utilisation}, {"corruption", c.Corruption}} {
		if !(s.of >= 0 && s.of < 1) {
			fail("%s of %v: it must be at least 0 and below 1", s.name, s.of)
		}
	}
	if c.Changes < 0 || c.Changes > 1000 {
		fail("%d changes of a route: from 0 to 1000", c.Changes)
	}
	for _, x := range c.Forbidden {
		l, isLink := x.Link()
		s, isNode := x.Node()
		if isLink && int(l) >= 2*len(top.Links) || isNode && (int(s) < top.Hosts || int(s) >= len(top.Names)) || !isLink && !isNode {
			fail("%v is neither a link nor a switch, which a path could cross", x)
		}
	}
	return errors.Join(errs...)
}
