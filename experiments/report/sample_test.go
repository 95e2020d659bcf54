package report

import (
	"suspect/experiments/run"
	"suspect/model"
)

const (
	us = model.Microsecond
	ms = model.Millisecond
)

func pointer[T any](v T) *T { return &v }

// spread makes a Spread of the given increasing durations.
func spread(values ...model.Duration) run.Spread {
	s := run.Spread{Count: int64(len(values)), QuantileError: 0.001}
	if len(values) == 0 {
		return s
	}
	at := func(share float64) model.Duration { return values[int(share*float64(len(values)-1))] }
	s.Min, s.Max = values[0], values[len(values)-1]
	s.P50, s.P90, s.P99, s.P999 = at(0.5), at(0.9), at(0.99), at(0.999)
	for i, v := range values {
		s.CDF = append(s.CDF, run.CDFPoint{Value: v, Count: int64(i + 1)})
	}
	return s
}

// sample returns results with everything that a page can show, made up by hand, and
// a mistake explained.
func sample() (*run.Results, *run.Explanation) {
	var message, traffic []model.Duration
	for i := range model.Duration(200) {
		message = append(message, 2300*model.Nanosecond+i*i*10*model.Nanosecond)
		traffic = append(traffic, 5*us+i*i*i*model.Nanosecond)
	}
	longest := run.Episode{Replication: 1, Monitor: "h3", Peer: "h5",
		From: model.Time(1030 * ms), Until: model.Time(1060*ms + 900*us)}
	classes := func(outcomes string, claimed ...model.Class) []run.Class {
		var cs []run.Class
		for i, c := range model.Classes() {
			x := run.Class{Class: c.String(), Reason: c.Accuracy().String() + ": somebody was suspected, several times, for reasons that take more than one line to tell",
				Outcome: map[byte]string{'y': "holds", 'n': "violated", '?': "inconclusive"}[outcomes[i]]}
			for _, k := range claimed {
				x.Claimed = x.Claimed || k == c
			}
			cs = append(cs, x)
		}
		return cs
	}
	r := &run.Results{
		SchemaVersion: run.SchemaVersion,
		Provenance: run.Provenance{
			Suspect: "0.1.0", Go: "go1.26", Architecture: "amd64",
			Scenario: "crash under load", About: "Two detectors\n*beside* a web search.",
			ScenarioHash: "3f9a1c2e00112233445566778899aabbccddeeff00112233445566778899aabb",
			Seed:         7, Duration: 20 * model.Second, WarmUp: 2 * model.Second, Processes: 8, Links: 16,
			StreamHash: "00112233445566778899aabbccddeeff", Events: 1234567, Records: 2345678, Hops: 999999,
		},
		Replications: run.Replications{Count: 2, Distinct: 2, Stopped: run.StoppedAsRequested, Hashes: []string{"aa", "bb"}},
		Outcome:      run.NotAsExpected,
		Expectations: []run.Expectation{
			{Property: "strong-completeness", Detector: "careful", Expected: "holds", Found: "holds", Met: true},
			{Property: "strong-accuracy", Detector: "hasty", Expected: "holds", Found: "violated"},
			{Property: "latency-bound", Expected: "violated", Found: "violated", Met: true},
		},
		Properties: []run.Property{
			{Property: "latency-bound", Name: "latency-bound", Params: []run.Param{{Name: "priority", Value: "7"}}, Outcome: "violated", Checked: 1000,
				Reason: "packet 12 from h3 to h5 was released at 1.02s and delivered 9us later, above the proved bound of 8us; 1 of 1000 packets were late, and the longest took 9us", Violated: 2,
				Witness: []string{"1.02s sent", "1.02s released", "1.020009s delivered"}},
			{Property: "latency-bound", Name: "stated", Params: []run.Param{{Name: "bound", Value: "5us"}, {Name: "priority", Value: "6"}}, Outcome: "inconclusive",
				Reason: "vacuous: no packet that a limiter released at priority 6 after the warm-up was delivered", Vacuous: 2},
		},
		Detectors: []run.Detector{
			{
				Name: "hasty", Use: "timeout", Source: "Chen, Toueg and Aguilera 2002",
				Params:  []run.Param{{Name: "eta", Value: "10ms"}, {Name: "timeout", Value: "15ms"}},
				Claims:  []run.Claim{{Class: "P", Under: "no loss, delays below timeout - eta"}},
				Classes: classes("nn??nn??", model.P, model.EventuallyP),
				Properties: []run.Property{
					{Property: "strong-completeness", Params: []run.Param{{Name: "within", Value: "100ms"}}, Outcome: "holds", Checked: 14, Reason: "all 14 were detected within 100ms", Held: 2},
					{Property: "strong-accuracy", Outcome: "violated", Checked: 56, Reason: "h3 suspected h5 at 1.03s; 12 mistakes in all between processes that had never crashed", Violated: 1, Held: 1, Replication: 1,
						Witness: []string{"1.03s: h3 suspects h5"}},
				},
				Detection: run.Detection{
					Detected: 14, TooLate: 1, TooLateAge: 3 * ms, DecidedAfter: pointer(100 * ms),
					Unseen:  &run.Unseen{Of: 2, Interval: &run.Interval{High: 0.8419, Confidence: 0.95}},
					Mean:    run.Mean{Count: 14, Mean: pointer(10123 * us), Interval: &run.DurationInterval{Low: 9 * ms, High: 11200 * us, Confidence: 0.95}},
					Time:    spread(6*ms, 7*ms, 8*ms, 8*ms+1, 9*ms, 10*ms, 10500*us, 11*ms, 11200*us, 12*ms, 12100*us, 13*ms, 14*ms, 14900*us),
					Slowest: &run.Episode{Monitor: "h1", Peer: "h6", From: model.Time(9 * model.Second), Until: model.Time(9*model.Second + 14900*us)},
				},
				Mistakes: run.Mistakes{
					Count: 12, PairSeconds: 2016, Rate: pointer(12.0 / 2016),
					RateExact:      &run.Interval{Low: 0.003076, High: 0.010398, Confidence: 0.95},
					Duration:       run.Mean{Count: 12, Mean: pointer(12 * ms)},
					Accuracy:       pointer(1 - 0.144/2016),
					Longest:        &longest,
					Pairs:          []run.PairMistakes{{Monitor: "h3", Peer: "h5", Count: 9, Longest: 30900 * us}, {Monitor: "h0", Peer: "h5", Count: 3, Longest: 4 * ms}},
					PairsWrong:     2,
					RateReplicated: nil,
				},
				Cost: run.Cost{Messages: 201600, Bytes: 22176000, MessagesPerSecond: 700, BytesPerSecond: 77000, SharedWith: []string{"careful"}},
			},
			{
				Name: "careful", Use: "nfd-s", Source: "Chen, Toueg and Aguilera 2002, figure 6",
				Params:  []run.Param{{Name: "eta", Value: "10ms"}, {Name: "delta", Value: "40ms"}},
				Classes: classes("yyyyyyyy", model.EventuallyP),
				Properties: []run.Property{
					{Property: "strong-completeness", Outcome: "holds", Checked: 14, Reason: "all 14 were detected", Held: 2},
					{Property: "strong-accuracy", Outcome: "holds", Reason: "nobody was suspected", Vacuous: 2},
				},
				Detection: run.Detection{Detected: 3, Missed: 1, Undetected: 10, Mean: run.Mean{Count: 3, Mean: pointer(45 * ms)}, Time: spread(40*ms, 44*ms, 51*ms)},
				Mistakes:  run.Mistakes{PairSeconds: 2016, Rate: pointer(0.0), RateExact: &run.Interval{High: 0.00183}, Accuracy: pointer(1.0)},
				Cost:      run.Cost{MessagesPerSecond: 700, BytesPerSecond: 77000},
			},
		},
		Guarantee:      sampleGuarantee(),
		Levels:         sampleLevels(),
		MessageLatency: []run.Latency{{Priority: 7, Spread: spread(message...)}},
		TrafficLatency: []run.Latency{{Priority: 0, Spread: spread(traffic...)}},
		Messages:       run.Packets{Sent: 224000, Delivered: 223990, Dropped: 8, Drops: []run.Drops{{Cause: "link-loss", Count: 8}}, InFlight: 2},
		Traffic:        run.Packets{Sent: 1000000, Delivered: 999000, Dropped: 990, Drops: []run.Drops{{Cause: "buffer-full", Count: 900}, {Cause: "link-loss", Count: 90}}, InFlight: 10},
		Conservation:   run.Property{Property: "conservation", Outcome: "holds", Checked: 1224000, Reason: "all 1224000 packets are accounted for"},
	}
	return r, explained(longest)
}

// explained is a mistake after two messages that a full buffer dropped, and two
// more that were lost later.
func explained(mistake run.Episode) *run.Explanation {
	x := &run.Explanation{Detector: "hasty", Mistake: mistake, Text: []string{
		"1.01s: message 101 of h5, sent at 1.01s, is lost on s0>h3: buffer-full",
		"why: the last message of h5 had arrived 29.3ms before; of 2 sent after it, 2 were lost (buffer-full)",
	}}
	for i := int64(96); i <= 106; i++ {
		at := model.Time(i) * model.Time(10*ms)
		r := model.Record{Kind: model.Sent, At: at, Process: 5, Peer: 3, Packet: uint64(i), SentAt: at, Seq: i, Place: 10}
		x.Records = append(x.Records, r)
		r.Kind, r.At = model.Hopped, at.Add(350*us)
		x.Records = append(x.Records, r)
		switch {
		case i == 104:
			r.Kind, r.Cause = model.Dropped, model.LinkLoss
		case i >= 101 && i < 106:
			r.Kind, r.Cause = model.Dropped, model.BufferFull
		default:
			r.Kind, r.At, r.Process, r.Peer = model.Delivered, at.Add(700*us), 3, 5
		}
		x.Records = append(x.Records, r)
		if i == 102 {
			x.Records = append(x.Records, model.Record{Kind: model.Suspected, At: mistake.From, Process: 3, Peer: 5})
		}
	}
	return x
}
