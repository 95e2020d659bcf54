package network

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/model"
)

// neighbourly notes what switches are told by their neighbours.
type neighbourly struct {
	n   *Network
	log []string
}

func (h *neighbourly) receiveControl(at NodeID, l LinkID, body any) {
	h.log = append(h.log, fmt.Sprintf("%v %s over link %d: %v", h.n.kernel.Now(), h.n.topology.Names[at], l, body))
}

// What a switch tells a neighbour takes its place in the queues of the link, at its
// priority, and is lost as any packet. Hosts and crashed switches take no notice.
func TestControlPackets(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: line(2), Framing: Bare})
	h := &neighbourly{n: n}
	n.control = h
	var kept conserved
	kept.watch(n)
	const there, back, down = LinkID(4), LinkID(5), LinkID(1) // between the switches; to host 0
	n.at(atUs(10), func() {
		n.Send(0, 1, 1000, 0, 0)
		n.Send(0, 1, 1000, 0, 0)
	})
	// At 12 us the first comes to the switch, at 13 us the second: it waits till 13 us, and
	// behind what has a higher priority.
	n.at(atUs(12)+atNs(100), func() {
		n.sendControl(there, "low", 100, 0)
		n.sendControl(there, "high", 50, 7)
		n.sendControl(down, "to a host", 50, 7)
	})
	n.at(atUs(30), func() { n.sendControl(back, "back", 100, 7) })
	n.at(atUs(40), func() { n.SetLink(there, false); n.sendControl(there, "cut", 100, 7) })
	n.at(atUs(50), func() { n.SetLink(there, true) })
	n.at(atUs(60), func() { n.sendControl(there, "lost in the crash", 100, 7) })
	n.at(atUs(61), func() { n.CrashSwitch(3) })
	n.at(atUs(70), func() { n.sendControl(back, "from the dead", 100, 7) })
	run(t, n, model.Time(model.Second))
	want := []string{
		fmt.Sprint(atNs(13000+50+1000), " s1 over link 4: high"),
		fmt.Sprint(atNs(13050+100+1000), " s1 over link 4: low"),
		fmt.Sprint(atUs(30)+atNs(1100), " s0 over link 5: back"),
	}
	if diff := cmp.Diff(want, h.log); diff != "" {
		t.Error(diff)
	}
	kept.check(t, n)
	if c := n.Counts(); c.Sent != 2+6 || c.Delivered != 2+4 || c.Dropped[model.LinkDown] != 1 || c.Dropped[model.SwitchDown] != 1 {
		t.Errorf("%+v", c)
	}
}
