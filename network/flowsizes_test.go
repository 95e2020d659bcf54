package network

import (
	"math"
	"math/big"
	"sort"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"suspect/model"
	"suspect/sim"
)

// The means in packets that the study states: 1141.0 and 5116.6. With all digits,
// of the published points, they are 1140.98 and 5116.6.
func TestMeansOfFlowSizes(t *testing.T) {
	for _, c := range []struct {
		sizes  *FlowSizes
		stated float64 // to a digit after the point
		exact  float64
	}{
		{WebSearch, 1141.0, 1140.98},
		{DataMining, 5116.6, 5116.6},
	} {
		if err := c.sizes.Validate(); err != nil {
			t.Error(err)
		}
		packets := c.sizes.Mean() / ns2Payload
		if math.Abs(packets-c.stated) >= 0.05 || math.Abs(packets-c.exact) > 1e-9 {
			t.Errorf("%s: mean of %v packets, want %v", c.sizes.Name, packets, c.exact)
		}
		if found, ok := LookupFlowSizes(c.sizes.Name); !ok || found != c.sizes {
			t.Errorf("%s is not found by its name", c.sizes.Name)
		}
	}
	if _, ok := LookupFlowSizes("none"); ok {
		t.Error("there are flow sizes named none")
	}
}

// Quantiles at shares that are whole 2^-64ths are exact by hand.
func TestQuantilesOfFlowSizes(t *testing.T) {
	const half = 1 << 63
	ramp := &FlowSizes{Points: []FlowSize{{100, 0}, {200, million}}}
	for _, c := range []struct {
		name  string
		sizes *FlowSizes
		draw  uint64
		want  int64
	}{
		{"least", WebSearch, 0, 6 * ns2Payload},
		{"on the step", WebSearch, half / 4, 6 * ns2Payload},          // 12.5 % < 15 %
		{"in a segment", WebSearch, half, 70642},                      // 33 + 20·10/13 packets, 70641.5 bytes
		{"greatest", WebSearch, math.MaxUint64, 20000 * ns2Payload},   // rounded up
		{"half, on the step's end", DataMining, half, 1 * ns2Payload}, // the segment above begins at the step
		{"three quarters", DataMining, half + half/2, 5 * ns2Payload}, // between 3 and 7
		{"ramp", ramp, half / 2, 125},
		{"rounds down below a half", ramp, uint64(math.Round(0.00499 * (1 << 63) * 2)), 100}, // 100.499
		{"rounds up above", ramp, uint64(math.Round(0.00501 * (1 << 63) * 2)), 101},          // 100.501
	} {
		if got := c.sizes.quantile(c.draw); got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.name, got, c.want)
		}
	}
}

// Where samples are distributed as the table says, the empirical distribution
// function differs from it at no size by more than 1.95/√n, but for one time in a
// thousand (Kolmogorov).
func TestSamplesFollowTheTable(t *testing.T) {
	const n = 200_000
	for _, sizes := range AllFlowSizes() {
		s := sim.NewStream(1, "sizes")
		samples := make([]int64, n)
		for i := range samples {
			samples[i] = sizes.Sample(s)
		}
		sort.Slice(samples, func(i, j int) bool { return samples[i] < samples[j] })
		worst := 0.0
		for i, x := range samples {
			if i+1 < n && samples[i+1] == x {
				continue
			}
			// To the upper end of the sizes that are rounded to x.
			worst = max(worst, math.Abs(float64(i+1)/n-shareUpTo(sizes, float64(x)+0.5)))
		}
		if limit := 1.95 / math.Sqrt(n); worst > limit {
			t.Errorf("%s: the distribution function is off by %.4f, limit %.4f", sizes.Name, worst, limit)
		}
	}
}

// shareUpTo interpolates the table upwards, as its source reads.
func shareUpTo(s *FlowSizes, bytes float64) float64 {
	share := 0.0
	for i, b := range s.Points[1:] {
		a := s.Points[i]
		if bytes >= float64(b.Bytes) {
			share = float64(b.PerMillion) / million
		} else if bytes > float64(a.Bytes) {
			passed := (bytes - float64(a.Bytes)) / float64(b.Bytes-a.Bytes)
			share = (float64(a.PerMillion) + passed*float64(b.PerMillion-a.PerMillion)) / million
		}
	}
	return share
}

// The mean on the wire, in closed form, is that of all sizes one by one.
func TestMeanOnTheWire(t *testing.T) {
	parameters := gopter.DefaultTestParametersWithSeed(1)
	properties := gopter.NewProperties(parameters)
	properties.Property("closed form = sum over sizes", prop.ForAll(
		func(low, d1, d2 int64, share int32, payload int32, bare bool) bool {
			framing := Ethernet
			if bare {
				framing = Bare
			}
			s := &FlowSizes{Points: []FlowSize{{low, 0}, {low + d1, share}, {low + d1 + d2, million}}}
			want := new(big.Rat)
			for i, b := range s.Points[1:] {
				a := s.Points[i]
				weight := big.NewRat(int64(b.PerMillion-a.PerMillion), million)
				for n := a.Bytes; n <= b.Bytes; n++ {
					share := big.NewRat(1, 1)
					if b.Bytes > a.Bytes {
						share.SetFrac64(1, b.Bytes-a.Bytes)
						if n == a.Bytes || n == b.Bytes {
							share.SetFrac64(1, 2*(b.Bytes-a.Bytes))
						}
					}
					wire := int64(0)
					for left := n; left > 0; left -= int64(payload) {
						wire += int64(framing.WireBytes(int32(min(left, int64(payload)))))
					}
					share.Mul(share, weight)
					want.Add(want, share.Mul(share, big.NewRat(wire, 1)))
				}
			}
			return want.Cmp(s.meanWire(payload, framing)) == 0
		},
		gen.Int64Range(1, 300), gen.Int64Range(0, 300), gen.Int64Range(0, 300),
		gen.Int32Range(0, million), gen.Int32Range(1, 120), gen.Bool(),
	))
	properties.TestingRun(t)
}

// Bare packets cost what they carry, however many there are: sizes between two points
// are on average in the middle.
func TestMeanOfHugeFlowsOnTheWire(t *testing.T) {
	for _, payload := range []int32{1, 100, MaxPayload} {
		s := &FlowSizes{Points: []FlowSize{{1 << 30, 0}, {maxFlow, million}}}
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		if got, want := s.meanWire(payload, Bare), big.NewRat((1<<30+maxFlow)/2, 1); got.Cmp(want) != 0 {
			t.Errorf("payload %d: %v bytes, want %v", payload, got, want)
		}
	}
}

func TestFlowSizesAreValidated(t *testing.T) {
	for want, points := range map[string][]FlowSize{
		`flow sizes "x": 1 points; there must be two or more`:                                        {{1, 0}},
		`flow sizes "x": the shares go from 1 to 1000000 millionths; they must go from 0 to 1000000`: {{1, 1}, {2, million}},
		`flow sizes "x": the shares go from 0 to 999999 millionths; they must go from 0 to 1000000`:  {{1, 0}, {2, million - 1}},
		`flow sizes "x": size of 0 bytes; it must lie between 1 and 1099511627776`:                   {{0, 0}, {2, million}},
		`flow sizes "x": point 1 is below the one before it`:                                         {{2, 0}, {1, million}},
		`flow sizes "x": point 2 is below the one before it`:                                         {{1, 0}, {2, 7}, {3, 6}, {4, million}},
	} {
		err := (&FlowSizes{Name: "x", Points: points}).Validate()
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// Bare packets cost what they carry, so the mean gap between flows that come to 8 Gb/s
// is their mean size at 1 ns for a byte: 1140.98 and 5116.6 packets of 1460 bytes.
func TestMeanGapBetweenFlows(t *testing.T) {
	for sizes, want := range map[*FlowSizes]string{WebSearch: "1.6658308ms", DataMining: "7.470236ms"} {
		if got := transmissionOf(sizes.meanWire(1460, Bare), 8*Gbps); got.String() != want {
			t.Errorf("%s: %v, want %v", sizes.Name, got, want)
		}
	}
	if got := transmissionOf(big.NewRat(1, 1), 3); got != 2_666_666_666_667 {
		t.Errorf("a byte at 3 bit/s: %v", got)
	}
	if got := transmissionOf(big.NewRat(maxFlow, 1), 1); got != model.Duration(model.MaxTime) {
		t.Errorf("a tebibyte at 1 bit/s: %v", got)
	}
}
