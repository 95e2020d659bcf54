package properties_test

import (
	"fmt"

	"suspect/model"
	"suspect/properties"
)

// p0 suspects p1 by mistake at 2 s; p2 crashes at 10 s and is detected.
func exampleRecords() []model.Record {
	s := model.Time(model.Second)
	return []model.Record{
		{At: 2 * s, Kind: model.Suspected, Process: 0, Peer: 1},
		{At: 3 * s, Kind: model.Trusted, Process: 0, Peer: 1},
		{At: 10 * s, Kind: model.Crashed, Process: 2, Peer: model.Nobody, Failure: model.ProcessCrash},
		{At: 10*s + s/10, Kind: model.Suspected, Process: 0, Peer: 2},
		{At: 10*s + s/5, Kind: model.Suspected, Process: 1, Peer: 2},
	}
}

// Every completeness and accuracy property is judged, and then the classes.
func Example() {
	env := properties.Env{N: 3, Watch: properties.WatchAll(3)}
	bounds := map[string]string{"within": "500ms", "from": "5s"}
	var results []properties.Result
	for _, spec := range properties.All() {
		if spec.Truth {
			continue // it speaks of other failures than crashes
		}
		given := map[string]string{}
		for _, p := range spec.Params {
			if value, ok := bounds[p.Name]; ok {
				given[p.Name] = value
			}
		}
		params, _ := model.NewParams(spec.Params, given)
		checker, err := spec.New(env, params)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, r := range exampleRecords() {
			checker.Observe(&r)
		}
		result := checker.Finish(model.Time(20 * model.Second))
		results = append(results, result)
		fmt.Printf("%s: %v. %s\n", result.Property, result.Outcome, result.Reason)
	}
	for _, c := range properties.ClassOutcomes(results)[:4] {
		fmt.Println(c.Class, c.Outcome)
	}
	// Output:
	// eventual-strong-accuracy: holds. no mistake from 5s on: none in the last 15s (p0 suspected p1 at 2s, until 3s, in mistake number 1)
	// eventual-weak-accuracy: holds. no mistake from 5s on: none in the last 15s (no correct process was suspected by a correct one after the warm-up)
	// latency-bound: inconclusive. vacuous: no packet that a limiter released at priority 7 after the warm-up was delivered
	// strong-accuracy: violated. p0 suspected p1 at 2s; 1 mistake in all between processes that had never crashed
	// strong-completeness: holds. every crash was detected within 500ms and until its end
	// weak-accuracy: holds. p0 was never suspected
	// weak-completeness: holds. every crash was detected within 500ms and until its end
	// P violated
	// S holds
	// <>P holds
	// <>S holds
}

func ExampleQoS() {
	qos, err := properties.NewQoS(properties.Env{N: 3, Watch: properties.WatchAll(3)})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range exampleRecords() {
		qos.Observe(&r)
	}
	q := qos.Finish(model.Time(20 * model.Second))
	rate, _ := q.MistakeRate()
	accuracy, _ := q.QueryAccuracy()
	worst := q.WorstDetection
	fmt.Printf("detection: %d samples, mean %v, longest %v (of p%d by p%d)\n",
		q.DetectionTime.Count(), q.DetectionTime.Mean(), q.DetectionTime.Max(), worst.Peer, worst.Monitor)
	fmt.Printf("mistakes: %d, longest %v, %.4f per pair and second\n", q.Mistakes, q.WorstMistake.Duration(), rate)
	fmt.Printf("query accuracy: %.4f\n", accuracy)
	// Output:
	// detection: 2 samples, mean 150ms, longest 200ms (of p2 by p1)
	// mistakes: 1, longest 1s, 0.0125 per pair and second
	// query accuracy: 0.9875
}

func ExampleConservation() {
	c := properties.NewConservation()
	for _, r := range []model.Record{
		{Kind: model.Sent, Packet: 1},
		{Kind: model.Sent, Packet: 2},
		{Kind: model.Dropped, Packet: 1, Cause: model.BufferFull},
		{Kind: model.Delivered, Packet: 1},
	} {
		c.Observe(&r)
	}
	result := c.FinishWith(1)
	fmt.Println(result.Outcome, "-", result.Reason)
	// Output: violated - packet 1 was delivered after it had ended
}

func ExampleLatency() {
	l := properties.NewLatency(0)
	for i := range 100 {
		l.Observe(&model.Record{Kind: model.Delivered, Priority: 7, At: model.Time(i+1) * model.Time(model.Microsecond)})
	}
	heartbeats := l.Of(false, 7)
	fmt.Println(heartbeats.Count(), heartbeats.Min(), heartbeats.Quantile(0.5), heartbeats.Quantile(0.99), heartbeats.Max())
	// Output: 100 1us 50us 99us 100us
}

func ExamplePoissonInterval() {
	fmt.Println("no mistake in 1000 s:", properties.PoissonInterval(0, 1000, 0.95))
	fmt.Println("3 mistakes in 1000 s:", properties.PoissonInterval(3, 1000, 0.95))
	// Output:
	// no mistake in 1000 s: [0, 0.00299573]
	// 3 mistakes in 1000 s: [0.000618672, 0.00876727]
}
