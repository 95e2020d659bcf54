package qjump_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"suspect/model"
	"suspect/network"
	"suspect/qjump"
)

// What a derivation says, packet by packet, beside what follows by hand: 106 B take 84.8 ns at
// 10 Gb/s, 206 B take 164.8 ns, and a frame of 1542 B takes 1.2336 us. Epochs are long, so that
// every limiter's budget is met once: 15 heartbeats on a star of 16; on one of 4, at the
// level below, two packets of 3 hosts and 3 of the level above. The second packets come a P/R
// after the first.
func TestDerivation(t *testing.T) {
	const heartbeat, frame = 106, 1542
	slow := network.LinkConfig{Rate: rate, Delay: 500 * model.Nanosecond}
	for _, c := range []struct {
		name   string
		top    network.Topology
		alter  func(*qjump.Network)
		method string
		want   string // of the last class
	}{
		{"star", network.Star(16, slow), nil, "port by port",
			"h15→s0: 1.2336us (frame of 1542 B) + 1 x 84.8ns = 1.3184us; s0→h0: 1.2336us (frame of 1542 B) + 15 x 84.8ns = 2.5056us; links: 1us; in all 4.824us"},
		{"a level above", network.Star(4, slow), func(n *qjump.Network) {
			below := n.Classes[0]
			below.Priority, below.Packet, below.Budget = 5, 206, 2
			n.Classes = append(n.Classes, below)
		}, "port by port",
			"h3→s0: 1.2336us (frame of 1542 B) + 2 x 164.8ns + 1 x 84.8ns (priority 7) = 1.648us; " +
				"s0→h0: 1.2336us (frame of 1542 B) + 6 x 164.8ns + 3 x 84.8ns (priority 7) - 164.8ns (sent before) = 2.312us; links: 1us; in all 4.96us"},
	} {
		n := qjump.Network{Topology: &c.top, Frames: []qjump.Demand{{From: hostsOf(c.top.Hosts), Bytes: frame}}}
		class := allToAll(c.top.Hosts, heartbeat, 1)
		class.Epoch = 100 * model.Microsecond
		n.Classes = append(n.Classes, class)
		if c.alter != nil {
			c.alter(&n)
		}
		bounds := networkBounds(t, n)
		f := &bounds[len(bounds)-1].Flows[0]
		method, _, numbers := f.Derivation()
		if method != c.method || numbers != c.want {
			t.Errorf("%s: %s:\n%s, want\n%s", c.name, method, numbers, c.want)
		}
		if wrong := sums(f); wrong != "" {
			t.Errorf("%s: %s", c.name, wrong)
		}
	}
}

// sums tells what of the steps of a flow, and of the text of its derivation, does not add up.
func sums(f *qjump.FlowBound) string {
	work := func(w qjump.Work) model.Duration { return model.Duration(w.Packets)*w.Each + w.Part }
	total := f.Links
	for _, s := range f.Steps {
		step := s.Block + work(s.Own) - s.Before
		for _, w := range s.Above {
			step += work(w)
		}
		if step != s.Delay || (s.Block > 0) != (s.Frame > 0) {
			return fmt.Sprintf("%+v is %v", s, step)
		}
		total += s.Delay
	}
	if f.Links > f.Epsilon {
		return fmt.Sprintf("links of %v on one way, and of %v on the longest", f.Links, f.Epsilon)
	}
	method, _, numbers := f.Derivation()
	if method != "port by port" {
		return ""
	}
	if total != f.Delay || !strings.HasSuffix(numbers, fmt.Sprint("; in all ", f.Delay)) {
		return fmt.Sprintf("%s\nis %v, want %v", numbers, total, f.Delay)
	}
	parts := strings.Split(numbers, "; ")
	written := model.Duration(0)
	for _, text := range parts[:len(parts)-1] {
		_, sum, _ := strings.Cut(text, ": ")
		sum, says, _ := strings.Cut(sum, " = ")
		got, err := evaluate(sum)
		if err != nil || says != "" && fmt.Sprint(got) != says {
			return fmt.Sprintf("%s\n%q is %v (%v)", numbers, text, got, err)
		}
		written += got
	}
	if written != f.Delay {
		return fmt.Sprintf("%s\nis %v", numbers, written)
	}
	return ""
}

var remark = regexp.MustCompile(` \([^)]*\)`)

// evaluate reads a sum as "1.2336us (frame of 1542 B) + 15 x 84.8ns - 3ns (sent before)".
func evaluate(text string) (total model.Duration, err error) {
	sign := model.Duration(1)
	for word := range strings.FieldsSeq(strings.ReplaceAll(remark.ReplaceAllString(text, ""), " x ", "x")) {
		switch word {
		case "+":
			sign = 1
			continue
		case "-":
			sign = -1
			continue
		}
		times := int64(1)
		if n, each, ok := strings.Cut(word, "x"); ok {
			if times, err = strconv.ParseInt(n, 10, 64); err != nil {
				return 0, err
			}
			word = each
		}
		d, err := model.ParseDuration(word)
		if err != nil {
			return 0, err
		}
		total += sign * model.Duration(times) * d
	}
	return total, nil
}

// Propagation is that of the longest way, with a bound or without one.
func TestPropagation(t *testing.T) {
	edge, core := network.LinkConfig{Rate: rate, Delay: 3}, network.LinkConfig{Rate: rate, Delay: 50}
	two := network.Topology{Hosts: 2, Names: []string{"h0", "h1"}, Links: []network.Link{{A: 0, B: 1, AtoB: edge, BtoA: edge}}}
	for _, c := range []struct {
		top  network.Topology
		to   []network.NodeID
		want model.Duration
	}{
		{network.Star(4, edge), nil, 6},
		{network.LeafSpine(2, 2, 2, edge, core), nil, 106},
		{network.FatTree(4, edge, core), nil, 206},
		{two, nil, 3},
	} {
		n := qjump.Network{Topology: &c.top, Classes: []qjump.NetworkClass{allToAll(c.top.Hosts, 100, 2)}}
		d, err := n.Propagation(0)
		if bounds := networkBounds(t, n); err != nil || d != c.want || bounds[0].Flows[0].Epsilon != d {
			t.Errorf("%d hosts: %v (%v), want %v", c.top.Hosts, d, err, c.want)
		}
		n.Classes[0].Budget = 1000
		if _, err := n.Bounds(); err == nil {
			t.Fatal("there is a bound for too much")
		}
		if d, err := n.Propagation(0); err != nil || d != c.want {
			t.Errorf("%d hosts, too much: %v (%v), want %v", c.top.Hosts, d, err, c.want)
		}
	}
}

// What a limiter spends on a packet keeps bursts apart: bounds that need them are proved still,
// but not known to be attained.
func TestProcessingIsNotExact(t *testing.T) {
	top := network.Star(8, link)
	for _, c := range []struct {
		kind       qjump.LimiterKind
		budget     int64
		processing model.Duration
		want       qjump.Status
	}{
		{qjump.MinimumSpacing, 1, 0, qjump.Exact},
		{qjump.MinimumSpacing, 1, 20, qjump.Exact},
		{qjump.RestartingWindow, 1, 20, qjump.Exact},
		{qjump.MinimumSpacing, 2, 0, qjump.Exact},
		{qjump.MinimumSpacing, 2, 20, qjump.Proved},
		{qjump.FixedWindow, 1, 0, qjump.Exact},
		{qjump.FixedWindow, 1, 20, qjump.Proved},
		{qjump.FixedWindow, 2, 20, qjump.Proved},
		{qjump.RestartingWindow, 2, 20, qjump.Proved},
	} {
		class := allToAll(8, 100, 8)
		class.Kind, class.Budget, class.Processing = c.kind, c.budget, c.processing
		class.Demands = []qjump.Demand{{From: hostsOf(8)[1:], To: hostsOf(1)}}
		n := qjump.Network{Topology: &top, Classes: []qjump.NetworkClass{class}}
		f := networkBounds(t, n)[0].Flows[0]
		n.Classes[0].Processing = 0
		if free := networkBounds(t, n)[0].Flows[0]; f.Status != c.want || f.Delay != free.Delay {
			t.Errorf("%+v: %v %v, want %v", c, f.Status, f.Delay, free.Delay)
		}
	}
}

// A refusal speaks of priorities.
func TestRefusalNamesPriorities(t *testing.T) {
	a, err := qjump.Bound(qjump.Spec{Hosts: 8, Packet: 256, Rate: rate, Factors: []int{1, 2, 4}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := a.Levels[2].BoundReason, "qjump: there is no bound on the delay: the level with priority 5 and those above it load a link to 1.4375, more than it carries"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
