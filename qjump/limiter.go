package qjump

import (
	"fmt"

	"suspect/model"
)

// LimiterKind tells when a limiter lets its budget be spent again. The kinds differ
// in how many packets can leave close together, and so in the delay that they cause
// ([Class.Bound]).
type LimiterKind uint8

const (
	// MinimumSpacing lets at most the budget leave in every interval shorter than an
	// epoch, wherever it begins. With a budget of one packet, that is one epoch
	// between packets.
	MinimumSpacing LimiterKind = iota
	// FixedWindow lets the budget leave in each window [phase+k*epoch,
	// phase+(k+1)*epoch), anywhere in it: two budgets can leave together around the
	// edge of two windows.
	FixedWindow
	// RestartingWindow opens a window of one epoch with the first packet that comes
	// when none is open, as the kernel module of QJUMP does: with a budget of f
	// packets, the last f-1 of one window and f of the next can leave together.
	RestartingWindow
	limiterKinds
)

var limiterKindNames = [limiterKinds]string{"minimum-spacing", "fixed-window", "restarting-window"}

// String returns the name used in scenarios and reports.
func (k LimiterKind) String() string {
	if k >= limiterKinds {
		return fmt.Sprintf("limiter-kind(%d)", uint8(k))
	}
	return limiterKindNames[k]
}

// ParseLimiterKind returns the kind of the given name.
func ParseLimiterKind(name string) (LimiterKind, error) {
	for k, n := range limiterKindNames {
		if n == name {
			return LimiterKind(k), nil
		}
	}
	return 0, fmt.Errorf("qjump: no kind of limiter is called %q (kinds: %s, %s, %s)", name, limiterKindNames[0], limiterKindNames[1], limiterKindNames[2])
}

// Budget is what a limiter lets leave in an epoch. A zero field sets no limit.
type Budget struct {
	Packets int64
	Bytes   int64 // on the wire
}

// holds tells whether the budget covers what was used and one more packet.
func (b Budget) holds(used Budget, bytes int32) bool {
	return (b.Packets == 0 || used.Packets < b.Packets) &&
		(b.Bytes == 0 || used.Bytes+int64(bytes) <= b.Bytes)
}

func (b *Budget) add(bytes int32) {
	b.Packets++
	b.Bytes += int64(bytes)
}

func (b *Budget) remove(bytes int32) {
	b.Packets--
	b.Bytes -= int64(bytes)
}

// LimiterConfig describes the limiter of one level on one host.
type LimiterConfig struct {
	Kind   LimiterKind
	Epoch  model.Duration // positive, on the clock of the host
	Budget Budget         // at least one of its fields is positive, none negative

	// Phase is when a fixed window begins; any time will do. The other kinds ignore it.
	Phase model.Duration

	// Drops makes the limiter refuse its excess, as the kernel module does. Else
	// it delays it.
	Drops bool
}

// Limiter decides when the packets of one level may leave a host. It is a state
// machine without a clock: times are those of the host's own clock, whatever that
// shows. Packets leave in the order in which they came.
type Limiter struct {
	config LimiterConfig
	last   model.Time // of the latest release, once there was one
	opened model.Time // the beginning of the window of the latest release
	used   Budget     // in that window or, with spacing, in the epoch before last

	// recent holds, for spacing, the releases that used counts: a ring that begins
	// at first.
	recent []release
	first  int
	begun  bool
}

type release struct {
	at    model.Time
	bytes int32
}

// NewLimiter returns a limiter that has let nothing pass yet. It returns an error
// where the description is not usable.
func NewLimiter(c LimiterConfig) (*Limiter, error) {
	switch {
	case c.Kind >= limiterKinds:
		return nil, fmt.Errorf("qjump: there is no %v", c.Kind)
	case c.Epoch <= 0 || c.Epoch > model.Duration(model.MaxTime):
		return nil, fmt.Errorf("qjump: a limiter with an epoch of %v: it must be positive, and at most %v", c.Epoch, model.MaxTime)
	case c.Budget.Packets < 0 || c.Budget.Bytes < 0 || c.Budget == Budget{}:
		return nil, fmt.Errorf("qjump: a limiter with a budget of %d packets and %d bytes: one must be positive, and none negative", c.Budget.Packets, c.Budget.Bytes)
	}
	return &Limiter{config: c}, nil
}

// Admit asks at local time now for a packet of the given bytes on the wire, and
// returns when it may leave. The answer is no, and nothing changes, for a packet
// that is larger than the whole budget, for one that passes what is left now where
// the limiter drops its excess, and for one whose time would pass the range of time.
// Calls come in the order of time; bytes is positive.
func (l *Limiter) Admit(now model.Time, bytes int32) (at model.Time, ok bool) {
	if !l.config.Budget.holds(Budget{}, bytes) {
		return 0, false
	}
	at = now
	if l.begun {
		at = max(now, l.last)
		at = max(at, l.earliest(at, bytes))
	}
	if at > model.MaxTime || at > now && l.config.Drops {
		return 0, false
	}
	l.release(at, bytes)
	return at, true
}

// earliest returns the first time from at on at which the budget holds the packet.
func (l *Limiter) earliest(at model.Time, bytes int32) model.Time {
	if l.config.Kind == MinimumSpacing {
		used := l.used
		for i := 0; ; i++ {
			if l.config.Budget.holds(used, bytes) {
				return at
			}
			r := l.recent[(l.first+i)%len(l.recent)]
			at = max(at, r.at.Add(l.config.Epoch))
			used.remove(r.bytes)
		}
	}
	end := l.opened.Add(l.config.Epoch)
	if at < end && !l.config.Budget.holds(l.used, bytes) {
		return end
	}
	return at
}

// release accounts for a packet that leaves at the given time.
func (l *Limiter) release(at model.Time, bytes int32) {
	epoch := l.config.Epoch
	switch l.config.Kind {
	case MinimumSpacing:
		for l.used.Packets > 0 && l.recent[l.first].at.Add(epoch) <= at {
			l.used.remove(l.recent[l.first].bytes)
			l.first = (l.first + 1) % len(l.recent)
		}
		l.remember(release{at, bytes})
	case FixedWindow:
		if !l.begun || at >= l.opened.Add(epoch) {
			since := (model.Duration(at) - l.config.Phase%epoch) % epoch
			if since < 0 {
				since += epoch
			}
			l.opened, l.used = at.Add(-since), Budget{}
		}
	case RestartingWindow:
		if !l.begun || at >= l.opened.Add(epoch) {
			l.opened, l.used = at, Budget{}
		}
	}
	l.used.add(bytes)
	l.last, l.begun = at, true
}

// remember appends to the ring of recent releases.
func (l *Limiter) remember(r release) {
	n := int(l.used.Packets)
	if n == len(l.recent) {
		ring := make([]release, max(1, 2*n))
		k := copy(ring, l.recent[l.first:])
		copy(ring[k:], l.recent[:l.first])
		l.recent, l.first = ring, 0
	}
	l.recent[(l.first+n)%len(l.recent)] = r
}
