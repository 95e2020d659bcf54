package model_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/model"
)

// Chandra and Toueg 1996, figure 1, row by row.
func TestClassesAreFigure1(t *testing.T) {
	figure := map[model.Completeness]map[model.Accuracy]string{
		model.StrongCompleteness: {
			model.StrongAccuracy: "P", model.WeakAccuracy: "S",
			model.EventualStrongAccuracy: "<>P", model.EventualWeakAccuracy: "<>S",
		},
		model.WeakCompleteness: {
			model.StrongAccuracy: "Q", model.WeakAccuracy: "W",
			model.EventualStrongAccuracy: "<>Q", model.EventualWeakAccuracy: "<>W",
		},
	}
	if n := len(model.Classes()); n != 8 {
		t.Errorf("%d classes, want 8", n)
	}
	for _, c := range model.Classes() {
		if got, want := c.String(), figure[c.Completeness()][c.Accuracy()]; got != want {
			t.Errorf("the class of %v and %v is %s, want %s", c.Completeness(), c.Accuracy(), got, want)
		}
	}
}

func TestNamesAreDistinct(t *testing.T) {
	var names []string
	for k := range model.RecordKinds {
		names = append(names, "record "+k.String())
	}
	for c := range model.DropCauses {
		names = append(names, "cause "+c.String())
	}
	for k := model.Unspecified; k <= model.Wedge; k++ {
		names = append(names, "failure "+k.String())
	}
	for _, c := range []model.Completeness{model.StrongCompleteness, model.WeakCompleteness} {
		names = append(names, c.String())
	}
	for a := model.StrongAccuracy; a <= model.EventualWeakAccuracy; a++ {
		names = append(names, a.String())
	}
	for _, k := range []model.InputKind{model.Start, model.Wake, model.Deliver} {
		names = append(names, k.String())
	}
	for p := model.DurationParam; p <= model.TextParam; p++ {
		names = append(names, "parameter "+p.String())
	}
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] || strings.HasSuffix(name, " ") || strings.Contains(name, "(") || name != strings.ToLower(name) {
			t.Errorf("name %q is missing, taken or not in lower case", name)
		}
		seen[name] = true
	}
	for _, s := range []fmt.Stringer{model.RecordKinds, model.DropCauses, model.Wedge + 1, model.EventuallyW + 1} {
		if !strings.HasSuffix(s.String(), ")") {
			t.Errorf("an unknown value prints as %q", s)
		}
	}
}

func TestKinds(t *testing.T) {
	s := model.KindSet(model.Sent, model.LinkChanged)
	for k := range model.RecordKinds {
		if got, want := s.Has(k), k == model.Sent || k == model.LinkChanged; got != want {
			t.Errorf("Has(%v) = %v", k, got)
		}
		if !model.AllKinds.Has(k) || model.Kinds(0).Has(k) {
			t.Errorf("%v is not in all kinds, or in none", k)
		}
	}
	if model.AllKinds.Has(model.RecordKinds) {
		t.Error("AllKinds has a kind too many")
	}
}

func TestRecordLines(t *testing.T) {
	packet := model.Record{
		At: 3_051_200, SentAt: 2_000_000, Process: 1, Peer: 2, Packet: 9, Seq: 7, Bytes: 84, Place: 5, Priority: 6,
	}
	with := func(k model.RecordKind, change func(r *model.Record)) model.Record {
		r := packet
		r.Kind = k
		if change != nil {
			change(&r)
		}
		return r
	}
	records := []model.Record{
		with(model.Sent, nil),
		with(model.Sent, func(r *model.Record) { r.Traffic = true }),
		with(model.Hopped, nil),
		with(model.Delivered, nil),
		with(model.Dropped, func(r *model.Record) { r.Cause = model.BufferFull }),
		{Kind: model.Suspected, At: 5, Process: 1, Peer: 2, Detector: 3, Failure: model.HostCrash},
		{Kind: model.Trusted, At: 5, Process: 1, Peer: 2, Detector: 3},
		{Kind: model.Crashed, At: 5, Process: 1, Peer: model.Nobody, Failure: model.ProcessCrash},
		{Kind: model.Recovered, At: 5, Process: 1, Peer: model.Nobody},
		{Kind: model.LinkWentDown, At: 5, Process: 1, Peer: 2, Place: 4},
		{Kind: model.LinkCameUp, At: 5, Process: 1, Peer: 2, Place: 4},
		{Kind: model.LinkChanged, At: 5, Process: 1, Peer: 2, Place: 4},
		{Kind: model.SwitchWentDown, At: 5, Process: 9, Peer: model.Nobody},
		{Kind: model.SwitchCameUp, At: 5, Process: 9, Peer: model.Nobody},
		{Kind: model.RuleSet, At: 5, Process: 1, Peer: 2, Place: 9, Seq: -1},
		{Kind: model.RuleLifted, At: 5, Process: model.Nobody, Peer: 2, Place: -1, Seq: 6},
	}
	want := []string{
		"3.0512us sent packet=9 p1->p2 seq=7 priority=6 bytes=84",
		"3.0512us sent packet=9 p1->p2 traffic priority=6 bytes=84",
		"3.0512us hopped packet=9 p1->p2 seq=7 priority=6 bytes=84 link=5",
		"3.0512us delivered packet=9 p2->p1 seq=7 priority=6 bytes=84 latency=1.0512us",
		"3.0512us dropped packet=9 p1->p2 seq=7 priority=6 bytes=84 cause=buffer-full link=5",
		"5ps suspected p1 of p2 detector=3 kind=host-crash",
		"5ps trusted p1 of p2 detector=3 kind=unspecified",
		"5ps crashed p1 process-crash",
		"5ps recovered p1",
		"5ps link-down link=4 n1->n2",
		"5ps link-up link=4 n1->n2",
		"5ps link-changed link=4 n1->n2",
		"5ps switch-down n9",
		"5ps switch-up n9",
		"5ps rule-set n9 p1->p2 priority=-1",
		"5ps rule-lifted n-1 p-1->p2 priority=6",
	}
	var got []string
	for _, r := range records {
		got = append(got, r.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFailurePattern(t *testing.T) {
	f := model.NewFailurePattern(3)
	if f.AllCrashed() || !f.Correct(0) || f.Crashed(0, model.MaxTime) {
		t.Error("a process of a new pattern crashes")
	}
	f.CrashedAt[0], f.CrashedAt[1] = 10, 0
	for _, test := range []struct {
		p    model.ProcessID
		t    model.Time
		want bool
	}{{0, 9, false}, {0, 10, true}, {0, 11, true}, {1, 0, true}, {2, model.MaxTime, false}} {
		if got := f.Crashed(test.p, test.t); got != test.want {
			t.Errorf("Crashed(%d, %v) = %v", test.p, test.t, got)
		}
	}
	if f.Correct(0) || !f.Correct(2) || f.AllCrashed() {
		t.Error("who is correct is wrong")
	}
	if f.CrashedAt[2] = 20; !f.AllCrashed() {
		t.Error("all have crashed and AllCrashed is false")
	}
}

// DESIGN's host failure, and the suspicion of those who do not tell kinds apart.
func TestHostFailure(t *testing.T) {
	host := map[model.FailureKind]bool{model.Unspecified: true, model.ProcessCrash: true, model.HostCrash: true}
	for k := model.Unspecified; k <= model.Wedge; k++ {
		if k.HostFailure() != host[k] {
			t.Errorf("HostFailure of %v is %v", k, k.HostFailure())
		}
	}
}

func TestOutputReset(t *testing.T) {
	out := model.Output{Send: []model.Message{{Body: "big"}}, Verdicts: make([]model.Verdict, 2), Wake: 5}
	sent := out.Send
	out.Reset()
	if len(out.Send) != 0 || len(out.Verdicts) != 0 || out.Wake != model.Never {
		t.Errorf("after Reset: %+v", out)
	}
	if cap(out.Send) != 1 || cap(out.Verdicts) != 2 {
		t.Error("Reset let go of the buffers")
	}
	if sent[0].Body != nil {
		t.Error("Reset holds on to a body")
	}
}
