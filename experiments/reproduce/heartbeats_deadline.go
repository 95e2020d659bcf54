package reproduce

import (
	"errors"
	"fmt"

	"suspect/experiments/guarantee"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/network"
)

// deadline bounds the time D from the moment at which a process sends a heartbeat to
// the moment at which the process that watches has taken it, where the heartbeats are
// alone in a level of QJUMP. What follows is the proof.
//
// The wait W. A process sends its heartbeats to k peers in one moment sigma, every eta,
// and the limiter of its host lets f of them leave in each epoch E. If nothing of the
// level was sent in the last epoch before sigma, or in the window in which sigma lies, f
// leave at once, and f more after each epoch: heartbeat j = 1..k waits no longer than
// (ceil(j/f)-1)*E. So the last one waits at most
//
//	W = (ceil(k/f) - 1) * E
//
// It is one epoch less than there are slots, as the first slot is free at sigma; if
// something else of the host used the level too, it would not be. With minimum spacing and
// with windows that restart the last one waits exactly that long, with fixed windows up to
// that. If
//
//	eta >= ceil(k/f) * E
//
// the condition holds again when the next ones are sent: the last ones of a period left
// at sigma+W or before, and sigma+eta is an epoch after that, or in a later window. The
// first heartbeats find an unused limiter, so it holds for all by induction. If eta is
// shorter, heartbeats come faster than they leave and the wait has no bound.
//
// The way B. From its release to its last bit at the receiver a heartbeat takes at most
// the bound of its level (package guarantee), whose assumptions the scenario meets.
//
// The processing r. From the last bit to the step of the detector pass less than r. The
// detectors of this module count an arrival in the very moment of a deadline as late, so
// the whole must stay below D, and r is at least a picosecond. The simulator's detectors
// take no time at all: a picosecond is enough for them.
//
//	W + B < D = W + B + r
//
// Therefore NFD-S with delta = D, by clocks that agree: heartbeat i, sent at sigma_i,
// arrives before its freshness point sigma_i + D, and is the fresh one until the next of
// those. A process that is up is never suspected. If it crashes at t, and l was its last
// heartbeat, sigma_l <= t, it is suspected for ever from sigma_(l+1) + D on, which is not
// after t + eta + D.
//
// And a plain timeout of eta + D, by clocks that run at the same rate: heartbeats i and
// i+1 arrive after sigma_i and before sigma_i + eta + D, so less than the timeout apart.
// A process that is up is never suspected. If it crashes at t its last heartbeat arrives
// before t + D, and it is suspected for ever before t + eta + 2D.
//
// Strong completeness and strong accuracy together are Chandra and Toueg's class P.
type deadline struct {
	peers  int            // k: how many peers each process sends to
	budget int64          // f
	epoch  model.Duration // E
	eta    model.Duration // the shortest that is possible, ceil(k/f) * E
	wait   model.Duration // W
	level  guarantee.Level
	way    model.Duration // B
}

// processing is r, which the experiment states.
const processing = model.Picosecond

func (d *deadline) d() model.Duration { return d.wait + d.way + processing }

// detection are the bounds of T_D, of NFD-S and of the plain timeout.
func (d *deadline) detection() (nfds, timeout model.Duration) { return d.eta + d.d(), d.eta + 2*d.d() }

// newDeadline returns the deadline of the heartbeats of s, or why there is none.
func newDeadline(s *scenario.Scenario) (*deadline, error) {
	report := guarantee.Derive(s)
	if report == nil {
		return nil, errors.New("no level, no deadline: the scenario has no qjump section")
	}
	if q := s.QJump; q.Excess != scenario.DelayExcess || q.Processing != 0 {
		return nil, fmt.Errorf("no deadline is derived where limiters %v their excess, or take %v for a packet: they must delay it, and take no time", q.Excess, q.Processing)
	}
	for _, t := range s.Traffic {
		for _, sender := range t.Senders() {
			if sender.Priority == s.Monitor.Priority && t.Limiter == network.SharedLimiter {
				return nil, fmt.Errorf("traffic[%s] shares the limiters of the heartbeats at priority %d: no deadline is derived for that", t.Name, sender.Priority)
			}
		}
	}
	for _, l := range report.Levels {
		if l.Priority != int(s.Monitor.Priority) {
			continue
		}
		if !l.Guaranteed() {
			return nil, fmt.Errorf("nothing is guaranteed at priority %d: %s%s", l.Priority, l.Refused, l.Withdrawn)
		}
		d := &deadline{level: l, budget: l.Budget, epoch: l.Epoch, way: l.Bound.Delay}
		for _, watched := range s.Monitor.Watch {
			d.peers = max(d.peers, len(watched)) // on a ring, as many watch a process as it watches
		}
		rounds := model.Duration((int64(d.peers) + d.budget - 1) / d.budget)
		d.eta, d.wait = rounds*d.epoch, (rounds-1)*d.epoch
		return d, nil
	}
	return nil, fmt.Errorf("the heartbeats have priority %d, which is no level", s.Monitor.Priority)
}

// derivation prints the proof with the numbers of each network.
func derivation(systems []*beating) Table {
	columns := []string{"step", "formula"}
	for _, s := range systems {
		columns = append(columns, s.name)
	}
	t := newTable("From the send of a heartbeat to the process that watches: the derivation", columns...)
	row := func(step, formula string, numbers func(d *deadline, s *beating) string) {
		cells := []Cell{words("%s", step), words("%s", formula)}
		for _, s := range systems {
			cells = append(cells, words("%s", numbers(s.deadline, s)))
		}
		t.add(cells...)
	}
	row("hosts, each watching all others", "n", func(_ *deadline, s *beating) string { return fmt.Sprint(s.intact.Processes()) })
	row("heartbeats that a process sends at once", "k = n-1", func(d *deadline, _ *beating) string { return fmt.Sprint(d.peers) })
	row("packets in an epoch", "f", func(d *deadline, _ *beating) string { return fmt.Sprint(d.budget) })
	row("epoch", "E = 2*n*P/R + eps", func(d *deadline, s *beating) string {
		q := &s.intact.QJump.Table
		return fmt.Sprintf("%v (P = %d B, R = %v, eps = %v)", d.epoch, q.Packet, gigabits(int64(q.Rate)), q.Epsilon)
	})
	row("period, as short as can be", "eta = ceil(k/f)*E", func(d *deadline, _ *beating) string { return d.eta.String() })
	row("longest wait for the limiter", "W = (ceil(k/f)-1)*E", func(d *deadline, _ *beating) string { return d.wait.String() })
	row("from the release to the last bit", "B", func(d *deadline, _ *beating) string { return d.way.String() })
	row("from the last bit to the detector", "r, stated", func(*deadline, *beating) string { return processing.String() })
	row("from the send to the detector", "D = W + B + r", func(d *deadline, _ *beating) string { return d.d().String() })
	row("NFD-S with delta = D detects within", "eta + D", func(d *deadline, _ *beating) string {
		nfds, _ := d.detection()
		return nfds.String()
	})
	row("a timeout of eta + D detects within", "eta + 2D", func(d *deadline, _ *beating) string {
		_, timeout := d.detection()
		return timeout.String()
	})
	return t
}

// boundDerivation prints how the bound B of each network is derived.
func boundDerivation(systems []*beating) Table {
	t := newTable("The bound B on the time from the release of a heartbeat to its last bit", "network", "B [us]", "status", "formula, and numbers")
	for _, s := range systems {
		b := s.deadline.level.Bound
		t.add(words("%s", s.name), micros(b.Delay), words("%s", b.Status), words("%s: %s, %s", b.Method, b.Formula, b.Numbers))
	}
	return t
}

func gigabits(bps int64) string { return fmt.Sprintf("%g Gb/s", float64(bps)/1e9) }
