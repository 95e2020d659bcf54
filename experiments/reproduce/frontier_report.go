package reproduce

import (
	"bytes"
	"cmp"
	commas "encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"

	"suspect/detectors"
	"suspect/experiments/figure"
	"suspect/experiments/report"
	"suspect/model"
	"suspect/properties"
)

var frontierNotes = []string{
	"Six processes watch each other. Detection time is the mean over the crashes of two of them, at random times, and over those who watch them; " +
		"mistakes are suspicions of those that are up, counted after the warm-up. A detector that suspects already when the crash comes detects it at once.",
	"Equal bandwidth: heartbeats have the period of the environment. All times of a detector with messages of its own are scaled until it costs as many bytes per second, on the wire of the sender's link; " +
		"on a quiet network; where it costs more in the environment, they are made longer still. The column of bytes tells what it cost there, while nobody crashed. Group membership pays for one probe where heartbeats go to everybody, so its periods are short.",
	"Common random numbers: a replication has the same crashes, flows, stalls and recorded delays for every setting. Detectors that live on heartbeats listen to the same packets; " +
		"the others run up to sixteen side by side, each with packets of its own, and in the class of QJUMP, where they wait for the same limiter, up to six.",
	"Intervals have 95%, with the replication as the unit; those of fewer than 30 mistakes are at least as wide as a Poisson process has it. " +
		"A point is dominated where another one has no longer a mean detection time and no more mistakes, and less of one of them. " +
		"It is surely so where no interval of the paired differences reaches below zero.",
	"Who is wrong for more than a tenth of the time has no place on the frontier, for it often suspects already when the crash comes; nor has who left a crash unseen at the end of a run. " +
		"Mistakes can last for ever, as in SWIM, whose members do not come back: then there are few, and the wrong time tells.",
	"Detection times of detectors on heartbeats are corrected by the age of the last heartbeat at the crash, whose mean is known (a control variate): " +
		"the same mean with a narrower interval.",
}

// report adds what was found in an environment.
func (s *surroundings) report(d *Document, p *frontierPlan) error {
	for _, x := range s.points {
		x.measure()
	}
	judge(s.points)
	columns := []string{"detector", "knob", "T_D [ms]", "T_D from", "T_D to", "longest [ms]", "mistakes", "per s", "per s from", "per s to", "wrong time", "B/s"}
	cells := func(x *point) []Cell {
		return []Cell{
			words("%s", x.spec.Name), words("%s", x.label()), millis(x.detection.value), millis(x.detection.Low), millis(x.detection.High), millis(x.slowest),
			count(int64(x.mistakes)), number(x.rate.value, "%.3g"), number(x.rate.Low, "%.2g"), number(x.rate.High, "%.2g"),
			number(x.wrong.value, "%.3g"), number(x.cost, "%.0f"),
		}
	}
	best := newTable(fmt.Sprintf("%s: the frontier (%s)", s.name, s.about), columns...)
	all := newTable(fmt.Sprintf("%s: all settings, and one that dominates each, with the paired differences and their intervals", s.name),
		append(columns, "beaten by", "sooner [ms]", "sooner from", "sooner to", "fewer per s", "fewer from", "fewer to", "surely")...)
	for _, x := range ordered(s.points) {
		row := cells(x)
		why, ok := x.place()
		switch b := x.beaten; {
		case !ok:
			row = append(append(row, words("- (%s)", why)), make([]Cell, 7)...)
		case b == nil:
			best.add(row...)
			row = append(append(row, words("none")), make([]Cell, 7)...)
		default:
			row = append(row, words("%s %s", b.by.spec.Name, b.by.label()),
				millis(b.sooner.value), millis(b.sooner.Low), millis(b.sooner.High),
				number(b.fewer.value, "%.3g"), number(b.fewer.Low, "%.3g"), number(b.fewer.High, "%.3g"), words("%s", yes(b.sure())))
		}
		all.add(row...)
	}
	d.Tables = append(d.Tables, best, all)
	d.Attached = append(d.Attached, report.File{Name: "frontier-" + s.name + ".csv", Data: all.csv()})
	d.Figures = append(d.Figures, s.figure())
	s.checkCosts(d)
	if s.check != nil {
		return s.check(s, d, p)
	}
	return nil
}

// dearest is how much more than heartbeats anything may cost, as the search for periods
// ends with a small error.
const dearest = 1.05

// checkCosts holds all detectors to the bytes of heartbeats.
func (s *surroundings) checkCosts(d *Document) {
	i := slices.IndexFunc(s.points, func(x *point) bool { return x.spec.Heartbeats })
	if i < 0 {
		return
	}
	budget, most := s.points[i].cost, s.points[i]
	for _, x := range s.points {
		if x.cost > most.cost {
			most = x
		}
	}
	d.check(s.name+": bytes per second of what costs most", fmt.Sprintf("<= %.0f", dearest*budget), fmt.Sprintf("%.0f", most.cost), most.cost <= dearest*budget,
		fmt.Sprintf("%s, %s; heartbeats cost %.0f", most.spec.Name, most.label(), budget))
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

// millis is a cell with a number of seconds in milliseconds.
func millis(seconds float64) Cell { return number(seconds*1e3, "%.4g") }

// ordered returns the points in the order of their detection times.
func ordered(points []*point) []*point {
	list := slices.Clone(points)
	slices.SortStableFunc(list, func(a, b *point) int {
		x, y := a.detection.value, b.detection.value
		if math.IsNaN(x) || math.IsNaN(y) { // last
			return -cmp.Compare(x, y)
		}
		return cmp.Compare(x, y)
	})
	return list
}

// figure draws the points: what is dominated is grey.
func (s *surroundings) figure() Figure {
	exposure := sum(s.points[0].column(exposureOf))
	x := figure.Axis{Label: "mean time from a crash to its detection", Unit: figure.Seconds, Log: true}
	rate := figure.Panel{
		Caption: "mistakes in a second of a pair of processes", X: x, Y: figure.Axis{Log: true},
		Lines: []figure.Line{{At: 1 / exposure, Label: "one mistake in all runs"}},
	}
	wrong := figure.Panel{Caption: "part of the time that is wrong", X: x, Y: figure.Axis{Log: true}}
	s.draw(&rate, func(p *point) estimate { return p.rate })
	s.draw(&wrong, func(p *point) estimate { return p.wrong })
	if s.closedForm {
		exact := figure.Series{Name: "NFD-S, closed form", Kind: figure.Curve}
		share := exact
		for margin := 0.02; margin < 10; margin *= 1.05 {
			q := detectors.NFDSQoS(s.eta.Seconds(), margin*s.eta.Seconds(), exponentialLoss, detectors.ExponentialDelay{Mean: exponentialDelay.Seconds()})
			if q.QueryAccuracy < 1-mostWrong {
				continue
			}
			if q.MistakeRate < 0.3/exposure {
				break
			}
			exact.Points = append(exact.Points, figure.Point{X: q.MeanDetectionTime, Y: q.MistakeRate})
			share.Points = append(share.Points, figure.Point{X: q.MeanDetectionTime, Y: 1 - q.QueryAccuracy})
		}
		rate.Series, wrong.Series = append(rate.Series, exact), append(wrong.Series, share)
	}
	f := figure.Figure{Title: fmt.Sprintf("Frontier: %s", s.about), Tall: true, Panels: []figure.Panel{rate, wrong}}
	return Figure{
		Name: "frontier-" + s.name,
		Caption: fmt.Sprintf("%s: how often, and for what part of the time, processes that are up are suspected, against the mean detection time. "+
			"Every detector over its knob, at equal bandwidth; dominated points are grey. Hollow marks at the lower end: never.", s.about),
		SVG: f.SVG(),
	}
}

// draw adds the points to a panel, the dominated ones first.
func (s *surroundings) draw(panel *figure.Panel, of func(p *point) estimate) {
	muted := figure.Series{Kind: figure.Marks, Muted: true}
	var best []figure.Series
	for _, p := range ordered(s.points) {
		if _, ok := p.place(); !ok {
			continue
		}
		y := of(p)
		at := figure.Point{X: p.detection.value, Y: y.value}
		if p.beaten != nil {
			muted.Points = append(muted.Points, at)
			continue
		}
		k := 0
		for k < len(best) && best[k].Name != p.spec.Name {
			k++
		}
		if k == len(best) {
			best = append(best, figure.Series{
				Name: p.spec.Name, Kind: figure.Marks, Shape: figure.Shape(k / figure.Colours % 3),
			})
		}
		b := &best[k]
		b.Points, b.Low, b.High = append(b.Points, at), append(b.Low, y.Low), append(b.High, y.High)
	}
	panel.Series = append(append(panel.Series, muted), best...)
}

// What the scenario of exponential delays says, for the closed form.
const (
	exponentialLoss  = 0.02
	exponentialDelay = 5 * model.Millisecond
)

// frontierError is the probability that one of the checks of a closed form fails where
// everything is right.
const frontierError = 0.01

// checkClosedForm compares NFD-S with Chen, Toueg and Aguilera's theorem, and NFD-U with
// it where the clocks agree.
func checkClosedForm(s *surroundings, d *Document, _ *frontierPlan) error {
	t := newTable(s.name+": NFD-S against its closed form", "delta [ms]", "per s, closed form", "measured", "from", "to", "T_D, closed form [ms]", "measured [ms]", "from", "to")
	var settings []*point
	for _, x := range s.points {
		if x.spec.Name == "nfd-s" {
			settings = append(settings, x)
		}
	}
	level := 1 - frontierError/float64(2*max(1, len(settings)))
	for _, x := range settings {
		delta := x.duration("delta")
		exact := detectors.NFDSQoS(s.eta.Seconds(), delta.Seconds(), exponentialLoss, detectors.ExponentialDelay{Mean: exponentialDelay.Seconds()})
		rate, td := x.mistakeRate(level), x.lossyDetection(s.eta.Seconds(), exact.Q0, level)
		t.add(millis(delta.Seconds()), number(exact.MistakeRate, "%.4g"), number(rate.value, "%.4g"), number(rate.Low, "%.4g"), number(rate.High, "%.4g"),
			millis(exact.MeanDetectionTime), millis(td.value), millis(td.Low), millis(td.High))
		within := func(what, unit string, exact float64, e estimate) {
			d.check(fmt.Sprintf("%s, nfd-s, delta = %v: %s", s.name, delta, what), fmt.Sprintf("%.4g%s", exact, unit), fmt.Sprintf("%.4g%s", e.value, unit),
				e.Low <= exact && exact <= e.High, fmt.Sprintf("in the interval from %.4g to %.4g, of which all hold with 99%%", e.Low, e.High))
		}
		within("mistakes per second", "/s", exact.MistakeRate, rate)
		within("mean T_D", " s", exact.MeanDetectionTime, td)
	}
	if len(settings) > 0 {
		d.Tables = append(d.Tables, t)
	}
	return nil
}

// lossyDetection returns the mean of T_D of NFD-S with an interval that does not rest on the
// spread that was seen, as few losses fall on the last heartbeats before a crash. With
// the correction by its age U, a detection time is delta + eta/2 - min(G*eta, delta + eta - U),
// where G is the number of last heartbeats that were lost or late, Pr(G=g) = q_0 (1-q_0)^g.
// So its variance is at most eta^2 E(G^2) = eta^2 (1-q_0)(2-q_0)/q_0^2. Two losses of a
// period more or less make up for the normal distribution, which sums of few are not.
func (p *point) lossyDetection(eta, q0, level float64) estimate {
	n := sum(p.column(detectedOf))
	mean := sum(p.column(detectionOf)) / n
	z := distuv.UnitNormal.Quantile((1 + level) / 2)
	half := z*eta*math.Sqrt((1-q0)*(2-q0)/n)/q0 + 2*eta/n
	return estimate{mean, properties.Interval{Low: mean - half, High: mean + half}}
}

// duration returns the value of a parameter of the setting that is one.
func (s *tuning) duration(name string) model.Duration {
	_, values := s.values()
	v, err := model.ParseDuration(values[name])
	if err != nil {
		panic(fmt.Sprintf("reproduce: parameter %s of %s: %v", name, s.spec.Name, err))
	}
	return v
}

// checkGuaranteed holds detectors in the guaranteed class to the deadline D that is
// proved of heartbeats: who waits longer than eta + D makes no mistake.
func checkGuaranteed(s *surroundings, d *Document, p *frontierPlan) error {
	if !s.groups[0][0].spec.Heartbeats {
		return nil
	}
	plan, err := s.scenario(s.groups[0], p.seed(0), p.periods, true)
	if err != nil {
		return err
	}
	proved, err := newDeadline(plan)
	if err != nil {
		return err
	}
	if proved.eta > s.eta {
		return fmt.Errorf("the environment %s has a period of %v, below the %v that the class allows", s.name, s.eta, proved.eta)
	}
	sure := s.eta + proved.d()
	above, mistaken := make(map[string]int), make(map[string]float64)
	for _, x := range s.points {
		if x.spec.Heartbeats && x.unseen == 0 && x.detection.value > sure.Seconds() {
			above[x.spec.Name]++
			mistaken[x.spec.Name] += x.mistakes
		}
	}
	for _, name := range model.SortedKeys(above) {
		d.check(fmt.Sprintf("%s, %s: mistakes of the %s with a mean T_D above eta + D = %v", s.name, name, report.Plural(int64(above[name]), "setting", "settings"), sure),
			"0", fmt.Sprintf("%.0f", mistaken[name]), mistaken[name] == 0, "W + B < D is proved: "+strings.TrimSpace(proved.level.Bound.Formula))
	}
	return nil
}

// csv returns the table as a file of comma-separated values, with every digit of numbers.
func (t *Table) csv() []byte {
	var b bytes.Buffer
	w := commas.NewWriter(&b)
	var line []string
	for _, c := range t.Columns {
		line = append(line, c.heading())
	}
	w.Write(line)
	for _, r := range t.Rows {
		for i, c := range r {
			line[i] = c.Text
			if c.Value != nil {
				line[i] = strconv.FormatFloat(*c.Value, 'g', -1, 64)
			}
		}
		w.Write(line)
	}
	w.Flush()
	return b.Bytes()
}
