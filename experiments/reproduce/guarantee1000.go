package reproduce

import (
	"context"
	"fmt"
	"slices"

	"suspect/model"
	"suspect/network"
	"suspect/qjump"
)

func init() {
	Register(Spec{
		Name: "guarantee-1000",
		Doc: "The published guarantee of 102.4 us for 1000 hosts. Beside it are the formula, the proved worst case of each kind of " +
			"limiter, the longest delay of a simulated critical instant, and what real frames make of it.",
		Source: "Grosvenor and others, \"Queues don't matter when you can JUMP them!\", NSDI 2015, and its project page: about 100 us for " +
			"1000 hosts with small messages at 10 Gb/s",
		Params: []model.Param{
			{Name: "hosts", Type: model.CountParam, Default: "1000", Doc: "n, the receiver included; from 2 to 10000"},
			{Name: "packet", Type: model.CountParam, Default: "64", Doc: "P in bytes; at least 46, the least payload of an Ethernet frame"},
		},
		Run: guarantee1000,
	})
}

// publishedRate is that of the links of the published test bed and examples.
const publishedRate = 10 * network.Gbps

// publishedGuarantee is 2nP/R for 1000 hosts and packets of 64 bytes.
const publishedGuarantee = 102_400 * model.Nanosecond

// frameOverhead is what surrounds a frame on the wire: preamble, start and gap. A frame
// with header, tag and check has at least frameSmallest bytes, frameHeader of them no payload.
const (
	frameOverhead = 20
	frameSmallest = 64
	frameHeader   = 22
)

func guarantee1000(ctx context.Context, o Options) (*Document, error) {
	n, bytes := int(o.Params.Count("hosts")), int32(min(o.Params.Count("packet"), 1<<20))
	if n < 2 || n > 10_000 {
		return nil, &model.ParamError{Name: "hosts", Err: fmt.Errorf("%d: must lie between 2 and 10000", n)}
	}
	if bytes < 46 || bytes > network.MaxPayload {
		return nil, &model.ParamError{Name: "packet", Err: fmt.Errorf("%d: must lie between 46 and %d bytes", bytes, network.MaxPayload)}
	}
	fanIn, err := qjump.FanIn(n, bytes, publishedRate, 0)
	if err != nil {
		return nil, &model.ParamError{Name: "hosts", Err: err}
	}
	epoch, err := qjump.Epoch(n, bytes, publishedRate, 0)
	if err != nil {
		return nil, &model.ParamError{Name: "hosts", Err: err}
	}

	d := new(Document)
	formula := newTable("The formula, n = "+count(int64(n)).Text+", 10 Gb/s", "what counts as P", "P [B]", "nP/R [us]", "2nP/R [us]", "of the published epoch")
	frame := max(bytes, frameSmallest) + frameOverhead
	for _, p := range []struct {
		what  string
		bytes int32
	}{
		{"as published: the budget", bytes},
		{"a frame of so many bytes, with preamble and gap", frame},
		{"so many bytes as the kernel counts them, with check, preamble and gap", max(bytes+4, frameSmallest) + frameOverhead},
		{"so many bytes of payload in a tagged Ethernet frame", network.Ethernet.WireBytes(bytes)},
	} {
		packet := publishedRate.Transmission(p.bytes)
		formula.add(words("%s", p.what), count(int64(p.bytes)), micros(model.Duration(n)*packet), micros(model.Duration(2*n)*packet),
			number(float64(p.bytes)/float64(bytes), "%.3f"))
	}

	cases := []criticalInstant{
		{"bare packets of the budget", network.Bare, bytes, qjump.MinimumSpacing},
		{"bare packets of the budget", network.Bare, bytes, qjump.RestartingWindow},
		{"bare packets of the budget", network.Bare, bytes, qjump.FixedWindow},
		{"frames of so many bytes", network.Ethernet, max(bytes, frameSmallest) - frameHeader, qjump.MinimumSpacing},
		{"frames of so many bytes", network.Ethernet, max(bytes, frameSmallest) - frameHeader, qjump.FixedWindow},
	}
	measured := make([]model.Duration, len(cases))
	proved := make([]qjump.Guarantee, len(cases))
	name := func(i int) string { return fmt.Sprintf("%s, %v", cases[i].what, cases[i].kind) }
	err = o.each(ctx, len(cases), name, func(i int) (err error) {
		measured[i], proved[i], err = cases[i].run(ctx, n, epoch)
		return err
	})
	if err != nil {
		return nil, err
	}
	worst := newTable("The worst case: all other hosts send to one through one switch, epochs of the published 2nP/R",
		"packets", "on the wire [B]", "limiter", "proved [us]", "status", "measured [us]", "measured/proved", "of the guarantee")
	for i, c := range cases {
		worst.add(words("%s", c.what), count(int64(c.framing.WireBytes(c.payload))), words("%v", c.kind), micros(proved[i].Delay),
			words("%v", proved[i].Status), micros(measured[i]), number(ratio(measured[i], proved[i].Delay), "%.4f"),
			number(ratio(measured[i], epoch), "%.3f"))
	}
	d.Tables = []Table{formula, worst}

	if n == 1000 && bytes == 64 {
		d.checkExactly("2nP/R, the published guarantee", publishedGuarantee, epoch, "")
	}
	packet := publishedRate.Transmission(bytes)
	d.checkExactly("spaced: nP/R", fanIn, measured[0], "to the picosecond")
	d.checkExactly("windows that restart, one packet each: nP/R", fanIn, measured[1], "to the picosecond; with one packet they space")
	d.checkExactly("fixed windows: (2n-1)P/R", model.Duration(2*n-1)*packet, measured[2]+1,
		"one picosecond added, by which the first packet of each sender leaves before its window ends")
	above := 0
	for i := range cases {
		if measured[i] > proved[i].Delay {
			above++
		}
	}
	d.check("longest delays above their proved bounds", "0", fmt.Sprint(above), above == 0, "")
	d.notComparable("the guarantee with frames of so many bytes, spaced", "at most "+inMicros(epoch), inMicros(measured[3]),
		"published P is the budget; on the wire a frame is preamble and gap longer")
	why := "the same"
	if measured[4] > epoch {
		why += ", and here the published figure is passed: P must be wire bytes"
	}
	d.notComparable("the guarantee with frames of so many bytes, fixed windows", "at most "+inMicros(epoch), inMicros(measured[4]), why)
	d.Notes = []string{
		fmt.Sprintf("The published figure is a whole epoch, 2nP/R. With spaced senders the worst case is half of it, nP/R = %s; with fixed windows "+
			"(2n-1)P/R, one packet less than it. Doubling the epoch halves the load, not the delay.", inMicros(fanIn)),
		fmt.Sprintf("All this is without a frame of a lower priority in flight: one of 1518 bytes, 1538 on the wire, adds %s at each port.",
			inMicros(publishedRate.Transmission(1538))),
		"Delays are from the limiter to the last bit at the receiver. A packet that comes to its limiter too early waits there first.",
		"Nothing but transmission takes time here: the published eps is 0, as in the published figure.",
	}
	return d, nil
}

func ratio(a, b model.Duration) float64 { return float64(a) / float64(b) }

// criticalInstant is the worst case of one receiver's port on one switch, for
// limiters with one packet in an epoch.
type criticalInstant struct {
	what    string
	framing network.Framing
	payload int32
	kind    qjump.LimiterKind
}

// run returns the longest delay where n-1 hosts use their budgets at once, and the proved
// bound. With fixed windows each sends once more, as the next window begins.
func (c criticalInstant) run(ctx context.Context, n int, epoch model.Duration) (model.Duration, qjump.Guarantee, error) {
	wire := c.framing.WireBytes(c.payload)
	path := qjump.Path{Switches: 1, Rate: publishedRate, JoinsOnce: true}
	class := qjump.Class{Kind: c.kind, Epoch: epoch, Budget: 1, Packet: wire, Senders: n - 1}
	g, err := path.Bound(class)
	if err != nil {
		return 0, g, err
	}
	wants := []model.Time{0, 0, 0}
	if c.kind == qjump.FixedWindow {
		wants = slices.Repeat([]model.Time{model.Time(epoch) - 1}, 3)
	}
	var sends []network.Send
	for h := 1; h < n; h++ {
		s, err := released(limiterOf(class), network.Send{From: network.NodeID(h), To: 0, Bytes: c.payload, Priority: 7}, wants)
		if err != nil {
			return 0, g, err
		}
		sends = append(sends, s...)
	}
	took, err := delays(ctx, network.Config{Topology: network.Star(n, network.LinkConfig{Rate: publishedRate}), Framing: c.framing}, sends)
	if err != nil {
		return 0, g, err
	}
	return slices.Max(took), g, nil
}

// limiterOf returns the limiter of each sender of a class whose packets have one size.
func limiterOf(c qjump.Class) qjump.LimiterConfig {
	return qjump.LimiterConfig{Kind: c.Kind, Epoch: c.Epoch, Budget: qjump.Budget{Packets: c.Budget}}
}
