// Package scenariotest makes random scenarios for tests: small ones of every shape,
// which are read without an error and run in moments.
package scenariotest

import (
	"fmt"
	"strings"

	"suspect/sim"
)

// Random returns the text of a random scenario: 2 to 12 hosts, 50 to 500 ms of
// simulated time, one to three detectors, and up to three sources of traffic and
// faults, at rates that keep it below about 20,000 events. The same stream gives
// the same text.
func Random(s *sim.Stream) []byte {
	g := generator{stream: s}
	g.line("name: random-%d", g.below(1_000_000))
	g.line("seed: %d", g.stream.Uint64())
	g.duration = g.between(50, 500)
	g.line("duration: %dms", g.duration)
	if g.chance(2) {
		g.line("warmup: %dms", g.below(g.duration))
	}
	if g.chance(4) {
		g.line("replications: %d", g.between(2, 3))
	}
	if g.chance(2) {
		g.line("judge: {detect_within: %dms, stable_from: %dms, mistakes_at_most: %d}",
			g.between(1, 100), g.below(g.duration), g.below(4))
	}
	g.high = -1
	if g.chance(3) {
		g.high = g.between(1, 7)
	}
	g.network()
	g.clocks()
	g.monitor()
	g.detectors()
	g.traffic()
	g.faults()
	g.properties()
	g.qjump()
	g.evidence()
	g.generators()
	g.truth()
	return []byte(g.text.String())
}

type generator struct {
	stream   *sim.Stream
	text     strings.Builder
	duration int // ms
	hosts    []string
	links    [][2]string
	slow     bool // the links are of megabits
	high     int  // priority of the highest level of QJUMP; -1 without any
}

func (g *generator) line(format string, args ...any) { fmt.Fprintf(&g.text, format+"\n", args...) }

// below returns a number from 0 to n-1, and between one from low to high.
func (g *generator) below(n int) int           { return g.stream.IntN(n) }
func (g *generator) between(low, high int) int { return low + g.below(high-low+1) }

// chance is true once in n.
func (g *generator) chance(n int) bool { return g.below(n) == 0 }

func (g *generator) one(of ...string) string { return of[g.below(len(of))] }

// time returns a duration or distribution of at most about high ms, but not zero.
func (g *generator) time(high int) string {
	a, b := g.between(1, 1000*high/2), g.between(1, 1000*high/2)
	switch g.below(4) {
	case 0:
		return fmt.Sprintf("%dus", a+b)
	case 1:
		return fmt.Sprintf(`"uniform(%dus, %dus)"`, a, a+b)
	case 2:
		return fmt.Sprintf("exponential(%dus)", a)
	}
	return fmt.Sprintf(`"normal(%dus, %dus)"`, a+b, a)
}

func (g *generator) network() {
	g.line("network:")
	g.line("  framing: %s", g.one("ethernet", "bare"))
	g.line("  topology:")
	switch g.below(4) {
	case 0:
		g.star()
	case 1:
		g.leafSpine()
	case 2:
		g.pair()
	default:
		g.tree()
	}
	g.slow = g.chance(2)
	rate := func() string {
		if g.slow {
			return fmt.Sprintf("%dMbps", g.between(5, 40))
		}
		return fmt.Sprintf("%dGbps", g.between(1, 40))
	}
	g.line("  edge: {rate: %s%s}", rate(), g.link())
	if g.chance(2) {
		g.line("  core: {rate: %s%s}", rate(), g.link())
	}
	if g.chance(2) {
		l := g.links[g.below(len(g.links))]
		direction := ""
		if g.chance(2) {
			direction = ", direction: " + l[g.below(2)]
		}
		g.line("  links:")
		g.line("    - {between: [%s, %s]%s, delay: %dus}", l[0], l[1], direction, g.below(1000))
	}
}

func (g *generator) clocks() {
	if !g.chance(3) {
		return
	}
	offset := g.one(fmt.Sprintf("-%dus", g.below(1000)), fmt.Sprintf("uniform(-%dus, %dus)", g.below(1000), g.below(1000)))
	drift := g.one(fmt.Sprintf("%dppm", g.below(1000)), fmt.Sprintf("uniform(-%dppm, %d%%)", g.below(1000), g.between(1, 10)))
	g.line(`clocks: {offset: "%s", drift: "%s"}`, offset, drift)
}

// link returns the fields of a link after its rate.
func (g *generator) link() string {
	fields := fmt.Sprintf(", delay: %dns", g.below(100_000))
	switch g.below(4) {
	case 0:
		fields += fmt.Sprintf(", buffer: %dKiB", g.between(4, 256))
	case 1:
		fields += fmt.Sprintf(", buffer: %dpackets", g.between(2, 100))
	case 2:
		fields += ", buffer: unlimited"
	}
	switch g.below(4) {
	case 0:
		fields += fmt.Sprintf(", loss: %d%%", g.below(20))
	case 1:
		fields += fmt.Sprintf(", loss: {good: 0.%d%%, bad: %d%%, good_to_bad: %d%%, bad_to_good: %d%%}",
			g.below(10), g.below(100), g.between(1, 10), g.between(1, 50))
	}
	switch {
	case g.chance(3):
		fields += ", jitter: " + g.time(2) + ", trace: none"
	case g.chance(12):
		const shipped = "heartbeats-loopback-2ms.csv.gz"
		fields += ", jitter: 0s, trace: " + g.one(shipped,
			fmt.Sprintf(`{file: %s, offset: "uniform(0s, 100s)", excess: true}`, shipped),
			fmt.Sprintf(`{file: %s, offset: %dms, overtake: true}`, shipped, g.below(200_000)))
	}
	return fields
}

func (g *generator) named(hosts int) {
	for i := range hosts {
		g.hosts = append(g.hosts, fmt.Sprintf("h%d", i))
	}
}

func (g *generator) star() {
	g.named(g.between(2, 12))
	g.line("    star: {hosts: %d}", len(g.hosts))
	for _, h := range g.hosts {
		g.links = append(g.links, [2]string{h, "s0"})
	}
}

func (g *generator) leafSpine() {
	leaves, spines, each := g.between(2, 4), g.between(1, 3), g.between(1, 3)
	g.named(leaves * each)
	g.line("    leaf_spine: {leaves: %d, spines: %d, hosts_per_leaf: %d}", leaves, spines, each)
	for l := range leaves {
		for s := range spines {
			g.links = append(g.links, [2]string{fmt.Sprintf("leaf%d", l), fmt.Sprintf("spine%d", s)})
		}
	}
}

// pair is two hosts without a switch.
func (g *generator) pair() {
	g.hosts = []string{"left", "right"}
	g.links = [][2]string{{"left", "right"}}
	g.line("    graph: {hosts: [left, right], links: [[left, right]]}")
}

// tree is a random tree of switches, with another link where there is room, and hosts
// on random switches.
func (g *generator) tree() {
	switches := g.between(1, 4)
	name := func(s int) string { return fmt.Sprintf("switch-%d", s) }
	var names []string
	for s := range switches {
		names = append(names, name(s))
		if s > 0 {
			g.links = append(g.links, [2]string{name(g.below(s)), name(s)})
		}
	}
	if switches == 3 && len(g.links) == 2 && g.links[1][0] == "switch-0" {
		g.links = append(g.links, [2]string{"switch-1", "switch-2"})
	}
	for h := range g.between(2, 6) {
		host := fmt.Sprintf("host.%d", h)
		g.hosts = append(g.hosts, host)
		g.links = append(g.links, [2]string{host, name(g.below(switches))})
	}
	g.line("    graph:")
	g.line("      hosts: [%s]", strings.Join(g.hosts, ", "))
	g.line("      switches: [%s]", strings.Join(names, ", "))
	g.line("      links:")
	for _, l := range g.links {
		g.line("        - [%s, %s]", l[0], l[1])
	}
}

func (g *generator) monitor() {
	if g.chance(3) {
		return
	}
	g.line("monitor:")
	if g.chance(2) {
		g.line("  watch: {successors: %d}", g.between(1, len(g.hosts)-1))
	}
	if g.chance(2) {
		g.line("  message_size: %dB", g.between(1, 1500))
	}
	g.line("  priority: %d", g.below(8))
	if g.chance(2) {
		g.line("  start: %s", g.time(g.duration/10))
	}
}

// detectors are of one period at least, so that some share their packets.
func (g *generator) detectors() {
	eta := g.between(10, 30) * g.duration / 100 // ms: 3 to 10 rounds
	g.line("detectors:")
	for i := range g.between(1, 3) {
		period := fmt.Sprintf("eta: %dms", max(1, eta))
		if g.chance(4) {
			period = fmt.Sprintf("eta: %dms, stagger: false", g.between(1, 2)*max(1, eta))
		}
		wait := fmt.Sprintf("%dus", g.between(1, 3000*max(1, eta)))
		switch g.below(3) {
		case 0:
			g.line("  - {use: timeout, name: d%d, %s, timeout: %s}", i, period, wait)
		case 1:
			g.line("  - {use: nfd-s, name: d%d, %s, delta: %s}", i, period, wait)
		default:
			g.line("  - {use: nfd-e, name: d%d, %s, alpha: %s, n: %d}", i, period, wait, g.between(1, 32))
		}
	}
}

// traffic is a few hundred packets of each source; sources that send at the rate of
// their link are for slow links only.
func (g *generator) traffic() {
	n := g.below(4)
	if n == 0 {
		return
	}
	g.line("traffic:")
	for range n {
		if g.chance(6) {
			g.schedule()
			continue
		}
		size, packets := g.between(200, 1500), g.between(10, 300)
		common := fmt.Sprintf("to: %s, packet: %dB, %s",
			g.one("random", g.hosts[0], "["+g.hosts[1]+", "+g.hosts[0]+"]"), size, g.priority())
		if g.chance(3) {
			common += ", phase: " + g.time(g.duration/4)
		}
		from := g.one(g.hosts[len(g.hosts)-1], "["+g.hosts[0]+", "+g.hosts[1]+"]")
		rate := fmt.Sprintf("rate: %dKbps", 1+packets*size*8/g.duration)
		if g.slow && g.chance(3) {
			rate = fmt.Sprintf("load: %d%%", g.between(1, 50))
		}
		kinds := 4
		if g.slow {
			kinds = 6
		}
		switch g.below(kinds) {
		case 0:
			g.line("  - {use: periodic, from: all, %s, period: %dus}", common, g.between(1000*g.duration/60, 1000*g.duration/10))
		case 1, 2:
			g.line("  - {use: poisson, from: %s, %s, %s}", from, common, rate)
		case 3:
			g.line("  - {use: on-off, from: %s, %s, rate: %dKbps, on: %s, off: %s}",
				from, common, 1+packets*size*8/g.duration, g.time(g.duration/10), g.time(g.duration/10))
		case 4:
			g.line("  - {use: flows, from: %s, %s, sizes: %s, %s}", from, common, g.one("web-search", "data-mining"), rate)
		default:
			g.line("  - {use: bulk, from: %s, to: %s, packet: 4000B, %s}", g.hosts[0], g.hosts[1], g.priority())
		}
	}
}

// priority returns that of a traffic, now and then with other limiters than the usual.
func (g *generator) priority() string {
	if g.high >= 0 && g.chance(3) {
		return fmt.Sprintf("priority: %d, limiter: %s", g.high, g.one("own", "none"))
	}
	return fmt.Sprintf("priority: %d", g.below(8))
}

// schedule is a few packets, some of them at one time.
func (g *generator) schedule() {
	g.line("  - use: schedule")
	g.line("    sends:")
	at := g.below(1000 * g.duration)
	for range g.between(1, 20) {
		from := g.below(len(g.hosts))
		to := (from + g.between(1, len(g.hosts)-1)) % len(g.hosts)
		if g.chance(2) {
			at = g.below(1000 * g.duration)
		}
		g.line("      - {at: %dus, from: %s, to: %s, packet: %dB, priority: %d}", at, g.hosts[from], g.hosts[to], g.between(1, 1500), g.below(8))
	}
}

func (g *generator) faults() {
	n := g.below(4)
	if n == 0 {
		return
	}
	g.line("faults:")
	for range n {
		times := "at: " + g.time(g.duration/2)
		switch g.below(3) {
		case 0:
			times += ", for: " + g.time(g.duration/2)
		case 1:
			times = fmt.Sprintf("every: %s, for: %s, redraw: %v", g.time(g.duration), g.time(g.duration/4), g.chance(2))
		}
		host := g.one("random", g.hosts[g.below(len(g.hosts))])
		l := g.links[g.below(len(g.links))]
		link := g.one("random", "["+l[0]+", "+l[1]+"]", "["+l[1]+", "+l[0]+"], direction: "+l[0])
		switch g.below(8) {
		case 5:
			g.line("  - {use: pause, process: %s, %s}", host, times)
		case 6:
			g.line(`  - {use: clock-drift, host: %s, drift: "%s%dppm", %s}`, host, g.one("", "-"), g.between(1, 100_000), times)
		case 7:
			g.line(`  - {use: clock-step, host: %s, step: "%s%dus", %s}`, host, g.one("", "-"), g.between(1, 1000*g.duration), times)
		case 0:
			g.line("  - {use: process-crash, process: %s, %s}", host, times)
		case 1:
			g.line("  - {use: host-crash, host: %s, %s}", host, times)
		case 2:
			g.line("  - {use: link-down, link: %s, %s}", link, times)
		case 3:
			g.line("  - {use: link-loss, link: %s, probability: %d%%, %s}", link, g.below(101), times)
		default:
			g.line("  - {use: link-loss, link: %s, bad: %d%%, good_to_bad: 10%%, bad_to_good: 50%%, %s}", link, g.below(101), times)
		}
	}
}

// generators have few faults in runs as short as these.
func (g *generator) generators() {
	if g.chance(3) {
		g.line("generators:")
		g.line("  - {use: pauses, collections: %d}", g.between(1, 1_000_000))
		g.line("  - {use: pauses, name: more, migrations: %d.5}", g.below(100))
		g.line("  - {use: bursty-loss, bad: %d%%, loss: %d%%, burst: 30}", g.between(1, 95), g.below(101))
	}
}

// truth looks at the queues a few hundred times at most.
func (g *generator) truth() {
	if !g.chance(3) {
		return
	}
	g.line("truth:")
	g.line("  pairs: %s", g.one("monitored", "all"))
	if g.chance(2) {
		g.line("  classes: [%d, %d]", g.between(0, 3), g.between(4, 7))
	}
	g.line("  definitions: %s", g.one("[reference]", "[]", "[persistence, reference, delay]", "[reference, loss, delay, utilisation, persistence]"))
	slot := g.between(1, 5)
	g.line("  congestion: {slot: %dms, window: %dms, share: %d%%, wait: %dus}", slot, slot*g.between(1, 100), g.below(100), g.below(3000))
	if g.chance(2) {
		l := g.links[g.below(len(g.links))]
		g.line("  forbidden: [%s--%s]", l[0], l[1])
	}
	if g.chance(2) {
		g.line("  routes: {changes: %d, within: %dms}", g.below(5), g.between(1, 100))
		g.line("  corruption: %d%%", g.below(100))
	}
}

func (g *generator) properties() {
	if g.chance(2) {
		return
	}
	g.line("properties:")
	g.line("  - {use: strong-accuracy}")
	g.line("  - {use: strong-completeness, within: %dms}", g.between(1, 100))
	if g.high >= 0 {
		g.line("  - {use: latency-bound, priority: %d}", g.high)
		g.line("  - {use: latency-bound, name: stated, bound: 1ms, priority: %d}", g.high)
		g.line("  - {use: latency-bound, priority: 0}")
	}
	g.line("expect:")
	g.line("  - {property: strong-accuracy, detector: d0, outcome: %s}", g.one("holds", "violated"))
	if g.high >= 0 {
		g.line("  - {property: stated, outcome: holds}")
		g.line("  - {property: latency-bound-2, outcome: inconclusive}")
	}
}

// qjump is one or two levels, whose packets may be as large as any of the scenario.
func (g *generator) evidence() {
	switch {
	case !g.chance(4):
	case g.chance(3):
		g.line("evidence: all")
	default:
		g.line("evidence: {priority: %d, agents: %v, resets: true, obituaries: %v, mark: %s, carrier: %dus, errors: %d}",
			g.below(8), g.chance(2), g.chance(2), g.one("none", "3packets", "9kB"), g.below(1000), g.below(10))
	}
}

func (g *generator) qjump() {
	if g.high < 0 {
		return
	}
	excess := "drop"
	if !strings.Contains(g.text.String(), "use: bulk") { // which never ends
		excess = g.one("delay", "drop", "demote")
	}
	g.line("qjump:")
	g.line("  packet: 4200B")
	g.line("  excess: %s", excess)
	if g.chance(3) {
		g.line("  processing: %dns", g.between(1, 1000))
	}
	if g.chance(2) {
		g.line("  epsilon: %dus", g.below(100))
		g.line("  semantics: %s", g.one("common-epoch", "epoch-per-level"))
	}
	if g.chance(3) {
		g.line("  rate: %dMbps", g.between(1, 1000))
	}
	fixed := false
	switch g.below(4) {
	case 0:
		g.line("  limiter: %s", g.one("minimum-spacing", "restarting-window"))
	case 1:
		fixed = true
		g.line("  limiter: fixed-window")
	case 2:
		fixed = true
		g.line("  limiter: fixed-window")
		g.line("  phase: %s", g.one("random", "0s", g.time(1)))
	}
	if fixed && g.chance(2) {
		g.line("  phases: [{host: %s, priority: %d, phase: %dus}]", g.hosts[0], g.high, g.below(1000))
	}
	g.line("  levels:")
	g.line("    - {priority: %d, factor: 1}", g.high)
	if g.chance(2) {
		g.line("    - {priority: %d, factor: %d}", g.below(g.high), g.between(1, len(g.hosts)))
	}
}
