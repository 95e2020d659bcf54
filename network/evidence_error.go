package network

import "suspect/model"

// A switch that has no way for a packet tells its sender: that the destination is unreachable,
// if it has no route, or one over a link that it knows to be down; or that the time of the
// packet was exceeded, if it crossed as many links as it may (RFC 792, RFC 1812 section 5.2.7).
// It does not tell about evidence, nor about what switches tell their neighbours, and not more
// often than a token bucket allows (RFC 1812, section 4.3.2.8; Linux: icmp_msgs_per_sec 1000
// and icmp_msgs_burst 50).
//
// Obituaries tell of every drop at a switch: of a full queue, a rule or an overload too. What
// was on a link that went down, or in a switch that crashed, was lost without a witness, and
// of what was corrupted the sender is not known. A host is not told by packets of what its own
// interface drops.

// errorMeter is the token bucket of a switch, in the form of its virtual schedule: full is
// the time at which it will be full (the generic cell rate algorithm, ITU-T I.371).
type errorMeter struct{ full model.Time }

// allow takes a token, if there is one.
func (m *errorMeter) allow(now model.Time, burst int, every model.Duration) bool {
	full := max(m.full, now).Add(every)
	if (full.Sub(now)+every-1)/every > model.Duration(burst) {
		return false
	}
	m.full = full
	return true
}

// tellDrop tells the sender of packet i that it is dropped at link l, if a switch knows.
func (n *Network) tellDrop(i int32, l LinkID, cause model.DropCause) {
	x := &n.pool.packets[i]
	f := n.informants
	at, to := n.topology.Ends(l)
	place := model.LinkPlace(int32(l))
	switch cause {
	case model.BufferFull:
		f.links[l].lost++
	case model.LinkDown:
		if f.links[l^1].seen {
			return
		}
	case model.NoRoute, model.HopLimit, model.RuleDrop, model.Overload:
		at = to // l is where it came from
		place = model.NodePlace(model.ProcessID(at))
	default:
		return
	}
	neighbourly := x.flags&(isTraffic|isControl) == isTraffic|isControl
	if !n.isSwitch(at) || n.isSwitch(x.from) || x.evidence != model.NoEvidence || neighbourly {
		return
	}
	flags := uint8(isControl)
	if x.flags&isTraffic != 0 {
		flags |= isTraffic
	}
	sender := askerOf(x)
	e := model.Evidence{
		From: model.ProcessID(at), About: model.ProcessID(x.to), Layer: model.SwitchLayer, Cause: cause, Place: place, Seq: x.seq,
	}
	if f.Errors > 0 && (cause == model.NoRoute || cause == model.LinkDown || cause == model.HopLimit) &&
		n.agentOf(at).errors.allow(n.kernel.Now(), f.Errors, f.ErrorEvery) {
		icmp := e
		icmp.Kind = model.Unreachable
		if cause == model.HopLimit {
			icmp.Kind = model.TimeExceeded
		}
		n.sendEvidence(at, model.SwitchLayer, sender, &icmp, flags)
	}
	if f.Obituaries {
		e.Kind = model.Obituary
		n.sendEvidence(at, model.SwitchLayer, sender, &e, flags)
	}
}
