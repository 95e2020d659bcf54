package calculus

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"
)

func TestRefusals(t *testing.T) {
	const two = "a=10:1 b=10:1"
	for _, c := range []struct {
		what, servers, flows string
		kind                 error
		want                 string
	}{
		{"overload", "a=10:1", "f=6:1:a g=5:1:a", ErrOverload, `server "a": flows f, g with a rate of 11 together, a service of rate 10`},
		{"overload elsewhere", two, "f=6:1:a g=11:1:b", ErrOverload, `server "b": flows g`},
		{"two in a circle", two, "f=1:1:a>b g=1:1:b>a", ErrCyclic, "servers a > b > a"},
		{"three in a circle", "x=9:0 a=9:0 b=9:0 c=9:0", "e=1:1:x>b f=1:1:a>b g=1:1:b>c h=1:1:c>a", ErrCyclic, "servers a > b > c > a"},
		{"twice on a path", two, "f=1:1:a>b>a", ErrCyclic, `flow "f" crosses server "a" twice`},
		{"unknown server", two, "f=1:1:a>x", nil, `flow "f" crosses "x", which is no server`},
		{"two servers of one name", "a=10:1 a=10:2", "f=1:1:a", nil, `the name "a" is empty or used twice`},
		{"two flows of one name", two, "f=1:1:a f=1:1:b", nil, `the name "f" is empty or used twice`},
	} {
		n := network(t, c.servers, c.flows)
		for _, a := range []Analysis{TFA, TFAShaped, SFA, SFACounting, PMOO} {
			_, err := Analyse(n, a, Blind)
			if err == nil || c.kind != nil && !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %s", c.what, err, c.want)
			}
		}
	}
	// Overload and a cycle are told together.
	err := network(t, two, "f=6:1:a>b g=6:1:b>a").Check()
	if !errors.Is(err, ErrCyclic) || !errors.Is(err, ErrOverload) {
		t.Error(err)
	}

	good := network(t, two, "f=1:1:a>b g=1:1:b")
	for _, c := range []struct {
		want  string
		spoil func(n *Network)
	}{
		{`flow "f" has no path`, func(n *Network) { n.Flows[0].Path = nil }},
		{`flow "f" has no arrival curve`, func(n *Network) { n.Flows[0].Arrival = Arrival{} }},
		{`server "a" has no service curve`, func(n *Network) { n.Servers[0].Service = Service{} }},
		{"its line of rate 9 is slower than its service of rate 10", func(n *Network) { n.Servers[0].Capacity = whole(9) }},
		{"packet lengths must be positive", func(n *Network) { n.Flows[0].MaxPacket = whole(0) }},
		{"longest packet of 1 is shorter", func(n *Network) { n.Flows[0].MaxPacket, n.Flows[0].MinPacket = whole(1), whole(2) }},
		{"needs its greatest packet length", func(n *Network) { n.Packetizer = true }},
	} {
		n := network(t, two, "f=1:1:a>b g=1:1:b")
		c.spoil(&n)
		if err := n.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	for _, c := range []struct {
		a    Analysis
		m    Multiplexing
		want string
	}{{"lp", FIFO, "use tfa, tfa++, sfa"}, {TFA, "wfq", "use fifo or blind"}, {PMOO, FIFO, "PMOO knows only blind"}} {
		if _, err := Analyse(good, c.a, c.m); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
}

// PMOO tries the combinations of pieces, and says so when they are too many.
func TestPMOOCombinations(t *testing.T) {
	n := network(t, "s0=10:1 s1=10:1", "f=1/100:500:s0>s1") // a burst that needs the later pieces
	steps := func(k int64) (b []Bucket, p []RateLatency) {
		for i := int64(1); i <= k; i++ {
			b = append(b, Bucket{Rate: big.NewRat(1, i*100), Burst: whole(int(i))})
			p = append(p, RateLatency{Rate: whole(int(i)), Latency: whole(int(i * i))})
		}
		return b, p
	}
	for _, k := range []int64{3, 60} {
		b, p := steps(k)
		curve, _ := NewArrival(b...)
		service, _ := NewService(p...)
		n.Flows = append(n.Flows[:1], Flow{Name: "x", Arrival: curve, Path: []string{"s0", "s1"}})
		n.Servers[0].Service, n.Servers[1].Service = service, service
		r, err := Analyse(n, PMOO, Blind)
		if k == 3 {
			// No single choice of pieces does better than the best of all.
			for _, bucket := range b {
				for _, p0 := range p {
					for _, p1 := range p {
						one := n
						one.Flows = []Flow{n.Flows[0], n.Flows[1]}
						one.Flows[1].Arrival, _ = NewArrival(bucket)
						s0, _ := NewService(p0)
						s1, _ := NewService(p1)
						one.Servers = []Server{{Name: "s0", Service: s0}, {Name: "s1", Service: s1}}
						if single := analyse(t, one, PMOO, Blind); single.Flows[0].Delay.Cmp(r.Flows[0].Delay) < 0 {
							t.Errorf("%v, %v, %v: %v, together %v", bucket, p0, p1, single.Flows[0].Delay, r.Flows[0].Delay)
						}
					}
				}
			}
		} else if err == nil || !strings.Contains(err.Error(), "combinations") {
			t.Errorf("%d pieces: %v", k, err)
		}
	}
}

// Values that the literature page gives beside the vector file: the table of six small networks, and the
// safe variant of SFA under FIFO.
func TestSmallNetworks(t *testing.T) {
	for _, c := range []struct {
		servers, flows string
		a              Analysis
		m              Multiplexing
		want           string
	}{
		{"s0=10:10", "f0=4:10:s0 f1=5:25:s0", SFA, FIFO, "29/2"},
		{"s0=10:10", "f0=4:10:s0 f1=5:25:s0", SFA, Blind, "27"},
		{"s0=10:10 s1=6:6", "f0=5/2:25/2:s0>s1 f1=5/2:25/2:s0>s1", SFA, Blind, "277/7"},
		{"s0=10:10 s1=6:6", "f0=5/2:25/2:s0>s1 f1=5/2:25/2:s0>s1", PMOO, Blind, "242/7"},
		{"s0=20:20 s1=20:20 s2=20:20", "f0=5:25:s0>s2 f1=5:25:s1>s2", PMOO, Blind, "170/3"},
		{"s0=20:20 s1=20:20 s2=20:20 s3=20:20", "f0=5:25:s0>s1>s2>s3 f1=5:25:s1>s2", TFA, FIFO, "7985/64"},
		{"s0=10:10 s1=10:10", "f0=5:25:s0>s1 f1=5:25:s0>s1", SFA, FIFO, "35"},
		{"s0=10:10 s1=10:10", "f0=5:25:s0>s1 f1=5:25:s0>s1", SFACounting, FIFO, "145/4"},
	} {
		r := analyse(t, network(t, c.servers, c.flows), c.a, c.m)
		if got := r.Flows[0].Delay.String(); got != c.want {
			t.Errorf("%s under %s of %s: %s, want %s", c.a, c.m, c.flows, got, c.want)
		}
		want := Proved
		if c.a == SFA && c.m == FIFO {
			want = Comparison
		}
		if r.Status != want || (want == Comparison) != strings.Contains(strings.Join(r.Assumptions, " "), "NOT PROVED") {
			t.Errorf("%s under %s: %v, %q", c.a, c.m, r.Status, r.Assumptions)
		}
	}
}

// QJUMP as calculus: n-1 hosts with one packet for each epoch, each behind a line of
// its own, and the port to the receiver.
func TestQJUMPRows(t *testing.T) {
	const packet = 2048
	rows := map[string]string{}
	for _, row := range vectors(t, "qj-", 10) {
		rows[row["id"]] = row["delay"]
	}
	// The bound of the first flow, when n-1 senders with the given paths from behind their own
	// lines share the port; lower is the longest lower frame there, or everywhere.
	bound := func(n int, burst, lower int64, everywhere bool, analysis Analysis, path func(sender int) []string) Bound {
		net := Network{Packetizer: analysis == TFAShaped}
		known := map[string]bool{}
		for i := range n - 1 {
			curve, err := NewArrival(Bucket{Rate: big.NewRat(1, int64(n)), Burst: big.NewRat(burst, 1)}) // P/E for E = nP/R
			if err != nil {
				t.Fatal(err)
			}
			f := Flow{Name: fmt.Sprint("from ", i), Path: path(i), Arrival: curve, MaxPacket: whole(packet)}
			for _, name := range f.Path {
				if !known[name] {
					latency := "0"
					if name == "port" || everywhere {
						latency = fmt.Sprint(lower)
					}
					net.Servers = append(net.Servers, Server{Name: name, Service: rateLatency(t, "1", latency), Capacity: whole(1)})
				}
				known[name] = true
			}
			net.Flows = append(net.Flows, f)
		}
		most := Finite(whole(0))
		for _, f := range analyse(t, net, analysis, FIFO).Flows {
			if f.Delay.Cmp(most) > 0 {
				most = f.Delay
			}
		}
		return most
	}
	star := func(i int) []string { return []string{fmt.Sprint("line ", i), "port"} }

	// One packet an epoch: nP/R and nP/R + L/R to the last digit.
	for _, c := range []struct {
		id    string
		n     int
		lower int64
	}{{"qj-star-4-spaced", 4, 0}, {"qj-star-4-L", 4, 12000}, {"qj-star-12-L", 12, 12000}} {
		if got := bound(c.n, packet, c.lower, false, TFA, star).String(); got != rows[c.id] {
			t.Errorf("%s: %s, want %s", c.id, got, rows[c.id])
		}
	}
	// Elsewhere packets reach the value of the row, and the bound, which takes them for a
	// fluid with a token bucket, is above.
	tree := func(racks, size int) func(i int) []string {
		return func(i int) []string { // host 0 of rack 0 receives
			path := []string{fmt.Sprint("line ", i)}
			if rack := (i + 1) / size; rack > 0 {
				path = append(path, fmt.Sprint("up ", rack), "down")
			}
			return append(path, "port")
		}
	}
	for _, c := range []struct {
		id  string
		got Bound
	}{
		{"qj-star-4-window", bound(4, 2*packet, 0, false, TFA, star)},
		{"qj-star-12-window", bound(12, 2*packet, 0, false, TFA, star)},
		{"qj-star-144-window", bound(144, 2*packet, 0, false, TFA, star)},
		{"qj-star-12-2L", bound(12, packet, 12000, true, TFA, star)},
		{"qj-tree-2x4", bound(8, packet, 0, false, TFAShaped, tree(2, 4))},
		{"qj-tree-4x16", bound(64, packet, 0, false, TFAShaped, tree(4, 16))},
		{"qj-tree-9x16", bound(144, packet, 0, false, TFAShaped, tree(9, 16))},
	} {
		reached := Finite(rat(t, rows[c.id]))
		if c.got.Cmp(reached) < 0 {
			t.Errorf("%s: bound %v, but %s is reached", c.id, c.got, rows[c.id])
		}
		t.Logf("%s: bound %s, reached %v", c.id, c.got.Decimal(0), reached)
	}
}

// A packetizer takes a packet's time off the service, except that delays in order of arrival
// stay; and a line may bring a packet at once.
func TestPacketizer(t *testing.T) {
	n := network(t, "s0=10:2 s1=10:3", "f=5:40:s0>s1")
	n.Packetizer, n.Flows[0].MaxPacket = true, whole(20)
	for _, c := range []struct {
		a              Analysis
		m              Multiplexing
		delay, backlog string
	}{
		{SFA, Blind, "13", "85"}, // latencies 2+2 and 3+2, then 40/10; 40 + 5*9
		{PMOO, Blind, "13", "85"},
		{SFACounting, FIFO, "13", "85"},
		{TFA, FIFO, "15", "85"},       // 2 + 40/10, then 3 + 60/10 with the burst 40 + 5*4; 60 + 5*5
		{TFAShaped, FIFO, "16", "95"}, // the burst 40 + 5*6 is delayed by 6; 70 + 5*5
	} {
		f := analyse(t, n, c.a, c.m).Flows[0]
		if f.Delay.String() != c.delay || f.Backlog.String() != c.backlog {
			t.Errorf("%s under %s: %v and %v, want %s and %s", c.a, c.m, f.Delay, f.Backlog, c.delay, c.backlog)
		}
	}
	// Behind a line of rate 10: 20 + 10t up to 50/5 = 10, so 3 + 120/10 - 10 at the second server.
	n.Servers[0].Capacity = whole(10)
	if got := analyse(t, n, TFAShaped, FIFO).Servers[1].Delay.String(); got != "5" {
		t.Errorf("shaped: %s", got)
	}
}

// linear makes a tandem of three servers from small numbers; the flow of interest crosses
// all, two others a part, and a fourth comes from aside.
func linear(t testing.TB, rate, latency [4]int64, r, b [4]int64) Network {
	q := func(v int64, d int64) string { return big.NewRat(v, d).RatString() }
	var servers, flows []string
	for i, name := range []string{"s0", "s1", "s2", "aside"} {
		servers = append(servers, name+"="+q(40+rate[i], 1)+":"+q(latency[i], 2))
	}
	for i, path := range []string{"s0>s1>s2", "s0>s1", "s1>s2", "s0>aside>s2"} {
		flows = append(flows, "f"+q(int64(i), 1)+"="+q(r[i], 1)+":"+q(b[i], 3)+":"+path)
	}
	return network(t, strings.Join(servers, " "), strings.Join(flows, " "))
}

type analysisCase struct {
	a Analysis
	m Multiplexing
}

var allCases = []analysisCase{{TFA, FIFO}, {TFA, Blind}, {TFAShaped, FIFO}, {TFAShaped, Blind}, {SFA, FIFO}, {SFA, Blind}, {SFACounting, FIFO}, {SFACounting, Blind}, {PMOO, Blind}}

// worse tells whether some bound of the first is greater than that of the second.
func worse(first, second Result) bool {
	for i := range first.Flows {
		if first.Flows[i].Delay.Cmp(second.Flows[i].Delay) > 0 || first.Flows[i].Backlog.Cmp(second.Flows[i].Backlog) > 0 {
			return true
		}
	}
	return false
}

func TestProperties(t *testing.T) {
	parameters := gopter.DefaultTestParametersWithSeed(1)
	parameters.MinSuccessfulTests = 40
	properties := gopter.NewProperties(parameters)
	numbers := gen.SliceOfN(16, gen.Int64Range(0, 9))
	four := func(v []int64, from int) (x [4]int64) { copy(x[:], v[from:]); return x }
	build := func(v []int64) Network { return linear(t, four(v, 0), four(v, 4), four(v, 8), four(v, 12)) }

	properties.Property("bounds do not fall when a burst, a rate or a latency grows, nor rise with a service rate", prop.ForAll(
		func(v []int64, which int) bool {
			more := append([]int64(nil), v...)
			more[which]++
			small, large := build(v), build(more)
			if which < 4 { // a service rate
				small, large = large, small
			}
			for _, c := range allCases {
				if worse(analyse(t, small, c.a, c.m), analyse(t, large, c.a, c.m)) {
					return false
				}
			}
			return true
		}, numbers, gen.IntRange(0, 15)))

	properties.Property("FIFO is one of the orders that blind covers; counting the flow and not shaping only add", prop.ForAll(
		func(v []int64) bool {
			n := build(v)
			get := func(a Analysis, m Multiplexing) Result { return analyse(t, n, a, m) }
			shaped := n
			shaped.Servers = append([]Server(nil), n.Servers...)
			for i := range shaped.Servers {
				shaped.Servers[i].Capacity = whole(60)
			}
			return !worse(get(TFAShaped, FIFO), get(TFAShaped, Blind)) &&
				!worse(get(SFA, FIFO), get(SFACounting, FIFO)) &&
				!worse(get(SFA, Blind), get(SFACounting, Blind)) &&
				!worse(analyse(t, shaped, TFAShaped, FIFO), get(TFAShaped, FIFO))
		}, numbers))

	properties.Property("units are of no account", prop.ForAll(
		func(v []int64, scale int64) bool {
			// All data times k: rates and bursts grow, delays stay.
			n, k := build(v), big.NewRat(scale, 7)
			scaled := n
			scaled.Servers, scaled.Flows = append([]Server(nil), n.Servers...), append([]Flow(nil), n.Flows...)
			for i, s := range n.Servers {
				p := s.Service.Pieces()[0]
				scaled.Servers[i].Service, _ = NewService(RateLatency{Rate: p.Rate.Mul(p.Rate, k), Latency: p.Latency})
			}
			for i, f := range n.Flows {
				b := f.Arrival.Buckets()[0]
				scaled.Flows[i].Arrival, _ = NewArrival(Bucket{Rate: b.Rate.Mul(b.Rate, k), Burst: b.Burst.Mul(b.Burst, k)})
			}
			for _, c := range allCases {
				x, y := analyse(t, n, c.a, c.m), analyse(t, scaled, c.a, c.m)
				for i := range x.Flows {
					if x.Flows[i].Delay.Cmp(y.Flows[i].Delay) != 0 {
						return false
					}
				}
			}
			return true
		}, numbers, gen.Int64Range(1, 50)))

	properties.Property("a lone flow pays its burst once: servers in a row are one with their convolution", prop.ForAll(
		func(v []int64) bool {
			n := build(v)
			n.Flows = n.Flows[:1]
			row := n.Servers[0].Service.Then(n.Servers[1].Service).Then(n.Servers[2].Service)
			want := Delay(n.Flows[0].Arrival, row)
			for _, c := range allCases {
				got := analyse(t, n, c.a, c.m).Flows[0].Delay
				if c.a == TFA || c.a == TFAShaped {
					if got.Cmp(want) < 0 {
						return false
					}
				} else if got.Cmp(want) != 0 {
					return false
				}
			}
			return true
		}, numbers))
	properties.TestingRun(t)
}

// TFA says what each server does to all its flows, and its flows' delays are their sums.
func TestServerBounds(t *testing.T) {
	r := analyse(t, network(t, "s0=20:20 s1=20:20", "f0=5:25:s0>s1 f1=5:25:s1"), TFA, FIFO)
	// 20 + 25/20; then the burst 25 + 5*20 of f0 and 25 of f1: 20 + 150/20.
	if s := r.Servers; s[0].Delay.String() != "85/4" || s[1].Delay.String() != "55/2" || s[1].Backlog.String() != "350" ||
		s[0].Utilisation.RatString() != "1/4" || s[1].Utilisation.RatString() != "1/2" {
		t.Errorf("%+v", s)
	}
	if sum := r.Servers[0].Delay.Add(r.Servers[1].Delay); sum.Cmp(r.Flows[0].Delay) != 0 || r.Flows[1].Delay.Cmp(r.Servers[1].Delay) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestPriorityRefuses(t *testing.T) {
	good := Port{Rate: whole(10), LowerFrame: whole(3)}
	a, none := bucket(t, "4", "8"), NoArrival()
	for i, p := range []Port{{Rate: whole(0), LowerFrame: whole(1)}, {LowerFrame: whole(1)}, {Rate: whole(1)}, {Rate: whole(1), LowerFrame: whole(-1)}} {
		if _, err := p.Delay(a, none); err == nil {
			t.Errorf("port %d is accepted", i)
		}
	}
	if _, err := good.Delay(a, bucket(t, "7", "1")); !errors.Is(err, ErrOverload) {
		t.Error(err)
	}
	if _, err := good.Delay(Arrival{}, none); err == nil {
		t.Error("a class without curve is accepted")
	}
	for _, l := range []*big.Rat{nil, whole(0), whole(9)} {
		if _, err := good.DelayOfFrame(a, none, l); err == nil {
			t.Errorf("a frame of %v is accepted", l)
		}
	}
	// A single frame waits for the burst above and the frame below, and is sent: 5/(10-2) + 8/10.
	if d, err := good.DelayOfFrame(bucket(t, "0", "8"), bucket(t, "2", "2"), whole(8)); err != nil || d.String() != "57/40" {
		t.Error(d, err)
	}
	// A class above that takes the whole line leaves nothing.
	if d, err := good.DelayOfFrame(bucket(t, "0", "8"), bucket(t, "10", "2"), whole(8)); err != nil || !d.Infinite() {
		t.Error(d, err)
	}
}
