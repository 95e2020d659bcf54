package properties_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"suspect/model"
	"suspect/properties"
)

// TestDurations compares with sorting and big integers, for sets that are kept and sets
// that went into the histogram, built by Add and by Merge.
func TestDurations(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 2, 3, 10, 511, 512, 513, 700, 5000} {
		var whole, merged properties.Durations
		parts := make([]properties.Durations, 5)
		values := make([]model.Duration, n)
		sum := new(big.Int)
		for i := range values {
			values[i] = model.Duration(rng.Uint64() >> (2 + rng.IntN(60))) // up to 2^62, all sizes
			whole.Add(values[i])
			parts[rng.IntN(len(parts))].Add(values[i])
			sum.Add(sum, big.NewInt(int64(values[i])))
		}
		for i := range parts {
			merged.Merge(&parts[i])
		}
		slices.Sort(values)
		for _, s := range []*properties.Durations{&whole, &merged} {
			if s.Count() != int64(n) || s.Min() != values[0] || s.Max() != values[n-1] {
				t.Fatalf("n=%d: count %d, %v..%v", n, s.Count(), s.Min(), s.Max())
			}
			// Round half up: floor((2 sum + n) / 2n).
			mean := new(big.Int).Add(new(big.Int).Lsh(sum, 1), big.NewInt(int64(n)))
			mean.Div(mean, big.NewInt(int64(2*n)))
			if int64(s.Mean()) != mean.Int64() {
				t.Errorf("n=%d: mean %d, want %d", n, s.Mean(), mean)
			}
			seconds, _ := new(big.Rat).SetFrac(sum, big.NewInt(int64(model.Second))).Float64()
			if math.Abs(s.Sum().Seconds()-seconds) > 1e-12*seconds {
				t.Errorf("n=%d: sum %v s, want %v s", n, s.Sum().Seconds(), seconds)
			}
			allowed := 0.0
			if n > 512 {
				allowed = properties.QuantileError
			}
			for _, q := range []float64{0, 0.001, 0.01, 0.07, 0.25, 1. / 3, 0.5, 0.9, 0.99, 0.999, 1} {
				want := values[max(0, int(math.Ceil(q*float64(n)-1e-9))-1)]
				got := s.Quantile(q)
				if got < want || float64(got-want) > allowed*float64(want) {
					t.Errorf("n=%d: quantile %v is %d, want %d", n, q, got, want)
				}
				if (q == 0 || q == 1) && got != want {
					t.Errorf("n=%d: quantile %v is %d, want exactly %d", n, q, got, want)
				}
			}
			points := s.CDF()
			last := points[len(points)-1]
			if last.Value != s.Max() || last.Share != 1 {
				t.Errorf("n=%d: the CDF ends at %+v", n, last)
			}
			for i, p := range points {
				if i > 0 && (p.Value <= points[i-1].Value || p.Share <= points[i-1].Share) {
					t.Fatalf("n=%d: the CDF does not increase: %+v, %+v", n, points[i-1], p)
				}
				below, _ := slices.BinarySearch(values, p.Value+1)
				if share := float64(below) / float64(n); p.Share != share {
					t.Errorf("n=%d: CDF(%d) = %v, want %v", n, p.Value, p.Share, share)
				}
			}
		}
	}
}

func TestDurationsMeanRoundsToNearest(t *testing.T) {
	for _, tt := range []struct {
		values []model.Duration
		want   model.Duration
	}{
		{[]model.Duration{0, 1}, 1}, {[]model.Duration{0, 0, 1}, 0}, {[]model.Duration{0, 1, 1}, 1},
		{[]model.Duration{0, 0, 1, 1}, 1}, {[]model.Duration{0, 0, 0, 1}, 0}, {[]model.Duration{7}, 7},
	} {
		var s properties.Durations
		for _, v := range tt.values {
			s.Add(v)
		}
		if got := s.Mean(); got != tt.want {
			t.Errorf("mean of %v is %v, want %v", tt.values, got, tt.want)
		}
	}
}

// TestDurationsMergeIntoEmpty: the minimum of a merged histogram is not that of nothing.
func TestDurationsMergeIntoEmpty(t *testing.T) {
	var empty, full properties.Durations
	for i := range 600 {
		full.Add(model.Duration(i + 5000))
	}
	empty.Merge(&full)
	empty.Merge(new(properties.Durations))
	if empty.Min() != 5000 || empty.Max() != 5599 || empty.Count() != 600 || empty.Mean() != full.Mean() || empty.Quantile(0.5) != full.Quantile(0.5) {
		t.Errorf("%d durations in %v..%v", empty.Count(), empty.Min(), empty.Max())
	}
}

func TestDurationsEmptyAndOutOfRange(t *testing.T) {
	var s properties.Durations
	if s.Quantile(0.5) != 0 || s.Mean() != 0 || s.Max() != 0 || s.Min() != 0 || s.CDF() != nil || !s.Sum().IsZero() {
		t.Error("an empty set is not empty")
	}
	defer func() {
		if recover() == nil {
			t.Error("a negative duration was taken")
		}
	}()
	s.Add(-1)
}

func TestLatency(t *testing.T) {
	a, b := properties.NewLatency(100), properties.NewLatency(100)
	for _, r := range []model.Record{
		{Kind: model.Delivered, SentAt: 99, At: 1000, Priority: 7}, // sent in the warm-up
		{Kind: model.Delivered, SentAt: 100, At: 130, Priority: 7},
		{Kind: model.Delivered, SentAt: 110, At: 120, Priority: 7},
		{Kind: model.Delivered, SentAt: 110, At: 160, Priority: 7, Traffic: true},
		{Kind: model.Delivered, SentAt: 110, At: 111, Priority: 0, Traffic: true},
		{Kind: model.Dropped, SentAt: 110, At: 900, Priority: 7},
	} {
		a.Observe(&r)
	}
	late := model.Record{Kind: model.Delivered, SentAt: 200, At: 300, Priority: 7}
	b.Observe(&late)
	b.Merge(a)
	for _, tt := range []struct {
		l                 *properties.Latency
		traffic           bool
		priority          model.Priority
		count             int64
		shortest, longest model.Duration
	}{
		{a, false, 7, 2, 10, 30}, {a, true, 7, 1, 50, 50}, {a, true, 0, 1, 1, 1}, {a, false, 0, 0, 0, 0},
		{b, false, 7, 3, 10, 100}, {b, true, 7, 1, 50, 50},
	} {
		s := tt.l.Of(tt.traffic, tt.priority)
		if s.Count() != tt.count || s.Min() != tt.shortest || s.Max() != tt.longest {
			t.Errorf("traffic=%v priority=%d: %d, %v..%v, want %+v", tt.traffic, tt.priority, s.Count(), s.Min(), s.Max(), tt)
		}
	}
}
