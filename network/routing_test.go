package network

import (
	"fmt"
	"slices"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"
	"gonum.org/v1/gonum/stat/distuv"

	"suspect/sim"
)

// randomTopology returns a connected graph of the given numbers of nodes, with links
// between switches beyond a tree, in random order and direction.
func randomTopology(hosts, switches, extra int, s *sim.Stream) Topology {
	b := newBuilder(hosts)
	first := b.nodes(switches, "s%d")
	var links []Link
	linked := make(map[[2]NodeID]bool)
	add := func(x, y NodeID) {
		if x == y || linked[[2]NodeID{x, y}] {
			return
		}
		linked[[2]NodeID{x, y}], linked[[2]NodeID{y, x}] = true, true
		if s.IntN(2) == 0 {
			x, y = y, x
		}
		l := Link{A: x, B: y, AtoB: testEdge, BtoA: testEdge}
		links = slices.Insert(links, s.IntN(len(links)+1), l)
	}
	for i := 1; i < switches; i++ {
		add(first+NodeID(i), first+NodeID(s.IntN(i)))
	}
	for range extra {
		add(first+NodeID(s.IntN(switches)), first+NodeID(s.IntN(switches)))
	}
	for h := range hosts {
		add(NodeID(h), first+NodeID(s.IntN(switches)))
	}
	b.Links = links
	return b.Topology
}

// firstLinks returns the number of hops of the shortest paths from node at to dst, and
// their first links, by walking every path through switches that visits no node
// twice.
func firstLinks(t *Topology, at, dst NodeID) (hops int, first []LinkID) {
	hops = len(t.Names)
	visited := make([]bool, len(t.Names))
	var walk func(node NodeID, length int, start LinkID)
	walk = func(node NodeID, length int, start LinkID) {
		if node == dst {
			if length < hops {
				hops, first = length, nil
			}
			if length == hops && !slices.Contains(first, start) {
				first = append(first, start)
			}
			return
		}
		if int(node) < t.Hosts && length > 0 {
			return
		}
		visited[node] = true
		for i := range 2 * len(t.Links) {
			from, to := t.Ends(LinkID(i))
			if from == node && !visited[to] {
				if length == 0 {
					start = LinkID(i)
				}
				walk(to, length+1, start)
			}
		}
		visited[node] = false
	}
	walk(at, 0, -1)
	slices.Sort(first)
	return hops, first
}

func TestRoutesAreAllShortestPaths(t *testing.T) {
	parameters := gopter.DefaultTestParametersWithSeed(1)
	parameters.MinSuccessfulTests = 150
	properties := gopter.NewProperties(parameters)
	properties.Property("the next hops are the first links of all shortest paths", prop.ForAll(
		func(hosts, switches, extra int, seed uint64) (string, error) {
			top := randomTopology(hosts, switches, extra, sim.NewStream(seed, "graph"))
			if errs := top.Validate(); errs != nil {
				return "", fmt.Errorf("%v", errs)
			}
			r, err := newRoutes(&top)
			if err != nil {
				return "", err
			}
			for dst := range NodeID(hosts) {
				for at := NodeID(hosts); int(at) < len(top.Names); at++ {
					_, want := firstLinks(&top, at, dst)
					var got []LinkID
					for label := range uint32(200) {
						l, ok := r.next(at, dst, ecmpHash(0, dst, label))
						if !ok {
							return fmt.Sprintf("no route at %d to %d", at, dst), nil
						}
						if !slices.Contains(got, l) {
							got = append(got, l)
						}
					}
					slices.Sort(got)
					if !slices.Equal(got, want) {
						return fmt.Sprintf("at %d to %d: %v, want %v", at, dst, got, want), nil
					}
				}
			}
			return "", nil
		},
		gen.IntRange(1, 6), gen.IntRange(1, 6), gen.IntRange(0, 10), gen.UInt64(),
	))
	properties.Property("every flow's path has the length of the shortest", prop.ForAll(
		func(hosts, switches, extra int, seed uint64) (string, error) {
			top := randomTopology(hosts, switches, extra, sim.NewStream(seed, "graph"))
			r, err := newRoutes(&top)
			if err != nil {
				return "", err
			}
			for src := range NodeID(hosts) {
				for dst := range NodeID(hosts) {
					if src == dst {
						continue
					}
					want, uplinks := firstLinks(&top, src, dst)
					for label := range uint32(10) {
						hops := 1
						_, at := top.Ends(uplinks[0])
						for at != dst && hops <= len(top.Names) {
							l, ok := r.next(at, dst, ecmpHash(src, dst, label))
							from, to := top.Ends(l)
							if !ok || from != at {
								return fmt.Sprintf("at %d: link %d from %d, %v", at, l, from, ok), nil
							}
							at = to
							hops++
						}
						if hops != want {
							return fmt.Sprintf("%d to %d: %d hops, want %d", src, dst, hops, want), nil
						}
					}
				}
			}
			return "", nil
		},
		gen.IntRange(2, 6), gen.IntRange(1, 7), gen.IntRange(0, 10), gen.UInt64(),
	))
	properties.TestingRun(t)
}

// uniformity returns the probability that counts of equally likely outcomes are as
// uneven as these (Pearson's chi-square test).
func uniformity(counts []int) float64 {
	total := 0
	for _, c := range counts {
		total += c
	}
	mean := float64(total) / float64(len(counts))
	x := 0.0
	for _, c := range counts {
		x += (float64(c) - mean) * (float64(c) - mean) / mean
	}
	return distuv.ChiSquared{K: float64(len(counts) - 1)}.Survival(x)
}

// path returns the links of a flow from src to dst.
func path(t *Topology, r *routes, src, dst NodeID, label uint32) []LinkID {
	var links []LinkID
	for i := range 2 * len(t.Links) {
		if from, _ := t.Ends(LinkID(i)); from == src {
			links = append(links, LinkID(i))
		}
	}
	for {
		_, at := t.Ends(links[len(links)-1])
		if at == dst {
			return links
		}
		l, _ := r.next(at, dst, ecmpHash(src, dst, label))
		links = append(links, l)
	}
}

// In a fat tree of 8-port switches, between hosts of two pods, an edge switch chooses
// one of 4 aggregation switches and that one of 4 core switches. All 16 paths must be
// taken equally often: a choice of the second that follows from the first would leave
// 12 of them empty.
func TestEqualPathsAreTakenEquallyOften(t *testing.T) {
	top := FatTree(8, testEdge, testCore)
	r, err := newRoutes(&top)
	if err != nil {
		t.Fatal(err)
	}
	core0, _ := top.Node("core0")
	coreOf := func(src, dst NodeID, label uint32) int {
		links := path(&top, r, src, dst, label)
		if len(links) != 6 {
			t.Fatalf("%d links from %d to %d, want 6", len(links), src, dst)
		}
		_, core := top.Ends(links[2])
		return int(core - core0)
	}
	const least = 1e-3
	// One pair of hosts, many flows: for several pairs.
	for _, pair := range [][2]NodeID{{0, 127}, {5, 40}, {16, 15}, {100, 3}} {
		counts := make([]int, 16)
		for label := range uint32(16_000) {
			counts[coreOf(pair[0], pair[1], label)]++
		}
		if p := uniformity(counts); p < least {
			t.Errorf("flows of hosts %d to %d: the 16 paths were taken %v times, p = %.2g", pair[0], pair[1], counts, p)
		}
	}
	// Many pairs of hosts, one flow each.
	counts := make([]int, 16)
	for src := range NodeID(128) {
		for dst := range NodeID(128) {
			if src/16 != dst/16 {
				counts[coreOf(src, dst, 0)]++
			}
		}
	}
	if p := uniformity(counts); p < least {
		t.Errorf("all pairs of hosts: the 16 paths were taken %v times, p = %.2g", counts, p)
	}
	// The choices of two edge switches for the same hash are independent.
	edge0, _ := top.Node("edge0-0")
	for _, other := range []NodeID{1, 2, 7, 8, 31} {
		joint := make([]int, 16)
		for label := range uint32(16_000) {
			hash := ecmpHash(0, 127, label)
			pick := func(at NodeID) int {
				l, _ := r.next(at, 64, hash) // in pod 4
				_, agg := top.Ends(l)
				return int(agg) % 4
			}
			joint[4*pick(edge0)+pick(edge0+other)]++
		}
		if p := uniformity(joint); p < least {
			t.Errorf("edge switches 0 and %d choose together %v times, p = %.2g", other, joint, p)
		}
	}
}

func TestRoutesAreSmall(t *testing.T) {
	star := Star(10_000, testEdge)
	r, err := newRoutes(&star)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.table) != 1 {
		t.Errorf("a star of 10,000 hosts has a table of %d entries", len(r.table))
	}
	clos := LeafSpine(32, 16, 32, testEdge, testCore)
	if r, err = newRoutes(&clos); err != nil {
		t.Fatal(err)
	}
	// 48 switches, 32 with hosts; a leaf has one set of 16 spines (as they are links
	// of its own), a spine a link to each of 32 leaves, and there is the set of none.
	if len(r.table) != 48*32 || len(r.links) != 32*16+16*32+1 {
		t.Errorf("tables of a leaf-spine of 1,024 hosts: %d entries, %d links", len(r.table), len(r.links))
	}
}

func TestTooManyEqualPathsAreRefused(t *testing.T) {
	top := LeafSpine(2, maxSet+1, 1, testEdge, testCore)
	if _, err := newRoutes(&top); err == nil {
		t.Error("no error")
	} else if want := "leaf1 has 1024 equal next hops; at most 1023 can be used"; err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	top = LeafSpine(2, maxSet, 1, testEdge, testCore)
	if _, err := newRoutes(&top); err != nil {
		t.Error(err)
	}
}

func BenchmarkRoute(b *testing.B) {
	top := LeafSpine(32, 16, 32, testEdge, testCore)
	r, err := newRoutes(&top)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var sum LinkID
	for i := range b.N {
		x := uint32(i) * 0x9e3779b1
		l, _ := r.next(NodeID(1024+x>>27), NodeID(x>>8&1023), x)
		sum += l
	}
	sink = sum
}

var sink LinkID

func BenchmarkNewRoutes(b *testing.B) {
	for _, c := range []struct {
		name string
		top  Topology
	}{
		{"star-10000", Star(10_000, testEdge)},
		{"leaf-spine-1024", LeafSpine(32, 16, 32, testEdge, testCore)},
		{"fat-tree-1024", FatTree(16, testEdge, testCore)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				if _, err := newRoutes(&c.top); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
