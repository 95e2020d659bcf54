package run

import (
	"fmt"
	"testing"

	"suspect/model"
)

// Detectors read their own hosts' clocks. A heartbeat takes 200 ns on the way. NFD-S,
// with delta = 1 us, makes mistakes exactly where the sender's clock is behind the
// monitor's by 800 ns or more, by a step or by what a drift comes to: a heartbeat that
// arrives at its freshness point is too late. A pause of the sender makes a mistake, if
// it lasts as long after a heartbeat is due.
func TestDetectorsFollowClocks(t *testing.T) {
	const text = `name: clocks
duration: 100us
network: {framing: bare, topology: {star: {hosts: 2}}, edge: {rate: 10Gbps}}
monitor: {message_size: 125B}
detectors: [{use: nfd-s, eta: 10us, delta: 1us, stagger: false}]
`
	step := func(host, step string) string {
		return fmt.Sprintf("faults=[{use: clock-step, host: %s, step: %s, at: 5us}]", host, step)
	}
	drift := func(host, drift, lasts string) string {
		return fmt.Sprintf("faults=[{use: clock-drift, host: %s, drift: %s, at: 1us, for: %s}]", host, drift, lasts)
	}
	pause := func(lasts string) string {
		return fmt.Sprintf("faults=[{use: pause, process: h1, at: 25us, for: %s}]", lasts)
	}
	for _, c := range []struct {
		set      string
		mistakes int // of h0 about h1, begun from 5 us on
	}{
		{"detectors[0].delta=1us", 0},
		{step("h1", "-799ns"), 0},
		{step("h1", "-800ns"), 9}, // at 11 us, ..., 91 us, until each heartbeat comes
		{step("h0", "799ns"), 0},
		{step("h0", "800ns"), 9},
		{step("h1", "5us"), 0}, // it sends early
		// 10 % of 8 us are the 800 ns.
		{drift("h1", "-10%", "7.99us"), 0},
		{drift("h1", "-10%", "8us"), 9},
		{drift("h0", "10%", "7.99us"), 0},
		{drift("h0", "10%", "8us"), 9},
		{pause("4us"), 0}, // none is due
		{pause("5.799us"), 0},
		{pause("5.8us"), 1},
		{pause("25us"), 1}, // it misses those of 30 and 40 us, and sends that of 50 us
	} {
		mistakes := 0
		simulate(t, parse(t, text, c.set), func(r *model.Record) {
			if r.Process == 0 && r.At >= model.Time(5*model.Microsecond) {
				mistakes++
			}
		}, model.Suspected)
		if mistakes != c.mistakes {
			t.Errorf("%s: %d mistakes, want %d", c.set, mistakes, c.mistakes)
		}
	}
}
