package network

import (
	"fmt"
	"slices"

	"suspect/model"
	"suspect/sim"
)

// impaired is what the faults in force do to one direction of a link, beside holding it
// down and making it lose packets.
type impaired struct {
	silent  int32 // faults of an interface at either end that lets nothing through
	slow    []int64
	bursts  []burstState
	corrupt []float64
	mangle  []float64
	late    []Lateness
	double  []Doubling
	stream  *sim.Stream // of what becomes of each packet
	held    heldPackets // that are late, or second copies
}

// impair returns the impairments of link l.
func (n *Network) impair(l LinkID) *impaired {
	if n.impaired[l] == nil {
		n.impaired[l] = &impaired{stream: n.kernel.Stream(n.linkName(l) + "/impaired")}
	}
	return n.impaired[l]
}

// updateInspected decides whether a fault looks at what link l brings to its far end.
func (n *Network) updateInspected(l LinkID) {
	p, f := &n.ports[l], n.impaired[l]
	p.flags &^= portInspected
	if f != nil && (f.silent != 0 || len(f.bursts) != 0 || len(f.corrupt) != 0 || len(f.mangle) != 0 || len(f.late) != 0 || len(f.double) != 0) ||
		int(p.to) >= n.topology.Hosts && (n.switchDown[int(p.to)-n.topology.Hosts] != 0 || n.rules.any(p.to) || n.hasSlowPath(p.to)) {
		p.flags |= portInspected
	}
}

// inspect tells whether packet i, which comes to the far end of link l, gets no further
// for now or for ever.
func (n *Network) inspect(l LinkID, p *port, i int32) bool {
	if f := n.impaired[l]; f != nil {
		// The draws are made in any case, so that streams stay aligned.
		lost := f.lostInBurst(n.kernel.Now())
		corrupted := f.corrupted()
		late := f.delayed()
		switch {
		case f.silent != 0:
			n.drop(i, l, model.InterfaceFault)
			return true
		case lost:
			n.drop(i, l, model.LinkLoss)
			return true
		case corrupted, n.mangled(f, i):
			n.drop(i, l, model.Corrupted)
			return true
		}
		n.double(l, f, i)
		if late > 0 {
			n.hold(l, i, late)
			return true
		}
	}
	return n.refuses(l, p, i) || n.takesSlowPath(l, i)
}

// refuses tells whether the switch at the far end of link l drops packet i on arrival.
func (n *Network) refuses(l LinkID, p *port, i int32) bool {
	if int(p.to) < n.topology.Hosts {
		return false
	}
	x := &n.pool.packets[i]
	cause := model.NotDropped
	switch {
	case n.switchDown[int(p.to)-n.topology.Hosts] != 0:
		cause = model.SwitchDown
	default:
		if p.flags&portHeard != 0 {
			n.hear(l, i)
		}
		if !n.rules.forbid(p.to, x) {
			return false
		}
		cause = model.RuleDrop
	}
	if n.kernel.Records.Wants(model.Hopped) {
		n.emit(model.Hopped, x, l, 0)
	}
	n.drop(i, l, cause)
	return true
}

// SetSilent makes the interface at one end of link l lose all that the link brings, or
// takes back one such call. The link stays up.
func (n *Network) SetSilent(l LinkID, silent bool) {
	f := n.impair(l)
	before := f.silent != 0
	if silent {
		f.silent++
	} else if f.silent--; f.silent < 0 {
		panic(fmt.Sprintf("network: link %d is heard again more often than it fell silent", l))
	}
	n.updateInspected(l)
	if before != (f.silent != 0) {
		n.emitLink(model.LinkChanged, l)
	}
}

// SlowLink makes link l transmit at its rate divided by the divisor, above 0, but at
// least at one bit per second, until FastenLink with the same divisor. Of several that
// are in force the largest counts. A packet in transmission goes on as it began.
func (n *Network) SlowLink(l LinkID, divisor int64) {
	f := n.impair(l)
	f.slow = append(f.slow, divisor)
	n.updateRate(l)
}

// FastenLink takes one SlowLink back.
func (n *Network) FastenLink(l LinkID, divisor int64) {
	f := n.impair(l)
	f.slow = without(f.slow, divisor)
	n.updateRate(l)
}

func (n *Network) updateRate(l LinkID) {
	link := &n.topology.Links[l/2]
	rate := link.AtoB.Rate
	if l%2 == 1 {
		rate = link.BtoA.Rate
	}
	if slow := n.impaired[l].slow; len(slow) > 0 {
		rate = max(rate/BitRate(slices.Max(slow)), 1)
	}
	if rate == n.rates[l] {
		return
	}
	if p := &n.ports[l]; p.waiting != 0 && p.flags&portTwoEvent == 0 {
		n.settle(l, p)
	}
	n.setRate(l, rate)
	n.emitLink(model.LinkChanged, l)
}

// Corrupt makes link l change bits of a packet with the given probability, by which its
// checksum fails at the far end, until Mend with the same one. Of several that are in
// force each may do so.
func (n *Network) Corrupt(l LinkID, probability float64) {
	f := n.impair(l)
	f.corrupt = append(f.corrupt, probability)
	n.updateInspected(l)
	n.emitLink(model.LinkChanged, l)
}

// Mend takes one Corrupt back.
func (n *Network) Mend(l LinkID, probability float64) {
	f := n.impair(l)
	f.corrupt = without(f.corrupt, probability)
	n.updateInspected(l)
	n.emitLink(model.LinkChanged, l)
}

// corrupted draws whether bits of a packet change.
func (f *impaired) corrupted() (changed bool) {
	for _, probability := range f.corrupt {
		if f.stream.Chance(probability) {
			changed = true
		}
	}
	return changed
}

// without returns s without one of its elements that equal x, of which there is one.
func without[T comparable](s []T, x T) []T {
	i := slices.Index(s, x)
	if i < 0 {
		panic(fmt.Sprintf("network: %v is taken back, which is not in force", x))
	}
	return slices.Delete(s, i, i+1)
}
