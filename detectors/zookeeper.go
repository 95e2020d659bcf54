package detectors

import (
	"encoding/binary"
	"fmt"
	"slices"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "zookeeper",
		Source: "Apache ZooKeeper, sessions: server/ExpiryQueue and server/SessionTrackerImpl, the client's ClientCnxn.SendThread; Hunt, Konar, Junqueira, Reed, \"ZooKeeper: wait-free coordination for Internet-scale systems\", USENIX ATC 2010",
		Doc:    "Is the server of those whom it watches, and the client of those who watch it: clients keep their sessions alive by pings, and the server suspects one whose session expires, in buckets of a tick.",
		Claims: []model.Claim{
			{Class: model.P, Under: "no loss, delays below a sixth of the timeout, drift-free clocks, no pauses, all processes start together and none recovers", Given: prompt(sixth("timeout"), times(4, "timeout"))},
			{Class: model.EventuallyP, Under: "the same from some time on, except that before it processes start and messages are lost or late at will", Given: finally(prompt(sixth("timeout"), times(4, "timeout")), times(6, "timeout"))},
		},
		Params: []model.Param{
			{Name: "tick", Type: model.DurationParam, Default: "2s",
				Doc: "tickTime of the server: sessions expire at its multiples"},
			{Name: "timeout", Type: model.DurationParam, Default: "20s",
				Doc: "the session timeout that clients ask for; the server grants at least 2 and at most 20 ticks"},
		},
		New: newZooKeeper,
	})
}

// zookeeper is a session of ZooKeeper in both roles. Every watched process is a client of
// the monitor's server, and an ensemble is that one server.
//
// The server. A session that shows a sign of life at t expires at
//
//	(floor((t+T) / tick) + 1) * tick
//
// for a timeout T: after t + T, and by at most a tick. The expired session is a
// suspicion, and a new one ends it. The queue of expiries goes on by one bucket in each
// pass, and passes follow each other without delay (here, a picosecond) until they have
// caught up with the clock. So a server that was stalled does not expire all at once: it
// expires the oldest bucket, and signs of life that have waited meanwhile save the
// sessions in later ones.
//
// The client, by what it does with a connection of its own:
//
//   - connected, it pings when it has sent nothing for T/3. It also looks whenever
//     something arrives, and then pings if it has sent nothing for more than 10 s, or for
//     more than 1 s and there is less than 1 s left of T/3;
//   - it gives the connection up when it has received nothing for 2T/3 (T while it
//     connects, the connect timeout with one server);
//   - it connects anew after 1 s, as one does who has tried all servers, and a random
//     further 0 to 900 ms, in steps of 100 ms (the original's are of 1 ms): it opens a
//     connection, asks for the session to go on, and opens a new session when it learns
//     that the old one has expired. TCP's SYN is sent 0, 1, 3, 7, ... 63 s after it began
//     to open the connection.
//
// So a crash is seen between 2T/3 and T + tick after it, and the delay of a message. A
// client that receives nothing keeps its session alive for 2T/3 more: its pings arrive.
// Then it cannot connect, and the session expires.
//
// A client that recovers opens a new session at once, or with its second SYN if the server
// still has a connection on its port; the verdict is on the newest
// session of a peer. A server that starts takes everybody for a client with a session
// that has just shown life, as a new leader does. The session is all there is: its expiry
// is not committed by a quorum, and no watch tells of it.
//
// Connections are TCP's, see zkTCP. Payloads are those of the protocol (12 bytes for a
// ping, 20 for its reply, 49 and 41 for the request and reply that open a session) and a
// TCP header of 20 bytes without options.
type zookeeper struct {
	self    model.ProcessID
	tick    model.Duration
	timeout model.Duration // T
	started bool

	clients  peers
	sessions timers     // expiry of each client's session
	accepted []zkTCP    // the newest connection of each client
	passed   model.Time // of the last pass that expired a bucket

	servers peers
	conns   []zkConn
	due     timers // when the client must look at a connection

	resend timers // of the connections accepted, and then of the client's
}

// zkConn is a client's connection to one server.
type zkConn struct {
	phase   zkPhase
	session bool       // has one, as far as it knows
	late    bool       // it looked last when it had sent nothing for more than a second
	tries   uint8      // to open the connection
	sent    model.Time // last send, while connected
	heard   model.Time // last receipt, or start of this phase of connecting
	tcp     zkTCP
}

type zkPhase uint8

const (
	zkAway      zkPhase = iota // waits until it connects anew
	zkOpening                  // waits for the connection to open
	zkAsking                   // waits for the session
	zkConnected                // has it
	zkPhases
)

// The messages of sessions.
const (
	zkPing    = HeartbeatKind + 1 + iota // from the client
	zkPong                               // its reply
	zkOpen                               // from the client: TCP's SYN
	zkOpened                             // its reply
	zkNew                                // from the client: a session, please
	zkResume                             // from the client: the session, please
	zkGranted                            // the reply to both
	zkExpired                            // or that
	zkClosed                             // from the server: TCP's FIN or RST
	zkAck                                // from the client: TCP's ACK without data
	zkAcked                              // from the server: the same
	zkReset                              // from the client: TCP's RST
)

// zkBytes are the payloads of the messages.
var zkBytes = [...]int32{zkPing: 20 + 12, zkPong: 20 + 20, zkOpen: 20, zkOpened: 20,
	zkNew: 20 + 49, zkResume: 20 + 49, zkGranted: 20 + 41, zkExpired: 20 + 41, zkClosed: 20, zkAck: 20, zkAcked: 20, zkReset: 20}

const (
	zkMaxPing  = 10 * model.Second // MAX_SEND_PING_INTERVAL
	zkSpin     = model.Second      // pause of one who has tried all servers
	zkScatter  = 10                // the random pause before connecting is one of so many tenths of a second
	zkHeadroom = model.Second      // by which a ping may come early
	zkTries    = 7                 // of a SYN: tcp_syn_retries is 6
)

func newZooKeeper(env Env, p model.Params) (model.Automaton, error) {
	if err := env.Check(); err != nil {
		return nil, err
	}
	tick, err := duration(p, "tick", model.Millisecond)
	if err != nil {
		return nil, err
	}
	if tick > longest/20 {
		return nil, &model.ParamError{Name: "tick", Err: fmt.Errorf("%v is too long: at most %v", tick, longest/20)}
	}
	timeout, err := duration(p, "timeout", 0)
	if err != nil {
		return nil, err
	}
	return &zookeeper{self: env.Self, tick: tick, timeout: min(max(timeout, 2*tick), 20*tick),
		clients: newPeers(env.Watch), sessions: newTimers(len(env.Watch)), accepted: make([]zkTCP, len(env.Watch)), passed: -1,
		servers: newPeers(env.Watchers), conns: make([]zkConn, len(env.Watchers)), due: newTimers(len(env.Watchers)),
		resend: newTimers(len(env.Watch) + len(env.Watchers))}, nil
}

// readTimeout and pingAfter are the client's: 2T/3 and T/3.
func (d *zookeeper) readTimeout() model.Duration { return d.timeout * 2 / 3 }
func (d *zookeeper) pingAfter() model.Duration   { return d.readTimeout() / 2 }

// bucket returns when a session expires that shows life at t.
func (d *zookeeper) bucket(t model.Time) model.Time {
	tick := model.Time(d.tick)
	return (t.Add(d.timeout)/tick + 1) * tick
}

func (d *zookeeper) Step(now model.Time, in *model.Input, out *model.Output) {
	if !d.started {
		d.started = true
		for k := range d.clients.n {
			d.sessions.set(k, d.bucket(now))
		}
		for k := range d.conns {
			d.open(k, now, out)
		}
	}
	d.pass(now, out)
	for _, k := range d.due.pop(now) {
		d.look(k, now, in, out)
	}
	for _, i := range d.resend.pop(now) {
		if e := d.end(i); !e.retransmit(now, out) {
			if i < d.clients.n {
				e.close()
			} else {
				d.away(i-d.clients.n, now, in)
			}
		}
	}
	if m := &in.Message; in.Kind == model.Deliver && m.Seq>>8 == 0 && m.Arg>>8 >= 0 && m.Arg>>8 < zkPorts {
		if k := d.clients.index(m.From); k >= 0 {
			d.serve(k, m, now, out)
		}
		if k := d.servers.index(m.From); k >= 0 {
			d.receive(k, m, now, in, out)
		}
	}
	out.Wake = min(max(d.sessions.next(), now+1), d.due.next(), d.resend.next())
}

// pass expires the sessions of the oldest bucket that is due, once at a time.
func (d *zookeeper) pass(now model.Time, out *model.Output) {
	bucket := d.sessions.next()
	if bucket > now || d.passed == now {
		return
	}
	d.passed = now
	for _, k := range d.sessions.pop(bucket) {
		client := d.clients.id(k)
		if e := d.end(k); e.open {
			e.packet(zkClosed, e.next, out)
			e.close()
		}
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: client, Suspected: true})
	}
}

// serve is the server on a packet of client k.
func (d *zookeeper) serve(k int, m *model.Message, now model.Time, out *model.Output) {
	e, port := d.end(k), uint8(m.Arg>>8)
	ours := e.open && e.port == port
	switch m.Kind {
	case zkOpen:
		switch {
		case !ours:
			e.close()
			*e.zkTCP = zkTCP{open: true, port: port, want: 1}
			e.write(zkOpened, now, out)
		case e.handshake():
			e.packet(zkOpened, 0, out)
		default:
			e.packet(zkAcked, e.next, out)
		}
	case zkReset:
		if ours {
			e.close()
		}
	case zkPing, zkNew, zkResume, zkAck:
		if !ours {
			e.refuse(port, zkClosed, out)
			return
		}
		before := len(out.Send)
		if e.arrive(m, m.Kind != zkAck, now, out) {
			d.request(k, m.Kind, now, out)
		}
		if m.Kind != zkAck && len(out.Send) == before {
			e.packet(zkAcked, e.next, out)
		}
	}
}

// request is the server on what client k says.
func (d *zookeeper) request(k int, kind uint8, now model.Time, out *model.Output) {
	e, alive := d.end(k), d.sessions.has(k)
	reply := uint8(zkGranted)
	switch {
	case kind == zkNew:
		if !alive {
			out.Verdicts = append(out.Verdicts, model.Verdict{Peer: e.to})
		}
	case kind == zkResume && !alive:
		e.write(zkExpired, now, out)
		return
	case kind == zkPing && !alive:
		e.packet(zkClosed, e.next, out)
		e.close()
		return
	case kind == zkPing:
		reply = zkPong
	}
	d.sessions.set(k, d.bucket(now))
	e.write(reply, now, out)
}

// open starts to connect to server k.
func (d *zookeeper) open(k int, now model.Time, out *model.Output) {
	d.enter(k, zkOpening, now)
	c := &d.conns[k]
	c.tcp.port = (c.tcp.port + 1) % zkPorts
	d.try(k, now, out)
}

// try sends another SYN, which stands for all that are due.
func (d *zookeeper) try(k int, now model.Time, out *model.Output) {
	c := &d.conns[k]
	for c.tries == 0 || d.nextTry(c) <= now {
		c.tries++
	}
	d.end(d.clients.n+k).packet(zkOpen, 0, out)
	d.due.set(k, d.nextTry(c))
}

// nextTry returns when a client that opens a connection tries again, or gives up.
func (d *zookeeper) nextTry(c *zkConn) model.Time {
	at := c.heard.Add(d.timeout)
	if c.tries < zkTries {
		at = min(at, c.heard.Add((1<<c.tries-1)*model.Second))
	}
	return at
}

// enter begins a phase of connecting, without a connection.
func (d *zookeeper) enter(k int, phase zkPhase, now model.Time) {
	c := &d.conns[k]
	*c = zkConn{phase: phase, session: c.session, heard: now, tcp: zkTCP{port: c.tcp.port}}
	d.resend.set(d.clients.n+k, model.Never)
	d.due.set(k, now.Add(d.timeout))
}

// away gives up the connection to server k for a while.
func (d *zookeeper) away(k int, now model.Time, in *model.Input) {
	d.enter(k, zkAway, now)
	d.due.set(k, now.Add(zkSpin+model.Duration(in.Random.IntN(zkScatter))*100*model.Millisecond))
}

// look is the client at a time that it has set.
func (d *zookeeper) look(k int, now model.Time, in *model.Input, out *model.Output) {
	switch c := &d.conns[k]; {
	case c.phase == zkAway:
		d.open(k, now, out)
	case c.phase == zkOpening && now < c.heard.Add(d.timeout):
		d.try(k, now, out)
	case c.phase != zkConnected || now >= c.heard.Add(d.readTimeout()):
		d.away(k, now, in)
	default:
		d.ping(k, now, out)
	}
}

// ping sends a ping if there is one to be sent, and sets the time of the next look.
func (d *zookeeper) ping(k int, now model.Time, out *model.Output) {
	c := &d.conns[k]
	silent := now.Sub(c.sent)
	c.late = silent > zkHeadroom
	if silent > zkMaxPing || now >= d.nextPing(c) {
		d.end(d.clients.n+k).write(zkPing, now, out)
		c.sent, c.late = now, false
	}
	d.setLook(k)
}

// nextPing returns when a ping is due, as of the last look.
func (d *zookeeper) nextPing(c *zkConn) model.Time {
	at := c.sent.Add(d.pingAfter())
	if c.late {
		at -= model.Time(zkHeadroom)
	}
	return at
}

func (d *zookeeper) setLook(k int) {
	c := &d.conns[k]
	d.due.set(k, min(c.heard.Add(d.readTimeout()), d.nextPing(c)))
}

// receive is the client on a packet of server k.
func (d *zookeeper) receive(k int, m *model.Message, now model.Time, in *model.Input, out *model.Output) {
	c, e, port := &d.conns[k], d.end(d.clients.n+k), uint8(m.Arg>>8)
	ours := e.open && e.port == port
	switch m.Kind {
	case zkClosed:
		if ours {
			d.away(k, now, in)
		}
	case zkOpened, zkPong, zkGranted, zkExpired, zkAcked:
		if m.Kind == zkOpened && c.phase == zkOpening && e.port == port {
			request := uint8(zkNew)
			if c.session {
				request = zkResume
			}
			d.enter(k, zkAsking, now)
			e.open, e.next, e.want = true, 1, 1
			e.write(request, now, out)
			return
		}
		if !ours {
			e.refuse(port, zkReset, out)
			return
		}
		before := len(out.Send)
		if e.arrive(m, m.Kind != zkAcked, now, out) {
			d.reply(k, m.Kind, now, out)
		}
		if m.Kind != zkAcked && len(out.Send) == before {
			e.packet(zkAck, e.next, out)
		}
	}
}

// reply is the client on what server k says.
func (d *zookeeper) reply(k int, kind uint8, now model.Time, out *model.Output) {
	c := &d.conns[k]
	switch {
	case kind == zkGranted && c.phase == zkAsking:
		*c = zkConn{phase: zkConnected, session: true, sent: c.heard, heard: now, tcp: c.tcp}
		d.ping(k, now, out)
	case kind == zkExpired && c.phase == zkAsking:
		c.session = false
		d.open(k, now, out)
	case kind == zkPong && c.phase == zkConnected:
		c.heard = now
		d.ping(k, now, out)
	}
}

func (d *zookeeper) Clone() model.Automaton {
	c := *d
	c.sessions, c.due = d.sessions.clone(), d.due.clone()
	c.resend = d.resend.clone()
	c.conns, c.accepted = slices.Clone(d.conns), slices.Clone(d.accepted)
	return &c
}

// AppendState writes what is left of the tick, and whether a bucket has been expired at
// this very time; for each session 0 if there is none, or twice the number of ticks until
// it expires, or if that is past, of buckets that are due and not older, twice, and 1. For
// each connection it writes its phase, and what is left of it; and if it is connected, how
// long ago it sent, up to T/3, and what is left until the read timeout. Connections of TCP
// come last.
func (d *zookeeper) AppendState(b []byte, now model.Time) []byte {
	if !d.started {
		return append(b, notStarted)
	}
	overdue := d.sessions.next() <= now
	b = append(b, 1+flagBits(overdue && d.passed == now))
	tick := model.Time(d.tick)
	boundary := now - now%tick
	b = binary.AppendUvarint(b, uint64(boundary+tick-now))
	var due []model.Time // buckets, the newest first
	if overdue {
		for k := range d.clients.n {
			if at := d.sessions.at(k); at <= now && !slices.Contains(due, at) {
				due = append(due, at)
			}
		}
		slices.SortFunc(due, func(x, y model.Time) int { return int((y - x) / tick) })
	}
	for k := range d.clients.n {
		var code uint64
		switch at := d.sessions.at(k); {
		case at == model.Never:
		case at > now:
			code = 2 * uint64((at-boundary)/tick)
		default:
			code = 2*uint64(1+slices.Index(due, at)) + 1
		}
		b = binary.AppendUvarint(b, code)
	}
	for k := range d.conns {
		c := &d.conns[k]
		b = append(b, byte(c.phase)<<2|flagBits(c.session, c.late))
		switch c.phase {
		case zkAway:
			b = appendLeft(b, d.due.at(k), now)
			continue
		case zkOpening:
			b = append(b, c.tries)
			fallthrough
		case zkAsking:
			b = appendLeft(b, c.heard.Add(d.timeout), now)
			continue
		}
		b = binary.AppendUvarint(b, uint64(min(now.Sub(c.sent), d.pingAfter())))
		b = binary.AppendUvarint(b, uint64(max(0, c.heard.Add(d.readTimeout()).Sub(now))))
	}
	for i := range d.clients.n + len(d.conns) {
		b = d.end(i).appendState(b, now)
	}
	return b
}

func (d *zookeeper) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	d.sessions.clear()
	d.due.clear()
	d.resend.clear()
	clear(d.conns)
	clear(d.accepted)
	if len(b) == 0 || b[0] > 2 {
		return b, errEncoding
	}
	d.started, d.passed = b[0] > 0, now-1
	if b[0] == 2 {
		d.passed = now
	}
	b = b[1:]
	if !d.started {
		return b, nil
	}
	tick := model.Time(d.tick)
	boundary := now - now%tick
	left, b, err := uvarint(b)
	if err != nil || left != uint64(boundary+tick-now) {
		return b, errEncoding
	}
	for k := range d.clients.n {
		var code uint64
		if code, b, err = uvarint(b); err != nil {
			return b, err
		}
		n := model.Time(code / 2)
		switch {
		case code == 0:
		case code%2 == 0 && n <= model.Time(d.timeout)/tick+2:
			d.sessions.set(k, boundary+n*tick)
		case code%2 == 1 && 1 <= n && n <= model.Time(d.clients.n):
			d.sessions.set(k, boundary-(n-1)*tick)
		default:
			return b, errEncoding
		}
	}
	for k := range d.conns {
		if b, err = d.loadConn(k, b, now); err != nil {
			return b, err
		}
	}
	for i := range d.clients.n + len(d.conns) {
		e := d.end(i)
		if b, err = e.loadState(b, now); err != nil {
			return b, err
		}
		if k := i - d.clients.n; k >= 0 && e.open != (d.conns[k].phase >= zkAsking) {
			return b, errEncoding
		}
	}
	return b, nil
}

func (d *zookeeper) loadConn(k int, b []byte, now model.Time) (rest []byte, err error) {
	c := &d.conns[k]
	if len(b) == 0 || b[0]>>2 >= byte(zkPhases) {
		return b, errEncoding
	}
	*c = zkConn{phase: zkPhase(b[0] >> 2), session: b[0]&1 != 0, late: b[0]&2 != 0}
	b = b[1:]
	if c.phase == zkOpening {
		if len(b) == 0 || b[0] == 0 || b[0] > zkTries {
			return b, errEncoding
		}
		c.tries, b = b[0], b[1:]
	}
	if c.phase != zkConnected {
		at, b, err := loadLeft(b, now, max(d.timeout, 2*model.Second))
		if err != nil || at == model.Never {
			return b, errEncoding
		}
		d.due.set(k, at)
		c.heard = at - model.Time(d.timeout)
		if c.phase == zkOpening {
			d.due.set(k, d.nextTry(c))
		}
		return b, nil
	}
	ago, b, err := uvarint(b)
	if err != nil || ago > uint64(d.pingAfter()) {
		return b, errEncoding
	}
	left, b, err := uvarint(b)
	if err != nil || left > uint64(d.readTimeout()) {
		return b, errEncoding
	}
	c.sent = now - model.Time(ago)
	c.heard = now + model.Time(left) - model.Time(d.readTimeout())
	d.setLook(k)
	return b, nil
}
