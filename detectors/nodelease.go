package detectors

import (
	"encoding/binary"

	"suspect/detectors/seeded"
	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "node-lease",
		Source: "Kubernetes: the kubelet's renewal of its Lease (component-helpers/apimachinery/lease) and the node lifecycle controller's judgement of it (pkg/controller/nodelifecycle)",
		Doc:    "Renews a lease object now and then; looks at the leases of others periodically, and suspects a node whose lease has not changed for the grace period.",
		Claims: []model.Claim{
			{Class: model.P, Under: "no loss, delays below grace - 1.04*renew - monitor, drift-free clocks, no pauses, all processes start together and none recovers", Given: prompt(nodeLeaseMargin, times(2, "grace", "monitor"))},
			{Class: model.EventuallyP, Under: "the same from some time on, except that before it processes start and messages are lost or late at will", Given: finally(prompt(nodeLeaseMargin, times(2, "grace", "monitor")), times(2, "grace", "monitor"))},
		},
		Params: []model.Param{
			{Name: "renew", Type: model.DurationParam, Default: "10s",
				Doc: "time between renewals of a lease, which a random 0 to 4% is added to each time"},
			{Name: "grace", Type: model.DurationParam, Default: "40s",
				Doc: "node-monitor-grace-period: how long ago a lease was last seen to have changed, when its node is suspected; 50s in recent versions"},
			{Name: "monitor", Type: model.DurationParam, Default: "5s",
				Doc: "node-monitor-period: time between the controller's looks at the leases"},
		},
		New: newNodeLease,
	})
}

// nodeLease is how Kubernetes finds nodes that are gone. The kubelet of each node renews
// a Lease object: at its start, and then after 1 to 1.04 times the renewal interval. The
// controller looks at all leases once per monitor period. Where it sees that a lease was
// renewed since it looked last, it notes the time of its own clock; where that time lies
// the grace period or more in the past, the node is suspected (its condition Ready
// becomes Unknown). Clocks of nodes play no part. A node is trusted again at the first
// look that finds its lease renewed.
//
// So a crash is suspected between grace - 1.04*renew and grace + 2*monitor after, and
// delays are seen in steps of the monitor period.
//
// The controller compares "more than the grace period". Its looks take time, which makes
// each a little later than the period says. Here they take none, and the comparison is
// "not less", which is the limit of short looks: otherwise a grace period of a whole
// number of monitor periods would last one more.
//
// Left out are the API server and its store, which a renewal here passes without delay
// other than the network's; retries of failed renewals; the kubelet's reports of its
// status, which count as renewals too; the longer grace of nodes that never reported; and
// what follows, as taints and the eviction of pods.
type nodeLease struct {
	self                  model.ProcessID
	watchers              []model.ProcessID
	peers                 peers
	renew, grace, monitor model.Duration
	started               bool
	renewal               model.Time // when the own lease is due
	look                  model.Time // when the leases of others are looked at
	nodes                 []nodeHealth
}

// nodeHealth is what is kept of one node.
type nodeHealth struct {
	probe   model.Time // when the controller last saw the lease changed
	renewed bool       // since the last look
	unknown bool       // suspected
}

const renewKind = HeartbeatKind + 1

func newNodeLease(env Env, p model.Params) (model.Automaton, error) {
	if err := env.Check(); err != nil {
		return nil, err
	}
	d := &nodeLease{self: env.Self, watchers: env.Watchers, peers: newPeers(env.Watch), nodes: make([]nodeHealth, len(env.Watch))}
	var err error
	if d.renew, err = duration(p, "renew", model.Picosecond); err != nil {
		return nil, err
	}
	if d.grace, err = duration(p, "grace", model.Picosecond); err != nil {
		return nil, err
	}
	if d.monitor, err = duration(p, "monitor", model.Picosecond); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *nodeLease) Step(now model.Time, in *model.Input, out *model.Output) {
	if !d.started {
		d.started = true
		d.renewal, d.look = now, now.Add(d.monitor)
		for k := range d.nodes {
			d.nodes[k] = nodeHealth{probe: now}
		}
	}
	if now >= d.look {
		d.look = now.Add(d.monitor)
		d.lookAtAll(now, out)
	}
	if (now >= d.renewal || seeded.Bug("a lease is renewed at any wake-up") && in.Kind == model.Wake) && len(d.watchers) > 0 {
		for _, q := range d.watchers {
			out.Send = append(out.Send, model.Message{From: d.self, To: q, Kind: renewKind})
		}
		d.renewal = now.Add(d.renew + permille(d.renew, in.Random.IntN(40)))
	}
	if in.Kind == model.Deliver && in.Message.Kind == renewKind {
		if k := d.peers.index(in.Message.From); k >= 0 {
			d.nodes[k].renewed = true
		}
	}
	out.Wake = model.Never
	if len(d.nodes) > 0 {
		out.Wake = d.look
	}
	if len(d.watchers) > 0 {
		out.Wake = min(out.Wake, d.renewal)
	}
}

func (d *nodeLease) lookAtAll(now model.Time, out *model.Output) {
	for k := range d.nodes {
		n := &d.nodes[k]
		if n.renewed {
			n.probe, n.renewed = now, false
		}
		if unknown := now >= n.probe.Add(d.grace); unknown != n.unknown {
			n.unknown = unknown
			out.Verdicts = append(out.Verdicts, model.Verdict{Peer: d.peers.id(k), Suspected: unknown})
		}
	}
}

func (d *nodeLease) Clone() model.Automaton {
	c := *d
	c.nodes = append([]nodeHealth(nil), d.nodes...)
	return &c
}

// AppendState writes whether the detector has started, what is left until its renewal and
// until its look, and for each node whether it is suspected and whether its lease was
// renewed; and if neither, what is left of its grace period.
func (d *nodeLease) AppendState(b []byte, now model.Time) []byte {
	if !d.started {
		return append(b, notStarted)
	}
	b = append(b, idle)
	if len(d.watchers) > 0 {
		b = appendLeft(b, d.renewal, now)
	}
	if len(d.nodes) > 0 {
		b = appendLeft(b, d.look, now)
	}
	for _, n := range d.nodes {
		b = append(b, flagBits(n.renewed, n.unknown))
		if !n.renewed && !n.unknown {
			b = binary.AppendUvarint(b, uint64(max(0, n.probe.Add(d.grace).Sub(now))))
		}
	}
	return b
}

func (d *nodeLease) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	clear(d.nodes)
	if len(b) == 0 || b[0] > idle {
		return b, errEncoding
	}
	d.started = b[0] == idle
	b = b[1:]
	if !d.started {
		return b, nil
	}
	if len(d.watchers) > 0 {
		if d.renewal, b, err = loadLeft(b, now, d.renew+permille(d.renew, 40)); err != nil || d.renewal == model.Never {
			return b, errEncoding
		}
	}
	if len(d.nodes) > 0 {
		if d.look, b, err = loadLeft(b, now, d.monitor); err != nil || d.look == model.Never {
			return b, errEncoding
		}
	}
	for k := range d.nodes {
		if len(b) == 0 || b[0] > 3 {
			return b, errEncoding
		}
		n := nodeHealth{renewed: b[0]&1 != 0, unknown: b[0]&2 != 0}
		b = b[1:]
		if n.unknown {
			n.probe = now - model.Time(d.grace) // long ago
		}
		if !n.renewed && !n.unknown {
			var left uint64
			if left, b, err = uvarint(b); err != nil || left > uint64(d.grace) {
				return b, errEncoding
			}
			n.probe = now + model.Time(left) - model.Time(d.grace)
		}
		d.nodes[k] = n
	}
	return b, nil
}
