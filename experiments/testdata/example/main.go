// Command example is suspect with a detector, a fault and a property of its own.
package main

import (
	"suspect/detectors"
	"suspect/experiments/command"
	"suspect/network"
	"suspect/properties"
)

func main() {
	detectors.Register(increasing)
	network.RegisterFault(unplug)
	properties.Register(fewChanges)
	command.Main()
}
