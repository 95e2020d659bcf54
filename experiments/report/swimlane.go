package report

import (
	"fmt"
	"image/color"
	"math"
	"sort"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"suspect/experiments/figure"
	"suspect/experiments/run"
	"suspect/model"
)

// Most messages that a swimlane shows from before and from the beginning of the
// mistake on: more could not be told apart.
const (
	lanesBefore = 8
	lanesDuring = 32
)

// flight is the way of one message through the network.
type flight struct {
	sent, ended model.Time // ended: delivered or dropped, or Never
	hops        []model.Time
	seq         int64
	cause       model.DropCause
}

// flights gathers the messages among the records, in the order of sending.
func flights(records []model.Record) []*flight {
	byPacket := make(map[uint64]*flight)
	var all []*flight
	for i := range records {
		r := &records[i]
		switch r.Kind {
		case model.Sent, model.Hopped, model.Delivered, model.Dropped:
		default:
			continue
		}
		f := byPacket[r.Packet]
		if f == nil {
			f = &flight{sent: r.SentAt, ended: model.Never, seq: r.Seq}
			if r.Kind == model.Sent {
				f.sent = r.At
			}
			byPacket[r.Packet] = f
			all = append(all, f)
		}
		switch r.Kind {
		case model.Hopped:
			f.hops = append(f.hops, r.At)
		case model.Delivered, model.Dropped:
			f.ended, f.cause = r.At, r.Cause
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].sent < all[j].sent })
	return all
}

// swimlane is what the drawing of a mistake is made of. Time is in seconds since
// the mistake began; lanes are numbered from the peer, 0, to the monitor, links.
type swimlane struct {
	x        *run.Explanation
	flights  []*flight
	links    int
	from, to float64 // what is shown
}

func newSwimlane(x *run.Explanation) *swimlane {
	s := &swimlane{x: x, links: 1}
	all := flights(x.Records)
	begin := x.Mistake.From
	split := sort.Search(len(all), func(i int) bool { return all[i].sent > begin })
	end := min(len(all), split+lanesDuring)
	s.flights = all[max(0, split-lanesBefore):end]

	for _, f := range s.flights {
		s.links = max(s.links, len(f.hops)+1) // behind each switch there was a link
	}
	s.to = s.since(x.Mistake.Until)
	if end < len(all) {
		s.to = math.Min(s.to, s.since(all[end].sent))
	}
	if len(s.flights) > 0 {
		s.from = math.Min(0, s.since(s.flights[0].sent))
	}
	// A short mistake is not to be lost in a long past.
	s.from = math.Max(s.from, -5*math.Max(s.to, s.silence()))
	margin := 0.06 * (s.to - s.from)
	if margin == 0 {
		margin = 1e-9
	}
	s.from, s.to = s.from-margin, s.to+margin
	return s
}

// silence is how long no message had arrived when the mistake began, in seconds.
func (s *swimlane) silence() float64 {
	last := model.Time(-1)
	for _, f := range s.flights {
		if f.cause == model.NotDropped && f.ended <= s.x.Mistake.From {
			last = max(last, f.ended)
		}
	}
	if last < 0 {
		return 0
	}
	return -s.since(last)
}

func (s *swimlane) since(t model.Time) float64 { return t.Sub(s.x.Mistake.From).Seconds() }

// swimlaneFigure draws the messages from the peer to the monitor around a mistake,
// and what the detector made of them.
func swimlaneFigure(title string, x *run.Explanation) []byte {
	s := newSwimlane(x)
	return figure.Paint(title, 3.9*vg.Inch, func(c draw.Canvas) {
		arrived := draw.LineStyle{Color: figure.Style(0).Color, Width: vg.Points(1.1)}
		lost := draw.LineStyle{Color: figure.Alarming, Width: vg.Points(1.1), Dashes: []vg.Length{3, 2}}
		c = figure.Legend(c, []string{"message", "lost message (where: x)", "suspected", "process or link down"},
			[]draw.LineStyle{arrived, lost, {Color: figure.Alarming, Width: 6}, {Color: figure.Gray, Width: 6}})

		p := figure.NewPlot("time since the suspicion began", "")
		p.X.Min, p.X.Max, p.X.Tick.Marker = s.from, s.to, figure.Ticks{Unit: figure.Seconds}
		p.Y.Min, p.Y.Max = -0.22, 1.14
		p.Y.LineStyle.Width, p.Y.Tick.Length = 0, 0
		lanes := plot.ConstantTicks{
			{Value: 1, Label: figure.Fit(figure.Sans(9, figure.Ink), Printable(x.Mistake.Peer), laneName)},
			{Value: 0, Label: figure.Fit(figure.Sans(9, figure.Ink), Printable(x.Mistake.Monitor), laneName)},
		}
		for i := 1; i < s.links; i++ {
			lanes = append(lanes, plot.Tick{Value: s.height(float64(i)), Label: fmt.Sprintf("switch %d", i)})
		}
		p.Y.Tick.Marker = lanes
		p.Add(figure.Grid{}, laneDrawing{s, arrived, lost})
		p.Draw(c)
	})
}

// laneName is the most room that the name of a process takes.
const laneName = 100

// height returns where lane i lies: 1 is the peer's, 0 the monitor's.
func (s *swimlane) height(lane float64) float64 { return 1 - lane/float64(s.links) }

// laneDrawing draws a swimlane into the data area of a plot.
type laneDrawing struct {
	*swimlane
	arrived, lost draw.LineStyle
}

func (d laneDrawing) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	at := func(t float64) vg.Length { return min(max(tx(t), c.Min.X), c.Max.X) }
	when := func(t model.Time) vg.Length {
		if t == model.Never {
			return c.Max.X
		}
		return at(d.since(t))
	}
	const thick = vg.Length(4)
	band := func(from, to vg.Length, y, half vg.Length, col color.Color) {
		if to < from+1.5 {
			to = from + 1.5
		}
		c.FillPolygon(col, []vg.Point{{X: from, Y: y - half}, {X: to, Y: y - half}, {X: to, Y: y + half}, {X: from, Y: y + half}})
	}
	note := figure.Sans(8.5, figure.Ink)

	// What is broken: processes and links.
	d.outages(model.Crashed, model.Recovered, func(r model.Record, until model.Time) {
		band(when(r.At), when(until), d.laneOf(r.Process, ty), thick, figure.Gray)
	})
	d.outages(model.LinkWentDown, model.LinkCameUp, func(r model.Record, until model.Time) {
		band(when(r.At), when(until), (ty(0)+ty(1))/2, (ty(1)-ty(0))/2-2*thick, color.NRGBA{0x77, 0x77, 0x77, 0x30})
	})

	// What the detector thought.
	band(at(0), when(d.x.Mistake.Until), ty(0)-2*thick, thick, figure.Alarming)
	label := note
	label.YAlign = draw.YTop
	text, x := "suspected", at(0)
	if d.since(d.x.Mistake.Until) > d.to {
		text = fmt.Sprintf("suspected for %s in all, beyond this figure", Duration(d.x.Mistake.Until.Sub(d.x.Mistake.From)))
	}
	if x+label.Width(text) > c.Max.X {
		label.XAlign, x = draw.XRight, c.Max.X
	}
	c.FillText(label, vg.Point{X: x, Y: ty(0) - 3*thick - 1}, text)

	// What the messages did.
	dot := draw.GlyphStyle{Color: d.lost.Color, Radius: 3, Shape: draw.CrossGlyph{}}
	number := note
	number.XAlign, number.YAlign = draw.XCenter, draw.YBottom
	written := c.Min.X - 100
	var caused model.DropCause
	var labels []func() // last, so that no line crosses them
	for _, f := range d.flights {
		start := tx(d.since(f.sent))
		line := []vg.Point{{X: start, Y: ty(1)}}
		for i, hop := range f.hops {
			line = append(line, vg.Point{X: tx(d.since(hop)), Y: ty(d.height(float64(i + 1)))})
		}
		style := d.arrived
		switch {
		case f.ended == model.Never: // it was still on the way at the end of the records
			line = append(line, vg.Point{X: c.Max.X, Y: line[len(line)-1].Y})
		case f.cause == model.NotDropped:
			line = append(line, vg.Point{X: tx(d.since(f.ended)), Y: ty(0)})
		default:
			style = d.lost
			line = append(line, vg.Point{X: tx(d.since(f.ended)), Y: ty(d.height(d.lostAt(f)))})
		}
		c.StrokeLines(style, c.ClipLinesX(line)...)
		end := line[len(line)-1]
		if f.ended != model.Never && c.ContainsX(end.X) {
			if f.cause == model.NotDropped {
				arrowhead(&c, style.Color, line)
			} else {
				c.SetColor(dot.Color)
				c.DrawGlyphNoClip(dot, end)
				if f.cause != caused { // say it where it changes
					caused = f.cause
					text := caused.String()
					cause := note
					cause.XAlign, cause.YAlign = draw.XCenter, draw.YTop
					half := cause.Width(text) / 2
					at := vg.Point{X: min(max(end.X, c.Min.X+half), c.Max.X-half), Y: end.Y - 5}
					if d.lostAt(f) == float64(d.links) { // below is the monitor's opinion
						cause.YAlign, at.Y = draw.YBottom, end.Y+5
					}
					labels = append(labels, func() {
						box := cause.Rectangle(text).Add(at)
						c.SetColor(color.NRGBA{0xff, 0xff, 0xff, 0xd8})
						c.Fill(box.Path())
						c.FillText(cause, at, text)
					})
				}
			}
		}
		text := fmt.Sprint(f.seq)
		if half := number.Width(text) / 2; c.ContainsX(start) && start-half > written+4 {
			c.FillText(number, vg.Point{X: start, Y: ty(1) + 4}, text)
			written = start + half
		}
	}
	for _, write := range labels {
		write()
	}
	// The two processes above all.
	for _, y := range []vg.Length{ty(0), ty(1)} {
		c.StrokeLine2(draw.LineStyle{Color: figure.Ink, Width: vg.Points(0.8)}, c.Min.X, y, c.Max.X, y)
	}
}

// laneOf returns the height of a process's lane: the peer's records have it as
// the process that sends to the monitor.
func (s *swimlane) laneOf(p model.ProcessID, y func(float64) vg.Length) vg.Length {
	for _, r := range s.x.Records {
		switch r.Kind {
		case model.Suspected, model.Trusted:
			if r.Failure.HostFailure() && p == r.Process {
				return y(0)
			}
		}
	}
	return y(1)
}

// lostAt returns the lane at which a message was lost: at the queue it had come
// to, in the middle of the link, or at the end of the way.
func (s *swimlane) lostAt(f *flight) float64 {
	lane := float64(len(f.hops))
	switch f.cause {
	case model.LinkLoss, model.LinkDown, model.Corrupted:
		return lane + 0.5
	case model.ProcessDown:
		return float64(s.links)
	case model.HostDown:
		if lane > 0 || s.links == 1 { // the receiving one, else the sending one
			return float64(s.links)
		}
	}
	return lane
}

// outages calls f with each record of kind begins and the time of the record of
// kind ends that is about the same process or link, or Never.
func (s *swimlane) outages(begins, ends model.RecordKind, f func(r model.Record, until model.Time)) {
	for i, r := range s.x.Records {
		if r.Kind != begins {
			continue
		}
		until := model.Never
		for _, e := range s.x.Records[i:] {
			if e.Kind == ends && e.Process == r.Process && e.Place == r.Place {
				until = e.At
				break
			}
		}
		f(r, until)
	}
}

// arrowhead draws the head of an arrow at the end of line.
func arrowhead(c *draw.Canvas, col color.Color, line []vg.Point) {
	tip, back := line[len(line)-1], line[len(line)-2]
	dx, dy := float64(tip.X-back.X), float64(tip.Y-back.Y)
	length := math.Hypot(dx, dy)
	if length == 0 {
		return
	}
	dx, dy = dx/length, dy/length
	const long, wide = 5, 2.2
	corner := func(side float64) vg.Point {
		return vg.Point{X: tip.X - vg.Length(long*dx-side*wide*dy), Y: tip.Y - vg.Length(long*dy+side*wide*dx)}
	}
	c.FillPolygon(col, []vg.Point{tip, corner(1), corner(-1)})
}
