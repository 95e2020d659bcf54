package detectors

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"suspect/model"
)

func init() {
	Register(Spec{
		Name:   "so-sirer",
		Source: "So, Sirer, \"Latency and bandwidth-minimizing failure detectors\", EuroSys 2007: the latency-minimizing detector, sqrt(s)-LM",
		Doc:    "Pings its peers from a fixed budget, those that fail more often more often by the square-root law, and suspects one that leaves pings without reply.",
		Claims: []model.Claim{
			{Class: model.P, Under: "no loss, round trips below the timeout, drift-free clocks, no pauses, all processes start together and none recovers", Given: prompt(half(times(1, "timeout")), times(10, "eta", "timeout"))},
			{Class: model.EventuallyP, Under: "the same from some time on, except that before it processes start and messages are lost or late at will", Given: finally(prompt(half(times(1, "timeout")), times(10, "eta", "timeout")), times(10, "eta", "timeout"))},
		},
		Params: []model.Param{
			{Name: "eta", Type: model.DurationParam, Default: "1s",
				Doc: "the budget: as many pings as if every peer were pinged once in that time"},
			{Name: "timeout", Type: model.DurationParam, Default: "1s",
				Doc: "a peer is suspected that long and its own ping period after its last reply"},
			{Name: "hazards", Type: model.TextParam, Default: "1",
				Doc: "failure rates of processes 0, 1, 2, ..., separated by blanks or commas and repeated when they end; only their ratios count"},
		},
		New: newSoSirer,
	})
}

// soSirer is the monitor of So and Sirer that detects failures with the least mean
// delay that its budget permits. Target i fails at the rate h_i and is pinged f_i times
// a second, so that a failure waits 1/(2 f_i) for the next ping in the mean. With B pings
// a second in all, the sum of h_i/(2 f_i) is least for
//
//	f_i = B * sqrt(h_i) / (sum of sqrt(h_j))
//
// over the targets j of this monitor. Here B is the number of targets over eta, so that
// equal hazards make every period eta. Target number k of n is first pinged k/n of its
// period after the start.
//
// A target is suspected when its period and the timeout have passed since its last reply
// arrived, or since the start, and trusted when a reply arrives, to whatever ping.
type soSirer struct {
	responder
	peers   peers
	timeout model.Duration
	periods []model.Duration // of each target: 1/f_i
	started bool
	targets []target
	pings   deadlines // of the next pings; exact
	silent  deadlines // of the trusted targets: their deadline, or earlier
}

// target is what is kept of one target.
type target struct {
	next  model.Time // when the next ping is due
	since model.Time // last reply
}

func newSoSirer(env Env, p model.Params) (model.Automaton, error) {
	if err := env.Check(); err != nil {
		return nil, err
	}
	eta, err := duration(p, "eta", model.Picosecond)
	if err != nil {
		return nil, err
	}
	n := len(env.Watch)
	d := &soSirer{responder: newResponder(env), peers: newPeers(env.Watch), targets: make([]target, n),
		pings: newDeadlines(n, eta), silent: newDeadlines(n, eta)}
	if d.timeout, err = duration(p, "timeout", model.Picosecond); err != nil {
		return nil, err
	}
	hazards, err := parseHazards(p.Text("hazards"), env.N)
	if err == nil {
		d.periods, err = pingPeriods(eta, hazards, env.Watch)
	}
	if err != nil {
		return nil, &model.ParamError{Name: "hazards", Err: err}
	}
	return d, nil
}

// parseHazards returns the hazards of a list, of at most n processes.
func parseHazards(list string, n int) ([]float64, error) {
	words := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' })
	if len(words) == 0 {
		return nil, fmt.Errorf("%q names no failure rate: write one number, or one for each process, as 1 1 4", list)
	}
	if len(words) > n {
		return nil, fmt.Errorf("%d failure rates are more than the %d processes", len(words), n)
	}
	hazards := make([]float64, len(words))
	for i, word := range words {
		h, err := strconv.ParseFloat(word, 64)
		if err != nil || !(h >= 1e-9 && h <= 1e9) {
			return nil, fmt.Errorf("%q is not a failure rate: a number from 1e-9 to 1e9", word)
		}
		hazards[i] = h
	}
	return hazards, nil
}

// pingPeriods returns the periods 1/f_i of the square-root law for the processes that
// are watched, rounded to picoseconds: eta times the mean of the square roots over the
// process's own.
func pingPeriods(eta model.Duration, hazards []float64, watch []model.ProcessID) ([]model.Duration, error) {
	root := func(p model.ProcessID) float64 { return math.Sqrt(hazards[int(p)%len(hazards)]) }
	sum := 0.0
	for _, p := range watch {
		sum += root(p)
	}
	periods := make([]model.Duration, len(watch))
	for i, p := range watch {
		period := math.Round(float64(float64(eta)*sum) / float64(float64(len(watch))*root(p)))
		if period < 1 || period > float64(longest) {
			return nil, fmt.Errorf("process %d would be pinged every %.3g s: the failure rates are too far apart", p, period/float64(model.Second))
		}
		periods[i] = model.Duration(period)
	}
	return periods, nil
}

func (d *soSirer) deadline(p int) model.Time { return d.targets[p].since.Add(d.periods[p] + d.timeout) }

func (d *soSirer) Step(now model.Time, in *model.Input, out *model.Output) {
	if !d.started {
		d.started = true
		for p := range d.targets {
			phase := float64(float64(d.periods[p])*float64(p)) / float64(len(d.targets))
			d.targets[p] = target{now.Add(model.Duration(phase)), now}
			d.pings.add(p, d.targets[p].next)
			d.silent.add(p, d.deadline(p))
		}
	}
	if d.pings.next() <= now {
		d.send(now, out)
	}
	d.silent.expire(now, d.deadline, &d.peers, out)
	if in.Kind == model.Deliver && in.Message.Kind == replyKind {
		if p := d.peers.index(in.Message.From); p >= 0 {
			d.receive(p, now, out)
		}
	}
	d.answer(in, out)
	out.Wake = min(d.pings.next(), d.silent.next())
}

// send sends the pings that are due: one to each target, when steps come late.
func (d *soSirer) send(now model.Time, out *model.Output) {
	before := len(out.Send)
	for d.pings.next() <= now {
		p := d.pings.top()
		next := &d.targets[p].next
		period := model.Time(d.periods[p])
		*next += ((now-*next)/period + 1) * period
		d.pings.remove(p)
		d.pings.add(p, *next)
		out.Send = append(out.Send, model.Message{From: d.self, To: d.peers.id(p), Kind: pingKind})
	}
	if sent := out.Send[before:]; len(sent) > 1 {
		slices.SortFunc(sent, func(a, b model.Message) int { return int(a.To - b.To) })
	}
}

func (d *soSirer) receive(p int, now model.Time, out *model.Output) {
	d.targets[p].since = now
	if !d.silent.has(p) {
		d.silent.add(p, d.deadline(p))
		out.Verdicts = append(out.Verdicts, model.Verdict{Peer: d.peers.id(p)})
	}
}

func (d *soSirer) Clone() model.Automaton {
	c := *d
	c.targets = slices.Clone(d.targets)
	c.pings, c.silent = d.pings.clone(), d.silent.clone()
	return &c
}

// AppendState writes whether the detector has started, and for each target what is left
// of its period, times 2, and 1 more if a ping is due; then 0 if it is suspected, else
// 1 + the time left to it.
func (d *soSirer) AppendState(b []byte, now model.Time) []byte {
	if !d.started {
		return append(b, notStarted)
	}
	b = append(b, idle)
	for p := range d.targets {
		left, due := d.targets[p].next.Sub(now), uint64(0)
		if left <= 0 {
			left, due = d.periods[p]+left%d.periods[p], 1
		}
		b = binary.AppendUvarint(b, uint64(left)*2+due)
		var code uint64
		if d.silent.has(p) {
			code = 1 + uint64(max(0, d.deadline(p).Sub(now)))
		}
		b = binary.AppendUvarint(b, code)
	}
	return b
}

func (d *soSirer) LoadState(b []byte, now model.Time) (rest []byte, err error) {
	d.pings.clear()
	d.silent.clear()
	if len(b) == 0 || b[0] > idle {
		return b, errEncoding
	}
	d.started = b[0] == idle
	b = b[1:]
	if !d.started {
		return b, nil
	}
	for p := range d.targets {
		period, wait := d.periods[p], d.periods[p]+d.timeout
		var code, left uint64
		if left, b, err = uvarint(b); err != nil || left < 2 || left/2 > uint64(period) {
			return b, errEncoding
		}
		next := now.Add(model.Duration(left / 2))
		if left%2 == 1 {
			next -= model.Time(period)
		}
		if code, b, err = uvarint(b); err != nil || code > uint64(wait)+1 {
			return b, errEncoding
		}
		d.targets[p] = target{next: next}
		d.pings.add(p, next)
		if code > 0 {
			d.targets[p].since = now + model.Time(code-1) - model.Time(wait)
			d.silent.add(p, d.deadline(p))
		}
	}
	return b, nil
}
