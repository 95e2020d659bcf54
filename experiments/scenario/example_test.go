package scenario_test

import (
	"fmt"

	"suspect/experiments/scenario"
)

func ExampleParse() {
	text := []byte(`
name: small
duration: 10s
network:
  framing: ethernet
  topology:
    star: {hosts: 3}
  edge: {rate: 10Gbps, delay: 1us}
detectors:
  - {use: timeout, eta: 10ms, timeout: 30ms}
`)
	s, err := scenario.Parse("small.yaml", text, []string{"detectors[0].timeout=50ms"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Detectors[0].Name, s.Detectors[0].Params)
	e := s.Estimate()
	fmt.Println(e.Hosts, "hosts,", e.Packets, "packets,", e.Hops, "hops")
	// Output:
	// timeout eta=10ms stagger=true timeout=50ms
	// 3 hosts, 6000 packets, 12000 hops
}

// All errors come at once, each with its place and what was meant.
func ExampleParse_errors() {
	text := []byte(`name: small
duration: 10
network:
  framing: ethernet
  topology:
    star: {hosts: 3}
  edge: {rate: 10GBps, dealy: 1us}
`)
	_, err := scenario.Parse("small.yaml", text, nil)
	fmt.Println(err)
	// Output:
	// small.yaml:2:11: duration "10" has no unit (write 10s, 10ms, 10us or 10ns)
	//   2 | duration: 10
	//     |           ^
	// small.yaml:7:16: rate "10GBps" has an unknown unit "GBps" (units: bps, kbps, Mbps, Gbps, Tbps) (did you mean "Gbps"?)
	//   7 |   edge: {rate: 10GBps, dealy: 1us}
	//     |                ^
	// small.yaml:7:24: unknown key "dealy" in network.edge (did you mean "delay"?)
	//   7 |   edge: {rate: 10GBps, dealy: 1us}
	//     |                        ^
}
