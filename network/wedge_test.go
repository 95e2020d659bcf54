package network

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/model"
	"suspect/sim"
)

// wedged is a star of two, in which h0 has an application and something that answers for
// it; h1 sends to both.
func newWedged(t *testing.T) (n *Network, application, rest *[]string, records *[]string) {
	n = newNetwork(t, 1, Config{Topology: Star(2, gigabyte()), Framing: Bare})
	application, rest, records = new([]string), new([]string), new([]string)
	for p := range model.ProcessID(2) {
		var panels []Panel
		for tag, log := range []*[]string{application, rest} {
			if p == 1 {
				log = new([]string)
			}
			panels = append(panels, Panel{
				Application: tag == 0, Detectors: []uint8{uint8(tag)},
				New: []func() model.Automaton{func() model.Automaton { return &listener{log: log} }},
			})
		}
		n.Attach(p, 0, panels...)
	}
	n.kernel.Records.Subscribe(model.KindSet(model.Wedged, model.Unwedged, model.Paused, model.Resumed, model.ClockChanged), func(r *model.Record) {
		*records = append(*records, r.String())
	})
	run(t, n, 0)
	*application, *rest = nil, nil
	return n, application, rest, records
}

func TestWedge(t *testing.T) {
	n, application, rest, records := newWedged(t)
	do := map[model.Time]func(){
		atUs(15):  func() { n.WedgeProcess(0) },
		atUs(25):  func() { n.WedgeProcess(0) },
		atUs(35):  func() { n.UnwedgeProcess(0) }, // it still holds
		atUs(45):  func() { n.PauseProcess(0) },
		atUs(55):  func() { n.UnwedgeProcess(0) },
		atUs(65):  func() { n.ResumeProcess(0) },
		atUs(75):  func() { n.WedgeProcess(0) },
		atUs(85):  func() { n.CrashProcess(0) },
		atUs(89):  func() { n.RecoverProcess(0) },
		atUs(87):  func() { n.WedgeProcess(0) },   // it does not run
		atUs(95):  func() { n.UnwedgeProcess(0) }, // is over already
		atUs(150): func() { n.UnwedgeProcess(0) },
	}
	for at, what := range do {
		n.at(at, what)
	}
	for k := range int64(10) {
		n.at(atUs(10*(k+1)-2)-atNs(200), func() { // so that it comes at 10, 20, ... us
			for panel := range uint8(2) {
				n.sendMessage(1, &model.Message{From: 1, To: 0, Seq: k + 1, Bytes: 100}, panel, 0)
			}
		})
	}
	run(t, n, model.Time(model.Second))
	said := func(at model.Time, seq int64) string { return fmt.Sprint(at, " message ", seq) }
	late := func(at model.Time) model.Time { return at + atNs(100) } // for the second panel
	want := []string{
		said(atUs(10), 1),
		said(atUs(65), 2), said(atUs(65), 3), said(atUs(65), 4), said(atUs(65), 5), said(atUs(65), 6),
		said(atUs(70), 7),
		entry(atUs(89), model.Start, 0), // and 8 is lost with the process
		said(atUs(90), 9), said(atUs(100), 10),
	}
	if diff := cmp.Diff(want, *application); diff != "" {
		t.Error("the application:\n", diff)
	}
	want = []string{
		said(late(atUs(10)), 1), said(late(atUs(20)), 2), said(late(atUs(30)), 3), said(late(atUs(40)), 4),
		said(atUs(65), 5), said(atUs(65), 6),
		said(late(atUs(70)), 7), said(late(atUs(80)), 8),
		entry(atUs(89), model.Start, 0),
		said(late(atUs(90)), 9), said(late(atUs(100)), 10),
	}
	if diff := cmp.Diff(want, *rest); diff != "" {
		t.Error("the rest:\n", diff)
	}
	want = []string{
		"15us wedged p0", "45us paused p0", "55us unwedged p0", "65us resumed p0", "75us wedged p0", "85us unwedged p0",
	}
	if diff := cmp.Diff(want, *records); diff != "" {
		t.Error("records:\n", diff)
	}
}

// While its process is slow, inputs of a wedged application are worked on, and wait then.
func TestWedgeOfSlowProcess(t *testing.T) {
	n, application, rest, _ := newWedged(t)
	n.SlowProcess(0, sim.Distribution{Mean: 2 * model.Microsecond})
	n.at(atUs(5), func() { n.WedgeProcess(0) })
	n.at(atUs(9), func() { n.sendMessage(1, &model.Message{From: 1, To: 0, Seq: 1, Bytes: 100}, 0, 0) })
	n.at(atUs(9), func() { n.sendMessage(1, &model.Message{From: 1, To: 0, Seq: 2, Bytes: 100}, 1, 0) })
	n.at(atUs(40), func() { n.UnwedgeProcess(0) })
	run(t, n, model.Time(model.Second))
	// They come at 11.2 us and 11.3 us; the work ends at 13.2 and 15.2.
	if diff := cmp.Diff([]string{fmt.Sprint(atNs(15200), " message 2")}, *rest); diff != "" {
		t.Error("the rest:\n", diff)
	}
	if diff := cmp.Diff([]string{fmt.Sprint(atUs(42), " message 1")}, *application); diff != "" {
		t.Error("the application:\n", diff)
	}
}

// A wake-up of a wedged application waits, too.
func TestWedgeHoldsWakeUps(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: Star(2, gigabyte()), Framing: Bare})
	var log []string
	for p := range model.ProcessID(2) {
		sends := []timedMessage{say(atUs(20), 1, 1), say(atUs(60), 1, 2)}
		if p == 1 {
			sends = nil
		}
		n.Attach(p, 0, Panel{Application: true, Detectors: []uint8{0}, New: []func() model.Automaton{func() model.Automaton {
			return &script{log: &log, sends: sends}
		}}})
	}
	n.at(atUs(10), func() { n.WedgeProcess(0) })
	n.at(atUs(50), func() { n.UnwedgeProcess(0) })
	run(t, n, atUs(100))
	if diff := cmp.Diff([]string{fmt.Sprint(atNs(52200), " message 1"), fmt.Sprint(atNs(62200), " message 2")}, log); diff != "" {
		t.Error(diff)
	}
}

// A change of a clock is told with its step.
func TestClockRecords(t *testing.T) {
	n, _, _, records := newWedged(t)
	n.at(atUs(10), func() { n.StepClock(1, -3*model.Microsecond) })
	n.at(atUs(20), func() { n.DriftClock(0, 1000) })
	run(t, n, atUs(100))
	if diff := cmp.Diff([]string{"10us clock-changed p1 step=-3us", "20us clock-changed p0 step=0s"}, *records); diff != "" {
		t.Error(diff)
	}
}
