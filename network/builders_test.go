package network

import (
	"testing"

	"suspect/model"
)

var testEdge = LinkConfig{Rate: 10 * Gbps, Delay: model.Microsecond}
var testCore = LinkConfig{Rate: 40 * Gbps, Delay: 2 * model.Microsecond}

func TestBuildersCountNodesAndLinks(t *testing.T) {
	// The sizes of a fat tree are those of Al-Fares et al., section 3: k³/4 hosts,
	// 5k²/4 switches, and as many links on each of the three levels as hosts.
	for _, c := range []struct {
		name                   string
		topology               Topology
		hosts, switches, links int
	}{
		{"star", Star(16, testEdge), 16, 1, 16},
		{"star of one", Star(1, testEdge), 1, 1, 1},
		{"leaf-spine", LeafSpine(9, 4, 16, testEdge, testCore), 144, 13, 144 + 36},
		{"fat tree of 2", FatTree(2, testEdge, testCore), 2, 5, 6},
		{"fat tree of 4", FatTree(4, testEdge, testCore), 16, 20, 48},
		{"fat tree of 16", FatTree(16, testEdge, testCore), 1024, 320, 3 * 1024},
	} {
		top := c.topology
		if top.Hosts != c.hosts || len(top.Names)-top.Hosts != c.switches || len(top.Links) != c.links {
			t.Errorf("%s: %d hosts, %d switches, %d links; want %d, %d, %d", c.name,
				top.Hosts, len(top.Names)-top.Hosts, len(top.Links), c.hosts, c.switches, c.links)
		}
		if errs := top.Validate(); errs != nil {
			t.Errorf("%s: %v", c.name, errs)
		}
		for _, l := range top.Links {
			want := testCore
			if int(min(l.A, l.B)) < top.Hosts {
				want = testEdge
			}
			if l.AtoB != want || l.BtoA != want {
				t.Errorf("%s: link of %s and %s is configured as a link of the other level",
					c.name, top.Names[l.A], top.Names[l.B])
			}
		}
	}
}

// Every switch of a fat tree of k-port switches uses exactly k ports.
func TestFatTreeUsesEveryPort(t *testing.T) {
	for _, k := range []int{2, 4, 6, 8} {
		top := FatTree(k, testEdge, testCore)
		degree := make([]int, len(top.Names))
		for _, l := range top.Links {
			degree[l.A]++
			degree[l.B]++
		}
		for n := top.Hosts; n < len(top.Names); n++ {
			if degree[n] != k {
				t.Errorf("k = %d: %s has %d links", k, top.Names[n], degree[n])
			}
		}
	}
}

func TestWhoIsLinkedToWhom(t *testing.T) {
	fat := FatTree(4, testEdge, testCore)
	leaf := LeafSpine(2, 2, 3, testEdge, testCore)
	for _, c := range []struct {
		t      *Topology
		a, b   string
		linked bool
	}{
		{&leaf, "h2", "leaf0", true},
		{&leaf, "h3", "leaf0", false},
		{&leaf, "h3", "leaf1", true},
		{&leaf, "leaf1", "spine0", true},
		{&leaf, "leaf0", "leaf1", false},
		{&fat, "h0", "edge0-0", true},
		{&fat, "h7", "edge1-1", true},
		{&fat, "edge1-1", "agg1-0", true},
		{&fat, "edge1-1", "agg0-0", false},
		{&fat, "agg3-0", "core1", true},
		{&fat, "agg3-0", "core2", false},
		{&fat, "agg3-1", "core2", true},
	} {
		a, okA := c.t.Node(c.a)
		b, okB := c.t.Node(c.b)
		if !okA || !okB {
			t.Fatalf("no node %s or %s", c.a, c.b)
		}
		l, ok := c.t.LinkBetween(a, b)
		back, okBack := c.t.LinkBetween(b, a)
		if ok != c.linked || okBack != c.linked {
			t.Errorf("link between %s and %s: %v, %v; want %v", c.a, c.b, ok, okBack, c.linked)
			continue
		}
		if !ok {
			continue
		}
		if from, to := c.t.Ends(l); from != a || to != b {
			t.Errorf("link between %s and %s leads from %d to %d", c.a, c.b, from, to)
		}
		if back != l^1 {
			t.Errorf("links between %s and %s: %d and %d are not the directions of one link", c.a, c.b, l, back)
		}
	}
	if _, ok := fat.Node("core4"); ok {
		t.Error("core4 exists")
	}
}

func TestBuildersRefuseImpossibleNumbers(t *testing.T) {
	for name, build := range map[string]func(){
		"star":           func() { Star(-1, testEdge) },
		"odd fat tree":   func() { FatTree(3, testEdge, testCore) },
		"empty fat tree": func() { FatTree(0, testEdge, testCore) },
		"leaves":         func() { LeafSpine(-1, -1, -1, testEdge, testCore) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			build()
		}()
	}
}
