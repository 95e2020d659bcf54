// Package apps holds applications as automata, one in each file: what sends and waits
// on a network while somebody measures it. They run wherever a detector runs, and keep
// the contract of [model.Automaton]. They are attached as the application of their process
// ([suspect/network.Panel].Application), so that a wedge stops them.
//
//   - [Ping] asks at regular times, whatever becomes of the answers.
//   - [Client] asks, waits for the answer, thinks, and asks again.
//   - [Server] answers both, one request after another.
//   - [Sender] and [Receiver] are a flow of data whose every packet is acknowledged.
//
// What they experience is read from the records of the run alone: [RoundTrips] and
// [Completion].
package apps
