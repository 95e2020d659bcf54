// Package referee sets the detector "memberlist" against the library whose arithmetic it
// has: hashicorp/memberlist v0.7.0, unmodified. Both run on the simulated network, in the
// same clusters, and a member is killed; what is compared is how long it takes until the
// first survivor declares it dead, and until the last one does.
//
// It is a module of its own, so that nobody else needs the library and what it needs.
// README.md has the commands and the results.
//
// # A real program on a simulated network
//
// The library runs in a bubble of testing/synctest, where time passes only while all
// goroutines wait. A datagram that it sends enters a [network.Network] at that moment, and
// the kernel of the network runs in step with the bubble's clock: a timer of the bubble is
// set to the kernel's next event ([sim.Kernel.Next]), runs the kernel up to it and hands
// over what arrives. So delays, queues and losses of packets are those of the simulator.
// Streams are an idealised TCP over the same packets: segments that are sent again
// until they arrive, one at a time.
//
// # Distributions, not runs
//
// A run of the library does not follow from its seed. It draws from the global generator of
// math/rand; goroutines that are runnable at one time run in any order; and the runtime
// fires the timers of a bubble that are due at one time in a random order, as memberlist's
// of 200 ms and 1 s often are. The seed of a kill sets the members' phases, the victim, the
// time of the kill and the stream of losses, for library and automaton alike. The rest is
// chance, so samples of both are compared by the exact two-sample test of [Smirnov].
//
// # Adding a program
//
// A bubble must not be left with goroutines that wait, and its time stands still once its
// function has returned: stop everything, then sleep past the longest timeout. A Dial that
// blocks for ever is enough for a panic.
package referee
