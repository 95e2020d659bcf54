package calculus

import "math/big"

// Bound is an exact non-negative upper bound, or infinity. The zero Bound is
// infinity: it promises nothing.
type Bound struct{ value *big.Rat }

// Finite returns the bound with the given value, which must not be nil.
func Finite(value *big.Rat) Bound { return Bound{new(big.Rat).Set(value)} }

// Infinite tells that there is no finite bound.
func (b Bound) Infinite() bool { return b.value == nil }

// Rat returns a copy of the value, or nil if it is infinite.
func (b Bound) Rat() *big.Rat {
	if b.value == nil {
		return nil
	}
	return new(big.Rat).Set(b.value)
}

// String returns the exact value, as 25/2, 30 or inf.
func (b Bound) String() string {
	if b.value == nil {
		return "inf"
	}
	return b.value.RatString()
}

// Decimal returns the value rounded to the given number of digits after the point,
// or inf.
func (b Bound) Decimal(digits int) string {
	if b.value == nil {
		return "inf"
	}
	return b.value.FloatString(digits)
}

// Cmp returns -1, 0 or +1 as b is less than, equal to or greater than c.
func (b Bound) Cmp(c Bound) int {
	switch {
	case b.value == nil && c.value == nil:
		return 0
	case b.value == nil:
		return 1
	case c.value == nil:
		return -1
	}
	return b.value.Cmp(c.value)
}

// Add returns b + c.
func (b Bound) Add(c Bound) Bound {
	if b.value == nil || c.value == nil {
		return Bound{}
	}
	return Bound{add(b.value, c.value)}
}

// The arithmetic below never writes to its arguments, so that curves can share
// their numbers.

var zero = new(big.Rat)

func add(a, b *big.Rat) *big.Rat { return new(big.Rat).Add(a, b) }
func sub(a, b *big.Rat) *big.Rat { return new(big.Rat).Sub(a, b) }
func mul(a, b *big.Rat) *big.Rat { return new(big.Rat).Mul(a, b) }
func quo(a, b *big.Rat) *big.Rat { return new(big.Rat).Quo(a, b) }
func neg(a *big.Rat) *big.Rat    { return new(big.Rat).Neg(a) }

func smaller(a, b *big.Rat) *big.Rat {
	if a.Cmp(b) <= 0 {
		return a
	}
	return b
}
