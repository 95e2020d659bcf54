package network

import (
	"fmt"
	"slices"
	"testing"

	"suspect/detectors"
	"suspect/model"
	"suspect/sim"
)

// watched tells for each of n processes the k next ones on a ring, in increasing order.
func watched(n, k int) [][]model.ProcessID {
	watch := make([][]model.ProcessID, n)
	for p := range watch {
		for j := range k {
			watch[p] = append(watch[p], model.ProcessID((p+j+1)%n))
		}
		slices.Sort(watch[p])
	}
	return watch
}

// newFaulty is a loaded leaf-spine of 1024 hosts on which 100 faults strike again and
// again, of random kinds and at random places: on average every 10 ms, for 5 ms. They are
// the same whoever looks on.
func newFaulty(b *testing.B) *Network {
	n := newLeafSpine(b, 32, 16, 32, 0.6)
	kinds := slices.DeleteFunc(AllFaults(), func(s FaultSpec) bool {
		return s.Name == "partition" || s.Name == "partition-partial" || s.Name == "rule-drop" // of which random ones concern all
	})
	span := func(d model.Duration) sim.Distribution { return sim.Distribution{Kind: sim.Exponential, Mean: d} }
	for i := range 100 {
		s := n.kernel.Stream(fmt.Sprint("fault", i))
		kind := kinds[s.IntN(len(kinds))]
		f, err := newFault(kind.Name, n.Topology(), s, anyParams(kind, s))
		if err != nil {
			b.Fatal(err)
		}
		n.ScheduleEvery(f, span(10*model.Millisecond), span(10*model.Millisecond), span(5*model.Millisecond), s)
	}
	return n
}

// attachTimeouts gives each process a plain timeout that watches the next k ones, with a
// heartbeat each millisecond.
func attachTimeouts(b *testing.B, n *Network, k int) {
	spec, _ := detectors.Lookup("timeout")
	values, errs := model.NewParams(spec.Params, map[string]string{"eta": "1ms", "timeout": "3ms"})
	if len(errs) > 0 {
		b.Fatal(errs)
	}
	hosts := n.topology.Hosts
	watch := watched(hosts, k)
	for p := range hosts {
		env := detectors.Env{Self: model.ProcessID(p), N: hosts, Watch: watch[p]}
		for j := range k {
			env.Watchers = append(env.Watchers, model.ProcessID((p-j-1+hosts)%hosts))
		}
		slices.Sort(env.Watchers)
		n.Attach(env.Self, model.Time(n.kernel.Stream(fmt.Sprint("start", p)).IntN(int(model.Millisecond))), Panel{
			Priority: 7, Detectors: []uint8{0}, New: []func() model.Automaton{func() model.Automaton {
				a, err := spec.New(env, values)
				if err != nil {
					b.Fatal(err)
				}
				return a
			}},
		})
	}
}

// BenchmarkTruth is the packet rate of a network of 1024 hosts under 100 faults, alone and
// with detectors and the ground truth of the pairs that they watch, or of all pairs. The
// truth looks at its default slots of 5 ms, or at ones of 100 us. Run it with -benchtime
// 40x, which are 10 ms.
func BenchmarkTruth(b *testing.B) {
	const k = 8
	for _, c := range []struct {
		name             string
		detects, follows bool
		pairs            [][]model.ProcessID
		slot             model.Duration
		all              bool
	}{
		{name: "alone"},
		{name: "detectors", detects: true},
		{name: "truth=watched", detects: true, follows: true, pairs: watched(1024, k)},
		{name: "truth=watched/slot=100us", detects: true, follows: true, pairs: watched(1024, k), slot: 100 * us},
		{name: "truth=all", detects: true, follows: true},
		{name: "truth=all/definitions=all", detects: true, follows: true, all: true},
	} {
		b.Run("hosts=1024/"+c.name, func(b *testing.B) {
			n := newFaulty(b)
			if c.detects {
				attachTimeouts(b, n, k)
			}
			if c.follows {
				config := DefaultTruth(7)
				config.Pairs = c.pairs
				if c.slot != 0 {
					config.Slot, config.Window = c.slot, 200*c.slot
				}
				if c.all {
					config.Classes = []model.Priority{0, 7}
					config.Definitions = []CongestionDefinition{ByReference, ByLoss, ByDelay, ByUtilisation, ByPersistence}
				}
				if _, err := n.WatchTruth(config); err != nil {
					b.Fatal(err)
				}
			}
			told := 0
			n.kernel.Records.Subscribe(model.KindSet(model.FailureBegan, model.FailureEnded), func(*model.Record) { told++ })
			measure(b, n, 2*model.Millisecond, model.Millisecond/4)
			b.ReportMetric(float64(told), "records")
		})
	}
}
