package scenario

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// What links replay: edge hands on to core and to single links, each direction may
// differ, and all that name a file share what was read.
func TestTraceOfLinks(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"in-order.csv": "0,0,10\n1,50,70\n",
		"overtook.csv": "0,0,90\n1,50,60\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("seq,sent_ns,received_ns\n"+text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	text := `
name: x
duration: 1s
network:
  framing: ethernet
  topology: {leaf_spine: {leaves: 2, spines: 1, hosts_per_leaf: 3}}
  %s
  links:
    - {between: [h0, leaf0], trace: none}
    - {between: [h1, leaf0], direction: h1, trace: {file: overtook.csv, overtake: false, excess: true}}
    - {between: [h2, leaf0], trace: {file: in-order.csv, offset: "uniform(0s, 10s)", overtake: true}}
    - {between: [h3, leaf1], rate: 2Gbps}
`
	for _, c := range []struct{ links, edge, core string }{
		{"edge: {rate: 1Gbps}", "-", "-"},
		{"edge: {rate: 1Gbps, trace: overtook.csv}", "overtook.csv 0s false true", "overtook.csv 0s false true"},
		{"edge: {rate: 1Gbps, trace: {file: in-order.csv, offset: 5ns}}\n  core: {trace: none}", "in-order.csv 5ns false false", "-"},
		{"edge: {rate: 1Gbps}\n  core: {trace: {file: in-order.csv, excess: true}}", "-", "in-order.csv 0s true false"},
	} {
		s, err := Parse(filepath.Join(dir, "x.yaml"), fmt.Appendf(nil, text, c.links), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []*Scenario{s, readBack(t, s, dir)} {
			shared := make(map[string]*network.Recording)
			got := make(map[string]string)
			for _, l := range s.Network.Topology.Links {
				for d, x := range []network.Replay{l.AtoB.Replay, l.BtoA.Replay} {
					ends := s.Network.Topology.Names[l.A] + ">" + s.Network.Topology.Names[l.B]
					if d == 1 {
						ends = s.Network.Topology.Names[l.B] + ">" + s.Network.Topology.Names[l.A]
					}
					if x.Recording == nil {
						got[ends] = "-"
						continue
					}
					got[ends] = fmt.Sprint(x.Name, " ", x.Offset, " ", x.Excess, " ", x.Overtake)
					if first, ok := shared[x.Name]; ok && first != x.Recording {
						t.Errorf("%s was read twice", x.Name)
					}
					shared[x.Name] = x.Recording
				}
			}
			want := map[string]string{
				"h0>leaf0": "-", "leaf0>h0": "-",
				"h1>leaf0": "overtook.csv 0s true false", "leaf0>h1": c.edge,
				"h2>leaf0": "in-order.csv uniform(0s, 10s) false true", "leaf0>h2": "in-order.csv uniform(0s, 10s) false true",
				"h3>leaf1": c.edge, "leaf1>h3": c.edge, "h4>leaf1": c.edge, "leaf1>h4": c.edge, "h5>leaf1": c.edge, "leaf1>h5": c.edge,
				"leaf0>spine0": c.core, "spine0>leaf0": c.core, "leaf1>spine0": c.core, "spine0>leaf1": c.core,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.links, diff)
			}
		}
	}
}

// readBack returns the resolved scenario, read beside the original.
func readBack(t *testing.T, s *Scenario, dir string) *Scenario {
	t.Helper()
	again, err := Parse(filepath.Join(dir, "resolved.yaml"), s.Resolved(), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, s.Resolved())
	}
	if diff := cmp.Diff(s, again, plans); diff != "" {
		t.Errorf("resolved, it is another plan:\n%s", diff)
	}
	if again.Hash() != s.Hash() {
		t.Error("resolved, it has another hash")
	}
	return again
}

// The hash of a scenario tells of what is in the trace, and a resolved scenario is refused
// beside another trace of the name.
func TestTraceChanges(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "x.csv"), []byte("seq,sent_ns,received_ns\n"+text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	read := func(text []byte) (*Scenario, error) { return Parse(filepath.Join(dir, "x.yaml"), text, nil) }
	text := []byte("name: x\nduration: 1s\nnetwork: {framing: bare, topology: {star: {hosts: 2}}, edge: {rate: 1Gbps, trace: x.csv}}\n")
	write("0,0,10\n1,50,70\n")
	one, err := read(text)
	if err != nil {
		t.Fatal(err)
	}
	write("0,0,10\n1,50,71\n")
	other, err := read(text)
	if err != nil {
		t.Fatal(err)
	}
	if one.Hash() == other.Hash() {
		t.Error("the hash does not tell of the trace")
	}
	if _, err := read(one.Resolved()); err == nil || !strings.Contains(err.Error(), "sha256: the file has the sum "+other.Network.Topology.Links[0].AtoB.Replay.Sum) {
		t.Errorf("%v", err)
	}
	if r := one.Network.Topology.Links[0].AtoB.Replay; r.Length() != 100*model.Nanosecond || r.Probes() != 2 || r.Offset != (sim.Distribution{}) {
		t.Errorf("%+v", r)
	}
}
