package detectors_test

import (
	"encoding/binary"
	"errors"
	"fmt"

	"suspect/detectors"
	"suspect/detectors/detectortest"
	"suspect/model"
)

// echo is a complete detector in one file: it asks one peer, the first that it
// watches, for an answer every second, and suspects it when a question goes
// unanswered until the next. Everybody answers.
type echo struct {
	env       detectors.Env
	started   bool
	next      model.Time // when to ask again
	answered  bool
	suspected bool
}

const (
	question = 1 + iota
	answer
)

func (d *echo) Step(now model.Time, in *model.Input, out *model.Output) {
	if !d.started {
		d.started, d.answered, d.next = true, true, now
	}
	if now >= d.next {
		d.ask(now, out)
	}
	if in.Kind == model.Deliver && in.Message.From != d.env.Self {
		switch m := &in.Message; {
		case m.Kind == question && 0 <= m.From && int(m.From) < d.env.N:
			out.Send = append(out.Send, model.Message{From: d.env.Self, To: m.From, Kind: answer})
		case m.Kind == answer && len(d.env.Watch) > 0 && m.From == d.env.Watch[0]:
			d.answered = true
			d.judge(false, out)
		}
	}
	out.Wake = d.next
}

func (d *echo) ask(now model.Time, out *model.Output) {
	d.next = now.Add(model.Second)
	if len(d.env.Watch) == 0 {
		return
	}
	d.judge(!d.answered, out)
	d.answered = false
	out.Send = append(out.Send, model.Message{From: d.env.Self, To: d.env.Watch[0], Kind: question})
}

func (d *echo) judge(suspected bool, out *model.Output) {
	if suspected != d.suspected {
		d.suspected = suspected
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: d.env.Watch[0], Suspected: suspected})
	}
}

func (d *echo) Clone() model.Automaton { c := *d; return &c }

func (d *echo) AppendState(b []byte, now model.Time) []byte {
	var flags byte
	for i, set := range []bool{d.started, d.answered, d.suspected} {
		if set {
			flags |= 1 << i
		}
	}
	if !d.started {
		return append(b, flags)
	}
	return binary.AppendUvarint(append(b, flags), uint64(max(0, d.next.Sub(now))))
}

func (d *echo) LoadState(b []byte, now model.Time) ([]byte, error) {
	if len(b) == 0 {
		return b, errors.New("no state of echo")
	}
	flags, b := b[0], b[1:]
	d.started, d.answered, d.suspected = flags&1 != 0, flags&2 != 0, flags&4 != 0
	if !d.started {
		return b, nil
	}
	left, n := binary.Uvarint(b)
	if n <= 0 || left > uint64(model.Second) || d.suspected && len(d.env.Watch) == 0 {
		return b, errors.New("no state of echo")
	}
	d.next = now.Add(model.Duration(left))
	return b[n:], nil
}

func init() {
	detectors.Register(detectors.Spec{
		Name:   "echo",
		Source: "an example",
		Doc:    "Asks one peer every second, and suspects it while it does not answer.",
		Claims: []model.Claim{{Class: model.P, Under: "two processes, answers within a second, no loss"}},
		New: func(env detectors.Env, p model.Params) (model.Automaton, error) {
			return &echo{env: env}, env.Check()
		},
	})
}

// A detector is added by one file: a type with the methods of [model.Automaton],
// and a call of Register in its init function. The conformance suite tells whether
// it keeps the contract. Here, echo is such a detector.
func ExampleRegister() {
	spec, _ := detectors.Lookup("echo")
	build := func(env detectors.Env) (model.Automaton, error) { return spec.New(env, model.Params{}) }
	fmt.Println(spec.Doc)
	fmt.Println(detectortest.Check(build, model.Second))
	// Output:
	// Asks one peer every second, and suspects it while it does not answer.
	// <nil>
}

// Stepping a detector by hand: process 1 watches process 0 by NFD-S.
func Example() {
	spec, _ := detectors.Lookup("nfd-s")
	params, errs := model.NewParams(spec.Params, map[string]string{"eta": "10ms", "delta": "5ms"})
	if len(errs) > 0 {
		fmt.Println(errs)
		return
	}
	d, err := spec.New(detectors.Env{Self: 1, N: 2, Watch: []model.ProcessID{0}}, params)
	if err != nil {
		fmt.Println(err)
		return
	}
	var out model.Output
	step := func(now model.Duration, in model.Input) {
		out.Reset()
		d.Step(model.Time(now), &in, &out)
		fmt.Println(now, in.Kind, out.Verdicts, "wake at", out.Wake)
	}
	heartbeat := model.Message{From: 0, To: 1, Kind: detectors.HeartbeatKind, Seq: 0}
	step(0, model.Input{Kind: model.Start})
	step(2*model.Millisecond, model.Input{Kind: model.Deliver, Message: heartbeat})
	step(15*model.Millisecond, model.Input{Kind: model.Wake}) // m_1 has not come by tau_1
	heartbeat.Seq = 1
	step(16*model.Millisecond, model.Input{Kind: model.Deliver, Message: heartbeat})
	// Output:
	// 0s start [] wake at 5ms
	// 2ms deliver [] wake at 5ms
	// 15ms wake [suspect p0] wake at never
	// 16ms deliver [trust p0] wake at 25ms
}

// What quality of service does NFD-S have with a period of 1 s and delta = 1.1 s,
// on a link that loses 1% and delays by 20 ms on average?
func ExampleNFDSQoS() {
	q := detectors.NFDSQoS(1, 1.1, 0.01, detectors.ExponentialDelay{Mean: 0.02})
	fmt.Printf("detects within %.1f s, one mistake in %.0f s, right with probability %.7f\n",
		q.MaxDetectionTime, q.MistakeRecurrence, q.QueryAccuracy)
	// Output:
	// detects within 2.1 s, one mistake in 6059 s, right with probability 0.9999066
}

// How often must heartbeats be sent to detect crashes within 30 s, and to err at
// most once in 30 days and for a minute? The example of Chen, Toueg and Aguilera.
func ExampleConfigure() {
	need := detectors.Requirements{DetectionTime: 30, MistakeRecurrence: 30 * 24 * 3600, MistakeDuration: 60}
	eta, delta, err := detectors.Configure(need, 0.01, detectors.ExponentialDelay{Mean: 0.02})
	fmt.Printf("eta %.3f s, delta %.3f s, %v\n", eta, delta, err)
	// Output:
	// eta 9.976 s, delta 20.024 s, <nil>
}
