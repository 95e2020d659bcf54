package network

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/model"
	"suspect/sim"
)

// listener notes when its process takes an input, and never wakes.
type listener struct {
	beats
	log *[]string
}

func (l *listener) Step(now model.Time, in *model.Input, out *model.Output) {
	*l.log = append(*l.log, entry(now, in.Kind, in.Message.Seq))
}

// A slow process takes its inputs as a twin does that counts down the work on the first
// one, half a nanosecond at a time: one after the other, from the beginning after a pause,
// and nothing of what waited at a crash.
func TestSlowProcessAgreesWithTwin(t *testing.T) {
	const half, span, none = model.Time(model.Nanosecond / 2), 2000, -1
	queued, interrupted, lost := 0, 0, 0
	for seed := range uint64(200) {
		s := sim.NewStream(seed, "slow")
		n := newNetwork(t, seed, Config{Topology: Star(2, LinkConfig{Rate: 8 * Gbps}), Framing: Bare})
		var got, want []string
		n.Attach(0, 0, Panel{Detectors: []uint8{0}, New: []func() model.Automaton{func() model.Automaton { return &listener{log: &got} }}})
		n.Attach(1, 0, Panel{Detectors: []uint8{0}, New: []func() model.Automaton{func() model.Automaton { return &listener{log: new([]string)} }}})
		arrives := map[int]int64{}
		n.kernel.Records.Subscribe(model.KindSet(model.Delivered, model.Dropped), func(r *model.Record) {
			if r.Kind == model.Delivered {
				arrives[int(r.At/half)] = r.Seq
			}
		})
		// Messages come at whole nanoseconds, and all else happens at odd halves.
		odd := func() int { return 2*s.IntN(span/2) + 1 }
		strike, each := odd(), 2+2*s.IntN(40)
		heal := strike + 2*s.IntN(span/2)
		pause, crash := odd(), odd()
		resume, recover := pause+2*s.IntN(200), crash+2*s.IntN(200)
		service := sim.Distribution{Mean: model.Duration(each) * model.Duration(half)}
		sends := map[int]bool{}
		for range 60 {
			sends[2*s.IntN(span/2)] = true
		}
		type input struct {
			kind model.InputKind
			seq  int64
		}
		queue, left := []input{{model.Start, 0}}, none
		slow, paused, down := false, false, false
		seq := int64(0)
		for at := range span {
			now := model.Time(at) * half
			run(t, n, now)
			if in, ok := arrives[at]; ok {
				queue = append(queue, input{model.Deliver, in})
			}
			if sends[at] {
				seq++
				n.sendMessage(1, &model.Message{From: 1, To: 0, Seq: seq, Bytes: 1}, 0, 0)
			}
			for _, act := range []struct {
				at int
				do func()
			}{
				{strike, func() { slow = true; n.SlowProcess(0, service) }},
				{pause, func() {
					if left != none {
						interrupted++
					}
					paused, left = true, none
					n.PauseProcess(0)
				}},
				{crash, func() {
					lost += len(queue)
					down, queue, left = true, nil, none
					n.CrashProcess(0)
				}},
				{recover, func() {
					down, queue = false, []input{{model.Start, 0}}
					n.RecoverProcess(0)
				}},
				{resume, func() { paused = false; n.ResumeProcess(0) }},
				{heal, func() { slow, left = false, none; n.FastenProcess(0, service) }},
			} {
				if act.at == at {
					act.do()
					for !slow && !paused && !down && len(queue) > 0 {
						want = append(want, entry(now, queue[0].kind, queue[0].seq))
						queue = queue[1:]
					}
				}
			}
			if left > 0 {
				left--
			}
			if paused || down {
				continue
			}
			for len(queue) > 0 && (!slow || left == 0) {
				want = append(want, entry(now, queue[0].kind, queue[0].seq))
				queue, left = queue[1:], none
			}
			if slow && left == none && len(queue) > 0 {
				left = each
			}
			queued = max(queued, len(queue))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: slow from %d to %d by %d, paused from %d to %d, crashed from %d to %d (half nanoseconds):\n%s",
				seed, strike, heal, each, pause, resume, crash, recover, diff)
		}
	}
	if queued < 10 || interrupted < 20 || lost < 100 {
		t.Errorf("at most %d inputs waited, %d times work was interrupted, %d inputs were lost", queued, interrupted, lost)
	}
}

// The times of two faults add up, and memory does not grow while a process works all the
// time.
func TestSlowProcessAddsUp(t *testing.T) {
	n := newNetwork(t, 1, Config{Topology: Star(2, LinkConfig{Rate: 8 * Gbps}), Framing: Bare})
	var got []string
	for p := range model.ProcessID(2) {
		n.Attach(p, 0, Panel{Detectors: []uint8{0}, New: []func() model.Automaton{func() model.Automaton { return &listener{log: &got} }}})
	}
	run(t, n, 0)
	got = nil
	for _, each := range []string{"300ns", "700ns"} {
		mustFault(t, "host-slow", &n.topology, map[string]string{"host": "h0", "each": each}).Strike(n)
	}
	const messages = 3000
	for i := range messages {
		run(t, n, model.Time(i)*model.Time(998*model.Nanosecond))
		n.sendMessage(1, &model.Message{From: 1, To: 0, Seq: int64(i + 1), Bytes: 100}, 0, 0)
	}
	run(t, n, model.Time(model.Second))
	for i, e := range got {
		if want := fmt.Sprint(model.Time(200*model.Nanosecond)+model.Time(i+1)*model.Time(model.Microsecond), " message ", i+1); e != want {
			t.Fatalf("input %d: %s, want %s", i, e, want)
		}
	}
	if len(got) != messages || cap(n.processes[0].waiting) > 100 {
		t.Errorf("%d inputs were taken, and there is room for %d", len(got), cap(n.processes[0].waiting))
	}
}
