package reproduce

import (
	"context"
	"fmt"

	"suspect/experiments/figure"
	"suspect/model"
)

func init() {
	Register(Spec{
		Name: "interference",
		Doc: "Round trips beside bulk traffic, and with QJUMP. A ping and a request-reply application on the published test bed of 12 hosts: " +
			"alone, beside bulk at each place where they can meet, and with the limiters and priorities of QJUMP.",
		Source: "M. P. Grosvenor, M. Schwarzkopf, I. Gog, R. N. M. Watson, A. W. Moore, S. Hand and J. Crowcroft, " +
			"\"Queues don't matter when you can JUMP them!\", NSDI 2015: figures 1 and 3, table 1, and the authors' pages about them",
		Params: []model.Param{{Name: "pings", Type: model.CountParam, Default: "5000",
			Doc: "pings of each row, one each 100.003 us; the rows of requests and replies last as long"}},
		Run: interference,
	})
}

// trialRow is a trial with what was measured and proved.
type trialRow struct {
	trial
	*roundTrips
	// bound is that of the row's own senders, and everyHost where all hosts send: 0
	// without QJUMP.
	bound, everyHost model.Duration
}

func interference(ctx context.Context, o Options) (*Document, error) {
	rows, err := interferenceRows(ctx, o)
	if err != nil {
		return nil, err
	}
	return interferenceDocument(rows), nil
}

// interferenceRows runs all trials.
func interferenceRows(ctx context.Context, o Options) ([]trialRow, error) {
	pings := o.Params.Count("pings")
	const least = 300 // in less time, requests that are lost and sent again need not get through
	if most := int64(model.Hour / pingPeriod); pings < least || pings > most {
		return nil, &model.ParamError{Name: "pings", Err: fmt.Errorf("%d: from %d to %d are possible", pings, least, most)}
	}
	var rows []trialRow
	for _, app := range []*application{&pinging, &asking} {
		add := func(p *meeting, uses ...treatment) {
			for _, u := range uses {
				rows = append(rows, trialRow{trial: trial{app, p, u}})
			}
		}
		add(&nothing, asBestEffort)
		add(&source, asBestEffort, withQJump)
		add(&destination, asBestEffort, withQJump)
		add(&bothHosts, asBestEffort, withQJump)
		add(&searching, asBestEffort, withQJump)
		add(&switchQueue, asBestEffort, withPriority, withQJump)
		add(&bothWays, asBestEffort, withQJump)
		add(&flooded, withPriority, withQJump)
	}
	err := o.each(ctx, len(rows), func(i int) string {
		return fmt.Sprintf("%s beside %s, %v", rows[i].app.name, rows[i].place.name, rows[i].use)
	}, func(i int) (err error) {
		r := &rows[i]
		if r.use == withQJump {
			if r.bound, err = r.app.bound(r.senders(), 1); err != nil {
				return err
			}
			if r.everyHost, err = r.app.boundOfAll(); err != nil {
				return err
			}
		}
		r.roundTrips, err = r.trial.run(ctx, o.Seed, model.Duration(pings)*pingPeriod)
		return err
	})
	return rows, err
}

func interferenceDocument(rows []trialRow) *Document {
	d := new(Document)
	for _, app := range []*application{&pinging, &asking} {
		find := func(p *meeting, u treatment) *trialRow {
			for i := range rows {
				if r := &rows[i]; r.trial == (trial{app, p, u}) {
					return r
				}
			}
			panic(fmt.Sprintf("reproduce: no row of %s beside %s, %v", app.name, p.name, u))
		}
		t := newTable(fmt.Sprintf("Round trips of %s", app.name), "beside", "treated as", "asked", "no reply", "sent again",
			"p0 [us]", "p50 [us]", "p99 [us]", "p99.9 [us]", "max [us]", "bound [us]", "bound, all send [us]")
		for i := range rows {
			r := &rows[i]
			if r.app != app {
				continue
			}
			bound, all := words("-"), words("-")
			if r.use == withQJump {
				bound, all = micros(r.bound), micros(r.everyHost)
			}
			t.add(words("%s", r.place.name), words("%v", r.use), count(r.asked), count(r.unanswered), count(r.again),
				micros(r.quantile(0)), micros(r.quantile(0.5)), micros(r.quantile(0.99)), micros(r.quantile(0.999)), micros(r.quantile(1)), bound, all)
		}
		d.Tables = append(d.Tables, t)
		d.checkInterference(app, find)
		d.checkGuarantees(app, rows)
	}
	d.Figures = append(d.Figures, interferenceFigure(rows))
	d.Notes = []string{
		fmt.Sprintf("Bulk has no transport here: each flow sends a frame of %d bytes every %v, whatever becomes of them. Two such flows on one link keep its queue full and lose what the link does not carry. "+
			"Web-search flows go at the rate of the link, and two hosts together offer 90%% of what it carries on average. "+
			"Published values, where there was TCP, must not be expected to agree; the order of the rows, and what is proved, must.", bedFrame, bedPeriod),
		fmt.Sprintf("The network: switches of 6, 3 and 3 hosts below one more, links of 10 Gb/s with a delay of %v, %v in each host, and %d B for each queue of a switch (1.2 ms, drop-tail). "+
			"The delays are those of the published simulation, as those of the test bed are not at hand; the factors between rows depend on them.", linkDelay, hostDelay, switchBuffer),
		"A ping is 126 bytes on the wire, both ways. Requests have 142 and replies 1142; four clients of one server have one request each under way, and think for 50 us or some more; a request takes the server 2 us. " +
			"What has no reply after 10 ms is sent again. " +
			"Quantiles are of round trips that came to an end. A client that waits asks less often, so that its quantiles are milder than those of pings, which are sent at regular times.",
		"QJUMP: limiters with minimum spacing on all hosts, which drop their excess, and epochs of 2nP/R. Pings and requests have factor 1 at priority 7, replies factor 4 at priority 6; bulk is at priority 0 and not limited.",
		"The bound is the sum of the proved bounds of both ways, with a bulk frame in transmission at each port, and of the service. " +
			"Where all send, all other hosts use the level of requests too, and three (n/f) that of replies.",
		"Priority alone does as well as QJUMP until somebody sends too much at the priority. In the flood, two hosts send small packets there, which the limiters let pass once in an epoch.",
	}
	return d
}

// checkInterference checks the rows of an application against each other.
func (d *Document) checkInterference(app *application, find func(*meeting, treatment) *trialRow) {
	say := func(what string) string { return app.name + ": " + what }
	idle, full := find(&nothing, asBestEffort), find(&switchQueue, asBestEffort)
	d.checkExactly(say("shortest round trip alone"), app.alone(), idle.quantile(0), "transmissions, delays and service, added up")
	if len(app.askers) == 1 {
		d.checkExactly(say("longest round trip alone"), app.alone(), idle.quantile(1), "nothing else is on the network")
	}
	worst := &nothing
	for _, p := range []*meeting{&source, &destination, &bothHosts} {
		r := find(p, asBestEffort)
		d.check(say("mean beside "+p.name), "more than "+inMicros(idle.mean()), inMicros(r.mean()), r.mean() > idle.mean(),
			"as in table 1, alone is the fastest")
		if r.quantile(0.99) > find(worst, asBestEffort).quantile(0.99) {
			worst = p
		}
	}
	hosts := find(worst, asBestEffort).quantile(0.99)
	d.check(say("p99 beside bulk in a switch queue"), "more than ten times "+inMicros(hosts), inMicros(full.quantile(0.99)), full.quantile(0.99) > 10*hosts,
		"as in table 1, a shared switch queue is the worst, by far; the worst of the others is "+worst.name)
	// A request finds the queue full but for less than two frames, and can wait for one
	// frame more there and at each of the next two ports.
	frame := bedRate.Transmission(bedFrame)
	least := app.alone() + bedRate.Transmission(switchBuffer) - 2*frame
	most := app.alone() + bedRate.Transmission(switchBuffer) + 3*frame + app.queued()
	p50 := full.quantile(0.5)
	d.check(say("p50 beside bulk in a switch queue"), fmt.Sprintf("%s to %s", inMicros(least), inMicros(most)), inMicros(p50),
		least <= p50 && p50 <= most, "that alone and a full buffer, give or take the frames and packets that come between")

	jumps, priority, flood := find(&switchQueue, withQJump), find(&switchQueue, withPriority), find(&flooded, withPriority)
	d.check(say("p50 beside bulk in a switch queue, QJUMP"), "more than "+inMicros(idle.quantile(0.5)), inMicros(jumps.quantile(0.5)), jumps.quantile(0.5) > idle.quantile(0.5),
		"as the page about figure 3a says, priorities do not remove all interference: a frame in transmission is not interrupted")
	d.check(say("p99 beside bulk in a switch queue, priority alone"), inMicros(jumps.quantile(0.99)), inMicros(priority.quantile(0.99)), priority.quantile(0.99) == jumps.quantile(0.99),
		"with QJUMP it is the same: limiters refuse nothing here")
	d.check(say("p99 beside a flood in a switch queue, priority alone"), "more than the bound with QJUMP, "+inMicros(jumps.everyHost), inMicros(flood.quantile(0.99)), flood.quantile(0.99) > jumps.everyHost,
		"a priority without a rate promises nothing")
	over := func(a, b *trialRow) string {
		return fmt.Sprintf("%.0f times", float64(a.quantile(0.99))/float64(b.quantile(0.99)))
	}
	factor := over(full, jumps) + ", and " + over(find(&bothWays, asBestEffort), find(&bothWays, withQJump)) + " with bulk both ways"
	if app == &pinging {
		d.notComparable(say("p99 beside bulk in a switch queue, over that with QJUMP"), "up to 300 times", factor,
			"the claim is about TCP, and the factor depends on the hosts: here it is 1.2 ms of a full buffer over a round trip between hosts that take 2.5us")
	} else {
		d.notComparable(say("p99 beside bulk in a switch queue, over that alone"), "85 times", over(full, idle),
			"reported of memcached beside MapReduce, which has a transport and is not always sending")
		d.notComparable(say("p99 beside bulk in a switch queue, over that with QJUMP"), "up to 300 times", factor,
			"as for the ping")
	}
}

// checkGuarantees checks the rows with QJUMP against what is promised.
func (d *Document) checkGuarantees(app *application, rows []trialRow) {
	var dropped int64
	for i := range rows {
		r := &rows[i]
		if r.app != app || r.use != withQJump {
			continue
		}
		longest := r.quantile(1)
		d.check(fmt.Sprintf("%s beside %s, QJUMP: the longest", app.name, r.place.name), "at most "+inMicros(r.bound), inMicros(longest),
			longest <= r.bound && r.bound <= r.everyHost, "the proved bound")
		dropped += r.dropped
	}
	d.check(app.name+", QJUMP: requests and replies dropped, in all rows", "0", fmt.Sprint(dropped), dropped == 0,
		"requests are an epoch apart and replies within its budget, so that no limiter refuses them; and no queue of a level is full")
}

// interferenceFigure draws the distributions of the rows that tell most.
func interferenceFigure(rows []trialRow) Figure {
	f := figure.Figure{Title: "Round trips beside bulk traffic"}
	shown := []struct {
		trial
		name string
	}{
		{trial{nil, &nothing, asBestEffort}, "alone"},
		{trial{nil, &bothHosts, asBestEffort}, bothHosts.name},
		{trial{nil, &searching, asBestEffort}, searching.name},
		{trial{nil, &switchQueue, asBestEffort}, switchQueue.name},
		{trial{nil, &switchQueue, withQJump}, switchQueue.name + ", QJUMP"},
		{trial{nil, &flooded, withPriority}, flooded.name + ", priority alone"},
	}
	for _, app := range []*application{&pinging, &asking} {
		p := figure.Panel{
			Caption: app.name + ": share of round trips that take no longer",
			X:       figure.Axis{Label: "round trip", Unit: figure.Seconds, Log: true}, Y: figure.Axis{Unit: figure.Share, To: 1.02},
		}
		for _, s := range shown {
			for i := range rows {
				r := &rows[i]
				if r.trial != (trial{app, s.place, s.use}) {
					continue
				}
				p.Series = append(p.Series, figure.Series{Name: s.name, Kind: figure.Steps, Points: distributionOf(r.trips)})
				if r.use == withQJump {
					p.Lines = append(p.Lines,
						figure.Line{Upright: true, At: r.everyHost.Seconds(), Label: "bound, all send: " + inMicros(r.everyHost), Of: s.name})
				}
			}
		}
		f.Panels = append(f.Panels, p)
	}
	return Figure{
		Name: "interference", SVG: f.SVG(),
		Caption: "Round trips of a ping (above) and of a request-reply application (below) on the test bed: what share takes no longer than a time, on a logarithmic axis, with the bound that is proved for QJUMP.",
	}
}

// distributionOf returns the corners of the distribution of durations in increasing
// order, each as the upper end of its step.
func distributionOf(ds []model.Duration) []figure.Point {
	points := []figure.Point{{X: ds[0].Seconds(), Y: 0}}
	for i, d := range ds {
		if i+1 == len(ds) || ds[i+1] != d {
			points = append(points, figure.Point{X: d.Seconds(), Y: float64(i+1) / float64(len(ds))})
		}
	}
	return points
}
