package network

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"suspect/model"
)

// A packet that comes twice: the second copy has the next number, tells whose copy it is,
// comes by its lag later, and is delivered as the first one is. Worked out by hand: a packet
// of 100 bytes lasts 100 ns on each of two links.
func TestDuplication(t *testing.T) {
	for _, c := range []struct {
		lag  string
		want []string
	}{
		{"0s", []string{
			"0s sent 1 by h0", "0s sent 2 by h0",
			"100ns duplicated 3 of 1", "100ns hopped 1", "100ns hopped 3",
			"200ns duplicated 4 of 2", "200ns hopped 2", "200ns delivered 1", "200ns hopped 4",
			"300ns delivered 3", "400ns delivered 2", "500ns delivered 4",
		}},
		{"350ns", []string{
			"0s sent 1 by h0", "0s sent 2 by h0",
			"100ns duplicated 3 of 1", "100ns hopped 1",
			"200ns duplicated 4 of 2", "200ns hopped 2", "200ns delivered 1",
			"300ns delivered 2", "450ns hopped 3", "550ns hopped 4", "550ns delivered 3", "650ns delivered 4",
		}},
	} {
		for _, twoEvent := range []bool{false, true} {
			n := newNetwork(t, 1, Config{Topology: Star(2, LinkConfig{Rate: 8 * Gbps}), Framing: Bare, TwoEventPorts: twoEvent})
			var got []string
			n.kernel.Records.Subscribe(model.AllKinds, func(r *model.Record) {
				switch r.Kind {
				case model.Sent:
					got = append(got, fmt.Sprintf("%v sent %d by h%d", r.At, r.Packet, r.Process))
				case model.Duplicated:
					got = append(got, fmt.Sprintf("%v duplicated %d of %d", r.At, r.Packet, r.Seq))
					if r.Process != 0 || r.Peer != 1 || r.SentAt != 0 || r.Bytes != 100 || !r.Traffic {
						t.Errorf("the record lacks something: %s", r)
					}
				case model.Hopped, model.Delivered, model.Dropped:
					got = append(got, fmt.Sprintf("%v %v %d", r.At, r.Kind, r.Packet))
				}
			})
			mustFault(t, "duplication", &n.topology, map[string]string{"link": "h0--s0", "probability": "1", "lag": c.lag}).Strike(n)
			for range 2 {
				n.Send(0, 1, 100, 0, 0)
			}
			run(t, n, model.Time(model.Second))
			// What happens at one instant is in the order of timers, which is not the point.
			sorted := func(all []string) []string { return slices.Sorted(slices.Values(all)) }
			if !slices.Equal(sorted(got), sorted(c.want)) {
				t.Errorf("lag %s, two events: %v:\n got %q\nwant %q", c.lag, twoEvent, got, c.want)
			}
			if counts := n.Counts(); counts.Sent != 2 || counts.Duplicated != 2 || counts.Delivered != 4 || n.pool.live != 0 {
				t.Errorf("%+v, %d packets are left", counts, n.pool.live)
			}
		}
	}
}

// Both copies of a message say the same, and a copy of what one link doubles is doubled by
// the next one.
func TestDuplicatedMessages(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: Star(2, testEdge), Framing: Bare, MessageBytes: 64})
	body := &struct{ x int }{1}
	got := receiver(t, n, []model.Message{{To: 1, Seq: 7, Arg: 8, Kind: 9, Tag: 10, Body: body}})
	for _, link := range []string{"h0--s0", "s0--h1"} {
		mustFault(t, "duplication", &n.topology, map[string]string{"link": link, "probability": "1", "lag": "3us"}).Strike(n)
	}
	run(t, n, model.Time(model.Second))
	if len(*got) != 4 {
		t.Fatalf("%d copies are delivered, want 4", len(*got))
	}
	for _, m := range *got {
		if m.From != 0 || m.To != 1 || m.Seq != 7 || m.Arg != 8 || m.Kind != 9 || m.Tag != 10 || m.Body != any(body) {
			t.Errorf("delivered %+v", m)
		}
	}
}

// The share of doubled packets is the probability, within five standard deviations, and two
// faults each double their share.
func TestDuplicationShare(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: Star(2, LinkConfig{Rate: 8 * Gbps}), Framing: Bare})
	for _, p := range []string{"20%", "30%"} {
		mustFault(t, "duplication", &n.topology, map[string]string{"link": "h0--s0", "probability": p}).Strike(n)
	}
	const packets = 20_000
	for range packets {
		n.Send(0, 1, 100, 0, 0)
	}
	run(t, n, model.Time(model.Second))
	got := float64(n.Counts().Duplicated)
	if math.Abs(got-0.5*packets) > 5*math.Sqrt(packets*(0.2*0.8+0.3*0.7)) {
		t.Errorf("%v second copies of %d packets, want about %v", got, packets, 0.5*packets)
	}
}

// talker sends messages at its start, and keeps what it receives.
type talker struct {
	beats
	says  []model.Message
	heard *[]model.Message
}

func (a *talker) Step(_ model.Time, in *model.Input, out *model.Output) {
	switch in.Kind {
	case model.Start:
		out.Send = append(out.Send, a.says...)
	case model.Deliver:
		*a.heard = append(*a.heard, in.Message)
	}
}

// receiver lets host 0 say something, and returns what host 1 hears.
func receiver(t *testing.T, n *Network, says []model.Message) *[]model.Message {
	t.Helper()
	heard := new([]model.Message)
	for h := range model.ProcessID(n.topology.Hosts) {
		a := &talker{heard: heard}
		if h == 0 {
			a.says = says
		}
		n.Attach(h, 0, Panel{New: []func() model.Automaton{func() model.Automaton { return a }}, Detectors: []uint8{0}})
	}
	return heard
}
