package network

import (
	"suspect/model"
	"suspect/sim"
)

// BitRate is a rate in bits per second.
type BitRate int64

// Units of rate.
const (
	Kbps BitRate = 1000
	Mbps         = 1000 * Kbps
	Gbps         = 1000 * Mbps
)

// NodeID names a node of a topology. The hosts come first, so that the host of
// process p is node p.
type NodeID int32

// LinkID names one direction of a link: 2i is the direction from A to B of link i
// of the topology, 2i+1 the one from B to A.
type LinkID int32

// Topology is a graph of hosts and switches. A host has exactly one link, to a
// switch or to another host.
type Topology struct {
	Names []string // of the nodes, without repetition
	Hosts int      // nodes 0..Hosts-1 are hosts, the others switches
	Links []Link
}

// Link is a full-duplex link: two directions that share nothing but their fate.
type Link struct {
	A, B       NodeID
	AtoB, BtoA LinkConfig
}

// LinkConfig describes one direction of a link, with the output queue that feeds
// it.
type LinkConfig struct {
	Rate  BitRate
	Delay model.Duration // propagation

	// Jitter is added to the delay of each packet, independently. Packets of a
	// link with jitter may overtake each other.
	Jitter sim.Distribution

	// Replay adds recorded delays and losses. A link with it has no jitter.
	Replay Replay

	Loss   Loss
	Buffer Buffer
}

// Buffer limits the packets that wait in an output queue, for each priority by
// itself; the packet in transmission does not count. Zero is no limit.
type Buffer struct {
	Packets int32
	Bytes   int64 // on the wire
}

// Loss is how a link loses packets. The zero value loses none.
type Loss struct {
	// Good and Bad are the probabilities of loss in the two states of a
	// Gilbert-Elliott channel (Gilbert 1960, Elliott 1963); GoodToBad and
	// BadToGood are the probabilities to change state, drawn before each
	// packet. Independent loss is a channel that stays in the good state.
	Good, Bad            float64
	GoodToBad, BadToGood float64
}

// IndependentLoss returns a channel that loses each packet with probability p.
func IndependentLoss(p float64) Loss { return Loss{Good: p} }

// Framing tells what a packet occupies on a link.
type Framing uint8

const (
	// Ethernet adds to the payload an Ethernet header (14 bytes), an 802.1Q tag
	// (4) and a frame check sequence (4), pads the frame to 64 bytes, and counts
	// preamble (8) and interpacket gap (12): 1500 bytes of payload take 1542.
	Ethernet Framing = iota
	// Bare counts the payload alone.
	Bare
)

// Graph returns the map of t: its nodes and links have the numbers that they have in t.
func (t *Topology) Graph() *model.Graph {
	g := &model.Graph{Nodes: len(t.Names), Hosts: t.Hosts, Links: make([][2]model.ProcessID, len(t.Links))}
	for i := range t.Links {
		g.Links[i] = [2]model.ProcessID{model.ProcessID(t.Links[i].A), model.ProcessID(t.Links[i].B)}
	}
	return g
}
