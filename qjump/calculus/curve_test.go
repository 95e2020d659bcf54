package calculus

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

// A sampled curve has all its corners at whole numbers, so that the values there tell
// everything: minima and maxima over real numbers are attained at whole ones.
type sampled struct {
	start  *big.Rat   // the value just behind 0
	slopes []*big.Rat // from 0 to 1, from 1 to 2, ...; the last one goes on for ever
}

func (c sampled) at(t int) *big.Rat {
	last := len(c.slopes) - 1
	v := new(big.Rat).Set(c.start)
	for _, s := range c.slopes[:min(t, last)] {
		v.Add(v, s)
	}
	return v.Add(v, new(big.Rat).Mul(c.slopes[last], big.NewRat(int64(max(0, t-last)), 1)))
}

const horizon = 30 // beyond all corners of sums and convolutions of sampled curves

// randomArrival returns a concave curve, and the same in buckets.
func randomArrival(t *testing.T, rng *rand.Rand) (sampled, Arrival) {
	c := sampled{start: big.NewRat(rng.Int64N(10), 1+rng.Int64N(3))}
	slope := big.NewRat(1+rng.Int64N(4), 1+rng.Int64N(4))
	for range 1 + rng.IntN(6) {
		c.slopes = append([]*big.Rat{slope}, c.slopes...)
		if rng.IntN(2) == 0 {
			slope = new(big.Rat).Add(slope, big.NewRat(1+rng.Int64N(3), 1+rng.Int64N(3)))
		}
	}
	var buckets []Bucket
	for i, s := range c.slopes {
		buckets = append(buckets, Bucket{Rate: s, Burst: new(big.Rat).Sub(c.at(i), new(big.Rat).Mul(s, big.NewRat(int64(i), 1)))})
	}
	rng.Shuffle(len(buckets), func(i, j int) { buckets[i], buckets[j] = buckets[j], buckets[i] })
	a, err := NewArrival(buckets...)
	if err != nil {
		t.Fatal(err)
	}
	return c, a
}

// randomService returns a convex curve that ends with at least the given rate, and the same in
// rate-latency pieces.
func randomService(t *testing.T, rng *rand.Rand, atLeast *big.Rat) (sampled, Service) {
	c := sampled{start: new(big.Rat)}
	slope := new(big.Rat)
	for range rng.IntN(7) {
		c.slopes = append(c.slopes, slope)
		if rng.IntN(2) == 0 {
			slope = new(big.Rat).Add(slope, big.NewRat(1+rng.Int64N(3), 1+rng.Int64N(3)))
		}
	}
	if slope.Cmp(atLeast) <= 0 {
		slope = new(big.Rat).Add(atLeast, big.NewRat(rng.Int64N(3), 2))
	}
	if slope.Sign() == 0 {
		slope = big.NewRat(1, 1)
	}
	c.slopes = append(c.slopes, slope)
	var pieces []RateLatency
	for i, s := range c.slopes {
		if s.Sign() > 0 {
			pieces = append(pieces, RateLatency{Rate: s, Latency: new(big.Rat).Sub(big.NewRat(int64(i), 1), new(big.Rat).Quo(c.at(i), s))})
		}
	}
	rng.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
	s, err := NewService(pieces...)
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

func whole(t int) *big.Rat { return big.NewRat(int64(t), 1) }

// Every operation against its definition, evaluated point by point.
func TestOperationsAgainstDefinitions(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 100 {
		a, arrival := randomArrival(t, rng)
		a2, arrival2 := randomArrival(t, rng)
		last := a.slopes[len(a.slopes)-1]
		b, service := randomService(t, rng, last)
		b2, service2 := randomService(t, rng, new(big.Rat))
		same := func(what string, at int, got, want *big.Rat) {
			t.Helper()
			if got.Cmp(want) != 0 {
				t.Fatalf("round %d, %s at %d: %s, want %s; arrivals %v and %v, services %v and %v", round, what, at,
					got.RatString(), want.RatString(), arrival, arrival2, service, service2)
			}
		}

		sum, least, behind := arrival.Add(arrival2), arrival.Min(arrival2), Output(arrival, service)
		later := arrival.Delayed(Finite(whole(3)))
		then, blind := service.Then(service2), LeftOverBlind(service, arrival)
		theta := new(big.Rat) // when the service has done the burst of the arrivals
		for m := 0; ; m++ {
			if from, to := b.at(m), b.at(m+1); to.Cmp(a.start) > 0 {
				theta.Quo(new(big.Rat).Sub(a.start, from), new(big.Rat).Sub(to, from))
				theta.Add(theta, whole(m))
				break
			}
		}
		fifo := LeftOverFIFO(service, arrival)
		for at := 1; at < horizon/2; at++ {
			x := whole(at)
			same("arrival", at, arrival.At(x).Rat(), a.at(at))
			same("service", at, service.At(x), b.at(at))
			same("sum", at, sum.At(x).Rat(), new(big.Rat).Add(a.at(at), a2.at(at)))
			want := a.at(at)
			if a2.at(at).Cmp(want) < 0 {
				want = a2.at(at)
			}
			same("minimum", at, least.At(x).Rat(), want)
			same("delayed", at, later.At(x).Rat(), a.at(at+3))

			want = nil
			for u := 0; u <= at; u++ {
				if v := new(big.Rat).Add(b.at(u), b2.at(at-u)); want == nil || v.Cmp(want) < 0 {
					want = v
				}
			}
			same("convolution", at, then.At(x), want)

			want = nil
			for u := range horizon {
				if v := new(big.Rat).Sub(a.at(at+u), b.at(u)); want == nil || v.Cmp(want) > 0 {
					want = v
				}
			}
			same("deconvolution", at, behind.At(x).Rat(), want)

			want = new(big.Rat)
			if v := new(big.Rat).Sub(b.at(at), a.at(at)); v.Sign() > 0 {
				want = v
			}
			same("blind left-over", at, blind.At(x), want)
			want = new(big.Rat)
			if x.Cmp(theta) > 0 {
				if v := new(big.Rat).Sub(b.at(at), arrival.At(new(big.Rat).Sub(x, theta)).Rat()); v.Sign() > 0 {
					want = v
				}
			}
			same("FIFO left-over", at, fifo.At(x), want)
		}

		want := new(big.Rat)
		for u := range horizon {
			if v := new(big.Rat).Sub(a.at(u), b.at(u)); v.Cmp(want) > 0 {
				want = v
			}
		}
		same("backlog", 0, Backlog(arrival, service).Rat(), want)

		// The delay: nothing that comes at a grid point is later, and something is
		// nearly as late. Between two points of the grid the lateness grows by less than (steepest
		// arrival)/(flattest service) times their distance.
		delay := Delay(arrival, service).Rat()
		latest := new(big.Rat)
		const grid = 8
		for i := range horizon * grid {
			x := big.NewRat(int64(max(i, 1)), grid)
			if i == 0 {
				x = big.NewRat(1, 1<<40)
			}
			y := arrival.At(x).Rat()
			m := 0
			for b.at(m+1).Cmp(y) < 0 {
				m++
			}
			from, to := b.at(m), b.at(m+1)
			gone := new(big.Rat).Quo(new(big.Rat).Sub(y, from), new(big.Rat).Sub(to, from))
			gone.Add(gone, whole(m)).Sub(gone, x)
			if gone.Cmp(latest) > 0 {
				latest = gone
			}
		}
		flattest := b.slopes[0]
		for _, s := range b.slopes {
			if flattest.Sign() == 0 {
				flattest = s
			}
		}
		slack := new(big.Rat).Quo(a.slopes[0], flattest)
		slack.Add(slack, whole(1)).Quo(slack, big.NewRat(grid, 1))
		if latest.Cmp(delay) > 0 || new(big.Rat).Add(latest, slack).Cmp(delay) < 0 {
			t.Fatalf("round %d: delay %s, on the grid %s; %v through %v", round, delay.RatString(), latest.RatString(), arrival, service)
		}

		if last.Cmp(b.slopes[len(b.slopes)-1]) < 0 {
			// At the end of the busy period the curves meet, and behind it they never do.
			end := BusyPeriod(arrival, service).Rat()
			after := new(big.Rat).Add(end, big.NewRat(1, 1<<30))
			if arrival.At(after).Rat().Cmp(service.At(after)) >= 0 || end.Sign() > 0 && arrival.At(end).Rat().Cmp(service.At(end)) != 0 {
				t.Fatalf("round %d: busy period %s of %v in %v", round, end.RatString(), arrival, service)
			}
		} else if !BusyPeriod(arrival, service).Infinite() {
			t.Fatalf("round %d: a busy period ends at equal rates", round)
		}
	}
}

// A token bucket through a rate-latency server, in closed form (Le Boudec and
// Thiran), and the edges.
func TestClosedForms(t *testing.T) {
	a, s := bucket(t, "5", "25"), rateLatency(t, "10", "10")
	for _, c := range []struct{ what, got, want string }{
		{"delay T+b/R", Delay(a, s).String(), "25/2"},
		{"backlog b+rT", Backlog(a, s).String(), "75"},
		{"output", Output(a, s).String(), "5:75"},
		{"concatenation", s.Then(rateLatency(t, "6", "6")).String(), "6:16"},
		{"blind R-r, (b+RT)/(R-r)", LeftOverBlind(s, a).String(), "5:25"},
		{"FIFO R-r, T+b/R", LeftOverFIFO(s, a).String(), "5:25/2"},
		{"equal rates", Delay(bucket(t, "10", "25"), s).String(), "25/2"},
		{"greater rate", Delay(bucket(t, "11", "25"), s).String(), "inf"},
		{"backlog of greater rate", Backlog(bucket(t, "11", "25"), s).String(), "inf"},
		{"output of greater rate", Output(bucket(t, "11", "25"), s).String(), "unbounded"},
		{"no arrivals", Delay(NoArrival(), s).String(), "0"},
		{"no burst", Delay(bucket(t, "5", "0"), s).String(), "10"},
		{"no service", Delay(a, Service{}).String(), "inf"},
		{"no arrivals, no service", Delay(NoArrival(), Service{}).String(), "0"},
		{"busy with nothing", BusyPeriod(NoArrival(), s).String(), "0"},
		{"unbounded cross traffic", LeftOverFIFO(s, Arrival{}).String(), "nothing"},
		{"nothing to leave", LeftOverFIFO(Service{}, a).String(), "nothing"},
		{"cross traffic without burst", LeftOverFIFO(s, bucket(t, "4", "0")).String(), "6:10"},
		{"nothing in between", s.Then(Service{}).String(), "nothing"},
		{"unbounded sum", a.Add(Arrival{}).String(), "unbounded"},
		{"unbounded minimum", a.Min(Arrival{}).String(), "5:25"},
		{"without end", a.Delayed(Bound{}).String(), "unbounded"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.got, c.want)
		}
	}
	if got := Finite(big.NewRat(1, 3)).Decimal(4); got != "0.3333" {
		t.Error(got)
	}
	if (Bound{}).Decimal(4) != "inf" || (Bound{}).Rat() != nil || !(Bound{}).Add(Finite(whole(1))).Infinite() {
		t.Error("the zero bound is finite")
	}
}

// Lines that the envelope does not touch are gone, and their order is of no account.
func TestEnvelopes(t *testing.T) {
	a, err := NewArrival(Bucket{Rate: whole(1), Burst: whole(10)}, Bucket{Rate: whole(3), Burst: whole(12)}, Bucket{Rate: whole(2), Burst: whole(5)}, Bucket{Rate: whole(4), Burst: whole(5)}, Bucket{big.NewRat(3, 2), big.NewRat(15, 2)})
	if err != nil || a.String() != "2:5 1:10" {
		t.Error(a, err) // 3/2:15/2 touches the corner only
	}
	s, err := NewService(RateLatency{whole(4), whole(10)}, RateLatency{whole(50), whole(100)}, RateLatency{whole(4), whole(11)}, RateLatency{whole(3), whole(10)})
	if err != nil || s.String() != "4:10 50:100" {
		t.Error(s, err)
	}
}

func TestCurvesRefuse(t *testing.T) {
	minus := big.NewRat(-1, 2)
	for i, b := range [][]Bucket{nil, {{nil, whole(1)}}, {{whole(1), nil}}, {{minus, whole(1)}}, {{whole(1), minus}}} {
		if _, err := NewArrival(b...); err == nil {
			t.Errorf("arrival %d is accepted", i)
		}
	}
	for i, p := range [][]RateLatency{nil, {{nil, whole(1)}}, {{whole(1), nil}}, {{whole(0), whole(1)}}, {{whole(1), minus}}} {
		if _, err := NewService(p...); err == nil {
			t.Errorf("service %d is accepted", i)
		}
	}
}
