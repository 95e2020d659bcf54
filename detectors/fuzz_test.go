package detectors_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/detectors"
	"suspect/model"
)

// reader takes numbers from fuzzed bytes; 0 when they are used up.
type reader []byte

func (r *reader) byte() byte {
	if len(*r) == 0 {
		return 0
	}
	b := (*r)[0]
	*r = (*r)[1:]
	return b
}

func (r *reader) number() int64 {
	switch b := r.byte(); {
	case b < 200:
		return int64(b) - 20
	case len(*r) >= 8:
		v := int64(binary.LittleEndian.Uint64(*r))
		*r = (*r)[8:]
		return v
	}
	return -1
}

// evidence makes evidence of what is near the range of what makes sense: requests are
// numbered by their time.
func (r *reader) evidence(now model.Time) *model.Evidence {
	e := &model.Evidence{Kind: model.EvidenceKind(r.byte() % 13), From: model.ProcessID(r.byte()%8) - 1, About: model.ProcessID(r.byte()%8) - 1,
		Layer: model.Layer(r.byte() % 6), Place: model.Place(int8(r.byte())) / 8, Value: r.number(), Seq: r.number(), Incarnation: int64(r.byte() % 4)}
	if e.Seq >= -20 && e.Seq < 180 {
		e.Seq = int64(now) - e.Seq*int64(model.Millisecond)
	}
	flags := r.byte()
	e.Alive, e.Killed = flags&1 != 0, flags&2 != 0
	if flags&4 != 0 {
		e.Links = []model.Place{e.Place, model.Place(flags / 8)}
	}
	return e
}

// fuzzMap has four hosts at two switches, which are linked twice.
var fuzzMap = &model.Graph{Nodes: 6, Hosts: 4, Links: [][2]model.ProcessID{{0, 4}, {1, 4}, {2, 5}, {3, 5}, {4, 5}, {4, 5}}}

// FuzzStep feeds any inputs at any times, in order, to a detector and to a copy
// that is encoded and loaded anew before each step. The two must agree, write only
// changes about watched peers, and ask for a later wake-up.
func FuzzStep(f *testing.F) {
	f.Add(byte(0), []byte("\x00\x01\x02\x05\x01\x00\x02\x01\x20\x00\x00\x09\x02\x01\x01"))
	f.Add(byte(1), bytes.Repeat([]byte{2, 1, 21, 30, 1, 0, 22, 60}, 20))
	f.Add(byte(128), bytes.Repeat([]byte{2, 1, 21, 0, 2, 21, 40, 2, 3, 22, 0, 100, 21, 80}, 20))
	f.Add(byte(2), bytes.Repeat([]byte{2, 2, 255, 1, 2, 3, 4, 5, 6, 7, 8, 90}, 20))
	for i := range detectors.All() { // steps that come more than a period late
		f.Add(byte(i), []byte("000000000000000000000000000000000000000000000000000200000000210000"))
	}
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		all := detectors.All()
		s := all[int(which)%len(all)]
		given := map[string]string{}
		for _, p := range s.Params {
			if p.Name == "eta" {
				given[p.Name] = "10ms"
			} else if p.Type == model.DurationParam {
				given[p.Name] = "25ms"
			} else if p.Type == model.CountParam {
				given[p.Name] = "3"
			}
		}
		make := build(t, s.Name, given)
		env := detectors.Env{Self: 1, N: 4, Watch: []model.ProcessID{0, 2}, Watchers: []model.ProcessID{0, 2, 3}, Map: fuzzMap}
		a, err := make(env)
		if err != nil { // these do not fit together: the defaults do
			make = build(t, s.Name, nil)
			if a, err = make(env); err != nil {
				t.Fatal(err)
			}
		}
		var now model.Time
		var out, twinOut model.Output
		out.Wake = model.Never
		type opinion struct {
			peer model.ProcessID
			kind model.FailureKind
		}
		suspected := map[opinion]bool{}
		bodies := []any{nil}
		for r := reader(data); len(r) > 0; {
			in := model.Input{Kind: model.InputKind(r.byte() % 4)}
			if in.Kind == model.Inform {
				in.Evidence = r.evidence(now)
			}
			if in.Kind == model.Deliver {
				in.Message = model.Message{From: model.ProcessID(r.byte()%8) - 1, Seq: r.number(), Kind: r.byte()/8%4 ^ 1}
				if which >= 128 { // messages of any kind, with an argument, and a body that it sent itself
					in.Message.Kind, in.Message.Arg = r.byte(), r.number()
					in.Message.Body = bodies[int(r.byte())%len(bodies)]
				}
			}
			switch ahead := model.Time(r.byte()); {
			case ahead > 250:
				now += ahead * model.Time(model.Second)
			case ahead%4 == 3 && out.Wake != model.Never:
				now = max(now, out.Wake)
			default:
				now += ahead * model.Time(model.Millisecond) / 4
			}
			twin, _ := make(env)
			state := a.AppendState(nil, now)
			if rest, err := twin.LoadState(state, now); err != nil || len(rest) > 0 {
				t.Fatalf("at %v, %x loads with rest %x, error %v", now, state, rest, err)
			}
			if again := twin.AppendState(nil, now); !bytes.Equal(state, again) {
				t.Fatalf("at %v, %x loads as %x", now, state, again)
			}
			out.Reset()
			twinOut.Reset()
			in.Random = first{}
			a.Step(now, &in, &out)
			twin.Step(now, &in, &twinOut)
			if diff := cmp.Diff(out.Verdicts, twinOut.Verdicts); len(out.Verdicts)+len(twinOut.Verdicts) > 0 && diff != "" {
				t.Fatalf("at %v, verdicts -original +loaded:\n%s", now, diff)
			}
			if diff := cmp.Diff(out.Send, twinOut.Send); len(out.Send)+len(twinOut.Send) > 0 && diff != "" {
				t.Fatalf("at %v, messages -original +loaded:\n%s", now, diff)
			}
			if out.Wake <= now {
				t.Fatalf("at %v, wake-up at %v", now, out.Wake)
			}
			for _, m := range out.Send {
				if m.From != 1 || m.To < 0 || int(m.To) >= fuzzMap.Nodes || m.To > 3 && m.Layer != model.SwitchLayer {
					t.Fatalf("at %v, message %+v", now, m)
				}
				if m.Body != nil && len(bodies) < 256 {
					bodies = append(bodies, m.Body)
				}
			}
			for _, v := range out.Verdicts {
				key := opinion{v.Peer, v.Kind}
				if v.Peer != 0 && v.Peer != 2 || suspected[key] == v.Suspected {
					t.Fatalf("at %v, verdict %+v", now, v)
				}
				suspected[key] = v.Suspected
				if s.Typed && !slices.Contains(s.Kinds, v.Kind) {
					t.Fatalf("at %v, verdict %+v of a kind that %s does not declare", now, v, s.Name)
				}
			}
		}
	})
}

// FuzzLoadState loads anything into every detector; what it takes, it can step.
func FuzzLoadState(f *testing.F) {
	f.Add([]byte("\x01\x80\x94\xeb\xdc\x03\x00\x01"), int64(0))
	f.Add([]byte{0, 1}, int64(999))
	f.Fuzz(func(t *testing.T, data []byte, at int64) {
		now := model.Time(at & int64(model.MaxTime-1))
		for _, s := range detectors.All() {
			a, err := build(t, s.Name, nil)(detectors.Env{Self: 1, N: 4, Watch: []model.ProcessID{0, 2}, Map: fuzzMap})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := a.LoadState(data, now); err != nil {
				continue
			}
			state := a.AppendState(nil, now)
			if rest, err := a.LoadState(state, now); err != nil || len(rest) > 0 {
				t.Fatalf("%s: %x loads as %x, which does not load: %v", s.Name, data, state, err)
			}
			out := model.Output{Wake: model.Never}
			a.Step(now, &model.Input{Kind: model.Deliver, Message: model.Message{Kind: detectors.HeartbeatKind}, Random: first{}}, &out)
			if out.Wake <= now {
				t.Fatalf("%s: wake-up at %v, at %v", s.Name, out.Wake, now)
			}
		}
	})
}
