package graphfile_test

import (
	"fmt"

	"suspect/experiments/graphfile"
	"suspect/model"
	"suspect/network"
)

func Example() {
	text := `graph rack {
		h0 -- tor
		h1 -- tor [rate="1Gbps", loss="0.1%"]
	}`
	edge := network.LinkConfig{Rate: 10 * network.Gbps, Delay: model.Microsecond}
	topology, err := graphfile.Parse("rack.dot", []byte(text), graphfile.Options{Edge: edge})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(topology.Names[:topology.Hosts], topology.Names[topology.Hosts:])
	for _, l := range topology.Links {
		fmt.Println(topology.Names[l.A], topology.Names[l.B], l.AtoB.Rate/network.Mbps, "Mbps", l.AtoB.Delay)
	}
	// Output:
	// [h0 h1] [tor]
	// h0 tor 10000 Mbps 1us
	// h1 tor 1000 Mbps 1us
}

func Example_errors() {
	_, err := graphfile.Parse("net.dot", []byte("graph {\n  a -> s -- s\n}\n"), graphfile.Options{})
	fmt.Println(err)
	// Output:
	// net.dot:2:5: -> is an edge of directed graphs: write --
	//      2 |   a -> s -- s
	//        |     ^
	// net.dot:2:10: a link joins "s" to itself
	//      2 |   a -> s -- s
	//        |          ^
}
