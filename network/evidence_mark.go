package network

import "suspect/model"

// A switch marks a packet that comes to an output queue in which as much waits as
// Evidence.Mark says, not counting what is in transmission (RFC 3168, with the threshold on
// the instantaneous queue of Alizadeh et al., "Data Center TCP", SIGCOMM 2010). The automata
// that a marked message is delivered to are told right after it.

// crowded tells whether a packet that comes to the queue of a priority of port p is marked.
func (n *Network) crowded(p *port, c model.Priority) bool {
	m := &n.informants.Mark
	return m.Packets != 0 && p.packets[c] >= m.Packets || m.Bytes != 0 && p.bytes[c] >= m.Bytes
}

// receiveNews hands over the message in n.in, which came in packet i, and then what the
// packet brought about its way.
func (n *Network) receiveNews(host NodeID, i int32) {
	x := &n.pool.packets[i]
	to := asker{host, x.panel, x.tag, x.seq}
	news, failures := x.news, n.failuresOf(i)
	e := model.Evidence{From: model.ProcessID(x.from), About: model.ProcessID(x.from), Seq: x.seq}
	n.pool.put(i)
	n.hand(host, to.panel)
	if news&isMarked != 0 {
		mark := e
		mark.Kind = model.CongestionMark
		n.inform(to, &mark)
	}
	if news&isDetoured != 0 {
		e.Kind, e.Links = model.FailureHeader, failures
		n.inform(to, &e)
	}
}
