package network

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// routes are the routing tables of all switches: shortest paths by the number of
// hops, and all of them, so that a switch spreads flows over its equal next hops
// (ECMP). Hosts do not forward. Without a routing protocol they stay as they are: a link
// that goes down black-holes the packets that are routed over it.
//
// Packets for hosts of one switch share their routes until they reach it, so the
// tables hold one entry for each pair of a switch and a switch that has hosts. Where a
// protocol or a fault sets routes to single hosts, they are spread first.
type routes struct {
	hosts   []lastHop // by host
	first   NodeID    // the first switch
	columns int       // the number of switches that have hosts

	// table has a row for each switch and a column for each switch that has
	// hosts: where in links the set of equal next hops begins, shifted left by
	// setBits, and its size. Equal sets are stored once. The set at 0 is
	// {noLink}, for what cannot be reached.
	table []uint32
	links []LinkID

	// salt has an odd multiplier for each switch. Without it the switches of one
	// level, which see only flows for which the level before made the same
	// choice, would all choose alike: the paths beyond would stay empty.
	salt []uint64

	known    map[string]uint32 // the entry of a set, by its links
	key      []byte            // of a set that is looked up
	isSpread bool              // every host has its own column

	// toSwitch has a row and a column for each switch; nil without agents and evidence.
	toSwitch []uint32
}

// lastHop is how a host is reached from its switch.
type lastHop struct {
	at     NodeID // the switch
	down   LinkID // from the switch to the host
	column int32  // of the switch in the table
}

const (
	noLink  LinkID = -1
	setBits        = 10 // of a table entry hold the size of a set
	maxSet         = 1<<setBits - 1
	maxSets        = 1 << (32 - setBits) // links in all sets together
)

// next returns the link on which switch at sends a packet for dst whose flow has
// the given hash (see [ecmpHash]), and whether there is one.
func (r *routes) next(at, dst NodeID, hash uint32) (LinkID, bool) {
	h := &r.hosts[dst]
	if h.at == at {
		return h.down, true
	}
	s := int(at - r.first)
	set := uint64(r.table[s*r.columns+int(h.column)])
	pick := uint64(hash) * r.salt[s] >> 32 * (set & maxSet) >> 32
	l := r.links[set>>setBits+pick]
	return l, l != noLink
}

// ecmpHash returns the hash of a flow, which decides its path among equal ones:
// all packets of a flow take the same.
func ecmpHash(src, dst NodeID, label uint32) uint32 {
	return uint32(mix64(uint64(uint32(src))<<32|uint64(uint32(dst))+mix64(uint64(label))) >> 32)
}

// mix64 is the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", OOPSLA 2014), on x plus its increment.
func mix64(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// neighbour is a link of a switch to another.
type neighbour struct {
	to   int32 // the number of the other switch
	link LinkID
}

// newRoutes computes the routes of t, which must be connected (see
// [Topology.Validate]). It takes one breadth-first search of the switches for each
// switch that has hosts. It returns an error for a network that needs larger tables
// than there are.
func newRoutes(t *Topology) (*routes, error) {
	switches := len(t.Names) - t.Hosts
	r := &routes{hosts: make([]lastHop, t.Hosts), first: NodeID(t.Hosts), salt: make([]uint64, switches)}
	for s := range r.salt {
		r.salt[s] = mix64(uint64(s)) | 1
	}
	neighbours := make([][]neighbour, switches)
	column := make([]int32, switches) // 1 + the column of a switch with hosts
	var roots []int32                 // by column
	for i := range 2 * len(t.Links) {
		from, to := t.Ends(LinkID(i))
		if from < r.first {
			continue
		}
		s := int32(from - r.first)
		if to >= r.first {
			neighbours[s] = append(neighbours[s], neighbour{int32(to - r.first), LinkID(i)})
			continue
		}
		if column[s] == 0 {
			roots = append(roots, s)
			column[s] = int32(len(roots))
		}
		r.hosts[to] = lastHop{at: from, down: LinkID(i), column: column[s] - 1}
	}
	r.columns = len(roots)
	r.links = []LinkID{noLink}
	r.table = slices.Repeat([]uint32{1}, switches*r.columns)

	r.known = make(map[string]uint32)
	var key []byte
	distance := make([]int32, switches)
	queue := make([]int32, 0, switches)
	for c, root := range roots {
		for s := range distance {
			distance[s] = -1
		}
		distance[root] = 0
		queue = append(queue[:0], root)
		for i := 0; i < len(queue); i++ {
			s := queue[i]
			key = key[:0]
			for _, n := range neighbours[s] {
				if distance[n.to] < 0 {
					distance[n.to] = distance[s] + 1
					queue = append(queue, n.to)
				} else if distance[n.to] < distance[s] {
					key = binary.LittleEndian.AppendUint32(key, uint32(n.link))
				}
			}
			if s == root {
				continue
			}
			entry, ok := r.known[string(key)]
			if !ok {
				size := len(key) / 4
				if size > maxSet {
					return nil, fmt.Errorf("%s has %d equal next hops; at most %d can be used",
						t.Names[int(r.first)+int(s)], size, maxSet)
				}
				if len(r.links)+size > maxSets {
					return nil, fmt.Errorf("the routing tables would hold more than %d next hops", maxSets)
				}
				entry = uint32(len(r.links))<<setBits | uint32(size)
				for i := range size {
					r.links = append(r.links, LinkID(binary.LittleEndian.Uint32(key[4*i:])))
				}
				r.known[string(key)] = entry
			}
			r.table[int(s)*r.columns+c] = entry
		}
	}
	return r, nil
}
