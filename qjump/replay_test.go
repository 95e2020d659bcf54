package qjump_test

import (
	"strings"
	"testing"

	"suspect/model"
	"suspect/network"
	"suspect/qjump"
)

// A recording bounds nothing that was not recorded.
func TestNoBoundOnRecordings(t *testing.T) {
	r, err := network.NewRecording("wan.csv", "", []network.Probe{{Delay: model.Microsecond}}, model.Second)
	if err != nil {
		t.Fatal(err)
	}
	topology := network.Star(3, network.LinkConfig{Rate: network.Gbps})
	topology.Links[1].BtoA.Replay = network.Replay{Recording: r}
	n := qjump.Network{Topology: &topology, Classes: []qjump.NetworkClass{{Priority: 7, Packet: 100, Epoch: model.Millisecond, Smallest: 100, Budget: 1}}}
	want := "there is no bound: the link between h1 and s0 replays the recording wan.csv"
	if _, err := n.Bounds(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}
