package properties_test

import (
	"fmt"
	"strings"
	"testing"

	"suspect/model"
	"suspect/properties"
	"suspect/sim"
)

// packetStory makes records of packets between p0 and p1 from lines such as
// "released 20 3 7": a kind, a time in milliseconds, a packet and a priority.
func packetStory(t *testing.T, lines ...string) (records []model.Record) {
	t.Helper()
	for _, line := range lines {
		var kind string
		var at, packet int
		var priority model.Priority
		if _, err := fmt.Sscan(line, &kind, &at, &packet, &priority); err != nil {
			t.Fatal(err)
		}
		r := model.Record{At: model.Time(at) * model.Time(model.Millisecond), Process: 0, Peer: 1, Packet: uint64(packet), Priority: priority}
		for k := range model.RecordKinds {
			if k.String() == kind {
				r.Kind = k
			}
		}
		if r.Kind == model.Delivered {
			r.Process, r.Peer = 1, 0
		}
		records = append(records, r)
	}
	return records
}

func latencyBound(t *testing.T, warmUp model.Time, bound, priority string) properties.Checker {
	t.Helper()
	spec, _ := properties.Lookup("latency-bound")
	given := map[string]string{"priority": priority}
	if bound != "" {
		given["bound"] = bound
	}
	params, errs := model.NewParams(spec.Params, given)
	if errs != nil {
		t.Fatal(errs)
	}
	c, err := spec.New(properties.Env{N: 2, Watch: properties.WatchAll(2), WarmUp: warmUp}, params)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLatencyBound(t *testing.T) {
	const ms = model.Time(model.Millisecond)
	late := []string{"sent 10 1 7", "released 20 1 7", "sent 22 2 7", "released 22 2 7", "delivered 26 1 7", "delivered 29 2 7"}
	for _, tt := range []struct {
		name      string
		lines     []string
		bound     string
		priority  string
		outcome   properties.Outcome
		checked   int
		reason    string
		witnesses int
	}{
		{"in time", late, "7ms", "7", properties.Holds, 2, "the longest of 2 packets took 7ms", 0},
		{"late", late, "6ms", "7", properties.Violated, 2, "packet 2 from p0 to p1 was released at 22ms and delivered 7ms later, above the bound of 6ms; 1 of 2 packets were late", 3},
		{"both late", late, "5ms", "7", properties.Violated, 2, "packet 1 from p0 to p1 was released at 20ms and delivered 6ms later", 3},
		{"the wait for the limiter does not count", []string{late[0], late[1], late[4]}, "6ms", "7", properties.Holds, 1, "6ms", 0},
		{"no bound", late, "", "7", properties.Inconclusive, 2, "no bound was given; the longest of 2 packets took 7ms", 0},
		{"another priority", late, "1ms", "6", properties.Inconclusive, 0, "vacuous", 0},
		{"no limiter", []string{"sent 10 1 7", "delivered 90 1 7"}, "1ms", "7", properties.Inconclusive, 0, "vacuous", 0},
		{"dropped", []string{"sent 10 1 7", "released 10 1 7", "dropped 90 1 7"}, "1ms", "7", properties.Inconclusive, 0, "vacuous", 0},
		{"demoted", []string{"sent 10 1 7", "released 10 1 6", "delivered 13 1 6"}, "2ms", "6", properties.Violated, 1, "3ms later", 3},
		{"not demoted to this", []string{"sent 10 1 7", "released 10 1 6", "delivered 13 1 6"}, "2ms", "7", properties.Inconclusive, 0, "vacuous", 0},
		{"under way too long", []string{"sent 10 1 7", "released 10 1 7"}, "89ms", "7", properties.Violated, 1, "still under way 90ms later", 2},
		{"under way", []string{"sent 10 1 7", "released 10 1 7"}, "90ms", "7", properties.Inconclusive, 0, "vacuous", 0},
		{"in the warm-up", []string{"sent 1 1 7", "released 4 1 7", "delivered 50 1 7"}, "1ms", "7", properties.Inconclusive, 0, "vacuous", 0},
		{"with its hops", []string{"sent 10 1 7", "released 10 1 7", "sent 11 2 7", "hopped 12 1 7", "hopped 13 1 7", "dropped 14 2 7", "delivered 15 1 7"}, "2ms", "7", properties.Violated, 1, "5ms later", 5},
		{"and another one later", []string{"sent 10 1 7", "released 10 1 7", "delivered 15 1 7", "sent 16 2 7", "released 16 2 7", "delivered 17 2 7"}, "2ms", "7", properties.Violated, 2, "packet 1 from", 3},
		{"sent in the warm-up", []string{"sent 1 1 7", "released 5 1 7", "delivered 50 1 7"}, "1ms", "7", properties.Violated, 1, "", 3},
	} {
		c := latencyBound(t, 5*ms, tt.bound, tt.priority)
		records := packetStory(t, tt.lines...)
		for i := range records {
			c.Observe(&records[i])
		}
		got := c.Finish(100 * ms)
		if got.Outcome != tt.outcome || got.Checked != tt.checked || !strings.Contains(got.Reason, tt.reason) || len(got.Witness) != tt.witnesses {
			t.Errorf("%s: %v, checked %d, %d witnesses: %s", tt.name, got.Outcome, got.Checked, len(got.Witness), got.Reason)
		}
		for i, w := range got.Witness {
			if w.Packet != got.Witness[0].Packet || i == 0 != (w.Kind == model.Sent) || !strings.HasPrefix(got.Reason, fmt.Sprintf("packet %d ", w.Packet)) {
				t.Errorf("%s: witness %v of %s", tt.name, &w, got.Reason)
			}
		}
	}
	spec, _ := properties.Lookup("latency-bound")
	params, _ := model.NewParams(spec.Params, map[string]string{"priority": "8"})
	if _, err := spec.New(properties.Env{N: 2, Watch: properties.WatchAll(2)}, params); err == nil {
		t.Error("there is a priority 8")
	}
}

// Without a bound of its own the checker takes the one that is proved of the priority.
func TestLatencyBoundProved(t *testing.T) {
	spec, _ := properties.Lookup("latency-bound")
	env := properties.Env{N: 2, Watch: properties.WatchAll(2)}
	env.Bounds[7].Delay = 5 * model.Millisecond
	env.Bounds[6].Why = "nobody knows"
	story := []string{"sent 10 1 7", "released 20 1 7", "delivered 26 1 7", "sent 10 2 6", "released 20 2 6", "delivered 22 2 6"}
	for _, tt := range []struct {
		given   map[string]string
		outcome properties.Outcome
		reason  string
	}{
		{nil, properties.Violated, "delivered 6ms later, above the proved bound of 5ms"},
		{map[string]string{"bound": "6ms"}, properties.Holds, "6ms from its release to delivery, and the bound is 6ms"},
		{map[string]string{"bound": "5ms"}, properties.Violated, "above the bound of 5ms"},
		{map[string]string{"priority": "6"}, properties.Inconclusive, "none is proved: nobody knows; the longest of 1 packet took 2ms"},
		{map[string]string{"priority": "6", "bound": "1ms"}, properties.Violated, "2ms later"},
	} {
		params, errs := model.NewParams(spec.Params, tt.given)
		if errs != nil {
			t.Fatal(errs)
		}
		c, err := spec.New(env, params)
		if err != nil {
			t.Fatal(err)
		}
		records := packetStory(t, story...)
		for i := range records {
			c.Observe(&records[i])
		}
		if got := c.Finish(model.Time(model.Second)); got.Outcome != tt.outcome || !strings.Contains(got.Reason, tt.reason) {
			t.Errorf("%v: %v: %s", tt.given, got.Outcome, got.Reason)
		}
	}
}

// A checker keeps no more than the packets under way, and reuses what it kept of others.
func TestLatencyBoundAllocates(t *testing.T) {
	c := latencyBound(t, 0, "1ms", "7")
	records := packetStory(t, "sent 1 1 7", "released 1 1 7", "hopped 1 1 7", "delivered 1 1 7")
	if n := testing.AllocsPerRun(1000, func() {
		for i := range records {
			c.Observe(&records[i])
			records[i].Packet++
		}
	}); n > 0 {
		t.Errorf("%v allocations for a packet", n)
	}
}

// TestLatencyBoundBrute: on random runs, the checker says what the whole list of records
// says, searched for each packet.
func TestLatencyBoundBrute(t *testing.T) {
	outcomes := map[properties.Outcome]int{}
	for seed := range 500 {
		s := sim.NewStream(1, fmt.Sprint(seed))
		var lines []string
		under := map[int]string{} // what a packet can do next
		for at := 0; at < 60; at++ {
			packet := 1 + s.IntN(20)
			priority := 6 + packet%2
			switch under[packet] {
			case "":
				under[packet] = "sent"
			case "sent":
				under[packet] = []string{"released", "released", "dropped", "delivered"}[s.IntN(4)]
			case "released":
				under[packet] = []string{"delivered", "delivered", "dropped"}[s.IntN(3)]
			default:
				continue
			}
			lines = append(lines, fmt.Sprintf("%s %d %d %d", under[packet], at, packet, priority))
		}
		records := packetStory(t, lines...)
		const ms = model.Time(model.Millisecond)
		warmUp, end := 10*ms, 60*ms
		bound := model.Duration(5+seed%40) * model.Millisecond
		checked, late := 0, false
		for _, r := range records {
			if r.Kind != model.Released || r.At < warmUp {
				continue
			}
			ended := end.Sub(r.At) > bound
			last := end
			for _, e := range records {
				if e.Packet == r.Packet && e.Kind == model.Delivered {
					ended, last = true, e.At
				} else if e.Packet == r.Packet && e.Kind == model.Dropped {
					ended = false
					break
				}
			}
			if ended && r.Priority == 7 {
				checked++
				late = late || last.Sub(r.At) > bound
			}
		}
		want := properties.Holds
		if late {
			want = properties.Violated
		} else if checked == 0 {
			want = properties.Inconclusive
		}
		c := latencyBound(t, warmUp, bound.String(), "7")
		for i := range records {
			c.Observe(&records[i])
		}
		got := c.Finish(end)
		if got.Outcome != want || got.Checked != checked {
			t.Fatalf("%s\nbound %v: %v of %d packets, want %v of %d", strings.Join(lines, "\n"), bound, got.Outcome, got.Checked, want, checked)
		}
		outcomes[got.Outcome]++
	}
	if len(outcomes) != 3 {
		t.Errorf("not every outcome occurs: %v", outcomes)
	}
}
