package apps

import (
	"encoding/binary"
	"fmt"

	"suspect/model"
)

// ClientConfig describes a [Client].
type ClientConfig struct {
	Self, Server model.ProcessID
	Phase        model.Duration // from the start to the first request; not negative
	Think        model.Duration // from a reply to the next request; not negative
	Timeout      model.Duration // after which a request without a reply is sent again; positive
	Bytes        int32          // payload of a request
	Priority     model.Priority
}

// Client is a closed loop of one request at a time: it sends a request, waits for the
// reply, thinks for a constant time, and sends the next. A request whose reply does not
// come in time is sent again, with its number, as often as it takes; the first reply
// with the number ends it. Numbers have 16 bits, as those of memcached on UDP.
type Client struct {
	config  ClientConfig
	number  uint16
	until   model.Time // when to send, or to send again
	started bool
	waiting bool
}

// NewClient returns a client that has sent nothing yet.
func NewClient(c ClientConfig) (*Client, error) {
	if c.Timeout <= 0 || c.Think < 0 || c.Phase < 0 || max(c.Timeout, c.Think, c.Phase) > longest {
		return nil, fmt.Errorf("apps: a client that begins after %v, thinks for %v and waits for %v: the last must be positive, the others not negative", c.Phase, c.Think, c.Timeout)
	}
	if err := checkPeer(c.Self, c.Server); err != nil {
		return nil, err
	}
	return &Client{config: c}, checkBytes("requests", c.Bytes)
}

// Step takes a reply, and sends what is due.
func (c *Client) Step(now model.Time, in *model.Input, out *model.Output) {
	if !c.started {
		c.started, c.until = true, now.Add(c.config.Phase)
	}
	if m := &in.Message; in.Kind == model.Deliver && c.waiting && m.Kind == replyKind && m.From == c.config.Server && m.Seq == int64(c.number) {
		c.waiting, c.until = false, now.Add(c.config.Think)
		c.number++
	}
	if c.until <= now {
		out.Send = append(out.Send, model.Message{
			From: c.config.Self, To: c.config.Server, Kind: requestKind, Seq: int64(c.number), Bytes: c.config.Bytes, Priority: c.config.Priority,
		})
		c.waiting, c.until = true, now.Add(c.config.Timeout)
	}
	out.Wake = c.until
}

// Clone returns a copy.
func (c *Client) Clone() model.Automaton {
	x := *c
	return &x
}

// Of the encoded state of a client.
const (
	unstarted byte = iota
	thinking
	waitingForReply
	clientStates
)

// AppendState writes what the client does, the number of the request, and the time left
// until it sends.
func (c *Client) AppendState(b []byte, now model.Time) []byte {
	switch {
	case !c.started:
		return append(b, unstarted)
	case c.waiting:
		b = append(b, waitingForReply)
	default:
		b = append(b, thinking)
	}
	return appendLeft(binary.BigEndian.AppendUint16(b, c.number), c.until, now)
}

// LoadState is the inverse of AppendState.
func (c *Client) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	*c = Client{config: c.config}
	if len(b) == 0 || b[0] >= clientStates {
		return b, errEncoding
	}
	if b[0] == unstarted {
		return b[1:], nil
	}
	if len(b) < 3 {
		return b, errEncoding
	}
	c.started, c.waiting, c.number = true, b[0] == waitingForReply, binary.BigEndian.Uint16(b[1:])
	wait := max(c.config.Phase, c.config.Think)
	if c.waiting {
		wait = c.config.Timeout
	}
	c.until, b, err = loadLeft(b[3:], now, wait)
	return b, err
}
