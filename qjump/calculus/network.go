package calculus

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Network is a set of servers, as a rule output ports, and the flows through them. The
// units are the caller's, but must agree: rates are data per time.
type Network struct {
	Name    string
	Servers []Server
	Flows   []Flow
	// Packetizer tells that a packet moves on when its last bit has left the server.
	// Bursts then count whole packets.
	Packetizer bool
}

// Server serves all flows that cross it together.
type Server struct {
	Name string
	// Service is what all flows together get at least. Blind multiplexing takes it as
	// a strict service curve: it holds over every interval in which something waits.
	Service Service
	// Capacity is the rate of the line behind the server; nil means not known.
	Capacity *big.Rat
}

// Flow is a flow of data.
type Flow struct {
	Name string
	// Path has the names of the servers that it crosses, in order, each at most once.
	Path    []string
	Arrival Arrival
	// MaxPacket and MinPacket are packet lengths; nil means not known.
	MaxPacket, MinPacket *big.Rat
	// BranchOf is the name of the multicast flow of which this is a further branch.
	// A branch counts as a flow of its own on all its path, also where the two are one:
	// bounds stay bounds, and get larger.
	BranchOf string
}

// ErrCyclic and ErrOverload are the two kinds of network that have no bounds here.
// Errors that wrap them name the servers.
var (
	ErrCyclic   = errors.New("the servers depend on each other in a cycle")
	ErrOverload = errors.New("more arrives than can be served")
)

// WithoutBranches returns the network without the further branches of multicast flows.
func (n Network) WithoutBranches() Network {
	n.Flows = slices.DeleteFunc(slices.Clone(n.Flows), func(f Flow) bool { return f.BranchOf != "" })
	return n
}

// Check returns all errors of the network, joined: names that are missing, unknown or
// used twice, curves that are missing, lengths and capacities that make no sense, a
// cycle ([ErrCyclic]) and servers whose flows have a greater rate than their service
// ([ErrOverload]). Equal rates are no error.
func (n Network) Check() error {
	_, err := compile(n)
	return err
}

// A system is a checked network in numbers.
type system struct {
	Network
	path  [][]int // of a flow
	place [][]int // of a flow and server: position on its path, or -1
	at    [][]int // flows at a server, increasing
	order []int   // servers, each behind all from which flows come to it
}

func compile(n Network) (*system, error) {
	s := &system{Network: n, at: make([][]int, len(n.Servers))}
	var all []error
	fail := func(format string, args ...any) { all = append(all, fmt.Errorf("calculus: "+format, args...)) }

	index := map[string]int{}
	for i, v := range n.Servers {
		if _, twice := index[v.Name]; twice || v.Name == "" {
			fail("server %d: the name %q is empty or used twice", i, v.Name)
		}
		index[v.Name] = i
		if len(v.Service.pieces) == 0 {
			fail("server %q has no service curve", v.Name)
		}
		if v.Capacity != nil && v.Capacity.Cmp(v.Service.Rate()) < 0 {
			fail("server %q: its line of rate %s is slower than its service of rate %s", v.Name, v.Capacity.RatString(), v.Service.Rate().RatString())
		}
	}
	names := map[string]bool{}
	for i, f := range n.Flows {
		if names[f.Name] || f.Name == "" {
			fail("flow %d: the name %q is empty or used twice", i, f.Name)
		}
		names[f.Name] = true
		if _, bounded := f.Arrival.Rate(); !bounded {
			fail("flow %q has no arrival curve", f.Name)
		}
		if len(f.Path) == 0 {
			fail("flow %q has no path", f.Name)
		}
		switch {
		case f.MaxPacket != nil && f.MaxPacket.Sign() <= 0, f.MinPacket != nil && f.MinPacket.Sign() < 0:
			fail("flow %q: packet lengths must be positive", f.Name)
		case f.MaxPacket != nil && f.MinPacket != nil && f.MaxPacket.Cmp(f.MinPacket) < 0:
			fail("flow %q: its longest packet of %s is shorter than its shortest of %s", f.Name, f.MaxPacket.RatString(), f.MinPacket.RatString())
		case n.Packetizer && f.MaxPacket == nil:
			fail("flow %q: a network with packetizers needs its greatest packet length", f.Name)
		}
		place := slices.Repeat([]int{-1}, len(n.Servers))
		var path []int
		for _, name := range f.Path {
			v, known := index[name]
			if !known {
				fail("flow %q crosses %q, which is no server", f.Name, name)
				continue
			}
			if place[v] >= 0 {
				fail("flow %q crosses server %q twice: %w", f.Name, name, ErrCyclic)
				continue
			}
			place[v] = len(path)
			path = append(path, v)
			s.at[v] = append(s.at[v], i)
		}
		s.path, s.place = append(s.path, path), append(s.place, place)
	}
	if all != nil {
		return nil, errors.Join(all...)
	}

	for v, flows := range s.at {
		if rate := s.rate(v); rate.Cmp(n.Servers[v].Service.Rate()) > 0 {
			var who []string
			for _, f := range flows {
				who = append(who, n.Flows[f].Name)
			}
			fail("server %q: flows %s with a rate of %s together, a service of rate %s: %w",
				n.Servers[v].Name, strings.Join(who, ", "), rate.RatString(), n.Servers[v].Service.Rate().RatString(), ErrOverload)
		}
	}
	if cycle := s.sort(); cycle != nil {
		fail("servers %s: %w; break it by other paths, or by regulators", strings.Join(cycle, " > "), ErrCyclic)
	}
	return s, errors.Join(all...)
}

// rate returns the long-term rate of all flows at a server.
func (s *system) rate(server int) *big.Rat {
	sum := new(big.Rat)
	for _, f := range s.at[server] {
		rate, _ := s.Flows[f].Arrival.Rate()
		sum.Add(sum, rate)
	}
	return sum
}

// before returns the server that a flow crosses just before the given one, or -1.
func (s *system) before(flow, server int) int {
	if i := s.place[flow][server]; i > 0 {
		return s.path[flow][i-1]
	}
	return -1
}

// follows tells whether the flow goes straight from one server to the other.
func (s *system) follows(flow, from, to int) bool { return s.before(flow, to) == from }

// sort fills order. It returns the names of the servers of a cycle, if there is one.
func (s *system) sort() (cycle []string) {
	const (
		fresh = iota
		open
		done
	)
	state := make([]int, len(s.Servers))
	var trail []int
	var visit func(v int) bool
	visit = func(v int) bool {
		switch state[v] {
		case done:
			return true
		case open:
			for _, w := range append(trail[slices.Index(trail, v):], v) {
				cycle = append(cycle, s.Servers[w].Name)
			}
			slices.Reverse(cycle) // the trail goes against the flows
			return false
		}
		state[v] = open
		trail = append(trail, v)
		for _, f := range s.at[v] {
			if u := s.before(f, v); u >= 0 && !visit(u) {
				return false
			}
		}
		trail = trail[:len(trail)-1]
		state[v] = done
		s.order = append(s.order, v)
		return true
	}
	for v := range s.Servers {
		if !visit(v) {
			return cycle
		}
	}
	return nil
}
