package apps

import (
	"encoding/binary"
	"math"

	"suspect/model"
)

// ReceiverConfig describes a [Receiver].
type ReceiverConfig struct {
	Self, From model.ProcessID
	Bytes      int32 // payload of an acknowledgement
	Priority   model.Priority
}

// Receiver is the other end of a [Sender]. It acknowledges every packet of the flow at
// once, with the number of those that have come in order until then; what comes out of
// order is thrown away.
type Receiver struct {
	config  ReceiverConfig
	inOrder int64
}

// NewReceiver returns a receiver that has received nothing yet.
func NewReceiver(c ReceiverConfig) (*Receiver, error) {
	if err := checkPeer(c.Self, c.From); err != nil {
		return nil, err
	}
	return &Receiver{config: c}, checkBytes("acknowledgements", c.Bytes)
}

// Step acknowledges a packet.
func (r *Receiver) Step(_ model.Time, in *model.Input, out *model.Output) {
	m := &in.Message
	if in.Kind != model.Deliver || m.Kind != dataKind || m.From != r.config.From {
		return
	}
	if m.Seq == r.inOrder && r.inOrder < math.MaxInt64 {
		r.inOrder++
	}
	out.Send = append(out.Send, model.Message{
		From: r.config.Self, To: m.From, Kind: ackKind, Seq: r.inOrder, Bytes: r.config.Bytes, Priority: r.config.Priority,
	})
}

// Clone returns a copy.
func (r *Receiver) Clone() model.Automaton {
	c := *r
	return &c
}

// AppendState writes the number of packets that have come in order.
func (r *Receiver) AppendState(b []byte, _ model.Time) []byte {
	return binary.AppendUvarint(b, uint64(r.inOrder))
}

// LoadState is the inverse of AppendState.
func (r *Receiver) LoadState(b []byte, _ model.Time) (rest []byte, err error) {
	n, b, err := loadNumber(b, math.MaxInt64)
	r.inOrder = int64(n)
	return b, err
}
