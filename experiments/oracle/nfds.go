package oracle

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/csv"
	"fmt"
	"math"
	"strconv"

	"suspect/detectors"
	"suspect/model"
	"suspect/network"
	"suspect/properties"
	"suspect/sim"
)

//go:embed chen.csv
var chenCSV []byte

// nfds is the real NFD-S on a real link: process 1 monitors process 0 over a link
// that loses each packet with probability loss and delays it by an exponential
// jitter of the given mean. Times are in milliseconds of the simulation, so that
// the 80 ps of a packet's transmission do not matter.
type nfds struct{ eta, delta, loss, meanDelay float64 }

func milliseconds(x float64) model.Duration {
	return model.Duration(math.Round(x * float64(model.Millisecond)))
}

// run simulates the given number of heartbeats. With crashes, process 0 crashes at
// a uniform phase of its period, and recovers when the suspicion can no longer be
// taken back, over and over; without, it never crashes.
func (d nfds) run(seed uint64, heartbeats int, crashes bool) (*properties.Quality, error) {
	k := sim.New(seed)
	link := network.LinkConfig{Rate: 100 * network.Gbps}
	lossy := link
	lossy.Loss = network.IndependentLoss(d.loss)
	if d.meanDelay > 0 {
		lossy.Jitter = sim.Distribution{Kind: sim.Exponential, Mean: milliseconds(d.meanDelay)}
	}
	n, err := network.New(k, network.Config{
		Topology: network.Topology{
			Names: []string{"p", "q"}, Hosts: 2, Links: []network.Link{{A: 0, B: 1, AtoB: lossy, BtoA: link}},
		},
		Framing: network.Bare, MessageBytes: 1,
	})
	if err != nil {
		return nil, err
	}
	spec, ok := detectors.Lookup("nfd-s")
	if !ok {
		return nil, fmt.Errorf("the detector nfd-s is not registered")
	}
	params, errs := model.NewParams(spec.Params, map[string]string{
		"eta": milliseconds(d.eta).String(), "delta": milliseconds(d.delta).String(), "stagger": "false",
	})
	if len(errs) > 0 {
		return nil, errs[0]
	}
	p := detectors.Env{Self: 0, N: 2, Watchers: []model.ProcessID{1}}
	q := detectors.Env{Self: 1, N: 2, Watch: []model.ProcessID{0}}
	for _, env := range []detectors.Env{p, q} {
		if _, err := spec.New(env, params); err != nil {
			return nil, err
		}
		n.Attach(env.Self, 0, network.Panel{Detectors: []uint8{0}, New: []func() model.Automaton{func() model.Automaton {
			a, err := spec.New(env, params)
			if err != nil {
				panic(err) // it was made just before
			}
			return a
		}}})
	}
	settled := milliseconds(d.delta + 3*d.eta + 50*d.meanDelay)
	fold, err := properties.NewQoS(properties.Env{N: 2, Watch: [][]model.ProcessID{nil, {0}}, WarmUp: model.Time(settled)})
	if err != nil {
		return nil, err
	}
	k.Records.Subscribe(fold.Kinds(), fold.Observe)
	if crashes {
		c := &crasher{n: n, phase: k.Stream("phase"), eta: milliseconds(d.eta), settled: settled}
		c.timer = k.NewTimer(c, 0)
		k.Arm(c.timer, model.Time(2*settled))
	}
	end := model.Time(milliseconds(float64(heartbeats) * d.eta))
	if err := k.Run(end, sim.Budget{}); err != nil {
		return nil, err
	}
	return fold.Finish(end), nil
}

// crasher crashes process 0 and lets it recover, in turns.
type crasher struct {
	n            *network.Network
	timer        sim.Timer
	phase        *sim.Stream
	eta, settled model.Duration
	down         bool
}

// Fire crashes or recovers.
func (c *crasher) Fire(uint32) {
	next := c.settled
	if c.down = !c.down; c.down {
		c.n.CrashProcess(0)
	} else {
		c.n.RecoverProcess(0)
		next += model.Duration(c.phase.IntN(int(c.eta)))
	}
	c.n.Kernel().Arm(c.timer, c.n.Kernel().Now().Add(next))
}

// The metrics of a quality, in milliseconds where they are times.
func mistakeRate(q *properties.Quality) float64 {
	return float64(q.Mistakes) / (q.Alive.Seconds() * 1000)
}

func meanMistake(q *properties.Quality) float64 { return mean(&q.MistakeDuration) }

func inaccuracy(q *properties.Quality) float64 { return q.Wrong.Seconds() / q.Alive.Seconds() }

func meanGood(q *properties.Quality) float64 { return mean(&q.GoodPeriod) }

func meanDetection(q *properties.Quality) float64 { return mean(&q.DetectionTime) }

func mean(d *properties.Durations) float64 {
	return d.Sum().Seconds() * 1000 / float64(d.Count())
}

// together returns all metrics of a run, under their names in chen.csv.
func (d nfds) together(crashes bool) func(seed uint64, heartbeats int) (map[string]float64, error) {
	return func(seed uint64, heartbeats int) (map[string]float64, error) {
		q, err := d.run(seed, heartbeats, crashes)
		if err != nil {
			return nil, err
		}
		if crashes {
			return map[string]float64{"E_TD_uniform": meanDetection(q)}, nil
		}
		return map[string]float64{
			"E_TMR": 1 / mistakeRate(q), "E_TM": meanMistake(q), "1-P_A": inaccuracy(q), "E_TG": meanGood(q),
		}, nil
	}
}

// measure returns the estimate of one metric.
func (d nfds) measure(crashes bool, metric func(*properties.Quality) float64) estimate {
	return func(seed uint64, heartbeats int, _ float64) (float64, error) {
		quality, err := d.run(seed, heartbeats, crashes)
		if err != nil {
			return 0, err
		}
		return metric(quality), nil
	}
}

// detectorExperiments returns how the rows of NFD-S in queueing.csv are simulated.
func detectorExperiments() map[string]experiment {
	m := map[string]experiment{
		"NFDS-4": {estimate: nfds{eta: 1, delta: 0.5}.measure(true, meanDetection), floor: floorMean},
	}
	for id, d := range map[string]nfds{"NFDS-1": {1, 1.5, 0.1, 0.5}, "NFDS-2": {1, 1, 0.01, 0.02}, "NFDS-3": {1, 2.5, 0.05, 1}} {
		m[id+"a"] = experiment{estimate: d.measure(false, mistakeRate), floor: floorHigh}
		m[id+"b"] = experiment{estimate: d.measure(false, meanMistake), floor: floorHigh}
		m[id+"c"] = experiment{estimate: d.measure(false, inaccuracy), floor: floorTail}
	}
	return m
}

// Chen compares the rows of chen.csv whose mistakes are frequent enough to be
// seen; the rows with months between mistakes (S13, S14) are left to the closed form.
func Chen(ctx context.Context, o Options) ([]Result, error) {
	records, err := csv.NewReader(bytes.NewReader(chenCSV)).ReadAll()
	if err != nil {
		return nil, err
	}
	column := make(map[string]int)
	for i, name := range records[0] {
		column[name] = i
	}
	var rows []Row
	simulations := make(map[string]experiment)
	for _, r := range records[1:] {
		number := func(name string) float64 {
			v, e := strconv.ParseFloat(r[column[name]], 64)
			if e != nil && err == nil {
				err = fmt.Errorf("row %s, column %s: %w", r[0], name, e)
			}
			return v
		}
		d := nfds{number("eta"), number("delta"), number("p_L"), number("E_D")}
		if number("E_TMR") > 1e5*d.eta {
			continue
		}
		// Where mistakes are rare, so are the samples.
		longer := longAbove(1000, number("E_TMR")/d.eta)
		plain, crashing := r[0]+"/no crash", r[0]+"/crashes"
		simulations[plain] = experiment{together: d.together(false), floor: floorTail, longer: longer}
		simulations[crashing] = experiment{together: d.together(true), floor: floorTail, longer: longer}
		for _, m := range []struct {
			metric     string
			simulation string
			exact      float64
		}{
			{"E_TMR", plain, number("E_TMR")}, {"E_TM", plain, number("E_TM")},
			{"1-P_A", plain, 1 - number("P_A")}, // close to 1: it is the rest that counts
			{"E_TG", plain, number("E_TG")}, {"E_TD_uniform", crashing, number("E_TD_uniform")},
		} {
			rows = append(rows, Row{
				ID: r[0] + "/" + m.metric, Simulation: m.simulation, Model: "NFD-S", Metric: m.metric, Exact: m.exact, Target: m.exact,
				Params: fmt.Sprintf("eta=%v;delta=%v;p_L=%v;E_D=%v", d.eta, d.delta, d.loss, d.meanDelay),
			})
		}
	}
	if err != nil {
		return nil, err
	}
	return compare(ctx, rows, simulations, o)
}
