package detectors_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"

	"suspect/detectors"
	"suspect/model"
	"suspect/sim"
)

// chenRow is a row of testdata/chen.csv: the exact quality of service of NFD-S
// under exponential delay, computed with 60 decimal digits.
type chenRow struct {
	id     string
	number map[string]float64
}

func (r chenRow) qos() detectors.QoS {
	return detectors.NFDSQoS(r.number["eta"], r.number["delta"], r.number["p_L"], detectors.ExponentialDelay{Mean: r.number["E_D"]})
}

func chenRows(t *testing.T) []chenRow {
	f, err := os.Open("testdata/chen.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []chenRow
	for _, line := range lines[1:] {
		r := chenRow{line[0], map[string]float64{}}
		for i, field := range line[1:] {
			if r.number[lines[0][i+1]], err = strconv.ParseFloat(field, 64); err != nil {
				t.Fatal(err)
			}
		}
		rows = append(rows, r)
	}
	if len(rows) < 10 {
		t.Fatalf("only %d rows", len(rows))
	}
	return rows
}

func TestNFDSQoS(t *testing.T) {
	for _, r := range chenRows(t) {
		q := r.qos()
		for name, got := range map[string]float64{
			"k": float64(q.K), "q0": q.Q0, "u0": q.U0, "p_s": q.PS,
			"E_TMR": q.MistakeRecurrence, "E_TM": q.MistakeDuration, "P_A": q.QueryAccuracy,
			"lambda_M": q.MistakeRate, "E_TG": q.GoodPeriod,
			"TD_max": q.MaxDetectionTime, "E_TD_uniform": q.MeanDetectionTime,
		} {
			want := r.number[name]
			if math.Abs(got-want) > 1e-13*math.Abs(want) { // the file has 15 digits
				t.Errorf("%s: %s = %.15g, want %.15g", r.id, name, got, want)
			}
		}
	}
}

func TestNFDSQoSDegenerate(t *testing.T) {
	q := detectors.NFDSQoS(1, 2, 0, bounded(0.5))
	if q.U0 != 0 || !math.IsInf(q.MistakeRecurrence, 1) || q.QueryAccuracy != 1 || q.MistakeRate != 0 ||
		!math.IsInf(q.GoodPeriod, 1) || !math.IsNaN(q.MistakeDuration) || q.MeanDetectionTime != 2.5 {
		t.Errorf("delays of at most half a second, delta 2: %+v", q)
	}
	q = detectors.NFDSQoS(1, 2, 1, bounded(0.5))
	if q.Q0 != 0 || q.QueryAccuracy != 0 || !math.IsInf(q.MistakeDuration, 1) || q.MeanDetectionTime != 0 {
		t.Errorf("everything lost: %+v", q)
	}
}

// bounded is the uniform distribution on (0, bounded).
type bounded float64

func (b bounded) Tail(x float64) float64 { return min(1, max(0, 1-x/float64(b))) }

// The worked example of Chen, Toueg and Aguilera: T_D^U = 30 s, T_MR^L = 30 days,
// T_M^U = 60 s, loss 1%. They print 9.97, 9.71 and 9.71; four digits were
// recomputed independently.
func TestConfigure(t *testing.T) {
	need := detectors.Requirements{DetectionTime: 30, MistakeRecurrence: 30 * 86400, MistakeDuration: 60}
	exponential := detectors.ExponentialDelay{Mean: 0.02}
	check := func(name string, eta, shift float64, err error, want float64, digits string) {
		t.Helper()
		if err != nil || fmt.Sprintf(digits, eta) != fmt.Sprintf(digits, want) || math.Abs(eta+shift-30) > 1e-12 {
			t.Errorf("%s: eta %v, shift %v, error %v, want eta %v", name, eta, shift, err, want)
		}
	}
	eta, delta, err := detectors.Configure(need, 0.01, exponential)
	check("known", eta, delta, err, 9.976, "%.3f")
	if q := detectors.NFDSQoS(eta, delta, 0.01, exponential); q.MistakeRecurrence < need.MistakeRecurrence*(1-1e-9) || q.MistakeDuration > 60 {
		t.Errorf("the known configuration does not keep its promise: %+v", q)
	}
	eta, delta, err = detectors.ConfigureFromMoments(need, 0.01, 0.02, 0.02)
	check("moments", eta, delta, err, 9.7098, "%.4f")
	eta, alpha, err := detectors.ConfigureNFDU(need, 0.01, 0.02)
	check("NFD-U", eta, alpha, err, 9.7166, "%.4f")
}

// f is not monotone: an eta far below the solution fails while a larger one
// holds, so a bisection would miss it. A fine scan from above is the judge.
func TestConfigureFindsTheLargest(t *testing.T) {
	const detection, loss, mean = 4.0, 0.05, 0.3
	d := detectors.ExponentialDelay{Mean: mean}
	q0 := (1 - loss) * (1 - d.Tail(detection))
	f := func(eta float64) float64 {
		product := q0
		for j := 1; j <= int(math.Ceil(detection/eta))-1; j++ {
			product *= loss + (1-loss)*d.Tail(detection-float64(j)*eta)
		}
		return eta / product
	}
	trapped := 0
	for goal := 5.0; goal < 1e5; goal *= 1.07 {
		eta, _, err := detectors.Configure(detectors.Requirements{DetectionTime: detection, MistakeRecurrence: goal, MistakeDuration: 10}, loss, d)
		if err != nil {
			t.Fatal(err)
		}
		largest := detection
		for f(largest) < goal {
			largest -= 3e-5
		}
		if math.Abs(eta-largest) > 4e-5 || f(eta) < goal {
			t.Errorf("goal %v: eta %v with f %v, a scan finds %v", goal, eta, f(eta), largest)
		}
		for below := eta - 0.01; below > 0.9*eta; below -= 0.01 {
			if f(below) < goal {
				trapped++
				break
			}
		}
	}
	if trapped == 0 {
		t.Error("no goal had a hole below its solution: the test tests nothing")
	}
}

// chebyshev is the tail of which ConfigureFromMoments assumes the worst, for a mean
// of zero and the given variance. It counts its calls.
type chebyshev struct {
	variance float64
	calls    *int
}

func (c chebyshev) Tail(x float64) float64 {
	*c.calls++
	return c.variance / (c.variance + x*x)
}

// Whether thousands of heartbeats are needed or none suffice, the answer comes within
// some ten million factors, a fraction of a second.
func TestConfigureIsQuick(t *testing.T) {
	const loss, goal, limit = 0.5, 1e9, 20_000_000
	for _, c := range []struct {
		variance   float64
		achievable bool
	}{{1, true}, {10, true}, {30, true}, {100, true}, {300, true}, {1000, false}, {1e4, false}, {1e9, false}} {
		d := chebyshev{c.variance, new(int)}
		q0 := (1 - loss) * (1 - d.Tail(1))
		f := func(eta float64) float64 { // of ConfigureFromMoments
			product := 1.0
			for j := 1.0; j < 1/eta; j++ {
				x := 1 - j*eta
				product *= (c.variance + loss*x*x) / (c.variance + x*x)
			}
			return eta / product
		}
		check := func(name string, eta float64, err error) {
			t.Helper()
			if !c.achievable {
				if !errors.Is(err, detectors.ErrUnachievable) {
					t.Errorf("%s, variance %v: eta %v, error %v", name, c.variance, eta, err)
				}
				return
			}
			if err != nil || f(eta) < goal*(1-1e-9) {
				t.Errorf("%s, variance %v: eta %v, error %v, f %v", name, c.variance, eta, err, f(eta))
				return
			}
			for larger := eta * (1 + 1e-9); larger < q0; larger *= 1.01 {
				if f(larger) >= goal {
					t.Errorf("%s, variance %v: eta %v, but %v is good too", name, c.variance, eta, larger)
				}
			}
		}
		// Counted first, so that a hang fails rather than lasts.
		stop := stopper{d, limit, t}
		eta, _, err := detectors.Configure(detectors.Requirements{DetectionTime: 1, MistakeRecurrence: goal / q0, MistakeDuration: 1}, loss, stop)
		check("Configure", eta, err)
		need := detectors.Requirements{DetectionTime: 1, MistakeRecurrence: goal, MistakeDuration: 1}
		eta, _, err = detectors.ConfigureFromMoments(need, loss, 0, c.variance)
		check("ConfigureFromMoments", eta, err)
		eta, _, err = detectors.ConfigureNFDU(need, loss, c.variance)
		check("ConfigureNFDU", eta, err)
	}
}

// stopper ends the test after so many calls.
type stopper struct {
	chebyshev
	limit int
	t     *testing.T
}

func (s stopper) Tail(x float64) float64 {
	if *s.calls > s.limit {
		s.t.Fatalf("variance %v: more than %d factors", s.variance, s.limit)
	}
	return s.chebyshev.Tail(x)
}

// A goal just above a peak, or just below, is where the search must take its smallest
// steps. Where it is below, the peak is the solution.
func TestConfigureNearAPeak(t *testing.T) {
	const loss, limit = 0.05, 100_000
	d := chebyshev{0.01, new(int)}
	q0 := (1 - loss) * (1 - d.Tail(1))
	f := func(eta float64) float64 { return eta / (q0 * (loss + (1-loss)*d.Tail(1-eta))) } // for eta >= 1/2
	peak := 0.5
	for eta := 0.5; eta < 1; eta += 1e-6 {
		if f(eta) > f(peak) {
			peak = eta
		}
	}
	if peak == 0.5 {
		t.Fatal("there is no peak between 1/2 and 1")
	}
	for _, share := range []float64{1 - 1e-3, 1 - 1e-5, 1 - 2e-6, 1 + 1e-5, 1 + 1e-9, 1 + 1e-12} {
		*d.calls = 0
		need := detectors.Requirements{DetectionTime: 1, MistakeRecurrence: f(peak) * share, MistakeDuration: 10}
		eta, _, err := detectors.Configure(need, loss, stopper{d, limit, t})
		if err != nil || share < 1 && (eta < peak || f(eta) < need.MistakeRecurrence) || share > 1 && eta >= 0.5 {
			t.Errorf("goal of %v peaks at %v: eta %v, error %v, after %d factors", share, peak, eta, err, *d.calls)
		}
	}
}

func TestConfigureRefuses(t *testing.T) {
	need := detectors.Requirements{DetectionTime: 1, MistakeRecurrence: 100, MistakeDuration: 10}
	_, _, lost := detectors.Configure(need, 1, bounded(0.5))
	_, _, slow := detectors.ConfigureFromMoments(need, 0.1, 2, 1)
	_, _, lostU := detectors.ConfigureNFDU(need, 1, 1)
	for _, err := range []error{lost, slow, lostU} {
		if !errors.Is(err, detectors.ErrUnachievable) {
			t.Error(err)
		}
	}
	if _, _, err := detectors.Configure(detectors.Requirements{DetectionTime: 1}, 0.1, bounded(0.5)); err == nil || errors.Is(err, detectors.ErrUnachievable) {
		t.Error("missing requirements:", err)
	}
}

// The real automaton, fed heartbeats with exponential delays and losses, makes
// the mistakes that the theorem predicts. The gate is on Student's t over batches
// of heartbeats, 4.5 standard errors wide.
func TestNFDSMeetsTheory(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"S01", "S06", "S07", "S08", "S10", "S12"} {
		for _, r := range chenRows(t) {
			if r.id != id {
				continue
			}
			const batches, perBatch = 20, 20_000
			rate, wrong := simulateNFDS(t, r, batches, perBatch)
			for _, c := range []struct {
				name   string
				sample []float64
				want   float64
			}{{"mistakes per second", rate, r.number["lambda_M"]}, {"share of time suspected", wrong, 1 - r.number["P_A"]}} {
				mean, se := meanAndError(c.sample)
				z := (mean - c.want) / se
				t.Logf("%s: %s %.6g, theory %.6g, z = %.2f", id, c.name, mean, c.want, z)
				if !(math.Abs(z) < 4.5) || se > 0.2*c.want {
					t.Errorf("%s: %s %.6g, theory %.6g, standard error %.2g", id, c.name, mean, c.want, se)
				}
			}
		}
	}
}

func meanAndError(x []float64) (mean, standardError float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	var sum float64
	for _, v := range x {
		sum += (v - mean) * (v - mean)
	}
	n := float64(len(x))
	return mean, math.Sqrt(sum / (n - 1) / n)
}

// simulateNFDS feeds the heartbeats of one peer to NFD-S. It returns the rate of
// mistakes and the share of time suspected in each batch.
func simulateNFDS(t *testing.T, r chenRow, batches, perBatch int) (rate, wrong []float64) {
	text := func(name string) string {
		return strconv.FormatFloat(r.number[name], 'f', -1, 64) + "s"
	}
	a, err := build(t, "nfd-s", map[string]string{"eta": text("eta"), "delta": text("delta"), "stagger": "false"})(
		detectors.Env{Self: 1, N: 2, Watch: []model.ProcessID{0}})
	if err != nil {
		t.Fatal(err)
	}
	stream := sim.NewStream(1, "test/nfd-s/"+r.id)
	eta := model.Duration(math.Round(r.number["eta"] * float64(model.Second)))
	batch := eta * model.Duration(perBatch)

	var out model.Output
	var mistakes int
	var suspected model.Duration
	var since model.Time
	suspecting := false
	step := func(now model.Time, in model.Input) {
		out.Reset()
		a.Step(now, &in, &out)
		for _, v := range out.Verdicts {
			if suspecting {
				suspected += now.Sub(since)
			} else {
				mistakes++
			}
			suspecting, since = v.Suspected, now
		}
	}
	until := func(now model.Time) {
		for out.Wake <= now {
			step(out.Wake, model.Input{Kind: model.Wake})
		}
	}
	step(0, model.Input{Kind: model.Start})
	type arrival struct {
		at  model.Time
		seq int64
	}
	var flying []arrival // by time of arrival
	next := int64(0)
	for b := range batches + 1 { // the first is to warm up
		end := model.Time(b+1) * model.Time(batch)
		mistakes, suspected = 0, 0
		for {
			sent := model.Time(next) * model.Time(eta)
			if len(flying) > 0 && flying[0].at <= min(sent, end) {
				until(flying[0].at)
				step(flying[0].at, model.Input{Kind: model.Deliver, Message: model.Message{From: 0, To: 1, Kind: detectors.HeartbeatKind, Seq: flying[0].seq}})
				flying = flying[1:]
				continue
			}
			if sent >= end {
				break
			}
			delay := -math.Log(stream.Float64()) * r.number["E_D"]
			if !stream.Chance(r.number["p_L"]) {
				a := arrival{sent.Add(model.Duration(delay * float64(model.Second))), next}
				i := len(flying)
				for i > 0 && flying[i-1].at > a.at {
					i--
				}
				flying = append(flying[:i:i], append([]arrival{a}, flying[i:]...)...)
			}
			next++
		}
		until(end)
		if suspecting {
			suspected += end.Sub(since)
			since = end
		}
		if b > 0 {
			rate = append(rate, float64(mistakes)/batch.Seconds())
			wrong = append(wrong, suspected.Seconds()/batch.Seconds())
		}
	}
	return rate, wrong
}
