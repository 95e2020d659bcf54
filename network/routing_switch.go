package network

// routeToSwitches makes the tables for packets whose destination is a switch, which only
// agents and evidence need: shortest paths, one of equal ones chosen by the flow, as to hosts.
// An entry is as one of the other table; that of the switch itself is for nobody. Tables that
// are there stay.
func (r *routes) routeToSwitches(t *Topology) {
	if r.toSwitch != nil {
		return
	}
	switches := len(r.salt)
	neighbours := make([][]neighbour, switches)
	for i := range 2 * len(t.Links) {
		if from, to := t.Ends(LinkID(i)); from >= r.first && to >= r.first {
			neighbours[from-r.first] = append(neighbours[from-r.first], neighbour{int32(to - r.first), LinkID(i)})
		}
	}
	r.toSwitch = make([]uint32, switches*switches)
	distance := make([]int32, switches)
	var queue []int32
	var set []LinkID
	for root := range switches {
		for s := range distance {
			distance[s] = -1
		}
		distance[root] = 0
		queue = append(queue[:0], int32(root))
		for i := 0; i < len(queue); i++ {
			s := queue[i]
			set = set[:0]
			for _, n := range neighbours[s] {
				if distance[n.to] < 0 {
					distance[n.to] = distance[s] + 1
					queue = append(queue, n.to)
				} else if distance[n.to] < distance[s] {
					set = append(set, n.link)
				}
			}
			r.toSwitch[int(s)*switches+root] = r.entry(set)
		}
	}
}

// nextToSwitch is next for a destination that is another switch.
func (r *routes) nextToSwitch(at, dst NodeID, hash uint32) (LinkID, bool) {
	if r.toSwitch == nil {
		return noLink, false
	}
	s := int(at - r.first)
	set := uint64(r.toSwitch[s*len(r.salt)+int(dst-r.first)])
	pick := uint64(hash) * r.salt[s] >> 32 * (set & maxSet) >> 32
	l := r.links[set>>setBits+pick]
	return l, l != noLink
}

// installToSwitch makes switch at forward packets for another switch to the equal next hops
// of a set, or nowhere if that is empty.
func (r *routes) installToSwitch(at, dst NodeID, set []LinkID) {
	r.toSwitch[int(at-r.first)*len(r.salt)+int(dst-r.first)] = r.entry(set)
}
