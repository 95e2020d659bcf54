package apps

import "suspect/model"

// Completion is a fold over records that measures the time of a flow from a [Sender]'s
// first packet until the acknowledgement of its last has arrived.
type Completion struct {
	sender, receiver model.ProcessID
	packets          int64
	begin, end       model.Time
	began, ended     bool
}

// NewCompletion returns a fold over the flow of so many packets from sender to
// receiver.
func NewCompletion(sender, receiver model.ProcessID, packets int64) *Completion {
	return &Completion{sender: sender, receiver: receiver, packets: packets}
}

// Kinds returns the records that the fold wants.
func (c *Completion) Kinds() model.Kinds { return model.KindSet(model.Sent, model.Delivered) }

// Observe takes the next record.
func (c *Completion) Observe(r *model.Record) {
	if r.Traffic || r.Process != c.sender || r.Peer != c.receiver {
		return
	}
	switch {
	case r.Kind == model.Sent && !c.began:
		c.begin, c.began = r.At, true
	case r.Kind == model.Delivered && r.Seq == c.packets && !c.ended:
		c.end, c.ended = r.At, true
	}
}

// Time returns how long the flow took, and no if it is not complete.
func (c *Completion) Time() (model.Duration, bool) { return c.end.Sub(c.begin), c.ended }
