package network

import (
	"suspect/model"
	"suspect/sim"
)

// controlPlane is the routing process of one switch: a deterministic step function of
// the time and of what happens to it, as an automaton is of a host's. It knows no kernel.
type controlPlane interface {
	// step takes an input and appends to out what the switch does about it. It may be
	// called early for a wake-up.
	step(now model.Time, in *controlInput, out *controlOutput)
}

// controlInput is what happens to a control plane.
type controlInput struct {
	kind    controlKind
	port    int32          // of arrived and carrierChanged
	packet  *controlPacket // of arrived; not to be changed
	carrier bool           // of carrierChanged: there is one
	claim   localClaim     // of claimed and withdrawn
}

type controlKind uint8

const (
	wakened controlKind = iota
	booted              // the first input
	arrived
	carrierChanged
	claimed   // by mistake, the switch begins to announce a host
	withdrawn // and ceases to
)

// controlOutput is what a control plane does in a step.
type controlOutput struct {
	send   []controlSend
	routes []routeChange // of a link-state router
	links  []linkChange  // of its view of the network
	tree   bool          // of a bridge: a port began or ceased to forward
	wake   model.Time
}

func (o *controlOutput) reset() {
	o.send, o.routes, o.links, o.tree = o.send[:0], o.routes[:0], o.links[:0], false
}

// controlSend is a packet that leaves by a port.
type controlSend struct {
	port   int32
	packet *controlPacket
}

// routeChange is the set of equal next hops to a node from now on, which are not to be changed.
// It may be the same as before.
type routeChange struct {
	to   NodeID
	next []LinkID
}

// linkChange tells that a router's view of the network holds a link to be alive, or not.
type linkChange struct {
	link  LinkID // the direction that leaves the router which told it
	alive bool
}

// controlPacket is a packet of a routing protocol, which is immutable and may be shared.
type controlPacket struct {
	kind  packetKind
	bytes int32 // the payload of the frame

	heard bool // hello: of the neighbour, a Hello came within the dead interval

	lsas []*lsa    // update
	acks []lsaName // acknowledgement

	session bfdState // bfd
	every   model.Duration

	config bpdu
}

type packetKind uint8

const (
	helloPacket packetKind = iota
	updatePacket
	ackPacket
	bfdPacket
	configPacket
)

// fabric is the map of the switches and their ports, which all of them share. Switches
// are numbered from 0 on.
type fabric struct {
	hosts    int
	switches [][]switchPort // in the order of their links
	port     []int32        // by LinkID: the port that the link leaves, at its switch
}

// switchPort is a port of a switch.
type switchPort struct {
	link LinkID // that leaves it
	to   NodeID // at the other end
	peer int32  // the number of the switch there, or -1 for a host
	cost int64  // of IEEE 802.1D
}

func newFabric(t *Topology) *fabric {
	f := &fabric{hosts: t.Hosts, switches: make([][]switchPort, len(t.Names)-t.Hosts), port: make([]int32, 2*len(t.Links))}
	for i := range f.port {
		from, to := t.Ends(LinkID(i))
		if int(from) < t.Hosts {
			continue
		}
		s := &f.switches[int(from)-t.Hosts]
		f.port[i] = int32(len(*s))
		link := &t.Links[i/2]
		*s = append(*s, switchPort{
			link: LinkID(i), to: to, peer: max(int32(to)-int32(t.Hosts), -1), cost: pathCost(min(link.AtoB.Rate, link.BtoA.Rate)),
		})
	}
	return f
}

// nodes returns the number of hosts and switches.
func (f *fabric) nodes() int { return f.hosts + len(f.switches) }

// dice is where a control plane draws from.
type dice interface{ IntN(n int) int }

var _ dice = (*sim.Stream)(nil)

// claim is the announcement of a host.
type claim struct {
	host     NodeID
	metric   int32
	specific bool // as if by a longer prefix, which goes before any metric
}

// localClaim is a false one, with the link on which the switch that makes it sends the
// packets that it attracts, or noLink.
type localClaim struct {
	claim
	via LinkID
}
