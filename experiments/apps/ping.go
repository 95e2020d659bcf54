package apps

import (
	"fmt"

	"suspect/model"
)

// PingConfig describes a [Ping].
type PingConfig struct {
	Self, To model.ProcessID
	Phase    model.Duration // when the first request is sent; not negative
	Period   model.Duration // between two requests; positive
	Bytes    int32          // payload of a request
	Priority model.Priority
}

// Ping sends request i >= 0 at local time Phase + i*Period, whether or not there were
// replies, as the tool of that name does. The number follows from the clock alone: when
// steps come late, as after a pause, only the newest request that is due is sent, and
// those before the first step are not.
type Ping struct {
	config  PingConfig
	next    model.Time // request that is due next
	started bool
}

// NewPing returns a ping that has sent nothing yet.
func NewPing(c PingConfig) (*Ping, error) {
	if c.Period <= 0 || c.Phase < 0 || max(c.Period, c.Phase) > longest {
		return nil, fmt.Errorf("apps: a ping every %v from %v on: the period must be positive, and the phase not negative", c.Period, c.Phase)
	}
	if err := checkPeer(c.Self, c.To); err != nil {
		return nil, err
	}
	return &Ping{config: c}, checkBytes("requests", c.Bytes)
}

// newest returns the number of the newest request that is due at time t, or -1.
func (p *Ping) newest(t model.Time) int64 {
	since := int64(t) - int64(p.config.Phase)
	if since < 0 {
		return -1
	}
	return since / int64(p.config.Period)
}

// due returns the time of request i.
func (p *Ping) due(i int64) model.Time {
	return model.Time(p.config.Phase).Add(model.Duration(i) * p.config.Period)
}

// Step sends what is due.
func (p *Ping) Step(now model.Time, _ *model.Input, out *model.Output) {
	i := p.newest(now)
	if !p.started {
		p.started = true
		if p.next = p.due(max(i, 0)); p.next < now {
			p.next = p.due(i + 1)
		}
	}
	if p.next <= now {
		out.Send = append(out.Send, model.Message{
			From: p.config.Self, To: p.config.To, Kind: requestKind, Seq: i, Bytes: p.config.Bytes, Priority: p.config.Priority,
		})
		p.next = p.due(i + 1)
	}
	out.Wake = p.next
}

// Clone returns a copy.
func (p *Ping) Clone() model.Automaton {
	c := *p
	return &c
}

// AppendState writes whether there was a step, and the time left to the next request.
func (p *Ping) AppendState(b []byte, now model.Time) []byte {
	if !p.started {
		return append(b, 0)
	}
	return appendLeft(append(b, 1), p.next, now)
}

// LoadState is the inverse of AppendState. The time now must lie in the period as the
// time of the encoding did: sending follows the clock.
func (p *Ping) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	p.started = false
	started, b, err := loadNumber(b, 1)
	if err != nil || started == 0 {
		return b, err
	}
	next, b, err := loadLeft(b, now, max(p.config.Period, p.config.Phase))
	i := p.newest(now)
	if err != nil || next != now && next != p.due(i+1) || next == now && i < 0 {
		return b, errEncoding
	}
	if next == now {
		next = p.due(i)
	}
	p.started, p.next = true, next
	return b, nil
}
