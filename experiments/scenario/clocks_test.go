package scenario

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

const plain = `name: plain
duration: 2s
network: {framing: bare, topology: {star: {hosts: 3}}, edge: {rate: 12Mbps}}
detectors: [{use: timeout, eta: 10ms}]
`

func TestClocks(t *testing.T) {
	for _, c := range []struct {
		set  []string
		want Clocks
		text string // resolved
	}{
		{nil, Clocks{}, ""},
		{[]string{"clocks.offset=-1us"}, Clocks{OffsetLow: -model.Microsecond, OffsetHigh: -model.Microsecond}, "clocks:\n  offset: \"-1us\"\n  drift: \"0ppm\"\n"},
		{[]string{"clocks.offset=uniform(-1us,1us)", "clocks.drift= 50 ppm"},
			Clocks{-model.Microsecond, model.Microsecond, 50_000, 50_000}, "clocks:\n  offset: \"uniform(-1us, 1us)\"\n  drift: \"50ppm\"\n"},
		{[]string{"clocks.drift=uniform( -0.1%, 7ppb )"}, Clocks{0, 0, -1_000_000, 7}, "clocks:\n  offset: \"0s\"\n  drift: \"uniform(-1000ppm, 7ppb)\"\n"},
	} {
		s, err := Parse("x.yaml", []byte(plain), c.set)
		if err != nil {
			t.Errorf("%q: %v", c.set, err)
			continue
		}
		if diff := cmp.Diff(c.want, s.Clocks); diff != "" {
			t.Errorf("%q: %s", c.set, diff)
		}
		w := new(writer)
		if s.writeClocks(w); w.String() != c.text {
			t.Errorf("%q: %s, want %s", c.set, w.String(), c.text)
		}
	}
}

// All values of a span are drawn, about equally often, and offsets from zero on. A drift
// of all takes its draw too.
func TestClocksAreDrawn(t *testing.T) {
	c := Clocks{OffsetLow: -2, OffsetHigh: 1, DriftLow: -1, DriftHigh: 2}
	offsets, drifts := make(map[model.Duration]int), make(map[int64]int)
	a, b := sim.NewStream(1, "offset"), sim.NewStream(1, "drift")
	for range 4000 {
		offset, drift := c.Draw(a, b)
		offsets[offset]++
		drifts[drift]++
	}
	for i := range 4 {
		// Four standard deviations of a binomial with p = 1/4.
		for _, n := range []int{offsets[model.Duration(i)], drifts[int64(i)-1]} {
			if n < 890 || n > 1110 {
				t.Errorf("offsets %v, drifts %v", offsets, drifts)
			}
		}
	}
	for _, c := range []struct {
		clocks Clocks
		are    bool
	}{{Clocks{}, true}, {Clocks{OffsetLow: 5, OffsetHigh: 5}, true}, {Clocks{OffsetHigh: 5}, false}, {Clocks{DriftLow: 5, DriftHigh: 5}, false}, {Clocks{DriftLow: -5}, false}} {
		if c.clocks.AreTrue() != c.are {
			t.Errorf("%+v: true %t", c.clocks, !c.are)
		}
	}
}

// Packets of a schedule are sorted by time, and stay in their order where they have the
// same. They count in the estimate: each is sent, and crosses two links.
func TestSchedule(t *testing.T) {
	const traffic = "traffic=[{use: schedule, sends: [{at: 2us, from: h1, to: h0, packet: 1B}, {at: 1us, from: h2, to: h0, packet: 2B, priority: 7}, {at: 2us, from: h0, to: h1, packet: 3B}, {at: 0s, from: h0, to: h2, packet: 1500B}, {at: 2us, from: h0, to: h1, packet: 4B}]}]"
	s, err := Parse("x.yaml", []byte(plain), []string{traffic})
	if err != nil {
		t.Fatal(err)
	}
	const us = model.Time(model.Microsecond)
	want := []network.Send{
		{At: 0, From: 0, To: 2, Bytes: 1500}, {At: us, From: 2, To: 0, Bytes: 2, Priority: 7},
		{At: 2 * us, From: 1, To: 0, Bytes: 1}, {At: 2 * us, From: 0, To: 1, Bytes: 3}, {At: 2 * us, From: 0, To: 1, Bytes: 4},
	}
	if diff := cmp.Diff(want, s.Traffic[0].Sends); diff != "" {
		t.Error(diff)
	}
	alone, err := Parse("x.yaml", []byte(plain), nil)
	if err != nil {
		t.Fatal(err)
	}
	before, after := alone.Estimate(), s.Estimate()
	if after.Packets != before.Packets+5 || after.Events != before.Events+5*3 {
		t.Errorf("%+v, before %+v", after, before)
	}
	// 2000 packets of 1500 B take the 2 s of the run, with nothing left for heartbeats.
	var sends []network.Send
	for range 2000 {
		sends = append(sends, network.Send{At: us, From: 1, To: 0, Bytes: 1500})
	}
	s.Traffic[0].Sends = sends[:1900]
	if e := s.Estimate(); e.Overloaded != 0 {
		t.Errorf("%+v", e)
	}
	s.Traffic[0].Sends = sends
	if e := s.Estimate(); e.Overloaded != 1 {
		t.Errorf("%+v: with heartbeats it is more than the link carries", e)
	}
}

func TestTooManySends(t *testing.T) {
	list := make([]byte, 0, 100*maxSends)
	for i := range maxSends/2 + 1 {
		list = fmt.Appendf(list, "    - {at: %dps, from: h1, to: h0, packet: 64B, priority: 7}\n", i)
	}
	text := fmt.Sprintf("%straffic:\n- use: schedule\n  sends:\n%s- use: schedule\n  sends:\n%s", plain, list, list)
	_, err := Parse("x.yaml", []byte(text), nil)
	if list, ok := err.(ErrorList); !ok || len(list) != 1 || list[0].Message != "sends: with this, the schedules have 5002 packets; at most 5000 are supported" {
		t.Errorf("%v", err)
	}
}

// A limiter that takes time for a packet is another event.
func TestEstimateOfProcessing(t *testing.T) {
	const levels = "qjump={packet: 1500B, processing: 1us, levels: [{priority: 7, factor: 1}]}"
	estimate := func(set ...string) int64 {
		s, err := Parse("x.yaml", []byte(plain), set)
		if err != nil {
			t.Fatal(err)
		}
		return s.Estimate().Events
	}
	const messages = 200 * 6
	const traffic = "traffic=[{use: periodic, from: h0, to: h1, period: 10ms, packet: 12B, priority: 7, limiter: %s}, {use: schedule, limiter: %[1]s, sends: [{at: 0s, from: h0, to: h1, packet: 1B, priority: 7}]}]"
	for _, c := range []struct {
		set  []string
		more int64
	}{
		{[]string{levels}, messages},
		{[]string{levels, "qjump.processing=0s"}, 0},
		{[]string{levels, "monitor.priority=6"}, 0},
		{[]string{levels, fmt.Sprintf(traffic, "own")}, messages + 200*4 + 4},
		{[]string{levels, fmt.Sprintf(traffic, "none")}, messages + 200*3 + 3},
	} {
		if got := estimate(c.set...) - estimate(); got != c.more {
			t.Errorf("%q: %d events more, want %d", c.set, got, c.more)
		}
	}
}
