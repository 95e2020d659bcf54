package reproduce

import (
	"context"
	"fmt"
	"strings"

	"suspect/detectors"
	runner "suspect/experiments/run"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/properties"
)

// mayName returns the kinds of failure that a detector may name, and nil if it does not
// tell kinds apart.
func mayName(detector string) []model.FailureKind {
	spec, ok := detectors.Lookup(detector)
	if !ok {
		panic(fmt.Sprintf("reproduce: no detector %q", detector))
	}
	return spec.Kinds
}

// A leakRun is a run in which every link and every switch of a network fails once, and what
// the reports of one detector, at one granularity, tell those who hear them all.
type leakRun struct {
	net    *matrixNet
	use    string
	report string // granularity; empty where there is but one
	leaked properties.Leaked
}

// reportLevels are the granularities of reports, from the coarsest on.
var reportLevels = []string{"kind", "place", "full"}

// How long an element is broken in a leakRun, and after how long the next one breaks.
const (
	leakLasts = model.Second
	leakEvery = 2500 * model.Millisecond
)

// planLeaks returns the runs of all detectors. Falcon would change the topology by what it
// kills, so it only tells whom it would; Albatross soon takes back what it isolates.
func planLeaks(net *matrixNet, arms []*matrixArm) (runs []*leakRun) {
	for _, a := range arms {
		for i, use := range a.uses {
			name := a.names()[i]
			switch {
			case name == "falcon":
				use += ", lethal: false"
			case name == "albatross":
				use += ", rejoin: 200ms"
			}
			switch {
			case mayName(name) != nil:
				for _, level := range reportLevels {
					runs = append(runs, &leakRun{net: net, use: use, report: level})
				}
			case i == 0:
				runs = append(runs, &leakRun{net: net, use: use})
			}
		}
	}
	return runs
}

func (l *leakRun) name() string {
	name, _, _ := strings.Cut(l.use, ",")
	return name
}

func (l *leakRun) String() string {
	return fmt.Sprintf("%s: what %s leaks, %s", l.net.name, l.name(), l.report)
}

// text returns the scenario. Nothing but the failures is random.
func (l *leakRun) text(seed uint64) (string, error) {
	a := matrixArm{uses: []string{l.use}}
	if l.name() == "albatross" {
		a.watch = "all"
	}
	if l.report != "" {
		a.uses[0] += ", report: " + l.report
	}
	base := fmt.Sprintf(matrixBase, l.net.topology, a.watches())
	base = base[:strings.Index(base, "truth:")]
	// The names of links and switches are those of the topology.
	bare, err := scenario.Parse("leak.yaml", fmt.Appendf(nil, "name: leak\nduration: 1s\n%sdetectors: []\n", base), nil)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	t := &bare.Network.Topology
	at := model.Second
	strike := func(format string, args ...any) {
		fmt.Fprintf(&b, "  - {use: "+format+", at: %v, for: %v}\n", append(args, at, leakLasts)...)
		at += leakEvery
	}
	for _, x := range t.Links {
		strike("link-down, link: [%s, %s]", t.Names[x.A], t.Names[x.B])
	}
	for _, name := range t.Names[t.Hosts:] {
		strike("switch-crash, switch: %s", name)
	}
	return fmt.Sprintf("name: leak\nseed: %d\nduration: %v\n%sproperties: []\nfaults:\n%sdetectors: %s\n", seed, at, base, b.String(), a.detectors()), nil
}

// measure runs it.
func (l *leakRun) measure(ctx context.Context, seed uint64) error {
	text, err := l.text(seed)
	if err != nil {
		return err
	}
	s, err := scenario.Parse("leak.yaml", []byte(text), nil)
	if err != nil {
		return err
	}
	leak := properties.NewLeak(0)
	_, err = runner.Again(ctx, s, 0, leak.Kinds(), func(r *model.Record) bool {
		leak.Observe(r)
		return true
	})
	l.leaked = leak.Finish()
	return err
}
