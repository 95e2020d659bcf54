package network

import "math/bits"

// switches knows which switches reach which over links and switches that work, as the
// truth saw them last. It keeps that for the switches with hosts alone, and looks again
// only from those that a change can concern: a link that goes down concerns nobody while
// its end is reached from its beginning without it, and neither does one that comes up
// where that was so already.
type switches struct {
	first    int        // the number of hosts
	works    []bool     // by link
	on       []bool     // by switch
	outgoing [][]LinkID // of each switch, to switches
	incoming [][]LinkID
	ends     [][2]int32 // of each link: switches, or below 0

	column []int32 // of each switch that has hosts, or below 0
	roots  []int32 // by column
	hosts  []hostLink
	reach  []uint64 // a row of bits for each column
	words  int      // of a row

	visited []uint32 // by switch
	visit   uint32
	queue   []int32
	sources []int32
	row     []uint64

	// Trips by the columns of their ends.
	ofEnds      []int32
	ofEndsFirst []int32
}

// hostLink is how a host hangs on the network.
type hostLink struct {
	up, down LinkID
	column   int32 // of its switch; below 0 if there is none
}

func (s *switches) init(n *Network) {
	t := &n.topology
	count := len(t.Names) - t.Hosts
	*s = switches{
		first: t.Hosts, works: make([]bool, len(n.ports)), on: make([]bool, count),
		outgoing: make([][]LinkID, count), incoming: make([][]LinkID, count), ends: make([][2]int32, len(n.ports)),
		column: make([]int32, count), hosts: make([]hostLink, t.Hosts), visited: make([]uint32, count),
	}
	for i := range s.column {
		s.column[i], s.on[i] = -1, n.switchWorks(NodeID(i+t.Hosts))
	}
	for l := range LinkID(len(n.ports)) {
		s.works[l] = n.linkWorks(l)
		from, to := t.Ends(l)
		u, v := int32(from)-int32(t.Hosts), int32(to)-int32(t.Hosts)
		s.ends[l] = [2]int32{u, v}
		switch {
		case u >= 0 && v >= 0:
			s.outgoing[u] = append(s.outgoing[u], l)
			s.incoming[v] = append(s.incoming[v], l)
		case u < 0:
			h := &s.hosts[from]
			h.up, h.down, h.column = l, l^1, -1
			if v >= 0 {
				if s.column[v] < 0 {
					s.column[v] = int32(len(s.roots))
					s.roots = append(s.roots, v)
				}
				h.column = s.column[v]
			}
		}
	}
	s.words = (len(s.roots) + 63) / 64
	s.reach = make([]uint64, len(s.roots)*s.words)
	s.row = make([]uint64, s.words)
	for _, root := range s.roots {
		s.lookFrom(root, func(int, int) {})
	}
}

// sortByEnds lists the trips by the switches at their ends.
func (t *Truth) sortByEnds() {
	s := &t.switches
	columns := int32(len(s.roots))
	s.ofEndsFirst = make([]int32, columns*columns+1)
	group := func(x *trip) int32 { return s.hosts[x.from].column*columns + s.hosts[x.to].column }
	if columns == 0 {
		return
	}
	for i := range t.trips {
		s.ofEndsFirst[group(&t.trips[i])+1]++
	}
	for g := range s.ofEndsFirst[1:] {
		s.ofEndsFirst[g+1] += s.ofEndsFirst[g]
	}
	s.ofEnds = make([]int32, len(t.trips))
	next := make([]int32, columns*columns)
	copy(next, s.ofEndsFirst)
	for i := range t.trips {
		g := group(&t.trips[i])
		s.ofEnds[next[g]] = int32(i)
		next[g]++
	}
}

// parted reviews the trips between the hosts of two switches.
func (t *Truth) parted(from, to int) {
	g := from*len(t.switches.roots) + to
	t.reviewAll(t.switches.ofEnds[t.switches.ofEndsFirst[g]:t.switches.ofEndsFirst[g+1]])
}

// linked tells whether a path of working elements leads from one host to another.
func (s *switches) linked(n *Network, from, to NodeID) bool {
	a, b := &s.hosts[from], &s.hosts[to]
	if !s.works[a.up] {
		return false
	}
	if a.column < 0 {
		return true // the hosts are linked to each other
	}
	return s.works[b.down] && s.reach[int(a.column)*s.words+int(b.column/64)]>>(b.column%64)&1 != 0
}

// setLink takes in whether link l works, and tells whether that is new. It calls changed
// with the columns of each switch, and of another, that it reaches now and did not, or the
// reverse.
func (s *switches) setLink(l LinkID, works bool, changed func(from, to int)) bool {
	if s.works[l] == works {
		return false
	}
	u, v := s.ends[l][0], s.ends[l][1]
	if u < 0 || v < 0 || !s.on[u] || !s.on[v] {
		s.works[l] = works
		return true
	}
	s.works[l] = false
	around := s.reaches(u, v)
	s.works[l] = works
	if around {
		return true
	}
	s.search(u, s.incoming, 0)
	s.sources = append(s.sources[:0], s.queue...)
	s.lookFromAll(changed)
	return true
}

// setSwitch takes in whether a switch works, and tells whether that is new, as setLink does.
func (s *switches) setSwitch(node NodeID, works bool, changed func(from, to int)) bool {
	at := int32(int(node) - s.first)
	if s.on[at] == works {
		return false
	}
	s.on[at] = true
	s.search(at, s.incoming, 0)
	s.sources = append(s.sources[:0], s.queue...) // all that reach it while it works
	s.on[at] = false
	around := s.areJoinedWithout(at)
	s.on[at] = works
	switch column := s.column[at]; {
	case !around:
		s.lookFromAll(changed)
	case column >= 0: // it alone is reached, and reaches, otherwise than before
		for _, u := range s.sources {
			if from := s.column[u]; from >= 0 && u != at {
				s.reach[int(from)*s.words+int(column/64)] ^= 1 << (column % 64)
				changed(int(from), int(column))
			}
		}
		s.lookFrom(at, changed)
	}
	return true
}

// areJoinedWithout tells that all switches from which links lead to a switch that is off
// reach, without it, all to which links lead from it. It may fail to see that.
func (s *switches) areJoinedWithout(at int32) bool {
	pivot := int32(-1)
	for _, l := range s.incoming[at] {
		if s.works[l] && s.on[s.ends[l][0]] {
			pivot = s.ends[l][0]
			break
		}
	}
	if pivot < 0 {
		return true // nobody reaches it
	}
	s.search(pivot, s.outgoing, 1)
	for _, l := range s.outgoing[at] {
		if to := s.ends[l][1]; s.works[l] && s.on[to] && s.visited[to] != s.visit {
			return false
		}
	}
	s.search(pivot, s.incoming, 0)
	for _, l := range s.incoming[at] {
		if from := s.ends[l][0]; s.works[l] && s.on[from] && s.visited[from] != s.visit {
			return false
		}
	}
	return true
}

// reaches tells whether switch u reaches switch v.
func (s *switches) reaches(u, v int32) bool {
	s.visit++
	s.visited[u] = s.visit
	s.queue = append(s.queue[:0], u)
	for i := 0; i < len(s.queue); i++ {
		for _, l := range s.outgoing[s.queue[i]] {
			to := s.ends[l][1]
			if !s.works[l] || !s.on[to] || s.visited[to] == s.visit {
				continue
			}
			if to == v {
				return true
			}
			s.visited[to] = s.visit
			s.queue = append(s.queue, to)
		}
	}
	return false
}

// search visits all switches that switch u reaches, or that reach it, over the links of
// each that far names: the end 1 of outgoing ones or 0 of incoming ones. The queue has
// them then.
func (s *switches) search(u int32, links [][]LinkID, far int) {
	s.visit++
	s.queue = s.queue[:0]
	if !s.on[u] {
		return
	}
	s.visited[u] = s.visit
	s.queue = append(s.queue, u)
	for i := 0; i < len(s.queue); i++ {
		for _, l := range links[s.queue[i]] {
			if to := s.ends[l][far]; s.works[l] && s.on[to] && s.visited[to] != s.visit {
				s.visited[to] = s.visit
				s.queue = append(s.queue, to)
			}
		}
	}
}

// lookFromAll looks anew whom the sources reach.
func (s *switches) lookFromAll(changed func(from, to int)) {
	for _, u := range s.sources {
		s.lookFrom(u, changed)
	}
}

// lookFrom looks anew whom switch u reaches.
func (s *switches) lookFrom(u int32, changed func(from, to int)) {
	from := int(s.column[u])
	if from < 0 {
		return
	}
	s.search(u, s.outgoing, 1)
	clear(s.row)
	for _, v := range s.queue {
		if c := s.column[v]; c >= 0 {
			s.row[c/64] |= 1 << (c % 64)
		}
	}
	known := s.reach[from*s.words:][:s.words]
	for w, now := range s.row {
		different := now ^ known[w]
		known[w] = now
		for ; different != 0; different &= different - 1 {
			changed(from, 64*w+bits.TrailingZeros64(different))
		}
	}
}
