package network

import "suspect/model"

// packet is a packet in flight or in a queue, named by its index in the pool.
type packet struct {
	sentAt   model.Time
	arrives  model.Time // at the far end of the link that it is on
	number   uint64
	seq      int64
	from, to NodeID
	next     int32  // in its queue, on its link, or in the list of free packets
	flow     uint32 // hash of the flow, for equal-cost paths
	bytes    int32  // on the wire
	kind     uint8
	tag      uint8
	panel    uint8
	flags    uint8  // and the priority, in the lowest bits
	hops     uint16 // links that it crossed to a switch
	layer    model.Layer
	evidence model.EvidenceKind // of a packet that carries evidence alone
	news     uint8              // what it brings beside its message
}

const (
	priorityBits = 1<<3 - 1
	isTraffic    = 1 << 3 // background traffic, not a message
	hasExtra     = 1 << 4 // Arg or Body are in pool.extra
	isLost       = 1 << 5 // as the recording says that the link replays
	isControl    = 1 << 6 // from or to an agent or a switch, not from process to process
)

// What a packet brings beside its message.
const (
	isMarked   = 1 << iota // it waited where more than a threshold did
	isDetoured             // pool.extra has the links that it went around
)

func (p *packet) priority() model.Priority { return model.Priority(p.flags & priorityBits) }

// extra holds what few packets have.
type extra struct {
	arg      int64
	body     any
	evidence *model.Evidence
	detour   *detour
}

// detour is the header of a packet that had to go around failed links. It is immutable and
// may be shared.
type detour struct{ links []model.Place }

// pool holds all packets of a network, so that none is allocated in the steady
// state.
type pool struct {
	packets []packet
	extra   []extra // as long as packets once a message needed it
	free    int32   // head of the list of free packets, or none
	live    int
}

const none int32 = -1

func (o *pool) get() int32 {
	o.live++
	if i := o.free; i != none {
		o.free = o.packets[i].next
		return i
	}
	o.packets = append(o.packets, packet{})
	return int32(len(o.packets) - 1)
}

func (o *pool) put(i int32) {
	p := &o.packets[i]
	if p.flags&hasExtra != 0 {
		o.extra[i] = extra{}
	}
	p.next = o.free
	o.free = i
	o.live--
}

func (o *pool) setExtra(i int32, e extra) {
	for len(o.extra) <= int(i) {
		o.extra = append(o.extra, make([]extra, len(o.packets)-len(o.extra))...)
	}
	o.extra[i] = e
	o.packets[i].flags |= hasExtra
}

// message returns packet i as the message that was sent, but for its size, which is
// 0, and its priority, which is the one that it travelled with.
func (o *pool) message(i int32, m *model.Message) {
	p := &o.packets[i]
	m.From, m.To = model.ProcessID(p.from), model.ProcessID(p.to)
	m.Seq, m.Kind, m.Tag, m.Layer, m.Priority, m.Bytes = p.seq, p.kind, p.tag, p.layer, p.priority(), 0
	m.Arg, m.Body = 0, nil
	if p.flags&hasExtra != 0 {
		m.Arg, m.Body = o.extra[i].arg, o.extra[i].body
	}
}
