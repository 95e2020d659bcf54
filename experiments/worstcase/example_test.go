package worstcase_test

import (
	"context"
	"fmt"

	"suspect/experiments/guarantee"
	"suspect/experiments/scenario"
	"suspect/experiments/worstcase"
)

// Three hosts send packets of 106 bytes on the wire to a fourth at 10 Gb/s. At worst all
// four packet times pass until one is there. With a rogue that goes past the limiters it
// can be more, and that takes no more than four packets.
func Example() {
	text := []byte(`
name: example
duration: 100us
network: {framing: ethernet, topology: {star: {hosts: 4}}, edge: {rate: 10Gbps}}
qjump: {packet: 106B, levels: [{priority: 7, factor: 1}]}
traffic:
  - {use: periodic, from: [h1, h2, h3], to: h0, priority: 7, packet: 64B, period: 2us}
`)
	s, err := scenario.Parse("example.yaml", text, nil)
	if err != nil {
		panic(err)
	}
	found, err := worstcase.Search(context.Background(), s, guarantee.Derive(s), worstcase.Options{Seed: 1})
	if err != nil {
		panic(err)
	}
	fmt.Println(found[0].Delay, "of", found[0].Bound)

	text = append(text, "  - {use: periodic, from: h3, to: h0, priority: 7, packet: 64B, period: 50ns, limiter: none}\n"...)
	if s, err = scenario.Parse("example.yaml", text, nil); err != nil {
		panic(err)
	}
	late := worstcase.Violation{Priority: 7, Bound: found[0].Bound}
	c, err := worstcase.Shrink(context.Background(), s, nil, late, worstcase.Options{})
	if err != nil {
		panic(err)
	}
	for _, x := range c.Sends {
		fmt.Printf("%v: %s to %s, limiter: %s\n", x.At, x.From, x.To, x.Limiter)
	}
	fmt.Println(c.Delay, "of", c.Bound)
	// Output:
	// 339.2ns of 339.2ns
	// 0s: h3 to h0, limiter: none
	// 0s: h3 to h0, limiter: none
	// 0s: h3 to h0, limiter: none
	// 0s: h3 to h0, limiter: shared
	// 424ns of 339.2ns
}
