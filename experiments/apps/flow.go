package apps

import (
	"encoding/binary"
	"fmt"

	"suspect/model"
)

// SenderConfig describes a [Sender].
type SenderConfig struct {
	Self, To model.ProcessID
	Packets  int64 // of the flow; positive
	Bytes    int32 // payload of a packet
	Priority model.Priority

	// Window is the largest number of packets that are not acknowledged; positive. It
	// does not change: nothing reacts to congestion.
	Window int64

	// Timeout is how long the sender waits for progress before it sends all packets of
	// the window again; positive.
	Timeout model.Duration
}

// Sender sends one flow at its start and as fast as its window allows: go-back-N, the
// sliding window with cumulative acknowledgements and one timer (Tanenbaum and
// Wetherall, "Computer Networks", 5th edition, section 3.4.2). Packets are numbered from
// 0; the flow is complete when the acknowledgement of all has arrived.
type Sender struct {
	config  SenderConfig
	acked   int64      // packets that are acknowledged
	next    int64      // number of the packet to be sent next
	retry   model.Time // when to go back
	started bool
}

// NewSender returns a sender that has sent nothing yet.
func NewSender(c SenderConfig) (*Sender, error) {
	if c.Packets <= 0 || c.Window <= 0 || c.Timeout <= 0 || c.Timeout > longest {
		return nil, fmt.Errorf("apps: a flow of %d packets with a window of %d and a timeout of %v: all must be positive", c.Packets, c.Window, c.Timeout)
	}
	if err := checkPeer(c.Self, c.To); err != nil {
		return nil, err
	}
	return &Sender{config: c}, checkBytes("packets", c.Bytes)
}

// Step takes an acknowledgement, and sends what the window allows.
func (s *Sender) Step(now model.Time, in *model.Input, out *model.Output) {
	m := &in.Message
	progress := !s.started
	if in.Kind == model.Deliver && m.Kind == ackKind && m.From == s.config.To && s.acked < m.Seq && m.Seq <= s.next {
		s.acked, progress = m.Seq, true
	}
	switch {
	case progress:
		s.started, s.retry = true, now.Add(s.config.Timeout)
	case s.retry <= now:
		s.next, s.retry = s.acked, now.Add(s.config.Timeout)
	}
	for s.next < s.config.Packets && s.next-s.acked < s.config.Window {
		out.Send = append(out.Send, model.Message{
			From: s.config.Self, To: s.config.To, Kind: dataKind, Seq: s.next, Bytes: s.config.Bytes, Priority: s.config.Priority,
		})
		s.next++
	}
	if s.acked == s.config.Packets {
		s.retry = model.Never
	}
	out.Wake = s.retry
}

// Clone returns a copy.
func (s *Sender) Clone() model.Automaton {
	c := *s
	return &c
}

// AppendState writes what is acknowledged and, unless the flow is complete, the time
// left until the sender goes back. What is under way follows: all that the window allows.
func (s *Sender) AppendState(b []byte, now model.Time) []byte {
	if !s.started {
		return append(b, 0)
	}
	b = binary.AppendUvarint(append(b, 1), uint64(s.acked))
	if s.acked == s.config.Packets {
		return b
	}
	return appendLeft(b, s.retry, now)
}

// LoadState is the inverse of AppendState.
func (s *Sender) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	*s = Sender{config: s.config}
	started, b, err := loadNumber(b, 1)
	if err != nil || started == 0 {
		return b, err
	}
	acked, b, err := loadNumber(b, uint64(s.config.Packets))
	if err != nil {
		return b, err
	}
	s.started, s.acked, s.retry = true, int64(acked), model.Never
	s.next = s.acked + min(s.config.Window, s.config.Packets-s.acked)
	if s.acked == s.config.Packets {
		return b, nil
	}
	s.retry, b, err = loadLeft(b, now, s.config.Timeout)
	return b, err
}
