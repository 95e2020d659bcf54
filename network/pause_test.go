package network

import (
	"fmt"
	"slices"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"suspect/model"
	"suspect/sim"
)

// diary notes what it is told, and asks to be woken at the next multiple of 10 ns.
type diary struct {
	beats
	log *[]string
}

func (d *diary) Step(now model.Time, in *model.Input, out *model.Output) {
	*d.log = append(*d.log, entry(now, in.Kind, in.Message.Seq))
	out.Wake = nextWake(now)
	if in.Kind == model.Deliver {
		out.Send = append(out.Send, model.Message{From: d.self, To: 1, Seq: in.Message.Seq})
	}
}

func entry(now model.Time, kind model.InputKind, seq int64) string {
	if kind == model.Deliver {
		return fmt.Sprint(now, " message ", seq)
	}
	return fmt.Sprint(now, " ", kind)
}

func nextWake(now model.Time) model.Time {
	const period = model.Time(10 * model.Nanosecond)
	return now - now%period + period
}

// Whatever pauses, crashes and recoveries of the process and its host overlap, it takes
// its inputs as a twin does that keeps one queue and looks at each nanosecond; each
// message that it takes was delivered when it came to the host, and it answers when it
// takes it.
func TestPausedProcess(t *testing.T) {
	parameters := gopter.DefaultTestParametersWithSeed(1)
	properties := gopter.NewProperties(parameters)
	late, lost, restarted := 0, 0, 0
	properties.Property("as a twin with one queue", prop.ForAll(
		func(seed uint64, actions, messages int) string {
			const span = 400
			const ns = model.Time(model.Nanosecond)
			s := sim.NewStream(seed, "pause")
			n := newNetwork(t, seed, Config{Topology: Star(2, LinkConfig{Rate: 8 * Gbps}), Framing: Bare})
			var got []string
			start := s.IntN(100)
			n.Attach(0, model.Time(start)*ns, Panel{Detectors: []uint8{0}, New: []func() model.Automaton{
				func() model.Automaton { return &diary{log: &got} },
			}})
			n.Attach(1, 0, Panel{Detectors: []uint8{0}, New: []func() model.Automaton{
				func() model.Automaton { return &beats{self: 1, next: model.Never} },
			}})
			delivered := make(map[int64]model.Time)
			answered := make(map[int64]model.Time)
			n.kernel.Records.Subscribe(model.KindSet(model.Delivered, model.Sent), func(r *model.Record) {
				if r.Process == 0 && r.Kind == model.Delivered {
					delivered[r.Seq] = r.At
				} else if r.Process == 0 {
					answered[r.Seq] = r.At
				}
			})
			plan := make(map[int][]int)
			for range actions {
				at := s.IntN(span)
				plan[at] = append(plan[at], s.IntN(4))
			}
			sends := make(map[int][]int64)
			for i := range int64(messages) {
				at := s.IntN(span)
				sends[at] = append(sends[at], i+1)
			}

			var want []string
			took := make(map[int64]model.Time)
			type input struct {
				kind model.InputKind
				seq  int64
			}
			var queue []input
			held := [4]int{} // pauses, crashes of the process, crashes of the host
			running, begun := false, false
			wake := model.Never
			var now model.Time
			step := func(in input) {
				want = append(want, entry(now, in.kind, in.seq))
				if in.kind == model.Deliver {
					took[in.seq] = now
				}
				wake = nextWake(now)
			}
			offer := func(in input) {
				if held[0] > 0 {
					queue = append(queue, in)
					late++
					return
				}
				step(in)
			}
			update := func() {
				is := begun && held[1] == 0 && held[2] == 0
				if is && !running {
					running = is
					offer(input{model.Start, 0})
				} else if !is && running {
					lost += len(queue)
					queue, wake = nil, model.Never
				}
				running = is
			}
			for at := range span {
				now = model.Time(at) * ns
				run(t, n, now)
				var arrived []int64 // at this time, in the order of sending
				for seq, when := range delivered {
					if when == now {
						arrived = append(arrived, seq)
					}
				}
				slices.Sort(arrived)
				for _, seq := range arrived {
					offer(input{model.Deliver, seq})
				}
				if at == start {
					begun = true
					update()
				}
				if wake == now {
					wake = model.Never
					offer(input{model.Wake, 0})
				}
				for _, action := range plan[at] {
					kind := action % 3
					if up := s.IntN(2) == 0; up && held[kind] > 0 {
						held[kind]--
						[]func(model.ProcessID){n.ResumeProcess, n.RecoverProcess, n.RecoverHost}[kind](0)
						if kind == 0 && held[0] == 0 {
							if len(queue) > 0 && queue[0].kind == model.Start {
								restarted++
							}
							for _, in := range queue {
								step(in)
							}
							queue = nil
						}
					} else {
						held[kind]++
						[]func(model.ProcessID){n.PauseProcess, n.CrashProcess, n.CrashHost}[kind](0)
					}
					update()
				}
				for _, seq := range sends[at] {
					n.sendMessage(1, &model.Message{From: 1, To: 0, Seq: seq, Bytes: 1}, 0, 7)
				}
			}
			if !slices.Equal(got, want) {
				return fmt.Sprintf("got\n%q\nwant\n%q", got, want)
			}
			for seq, at := range answered {
				if took[seq] != at {
					return fmt.Sprintf("message %d is answered at %v, but was taken at %v", seq, at, took[seq])
				}
			}
			if len(answered) != len(took) {
				return fmt.Sprintf("%d answers to %d messages", len(answered), len(took))
			}
			return ""
		},
		gen.UInt64(), gen.IntRange(0, 12), gen.IntRange(0, 60),
	))
	properties.TestingRun(t)
	if late < 300 || lost < 30 || restarted < 3 {
		t.Errorf("only %d inputs came late, %d were lost, %d starts were late", late, lost, restarted)
	}
}

// A wake-up that waits for the end of a pause is one, whatever the clock does meanwhile.
func TestWakeUpWaitsOnce(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: star8G(2)})
	var got []string
	n.Attach(0, 0, Panel{Detectors: []uint8{0}, New: []func() model.Automaton{
		func() model.Automaton { return &diary{log: &got} },
	}})
	run(t, n, 0)
	n.PauseProcess(0)
	n.DriftClock(0, 1000)
	for range 5 {
		run(t, n, n.kernel.Now().Add(20*model.Nanosecond))
		n.StepClock(0, model.Microsecond)
	}
	n.ResumeProcess(0)
	if want := []string{"0s start", "5.1us wake"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestResumePanics(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: star8G(2)})
	n.PauseProcess(0)
	n.ResumeProcess(0)
	defer func() {
		if recover() == nil {
			t.Error("a process resumed more often than it paused")
		}
	}()
	n.ResumeProcess(0)
}
