package reproduce

import (
	"fmt"
	"strings"

	"suspect/experiments/scenario"
	"suspect/model"
)

// A matrixNet is a network in which the faults strike, with the parts that they strike.
// Every other host is far from the victim or shares its rack.
type matrixNet struct {
	name     string
	topology string
	rack     string          // the switch of the victim
	last     model.ProcessID // host of its rack, of which matrixRack is the first
	fabric   string          // a link of that switch to the fabric
	other    string          // another link, so that without both some shortest paths are all gone
	spine    string          // a switch of the fabric
	stranger string          // a switch far from the victim that will announce it
	incast   string          // who overloads the victim: hosts of different racks, none of its own
}

var matrixNets = []*matrixNet{
	{
		name: "leaf-spine", topology: "leaf_spine: {leaves: 4, spines: 2, hosts_per_leaf: 4}", rack: "leaf1", last: 7,
		fabric: "[leaf1, spine0]", other: "[leaf0, spine1]", spine: "spine0", stranger: "leaf3", incast: "[h1, h8, h12]",
	},
	{
		name: "fat-tree", topology: "fat_tree: {k: 4}", rack: "edge1-0", last: 5,
		fabric: "[edge1-0, agg1-0]", other: "[edge0-0, agg0-1]", spine: "core0", stranger: "edge3-1", incast: "[h1, h8, h12]",
	},
}

// matrixVictim is the host that faults of one host strike, in a rack whose first host is
// matrixRack.
const (
	matrixVictim         = "h5"
	victimID, matrixRack = model.ProcessID(5), model.ProcessID(4)
)

// A matrixFault is a column: what goes wrong, at a random time after matrixStrikes, for
// matrixLasts.
type matrixFault struct {
	name    string
	group   string // of columns that make one table
	faults  func(n *matrixNet) []string
	traffic func(n *matrixNet) string // instead of a fault
}

// one is a fault by its name and parameters.
func one(text string) func(*matrixNet) []string {
	return func(*matrixNet) []string { return []string{text} }
}

var matrixFaults = []*matrixFault{
	{name: "process crash", group: "hosts", faults: one("process-crash, process: " + matrixVictim)},
	{name: "OS crash", group: "hosts", faults: one("host-crash, host: " + matrixVictim + ", layer: system")},
	{name: "machine", group: "hosts", faults: one("host-crash, host: " + matrixVictim + ", layer: machine")},
	{name: "pause", group: "hosts", faults: one("pause, process: " + matrixVictim)},
	{name: "wedge", group: "hosts", faults: one("wedge, process: " + matrixVictim)},
	{name: "slow host", group: "hosts", faults: one("host-slow, host: " + matrixVictim + ", each: 20ms")},
	{name: "access link", group: "links", faults: func(n *matrixNet) []string {
		return []string{fmt.Sprintf("link-down, link: [%s, %s]", matrixVictim, n.rack)}
	}},
	{name: "fabric link", group: "links", faults: func(n *matrixNet) []string { return []string{"link-down, link: " + n.fabric} }},
	{name: "two links", group: "links", faults: func(n *matrixNet) []string {
		return []string{"link-down, link: " + n.fabric, "link-down, link: " + n.other}
	}},
	{name: "one-way link", group: "links", faults: func(n *matrixNet) []string {
		return []string{fmt.Sprintf("link-one-way, link: %s, direction: %s", n.fabric, n.rack)}
	}},
	{name: "NIC receives nothing", group: "links", faults: one("nic-one-way, host: " + matrixVictim + ", direction: in")},
	{name: "flapping link", group: "links", faults: func(n *matrixNet) []string {
		return []string{fmt.Sprintf("link-flapping, link: %s, down: 100ms, up: 200ms", n.fabric)}
	}},
	{name: "corrupting link", group: "links", faults: func(n *matrixNet) []string {
		return []string{fmt.Sprintf("corruption, link: [%s, %s], probability: 30%%", matrixVictim, n.rack)}
	}},
	{name: "spine crash", group: "switches and cuts", faults: func(n *matrixNet) []string { return []string{"switch-crash, switch: " + n.spine} }},
	{name: "ToR crash", group: "switches and cuts", faults: func(n *matrixNet) []string { return []string{"switch-crash, switch: " + n.rack} }},
	{name: "rack cut off", group: "switches and cuts", faults: func(n *matrixNet) []string { return []string{"partition-subtree, below: " + n.rack} }},
	{name: "one-way cut", group: "switches and cuts", faults: func(n *matrixNet) []string {
		return []string{fmt.Sprintf("partition-subtree, below: %s, lost: out", n.rack)}
	}},
	{name: "partial partition", group: "rules, routes and load", faults: one("partition-partial, from: [h1, h3], to: [" + matrixVictim + "]")},
	{name: "rule for a class", group: "rules, routes and load", faults: one("rule-drop, to: " + matrixVictim + ", priority: 0")},
	{name: "false origin", group: "rules, routes and load", faults: func(n *matrixNet) []string {
		return []string{fmt.Sprintf("misorigination, switch: %s, host: %s", n.stranger, matrixVictim)}
	}},
	{name: "incast", group: "rules, routes and load", traffic: func(n *matrixNet) string {
		return fmt.Sprintf("{use: on-off, from: %s, to: %s, rate: 50Mbps, on: %v, off: 1h, phase: \"uniform(%v, %v)\", packet: 1460B, priority: 0}",
			n.incast, matrixVictim, matrixLasts, matrixStrikes, matrixStrikes+matrixSpread)
	}},
	{name: noFault, group: "rules, routes and load"},
}

// noFault is the column of runs in which nothing goes wrong.
const noFault = "no fault"

// When things happen in a run.
const (
	matrixWarmUp  = model.Second
	matrixStrikes = 1500 * model.Millisecond // and up to matrixSpread later
	matrixSpread  = 100 * model.Millisecond
	matrixLasts   = 2 * model.Second
	matrixHeals   = matrixStrikes + matrixLasts // and up to matrixSpread later
	matrixEnd     = 4500 * model.Millisecond
)

// What the typed folds are told: an episode is judged after matrixWithin, and a failure may
// be reported up to matrixStale after its end.
const (
	matrixWithin = 1500 * model.Millisecond
	matrixStale  = 500 * model.Millisecond
)

// A matrixArm is detectors that run together, on the same packets: without others, so that
// the paths of the ground truth are those of their own messages.
type matrixArm struct {
	uses  []string // each as in a scenario
	watch string
	acts  bool // it kills or isolates, and changes the truth
}

// name returns the name of the first detector.
func (a *matrixArm) name() string { return a.names()[0] }

// names returns the names of the detectors.
func (a *matrixArm) names() (names []string) {
	for _, use := range a.uses {
		name, _, _ := strings.Cut(use, ",")
		names = append(names, name)
	}
	return names
}

// What detectors are run with: all ask or speak each 100 ms, and time-outs are of 350 ms,
// unless the algorithm has a period of its own.
const (
	matrixHosts        = "host-informed poll=100ms"
	matrixRouters      = "link-state poll=100ms convergence=500ms queue=12500"
	matrixDifferential = "differential eta=100ms convergence=500ms"
)

var matrixArms = []*matrixArm{
	{uses: []string{
		"timeout, eta: 100ms, timeout: 350ms",
		"phi, eta: 100ms, deviation: 40ms",
		"nfd-e, eta: 100ms, alpha: 250ms",
		"bertier, eta: 100ms, var: 50ms",
	}},
	{uses: []string{"swim, period: 100ms, timeout: 40ms, suspicion: 200ms"}},
	{uses: []string{"zookeeper, tick: 100ms, timeout: 300ms"}},
	{uses: []string{"untyped-crash, base: timeout eta=100ms timeout=350ms"}},
	{uses: []string{"untyped-partition, base: timeout eta=100ms timeout=350ms"}},
	{uses: []string{"falcon, probe: 100ms, response: 350ms"}, acts: true},
	{uses: []string{"pigeon, eta: 100ms, timeout: 1s, convergence: 500ms"}},
	{uses: []string{"albatross, eta: 100ms, timeout: 350ms"}, watch: "all", acts: true},
	{uses: []string{asUse(matrixRouters)}},
	{uses: []string{asUse(matrixHosts)}},
	{uses: []string{asUse(matrixDifferential)}},
	{uses: []string{"badabing"}},
	{uses: []string{fmt.Sprintf("merger, parts: %s -- %s -- %s", matrixHosts, matrixRouters, matrixDifferential)}},
}

// asUse writes a detector with its parameters, as another one takes it for a part, as
// scenarios have it.
func asUse(part string) string {
	words := strings.Fields(part)
	for i, w := range words[1:] {
		words[i+1] = strings.Replace(w, "=", ": ", 1)
	}
	return strings.Join(words, ", ")
}

// detectors returns the list of detectors of the arm, as scenarios have it.
func (a *matrixArm) detectors() string {
	list := make([]string, len(a.uses))
	for i, use := range a.uses {
		list[i] = "{use: " + use + "}"
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// watches returns whom each process watches.
func (a *matrixArm) watches() string {
	if a.watch != "" {
		return a.watch
	}
	return "{successors: 5}"
}

// matrixBase is what all scenarios share. The network is slow, as traffic is cheap then: a
// frame of 1518 bytes takes 0.12 ms. Packets are marked, and queues are crowded to the
// link-state detector, where as much waits as takes the 1 ms that the truth allows. Marks
// at 20 packets, as usual, would tell of queues of 20 small probes that left together.
const matrixBase = `network:
  framing: ethernet
  topology: {%s}
  edge: {rate: 100Mbps, delay: 1us, buffer: 100packets}
routing:
  use: link-state
  carrier: 10ms
  hello: 1s
  dead: 4s
  bfd: {interval: 50ms, multiplier: 3}
  retransmit: 200ms
  lsa: {interval: 50ms, arrival: 20ms}
  spf: {delay: 150ms, hold: 150ms}
  fib: {base: 50ms, per_host: 1ms}
evidence: {agents: true, resets: true, obituaries: true, errors: 50, mark: 12500B, queues: 100ms}
monitor: {watch: %s, priority: 0, message_size: 64B}
truth: {pairs: monitored, classes: [0], routes: {changes: 4, within: 2s}}
`

// text returns the scenario of a cell.
func (n *matrixNet) text(f *matrixFault, a *matrixArm, seed uint64, replications int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "name: kind-matrix-%s\nseed: %d\nduration: %v\nwarmup: %v\nreplications: %d\n", n.file(f), seed, matrixEnd, matrixWarmUp, replications)
	fmt.Fprintf(&b, matrixBase, n.topology, a.watches())
	b.WriteString("traffic:\n  - {use: poisson, from: all, to: random, load: 10%, packet: 1460B, priority: 0}\n")
	if f.traffic != nil {
		fmt.Fprintf(&b, "  - %s\n", f.traffic(n))
	}
	if f.faults != nil {
		b.WriteString("faults:\n")
		for _, x := range f.faults(n) {
			fmt.Fprintf(&b, "  - {use: %s, at: \"uniform(%v, %v)\", for: %v}\n", x, matrixStrikes, matrixStrikes+matrixSpread, matrixLasts)
		}
	}
	fmt.Fprintf(&b, "properties: []\ndetectors: %s\n", a.detectors())
	return b.String()
}

// file returns the name of the scenario of a cell, without a suffix.
func (n *matrixNet) file(f *matrixFault) string {
	return n.name + "-" + strings.ToLower(strings.ReplaceAll(f.name, " ", "-"))
}

// scenario returns the scenario of a cell.
func (n *matrixNet) scenario(f *matrixFault, a *matrixArm, seed uint64, replications int) (*scenario.Scenario, error) {
	name := n.file(f)
	s, err := scenario.Parse(name+".yaml", []byte(n.text(f, a, seed, replications)), nil)
	if err != nil {
		return nil, fmt.Errorf("the scenario %s: %w", name, err)
	}
	return s, nil
}
