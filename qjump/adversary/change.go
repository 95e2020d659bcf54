package adversary

import (
	"suspect/model"
	"suspect/network"
)

// change makes one random change to the plan, which was run last if anything was.
func (s *search) change() {
	host := s.hosts[s.stream.IntN(len(s.hosts))]
	i := s.stream.IntN(len(s.now.sends))
	switch s.stream.IntN(8) {
	case 0:
		s.shiftHost(host, s.shift())
	case 1:
		s.now.sends[i].At = s.now.sends[i].At.Add(s.shift())
	case 2: // offer it with another one: then the limiter decides
		if j := s.another(i); j >= 0 {
			s.now.sends[i].At = s.now.sends[j].At
		}
	case 3:
		if l := s.limiter[i]; l >= 0 {
			s.now.phases[l].Phase += s.shift() % s.gates[l].config.Epoch
		} else {
			s.redirect(&s.now.sends[i])
		}
	case 4:
		s.meet()
	default:
		s.join()
	}
}

// shift returns by how much to change a time: a picosecond, one or two of the
// durations that can matter, or any.
func (s *search) shift() model.Duration {
	one := func() model.Duration {
		d := model.Duration(1)
		if k := s.stream.IntN(1 + len(s.shifts)); k > 0 {
			d = s.shifts[k-1]
		}
		if s.stream.IntN(2) == 0 {
			return -d
		}
		return d
	}
	switch s.stream.IntN(3) {
	case 0:
		return one()
	case 1:
		return one() + one()
	}
	longest := s.gates[len(s.gates)-1].config.Epoch
	return s.upTo(2*longest) - longest
}

// shiftHost moves all that a host does.
func (s *search) shiftHost(h network.NodeID, by model.Duration) {
	for i := range s.now.sends {
		if x := &s.now.sends[i]; x.From == h {
			x.At = x.At.Add(by)
		}
	}
	for i := range s.now.phases {
		if x := &s.now.phases[i]; x.Host == h {
			x.Phase += by
		}
	}
}

// another returns another packet of the same host, or -1 if there is none.
func (s *search) another(i int) int {
	j := s.stream.IntN(len(s.now.sends))
	for range len(s.now.sends) {
		if j = (j + 1) % len(s.now.sends); j != i && s.now.sends[j].From == s.now.sends[i].From {
			return j
		}
	}
	return -1
}

// redirect sends a frame to any other host to which it may go.
func (s *search) redirect(x *Send) {
	to := network.NodeID(s.stream.IntN(s.p.Topology.Hosts))
	if to == x.From {
		to = s.p.Receiver
	}
	s.direct(x, to)
}

// direct sends a frame to a host, if it may go there.
func (s *search) direct(x *Send, to network.NodeID) {
	if bytes := s.p.frame(x.From, to); bytes > 0 {
		x.To, x.Payload = to, bytes
	}
}

// join moves a host so that one of its packets comes to a switch with a packet of
// another host, or a picosecond before or after it.
func (s *search) join() {
	if len(s.now.arrivals) == 0 {
		return
	}
	for range 16 { // until two suit
		x := s.now.arrivals[s.stream.IntN(len(s.now.arrivals))]
		y := s.now.arrivals[s.stream.IntN(len(s.now.arrivals))]
		from := s.now.sends[x.packet].From
		if x.node == y.node && from != s.now.sends[y.packet].From {
			s.shiftHost(from, y.at.Sub(x.at)+model.Duration(s.stream.IntN(3)-1))
			return
		}
	}
}

// meet moves every host so that, at the first switch where its way joins that of the
// latest packet, one of its packets comes with that: of several, the nearest. Frames
// of hosts that send nothing else come just before the first packet of a class.
func (s *search) meet() {
	if s.now.worst < 0 {
		return
	}
	type stop struct {
		node          network.NodeID
		at, justAhead model.Time
	}
	var way []stop // of the latest packet
	for _, x := range s.now.arrivals {
		if x.packet == s.now.worst {
			way = append(way, stop{x.node, x.at, x.at})
		}
	}
	type move struct {
		by   model.Duration
		stop int // where they meet
	}
	moves := make([]move, s.p.Topology.Hosts)
	for h := range moves {
		moves[h].stop = len(way)
	}
	for _, x := range s.now.arrivals {
		for j := range way {
			if w := &way[j]; w.node == x.node && s.limiter[x.packet] >= 0 {
				w.justAhead = min(w.justAhead, x.at-1)
			}
		}
	}
	for _, x := range s.now.arrivals {
		from := &s.now.sends[x.packet]
		m := &moves[from.From]
		if s.limited[from.From] && from.Priority != s.measured {
			continue
		}
		for j := range way[:min(m.stop+1, len(way))] {
			if way[j].node != x.node {
				continue
			}
			target := way[j].at
			if !s.limited[from.From] {
				target = way[j].justAhead
			}
			if by := target.Sub(x.at); j < m.stop || max(by, -by) < max(m.by, -m.by) {
				*m = move{by, j}
			}
			break
		}
	}
	worst := s.now.sends[s.now.worst].From
	for _, h := range s.hosts {
		if h != worst && moves[h].stop < len(way) {
			s.shiftHost(h, moves[h].by)
		}
	}
}
