package apps_test

import (
	"slices"
	"testing"

	"suspect/detectors"
	"suspect/experiments/apps"
	"suspect/model"
	"suspect/network"
	"suspect/sim"
)

// observer is a fold over records.
type observer interface {
	Kinds() model.Kinds
	Observe(*model.Record)
}

// play runs applications, by process, on a star of 10 Gb/s links until the given time.
func play(t *testing.T, edge network.LinkConfig, framing network.Framing, until model.Duration, processes []model.Automaton, folds ...observer) {
	t.Helper()
	k := sim.New(1)
	n, err := network.New(k, network.Config{Topology: network.Star(len(processes), edge), Framing: framing})
	if err != nil {
		t.Fatal(err)
	}
	for p, a := range processes {
		n.Attach(model.ProcessID(p), 0, network.Panel{Application: true, New: []func() model.Automaton{a.Clone}, Detectors: []uint8{0}})
	}
	for _, f := range folds {
		k.Records.Subscribe(f.Kinds(), f.Observe)
	}
	if err := k.Run(model.Time(until), sim.Budget{}); err != nil {
		t.Fatal(err)
	}
}

func must[A model.Automaton](t *testing.T) func(a A, err error) model.Automaton {
	return func(a A, err error) model.Automaton {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
}

var edge = network.LinkConfig{Rate: 10 * network.Gbps, Delay: 700 * model.Nanosecond}

// The round trip of a ping alone is four links, with the transmission of the request or
// the reply on each, and the service time of the server.
func TestPingAlone(t *testing.T) {
	const us = model.Microsecond
	trips := apps.NewRoundTrips(1, 0, model.Time(100*us))
	play(t, edge, network.Ethernet, 1000*us, []model.Automaton{
		must[*apps.Server](t)(apps.NewServer(apps.ServerConfig{Self: 0, N: 2, Service: 5 * us, Bytes: 1000})),
		must[*apps.Ping](t)(apps.NewPing(apps.PingConfig{Self: 1, To: 0, Phase: us, Period: 10 * us, Bytes: 84})),
	}, trips)
	// 84 bytes of payload take 126 on the wire, 1000 take 1042; a byte takes 0.8 ns.
	want := 4*edge.Delay + 2*(126+1042)*800*model.Picosecond + 5*us
	if trips.Asked != 90 || trips.Unanswered() != 1 || slices.Min(trips.Durations) != want || slices.Max(trips.Durations) != want {
		t.Errorf("%d pings, %d without a reply, from %v to %v; want 90, 1 and %v", trips.Asked, trips.Unanswered(), slices.Min(trips.Durations), slices.Max(trips.Durations), want)
	}
}

// Requests of 40 clients that come at one time are served one after another.
func TestServerIsSerial(t *testing.T) {
	const us, clients = model.Microsecond, 40
	processes := []model.Automaton{
		must[*apps.Server](t)(apps.NewServer(apps.ServerConfig{Self: 0, N: clients + 1, Service: 50 * us, Bytes: 100})),
	}
	var folds []observer
	var trips []*apps.RoundTrips
	for p := model.ProcessID(1); p <= clients; p++ {
		processes = append(processes, must[*apps.Client](t)(apps.NewClient(apps.ClientConfig{
			Self: p, Server: 0, Think: model.Second, Timeout: model.Second, Bytes: 100,
		})))
		trips = append(trips, apps.NewRoundTrips(p, 0, 0))
		folds = append(folds, trips[p-1])
	}
	play(t, edge, network.Bare, 100*model.Millisecond, processes, folds...)
	var got []model.Duration
	for _, x := range trips {
		got = append(got, x.Durations...)
	}
	slices.Sort(got)
	// The last hop of the requests is shared, but faster than the service.
	const packet = 80 * model.Nanosecond
	for i, d := range got {
		if want := 4*edge.Delay + 4*packet + model.Duration(i+1)*50*us; d != want {
			t.Errorf("round trip %d takes %v, want %v", i, d, want)
		}
	}
	if len(got) != clients {
		t.Errorf("%d round trips, want %d", len(got), clients)
	}
}

// A client alone has one round trip in each think time plus round trip, and sends again
// what is lost.
func TestClientLoops(t *testing.T) {
	const us = model.Microsecond
	processes := func() []model.Automaton {
		return []model.Automaton{
			must[*apps.Server](t)(apps.NewServer(apps.ServerConfig{Self: 0, N: 2, Bytes: 1000})),
			must[*apps.Client](t)(apps.NewClient(apps.ClientConfig{Self: 1, Server: 0, Phase: 3 * us, Think: 20 * us, Timeout: 100 * us, Bytes: 100})),
		}
	}
	const trip = 4*700*model.Nanosecond + 2*(100+1000)*800*model.Picosecond
	calm := apps.NewRoundTrips(1, 0, 0)
	play(t, edge, network.Bare, 100*model.Millisecond, processes(), calm)
	want := int64((100*model.Millisecond-3*us-trip)/(trip+20*us)) + 1
	if got := int64(len(calm.Durations)); got != want || calm.Again != 0 || slices.Max(calm.Durations) != trip {
		t.Errorf("%d round trips, %d sent again, the longest %v; want %d, 0 and %v", got, calm.Again, slices.Max(calm.Durations), want, trip)
	}

	lossy := edge
	lossy.Loss = network.IndependentLoss(0.1)
	lost := apps.NewRoundTrips(1, 0, 0)
	play(t, lossy, network.Bare, 100*model.Millisecond, processes(), lost)
	if lost.Again == 0 || lost.Unanswered() > 1 {
		t.Errorf("%d sent again and %d unanswered of %d, with loss", lost.Again, lost.Unanswered(), lost.Asked)
	}
	// What is sent again costs a timeout each time, and nothing else does.
	var again int64
	for _, d := range lost.Durations {
		if (d-trip)%(100*us) != 0 {
			t.Fatalf("a round trip of %v, want %v and whole timeouts", d, trip)
		}
		again += int64((d - trip) / (100 * us))
	}
	if diff := lost.Again - again; diff < 0 || diff > 20 { // the last request may not be complete
		t.Errorf("%d sent again, but round trips with %d timeouts", lost.Again, again)
	}
}

// arrivals counts the packets of a flow that have reached process 1.
type arrivals map[int64]int

func (a arrivals) Kinds() model.Kinds { return model.KindSet(model.Delivered) }

func (a arrivals) Observe(r *model.Record) {
	if r.Process == 1 {
		a[r.Seq]++
	}
}

// A flow on a lossy network is complete when every packet has arrived, and not before.
func TestFlowGetsThrough(t *testing.T) {
	const packets = 500
	lossy := edge
	lossy.Loss = network.IndependentLoss(0.05)
	done, got := apps.NewCompletion(0, 1, packets), arrivals{}
	play(t, lossy, network.Bare, model.Second, []model.Automaton{
		must[*apps.Sender](t)(apps.NewSender(apps.SenderConfig{Self: 0, To: 1, Packets: packets, Bytes: 1500, Window: 8, Timeout: 50 * model.Microsecond})),
		must[*apps.Receiver](t)(apps.NewReceiver(apps.ReceiverConfig{Self: 1, From: 0, Bytes: 40})),
	}, done, got)
	took, ok := done.Time()
	if len(got) != packets {
		t.Errorf("%d of %d packets have arrived", len(got), packets)
	}
	if ideal := (packets+1)*1200*model.Nanosecond + 64*model.Nanosecond + 4*edge.Delay; !ok || took <= ideal {
		t.Errorf("complete %v after %v; without loss it would be %v", ok, took, ideal)
	}
}

// Without loss, packet k leaves as soon as packet k-1 has left and packet k-window is
// acknowledged: a recursion over packets, for every window from too small to large.
func TestFlowWindow(t *testing.T) {
	const packet, ack = 1200 * model.Nanosecond, 32 * model.Nanosecond
	first := 2*packet + 2*ack + 4*edge.Delay
	for window := int64(1); window <= 8; window++ {
		for _, packets := range []int64{1, 2, 5, 23} {
			left := make([]model.Duration, packets) // when the transmission begins
			for k := range packets {
				if k > 0 {
					left[k] = left[k-1] + packet
				}
				if k >= window {
					left[k] = max(left[k], left[k-window]+first)
				}
			}
			want := left[packets-1] + first
			done := apps.NewCompletion(0, 1, packets)
			play(t, edge, network.Bare, model.Millisecond, []model.Automaton{
				must[*apps.Sender](t)(apps.NewSender(apps.SenderConfig{Self: 0, To: 1, Packets: packets, Bytes: 1500, Window: window, Timeout: model.Second})),
				must[*apps.Receiver](t)(apps.NewReceiver(apps.ReceiverConfig{Self: 1, From: 0, Bytes: 40})),
			}, done)
			if took, ok := done.Time(); !ok || took != want {
				t.Errorf("window %d, %d packets: complete %v after %v, want %v", window, packets, ok, took, want)
			}
		}
	}
}

// The reply of a request that was sent again does not end the next one.
func TestClientIgnoresLateReplies(t *testing.T) {
	const ms = model.Millisecond
	client := must[*apps.Client](t)(apps.NewClient(apps.ClientConfig{Self: 1, Server: 0, Think: ms, Timeout: 10 * ms, Bytes: 100}))
	var out model.Output
	reply := func(from model.ProcessID, seq int64) model.Input {
		return model.Input{Kind: model.Deliver, Message: model.Message{From: from, To: 1, Kind: 2, Seq: seq}}
	}
	for i, step := range []struct {
		at   model.Duration
		in   model.Input
		sent int64 // the number of the request, or -1
		wake model.Duration
	}{
		{0, model.Input{}, 0, 10 * ms},
		{10 * ms, model.Input{Kind: model.Wake}, 0, 20 * ms}, // again
		{11 * ms, reply(2, 0), -1, 20 * ms},                  // from somebody else
		{12 * ms, reply(0, 0), -1, 13 * ms},
		{13 * ms, model.Input{Kind: model.Wake}, 1, 23 * ms},
		{14 * ms, reply(0, 0), -1, 23 * ms}, // the second reply to request 0
		{15 * ms, reply(0, 1), -1, 16 * ms},
		{15 * ms, reply(0, 1), -1, 16 * ms}, // a duplicate
		{16 * ms, model.Input{Kind: model.Wake}, 2, 26 * ms},
	} {
		out.Reset()
		client.Step(model.Time(step.at), &step.in, &out)
		sent := int64(-1)
		if len(out.Send) > 0 {
			sent = out.Send[0].Seq
		}
		if sent != step.sent || len(out.Send) > 1 || out.Wake != model.Time(step.wake) {
			t.Errorf("step %d at %v: sends %v and wants to wake at %v; want request %d and %v", i, step.at, out.Send, out.Wake, step.sent, step.wake)
		}
	}
}

// A ping follows its clock: a process that starts late or pauses sends the newest
// request that is due, not those before.
func TestPingFollowsTheClock(t *testing.T) {
	const ms = model.Millisecond
	ping := must[*apps.Ping](t)(apps.NewPing(apps.PingConfig{Self: 1, To: 0, Phase: 3 * ms, Period: 10 * ms, Bytes: 64}))
	var out model.Output
	for i, step := range []struct {
		at   model.Duration
		sent int64
		wake model.Duration
	}{
		{24 * ms, -1, 33 * ms}, // the start
		{30 * ms, -1, 33 * ms}, // early
		{33 * ms, 3, 43 * ms},
		{70 * ms, 6, 73 * ms}, // late
		{73 * ms, 7, 83 * ms},
	} {
		out.Reset()
		ping.Step(model.Time(step.at), &model.Input{Kind: model.Wake}, &out)
		sent := int64(-1)
		if len(out.Send) > 0 {
			sent = out.Send[0].Seq
		}
		if sent != step.sent || len(out.Send) > 1 || out.Wake != model.Time(step.wake) {
			t.Errorf("step %d at %v: sends %v and wants to wake at %v; want request %d and %v", i, step.at, out.Send, out.Wake, step.sent, step.wake)
		}
	}
}

func TestRefusals(t *testing.T) {
	const ms = model.Millisecond
	errs := map[string]error{}
	refuse := func(name string, err error) { errs[name] = err }
	_, err := apps.NewPing(apps.PingConfig{Self: 0, To: 0, Period: ms, Bytes: 1})
	refuse("ping to itself", err)
	_, err = apps.NewPing(apps.PingConfig{Self: 0, To: 1, Bytes: 1})
	refuse("ping without a period", err)
	_, err = apps.NewPing(apps.PingConfig{Self: 0, To: 1, Period: ms, Phase: -1, Bytes: 1})
	refuse("ping before the beginning", err)
	_, err = apps.NewPing(apps.PingConfig{Self: 0, To: 1, Period: ms})
	refuse("ping without bytes", err)
	_, err = apps.NewClient(apps.ClientConfig{Self: 0, Server: 1, Bytes: 1})
	refuse("client without a timeout", err)
	_, err = apps.NewClient(apps.ClientConfig{Self: 0, Server: 1, Timeout: ms, Think: -1, Bytes: 1})
	refuse("client that thinks backwards", err)
	_, err = apps.NewClient(apps.ClientConfig{Self: 0, Server: -1, Timeout: ms, Bytes: 1})
	refuse("client of nobody", err)
	_, err = apps.NewClient(apps.ClientConfig{Self: 0, Server: 1, Timeout: ms, Bytes: 1 << 17})
	refuse("client with large requests", err)
	_, err = apps.NewServer(apps.ServerConfig{Self: 0, N: 2, Service: -1, Bytes: 1})
	refuse("server that is done before", err)
	_, err = apps.NewServer(apps.ServerConfig{Self: 2, N: 2, Bytes: 1})
	refuse("server beside the system", err)
	_, err = apps.NewSender(apps.SenderConfig{Self: 0, To: 1, Window: 1, Timeout: ms, Bytes: 1})
	refuse("sender of nothing", err)
	_, err = apps.NewSender(apps.SenderConfig{Self: 0, To: 1, Packets: 1, Timeout: ms, Bytes: 1})
	refuse("sender without a window", err)
	_, err = apps.NewSender(apps.SenderConfig{Self: 0, To: 1, Packets: 1, Window: 1, Bytes: 1})
	refuse("sender without a timeout", err)
	_, err = apps.NewReceiver(apps.ReceiverConfig{Self: 0, From: 0, Bytes: 1})
	refuse("receiver from itself", err)
	for name, err := range errs {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A server that is wedged stops to answer, while the heartbeats of the detector beside it go
// on; when the wedge is over it answers what waited. So a detector of heartbeats does not see
// the wedge. That of the whole process, a pause, stops both.
func TestWedgedServer(t *testing.T) {
	const ms = model.Millisecond
	for _, c := range []struct {
		fault                  string
		heartbeats, suspicions [3]int // before, during and after
	}{
		{"wedge", [3]int{20, 20, 20}, [3]int{}},
		{"pause", [3]int{20, 0, 1 + 20}, [3]int{0, 1, 0}}, // one is overdue
	} {
		k := sim.New(1)
		n, err := network.New(k, network.Config{Topology: network.Star(2, edge), Framing: network.Ethernet})
		if err != nil {
			t.Fatal(err)
		}
		timeout, _ := detectors.Lookup("timeout")
		params, errs := model.NewParams(timeout.Params, map[string]string{"eta": "1ms", "timeout": "3500us"})
		if errs != nil {
			t.Fatal(errs)
		}
		for p, a := range []model.Automaton{
			must[*apps.Server](t)(apps.NewServer(apps.ServerConfig{Self: 0, N: 2, Bytes: 84})),
			must[*apps.Ping](t)(apps.NewPing(apps.PingConfig{Self: 1, To: 0, Phase: ms / 2, Period: ms, Bytes: 84})),
		} {
			self, other := model.ProcessID(p), []model.ProcessID{model.ProcessID(1 - p)}
			n.Attach(self, 0, network.Panel{Application: true, New: []func() model.Automaton{a.Clone}, Detectors: []uint8{0}},
				network.Panel{New: []func() model.Automaton{func() model.Automaton {
					return must[model.Automaton](t)(timeout.New(detectors.Env{Self: self, N: 2, Watch: other, Watchers: other}, params))
				}}, Detectors: []uint8{1}})
		}
		spec, _ := network.LookupFault(c.fault)
		given, errs := model.NewParams(spec.Params, map[string]string{"process": "h0"})
		if errs != nil {
			t.Fatal(errs)
		}
		f, err := spec.New(given, n.Topology(), nil)
		if err != nil {
			t.Fatal(err)
		}
		const strikes, heals = model.Time(20*ms - ms/4), model.Time(40*ms - ms/4)
		n.Schedule(f, strikes, heals.Sub(strikes))
		var replies, heartbeats, suspicions [3]int
		k.Records.Subscribe(model.KindSet(model.Delivered, model.Suspected), func(r *model.Record) {
			phase := 0
			switch {
			case r.At >= heals:
				phase = 2
			case r.At >= strikes:
				phase = 1
			}
			switch {
			case r.Kind == model.Suspected && r.Process == 0: // what it missed in a pause
			case r.Kind == model.Suspected:
				suspicions[phase]++
			case r.Peer == 0 && r.Detector == 0:
				replies[phase]++
			case r.Peer == 0:
				heartbeats[phase]++
			}
		})
		if err := k.Run(model.Time(60*ms)-1, sim.Budget{}); err != nil {
			t.Fatal(err)
		}
		// A request half past each millisecond; heartbeats are sent at 0, 1 ms, and so on.
		if want := [3]int{20, 0, 40}; replies != want {
			t.Errorf("%s: %v replies come, want %v", c.fault, replies, want)
		}
		if heartbeats != c.heartbeats || suspicions != c.suspicions {
			t.Errorf("%s: %v heartbeats come and %v suspicions, want %v and %v", c.fault, heartbeats, suspicions, c.heartbeats, c.suspicions)
		}
	}
}
