package network

import (
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"suspect/detectors"
	"suspect/model"
	"suspect/sim"
)

// The scenarios of the benchmarks are those of the peers that the README compares
// with: S1, a star in which everybody sends heartbeats to everybody; S2, an incast
// of paced packets over bulk at strictly lower priority; S3, a leaf-spine at 60 %
// load with ten-packet flows.

func edge10G(buffer Buffer) LinkConfig {
	return LinkConfig{Rate: 10 * Gbps, Delay: model.Microsecond, Buffer: buffer}
}

func core40G() LinkConfig { return LinkConfig{Rate: 40 * Gbps, Delay: model.Microsecond} }

// beats sends a message to every other process, or to the next k, each period:
// the bare load of a heartbeat detector.
type beats struct {
	self, n, k model.ProcessID
	next       model.Time
	period     model.Duration
	seq        int64
}

func (b *beats) Step(now model.Time, in *model.Input, out *model.Output) {
	if now >= b.next {
		for j := model.ProcessID(1); j <= b.k; j++ {
			to := b.self + j
			if to >= b.n {
				to -= b.n
			}
			out.Send = append(out.Send, model.Message{From: b.self, To: to, Seq: b.seq})
		}
		b.seq++
		b.next = b.next.Add(b.period)
	}
	out.Wake = b.next
}

func (b *beats) Clone() model.Automaton                             { c := *b; return &c }
func (b *beats) AppendState(buf []byte, _ model.Time) []byte        { return buf }
func (b *beats) LoadState(buf []byte, _ model.Time) ([]byte, error) { return buf, nil }

func newStar(tb testing.TB, seed uint64, hosts, k int, period model.Duration) *Network {
	kernel := sim.New(seed)
	n, err := New(kernel, Config{Topology: Star(hosts, edge10G(Buffer{})), Framing: Bare, MessageBytes: 64})
	if err != nil {
		tb.Fatal(err)
	}
	phases := kernel.Stream("phase")
	for p := range hosts {
		start := model.Time(phases.IntN(int(period)))
		b := beats{self: model.ProcessID(p), n: model.ProcessID(hosts), k: model.ProcessID(k), period: period, next: start}
		n.Attach(model.ProcessID(p), start, Panel{New: []func() model.Automaton{func() model.Automaton { c := b; return &c }}, Detectors: []uint8{0}})
	}
	return n
}

func cpu() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Sec) + float64(u.Utime.Usec)/1e6 + float64(u.Stime.Sec) + float64(u.Stime.Usec)/1e6
}

// measure runs n for b.N slices of simulated time after a warm-up and reports the
// cost of a hop.
func measure(b *testing.B, n *Network, warm, slice model.Duration) {
	k := n.kernel
	if err := k.Run(model.Time(warm), sim.Budget{}); err != nil {
		b.Fatal(err)
	}
	hops, events := n.hops, k.Events()
	b.ReportAllocs()
	b.ResetTimer()
	start := cpu()
	for range b.N {
		if err := k.Run(k.Now().Add(slice), sim.Budget{}); err != nil {
			b.Fatal(err)
		}
	}
	used := cpu() - start
	b.StopTimer()
	hops, events = n.hops-hops, k.Events()-events
	b.ReportMetric(used*1e9/float64(hops), "ns/hop")
	b.ReportMetric(float64(hops)/used, "hops/s")
	b.ReportMetric(float64(events)/float64(hops), "events/hop")
}

// bulk sends 1500 B to random other hosts as a Poisson process.
type bulk struct {
	n      *Network
	random *sim.Stream
	timer  sim.Timer
	gap    model.Duration // mean
	burst  int
	spread int // of priorities, from 0 on
}

func (b *bulk) Fire(host uint32) {
	to := NodeID(b.random.IntN(b.n.topology.Hosts - 1))
	if to >= NodeID(host) {
		to++
	}
	priority := model.Priority(0)
	if b.spread > 1 {
		priority = model.Priority(b.random.IntN(b.spread))
	}
	for range b.burst {
		b.n.Send(NodeID(host), to, 1500, priority, 0)
	}
	b.n.kernel.Arm(b.timer, b.n.kernel.Now().Add(b.random.Exponential(b.gap)))
}

func addBulk(n *Network, burst, spread int, load float64) {
	for h := range n.topology.Hosts {
		gap := model.Duration(float64(burst) * 1500 * 800 / load)
		b := &bulk{n: n, random: n.kernel.Stream(fmt.Sprint("bulk", h)), gap: gap, burst: burst, spread: spread}
		b.timer = n.kernel.NewTimer(b, uint32(h))
		n.kernel.Arm(b.timer, model.Time(b.random.Exponential(gap)))
	}
}

// paced sends 256 B to host 0 once an epoch.
type paced struct {
	n     *Network
	timer sim.Timer
	epoch model.Duration
}

func (p *paced) Fire(host uint32) {
	p.n.Send(NodeID(host), 0, 256, 7, 0)
	p.n.kernel.Arm(p.timer, p.n.kernel.Now().Add(p.epoch))
}

// newIncast spreads the bulk over the given number of priorities below the paced
// packets'.
func newIncast(tb testing.TB, spread int) *Network {
	const hosts = 64
	kernel := sim.New(1)
	n, err := New(kernel, Config{Topology: Star(hosts, edge10G(Buffer{Packets: 100})), Framing: Bare})
	if err != nil {
		tb.Fatal(err)
	}
	addBulk(n, 1, spread, 0.8)
	epoch := model.Duration(2 * hosts * 256 * 800)
	phases := kernel.Stream("phase")
	for h := uint32(1); h < hosts; h++ {
		p := &paced{n: n, epoch: epoch}
		p.timer = kernel.NewTimer(p, h)
		kernel.Arm(p.timer, model.Time(phases.IntN(int(epoch))))
	}
	return n
}

func newLeafSpine(tb testing.TB, leaves, spines, hosts int, load float64) *Network {
	n, err := New(sim.New(1), Config{
		Topology: LeafSpine(leaves, spines, hosts, edge10G(Buffer{}), core40G()), Framing: Bare,
	})
	if err != nil {
		tb.Fatal(err)
	}
	addBulk(n, 10, 1, load)
	return n
}

func withHash(n *Network) *Network {
	n.kernel.Records.Subscribe(model.AllKinds, new(sim.Hash).Observe)
	return n
}

func BenchmarkStar(b *testing.B) {
	const period = 10 * model.Millisecond
	for _, hosts := range []int{16, 64, 256} {
		b.Run(fmt.Sprintf("hosts=%d", hosts), func(b *testing.B) {
			measure(b, newStar(b, 1, hosts, hosts-1, period), period*3/2, period)
		})
	}
	b.Run("hosts=256/hash", func(b *testing.B) {
		measure(b, withHash(newStar(b, 1, 256, 255, period)), period*3/2, period)
	})
}

// newMonitored is a star in which detectors of the given name watch every other
// process, or the next k.
func newMonitored(tb testing.TB, hosts, k int, framing Framing, name string, params map[string]string) *Network {
	n, err := New(sim.New(1), Config{Topology: Star(hosts, edge10G(Buffer{})), Framing: framing, MessageBytes: 64})
	if err != nil {
		tb.Fatal(err)
	}
	spec, _ := detectors.Lookup(name)
	values, errs := model.NewParams(spec.Params, params)
	if len(errs) > 0 {
		tb.Fatal(errs)
	}
	for p := range hosts {
		env := detectors.Env{Self: model.ProcessID(p), N: hosts}
		for j := 1; j <= k; j++ {
			env.Watch = append(env.Watch, model.ProcessID((p+j)%hosts))
			env.Watchers = append(env.Watchers, model.ProcessID((p-j+hosts)%hosts))
		}
		slices.Sort(env.Watch)
		slices.Sort(env.Watchers)
		n.Attach(env.Self, 0, Panel{Detectors: []uint8{0}, New: []func() model.Automaton{func() model.Automaton {
			a, err := spec.New(env, values)
			if err != nil {
				tb.Fatal(err)
			}
			return a
		}}})
	}
	return n
}

// The timeout's deadlines expire in the order of arrival; those of NFD-E move
// with its estimates.
func BenchmarkMonitoredStar(b *testing.B) {
	const period = 10 * model.Millisecond
	for _, c := range []struct {
		name   string
		params map[string]string
	}{
		{"timeout", map[string]string{"eta": "10ms", "timeout": "30ms"}},
		{"nfd-s", map[string]string{"eta": "10ms", "delta": "20ms"}},
		{"nfd-e", map[string]string{"eta": "10ms", "alpha": "20ms"}},
	} {
		b.Run("hosts=256/"+c.name, func(b *testing.B) {
			measure(b, newMonitored(b, 256, 255, Bare, c.name, c.params), 3*period, period)
		})
		b.Run("hosts=256/"+c.name+"/hash", func(b *testing.B) {
			measure(b, withHash(newMonitored(b, 256, 255, Bare, c.name, c.params)), 3*period, period)
		})
	}
}

func BenchmarkIncast(b *testing.B) {
	for _, spread := range []int{1, 7} {
		b.Run(fmt.Sprintf("hosts=64/priorities=%d", spread+1), func(b *testing.B) {
			measure(b, newIncast(b, spread), 5*model.Millisecond, model.Millisecond)
		})
		b.Run(fmt.Sprintf("hosts=64/priorities=%d/hash", spread+1), func(b *testing.B) {
			measure(b, withHash(newIncast(b, spread)), 5*model.Millisecond, model.Millisecond)
		})
	}
}

func BenchmarkLeafSpine(b *testing.B) {
	for _, load := range []float64{0.1, 0.3, 0.6, 0.9} {
		b.Run(fmt.Sprintf("hosts=144/load=%v", load), func(b *testing.B) {
			measure(b, newLeafSpine(b, 9, 4, 16, load), 2*model.Millisecond, model.Millisecond)
		})
	}
	b.Run("hosts=144/load=0.6/hash", func(b *testing.B) {
		measure(b, withHash(newLeafSpine(b, 9, 4, 16, 0.6)), 2*model.Millisecond, model.Millisecond)
	})
	b.Run("hosts=1024/load=0.6", func(b *testing.B) {
		measure(b, newLeafSpine(b, 32, 16, 32, 0.6), 2*model.Millisecond, model.Millisecond/4)
	})
}

// BenchmarkHour is one simulated hour of 10,000 hosts, each watched by 8 others
// with a plain timeout and a heartbeat a second. Run it with -benchtime 1x.
func BenchmarkHour(b *testing.B) {
	for range b.N {
		n := newMonitored(b, 10_000, 8, Bare, "timeout", map[string]string{"eta": "1s", "timeout": "3s"})
		start := cpu()
		if err := n.kernel.Run(model.Time(model.Hour), sim.Budget{}); err != nil {
			b.Fatal(err)
		}
		used := cpu() - start
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(used, "cpu-s")
		b.ReportMetric(float64(n.hops)/used, "hops/s")
		b.ReportMetric(float64(m.Sys)/1e6, "MB-from-OS")
		b.ReportMetric(float64(n.hops)/1e6, "Mhops")
	}
}
