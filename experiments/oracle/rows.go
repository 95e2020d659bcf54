package oracle

import (
	"slices"

	"suspect/model"
)

// estimate runs one replication of a row with about the given number of packets
// (heartbeats, slots) and returns its estimate of the row's target; exact is the
// row's exact value, at which quantile rows count the tail.
type estimate func(seed uint64, packets int, exact float64) (float64, error)

// experiment is how a row is simulated, or several rows together.
type experiment struct {
	estimate estimate // of one row

	// together is in place of estimate where several rows are measured in one
	// simulation: it returns the estimates by the rows' metrics.
	together func(seed uint64, packets int) (map[string]float64, error)

	// floor is the largest acceptable half-width of the 99 % interval, as a share
	// of the target, at ten million packets; 0 marks a row without randomness,
	// which must be matched exactly.
	floor float64

	// bare tells that the row needs a mechanism that no switched network has, and
	// is simulated by the recursion that defines it.
	bare bool

	// longer is how many times as many packets the row needs for its floor; 0 is
	// once.
	longer int
}

// replicate runs one replication and returns an estimate for each of the rows, which
// are all of this experiment.
func (e experiment) replicate(seed uint64, rows []*Result) ([]float64, error) {
	packets := rows[0].Packets / rows[0].Replications
	if e.together == nil {
		v, err := e.estimate(seed, packets, rows[0].Exact)
		return []float64{v}, err
	}
	metrics, err := e.together(seed, packets)
	values := make([]float64, len(rows))
	for i, r := range rows {
		values[i] = metrics[r.Metric]
	}
	return values, err
}

// ten and thirty times as many packets for rows whose waits vary much.
const (
	long     = 10
	veryLong = 30
)

// Precision floors at ten million packets: means at moderate load, means at high
// load, and tails.
const (
	floorMean = 0.01
	floorHigh = 0.02
	floorTail = 0.10
)

// warmUp is the share of a replication's packets that is not counted.
const warmUp = 0.05

func poisson(lambda float64, s service) class {
	return class{gap: units(1 / lambda), service: s, priority: 7}
}

func single(c class) queue { return queue{classes: []class{c}} }

// prioritised gives the classes descending priorities, the first the highest.
func prioritised(cs ...class) queue {
	cs = slices.Clone(cs)
	for i := range cs {
		cs[i].priority = model.Priority(7 - i)
	}
	return queue{classes: cs}
}

// average returns the estimate that averages f over the packets of one priority
// (or of all, if negative) that f admits.
func average(q queue, priority int, f func(c customer, exact float64) (value float64, ok bool)) estimate {
	return func(seed uint64, packets int, exact float64) (float64, error) {
		var sum, n float64
		skip := int(warmUp * float64(packets))
		err := q.run(seed, packets, func(c customer) {
			if skip--; skip >= 0 || priority >= 0 && int(c.class) != priority {
				return
			}
			if v, ok := f(c, exact); ok {
				sum += v
				n++
			}
		})
		return sum / n, err
	}
}

func wait(c customer, _ float64) (float64, bool) { return inUnits(c.wait), !c.lost }

func waitSquared(c customer, _ float64) (float64, bool) {
	w := inUnits(c.wait)
	return w * w, !c.lost
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func noWait(c customer, _ float64) (float64, bool) { return indicator(c.wait == 0), !c.lost }

func waitTail(c customer, exact float64) (float64, bool) {
	return indicator(inUnits(c.wait) > exact), !c.lost
}

func sojournTail(c customer, exact float64) (float64, bool) {
	return indicator(inUnits(c.wait+c.service) > exact), !c.lost
}

func lost(c customer, _ float64) (float64, bool) { return indicator(c.lost), true }

// times scales an estimate, as from units to another unit of time.
func times(scale float64, e estimate) estimate {
	return func(seed uint64, packets int, exact float64) (float64, error) {
		v, err := e(seed, packets, exact)
		return v * scale, err
	}
}

// queueExperiments returns how each row of queueing.csv is simulated, by its
// identifier; the rows of NFD-S are elsewhere.
func queueExperiments() map[string]experiment {
	m := map[string]experiment{
		"MG1-U":  {estimate: average(single(poisson(0.8, uniform(0.5, 1.5))), -1, wait), floor: floorMean},
		"MG1-BP": {estimate: busyPeriod(single(poisson(0.8, deterministic(1)))), floor: floorMean},
		"MM1K":   {estimate: average(buffered(0.9, exponential(1), 10), -1, lost), floor: floorHigh},
		"MD1K-1": {estimate: average(buffered(0.9, deterministic(1), 10), -1, lost), floor: floorHigh},
		"MD1K-2": {estimate: average(buffered(1.2, deterministic(1), 5), -1, lost), floor: floorMean},

		"DM1":     {estimate: average(single(periodic(1.25, exponential(1))), -1, wait), floor: floorMean},
		"DD1-1":   {estimate: lastWait(single(periodic(1.25, deterministic(1))), 1001)},
		"DD1-2":   {estimate: lastWait(single(periodic(0.8, deterministic(1))), 1001)},
		"BATCH-1": {estimate: fanIn(100, 256)},
		"JT-3":    {estimate: secondHop(0.8)},

		"JT-2":   {estimate: resampledTandem(0.8), floor: floorTail, bare: true, longer: long},
		"OQ-1":   {estimate: slottedSwitch(2, 0.8), floor: floorMean, bare: true},
		"GEO-1":  {estimate: slottedQueue(0.2, 4), floor: floorMean, bare: true, longer: long},
		"HOL-2":  {estimate: headOfLine(2), floor: floorMean, bare: true},
		"TB-1":   {estimate: tokenBucket(0.8, 5), floor: floorTail, bare: true},
		"TB-2":   {estimate: tokenBucket(0.9, 15), floor: floorTail, bare: true, longer: long},
		"TB-4":   {estimate: rateLatency(15000, 1e9, 10e9, 2e-6), bare: true},
		"RARE-1": {estimate: splitting(0.5, 20), floor: floorTail, bare: true},
	}
	for id, lambda := range map[string]float64{"MM1-1": 0.5, "MM1-2": 0.8, "MM1-3": 0.9} {
		q := single(poisson(lambda, exponential(1)))
		m[id+"a"] = experiment{estimate: average(q, -1, wait), floor: floorOf(lambda), longer: longAbove(0.8, lambda)}
		m[id+"b"] = experiment{estimate: average(q, -1, noWait), floor: floorOf(lambda), longer: longAbove(0.8, lambda)}
		m[id+"c"] = experiment{estimate: average(q, -1, sojournTail), floor: floorTail, longer: longAbove(0.8, lambda)}
	}
	for id, lambda := range map[string]float64{"MD1-1": 0.5, "MD1-2": 0.8, "MD1-3": 0.9} {
		q := single(poisson(lambda, deterministic(1)))
		m[id+"a"] = experiment{estimate: average(q, -1, wait), floor: floorOf(lambda), longer: longAbove(0.8, lambda)}
		m[id+"b"] = experiment{estimate: average(q, -1, waitSquared), floor: 2 * floorOf(lambda), longer: longAbove(0.8, lambda)}
		m[id+"p9"] = experiment{estimate: average(q, -1, waitTail), floor: floorTail, longer: longAbove(0.8, lambda)}
		m[id+"p99"] = experiment{estimate: average(q, -1, waitTail), floor: floorTail, longer: longAbove(0.8, lambda)}
		m[id+"p999"] = experiment{estimate: average(q, -1, waitTail), floor: floorTail, longer: veryLong}
	}
	for id, rho := range map[string]float64{"MG1-imix1": 0.6, "MG1-imix2": 0.9} {
		sizes, weights := []int32{64, 576, 1518}, []int{7, 4, 1}
		mean := (64.0*7 + 576*4 + 1518) / 12
		q := single(poisson(rho*unitBytes/mean, mix(sizes, weights)))
		m[id] = experiment{estimate: times(unitBytes, average(q, -1, wait)), floor: floorOf(rho), longer: longAbove(0.9, rho)}
	}
	for i := range 2 { // class i+1 is served at priority 7-i
		id, priority := string(rune('1'+i)), 7-i
		m["PRI2M-"+id] = experiment{floor: floorMean, longer: long, estimate: average(
			prioritised(poisson(0.3, exponential(1)), poisson(0.5, exponential(1))), priority, wait)}
		m["PRI2D-"+id] = experiment{floor: floorMean, longer: long, estimate: average(
			prioritised(poisson(0.3, deterministic(1)), poisson(0.5, deterministic(1))), priority, wait)}
		const nanosecondsPerByte = 0.8 // at 10 Gb/s
		frames := prioritised(poisson(0.05*unitBytes/64, deterministic(64.0/unitBytes)),
			poisson(0.85*unitBytes/1500, deterministic(1500.0/unitBytes)))
		m["PRI2Q-"+id] = experiment{floor: floorHigh, longer: long,
			estimate: times(unitBytes*nanosecondsPerByte, average(frames, priority, wait))}
	}
	for i := range 3 {
		q := prioritised(poisson(0.2, deterministic(1)), poisson(0.2, deterministic(2)), poisson(0.15, exponential(1)))
		m["PRI3-"+string(rune('1'+i))] = experiment{estimate: average(q, 7-i, wait), floor: floorMean, longer: long}
	}
	var eight []class
	for range 8 {
		eight = append(eight, poisson(0.1, deterministic(1)))
	}
	for i := range 8 {
		m["PRI8-"+string(rune('1'+i))] = experiment{estimate: average(prioritised(eight...), 7-i, wait), floor: floorMean, longer: long}
	}
	for id, c := range map[string]struct{ lambda, bulk float64 }{"PRISAT-1": {0.1, 1}, "PRISAT-2": {0.5, 23.4375}} {
		q := prioritised(poisson(c.lambda, deterministic(1)))
		q.bulk = c.bulk
		m[id] = experiment{estimate: average(q, 7, wait), floor: floorMean}
	}
	for id, c := range map[string]struct{ n, period int }{"NDD1-1": {10, 12}, "NDD1-2": {50, 60}, "NDD1-3": {100, 110}} {
		m[id+"a"] = experiment{estimate: periodicSources(c.n, c.period, wait), floor: floorMean}
		m[id+"b"] = experiment{estimate: periodicSources(c.n, c.period, waitTail), floor: floorTail}
	}
	return m
}

// longAbove returns how much longer a row of the given load is run.
func longAbove(limit, load float64) int {
	if load >= limit {
		return long
	}
	return 1
}

func floorOf(rho float64) float64 {
	if rho >= 0.9 {
		return floorHigh
	}
	return floorMean
}

// periodic is one source with a packet every gap.
func periodic(gap float64, s service) class {
	return class{gap: units(gap), periodic: true, service: s, priority: 7}
}

// buffered is a queue with room for k in the system, one of them in service.
func buffered(lambda float64, s service, k int32) queue {
	q := single(poisson(lambda, s))
	q.buffer = k - 1
	return q
}
