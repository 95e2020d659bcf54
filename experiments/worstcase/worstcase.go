package worstcase

import (
	"fmt"

	"suspect/model"
)

// Options say how long to look. The same options give the same result on every machine.
type Options struct {
	Seed uint64

	// Events is about how many events all the runs of a search take together, or of
	// the shrinking of a counterexample; 0 takes [DefaultEvents].
	Events uint64
}

// DefaultEvents takes about a second on one processor.
const DefaultEvents = 2_000_000

// Send is one packet of a schedule.
type Send struct {
	At       model.Time `json:"at_ps"`
	From     string     `json:"from"`
	To       string     `json:"to"`
	Packet   int32      `json:"packet_bytes"` // its payload
	Priority int        `json:"priority"`
	// Limiter is the limiter that it passes, as scenarios name it: shared, own or none.
	// Where its priority is no level there is none in any case.
	Limiter string `json:"limiter"`
}

// Phase is when the fixed windows of a host begin.
type Phase struct {
	Host     string         `json:"host"`
	Priority int            `json:"priority"`
	Phase    model.Duration `json:"phase_ps"`
}

// Worst is the worst schedule that was found for one level.
type Worst struct {
	Priority int    `json:"priority"`
	Receiver string `json:"receiver"` // of all packets of levels
	// Delay is the longest from the release by the limiter to the last bit at the
	// receiver. It is attained: a lower bound on the worst case.
	Delay model.Duration `json:"delay_ps"`
	// Bound is the proved bound of the level, Ratio is Delay over it.
	Bound model.Duration `json:"bound_ps"`
	Ratio float64        `json:"ratio"`
	// Evaluations counts the schedules that were run, Events what happened in them.
	Evaluations int     `json:"evaluations"`
	Events      uint64  `json:"events"`
	Phases      []Phase `json:"phases"` // of fixed windows, else none
	Sends       []Send  `json:"sends"`  // in the order in which they happen
	// Notes say what of the scenario was left out.
	Notes []string `json:"notes"`
	// Refused says why there was no search. Then all but Priority and Bound is empty.
	Refused string `json:"refused,omitempty"`

	text []byte
}

// Scenario returns the schedule as the text of a scenario file, in which the longest
// latency of the level is Delay; nil where there was no search.
func (w *Worst) Scenario() []byte { return w.text }

// File returns the usual name of the scenario's file.
func (w *Worst) File() string { return fmt.Sprintf("adversary-%d.yaml", w.Priority) }

// Counterexample is a schedule of few packets in which a packet of a level is later than
// the bound.
type Counterexample struct {
	Priority int            `json:"priority"`
	Bound    model.Duration `json:"bound_ps"`
	// Delay is that of the late packet, which is number Late of Sends (from 0).
	Delay model.Duration `json:"delay_ps"`
	// Hosts is how many hosts there are. Where the bound is one that is proved, the network
	// is a star that is as small as possible, and the bound that of the star.
	Hosts int `json:"hosts"`
	Late  int `json:"late"`
	// Before counts the packets of the stretch of the run from which the schedule comes,
	// Runs the schedules that were tried.
	Before int `json:"before"`
	Runs   int `json:"runs"`
	// Minimal tells that none of the packets can be left out. It is false where the
	// shrinking was ended by Options.Events.
	Minimal bool `json:"minimal"`
	// Text says in a few sentences what happens.
	Text   string  `json:"text"`
	Phases []Phase `json:"phases"`
	Sends  []Send  `json:"sends"` // in the order in which they happen

	text []byte
}

// Scenario returns the schedule as the text of a scenario file, in which the property
// latency-bound is violated.
func (c *Counterexample) Scenario() []byte { return c.text }

// File returns the usual name of the scenario's file.
func (c *Counterexample) File() string { return fmt.Sprintf("counterexample-%d.yaml", c.Priority) }
