package network

import (
	"slices"

	"suspect/model"
)

// Bursts are losses in slots of time. The slots are a Markov chain of two states, of which
// the bad one takes the share Bad of the time and lasts Mean slots on average, at least
// 1/(1-Bad).
type Bursts struct {
	Slot      model.Duration
	Bad, Loss float64 // Loss is that of a packet in a bad slot
	Mean      float64
}

// memory returns by how much the chances of the next slot depend on the present one, from 0
// to 1: 1 - P(good to bad) - P(bad to good).
func (b *Bursts) memory() float64 {
	toGood := 1 / b.Mean
	toBad := float64(toGood*b.Bad) / (1 - b.Bad)
	return max(0, 1-toBad-toGood)
}

// burstState is the chain of one direction of a link. It moves when a packet comes, over all
// slots since the last one at once: with k of them between, the next is bad with probability
//
//	Bad + (s - Bad) memory^k, where s is 1 if the last was bad, and 0 if not.
type burstState struct {
	Bursts
	slot int64 // of the last packet, since the beginning of the run, or -1
	bad  bool
}

// LoseInBursts makes link l lose packets in bursts, until LoseNoBursts with the same value.
// Of several that are in force each may lose a packet.
func (n *Network) LoseInBursts(l LinkID, b Bursts) {
	f := n.impair(l)
	f.bursts = append(f.bursts, burstState{Bursts: b, slot: -1})
	n.updateInspected(l)
	n.emitLink(model.LinkChanged, l)
}

// LoseNoBursts takes one LoseInBursts back.
func (n *Network) LoseNoBursts(l LinkID, b Bursts) {
	f := n.impair(l)
	i := slices.IndexFunc(f.bursts, func(s burstState) bool { return s.Bursts == b })
	if i < 0 {
		panic("network: bursts are taken back that are not in force")
	}
	f.bursts = slices.Delete(f.bursts, i, i+1)
	n.updateInspected(l)
	n.emitLink(model.LinkChanged, l)
}

// lostInBurst draws whether a packet that comes now is lost in a burst.
func (f *impaired) lostInBurst(now model.Time) (lost bool) {
	for i := range f.bursts {
		s := &f.bursts[i]
		if slot := int64(now) / int64(s.Slot); slot != s.slot {
			bad := s.Bad
			if s.slot >= 0 {
				was := 0.0
				if s.bad {
					was = 1
				}
				bad += float64((was - s.Bad) * power(s.memory(), slot-s.slot))
			}
			s.slot, s.bad = slot, f.stream.Chance(bad)
		}
		// The draw is made in either state, so that streams stay aligned.
		if f.stream.Chance(s.Loss) && s.bad {
			lost = true
		}
	}
	return lost
}

// power returns x^k for k >= 0, by squaring.
func power(x float64, k int64) float64 {
	p := 1.0
	for ; k > 0; k >>= 1 {
		if k&1 == 1 {
			p = float64(p * x)
		}
		x = float64(x * x)
	}
	return p
}
