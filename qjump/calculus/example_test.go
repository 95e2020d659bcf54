package calculus_test

import (
	"fmt"
	"math/big"

	"suspect/qjump/calculus"
)

// Two flows share two servers of rate 10 and latency 10; the units are the reader's.
func ExampleAnalyse() {
	arrival, _ := calculus.NewArrival(calculus.Bucket{Rate: big.NewRat(4, 1), Burst: big.NewRat(25, 1)})
	service, _ := calculus.NewService(calculus.RateLatency{Rate: big.NewRat(10, 1), Latency: big.NewRat(10, 1)})
	network := calculus.Network{
		Servers: []calculus.Server{{Name: "left", Service: service}, {Name: "right", Service: service}},
		Flows: []calculus.Flow{
			{Name: "ours", Arrival: arrival, Path: []string{"left", "right"}},
			{Name: "theirs", Arrival: arrival, Path: []string{"left", "right"}},
		},
	}
	for _, analysis := range []calculus.Analysis{calculus.TFA, calculus.SFA, calculus.SFACounting} {
		r, err := calculus.Analyse(network, analysis, calculus.FIFO)
		if err != nil {
			fmt.Println(err)
			return
		}
		ours := r.Flows[0]
		fmt.Printf("%s: delay %v = %s, backlog %v (%v)\n", analysis, ours.Delay, ours.Delay.Decimal(3), ours.Backlog, r.Status)
	}

	network.Flows[1].Path = []string{"right", "left"}
	_, err := calculus.Analyse(network, calculus.TFA, calculus.FIFO)
	fmt.Println(err)
	// Output:
	// tfa: delay 38 = 38.000, backlog 210 (proved)
	// sfa: delay 199/6 = 33.167, backlog 141 (comparison)
	// sfa-counting: delay 205/6 = 34.167, backlog 145 (proved)
	// calculus: servers left > right > left: the servers depend on each other in a cycle; break it by other paths, or by regulators
}

// A class of 2 Mb/s below one of 5 Mb/s, frames of 1530 bytes, on a line of 100 Mb/s.
func ExamplePort_Delay() {
	bucket := func(rate, burst int64) calculus.Arrival {
		a, _ := calculus.NewArrival(calculus.Bucket{Rate: big.NewRat(rate, 1), Burst: big.NewRat(burst, 1)})
		return a
	}
	port := calculus.Port{Rate: big.NewRat(100_000_000, 1), LowerFrame: big.NewRat(12240, 1)}
	higher, class := bucket(5_000_000, 2*12240), bucket(2_000_000, 12240)
	whole, _ := port.Delay(class, higher)
	frame, _ := port.DelayOfFrame(class, higher, big.NewRat(12240, 1))
	fmt.Println(whole.Decimal(9), frame.Decimal(9), "seconds")
	// Output: 0.000515368 0.000508926 seconds
}
