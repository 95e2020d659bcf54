package detectors

import (
	"encoding/binary"
	"math"
	"slices"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:       "heartbeat-counter",
		Source:     "Aguilera, Chen, Toueg, \"Heartbeat: a timeout-free failure detector for quiescent reliable communication\", WDAG 1997: HB in a network where all processes that watch each other are linked",
		Doc:        "Counts the heartbeats of its peers and suspects nobody: the counter of a peer that crashed stops, and that of any other grows for ever (HB).",
		Params:     HeartbeatParams(),
		Heartbeats: true,
		New:        newHeartbeatCounter,
	})
}

// Counters is what detectors implement whose output is a vector of counters, one for each
// peer, rather than a list of suspects.
type Counters interface {
	// Counter returns the counter of the peer; 0 for processes that are not watched.
	Counter(peer model.ProcessID) int64
}

// heartbeatCounter is HB. It has no timeout, and no clock but for the pace of its
// heartbeats. It needs no synchrony at all: where messages are lost, but of infinitely many
// infinitely many arrive (fair links),
//
//   - a counter never decreases;
//   - the counter of a peer that crashes is bounded;
//   - the counter of a correct peer at a correct process is unbounded.
//
// When to give a peer up is left to those who ask, who may never have to: whoever sends a
// message again whenever the receiver's counter has grown, until it is acknowledged, gets it
// through and one day stops sending.
//
// It never writes a verdict, so it is in none of the classes of Chandra and Toueg, and claims
// none: it does not suspect who crashed. In the paper's general networks heartbeats are
// handed on along paths; here they go to those who watch, directly. Each arrival counts,
// also that of a duplicate, as links that duplicate one message for ever are ruled out.
//
// The counters are part of the encoded state, so no state of a run recurs while heartbeats
// arrive.
type heartbeatCounter struct {
	heartbeats Heartbeats
	peers      peers
	counters   []int64
}

func newHeartbeatCounter(env Env, p model.Params) (model.Automaton, error) {
	h, err := NewHeartbeats(env, p)
	if err != nil {
		return nil, err
	}
	return &heartbeatCounter{h, newPeers(env.Watch), make([]int64, len(env.Watch))}, nil
}

func (d *heartbeatCounter) Step(now model.Time, in *model.Input, out *model.Output) {
	d.heartbeats.Step(now, out)
	if in.Kind == model.Deliver && in.Message.Kind == HeartbeatKind {
		if p := d.peers.index(in.Message.From); p >= 0 && d.counters[p] < math.MaxInt64 {
			d.counters[p]++
		}
	}
	out.Wake = d.heartbeats.Next()
}

// Counter returns how many heartbeats of the peer have arrived.
func (d *heartbeatCounter) Counter(peer model.ProcessID) int64 {
	if p := d.peers.index(peer); p >= 0 {
		return d.counters[p]
	}
	return 0
}

func (d *heartbeatCounter) Clone() model.Automaton {
	c := *d
	c.counters = slices.Clone(d.counters)
	return &c
}

// AppendState writes the counters.
func (d *heartbeatCounter) AppendState(b []byte, now model.Time) []byte {
	b = d.heartbeats.AppendState(b, now)
	for _, c := range d.counters {
		b = binary.AppendUvarint(b, uint64(c))
	}
	return b
}

func (d *heartbeatCounter) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	if b, err = d.heartbeats.LoadState(b, now); err != nil {
		return b, err
	}
	for p := range d.counters {
		var c uint64
		if c, b, err = uvarint(b); err != nil || c > math.MaxInt64 {
			return b, errEncoding
		}
		d.counters[p] = int64(c)
	}
	return b, nil
}
