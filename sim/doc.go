// Package sim is the event kernel: a clock, timers in a total order, named
// random streams and the record stream. It knows no packets.
//
// Whatever can happen later is a [Timer], made once with [Kernel.NewTimer] and
// armed as often as needed; a timer has at most one time at which it will fire.
// Timers that are due at the same time fire in the order in which they were made:
// (time, timer) is a total order that does not depend on the order of arming, so a
// model that schedules its work differently still runs in the same order. A timer
// armed for the present moment takes its place among those still due at it.
//
// Randomness comes from one [Stream] per purpose, a function of the run's seed
// and the stream's name alone: a component that is added to a run draws from
// its own stream and changes nobody else's draws.
//
// What happens is told as [model.Record]s through [Records], in true time order,
// to whoever subscribed to their kind.
package sim
