package reproduce

import (
	"fmt"
	"math"

	runner "suspect/experiments/run"
	"suspect/properties"
)

// observed is what one replication says of a setting.
type observed struct {
	mistakes, exposure float64 // how many, in how many seconds of pairs
	wrong              float64 // seconds of pairs in which one that was up was suspected
	detection          float64 // seconds, summed over crashes and those who saw them
	detected, unseen   float64 // how many these are
	slowest            float64 // seconds
}

// observe takes what a run found. Younger is added to every detection time: see
// [environment.younger].
func observe(x *runner.Detector, younger float64) observed {
	o := observed{
		mistakes: float64(x.Mistakes.Count), exposure: x.Mistakes.PairSeconds,
		detected: float64(x.Detection.Detected), unseen: float64(x.Detection.Missed + x.Detection.Undetected + x.Detection.TooLate),
		slowest: x.Detection.Time.Max.Seconds(),
	}
	if m := x.Detection.Mean.Mean; m != nil {
		o.detection = (m.Seconds() + younger) * o.detected
	}
	if a := x.Mistakes.Accuracy; a != nil {
		o.wrong = (1 - *a) * o.exposure
	}
	return o
}

// estimate is a number with its interval.
type estimate struct {
	value float64
	properties.Interval
}

// point is a setting with what was measured of it.
type point struct {
	*tuning
	runs []observed // by replication

	rate, wrong, detection estimate // per second of a pair; of the time; seconds
	slowest                float64
	mistakes, unseen       float64
	beaten                 *beaten // nil on the frontier
}

// columns returns one value of each replication.
func (p *point) column(of func(o observed) float64) []float64 {
	xs := make([]float64, len(p.runs))
	for i, o := range p.runs {
		xs[i] = of(o)
	}
	return xs
}

// What a point is judged by.
func mistakesOf(o observed) float64  { return o.mistakes }
func exposureOf(o observed) float64  { return o.exposure }
func wrongOf(o observed) float64     { return o.wrong }
func detectionOf(o observed) float64 { return o.detection }
func detectedOf(o observed) float64  { return o.detected }

func sum(xs []float64) (s float64) {
	for _, x := range xs {
		s += x
	}
	return s
}

// fewMistakes are too few for an interval of Student's, for which that of a Poisson
// process stands in.
const fewMistakes = 30

// ratio returns the ratio of two sums over the replications with its interval.
func ratioOf(xs, ns []float64, level float64) estimate {
	r, in := properties.RatioInterval(xs, ns, level)
	in.Low = max(in.Low, 0)
	return estimate{r, in}
}

// mistakeRate returns the rate of mistakes with its interval at the level.
func (p *point) mistakeRate(level float64) estimate {
	e := ratioOf(p.column(mistakesOf), p.column(exposureOf), level)
	if p.mistakes < fewMistakes {
		poisson := properties.PoissonInterval(int64(p.mistakes), sum(p.column(exposureOf)), level)
		e.Interval = properties.Interval{Low: math.Min(poisson.Low, e.Low), High: math.Max(poisson.High, e.High)}
	}
	return e
}

// measure computes what is shown of the replications.
func (p *point) measure() {
	p.mistakes, p.unseen = sum(p.column(mistakesOf)), 0
	for _, o := range p.runs {
		p.unseen += o.unseen
		p.slowest = math.Max(p.slowest, o.slowest)
	}
	p.rate = p.mistakeRate(frontierConfidence)
	p.wrong = ratioOf(p.column(wrongOf), p.column(exposureOf), frontierConfidence)
	p.detection = ratioOf(p.column(detectionOf), p.column(detectedOf), frontierConfidence)
}

// mostWrong is the part of the time that a detector may be wrong. Those that are more
// often suspect when the crash comes, which is no detection.
const mostWrong = 0.1

// place tells whether the point can be on the frontier, or why not.
func (p *point) place() (why string, ok bool) {
	switch {
	case p.unseen > 0:
		return fmt.Sprintf("%.0f unseen", p.unseen), false
	case math.IsNaN(p.detection.value):
		return "no crash", false
	case p.wrong.value > mostWrong:
		return "wrong too often", false
	}
	return "", true
}

// noWorse tells that the point is as good as the other in both by which they are judged.
func (p *point) noWorse(q *point) bool {
	return p.detection.value <= q.detection.value && p.rate.value <= q.rate.value
}

// beaten tells by whom a point is dominated.
type beaten struct {
	by *point

	// What the other is better by in detection time and mistakes: the means of the paired
	// replications, with their intervals.
	sooner, fewer estimate
}

// sure tells that the other is not worse in either, at the level of the intervals.
func (b *beaten) sure() bool { return b.sooner.Low >= 0 && b.fewer.Low >= 0 }

// judge finds for each point another one that dominates it: it detects crashes no later in
// the mean and makes no more mistakes, and is better in one of them. Of several it is one
// that surely does, and of those the quickest.
func judge(points []*point) {
	for _, p := range points {
		p.beaten = nil
		for _, q := range points {
			if _, ok := q.place(); !ok || !q.noWorse(p) || p.noWorse(q) {
				continue
			}
			b := &beaten{by: q, sooner: difference(p, q, detectionOf, detectedOf), fewer: difference(p, q, mistakesOf, exposureOf)}
			if old := p.beaten; old == nil || b.sure() && !old.sure() ||
				b.sure() == old.sure() && q.detection.value < old.by.detection.value {
				p.beaten = b
			}
		}
	}
}

// difference returns by how much the ratio of p is above that of q, with replications as
// pairs: they have met the same.
func difference(p, q *point, of, per func(o observed) float64) estimate {
	xs := make([]float64, len(p.runs))
	for i := range xs {
		xs[i] = of(p.runs[i])/per(p.runs[i]) - of(q.runs[i])/per(q.runs[i])
	}
	mean, in := properties.MeanInterval(xs, frontierConfidence)
	return estimate{mean, in}
}
