package scenario

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"slices"

	"suspect/detectors"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
	"suspect/sim"
)

// Scenario is the plan of a run: everything is there, checked, and in range.
type Scenario struct {
	Name  string
	About string // text that opens the report

	Seed     uint64
	Duration model.Duration // of one replication
	WarmUp   model.Duration // below Duration; what happens before is not counted

	Limits       Limits
	Replications Replications
	Judge        Judge
	Network      network.Config
	Clocks       Clocks
	Monitor      Monitor
	QJump        *QJump // nil without levels
	Detectors    []Detector
	Traffic      []network.Traffic
	Faults       []Fault
	Generators   []Generator

	Truth *Truth // nil if it is not told

	// Properties are checked of every detector, NetworkProperties once.
	Properties        []Property
	NetworkProperties []Property

	// Expect are the outcomes on which the exit code depends.
	Expect []Expectation

	Source []byte // the text that was read
	Path   string // of the file that was read

	layout layout
}

// Limits are budgets of one replication; 0 sets none.
type Limits struct {
	Events uint64
	Wall   model.Duration // wall-clock time
	Memory int64          // bytes
}

// Replications tells how often to run. Without Until, AtLeast and AtMost are the
// same.
type Replications struct {
	AtLeast, AtMost int
	Until           *Until
}

// Until stops replications when half the width of the 95% confidence interval of
// the mean of a measure is at most Relative of the mean.
type Until struct {
	Measure  string // one of [Measures]
	Detector int    // index in Detectors
	Relative float64
}

// The measures that replications can be made precise in, each a mean over the
// watched pairs of a replication (Chen, Toueg and Aguilera 2002, section 2).
const (
	DetectionTime   = "detection-time"   // T_D, from a crash to permanent suspicion
	MistakeRate     = "mistake-rate"     // lambda_M, wrong suspicions per time
	MistakeDuration = "mistake-duration" // T_M, length of a wrong suspicion
	QueryAccuracy   = "query-accuracy"   // P_A, share of time without a wrong suspicion
	MessageLatency  = "message-latency"  // from sending to delivery of messages
)

// Measures returns the names of all measures.
func Measures() []string {
	return []string{DetectionTime, MistakeRate, MistakeDuration, QueryAccuracy, MessageLatency}
}

// Judge turns "eventually" into bounded forms.
type Judge struct {
	DetectWithin   model.Duration // 0: no bound
	StableFrom     model.Time     // [model.Never]: no bound
	MistakesAtMost int            // -1: no bound
}

// Monitor tells who watches whom.
type Monitor struct {
	Watch    [][]model.ProcessID // for each process, increasing
	Priority model.Priority      // of messages
	Start    sim.Distribution    // when a process starts

	successors int64 // of the ring; 0: all watch all
}

// Detector is one detector that every process runs.
type Detector struct {
	Name   string
	Spec   detectors.Spec
	Params model.Params
}

// Fault is a fault with its times. It strikes first at At and lasts For, or for ever
// without HasFor. With HasEvery, which implies HasFor, it strikes again after each
// draw of Every. What it leaves to chance it draws once, or with Redraw at every strike.
type Fault struct {
	Spec           network.FaultSpec
	Params         model.Params
	At, For, Every sim.Distribution
	HasFor         bool
	HasEvery       bool
	Redraw         bool
	Stream         string // name of its random stream
}

// Generator is a source of faults.
type Generator struct {
	Name     string // no other has it; its random streams are named by it
	Spec     network.GeneratorSpec
	Params   model.Params
	Arrivals []network.Arrivals
}

// FaultKinds returns the kinds of faults that can strike, those of generators among them.
func (s *Scenario) FaultKinds() (kinds []network.FaultSpec) {
	for i := range s.Faults {
		kinds = append(kinds, s.Faults[i].Spec)
	}
	for i := range s.Generators {
		s.Generators[i].Strikes(func(kind network.FaultSpec) bool {
			kinds = append(kinds, kind)
			return false
		})
	}
	return kinds
}

// Strikes tells whether a kind of fault that the generator strikes with is of the given ones.
func (g *Generator) Strikes(is func(network.FaultSpec) bool) bool {
	return slices.ContainsFunc(g.Arrivals, func(a network.Arrivals) bool {
		kind, ok := network.LookupFault(a.Fault)
		return ok && is(kind)
	})
}

// Property is a property to check.
type Property struct {
	Name   string // no other has it; of a detector's it is the name of the Spec
	Spec   properties.Spec
	Params model.Params
}

// Expectation is an outcome that a property should have.
type Expectation struct {
	Property string // its name
	Detector int    // index in Detectors, or -1 for a property of the network
	Outcome  properties.Outcome
}

// Read reads the scenario of a file. Each entry of set, as
// "detectors[0].timeout=50ms", replaces or adds one value before anything is
// checked. The error is an [ErrorList] of everything that is wrong, or that of
// the file system.
func Read(path string, set []string) (*Scenario, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, text, set)
}

// readFile reads as much of a file as tells whether it is too large.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFileBytes+1))
}

// Parse is [Read] for a text at hand. The path names it in errors; files that the
// scenario refers to are looked for beside it.
func Parse(path string, text []byte, set []string) (*Scenario, error) {
	r := &reader{path: path}
	root := parseDocument(path, text, &r.problems)
	if root != nil {
		root = r.override(root, set)
	}
	if root == nil {
		return nil, r.err(path)
	}
	s := r.scenario(root)
	if err := r.err(path); err != nil {
		return nil, err
	}
	s.Source, s.Path = text, path
	return s, nil
}

// Hash returns the SHA-256 of the resolved scenario in hexadecimal digits.
func (s *Scenario) Hash() string {
	sum := sha256.Sum256(s.Resolved())
	return hex.EncodeToString(sum[:])
}

// Processes returns the number of processes, one on each host.
func (s *Scenario) Processes() int { return s.Network.Topology.Hosts }
