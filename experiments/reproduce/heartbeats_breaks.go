package reproduce

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"suspect/experiments/guarantee"
	runner "suspect/experiments/run"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
)

// breaks run the star with one assumption broken at a time, its heartbeats and detectors
// as for the intact one.
type breaks struct {
	star *beating
	list []breakage
}

// breakage is one assumption that is broken.
type breakage struct {
	assumption string
	how        string
	periods    int // of its only replication, where a few are not enough; or 0
	alter      func(b *beating)

	// falls are the promises that must fall, and stands those that must not, and why.
	falls, stands []promise
	why           string
}

// promise is one thing that the intact star keeps.
type promise string

const (
	onTime        promise = "latency bound"
	nfdsAccuracy  promise = "NFD-S accuracy"
	waitAccuracy  promise = "timeout accuracy"
	nfdsDetection promise = "NFD-S T_D"
	waitDetection promise = "timeout T_D"
)

// Periods and replications of each run.
const breakPeriods, breakRuns = 100, 2

var promises = []promise{onTime, nfdsAccuracy, waitAccuracy, nfdsDetection, waitDetection}

func planBreaks(star *beating) *breaks {
	b, d := *star, star.deadline
	// Packets of the second process come to a port right before heartbeats of a slot.
	before := d.epoch - network.Gbps.Transmission(106)/10
	last := fmt.Sprintf("h%d", d.peers) // to which all send in the last slot
	return &breaks{star: &b, list: []breakage{
		{
			assumption: "one limiter per host",
			how:        fmt.Sprintf("a second process on each host, with a limiter of its own, sends to %s in each epoch", last),
			alter: func(b *beating) {
				b.Traffic = append(b.Traffic, fmt.Sprintf("{use: periodic, from: all, to: %s, packet: 64B, priority: %d, period: %v, phase: %v, limiter: own}", last, guaranteed, d.epoch, before))
			},
			falls: []promise{onTime, nfdsAccuracy},
			why:   "twice as many packets meet at a port as are counted",
		},
		{
			assumption: "the class keeps to its rate",
			how:        "heartbeats every 0.9*ceil(k/f)*E",
			alter: func(b *beating) {
				for i := range b.Detectors {
					b.Detectors[i] = strings.Replace(b.Detectors[i], d.eta.String(), (d.eta / 10 * 9).String(), 1)
				}
			},
			falls:  []promise{nfdsAccuracy, waitDetection},
			stands: []promise{onTime, waitAccuracy},
			why: "the limiter protects the network, and the heartbeats wait before it, longer and longer; they leave evenly, so a silence is never long, " +
				"but go on to leave after the crash",
		},
		{
			assumption: "nobody goes past the limiters",
			how:        fmt.Sprintf("two hosts send to %s at priority 7 without a limiter, 60%% of a link each", last),
			alter: func(b *beating) {
				b.Traffic = append(b.Traffic, fmt.Sprintf("{use: poisson, from: [h0, h2], to: %s, packet: 64B, priority: %d, load: 60%%, limiter: none}", last, guaranteed))
			},
			falls: []promise{onTime, nfdsAccuracy, waitAccuracy},
			why:   "the queue before the receiver grows until heartbeats are lost",
		},
		{
			assumption: "no link is slower than R",
			how:        fmt.Sprintf("the link to %s has 1 Gb/s, and the epoch is that of 10 Gb/s", last),
			alter: func(b *beating) {
				b.Rate = "10Gbps"
				b.Links = append(b.Links, fmt.Sprintf("{between: [%s, s0], direction: s0, rate: 1Gbps}", last))
			},
			falls: []promise{onTime, nfdsAccuracy},
			why:   "every packet takes ten times as long there",
		},
		{
			assumption: "no queue overflows",
			how:        fmt.Sprintf("the queue before %s has room for 8 packets", last),
			alter: func(b *beating) {
				b.Links = append(b.Links, fmt.Sprintf("{between: [%s, s0], direction: s0, buffer: 8packets}", last))
			},
			falls:  []promise{nfdsAccuracy},
			stands: []promise{onTime, nfdsDetection},
			why:    "heartbeats of a slot are lost; those that are not are in time",
		},
		{
			assumption: "processes do not pause",
			how:        "the process of h0 pauses for as long as others crash",
			alter: func(b *beating) {
				from, until := b.crashing()
				b.Faults = append(b.Faults, fmt.Sprintf("{use: pause, process: h0, at: %v, for: %v}", from, until-from))
			},
			falls:  []promise{nfdsAccuracy, waitAccuracy, nfdsDetection, waitDetection},
			stands: []promise{onTime},
			why:    "it neither sends nor looks, and the network is as fast as ever",
		},
		{
			assumption: "clocks agree",
			how:        "the clock of h0 is slow by 100 ppm",
			periods:    500,
			alter: func(b *beating) {
				b.Faults = append(b.Faults, "{use: clock-drift, host: h0, drift: -100ppm, at: 0s}")
			},
			falls:  []promise{nfdsAccuracy, nfdsDetection},
			stands: []promise{onTime, waitAccuracy, waitDetection},
			why: "NFD-S compares the clocks of two hosts, which part without end; the timeout measures one silence, in which its clock goes wrong by far less than " +
				"the least latency, which its proof leaves unused",
		},
	}}
}

func (b *breaks) replications() (n int) {
	for _, x := range b.list {
		n += b.broken(x).Replications
	}
	return n
}

// broken returns the star with one assumption broken.
func (b *breaks) broken(x breakage) *beating {
	c := *b.star
	c.periods, c.Replications = breakPeriods, breakRuns
	if x.periods > 0 {
		c.periods, c.Replications = x.periods, 1
	}
	c.Duration = model.Duration(c.periods) * c.deadline.eta
	c.Faults = c.crashes()
	c.Detectors, c.Traffic, c.Links = slices.Clone(c.Detectors), slices.Clone(c.Traffic), slices.Clone(c.Links)
	x.alter(&c)
	return &c
}

func (b *breaks) run(ctx context.Context, m *meter, d *Document) error {
	t := newTable("One assumption broken at a time, on the star: what was measured",
		"broken", "release to delivery [us]", "B [us]", "lost", "NFD-S mistakes", "timeout mistakes", "NFD-S T_D [us]", "eta + D [us]", "timeout T_D [us]", "eta + 2D [us]")
	hows := newTable("How it is broken", "broken", "how")
	falls := newTable("What falls, and why", "broken", "what falls", "why")
	says := newTable("What is said of it before anything runs, by the guarantee report and the derivation of D", "broken", "what is said")
	nfdsMost, waitMost := b.star.deadline.detection()
	for _, x := range b.list {
		s := b.broken(x).scenario()
		r, err := m.run(ctx, "broken: "+x.assumption, s)
		if err != nil {
			return err
		}
		fallen := b.fallen(r)
		nfds, wait := &r.Detectors[0], &r.Detectors[1]
		t.add(words("%s", x.assumption), micros(releasedLatency(r)), micros(b.star.deadline.way), count(heartbeatsLost(r)), count(nfds.Mistakes.Count),
			count(wait.Mistakes.Count), micros(nfds.Detection.Time.Max), micros(nfdsMost), micros(wait.Detection.Time.Max), micros(waitMost))
		hows.add(words("%s", x.assumption), words("%s", x.how))
		falls.add(words("%s", x.assumption), words("%s", promisesText(fallen)), words("%s", x.why))
		for _, line := range sayings(s, b.star.deadline) {
			says.add(words("%s", x.assumption), words("%s", line))
		}
		for _, p := range x.falls {
			d.check(fmt.Sprintf("broken: %s: %s", x.assumption, p), "falls", state(fallen, p), slices.Contains(fallen, p), "")
		}
		for _, p := range x.stands {
			d.check(fmt.Sprintf("broken: %s: %s", x.assumption, p), "stands", state(fallen, p), !slices.Contains(fallen, p), "")
		}
	}
	d.Tables = append(d.Tables, hows, t, falls, says)
	return nil
}

// fallen returns the promises that a run of the star broke.
func (b *breaks) fallen(r *runner.Results) (list []promise) {
	nfds, wait := &r.Detectors[0], &r.Detectors[1]
	nfdsMost, waitMost := b.star.deadline.detection()
	violated := map[promise]bool{
		onTime:        violates(r.Properties[0]),
		nfdsAccuracy:  violates(nfds.Properties[0]),
		waitAccuracy:  violates(wait.Properties[0]),
		nfdsDetection: nfds.Detection.Time.Max > nfdsMost || nfds.Detection.Undetected > 0,
		waitDetection: wait.Detection.Time.Max > waitMost || wait.Detection.Undetected > 0,
	}
	for _, p := range promises {
		if violated[p] {
			list = append(list, p)
		}
	}
	return list
}

func violates(p runner.Property) bool { return p.Outcome == properties.Violated.String() }

// releasedLatency returns the longest time from the release to the delivery of a packet
// in the guaranteed class.
func releasedLatency(r *runner.Results) model.Duration {
	for i := range r.Levels {
		if r.Levels[i].Priority == guaranteed {
			return r.Levels[i].Latency.Max
		}
	}
	return 0
}

// sayings returns what the guarantee report says of a broken star, and the deadline of the
// intact one of its period.
func sayings(s *scenario.Scenario, d *deadline) (list []string) {
	r := guarantee.Derive(s)
	for _, a := range r.Assumptions {
		if a.Mark == guarantee.Broken {
			list = append(list, fmt.Sprintf("BROKEN: %s (%s)", a.Text, a.Why))
		}
	}
	for i := range r.Levels {
		l := &r.Levels[i]
		switch {
		case l.Refused != "":
			list = append(list, "no bound: "+l.Refused)
		case l.Withdrawn != "" && len(list) == 0:
			list = append(list, "withdrawn: "+l.Withdrawn)
		case l.Guaranteed():
			list = append(list, fmt.Sprintf("nothing is broken: B = %v, and it is about packets between the limiter and the receiver", l.Bound.Delay))
		}
	}
	if eta := s.Detectors[0].Params.Duration("eta"); eta < d.eta {
		list = append(list, fmt.Sprintf("the deadline D: eta = %v is below ceil(k/f)*E = %v, so the wait W has no bound", eta, d.eta))
	}
	return list
}

// state says whether a promise is among the fallen.
func state(fallen []promise, p promise) string {
	if slices.Contains(fallen, p) {
		return "falls"
	}
	return "stands"
}

func promisesText(list []promise) string {
	if len(list) == 0 {
		return "none"
	}
	var s []string
	for _, x := range list {
		s = append(s, string(x))
	}
	return strings.Join(s, ", ")
}
