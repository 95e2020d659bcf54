package network

import (
	"errors"
	"fmt"

	"suspect/model"
	"suspect/sim"
)

func init() {
	RegisterFault(FaultSpec{
		Name:   "rule-drop",
		Source: "Xie et al., \"On static reachability analysis of IP networks\", INFOCOM 2005 (packet filters)",
		Doc:    "A switch, or each one, drops packets that it should forward, by a rule as of a firewall: those of one sender, one receiver, one priority, or of all that are given. What waits in its queues already goes its way.",
		Loses:  true,
		Params: []model.Param{
			{Name: "switch", Type: model.TextParam, Optional: true, Doc: "the switch with the rule, or random; all of them if empty"},
			{Name: "from", Type: model.TextParam, Optional: true, Doc: "the host that sends; any if empty"},
			{Name: "to", Type: model.TextParam, Optional: true, Doc: "the host that receives; any if empty"},
			{Name: "priority", Type: model.CountParam, Optional: true, Doc: "802.1Q priority, 0 to 7; any if left out"},
		},
		New: newRuleDrop,
	})
}

// ruleDrop puts rules in force.
type ruleDrop struct{ rules []Rule }

func newRuleDrop(p model.Params, t *Topology, s *sim.Stream) (Fault, error) {
	r := Rule{At: Everywhere, From: model.Nobody, To: model.Nobody, Priority: AnyPriority}
	var errs []error
	fail := func(name, format string, args ...any) {
		errs = append(errs, &model.ParamError{Name: name, Err: fmt.Errorf(format, args...)})
	}
	if p.Text("switch") != "" || len(t.Names) == t.Hosts {
		var err error
		if r.At, err = switchOf(p, "switch", t, s); err != nil {
			errs = append(errs, err)
		}
	}
	for _, end := range []struct {
		name string
		host *model.ProcessID
	}{{"from", &r.From}, {"to", &r.To}} {
		text := p.Text(end.name)
		node, ok := t.Node(text)
		switch {
		case text == "":
		case !ok:
			fail(end.name, "no host is named %q", text)
		case int(node) >= t.Hosts:
			fail(end.name, "%s is a switch", text)
		default:
			*end.host = model.ProcessID(node)
		}
	}
	if r.From != model.Nobody && r.From == r.To {
		fail("to", "%s is from too: nothing goes from a host to itself", p.Text("to"))
	}
	if p.Given("priority") {
		if c := p.Count("priority"); c >= model.Priorities {
			fail("priority", "%d is out of range: from 0 to %d", c, model.Priorities-1)
		} else {
			r.Priority = int8(c)
		}
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	return &ruleDrop{[]Rule{r}}, nil
}

// Strike puts the rules in force.
func (f *ruleDrop) Strike(n *Network) {
	for _, r := range f.rules {
		n.SetRule(r)
	}
}

// Heal lifts them.
func (f *ruleDrop) Heal(n *Network) {
	for _, r := range f.rules {
		n.LiftRule(r)
	}
}
