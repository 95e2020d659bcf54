package network

import "suspect/model"

// Mangle makes the device at the far end of link l change bits of what a message says, with
// the given probability, until Unmangle with the same one. Of several that are in force each
// may do so. The change is one that the Internet checksum (RFC 1071) does not tell: one bit
// of a 16-bit word is set, and the bit at the same place of another word, which was set, is
// cleared. Each such change is as likely as any other.
//
// The words are those of the fields Seq, Arg, Kind and Tag. A message with a body, evidence,
// or one that has no such change, as where all words are equal, is dropped as
// [model.Corrupted]: bodies are values of Go, of which bits cannot change; they stand for
// encodings with a check of their own. What the packet is sent by (its addresses, its class
// and its panel) stays as it is, since it would be another packet otherwise.
func (n *Network) Mangle(l LinkID, probability float64) {
	f := n.impair(l)
	f.mangle = append(f.mangle, probability)
	n.updateInspected(l)
	n.emitLink(model.LinkChanged, l)
}

// Unmangle takes one Mangle back.
func (n *Network) Unmangle(l LinkID, probability float64) {
	f := n.impair(l)
	f.mangle = without(f.mangle, probability)
	n.updateInspected(l)
	n.emitLink(model.LinkChanged, l)
}

// Mangles tells whether link l brings messages with changes that no checksum tells.
func (n *Network) Mangles(l LinkID) bool {
	f := n.impaired[l]
	return f != nil && len(f.mangle) != 0
}

// mangled changes packet i if it is drawn to be, and tells whether that was noticed.
func (n *Network) mangled(f *impaired, i int32) (noticed bool) {
	for _, probability := range f.mangle {
		if f.stream.Chance(probability) && n.pool.packets[i].flags&isTraffic == 0 && !noticed {
			noticed = !n.pool.mangle(i, f.stream.IntN)
		}
	}
	return noticed
}

// payload are the 16-bit words of what a message says, in the order of Seq, Arg, Kind and
// Tag, each with its highest bits first.
type payload [9]uint16

func (o *pool) payload(i int32) (w payload) {
	x, arg := &o.packets[i], int64(0)
	if x.flags&hasExtra != 0 {
		arg = o.extra[i].arg
	}
	for k := range 4 {
		w[k], w[4+k] = uint16(uint64(x.seq)>>(48-16*k)), uint16(uint64(arg)>>(48-16*k))
	}
	w[8] = uint16(x.kind)<<8 | uint16(x.tag)
	return w
}

func (o *pool) setPayload(i int32, w payload) {
	var seq, arg uint64
	for k := range 4 {
		seq, arg = seq<<16|uint64(w[k]), arg<<16|uint64(w[4+k])
	}
	x := &o.packets[i]
	x.seq, x.kind, x.tag = int64(seq), uint8(w[8]>>8), uint8(w[8])
	switch {
	case x.flags&hasExtra != 0:
		o.extra[i].arg = int64(arg)
	case arg != 0:
		o.setExtra(i, extra{arg: int64(arg)})
	}
}

// mangle changes packet i as [Network.Mangle] says, and tells whether nobody notices.
func (o *pool) mangle(i int32, intN func(int) int) bool {
	if o.packets[i].flags&hasExtra != 0 && (o.extra[i].body != nil || o.extra[i].evidence != nil) {
		return false
	}
	w := o.payload(i)
	if !w.change(intN) {
		return false
	}
	o.setPayload(i, w)
	return true
}

// change moves a bit from a word that has it to one that lacks it, if there is such a pair.
func (w *payload) change(intN func(int) int) bool {
	var moves [16]int // by the bit: the pairs of a word that has it and one that lacks it
	all := 0
	for bit := range moves {
		have := 0
		for _, word := range w {
			have += int(word >> bit & 1)
		}
		moves[bit] = have * (len(w) - have)
		all += moves[bit]
	}
	if all == 0 {
		return false
	}
	left := intN(all)
	bit := 0
	for left >= moves[bit] {
		left -= moves[bit]
		bit++
	}
	for from := range w {
		for to := range w {
			if w[from]>>bit&1 == 1 && w[to]>>bit&1 == 0 {
				if left == 0 {
					w[from] &^= 1 << bit
					w[to] |= 1 << bit
					return true
				}
				left--
			}
		}
	}
	panic("unreachable: every pair was counted")
}
