// Command suspect runs failure detectors on simulated packet networks. See package
// command for its verbs.
package main

import "suspect/experiments/command"

func main() { command.Main() }
