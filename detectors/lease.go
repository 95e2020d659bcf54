package detectors

import (
	"fmt"
	"math"
	"math/bits"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "lease",
		Source: "Gray, Cheriton, \"Leases: an efficient fault-tolerant mechanism for distributed file cache consistency\", SOSP 1989: terms, renewal, and clocks that drift within a bound",
		Doc:    "Renews leases on those who watch it, grants leases to those whom it watches, and suspects one whose lease runs out; a holder gives up first, as long as clocks drift no more than the bound.",
		Claims: []model.Claim{
			{Class: model.P, Under: "no loss, delays below timeout - eta, drift-free clocks, no pauses, all processes start together and none recovers", Given: prompt(less("timeout", "eta"), times(2, "timeout"))},
			{Class: model.EventuallyP, Under: "the same from some time on, except that before it processes start and messages are lost or late at will", Given: finally(prompt(less("timeout", "eta"), times(2, "timeout")), times(2, "timeout"))},
		},
		Params: []model.Param{
			{Name: "eta", Type: model.DurationParam, Default: "1s",
				Doc: "period of the renewals"},
			{Name: "stagger", Type: model.SwitchParam, Default: "true",
				Doc: "spread the processes' renewals evenly over the period, rather than send them all at once"},
			{Name: "timeout", Type: model.DurationParam, Default: "3s",
				Doc: "the term of a lease, on the grantor's clock from the arrival of its renewal"},
			{Name: "drift", Type: model.ProbabilityParam, Default: "0.001",
				Doc: "rho: every clock runs at a rate between 1 - rho and 1 + rho"},
		},
		New: newLease,
	})
}

// LeaseHolder is a detector whose process holds leases that others grant.
type LeaseHolder interface {
	// Holds tells whether the process may believe, at local time now, that it holds
	// the lease of the given grantor. While it does, the grantor does not suspect it.
	Holds(now model.Time, grantor model.ProcessID) bool
}

// lease is a pair of roles. Every process is the holder of a lease from each process that
// watches it, and the grantor of one to each that it watches.
//
// The holder asks for renewal i at sigma_i (see [Heartbeats]), or later if its steps are
// late. The grantor, when that arrives, prolongs the lease to a term T from then, on its
// own clock, and acknowledges. The holder, when the acknowledgement arrives, may believe
// in the lease until sigma_i + L on its own clock, where
//
//	L = T * (1 - rho) / (1 + rho), rounded down
//
// The grantor suspects a holder whose lease runs out, and from then on may grant it to
// another. This is safe: all clocks run at rates from 1-rho to 1+rho, so L on the
// holder's lasts at most L/(1-rho), T on the grantor's at least T/(1+rho), and the former
// begins no later than the latter. Delays, losses and pauses do not matter, and neither
// does the difference between the clocks; but a clock that drifts more makes it unsafe.
//
// A grantor that has just started honours leases that it does not know of for a term: it
// trusts everybody until then, as if all had been renewed at its start.
//
// A renewal at the very moment at which the lease runs out is too late: it begins another.
type lease struct {
	timeout                  // the grantor
	grantors peers           // of the leases that this process holds
	self     model.ProcessID // who acknowledges
	belief   model.Duration  // L
	until    []model.Time    // end of the belief in the lease of each grantor
}

// The messages of leases. The acknowledgement has the Seq of its renewal.
const (
	leaseRenewKind = HeartbeatKind + 1 + iota
	leaseAckKind
)

func newLease(env Env, p model.Params) (model.Automaton, error) {
	h, err := NewHeartbeats(env, p)
	if err != nil {
		return nil, err
	}
	h.kind = leaseRenewKind
	t, err := newSilence(env, p, h, leaseRenewKind)
	if err != nil {
		return nil, err
	}
	d := &lease{timeout: *t, grantors: newPeers(env.Watchers), self: env.Self,
		belief: beliefOf(t.timeout, p.Probability("drift")), until: make([]model.Time, len(env.Watchers))}
	if d.belief <= 0 {
		return nil, &model.ParamError{Name: "drift", Err: fmt.Errorf("%v leaves nothing of a term of %v", p.Probability("drift"), t.timeout)}
	}
	return d, nil
}

// beliefOf returns T*(1-rho)/(1+rho), rounded down. For the product to be exact, rho is
// first rounded up to a multiple of 1e-12.
func beliefOf(term model.Duration, rho float64) model.Duration {
	const one = 1_000_000_000_000
	r := min(one, uint64(math.Ceil(rho*one)))
	hi, lo := bits.Mul64(uint64(term), one-r)
	l, _ := bits.Div64(hi, lo, one+r)
	return model.Duration(l)
}

func (d *lease) Step(now model.Time, in *model.Input, out *model.Output) {
	d.timeout.Step(now, in, out)
	if in.Kind != model.Deliver {
		return
	}
	switch m := &in.Message; m.Kind {
	case leaseRenewKind:
		if d.timeout.peers.index(m.From) >= 0 {
			out.Send = append(out.Send, model.Message{From: d.self, To: m.From, Kind: leaseAckKind, Seq: m.Seq})
		}
	case leaseAckKind:
		if k := d.grantors.index(m.From); k >= 0 && 0 <= m.Seq && m.Seq < d.heartbeats.seq {
			d.until[k] = max(d.until[k], d.heartbeats.schedule.sigma(d.self, m.Seq).Add(d.belief))
		}
	}
}

// Holds implements [LeaseHolder].
func (d *lease) Holds(now model.Time, grantor model.ProcessID) bool {
	k := d.grantors.index(grantor)
	return k >= 0 && now < d.until[k]
}

func (d *lease) Clone() model.Automaton {
	c := *d
	c.timeout = *d.timeout.Clone().(*timeout)
	c.until = append([]model.Time(nil), d.until...)
	return &c
}

// AppendState writes the state of the grantor, and for each lease that is held what is
// left of the belief in it.
func (d *lease) AppendState(b []byte, now model.Time) []byte {
	b = d.timeout.AppendState(b, now)
	if !d.heartbeats.started {
		return b
	}
	for _, until := range d.until {
		b = appendLeft(b, until, now)
	}
	return b
}

func (d *lease) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	b, err = d.timeout.LoadState(b, now)
	clear(d.until)
	if err != nil || !d.heartbeats.started {
		return b, err
	}
	for k := range d.until {
		if d.until[k], b, err = loadLeft(b, now, d.belief); err != nil || d.until[k] == model.Never {
			return b, errEncoding
		}
	}
	return b, nil
}
