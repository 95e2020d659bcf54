package network_test

import (
	"fmt"

	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// asker asks the layers of host 1, each the one below, whether it is alive.
type asker struct{}

func (a *asker) Step(now model.Time, in *model.Input, out *model.Output) {
	if in.Kind == model.Inform {
		e := in.Evidence
		fmt.Printf("%v: the %v of host %d, by node %d: alive %v\n", now, e.Layer, e.About, e.From, e.Alive)
		return
	}
	if now < model.Time(2*model.Second) {
		out.Wake = model.Time(2 * model.Second)
		return
	}
	for _, ask := range []struct {
		to    model.ProcessID
		by    model.Layer
		about int64
	}{
		{1, model.SystemLayer, int64(model.ProcessLayer)},
		{1, model.HypervisorLayer, int64(model.SystemLayer)},
		{2, model.SwitchLayer, 1}, // the switch is node 2, and host 1 is on one of its ports
	} {
		out.Send = append(out.Send, model.Message{
			To: ask.to, Layer: ask.by, Kind: uint8(model.Probe), Arg: ask.about, Bytes: 64,
		})
	}
}

func (a *asker) Clone() model.Automaton                           { b := *a; return &b }
func (a *asker) AppendState(b []byte, _ model.Time) []byte        { return b }
func (a *asker) LoadState(b []byte, _ model.Time) ([]byte, error) { return b, nil }

// The system of host 1 crashes at 1 s. Who asks it hears nothing, but its hypervisor knows.
// The switch has not heard from that machine: it asks, and looks 20 ms later.
func ExampleEvidence() {
	kernel := sim.New(1)
	n, err := network.New(kernel, network.Config{
		Topology: network.Star(2, network.LinkConfig{Rate: 8 * network.Gbps, Delay: model.Microsecond}),
		Framing:  network.Bare,
		Evidence: network.Evidence{
			Agents: true, Counter: 100 * model.Millisecond, Look: 20 * model.Millisecond, Looks: 6, Priority: 7,
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for p := range model.ProcessID(2) {
		n.Attach(p, 0, network.Panel{
			Detectors: []uint8{0}, New: []func() model.Automaton{func() model.Automaton { return &asker{} }},
		})
	}
	crash, _ := network.LookupFault("host-crash")
	params, _ := model.NewParams(crash.Params, map[string]string{"host": "h1"})
	fault, err := crash.New(params, n.Topology(), kernel.Stream("fault"))
	if err != nil {
		fmt.Println(err)
		return
	}
	n.Schedule(fault, model.Time(model.Second), -1)
	if err := kernel.Run(model.Time(3*model.Second), sim.Budget{}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 2.000004296s: the system of host 1, by node 1: alive false
	// 2.020002244s: the hypervisor of host 1, by node 2: alive true
}
