package scenario

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/experiments/intime"
)

// What is checked, under which names, without a list and with one; and what of it is
// of detectors.
func TestPropertyNames(t *testing.T) {
	const (
		plain  = "name: x\nduration: 1s\nnetwork: {framing: ethernet, topology: {star: {hosts: 4}}, edge: {rate: 1Gbps}}\n"
		levels = "qjump: {packet: 128B, levels: [{priority: 5, factor: 2}, {priority: 7, factor: 1}]}\n"
		usual  = "strong-completeness weak-completeness strong-accuracy weak-accuracy eventual-strong-accuracy eventual-weak-accuracy"
	)
	for _, c := range []struct{ name, text, want, network string }{
		{"usual", plain, usual, ""},
		{"usual with levels", plain + levels, usual, "latency-bound(7) latency-bound-2(5)"},
		{"none", plain + levels + "properties: []", "", ""},
		{"one of each", plain + "properties: [{use: latency-bound}, {use: strong-accuracy}]", "strong-accuracy", "latency-bound(7)"},
		{
			"names", plain + "properties: [{use: latency-bound, name: latency-bound-2}, {use: latency-bound, priority: 1}, {use: latency-bound, priority: 2}, {use: latency-bound, name: far, priority: 3}]",
			"", "latency-bound-2(7) latency-bound(1) latency-bound-3(2) far(3)",
		},
	} {
		s, err := Parse("x.yaml", []byte(c.text), nil)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var of, network []string
		for _, p := range s.Properties {
			of = append(of, p.Name)
		}
		for _, p := range s.NetworkProperties {
			network = append(network, fmt.Sprintf("%s(%d)", p.Name, p.Params.Count("priority")))
		}
		if diff := cmp.Diff(c.want+"\n"+c.network, strings.Join(of, " ")+"\n"+strings.Join(network, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// A long list is refused at once.
func TestManyProperties(t *testing.T) {
	text := "name: x\nduration: 1s\nnetwork: {framing: ethernet, topology: {star: {hosts: 4}}, edge: {rate: 1Gbps}}\nproperties:\n"
	for n, want := range map[int]string{100: "", 101: "101 properties; at most 100", 20_000: "20000 properties; at most 100"} {
		var err error
		intime.Check(t, func() { _, err = Parse("x.yaml", []byte(text+strings.Repeat("  - use: latency-bound\n", n)), nil) })
		if got := fmt.Sprint(err); (err != nil) != (want != "") || !strings.Contains(got, want) {
			t.Errorf("%d properties: %s", n, got)
		}
	}
}

// Expectations of the network need no detector, and there need be none.
func TestExpectOfNetwork(t *testing.T) {
	text := "name: x\nduration: 1s\nnetwork: {framing: ethernet, topology: {star: {hosts: 4}}, edge: {rate: 1Gbps}}\n" +
		"qjump: {packet: 128B, levels: [{priority: 7, factor: 1}, {priority: 6, factor: 2}]}\n" +
		"expect: [{property: latency-bound-2, outcome: violated}, {property: latency-bound, outcome: holds}]\n"
	s, err := Parse("x.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse("y.yaml", s.Resolved(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(again.Expect), "[{latency-bound-2 -1 violated} {latency-bound -1 holds}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
