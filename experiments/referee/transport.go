package referee

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"suspect/network"
)

const (
	port = 7946

	// Bytes of headers in a payload of the network: IPv4 and UDP (RFC 791, 768), IPv4
	// and TCP with its usual time stamps (RFC 9293, 7323).
	udpHeaders = 20 + 8
	tcpHeaders = 20 + 32

	// segmentBytes is the most that a segment carries: a payload of 1500 bytes.
	segmentBytes = 1500 - tcpHeaders

	// resend is the time after which a lost segment is sent again, doubled each time
	// (RFC 6298, sections 2.1 and 5.5).
	resend = time.Second

	// socketBuffer is the number of packets, and of streams, that wait for a program.
	socketBuffer = 256
)

// transport is what a host's program sends and receives by. It implements
// [memberlist.Transport].
//
// Packets are datagrams of the simulated network: lost ones are lost. Streams are
// idealised TCP: opening one takes a segment each way, what is written goes in segments,
// one after the other, and a segment that the network drops is sent again. There is no
// window, and acknowledgements and the end of a stream cost nothing. Streams of a host
// that crashes end at once, where a real peer would learn of it by its timeout.
type transport struct {
	wire    *wire
	host    network.NodeID
	all     []*transport // by host
	packets chan *memberlist.Packet
	streams chan net.Conn

	mu   sync.Mutex
	open map[*stream]struct{}
	down bool
}

var _ memberlist.Transport = (*transport)(nil)

// newTransports returns the transports of all hosts of w.
func newTransports(w *wire) []*transport {
	all := make([]*transport, w.network.Topology().Hosts)
	for h := range all {
		all[h] = &transport{
			wire: w, host: network.NodeID(h), all: all,
			packets: make(chan *memberlist.Packet, socketBuffer),
			streams: make(chan net.Conn, socketBuffer),
			open:    make(map[*stream]struct{}),
		}
	}
	return all
}

// address returns the address of a host: 10.0.0.1 for the first.
func address(h network.NodeID) netip.AddrPort {
	h++
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(h >> 16), byte(h >> 8), byte(h)}), port)
}

// lookup returns the transport at an address.
func (t *transport) lookup(addr string) (*transport, error) {
	a, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	if a.Addr().Is4() {
		ip := a.Addr().As4()
		h := int(ip[1])<<16 + int(ip[2])<<8 + int(ip[3]) - 1
		if h >= 0 && h < len(t.all) && a == address(network.NodeID(h)) {
			return t.all[h], nil
		}
	}
	return nil, fmt.Errorf("no host has the address %s", addr)
}

// FinalAdvertiseAddr returns the host's own address.
func (t *transport) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return address(t.host).Addr().AsSlice(), port, nil
}

// PacketCh returns where arriving packets go.
func (t *transport) PacketCh() <-chan *memberlist.Packet { return t.packets }

// StreamCh returns where streams go that others open.
func (t *transport) StreamCh() <-chan net.Conn { return t.streams }

// WriteTo sends a packet.
func (t *transport) WriteTo(b []byte, addr string) (time.Time, error) {
	to, err := t.lookup(addr)
	if err != nil {
		return time.Time{}, err
	}
	b = bytes.Clone(b)
	t.wire.send(t.host, to.host, len(b)+udpHeaders, func(delivered bool) {
		if !delivered {
			return
		}
		select {
		case to.packets <- &memberlist.Packet{Buf: b, From: net.UDPAddrFromAddrPort(address(t.host)), Timestamp: time.Now()}:
		default: // the socket's buffer is full
		}
	})
	return time.Now(), nil
}

// DialTimeout opens a stream.
func (t *transport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	to, err := t.lookup(addr)
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(timeout)
	end := make(chan struct{}) // never closed
	if err := t.reliably(to, 0, deadline, end); err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	if err := to.reliably(t, 0, deadline, end); err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	here, there := net.Pipe()
	mine, theirs := t.newStream(here, to), to.newStream(there, t)
	if to.accept(theirs) {
		return mine, nil
	}
	mine.Close()
	theirs.Close()
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: net.ErrClosed}
}

// accept hands a stream to the host's program.
func (t *transport) accept(s *stream) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.down {
		return false
	}
	select {
	case t.streams <- s:
		return true
	default:
		return false
	}
}

// reliably sends a segment with the given number of bytes until it arrives.
// It returns an error at the deadline, and when end is closed.
func (t *transport) reliably(to *transport, bytes int, deadline time.Time, end <-chan struct{}) error {
	var expired <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		expired = timer.C
	}
	arrived := make(chan struct{}, 1)
	for wait := resend; ; wait *= 2 {
		t.wire.send(t.host, to.host, bytes+tcpHeaders, func(delivered bool) {
			if !delivered {
				return
			}
			select {
			case arrived <- struct{}{}:
			default: // it was sent again while the first was under way
			}
		})
		select {
		case <-arrived:
			return nil
		case <-time.After(wait):
		case <-expired:
			return os.ErrDeadlineExceeded
		case <-end:
			return net.ErrClosed
		}
	}
}

// Shutdown ends the host's streams and keeps it from opening others.
func (t *transport) Shutdown() error {
	t.mu.Lock()
	t.down = true
	open := t.open
	t.open = nil
	t.mu.Unlock()
	for s := range open {
		s.Close()
	}
	return nil
}

// stream is one end of a stream: a pipe whose writer first waits for the network.
type stream struct {
	net.Conn
	from, to *transport
	end      chan struct{}
	once     sync.Once

	mu       sync.Mutex
	deadline time.Time // of writes
}

// newStream returns the end at t of a stream, which is closed if t is shut down.
func (t *transport) newStream(pipe net.Conn, to *transport) *stream {
	s := &stream{Conn: pipe, from: t, to: to, end: make(chan struct{})}
	t.mu.Lock()
	down := t.down
	if !down {
		t.open[s] = struct{}{}
	}
	t.mu.Unlock()
	if down {
		s.Close()
	}
	return s
}

func (s *stream) Write(b []byte) (n int, err error) {
	s.mu.Lock()
	deadline := s.deadline
	s.mu.Unlock()
	for len(b) > 0 {
		segment := b[:min(len(b), segmentBytes)]
		if err := s.from.reliably(s.to, len(segment), deadline, s.end); err != nil {
			return n, &net.OpError{Op: "write", Net: "tcp", Err: err}
		}
		m, err := s.Conn.Write(segment)
		n += m
		if err != nil {
			return n, err
		}
		b = b[m:]
	}
	return n, nil
}

func (s *stream) SetDeadline(t time.Time) error {
	s.mu.Lock()
	s.deadline = t
	s.mu.Unlock()
	return s.Conn.SetDeadline(t)
}

func (s *stream) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	s.deadline = t
	s.mu.Unlock()
	return s.Conn.SetWriteDeadline(t)
}

func (s *stream) Close() error {
	s.once.Do(func() { close(s.end) })
	s.from.mu.Lock()
	delete(s.from.open, s)
	s.from.mu.Unlock()
	return s.Conn.Close()
}

func (s *stream) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(address(s.from.host)) }
func (s *stream) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(address(s.to.host)) }
