package sim_test

import (
	"fmt"

	"suspect/model"
	"suspect/sim"
)

// sender hands over a packet at random times.
type sender struct {
	kernel *sim.Kernel
	gaps   *sim.Stream
	timer  sim.Timer
	sent   int64
}

func (s *sender) Fire(uint32) {
	s.sent++
	s.kernel.Records.Emit(&model.Record{Kind: model.Sent, At: s.kernel.Now(), Packet: uint64(s.sent), Seq: s.sent, Peer: 1, Bytes: 84})
	s.kernel.Arm(s.timer, s.kernel.Now().Add(s.gaps.Exponential(10*model.Millisecond)))
}

// crash stops the sender.
type crash struct{ victim *sender }

func (c crash) Fire(uint32) {
	k := c.victim.kernel
	k.Disarm(c.victim.timer)
	k.Records.Emit(&model.Record{Kind: model.Crashed, At: k.Now(), Peer: model.Nobody, Failure: model.ProcessCrash})
}

// Process 0 sends every 10 ms on average, until it crashes after 25 ms.
func Example() {
	k := sim.New(42)
	k.Records.Subscribe(model.AllKinds, func(r *model.Record) { fmt.Println(r) })

	s := &sender{kernel: k, gaps: k.Stream("gaps of p0")}
	s.timer = k.NewTimer(s, 0)
	k.Arm(s.timer, 0)
	end := k.NewTimer(crash{s}, 0)
	k.Arm(end, model.Time(25*model.Millisecond))

	if err := k.Run(model.Time(model.Second), sim.Budget{Events: 1000}); err != nil {
		fmt.Println(err)
	}
	fmt.Println("events:", k.Events(), "now:", k.Now())
	// Output:
	// 0s sent packet=1 p0->p1 seq=1 priority=0 bytes=84
	// 11.659784856ms sent packet=2 p0->p1 seq=2 priority=0 bytes=84
	// 22.504071086ms sent packet=3 p0->p1 seq=3 priority=0 bytes=84
	// 25ms crashed p0 process-crash
	// events: 4 now: 1s
}

func ExampleParseDistribution() {
	d, err := sim.ParseDistribution("normal(1ms, 100us)")
	if err != nil {
		fmt.Println(err)
		return
	}
	s := sim.NewStream(1, "jitter")
	for range 3 {
		fmt.Println(d.Sample(s))
	}
	fmt.Println("at least", d.Min())
	// Output:
	// 1.082249439ms
	// 1.182105177ms
	// 831.797312us
	// at least 179.046385us
}
