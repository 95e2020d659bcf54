package qjump

import (
	"errors"
	"fmt"

	"suspect/model"
	"suspect/network"
)

// Spec describes a network and its levels by a few numbers.
type Spec struct {
	Hosts     int             // n
	Packet    int32           // P, in bytes on the wire
	Rate      network.BitRate // R
	Epsilon   model.Duration  // eps
	Factors   []int           // f of each level, increasing: the first has the highest priority
	Frame     int32           // L: the largest frame below all levels, in bytes on the wire; 0 is none
	Semantics Semantics
	Limiter   LimiterKind

	// Switches is h, the number of switches on the way; 0 is one. With more, the
	// network is taken to be a tree.
	Switches int
}

// LevelAnswer is what there is to say about one level.
type LevelAnswer struct {
	Row

	// Bound is that of the level among all others, if n/f hosts use it at once
	// (for f = 1: all but the receiver), and every lower level and frame block it.
	// Alone is the bound if there is no other level. Either is missing where there
	// is none, and then its reason is there.
	Bound       *Guarantee `json:"bound,omitempty"`
	BoundReason string     `json:"bound_refused,omitempty"`
	Alone       *Guarantee `json:"alone,omitempty"`
	AloneReason string     `json:"alone_refused,omitempty"`
}

// Answer is everything that there is to say about a Spec. The figures of the first
// level come first, as if it were alone.
type Answer struct {
	Hosts    int       `json:"n"`
	Packet   int32     `json:"P_bytes"`
	Rate     int64     `json:"R_bps"`
	Epsilon  *Rational `json:"eps_us"`
	Frame    int32     `json:"L_bytes"`
	Switches int       `json:"switches"`
	Limiter  string    `json:"limiter"`
	Epochs   string    `json:"semantics"`
	LevelAnswer
	Levels    []LevelAnswer `json:"levels"`
	Admission Admission     `json:"admission"`
}

// Bound answers s. It returns an error, with every reason, where s describes no
// network.
func Bound(s Spec) (*Answer, error) {
	t := Table{Hosts: s.Hosts, Packet: s.Packet, Rate: s.Rate, Epsilon: s.Epsilon, Semantics: s.Semantics}
	for i, f := range s.Factors {
		t.Levels = append(t.Levels, Level{model.Priority(max(model.Priorities-1-i, 0)), f})
	}
	errs := t.Validate()
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf("qjump: "+format, args...)) }
	if len(s.Factors) == 0 {
		fail("no throughput factor: a network has one level at least")
	}
	if s.Frame < 0 {
		fail("L = %d bytes: a frame has no negative size", s.Frame)
	}
	if s.Switches < 0 {
		fail("h = %d switches", s.Switches)
	}
	if s.Limiter >= limiterKinds {
		fail("there is no %v", s.Limiter)
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	path := Path{
		Switches: max(s.Switches, 1), Rate: s.Rate, Frame: s.Frame, HostFrame: s.Frame,
		Epsilon: s.Epsilon, JoinsOnce: true,
	}
	classes := make([]Class, len(t.Levels))
	for i := range classes {
		classes[i] = t.Class(i, s.Limiter)
	}
	a := &Answer{
		Hosts: s.Hosts, Packet: s.Packet, Rate: int64(s.Rate), Epsilon: micro(s.Epsilon), Frame: s.Frame,
		Switches: path.Switches, Limiter: s.Limiter.String(), Epochs: s.Semantics.String(),
		Admission: t.Admission(nil),
	}
	together, err := path.Bounds(classes)
	for i := range classes {
		l := LevelAnswer{}
		l.Row, _ = t.Row(i, s.Frame) // the table is valid
		if i < len(together) {
			l.Bound = &together[i]
		} else {
			first := &t.Levels[len(together)] // without a bound
			who := fmt.Sprintf("the level with priority %d and those above it load", first.Priority)
			if len(together) == 0 {
				who = fmt.Sprintf("the level with priority %d loads", first.Priority)
			}
			l.BoundReason = refusal(err, who)
		}
		if g, err := path.Bound(classes[i]); err == nil {
			l.Alone = &g
		} else {
			l.AloneReason = refusal(err, fmt.Sprintf("the level with priority %d alone loads", t.Levels[i].Priority))
		}
		a.Levels = append(a.Levels, l)
	}
	a.LevelAnswer = a.Levels[0]
	return a, nil
}

// refusal says why levels have no bound, by priorities and not by the place of a class.
func refusal(err error, who string) string {
	if o := new(overload); errors.As(err, &o) {
		return o.of(who)
	}
	return err.Error()
}

// Class returns level i as a class with the senders that it counts on: n/f hosts,
// but not the receiver, for whom there is room where f > 1. The table must be valid.
func (t *Table) Class(i int, kind LimiterKind) Class {
	l := t.Limiter(i, kind)
	return Class{
		Kind: kind, Epoch: l.Epoch, Budget: l.Budget.Packets, Packet: t.Packet,
		Senders: max(min(t.Hosts/t.Levels[i].Factor, t.Hosts-1), 1),
	}
}
