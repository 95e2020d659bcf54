package sim_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"testing"

	"suspect/sim"
)

// pcgTwin is PCG-DXSM as it is published: a 128-bit linear congruential generator
// (O'Neill 2014, the default multiplier and increment of the reference
// implementation), and its double xorshift multiply output function, here on the
// state after the step. It works on big integers, slowly.
type pcgTwin struct{ state *big.Int }

func number(hex string) *big.Int {
	n, ok := new(big.Int).SetString(hex, 16)
	if !ok {
		panic(hex)
	}
	return n
}

var (
	pcgMultiplier = number("2360ed051fc65da44385df649fccf645")
	pcgIncrement  = number("5851f42d4c957f2d14057b7ef767814f")
	pcgCheap      = number("da942042e4dd58b5")
	mask128       = number("ffffffffffffffffffffffffffffffff")
	mask64        = number("ffffffffffffffff")
)

func newTwin(seed uint64, name string) *pcgTwin {
	sum := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, seed), name...))
	return &pcgTwin{new(big.Int).SetBytes(sum[:16])}
}

func (p *pcgTwin) next() uint64 {
	p.state.Mul(p.state, pcgMultiplier)
	p.state.Add(p.state, pcgIncrement)
	p.state.And(p.state, mask128)
	hi := new(big.Int).Rsh(p.state, 64)
	lo := new(big.Int).And(p.state, mask64)
	lo.SetBit(lo, 0, 1)
	hi.Xor(hi, new(big.Int).Rsh(hi, 32))
	hi.And(hi.Mul(hi, pcgCheap), mask64)
	hi.Xor(hi, new(big.Int).Rsh(hi, 48))
	return hi.And(hi.Mul(hi, lo), mask64).Uint64()
}

func TestStreamIsPCGDXSM(t *testing.T) {
	for _, seed := range []uint64{0, 1, math.MaxUint64} {
		for _, name := range []string{"", "loss of link 3", "start of p7"} {
			s, twin := sim.NewStream(seed, name), newTwin(seed, name)
			for i := range 300 {
				if got, want := s.Uint64(), twin.next(); got != want {
					t.Fatalf("seed %d, name %q, draw %d: %#x, want %#x", seed, name, i, got, want)
				}
			}
		}
	}
}

// Every other method is a function of one draw of the twin.
func TestOneDrawIsOneNumber(t *testing.T) {
	s, twin := sim.NewStream(5, "numbers"), newTwin(5, "numbers")
	for range 500 {
		// An odd multiple of 2^-53.
		if got, want := s.Float64(), math.Ldexp(float64(twin.next()>>12<<1|1), -53); got != want {
			t.Fatalf("Float64 = %v, want %v", got, want)
		}
		for _, n := range []int{1, 2, 3, 1000, math.MaxInt32} {
			product := new(big.Int).Mul(new(big.Int).SetUint64(twin.next()), big.NewInt(int64(n)))
			if got, want := s.IntN(n), int(product.Rsh(product, 64).Int64()); got != want {
				t.Fatalf("IntN(%d) = %d, want %d", n, got, want)
			}
		}
		if got, want := s.Chance(0.25), twin.next()>>62 == 0; got != want {
			t.Fatalf("Chance(1/4) = %v, want %v", got, want)
		}
	}
}

func TestChanceAtTheEnds(t *testing.T) {
	s := sim.NewStream(1, "chance")
	for range 10_000 {
		if s.Chance(0) || !s.Chance(1) {
			t.Fatal("Chance(0) was true or Chance(1) false")
		}
	}
}

func TestStreamsOfOtherNamesAndSeedsDiffer(t *testing.T) {
	seen := map[uint64]string{}
	for seed := range uint64(300) {
		for _, name := range []string{"", "a", "b", "aa", "loss 1", "loss 11"} {
			id := fmt.Sprint(seed, name)
			first := sim.NewStream(seed, name).Uint64()
			if other, ok := seen[first]; ok {
				t.Fatalf("streams %q and %q begin alike", id, other)
			}
			seen[first] = id
		}
	}
	if a, b := sim.New(3).Stream("x").Uint64(), sim.NewStream(3, "x").Uint64(); a != b {
		t.Errorf("the kernel's stream begins with %#x, NewStream's with %#x", a, b)
	}
}
