package qjump

import (
	"fmt"
	"math/big"
	"strings"

	"suspect/model"
	"suspect/network"
)

// Rational is an exact number. The zero value is zero.
type Rational struct{ big.Rat }

// rational returns a/b. It panics where b is zero.
func rational(a, b int64) *Rational {
	r := new(Rational)
	r.SetFrac64(a, b)
	return r
}

// sum, product and ratio return new numbers.
func sum(a, b *Rational) *Rational     { r := new(Rational); r.Add(&a.Rat, &b.Rat); return r }
func product(a, b *Rational) *Rational { r := new(Rational); r.Mul(&a.Rat, &b.Rat); return r }
func ratio(a, b *Rational) *Rational   { r := new(Rational); r.Quo(&a.Rat, &b.Rat); return r }

func (r *Rational) times(n int64) *Rational { return product(r, rational(n, 1)) }

// micro returns d in microseconds.
func micro(d model.Duration) *Rational { return rational(int64(d), int64(model.Microsecond)) }

// transmission returns the exact time of the given bytes at a rate, in microseconds.
func transmission(bytes int64, rate network.BitRate) *Rational {
	return product(rational(bytes, 1), ratio(rational(8_000_000, 1), rational(int64(rate), 1)))
}

// Decimal returns r in decimal digits: exactly where they end, else rounded to
// twelve significant ones.
func (r *Rational) Decimal() string {
	const significant = 12
	if digits, exact := r.FloatPrec(); exact {
		return r.FloatString(digits)
	}
	whole := new(big.Int).Quo(r.Num(), r.Denom())
	digits := significant
	if whole.Sign() != 0 {
		digits -= len(whole.Text(10))
		if whole.Sign() < 0 {
			digits++
		}
	} else {
		ten, x := big.NewRat(10, 1), new(big.Rat).Abs(&r.Rat)
		for x.Mul(x, ten); x.Cmp(big.NewRat(1, 1)) < 0; x.Mul(x, ten) {
			digits++
		}
	}
	s := r.FloatString(max(digits, 0))
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// MarshalJSON writes r as a JSON number, by [Rational.Decimal].
func (r *Rational) MarshalJSON() ([]byte, error) { return []byte(r.Decimal()), nil }

// UnmarshalJSON reads what MarshalJSON writes: a number that had more digits comes back
// rounded.
func (r *Rational) UnmarshalJSON(text []byte) error {
	if _, ok := r.SetString(string(text)); !ok {
		return fmt.Errorf("qjump: %q is no number", text)
	}
	return nil
}

// MarshalText is there to hide the one of big.Rat, which writes a fraction.
func (r *Rational) MarshalText() ([]byte, error) { return []byte(r.Decimal()), nil }

// ceiling returns the least duration that is not below r microseconds, and no
// where it passes the range of time.
func (r *Rational) ceiling() (model.Duration, bool) {
	ps := product(r, rational(int64(model.Microsecond), 1))
	q, rest := new(big.Int).QuoRem(ps.Num(), ps.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		q.Add(q, big.NewInt(1))
	}
	if !q.IsInt64() || q.Int64() > int64(model.MaxTime) {
		return 0, false
	}
	return model.Duration(q.Int64()), true
}
