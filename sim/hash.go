package sim

import (
	"fmt"
	"math/bits"

	"suspect/model"
)

// Hash is a 128-bit hash of a stream of records: two runs with the same hash told
// the same records in the same order, up to a chance of about n²/2^129 for n
// streams that were not made to collide. It is not cryptographic. The zero value is
// the hash of no records.
//
// It has two lanes of 64 bits. Each mixes all fields of a record into one word, by
// multiplying other pairs of them than the other lane does, and takes the word in by
// a step that is invertible: streams that differ once do not meet again by
// telling the same.
type Hash struct {
	a, b uint64
	n    uint64
}

// Odd constants without structure: the fractional bits of the square roots of the
// first eight primes (the initial words of SHA-512), with the lowest bit set.
const (
	mix0 = 0x6a09e667f3bcc909
	mix1 = 0xbb67ae8584caa73b
	mix2 = 0x3c6ef372fe94f82b
	mix3 = 0xa54ff53a5f1d36f1
	mix4 = 0x510e527fade682d1
	mix5 = 0x9b05688c2b3e6c1f
	mix6 = 0x1f83d9abfb41bd6b
	mix7 = 0x5be0cd19137e2179
)

// Observe folds r into the hash.
func (h *Hash) Observe(r *model.Record) {
	h.n++
	what := uint64(r.Kind) | uint64(r.Failure)<<8 | uint64(r.Detector)<<16 |
		uint64(r.Priority)<<24 | uint64(r.Cause)<<32
	if r.Traffic {
		what |= 1 << 40
	}
	more := uint64(r.Evidence) | uint64(r.Announcement)<<8 | uint64(r.Certainty)<<16
	if r.Warning {
		more |= 1 << 32
	}
	what ^= more * mix4
	who := uint64(uint32(r.Process)) | uint64(uint32(r.Peer))<<32
	where := uint64(uint32(r.Bytes)) | uint64(uint32(r.Place))<<32
	at, sentAt, seq := uint64(r.At), uint64(r.SentAt), uint64(r.Seq)
	a := mum(at^mix0, who^mix1) + mum(r.Packet^mix2, what^mix3) + mum(seq^mix4, where^mix5) + sentAt
	b := mum(at^mix6, where^mix7) + mum(sentAt^mix1, who^mix4) + mum(r.Packet^mix5, seq^mix0) + what
	h.a = bits.RotateLeft64(h.a+a, 29) * mix3
	h.b = bits.RotateLeft64(h.b+b, 37) * mix7
}

// mum multiplies and folds the 128-bit product.
func mum(x, y uint64) uint64 {
	hi, lo := bits.Mul64(x, y)
	return hi ^ lo
}

// Sum returns the hash of the records so far.
func (h *Hash) Sum() [2]uint64 {
	a, b := h.a, h.b // four rounds of a Feistel network: nothing is lost
	a += mum(b^mix0, h.n^mix1)
	b += mum(a^mix2, mix3)
	a += mum(b^mix4, mix5)
	b += mum(a^mix6, mix7)
	return [2]uint64{a, b}
}

// String returns the hash as 32 hexadecimal digits.
func (h *Hash) String() string {
	s := h.Sum()
	return fmt.Sprintf("%016x%016x", s[0], s[1])
}

// Records returns the number of records hashed.
func (h *Hash) Records() uint64 { return h.n }
