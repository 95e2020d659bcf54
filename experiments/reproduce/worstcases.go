package reproduce

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"suspect/experiments/report"
	"suspect/model"
	"suspect/network"
	"suspect/qjump"
	"suspect/sim"
)

func init() {
	Register(Spec{
		Name: "worst-cases",
		Doc: "The exact worst cases of QJUMP's limiters, attained on the simulated network. Each row is a schedule on one switch or a tree, " +
			"beside its closed form; the last ones have no bound.",
		Source: "the bounds of Grosvenor and others, \"Queues don't matter when you can JUMP them!\", NSDI 2015, and the worst cases " +
			"that an independent simulator with integer bit times found for them",
		Params: []model.Param{
			{Name: "hosts", Type: model.CountParam, Default: "144", Doc: "the most hosts of a network; cases with more are left out"},
			{Name: "draws", Type: model.CountParam, Default: "60", Doc: "draws of random phases over which a maximum is taken; the independent simulator took 60, and 40 for windows"},
			{Name: "repetitions", Type: model.CountParam, Default: "200", Doc: "how often all draws are repeated, to tell how far their maximum varies"},
		},
		Run: worstCases,
	})
}

// Packets and frames of the cases.
const (
	caseBytes = 256
	caseFrame = 1518
)

// casePacket is the time that a packet takes on a link, and octet that of a byte.
var (
	casePacket = publishedRate.Transmission(caseBytes)
	octet      = publishedRate.Transmission(1)
	edge       = network.LinkConfig{Rate: publishedRate}
)

// attempt is one network with the schedule that is to be its worst.
type attempt struct {
	n        int    // hosts that count
	hosts    string // "n = 12"
	topology network.Topology
	sends    []network.Send
	measured model.Priority

	closed model.Duration // the closed form
	less   model.Duration // by which coincidences that must be avoided keep the delay below it
	unit   model.Duration // of which the published number is a multiple
	bound  func() (qjump.Guarantee, error)

	delay model.Duration
	guar  *qjump.Guarantee
}

// worstCase is one row of what is published.
type worstCase struct {
	what      string
	formula   string // the closed form
	unit      string // of the published number, as "nP/R"
	published []string
	digits    int // of the published numbers behind the point
	attempts  []*attempt
	why       string

	// unclear says why the published number cannot be compared. The closed form can.
	unclear string
}

// limitedHosts returns the packets of the hosts from, to host 0, each with one limiter
// of class c and packets that want to leave at the given times.
func limitedHosts(c qjump.Class, priority model.Priority, first, last int, wants ...model.Time) []network.Send {
	var all []network.Send
	for h := first; h <= last; h++ {
		s, err := released(limiterOf(c), network.Send{From: network.NodeID(h), To: 0, Bytes: c.Packet, Priority: priority}, wants)
		if err != nil {
			panic(err) // a limiter that delays refuses nothing
		}
		all = append(all, s...)
	}
	return all
}

// classOf returns n-1 senders with one packet of caseBytes in epochs of the given number
// of nP/R.
func classOf(kind qjump.LimiterKind, n, epochs int) qjump.Class {
	return qjump.Class{Kind: kind, Epoch: packets(epochs * n), Budget: 1, Packet: caseBytes, Senders: n - 1}
}

func packets(n int) model.Duration { return model.Duration(n) * casePacket }

// epochName is what an epoch of one or two n*P/R is called.
func epochName(epochs int) string { return map[int]string{1: "nP/R", 2: "2nP/R"}[epochs] }

// times returns n wishes to send at the same time.
func times(n int, at model.Time) []model.Time { return slices.Repeat([]model.Time{at}, n) }

// onSwitch returns how the bound of the last of the classes on one switch is found.
func onSwitch(p qjump.Path, classes ...qjump.Class) func() (qjump.Guarantee, error) {
	p.Switches, p.Rate = max(p.Switches, 1), publishedRate
	return func() (qjump.Guarantee, error) { return p.Bound(classes...) }
}

// hostsOf calls add for each of the numbers of hosts.
func hostsOf(add func(n int) *attempt, ns ...int) []*attempt {
	var all []*attempt
	for _, n := range ns {
		a := add(n)
		a.n = n
		if a.hosts == "" {
			a.hosts = fmt.Sprintf("n = %d", n)
		}
		if a.topology.Hosts == 0 {
			a.topology = network.Star(n, edge)
		}
		a.measured = 7
		all = append(all, a)
	}
	return all
}

// The cases of one sender, or two, on each host, in the published order.
func boundedCases() []worstCase {
	var cases []worstCase
	for _, epochs := range []int{2, 1} {
		e := epochName(epochs)
		cases = append(cases, worstCase{
			what: "one switch, n-1 spaced senders, E = " + e, formula: "nP/R", unit: "nP/R", published: []string{"1.0000"}, digits: 4,
			attempts: hostsOf(func(n int) *attempt {
				c := classOf(qjump.MinimumSpacing, n, epochs)
				return &attempt{sends: limitedHosts(c, 7, 1, n-1, times(4, 0)...), closed: packets(n), unit: packets(n),
					bound: onSwitch(qjump.Path{JoinsOnce: true}, c)}
			}, 4, 12, 64, 144),
		})
	}
	for _, epochs := range []int{2, 1} {
		e := epochName(epochs)
		window := func(n int) *attempt {
			c := classOf(qjump.FixedWindow, n, epochs)
			return &attempt{sends: limitedHosts(c, 7, 1, n-1, times(4, model.Time(c.Epoch)-1)...), closed: packets(2*n - 1), less: 1,
				unit: packets(2 * n), bound: onSwitch(qjump.Path{}, c)}
		}
		cases = append(cases, worstCase{
			what: "one switch, fixed windows, burst at their edge, E = " + e, formula: "(2n-1)P/R", unit: "2nP/R",
			published: []string{"0.958", "0.997"}, digits: 3, attempts: hostsOf(window, 12, 144),
		})
	}
	cases = append(cases,
		worstCase{
			what: "and a frame L in flight at the switch", formula: "nP/R + L/R", unit: "nP/R + L/R", published: []string{"1.0000"}, digits: 4,
			attempts: hostsOf(func(n int) *attempt {
				c := classOf(qjump.MinimumSpacing, n, 2)
				closed := packets(n) + caseFrame*octet
				begins := model.Time(caseFrame * octet) // at the port, from a host beside the n
				sends := []network.Send{{At: 0, From: network.NodeID(n), Bytes: caseFrame}}
				sends = append(sends, limitedHosts(c, 7, 1, n-1, begins.Add(1-casePacket))...)
				return &attempt{topology: network.Star(n+1, edge), sends: sends, closed: closed, less: 1, unit: closed,
					bound: onSwitch(qjump.Path{Frame: caseFrame}, c)}
			}, 4, 12, 64),
		},
		framesAtHosts(),
	)
	tree := worstCase{
		what: "tree, 3 switches on the way, all links R", formula: "(n+h-1)P/R", unit: "(n+h-1)P/R", published: []string{"1.0000"}, digits: 4,
	}
	for _, shape := range [][2]int{{2, 4}, {3, 4}, {4, 16}, {9, 16}} {
		tree.attempts = append(tree.attempts, onTree(shape[0], shape[1]))
	}
	cases = append(cases, tree,
		worstCase{
			what: "two spaced senders on each host, E = 2nP/R", formula: "(2n-1)P/R", unit: "nP/R", published: []string{"1.98"}, digits: 2,
			attempts: hostsOf(func(n int) *attempt {
				c := classOf(qjump.MinimumSpacing, n, 2)
				sends := slices.Concat(limitedHosts(c, 7, 1, n-1, times(4, 0)...), limitedHosts(c, 7, 1, n-1, times(4, 0)...))
				c.Senders, c.PerHost = 2*(n-1), 2
				return &attempt{sends: sends, closed: packets(2*n - 1), unit: packets(n), bound: onSwitch(qjump.Path{JoinsOnce: true}, c)}
			}, 64),
			why: "beyond nP/R, and just inside 2nP/R",
		},
		worstCase{
			what: "two senders on each host, fixed windows, E = 2nP/R", formula: "(4n-3)P/R", unit: "2nP/R", published: []string{"1.98"}, digits: 2,
			attempts: hostsOf(func(n int) *attempt {
				c := classOf(qjump.FixedWindow, n, 2)
				end := model.Time(c.Epoch) - 1
				sends := slices.Concat(limitedHosts(c, 7, 1, n-1, times(4, end)...), limitedHosts(c, 7, 1, n-1, times(4, end)...))
				c.Senders, c.PerHost = 2*(n-1), 2
				return &attempt{sends: sends, closed: packets(4*n - 3), less: 1, unit: packets(2 * n), bound: onSwitch(qjump.Path{}, c)}
			}, 64),
			why: "beyond 2nP/R; found independently as about 4nP/R",
		})
	for _, f := range []int{2, 4, 24} {
		for _, kind := range []qjump.LimiterKind{qjump.MinimumSpacing, qjump.FixedWindow} {
			cases = append(cases, factorCase(f, kind))
		}
	}
	return cases
}

// framesAtHosts is the counterexample to nP/R + 2L/R: frames at the hosts delay the
// first packets of all, and not the second, so that those meet an epoch less a frame later.
func framesAtHosts() worstCase {
	x := worstCase{
		what: "and frames in flight at the hosts too", formula: "busy period", unit: "nP/R + 2L/R",
		published: []string{"1.16", "1.15", "1.09"}, digits: 2,
		why: "nP/R + 2L/R is no bound; the independent schedules were searched for on a grid of whole bytes",
	}
	for _, c := range []struct {
		n      int
		bytes  int32
		epochs int
	}{{12, 256, 1}, {12, 64, 2}, {16, 64, 2}} {
		packet := model.Duration(c.bytes) * octet
		class := qjump.Class{Kind: qjump.MinimumSpacing, Epoch: model.Duration(c.epochs*c.n) * packet, Budget: 1, Packet: c.bytes, Senders: c.n - 1}
		const frame = caseFrame
		lower := frame * octet
		aside, sink := network.NodeID(c.n), network.NodeID(c.n+1)
		s := model.Time(10 * lower) // when the first packets come to the switch
		begins := s.Add(-packet - lower)
		sends := []network.Send{{At: s.Add(-lower - 1), From: aside, Bytes: frame}}
		for h := 1; h < c.n-1; h++ {
			sends = append(sends, network.Send{At: begins, From: network.NodeID(h), To: sink, Bytes: frame})
		}
		sends = append(sends, limitedHosts(class, 7, 1, c.n-2, begins+1, begins+1)...)
		// The last host's one packet is delayed too, and comes just behind their second.
		begins = s.Add(max(class.Epoch-lower+1, packet) - packet - lower)
		sends = append(sends, network.Send{At: begins, From: network.NodeID(c.n - 1), To: sink, Bytes: frame})
		sends = append(sends, limitedHosts(class, 7, c.n-1, c.n-1, begins+1)...)
		bound := onSwitch(qjump.Path{Frame: frame, HostFrame: frame}, class)
		a := &attempt{
			n:     c.n,
			hosts: fmt.Sprintf("n = %d, P = %d B, E = %s", c.n, c.bytes, epochName(c.epochs)), topology: network.Star(c.n+2, edge), sends: sends, measured: 7,
			unit: model.Duration(c.n)*packet + 2*lower, bound: bound,
			less: 3, // the frames at the switch and at the host begin before, and the second packets are later than an epoch less a frame
		}
		if class.Epoch-lower < packet {
			a.less = 2 // they follow the first without a gap
		}
		if g, err := bound(); err == nil {
			a.closed = g.Delay
		}
		x.attempts = append(x.attempts, a)
	}
	return x
}

// onTree is a tree of two levels, sender and receiver at different lower switches. All
// remote hosts send at once; their packets follow each other through the core without a
// gap. The neighbours of the receiver send so that theirs come in with the last of them.
func onTree(leaves, m int) *attempt {
	n := leaves * m
	c := classOf(qjump.MinimumSpacing, n, 2)
	sends := slices.Concat(limitedHosts(c, 7, m, n-1, 0), limitedHosts(c, 7, 1, m-1, model.Time(packets(1+n-m))))
	return &attempt{
		n: n, hosts: fmt.Sprintf("%d x %d", leaves, m), topology: network.LeafSpine(leaves, 1, m, edge, edge), sends: sends, measured: 7,
		closed: packets(n + 2), unit: packets(n + 2), bound: onSwitch(qjump.Path{Switches: 3, JoinsOnce: true, EvenTree: true}, c),
	}
}

// factorCase is a level of factor f that n/f hosts beside the receiver use at once.
func factorCase(f int, kind qjump.LimiterKind) worstCase {
	x := worstCase{
		what:      fmt.Sprintf("level f = %d, %s beside the receiver, %v", f, report.Plural(int64(factorHosts/f), "sender", "senders"), kind),
		published: []string{"1.0000"}, digits: 4,
	}
	formula, beyond := "(n+1)P/R", "nP/R"
	if kind == qjump.FixedWindow {
		formula, beyond = "(2n+1)P/R", "2nP/R"
	}
	x.formula, x.unit, x.why = formula, formula, "one packet beyond "+beyond
	x.attempts = hostsOf(func(n int) *attempt {
		c := classOf(kind, n, 2)
		c.Budget, c.Senders = int64(f), n/f
		a := &attempt{topology: network.Star(n+1, edge), closed: packets(n + 1), bound: onSwitch(qjump.Path{}, c)}
		wants := times(3*f, 0)
		if kind == qjump.FixedWindow {
			wants = times(3*f, model.Time(c.Epoch)-1)
			a.closed, a.less = packets(2*n+1), 1
		}
		a.unit = a.closed
		a.sends = limitedHosts(c, 7, 1, n/f, wants...)
		return a
	}, factorHosts)
	return x
}

// factorHosts is n of the published cases with levels of higher factors.
const factorHosts = 24

// The cases whose delay grows for as long as they last.
func growingCases() []worstCase {
	const epochs = 40
	cases := []worstCase{{
		what: "two spaced senders on each host, E = nP/R, after 40 epochs", formula: "(39(n-2)+2n-1)P/R", unit: "nP/R", published: []string{"39.8"}, digits: 1,
		attempts: hostsOf(func(n int) *attempt {
			c := classOf(qjump.MinimumSpacing, n, 1)
			one := limitedHosts(c, 7, 1, n-1, times(epochs, 0)...)
			return &attempt{sends: slices.Concat(one, one), closed: packets((epochs-1)*(n-2) + 2*n - 1), unit: packets(n)}
		}, 64),
		why: "no bound: each epoch brings n-2 packets more than it carries",
	}}
	for _, x := range []struct {
		f         int
		published string
		digits    int
	}{{2, "1.96", 2}, {4, "20.4", 1}, {24, "212", 0}} {
		const epochs = 10
		f := x.f
		cases = append(cases, worstCase{
			what: fmt.Sprintf("level f = %d, all hosts active, after 10 epochs of 2nP/R", f), formula: "(9 max(0, (n-1)f-2n)+(n-1)f+1)P/R", unit: "nP/R",
			published: []string{x.published}, digits: x.digits,
			attempts: hostsOf(func(n int) *attempt {
				c := classOf(qjump.MinimumSpacing, n, 2)
				c.Budget = int64(f)
				return &attempt{sends: limitedHosts(c, 7, 1, n-1, times(epochs*f, 0)...), unit: packets(n),
					closed: packets((epochs-1)*max(0, (n-1)*f-2*n) + (n-1)*f + 1)}
			}, factorHosts),
			why: "stable only for f up to 2",
		})
	}
	return append(cases, levelCases()...)
}

// levels returns the packets of several levels that are all fully used, for the given
// number of epochs of 2nP/R, and the classes. Level i has priority 7-i; of factor 1 all hosts but the
// receiver are senders, else n/f of them.
func levels(n, epochs int, factors ...int) (sends []network.Send, classes []qjump.Class) {
	for i, f := range factors {
		c := classOf(qjump.MinimumSpacing, n, 2)
		c.Budget, c.Senders = int64(f), min(n/f, n-1)
		classes = append(classes, c)
		sends = append(sends, limitedHosts(c, model.Priority(7-i), 1, c.Senders, times(epochs*f, 0)...)...)
	}
	return sends, classes
}

// levelCases are several fully used levels at once.
func levelCases() []worstCase {
	fits := hostsOf(func(n int) *attempt {
		sends, classes := levels(n, 10, 1, 4)
		return &attempt{sends: sends, closed: packets(2 * n), unit: packets(2 * n), bound: onSwitch(qjump.Path{JoinsOnce: true}, classes...)}
	}, factorHosts)
	fits[0].measured = 6
	const epochs = 12
	grows := hostsOf(func(n int) *attempt {
		sends, _ := levels(n, epochs, 1, 4, n)
		// In each epoch the levels above leave 1 of 2n places. The last of the first n
		// packets is behind the others that could not leave when the levels above end.
		return &attempt{sends: sends, closed: packets(2*n*epochs + n - epochs + 1), unit: packets(2 * n)}
	}, factorHosts)
	grows[0].measured = 5
	return []worstCase{
		{what: "levels f = 1 and 4 at once, the lower", formula: "2nP/R", unit: "E", published: []string{"1.000"}, digits: 3, attempts: fits,
			why: "two fully used levels just fit"},
		{what: "levels f = 1, 4 and 24 at once, the third, after 12 epochs", formula: "(24n+n-11)P/R", unit: "E", published: []string{"12.3"}, digits: 1, attempts: grows,
			why: "no bound", unclear: "it grows in every epoch, and how many there were is not known; 12 give this number"},
	}
}

// run simulates the attempt.
func (a *attempt) run(ctx context.Context) error {
	if a.bound != nil {
		g, err := a.bound()
		if err != nil {
			return err
		}
		a.guar = &g
	}
	took, err := delays(ctx, network.Config{Topology: a.topology, Framing: network.Bare}, a.sends)
	if err != nil {
		return err
	}
	for i, d := range took { // sends are in the same order now
		if d == lost {
			return fmt.Errorf("packet %d did not arrive", i)
		}
		if a.sends[i].Priority == a.measured {
			a.delay = max(a.delay, d)
		}
	}
	return nil
}

func worstCases(ctx context.Context, o Options) (*Document, error) {
	most := int(o.Params.Count("hosts"))
	if most < 4 {
		return nil, &model.ParamError{Name: "hosts", Err: fmt.Errorf("%d: the smallest case has 4", most)}
	}
	cases := append(boundedCases(), growingCases()...)
	type job struct {
		c *worstCase
		a *attempt
	}
	var jobs []job
	for i := range cases {
		c := &cases[i]
		var kept []*attempt
		var published []string
		for j, a := range c.attempts {
			if a.n <= most {
				kept = append(kept, a)
				published = append(published, c.published[min(j, len(c.published)-1)])
				jobs = append(jobs, job{c, a})
			}
		}
		c.attempts, c.published = kept, published
	}
	name := func(i int) string { return jobs[i].c.what + ", " + jobs[i].a.hosts }
	if err := o.each(ctx, len(jobs), name, func(i int) error { return jobs[i].a.run(ctx) }); err != nil {
		return nil, err
	}

	d := new(Document)
	d.judgeCases(cases)
	if most >= factorHosts {
		if err := loads(ctx, d); err != nil {
			return nil, err
		}
	}
	if err := randomPhases(ctx, d, o, most); err != nil {
		return nil, err
	}
	d.Notes = []string{
		"Delays are from the packet's leaving its limiter to its last bit at the receiver.",
		"The schedules were constructed, and each is played on the network; none was searched for.",
		"Random phases stay far below the worst case, the further the more hosts there are. The mean is comparable; the longest delay of some draws varies much from sample to sample.",
		"The worst cases of nP/R and (2n-1)P/R hold for every epoch from nP/R on: doubling the epoch does not lower them.",
	}
	return d, nil
}

// judgeCases holds the cases that were run to their closed forms and to what is published.
func (d *Document) judgeCases(cases []worstCase) {
	t := newTable("The worst cases: P = 256 B, L = 1518 B, 10 Gb/s, bare packets, no processing", "case", "hosts", "closed form", "closed form [us]",
		"measured [us]", "of closed form", "in units of the independent", "unit", "independent", "proved bound [us]", "status")
	above := 0
	for i := range cases {
		c := &cases[i]
		same, as, exact := true, true, true
		var got []string
		for j, a := range c.attempts {
			in := fmt.Sprintf("%.*f", c.digits, ratio(a.delay+a.less, a.unit))
			got = append(got, in)
			as = as && in == c.published[j]
			exact = exact && a.delay+a.less == a.closed
			same = same && c.published[j] == c.published[0] && in == got[0]
			bound, status := words("none"), words("")
			if a.guar != nil {
				bound, status = micros(a.guar.Delay), words("%v", a.guar.Status)
				if a.delay > a.guar.Delay {
					above++
				}
			}
			t.add(words("%s", c.what), words("%s", a.hosts), words("%s", c.formula), micros(a.closed), micros(a.delay), number(ratio(a.delay, a.closed), "%.4f"),
				number(ratio(a.delay+a.less, a.unit), fmt.Sprintf("%%.%df", c.digits)), words("%s", c.unit), words("%s", c.published[j]), bound, status)
		}
		if len(c.attempts) == 0 {
			continue
		}
		published := c.published
		if same {
			published, got = published[:1], got[:1]
		}
		why := "equal to the closed form"
		if c.attempts[0].less > 0 {
			why += ", less a picosecond for each coincidence that must be avoided"
		}
		if !exact {
			why = "NOT equal to the closed form"
		}
		if c.why != "" {
			why += "; " + c.why
		}
		expected, measured := strings.Join(published, ", ")+" "+c.unit, strings.Join(got, ", ")+" "+c.unit
		if c.unclear != "" {
			d.notComparable(c.what, expected, measured, c.unclear)
			expected, measured, as = inMicros(c.attempts[0].closed), inMicros(c.attempts[0].delay), true
		}
		d.check(c.what, expected, measured, as && exact, why)
	}
	d.Tables = []Table{t}
	d.check("delays above their proved bounds", "0", fmt.Sprint(above), above == 0, "")
}

// loads checks what part of the receiver's link fully used levels take: by the
// admission test, and as measured.
func loads(ctx context.Context, d *Document) error {
	t := newTable("The load of the receiver's link with fully used levels, n = 24, E = 2nP/R", "levels f", "computed", "offered in 20 epochs", "independent", "admitted")
	for _, c := range []struct {
		factors   []int
		published string
	}{{[]int{1, 4, 24}, "1.48"}, {[]int{1, 2, 3, 4, 6, 8, 12, 24}, "3.98"}} {
		table := qjump.Table{Hosts: factorHosts, Packet: caseBytes, Rate: publishedRate}
		var senders []int
		const epochs = 20
		sends, classes := levels(factorHosts, epochs, c.factors...)
		for i, f := range c.factors {
			table.Levels = append(table.Levels, qjump.Level{Priority: model.Priority(7 - i), Factor: f})
			senders = append(senders, classes[i].Senders)
		}
		admission := table.Admission(senders)
		computed, _ := admission.Load.Float64()
		// All is sent within the epochs; the link is busy until the last packet is there,
		// but for the time of the first at its host.
		took, err := delays(ctx, network.Config{Topology: network.Star(factorHosts, edge), Framing: network.Bare}, sends)
		if err != nil {
			return err
		}
		var end model.Time
		for i, x := range sends {
			end = max(end, x.At.Add(took[i]))
		}
		measured := ratio(model.Duration(end)-casePacket, packets(2*factorHosts*epochs))
		name := strings.Trim(fmt.Sprint(c.factors), "[]")
		t.add(words("%s", name), number(computed, "%.4f"), number(measured, "%.4f"), words("%s", c.published), words("%v", admission.OK))
		d.check("load of levels f = "+name, c.published, fmt.Sprintf("%.2f computed, %.2f measured", computed, measured),
			fmt.Sprintf("%.2f", computed) == c.published && fmt.Sprintf("%.2f", measured) == c.published && !admission.OK, "not admitted; at most two fully used levels fit")
	}
	d.Tables = append(d.Tables, t)
	return nil
}

// A randomCase is n-1 senders at random phases, each with a packet in every epoch.
type randomCase struct {
	kind   qjump.LimiterKind
	n      int
	epochs int // E in nP/R
	draws  int // published; of the parameter "draws" the same share

	// Published are the longest delay, in percent of nP/R, and the mean in shares of it.
	// Their product, the mean, varies little.
	max, mean string
}

var randomCases = []randomCase{
	{qjump.MinimumSpacing, 4, 2, 60, "95", "0.57"},
	{qjump.MinimumSpacing, 12, 2, 60, "56", "0.35"},
	{qjump.MinimumSpacing, 64, 2, 60, "12.4", "0.31"},
	{qjump.FixedWindow, 64, 2, 40, "12.5", ""},
	{qjump.FixedWindow, 64, 1, 40, "34", ""},
}

// randomEpochs is how many epochs a draw lasts. With spaced senders all are alike from
// the second on.
const randomEpochs = 10

// randomPhases takes the mean and the longest delay over draws of random phases, again
// and again, and tells where the published ones are among them.
func randomPhases(ctx context.Context, d *Document, o Options, most int) error {
	draws, repetitions := int(o.Params.Count("draws")), int(o.Params.Count("repetitions"))
	if draws < 1 || repetitions < 1 {
		return &model.ParamError{Name: "draws", Err: fmt.Errorf("%d, repeated %d times: needs one of each", draws, repetitions)}
	}
	t := newTable(fmt.Sprintf("Random phases: the mean and the longest delay of some draws, in percent of nP/R, %d times over", repetitions),
		"limiter", "n", "E", "draws", "mean, least [%]", "median [%]", "most [%]", "independent [%]",
		"longest, least [%]", "median [%]", "most [%]", "independent [%]")
	for _, c := range randomCases {
		if c.n > most {
			continue
		}
		size := max(1, draws*c.draws/60)
		means, maxima := make([]float64, repetitions), make([]float64, repetitions)
		name := func(int) string { return fmt.Sprintf("random phases, %v, n = %d", c.kind, c.n) }
		err := o.each(ctx, repetitions, name, func(i int) error {
			var sum, number float64
			var worst model.Duration
			for j := range size {
				s := sim.NewStream(o.Seed, fmt.Sprintf("worst-cases/%v/%d/%d/%d/%d", c.kind, c.n, c.epochs, i, j))
				took, err := c.draw(ctx, s)
				if err != nil {
					return err
				}
				for _, d := range took {
					sum += float64(d)
					worst = max(worst, d)
				}
				number += float64(len(took))
			}
			means[i], maxima[i] = 100*sum/number/float64(packets(c.n)), 100*ratio(worst, packets(c.n))
			return nil
		})
		if err != nil {
			return err
		}
		slices.Sort(means)
		slices.Sort(maxima)
		last, published := repetitions-1, words("")
		maxLow, maxHigh := rounded(c.max)
		what := fmt.Sprintf("random phases, %v, n = %d, E = %s: ", c.kind, c.n, epochName(c.epochs))
		if c.mean != "" {
			low, high := rounded(c.mean)
			low, high = low*maxLow, high*maxHigh
			published = words("%.1f to %.1f", low, high)
			d.check(what+"mean", published.Text+" % of nP/R", fmt.Sprintf("%.1f to %.1f %%", means[0], means[last]), low <= means[last] && means[0] <= high,
				fmt.Sprintf("found independently as %s of %s %%, which are rounded; the range of %d repetitions", c.mean, c.max, repetitions))
		}
		as := 0
		for _, m := range maxima {
			if m >= maxLow {
				as++
			}
		}
		why := fmt.Sprintf("one sample of a maximum; %d of %d repetitions of %s are as high", as, repetitions, report.Plural(int64(size), "draw", "draws"))
		if c.epochs == 1 {
			why += fmt.Sprintf("; the load is %d/%d, so that it grows with the length of a draw, which is not known", c.n-1, c.n)
		}
		d.notComparable(what+"longest", c.max+" % of nP/R", fmt.Sprintf("%.1f to %.1f %%", maxima[0], maxima[last]), why)
		cell := func(v float64) Cell { return number(v, "%.1f") }
		t.add(words("%v", c.kind), count(int64(c.n)), words("%s", epochName(c.epochs)), count(int64(size)),
			cell(means[0]), cell(means[last/2]), cell(means[last]), published,
			cell(maxima[0]), cell(maxima[last/2]), cell(maxima[last]), words("%s", c.max))
	}
	d.Tables = append(d.Tables, t)
	return nil
}

// rounded returns between which numbers the one lies that was rounded to what is
// published.
func rounded(published string) (low, high float64) {
	v, err := strconv.ParseFloat(published, 64)
	if err != nil {
		panic(err) // it is in this file
	}
	_, fraction, _ := strings.Cut(published, ".")
	half := 0.5 * math.Pow(10, -float64(len(fraction)))
	return v - half, v + half
}

// draw returns the delays of one draw.
func (c randomCase) draw(ctx context.Context, s *sim.Stream) ([]model.Duration, error) {
	epoch := packets(c.epochs * c.n)
	var sends []network.Send
	for h := 1; h < c.n; h++ {
		phase := model.Duration(s.IntN(int(epoch)))
		config := qjump.LimiterConfig{Kind: c.kind, Epoch: epoch, Budget: qjump.Budget{Packets: 1}, Phase: phase}
		wants := make([]model.Time, randomEpochs)
		for i := range wants {
			wants[i] = model.Time(phase).Add(model.Duration(i) * epoch)
			if c.kind == qjump.FixedWindow { // anywhere in it
				wants[i] = wants[i].Add(model.Duration(s.IntN(int(epoch))))
			}
		}
		one, err := released(config, network.Send{From: network.NodeID(h), To: 0, Bytes: caseBytes, Priority: 7}, wants)
		if err != nil {
			return nil, err
		}
		sends = append(sends, one...)
	}
	return delays(ctx, network.Config{Topology: network.Star(c.n, edge), Framing: network.Bare}, sends)
}
