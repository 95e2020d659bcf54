package report

import (
	"math"

	"suspect/experiments/figure"
)

// distribution is a named sample of times in seconds.
type distribution struct {
	name string
	figure.Distribution
}

// latencyFigure draws the distribution functions of latencies on a logarithmic
// axis, and below them the tails: the share of packets that took longer. Lines stand
// in both.
func latencyFigure(title string, ds []distribution, lines ...figure.Line) []byte {
	x := figure.Axis{Label: "latency", Unit: figure.Seconds, Log: true}
	upper := figure.Panel{
		Caption: "share of packets that took at most so long",
		X:       x, Y: figure.Axis{Unit: figure.Share, To: 1}, Lines: lines,
	}
	lower := figure.Panel{
		Caption: "share of packets that took longer, down to the slowest one (dot)",
		X:       x, Y: figure.Axis{Unit: figure.Share, Log: true, To: 1},
	}
	var samples []figure.Distribution
	for _, d := range ds {
		samples = append(samples, d.Distribution)
		upper.Series = append(upper.Series, figure.Series{Name: d.name, Kind: figure.Steps, Points: d.Steps()})
		lower.Series = append(lower.Series, figure.Series{Name: d.name, Kind: figure.LastDot, Points: d.Tail()})
	}
	for _, l := range lines {
		l.Label = ""
		lower.Lines = append(lower.Lines, l)
	}
	lower.Y.From = figure.TailFloor(samples...)
	f := figure.Figure{Title: title, Panels: []figure.Panel{upper, lower}}
	return f.SVG()
}

// detectionFigure draws how soon crashes were detected, one line per detector:
// a line that ends below 100% belongs to a detector that missed some.
func detectionFigure(title string, ds []distribution) []byte {
	p := figure.Panel{
		Caption: "share of detections made by then, without those too late to tell",
		X:       figure.Axis{Label: "time since the crash", Unit: figure.Seconds}, Y: figure.Axis{Unit: figure.Share, To: 1},
	}
	first, last := math.Inf(1), 0.0
	for _, d := range ds {
		if n := len(d.Values); n > 0 {
			first, last = math.Min(first, d.Values[0]), math.Max(last, d.Values[n-1])
		}
	}
	margin := math.Max((last-first)*0.04, last*0.02)
	p.X.From, p.X.To = first-margin, last+margin
	if p.X.From < 0.4*p.X.To {
		p.X.From = 0
	}
	if p.X.To == 0 { // all were suspected already when they crashed
		p.X.To = 1e-9
	}
	for _, d := range ds {
		s := figure.Series{Name: d.name, Kind: figure.Steps}
		if steps := d.Steps(); len(steps) > 0 {
			s.Points = append([]figure.Point{{X: p.X.From}}, steps...)
			s.Points = append(s.Points, figure.Point{X: p.X.To, Y: steps[len(steps)-1].Y})
		}
		p.Series = append(p.Series, s)
	}
	f := figure.Figure{Title: title, Panels: []figure.Panel{p}}
	return f.SVG()
}
