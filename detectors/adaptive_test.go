package detectors_test

import (
	"fmt"
	"testing"

	"suspect/detectors/detectortest"
	"suspect/model"
)

func TestConformanceOfAdaptive(t *testing.T) {
	t.Parallel()
	for _, given := range []map[string]string{
		{"eta": "10ms", "timeout": "1ps", "step": "1ps", "stagger": "false"},
		{"eta": "10ms", "timeout": "12ms", "step": "7ms", "most": "12ms"},
		{"eta": "10ms", "timeout": "1ms", "step": "20ms", "most": "55ms"},
		{"eta": "10ms", "timeout": "1ms", "step": "100ms"},
	} {
		if err := detectortest.Check(build(t, "adaptive", given), 10*model.Millisecond); err != nil {
			t.Error(given, err)
		}
	}
}

// The definition, from the start on: a timeout passes since the last arrival, or a
// heartbeat ends a suspicion and makes the timeout longer.
func TestAdaptiveTwin(t *testing.T) {
	const step, most = 6 * model.Millisecond, 60 * model.Millisecond
	verdicts := 0
	forAllPlans(t, "adaptive agrees with its definition", func(p plan) error {
		a := p.buildWith(t, "adaptive", map[string]string{"timeout": (p.patience + 1).String(), "step": step.String(), "most": most.String()})
		n, err := agreeWith(t, p, a, model.Millisecond, func(p plan, log []arrival, peer model.ProcessID, now model.Time) bool {
			last, timeout := p.start, p.patience+1
			for _, a := range log {
				if a.from != peer || a.at > now {
					continue
				}
				if a.at.Sub(last) >= timeout {
					timeout = min(timeout+step, most)
				}
				last = a.at
			}
			return now.Sub(last) >= timeout
		})
		verdicts += n
		return err
	})
	if verdicts < 1000 {
		t.Errorf("only %d verdicts in all plans", verdicts)
	}
}

// The laws of the detector when delays are bounded, with theta = eta + the bound, which
// is the longest time without an arrival: if the timeout is above theta there is no
// mistake, and else there are as many as there are timeouts t, t+s, t+2s, ... up to
// theta. Delays that alternate between none and the bound cause them all. After a crash
// the suspicion is permanent at most the bound and the timeout of then after the crash.
func TestAdaptiveLaws(t *testing.T) {
	const bound, ms = 7 * model.Millisecond, model.Millisecond
	const theta = eta + bound
	for _, first := range []model.Duration{ms, 9 * ms, 16 * ms, theta - 1, theta, theta + 1, 20 * ms} {
		for _, step := range []model.Duration{ms, 3 * ms, 50 * ms} {
			p := plan{}
			for i := range 100 {
				p.delays[0] = append(p.delays[0], i%2*int(bound/ms))
			}
			a := p.buildWith(t, "adaptive", map[string]string{"timeout": first.String(), "step": step.String()})
			// Process 0 crashes right after its last heartbeat, and process 1 at once.
			crash := p.sigma(0, 99)
			end := crash.Add(theta + first + 100*step)
			mistakes, detected := 0, model.Never
			for _, c := range drive(t, a, 0, end, p.arrivals()) {
				if c.Peer != 0 {
					continue
				}
				if detected = model.Never; c.Suspected {
					mistakes++
					detected = c.at
				}
			}
			mistakes-- // the last is none
			want, timeout := 0, first
			for ; timeout <= theta; timeout += step {
				want++
			}
			if mistakes != want {
				t.Errorf("timeout %v, step %v: %d mistakes, want %d", first, step, mistakes, want)
			}
			if got := detected.Sub(crash); got != bound+timeout {
				t.Errorf("timeout %v, step %v: suspected for good %v after the crash, want %v", first, step, got, bound+timeout)
			}
		}
	}
}

// There is no time after which it is settled: for any number of prompt heartbeats, one
// that is late causes a mistake after them, if the timeout is not above theta.
func TestAdaptiveNeverSettles(t *testing.T) {
	for _, prompt := range []int{1, 10, 1000} {
		p := plan{}
		p.delays[0] = append(make([]int, prompt), 5, 0, 0)
		a := p.buildWith(t, "adaptive", map[string]string{"timeout": "12ms", "step": "1ms"})
		changes := drive(t, a, 0, p.sigma(0, int64(prompt)+3), p.arrivals())
		var about0 []string
		for _, c := range changes {
			if c.Peer == 0 {
				about0 = append(about0, fmt.Sprint(c.at, c.Suspected))
			}
		}
		late := p.sigma(0, int64(prompt)-1)
		want := []string{fmt.Sprint(late.Add(12*model.Millisecond), true), fmt.Sprint(late.Add(15*model.Millisecond), false)}
		if fmt.Sprint(about0) != fmt.Sprint(want) {
			t.Errorf("after %d prompt heartbeats: %v, want %v", prompt, about0, want)
		}
	}
}
