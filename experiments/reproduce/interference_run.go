package reproduce

import (
	"context"
	"fmt"
	"math"
	"slices"

	"suspect/experiments/apps"
	"suspect/model"
	"suspect/network"
	"suspect/qjump"
	"suspect/sim"
)

// The delays of links and hosts are those of the published simulation (qjump.tcl), as
// those of the test bed are not at hand.
const (
	bedHosts = 12
	bedRate  = 10 * network.Gbps

	// bedDelay is all propagation and host processing on the way over three switches.
	bedDelay = 4*linkDelay + 2*hostDelay
)

// interferenceBed is the published test bed with these delays. The queues of switches
// hold 1.2 ms at 10 Gb/s each, as in figure 6.
func interferenceBed() network.Topology {
	t := testBed()
	for i := range t.Links {
		l := &t.Links[i]
		link := network.LinkConfig{Rate: bedRate, Delay: linkDelay, Buffer: network.Buffer{Bytes: switchBuffer}}
		l.AtoB, l.BtoA = link, link
		if int(l.A) < t.Hosts {
			l.AtoB.Delay, l.BtoA.Delay = linkDelay+hostDelay, linkDelay+hostDelay
			l.AtoB.Buffer = network.Buffer{} // a host holds back what it cannot send
		}
	}
	return t
}

// Bulk is frames of 1500 bytes of payload, one every 1.3 us from each host that sends
// some. That is 94.9% of a link: as much as one flow can send without the queue before
// a link that it has alone growing for ever, which no transport would let happen.
const (
	bedPayload = 1500
	bedFrame   = 1542 // on the wire
	bedPeriod  = 1300 * model.Nanosecond
)

// bulkFlow is bulk from one host to another.
type bulkFlow struct{ from, to network.NodeID }

// The application under test: what is asked, and how.
type application struct {
	name           string
	askers         []model.ProcessID
	server         model.ProcessID
	service        model.Duration
	request, reply int32         // payload in bytes
	levels         []qjump.Level // of requests, and of replies where they have another
	packet         int32         // P, on the wire
	ask            func(self, server model.ProcessID, bytes int32, p model.Priority) (model.Automaton, error)
}

// pinging asks every 100.003 us, which is no multiple of the bulk's period, so that the
// requests meet the bulk in all of its phases.
var pinging = application{
	name: "ping", askers: []model.ProcessID{0}, server: 6, request: 84, reply: 84,
	levels: []qjump.Level{{Priority: 7, Factor: 1}}, packet: 126,
	ask: func(self, server model.ProcessID, bytes int32, p model.Priority) (model.Automaton, error) {
		return apps.NewPing(apps.PingConfig{Self: self, To: server, Phase: pingPeriod, Period: pingPeriod, Bytes: bytes, Priority: p})
	},
}

const pingPeriod = 100_003 * model.Nanosecond

// asking is four clients of one server, each with one request at a time and a think time
// of its own. Only the server sends replies, so their level can have a factor above 1.
var asking = application{
	name: "request-reply", askers: []model.ProcessID{0, 3, 4, 5}, server: 6, service: 2 * model.Microsecond, request: 100, reply: 1100,
	levels: []qjump.Level{{Priority: 7, Factor: 1}, {Priority: 6, Factor: 4}}, packet: 1142,
	ask: func(self, server model.ProcessID, bytes int32, p model.Priority) (model.Automaton, error) {
		return apps.NewClient(apps.ClientConfig{
			Self: self, Server: server, Phase: model.Duration(self) * 7 * model.Microsecond, Think: leastThink + model.Duration(self)*1003*model.Nanosecond,
			Timeout: 10 * model.Millisecond, Bytes: bytes, Priority: p,
		})
	},
}

const leastThink = 50 * model.Microsecond

// priorities returns the priority of requests, and that of replies.
func (a *application) priorities() (request, reply model.Priority) {
	return a.levels[0].Priority, a.levels[len(a.levels)-1].Priority
}

func (a *application) table() qjump.Table {
	return qjump.Table{Hosts: bedHosts, Packet: a.packet, Rate: bedRate, Levels: a.levels}
}

// alone returns the round trip in an idle network: the transmissions on four links in
// both directions, all delays, and the service.
func (a *application) alone() model.Duration {
	wire := func(payload int32) model.Duration { return bedRate.Transmission(network.Ethernet.WireBytes(payload)) }
	return 4*wire(a.request) + 4*wire(a.reply) + 2*bedDelay + a.service
}

// bound returns a proved bound on the round trip with QJUMP, where the requests of so
// many hosts can meet, and the replies of so many. It is the sum of the bounds of both
// ways and the service of one request of each asker. No limiter finds anything too
// early: an asker waits for longer than an epoch between requests, and so the server has
// no more than one reply for each asker in an epoch either, for which its budget
// suffices.
func (a *application) bound(requesters, repliers int) (model.Duration, error) {
	path := qjump.Path{
		Switches: 3, Rate: bedRate, Frame: bedFrame, HostFrame: bedFrame, Epsilon: bedDelay, JoinsOnce: true,
	}
	t := a.table()
	var classes []qjump.Class
	for i, senders := range []int{requesters, repliers}[:len(a.levels)] {
		c := t.Class(i, qjump.MinimumSpacing)
		c.Senders = senders
		classes = append(classes, c)
	}
	classes[0].Packet = network.Ethernet.WireBytes(a.request)
	bounds, err := path.Bounds(classes)
	if err != nil {
		return 0, err
	}
	return bounds[0].Delay + model.Duration(len(a.askers))*a.service + bounds[len(bounds)-1].Delay, nil
}

// boundOfAll is the bound where every other host sends requests, and as many replies
// as their level counts on.
func (a *application) boundOfAll() (model.Duration, error) {
	return a.bound(bedHosts-1, bedHosts/a.levels[len(a.levels)-1].Factor)
}

// queued returns how much longer than alone a round trip can take on account of the
// other askers: their requests and replies at the ports that they share, and the
// service of the requests.
func (a *application) queued() model.Duration {
	others := model.Duration(len(a.askers) - 1)
	wire := func(payload int32) model.Duration { return bedRate.Transmission(network.Ethernet.WireBytes(payload)) }
	return others * (3*wire(a.request) + 4*wire(a.reply) + a.service)
}

// meeting is where an application meets others' packets, and what these are.
type meeting struct {
	name  string
	flows []bulkFlow
	kind  bulkKind
}

// bulkKind tells what the flows of a meeting send.
type bulkKind int

const (
	steady    bulkKind = iota // frames, as fast as one flow can
	webSearch                 // flows of the sizes of a web search, which begin at random and go at the link's rate
	flood                     // packets of the size and priority of requests, 6% more than a link carries
)

// The meetings, in the order of those of the published table 1. Where there is a switch
// queue, it is that from the first switch upwards.
var (
	nothing     = meeting{name: "nothing"}
	source      = meeting{name: "bulk from an asker's host", flows: []bulkFlow{{0, 10}}}
	destination = meeting{name: "bulk to the server's host", flows: []bulkFlow{{9, 6}}}
	bothHosts   = meeting{name: "bulk at both hosts", flows: []bulkFlow{{0, 10}, {9, 6}}}
	searching   = meeting{name: "web-search flows in a switch queue", flows: []bulkFlow{{1, 7}, {2, 8}}, kind: webSearch}
	switchQueue = meeting{name: "bulk in a switch queue", flows: []bulkFlow{{1, 7}, {2, 8}}}
	bothWays    = meeting{name: "bulk in switch queues both ways", flows: []bulkFlow{{1, 7}, {2, 8}, {7, 1}, {8, 2}}}
	flooded     = meeting{name: "a flood in a switch queue", flows: []bulkFlow{{1, 7}, {2, 8}}, kind: flood}
)

// traffic returns what one of the flows sends, where requests have the given size and
// priority.
func (p *meeting) traffic(f bulkFlow, request int32, priority model.Priority) network.Traffic {
	t := network.Traffic{
		Kind: network.Periodic, Name: fmt.Sprintf("bulk from h%d", f.from), From: []network.NodeID{f.from}, To: []network.NodeID{f.to},
		Bytes: bedPayload, Period: bedPeriod, Phase: sim.Distribution{Kind: sim.Uniform, High: bedPeriod},
	}
	switch p.kind {
	case webSearch:
		t.Kind, t.Period, t.Rate, t.Sizes = network.Flows, 0, searchRate, network.WebSearch
	case flood:
		t.Period, t.Bytes, t.Priority = floodPeriod, request, priority
	}
	return t
}

const (
	// searchRate makes two flows 90% of a link, on average.
	searchRate = 4500 * network.Mbps

	// floodPeriod makes two floods of pings 6% more than a link carries.
	floodPeriod = 190 * model.Nanosecond
)

// trial is one row: an application at a place.
type trial struct {
	app   *application
	place *meeting
	use   treatment
}

// senders returns how many hosts send requests, or packets that pass for them.
func (s *trial) senders() int {
	if s.place.kind == flood {
		return len(s.app.askers) + len(s.place.flows)
	}
	return len(s.app.askers)
}

// treatment tells how the application is treated.
type treatment int

const (
	asBestEffort treatment = iota
	withPriority
	withQJump
)

func (u treatment) String() string {
	return [...]string{"best effort", "priority alone", "QJUMP"}[u]
}

// roundTrips is what one run found.
type roundTrips struct {
	trips      []model.Duration // in increasing order
	asked      int64
	unanswered int64
	again      int64 // requests sent again
	dropped    int64 // requests and replies, by limiters and queues
}

// quantile returns the least round trip that a share q of all do not exceed.
func (m *roundTrips) quantile(q float64) model.Duration {
	i := int(math.Ceil(q*float64(len(m.trips)))) - 1
	return m.trips[max(i, 0)]
}

// mean returns the mean round trip, rounded down.
func (m *roundTrips) mean() model.Duration {
	total := model.Duration(0)
	for _, d := range m.trips {
		total += d
	}
	return total / model.Duration(len(m.trips))
}

// bedFull is from when on requests count: queues are as full then as they get. A flood,
// which is 0.6 Gb/s more than a link carries, takes 20 ms to fill a buffer.
const bedFull = model.Time(25 * model.Millisecond)

func (s *trial) run(ctx context.Context, seed uint64, duration model.Duration) (*roundTrips, error) {
	k := sim.New(seed)
	n, err := network.New(k, network.Config{Topology: interferenceBed()})
	if err != nil {
		return nil, err
	}
	if s.use == withQJump {
		if err := limitAll(n, s.app.table()); err != nil {
			return nil, err
		}
	}
	var request, reply model.Priority
	if s.use != asBestEffort {
		request, reply = s.app.priorities()
	}
	for _, f := range s.place.flows {
		if err := n.AddTraffic(s.place.traffic(f, s.app.request, request)); err != nil {
			return nil, err
		}
	}
	server, err := apps.NewServer(apps.ServerConfig{Self: s.app.server, N: bedHosts, Service: s.app.service, Bytes: s.app.reply, Priority: reply})
	if err != nil {
		return nil, err
	}
	attach(n, s.app.server, server)
	var trips []*apps.RoundTrips
	for _, p := range s.app.askers {
		asker, err := s.app.ask(p, s.app.server, s.app.request, request)
		if err != nil {
			return nil, err
		}
		attach(n, p, asker)
		fold := apps.NewRoundTrips(p, s.app.server, bedFull)
		k.Records.Subscribe(fold.Kinds(), fold.Observe)
		trips = append(trips, fold)
	}
	m := new(roundTrips)
	k.Records.Subscribe(model.KindSet(model.Dropped), func(r *model.Record) {
		if !r.Traffic {
			m.dropped++
		}
	})
	if err := k.Run(bedFull.Add(duration), budget(ctx)); err != nil {
		return nil, err
	}
	for _, t := range trips {
		m.trips = append(m.trips, t.Durations...)
		m.asked += t.Asked
		m.again += t.Again
		m.unanswered += t.Unanswered()
	}
	if len(m.trips) == 0 {
		return nil, fmt.Errorf("none of %d requests has a reply after %v", m.asked, duration)
	}
	slices.Sort(m.trips)
	return m, nil
}

// limitAll gives every host a limiter for each level of t. What comes too early is
// dropped, as by the kernel module, so that a flood does not pile up.
func limitAll(n *network.Network, t qjump.Table) error {
	for h := range network.NodeID(t.Hosts) {
		for i, level := range t.Levels {
			c := t.Limiter(i, qjump.MinimumSpacing)
			c.Drops = true
			l, err := qjump.NewLimiter(c)
			if err != nil {
				return err
			}
			n.SetLimiter(h, level.Priority, l, level.Priority)
		}
	}
	return nil
}
