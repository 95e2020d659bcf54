package guarantee

import (
	"suspect/model"
	"suspect/network"
	"suspect/qjump"
)

// Report is what can be guaranteed about the latency of a scenario's QJUMP levels
// before anything is run, with all that the guarantee rests on. As JSON it is one
// stable document. Durations are whole picoseconds, sizes bytes on the wire.
type Report struct {
	// Scenario names what the report is about.
	Scenario string `json:"scenario"`
	// Hosts is n, Packet is P, Rate is R in bits per second: that of the slowest link, or
	// what the scenario says of it.
	Hosts  int   `json:"hosts"`
	Packet int32 `json:"packet_bytes"`
	Rate   int64 `json:"rate_bps"`
	// Epsilon is what the scenario's epochs are longer by.
	Epsilon model.Duration `json:"epsilon_ps"`
	// Semantics says what a factor means, Limiter how hosts limit, and Excess what
	// becomes of what they send too early.
	Semantics string `json:"semantics"`
	Limiter   string `json:"limiter"`
	Excess    string `json:"excess"`
	// Admission tells whether the levels fit a receiver's link together.
	Admission qjump.Admission `json:"admission"`
	// Assumptions are all that the guarantees need, each with what is known of it.
	Assumptions []Assumption `json:"assumptions"`
	// Levels are in decreasing priority.
	Levels []Level `json:"levels"`
	// Ports are the output ports that packets of a level can pass, the one with the
	// longest delay first for each level.
	Ports []Port `json:"ports"`
	// Flows are the pairs of hosts between which packets of a level go, those with
	// equal guarantees as one line; the longest delay first for each level.
	Flows []Flow `json:"flows"`
}

// Mark tells what is known of an assumption.
type Mark string

const (
	Given       Mark = "given"        // the user says so, and nothing here can tell
	Derived     Mark = "derived"      // it follows from the scenario
	NotModelled Mark = "not modelled" // the simulator has nothing that could break it; a real network may
	Broken      Mark = "BROKEN"       // the scenario breaks it: what needs it is withdrawn
)

// Assumption is something that guarantees need.
type Assumption struct {
	Text string `json:"text"`
	Mark Mark   `json:"mark"`
	// Why says from what it is derived, or what breaks it, with names and numbers.
	Why string `json:"why"`
	// Priorities are the levels that need it, in decreasing order.
	Priorities []int `json:"priorities"`
}

// Level is one level of QJUMP.
type Level struct {
	Priority int            `json:"priority"`
	Factor   int            `json:"factor"`
	Epoch    model.Duration `json:"epoch_ps"`
	Budget   int64          `json:"budget_packets"`
	Rate     float64        `json:"rate_bps"` // that the limiter of one host lets pass
	// Senders is the largest number of limiters whose packets can meet at one port.
	Senders int `json:"senders"`
	// Paper is the published figure, n*P/R + eps, where eps is all propagation and
	// processing on the longest way: no guarantee. It is 0 where that has no upper end.
	Paper model.Duration `json:"paper_ps"`
	// Bound is the least proved bound on the time from the release by the limiter to
	// the last bit at the receiver, over all flows of the level; nil where there is
	// no proof, and Refused says why.
	Bound   *Bound `json:"bound,omitempty"`
	Refused string `json:"refused,omitempty"`
	// Unused tells that nobody sends at the priority, so that there is nothing to bound.
	Unused bool `json:"unused,omitempty"`
	// Withdrawn names what the scenario breaks of the bound's assumptions. The bound
	// then says what would hold without the break, and is no guarantee.
	Withdrawn string `json:"withdrawn,omitempty"`
}

// Guaranteed tells whether the level's bound can be signed.
func (l *Level) Guaranteed() bool { return l.Bound != nil && l.Withdrawn == "" }

// Bound is a proved bound of a level, with its derivation.
type Bound struct {
	Delay   model.Duration `json:"delay_ps"`
	Status  string         `json:"status"` // exact or proved
	Method  string         `json:"method"`
	Formula string         `json:"formula"`
	Numbers string         `json:"numbers"` // the formula with numbers and units put in
	// Frame is the largest frame of a lower priority.
	Frame int32 `json:"frame_bytes"`
	// Backlog bounds what waits of the level at any port of a switch, HostBacklog
	// what waits at a host's.
	Backlog     int64 `json:"backlog_bytes"`
	HostBacklog int64 `json:"host_backlog_bytes"`
}

// Port is one output port as one level sees it.
type Port struct {
	From     string `json:"from"`
	To       string `json:"to"`
	Priority int    `json:"priority"`
	// Senders is the number of limiters whose packets can pass the port.
	Senders int `json:"senders"`
	// Jitter is by how much more than others a packet can be late before it comes
	// to the port.
	Jitter model.Duration `json:"jitter_ps"`
	// Delay bounds the time at the port, transmission included, Backlog what waits there.
	Delay   model.Duration `json:"delay_ps"`
	Backlog int64          `json:"backlog_bytes"`
	// Buffer is the size of the port's queue in bytes or packets; both are 0 where it is
	// not limited.
	BufferBytes   int64 `json:"buffer_bytes"`
	BufferPackets int   `json:"buffer_packets"`
}

// Flow is a set of pairs of hosts that have the same guarantee.
type Flow struct {
	// From and To are one of the pairs, Pairs is how many there are.
	From     string `json:"from"`
	To       string `json:"to"`
	Pairs    int    `json:"pairs"`
	Priority int    `json:"priority"`
	// Switches are on the way, Ways is the number of equal-cost ways.
	Switches int `json:"switches"`
	Ways     int `json:"ways"`
	// Epsilon is the propagation and processing on the longest of them.
	Epsilon model.Duration `json:"epsilon_ps"`
	Delay   model.Duration `json:"delay_ps"`
	Status  string         `json:"status"`

	has func(from, to network.NodeID) bool // whether the pair is one of them; for [Report.Line]
}
