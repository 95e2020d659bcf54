package reproduce

import (
	"context"
	"fmt"
	"slices"

	"suspect/detectors"
	"suspect/experiments/figure"
	"suspect/experiments/report"
	runner "suspect/experiments/run"
	"suspect/model"
	"suspect/properties"
)

// curves are the same detectors, and the adaptive ones, with their heartbeats in the
// class of the bulk: how many mistakes they make at what detection time.
type curves struct {
	guaranteed, effort []*beating
	settings           []knobSetting
}

// knobSetting is a detector with one value of the parameter that trades mistakes for time.
type knobSetting struct {
	use, name string
	label     string // of the value
	tuned     bool   // else it is as its author chose
	text      string // of its parameters
}

// parameters returns what is written of the setting in a scenario.
func (x *knobSetting) parameters() []string {
	if x.text == "" {
		return []string{"name: " + x.name}
	}
	return []string{"name: " + x.name, x.text}
}

// effortShare is how many of the heartbeats of an experiment are spent on a curve.
const effortShare = 20

// shares are the points of a curve, in shares of D. At 1 NFD-S and the timeout have the
// parameters of the guaranteed class. Detectors without a margin of their own have
// thresholds, or weights.
var (
	shares     = []float64{0.1, 0.5, 1, 2, 3, 4, 8}
	thresholds = []string{"0.3", "1", "2", "8", "32", "128"}
	weights    = []string{"0", "1", "4", "16", "64", "256"}
)

// settingsOf returns the points of the curve of a detector, those with more time behind
// those with less.
func settingsOf(use string, d *deadline) (list []knobSetting) {
	margin := func(parameter string, more model.Duration, others string) {
		for _, share := range shares {
			x := model.Duration(share * float64(d.d()))
			if share == 1 {
				x = d.d()
			}
			list = append(list, knobSetting{label: fmt.Sprintf("%g D", share), text: fmt.Sprintf("%s: %v%s", parameter, more+x, others)})
		}
	}
	values := func(parameter string, texts []string, others string) {
		for _, x := range texts {
			list = append(list, knobSetting{label: parameter + " = " + x, text: fmt.Sprintf("%s: %s%s", parameter, x, others)})
		}
	}
	switch use {
	case "nfd-s":
		margin("delta", 0, "")
	case "nfd-u", "nfd-e", "2w-fd":
		margin("alpha", 0, "")
	case "timeout":
		margin("timeout", d.eta, "")
	case "adaptive":
		margin("timeout", d.eta, fmt.Sprintf(", step: %v", d.eta/10))
	case "phi":
		values("threshold", thresholds, fmt.Sprintf(", deviation: %v", d.eta/1000))
	case "bertier":
		values("phi", weights, fmt.Sprintf(", var: %v", d.eta/4))
	default:
		return []knobSetting{{use: use, name: use, label: "its own"}}
	}
	for i := range list {
		list[i].use, list[i].name, list[i].tuned = use, fmt.Sprintf("%s-%d", use, i), true
	}
	return list
}

// heartbeatDetectors returns the names of the detectors that live on the standard heartbeat.
func heartbeatDetectors() (names []string) {
	for _, s := range detectors.All() {
		if s.Heartbeats {
			names = append(names, s.Name)
		}
	}
	return names
}

func planCurves(systems []*beating) *curves {
	c := &curves{guaranteed: systems}
	for _, s := range systems {
		b := *s
		b.Name += "-best-effort"
		b.Priority, b.Level = bestEffort, false
		b.Detectors, b.Properties = nil, nil
		b.Replications = max(2, s.Replications/effortShare)
		for _, x := range effortSettings(b.deadline) {
			b.Detectors = append(b.Detectors, detect(x.use, b.deadline.eta, x.parameters()...))
		}
		c.effort = append(c.effort, &b)
	}
	return c
}

// effortSettings returns the points of all curves.
func effortSettings(d *deadline) (list []knobSetting) {
	for _, use := range heartbeatDetectors() {
		list = append(list, settingsOf(use, d)...)
	}
	return list
}

func (c *curves) replications() (n int) {
	for _, b := range c.effort {
		n += b.Replications
	}
	return n
}

// mistakeRate returns the mistakes in a heartbeat that was due, with their interval.
func mistakeRate(x *runner.Detector, eta model.Duration) (mean float64, in properties.Interval) {
	due := x.Mistakes.PairSeconds / eta.Seconds()
	mean, in = float64(x.Mistakes.Count)/due, properties.PoissonInterval(x.Mistakes.Count, due, heartbeatConfidence)
	if r := x.Mistakes.RateReplicated; r != nil && x.Mistakes.Count > 0 {
		in = properties.Interval{Low: max(0, r.Low*eta.Seconds()), High: r.High * eta.Seconds()}
	}
	return mean, in
}

func (c *curves) run(ctx context.Context, m *meter, d *Document) error {
	same := newTable("At the same detection time: in the best-effort class, the first setting of each detector with a longest T_D not below that of NFD-S in the guaranteed class",
		"network", "detector", "setting", "longest T_D [us]", "guaranteed [us]", "mistakes", "per heartbeat", "guaranteed <", "wrong time")
	all := newTable("The same detectors and the adaptive ones in the best-effort class: mistakes, with 95% intervals, and the part of the time that is wrong, at what detection time",
		"network", "detector", "setting", "mean T_D [us]", "longest T_D [us]", "mistakes", "per heartbeat", "from", "to", "wrong time")
	f := figure.Figure{Title: "Wrong suspicions against detection time", Columns: 2}
	for i, b := range c.effort {
		r, err := m.run(ctx, b.name+", best effort", b.scenario())
		if err != nil {
			return err
		}
		p := newTradeOff(b.name, b.deadline.eta)
		add := func(line, name, label string, x *runner.Detector) {
			mean, in := mistakeRate(x, b.deadline.eta)
			all.add(words("%s", b.name), words("%s", name), words("%s", label), micros(meanDetection(x)), micros(x.Detection.Time.Max), count(x.Mistakes.Count),
				number(mean, "%.3g"), number(in.Low, "%.2g"), number(in.High, "%.2g"), number(wrong(x), "%.3g"))
			p.add(line, x)
		}
		sure := &c.guaranteed[i].found.Detectors[0]
		add(guaranteedLine, "nfd-s, guaranteed", "1 D", sure)
		add(guaranteedLine, "timeout, guaranteed", "1 D", &c.guaranteed[i].found.Detectors[1])
		settings := effortSettings(b.deadline)
		for k, x := range settings {
			line := x.use
			if x.use == "nfd-u" {
				line = "" // with clocks that agree it does as NFD-S
			}
			add(line, x.use, x.label, &r.Detectors[k])
		}
		upper := upperRate(sure, b.deadline.eta)
		for _, use := range heartbeatDetectors() {
			k := slices.IndexFunc(settings, func(s knobSetting) bool { return s.use == use && s.tuned })
			for ; k >= 0 && k < len(settings) && settings[k].use == use; k++ {
				if r.Detectors[k].Detection.Time.Max >= sure.Detection.Time.Max {
					break
				}
			}
			if k < 0 || k == len(settings) || settings[k].use != use {
				continue
			}
			x := &r.Detectors[k]
			mean, _ := mistakeRate(x, b.deadline.eta)
			same.add(words("%s", b.name), words("%s", use), words("%s", settings[k].label), micros(x.Detection.Time.Max), micros(sure.Detection.Time.Max),
				count(x.Mistakes.Count), number(mean, "%.3g"), number(upper, "%.2g"), number(wrong(x), "%.3g"))
			d.check(fmt.Sprintf("%s, best effort, %s: mistakes", b.name, use), "some", report.Count(x.Mistakes.Count), x.Mistakes.Count > 0,
				"in at least the time in which the guaranteed class makes none")
		}
		f.Panels = append(f.Panels, p.panels(upper)...)
	}
	d.Tables = append(d.Tables, same, all)
	d.Figures = append(d.Figures, Figure{
		Name: "mistakes",
		Caption: "How often, and for what part of the time, processes that are up are suspected, against the longest detection time, in the best-effort class and in the guaranteed one. " +
			"Hollow marks at the lower end: never. nfd-u is left out: with clocks that agree it does as nfd-s.",
		SVG: f.SVG(),
	})
	return nil
}

// tradeOff are the two charts of a network.
type tradeOff struct {
	eta         model.Duration
	rate, wrong figure.Panel
}

func newTradeOff(name string, eta model.Duration) *tradeOff {
	x := figure.Axis{Label: "longest detection time", Unit: figure.Seconds, Log: true}
	return &tradeOff{
		eta:   eta,
		rate:  figure.Panel{Caption: name + ": mistakes in a heartbeat that was due", X: x, Y: figure.Axis{Log: true}},
		wrong: figure.Panel{Caption: name + ": part of the time that is wrong", X: x, Y: figure.Axis{Log: true}},
	}
}

// guaranteedLine is the name of the points, two of which make no line, of the guaranteed
// class.
const guaranteedLine = "guaranteed class"

// add adds a point with its 95 % interval to the line of the given name. What has none, or
// has seen no crash, has no place.
func (t *tradeOff) add(name string, x *runner.Detector) {
	if name == "" || x.Detection.Detected == 0 {
		return
	}
	put := func(p *figure.Panel, y float64, in properties.Interval) {
		k := slices.IndexFunc(p.Series, func(s figure.Series) bool { return s.Name == name })
		if k < 0 {
			k = len(p.Series)
			p.Series = append(p.Series, figure.Series{Name: name, Kind: figure.Marked})
			if name == guaranteedLine {
				p.Series[k].Kind = figure.Marks
			}
		}
		s := &p.Series[k]
		s.Points = append(s.Points, figure.Point{X: x.Detection.Time.Max.Seconds(), Y: y})
		s.Low, s.High = append(s.Low, in.Low), append(s.High, in.High)
	}
	mean, in := mistakeRate(x, t.eta)
	put(&t.rate, mean, in)
	share := wrong(x)
	in = properties.Interval{Low: share, High: share}
	if a := x.Mistakes.AccuracyInterval; a != nil {
		in = properties.Interval{Low: 1 - a.High, High: 1 - a.Low}
	}
	put(&t.wrong, share, in)
}

// panels returns the charts, where the rate of the guaranteed class is below upper.
func (t *tradeOff) panels(upper float64) []figure.Panel {
	t.rate.Lines = []figure.Line{{At: upper, Label: fmt.Sprintf("guaranteed < %.1e", upper)}}
	return []figure.Panel{t.rate, t.wrong}
}

// wrong returns the part of the time in which a process that was up was suspected,
// 1 - P_A.
func wrong(x *runner.Detector) float64 {
	if x.Mistakes.Accuracy == nil {
		return 0
	}
	return 1 - *x.Mistakes.Accuracy
}

// meanDetection returns the mean of T_D, 0 where no crash was seen.
func meanDetection(x *runner.Detector) model.Duration {
	if x.Detection.Mean.Mean == nil {
		return 0
	}
	return *x.Detection.Mean.Mean
}
