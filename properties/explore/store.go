package explore

import (
	"math/bits"
	"slices"
)

// The store is split into shards by the hash of a state, so that workers can insert at
// once, each into shards of its own. The number of shards does not depend on the number
// of workers: the n-th state of a shard is the same one whoever put it there.
const (
	shardBits = 6
	shards    = 1 << shardBits

	// A slot has 24 bits for the number of a state in its shard.
	localBits = 24
	maxLocal  = 1<<localBits - 1
)

// stateID names a visited state: the shard, and its number there.
type stateID uint32

const noState stateID = 1<<32 - 1

func idOf(shard, local int) stateID { return stateID(shard<<localBits | local) }

func (id stateID) shard() int { return int(id >> localBits) }
func (id stateID) local() int { return int(id & maxLocal) }

// store holds the visited states. Of a state of one or two words it keeps the words,
// so that nothing is ever taken for something else. Of a wider one it keeps a hash of
// 128 bits, and the words as long as they are needed.
type store struct {
	words  int // of a state
	key    int // words of a key: min(words, 2)
	shards [shards]shard
}

// shard is one hash table with open addressing and linear probing.
type shard struct {
	slots   []uint32 // 8 bits of the hash, and 1 + the number of the state; 0 is free
	n       int
	keys    []uint64
	parents []stateID

	// Of states whose words are not their keys: those from number wideFrom on.
	wide     []uint64
	wideFrom int
}

func newStore(words int) *store {
	s := &store{words: words, key: min(words, 2)}
	for i := range s.shards {
		s.shards[i].slots = make([]uint32, 16)
	}
	return s
}

// Odd constants without structure: fractional bits of the square roots of 2, 3, 5, 7.
const (
	mix0 = 0x6a09e667f3bcc909
	mix1 = 0xbb67ae8584caa73b
	mix2 = 0x3c6ef372fe94f82b
	mix3 = 0xa54ff53a5f1d36f1
)

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// hash1 and hash2 place a key. Their upper bits choose the shard, the lower ones the
// slot, and those between are the tag.
func hash1(a uint64) uint64 {
	a *= mix0
	a ^= a >> 32
	a *= mix3
	return a ^ a>>29
}

func hash2(a, b uint64) uint64 { return hash1(a ^ bits.RotateLeft64(b*mix1, 31)) }

// wideKey is the hash of 128 bits of a state. Each lane takes in every word by a step
// that is invertible, as sim.Hash does, so that two states that differ in one word
// alone never collide.
func wideKey(state []uint64) (a, b uint64) {
	a, b = mix2, mix3
	for _, w := range state {
		a = (bits.RotateLeft64(a, 29) ^ w) * mix0
		a ^= a >> 31
		b = (bits.RotateLeft64(b, 37) + w) * mix1
		b ^= b >> 33
	}
	a += mix(a^mix1, b|1) // one lane learns of the other
	return a * mix3, b * mix0
}

// keyOf returns the key of a state; b is 0 where it has one word.
func (s *store) keyOf(state []uint64) (a, b uint64) {
	switch s.words {
	case 1:
		return state[0], 0
	case 2:
		return state[0], state[1]
	}
	return wideKey(state)
}

func (s *store) hash(a, b uint64) uint64 {
	if s.key == 1 {
		return hash1(a)
	}
	return hash2(a, b)
}

func shardOf(hash uint64) int { return int(hash >> (64 - shardBits)) }

const tagShift = 64 - shardBits - 8

// find returns the slot of the key in h, or the free one where it belongs.
func (h *shard) find(width int, a, b, hash uint64) (slot int, local int, found bool) {
	mask := len(h.slots) - 1
	tag := uint32(hash>>tagShift) << localBits
	for i := int(hash) & mask; ; i = (i + 1) & mask {
		s := h.slots[i]
		if s == 0 {
			return i, 0, false
		}
		if s&^maxLocal != tag {
			continue
		}
		n := int(s&maxLocal) - 1
		if width == 1 {
			if h.keys[n] == a {
				return i, n, true
			}
		} else if h.keys[2*n] == a && h.keys[2*n+1] == b {
			return i, n, true
		}
	}
}

// insert adds a state that is not there; it tells whether it was new.
func (s *store) insert(h *shard, state []uint64, a, b, hash uint64, parent stateID) bool {
	slot, _, found := h.find(s.key, a, b, hash)
	if found {
		return false
	}
	h.n++
	h.slots[slot] = uint32(hash>>tagShift)<<localBits | uint32(h.n)
	h.keys = append(h.keys, a)
	if s.key == 2 {
		h.keys = append(h.keys, b)
	}
	h.parents = append(h.parents, parent)
	if s.words > 2 {
		h.wide = append(h.wide, state...)
	}
	if 4*h.n > 3*len(h.slots) {
		s.grow(h)
	}
	return true
}

func (s *store) grow(h *shard) {
	h.slots = make([]uint32, 2*len(h.slots))
	s.refill(h)
}

// index makes the slots for the keys that are there.
func (s *store) index(h *shard) {
	for 4*h.n > 3*len(h.slots) {
		h.slots = make([]uint32, 2*len(h.slots))
	}
	s.refill(h)
}

// refill enters all keys into the slots, which are free.
func (s *store) refill(h *shard) {
	mask := len(h.slots) - 1
	for n := range h.n {
		var hash uint64
		if s.key == 1 {
			hash = hash1(h.keys[n])
		} else {
			hash = hash2(h.keys[2*n], h.keys[2*n+1])
		}
		i := int(hash) & mask
		for h.slots[i] != 0 {
			i = (i + 1) & mask
		}
		h.slots[i] = uint32(hash>>tagShift)<<localBits | uint32(n+1)
	}
}

// lookup returns the state with these words, which has been visited.
func (s *store) lookup(state []uint64) (stateID, bool) {
	a, b := s.keyOf(state)
	hash := s.hash(a, b)
	shard := shardOf(hash)
	_, local, found := s.shards[shard].find(s.key, a, b, hash)
	return idOf(shard, local), found
}

// state returns the words of a visited state, or nil where they are no longer kept.
func (s *store) state(id stateID) []uint64 {
	h, n := &s.shards[id.shard()], id.local()
	if s.words <= 2 {
		return h.keys[n*s.words : (n+1)*s.words]
	}
	if n < h.wideFrom {
		return nil
	}
	n -= h.wideFrom
	return h.wide[n*s.words : (n+1)*s.words]
}

// forget lets go of the words of the states before the given numbers.
func (s *store) forget(before *[shards]int32) {
	if s.words <= 2 {
		return
	}
	for i := range s.shards {
		h := &s.shards[i]
		if n := int(before[i]) - h.wideFrom; n > 0 {
			h.wide = slices.Clone(h.wide[n*s.words:])
			h.wideFrom += n
		}
	}
}

func (s *store) parent(id stateID) stateID { return s.shards[id.shard()].parents[id.local()] }

// len returns the number of visited states.
func (s *store) len() int64 {
	var n int64
	for i := range s.shards {
		n += int64(s.shards[i].n)
	}
	return n
}

// full tells whether some shard can take no more than the given number of states.
func (s *store) full(more int) bool {
	for i := range s.shards {
		if s.shards[i].n+more >= maxLocal {
			return true
		}
	}
	return false
}

func (s *store) bytes() int64 {
	var n int64
	for i := range s.shards {
		h := &s.shards[i]
		n += int64(cap(h.slots))*4 + int64(cap(h.keys))*8 + int64(cap(h.parents))*4 + int64(cap(h.wide))*8
	}
	return n
}
