package referee

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// Settings are one row of the comparison: a cluster, and the network below it. What
// they do not state is memberlist's default for a LAN: a probe each second that times
// out after 500 ms, 3 indirect probes, gossip to 3 members each 200 ms.
type Settings struct {
	Members       int
	SuspicionMult int

	// Delay is that from one host to another, but for the time that a packet takes to
	// be transmitted: the hosts are on one switch, by links of 10 Gb/s.
	Delay model.Duration

	// Loss is the probability of a loss on each of the two links of a path, once the
	// cluster has formed.
	Loss float64

	// Streams lets the library ping over a stream as well when a ping was not answered, as
	// it does by default. The automaton has no streams.
	Streams bool
}

// lose makes the links of n lose packets.
func (s Settings) lose(n *network.Network) {
	for l := range 2 * len(n.Topology().Links) {
		n.SetLoss(network.LinkID(l), network.IndependentLoss(s.Loss))
	}
}

func (s Settings) topology() network.Topology {
	return network.Star(s.Members, network.LinkConfig{Rate: 10 * network.Gbps, Delay: s.Delay / 2})
}

// plan says when members start and which one is killed. Library and automaton follow
// the same plans.
type plan struct {
	starts []model.Duration // within the first second, so that members' periods have any phase
	victim int

	// kill is drawn over as many seconds as a round of probes has, so that it meets every
	// member at any place of its round, independently of its phase.
	kill model.Duration
}

// A cluster has formed, and is silent but for its probes, when losses begin. The kill is
// after settling.
const (
	forming  = 10 * model.Second
	settling = 15 * model.Second
)

// patience is the time after a kill for which deaths are awaited. It covers the longest
// suspicion timeout of 30 members, 6 × 4 × log₁₀ 30 = 35.5 s.
const patience = 2 * model.Minute

func newPlan(s Settings, seed uint64) (plan, error) {
	if s.Members < 2 {
		return plan{}, fmt.Errorf("%d members: somebody must survive, so at least 2", s.Members)
	}
	stream := sim.NewStream(seed, "plan")
	within := func(seconds int) model.Duration {
		return model.Duration(stream.IntN(seconds*int(time.Second))) * model.Nanosecond
	}
	p := plan{starts: make([]model.Duration, s.Members)}
	for i := range p.starts {
		p.starts[i] = within(1)
	}
	p.victim = stream.IntN(s.Members)
	p.kill = settling + within(s.Members-1)
	return p, nil
}

// Outcome is what came of one kill.
type Outcome struct {
	// First and Last are the times from the kill until the first of the survivors
	// declared the victim dead, and until the last one that did.
	First, Last model.Duration

	// Missed is the number of survivors that did not, within two minutes, and Wrong the
	// number of deaths declared of members that lived.
	Missed, Wrong int
}

// outcome summarises the times after the kill at which the members declared the victim
// dead, 0 for those who did not.
func outcome(s Settings, died []model.Duration, wrong int) Outcome {
	o := Outcome{Missed: s.Members - 1, Wrong: wrong}
	for _, after := range died {
		if after == 0 {
			continue
		}
		o.Missed--
		o.Last = max(o.Last, after)
		if o.First == 0 || after < o.First {
			o.First = after
		}
	}
	return o
}

// wall converts a duration of a run to one of package time.
func wall(d model.Duration) time.Duration { return time.Duration(d / model.Nanosecond) }

// Library kills a member of a cluster of memberlist's. It is called in a synctest bubble
// and leaves no goroutine behind that does not end by itself. The seed sets the plan and
// the losses, but not the outcome: memberlist draws from the global generator, and a
// bubble runs timers that are due at one time in a random order.
func Library(s Settings, seed uint64) (Outcome, error) {
	plan, err := newPlan(s, seed)
	if err != nil {
		return Outcome{}, err
	}
	w, err := newWire(s.topology(), seed)
	if err != nil {
		return Outcome{}, err
	}
	defer w.close()
	c := cluster{wire: w, plan: plan, died: make([]model.Duration, s.Members)}
	defer c.stop()
	if err := c.start(s); err != nil {
		return Outcome{}, err
	}

	time.Sleep(wall(forming) - time.Since(w.began))
	for i, m := range c.members {
		if n := m.NumMembers(); n != s.Members {
			return Outcome{}, fmt.Errorf("member %d sees %d of %d members after %v", i, n, s.Members, forming)
		}
	}
	w.change(s.lose)
	time.Sleep(wall(plan.kill) - time.Since(w.began))
	w.crash(network.NodeID(plan.victim))
	if err := c.members[plan.victim].Shutdown(); err != nil {
		return Outcome{}, err
	}
	c.await(s.Members-1, patience)

	c.mu.Lock()
	defer c.mu.Unlock()
	return outcome(s, c.died, c.wrong), nil
}

// cluster is a memberlist cluster.
type cluster struct {
	wire    *wire
	plan    plan
	members []*memberlist.Memberlist

	mu     sync.Mutex
	died   []model.Duration // of each member: how long after the kill it declared the victim dead, or 0
	deaths int
	wrong  int
}

func name(i int) string { return fmt.Sprintf("h%d", i) }

// start creates the members at their times and joins them to the first one.
func (c *cluster) start(s Settings) error {
	transports := newTransports(c.wire)
	c.members = make([]*memberlist.Memberlist, s.Members)
	order := make([]int, s.Members)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return int(c.plan.starts[i] - c.plan.starts[j]) })
	for _, i := range order {
		time.Sleep(wall(c.plan.starts[i]) - time.Since(c.wire.began))
		config := memberlist.DefaultLANConfig()
		config.Name = name(i)
		config.Transport = transports[i]
		config.SuspicionMult = s.SuspicionMult
		config.DisableTcpPings = !s.Streams
		config.EnableCompression = false // most of the work, for a few bytes less
		config.LogOutput = io.Discard
		config.Events = &observer{c, i}
		var err error
		if c.members[i], err = memberlist.Create(config); err != nil {
			return err
		}
	}
	for range 2 { // once more, or chance would keep some from knowing of others
		for _, m := range c.members[1:] {
			if _, err := m.Join([]string{address(0).String()}); err != nil {
				return err
			}
		}
	}
	return nil
}

// afterlife is longer than memberlist's longest timeouts, 10 s of a stream and 9 s of
// a probe by a member in bad health.
const afterlife = 30 * time.Second

// stop ends the members and waits for their goroutines, without which a bubble panics:
// its time stands still once its function has returned.
func (c *cluster) stop() {
	for _, m := range c.members {
		if m != nil {
			m.Shutdown()
		}
	}
	time.Sleep(afterlife)
}

// await sleeps until n survivors have declared the victim dead, or for the given time.
func (c *cluster) await(n int, atMost model.Duration) {
	for end := time.Now().Add(wall(atMost)); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		c.mu.Lock()
		deaths := c.deaths
		c.mu.Unlock()
		if deaths == n {
			return
		}
	}
}

// observer is told by one member whom it declares dead.
type observer struct {
	cluster *cluster
	self    int
}

func (o *observer) NotifyJoin(*memberlist.Node)   {}
func (o *observer) NotifyUpdate(*memberlist.Node) {}

func (o *observer) NotifyLeave(n *memberlist.Node) {
	c := o.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	after := model.Duration(c.wire.now()) - c.plan.kill
	switch {
	case o.self == c.plan.victim && after >= 0: // what it still does, nobody hears
	case n.Name != name(c.plan.victim) || after < 0:
		c.wrong++
	case c.died[o.self] == 0:
		c.died[o.self] = after
		c.deaths++
	}
}
