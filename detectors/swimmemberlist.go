package detectors

import (
	"fmt"
	"math"
	"math/bits"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "memberlist",
		Source: "hashicorp/memberlist v0.7.0, DefaultLANConfig: SWIM with Lifeguard, as its code computes",
		Doc:    "SWIM with all of Lifeguard as the library memberlist runs it: with its timers, gossip that does not wait for probes, and failures that can be refuted.",
		Claims: []model.Claim{
			{Class: model.P, Under: "no loss, round trips below probe-timeout, drift-free clocks, no pauses, all processes start together and none recovers", Given: prompt(half(times(1, "probe-timeout")), times(100, "probe-interval"))},
		},
		Params: []model.Param{
			{Name: "probe-interval", Type: model.DurationParam, Default: "1s",
				Doc: "time between probes of a member in good health"},
			{Name: "probe-timeout", Type: model.DurationParam, Default: "500ms",
				Doc: "time for the ack of a ping, after which other members are asked to ping, and after which these send a nack; at most probe-interval"},
			{Name: "indirect", Type: model.CountParam, Default: "3",
				Doc: "how many members are asked"},
			{Name: "suspicion-mult", Type: model.CountParam, Default: "4",
				Doc: "the shortest suspicion is suspicion-mult*max(1, log10(N))*probe-interval; suspicion-mult - 2 confirmations make it so short"},
			{Name: "suspicion-max-mult", Type: model.CountParam, Default: "6",
				Doc: "the longest suspicion, in multiples of the shortest"},
			{Name: "retransmit-mult", Type: model.CountParam, Default: "4",
				Doc: "news is sent retransmit-mult*ceil(log10(N+1)) times by each member"},
			{Name: "gossip-interval", Type: model.DurationParam, Default: "200ms",
				Doc: "time between messages of news alone; 0s: none"},
			{Name: "gossip-nodes", Type: model.CountParam, Default: "3",
				Doc: "how many members get such a message"},
			{Name: "gossip-to-dead", Type: model.DurationParam, Default: "30s",
				Doc: "how long a failed member goes on to get them"},
			{Name: "push-pull", Type: model.DurationParam, Default: "30s",
				Doc: "time between exchanges of the whole list with a random member, in groups of up to 32, longer in larger ones; 0s: none"},
			{Name: "awareness-max", Type: model.CountParam, Default: "8",
				Doc: "the doubts in the own health go from 0 to awareness-max - 1"},
			{Name: "report", Type: model.TextParam, Default: "confirm",
				Doc: "which members the detector suspects: confirm (those held dead, as the library tells its user) or suspect (those under suspicion, too)"},
			{Name: "stagger", Type: model.SwitchParam, Default: "false",
				Doc: "begin the first interval a random part of an interval after the start, rather than at once"},
		},
		New: newMemberlist,
	})
}

// memberlistPacket is the most that the library puts into a packet, in bytes.
const memberlistPacket = 1400

// newMemberlist makes a swim with all of Lifeguard and the arithmetic of memberlist, where
// that differs from the papers:
//
//   - Probes begin on the ticks of a clock, the first one interval after the start. Doubts
//     in the own health lengthen the probe but not the timeout after which others are
//     asked. A tick that comes during a probe begins the next one as soon as that ends.
//   - Only members that are not suspected are asked.
//   - An unanswered probe adds as many doubts as nacks are missing, or one if nobody was
//     asked. A nack is sent after probe-timeout, so by default the nacks come when the
//     interval of a member without doubts is just over, too late to count.
//   - The timeouts of suspicions have the logarithm to base 10, in thousandths. If there are
//     not suspicion-mult - 2 others to confirm, none are expected.
//   - A failure is of an incarnation. Who hears that it has failed refutes that, and lives.
//   - News also travels by itself. Each push-pull, two members tell each other all that
//     they hold, and who is failed to the other becomes a suspect.
//
// Left out are joining and leaving; the ping over TCP that the library sends beside the
// indirect ones, so that lost packets weigh more here; the removal of dead members from the
// list, so that N is the number of all processes throughout; and the library's encoding: an
// update takes 13 bytes here, where the library writes names, and an exchange of lists is
// two messages rather than a connection.
func newMemberlist(env Env, p model.Params) (model.Automaton, error) {
	d, err := newMembership(env, p, "probe-interval", "probe-timeout")
	if err != nil {
		return nil, err
	}
	d.ticks, d.buddy, d.members.rules = true, true, incarnationRules
	d.members.perUpdate = (memberlistPacket - newsHeader) / updateBytes
	if d.members.timeouts, err = memberlistTimeouts(d.period, p, env.N); err != nil {
		return nil, err
	}
	if d.members.copies, err = newsCopies(p, "retransmit-mult", decimalCeil(env.N+1)); err != nil {
		return nil, err
	}
	most, err := countTo(p, "awareness-max", 1, 8)
	if err != nil {
		return nil, err
	}
	d.maxDoubts, d.nacks = int32(most-1), true
	if d.gossipTo, err = countTo(p, "gossip-nodes", 0, 1000); err != nil {
		return nil, err
	}
	if d.gossipEvery, err = duration(p, "gossip-interval", 0); err != nil {
		return nil, err
	}
	if d.gossipToDead, err = duration(p, "gossip-to-dead", 0); err != nil {
		return nil, err
	}
	every, err := duration(p, "push-pull", 0)
	if err != nil {
		return nil, err
	}
	times := pushPullScale(env.N)
	if most := longest / 16 / times; every > most {
		return nil, &model.ParamError{Name: "push-pull", Err: fmt.Errorf("%v is too long: at most %v", every, most)}
	}
	d.pushEvery = every * times
	return d, nil
}

// memberlistTimeouts returns how long a suspicion lasts in a group of n, by the number of
// confirmations.
func memberlistTimeouts(interval model.Duration, p model.Params, n int) ([]model.Duration, error) {
	mult, err := countTo(p, "suspicion-mult", 1, 1000)
	if err != nil {
		return nil, err
	}
	scale := thousandthsOfLog10(n)
	if float64(mult)*float64(scale)/1000*float64(interval) > float64(longest) {
		return nil, &model.ParamError{Name: "suspicion-mult", Err: fmt.Errorf("%d makes a suspicion longer than %v", mult, longest)}
	}
	// Not mult*scale*interval, which may overflow.
	least := model.Duration(mult) * (interval/1000*scale + interval%1000*scale/1000)
	most, err := timesParam(least, p, "suspicion-max-mult")
	if err != nil {
		return nil, err
	}
	confirmations := mult - 2
	if n-2 < confirmations {
		confirmations = 0
	}
	return suspicionTimeouts(least, most, confirmations, model.Millisecond), nil
}

// thousandthsOfLog10 returns 1000*log10(n), rounded down, and at least 1000.
func thousandthsOfLog10(n int) model.Duration {
	x := float64(1000*model.Log(float64(n))) / model.Log(10)
	if whole := math.Round(x); math.Abs(x-whole) < 1e-9 {
		x = whole // n is a power of ten: no other is so near
	}
	return max(1000, model.Duration(x))
}

// decimalCeil returns the logarithm of n to base 10, rounded up.
func decimalCeil(n int) int {
	log := 0
	for power := 1; power < n; power *= 10 {
		log++
	}
	return log
}

// pushPullScale returns by what the interval of exchanges grows in a group of n: one more
// for each doubling beyond 32.
func pushPullScale(n int) model.Duration {
	return 1 + model.Duration(max(0, bits.Len(uint(n-1))-5))
}

// gossip sends news by itself.
func (d *swim) gossip(now model.Time, random model.Random, out *model.Output) {
	d.gossips = tickAfter(now, d.gossips, d.gossipEvery)
	if len(d.members.spreading) == 0 {
		return
	}
	candidates := d.pick(func(p *member) bool {
		return p.standing != memberFailed || now.Sub(p.since) <= d.gossipToDead
	})
	for _, p := range drawSome(candidates, d.gossipTo, random) {
		news := d.members.take()
		if len(news) == 0 {
			return
		}
		d.sendNews(model.Message{To: p, Kind: swimGossip}, news, out)
	}
}

// push begins an exchange of the whole list with one member.
func (d *swim) push(now model.Time, random model.Random, out *model.Output) {
	d.pushes = now.Add(d.pushEvery)
	candidates := d.pick(func(p *member) bool { return p.standing == memberAlive })
	for _, p := range drawSome(candidates, 1, random) {
		d.sendNews(model.Message{To: p, Kind: swimPush}, d.everybody(), out)
	}
}

// everybody returns all that this member holds.
func (d *swim) everybody() memberNews {
	all := make(memberNews, len(d.members.list))
	for p := range all {
		all[p] = d.members.about(model.ProcessID(p))
		all[p].Accuser = 0
	}
	return all
}

// merge takes the list of another member in: whoever it does not hold alive becomes a
// suspect here, accused by this member.
func (d *swim) merge(m *model.Message, list memberNews, now model.Time, out *model.Output) {
	if m.Kind == swimPush {
		d.sendNews(model.Message{To: m.From, Kind: swimPull}, d.everybody(), out)
	}
	for _, u := range list {
		if u.Standing != memberAlive {
			u.Standing, u.Accuser = memberSuspect, d.members.self
		}
		d.hear(u, now, out)
	}
}
