package replay

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"suspect/experiments/data"
	"suspect/model"
	"suspect/network"
)

func mustRecord(t *testing.T, trace Trace) *network.Recording {
	t.Helper()
	r, err := trace.Recording()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Worked out by hand: times count from the first sending, heartbeats 4 to 6 have no line,
// and the mean period is 60 ns / 6.
func TestRecordingByHand(t *testing.T) {
	trace := text("2,1000,1005", "3,1010,", "7,1050,1065", "8,1060,1061")
	const ns = model.Nanosecond
	want, err := network.NewRecording("trace.csv", "", []network.Probe{
		{At: 0, Delay: 5 * ns}, {At: 10 * ns, Delay: network.Lost},
		{At: 20 * ns, Delay: network.Lost}, // heartbeat 4; 5 and 6 share its fate
		{At: 50 * ns, Delay: 15 * ns}, {At: 60 * ns, Delay: ns},
	}, 70*ns)
	if err != nil {
		t.Fatal(err)
	}
	got := mustRecord(t, trace)
	sum := sha256.Sum256([]byte(header + "\n2,1000,1005\n3,1010,\n7,1050,1065\n8,1060,1061\n"))
	want.Sum = hex.EncodeToString(sum[:])
	if !got.Equal(want) || !got.Overtaken() {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	last := *got
	last.Sum = ""
	if got.Equal(&last) || got.Equal(nil) || !(*network.Recording)(nil).Equal(nil) {
		t.Error("Equal is wrong")
	}
}

// The recording of a trace has every heartbeat that the trace has.
func TestRecordingHasAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	for range 300 {
		all := randomTrace(rng)
		if all[len(all)-1].sent == all[0].sent {
			continue
		}
		var probes []network.Probe
		for i, h := range all {
			if i > 0 && h.seq > all[i-1].seq+1 {
				// The first of those that are missing, in its part of the gap.
				missing := h.seq - all[i-1].seq - 1
				at := all[i-1].sent*1000 + (h.sent-all[i-1].sent)*1000/(missing+1)
				probes = append(probes, network.Probe{At: model.Duration(at - all[0].sent*1000), Delay: network.Lost})
			}
			p := network.Probe{At: model.Duration(h.sent-all[0].sent) * 1000, Delay: network.Lost}
			if h.received != lost {
				p.Delay = model.Duration(h.received-h.sent) * 1000
			}
			probes = append(probes, p)
		}
		span := model.Duration(all[len(all)-1].sent-all[0].sent) * 1000
		period := span / model.Duration(all[len(all)-1].seq-all[0].seq)
		got := mustRecord(t, render(all))
		want, err := network.NewRecording(got.Name, got.Sum, probes, span+period)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Equal(want) {
			t.Fatalf("%+v\nwant %+v", got, want)
		}
	}
}

// The sum is that of the file as it is, packed or not.
func TestRecordingOfShippedTrace(t *testing.T) {
	r := mustRecord(t, Named(filepath.Join(t.TempDir(), data.HeartbeatsLoopback2msFile)))
	sum := sha256.Sum256(data.HeartbeatsLoopback2ms)
	if r.Sum != hex.EncodeToString(sum[:]) || r.Name != data.HeartbeatsLoopback2msFile || r.Overtaken() {
		t.Errorf("%s, sum %s, overtaken %v", r.Name, r.Sum, r.Overtaken())
	}
	// 50,000 periods of about 2 ms.
	if want := 100 * model.Second; r.Length() < want-want/1000 || r.Length() > want+want/1000 {
		t.Errorf("a length of %v", r.Length())
	}
	// A file of the name goes first.
	path := filepath.Join(t.TempDir(), data.HeartbeatsLoopback2msFile)
	if err := os.WriteFile(path, []byte(header+"\n0,0,1\n1,5,6\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if r := mustRecord(t, Named(path)); r.Length() != 10*model.Nanosecond {
		t.Errorf("a length of %v", r.Length())
	}
}

func TestRecordingRefuses(t *testing.T) {
	var list ErrorList
	if _, err := text("0,0,x").Recording(); !errors.As(err, &list) || len(list) != 1 {
		t.Errorf("%v", err)
	}
	for _, moment := range []Trace{text("0,5,6"), text("0,5,6", "9,5,7")} {
		if _, err := moment.Recording(); err == nil || !strings.Contains(err.Error(), "at one moment") {
			t.Errorf("%v", err)
		}
	}
	if _, err := File(t.TempDir()).Recording(); err == nil {
		t.Error("a directory is read")
	}
}
