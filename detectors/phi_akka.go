package detectors

import (
	"math"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "phi-akka",
		Source: "Akka and Pekko, PhiAccrualFailureDetector.scala, with the defaults of akka.cluster.failure-detector in Akka's reference.conf",
		Doc:    "Suspects a peer when its silence, less an acceptable pause, is improbable by a logistic approximation of the normal distribution (phi accrual of Akka and Pekko).",
		Claims: []model.Claim{
			{Class: model.EventuallyP, Under: "drift-free clocks, no pauses, and from some time on no loss and delays that differ by less than pause - eta; before it processes start and messages are lost or late at will", Given: phiAkkaConditions},
		},
		Params: HeartbeatParams(
			thresholdParam("8", 0.31, 1000, "value of phi at which to suspect"),
			model.Param{Name: "n", Type: model.CountParam, Default: "1000",
				Doc: "how many of the latest inter-arrival times count (max-sample-size)"},
			model.Param{Name: "deviation", Type: model.DurationParam, Default: "100ms",
				Doc: "least standard deviation (min-std-deviation)"},
			model.Param{Name: "pause", Type: model.DurationParam, Default: "3s",
				Doc: "silence to accept on top of the mean interval (acceptable-heartbeat-pause)"},
			model.Param{Name: "expected", Type: model.DurationParam, Default: "1s",
				Doc: "how long after the start a peer that said nothing is taken to have been heard (expected-response-after; 5s in old versions)"},
			model.Param{Name: "outages", Type: model.SwitchParam, Default: "false",
				Doc: "let the silence that ended in a suspicion count as an interval, as in ports that note the arrival before they ask whether the peer was available: one long outage makes the detector slow"},
			model.Param{Name: "naive", Type: model.SwitchParam, Default: "false",
				Doc: "compute phi in floating point as the source does: it has no digits below 1e-16 and is infinite above 323"}),
		Heartbeats: true,
		New:        newPhiAkka,
	})
}

// phiAkka is the level of Akka's detector:
//
//	y   = (t - (mean + pause)) / max(sigma, deviation)
//	phi = -log10(e/(1 + e)), e = exp(-y*(1.5976 + 0.070566*y^2))
//
// with t the silence, and mean and sigma (of the population) of the window. The
// logistic form follows the normal distribution to about phi = 6 and overshoots beyond:
// where phi is 8, it says 9.31.
//
// The state machine is Akka's. Its clock shows whole milliseconds, and so do the
// intervals. The first heartbeat opens the window with two intervals of 3/4 and 5/4 of
// eta. A later one enters its interval only if the peer is available, that is trusted, at
// its arrival. Every heartbeat counts, whatever its number. Before the first, phi is 0;
// but the cluster takes a heartbeat for received when none has come for a time after the
// start, and so does this detector.
//
// Akka asks for the availability once a second. Here a peer is suspected from the first
// millisecond on at which the answer would be no.
type phiAkka struct {
	y         float64
	deviation float64 // picoseconds
	pause     float64 // picoseconds
	naive     bool
}

func newPhiAkka(env Env, p model.Params) (model.Automaton, error) {
	deviation, err := duration(p, "deviation", model.Millisecond)
	if err != nil {
		return nil, err
	}
	pause, err := duration(p, "pause", 0)
	if err != nil {
		return nil, err
	}
	expected, err := duration(p, "expected", model.Millisecond)
	if err != nil {
		return nil, err
	}
	l := &phiAkka{deviation: float64(deviation), pause: float64(pause), naive: p.Switch("naive")}
	l.y = deviations(p.Number("threshold"), l.phi)
	estimate := p.Duration("eta") / model.Millisecond
	return newAccrual(env, p, rules{
		law: l, unit: model.Millisecond, tick: model.Millisecond,
		seeds:   []model.Duration{(estimate - estimate/4) * model.Millisecond, (estimate + estimate/4) * model.Millisecond},
		deemed:  expected,
		outages: p.Switch("outages"), longest: anyLength,
	})
}

// phi returns the level at y deviations above the mean and the pause. It is
// log10(1 + exp(x)), x = y*(1.5976 + 0.070566*y^2).
func (l *phiAkka) phi(y float64) float64 {
	x := float64(y * (1.5976 + float64(0.070566*float64(y*y))))
	switch {
	case l.naive:
		return naivePhiAkka(y, model.Exp(-x))
	case x > 0:
		return (x + logOnePlus(model.Exp(-x))) / math.Ln10
	}
	return logOnePlus(model.Exp(x)) / math.Ln10
}

// naivePhiAkka is phi as the source computes it.
func naivePhiAkka(y, e float64) float64 {
	if y > 0 {
		return -model.Log(e/(1+e)) / math.Ln10
	}
	return max(0, -model.Log(1-1/(1+e))/math.Ln10)
}

// logOnePlus returns the natural logarithm of 1+x, for x >= 0, with a small relative
// error where x is small too (Kahan).
func logOnePlus(x float64) float64 {
	u := 1 + x
	if u == 1 {
		return x
	}
	return model.Log(u) * (x / (u - 1))
}

func (l *phiAkka) timeout(d *accrual, p int) float64 {
	return d.mean(p) + l.pause + float64(l.y*max(d.deviation(p, false), l.deviation))
}

func (l *phiAkka) level(d *accrual, p int, silence float64) float64 {
	return l.phi((silence - (d.mean(p) + l.pause)) / max(d.deviation(p, false), l.deviation))
}
