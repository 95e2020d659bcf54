package network

import (
	"suspect/model"
	"suspect/sim"
)

// Doubling makes some packets come twice, each by itself.
type Doubling struct {
	Probability float64
	Lag         sim.Distribution // of the second copy, behind the first one
}

// DoubleSome makes packets come twice at the far end of link l until SingleAgain with the
// same value. Of several that are in force each may double a packet. What the link or its
// interfaces lose is not doubled; the second copy meets none of their other faults.
func (n *Network) DoubleSome(l LinkID, some Doubling) {
	f := n.impair(l)
	n.canHold(l, f)
	f.double = append(f.double, some)
	n.updateInspected(l)
	n.emitLink(model.LinkChanged, l)
}

// SingleAgain takes one DoubleSome back. A second copy that is on its way comes when it was
// to come.
func (n *Network) SingleAgain(l LinkID, some Doubling) {
	f := n.impair(l)
	f.double = without(f.double, some)
	n.updateInspected(l)
	n.emitLink(model.LinkChanged, l)
}

// double draws whether packet i comes twice over link l, and keeps its copies.
func (n *Network) double(l LinkID, f *impaired, i int32) {
	for _, some := range f.double {
		if f.stream.Chance(some.Probability) {
			lag := some.Lag.Sample(f.stream)
			n.hold(l, n.copy(l, i), lag)
		}
	}
}

// copy makes a second copy of packet i, with a number of its own, at the far end of link l.
func (n *Network) copy(l LinkID, i int32) int32 {
	j := n.pool.get()
	x := &n.pool.packets[j]
	*x = n.pool.packets[i]
	if x.flags&hasExtra != 0 {
		n.pool.setExtra(j, n.pool.extra[i])
	}
	n.duplicated++
	x.number = n.sent + n.duplicated
	if n.kernel.Records.Wants(model.Duplicated) {
		seq := x.seq
		x.seq = int64(n.pool.packets[i].number) // which the record tells
		n.emit(model.Duplicated, x, l, model.NotDropped)
		x.seq = seq
	}
	return j
}
