package detectors

import "suspect/model"

// zkTCP is one end of a TCP connection of ZooKeeper, as Linux has it, in units of what the
// application writes, each in a packet of its own.
//
// What is sent is kept until it is acknowledged; every packet acknowledges what has come in
// order, at once, and by itself if there is nothing to say. What comes out of order is
// dropped. If no acknowledgement makes progress for 200 ms, the oldest is sent again, and
// from then on one at a time, until all are acknowledged. Without progress the time doubles,
// up to 120 s; after 15 retransmissions (tcp_retries2) and another 120 s, 924.6 s in all, the
// end gives up. The reply to a SYN is sent again after 1 s at first, and 5 times at most, and
// the connection given up 63 s after the first. Round trips are not measured, so that those
// of more than 200 ms are taken for losses; there is no fast retransmit and no probe for a
// lost tail.
//
// Seq is the number of the data, mod 256; SYNs have 0. Arg is the number of the next to come,
// and 256 times the client's port, which takes 16 values in turn. So packets of an old
// connection are told apart. They are answered by a reset, as is whatever comes to a
// connection that is closed, except that a SYN opens a connection in place of another. A
// packet that closes or resets a connection is not repeated: the next that comes is answered
// by another. A server that gets a SYN for a connection that is in use answers with an
// acknowledgement, which a client that has restarted answers with a reset, and its next SYN
// opens the connection.
type zkTCP struct {
	open  bool
	port  uint8 // of the client
	next  uint8 // number of the next data to send
	want  uint8 // and to receive
	queue [zkWindow]uint8
	n     uint8 // of queue: kinds of what is not acknowledged, the last of which has number next-1
	tries uint8 // to send the oldest again
	loss  bool  // sends one at a time
}

const (
	zkPorts          = 16
	zkWindow         = 8 // more pings than fit into a read timeout
	zkRetries        = 15
	zkRTO            = 200 * model.Millisecond // TCP_RTO_MIN
	zkMaxRTO         = 120 * model.Second
	zkHandshakeTries = 5            // tcp_synack_retries
	zkHandshakeRTO   = model.Second // TCP_TIMEOUT_INIT
)

// zkEnd is an end in its place.
type zkEnd struct {
	*zkTCP
	d  *zookeeper
	i  int // in d.resend
	to model.ProcessID
}

// end returns the end of the connection accepted from client i, or of that to server i -
// clients.
func (d *zookeeper) end(i int) zkEnd {
	if i < d.clients.n {
		return zkEnd{&d.accepted[i], d, i, d.clients.id(i)}
	}
	k := i - d.clients.n
	return zkEnd{&d.conns[k].tcp, d, i, d.servers.id(k)}
}

// packet sends a packet as it is.
func (e zkEnd) packet(kind, seq uint8, out *model.Output) {
	out.Send = append(out.Send, model.Message{From: e.d.self, To: e.to, Kind: kind, Bytes: zkBytes[kind],
		Seq: int64(seq), Arg: int64(e.port)<<8 | int64(e.want)})
}

// refuse answers a packet of another connection.
func (e zkEnd) refuse(port, kind uint8, out *model.Output) {
	other := zkTCP{port: port}
	e.zkTCP = &other
	e.packet(kind, 0, out)
}

// close forgets the connection.
func (e zkEnd) close() {
	*e.zkTCP = zkTCP{}
	e.d.resend.set(e.i, model.Never)
}

// write sends data. What does not fit into the window is dropped: no peer that keeps to the
// protocol makes it.
func (e zkEnd) write(kind uint8, now model.Time, out *model.Output) {
	if e.n == zkWindow {
		return
	}
	e.queue[e.n] = kind
	e.n++
	e.next++
	if e.n == 1 {
		e.arm(now)
	}
	if !e.loss {
		e.packet(kind, e.next-1, out)
	}
}

// handshake tells whether this is a server's end whose reply to the SYN is not acknowledged.
func (c *zkTCP) handshake() bool { return c.n > 0 && c.queue[0] == zkOpened }

// retries and rto return how often the oldest data are sent again, and how long after the
// last time.
func (c *zkTCP) retries() uint8 {
	if c.handshake() {
		return zkHandshakeTries
	}
	return zkRetries
}

func (c *zkTCP) rto() model.Duration {
	if c.handshake() {
		return zkHandshakeRTO << c.tries
	}
	return min(zkRTO<<c.tries, zkMaxRTO)
}

// arm sets the time of the next retransmission.
func (e zkEnd) arm(now model.Time) { e.d.resend.set(e.i, now.Add(e.rto())) }

// retransmit sends the oldest data again, or returns false if it gives up.
func (e zkEnd) retransmit(now model.Time, out *model.Output) bool {
	if e.tries == e.retries() {
		return false
	}
	e.tries++
	e.loss = true
	e.packet(e.queue[0], e.next-e.n, out)
	e.arm(now)
	return true
}

// arrive takes the acknowledgement of a packet of this connection, and tells whether its
// data, if any, are the next.
func (e zkEnd) arrive(m *model.Message, data bool, now model.Time, out *model.Output) bool {
	fresh := data && uint8(m.Seq) == e.want
	if fresh {
		e.want++
	}
	if acked := uint8(m.Arg) - (e.next - e.n); 0 < acked && acked <= e.n {
		copy(e.queue[:], e.queue[acked:e.n])
		e.n -= acked
		e.tries = 0
		if e.n == 0 {
			e.loss = false
			e.d.resend.set(e.i, model.Never)
			return fresh
		}
		e.arm(now)
		if e.loss {
			e.packet(e.queue[0], e.next-e.n, out)
		}
	}
	return fresh
}

// appendState writes the port, and whether it is open, and then the numbers, the queue, and
// if that is not empty, what is left until the next retransmission.
func (e zkEnd) appendState(b []byte, now model.Time) []byte {
	b = append(b, e.port<<2|flagBits(e.open, e.loss))
	if !e.open {
		return b
	}
	b = append(b, e.next, e.want, e.n)
	b = append(b, e.queue[:e.n]...)
	if e.n > 0 {
		b = append(b, e.tries)
		b = appendLeft(b, e.d.resend.at(e.i), now)
	}
	return b
}

func (e zkEnd) loadState(b []byte, now model.Time) (rest []byte, err error) {
	if len(b) == 0 || b[0]>>2 >= zkPorts {
		return b, errEncoding
	}
	*e.zkTCP = zkTCP{open: b[0]&1 != 0, loss: b[0]&2 != 0, port: b[0] >> 2}
	b = b[1:]
	server := e.i < e.d.clients.n
	if !e.open {
		if e.loss || server && e.port > 0 {
			return b, errEncoding
		}
		return b, nil
	}
	if len(b) < 3 || b[2] > zkWindow || len(b) < 3+int(b[2]) {
		return b, errEncoding
	}
	e.next, e.want, e.n = b[0], b[1], b[2]
	copy(e.queue[:], b[3:3+e.n])
	b = b[3+e.n:]
	if e.n == 0 {
		if e.loss {
			return b, errEncoding
		}
		return b, nil
	}
	for i, kind := range e.queue[:e.n] {
		ofServer := kind == zkOpened && i == 0 || kind == zkPong || kind == zkGranted || kind == zkExpired
		ofClient := kind == zkPing || kind == zkNew || kind == zkResume
		if server && !ofServer || !server && !ofClient {
			return b, errEncoding
		}
	}
	if len(b) == 0 || b[0] > e.retries() || b[0] > 0 && !e.loss {
		return b, errEncoding
	}
	e.tries = b[0]
	at, b, err := loadLeft(b[1:], now, e.rto())
	if err != nil || at == model.Never {
		return b, errEncoding
	}
	e.d.resend.set(e.i, at)
	return b, nil
}
