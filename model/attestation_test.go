package model_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"suspect/model"
)

// edges returns the attestations of group 7 whose bits are set: bit by*n + of.
func edges(n int, bits uint64) (s model.Attestations) {
	for by := range n {
		for of := range n {
			if by != of && bits>>(by*n+of)&1 != 0 {
				s = append(s, model.Attestation{Group: 7, By: model.ProcessID(by), Of: model.ProcessID(of), Until: 100})
			}
		}
	}
	return s
}

// graphs calls each with every set of attestations among n processes, or with five of them some thousands.
func graphs(n int, each func(bits uint64)) {
	var mask uint64
	for by := range n {
		for of := range n {
			if by != of {
				mask |= 1 << (by*n + of)
			}
		}
	}
	if n <= 4 {
		for bits := uint64(0); ; bits = (bits - mask) & mask { // all subsets of mask
			each(bits)
			if bits == mask {
				return
			}
		}
	}
	dice := rand.New(rand.NewPCG(1, 2))
	for range 4000 {
		each(dice.Uint64() & dice.Uint64() & mask)
	}
}

// What attestations mean, against all assignments of faults, on graphs of up to five
// processes: Implied and Alike return exactly what is so in all assignments that could be.
func TestAttestationsByBruteForce(t *testing.T) {
	for n := 1; n <= 5; n++ {
		graphs(n, func(bits uint64) {
			s := edges(n, bits)
			for p := range model.ProcessID(n) {
				implied, alike := model.ProcessSet(1)<<n-1, model.ProcessSet(1)<<n-1
				for correct := range model.ProcessSet(1) << n {
					if !s.Allows(7, 50, correct) {
						continue
					}
					if correct.Has(p) {
						implied &= correct
						alike &= correct
					} else {
						alike &^= correct
					}
				}
				if got := s.Implied(7, 50, p); got != implied {
					t.Fatalf("%v: if p%d is correct, %v are, got %v", s, p, implied, got)
				}
				if got := s.Alike(7, 50, p); got != alike {
					t.Fatalf("%v: as p%d are %v, got %v", s, p, alike, got)
				}
			}
		})
	}
}

// Soundness: whoever has failed, and whatever the failed sign and the correct keep to
// themselves, the truth is allowed; any two that attest to each other are both correct or
// both failed.
func TestAttestationsAreSound(t *testing.T) {
	const n = 4
	mutual := 0
	for correct := range model.ProcessSet(1) << n {
		graphs(n, func(bits uint64) {
			for by := range n {
				for of := range n {
					if correct.Has(model.ProcessID(by)) && !correct.Has(model.ProcessID(of)) {
						bits &^= 1 << (by*n + of) // a correct process says what is so
					}
				}
			}
			s := edges(n, bits)
			if !s.Allows(7, 0, correct) {
				t.Fatalf("%v are correct, and %v do not allow it", correct, s)
			}
			for _, a := range s {
				if alike := s.Alike(7, 0, a.By); alike.Has(a.Of) {
					mutual++
					if correct.Has(a.By) != correct.Has(a.Of) {
						t.Fatalf("%v are correct, and by %v p%d and p%d are alike", correct, s, a.By, a.Of)
					}
				}
			}
		})
	}
	if mutual == 0 {
		t.Error("no two ever attested to each other")
	}
}

// Silence proves nothing: with fewer attestations, more could be; and with none anything.
func TestAttestationsAreMonotone(t *testing.T) {
	const n = 3
	graphs(n, func(bits uint64) {
		s := edges(n, bits)
		for k := range s {
			fewer := append(append(model.Attestations(nil), s[:k]...), s[k+1:]...)
			for correct := range model.ProcessSet(1) << n {
				if s.Allows(7, 0, correct) && !fewer.Allows(7, 0, correct) {
					t.Fatalf("without %v, that %v are correct is no longer possible", s[k], correct)
				}
			}
		}
	})
	for correct := range model.ProcessSet(1) << n {
		if !(model.Attestations{}).Allows(7, 0, correct) {
			t.Errorf("without any, %v cannot be correct", correct)
		}
	}
}

// An attestation ends, is of its group, and says nothing the other way round: a failed
// process may attest to a correct one.
func ExampleAttestations() {
	s := model.Attestations{
		{Group: 1, By: 0, Of: 1, Until: 100},
		{Group: 1, By: 1, Of: 0, Until: 100},
		{Group: 1, By: 1, Of: 2, Until: 100},
		{Group: 2, By: 2, Of: 1, Until: 900},
	}
	fmt.Println("before 100, alike:", s.Alike(1, 99, 0), "if p0 is correct:", s.Implied(1, 99, 0))
	fmt.Println("p2 alone correct:", s.Allows(1, 99, model.ProcessesOf(2)), "all but p2:", s.Allows(1, 99, model.ProcessesOf(0, 1)))
	fmt.Println("from 100 on, alike:", s.Alike(1, 100, 0))
	// Output:
	// before 100, alike: {p0, p1} if p0 is correct: {p0, p1, p2}
	// p2 alone correct: true all but p2: false
	// from 100 on, alike: {p0}
}
