package network

import "suspect/model"

// The BFD part of a router: RFC 5880 in asynchronous mode, a session on each port to
// another switch. All have the same interval and multiplier, so that nothing is
// negotiated but the slow start: a session that is not up sends each second at most, and
// says so. Echo and demand mode, authentication and discriminators are left out.

// interval returns how often this side of a session sends, before the jitter.
func (r *router) interval(a *adjacency) model.Duration {
	if a.session == bfdUp {
		return r.config.BFD
	}
	return max(r.config.BFD, bfdSlow)
}

// detection returns how long a session waits for packets that are sent at an interval
// (6.8.4).
func (r *router) detection(every model.Duration) model.Duration {
	return model.Duration(r.config.BFDMultiplier) * max(r.config.BFD, every)
}

// sendBFD sends a packet and plans the next one, after the interval less a random 0 to 25%
// of it, or 10 to 25% if the multiplier is 1 (6.8.7).
func (r *router) sendBFD(now model.Time, p int32, out *controlOutput) {
	a := &r.ports[p]
	every := r.interval(a)
	out.send = append(out.send, controlSend{p, &controlPacket{kind: bfdPacket, bytes: bfdBytes, session: a.session, every: every}})
	least := 0
	if r.config.BFDMultiplier == 1 {
		least = 10
	}
	const most = 25
	percent := model.Duration(least + r.random.IntN(most-least+1))
	a.transmit = now.Add(every - every/100*percent)
}

// receiveBFD is section 6.8.6.
func (r *router) receiveBFD(now model.Time, p int32, x *controlPacket, out *controlOutput) {
	a := &r.ports[p]
	if r.config.BFD == 0 {
		return
	}
	before := a.session
	switch {
	case a.session == bfdDown && x.session == bfdDown:
		a.session = bfdInit
	case a.session == bfdDown && x.session == bfdInit, a.session == bfdInit && x.session != bfdDown:
		a.session = bfdUp
	case a.session == bfdUp && x.session == bfdDown:
		r.sessionDown(now, p, out)
		return
	}
	if a.session != bfdDown {
		a.detect = now.Add(r.detection(x.every))
	}
	if a.session != before {
		r.sendBFD(now, p, out)
	}
	if a.session == bfdUp && a.named {
		r.meet(now, p, out)
	}
}

// sessionDown ends a session: nothing came for the detection time, or the other side has
// ended it.
func (r *router) sessionDown(now model.Time, p int32, out *controlOutput) {
	a := &r.ports[p]
	wasUp := a.session == bfdUp
	a.session, a.detect = bfdDown, model.Never
	r.sendBFD(now, p, out)
	if wasUp {
		r.lose(now, p, out)
	}
}
