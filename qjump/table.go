package qjump

import (
	"errors"
	"fmt"

	"suspect/model"
	"suspect/network"
)

// Semantics tells what a throughput factor f means. Both are in use, and agree
// where eps is zero.
type Semantics uint8

const (
	// CommonEpoch is that of the kernel module: f packets of P bytes in each network
	// epoch E = 2*n*P/R + eps. The rate is f*P/E, and f packets can leave together.
	CommonEpoch Semantics = iota
	// EpochPerLevel gives each level an epoch of its own, 2*(n/f)*P/R + eps, and one
	// packet in each. As eps does not shrink with f, neither does the epoch below it.
	EpochPerLevel
)

// String returns the name used in scenarios and reports.
func (s Semantics) String() string {
	switch s {
	case CommonEpoch:
		return "common-epoch"
	case EpochPerLevel:
		return "epoch-per-level"
	}
	return fmt.Sprintf("semantics(%d)", uint8(s))
}

// Level is one class of service.
type Level struct {
	Priority model.Priority

	// Factor is the throughput factor f, from 1 to the number of hosts: the level
	// counts on no more than n/f hosts to use it at once.
	Factor int
}

// Table is a set of levels on one network.
type Table struct {
	Hosts     int             // n
	Packet    int32           // P: the largest packet of any level, in bytes on the wire
	Rate      network.BitRate // R: that of the slowest link
	Epsilon   model.Duration  // eps: all processing on the way
	Semantics Semantics
	Levels    []Level
}

// Validate returns everything that is wrong with t. A smaller factor must have a
// higher priority: who sends less is promised more.
func (t *Table) Validate() []error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf("qjump: "+format, args...)) }
	if t.Hosts < 1 || t.Hosts > network.MaxNodes {
		fail("n = %d hosts: from 1 to %d are possible", t.Hosts, network.MaxNodes)
	}
	if t.Packet < 1 {
		fail("P = %d bytes: a packet has at least one", t.Packet)
	}
	if t.Rate < 1 || t.Rate > network.MaxRate {
		fail("R = %d b/s: from 1 to %d are possible", t.Rate, network.MaxRate)
	}
	if t.Epsilon < 0 {
		fail("eps = %v: processing takes no negative time", t.Epsilon)
	}
	if t.Semantics > EpochPerLevel {
		fail("there is no %v", t.Semantics)
	}
	if len(t.Levels) > model.Priorities {
		fail("%d levels: 802.1Q has %d priorities", len(t.Levels), model.Priorities)
	}
	for i, l := range t.Levels {
		if l.Factor < 1 {
			fail("f = %d: a throughput factor is at least 1", l.Factor)
		} else if l.Factor > t.Hosts && t.Hosts >= 1 {
			fail("f = %d with n = %d hosts: the factor is at most n, as n/f hosts use the level at once", l.Factor, t.Hosts)
		}
		if l.Priority >= model.Priorities {
			fail("priority %d: 802.1Q has 0 to %d", l.Priority, model.Priorities-1)
		}
		for _, other := range t.Levels[:i] {
			if other.Priority == l.Priority {
				fail("two levels have priority %d", l.Priority)
			} else if (other.Priority > l.Priority) != (other.Factor < l.Factor) && other.Factor != l.Factor {
				fail("the factors %d and %d have the priorities %d and %d: the smaller factor needs the higher priority", other.Factor, l.Factor, other.Priority, l.Priority)
			}
		}
	}
	if errs == nil {
		if _, ok := t.epoch(1).ceiling(); !ok {
			fail("an epoch of %d hosts with %d bytes at %d b/s passes the range of time", t.Hosts, t.Packet, t.Rate)
		}
	}
	return errs
}

// Serialisation returns P/R, in microseconds.
func (t *Table) Serialisation() *Rational { return transmission(int64(t.Packet), t.Rate) }

// epoch returns 2*(n/f)*P/R + eps, in microseconds.
func (t *Table) epoch(f int) *Rational {
	return sum(product(rational(2*int64(t.Hosts), int64(f)), t.Serialisation()), micro(t.Epsilon))
}

// Limiter returns the limiter of level i on each host: its epoch, rounded up to a
// picosecond, and its budget in packets. The table must be valid.
func (t *Table) Limiter(i int, kind LimiterKind) LimiterConfig {
	c := LimiterConfig{Kind: kind, Budget: Budget{Packets: 1}}
	f := 1
	if t.Semantics == EpochPerLevel {
		f = t.Levels[i].Factor
	} else {
		c.Budget.Packets = int64(t.Levels[i].Factor)
	}
	c.Epoch, _ = t.epoch(f).ceiling()
	return c
}

// Rate returns the rate that budget bytes in each epoch are, in bits per second.
// It returns an error unless the epoch is positive and the budget not negative. It
// is the whole of what the published parameters of a level say (bytes, factor,
// time): the published settings do not always follow from n, P and R.
func (b Budget) Rate(epoch model.Duration) (*Rational, error) {
	if b.Bytes < 0 || epoch <= 0 {
		return nil, fmt.Errorf("qjump: %d bytes in each %v: a budget is not negative, and an epoch positive", b.Bytes, epoch)
	}
	return ratio(rational(b.Bytes, 1), micro(epoch)).times(8_000_000), nil
}

// Capped returns r bits per second, but no more than a link carries.
func (r *Rational) Capped(link network.BitRate) *Rational {
	if c := rational(int64(link), 1); r.Cmp(&c.Rat) > 0 {
		return c
	}
	return r
}

// Admission tells whether a set of levels fits the link of a receiver to which all
// of them send.
type Admission struct {
	// Load is the sum over levels of min(n/f, senders)*f*P/(E*R), and PerLevel its
	// terms: what part of the time the link is busy.
	Load     *Rational   `json:"load"`
	PerLevel []*Rational `json:"load_per_level"`

	// FullyUsed counts the levels with at least n/f senders. Without eps each is half
	// a link's load, so that two fit.
	FullyUsed int `json:"fully_used_levels"`

	OK     bool   `json:"admitted"`
	Reason string `json:"reason"`
}

// Admission tells whether the levels fit where level i has senders[i] senders, or
// as many as there can be where senders is nil. The table must be valid.
func (t *Table) Admission(senders []int) Admission {
	a := Admission{Load: rational(0, 1)}
	for i, l := range t.Levels {
		active := rational(int64(t.Hosts), int64(l.Factor))
		if senders != nil && active.Cmp(&rational(int64(senders[i]), 1).Rat) > 0 {
			active = rational(int64(senders[i]), 1)
		} else {
			a.FullyUsed++
		}
		share := ratio(product(active, t.Serialisation()), t.epoch(l.Factor))
		if t.Semantics == CommonEpoch {
			share = ratio(product(active, t.Serialisation()).times(int64(l.Factor)), t.epoch(1))
		}
		a.PerLevel = append(a.PerLevel, share)
		a.Load = sum(a.Load, share)
	}
	a.OK = a.Load.Cmp(&rational(1, 1).Rat) <= 0
	verdict := "fits"
	if !a.OK {
		verdict = "is more than it carries, so that the lower ones have no bound"
	}
	a.Reason = fmt.Sprintf("the levels load the receiver's link to %s, which %s (%d of %d fully used)", a.Load.Decimal(), verdict, a.FullyUsed, len(t.Levels))
	return a
}

// Row is what the published formulas and the exact worst cases of one level come
// to. Times are in microseconds and rates in bits per second.
type Row struct {
	Factor   int            `json:"f"`
	Priority model.Priority `json:"priority"`

	Ser          *Rational `json:"ser_us"`        // P/R
	BoundNPR     *Rational `json:"bound_nPR_us"`  // n*P/R + eps, as published
	Epoch2NPR    *Rational `json:"epoch_2nPR_us"` // 2*n*P/R + eps
	NPrime       *Rational `json:"n_prime"`       // n/f
	NPrimeFloor  *Rational `json:"n_prime_floor"`
	LevelEpoch   *Rational `json:"level_epoch_us"`    // 2*(n/f)*P/R + eps
	BudgetBytes  *Rational `json:"budget_bytes"`      // f*P
	RateCommon   *Rational `json:"rate_common_bps"`   // f*P/E
	RatePerLevel *Rational `json:"rate_perlevel_bps"` // P over the level's epoch
	RateCapped   *Rational `json:"rate_common_capped_bps"`

	// The exact worst cases of one switch and factor 1, whatever the factor of
	// this level, plus eps. The last one is reached, but beaten: it is no bound, and
	// [Path.Bounds] has one.
	TightSpaced      *Rational `json:"tight_spaced_f1_us"`       // n*P/R
	TightTumbling    *Rational `json:"tight_tumbling_f1_us"`     // (2n-1)*P/R, for a fixed window
	TightSpacedPlusL *Rational `json:"tight_spaced_plusL_f1_us"` // n*P/R + L/R
	SpacedPlus2L     *Rational `json:"spaced_plus2L_f1_us"`      // n*P/R + 2*L/R

	// LoadIfAll is the load of a receiver's link where all n hosts use the level,
	// rather than the n/f that it counts on.
	LoadIfAll *Rational `json:"load_if_all_n_send"`
}

// Row returns the figures of level i, where frames of lower priority have up to
// the given bytes on the wire. It returns an error where the table is not valid.
func (t *Table) Row(i int, frame int32) (Row, error) {
	if err := errors.Join(t.Validate()...); err != nil {
		return Row{}, err
	}
	if frame < 0 {
		return Row{}, fmt.Errorf("qjump: L = %d bytes: a frame has no negative size", frame)
	}
	n, f := int64(t.Hosts), int64(t.Levels[i].Factor)
	ser, eps, lower := t.Serialisation(), micro(t.Epsilon), transmission(int64(frame), t.Rate)
	bits := rational(int64(t.Packet), 1).times(8_000_000)
	r := Row{
		Factor: int(f), Priority: t.Levels[i].Priority,
		Ser:           ser,
		BoundNPR:      sum(ser.times(n), eps),
		Epoch2NPR:     t.epoch(1),
		NPrime:        rational(n, f),
		NPrimeFloor:   rational(n/f, 1),
		LevelEpoch:    t.epoch(int(f)),
		BudgetBytes:   rational(int64(t.Packet), 1).times(f),
		RateCommon:    ratio(bits.times(f), t.epoch(1)),
		RatePerLevel:  ratio(bits, t.epoch(int(f))),
		TightSpaced:   sum(ser.times(n), eps),
		TightTumbling: sum(ser.times(2*n-1), eps),
		LoadIfAll:     ratio(ser.times(n*f), t.epoch(1)),
	}
	r.RateCapped = r.RateCommon.Capped(t.Rate)
	r.TightSpacedPlusL = sum(r.TightSpaced, lower)
	r.SpacedPlus2L = sum(r.TightSpacedPlusL, lower)
	return r, nil
}
