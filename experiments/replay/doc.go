// Package replay drives detectors with a recorded heartbeat trace.
//
// # Trace format
//
// A trace is CSV, as it is or compressed by gzip, with the header
//
//	seq,sent_ns,received_ns
//
// and one line for each heartbeat: its sequence number, and the times at which it
// was sent and received, in nanoseconds. A lost heartbeat has an empty third
// field, or no line. Fields are plain decimal numbers, not negative, without quotes
// or blanks; lines end with LF or CR LF. Sequence numbers increase from line to
// line, and sending times do not decrease. Both times are of one clock, or of two that
// agree: a heartbeat that arrives before it is sent is an error. Neither need begin
// at zero. All errors of a trace, up to twenty, are reported before anything runs.
//
// # Time
//
// The recorded sender is process 0, and every detector is process 1, which monitors
// it (N = 2). The local clock of the detectors is the clock of the trace, shifted.
//
// Detectors of the heartbeat family believe that heartbeat i is sent at i*eta.
// Real senders have a schedule but are sometimes late, never early. So the schedule
// is taken to be the line below all points (seq, sent) that is closest to them in the
// sum of distances: its slope is the period, and heartbeat seq of the trace becomes
// heartbeat i = seq - (first seq), sent at i*eta or later. This is how Moon, Skelly and
// Towsley estimate clock skew ("Estimation and removal of clock skew from network
// delay measurements", INFOCOM 1999, section IV). A given eta replaces the slope, and
// the line is then moved up until it touches a point. If the sender drifts away
// from any such line, detectors that need its schedule (NFD-S) are judged by a
// schedule that it did not have; [Results].Lateness tells how far it was off.
// The text calls the line the fitted schedule.
//
// Heartbeats are delivered in the order of their arrival, those that arrive together
// in that of their numbers. Since no heartbeat arrives before it is sent, only those
// in flight wait in memory: a trace of any length is replayed in constant memory (up to
// a million heartbeats are kept from the first pass; longer traces are read twice),
// but for the corners of the convex hull that the line rests on, which are few.
//
// # What is measured
//
// A trace has no crash. The sender is taken to crash right after it sends the last
// heartbeat of the trace. Up to there, suspicions are mistakes; from there on each
// detector runs on until it suspects, and gives one detection time. One that never
// does is stopped when it asks for no further wake-up, or after ten million of them,
// and the results say which. The measures are those of [suspect/properties.QoS].
//
// # On a network
//
// [Trace.Recording] makes of a trace what a link of a network can replay, as scenarios
// ask for by the key trace: recorded conditions then meet whatever the detectors send,
// and load, queues and faults beside them. A link knows the heartbeats by the times at
// which they were sent, late as they may have been, not by a schedule.
package replay
