package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"suspect/detectors"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
	"suspect/sim"
)

// increasing is a timeout that learns: each mistake about a peer makes the timeout
// of that peer longer.
var increasing = detectors.Spec{
	Name:   "increasing",
	Source: "Chandra and Toueg, \"Unreliable failure detectors for reliable distributed systems\", JACM 43(2), 1996, figure 10",
	Doc:    "Suspects a peer after a silence, and allows it a longer one after each mistake.",
	Claims: []model.Claim{{Class: model.EventuallyP, Under: "unknown bounds on delays that hold from some time on, below the parameter most"}},
	Params: detectors.HeartbeatParams(
		model.Param{Name: "timeout", Type: model.DurationParam, Default: "3s", Doc: "silence allowed at first"},
		model.Param{Name: "step", Type: model.DurationParam, Default: "1s", Doc: "what each mistake adds to it"},
		model.Param{Name: "most", Type: model.DurationParam, Default: "60s", Doc: "the longest silence ever allowed"},
	),
	Heartbeats: true,
	New: func(env detectors.Env, p model.Params) (model.Automaton, error) {
		h, err := detectors.NewHeartbeats(env, p)
		if err != nil {
			return nil, err
		}
		d := &learner{heartbeats: h, watch: env.Watch, step: p.Duration("step"), most: p.Duration("most")}
		for range env.Watch {
			d.peers = append(d.peers, peer{timeout: p.Duration("timeout"), deadline: model.Never})
		}
		return d, nil
	},
}

type learner struct {
	heartbeats detectors.Heartbeats
	watch      []model.ProcessID
	peers      []peer
	step, most model.Duration
}

type peer struct {
	timeout   model.Duration // Delta_p(q) of figure 10
	deadline  model.Time
	suspected bool
}

func (d *learner) Step(now model.Time, in *model.Input, out *model.Output) {
	if d.heartbeats.Step(now, out) {
		for k := range d.peers {
			d.peers[k].deadline = now.Add(d.peers[k].timeout)
		}
	}
	out.Wake = d.heartbeats.Next()
	for k := range d.peers {
		p := &d.peers[k]
		if !p.suspected && p.deadline <= now {
			p.suspected, p.deadline = true, model.Never
			out.Verdicts = append(out.Verdicts, model.Verdict{Peer: d.watch[k], Suspected: true})
		}
	}
	if in.Kind == model.Deliver && in.Message.Kind == detectors.HeartbeatKind {
		if k, known := slices.BinarySearch(d.watch, in.Message.From); known {
			p := &d.peers[k]
			if p.suspected {
				p.suspected = false
				p.timeout = min(p.timeout+d.step, d.most)
				out.Verdicts = append(out.Verdicts, model.Verdict{Peer: d.watch[k]})
			}
			p.deadline = now.Add(p.timeout)
		}
	}
	for _, p := range d.peers {
		out.Wake = min(out.Wake, p.deadline)
	}
}

func (d *learner) Clone() model.Automaton {
	c := *d
	c.peers = slices.Clone(d.peers)
	return &c
}

// AppendState writes for each peer its timeout, and 0 if it is suspected, 1 before
// the start, else 2 + the time left to it.
func (d *learner) AppendState(b []byte, now model.Time) []byte {
	b = d.heartbeats.AppendState(b, now)
	for _, p := range d.peers {
		var code uint64
		switch {
		case p.suspected:
		case p.deadline == model.Never:
			code = 1
		default:
			code = 2 + uint64(max(0, p.deadline.Sub(now)))
		}
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(p.timeout)), code)
	}
	return b
}

func (d *learner) LoadState(b []byte, now model.Time) ([]byte, error) {
	b, err := d.heartbeats.LoadState(b, now)
	if err != nil {
		return b, err
	}
	for k := range d.peers {
		timeout, n := binary.Uvarint(b)
		code, m := binary.Uvarint(b[max(n, 0):])
		if n <= 0 || m <= 0 || timeout > uint64(model.MaxTime) || code > 2+timeout {
			return b, errors.New("not the encoded state of such a detector")
		}
		b = b[n+m:]
		d.peers[k] = peer{model.Duration(timeout), model.Never, code == 0}
		if code >= 2 {
			d.peers[k].deadline = now.Add(model.Duration(code - 2))
		}
	}
	return b, nil
}

// unplug is a host whose cable is pulled: its link is down in both directions.
var unplug = network.FaultSpec{
	Name:   "unplug",
	Source: "example",
	Doc:    "The link of a host is pulled out.",
	Params: []model.Param{{Name: "host", Type: model.TextParam, Doc: "whose link"}},
	New: func(p model.Params, t *network.Topology, _ *sim.Stream) (network.Fault, error) {
		host, ok := t.Node(p.Text("host"))
		if !ok || int(host) >= t.Hosts {
			return nil, &model.ParamError{Name: "host", Err: fmt.Errorf("no host is named %q", p.Text("host"))}
		}
		for i, l := range t.Links {
			if l.A == host || l.B == host { // a host has exactly one link
				return cable{network.LinkID(2 * i)}, nil
			}
		}
		return nil, fmt.Errorf("host %q has no link", p.Text("host"))
	},
}

type cable struct{ link network.LinkID }

func (c cable) Strike(n *network.Network) { c.set(n, false) }
func (c cable) Heal(n *network.Network)   { c.set(n, true) }

func (c cable) set(n *network.Network, up bool) {
	n.SetLink(c.link, up)
	n.SetLink(c.link+1, up)
}

// fewChanges bounds how often a monitor changes its mind about one peer.
var fewChanges = properties.Spec{
	Name:   "few-changes",
	Source: "example",
	Doc:    "No monitor changes its verdict on one peer more than at_most times after the warm-up. Exercised once for each change.",
	Params: []model.Param{{Name: "at_most", Type: model.CountParam, Default: "10", Doc: "changes of one verdict"}},
	New: func(env properties.Env, p model.Params) (properties.Checker, error) {
		return &changes{env: env, most: int(p.Count("at_most")), seen: make(map[[2]model.ProcessID]int)}, nil
	},
}

type changes struct {
	env    properties.Env
	most   int
	seen   map[[2]model.ProcessID]int
	result properties.Result
}

func (c *changes) Kinds() model.Kinds { return model.KindSet(model.Suspected, model.Trusted) }

func (c *changes) Observe(r *model.Record) {
	if r.Detector != c.env.Detector || r.At < c.env.WarmUp {
		return
	}
	c.result.Checked++
	pair := [2]model.ProcessID{r.Process, r.Peer}
	if c.seen[pair]++; c.seen[pair] == c.most+1 && c.result.Outcome != properties.Violated {
		c.result.Outcome = properties.Violated
		c.result.Reason = fmt.Sprintf("p%d changed its mind about p%d more than %d times by %v", r.Process, r.Peer, c.most, r.At)
		c.result.Witness = []model.Record{*r}
	}
}

func (c *changes) Finish(model.Time) properties.Result {
	c.result.Property = "few-changes"
	if c.result.Outcome != properties.Violated {
		c.result.Outcome = properties.Holds
		c.result.Reason = fmt.Sprintf("no verdict changed more than %d times", c.most)
	}
	return c.result
}
