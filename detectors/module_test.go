package detectors_test

import (
	"bytes"
	"slices"
	"testing"

	"suspect/detectors"
	"suspect/model"
)

// Sets, against maps.
func TestSet(t *testing.T) {
	t.Parallel()
	dice := splitMix(1)
	for range 200 {
		var s detectors.Set
		twin := map[model.ProcessID]bool{}
		for range dice.IntN(100) {
			p := model.ProcessID(dice.IntN(detectors.MaxSet))
			if dice.IntN(3) == 0 {
				s = s.Without(p)
				delete(twin, p)
			} else {
				s = s.With(p)
				twin[p] = true
			}
		}
		if s.Len() != len(twin) {
			t.Fatalf("%v has %d members, not %d", s, len(twin), s.Len())
		}
		var members []model.ProcessID
		for rest := s; rest != 0; rest &= rest - 1 {
			members = append(members, rest.First())
		}
		if !slices.IsSorted(members) || detectors.SetOf(members...) != s {
			t.Fatalf("%v has the members %v", s, members)
		}
		for p := range model.ProcessID(detectors.MaxSet) {
			if s.Has(p) != twin[p] {
				t.Fatalf("%v has p%d: %v", s, p, s.Has(p))
			}
		}
	}
	for _, n := range []int{0, 1, 5, 63, 64} {
		if all := detectors.AllOf(n); all.Len() != n || n > 0 && !all.Has(model.ProcessID(n-1)) {
			t.Errorf("all of %d: %v", n, all)
		}
	}
	if got := detectors.SetOf(0, 2, 63).String(); got != "{p0 p2 p63}" {
		t.Errorf("got %s", got)
	}
}

// A reader reads what was written, and nothing of what was cut off.
func TestReader(t *testing.T) {
	t.Parallel()
	text := []byte{130, 1} // 130
	text = detectors.AppendBool(text, true)
	text = detectors.AppendText(text, "word")
	text = detectors.AppendLeft(text, 17, 10)
	text = detectors.AppendLeft(text, model.Never, 10)
	text = append(text, 9) // the signed -5
	text = append(text, 6) // {p1 p2}
	read := func(b []byte) (detectors.Reader, bool) {
		r := detectors.NewReader(b)
		ok := r.UpTo(130) == 130 && r.Bool() && r.Text() == "word" && r.Left(20, 7) == 27 && r.Left(20, 7) == model.Never &&
			r.Int() == -5 && r.Set(3) == detectors.SetOf(1, 2)
		return r, ok
	}
	r, ok := read(append(slices.Clone(text), "more"...))
	if rest, err := r.Rest(); !ok || err != nil || string(rest) != "more" {
		t.Errorf("rest %q, %v, %v", rest, ok, err)
	}
	for k := range text {
		if r, ok := read(text[:k]); ok || !r.Failed() {
			t.Errorf("%d bytes of %d are enough", k, len(text))
		}
	}
	for name, read := range map[string]func(r *detectors.Reader){
		"number": func(r *detectors.Reader) { r.UpTo(129) },
		"left":   func(r *detectors.Reader) { r.Left(0, 128) },
		"set":    func(r *detectors.Reader) { r.Set(7) },
		"text":   func(r *detectors.Reader) { r.Text() },
		"bool":   func(r *detectors.Reader) { r.Bool() },
		"wrong":  func(r *detectors.Reader) { r.Fail(true) },
	} {
		r := detectors.NewReader([]byte{130, 1})
		if read(&r); !r.Failed() || r.Int() != 0 {
			t.Errorf("%s: out of range, and not noticed", name)
		}
		if _, err := r.Rest(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// scripted is a detector that says what it is told to.
type scripted struct {
	lines []model.Output
	heard []model.Input
}

func (d *scripted) Step(_ model.Time, in *model.Input, out *model.Output) {
	d.heard = append(d.heard, *in)
	line := d.lines[0]
	d.lines = d.lines[1:]
	out.Send = append(out.Send, line.Send...)
	out.Verdicts = append(out.Verdicts, line.Verdicts...)
	out.Announcements = append(out.Announcements, line.Announcements...)
	out.Wake = line.Wake
}

func (d *scripted) Clone() model.Automaton                           { return &scripted{lines: d.lines} }
func (d *scripted) AppendState(b []byte, _ model.Time) []byte        { return append(b, byte(len(d.lines))) }
func (d *scripted) LoadState(b []byte, _ model.Time) ([]byte, error) { return b[1:], nil }

// A module routes messages by their tags, keeps the projection on host failure, and tells what
// its detector said when it is asked to.
func TestModule(t *testing.T) {
	t.Parallel()
	env := detectors.Env{Self: 0, N: 4}
	suspect := func(p model.ProcessID, k model.FailureKind, held bool) model.Verdict {
		return model.Verdict{Peer: p, Kind: k, Suspected: held}
	}
	d := &scripted{lines: []model.Output{
		{Wake: 9, Send: []model.Message{{To: 1}, {To: 2, Tag: 3}}, Verdicts: []model.Verdict{
			suspect(1, model.Unspecified, true), suspect(2, model.Congestion, true), suspect(3, model.HostCrash, true)}},
		{Wake: model.Never, Verdicts: []model.Verdict{suspect(3, model.ProcessCrash, true), suspect(1, model.Unspecified, false)},
			Announcements: []model.Announcement{{Kind: model.Elected, Peer: 2}, {Kind: model.Quorum, Value: 5}}},
		{Wake: 30, Verdicts: []model.Verdict{suspect(3, model.HostCrash, false)}},
		{Wake: 30, Verdicts: []model.Verdict{suspect(3, model.ProcessCrash, false), suspect(-1, model.Unspecified, true), suspect(64, model.Unspecified, true)}},
	}}
	m, err := detectors.NewModule(env, d)
	if err != nil {
		t.Fatal(err)
	}
	var out model.Output
	step := func(in model.Input, own bool, wake model.Time, suspects detectors.Set) {
		t.Helper()
		out.Reset()
		out.Wake = 20
		if got := m.Step(5, &in, &out); got != own || out.Wake != wake || m.Suspects() != suspects {
			t.Errorf("its own: %v, wake at %v, suspects %v", got, out.Wake, m.Suspects())
		}
		if len(out.Verdicts)+len(out.Announcements) > 0 {
			t.Errorf("unasked, it reports %v %v", out.Verdicts, out.Announcements)
		}
	}
	step(model.Input{Kind: model.Start}, false, 9, detectors.SetOf(1, 3))
	if len(out.Send) != 2 || out.Send[0].Tag != 1 || out.Send[1].Tag != 4 {
		t.Errorf("it sends %v", out.Send)
	}
	step(model.Input{Kind: model.Deliver, Message: model.Message{Seq: 7, Tag: 4}}, false, 20, detectors.SetOf(3))
	if m.Report(&out); len(out.Verdicts) != 2 || len(out.Announcements) != 2 {
		t.Errorf("it reports %v %v", out.Verdicts, out.Announcements)
	}
	if m.Leader() != 2 || m.Quorum() != detectors.SetOf(0, 2) {
		t.Errorf("leader %d, quorum %v", m.Leader(), m.Quorum())
	}
	text := m.AppendState(nil, 5)
	back, err := detectors.NewModule(env, &scripted{})
	if err != nil {
		t.Fatal(err)
	}
	if rest, err := back.LoadState(append(slices.Clone(text), 1), 5); err != nil || !bytes.Equal(rest, []byte{1}) {
		t.Errorf("rest %v, %v", rest, err)
	}
	if back.Leader() != 2 || back.Quorum() != m.Quorum() || back.Suspects() != m.Suspects() {
		t.Errorf("loaded: leader %d, quorum %v, suspects %v", back.Leader(), back.Quorum(), back.Suspects())
	}
	for k := 1; k < len(text); k++ {
		if _, err := back.LoadState(text[:k], 5); err == nil {
			t.Errorf("%d bytes of %d load", k, len(text))
		}
	}
	clone := m.Clone()
	step(model.Input{Kind: model.Deliver, Message: model.Message{Seq: 8}}, true, 20, detectors.SetOf(3))
	step(model.Input{Kind: model.Wake}, false, 20, 0)
	if clone.Suspects() != detectors.SetOf(3) {
		t.Errorf("the clone suspects %v", clone.Suspects())
	}
	for k, want := range []struct {
		kind model.InputKind
		seq  int64
		tag  uint8
	}{{model.Start, 0, 0}, {model.Deliver, 7, 3}, {model.Wake, 0, 0}, {model.Wake, 0, 0}} {
		if in := d.heard[k]; in.Kind != want.kind || in.Message.Seq != want.seq || in.Message.Tag != want.tag {
			t.Errorf("input %d: %+v, want %+v", k, in, want)
		}
	}
	for _, bad := range []detectors.Env{{Self: 4, N: 4}, {Self: 0, N: 65}} {
		if _, err := detectors.NewModule(bad, d); err == nil {
			t.Errorf("%+v: no error", bad)
		}
	}
	if _, err := detectors.NewModule(env, nil); err == nil {
		t.Error("a module without a detector")
	}
}
