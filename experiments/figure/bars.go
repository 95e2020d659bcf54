package figure

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Bars is a chart of rows, each made of parts in a line, as what a packet spent its
// time on at each hop.
type Bars struct {
	Title string
	// X is the scale of all rows; it must be linear.
	X Axis
	// Parts are the kinds of parts, in the order of the legend.
	Parts []Part
	Rows  []Row
	// Lines must be upright.
	Lines []Line
}

// Part is a kind of parts. A muted one is light gray.
type Part struct {
	Name  string
	Muted bool
}

// Row is one row of parts in a line.
type Row struct {
	Label string
	// Start is where its first part begins.
	Start float64
	// Lengths are those of the parts, one for each kind.
	Lengths []float64
}

const (
	barHeight = vg.Length(22)
	barLabel  = vg.Length(130) // the most room for the label of a row
)

// SVG draws the bars, the first row at the top.
func (b *Bars) SVG() []byte {
	styles := palette{}
	names := make([]string, len(b.Parts))
	for i, part := range b.Parts {
		names[i] = Shorten(clean(part.Name), 60)
		styles[part.Name] = draw.LineStyle{Color: b.colour(i), Width: 8}
	}
	height := vg.Length(len(b.Rows))*barHeight + 1.15*vg.Inch + moreRows(names)
	return Paint(b.Title, height, func(c draw.Canvas) {
		c = legend(c, names, func(i int, from, to vg.Point) {
			c.StrokeLine2(styles[b.Parts[i].Name], from.X, from.Y, to.X, to.Y)
		})
		p := NewPlot(b.X.Label, "")
		values := []float64{0}
		for _, l := range b.Lines {
			values = append(values, l.At)
		}
		rows := make(plot.ConstantTicks, len(b.Rows))
		for i, r := range b.Rows {
			end := r.Start
			for _, part := range r.Lengths {
				end += part
			}
			values = append(values, r.Start, end)
			rows[i] = plot.Tick{Value: b.height(i), Label: Fit(Sans(9, Ink), clean(r.Label), barLabel)}
		}
		b.X.set(&p.X, values, 12)
		p.Y.Min, p.Y.Max = -0.6, float64(len(b.Rows))-0.1
		p.Y.LineStyle.Width, p.Y.Tick.Length = 0, 0
		p.Y.Tick.Marker = rows
		p.Add(Grid{}, panelLines{b.Lines, styles, false, true}, barDrawing{b}, panelLines{b.Lines, styles, true, true})
		p.Draw(c)
	})
}

// height returns where row i lies on the vertical axis.
func (b *Bars) height(i int) float64 { return float64(len(b.Rows) - 1 - i) }

// colour returns that of part i, without black, which is that of lines and texts.
func (b *Bars) colour(i int) color.Color {
	if b.Parts[i].Muted {
		return faint
	}
	return seriesColors[i%(len(seriesColors)-1)]
}

type barDrawing struct{ *Bars }

// Plot implements plot.Plotter.
func (d barDrawing) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for i, r := range d.Rows {
		from := r.Start
		middle := y(d.height(i))
		for k, part := range r.Lengths {
			if part > 0 {
				left, right := x(from), x(from+part)
				c.FillPolygon(d.colour(k), []vg.Point{{X: left, Y: middle - 6}, {X: right, Y: middle - 6}, {X: right, Y: middle + 6}, {X: left, Y: middle + 6}})
			}
			from += part
		}
	}
}
