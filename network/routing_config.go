package network

import (
	"fmt"

	"suspect/model"
)

// Routing is how the switches of a network come to their routes.
type Routing struct {
	Use Protocol

	// Carrier is how long a switch takes to see that one of its links is dead, or works
	// again, where it can see it at all (see [Network.Carrier]). [model.Forever]: never.
	// Static routes do not look.
	Carrier model.Duration

	LinkState    LinkState
	SpanningTree SpanningTree
}

// Protocol is the kind of routing.
type Protocol uint8

const (
	// Static routes are the shortest paths of the fault-free topology, and stay.
	Static Protocol = iota
	// LinkStateRouting is a link-state protocol with the mechanisms of OSPF.
	LinkStateRouting
	// SpanningTreeBridging forwards along one tree, which the switches agree upon by IEEE
	// 802.1D.
	SpanningTreeBridging
	// FailureCarrying routes are static, and packets carry the failed links that they met.
	FailureCarrying
	protocols
)

var protocolNames = [protocols]string{"static", "link-state", "spanning-tree", "failure-carrying"}

// String returns the name used in scenarios.
func (p Protocol) String() string {
	if p >= protocols {
		return fmt.Sprintf("protocol(%d)", uint8(p))
	}
	return protocolNames[p]
}

// Protocols returns all of them.
func Protocols() []Protocol {
	return []Protocol{Static, LinkStateRouting, SpanningTreeBridging, FailureCarrying}
}

// DefaultRouting returns the routing of the given kind with customary times: those of
// RFC 2328 and of IEEE 802.1D, and a carrier that is seen to be lost within 10 ms.
func DefaultRouting(p Protocol) Routing {
	r := Routing{Use: p}
	if p != Static {
		r.Carrier = 10 * model.Millisecond
	}
	switch p {
	case LinkStateRouting:
		r.LinkState = LinkState{
			Hello: 10 * model.Second, Dead: 40 * model.Second,
			Retransmit: 5 * model.Second, LSAInterval: 5 * model.Second, LSAArrival: model.Second,
			SPFDelay: 5 * model.Second, SPFHold: 10 * model.Second, SPFMaxHold: 10 * model.Second,
			FIBBase: 50 * model.Millisecond, FIBPerHost: 100 * model.Microsecond,
		}
	case SpanningTreeBridging:
		r.SpanningTree = SpanningTree{Hello: 2 * model.Second, MaxAge: 20 * model.Second, ForwardDelay: 15 * model.Second}
	}
	return r
}

// LinkState are the times of link-state routing (RFC 2328, appendix C, unless another
// source is named).
type LinkState struct {
	Hello model.Duration // HelloInterval
	Dead  model.Duration // RouterDeadInterval

	// BFD is the transmit interval of RFC 5880, and BFDMultiplier the number of packets in
	// a row that must be missed. An interval of 0 is none.
	BFD           model.Duration
	BFDMultiplier int64

	Retransmit  model.Duration // RxmtInterval
	LSAInterval model.Duration // MinLSInterval
	LSAArrival  model.Duration // MinLSArrival

	// SPFDelay is the time from a change of the database to the computation of the routes,
	// and SPFHold the least time between two computations. It doubles up to SPFMaxHold
	// each time that a change comes within it.
	SPFDelay, SPFHold, SPFMaxHold model.Duration

	// New routes are in force FIBBase after their computation, and one host after the
	// other, FIBPerHost each.
	FIBBase, FIBPerHost model.Duration
}

// SpanningTree are the times of IEEE 802.1D-1998, section 8.10.
type SpanningTree struct {
	Hello        model.Duration // Bridge Hello Time
	MaxAge       model.Duration // Bridge Max Age
	ForwardDelay model.Duration // Bridge Forward Delay, spent in each of two states
	Root         NodeID         // the switch of the best priority; 0: the first switch
}

// Validate returns everything that is wrong with r. Of a time that is out of range it is a
// [*model.ParamError] with the name that the time has in scenarios.
func (r *Routing) Validate() []error {
	const longest = 24 * model.Hour
	var errs []error
	between := func(name string, d, low, high model.Duration) {
		if d < low || d > high {
			errs = append(errs, &model.ParamError{Name: name, Err: fmt.Errorf("%v is out of range: from %v to %v", d, low, high)})
		}
	}
	longer := func(name string, d, hello model.Duration) {
		if d <= hello {
			errs = append(errs, &model.ParamError{Name: name, Err: fmt.Errorf("%v is not longer than hello, %v", d, hello)})
			return
		}
		between(name, d, 0, longest)
	}
	if r.Use >= protocols {
		errs = append(errs, fmt.Errorf("%v is no kind of routing", r.Use))
	}
	if r.Use != Static && r.Carrier != model.Forever {
		between("carrier", r.Carrier, 0, longest)
	}
	switch r.Use {
	case LinkStateRouting:
		c := &r.LinkState
		between("hello", c.Hello, model.Millisecond, longest)
		longer("dead", c.Dead, c.Hello)
		if c.BFD != 0 {
			between("bfd.interval", c.BFD, model.Millisecond, model.Minute)
			if c.BFDMultiplier < 1 || c.BFDMultiplier > 255 {
				errs = append(errs, &model.ParamError{Name: "bfd.multiplier", Err: fmt.Errorf("%d is out of range: from 1 to 255", c.BFDMultiplier)})
			}
		}
		between("retransmit", c.Retransmit, model.Millisecond, longest)
		between("lsa.interval", c.LSAInterval, 0, longest)
		between("lsa.arrival", c.LSAArrival, 0, longest)
		between("spf.delay", c.SPFDelay, 0, longest)
		between("spf.hold", c.SPFHold, 0, longest)
		between("spf.max_hold", c.SPFMaxHold, c.SPFHold, longest)
		between("fib.base", c.FIBBase, 0, longest)
		between("fib.per_host", c.FIBPerHost, 0, model.Minute)
	case SpanningTreeBridging:
		c := &r.SpanningTree
		between("hello", c.Hello, model.Millisecond, longest)
		longer("max_age", c.MaxAge, c.Hello)
		between("forward_delay", c.ForwardDelay, 0, longest)
	}
	return errs
}
