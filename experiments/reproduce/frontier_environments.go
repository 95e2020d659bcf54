package reproduce

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"strings"

	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// environment is a network with its troubles in which detectors are compared.
type environment struct {
	name, about string
	text        string                   // of the scenario
	eta         model.Duration           // period of heartbeats
	warmUp      model.Duration           // in which detectors learn, and those with sessions begin them
	patience    model.Duration           // from the last crash to the end
	panels      int                      // of messages that are sent side by side
	prepare     func(*scenario.Scenario) // nil, or what a scenario's text cannot say
	check       func(*surroundings, *Document, *frontierPlan) error
	closedForm  bool // of NFD-S
}

//go:embed frontier
var environmentFiles embed.FS

var environments = []*environment{
	{name: "trace", about: "links with recorded delays", eta: 20 * model.Millisecond},
	{name: "exponential", about: "exponential delays of 5 ms, 2% loss", eta: 20 * model.Millisecond, closedForm: true, check: checkClosedForm},
	{name: "bursty", about: "losses in bursts, and stalls", eta: 20 * model.Millisecond, prepare: addBursts},
	{name: "congested", about: "leaf-spine with web search in the same class", eta: 10 * model.Millisecond},
	{name: "qjump", about: "the same leaf-spine, in a class of QJUMP", eta: 10 * model.Millisecond, check: checkGuaranteed},
}

// environmentText returns the network of an environment.
func environmentText(name string) string {
	text, err := environmentFiles.ReadFile("frontier/" + name + ".yaml")
	if err != nil {
		panic(err)
	}
	return string(text)
}

// quiet returns an environment with the same periods and no troubles.
func (e *environment) quiet() *environment {
	return &environment{name: "quiet", text: environmentText("quiet"), eta: e.eta, warmUp: e.warmUp, patience: e.patience}
}

func init() {
	for _, e := range environments {
		e.text = environmentText(e.name)
		e.warmUp, e.patience, e.panels = 3*model.Second, 100*e.eta, 16
		if e.name == "qjump" {
			e.panels = 6 // as they share a limiter
		}
	}
}

// environmentNames returns the names of all environments.
func environmentNames() string {
	var names []string
	for _, e := range environments {
		names = append(names, e.name)
	}
	return strings.Join(names, " ")
}

// The bursts: a Gilbert-Elliott channel (Gilbert 1960, Elliott 1963) with a state for
// each slot, whatever is sent in it. A bad slot loses all or, with the rest of the
// probability, nothing; so does a good one. Delays are drawn for each slot, too.
const (
	burstSlot  = 5 * model.Millisecond
	goodToBad  = 0.004 // 1.25 s between bursts in the mean
	badToGood  = 0.05  // 100 ms
	lossInBad  = 0.8
	lossInGood = 0.001
	leastDelay = 200 * model.Microsecond
	meanExcess = model.Millisecond
)

// addBursts puts bursts on the links to the hosts, other ones on each and in each
// replication, and the same for all settings.
func addBursts(s *scenario.Scenario) {
	t := &s.Network.Topology
	for i := range t.Links {
		l := &t.Links[i]
		host := t.Names[l.A] // a star lists its hosts first
		n := (s.Duration + burstSlot - 1) / burstSlot
		sum := sha256.Sum256(fmt.Appendf(nil, "bursts %d %s %d", s.Seed, host, n))
		r, err := network.NewRecording("bursts-"+host, hex.EncodeToString(sum[:]), burstSlots(s.Seed, host, int(n)), n*burstSlot)
		if err != nil {
			panic(fmt.Sprintf("reproduce: %v", err))
		}
		l.BtoA.Replay = network.Replay{Recording: r}
	}
}

// burstSlots returns what is met in the slots of the link to a host.
func burstSlots(seed uint64, host string, n int) []network.Probe {
	random := sim.NewStream(seed, "bursts/"+host)
	slots := make([]network.Probe, n)
	bad := random.Chance(goodToBad / (goodToBad + badToGood))
	for i := range slots {
		slots[i] = network.Probe{At: model.Duration(i) * burstSlot, Delay: leastDelay + random.Exponential(meanExcess)}
		loss, change := lossInGood, goodToBad
		if bad {
			loss, change = lossInBad, badToGood
		}
		if random.Chance(loss) {
			slots[i].Delay = network.Lost
		}
		if random.Chance(change) {
			bad = !bad
		}
	}
	return slots
}
