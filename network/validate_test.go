package network

import (
	"math"
	"slices"
	"testing"

	"suspect/model"
	"suspect/sim"
)

func TestValidate(t *testing.T) {
	many := make([]string, 12)
	for i := range many {
		many[i] = string(rune('a' + i))
	}
	on := func(c LinkConfig) Link { return Link{A: 0, B: 1, AtoB: c, BtoA: c} }
	ok := testEdge
	with := func(change func(c *LinkConfig)) Topology {
		c := testEdge
		change(&c)
		return Topology{Names: []string{"a", "b"}, Hosts: 2, Links: []Link{on(c)}}
	}
	for _, c := range []struct {
		name     string
		topology Topology
		want     []string
	}{
		{"two hosts", Topology{[]string{"a", "b"}, 2, []Link{on(ok)}}, nil},
		{"empty", Topology{}, []string{"there are no hosts"}},
		{"more hosts than nodes", Topology{Names: []string{"a"}, Hosts: 2}, []string{"2 hosts among 1 nodes"}},
		{"too many nodes", Topology{Names: make([]string, MaxNodes+1), Hosts: 1},
			[]string{"1048577 nodes; at most 1048576 are supported"}},
		{"too many links", Topology{Names: []string{"a"}, Hosts: 1, Links: make([]Link, MaxLinks+1)},
			[]string{"2097153 links; at most 2097152 are supported"}},
		{"names", Topology{[]string{"a", "", "s", "a"}, 2, []Link{
			{0, 2, ok, ok}, {1, 2, ok, ok}, {3, 2, ok, ok},
		}}, []string{"node 1 has no name", `nodes 0 and 3 are both named "a"`}},
		{"ends out of range", Topology{[]string{"a", "b"}, 2, []Link{on(ok), {0, 2, ok, ok}, {-1, 0, ok, ok}}},
			[]string{"link 1 joins the nodes 0 and 2, but there are the nodes 0 to 1 only",
				"link 2 joins the nodes -1 and 0, but there are the nodes 0 to 1 only"}},
		{"loop and duplicate", Topology{[]string{"a", "s", "r"}, 1, []Link{
			{0, 1, ok, ok}, {1, 1, ok, ok}, {1, 2, ok, ok}, {2, 1, ok, ok},
		}}, []string{"a link joins s to itself", "there are two links between r and s"}},
		{"links of hosts", Topology{[]string{"a", "b", "s", "r"}, 2, []Link{
			{0, 2, ok, ok}, {0, 3, ok, ok}, {2, 3, ok, ok},
		}}, []string{"host a has 2 links; a host has exactly one",
			"host b has 0 links; a host has exactly one",
			"the network falls into 2 parts that no path joins: {a, s, r}, {b}"}},
		{"pairs of hosts", Topology{[]string{"a", "b", "c", "d"}, 4, []Link{{0, 1, ok, ok}, {3, 2, ok, ok}}},
			[]string{"the network falls into 2 parts that no path joins: {a, b}, {c, d}"}},
		{"many parts", Topology{many, 0, nil}, []string{"there are no hosts",
			"the network falls into 12 parts that no path joins: {a}, {b}, {c}, {d}, {e}, {f}, {g}, {h}, and 4 more"}},
		{"rate", with(func(c *LinkConfig) { c.Rate = 0 }),
			[]string{"link between a and b: rate of 0 bit/s: it must be positive and at most 8000000000000"}},
		{"high rate", with(func(c *LinkConfig) { c.Rate = MaxRate + 1 }),
			[]string{"link between a and b: rate of 8000000000001 bit/s: it must be positive and at most 8000000000000"}},
		{"delay", with(func(c *LinkConfig) { c.Delay = -model.Nanosecond }),
			[]string{"link between a and b: delay of -1ns: it must lie between 0 and 4611686.018427387904s"}},
		{"jitter", with(func(c *LinkConfig) { c.Jitter = sim.Distribution{Mean: -1} }),
			[]string{"link between a and b: jitter: distribution -1ps: -1ps is negative"}},
		{"buffers", with(func(c *LinkConfig) { c.Buffer = Buffer{-1, -2} }),
			[]string{"link between a and b: buffer of -1 packets: it must not be negative",
				"link between a and b: buffer of -2 bytes: it must not be negative"}},
		{"loss", with(func(c *LinkConfig) { c.Loss = IndependentLoss(1.5) }),
			[]string{"link between a and b: loss with probability 1.5 in the good state: it must lie between 0 and 1"}},
		{"loss in bursts", with(func(c *LinkConfig) { c.Loss = Loss{Bad: math.NaN()} }),
			[]string{"link from a to b: loss with probability NaN in the bad state: it must lie between 0 and 1",
				"link from b to a: loss with probability NaN in the bad state: it must lie between 0 and 1"}},
		{"infinite", with(func(c *LinkConfig) { c.Loss = Loss{GoodToBad: math.Inf(1)} }),
			[]string{"link between a and b: loss with probability +Inf of going bad: it must lie between 0 and 1"}},
		{"one direction", Topology{[]string{"a", "b"}, 2, []Link{{0, 1, ok, LinkConfig{Rate: -1}}}},
			[]string{"link from b to a: rate of -1 bit/s: it must be positive and at most 8000000000000"}},
	} {
		var got []string
		for _, err := range c.topology.Validate() {
			got = append(got, err.Error())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

// The tables of 9,000 switches with hosts would have 81 million entries.
func TestValidateRefusesLargeTables(t *testing.T) {
	const switches = 9000
	b := newBuilder(switches)
	first := b.nodes(switches, "s%d")
	for i := range NodeID(switches) {
		b.link(i, first+i, testEdge)
		if i > 0 {
			b.link(first, first+i, testEdge)
		}
	}
	errs := b.Validate()
	const want = "9000 switches, 9000 of them with hosts: the routing tables would have 81000000 entries; at most 67108864 are supported"
	if len(errs) != 1 || errs[0].Error() != want {
		t.Errorf("%v, want %s", errs, want)
	}
}
