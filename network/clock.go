package network

import (
	"errors"
	"fmt"
	"math/bits"

	"suspect/model"
)

// Billion is a drift of 100 %: drifts are in parts per billion of true time, above zero
// for a clock that is fast.
const Billion = 1_000_000_000

// MaxDrift is the largest drift that a clock is given at a time, either way: 10 %.
const MaxDrift = Billion / 10

// driftUnits are the units of drifts in parts per billion.
var driftUnits = [...]struct {
	name string
	size int64
}{{"%", Billion / 100}, {"ppm", 1000}, {"ppb", 1}}

// ParseDrift reads a drift as 50ppm, -200ppb or 0.1%, in parts per billion. It is an
// error where it is not a whole number of them, or passes [MaxDrift] either way.
func ParseDrift(s string) (int64, error) {
	number, unit := model.SplitUnit(s)
	if number == "" || unit == "" {
		return 0, fmt.Errorf("%q is not a drift (write a number and a unit, as 50ppm, -200ppb or 0.1%%)", s)
	}
	for _, u := range driftUnits {
		if u.name != unit {
			continue
		}
		v, err := model.ParseDecimal(number, u.size)
		if err != nil {
			return 0, fmt.Errorf("drift %q: %w", s, err)
		}
		if v > MaxDrift || v < -MaxDrift {
			return 0, fmt.Errorf("drift %q: it must lie between -%[2]s and %[2]s", s, FormatDrift(MaxDrift))
		}
		return v, nil
	}
	return 0, fmt.Errorf("drift %q has an unknown unit %q (units: ppm, ppb, %%)", s, unit)
}

// FormatDrift writes a drift as [ParseDrift] reads it.
func FormatDrift(drift int64) string {
	for _, u := range driftUnits {
		if drift != 0 && drift%u.size == 0 {
			return fmt.Sprintf("%d%s", drift/u.size, u.name)
		}
	}
	return fmt.Sprintf("%dppm", drift) // 0
}

// driftOf returns the drift that parameter name of p gives.
func driftOf(p model.Params, name string) (int64, error) {
	if p.Text(name) == "" {
		return 0, &model.ParamError{Name: name, Err: errors.New("is required: a drift, as 100ppm or -100ppm")}
	}
	v, err := ParseDrift(p.Text(name))
	if err == nil && v == 0 {
		err = errors.New("a drift of zero changes nothing")
	}
	if err != nil {
		return 0, &model.ParamError{Name: name, Err: err}
	}
	return v, nil
}

// The rate of a clock with drifts that add up stays between these, in local time per
// billion of true time.
const (
	leastRate = 1
	mostRate  = 3 * Billion
)

// clock is the clock of a host. In one piece, from true time since on, it has the time
//
//	local + (t - since)*rate/Billion
//
// rounded down, and shows that or floor, whichever is later.
type clock struct {
	since model.Time
	local model.Time // perhaps negative, after a step back
	floor model.Time
	rate  uint64
	drift int64 // parts per billion; the sum of all that were given
}

// trueClock shows true time.
var trueClock = clock{rate: Billion}

// at returns what the clock shows at true time t of the present piece. It is not
// inlined, so that LocalTime is.
//
//go:noinline
func (c *clock) at(t model.Time) model.Time { return max(c.floor, c.hidden(t)) }

// hidden returns what the clock has at true time t, whatever it shows.
func (c *clock) hidden(t model.Time) model.Time {
	passed := uint64(t - c.since)
	if c.rate != Billion {
		hi, lo := bits.Mul64(passed, c.rate)
		passed, _ = bits.Div64(hi, lo, Billion) // below 3*2^62
	}
	if passed >= uint64(model.MaxTime-c.local) {
		return model.MaxTime
	}
	return c.local + model.Time(passed)
}

// when returns the first true time from now on, of the present piece, at which the
// clock shows at least the given time; never, if that is after the longest run.
func (c *clock) when(shown, now model.Time) model.Time {
	if shown <= c.at(now) {
		return now
	}
	if shown > model.MaxTime {
		return model.Never
	}
	wait := uint64(shown - c.local)
	if c.rate != Billion {
		hi, lo := bits.Mul64(wait, Billion)
		if hi >= c.rate {
			return model.Never
		}
		q, rest := bits.Div64(hi, lo, c.rate)
		if rest != 0 {
			q++
		}
		wait = q
	}
	if wait > uint64(model.MaxTime-c.since) {
		return model.Never
	}
	return c.since + model.Time(wait)
}

// set begins a new piece at true time now, by so much later or earlier and with so much
// more or less drift.
func (c *clock) set(now model.Time, step model.Duration, drift int64) {
	shown, hidden := c.at(now), c.hidden(now)
	if step > 0 {
		hidden += min(model.Time(step), model.MaxTime-max(hidden, 0))
	} else {
		hidden -= min(model.Time(-step), model.MaxTime+min(hidden, 0))
	}
	drift += c.drift
	*c = clock{
		since: now, local: hidden, floor: shown, drift: drift,
		rate: uint64(min(max(drift+Billion, leastRate), mostRate)),
	}
}

// SetClock gives a host a clock that shows the offset at time 0 and drifts by so many
// parts per billion. It is called before the run, once for a host. It panics if the
// offset is negative, or a drift above [MaxDrift] or below its opposite is given.
//
// Without clocks, and on other hosts, true time is shown. The automata of a host, and
// its limiters, know its clock alone; traffic, faults and records follow true time. A
// clock that comes to [model.MaxTime] stands still.
func (n *Network) SetClock(host NodeID, offset model.Duration, drift int64) {
	if offset < 0 || offset > model.Duration(model.MaxTime) {
		panic(fmt.Sprintf("network: the clock of host %d shows %v at the beginning", host, offset))
	}
	n.setClock(host, offset, drift)
}

// StepClock lets the clock of a host jump. A step ahead is seen at once: what was due in
// between is due now. After a step back the clock shows the same time until it has
// caught up, since the time that an automaton is told never decreases; what is due
// meanwhile waits for as long.
func (n *Network) StepClock(host NodeID, step model.Duration) {
	n.setClock(host, step, 0)
	n.emitClock(host, step)
}

// DriftClock lets the clock of a host drift by so many more parts per billion from now
// on; fewer, if that is negative.
func (n *Network) DriftClock(host NodeID, drift int64) {
	n.setClock(host, 0, drift)
	n.emitClock(host, 0)
}

func (n *Network) emitClock(host NodeID, step model.Duration) {
	if n.kernel.Records.Wants(model.ClockChanged) {
		n.kernel.Records.Emit(&model.Record{
			At: n.kernel.Now(), Kind: model.ClockChanged, Process: model.ProcessID(host), Peer: model.Nobody, Seq: int64(step),
		})
	}
}

// setClock changes a clock, and arms anew what waits for it.
func (n *Network) setClock(host NodeID, step model.Duration, drift int64) {
	if drift > MaxDrift || drift < -MaxDrift {
		panic(fmt.Sprintf("network: a drift of host %d by %d parts per billion", host, drift))
	}
	now := n.kernel.Now()
	if n.clocks == nil {
		n.clocks = make([]clock, n.topology.Hosts)
		for h := range n.clocks {
			n.clocks[h] = trueClock
		}
		for i := range n.automata {
			n.automata[i].wakes = n.kernel.Due(n.automata[i].wake)
		}
	}
	c := &n.clocks[host]
	c.set(now, step, drift)
	for _, panel := range n.processes[host].panels {
		for i := panel.first; i < panel.first+panel.n; i++ {
			n.kernel.Arm(n.automata[i].wake, c.when(n.automata[i].wakes, now))
		}
	}
	for g := range n.limitersOf(host) {
		if g.held.first != none {
			n.kernel.Arm(g.release, c.when(n.pool.packets[g.held.first].arrives, now))
		}
	}
}

// LocalTime returns what the clock of a host shows now.
func (n *Network) LocalTime(host NodeID) model.Time {
	now := n.kernel.Now()
	if n.clocks == nil {
		return now
	}
	return n.clocks[host].at(now)
}

// whenLocal returns the true time from now on at which the clock of a host will show at
// least the given time.
func (n *Network) whenLocal(host NodeID, shown model.Time) model.Time {
	if n.clocks == nil {
		return shown
	}
	return n.clocks[host].when(shown, n.kernel.Now())
}
