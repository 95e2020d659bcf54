package scenario

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/model"
	"suspect/network"
)

const leaves = `name: leaves
duration: 2s
network: {framing: bare, topology: {leaf_spine: {leaves: 2, spines: 2, hosts_per_leaf: 1}}, edge: {rate: 12Mbps}}
`

// The times of a kind of routing have customary values, and are written out.
func TestRouting(t *testing.T) {
	const ms, second = model.Millisecond, model.Second
	ospf := network.LinkState{
		Hello: 10 * second, Dead: 40 * second, Retransmit: 5 * second, LSAInterval: 5 * second, LSAArrival: second,
		SPFDelay: 5 * second, SPFHold: 10 * second, SPFMaxHold: 10 * second, FIBBase: 50 * ms, FIBPerHost: ms / 10,
	}
	modern := ospf
	modern.Hello, modern.Dead, modern.BFD, modern.BFDMultiplier = second, 3*second, 50*ms, 3
	modern.SPFDelay, modern.SPFHold, modern.SPFMaxHold = 50*ms, 200*ms, 200*ms
	for _, c := range []struct {
		yaml string
		want network.Routing
		text string // resolved
	}{
		{"", network.Routing{}, ""},
		{"routing: {use: static}", network.Routing{}, ""},
		{"routing: {use: link-state}", network.Routing{Use: network.LinkStateRouting, Carrier: 10 * ms, LinkState: ospf}, `routing:
  use: link-state
  carrier: 10ms
  hello: 10s
  dead: 40s
  retransmit: 5s
  lsa: {interval: 5s, arrival: 1s}
  spf: {delay: 5s, hold: 10s, max_hold: 10s}
  fib: {base: 50ms, per_host: 100us}
`},
		{"routing: {use: link-state, hello: 1s, dead: 3s, bfd: {interval: 50ms}, carrier: never, spf: {delay: 50ms, hold: 200ms}}",
			network.Routing{Use: network.LinkStateRouting, Carrier: model.Forever, LinkState: modern}, `routing:
  use: link-state
  carrier: never
  hello: 1s
  dead: 3s
  bfd: {interval: 50ms, multiplier: 3}
  retransmit: 5s
  lsa: {interval: 5s, arrival: 1s}
  spf: {delay: 50ms, hold: 200ms, max_hold: 200ms}
  fib: {base: 50ms, per_host: 100us}
`},
		{"routing: {use: spanning-tree, root: spine0}", network.Routing{Use: network.SpanningTreeBridging, Carrier: 10 * ms,
			SpanningTree: network.SpanningTree{Hello: 2 * second, MaxAge: 20 * second, ForwardDelay: 15 * second, Root: 4}}, `routing:
  use: spanning-tree
  carrier: 10ms
  hello: 2s
  max_age: 20s
  forward_delay: 15s
  root: spine0
`},
		{"routing: {use: failure-carrying, carrier: 0}", network.Routing{Use: network.FailureCarrying}, "routing:\n  use: failure-carrying\n  carrier: 0s\n"},
	} {
		s, err := Parse("x.yaml", []byte(leaves+c.yaml+"\n"), nil)
		if err != nil {
			t.Errorf("%s: %v", c.yaml, err)
			continue
		}
		if diff := cmp.Diff(c.want, s.Network.Routing); diff != "" {
			t.Errorf("%s: %s", c.yaml, diff)
		}
		w := new(writer)
		s.writeRouting(w)
		if got := w.String(); got != c.text {
			t.Errorf("%s is resolved as\n%swant\n%s", c.yaml, got, c.text)
		}
		again, err := Parse("x.yaml", s.Resolved(), nil)
		if err != nil {
			t.Errorf("%s: resolved: %v", c.yaml, err)
		} else if diff := cmp.Diff(c.want, again.Network.Routing); diff != "" {
			t.Errorf("%s: resolved: %s", c.yaml, diff)
		}
	}
}

func TestRefusedRouting(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{"routing: {hello: 1s}", `lacks the key "use"`},
		{"routing: {use: ospf}", `unknown use "ospf"`},
		{"routing: {use: static, hello: 1s}", "hello: belongs to another kind of routing than static (delete it)"},
		{"routing: {use: link-state, root: leaf0}", "root: belongs to another kind"},
		{"routing: {use: link-state, dead: 10s}", "dead: 10s is not longer than hello, 10s"},
		{"routing: {use: link-state, bfd: {interval: 0}}", "delete bfd to have none"},
		{"routing: {use: link-state, bfd: {multiplier: 3}}", `lacks the key "interval"`},
		{"routing: {use: link-state, bfd: {interval: 50ms, multiplier: 256}}", "256 is too large (at most 255)"},
		{"routing: {use: link-state, spf: {hold: 10s, max_hold: 1s}}", "max_hold: 1s is out of range: from 10s"},
		{"routing: {use: link-state, carrier: 25h}", "carrier: 90000s is out of range"},
		{"routing: {use: spanning-tree, root: h0}", "h0 is a host, not a switch"},
		{"routing: {use: spanning-tree, root: spine9}", `no switch is named "spine9" (did you mean`},
		{"routing: {use: spanning-tree, max_age: 1s}", "max_age: 1s is not longer than hello, 2s"},
		{"routing: {use: spanning-tree, fib: {base: 1s}}", "fib: belongs to another kind"},
	} {
		_, err := Parse("x.yaml", []byte(leaves+c.yaml+"\n"), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.yaml, err, c.want)
		}
	}
}
