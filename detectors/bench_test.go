package detectors_test

import (
	"runtime"
	"testing"

	"suspect/detectors"
	"suspect/model"
)

// everybody returns the environments of n processes that all watch all others.
func everybody(n int) []detectors.Env {
	envs := make([]detectors.Env, n)
	for p := range envs {
		envs[p] = detectors.Env{Self: model.ProcessID(p), N: n}
		for q := range n {
			if q != p {
				envs[p].Watch = append(envs[p].Watch, model.ProcessID(q))
			}
		}
	}
	return envs
}

// BenchmarkHeartbeat measures one detector of 255 peers in the steady state: the
// cost of a heartbeat includes its share of the wake-ups, but the detector sends
// to nobody. The smaller the part of the state that is touched, the better it
// will do beside hundreds of others.
func BenchmarkHeartbeat(b *testing.B) {
	for _, s := range detectors.All() {
		if !s.Heartbeats {
			continue
		}
		b.Run(s.Name, func(b *testing.B) {
			const n = 256
			envs := everybody(n)
			var given map[string]string
			if s.Name == "bertier" {
				// It does not stay calm: of arrivals like clockwork it learns to
				// have no margin. It learns nothing, at the same cost.
				given = map[string]string{"gamma": "0"}
			}
			make := build(b, s.Name, given)
			a, err := make(envs[0])
			if err != nil {
				b.Fatal(err)
			}
			const eta, delay = model.Second, 50 * model.Microsecond
			in, wake := model.Input{Kind: model.Start}, model.Input{Kind: model.Wake}
			var out model.Output
			out.Reset()
			a.Step(0, &in, &out)
			in = model.Input{Kind: model.Deliver, Message: model.Message{Kind: detectors.HeartbeatKind}}
			peer := model.ProcessID(0)
			wakes, verdicts := 0, 0
			heartbeat := func() {
				if peer++; peer == n {
					peer = 1
					in.Message.Seq++
				}
				now := model.Time(in.Message.Seq*int64(eta) + int64(peer)*int64(eta)/n + int64(delay))
				for out.Wake <= now {
					at := out.Wake
					out.Reset()
					a.Step(at, &wake, &out)
					wakes++
				}
				in.Message.From = peer
				out.Reset()
				a.Step(now, &in, &out)
				verdicts += len(out.Verdicts)
			}
			for range 100 * n {
				heartbeat()
			}
			wakes = 0
			b.ReportAllocs()
			for b.Loop() {
				heartbeat()
			}
			if verdicts > 0 {
				b.Fatalf("%d verdicts in a calm run", verdicts)
			}
			b.ReportMetric(float64(wakes)/float64(b.N), "wakes/heartbeat")
			b.ReportMetric(bytesPerPair(b, s.Name), "B/pair")
		})
	}
}

// bytesPerPair returns the heap that a detector uses per pair, when 64 processes
// monitor each other.
func bytesPerPair(t testing.TB, name string) float64 {
	const n = 256
	envs := everybody(n)[:64]
	make := build(t, name, nil)
	var before, after runtime.MemStats
	var keep [64]model.Automaton
	runtime.ReadMemStats(&before)
	for i, env := range envs {
		keep[i], _ = make(env)
	}
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(&keep)
	return float64(after.TotalAlloc-before.TotalAlloc) / float64(len(envs)*(n-1))
}

// A plain timeout has at most 32 bytes of state for each pair, with everything.
func TestTimeoutMemory(t *testing.T) {
	if got := bytesPerPair(t, "timeout"); got > 32 {
		t.Errorf("%.1f bytes a pair", got)
	}
}
