package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

// Stream is a stream of random numbers for one purpose: a PCG-DXSM generator
// whose state is the SHA-256 of the run's seed and the stream's name. One variate
// takes one draw, so that streams of two arms of an experiment stay aligned.
type Stream struct{ pcg rand.PCG }

// NewStream returns the stream of the given seed and name, at its beginning.
func NewStream(seed uint64, name string) *Stream {
	b := binary.BigEndian.AppendUint64(nil, seed)
	h := sha256.Sum256(append(b, name...))
	s := new(Stream)
	s.pcg.Seed(binary.BigEndian.Uint64(h[:8]), binary.BigEndian.Uint64(h[8:16]))
	return s
}

// Uint64 returns 64 random bits.
func (s *Stream) Uint64() uint64 { return s.pcg.Uint64() }

// Float64 returns a number from the open interval (0, 1), an odd multiple of
// 2^-53, so that its logarithm and every quantile at it exist.
func (s *Stream) Float64() float64 { return unit(s.pcg.Uint64()) }

// IntN returns a number from 0 to n-1, for n > 0. The bias, below n/2^64, is left.
func (s *Stream) IntN(n int) int {
	hi, _ := bits.Mul64(s.pcg.Uint64(), uint64(n))
	return int(hi)
}

// Chance returns true with probability p.
func (s *Stream) Chance(p float64) bool { return s.Float64() < p }
