package calculus

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Bucket is a token bucket: at most Burst + Rate*t of data in any t > 0.
type Bucket struct{ Rate, Burst *big.Rat }

// RateLatency is the service Rate*(t-Latency), and nothing up to Latency.
type RateLatency struct{ Rate, Latency *big.Rat }

// Arrival is a concave arrival curve: the minimum of token buckets for t > 0, and 0 at
// t = 0. The zero Arrival has no bucket and bounds nothing. An Arrival is not changed
// by any operation.
type Arrival struct{ lines []line } // their lower envelope: rates fall, bursts rise

// Service is a convex service curve: the maximum of rate-latency curves and 0. The
// zero Service is 0. A Service is not changed by any operation.
type Service struct{ pieces []RateLatency } // their upper envelope: rates and latencies rise

// A line is at + slope*t.
type line struct{ at, slope *big.Rat }

// NewArrival returns the minimum of the buckets. It returns an error if there is none,
// or if a rate or burst is missing or negative.
func NewArrival(buckets ...Bucket) (Arrival, error) {
	if len(buckets) == 0 {
		return Arrival{}, fmt.Errorf("calculus: an arrival curve needs a token bucket")
	}
	lines := make([]line, len(buckets))
	for i, b := range buckets {
		if b.Rate == nil || b.Burst == nil || b.Rate.Sign() < 0 || b.Burst.Sign() < 0 {
			return Arrival{}, fmt.Errorf("calculus: token bucket %d: rate and burst must be given and not negative", i)
		}
		lines[i] = line{b.Burst, b.Rate}
	}
	return Arrival{lowerEnvelope(lines)}, nil
}

// NewService returns the maximum of the rate-latency curves. It returns an error if
// there is none, if a rate is missing or not positive, or if a latency is missing or
// negative.
func NewService(pieces ...RateLatency) (Service, error) {
	if len(pieces) == 0 {
		return Service{}, fmt.Errorf("calculus: a service curve needs a rate and a latency")
	}
	for i, p := range pieces {
		if p.Rate == nil || p.Latency == nil || p.Rate.Sign() <= 0 || p.Latency.Sign() < 0 {
			return Service{}, fmt.Errorf("calculus: rate-latency curve %d: the rate must be positive, and the latency given and not negative", i)
		}
	}
	return newService(slices.Clone(pieces)), nil
}

// NoArrival returns the curve of a flow that sends nothing.
func NoArrival() Arrival { return Arrival{[]line{{zero, zero}}} }

func newService(pieces []RateLatency) Service {
	// The upper envelope of R*t - R*T and 0 is minus the lower one of R*T - R*t and 0.
	lines := []line{{zero, zero}}
	for _, p := range pieces {
		lines = append(lines, line{mul(p.Rate, p.Latency), neg(p.Rate)})
	}
	var s Service
	for _, l := range lowerEnvelope(lines) {
		if l.slope.Sign() < 0 {
			s.pieces = append(s.pieces, RateLatency{neg(l.slope), quo(l.at, neg(l.slope))})
		}
	}
	return s
}

// lowerEnvelope returns the lines that the minimum of all follows for t > 0, in the
// order in which it does so: slopes fall. It sorts its argument.
func lowerEnvelope(lines []line) []line {
	slices.SortFunc(lines, func(a, b line) int {
		if c := a.at.Cmp(b.at); c != 0 {
			return c
		}
		return a.slope.Cmp(b.slope)
	})
	var kept []line
	for _, l := range lines {
		if n := len(kept); n > 0 && l.slope.Cmp(kept[n-1].slope) >= 0 {
			continue // starts no lower and rises no slower
		}
		for n := len(kept); n > 1 && crossing(kept[n-2], l).Cmp(crossing(kept[n-2], kept[n-1])) <= 0; n-- {
			kept = kept[:n-1]
		}
		kept = append(kept, l)
	}
	return kept
}

// crossing returns where two lines of different slopes meet.
func crossing(a, b line) *big.Rat { return quo(sub(b.at, a.at), sub(a.slope, b.slope)) }

// Buckets returns the token buckets whose minimum the curve is, in the order in which
// it follows them.
func (a Arrival) Buckets() []Bucket {
	buckets := make([]Bucket, len(a.lines))
	for i, l := range a.lines {
		buckets[i] = Bucket{Rate: new(big.Rat).Set(l.slope), Burst: new(big.Rat).Set(l.at)}
	}
	return buckets
}

// Pieces returns the rate-latency curves whose maximum the curve is, in the order in
// which it follows them.
func (s Service) Pieces() []RateLatency {
	pieces := make([]RateLatency, len(s.pieces))
	for i, p := range s.pieces {
		pieces[i] = RateLatency{Rate: new(big.Rat).Set(p.Rate), Latency: new(big.Rat).Set(p.Latency)}
	}
	return pieces
}

// Rate returns the long-term rate, and false if nothing bounds the arrivals.
func (a Arrival) Rate() (*big.Rat, bool) {
	if len(a.lines) == 0 {
		return nil, false
	}
	return new(big.Rat).Set(a.lines[len(a.lines)-1].slope), true
}

// Rate returns the long-term rate.
func (s Service) Rate() *big.Rat {
	if len(s.pieces) == 0 {
		return new(big.Rat)
	}
	return new(big.Rat).Set(s.pieces[len(s.pieces)-1].Rate)
}

// At returns the curve's value at t, and infinity where nothing bounds it.
func (a Arrival) At(t *big.Rat) Bound {
	if t.Sign() <= 0 {
		return Bound{new(big.Rat)}
	}
	var b Bound
	for _, l := range a.lines {
		if v := (Bound{add(l.at, mul(l.slope, t))}); v.Cmp(b) < 0 {
			b = v
		}
	}
	return b
}

// At returns the curve's value at t.
func (s Service) At(t *big.Rat) *big.Rat {
	most := new(big.Rat)
	for _, p := range s.pieces {
		if v := mul(p.Rate, sub(t, p.Latency)); v.Cmp(most) > 0 {
			most = v
		}
	}
	return most
}

func (a Arrival) String() string {
	if len(a.lines) == 0 {
		return "unbounded"
	}
	var parts []string
	for _, l := range a.lines {
		parts = append(parts, l.slope.RatString()+":"+l.at.RatString())
	}
	return strings.Join(parts, " ")
}

func (s Service) String() string {
	if len(s.pieces) == 0 {
		return "nothing"
	}
	var parts []string
	for _, p := range s.pieces {
		parts = append(parts, p.Rate.RatString()+":"+p.Latency.RatString())
	}
	return strings.Join(parts, " ")
}

func (a Arrival) none() bool {
	return len(a.lines) == 1 && a.lines[0].at.Sign() == 0 && a.lines[0].slope.Sign() == 0
}

// Add returns the curve of two flows together.
func (a Arrival) Add(b Arrival) Arrival {
	sums := make([]line, 0, len(a.lines)*len(b.lines))
	for _, x := range a.lines {
		for _, y := range b.lines {
			sums = append(sums, line{add(x.at, y.at), add(x.slope, y.slope)})
		}
	}
	return Arrival{lowerEnvelope(sums)}
}

// Min returns the curve of a flow that keeps both a and b.
func (a Arrival) Min(b Arrival) Arrival {
	return Arrival{lowerEnvelope(append(slices.Clone(a.lines), b.lines...))}
}

// Delayed returns the curve of the flow behind anything that delays it by something in
// 0..d: a(t+d) (Le Boudec and Thiran, with the deconvolution by a pure delay).
func (a Arrival) Delayed(d Bound) Arrival {
	if d.Infinite() {
		return Arrival{}
	}
	later := make([]line, len(a.lines))
	for i, l := range a.lines {
		later[i] = line{add(l.at, mul(l.slope, d.value)), l.slope}
	}
	return Arrival{lowerEnvelope(later)}
}

// A segment is a stretch of a curve; the last one of a curve has length nil and never
// ends.
type segment struct{ slope, length *big.Rat }

func (a Arrival) segments() []segment { return segments(a.lines, 1) }

func (s Service) segments() []segment {
	lines := []line{{zero, zero}}
	for _, p := range s.pieces {
		lines = append(lines, line{mul(p.Rate, p.Latency), neg(p.Rate)})
	}
	return segments(lowerEnvelope(lines), -1)
}

func segments(envelope []line, sign int64) []segment {
	out := make([]segment, len(envelope))
	start := zero
	for i, l := range envelope {
		out[i].slope = mul(l.slope, big.NewRat(sign, 1))
		if i+1 < len(envelope) {
			end := crossing(l, envelope[i+1])
			out[i].length = sub(end, start)
			start = end
		}
	}
	return out
}

// Then returns the service of s followed by t: their min-plus convolution, which lays
// the stretches of both curves one behind the other, the flattest first (Le Boudec and
// Thiran).
func (s Service) Then(t Service) Service {
	all := append(s.segments(), t.segments()...)
	slices.SortStableFunc(all, func(a, b segment) int { return a.slope.Cmp(b.slope) })
	var pieces []RateLatency
	x, y := zero, zero
	for _, g := range all {
		if g.slope.Sign() > 0 {
			pieces = append(pieces, RateLatency{g.slope, sub(x, quo(y, g.slope))})
		}
		if g.length == nil {
			break
		}
		x, y = add(x, g.length), add(y, mul(g.slope, g.length))
	}
	return newService(pieces)
}

// furthest finds where arrivals get furthest ahead of a service. It returns the
// distance, the service's stretches up to there, and the arrivals' stretches from
// there on; and false if the distance grows for ever.
func furthest(a Arrival, s Service) (ahead *big.Rat, served, coming []segment, bounded bool) {
	if len(a.lines) == 0 {
		return nil, nil, nil, false
	}
	in, out := a.segments(), s.segments()
	ahead = a.lines[0].at
	for in[0].slope.Cmp(out[0].slope) > 0 {
		step := in[0].length
		if step == nil || out[0].length != nil && out[0].length.Cmp(step) < 0 {
			step = out[0].length
		}
		if step == nil {
			return nil, nil, nil, false
		}
		ahead = add(ahead, mul(sub(in[0].slope, out[0].slope), step))
		served = append(served, segment{out[0].slope, step})
		in, out = advance(in, step), advance(out, step)
	}
	return ahead, served, in, true
}

func advance(g []segment, step *big.Rat) []segment {
	if g[0].length == nil {
		return g
	}
	rest := sub(g[0].length, step)
	if rest.Sign() == 0 {
		return g[1:]
	}
	g[0].length = rest
	return g
}

// Output returns the curve of the arrivals behind the service: their min-plus
// deconvolution (Le Boudec and Thiran). It begins at the greatest
// backlog; from there it takes the stretches of the service back to the start and those
// of the arrivals that follow, the steepest first. It bounds nothing where the arrivals' rate is the greater.
func Output(a Arrival, s Service) Arrival {
	y, back, forth, bounded := furthest(a, s)
	if !bounded {
		return Arrival{}
	}
	all := append(forth, back...)
	slices.SortStableFunc(all, func(a, b segment) int { return b.slope.Cmp(a.slope) })
	var lines []line
	x := zero
	for _, g := range all {
		lines = append(lines, line{sub(y, mul(g.slope, x)), g.slope})
		if g.length == nil {
			break
		}
		x, y = add(x, g.length), add(y, mul(g.slope, g.length))
	}
	return Arrival{lowerEnvelope(lines)}
}

// Backlog returns the vertical deviation: the most data that can wait (Le Boudec and
// Thiran).
func Backlog(a Arrival, s Service) Bound {
	ahead, _, _, bounded := furthest(a, s)
	if !bounded {
		return Bound{}
	}
	return Bound{ahead}
}

// Delay returns the horizontal deviation: the longest delay of data that leaves in the
// order of its arrival (Le Boudec and Thiran). It is 0 if there are no
// arrivals, and finite if the two rates are equal.
func Delay(a Arrival, s Service) Bound {
	if a.none() {
		return Bound{new(big.Rat)}
	}
	// Data number y has left T + y/R after the start, for the best R and T. So what
	// came in up to t is late by the least of (T + b/R) + (r/R - 1)*t.
	var late []line
	for _, l := range a.lines {
		for _, p := range s.pieces {
			late = append(late, line{add(p.Latency, quo(l.at, p.Rate)), sub(quo(l.slope, p.Rate), big.NewRat(1, 1))})
		}
	}
	late = lowerEnvelope(late)
	for i, l := range late {
		if l.slope.Sign() > 0 {
			continue
		}
		if i == 0 {
			return Bound{l.at}
		}
		return Bound{add(l.at, mul(l.slope, crossing(late[i-1], l)))}
	}
	return Bound{}
}

// BusyPeriod returns how long a server that always works when it has something to do
// can be busy without a pause: where the curves cross for good. It bounds the delay
// under any order of service, and is infinite if the two rates are equal.
func BusyPeriod(a Arrival, s Service) Bound {
	if a.none() {
		return Bound{new(big.Rat)}
	}
	left := LeftOverBlind(s, a)
	if len(left.pieces) == 0 {
		return Bound{}
	}
	return Bound{left.pieces[0].Latency}
}

// LeftOverBlind returns what a strict service leaves to a flow when the other flows,
// with arrivals cross, may come first: the positive part of s - cross (Le Boudec and
// Thiran).
func LeftOverBlind(s Service, cross Arrival) Service {
	return leftOver(s, cross, zero)
}

// LeftOverFIFO returns what a service leaves to a flow among others that are served in
// the order of their arrival: s(t) - cross(t-theta) for t > theta (Le Boudec and
// Thiran). Any theta is right; this one is when the service has done the
// others' burst, which gives the rate-latency curve R-r, T+b/R for a bucket and a
// rate-latency curve.
func LeftOverFIFO(s Service, cross Arrival) Service {
	if cross.none() || len(cross.lines) == 0 || len(s.pieces) == 0 {
		return leftOver(s, cross, zero)
	}
	var theta *big.Rat
	for i, p := range s.pieces {
		if done := add(p.Latency, quo(cross.lines[0].at, p.Rate)); i == 0 || done.Cmp(theta) < 0 {
			theta = done
		}
	}
	return leftOver(s, cross, theta)
}

// leftOver returns the positive part of s(t) - cross(t-theta), where s(theta) is at most
// cross(0+), so that the difference is convex from theta on and not positive before.
func leftOver(s Service, cross Arrival, theta *big.Rat) Service {
	var pieces []RateLatency
	for _, p := range s.pieces {
		for _, l := range cross.lines {
			if rate := sub(p.Rate, l.slope); rate.Sign() > 0 {
				debt := add(mul(p.Rate, p.Latency), sub(l.at, mul(l.slope, theta)))
				pieces = append(pieces, RateLatency{rate, quo(debt, rate)})
			}
		}
	}
	return newService(pieces)
}
