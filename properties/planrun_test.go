package properties_test

import (
	"maps"
	"math/big"
	"testing"

	"suspect/model"
	"suspect/properties"
)

// script is an automaton that writes what it is given at its start, and calls heard for each
// message.
type script struct {
	out   model.Output
	heard func(seq int64)
}

func (s *script) Step(_ model.Time, in *model.Input, out *model.Output) {
	switch in.Kind {
	case model.Start:
		out.Send = append(out.Send, s.out.Send...)
		out.Verdicts = append(out.Verdicts, s.out.Verdicts...)
	case model.Deliver:
		s.heard(in.Message.Seq)
	}
}

func (s *script) Clone() model.Automaton                           { return s }
func (s *script) AppendState(b []byte, _ model.Time) []byte        { return b }
func (s *script) LoadState(b []byte, _ model.Time) ([]byte, error) { return b, nil }

// TestOrderThroughAPause: what waits for the end of a pause comes before what arrives then.
func TestOrderThroughAPause(t *testing.T) {
	waited := 0
	for seed := range uint64(200) {
		p := &properties.Plan{Seed: seed, Processes: 2, Horizon: second, Delay: 10 * model.Millisecond, Ordered: true,
			Pauses: []properties.Pause{{Process: 1, At: model.Millisecond, For: 9 * model.Millisecond}}}
		var heard []int64
		counts := p.Run(func(self model.ProcessID, _ int) model.Automaton {
			s := &script{heard: func(seq int64) { heard = append(heard, seq) }}
			for seq := int64(0); self == 0 && seq < 5; seq++ {
				s.out.Send = append(s.out.Send, model.Message{From: 0, To: 1, Seq: seq})
			}
			return s
		}, nil)
		waited += counts.Paused
		for i, seq := range heard {
			if seq != int64(i) || len(heard) != 5 {
				t.Fatalf("seed %d: messages 0 to 4 arrive as %v", seed, heard)
			}
		}
	}
	if waited == 0 {
		t.Error("no message waited")
	}
}

// TestWhatIsNoSuspicion: a failure that is only expected, and one that is not of the host, are
// no suspicions in the sense of the classes.
func TestWhatIsNoSuspicion(t *testing.T) {
	for _, tt := range []struct {
		verdict  model.Verdict
		mistakes int
	}{
		{model.Verdict{Peer: 1, Suspected: true}, 1},
		{model.Verdict{Peer: 1, Suspected: true, Kind: model.HostCrash}, 1},
		{model.Verdict{Peer: 1, Suspected: true, Kind: model.HostCrash, Warning: true}, 0},
		{model.Verdict{Peer: 1, Suspected: true, Kind: model.Congestion}, 0},
	} {
		p := &properties.Plan{Processes: 2, Horizon: second, Starts: []model.Duration{1}} // the peer is there first
		told := 0
		counts := p.Run(func(self model.ProcessID, _ int) model.Automaton {
			s := &script{}
			if self == 0 {
				s.out.Verdicts = []model.Verdict{tt.verdict}
			}
			return s
		}, func(r *model.Record) {
			if r.Kind == model.Suspected && r.Failure == tt.verdict.Kind && r.Warning == tt.verdict.Warning {
				told++
			}
		})
		if counts.Suspicions != tt.mistakes || counts.Mistakes != tt.mistakes || told != 1 {
			t.Errorf("%+v: %+v, told %d times", tt.verdict, counts, told)
		}
	}
}

// sleeper asks to be woken up at one time of its clock, and tells what that shows then.
type sleeper struct {
	until model.Time
	woken func(local model.Time)
}

func (s *sleeper) Step(now model.Time, in *model.Input, out *model.Output) {
	if now < s.until {
		out.Wake = s.until
	} else if in.Kind == model.Wake {
		out.Send = append(out.Send, model.Message{To: 1})
		s.woken(now)
	}
}

func (s *sleeper) Clone() model.Automaton                           { return s }
func (s *sleeper) AppendState(b []byte, _ model.Time) []byte        { return b }
func (s *sleeper) LoadState(b []byte, _ model.Time) ([]byte, error) { return b, nil }

// TestDrift: a clock that drifts by d shows L at the true time L/(1 + d), and who asked for that
// is woken then, at the first instant at which it shows no less.
func TestDrift(t *testing.T) {
	for _, drift := range []int64{-500_000, -100_000, -200, -1, 0, 1, 200, 100_000, 500_000} {
		const until = model.Time(3_000_000_000_007)
		p := &properties.Plan{Processes: 2, Horizon: 10 * second, Drifts: []int64{drift}}
		var shown model.Time
		var at model.Time
		p.Run(func(self model.ProcessID, _ int) model.Automaton {
			if self == 1 {
				return &script{heard: func(int64) {}}
			}
			return &sleeper{until, func(local model.Time) { shown = local }}
		}, func(r *model.Record) {
			if r.Kind == model.Sent {
				at = r.At
			}
		})
		if shown < until || shown > until+1 {
			t.Errorf("%d ppm: woken when the clock shows %d, want %d", drift, shown, until)
		}
		// at*(1 + drift) is until, but for the two picoseconds of rounding.
		million := big.NewInt(1_000_000)
		exact := new(big.Int).Div(new(big.Int).Mul(big.NewInt(int64(until)), million), big.NewInt(1_000_000+drift))
		if off := int64(at) - exact.Int64(); off < -2 || off > 2 {
			t.Errorf("%d ppm: woken at %d, want %v", drift, at, exact)
		}
	}
}

// TestCuts: what is sent across a cut is lost, and into the group alone where it is one-way.
func TestCuts(t *testing.T) {
	for _, oneWay := range []bool{false, true} {
		p := &properties.Plan{Processes: 3, Horizon: second,
			Partitions: []properties.Partition{{For: second, Group: model.ProcessesOf(1), OneWay: oneWay}}}
		lost := map[[2]model.ProcessID]bool{}
		p.Run(func(self model.ProcessID, n int) model.Automaton {
			s := &script{heard: func(int64) {}}
			for q := range model.ProcessID(n) {
				if q != self {
					s.out.Send = append(s.out.Send, model.Message{From: self, To: q})
				}
			}
			return s
		}, func(r *model.Record) {
			if r.Kind == model.Dropped && r.Cause == model.LinkLoss {
				lost[[2]model.ProcessID{r.Process, r.Peer}] = true
			}
		})
		want := map[[2]model.ProcessID]bool{{0, 1}: true, {2, 1}: true}
		if !oneWay {
			want[[2]model.ProcessID{1, 0}], want[[2]model.ProcessID{1, 2}] = true, true
		}
		if !maps.Equal(lost, want) {
			t.Errorf("one-way %v: lost are %v, want %v", oneWay, lost, want)
		}
	}
}
