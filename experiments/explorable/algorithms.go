package explorable

import (
	"fmt"
	"strings"

	"suspect/detectors"
	"suspect/detectors/agreement"
	"suspect/detectors/ideal"
	"suspect/model"
	"suspect/properties/explore"
)

const chandraToueg = `Chandra, Toueg, "Unreliable failure detectors for reliable distributed systems", Journal of the ACM 43(2), 1996`

// algorithms are what can be explored beside detectors.
var algorithms = []Spec{
	{
		Name: "atomic-broadcast", Source: chandraToueg + ", section 7", Processes: 2, Crashes: 1,
		Doc:    "Atomic broadcast by instances of consensus with <>S: all deliver the same messages in the same order.",
		Params: []model.Param{lies("arbitrary"), rounds, messages},
		open:   openAtomic,
	},
	{
		Name: "consensus-eventually-s", Source: chandraToueg + ", section 6.2", Processes: 3, Crashes: 1,
		Doc:    "Consensus with <>S and rotating coordinators: while a majority is correct all decide, and none ever differently.",
		Params: []model.Param{lies("arbitrary"), rounds},
		open:   openConsensus(agreement.WithEventuallyS, false),
	},
	{
		Name: "consensus-omega", Source: `Lamport, "The part-time parliament", ACM Transactions on Computer Systems 16(2), 1998`, Processes: 2, Crashes: 1,
		Doc:    "Consensus with a leader, which is Paxos: once there is one leader all decide, and none ever differently.",
		Params: []model.Param{leaders, rounds},
		open:   openConsensus(agreement.WithOmega, true),
	},
	{
		Name: "consensus-s", Source: chandraToueg + ", section 6.1", Processes: 3, Crashes: 1,
		Doc:    "Consensus with S: all decide the same though all but one crash, as long as somebody is never suspected.",
		Params: []model.Param{lies("S")},
		open:   openConsensus(agreement.WithS, false),
	},
	{
		Name: "reliable-broadcast", Source: chandraToueg + ", section 4", Processes: 3, Crashes: 1,
		Doc:    "Reliable broadcast: a message that a correct process delivers all correct ones deliver.",
		Params: []model.Param{messages},
		open:   openBroadcast(agreement.NewReliable),
	},
	{
		Name: "uniform-broadcast", Source: `Cachin, Guerraoui, Rodrigues, "Introduction to reliable and secure distributed programming", 2011, majority-ack uniform reliable broadcast`, Processes: 3, Crashes: 1,
		Doc:    "Uniform reliable broadcast: a message that any process delivers all correct ones deliver, while a majority is correct.",
		Params: []model.Param{messages},
		open:   openBroadcast(agreement.NewUniform),
	},
}

// period is how often oracles choose anew, on their clocks.
const period = model.Second

var (
	rounds   = model.Param{Name: "rounds", Type: model.CountParam, Default: "1", Doc: "rounds, or own ballots, that a process begins at most, so that the graph is finite"}
	messages = model.Param{Name: "messages", Type: model.CountParam, Default: "1", Doc: "messages that are broadcast, each by another process as far as there are so many"}
	leaders  = model.Param{Name: "detector", Type: model.TextParam, Default: "arbitrary", Doc: "arbitrary, or Omega"}
	lie      = model.Param{Name: "lies", Type: model.CountParam, Default: "1", Doc: "how often an oracle of a class chooses freely before it is bound by what holds eventually"}
)

func lies(detector string) model.Param {
	return model.Param{Name: "detector", Type: model.TextParam, Default: detector,
		Doc: "what the processes know of each other: arbitrary, or an oracle of a class: P, S, <>P, <>S, Q, W, <>Q or <>W"}
}

func init() {
	for i := range algorithms {
		for _, p := range algorithms[i].Params {
			if p.Name == "detector" {
				algorithms[i].Params = append(algorithms[i].Params, lie)
				break
			}
		}
	}
}

// oracle returns what makes the detectors, and arranges the environment: an oracle that is
// in a class is told of crashes, and the process of which the class says that it is correct
// does not crash. It tells whether there is a class.
func oracle(p model.Params, n int, leader bool, c *explore.Interleaved) (make func(env detectors.Env) (model.Automaton, error), bound bool, err error) {
	c.Timers = true
	wrong := func(format string, args ...any) error {
		return &model.ParamError{Name: "detector", Err: fmt.Errorf(format, args...)}
	}
	name := p.Text("detector")
	switch {
	case name == "arbitrary" && leader:
		return func(env detectors.Env) (model.Automaton, error) { return ideal.NewArbitraryLeader(env, period) }, false, nil
	case name == "arbitrary":
		return func(env detectors.Env) (model.Automaton, error) { return ideal.NewArbitrary(env, period) }, false, nil
	}
	plan := ideal.NewPlan(model.NewFailurePattern(n), model.Time(model.Duration(p.Count("lies"))*period), period)
	c.Informs = true
	if leader {
		if name != "Omega" {
			return nil, false, wrong("%q: arbitrary or Omega", name)
		}
		c.Spared = 1 << plan.Chosen
		return func(env detectors.Env) (model.Automaton, error) { return ideal.NewOmega(env, plan) }, true, nil
	}
	for _, class := range model.Classes() {
		if class.String() != name {
			continue
		}
		if a := class.Accuracy(); a == model.WeakAccuracy || a == model.EventualWeakAccuracy {
			c.Spared |= 1 << plan.Chosen
		}
		if class.Completeness() == model.WeakCompleteness {
			c.Spared |= 1 << plan.Watcher
		}
		return func(env detectors.Env) (model.Automaton, error) { return ideal.New(class, env, plan) }, true, nil
	}
	return nil, false, wrong("%q: arbitrary, or a class: P, S, <>P, <>S, Q, W, <>Q or <>W", name)
}

func openConsensus(a agreement.Algorithm, leader bool) func(model.Params, Environment, *explore.Interleaved) ([]explore.Property, int, error) {
	return func(p model.Params, e Environment, c *explore.Interleaved) ([]explore.Property, int, error) {
		makeOracle, bound, err := oracle(p, e.Processes, leader, c)
		if err != nil {
			return nil, 0, err
		}
		var o agreement.Options
		if a.String() != agreement.WithS.String() {
			o.Rounds = int(p.Count("rounds"))
		}
		c.New = func(q model.ProcessID) (model.Automaton, error) {
			env := everybody(q, e.Processes)
			d, err := makeOracle(env)
			if err != nil {
				return nil, err
			}
			return agreement.NewConsensus(env, a, d, 10+int64(q), o)
		}
		props := []explore.Property{Agreement(), UniformAgreement(), Validity(), Integrity()}
		use := len(props)
		props = append(props, Termination())
		if bound && !e.Reduce && a.String() == agreement.WithS.String() {
			use++ // with the others a process may need more rounds than it has
		}
		return props, use, nil
	}
}

func submissions(p model.Params, self model.ProcessID, n int) agreement.Submissions {
	var s agreement.Submissions
	for k := range p.Count("messages") {
		if model.ProcessID(k%int64(n)) == self {
			s.Values = append(s.Values, 100+k)
		}
	}
	return s
}

func openBroadcast(make func(detectors.Env, agreement.Submissions) (model.Automaton, error)) func(model.Params, Environment, *explore.Interleaved) ([]explore.Property, int, error) {
	return func(p model.Params, e Environment, c *explore.Interleaved) ([]explore.Property, int, error) {
		c.New = func(q model.ProcessID) (model.Automaton, error) {
			return make(everybody(q, e.Processes), submissions(p, q, e.Processes))
		}
		props := []explore.Property{NoDuplication(), NoCreation()}
		if e.Reduce {
			return props, len(props), nil
		}
		props = append(props, BroadcastAgreement(), BroadcastValidity(), UniformBroadcastAgreement())
		use := len(props)
		return props, use, nil
	}
}

func openAtomic(p model.Params, e Environment, c *explore.Interleaved) ([]explore.Property, int, error) {
	makeOracle, _, err := oracle(p, e.Processes, false, c)
	if err != nil {
		return nil, 0, err
	}
	c.New = func(q model.ProcessID) (model.Automaton, error) {
		env := everybody(q, e.Processes)
		d, err := makeOracle(env)
		if err != nil {
			return nil, err
		}
		return agreement.NewAtomic(env, agreement.WithEventuallyS, d, submissions(p, q, e.Processes), agreement.Options{Rounds: int(p.Count("rounds"))})
	}
	props := []explore.Property{TotalOrder(), NoDuplication(), NoCreation()}
	return props, len(props), nil
}

// pick returns the announcements of a kind that process p has made.
func pick(v *explore.View, p int, kind model.AnnouncementKind) (all []model.Announcement) {
	for _, a := range v.Said(p) {
		if a.Kind == kind {
			all = append(all, a)
		}
	}
	return all
}

// Agreement: no two processes that are up have decided differently.
func Agreement() explore.Property {
	return explore.Always("agreement", func(v *explore.View) bool { return agree(v, true) })
}

// UniformAgreement: no two processes have, whether they have crashed since or not.
func UniformAgreement() explore.Property {
	return explore.Always("uniform-agreement", func(v *explore.View) bool { return agree(v, false) })
}

func agree(v *explore.View, up bool) bool {
	decided, first := false, int64(0)
	for p := range v.N {
		if up && !v.Alive(p) {
			continue
		}
		for _, a := range pick(v, p, model.Decided) {
			if decided && a.Value != first {
				return false
			}
			decided, first = true, a.Value
		}
	}
	return true
}

// Validity: what is decided was proposed.
func Validity() explore.Property {
	return explore.Always("validity", func(v *explore.View) bool {
		for p := range v.N {
			for _, a := range pick(v, p, model.Decided) {
				// What a process proposes is known; that it has done so may be lost with a crash
				// in its first step.
				if a.Value < 10 || a.Value >= 10+int64(v.N) {
					return false
				}
			}
		}
		return true
	})
}

// Integrity: nobody decides twice.
func Integrity() explore.Property {
	return explore.Always("integrity", func(v *explore.View) bool {
		for p := range v.N {
			if len(pick(v, p, model.Decided)) > 1 {
				return false
			}
		}
		return true
	})
}

// Termination: every process that does not crash decides.
func Termination() explore.Property {
	return explore.EventuallyAlways("termination", explore.EveryoneSteps, func(v *explore.View) bool {
		for p := range v.N {
			if v.Alive(p) && len(pick(v, p, model.Decided)) == 0 {
				return false
			}
		}
		return true
	})
}

// handed tells whether process p has delivered a message.
func handed(v *explore.View, p int, m model.Announcement) bool {
	for _, a := range pick(v, p, model.Handed) {
		if a.Peer == m.Peer && a.Seq == m.Seq && a.Value == m.Value {
			return true
		}
	}
	return false
}

// NoDuplication: nobody delivers a message twice.
func NoDuplication() explore.Property {
	return explore.Always("no-duplication", func(v *explore.View) bool {
		for p := range v.N {
			all := pick(v, p, model.Handed)
			for i, a := range all {
				for _, b := range all[:i] {
					if a.Peer == b.Peer && a.Seq == b.Seq {
						return false
					}
				}
			}
		}
		return true
	})
}

// NoCreation: what is delivered is a message that its origin was to broadcast.
func NoCreation() explore.Property {
	return explore.Always("no-creation", func(v *explore.View) bool {
		for p := range v.N {
			for _, a := range pick(v, p, model.Handed) {
				if k := a.Value - 100; k < 0 || k%int64(v.N) != int64(a.Peer) || k/int64(v.N) != a.Seq {
					return false
				}
			}
		}
		return true
	})
}

// BroadcastAgreement: what a process that does not crash delivers all that do not crash
// deliver.
func BroadcastAgreement() explore.Property {
	return explore.EventuallyAlways("agreement", explore.EveryoneSteps, func(v *explore.View) bool { return delivered(v, true) })
}

// UniformBroadcastAgreement: what any process delivers they deliver.
func UniformBroadcastAgreement() explore.Property {
	return explore.EventuallyAlways("uniform-agreement", explore.EveryoneSteps, func(v *explore.View) bool { return delivered(v, false) })
}

func delivered(v *explore.View, up bool) bool {
	for p := range v.N {
		if up && !v.Alive(p) {
			continue
		}
		for _, m := range pick(v, p, model.Handed) {
			for q := range v.N {
				if v.Alive(q) && !handed(v, q, m) {
					return false
				}
			}
		}
	}
	return true
}

// BroadcastValidity: what a process that does not crash broadcasts it delivers.
func BroadcastValidity() explore.Property {
	return explore.EventuallyAlways("validity", explore.EveryoneSteps, func(v *explore.View) bool {
		for p := range v.N {
			if !v.Alive(p) {
				continue
			}
			for _, m := range pick(v, p, model.Broadcast) {
				if !handed(v, p, m) {
					return false
				}
			}
		}
		return true
	})
}

// TotalOrder: of what two processes have delivered, one list is the beginning of the other.
func TotalOrder() explore.Property {
	return explore.Always("total-order", func(v *explore.View) bool {
		for p := range v.N {
			a := pick(v, p, model.Handed)
			for q := range p {
				b := pick(v, q, model.Handed)
				for i := range min(len(a), len(b)) {
					if a[i].Peer != b[i].Peer || a[i].Seq != b[i].Seq || a[i].Value != b[i].Value {
						return false
					}
				}
			}
		}
		return true
	})
}

// Names returns the names of properties, for messages.
func Names(props []explore.Property) string {
	var all []string
	for _, p := range props {
		all = append(all, p.Name)
	}
	return strings.Join(all, ", ")
}
