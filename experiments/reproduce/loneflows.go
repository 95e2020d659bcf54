package reproduce

import (
	"context"
	"fmt"
	"slices"

	"suspect/experiments/apps"
	"suspect/experiments/report"
	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

func init() {
	Register(Spec{
		Name: "lone-flows",
		Doc: "Ideal completion times of lone flows on 144 hosts. Acknowledged flows that are alone on the published leaf-spine simulation take exactly " +
			"the time by which its flow completion times are normalised.",
		Source: "camsas/qjump-ns2: qjump.tcl for the network, and the plot script of figure 9 of Grosvenor and others, " +
			"\"Queues don't matter when you can JUMP them!\", NSDI 2015, for the ideal",
		Run: loneFlows,
	})
}

// The network of the published simulation. Its packets are payload and 40 bytes of
// headers, without Ethernet framing.
const (
	flowData  = 1500 // bytes of a packet, of which 1460 are payload
	flowAck   = 40
	edgeRate  = 10 * network.Gbps
	coreRate  = 40 * network.Gbps
	linkDelay = 200 * model.Nanosecond
	hostDelay = 2500 * model.Nanosecond // spent by packets at either end, as a part of the link's delay

	racks, hostsInRack, spines = 9, 16, 4

	// Beyond the first packet, an ideal flow takes one transmission time for each.
	idealPacket = 1200 * model.Nanosecond

	// publishedWindow is the initial window of the published simulation, in packets.
	publishedWindow = 12
)

func flowNetwork() network.Topology {
	return network.LeafSpine(racks, spines, hostsInRack,
		network.LinkConfig{Rate: edgeRate, Delay: linkDelay + hostDelay},
		network.LinkConfig{Rate: coreRate, Delay: linkDelay})
}

// way is where the other end of a flow from h0 is, and the published ideal time of its first packet.
type way struct {
	name  string
	to    model.ProcessID // the nearest; the others follow
	hosts int
	ideal model.Duration
}

var ways = []way{
	{"same rack", 1, hostsInRack - 1, 13264 * model.Nanosecond},
	{"other rack", hostsInRack, (racks - 1) * hostsInRack, 14680 * model.Nanosecond},
}

// windowed returns how long a lone flow takes whose window does not change: packet k
// leaves as soon as packet k-1 has left and packet k-window is acknowledged. With a
// window that lasts longer than a packet and its acknowledgement take, first, it is the
// published ideal, first + (packets-1) transmission times.
func windowed(packets, window int64, first model.Duration) model.Duration {
	last := packets - 1
	round := max(first, model.Duration(window)*idealPacket)
	return model.Duration(last/window)*round + model.Duration(last%window)*idealPacket + first
}

// loneFlow simulates a flow from h0 on an idle network.
func loneFlow(ctx context.Context, to model.ProcessID, packets, window int64) (model.Duration, error) {
	k := sim.New(0) // nothing is random
	n, err := network.New(k, network.Config{Topology: flowNetwork(), Framing: network.Bare})
	if err != nil {
		return 0, err
	}
	sender, err := apps.NewSender(apps.SenderConfig{Self: 0, To: to, Packets: packets, Bytes: flowData, Window: window, Timeout: model.Second})
	if err != nil {
		return 0, err
	}
	receiver, err := apps.NewReceiver(apps.ReceiverConfig{Self: to, From: 0, Bytes: flowAck})
	if err != nil {
		return 0, err
	}
	attach(n, 0, sender)
	attach(n, to, receiver)
	c := apps.NewCompletion(0, to, packets)
	k.Records.Subscribe(c.Kinds(), c.Observe)
	if err := k.Run(model.Time(model.Second/2), budget(ctx)); err != nil {
		return 0, err
	}
	d, ok := c.Time()
	if !ok {
		return 0, fmt.Errorf("the flow of %d packets to h%d is not complete after %v", packets, to, k.Now())
	}
	return d, nil
}

// attach gives process p an application as its only automaton, which starts at once and
// anew, from the state that it has now, whenever the process does.
func attach(n *network.Network, p model.ProcessID, a model.Automaton) {
	n.Attach(p, 0, network.Panel{Application: true, New: []func() model.Automaton{a.Clone}, Detectors: []uint8{0}})
}

// flowCase is one row of the table.
type flowCase struct {
	way             *way
	packets, window int64
	took            model.Duration
}

func loneFlows(ctx context.Context, o Options) (*Document, error) {
	const large = 64 // packets: more than are under way at once
	var cases []flowCase
	for i := range ways {
		for _, packets := range [...]int64{1, 2, 7, 12, 13, 100, 1000, 6667} {
			cases = append(cases, flowCase{way: &ways[i], packets: packets, window: large})
		}
	}
	for i := range ways {
		for _, packets := range [...]int64{12, 13, 100, 1000} {
			cases = append(cases, flowCase{way: &ways[i], packets: packets, window: publishedWindow})
		}
	}
	// Beside these, flows of two packets to every host.
	const everyHost = racks * hostsInRack
	first, all := len(cases), make([]model.Duration, everyHost)
	err := o.each(ctx, first+everyHost-1, func(i int) string {
		if i < first {
			return fmt.Sprintf("%d packets, %s", cases[i].packets, cases[i].way.name)
		}
		return fmt.Sprintf("to h%d", i-first+1)
	}, func(i int) (err error) {
		if i < first {
			c := &cases[i]
			c.took, err = loneFlow(ctx, c.way.to, c.packets, c.window)
		} else {
			to := i - first + 1
			all[to], err = loneFlow(ctx, model.ProcessID(to), 2, large)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return loneFlowsDocument(cases, all), nil
}

func loneFlowsDocument(cases []flowCase, all []model.Duration) *Document {
	d := new(Document)
	d.Tables = append(d.Tables, idealTable(d))
	t := newTable("A flow from h0, alone", "to", "packets", "window [packets]", "ideal [us]", "took [us]", "more than the ideal [us]")
	for i := range cases {
		c := &cases[i]
		ideal := c.way.ideal + model.Duration(c.packets-1)*idealPacket
		t.add(words("%s", c.way.name), count(c.packets), count(c.window), micros(ideal), micros(c.took), micros(c.took-ideal))
		if expected := windowed(c.packets, c.window, c.way.ideal); c.window == publishedWindow {
			d.checkExactly(fmt.Sprintf("%d packets, %s, window of %d", c.packets, c.way.name, c.window), expected, c.took, "closed form")
		} else {
			d.checkExactly(fmt.Sprintf("%s, %s", report.Plural(c.packets, "packet", "packets"), c.way.name), ideal, c.took, "the published ideal")
		}
	}
	d.Tables = append(d.Tables, t)
	for _, w := range ways {
		d.checkExactly(fmt.Sprintf("2 packets to each host, %s: the shortest time", w.name), w.ideal+idealPacket, slices.Min(all[w.to:][:w.hosts]), "the published ideal")
		d.checkExactly(fmt.Sprintf("2 packets to each host, %s: the longest time", w.name), w.ideal+idealPacket, slices.Max(all[w.to:][:w.hosts]), "the published ideal")
	}
	d.Notes = []string{
		"The time of a flow runs from its first packet's being handed to the network interface until its last acknowledgement has come out of it.",
		fmt.Sprintf("As in the published script, a host's processing is a part of the delay of its link: %v of link and %v of host, in both directions. It delays packets and does not limit their rate.", linkDelay, hostDelay),
		fmt.Sprintf("The published simulation starts with a window of %d packets. In another rack that is too few to fill the way: %d packets last %v, and the first acknowledgement comes after %v. "+
			"There the ideal can be met only because the window grows. The rows with that window show what it would cost if it did not: every window then takes %v, the longer of the two.",
			publishedWindow, publishedWindow, publishedWindow*idealPacket, ways[1].ideal, ways[1].ideal),
		"Flow completion under load needs the transport protocol of the published simulation, and is not reproduced here.",
	}
	return d
}

// idealTable adds up the ideal of one packet, and checks it against the published one.
func idealTable(d *Document) Table {
	t := newTable("One packet and its acknowledgement, link by link", "what", "same rack [us]", "other rack [us]")
	sums := make([]model.Duration, len(ways))
	row := func(what string, parts ...model.Duration) {
		cells := []Cell{words("%s", what)}
		for i, p := range parts {
			sums[i] += p
			cells = append(cells, micros(p))
		}
		t.add(cells...)
	}
	row("data on links of 10 Gb/s", 2*edgeRate.Transmission(flowData), 2*edgeRate.Transmission(flowData))
	row("data on links of 40 Gb/s", 0, 2*coreRate.Transmission(flowData))
	row("acknowledgement on links of 10 Gb/s", 2*edgeRate.Transmission(flowAck), 2*edgeRate.Transmission(flowAck))
	row("acknowledgement on links of 40 Gb/s", 0, 2*coreRate.Transmission(flowAck))
	row("delay of links, both directions", 2*2*linkDelay, 2*4*linkDelay)
	row("processing of hosts, both ends and directions", 2*2*hostDelay, 2*2*hostDelay)
	t.add(words("sum"), micros(sums[0]), micros(sums[1]))
	for i, w := range ways {
		d.checkExactly("one packet and its acknowledgement, "+w.name+", added up", w.ideal, sums[i], "the published constant")
	}
	return t
}
