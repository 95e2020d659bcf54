package report

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// distribution is a sample to be drawn: values in seconds, increasing, each with
// the number of samples at or below it. Total may exceed the last number: the
// rest never got a value, as a crash that was never detected.
type distribution struct {
	name   string
	values []float64
	below  []int64
	total  int64
}

// points returns the distribution function as steps.
func (d distribution) points() []point {
	p := make([]point, len(d.values))
	for i, v := range d.values {
		p[i] = point{v, float64(d.below[i]) / float64(d.total)}
	}
	return p
}

// tail returns the share of samples above each value, as steps from 1 to the
// share of one sample at the greatest value.
func (d distribution) tail() []point {
	p := []point{{d.values[0], 1}}
	for i, v := range d.values {
		if above := d.total - d.below[i]; above > 0 {
			p = append(p, point{v, float64(above) / float64(d.total)})
		} else {
			p = append(p, point{v, p[len(p)-1].y})
		}
	}
	return p
}

// span returns the smallest and the greatest value of all distributions.
func span(ds []distribution) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, d := range ds {
		if len(d.values) > 0 {
			lo = math.Min(lo, d.values[0])
			hi = math.Max(hi, d.values[len(d.values)-1])
		}
	}
	return lo, hi
}

// named returns the names and line styles of ds, for a legend.
func named(ds []distribution) (names []string, styles []draw.LineStyle) {
	for i, d := range ds {
		names = append(names, shorten(Printable(d.name), 60))
		styles = append(styles, seriesStyle(i))
	}
	return names, styles
}

// latencyFigure draws the distribution functions of latencies on a logarithmic
// axis, and below them the tails: the share of packets that took longer.
func latencyFigure(title string, ds []distribution) []byte {
	lo, hi := span(ds)
	if lo <= 0 {
		lo = 1e-12
	}
	// Leave room on both sides; a sample that does not vary still gets an axis.
	margin := math.Max(1.05, math.Pow(hi/lo, 0.03))
	lo, hi = lo/margin, hi*margin
	floor := 1.0
	for _, d := range ds {
		floor = math.Min(floor, 1/float64(d.total))
	}
	floor = math.Pow10(int(math.Floor(math.Log10(floor) - 0.15))) // room for the dot

	names, styles := named(ds)
	return svg(title, 5.2*vg.Inch+moreRows(names), func(c draw.Canvas) {
		c = heading(draw.Crop(c, 8, -10, 8, -8), title)
		c = legend(c, names, styles)

		upper := newPlot("latency", "")
		lower := newPlot("latency", "")
		for _, p := range []*plot.Plot{upper, lower} {
			p.X.Min, p.X.Max = lo, hi
			p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, timeTicks{log: true}
		}
		upper.Y.Min, upper.Y.Max, upper.Y.Tick.Marker = 0, 1, shareTicks{}
		lower.Y.Min, lower.Y.Max, lower.Y.Tick.Marker = floor, 1, tailTicks{}
		lower.Y.Scale = plot.LogScale{}
		upper.Add(grid{})
		lower.Add(grid{})
		for i, d := range ds {
			if len(d.values) == 0 {
				continue
			}
			from := []point{{d.values[0], 0}}
			upper.Add(step{points: append(from, d.points()...), style: seriesStyle(i)})
			lower.Add(step{points: d.tail(), style: seriesStyle(i), dot: true})
		}
		half := (c.Max.Y - c.Min.Y) / 2
		panels := []draw.Canvas{
			caption(draw.Crop(c, 0, 0, half+4, 0), "share of packets that took at most so long"),
			caption(draw.Crop(c, 0, 0, 0, -half-4), "share of packets that took longer, down to the slowest one (dot)"),
		}
		drawAligned(panels, upper, lower)
	})
}

// detectionFigure draws how soon crashes were detected, one line per detector:
// a line that ends below 100% belongs to a detector that missed some.
func detectionFigure(title string, ds []distribution) []byte {
	lo, hi := span(ds)
	margin := math.Max((hi-lo)*0.04, hi*0.02)
	lo, hi = math.Max(0, lo-margin), hi+margin
	if lo < 0.4*hi {
		lo = 0
	}
	if hi == 0 { // all were suspected already when they crashed
		hi = 1e-9
	}
	names, styles := named(ds)
	return svg(title, 3.4*vg.Inch+moreRows(names), func(c draw.Canvas) {
		c = heading(draw.Crop(c, 8, -14, 8, -8), title)
		c = legend(c, names, styles)
		p := newPlot("time since the crash", "")
		p.X.Min, p.X.Max, p.X.Tick.Marker = lo, hi, timeTicks{}
		p.Y.Min, p.Y.Max, p.Y.Tick.Marker = 0, 1, shareTicks{}
		p.Add(grid{})
		for i, d := range ds {
			if len(d.values) == 0 {
				continue
			}
			steps := append([]point{{lo, 0}, {d.values[0], 0}}, d.points()...)
			steps = append(steps, point{hi, steps[len(steps)-1].y})
			p.Add(step{points: steps, style: seriesStyle(i)})
		}
		drawAligned([]draw.Canvas{caption(c, "share of detections made by then, without those too late to tell")}, p)
	})
}

// drawAligned draws each plot in its panel, with their vertical axes in one line.
func drawAligned(panels []draw.Canvas, plots ...*plot.Plot) {
	left := vg.Length(0)
	for i, p := range plots {
		left = max(left, p.DataCanvas(panels[i]).Min.X)
	}
	for i, p := range plots {
		c := panels[i]
		p.Draw(draw.Crop(c, left-p.DataCanvas(c).Min.X, 0, 0, 0))
	}
}
