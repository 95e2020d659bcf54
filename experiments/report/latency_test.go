package report

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"suspect/experiments/guarantee"
	"suspect/experiments/run"
	"suspect/experiments/scenario"
	"suspect/experiments/worstcase"
	"suspect/model"
)

// oneLevel makes a report on one level of which something was measured, or nothing
// where m is nil.
func oneLevel(l guarantee.Level, m *run.Level) *Latency {
	x := &Latency{Guarantee: &guarantee.Report{Levels: []guarantee.Level{l}}}
	if m != nil {
		x.Results = &run.Results{Guarantee: x.Guarantee, Levels: []run.Level{*m}}
	}
	return x
}

func TestVerdicts(t *testing.T) {
	bounded := guarantee.Level{Priority: 7, Bound: &guarantee.Bound{Delay: 4 * us}}
	broken := bounded
	broken.Withdrawn = "h3 has two limiters"
	for _, c := range []struct {
		name           string
		level          guarantee.Level
		measured       *run.Level
		headline, says string
	}{
		{"not run", bounded, nil, "GUARANTEED: 1 level in use, under the assumptions below.",
			"Every packet of priority 7 arrives within 4us of leaving its limiter."},
		{"run", bounded, &run.Level{Latency: spread(us, 3*us)}, "GUARANTEED: 1 level in use, under the assumptions below.",
			"Every packet of priority 7 arrives within 4us of leaving its limiter; the slowest of 2 took 3us: margin 25.0%."},
		{"attained", bounded, &run.Level{Latency: spread(4 * us)}, "GUARANTEED: 1 level in use, under the assumptions below.",
			"Every packet of priority 7 arrives within 4us of leaving its limiter; the slowest of 1 took 4us: margin 0.0%."},
		{"lost", bounded, &run.Level{Latency: spread(us), Refused: 2, Lost: []run.Drops{{Cause: "link-loss", Count: 3}}}, "GUARANTEED: 1 level in use, under the assumptions below.",
			"Every packet of priority 7 arrives within 4us of leaving its limiter; the slowest of 1 took 1us: margin 75.0%; 5 packets were lost: rate-limited 2, link-loss 3."},
		{"no packet", bounded, &run.Level{}, "GUARANTEED: 1 level in use, under the assumptions below.",
			"Every packet of priority 7 arrives within 4us of leaving its limiter; the run measured none."},
		{"beaten", bounded, &run.Level{Latency: spread(5 * us)}, "NOT TO BE SIGNED: a packet was later than is proved.",
			"Every packet of priority 7 arrives within 4us of leaving its limiter; BUT a packet took 5us: a detector sends larger messages than the scenario says, or this is a bug; please report it with the scenario and seed."},
		{"broken", broken, nil, "NOT GUARANTEED: 1 of 1 level in use cannot be signed.",
			"NOT GUARANTEED: priority 7, BROKEN: h3 has two limiters. Without that, packets would arrive within 4us of leaving their limiter."},
		{"broken and late", broken, &run.Level{Latency: spread(5 * us)}, "NOT GUARANTEED: 1 of 1 level in use cannot be signed.",
			"NOT GUARANTEED: priority 7, BROKEN: h3 has two limiters. Without that, packets would arrive within 4us of leaving their limiter; the slowest of 1 took 5us, 125% of it."},
		{"broken and far too late", broken, &run.Level{Latency: spread(4400 * us)}, "NOT GUARANTEED: 1 of 1 level in use cannot be signed.",
			"NOT GUARANTEED: priority 7, BROKEN: h3 has two limiters. Without that, packets would arrive within 4us of leaving their limiter; the slowest of 1 took 4.4ms, 110,000% of it."},
		{"no bound", guarantee.Level{Priority: 5, Refused: "links delay at random"}, &run.Level{Latency: spread(5 * us)}, "NOT GUARANTEED: 1 of 1 level in use cannot be signed.",
			"NOT GUARANTEED: priority 5 has no proved bound: links delay at random; the slowest of 1 took 5us."},
		{"unused", guarantee.Level{Priority: 5, Unused: true, Refused: "nobody sends at this priority"}, &run.Level{}, "Nothing to guarantee: nobody sends at the priority of a level.",
			"Priority 5: nobody sends at it."},
	} {
		x := oneLevel(c.level, c.measured)
		if got := x.headline(); got != c.headline {
			t.Errorf("%s: the headline is %q, want %q", c.name, got, c.headline)
		}
		if got := x.verdict(0); got != c.says {
			t.Errorf("%s:\n%s, want\n%s", c.name, got, c.says)
		}
		if got, want := Signable(x.Guarantee), !strings.HasPrefix(c.headline, "NOT GUARANTEED"); got != want {
			t.Errorf("%s: signable %v, want %v", c.name, got, want)
		}
	}
}

// A margin is never made larger by rounding.
func TestMargin(t *testing.T) {
	for _, c := range []struct {
		most, bound model.Duration
		want        string
	}{
		{8970, 10000, "10.3%"}, {8971, 10000, "10.2%"}, {0, 5, "100.0%"}, {9999, 10000, "0.0%"}, {4 * us, 4 * us, "0.0%"}, {1, 3, "66.6%"},
	} {
		if got := margin(c.most, c.bound); got != c.want {
			t.Errorf("%v of %v leaves %s, want %s", c.most, c.bound, got, c.want)
		}
	}
}

// The packet to be taken apart is the one closest to its bound, not the slowest.
func TestSlowest(t *testing.T) {
	a, b, c := &run.SlowPacket{Packet: 1}, &run.SlowPacket{Packet: 2}, &run.SlowPacket{Packet: 3}
	r := &run.Results{Levels: []run.Level{{}, {Slowest: a}, {Slowest: b, Tightness: pointer(0.9)}, {Slowest: c, Tightness: pointer(0.5)}, {Slowest: c, Tightness: pointer(0.9)}}}
	if got := Slowest(r); got != b {
		t.Errorf("it is %+v", got)
	}
	if got := Slowest(&run.Results{Levels: r.Levels[:2]}); got != a {
		t.Errorf("without a bound it is %+v", got)
	}
	if got := Slowest(&run.Results{}); got != nil {
		t.Errorf("of nothing it is %+v", got)
	}
}

// The pages have the worst ports and flows of each level and say how many are missing;
// the files have all of them.
func TestLeftOut(t *testing.T) {
	x := sampleLatency()
	for i := range mostPorts + 3 {
		port := guarantee.Port{From: "s1", To: "h1", Priority: 6, Backlog: int64(i)}
		other := port
		other.To = "h2"
		x.Guarantee.Ports = append(x.Guarantee.Ports, port, other)
	}
	for range mostFlows {
		x.Guarantee.Flows = append(x.Guarantee.Flows, guarantee.Flow{From: "h8", To: "h9", Priority: 6})
	}
	for _, f := range LatencyFiles(x) {
		rows := -1
		switch f.Name {
		case LatencyFile:
			for _, want := range []string{
				"Left out: 4 lines with smaller bounds, which are in [ports.csv](ports.csv).",
				"Left out: 2 lines with smaller bounds, which are in [flows.csv](flows.csv).",
			} {
				if !strings.Contains(string(f.Data), want) {
					t.Errorf("the page does not say %q", want)
				}
			}
		case "ports.csv":
			rows = len(x.Guarantee.Ports)
		case "flows.csv":
			rows = len(x.Guarantee.Flows)
		case "levels.csv":
			rows = len(x.Guarantee.Levels)
		}
		if rows >= 0 {
			lines, err := csv.NewReader(strings.NewReader(string(f.Data))).ReadAll()
			if err != nil || len(lines) != rows+1 {
				t.Errorf("%s has %d lines, want %d: %v", f.Name, len(lines), rows+1, err)
			}
		}
	}
}

// Packets that are the same and follow each other are one line; no packet is forgotten.
func TestSendTable(t *testing.T) {
	a, b := worstcase.Send{From: "h1", To: "h0", Packet: 64}, worstcase.Send{From: "h2", To: "h0", Packet: 64}
	sends := []worstcase.Send{a, a, a, b, a, a, b, b}
	for most, want := range []struct {
		lines string
		left  int
	}{{"", 8}, {"3", 5}, {"3 1", 4}, {"3 1 2", 2}, {"3 1 2 2", 0}, {"3 1 2 2", 0}} {
		table, left := sendTable(sends, most)
		var lines []string
		for _, row := range table.rows {
			lines = append(lines, row[1])
		}
		if got := strings.Join(lines, " "); got != want.lines || left != want.left {
			t.Errorf("at most %d lines: %q and %d left, want %q and %d", most, got, left, want.lines, want.left)
		}
	}
}

const curvedScenario = `
name: curved
duration: 1ms
network:
  framing: ethernet
  topology: {star: {hosts: 6}}
  edge: {rate: 10Gbps, delay: 500ns}
monitor: {message_size: 64B, priority: 7}
qjump:
  packet: 106B
  epsilon: 1us
  levels: [{priority: 7, factor: 1}, {priority: 5, factor: 2}]
detectors:
  - {use: timeout}
traffic:
  - {use: poisson, rate: 10Mbps, from: all, to: random, packet: 60B, priority: 5}
  - {use: bulk, from: all, to: random, packet: 1472B, priority: 0}
`

// Through each curve goes the bound of the scenario itself. Bounds grow with n and P and
// fall with R, as they must.
func TestCurves(t *testing.T) {
	s, err := scenario.Parse("curved.yaml", []byte(curvedScenario), nil)
	if err != nil {
		t.Fatal(err)
	}
	before := string(s.Resolved())
	g := guarantee.Derive(s)
	curves := Curves(s, g)
	if len(curves) != 4 || g.Levels[0].Bound == nil {
		t.Fatalf("%d curves of %+v", len(curves), g.Levels)
	}
	for _, c := range curves {
		for i, l := range g.Levels {
			if !l.Guaranteed() {
				continue
			}
			var own, points int
			last := CurvePoint{}
			for _, p := range c.Points {
				if p.Priority != l.Priority {
					continue
				}
				points++
				if p.Value == c.Own[i] {
					own++
					if p.Bound != l.Bound.Delay {
						t.Errorf("%s = %v of the scenario itself: %v, want %v", c.Parameter, p.Value, p.Bound, l.Bound.Delay)
					}
				}
				if grows := c.Parameter != "R"; last.Bound > 0 && (grows && p.Bound < last.Bound || !grows && p.Bound > last.Bound) && c.Parameter != "f" {
					t.Errorf("priority %d: %s from %v to %v takes the bound from %v to %v", l.Priority, c.Parameter, last.Value, p.Value, last.Bound, p.Bound)
				}
				last = p
			}
			if own != 1 || points < 2 {
				t.Errorf("priority %d: %d points against %s, %d of the scenario itself", l.Priority, points, c.Parameter, own)
			}
		}
	}
	larger := withPacket(s, 206)
	if larger == nil || larger.Network.MessageBytes != 164 || larger.Traffic[0].Bytes != 60 || larger.Traffic[1].Bytes != 1472 || larger.QJump.Table.Packet != 206 {
		t.Errorf("with 100 B more: %+v", larger)
	}
	if smaller := withPacket(s, 84); smaller != nil { // traffic has 102 B on the wire
		t.Errorf("with packets below those that are sent: %+v", smaller)
	}
	if after := string(s.Resolved()); after != before {
		t.Errorf("the scenario has changed:\n%s", after)
	}
}

// A level at which nobody sends takes nothing from the others.
func TestUnusedLevel(t *testing.T) {
	s, err := scenario.Parse("curved.yaml", []byte(curvedScenario), []string{"traffic[0].priority=0"})
	if err != nil {
		t.Fatal(err)
	}
	x := &Latency{Guarantee: guarantee.Derive(s)}
	if got := x.verdict(1); got != "Priority 5: nobody sends at it." || !Signable(x.Guarantee) {
		t.Errorf("of a level that is not used: %q", got)
	}
}

func TestFew(t *testing.T) {
	values := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	for most, want := range map[int]string{3: "[0 4 9]", 4: "[0 3 6 9]", 10: "[0 1 2 3 4 5 6 7 8 9]", 20: "[0 1 2 3 4 5 6 7 8 9]"} {
		if got := fmt.Sprint(few(values, most)); got != want {
			t.Errorf("%d of them: %s, want %s", most, got, want)
		}
	}
}
