package reproduce

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"

	"suspect/model"
	"suspect/sim"
)

func init() {
	Register(Spec{
		Name: "known-answers",
		Doc: "What is known of the detectors of the literature, beside what they do here. Each number is measured by running the detectors " +
			"themselves, as scenarios run them, among a few processes.",
		Source: "the papers, standards and codes that the outcomes name: SWIM (DSN 2002), Lifeguard (DSN 2018), Rapid (USENIX ATC 2018), RFC 5880, " +
			"Apache ZooKeeper, hashicorp/memberlist v0.7.0, Akka, Apache Cassandra",
		Params: []model.Param{
			{Name: "runs", Type: model.CountParam, Default: "2000", Doc: "crashes for each mean of SWIM's detection times; from 100 to 100000"},
			{Name: "groups", Type: model.CountParam, Default: "10", Doc: "groups with an overloaded member for each of Lifeguard's components; from 2 to 1000"},
		},
		Run: knownAnswers,
	})
}

// knownParams are those of known-answers.
type knownParams struct {
	runs, groups int
	seed         uint64
}

// answers are the parts of known-answers. Each fills a document of its own, of which the
// experiment's is made.
var answers = []struct {
	name string
	run  func(ctx context.Context, p knownParams, d *Document) error
}{
	{"first detections of SWIM", swimFirstDetections},
	{"false detections of SWIM", swimFalseDetections},
	{"timers of memberlist", memberlistTimers},
	{"an overloaded member and Lifeguard", lifeguardDirection},
	{"buckets of ZooKeeper", zooKeeperBuckets},
	{"jitter of BFD", bfdJitter},
	{"timeouts of Akka and Cassandra", accrualTimeouts},
	{"one-way flip-flop", oneWayFlipFlop},
	{"80 % loss", heavyLoss},
}

func knownAnswers(ctx context.Context, o Options) (*Document, error) {
	p := knownParams{seed: o.Seed}
	for _, c := range []struct {
		name        string
		least, most int64
		to          *int
	}{{"runs", 100, 100_000, &p.runs}, {"groups", 2, 1000, &p.groups}} {
		v := o.Params.Count(c.name)
		if v < c.least || v > c.most {
			return nil, &model.ParamError{Name: c.name, Err: fmt.Errorf("%d: must lie between %d and %d", v, c.least, c.most)}
		}
		*c.to = int(v)
	}
	parts := make([]Document, len(answers))
	err := o.each(ctx, len(answers), func(i int) string { return answers[i].name }, func(i int) error {
		return answers[i].run(ctx, p, &parts[i])
	})
	if err != nil {
		return nil, err
	}
	d := new(Document)
	for _, part := range parts {
		d.Tables = append(d.Tables, part.Tables...)
		d.Checks = append(d.Checks, part.Checks...)
		d.Notes = append(d.Notes, part.Notes...)
	}
	return d, nil
}

// Messages of SWIM and memberlist, as traces number them.
const (
	swimPing = 1 + iota
	swimAck
	swimPingReq
	swimForward
	_
	swimGossip
)

// swimFirstDetections measures how many periods pass from a crash to the first member that
// takes the crashed one for failed. Targets are drawn at random, so that each of the n-1
// others misses it in a period with probability 1-1/(n-1).
func swimFirstDetections(ctx context.Context, p knownParams, d *Document) error {
	const source = "SWIM, section 3.1: T'/(1-(1-1/(n-1))^(n-1)); "
	t := newTable("SWIM: from a crash to the first detection, in periods T'", "n", "runs", "expected [T']", "measured [T']", "95 % from [T']", "to [T']")
	var largest, largestError float64
	for _, n := range []int{3, 10, 100} {
		periods := make([]float64, p.runs)
		for run := range periods {
			g, err := newGroup(n, p.seed+uint64(run), "swim", map[string]string{"select": "random", "suspicion": "0s", "stagger": "false", "period": "1s"})
			if err != nil {
				return err
			}
			g.members[0].crashed = true
			found := false
			g.verdict = func(_ model.ProcessID, v model.Verdict) { found = found || v.Peer == 0 && v.Suspected }
			if err := g.run(ctx, model.Time(model.Hour), func() bool { return found }); err != nil {
				return err
			}
			periods[run] = g.now.Seconds()
		}
		mean, se := meanAndError(periods)
		want := 1 / (1 - math.Pow(1-1/float64(n-1), float64(n-1)))
		t.add(count(int64(n)), count(int64(p.runs)), number(want, "%.3f"), number(mean, "%.4f"), number(mean-1.96*se, "%.4f"), number(mean+1.96*se, "%.4f"))
		d.check(fmt.Sprintf("SWIM: first detection, n = %d", n), fmt.Sprintf("%.3f T'", want), fmt.Sprintf("%.3f +- %.3f T'", mean, 1.96*se),
			math.Abs(mean-want) <= agreeWithin*se, source+"within 3.5 standard errors")
		largest, largestError = mean, se
	}
	limit := math.E / (math.E - 1)
	d.check("SWIM: first detection, the limit e/(e-1)", fmt.Sprintf("%.3f T'", limit), fmt.Sprintf("%.3f +- %.3f T'", largest, 1.96*largestError),
		math.Abs(largest-limit) <= agreeWithin*largestError+0.005, "SWIM, section 3.1; measured at n = 100, where the closed form is 0.005 T' below it")
	d.Tables = append(d.Tables, t)
	d.Notes = append(d.Notes, "SWIM's detection times are of periods that all begin together, and of a crash just before one.")
	return nil
}

// agreeWithin is by how many standard errors a mean may differ from what is expected: one
// of 2000 that agree does by more.
const agreeWithin = 3.5

// meanAndError returns the mean of values and its standard error.
func meanAndError(values []float64) (mean, err float64) {
	n := float64(len(values))
	for _, v := range values {
		mean += v / n
	}
	squares := 0.0
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(squares / (n - 1) / n)
}

// falseDelivery is the probability with which a message arrives where false detections are
// asked for.
const falseDelivery = 0.95

// swimFalseDetections runs the probe of a live member for every pattern of lost messages,
// and adds up the probabilities of the patterns in which it fails.
func swimFalseDetections(ctx context.Context, p knownParams, d *Document) error {
	t := newTable("SWIM: the probe of a live member, messages arriving with probability 0.95", "asked", "messages", "patterns of losses", "that fail",
		"fails with", "(1-q^2)(1-q^4)^k", "times e/(e-1)")
	for _, c := range []struct {
		k    int
		want string
	}{{0, "0.154"}, {1, "0.0286"}, {3, "0.00098"}} {
		legs := 2 + 4*c.k
		failing, probability := 0, 0.0
		for pattern := range 1 << legs {
			fails, err := probeFails(ctx, c.k, pattern)
			if err != nil {
				return err
			}
			if !fails {
				continue
			}
			failing++
			weight := 1.0
			for leg := range legs {
				if pattern>>leg&1 != 0 {
					weight *= 1 - falseDelivery
				} else {
					weight *= falseDelivery
				}
			}
			probability += weight
		}
		closed := (1 - math.Pow(falseDelivery, 2)) * math.Pow(1-math.Pow(falseDelivery, 4), float64(c.k))
		expected := probability * math.E / (math.E - 1)
		t.add(count(int64(c.k)), count(int64(legs)), count(1<<legs), count(int64(failing)), number(probability, "%.4g"), number(closed, "%.4g"), number(expected, "%.4g"))
		rounded, same := roundedLike(expected, c.want)
		d.check(fmt.Sprintf("SWIM: false detections of a member in a period, k = %d", c.k), c.want, rounded, same && math.Abs(probability-closed) < 1e-12,
			"derived: (1-q^2)(1-q^4)^k e/(e-1) with q = 0.95, for a large group without failures; all patterns of losses were run")
	}
	d.Tables = append(d.Tables, t)
	return nil
}

// probeFails tells whether member 0's probe of another one fails, with k more to ask, when
// messages are lost by a pattern: bit 0 is the ping, 1 its ack, and 2+4i to 5+4i are the
// four by way of helper i. The others only answer.
func probeFails(ctx context.Context, k, pattern int) (bool, error) {
	g, err := newGroup(k+2, 1, "swim", map[string]string{"indirect": fmt.Sprint(k), "suspicion": "0s", "stagger": "false"})
	if err != nil {
		return false, err
	}
	for i := 1; i < len(g.members); i++ {
		g.members[i].silent = true
	}
	target := model.Nobody
	lost := func(leg int) bool { return pattern>>leg&1 != 0 }
	via := func(helper model.ProcessID, leg int) bool {
		i := int(helper) - 1
		if helper > target {
			i--
		}
		return lost(2 + 4*i + leg)
	}
	g.carry = func(m *model.Message) (model.Duration, bool) {
		dropped := true
		switch {
		case m.Kind == swimPing && m.Arg == 0 && m.From == 0 && target == model.Nobody:
			target = m.To
			dropped = lost(0)
		case m.Kind == swimPing && m.Arg == 0: // the next period's, or of others
		case m.Kind == swimAck && m.Arg == 0:
			dropped = lost(1)
		case m.Kind == swimPingReq && m.From == 0:
			dropped = via(m.To, 0)
		case m.Kind == swimPing:
			dropped = via(m.From, 1)
		case m.Kind == swimAck:
			dropped = via(m.To, 2)
		case m.Kind == swimForward:
			dropped = via(m.From, 3)
		}
		return groupDelay, !dropped
	}
	failed := false
	g.verdict = func(p model.ProcessID, v model.Verdict) { failed = failed || p == 0 && v.Peer == target && v.Suspected }
	err = g.run(ctx, model.Time(model.Second), nil)
	return failed, err
}

// memberlistTimers measures how long a suspicion lasts in a group of 100, by how many
// confirm it. The observer of a crash is the member that would be the last to find out by
// its own probes. No news reaches anybody but that of some accusers, which reaches it a
// second apart, after 20 s.
func memberlistTimers(ctx context.Context, p knownParams, d *Document) error {
	const n, hears = 100, model.Time(20 * model.Second)
	// observe returns in which order members accuse, and how long the observer suspects.
	observe := func(observer model.ProcessID, accusers int) (accusations []model.Message, lasted model.Duration, err error) {
		g, err := newGroup(n, p.seed, "memberlist", map[string]string{"push-pull": "0s"})
		if err != nil {
			return nil, 0, err
		}
		g.members[0].crashed = true
		accused := make(map[model.ProcessID]bool)
		g.carry = func(m *model.Message) (model.Duration, bool) {
			if m.Body != nil && !accused[m.From] {
				accused[m.From] = true
				accusations = append(accusations, *m)
			}
			m.Body = nil
			return groupDelay, m.Kind != swimGossip
		}
		if err := g.run(ctx, hears, nil); err != nil {
			return nil, 0, err
		}
		for i, m := range accusations[:min(accusers, len(accusations))] {
			m.To = observer
			g.post(groupEvent{at: hears.Add(model.Duration(i) * model.Second), member: observer, kind: model.Deliver, message: m})
		}
		failed := model.Never
		g.verdict = func(p model.ProcessID, v model.Verdict) {
			if p == observer && v.Peer == 0 && v.Suspected {
				failed = g.now
			}
		}
		err = g.run(ctx, model.Time(3*model.Minute), func() bool { return failed != model.Never })
		return accusations, failed.Sub(hears), err
	}
	accusations, _, err := observe(model.Nobody, 0)
	if err != nil {
		return err
	}
	last := accusations[len(accusations)-1].From
	for confirmations, want := range []string{"48.00", "22.76", "8.00"} {
		_, lasted, err := observe(last, confirmations+1)
		if err != nil {
			return err
		}
		rounded := fmt.Sprintf("%.2f", lasted.Seconds())
		d.check(fmt.Sprintf("memberlist: a suspicion among 100, %d confirmations", confirmations), want+" s", rounded+" s", rounded == want,
			"hashicorp/memberlist v0.7.0, suspicion.go with DefaultLANConfig; from the first news to the failure, at the member that hears of it")
	}
	return nil
}

// lifeguardDirection counts false detections in groups of 16 of which one is overloaded: it
// takes its messages and timers in bursts, with up to six seconds between.
func lifeguardDirection(ctx context.Context, p knownParams, d *Document) error {
	const length = model.Time(2 * model.Minute)
	t := newTable("Lifeguard: false detections, with one overloaded member of 16", "components", "groups", "minutes each", "of healthy members, by healthy ones",
		"fewer than SWIM in each group", "95 %, +-")
	const source = "Lifeguard, DSN 2018, the direction of its effect; the mean by which a group has fewer, over the same delays and loads"
	plain, sum := make([]float64, p.groups), 0.0
	for i, c := range []struct {
		what  string
		given map[string]string
	}{
		{"none: SWIM", nil},
		{"LHA-Probe", map[string]string{"lha-probe": "true"}},
		{"LHA-Suspicion", map[string]string{"lha-suspicion": "true"}},
		{"LHA-Probe, LHA-Suspicion and buddies", map[string]string{"lha-probe": "true", "lha-suspicion": "true", "buddy": "true"}},
	} {
		fewer, total := make([]float64, p.groups), 0.0
		for group := range p.groups {
			mistakes, err := overloaded(ctx, p.seed+uint64(group), length, c.given)
			if err != nil {
				return err
			}
			if total += mistakes; i == 0 {
				plain[group] = mistakes
			}
			fewer[group] = plain[group] - mistakes
		}
		mean, se := meanAndError(fewer)
		if i == 0 {
			sum = total
			t.add(words("%s", c.what), count(int64(p.groups)), count(int64(length/model.Time(model.Minute))), count(int64(total)), words("-"), words("-"))
			d.check("Lifeguard: one overloaded member of SWIM harms healthy ones", "some false detections", number(total, "%.0f").Text, total > 0,
				"Lifeguard, DSN 2018")
			continue
		}
		t.add(words("%s", c.what), count(int64(p.groups)), count(int64(length/model.Time(model.Minute))), count(int64(total)), number(mean, "%.1f"),
			number(1.96*se, "%.1f"))
		d.check("Lifeguard: "+c.what, "fewer false detections", fmt.Sprintf("%.0f rather than %.0f", total, sum), mean > 1.96*se, source)
		if i == 3 {
			d.notComparable("Lifeguard: by how much all of it", "50 to 100 times", fmt.Sprintf("%.0f/%.0f", sum, total),
				"Lifeguard, DSN 2018: 100 virtual machines of one core, with memberlist's settings and a load of their own")
		}
	}
	d.Tables = append(d.Tables, t)
	return nil
}

// overloaded returns how often healthy members of a group took healthy ones for failed.
func overloaded(ctx context.Context, seed uint64, length model.Time, given map[string]string) (mistakes float64, err error) {
	settings := map[string]string{"suspicion": "4s"}
	maps.Copy(settings, given)
	g, err := newGroup(16, seed, "swim", settings)
	if err != nil {
		return 0, err
	}
	delays, load := sim.NewStream(seed, "delays"), sim.NewStream(seed, "load")
	g.carry = func(*model.Message) (model.Duration, bool) {
		return model.Duration(delays.IntN(int(50 * model.Millisecond))), true
	}
	g.verdict = func(p model.ProcessID, v model.Verdict) {
		if p != 0 && v.Peer != 0 && v.Suspected {
			mistakes++
		}
	}
	for at := model.Time(0); at < length; {
		if err := g.run(ctx, at, nil); err != nil {
			return 0, err
		}
		g.members[0].paused = at.Add(model.Duration(load.IntN(int(6 * model.Second))))
		at = g.members[0].paused.Add(model.Duration(load.IntN(int(100 * model.Millisecond))))
	}
	return mistakes, nil
}

// zooKeeperBuckets lets clients crash and compares the expiry of their sessions with the
// rule, by the last sign of life that their server saw.
func zooKeeperBuckets(ctx context.Context, p knownParams, d *Document) error {
	t := newTable("ZooKeeper: a session expires at the first tick after the timeout", "tick [s]", "asked for [s]", "granted [s]", "last sign of life [s]",
		"plus timeout [s]", "expected [s]", "measured [s]")
	inSeconds := func(d model.Duration) Cell { return number(d.Seconds(), "%.6g") }
	wrong, rows, exact := 0, 0, 0
	for _, c := range []struct {
		tick, timeout, granted, delay, crash model.Duration // the delay to the server
	}{
		{2 * model.Second, 9 * model.Second, 9 * model.Second, model.Millisecond, 20 * model.Second},
		{2 * model.Second, 9 * model.Second, 9 * model.Second, model.Millisecond, 23500 * model.Millisecond},
		{2 * model.Second, 10 * model.Second, 10 * model.Second, 0, 30 * model.Second},
		{2 * model.Second, 12 * model.Second, 12 * model.Second, 0, 21 * model.Second},
		{2 * model.Second, 12 * model.Second, 12 * model.Second, model.Second, 21 * model.Second},
		{3 * model.Second, 20 * model.Second, 20 * model.Second, 500 * model.Millisecond, 40 * model.Second},
		{500 * model.Millisecond, 4 * model.Second, 4 * model.Second, 250 * model.Millisecond, 10 * model.Second},
		{2 * model.Second, model.Second, 4 * model.Second, model.Millisecond, 15 * model.Second},         // 2 ticks
		{2 * model.Second, 100 * model.Second, 40 * model.Second, model.Millisecond, 100 * model.Second}, // 20 ticks
	} {
		g, err := newGroup(2, p.seed, "zookeeper", map[string]string{"tick": c.tick.String(), "timeout": c.timeout.String()})
		if err != nil {
			return err
		}
		latest, seq := model.Never, int64(-1)
		g.carry = func(m *model.Message) (model.Duration, bool) {
			// What TCP sends again has the number that it had, and shows no life.
			if m.From == 0 && m.Kind <= zooKeeperPing && m.Seq != seq {
				latest, seq = g.now.Add(c.delay), m.Seq
			}
			if m.From == 0 {
				return c.delay, true
			}
			return 0, true
		}
		expired := model.Never
		g.verdict = func(p model.ProcessID, v model.Verdict) {
			if p == 1 && v.Suspected {
				expired = min(expired, g.now)
			}
		}
		if err := g.run(ctx, model.Time(c.crash), nil); err != nil {
			return err
		}
		g.members[0].crashed = true
		if err := g.run(ctx, model.Time(c.crash+5*model.Minute), nil); err != nil {
			return err
		}
		want := (latest.Add(c.granted)/model.Time(c.tick) + 1) * model.Time(c.tick)
		if latest.Add(c.granted)%model.Time(c.tick) == 0 {
			exact++
		}
		if rows++; want != expired {
			wrong++
		}
		t.add(inSeconds(c.tick), inSeconds(c.timeout), inSeconds(c.granted), inSeconds(model.Duration(latest)), inSeconds(model.Duration(latest)+c.granted),
			inSeconds(model.Duration(want)), inSeconds(model.Duration(expired)))
	}
	d.Tables = append(d.Tables, t)
	d.check("ZooKeeper: expiries at (floor((t+T)/tick)+1) tick", fmt.Sprintf("%d of %d", rows, rows), fmt.Sprintf("%d of %d", rows-wrong, rows), wrong == 0,
		fmt.Sprintf("Apache ZooKeeper, ExpiryQueue and SessionTrackerImpl, T held within 2 to 20 ticks; to the picosecond; in %d rows t+T is a tick itself", exact))
	return nil
}

// zooKeeperPing and below are ZooKeeper's messages that show life, as traces number them.
const zooKeeperPing = 2

// bfdJitter measures the gaps between packets of 50 ms, and the detection time.
func bfdJitter(ctx context.Context, p knownParams, d *Document) error {
	const (
		interval = 50 * model.Millisecond
		packet   = 2 // as traces number it
	)
	for _, c := range []struct {
		multiplier        int
		least, most, wait model.Duration
	}{
		{3, interval * 75 / 100, interval, 3 * interval},
		{1, interval * 75 / 100, interval * 90 / 100, interval},
	} {
		g, err := newGroup(2, p.seed, "bfd", map[string]string{"tx": interval.String(), "rx": interval.String(), "multiplier": fmt.Sprint(c.multiplier)})
		if err != nil {
			return err
		}
		sent, arrived := model.Never, model.Never
		shortest, longest := model.Duration(math.MaxInt64), model.Duration(0)
		g.carry = func(m *model.Message) (model.Duration, bool) {
			if m.From == 0 && m.Kind == packet {
				if g.now > model.Time(10*model.Second) {
					shortest, longest = min(shortest, g.now.Sub(sent)), max(longest, g.now.Sub(sent))
				}
				sent, arrived = g.now, g.now.Add(groupDelay)
			}
			return groupDelay, true
		}
		suspected := model.Never
		mistakes := 0
		g.verdict = func(p model.ProcessID, v model.Verdict) {
			if p == 1 && v.Suspected {
				suspected = min(suspected, g.now)
			}
		}
		if err := g.run(ctx, model.Time(2*model.Minute), nil); err != nil {
			return err
		}
		if suspected != model.Never {
			mistakes++
		}
		g.members[0].crashed = true
		if err := g.run(ctx, model.Time(3*model.Minute), nil); err != nil {
			return err
		}
		const source = "RFC 5880, section 6.8.7: 75 to 100 % of the interval, to 90 % with DetectMult 1"
		d.check(fmt.Sprintf("BFD: gaps between packets of 50 ms, DetectMult %d", c.multiplier), fmt.Sprintf("%v to %v", c.least, c.most),
			fmt.Sprintf("%v to %v", shortest, longest), shortest == c.least && longest == c.most, source)
		d.check(fmt.Sprintf("BFD: detection time, %d x 50 ms", c.multiplier), c.wait.String(), suspected.Sub(arrived).String(),
			suspected.Sub(arrived) == c.wait && mistakes == 0, "RFC 5880, section 6.8.4: DetectMult times the agreed interval, from the last packet's arrival")
	}
	return nil
}

// accrualTimeouts measures how long after its last heartbeat a crashed process is suspected.
func accrualTimeouts(ctx context.Context, p knownParams, d *Document) error {
	for _, c := range []struct {
		what, detector string
		intervals      int
		want           string
	}{
		{"Akka, after ten intervals of 1 s", "phi-akka", 10, "4.53"},
		{"Akka, after many intervals of 1 s", "phi-akka", 2000, "4.52"},
		{"Cassandra, after ten intervals of 1 s", "phi-cassandra", 10, "20.1"},
		{"Cassandra, after many intervals of 1 s", "phi-cassandra", 2000, "18.4"},
	} {
		g, err := newGroup(2, p.seed, c.detector, map[string]string{"eta": "1s", "stagger": "false"})
		if err != nil {
			return err
		}
		sent, arrived := 0, model.Never
		g.carry = func(m *model.Message) (model.Duration, bool) {
			if m.From == 0 {
				sent, arrived = sent+1, g.now.Add(groupDelay)
			}
			return groupDelay, true
		}
		suspected := model.Never
		g.verdict = func(p model.ProcessID, v model.Verdict) {
			if p == 1 && v.Suspected {
				suspected = g.now
			}
		}
		if err := g.run(ctx, model.Time(model.Hour), func() bool { return sent > c.intervals }); err != nil {
			return err
		}
		g.members[0].crashed = true
		if err := g.run(ctx, g.now.Add(model.Hour), nil); err != nil {
			return err
		}
		if suspected == model.Never {
			return errors.New(c.detector + " does not suspect a process that has been silent for an hour")
		}
		took := suspected.Sub(arrived).Seconds()
		rounded, same := roundedLike(took, c.want)
		d.check("suspicion by default: "+c.what, c.want+" s", rounded+" s", same,
			fmt.Sprintf("computed from the source codes; from the arrival of the last heartbeat on, here the last of %d", sent))
	}
	return nil
}
