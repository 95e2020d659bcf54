package report

import (
	"cmp"
	"fmt"
	"slices"

	"suspect/experiments/figure"
	"suspect/experiments/guarantee"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/qjump"
)

// Curve is how the bounds of a scenario's levels change with one of its parameters, all
// others as they are: each point is the guarantee of a scenario of its own.
type Curve struct {
	// Parameter is n, P, R or f, and Own its value in the scenario itself. What f of
	// several levels is, each level has for itself: Own is that of the first.
	Parameter string
	Own       []float64 // one for each level
	Points    []CurvePoint
}

// CurvePoint has the bound of one level at one value of the parameter.
type CurvePoint struct {
	Priority int
	Value    float64
	Bound    model.Duration
}

// curveBudget bounds the work for curves: links times levels, over all scenarios that are
// derived. It takes some ten seconds.
const curveBudget = 200_000

// Curves derives the guarantees of scenarios that differ from s in the number of hosts,
// the packet size, the rate of all links, or the factor of a level. What has no bound
// that can be signed has no point. The larger the network, the fewer points there are;
// where they would be less than three to a curve, there is none.
func Curves(s *scenario.Scenario, g *guarantee.Report) []Curve {
	levels := len(g.Levels)
	most := curveBudget / (len(s.Network.Topology.Links) * levels * (3 + levels))
	if most < 3 {
		return nil
	}
	same := func(v float64) []float64 { return slices.Repeat([]float64{v}, levels) }
	hosts := Curve{Parameter: "n", Own: same(float64(g.Hosts))}
	for _, x := range few(moreHosts(s), most) {
		hosts.add(float64(x.Processes()), guarantee.Derive(x), nil)
	}
	packet := Curve{Parameter: "P", Own: same(float64(g.Packet))}
	for _, p := range few(steps(int64(g.Packet)), most) {
		if x := withPacket(s, int32(p)); x != nil {
			packet.add(float64(p), guarantee.Derive(x), nil)
		}
	}
	rate := Curve{Parameter: "R", Own: same(float64(g.Rate))}
	for _, r := range few(steps(g.Rate), most) {
		rate.add(float64(r), guarantee.Derive(withRate(s, r, g.Rate)), nil)
	}
	factor := Curve{Parameter: "f"}
	for _, l := range g.Levels {
		factor.Own = append(factor.Own, float64(l.Factor))
		var all []*scenario.Scenario
		for f := 1; f <= g.Hosts; f = max(f+1, f*5/4) {
			if x := withFactor(s, l.Priority, f); x != nil {
				all = append(all, x)
			}
		}
		for _, x := range few(all, most) {
			i, _ := x.QJump.Level(model.Priority(l.Priority))
			factor.add(float64(x.QJump.Table.Levels[i].Factor), guarantee.Derive(x), &l.Priority)
		}
	}
	// Each goes through the scenario itself.
	for _, c := range []*Curve{&hosts, &packet, &rate, &factor} {
		for i := range g.Levels {
			c.add(c.Own[i], g, &g.Levels[i].Priority)
		}
	}
	curves := []Curve{hosts, packet, rate, factor}
	for i := range curves {
		slices.SortFunc(curves[i].Points, func(a, b CurvePoint) int {
			return cmp.Or(cmp.Compare(a.Value, b.Value), cmp.Compare(b.Priority, a.Priority))
		})
		curves[i].Points = slices.Compact(curves[i].Points)
	}
	return curves
}

// add adds the bounds of all levels, or of the one with the priority.
func (c *Curve) add(value float64, g *guarantee.Report, priority *int) {
	for i := range g.Levels {
		l := &g.Levels[i]
		if l.Guaranteed() && (priority == nil || *priority == l.Priority) {
			c.Points = append(c.Points, CurvePoint{l.Priority, value, l.Bound.Delay})
		}
	}
}

// few returns at most most of the values, evenly spread, with the first and the last.
func few[T any](values []T, most int) []T {
	if len(values) <= most {
		return values
	}
	out := make([]T, most)
	for i := range out {
		out[i] = values[i*(len(values)-1)/(most-1)]
	}
	return out
}

// steps returns values around v, from a quarter of it to four times as much.
func steps(v int64) []int64 {
	return slices.Compact([]int64{max(v/4, 1), max(v*3/8, 1), max(v/2, 1), max(v*3/4, 1), v, v * 3 / 2, v * 2, v * 3, v * 4})
}

// moreHosts returns scenarios of the same kind of network with fewer and more hosts, up
// to 64 or twice as many as in s.
// A network from a file, or one in which a name of a host means something, has none.
func moreHosts(s *scenario.Scenario) (all []*scenario.Scenario) {
	text := s.Resolved()
	for _, kind := range []struct {
		key  string
		size int64
	}{{"star.hosts", 1}, {"leaf_spine.hosts_per_leaf", 1}, {"fat_tree.k", 2}} {
		for _, size := range []int64{2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256, 512} {
			if size%kind.size != 0 {
				continue
			}
			x, err := scenario.Parse(s.Path, text, []string{fmt.Sprintf("network.topology.%s=%d", kind.key, size)})
			if err != nil {
				continue // another kind of network, or too few hosts for its levels or traffic
			}
			if x.Processes() > max(2*s.Processes(), 64) {
				break
			}
			all = append(all, x)
		}
		if len(all) > 0 {
			return all
		}
	}
	return nil
}

// withTable returns s with another table of levels and links of its own, or nil where the
// table is not possible.
func withTable(s *scenario.Scenario, change func(*qjump.Table, []network.Link)) *scenario.Scenario {
	x, q := *s, *s.QJump
	q.Table.Levels = slices.Clone(q.Table.Levels)
	x.QJump = &q
	x.Network.Topology.Links = slices.Clone(x.Network.Topology.Links)
	x.Traffic = slices.Clone(x.Traffic)
	change(&q.Table, x.Network.Topology.Links)
	if len(q.Table.Validate()) > 0 {
		return nil
	}
	return &x
}

// withRate returns s with all links faster by the same factor, so that the slowest has
// rate r instead of own.
func withRate(s *scenario.Scenario, r, own int64) *scenario.Scenario {
	return withTable(s, func(t *qjump.Table, links []network.Link) {
		scale := func(b network.BitRate) network.BitRate {
			return network.BitRate(float64(b) / float64(own) * float64(r))
		}
		t.Rate = network.BitRate(r)
		for i := range links {
			links[i].AtoB.Rate, links[i].BtoA.Rate = scale(links[i].AtoB.Rate), scale(links[i].BtoA.Rate)
		}
	})
}

// withFactor returns s with another factor of one level.
func withFactor(s *scenario.Scenario, priority, factor int) *scenario.Scenario {
	return withTable(s, func(t *qjump.Table, _ []network.Link) {
		for i := range t.Levels {
			if int(t.Levels[i].Priority) == priority {
				t.Levels[i].Factor = factor
			}
		}
	})
}

// withPacket returns s with P of so many bytes on the wire, and with it all messages and
// traffic of levels that are as large as P was; nil where no payload is so small.
func withPacket(s *scenario.Scenario, p int32) *scenario.Scenario {
	own, framing := s.QJump.Table.Packet, s.Network.Framing
	payload := p - (framing.WireBytes(1000) - 1000)
	if payload < 1 || framing.WireBytes(payload) != p {
		return nil
	}
	x := withTable(s, func(t *qjump.Table, _ []network.Link) { t.Packet = p })
	if x == nil {
		return nil
	}
	resize := func(priority model.Priority, bytes *int32) bool {
		if _, level := s.QJump.Level(priority); !level {
			return true
		}
		switch wire := framing.WireBytes(*bytes); {
		case wire == own:
			*bytes = payload
		case wire > p:
			return false
		}
		return true
	}
	fits := len(x.Detectors) == 0 || resize(x.Monitor.Priority, &x.Network.MessageBytes)
	for i := range x.Traffic {
		fits = resize(x.Traffic[i].Priority, &x.Traffic[i].Bytes) && fits
	}
	if !fits {
		return nil
	}
	return x
}

// curveAxes says how the parameters of curves are drawn.
var curveAxes = map[string]figure.Axis{
	"n": {Label: "n: hosts", Unit: figure.Count, Log: true},
	"P": {Label: "P: packet on the wire", Unit: figure.Bytes, Log: true},
	"R": {Label: "R: rate of the slowest link", Unit: figure.BitsPerSecond, Log: true},
	"f": {Label: "f: factor of the level", Unit: figure.Count, Log: true},
}

// curveFigure draws the bounds against the parameters, and where the scenario stands:
// its slowest packet, and the latest that an adversary found. It is nil without a point.
func (x *Latency) curveFigure() []byte {
	f := figure.Figure{Title: "What the bound depends on, all else as in the scenario", Columns: 2}
	for _, c := range x.Curves {
		if len(c.Points) == 0 {
			continue
		}
		p := figure.Panel{Caption: "time from the limiter to the receiver", X: curveAxes[c.Parameter], Y: figure.Axis{Unit: figure.Seconds, Log: true}}
		for i, l := range x.Guarantee.Levels {
			bound := figure.Series{Name: fmt.Sprintf("bound, priority %d", l.Priority), Kind: figure.Curve}
			for _, q := range c.Points {
				if q.Priority == l.Priority {
					bound.Points = append(bound.Points, figure.Point{X: q.Value, Y: q.Bound.Seconds()})
				}
			}
			if len(bound.Points) == 0 {
				continue
			}
			p.Series = append(p.Series, bound)
			if m := x.measured(i); m != nil && m.Latency.Count > 0 {
				p.Series = append(p.Series, figure.Series{Name: "slowest packet of the run", Kind: figure.Marks, Of: bound.Name,
					Points: []figure.Point{{X: c.Own[i], Y: m.Latency.Max.Seconds()}}})
			}
			for _, w := range x.Worst {
				if w.Priority == l.Priority && w.Refused == "" {
					p.Series = append(p.Series, figure.Series{Name: "latest that the adversary found", Kind: figure.Marks, Of: bound.Name, Hollow: true,
						Points: []figure.Point{{X: c.Own[i], Y: w.Delay.Seconds()}}})
				}
			}
		}
		f.Panels = append(f.Panels, p)
	}
	if len(f.Panels) == 0 {
		return nil
	}
	return f.SVG()
}

func curvesCSV(curves []Curve) []byte {
	var rows [][]string
	for _, c := range curves {
		for _, p := range c.Points {
			rows = append(rows, []string{c.Parameter, optional(&p.Value), fmt.Sprint(p.Priority), picoseconds(p.Bound)})
		}
	}
	return csvFile([]string{"parameter", "value", "priority", "bound_ps"}, rows)
}
