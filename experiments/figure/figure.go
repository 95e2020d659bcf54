package figure

import (
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Figure is one picture: panels in rows below a common title and legend.
type Figure struct {
	Title string
	// Columns is the number of panels beside each other; 0 means 1.
	Columns int
	// Tall makes the panels twice as high, for many points.
	Tall   bool
	Panels []Panel
}

// Panel is one chart.
type Panel struct {
	// Caption tells what the vertical axis means, above the panel: it needs no label.
	Caption string
	X, Y    Axis
	// Series are drawn in order, the later ones above. Those of the same name have the
	// same colour in all panels of a figure, and one line of its legend; a series
	// without a name is not in the legend.
	Series []Series
	Lines  []Line
}

// Axis is a scale along one side.
type Axis struct {
	Label string
	Unit  Unit
	// Log makes the axis logarithmic. What is not positive is drawn at its lower end,
	// and its mark is hollow.
	Log bool
	// From and To are its ends; where both are 0 it fits what is drawn.
	From, To float64
}

// Point is a place in the units of the axes.
type Point struct{ X, Y float64 }

// Kind says how points are shown.
type Kind int

const (
	Curve   Kind = iota // a line from point to point
	Steps               // a line that keeps its height until the next point
	Marks               // a mark at each point
	Marked              // a line, and a mark at each point
	LastDot             // Steps with a mark at the last point: where the slowest one is
)

// Series is one set of points.
type Series struct {
	Name   string
	Kind   Kind
	Points []Point
	// Low and High are the ends of an interval around the Y of each point; nil where
	// there are none.
	Low, High []float64
	// Muted draws the series in light gray, for what is there to be compared with.
	Muted bool
	// Of names another series whose colour this one takes: several series of the same
	// name can be marks beside one line each.
	Of string
	// Hollow makes marks rings.
	Hollow bool
	// Shape is that of marks, so that more series than [Colours] can be told apart.
	Shape Shape
}

// Shape is the shape of a mark.
type Shape int

const (
	Round Shape = iota
	Square
	Triangle
)

// glyphs are the shapes, filled and hollow.
var glyphs = [...][2]draw.GlyphDrawer{
	Round: {draw.CircleGlyph{}, draw.RingGlyph{}}, Square: {draw.BoxGlyph{}, draw.SquareGlyph{}}, Triangle: {draw.PyramidGlyph{}, draw.TriangleGlyph{}},
}

// Line is a straight line across the panel, as at a bound, with its label beside it.
type Line struct {
	// Upright lines stand at a place of the horizontal axis, others lie at one of the
	// vertical axis.
	Upright bool
	At      float64
	Label   string
	// Of names the series whose colour the line takes; without one it is dark.
	Of string
}

// SVG draws the figure.
func (f *Figure) SVG() []byte {
	var names []string
	var samples []*Series
	for _, p := range f.Panels {
		for i := range p.Series {
			if s := &p.Series[i]; s.Name != "" && !slices.Contains(names, s.Name) {
				names, samples = append(names, s.Name), append(samples, s)
			}
		}
	}
	palette := newPalette(samples)
	shown := make([]string, len(names))
	for i, name := range names {
		shown[i] = Shorten(clean(name), 60)
	}
	columns := max(f.Columns, 1)
	rows := (len(f.Panels) + columns - 1) / columns
	row := 1.8 * vg.Inch
	if f.Tall {
		row *= 2
	}
	height := 1.6*vg.Inch + row*vg.Length(rows) + moreRows(shown)
	return Paint(f.Title, height, func(c draw.Canvas) {
		if len(shown) > 0 {
			c = legend(c, shown, func(i int, from, to vg.Point) { palette.sample(&c, samples[i], from, to) })
		}
		const gap = vg.Length(8)
		cellWidth := (c.Max.X - c.Min.X + gap) / vg.Length(columns)
		cellHeight := (c.Max.Y - c.Min.Y + gap) / vg.Length(rows)
		for column := range columns {
			var panels []draw.Canvas
			var plots []*plot.Plot
			for i := column; i < len(f.Panels); i += columns {
				row := vg.Length(i / columns)
				cell := c
				cell.Min.X = c.Min.X + vg.Length(column)*cellWidth
				cell.Max.X = cell.Min.X + cellWidth - gap
				cell.Max.Y = c.Max.Y - row*cellHeight
				cell.Min.Y = cell.Max.Y - cellHeight + gap
				if f.Panels[i].Caption != "" {
					cell = caption(cell, clean(f.Panels[i].Caption))
				}
				panels, plots = append(panels, cell), append(plots, f.Panels[i].plot(palette, columns))
			}
			drawAligned(panels, plots)
		}
	})
}

// palette gives each series its style, by its name.
type palette map[string]draw.LineStyle

func newPalette(samples []*Series) palette {
	p := palette{}
	colour := 0
	for _, s := range samples {
		if s.Of != "" {
			p[s.Name] = draw.LineStyle{Color: Ink, Width: vg.Points(1.6)}
			continue
		}
		if s.Muted {
			p[s.Name] = draw.LineStyle{Color: light, Width: vg.Points(1.2)}
			continue
		}
		p[s.Name] = Style(colour)
		colour++
	}
	return p
}

func (p palette) of(s *Series) draw.LineStyle {
	if style, ok := p[s.Of]; ok {
		return style
	}
	if style, ok := p[s.Name]; ok {
		return style
	}
	if s.Muted {
		return draw.LineStyle{Color: light, Width: vg.Points(1.2)}
	}
	return draw.LineStyle{Color: Ink, Width: vg.Points(1.6)}
}

// sample draws what a series looks like between two points.
func (p palette) sample(c *draw.Canvas, s *Series, from, to vg.Point) {
	style := p[s.Name]
	if s.Kind != Marks {
		c.StrokeLine2(style, from.X, from.Y, to.X, to.Y)
	}
	if s.Kind == Marks || s.Kind == Marked {
		mark(c, style.Color, vg.Point{X: (from.X + to.X) / 2, Y: from.Y}, s.Shape, s.Hollow)
	}
}

func mark(c *draw.Canvas, colour color.Color, at vg.Point, shape Shape, hollow bool) {
	glyph := glyphs[shape][0]
	if hollow {
		glyph = glyphs[shape][1]
	}
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: colour, Radius: 2.5, Shape: glyph}, at)
}

// plot returns the panel as a plot.
func (p *Panel) plot(styles palette, columns int) *plot.Plot {
	out := NewPlot(p.X.Label, p.Y.Label)
	xs, ys := p.values()
	p.X.set(&out.X, xs, 12/columns)
	p.Y.set(&out.Y, ys, 7)
	out.Add(Grid{})
	out.Add(panelLines{p.Lines, styles, false, false})
	for i := range p.Series {
		out.Add(panelSeries{&p.Series[i], styles.of(&p.Series[i])})
	}
	out.Add(panelLines{p.Lines, styles, true, false})
	return out
}

// values returns all that the axes are to show.
func (p *Panel) values() (xs, ys []float64) {
	for _, s := range p.Series {
		for _, q := range s.Points {
			xs, ys = append(xs, q.X), append(ys, q.Y)
		}
		ys = append(append(ys, s.Low...), s.High...)
	}
	for _, l := range p.Lines {
		if l.Upright {
			xs = append(xs, l.At)
		} else {
			ys = append(ys, l.At)
		}
	}
	return xs, ys
}

// set gives the axis its ends, scale and ticks.
func (a *Axis) set(to *plot.Axis, values []float64, labels int) {
	to.Min, to.Max = a.From, a.To
	if a.From == 0 && a.To == 0 {
		to.Min, to.Max = around(values, a.Log)
	}
	to.Tick.Marker = Ticks{Unit: a.Unit, Log: a.Log, Most: labels}
	if a.Log {
		to.Scale = plot.LogScale{}
	}
}

// around returns ends of an axis for values, with room on both sides; a linear axis
// that would begin near 0 begins there.
func around(values []float64, log bool) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !log || v > 0 {
			lo, hi = math.Min(lo, v), math.Max(hi, v)
		}
	}
	if lo > hi {
		lo, hi = 1, 1
	}
	if log {
		// What does not vary still gets an axis.
		margin := math.Max(1.05, math.Pow(hi/lo, 0.03))
		return lo / margin, hi * margin
	}
	margin := math.Max((hi-lo)*0.04, math.Max(math.Abs(hi), math.Abs(lo))*0.02)
	from, to := lo-margin, hi+margin
	if lo >= 0 && from < 0.4*to {
		from = 0
	}
	if from == to {
		to = 1e-9
	}
	return from, to
}

// panelSeries draws one series into a plot.
type panelSeries struct {
	*Series
	style draw.LineStyle
}

// Plot implements plot.Plotter.
func (s panelSeries) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := transforms(&c, p)
	at := make([]vg.Point, len(s.Points))
	for i, q := range s.Points {
		at[i] = vg.Point{X: x(q.X), Y: y(q.Y)}
	}
	if s.Low != nil {
		whisker := draw.LineStyle{Color: s.style.Color, Width: vg.Points(1)}
		for i, q := range at {
			low, high := max(y(s.Low[i]), c.Min.Y), min(y(s.High[i]), c.Max.Y)
			if !c.ContainsX(q.X) || low > high {
				continue
			}
			c.StrokeLine2(whisker, q.X, low, q.X, high)
			for _, end := range []vg.Length{low, high} {
				c.StrokeLine2(whisker, max(q.X-2.5, c.Min.X), end, min(q.X+2.5, c.Max.X), end)
			}
		}
	}
	switch s.Kind {
	case Steps, LastDot:
		c.StrokeLines(s.style, c.ClipLinesXY(visible(at, true))...)
	case Curve, Marked:
		c.StrokeLines(s.style, c.ClipLinesXY(visible(at, false))...)
	}
	for i, q := range at {
		if (s.Kind == Marks || s.Kind == Marked || s.Kind == LastDot && i == len(at)-1) && c.ContainsX(q.X) && c.ContainsY(q.Y) {
			hollow := s.Hollow || logarithmic(&p.X) && s.Points[i].X <= 0 || logarithmic(&p.Y) && s.Points[i].Y <= 0
			mark(&c, s.style.Color, q, s.Shape, hollow)
		}
	}
}

// visible returns the line through the points, with a corner before each where it has
// steps, without points too close to the last one to be told apart from it.
func visible(points []vg.Point, steps bool) (line []vg.Point) {
	const apart = 0.25 // in either direction
	var last vg.Point
	for i, q := range points {
		if i > 0 {
			if i < len(points)-1 && math.Abs(float64(q.X-last.X)) < apart && math.Abs(float64(q.Y-last.Y)) < apart {
				continue
			}
			if steps {
				line = append(line, vg.Point{X: q.X, Y: last.Y})
			}
		}
		line = append(line, q)
		last = q
	}
	return line
}

// transforms is like that of the plot, but takes what is not positive to the lower end
// of a logarithmic axis.
func transforms(c *draw.Canvas, p *plot.Plot) (x, y func(float64) vg.Length) {
	plainX, plainY := p.Transforms(c)
	positive := func(a *plot.Axis, f func(float64) vg.Length) func(float64) vg.Length {
		if !logarithmic(a) {
			return f
		}
		return func(v float64) vg.Length {
			if v <= 0 {
				v = a.Min
			}
			return f(v)
		}
	}
	return positive(&p.X, plainX), positive(&p.Y, plainY)
}

// panelLines draws the reference lines of a panel, or their labels: those come above
// the series, the lines below.
type panelLines struct {
	lines  []Line
	styles palette
	labels bool
	// top has the labels of upright lines at the top, where bars leave room, else they are
	// at the bottom, where curves that rise do.
	top bool
}

// Plot implements plot.Plotter.
func (d panelLines) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := transforms(&c, p)
	var taken []vg.Rectangle // by labels
	for _, l := range d.lines {
		at := y(l.At)
		from, to, shown := vg.Point{X: c.Min.X, Y: at}, vg.Point{X: c.Max.X, Y: at}, c.ContainsY(at)
		if l.Upright {
			at = x(l.At)
			from, to, shown = vg.Point{X: at, Y: c.Min.Y}, vg.Point{X: at, Y: c.Max.Y}, c.ContainsX(at)
		}
		if !shown {
			continue
		}
		colour := Ink
		if style, ok := d.styles[l.Of]; ok {
			colour = style.Color
		}
		if !d.labels {
			c.StrokeLine2(draw.LineStyle{Color: colour, Width: vg.Points(1), Dashes: []vg.Length{4, 2}}, from.X, from.Y, to.X, to.Y)
			continue
		}
		label := Sans(8.5, colour)
		said := Fit(label, clean(l.Label), (c.Max.X-c.Min.X)-8)
		if said == "" {
			continue
		}
		box := label.Rectangle(said)
		size := box.Size()
		// The first free place of a few is taken, each the lower left corner of the label.
		var places []vg.Point
		for i := vg.Length(0); i < 8; i++ {
			switch {
			case l.Upright && d.top:
				places = append(places, vg.Point{X: at - 3 - size.X, Y: c.Max.Y - (i+1)*(size.Y+1)}, vg.Point{X: at + 3, Y: c.Max.Y - (i+1)*(size.Y+1)})
			case l.Upright:
				places = append(places, vg.Point{X: at - 3 - size.X, Y: c.Min.Y + 3 + i*(size.Y+1)}, vg.Point{X: at + 3, Y: c.Min.Y + 3 + i*(size.Y+1)})
			default:
				left := c.Min.X + 4 + i*(c.Max.X-c.Min.X-4-size.X)/7
				places = append(places, vg.Point{X: left, Y: at + 1}, vg.Point{X: left, Y: at - 1 - size.Y})
			}
		}
		place := vg.Point{X: min(max(places[0].X, c.Min.X), c.Max.X-size.X), Y: min(max(places[0].Y, c.Min.Y), c.Max.Y-size.Y)}
		for _, q := range places {
			inside := q.X >= c.Min.X && q.X+size.X <= c.Max.X && q.Y >= c.Min.Y && q.Y+size.Y <= c.Max.Y
			if inside && !slices.ContainsFunc(taken, func(r vg.Rectangle) bool {
				return q.X < r.Max.X && r.Min.X < q.X+size.X && q.Y < r.Max.Y && r.Min.Y < q.Y+size.Y
			}) {
				place = q
				break
			}
		}
		taken = append(taken, vg.Rectangle{Min: place, Max: place.Add(size)})
		write(&c, label, place.Sub(box.Min), said)
	}
}

// write writes on a ground that lets little through of what is below.
func write(c *draw.Canvas, style text.Style, at vg.Point, s string) {
	box := style.Rectangle(s).Add(at)
	c.SetColor(color.NRGBA{0xff, 0xff, 0xff, 0xd8})
	c.Fill(box.Path())
	c.FillText(style, at, s)
}

func logarithmic(a *plot.Axis) bool {
	_, ok := a.Scale.(plot.LogScale)
	return ok
}

// drawAligned draws each plot in its panel, with their vertical axes in one line.
func drawAligned(panels []draw.Canvas, plots []*plot.Plot) {
	left := vg.Length(0)
	for i, p := range plots {
		left = max(left, p.DataCanvas(panels[i]).Min.X)
	}
	for i, p := range plots {
		c := panels[i]
		p.Draw(draw.Crop(c, left-p.DataCanvas(c).Min.X, 0, 0, 0))
	}
}
