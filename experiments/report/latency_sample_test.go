package report

import (
	"suspect/experiments/guarantee"
	"suspect/experiments/run"
	"suspect/experiments/worstcase"
	"suspect/model"
	"suspect/qjump"
)

const ns = model.Nanosecond

func rationalOf(a, b int64) *qjump.Rational {
	var r qjump.Rational
	r.SetFrac64(a, b)
	return &r
}

// sampleGuarantee has a level that can be signed, one that is broken, one without a
// bound and one that nobody uses, made up by hand.
func sampleGuarantee() *guarantee.Report {
	return &guarantee.Report{
		Scenario: "crash under load", Hosts: 8, Packet: 106, Rate: 10e9, Epsilon: us,
		Semantics: "common-epoch", Limiter: "minimum-spacing", Excess: "delay",
		Admission: qjump.Admission{Load: rationalOf(1, 2), PerLevel: []*qjump.Rational{rationalOf(1, 2)}, FullyUsed: 1, OK: true, Reason: "the levels take 1/2 of the slowest link"},
		Assumptions: []guarantee.Assumption{
			{Text: "no packet of the level is larger than P", Mark: guarantee.Derived, Why: "the largest is 106 B on the wire", Priorities: []int{7, 6}},
			{Text: "propagation and processing are no longer than stated", Mark: guarantee.Given, Why: "the delays of links in the scenario", Priorities: []int{7, 6}},
			{Text: "switches pause nobody (802.3x)", Mark: guarantee.NotModelled, Why: "no switch here does", Priorities: []int{7, 6}},
			{Text: "each host has one limiter for the level", Mark: guarantee.Broken, Why: "traffic[2] has limiters of its own on h3 | and h4", Priorities: []int{6}},
		},
		Levels: []guarantee.Level{
			{Priority: 7, Factor: 1, Epoch: 2356800 * model.Picosecond, Budget: 1, Rate: 359.81e6, Senders: 7, Paper: 1678400 * model.Picosecond,
				Bound: &guarantee.Bound{Delay: 4588700 * model.Picosecond, Status: "proved", Method: "busy period", Formula: "D = w + P/R + eps", Numbers: "D = 3.5039us + 84.8ns + 1us = 4.5887us", Frame: 1534, Backlog: 742, HostBacklog: 212}},
			{Priority: 6, Factor: 2, Epoch: 2356800 * model.Picosecond, Budget: 2, Rate: 719.62e6, Senders: 4, Paper: 1678400 * model.Picosecond,
				Bound:     &guarantee.Bound{Delay: 9 * us, Status: "exact", Method: "response time", Formula: "D = n", Numbers: "D = 9us", Frame: 1534, Backlog: 900, HostBacklog: 300},
				Withdrawn: "each host has one limiter for the level"},
			{Priority: 5, Factor: 8, Epoch: 2356800 * model.Picosecond, Budget: 8, Rate: 2878.5e6, Senders: 3, Paper: 1678400 * model.Picosecond, Refused: "the levels down to this one ask for more than the link"},
			{Priority: 4, Factor: 8, Epoch: 2356800 * model.Picosecond, Budget: 8, Rate: 2878.5e6, Paper: 1678400 * model.Picosecond, Unused: true, Refused: "nobody sends at this priority"},
		},
		Ports: []guarantee.Port{
			{From: "s0", To: "h5", Priority: 7, Senders: 7, Jitter: 1227 * ns, Delay: 2500 * ns, Backlog: 742, BufferBytes: 1000},
			{From: "h3", To: "s0", Priority: 7, Senders: 1, Delay: 1312 * ns, Backlog: 212, BufferPackets: 20},
			{From: "s0", To: "h5", Priority: 6, Senders: 4, Jitter: 1227 * ns, Delay: 5 * us, Backlog: 900},
		},
		Flows: []guarantee.Flow{
			{From: "h0", To: "h1", Pairs: 56, Priority: 7, Switches: 1, Ways: 1, Epsilon: us, Delay: 4588700 * model.Picosecond, Status: "proved"},
			{From: "h0", To: "h2", Pairs: 1, Priority: 7, Switches: 1, Ways: 1, Epsilon: us, Delay: 4488700 * model.Picosecond, Status: "proved"},
			{From: "h0", To: "h1", Pairs: 50, Priority: 6, Switches: 1, Ways: 1, Epsilon: us, Delay: 9 * us, Status: "exact"},
			{From: "h1", To: "h2", Pairs: 2, Priority: 6, Switches: 1, Ways: 1, Epsilon: us, Delay: 8 * us, Status: "exact"},
		},
	}
}

// sampleLevels are what was measured of the levels of sampleGuarantee.
func sampleLevels() []run.Level {
	var seven, six []model.Duration
	for i := range model.Duration(1000) {
		seven = append(seven, 1300*ns+i*i*2816*model.Picosecond/1000)
		six = append(six, 1400*ns+i*i*9*ns/1000)
	}
	return []run.Level{
		{
			Priority: 7, Latency: spread(seven...), FromSending: spread(2*us, 16*us), Tightness: pointer(4110.366656 / 4588.7),
			Slowest: &run.SlowPacket{Replication: 1, Packet: 4711, From: "h3", To: "h5"},
			Sent:    1234567, Released: 1234567, Delivered: 1234560, Lost: []run.Drops{{Cause: "link-loss", Count: 7}},
			Ports: []run.PortBacklog{{From: "s0", To: "h5", Crossed: 1234567, Bytes: 424, Packets: 4}, {From: "h4", To: "s0", Host: true, Crossed: 99, Bytes: 111, Packets: 1}, {From: "h3", To: "s0", Host: true, Crossed: 1234567, Bytes: 106, Packets: 1}},
			Flows: []run.FlowLatency{{Samples: 1000, PairsSeen: 56, Max: seven[999], From: "h3", To: "h5", Tightness: pointer(4110.366656 / 4588.7)}, {Samples: 17, PairsSeen: 1, Max: us, From: "h0", To: "h2", Tightness: pointer(1000 / 4488.7)}},
		},
		{
			Priority: 6, Latency: spread(six...), Tightness: pointer(10382.009 / 9000), Beaten: true,
			Sent: 2000, Released: 2000, Unlimited: 12, Delivered: 2000, Lost: []run.Drops{},
			Ports: []run.PortBacklog{{From: "s0", To: "h5", Crossed: 2000, Bytes: 1100, Packets: 9}},
			Flows: []run.FlowLatency{{Samples: 900, PairsSeen: 50, Max: six[999], From: "h4", To: "h5", Tightness: pointer(10382.009 / 9000)}, {}},
		},
		{Priority: 5, Latency: spread(us, 2*us), Sent: 3, Refused: 1, Released: 2, Delivered: 2},
		{Priority: 4},
	}
}

// sampleLatency is a report with all that one can have.
func sampleLatency() *Latency {
	r, _ := sample()
	sent, released := model.Time(10*ms), model.Time(10*ms+3*us)
	d := &run.Dissection{
		Packet:   run.SlowPacket{Replication: 1, Packet: 4711, From: "h3", To: "h5", Sent: sent, Released: released, Delivered: released.Add(4110 * ns)},
		Priority: 7, Limiter: 3 * us,
		Ports: []run.PortDelay{
			{From: "h3", To: "s0", Arrived: released, Lower: 1227 * ns, Transmission: 85 * ns, Propagation: 500 * ns},
			{From: "s0", To: "h5", Arrived: released.Add(1812 * ns), Lower: 1200 * ns, Same: 513 * ns, Transmission: 85 * ns, Propagation: 500 * ns},
		},
	}
	var curves []Curve
	for _, c := range []struct {
		name string
		own  float64
		from float64
	}{{"n", 8, 2}, {"P", 106, 50}, {"R", 10e9, 1e9}, {"f", 1, 1}} {
		x := Curve{Parameter: c.name, Own: []float64{c.own, c.own, c.own, c.own}}
		for i := range 6 {
			v := c.from * float64(int(1)<<i)
			x.Points = append(x.Points, CurvePoint{7, v, model.Duration(float64(us) * (1 + v/c.own))}, CurvePoint{6, v, model.Duration(2 * float64(us) * (1 + v/c.own))})
		}
		curves = append(curves, x)
	}
	sends := []worstcase.Send{{At: 0, From: "h1", To: "h0", Packet: 64, Priority: 7, Limiter: "shared"}}
	for i := range 20 {
		sends = append(sends, worstcase.Send{At: model.Time(i+1) * model.Time(85*ns), From: "h2", To: "h0", Packet: 1472, Priority: 0, Limiter: "shared"})
	}
	return &Latency{
		Guarantee: r.Guarantee, Results: r, Slowest: d, Curves: curves,
		Worst: []worstcase.Worst{
			{Priority: 7, Receiver: "h0", Delay: 4500 * ns, Bound: 4588700 * model.Picosecond, Ratio: 4500 / 4588.7, Evaluations: 321, Events: 123456, Sends: sends,
				Phases: []worstcase.Phase{{Host: "h1", Priority: 7, Phase: 12 * ns}}, Notes: []string{"faults are left out"}},
			{Priority: 6, Refused: "the network has loops"},
		},
		Counterexamples: []*worstcase.Counterexample{{Priority: 6, Bound: 9 * us, Delay: 9100 * ns, Late: 1, Before: 40, Runs: 77, Minimal: true,
			Text: "Two limiters of h3 let a packet pass at the same time.", Sends: sends[:2]}},
		NoExample: []string{"The violation at priority 5 was not shrunk: nothing was sent before it."},
		Source:    Source{Suspect: "0.1.0", Go: "go1.26", Architecture: "amd64", Scenario: r.Provenance.Scenario, ScenarioHash: r.Provenance.ScenarioHash, Seed: 7},
	}
}
