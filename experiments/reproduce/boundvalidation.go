package reproduce

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"suspect/experiments/figure"
	"suspect/model"
	"suspect/network"
	"suspect/qjump"
	"suspect/sim"
)

func init() {
	Register(Spec{
		Name: "bound-validation",
		Doc: "Latency against the network epoch, beside the published bound of 24.288 us. Trains of packets go from 10 hosts of the published " +
			"test bed to one, in epochs from 29 down to 7 us.",
		Source: "Grosvenor and others, \"Queues don't matter when you can JUMP them!\", NSDI 2015, figure 11, with the driver and the plot script of " +
			"camsas/qjump-expr-tools",
		Params: []model.Param{
			{Name: "draws", Type: model.CountParam, Default: "20", Doc: "runs with random phases at each epoch"},
			{Name: "length", Type: model.DurationParam, Default: "2ms", Doc: "how long each run sends"},
			{Name: "step", Type: model.CountParam, Default: "1", Doc: "microseconds from one epoch to the next, from 7 to 29 us"},
		},
		Run: boundValidation,
	})
}

// The published set-up: P = 256 B on 10 Gb/s, ten hosts with three senders of two
// packets each, and three hops of 4 us.
const (
	trainHosts   = 10
	trainSenders = 3
	trainBurst   = 2
	hopLatency   = 4 * model.Microsecond
	farHops      = 3

	publishedBound      = 24_288 * model.Nanosecond
	publishedOtherBound = 61_152 * model.Nanosecond // of 240 packets, in the same script
	firstEpoch          = 7                         // us; of the sweep
	lastEpoch           = 29
)

// switchBuffer is that of a port: 1.2 ms at 10 Gb/s, as the scripts take it.
const switchBuffer = 1_500_000

// testBed is the published test bed of 12 hosts: an aggregation switch, and three
// switches with 6, 3 and 3 hosts. A hop takes hopLatency for a packet that meets no
// other, its transmission included; only the hosts' own links take no time but that.
func testBed() network.Topology {
	var t network.Topology
	racks := []int{6, 3, 3}
	for _, hosts := range racks {
		t.Hosts += hosts
	}
	for h := range t.Hosts {
		t.Names = append(t.Names, fmt.Sprintf("h%d", h))
	}
	aggregation := network.NodeID(t.Hosts + len(racks))
	out := network.LinkConfig{Rate: publishedRate, Delay: hopLatency - casePacket, Buffer: network.Buffer{Bytes: switchBuffer}}
	host := network.NodeID(0)
	for r, hosts := range racks {
		t.Names = append(t.Names, fmt.Sprintf("tor%d", r))
		tor := network.NodeID(t.Hosts + r)
		for range hosts {
			t.Links = append(t.Links, network.Link{A: host, B: tor, AtoB: network.LinkConfig{Rate: publishedRate}, BtoA: out})
			host++
		}
		t.Links = append(t.Links, network.Link{A: tor, B: aggregation, AtoB: out, BtoA: out})
	}
	t.Names = append(t.Names, "agg")
	return t
}

// Host 0 receives. The senders are its first neighbours and all remote hosts.
var (
	trainNeighbours = []network.NodeID{1, 2, 3, 4}
	trainRemote     = []network.NodeID{6, 7, 8, 9, 10, 11}
)

// trains are the senders of one run: on each host the same number, which send a burst as
// often as their limiters let them.
type trains struct {
	epoch   model.Duration
	senders int
	burst   int64
	length  model.Duration
}

func (t trains) limiter() qjump.LimiterConfig {
	return qjump.LimiterConfig{Kind: qjump.RestartingWindow, Epoch: t.epoch, Budget: qjump.Budget{Packets: t.burst}}
}

// packets is the number of them in an epoch.
func (t trains) packets() int { return trainHosts * t.senders * int(t.burst) }

// sender returns what one sender sends that begins at the given time.
func (t trains) sender(host network.NodeID, begins model.Time) ([]network.Send, error) {
	epochs := int(t.length/t.epoch) + 1
	return released(t.limiter(), network.Send{From: host, To: 0, Bytes: caseBytes, Priority: 7}, times(epochs*int(t.burst), begins))
}

// critical returns the schedule of the critical instant: the remote hosts send at
// once, and the neighbours so that all of theirs are there just before the last remote packet.
func (t trains) critical() ([]network.Send, error) {
	train := t.senders * int(t.burst)
	first := (farHops-1)*hopLatency + casePacket // when a remote packet comes to the receiver's switch
	last := model.Time(first + packets(len(trainRemote)*train-1))
	var all []network.Send
	add := func(hosts []network.NodeID, at model.Time) error {
		for _, h := range hosts {
			for range t.senders {
				s, err := t.sender(h, at)
				if err != nil {
					return err
				}
				all = append(all, s...)
			}
		}
		return nil
	}
	if err := add(trainRemote, 0); err != nil {
		return nil, err
	}
	return all, add(trainNeighbours, last.Add(-packets(train))-1)
}

// random returns a schedule in which every sender begins at a time of its own.
func (t trains) random(s *sim.Stream) ([]network.Send, error) {
	var all []network.Send
	for _, h := range slices.Concat(trainNeighbours, trainRemote) {
		for range t.senders {
			one, err := t.sender(h, model.Time(s.IntN(int(t.epoch))))
			if err != nil {
				return nil, err
			}
			all = append(all, one...)
		}
	}
	return all, nil
}

// latencies plays a schedule on the test bed. Times are in order; lost packets have none.
func latencies(ctx context.Context, sends []network.Send) (took []model.Duration, losses int, err error) {
	all, err := delays(ctx, network.Config{Topology: testBed(), Framing: network.Bare}, sends)
	if err != nil {
		return nil, 0, err
	}
	slices.Sort(all)
	losses, _ = slices.BinarySearch(all, 0)
	return all[losses:], losses, nil
}

// sweep is what was measured at one epoch.
type sweep struct {
	epoch    model.Duration
	critical model.Duration // the longest delay of the critical instant
	took     []model.Duration
	losses   int
}

// quantile returns the delay that a share p of the packets did not exceed.
func (s *sweep) quantile(p float64) model.Duration {
	return s.took[min(len(s.took)-1, int(p*float64(len(s.took))))]
}

func (s *sweep) longest() model.Duration { return s.took[len(s.took)-1] }

// measure runs the critical instant and the draws at one epoch.
func (s *sweep) measure(ctx context.Context, seed uint64, draws int, length model.Duration) error {
	t := trains{epoch: s.epoch, senders: trainSenders, burst: trainBurst, length: length}
	sends, err := t.critical()
	if err != nil {
		return err
	}
	took, _, err := latencies(ctx, sends)
	if err != nil {
		return err
	}
	s.critical = took[len(took)-1]
	for i := range draws {
		sends, err := t.random(sim.NewStream(seed, fmt.Sprintf("bound-validation/%v/%d", s.epoch, i)))
		if err != nil {
			return err
		}
		took, losses, err := latencies(ctx, sends)
		if err != nil {
			return err
		}
		s.took, s.losses = append(s.took, took...), s.losses+losses
	}
	slices.Sort(s.took)
	return nil
}

func boundValidation(ctx context.Context, o Options) (*Document, error) {
	draws, step, length := int(o.Params.Count("draws")), int(o.Params.Count("step")), o.Params.Duration("length")
	switch {
	case draws < 1:
		return nil, &model.ParamError{Name: "draws", Err: fmt.Errorf("%d: needs at least one", draws)}
	case step < 1 || step > lastEpoch:
		return nil, &model.ParamError{Name: "step", Err: fmt.Errorf("%d: must lie between 1 and %d us", step, lastEpoch)}
	case length < 100*us || length > 100*model.Millisecond:
		return nil, &model.ParamError{Name: "length", Err: fmt.Errorf("%v: must lie between 100us and 100ms", length)}
	}
	var sweeps []*sweep
	for e := firstEpoch; e <= lastEpoch; e += step {
		sweeps = append(sweeps, &sweep{epoch: model.Duration(e) * us})
	}
	name := func(i int) string { return fmt.Sprintf("epochs of %v", sweeps[i].epoch) }
	err := o.each(ctx, len(sweeps), name, func(i int) error { return sweeps[i].measure(ctx, o.Seed, draws, length) })
	if err != nil {
		return nil, err
	}

	d := new(Document)
	line := trains{senders: trainSenders, burst: trainBurst}
	for _, c := range []struct {
		senders   int
		burst     int64
		published model.Duration
	}{{trainSenders, trainBurst, publishedBound}, {trainSenders, 4 * trainBurst, publishedOtherBound}} {
		t := trains{epoch: 100 * us, senders: c.senders, burst: c.burst}
		formula, err := qjump.FanIn(t.packets(), caseBytes, publishedRate, farHops*hopLatency)
		if err != nil {
			return nil, err
		}
		d.checkExactly(fmt.Sprintf("the line: %d packets of 256 B and 3 hops of 4 us", t.packets()), c.published, formula, "")
		sends, err := t.critical()
		if err != nil {
			return nil, err
		}
		took, _, err := latencies(ctx, sends)
		if err != nil {
			return nil, err
		}
		d.checkExactly(fmt.Sprintf("the longest delay of %d packets at once", t.packets()), c.published, took[len(took)-1], "simulated")
	}
	full := packets(line.packets()) // the shortest epoch that the receiver's link carries
	t := newTable("Delay against the network epoch", "epoch [us]", "line/epoch", "load", "p50 [us]", "p99 [us]", "longest [us]",
		"critical instant [us]", "proved [us]",
		"proved, senders that pause [us]", "packets", "lost")
	var above, wrong, within, exact, over, between int
	var most model.Duration // between
	for _, s := range sweeps {
		load := ratio(full, s.epoch)
		longest := max(s.longest(), s.critical)
		steady, any := words("none"), words("none")
		if g, err := provedOnTestBed(qjump.MinimumSpacing, s.epoch); err == nil {
			steady = micros(g.Delay)
			if longest > g.Delay {
				above++
			}
			if s.epoch >= publishedBound && g.Delay == publishedBound {
				exact++
			}
		}
		if g, err := provedOnTestBed(qjump.RestartingWindow, s.epoch); err == nil {
			any = micros(g.Delay)
		}
		switch {
		case s.epoch >= publishedBound:
			within++
			if longest > publishedBound {
				wrong++
			}
		case s.epoch < full:
			over++
			if s.longest() <= publishedBound {
				wrong++
			}
		default:
			between++
			most = max(most, longest)
		}
		t.add(micros(s.epoch), number(ratio(publishedBound, s.epoch), "%.2f"), number(load, "%.3f"), micros(s.quantile(0.5)), micros(s.quantile(0.99)),
			micros(s.longest()), micros(s.critical), steady, any, count(int64(len(s.took)+s.losses)), count(int64(s.losses)))
	}
	d.Tables = []Table{t}
	ends := fmt.Sprintf("%.2f to %.2f", ratio(publishedBound, lastEpoch*us), ratio(publishedBound, firstEpoch*us))
	d.check("the axis: line/epoch for epochs of 29 to 7 us", "0.84 to 3.47", ends, ends == "0.84 to 3.47", "")
	d.check("epochs on the wrong side of the line", "0", fmt.Sprint(wrong), wrong == 0,
		fmt.Sprintf("%d epochs as long as the line are to stay below or on it, and %d that overload the receiver's link (shorter than %s) to pass it", within, over, inMicros(full)))
	d.check("epochs as long as the line for which exactly the line is proved", fmt.Sprint(within), fmt.Sprint(exact), exact == within,
		"by package qjump, for senders that always have packets")
	d.check("epochs whose longest delay is above its proved bound", "0", fmt.Sprint(above), above == 0, "")
	d.notComparable("epochs between", "not guaranteed", fmt.Sprintf("%d epochs, longest %s", between, inMicros(most)),
		"nothing is promised for an epoch shorter than the line; here the delay does not pass it until the receiver's link is full, though more is proved to be the most")
	d.notComparable("delays under overload", "-", "see the table", "they follow from the length of a run and from buffers, which are not published")
	d.Figures = []Figure{{
		Name: "bound-validation", Caption: "Delay against the network epoch, as in figure 11: below the line of 24.288 us until the receiver's link is full",
		SVG: validationFigure(sweeps, full),
	}}
	d.Notes = []string{
		"The line is published as 10 hosts with trains of 6 packets; these are 3 senders on each host with 2 packets in an epoch. Limiters count, not hosts.",
		"A hop of 4 us is taken to hold one transmission time, as a measured hop does. If it came on top, the longest delay would pass the line by three packets, " +
			"0.6144 us: the published line leaves out storing and forwarding.",
		"Senders always have packets, and their windows restart as in the kernel module: then each is two packets every epoch. Senders that pause can have three " +
			"packets close together, and the line does not hold for them.",
		"The published driver uses 11 hosts, which would fill the link at epochs of 13.5168 us; its line counts 10.",
		fmt.Sprintf("Ports hold %d bytes, 1.2 ms at 10 Gb/s, as the scripts of figure 6 take it.", switchBuffer),
	}
	return d, nil
}

// provedOnTestBed returns the bound that package qjump proves for the test bed. Windows
// that restart and senders that always have packets are the same as minimum spacing.
func provedOnTestBed(kind qjump.LimiterKind, epoch model.Duration) (qjump.Guarantee, error) {
	path := qjump.Path{Switches: farHops, Rate: publishedRate, Epsilon: farHops * (hopLatency - casePacket), JoinsOnce: true}
	return path.Bound(qjump.Class{
		Kind: kind, Epoch: epoch, Budget: trainBurst, Packet: caseBytes, Senders: trainHosts * trainSenders, PerHost: trainSenders,
	})
}

// validationFigure draws the delays against line/epoch.
func validationFigure(sweeps []*sweep, full model.Duration) []byte {
	series := []figure.Series{{Name: "critical instant, longest"}, {Name: "random phases, longest"}, {Name: "p99"}, {Name: "p50"}}
	for _, s := range slices.Backward(sweeps) {
		for i, d := range []model.Duration{s.critical, s.longest(), s.quantile(0.99), s.quantile(0.5)} {
			series[i].Kind = figure.Marked
			series[i].Points = append(series[i].Points, figure.Point{X: ratio(publishedBound, s.epoch), Y: d.Seconds()})
		}
	}
	f := figure.Figure{
		Title: "Delay against the network epoch on the published test bed",
		Panels: []figure.Panel{{
			Caption: "delay from the limiter to the receiver",
			X:       figure.Axis{Label: "24.288 µs / network epoch", From: 0.5, To: 3.6},
			Y:       figure.Axis{Unit: figure.Seconds, Log: true, From: 5e-6, To: 2e-3}, // with room for the labels below
			Series:  series,
			Lines: []figure.Line{
				{At: publishedBound.Seconds(), Label: "published bound: " + strings.Replace(inMicros(publishedBound), "us", "µs", 1)},
				{Upright: true, At: 1, Label: "epoch = bound"},
				{Upright: true, At: ratio(publishedBound, full), Label: "link full"},
			},
		}},
	}
	return f.SVG()
}
