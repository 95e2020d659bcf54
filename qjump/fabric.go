package qjump

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"

	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// fabric is a topology with its shortest paths. Switches are numbered from 0 on. Sets
// of hosts are bit sets in which the hosts of one switch are neighbours.
type fabric struct {
	*network.Topology
	switches int
	words    int                // of a set of hosts
	order    []network.NodeID   // the host of each bit
	bit      []int32            // by host
	first    []int32            // by switch, and one more: the bit of its first host
	at       []int32            // by host: its switch, or -1 where it has none
	up, down []network.LinkID   // by host: its link, and the one to it
	arcs     [][]arc            // by switch: to its neighbours
	into     [][]network.LinkID // by switch: all links that end there
	edges    []int32            // the switches that have hosts, increasing
	edge     []int32            // by switch: its place among them, or -1
	hops     [][]int32          // by place and switch: the links between them
	layers   [][]int32          // by place: the switches by their distance, nearest first
}

// arc is a link to another switch.
type arc struct {
	to   int32
	link network.LinkID
}

// maxTable limits the tables of the analysis for each class: pairs of a link and a word of 64
// hosts, or of two switches. It has room for a star of 11 000 hosts.
const maxTable = 1 << 22

// newFabric finds the shortest paths by the number of links, which are those that
// package network routes packets over. The topology must be valid.
func newFabric(t *network.Topology) (*fabric, error) {
	f := &fabric{
		Topology: t, switches: len(t.Names) - t.Hosts, words: (t.Hosts + 63) / 64,
		bit: make([]int32, t.Hosts), at: make([]int32, t.Hosts),
		up: make([]network.LinkID, t.Hosts), down: make([]network.LinkID, t.Hosts),
	}
	f.arcs, f.into = make([][]arc, f.switches), make([][]network.LinkID, f.switches)
	hosts := make([][]network.NodeID, f.switches)
	for l := range network.LinkID(2 * len(t.Links)) {
		from, to := t.Ends(l)
		s, v := int(from)-t.Hosts, int(to)-t.Hosts
		if s < 0 {
			f.up[from], f.at[from] = l, int32(v)
		}
		if v < 0 {
			f.down[to] = l
		} else {
			f.into[v] = append(f.into[v], l)
		}
		switch {
		case s >= 0 && v >= 0:
			f.arcs[s] = append(f.arcs[s], arc{int32(v), l})
		case s >= 0:
			hosts[s] = append(hosts[s], to)
		case v < 0:
			f.at[from], f.at[to] = -1, -1
		}
	}
	f.edge = make([]int32, f.switches)
	for s := range f.switches {
		f.first = append(f.first, int32(len(f.order)))
		f.edge[s] = -1
		if len(hosts[s]) > 0 {
			f.edge[s] = int32(len(f.edges))
			f.edges = append(f.edges, int32(s))
		}
		f.order = append(f.order, hosts[s]...)
	}
	f.first = append(f.first, int32(len(f.order)))
	for h := range t.Hosts { // two hosts without a switch
		if f.at[h] < 0 {
			f.order = append(f.order, network.NodeID(h))
		}
	}
	for i, h := range f.order {
		f.bit[h] = int32(i)
	}
	if 2*len(t.Links)*f.words > maxTable || len(f.edges)*f.switches > maxTable {
		return nil, fmt.Errorf("qjump: a network of %d hosts, %d switches and %d links is too large for the analysis of its ports", t.Hosts, f.switches, len(t.Links))
	}
	for _, root := range f.edges {
		distance := slices.Repeat([]int32{-1}, f.switches)
		distance[root] = 0
		queue := []int32{root}
		for i := 0; i < len(queue); i++ {
			for _, a := range f.arcs[queue[i]] {
				if distance[a.to] < 0 {
					distance[a.to] = distance[queue[i]] + 1
					queue = append(queue, a.to)
				}
			}
		}
		f.hops, f.layers = append(f.hops, distance), append(f.layers, queue)
	}
	return f, nil
}

// hostSet is a set of hosts.
type hostSet []uint64

func (s hostSet) has(bit int32) bool { return s[bit/64]>>(bit%64)&1 != 0 }
func (s hostSet) add(bit int32)      { s[bit/64] |= 1 << (bit % 64) }
func (s hostSet) remove(bit int32)   { s[bit/64] &^= 1 << (bit % 64) }

func (s hostSet) union(t hostSet) {
	for i, w := range t {
		s[i] |= w
	}
}

func (s hostSet) meets(t hostSet) bool {
	for i, w := range t {
		if s[i]&w != 0 {
			return true
		}
	}
	return false
}

// each calls do for every bit from first on and below end, in order.
func (s hostSet) each(first, end int32, do func(bit int32)) {
	for i := first / 64; i*64 < end; i++ {
		w := s[i]
		if i == first/64 {
			w &= ^uint64(0) << (first % 64)
		}
		if end < (i+1)*64 {
			w &= 1<<(end%64) - 1
		}
		for ; w != 0; w &= w - 1 {
			do(i*64 + int32(bits.TrailingZeros64(w)))
		}
	}
}

// count returns how many bits there are from first on and below end.
func (s hostSet) count(first, end int32) (n int) {
	for i := first / 64; i*64 < end; i++ {
		w := s[i]
		if i == first/64 {
			w &= ^uint64(0) << (first % 64)
		}
		if end < (i+1)*64 {
			w &= 1<<(end%64) - 1
		}
		n += bits.OnesCount64(w)
	}
	return n
}

// passing tells which hosts send to each host, and over each link.
type passing struct {
	to   []hostSet // by host
	over []hostSet // by link
}

// sets returns n empty sets.
func (f *fabric) sets(n int) []hostSet {
	words := make([]uint64, n*f.words)
	sets := make([]hostSet, n)
	for i := range sets {
		sets[i] = words[i*f.words : (i+1)*f.words]
	}
	return sets
}

// reach finds which hosts' packets can pass each link, where they may take any
// of the shortest paths.
func (f *fabric) reach(demands []Demand) *passing {
	p := &passing{to: f.sets(f.Hosts), over: f.sets(2 * len(f.Links))}
	from := f.sets(1)[0]
	for _, d := range demands {
		clear(from)
		for _, h := range d.From {
			from.add(f.bit[h])
		}
		if d.To == nil {
			for h := range p.to {
				p.to[h].union(from)
			}
		}
		for _, h := range d.To {
			p.to[h].union(from)
		}
	}
	all := f.sets(1)[0]
	for h, set := range p.to {
		set.remove(f.bit[h])
		p.over[f.down[h]].union(set)
		all.union(set)
	}
	all.each(0, int32(f.Hosts), func(bit int32) { p.over[f.up[f.order[bit]]].add(bit) })
	have := f.sets(f.switches)
	for c, root := range f.edges {
		clear(all)
		for _, h := range f.order[f.first[root]:f.first[root+1]] {
			all.union(p.to[h])
		}
		for s := range have {
			clear(have[s])
			all.each(f.first[s], f.first[s+1], have[s].add)
		}
		for _, s := range slices.Backward(f.layers[c][1:]) { // the farthest first
			for _, a := range f.arcs[s] {
				if f.hops[c][a.to] < f.hops[c][s] {
					p.over[a.link].union(have[s])
					have[a.to].union(have[s])
				}
			}
		}
	}
	return p
}

// frames returns the largest frame that can pass each link.
func (f *fabric) frames(demands []Demand) []int32 {
	largest := make([]int32, 2*len(f.Links))
	demands = slices.Clone(demands)
	slices.SortStableFunc(demands, func(a, b Demand) int { return cmp.Compare(b.Bytes, a.Bytes) })
	for len(demands) > 0 {
		end := 1
		for end < len(demands) && demands[end].Bytes == demands[0].Bytes {
			end++
		}
		for l, set := range f.reach(demands[:end]).over {
			if largest[l] == 0 && set.count(0, int32(f.Hosts)) > 0 {
				largest[l] = demands[0].Bytes
			}
		}
		demands = demands[end:]
	}
	return largest
}

// config returns the link's description, and the bounds of its delay.
func (f *fabric) config(l network.LinkID) (c *network.LinkConfig, least, longest model.Duration) {
	c = &f.Links[l/2].AtoB
	if l%2 == 1 {
		c = &f.Links[l/2].BtoA
	}
	if c.Jitter.Kind == sim.Uniform {
		return c, plus(c.Delay, c.Jitter.Low), plus(c.Delay, c.Jitter.High)
	}
	return c, plus(c.Delay, c.Jitter.Mean), plus(c.Delay, c.Jitter.Mean)
}

// name names a port by the ends of its link.
func (f *fabric) name(l network.LinkID) string {
	from, to := f.Ends(l)
	return f.Names[from] + "→" + f.Names[to]
}
