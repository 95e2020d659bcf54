package run_test

import (
	"context"
	"fmt"
	"log"

	"suspect/experiments/run"
	"suspect/experiments/scenario"
)

// A process crashes; a plain timeout of three periods sees it.
func ExampleRun() {
	s, err := scenario.Parse("crash.yaml", []byte(`
name: crash
duration: 1s
judge: {detect_within: 30ms}
network:
  framing: ethernet
  topology: {star: {hosts: 4}}
  edge: {rate: 10Gbps, delay: 1us}
detectors:
  - {use: timeout, eta: 10ms, timeout: 30ms}
faults:
  - {use: process-crash, process: h3, at: 500ms}
`), nil)
	if err != nil {
		log.Fatal(err)
	}
	r, err := run.Run(context.Background(), s, run.Options{})
	if err != nil {
		log.Fatal(err)
	}
	d := r.Detectors[0]
	fmt.Println("mistakes:", d.Mistakes.Count)
	fmt.Println("detected:", d.Detection.Detected, "of", d.Detection.Detected+d.Detection.Missed+d.Detection.Undetected)
	fmt.Println("slowest: ", d.Detection.Slowest.Monitor, "after", d.Detection.Time.Max)
	for _, p := range d.Properties {
		if p.Property == "strong-completeness" {
			fmt.Println("strong completeness", p.Outcome)
		}
	}
	// Output:
	// mistakes: 0
	// detected: 3 of 3
	// slowest:  h2 after 27.5023392ms
	// strong completeness holds
}
