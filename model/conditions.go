package model

// Conditions are what a claim needs of the system, in numbers, so that it can be tested.
// The zero value is the strictest system: messages arrive in the instant in which they are
// sent, and nobody crashes.
type Conditions struct {
	// Delay is how long a message takes at most, and Loss the probability with which it is
	// lost, independently of others.
	Delay Duration
	Loss  float64

	// Ordered tells that what one process sends to another arrives in the order of sending.
	Ordered bool

	// Drift is by how many parts in a million a clock is at most fast or slow, and Pause
	// how long a process at most takes no step.
	Drift int64
	Pause Duration

	// Crashes is how many processes crash at most: so many that one is left, if it is
	// negative. Minority tells that moreover fewer than half of the processes crash, and
	// Recover that some come back, without memory.
	Crashes  int
	Minority bool
	Recover  bool

	// Starts is within what time from the beginning all processes start.
	Starts Duration

	// Eventually tells that all this but the number of crashes holds only from some time
	// on: before, messages are late, or lost at will, links are cut and processes pause.
	Eventually bool

	// By is until when that is put off at most, in tests: other times here may depend on
	// it. If it is 0, tests choose it.
	By Duration

	// Within bounds completeness: a crash is suspected at most this long after it, or after
	// the conditions begin to hold.
	Within Duration

	// Settle bounds eventual accuracy: how long after the conditions begin to hold the last
	// mistake is over. Mistakes bounds it otherwise, where it is above zero: how many
	// mistakes a process makes at most about one peer in all. Each of them is then over in
	// Within.
	Settle   Duration
	Mistakes int
}
