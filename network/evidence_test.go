package network

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/model"
	"suspect/sim"
)

// script is an automaton that sends messages at set times, increasing, and notes what it is
// told.
type script struct {
	sends []timedMessage
	log   *[]string
}

type timedMessage struct {
	at model.Time
	m  model.Message
}

func (s *script) Step(now model.Time, in *model.Input, out *model.Output) {
	switch in.Kind {
	case model.Inform:
		*s.log = append(*s.log, told(now, in.Evidence))
	case model.Deliver:
		*s.log = append(*s.log, fmt.Sprintf("%v message %d", now, in.Message.Seq))
	}
	for len(s.sends) > 0 && s.sends[0].at <= now {
		out.Send = append(out.Send, s.sends[0].m)
		s.sends = s.sends[1:]
	}
	if len(s.sends) > 0 {
		out.Wake = s.sends[0].at
	}
}

func (s *script) Clone() model.Automaton                             { c := *s; return &c }
func (s *script) AppendState(buf []byte, _ model.Time) []byte        { return buf }
func (s *script) LoadState(buf []byte, _ model.Time) ([]byte, error) { return buf, nil }

// told is a line about evidence that arrives.
func told(now model.Time, e *model.Evidence) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %v", now, e.Kind)
	if e.Kind == model.Liveness {
		fmt.Fprintf(&b, " of %v", e.Layer)
	}
	fmt.Fprintf(&b, " %d about %d alive=%v", e.From, e.About, e.Alive)
	if e.Killed {
		b.WriteString(" killed")
	}
	if e.Cause != 0 {
		fmt.Fprintf(&b, " cause=%v", e.Cause)
	}
	if e.Place != 0 {
		fmt.Fprintf(&b, " at %v", e.Place)
	}
	if e.Value != 0 || e.Lost != 0 {
		fmt.Fprintf(&b, " value=%d lost=%d", e.Value, e.Lost)
	}
	if e.Incarnation != 0 {
		fmt.Fprintf(&b, " start=%d", e.Incarnation)
	}
	fmt.Fprintf(&b, " seq=%d", e.Seq)
	if len(e.Links) > 0 {
		fmt.Fprintf(&b, " links=%v", e.Links)
	}
	return b.String()
}

// us and ns are times of a test.
func atUs(n int64) model.Time { return model.Time(n) * model.Time(model.Microsecond) }
func atNs(n int64) model.Time { return model.Time(n) * model.Time(model.Nanosecond) }
func atMs(n int64) model.Time { return model.Time(n) * model.Time(model.Millisecond) }

// ask is a request of 100 bytes.
func ask(at model.Time, to model.ProcessID, layer model.Layer, r model.Request, arg, seq int64) timedMessage {
	return timedMessage{at, model.Message{To: to, Layer: layer, Kind: uint8(r), Arg: arg, Seq: seq, Bytes: 100}}
}

// gigabyte is a link on which a byte lasts a nanosecond, and which is a microsecond long.
func gigabyte() LinkConfig { return LinkConfig{Rate: 8 * Gbps, Delay: model.Microsecond} }

// attachScripts gives every host one panel with a script, and returns what they note.
func attachScripts(n *Network, sends map[model.ProcessID][]timedMessage) []*[]string {
	logs := make([]*[]string, n.topology.Hosts)
	for p := range logs {
		logs[p] = new([]string)
		first := true
		n.Attach(model.ProcessID(p), 0, Panel{Detectors: []uint8{0}, New: []func() model.Automaton{func() model.Automaton {
			s := &script{log: logs[p]}
			if first { // it does not send again after a crash
				s.sends, first = sends[model.ProcessID(p)], false
			}
			return s
		}}})
	}
	return logs
}

// agents is evidence from agents alone.
func agents() Evidence {
	e := AllEvidence
	e.Resets, e.Mark, e.Errors, e.Obituaries, e.Queues = false, Buffer{}, 0, false, 0
	return e
}

// at lets something happen at a time.
func (n *Network) at(when model.Time, do func()) {
	f := handlerFunc(do)
	t := n.kernel.NewTimer(f, 0)
	n.kernel.Arm(t, when)
}

type handlerFunc func()

func (f handlerFunc) Fire(uint32) { f() }

// A request of 100 bytes takes 1.1 us on each of two links to another host, and on one to
// the switch; what answers it has 52 bytes, but for the state of a queue with 60 and of the
// links with 44 and 4 for each.
func TestAgentsAnswer(t *testing.T) {
	const toHost, fromHost = 2 * 1100, 2 * 1052
	const host, s0 = 1, 3 // of a star of three hosts
	for _, c := range []struct {
		name string
		do   map[model.Time]func(n *Network)
		ask  []timedMessage // by process 0
		also []timedMessage // by the process that is asked about
		want []string       // that process 0 hears
	}{
		{
			name: "all is well",
			ask: []timedMessage{
				ask(atUs(10), host, model.ApplicationLayer, model.Probe, int64(model.ApplicationLayer), 1),
				ask(atUs(20), host, model.SystemLayer, model.Probe, int64(model.SystemLayer), 2),
				ask(atUs(30), host, model.SystemLayer, model.Probe, int64(model.ProcessLayer), 3),
				ask(atUs(40), host, model.SystemLayer, model.Probe, int64(model.ApplicationLayer), 4),
				ask(atUs(50), host, model.HypervisorLayer, model.Probe, int64(model.SystemLayer), 5),
				ask(atUs(60), host, model.HypervisorLayer, model.Probe, int64(model.HypervisorLayer), 6),
				ask(atUs(70), s0, model.SwitchLayer, model.Probe, s0, 7),
				ask(atUs(80), s0, model.SwitchLayer, model.Probe, host, 8), // it was heard 8 us ago or so
				ask(atUs(90), s0, model.SwitchLayer, model.Query, -1, 9),
			},
			want: []string{
				fmt.Sprint(atUs(10)+atNs(toHost+fromHost), " liveness of application 1 about 1 alive=true start=1 seq=1"),
				fmt.Sprint(atUs(20)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=true start=1 seq=2"),
				fmt.Sprint(atUs(30)+atNs(toHost+fromHost), " liveness of process 1 about 1 alive=true start=1 seq=3"),
				fmt.Sprint(atUs(40)+atNs(toHost+fromHost), " liveness of application 1 about 1 alive=true start=1 seq=4"),
				fmt.Sprint(atUs(50)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=true start=1 seq=5"),
				fmt.Sprint(atUs(60)+atNs(toHost+fromHost), " liveness of hypervisor 1 about 1 alive=true start=1 seq=6"),
				fmt.Sprint(atUs(70)+atNs(1100+1052), " liveness of switch 3 about 3 alive=true start=1 seq=7"),
				fmt.Sprint(atUs(80)+atNs(1100+1052), " liveness of hypervisor 3 about 1 alive=true seq=8"),
				fmt.Sprint(atUs(90)+atNs(1100+1044), " link-state 3 about -1 alive=false seq=9"),
			},
		},
		{
			name: "a switch asks a machine that is silent so far",
			// 1100 ns there, and a look 20 ms later finds the answer.
			ask:  []timedMessage{ask(0, s0, model.SwitchLayer, model.Probe, 2, 1)},
			want: []string{fmt.Sprint(atMs(20)+atNs(1100+1052), " liveness of hypervisor 3 about 2 alive=true seq=1")},
		},
		{
			name: "a machine whose interface is silent",
			do: map[model.Time]func(*Network){0: func(n *Network) {
				n.SetSilent(n.uplinks[2], true)
			}},
			// Six looks of 20 ms each.
			ask:  []timedMessage{ask(atUs(1), s0, model.SwitchLayer, model.Probe, 2, 1)},
			want: []string{fmt.Sprint(atUs(1)+atMs(120)+atNs(1100+1052), " liveness of hypervisor 3 about 2 alive=false seq=1")},
		},
		{
			name: "a process that crashed",
			do:   map[model.Time]func(*Network){atUs(5): func(n *Network) { n.CrashProcess(host) }},
			ask: []timedMessage{
				ask(atUs(10), host, model.ApplicationLayer, model.Probe, int64(model.ApplicationLayer), 1), // nobody answers
				ask(atUs(20), host, model.SystemLayer, model.Probe, int64(model.ApplicationLayer), 2),
				ask(atUs(30), host, model.SystemLayer, model.Probe, int64(model.SystemLayer), 3),
			},
			want: []string{
				fmt.Sprint(atUs(20)+atNs(toHost+fromHost), " liveness of application 1 about 1 alive=false start=1 seq=2"),
				fmt.Sprint(atUs(30)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=true start=1 seq=3"),
			},
		},
		{
			name: "a process that crashed and started anew",
			do: map[model.Time]func(*Network){
				atUs(5): func(n *Network) { n.CrashProcess(host) },
				atUs(6): func(n *Network) { n.RecoverProcess(host) },
			},
			ask:  []timedMessage{ask(atUs(10), host, model.SystemLayer, model.Probe, int64(model.ProcessLayer), 1)},
			want: []string{fmt.Sprint(atUs(10)+atNs(toHost+fromHost), " liveness of process 1 about 1 alive=true start=2 seq=1")},
		},
		{
			name: "a system that crashed is seen by its counter at the second look",
			do:   map[model.Time]func(*Network){atMs(130): func(n *Network) { n.CrashHost(host) }},
			ask: []timedMessage{
				ask(atMs(140), host, model.SystemLayer, model.Probe, int64(model.SystemLayer), 1), // nobody answers
				ask(atMs(299), host, model.HypervisorLayer, model.Probe, int64(model.SystemLayer), 2),
				ask(atMs(300), host, model.HypervisorLayer, model.Probe, int64(model.SystemLayer), 3),
				ask(atMs(301), host, model.HypervisorLayer, model.Probe, int64(model.HypervisorLayer), 4),
				ask(atMs(302), s0, model.SwitchLayer, model.Probe, host, 5),
			},
			want: []string{
				fmt.Sprint(atMs(299)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=true start=1 seq=2"),
				fmt.Sprint(atMs(300)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=false start=1 seq=3"),
				fmt.Sprint(atMs(301)+atNs(toHost+fromHost), " liveness of hypervisor 1 about 1 alive=true start=1 seq=4"),
				fmt.Sprint(atMs(302)+atNs(1100+1052), " liveness of hypervisor 3 about 1 alive=true seq=5"),
			},
		},
		{
			name: "a machine without power",
			do: map[model.Time]func(*Network){
				atMs(5):   func(n *Network) { n.CrashMachine(host) },
				atMs(100): func(n *Network) { n.RecoverMachine(host) },
			},
			ask: []timedMessage{
				ask(atMs(10), host, model.HypervisorLayer, model.Probe, int64(model.HypervisorLayer), 1), // nobody answers
				ask(atMs(16), s0, model.SwitchLayer, model.Probe, host, 2),                               // the port is down since 15 ms
				ask(atMs(150), host, model.HypervisorLayer, model.Probe, int64(model.HypervisorLayer), 3),
				ask(atMs(151), host, model.HypervisorLayer, model.Probe, int64(model.SystemLayer), 4), // it has not looked yet
				ask(atMs(200), host, model.HypervisorLayer, model.Probe, int64(model.SystemLayer), 5),
			},
			want: []string{
				fmt.Sprint(atMs(16)+atNs(1100+1052), " liveness of hypervisor 3 about 1 alive=false seq=2"),
				fmt.Sprint(atMs(150)+atNs(toHost+fromHost), " liveness of hypervisor 1 about 1 alive=true start=2 seq=3"),
				fmt.Sprint(atMs(200)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=true start=2 seq=5"),
			},
		},
		{
			name: "a machine with power whose system stays down",
			do: map[model.Time]func(*Network){
				atMs(5):   func(n *Network) { n.CrashHost(host) },
				atMs(6):   func(n *Network) { n.CrashMachine(host) },
				atMs(230): func(n *Network) { n.RecoverMachine(host) },
			},
			ask: []timedMessage{ask(atMs(250), host, model.HypervisorLayer, model.Subscribe, 0, 1)},
			// It has never seen a system, and so knows of no incarnation.
			want: []string{fmt.Sprint(atMs(300)+atNs(fromHost), " liveness of system 1 about 1 alive=false seq=1")},
		},
		{
			name: "a hypervisor speaks of the system that it saw until it has looked again",
			do: map[model.Time]func(*Network){
				atMs(130): func(n *Network) { n.CrashHost(host) },
				atMs(330): func(n *Network) { n.RecoverHost(host) },
				atMs(430): func(n *Network) { n.CrashHost(host) }, // too short to be seen
				atMs(440): func(n *Network) { n.RecoverHost(host) },
			},
			ask: []timedMessage{
				ask(atMs(340), host, model.HypervisorLayer, model.Probe, int64(model.SystemLayer), 1),
				ask(atMs(341), host, model.SystemLayer, model.Probe, int64(model.SystemLayer), 2),
				ask(atMs(400), host, model.HypervisorLayer, model.Probe, int64(model.SystemLayer), 3),
				ask(atMs(450), host, model.HypervisorLayer, model.Probe, int64(model.SystemLayer), 4),
				ask(atMs(500), host, model.HypervisorLayer, model.Probe, int64(model.SystemLayer), 5),
			},
			want: []string{
				fmt.Sprint(atMs(340)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=false start=1 seq=1"),
				fmt.Sprint(atMs(341)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=true start=2 seq=2"),
				fmt.Sprint(atMs(400)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=true start=2 seq=3"),
				fmt.Sprint(atMs(450)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=true start=2 seq=4"),
				fmt.Sprint(atMs(500)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=true start=3 seq=5"),
			},
		},
		{
			name: "an application that is wedged, paused or slow answers when it goes on",
			do: map[model.Time]func(*Network){
				atUs(5):  func(n *Network) { n.WedgeProcess(host) },
				atUs(95): func(n *Network) { n.UnwedgeProcess(host) },
			},
			ask: []timedMessage{
				ask(atUs(10), host, model.ApplicationLayer, model.Probe, int64(model.ApplicationLayer), 1),
				ask(atUs(20), host, model.SystemLayer, model.Probe, int64(model.ProcessLayer), 2),
			},
			want: []string{
				fmt.Sprint(atUs(20)+atNs(toHost+fromHost), " liveness of process 1 about 1 alive=true start=1 seq=2"),
				fmt.Sprint(atUs(95)+atNs(fromHost), " liveness of application 1 about 1 alive=true start=1 seq=1"),
			},
		},
		{
			name: "paused",
			do: map[model.Time]func(*Network){
				atUs(5):  func(n *Network) { n.PauseProcess(host) },
				atUs(95): func(n *Network) { n.ResumeProcess(host) },
			},
			ask:  []timedMessage{ask(atUs(10), host, model.ApplicationLayer, model.Probe, int64(model.ApplicationLayer), 1)},
			want: []string{fmt.Sprint(atUs(95)+atNs(fromHost), " liveness of application 1 about 1 alive=true start=1 seq=1")},
		},
		{
			name: "slow",
			do: map[model.Time]func(*Network){atUs(5): func(n *Network) {
				n.SlowProcess(host, sim.Distribution{Mean: 30 * model.Microsecond})
			}},
			ask:  []timedMessage{ask(atUs(10), host, model.ApplicationLayer, model.Probe, int64(model.ApplicationLayer), 1)},
			want: []string{fmt.Sprint(atUs(10+30)+atNs(toHost+fromHost), " liveness of application 1 about 1 alive=true start=1 seq=1")},
		},
		{
			name: "a system kills a process",
			ask: []timedMessage{
				ask(atUs(10), host, model.SystemLayer, model.Kill, int64(model.ProcessLayer), 1),
				ask(atMs(20), host, model.SystemLayer, model.Probe, int64(model.ProcessLayer), 2),
			},
			want: []string{
				fmt.Sprint(atUs(10)+atMs(5)+atNs(toHost+fromHost), " liveness of process 1 about 1 alive=false killed start=1 seq=1"),
				fmt.Sprint(atMs(20)+atNs(toHost+fromHost), " liveness of process 1 about 1 alive=false killed start=1 seq=2"),
			},
		},
		{
			name: "a hypervisor kills a system",
			ask: []timedMessage{
				ask(atUs(10), host, model.HypervisorLayer, model.Kill, int64(model.SystemLayer), 1),
				ask(atMs(20), host, model.SystemLayer, model.Probe, int64(model.SystemLayer), 2), // nobody answers
			},
			want: []string{fmt.Sprint(atUs(10)+atMs(5)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=false killed start=1 seq=1")},
		},
		{
			name: "to kill a process that is down does nothing to its successor",
			do: map[model.Time]func(*Network){
				atUs(5): func(n *Network) { n.CrashProcess(host) },
				atMs(1): func(n *Network) { n.RecoverProcess(host) },
			},
			ask: []timedMessage{
				ask(atUs(10), host, model.SystemLayer, model.Kill, int64(model.ProcessLayer), 1),
				ask(atMs(20), host, model.SystemLayer, model.Probe, int64(model.ProcessLayer), 2),
			},
			want: []string{
				fmt.Sprint(atUs(10)+atMs(5)+atNs(toHost+fromHost), " liveness of process 1 about 1 alive=false start=1 seq=1"),
				fmt.Sprint(atMs(20)+atNs(toHost+fromHost), " liveness of process 1 about 1 alive=true start=2 seq=2"),
			},
		},
		{
			name: "to kill a system that is down does nothing to its successor",
			do: map[model.Time]func(*Network){
				atUs(5): func(n *Network) { n.CrashHost(host) },
				atMs(1): func(n *Network) { n.RecoverHost(host) },
			},
			ask: []timedMessage{
				ask(atUs(10), host, model.HypervisorLayer, model.Kill, int64(model.SystemLayer), 1),
				ask(atMs(20), host, model.SystemLayer, model.Probe, int64(model.SystemLayer), 2),
			},
			want: []string{
				fmt.Sprint(atUs(10)+atMs(5)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=false start=1 seq=1"),
				fmt.Sprint(atMs(20)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=true start=2 seq=2"),
			},
		},
		{
			name: "an order to kill that names an incarnation spares the next",
			do: map[model.Time]func(*Network){
				atUs(5): func(n *Network) { n.CrashHost(host) },
				atUs(6): func(n *Network) { n.RecoverHost(host) },
			},
			ask: []timedMessage{
				ask(atUs(10), host, model.SystemLayer, model.Kill, model.Victim(model.ProcessLayer, 1), 1),
				ask(atUs(20), host, model.HypervisorLayer, model.Kill, model.Victim(model.SystemLayer, 1), 2),
				// There is no third yet, and nobody at all is layer -1.
				ask(atUs(30), host, model.SystemLayer, model.Kill, model.Victim(model.ProcessLayer, 3), 3),
				ask(atUs(40), host, model.HypervisorLayer, model.Kill, model.Victim(model.SystemLayer, 3), 4),
				ask(atUs(50), host, model.SystemLayer, model.Kill, -5, 5),
				ask(atMs(20), host, model.SystemLayer, model.Probe, int64(model.ProcessLayer), 6),
				ask(atMs(30), host, model.SystemLayer, model.Kill, model.Victim(model.ProcessLayer, 2), 7),
				ask(atMs(40), host, model.SystemLayer, model.Kill, model.Victim(model.ProcessLayer, 1), 8), // not by order
				ask(atMs(50), host, model.HypervisorLayer, model.Kill, model.Victim(model.SystemLayer, 2), 9),
				ask(atMs(60), host, model.SystemLayer, model.Probe, int64(model.SystemLayer), 10), // nobody answers
				ask(atMs(70), host, model.HypervisorLayer, model.Kill, model.Victim(model.SystemLayer, 1), 11),
			},
			want: []string{
				fmt.Sprint(atUs(10)+atMs(5)+atNs(toHost+fromHost), " liveness of process 1 about 1 alive=false start=1 seq=1"),
				fmt.Sprint(atUs(20)+atMs(5)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=false start=1 seq=2"),
				fmt.Sprint(atMs(20)+atNs(toHost+fromHost), " liveness of process 1 about 1 alive=true start=2 seq=6"),
				fmt.Sprint(atMs(35)+atNs(toHost+fromHost), " liveness of process 1 about 1 alive=false killed start=2 seq=7"),
				fmt.Sprint(atMs(45)+atNs(toHost+fromHost), " liveness of process 1 about 1 alive=false start=1 seq=8"),
				fmt.Sprint(atMs(55)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=false killed start=2 seq=9"),
				fmt.Sprint(atMs(75)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=false start=1 seq=11"),
			},
		},
		{
			name: "what a hypervisor saw die was not killed when its successor is, unseen",
			do: map[model.Time]func(*Network){
				atMs(130): func(n *Network) { n.CrashHost(host) },
				atMs(330): func(n *Network) { n.RecoverHost(host) },
			},
			ask: []timedMessage{
				ask(atMs(340), host, model.HypervisorLayer, model.Kill, int64(model.SystemLayer), 1),
				ask(atMs(350), host, model.HypervisorLayer, model.Probe, int64(model.SystemLayer), 2),
				ask(atMs(500), host, model.HypervisorLayer, model.Probe, int64(model.SystemLayer), 3),
			},
			want: []string{
				fmt.Sprint(atMs(345)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=false killed start=2 seq=1"),
				fmt.Sprint(atMs(350)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=false start=1 seq=2"),
				fmt.Sprint(atMs(500)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=false killed start=2 seq=3"),
			},
		},
		{
			name: "a system that starts anew has forgotten what it was to confirm",
			do: map[model.Time]func(*Network){
				atMs(1): func(n *Network) { n.CrashHost(host) },
				atMs(2): func(n *Network) { n.RecoverHost(host) },
			},
			ask: []timedMessage{ask(atUs(10), host, model.SystemLayer, model.Kill, int64(model.ProcessLayer), 1)},
		},
		{
			name: "a request that is held beside the link while the power goes finds nobody",
			do: map[model.Time]func(*Network){
				0: func(n *Network) {
					n.DelaySome(n.uplinks[host]^1, Lateness{1, sim.Distribution{Mean: 100 * model.Microsecond}})
				},
				atUs(50): func(n *Network) { n.CrashMachine(host) },
				// The links pass what is sent from now on, but the machine is still down.
				atUs(60): func(n *Network) { n.SetLink(n.uplinks[host], true); n.SetLink(n.uplinks[host]^1, true) },
				// The link to it takes what comes, and the hypervisor nothing.
				atUs(200): func(n *Network) {
					if c := n.Counts(); c.Dropped[model.HostDown] != 1 || c.Delivered != 0 {
						t.Errorf("%d were delivered and %d dropped at a machine without power", c.Delivered, c.Dropped[model.HostDown])
					}
				},
			},
			ask: []timedMessage{ask(atUs(10), host, model.HypervisorLayer, model.Probe, int64(model.HypervisorLayer), 1)},
		},
		{
			name: "a switch disables a port",
			ask: []timedMessage{
				ask(atUs(10), s0, model.SwitchLayer, model.Kill, host, 1),
				ask(atMs(20), host, model.SystemLayer, model.Probe, int64(model.SystemLayer), 2), // it is cut off
				ask(atMs(30), s0, model.SwitchLayer, model.Query, host, 3),
			},
			also: []timedMessage{say(atMs(25), 0, 4)}, // in this direction, too
			want: []string{
				fmt.Sprint(atUs(10)+atMs(5)+atNs(1100+1052), " liveness of hypervisor 3 about 1 alive=false killed seq=1"),
				fmt.Sprint(atMs(30)+atNs(1100+1052), " port-state 3 about 1 alive=false killed at link=3 seq=3"),
				fmt.Sprint(atMs(30)+atNs(1100+1052+60), " queue-state 3 about 1 alive=false at link=3 seq=3"),
			},
		},
		{
			name: "a switch isolates a host and admits it again",
			ask: []timedMessage{
				ask(atUs(10), s0, model.SwitchLayer, model.Isolate, host, 1),
				ask(atUs(20), host, model.SystemLayer, model.Probe, int64(model.SystemLayer), 2), // it is dropped
				ask(atUs(30), s0, model.SwitchLayer, model.Admit, host, 3),
				ask(atUs(40), host, model.SystemLayer, model.Probe, int64(model.SystemLayer), 4),
			},
			also: []timedMessage{say(atUs(25), 0, 5)}, // is dropped, too
			want: []string{
				fmt.Sprint(atUs(10)+atNs(1100+1052), " port-state 3 about 1 alive=false killed at link=3 seq=1"),
				fmt.Sprint(atUs(30)+atNs(1100+1052), " port-state 3 about 1 alive=true at link=3 seq=3"),
				fmt.Sprint(atUs(40)+atNs(toHost+fromHost), " liveness of system 1 about 1 alive=true start=1 seq=4"),
			},
		},
		{
			name: "an agent of one's own host is asked without the network",
			ask:  []timedMessage{ask(atUs(10), 0, model.SystemLayer, model.Probe, int64(model.SystemLayer), 1)},
			want: []string{fmt.Sprint(atUs(10), " liveness of system 0 about 0 alive=true start=1 seq=1")},
		},
		{
			name: "who crashes forgets his subscribers",
			do: map[model.Time]func(*Network){
				atMs(10): func(n *Network) { n.CrashSwitch(s0) },
				atMs(11): func(n *Network) { n.RecoverSwitch(s0) },
				atMs(12): func(n *Network) { n.SetLink(n.uplinks[2], false) },
				atMs(13): func(n *Network) { n.CrashHost(host) },
				atMs(14): func(n *Network) { n.RecoverHost(host) },
				atMs(15): func(n *Network) { n.CrashProcess(host) },
				atMs(20): func(n *Network) { n.CrashMachine(host) },
				atMs(40): func(n *Network) { n.RecoverMachine(host) },
				atMs(50): func(n *Network) { n.CrashHost(host) },
			},
			ask: []timedMessage{
				ask(atUs(10), host, model.SystemLayer, model.Subscribe, 0, 1),
				ask(atUs(20), host, model.HypervisorLayer, model.Subscribe, 0, 2),
				ask(atUs(30), s0, model.SwitchLayer, model.Subscribe, 0, 3),
				ask(atMs(60), s0, model.SwitchLayer, model.Subscribe, 0, 4),
			},
			// What is not as it should be is told at once.
			want: []string{fmt.Sprint(atMs(60)+atNs(1100+1052), " port-state 3 about 2 alive=false at link=5 seq=4")},
		},
		{
			name: "the limiters of a host are not those of its hypervisor",
			do:   map[model.Time]func(*Network){0: func(n *Network) { n.SetLimiter(host, model.Priorities-1, refusal{}, model.Priorities-1) }},
			ask: []timedMessage{
				ask(atUs(10), host, model.SystemLayer, model.Probe, int64(model.SystemLayer), 1),
				ask(atUs(20), host, model.HypervisorLayer, model.Probe, int64(model.HypervisorLayer), 2),
			},
			want: []string{fmt.Sprint(atUs(20)+atNs(toHost+fromHost), " liveness of hypervisor 1 about 1 alive=true start=1 seq=2")},
		},
		{
			name: "subscribers are told of what changes",
			do: map[model.Time]func(*Network){
				atMs(10):  func(n *Network) { n.CrashProcess(host) },
				atMs(20):  func(n *Network) { n.RecoverProcess(host) },
				atMs(130): func(n *Network) { n.CrashHost(host) },
				atMs(330): func(n *Network) { n.RecoverHost(host) },
				atMs(510): func(n *Network) { n.SetLink(n.uplinks[2], false) },
				atMs(540): func(n *Network) { n.SetLink(n.uplinks[2], true) },
				atMs(560): func(n *Network) { n.SetLink(n.uplinks[2], false) }, // too short to be seen
				atMs(569): func(n *Network) { n.SetLink(n.uplinks[2], true) },
				atMs(580): func(n *Network) { n.SetLink(n.uplinks[2]^1, false) }, // and the switch does not see this
				atMs(600): func(n *Network) { n.SetLink(n.uplinks[2], false) },
				atMs(604): func(n *Network) { n.SetLink(n.uplinks[2], true) },
				atMs(608): func(n *Network) { n.SetLink(n.uplinks[2], false) },
			},
			ask: []timedMessage{
				ask(atUs(10), host, model.SystemLayer, model.Subscribe, 0, 1),
				ask(atUs(20), host, model.HypervisorLayer, model.Subscribe, 0, 2),
				ask(atUs(30), s0, model.SwitchLayer, model.Subscribe, 0, 3),
			},
			want: []string{
				fmt.Sprint(atMs(10)+atNs(fromHost), " liveness of process 1 about 1 alive=false start=1 seq=1"),
				fmt.Sprint(atMs(20)+atNs(fromHost), " liveness of process 1 about 1 alive=true start=2 seq=1"),
				fmt.Sprint(atMs(300)+atNs(fromHost), " liveness of system 1 about 1 alive=false start=1 seq=2"),
				fmt.Sprint(atMs(400)+atNs(fromHost), " liveness of system 1 about 1 alive=true start=2 seq=2"),
				fmt.Sprint(atMs(520)+atNs(1052), " port-state 3 about 2 alive=false at link=5 seq=3"),
				fmt.Sprint(atMs(550)+atNs(1052), " port-state 3 about 2 alive=true at link=5 seq=3"),
				fmt.Sprint(atMs(618)+atNs(1052), " port-state 3 about 2 alive=false at link=5 seq=3"),
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNetwork(t, 1, Config{Topology: Star(3, gigabyte()), Framing: Bare, Evidence: agents()})
			logs := attachScripts(n, map[model.ProcessID][]timedMessage{0: c.ask, host: c.also})
			var kept conserved
			kept.watch(n)
			for _, when := range sortedTimes(c.do) {
				n.at(when, func() { c.do[when](n) })
			}
			run(t, n, model.Time(model.Second))
			if diff := cmp.Diff(c.want, *logs[0]); diff != "" {
				t.Error(diff)
			}
			kept.check(t, n)
		})
	}
}

func sortedTimes[V any](m map[model.Time]V) []model.Time {
	var times []model.Time
	for at := range m {
		times = append(times, at)
	}
	slices.Sort(times)
	return times
}

// conserved counts packets by their records.
type conserved struct{ sent, twice, delivered, dropped uint64 }

func (c *conserved) watch(n *Network) {
	n.kernel.Records.Subscribe(model.KindSet(model.Sent, model.Delivered, model.Dropped, model.Duplicated), func(r *model.Record) {
		switch r.Kind {
		case model.Sent:
			c.sent++
		case model.Duplicated:
			c.twice++
		case model.Delivered:
			c.delivered++
		case model.Dropped:
			c.dropped++
		}
	})
}

func (c *conserved) check(tb testing.TB, n *Network) {
	tb.Helper()
	if left := n.InFlight(); c.sent+c.twice != c.delivered+c.dropped+uint64(left) || n.pool.live != left {
		tb.Errorf("%d packets were sent and %d came twice; %d were delivered, %d dropped, and %d are under way (%d in the pool)",
			c.sent, c.twice, c.delivered, c.dropped, left, n.pool.live)
	}
}

// refusal is a limiter that lets nothing pass.
type refusal struct{}

func (refusal) Admit(model.Time, int32) (model.Time, bool) { return 0, false }
