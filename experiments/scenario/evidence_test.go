package scenario

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/model"
	"suspect/network"
)

// What is not said has customary values or is off, and all is written out.
func TestEvidence(t *testing.T) {
	agents := network.AllEvidence
	agents.Priority, agents.Resets, agents.Obituaries, agents.Errors, agents.Mark, agents.Queues = 3, false, false, 0, network.Buffer{}, 0
	agents.Counter, agents.Look, agents.Looks, agents.Carrier, agents.Confirm = model.Second, model.Millisecond, 2, 0, 0
	some := network.AllEvidence
	some.Agents, some.Obituaries, some.Queues = false, false, 0
	some.Mark, some.Errors, some.ErrorEvery = network.Buffer{Bytes: 30 << 10}, 5, 2*model.Second
	for _, c := range []struct {
		yaml string
		want network.Evidence
		text string // resolved
	}{
		{"", network.Evidence{}, ""},
		{"evidence: all", network.AllEvidence, `evidence:
  priority: 7
  agents: true
  resets: true
  obituaries: true
  errors: 50
  error_every: 1ms
  mark: 30KB
  carrier: 10ms
  counter: 100ms
  look: 20ms
  looks: 6
  confirm: 5ms
  queues: 100ms
`},
		{"evidence: {agents: true, priority: 3, counter: 1s, look: 1ms, looks: 2, carrier: 0s, confirm: 0s}", agents, `evidence:
  priority: 3
  agents: true
  resets: false
  obituaries: false
  errors: 0
  mark: none
  carrier: 0s
  counter: 1s
  look: 1ms
  looks: 2
  confirm: 0s
  queues: 0s
`},
		{"evidence: {resets: true, mark: 30KiB, errors: 5, error_every: 2s}", some, `evidence:
  priority: 7
  agents: false
  resets: true
  obituaries: false
  errors: 5
  error_every: 2s
  mark: 30KiB
  carrier: 10ms
`},
	} {
		s, err := Parse("x.yaml", []byte(plain+c.yaml+"\n"), nil)
		if err != nil {
			t.Errorf("%s: %v", c.yaml, err)
			continue
		}
		if diff := cmp.Diff(c.want, s.Network.Evidence); diff != "" {
			t.Errorf("%s:\n%s", c.yaml, diff)
		}
		if err := s.Network.Evidence.Validate(); err != nil {
			t.Errorf("%s: %v", c.yaml, err)
		}
		w := new(writer)
		if s.writeEvidence(w); w.String() != c.text {
			t.Errorf("%s: %s", c.yaml, cmp.Diff(c.text, w.String()))
		}
		again, err := Parse("x.yaml", s.Resolved(), nil)
		if err != nil || again.Network.Evidence != s.Network.Evidence {
			t.Errorf("%s: resolved, it is %+v (%v)", c.yaml, again.Network.Evidence, err)
		}
	}
}

// A detector that asks agents is refused where there are none, with what to add.
func TestAskingNeedsAgents(t *testing.T) {
	asks := strings.Replace(plain, "{use: timeout, eta: 10ms}", "{use: falcon}", 1)
	for _, c := range []struct{ yaml, want string }{
		{"", "falcon asks the agents of hosts and switches, and there are none (add evidence: all, or evidence: {agents: true})"},
		{"evidence: {resets: true}", "falcon asks the agents of hosts and switches"},
		{"evidence: {agents: true}", ""},
		{"evidence: all", ""},
	} {
		_, err := Parse("x.yaml", []byte(asks+c.yaml+"\n"), nil)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.yaml, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Count(err.Error(), "agents") > 3):
			t.Errorf("%s: %v, want %s", c.yaml, err, c.want)
		}
	}
}

// Each switch looks at its queues as often as it tells of them, if somebody can have asked.
func TestQueueLooksAreEstimated(t *testing.T) {
	events := func(set ...string) int64 {
		s, err := Parse("x.yaml", []byte(plain), append(set, "evidence={agents: true, queues: 1ms}"))
		if err != nil {
			t.Fatal(err)
		}
		asked := s.Estimate().Events
		s.Network.Evidence.Queues = 0
		return int64(asked - s.Estimate().Events)
	}
	if n := events("detectors=[{use: pigeon}]"); n != 2000 { // one switch, 2 s
		t.Errorf("%d looks, want 2000", n)
	}
	if n := events(); n != 0 {
		t.Errorf("%d looks for a detector that asks nobody", n)
	}
}
