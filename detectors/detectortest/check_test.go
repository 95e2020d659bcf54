package detectortest

import (
	"encoding/binary"
	"errors"
	"testing"

	"suspect/detectors"
	"suspect/model"
)

// bent is a plain timeout with one part bent out of shape.
type bent struct {
	model.Automaton
	env    detectors.Env
	how    bend
	count  uint64
	kept   *model.Input
	send   []model.Message
	shared *uint64
}

// bend replaces methods of the automaton; nil ones are left.
type bend struct {
	make   func(env detectors.Env) error
	step   func(b *bent, now model.Time, in *model.Input, out *model.Output)
	clone  func(b *bent) model.Automaton
	encode func(b *bent, text []byte, now model.Time) []byte
	load   func(b *bent, text []byte, now model.Time) ([]byte, error)
}

func (b *bent) Step(now model.Time, in *model.Input, out *model.Output) {
	if b.how.step == nil {
		b.Automaton.Step(now, in, out)
		return
	}
	b.how.step(b, now, in, out)
}

func (b *bent) Clone() model.Automaton {
	if b.how.clone != nil {
		return b.how.clone(b)
	}
	c := *b
	c.Automaton = b.Automaton.Clone()
	c.shared = new(*b.shared)
	return &c
}

func (b *bent) AppendState(text []byte, now model.Time) []byte {
	if b.how.encode == nil {
		return b.Automaton.AppendState(text, now)
	}
	return b.how.encode(b, text, now)
}

func (b *bent) LoadState(text []byte, now model.Time) ([]byte, error) {
	if b.how.load == nil {
		return b.Automaton.LoadState(text, now)
	}
	return b.how.load(b, text, now)
}

func (how bend) build(env detectors.Env) (model.Automaton, error) {
	if how.make != nil {
		if err := how.make(env); err != nil {
			return nil, err
		}
	}
	s, _ := detectors.Lookup("timeout")
	p, _ := model.NewParams(s.Params, map[string]string{"timeout": "1500ms"})
	a, err := s.New(env, p)
	return &bent{Automaton: a, env: env, how: how, shared: new(uint64)}, err
}

var calls int // a memory that no automaton should have

func isHeartbeat(in *model.Input) bool {
	return in.Kind == model.Deliver && in.Message.Kind == detectors.HeartbeatKind
}

// Every automaton here breaks one clause, which Check must name. Clauses that
// break along with it are listed too: no others may be named.
func TestCheckCatches(t *testing.T) {
	for _, c := range []struct {
		name   string
		clause Clause
		along  []Clause
		bend   bend
	}{
		{"cannot stand alone", Built, nil, bend{make: func(env detectors.Env) error {
			if env.N == 1 {
				return errors.New("whom shall I watch?")
			}
			return nil
		}}},
		{"indexes by any sender", NoPanic, nil, bend{step: func(b *bent, now model.Time, in *model.Input, out *model.Output) {
			if in.Kind == model.Deliver {
				_ = make([]int, b.env.N)[in.Message.From]
			}
			b.Automaton.Step(now, in, out)
		}}},
		{"needs a start", NoPanic, nil, bend{step: func(b *bent, now model.Time, in *model.Input, out *model.Output) {
			if in.Kind == model.Start {
				b.count++
			}
			if b.count == 0 {
				panic("not started")
			}
			b.Automaton.Step(now, in, out)
		}}},
		{"polls", Progress, nil, bend{step: func(b *bent, now model.Time, in *model.Input, out *model.Output) {
			b.Automaton.Step(now, in, out)
			out.Wake = now + model.Time(model.Microsecond)
		}}},
		{"wakes at once", WakeLater, nil, bend{step: func(b *bent, now model.Time, in *model.Input, out *model.Output) {
			b.Automaton.Step(now, in, out)
			if isHeartbeat(in) {
				out.Wake = now
			}
		}}},
		{"sends to itself", Addresses, nil, bend{step: func(b *bent, now model.Time, in *model.Input, out *model.Output) {
			b.Automaton.Step(now, in, out)
			for i := range out.Send {
				out.Send[i].To = b.env.Self
			}
		}}},
		{"suspects itself after a pause", NotItself, nil, bend{step: func(b *bent, now model.Time, in *model.Input, out *model.Output) {
			b.Automaton.Step(now, in, out)
			if len(out.Verdicts) > 1 {
				out.Verdicts[0].Peer = b.env.Self
			}
		}}},
		{"judges strangers", OnlyWatched, nil, bend{step: func(b *bent, now model.Time, in *model.Input, out *model.Output) {
			b.Automaton.Step(now, in, out)
			if isHeartbeat(in) && int(in.Message.From) >= b.env.N {
				out.Verdicts = append(out.Verdicts, model.Verdict{Peer: in.Message.From, Suspected: true})
			}
		}}},
		{"says trust at every heartbeat", ChangesOnly, nil, bend{step: func(b *bent, now model.Time, in *model.Input, out *model.Output) {
			b.Automaton.Step(now, in, out)
			if isHeartbeat(in) && in.Message.From >= 0 && int(in.Message.From) < b.env.N && len(b.env.Watch) == b.env.N-1 &&
				len(out.Verdicts) == 0 && in.Message.From != b.env.Self {
				out.Verdicts = append(out.Verdicts, model.Verdict{Peer: in.Message.From})
			}
		}}},
		{"remembers other runs", Repeatable, nil, bend{
			step: func(b *bent, now model.Time, in *model.Input, out *model.Output) {
				b.Automaton.Step(now, in, out)
				if calls++; calls%1000 == 0 {
					out.Wake = now + 1
				}
				for i := range out.Send {
					out.Send[i].Arg = int64(calls)
				}
			}}},
		{"counts wake-ups as ticks", EarlyWake, []Clause{StateAlike}, bend{step: func(b *bent, now model.Time, in *model.Input, out *model.Output) {
			b.Automaton.Step(now, in, out)
			if in.Kind == model.Wake {
				b.count++
			}
			for i := range out.Send {
				out.Send[i].Arg = int64(b.count)
			}
		}}},
		{"keeps its input", Buffers, []Clause{StateAlike}, bend{step: func(b *bent, now model.Time, in *model.Input, out *model.Output) {
			b.Automaton.Step(now, in, out)
			for i := range out.Send {
				if b.kept != nil {
					out.Send[i].Arg = b.kept.Message.Seq
				}
			}
			if isHeartbeat(in) {
				b.kept = in
			}
		}}},
		{"keeps its output", Buffers, []Clause{StateAlike}, bend{step: func(b *bent, now model.Time, in *model.Input, out *model.Output) {
			b.Automaton.Step(now, in, out)
			for i := range out.Send {
				if len(b.send) > 0 {
					out.Send[i].Arg = b.send[0].Seq
				}
			}
			if len(out.Send) > 0 {
				b.send = out.Send
			}
		}}},
		{"clones its parameters alone", CloneAlike, []Clause{ChangesOnly, StateAlike, StateText}, bend{clone: func(b *bent) model.Automaton {
			c, _ := b.how.build(b.env)
			return c
		}}},
		{"clones share a counter", CloneAlone, []Clause{CloneAlike, StateAlike}, bend{
			step: func(b *bent, now model.Time, in *model.Input, out *model.Output) {
				b.Automaton.Step(now, in, out)
				for i := range out.Send {
					*b.shared++
					out.Send[i].Arg = int64(*b.shared)
				}
			},
			clone: func(b *bent) model.Automaton {
				c := *b
				c.Automaton = b.Automaton.Clone()
				return &c
			}}},
		{"encodes half of its state", StateAlike, nil, bend{step: func(b *bent, now model.Time, in *model.Input, out *model.Output) {
			b.Automaton.Step(now, in, out)
			if isHeartbeat(in) {
				b.count = uint64(in.Message.Seq)
			}
			for i := range out.Send {
				out.Send[i].Arg = int64(b.count)
			}
		}}},
		{"loads but half of it", StateText, []Clause{StateAlike, Silence}, bend{
			step: func(b *bent, now model.Time, in *model.Input, out *model.Output) {
				b.Automaton.Step(now, in, out)
				b.count += uint64(len(out.Send))
			},
			encode: func(b *bent, text []byte, now model.Time) []byte {
				return b.Automaton.AppendState(binary.AppendUvarint(text, b.count), now)
			},
			load: func(b *bent, text []byte, now model.Time) ([]byte, error) {
				_, n := binary.Uvarint(text)
				return b.Automaton.LoadState(text[max(0, n):], now)
			}}},
		{"encoding counts", StateText, []Clause{EarlyWake, StateAlike}, bend{
			step: func(b *bent, now model.Time, in *model.Input, out *model.Output) {
				b.Automaton.Step(now, in, out)
				for i := range out.Send {
					out.Send[i].Arg = int64(b.count)
				}
			},
			encode: func(b *bent, text []byte, now model.Time) []byte {
				b.count++
				return b.Automaton.AppendState(text, now)
			}}},
		{"makes a choice whenever it is woken", EarlyWake, nil, bend{
			step: func(b *bent, now model.Time, in *model.Input, out *model.Output) {
				b.Automaton.Step(now, in, out)
				if in.Kind == model.Wake {
					in.Random.IntN(3)
				}
			}}},
		{"encodes how long it has heard nothing", Silence, nil, bend{
			step: func(b *bent, now model.Time, in *model.Input, out *model.Output) {
				b.Automaton.Step(now, in, out)
				if in.Kind == model.Start || isHeartbeat(in) {
					b.count = uint64(now)
				}
			},
			encode: func(b *bent, text []byte, now model.Time) []byte {
				return b.Automaton.AppendState(binary.AppendUvarint(text, uint64(now)-b.count), now)
			},
			load: func(b *bent, text []byte, now model.Time) ([]byte, error) {
				ago, n := binary.Uvarint(text)
				if n <= 0 {
					return text, errors.New("not how long")
				}
				b.count = uint64(now) - ago
				return b.Automaton.LoadState(text[n:], now)
			}}},
		{"encodes the time of day", StateShift, []Clause{Silence}, bend{
			encode: func(b *bent, text []byte, now model.Time) []byte {
				return b.Automaton.AppendState(binary.AppendUvarint(text, uint64(now)), now)
			},
			load: func(b *bent, text []byte, now model.Time) ([]byte, error) {
				v, n := binary.Uvarint(text)
				if n <= 0 || v != uint64(now) {
					return text, errors.New("not now")
				}
				return b.Automaton.LoadState(text[n:], now)
			}}},
		{"takes half a state", StateBroken, nil, bend{load: func(b *bent, text []byte, now model.Time) ([]byte, error) {
			rest, err := b.Automaton.LoadState(text, now)
			if len(text) == 1 {
				return nil, nil
			}
			return rest, err
		}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Check(c.bend.build, model.Second)
			if err == nil {
				t.Fatal("passed")
			}
			caught := false
			for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
				v := e.(*Violation)
				caught = caught || v.Clause == c.clause
				allowed := v.Clause == c.clause
				for _, a := range c.along {
					allowed = allowed || v.Clause == a
				}
				if !allowed {
					t.Errorf("named too: %v", v)
				}
			}
			if !caught {
				t.Errorf("not named: %s\n%v", c.clause, err)
			}
		})
	}
}

// Choices that are made when something is done are no fault.
func TestCheckPassesChoices(t *testing.T) {
	bent := bend{step: func(b *bent, now model.Time, in *model.Input, out *model.Output) {
		b.Automaton.Step(now, in, out)
		for i := range out.Send {
			out.Send[i].Arg = int64(in.Random.IntN(1 << 30))
		}
	}}
	if err := Check(bent.build, model.Second); err != nil {
		t.Error(err)
	}
}

// What is not bent passes: the wrapping is not at fault.
func TestCheckPasses(t *testing.T) {
	if err := Check(bend{}.build, model.Second); err != nil {
		t.Error(err)
	}
	if err := CheckAllocations(bend{}.build, model.Second); err != nil {
		t.Error(err)
	}
}

func TestCheckAllocationsCatches(t *testing.T) {
	wasteful := bend{step: func(b *bent, now model.Time, in *model.Input, out *model.Output) {
		b.Automaton.Step(now, in, out)
		if in.Kind == model.Deliver {
			b.kept = &model.Input{Kind: in.Kind}
		}
	}}
	var v *Violation
	if err := CheckAllocations(wasteful.build, model.Second); !errors.As(err, &v) || v.Clause != Allocations {
		t.Errorf("got %v", err)
	}
}

// forgetful is a typed detector that answers queries as it likes.
type forgetful struct {
	detectors.Typed
	findings func(of []model.Finding) []model.Finding
}

func (f *forgetful) Findings(peer model.ProcessID, now model.Time, to []model.Finding) []model.Finding {
	return f.findings(f.Typed.Findings(peer, now, to))
}

func (f *forgetful) Clone() model.Automaton {
	return &forgetful{f.Typed.Clone().(detectors.Typed), f.findings}
}

func TestCheckCatchesWrongAnswers(t *testing.T) {
	for name, findings := range map[string]func([]model.Finding) []model.Finding{
		"":               func(f []model.Finding) []model.Finding { return f },
		"forgets":        func(f []model.Finding) []model.Finding { return f[:0] },
		"invents":        func(f []model.Finding) []model.Finding { return append(f, model.Finding{Kind: model.Wedge}) },
		"repeats itself": func(f []model.Finding) []model.Finding { return append(f, f...) },
	} {
		t.Run(name, func(t *testing.T) {
			err := Check(func(env detectors.Env) (model.Automaton, error) {
				s, _ := detectors.Lookup("untyped-crash")
				p, _ := model.NewParams(s.Params, map[string]string{"base": "timeout timeout=1500ms"})
				a, err := s.New(env, p)
				return &forgetful{a.(detectors.Typed), findings}, err
			}, model.Second)
			var v *Violation
			if caught := errors.As(err, &v) && v.Clause == Answers; caught != (name != "") {
				t.Error(err)
			}
		})
	}
}
