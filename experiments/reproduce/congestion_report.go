package reproduce

import (
	"fmt"
	"math"

	"suspect/experiments/figure"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
)

const congestionConfidence = 0.95

var congestionNotes = []string{
	"Four hosts in turns on the two sides of a link of 50 Mb/s, whose queue of 250 packets lasts 61 ms when it is full. The definitions meet bursts of exponential lengths, heavy-tailed flows (web-search) and Poisson packets, which cross it from the left to the right; the prober that, and bursts of 150 ms at twice the rate. " +
		"All runs of one number have the same competing traffic.",
	"Definitions, all of the trailing second in slots of 5 ms: reference, more than 10 % of the slots in which a packet would have been lost or waited for more than 1 ms; loss, more than 10 % of the slots with a loss; " +
		"delay, a wait of more than 1 ms at this moment; utilisation, more than 95 % of the second transmitting; persistence, reference for a second. Ways from the left to the right count, those back have nothing that competes.",
	"ROC: loss is taken for what is true, since it is what harms, and the other definitions for tests of it, with other thresholds. Rates are shares of time.",
	"The prober's truth has every slot by itself: congested is one in which the queue lost a packet, or at whose end a packet would wait for more than 54 ms, which is 90 % of the longest wait, as the prober takes it with alpha = 0.1. " +
		"An episode is a longest run of such slots. Estimates are pooled over the two that listen on the right; the run is the unit of all intervals.",
	"With a small p there are few experiments at the edges of episodes, and the ratio of few counts estimates the duration badly, as the wide intervals show. " +
		"With a large p the prober's own packets fill the queue, too: the truth is that of the same run.",
	"A pause holds up what the process sends and reads, while its packets wait in its host: of those that come more than 100 ms late the prober says that they are lost. The truth of the queue knows nothing of it. Shorter ones do no harm by themselves, as waits alone count for nothing without a loss near by.",
}

// meanOf returns the mean over replications, of what is never negative, with its interval.
func meanOf[T any](list []T, of func(T) float64) (mean float64, in properties.Interval) {
	xs := make([]float64, len(list))
	for i, x := range list {
		xs[i] = of(x)
	}
	mean, in = properties.MeanInterval(xs, congestionConfidence)
	in.Low = max(0, in.Low)
	return mean, in
}

// reportDefinitions adds how the definitions compare.
func reportDefinitions(d *Document, settings []*congestionSetting) {
	usual := settings[0]
	n := int(network.CongestionDefinitions)
	name := func(i int) string { return network.CongestionDefinition(i).String() }
	held := newTable("For what share of the time each definition holds", "definition", "share", "from", "to")
	for i := range n {
		mean, in := meanOf(usual.agrees, func(a *properties.Agreement) float64 { return a.Held[i].Seconds() / a.WaySeconds })
		held.add(words("%s", name(i)), number(mean, "%.4f"), number(in.Low, "%.4f"), number(in.High, "%.4f"))
	}
	pairs := newTable("How often two definitions disagree", "definition", "and", "share of the time", "from", "to", "only the first", "only the second", "both, of either (Jaccard)")
	most, mostIn, mostOf := 0.0, properties.Interval{}, ""
	above, two := 0, 0
	for i := range n {
		for j := i + 1; j < n; j++ {
			mean, in := meanOf(usual.agrees, func(a *properties.Agreement) float64 { share, _ := a.Disagree(i, j); return share })
			only, _ := meanOf(usual.agrees, func(a *properties.Agreement) float64 { return a.Only[i][j].Seconds() / a.WaySeconds })
			other, _ := meanOf(usual.agrees, func(a *properties.Agreement) float64 { return a.Only[j][i].Seconds() / a.WaySeconds })
			var all properties.Agreement
			for _, a := range usual.agrees {
				all.Merge(a)
			}
			jaccard, ok := all.Jaccard(i, j)
			if !ok {
				jaccard = math.NaN()
			}
			pairs.add(words("%s", name(i)), words("%s", name(j)), number(mean, "%.4f"), number(in.Low, "%.4f"), number(in.High, "%.4f"),
				number(only, "%.4f"), number(other, "%.4f"), number(jaccard, "%.3f"))
			if two++; in.Low > hypothesis {
				above++
			}
			if mean > most {
				most, mostIn, mostOf = mean, in, name(i)+" and "+name(j)
			}
		}
	}
	d.check("the definitions disagree: the two that do so most", fmt.Sprintf("in more than %.0f %% of the time", 100*hypothesis),
		fmt.Sprintf("%s: %.1f %%, from %.1f to %.1f", mostOf, 100*most, 100*mostIn.Low, 100*mostIn.High), mostIn.Low > hypothesis,
		fmt.Sprintf("a hypothesis of ours; %d of %d pairs of definitions have their whole interval above it", above, two))
	roc := newTable("ROC: definitions as tests of the one by loss", "definition", "threshold", "true positives", "from", "to", "false positives", "from", "to")
	f := figure.Panel{
		Caption: "share of the time with loss that is called congested", X: figure.Axis{Label: "share of the time without loss that is called congested", Unit: figure.Share, From: 0, To: 1},
		Y: figure.Axis{Unit: figure.Share, From: 0, To: 1},
	}
	series := func(definition network.CongestionDefinition, from int, thresholds []string) {
		line := figure.Series{Name: definition.String(), Kind: figure.Marked}
		for k, threshold := range thresholds {
			c := settings[from+k]
			right, rightIn := meanOf(c.agrees, func(a *properties.Agreement) float64 {
				loss := a.Held[network.ByLoss].Seconds()
				if loss == 0 {
					return 0
				}
				return (loss - a.Only[network.ByLoss][definition].Seconds()) / loss
			})
			wrong, wrongIn := meanOf(c.agrees, func(a *properties.Agreement) float64 {
				return a.Only[definition][network.ByLoss].Seconds() / (a.WaySeconds - a.Held[network.ByLoss].Seconds())
			})
			roc.add(words("%v", definition), words("%s", threshold), number(right, "%.3f"), number(rightIn.Low, "%.3f"), number(rightIn.High, "%.3f"),
				number(wrong, "%.3f"), number(wrongIn.Low, "%.3f"), number(wrongIn.High, "%.3f"))
			line.Points = append(line.Points, figure.Point{X: wrong, Y: right})
		}
		f.Series = append(f.Series, line)
	}
	waits := make([]string, len(waitThresholds))
	for i, w := range waitThresholds {
		waits[i] = w.String()
	}
	series(network.ByReference, 1, waits)
	series(network.ByDelay, 1, waits)
	series(network.ByUtilisation, 1+len(waits), utilisationThresholds)
	d.Tables = append(d.Tables, held, pairs, roc)
	d.Figures = append(d.Figures, Figure{
		Name: "congestion-roc", Caption: "Definitions of congestion as tests of the one by loss, over their thresholds: waits from 0.5 to 40 ms, and utilisations from 30 to 99 %. Strict ones are at the lower left.",
		SVG: (&figure.Figure{Title: "Definitions of congestion against loss", Tall: true, Panels: []figure.Panel{f}}).SVG(),
	})
	// Slots in which a reference packet waits longer than a longer threshold are among those
	// in which it waits longer than a shorter one.
	growing := ""
	for k := 1; k < len(waitThresholds); k++ {
		a, b := settings[k], settings[k+1]
		for i := range a.agrees {
			if a.agrees[i].Held[network.ByDelay].Seconds() < b.agrees[i].Held[network.ByDelay].Seconds() {
				growing = fmt.Sprintf("run %d, %v", i+1, waitThresholds[k])
			}
		}
	}
	d.check("a longer threshold of the wait is exceeded no longer", "in all runs", "not in: "+orNone(growing), growing == "", "by definition")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// hypothesis is the share of the time in which we expect definitions to disagree.
const hypothesis = 0.1

// How far the estimators may be off where p is at least largeChance, as shares of the truth.
const (
	largeChance    = 0.3
	frequencyOff   = 0.1
	durationOff    = 0.25
	leastCongested = 0.001 // of the slots, below which there is nothing to estimate
)

// reportEstimators adds how the estimates compare with the truth.
func reportEstimators(d *Document, settings []*congestionSetting) {
	columns := []string{"true F", "estimated F", "from", "to", "off by", "true D [slots]", "estimated D [slots]", "from", "to", "off by", "by pairs [slots]", "said"}
	byChance := newTable("The prober over its probability p: frequency F of congested slots, mean duration D of an episode, and the share of the time for which congestion was said", append([]string{"traffic", "p"}, columns...)...)
	byJitter := newTable(fmt.Sprintf("Hosts that are late, with p = %v: pauses of the listeners, on average every %v", usualChance, jitterEvery), append([]string{"jitter", "traffic"}, columns...)...)
	var panels []figure.Panel
	late := figure.Panel{Caption: "estimated frequency of congested slots", X: figure.Axis{Label: "mean pause of a listener", Unit: figure.Seconds}, Y: figure.Axis{Unit: figure.Share}}
	load := [2]figure.Series{{Name: "no traffic", Kind: figure.Marked}, {Name: "heavy-tailed traffic", Kind: figure.Marked}}
	real := [2]figure.Series{{Name: "true, no traffic", Kind: figure.Curve}, {Name: "true, heavy-tailed traffic", Kind: figure.Curve}}
	var plain, quiet *congestionSetting
	for _, c := range settings {
		f, fIn := meanOf(c.compare, func(e estimated) float64 { return e.frequency })
		trueF, _ := meanOf(c.compare, func(e estimated) float64 { return e.trueFrequency })
		dur, durIn := meanOf(c.compare, func(e estimated) float64 { return e.duration })
		basic, _ := meanOf(c.compare, func(e estimated) float64 { return e.basic })
		trueD, _ := meanOf(c.compare, func(e estimated) float64 { return e.trueDuration })
		said, _ := meanOf(c.compare, func(e estimated) float64 { return e.reported })
		off := func(x, of float64) Cell {
			if of == 0 {
				return words("-")
			}
			return number(x/of-1, "%+.2f")
		}
		row := []Cell{number(trueF, "%.4f"), number(f, "%.4f"), number(fIn.Low, "%.4f"), number(fIn.High, "%.4f"), off(f, trueF),
			number(trueD, "%.2f"), number(dur, "%.2f"), number(durIn.Low, "%.2f"), number(durIn.High, "%.2f"), off(dur, trueD), number(basic, "%.2f"), number(said, "%.4f")}
		if c.busy != nil && c.jitter.pause == 0 {
			byChance.add(append([]Cell{words("%s", c.busy.name), number(c.chance, "%v")}, row...)...)
			if c.chance == probeChances[0] {
				p := figure.Axis{Label: "p, with which an experiment begins in a slot"}
				panels = append(panels,
					figure.Panel{Caption: c.busy.name + ": share of the slots that are congested", X: p, Y: figure.Axis{Unit: figure.Share}, Series: estimateSeries(false)},
					figure.Panel{Caption: c.busy.name + ": slots of an episode, on average", X: p, Series: estimateSeries(true)})
			}
			latest := panels[len(panels)-2:]
			point := func(s *figure.Series, y float64) { s.Points = append(s.Points, figure.Point{X: c.chance, Y: y}) }
			for i, x := range []struct {
				value, of float64
				in        properties.Interval
			}{{f, trueF, fIn}, {dur, trueD, durIn}} {
				s := latest[i].Series
				point(&s[0], x.of)
				point(&s[1], x.value)
				s[1].Low, s[1].High = append(s[1].Low, x.in.Low), append(s[1].High, x.in.High)
			}
			point(&latest[1].Series[2], basic)
			checkEstimates(d, c)
		}
		if c.chance == usualChance && c.busy != evenBursts {
			name, k := "none", 0
			if c.busy != nil {
				name, k = c.busy.name, 1
			}
			byJitter.add(append([]Cell{words("%s", c.jitter.name), words("%s", name)}, row...)...)
			at := c.jitter.pause.Seconds()
			load[k].Points = append(load[k].Points, figure.Point{X: at, Y: f})
			load[k].Low, load[k].High = append(load[k].Low, fIn.Low), append(load[k].High, fIn.High)
			real[k].Points = append(real[k].Points, figure.Point{X: at, Y: trueF})
			switch {
			case c.jitter.pause == 0 && c.busy != nil:
				plain = c
			case c.jitter.pause == 0:
				quiet = c
			}
		}
	}
	late.Series = append(real[:], load[:]...)
	d.Tables = append(d.Tables, byChance, byJitter)
	d.Figures = append(d.Figures,
		Figure{
			Name: "congestion-prober", Caption: "What the prober estimates over the probability of its experiments, with intervals of 95 % over the runs, and what the queue did.",
			SVG: (&figure.Figure{Title: "Estimates of congestion", Columns: 2, Panels: panels}).SVG(),
		},
		Figure{
			Name: "congestion-jitter", Caption: "Listeners that pause now and then: the prober's estimate of congested slots, with and without traffic, and the truth of the queue.",
			SVG: (&figure.Figure{Title: "Late hosts look like congestion", Panels: []figure.Panel{late}}).SVG(),
		})
	checkJitter(d, settings, plain, quiet)
}

// estimateSeries returns the series of a panel of estimates, without points.
func estimateSeries(byPairs bool) []figure.Series {
	all := []figure.Series{{Name: "true", Kind: figure.Curve}, {Name: "estimated", Kind: figure.Marked}}
	if byPairs {
		all = append(all, figure.Series{Name: "estimated by pairs alone", Kind: figure.Marked, Shape: figure.Square})
	}
	return all
}

// checkEstimates holds the estimators to the truth where p is large.
func checkEstimates(d *Document, c *congestionSetting) {
	if c.chance < largeChance {
		return
	}
	for _, x := range []struct {
		what              string
		most              float64
		estimate, correct func(estimated) float64
	}{
		{"frequency", frequencyOff, func(e estimated) float64 { return e.frequency }, func(e estimated) float64 { return e.trueFrequency }},
		{"duration", durationOff, func(e estimated) float64 { return e.duration }, func(e estimated) float64 { return e.trueDuration }},
	} {
		var estimates, truths []float64
		for _, e := range c.compare {
			estimates, truths = append(estimates, x.estimate(e)), append(truths, x.correct(e))
		}
		ratio, in := properties.RatioInterval(estimates, truths, congestionConfidence)
		what, expected := fmt.Sprintf("prober, %s, p = %v: %s over the true one", c.busy.name, c.chance, x.what), fmt.Sprintf("%.2f to %.2f", 1-x.most, 1+x.most)
		measured := fmt.Sprintf("%.3f, from %.3f to %.3f", ratio, in.Low, in.High)
		if frequency, _ := meanOf(c.compare, func(e estimated) float64 { return e.trueFrequency }); frequency < leastCongested {
			d.notComparable(what, expected, measured, "there is hardly any congestion")
			continue
		}
		d.check(what, expected, measured, in.Low <= 1+x.most && in.High >= 1-x.most, "Sommers and others 2005, section 5: the estimators; the margin is ours, and the interval of 95 % reaches into it")
	}
}

// checkJitter tells whether late hosts look like congestion.
func checkJitter(d *Document, settings []*congestionSetting, plain, quiet *congestionSetting) {
	mean, in := meanOf(quiet.compare, func(e estimated) float64 { return e.frequency })
	d.check("prober, no traffic and no jitter: estimated frequency", "0", fmt.Sprintf("%.4g", mean), mean == 0 && in.High == 0, "there is nothing to see")
	for _, c := range settings {
		if c.jitter.pause < 200*model.Millisecond {
			continue
		}
		base := quiet
		where := "no traffic"
		if c.busy != nil {
			base, where = plain, c.busy.name+" traffic"
		}
		more := make([]float64, len(c.compare))
		for i := range more {
			more[i] = (c.compare[i].frequency - c.compare[i].trueFrequency) - (base.compare[i].frequency - base.compare[i].trueFrequency)
		}
		mean, in := properties.MeanInterval(more, congestionConfidence)
		d.check(fmt.Sprintf("prober, %s, %s: false congested slots that the jitter adds", c.jitter.name, where), "more than 0", fmt.Sprintf("%.4f of the slots, from %.4f to %.4f", mean, in.Low, in.High), in.Low > 0,
			"a packet that is read late was lost, to the prober")
	}
}
