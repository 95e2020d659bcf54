package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"suspect/experiments/figure"
	"suspect/experiments/run"
	"suspect/model"
)

// distributionFigure draws the latencies of the levels with their bounds, or returns nil
// where nothing was measured.
func (x *Latency) distributionFigure() []byte {
	var ds []distribution
	var lines []figure.Line
	for i := range x.Guarantee.Levels {
		l, m := &x.Guarantee.Levels[i], x.measured(i)
		if m == nil || m.Latency.Count == 0 {
			continue
		}
		name := fmt.Sprintf("priority %d", l.Priority)
		ds = append(ds, spreadDistribution(name, m.Latency, m.Latency.Count))
		if l.Bound != nil {
			label := "bound " + spaced(l.Bound.Delay)
			if l.Withdrawn != "" {
				label = "BROKEN " + label
			}
			lines = append(lines, figure.Line{Upright: true, At: l.Bound.Delay.Seconds(), Label: label, Of: name})
		}
	}
	if len(ds) == 0 {
		return nil
	}
	return latencyFigure("Latency from the limiter to the receiver, with the bounds", ds, lines...)
}

// spaced returns d exactly, as figures write times: "4.5887 µs".
func spaced(d model.Duration) string {
	s := d.String()
	unit := strings.TrimLeft(s, "-0123456789.")
	return strings.TrimSuffix(s, unit) + " " + strings.Replace(unit, "us", "µs", 1)
}

// mostBars is about the most bars in the figure of backlogs, over all levels.
const mostBars = 15

// backlogFigure draws for groups of ports of each level what waited and what can at most,
// those with most first. It returns nil where there is no port.
func (x *Latency) backlogFigure() []byte {
	b := figure.Bars{
		Title: "Backlog at ports with the same guarantee: the one with most, and the bound",
		X:     figure.Axis{Label: "bytes on the wire that wait", Unit: figure.Bytes},
		Parts: []figure.Part{{Name: "most that waited in the run"}, {Name: "room up to the bound", Muted: true}},
	}
	if x.Results == nil {
		b.Title = "Most that can wait at ports"
		b.Parts = []figure.Part{{Name: "bound on the backlog"}}
	}
	waited := func(g *portGroup) int64 {
		if g.most == nil {
			return 0
		}
		return g.most.Bytes
	}
	groups := x.portGroups()
	slices.SortStableFunc(groups, func(a, b *portGroup) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(waited(b), waited(a)), cmp.Compare(b.Backlog, a.Backlog))
	})
	shown := make(map[int]int)
	var largest, beyond float64
	buffers := make(map[int64]bool)
	for _, g := range groups {
		if shown[g.Priority]++; shown[g.Priority] > max(mostBars/len(x.Guarantee.Levels), 1) || g.Backlog == 0 {
			continue
		}
		bound, most := float64(g.Backlog), float64(waited(g))
		largest, beyond = max(largest, bound), max(beyond, most-bound)
		buffers[g.BufferBytes] = true
		label := fmt.Sprintf("%d: %s > %s", g.Priority, g.From, g.To)
		if g.ports > 1 {
			label += fmt.Sprintf(", of %d", g.ports)
		}
		row := figure.Row{Label: label, Lengths: []float64{bound}}
		if x.Results != nil {
			row.Lengths = []float64{min(most, bound), max(bound-most, 0), max(most-bound, 0)}
		}
		b.Rows = append(b.Rows, row)
	}
	if len(b.Rows) == 0 {
		return nil
	}
	if beyond > 0 {
		b.Parts = append(b.Parts, figure.Part{Name: "beyond the bound"})
	} else if x.Results != nil {
		for i := range b.Rows {
			b.Rows[i].Lengths = b.Rows[i].Lengths[:2]
		}
	}
	// A buffer that is far away would press all else to nothing: the tables have it.
	for size := range buffers {
		if len(buffers) == 1 && size > 0 && float64(size) < 2*largest {
			b.Lines = []figure.Line{{Upright: true, At: float64(size), Label: "buffer"}}
		}
	}
	return b.SVG()
}

// slowestFigure draws what a packet spent its time on, from its release on.
func (x *Latency) slowestFigure(d *run.Dissection) []byte {
	b := figure.Bars{
		Title: fmt.Sprintf("The slowest packet of priority %d: %s from %s to %s", d.Priority, spaced(d.Packet.Delivered.Sub(d.Packet.Released)), d.Packet.From, d.Packet.To),
		X:     figure.Axis{Label: "time since its limiter released it", Unit: figure.Seconds},
		Parts: []figure.Part{{Name: "waits for a frame below"}, {Name: "waits for its own level"}, {Name: "waits for levels above"}, {Name: "transmission"}, {Name: "propagation", Muted: true}},
	}
	for _, p := range d.Ports {
		b.Rows = append(b.Rows, figure.Row{
			Label: p.From + " > " + p.To,
			Start: p.Arrived.Sub(d.Packet.Released).Seconds(),
			Lengths: []float64{p.Lower.Seconds(), p.Same.Seconds(), p.Higher.Seconds(),
				p.Transmission.Seconds(), p.Propagation.Seconds()},
		})
	}
	if i := levelIndex(x.Guarantee, d.Priority); i >= 0 && x.Guarantee.Levels[i].Bound != nil {
		bound := x.Guarantee.Levels[i].Bound.Delay
		b.Lines = []figure.Line{{Upright: true, At: bound.Seconds(), Label: "bound " + spaced(bound)}}
	}
	return b.SVG()
}
