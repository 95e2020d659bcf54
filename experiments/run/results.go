package run

import (
	"suspect/experiments/guarantee"
	"suspect/model"
)

// SchemaVersion is the version of the shape of [Results]. It grows when a field
// changes its meaning or goes away; new fields leave it as it is.
const SchemaVersion = 3

// Results are what a run found, as one document that is the same bytes for the
// same scenario, seed and version on every run and for every number of workers.
// Durations and times are whole picoseconds of simulated time. Shares and rates
// are floating-point numbers, and absent where there is nothing to divide by.
type Results struct {
	// SchemaVersion is the version of this document's shape.
	SchemaVersion int `json:"schema_version"`
	// Provenance tells what was run, so that it can be run again.
	Provenance Provenance `json:"provenance"`
	// Replications tells how often it was run and why not more often.
	Replications Replications `json:"replications"`
	// Outcome is "as-expected", "not-as-expected" or "inconclusive": the
	// expectations taken together. Without any, a run that was not truncated is
	// as expected.
	Outcome string `json:"outcome"`
	// Expectations are what the scenario expects, each with what was found.
	Expectations []Expectation `json:"expectations"`
	// Properties are the results of the checkers that are not about a detector, in the
	// scenario's order.
	Properties []Property `json:"properties"`
	// Detectors are in the scenario's order.
	Detectors []Detector `json:"detectors"`
	// Truth is for how long which failures held; absent where the scenario does not ask.
	Truth *Truth `json:"truth,omitempty"`
	// Guarantee is what is proved of the latency of QJUMP's levels before anything is
	// run; absent where the scenario has none.
	Guarantee *guarantee.Report `json:"guarantee,omitempty"`
	// Levels are what was measured of the same levels, in the same order: the highest
	// priority first.
	Levels []Level `json:"levels,omitempty"`
	// MessageLatency is the latency of the processes' messages, for each priority
	// that any had, from the highest down.
	MessageLatency []Latency `json:"message_latency"`
	// TrafficLatency is the latency of the packets of background traffic likewise.
	TrafficLatency []Latency `json:"traffic_latency"`
	// Messages and Traffic count packets over the whole run, warm-up included.
	Messages Packets `json:"messages"`
	Traffic  Packets `json:"traffic"`
	// Conservation tells whether every packet was delivered, dropped with a cause,
	// or found in flight at the end. Anything but "holds" is a bug of the simulator.
	Conservation Property `json:"conservation"`
}

// The values of [Results].Outcome.
const (
	AsExpected    = "as-expected"
	NotAsExpected = "not-as-expected"
	Inconclusive  = "inconclusive"
)

// Truth is for how long which failures held after the warm-up, by the state of the network.
// Times are added up over ordered pairs of processes and over replications.
type Truth struct {
	// Pairs is the number of ordered pairs that were followed.
	Pairs int `json:"pairs"`
	// Kinds are the kinds of failure that held at some time, congestion for each class and
	// definition by itself.
	Kinds []TrueKind `json:"kinds"`
	// Congestion compares the definitions of congestion, two by two, where there are several.
	Congestion []RivalDefinitions `json:"congestion,omitempty"`
}

// TrueKind is for how long one kind of failure held.
type TrueKind struct {
	Kind string `json:"kind"`
	// Priority and Definition are those of congestion.
	Priority   *int   `json:"priority,omitempty"`
	Definition string `json:"definition,omitempty"`
	// Intervals is how often it held between two processes, in that order; Open of them had
	// no end when the run ended.
	Intervals int64 `json:"intervals"`
	Open      int64 `json:"open"`
	// PairSeconds is for how long, and Forward, Backward and Both are the parts of it in
	// which it held from the first process to the second, back, or both ways. Kinds without
	// a direction have none.
	PairSeconds float64 `json:"pair_seconds"`
	Forward     float64 `json:"forward_seconds"`
	Backward    float64 `json:"backward_seconds"`
	Both        float64 `json:"both_seconds"`
}

// RivalDefinitions are two definitions of congestion, of the same classes, pairs and
// directions.
type RivalDefinitions struct {
	A string `json:"a"`
	B string `json:"b"`
	// OnlyA and OnlyB are for how long one said that there is congestion and the other did
	// not, in seconds.
	OnlyA float64 `json:"only_a_seconds"`
	OnlyB float64 `json:"only_b_seconds"`
	// Disagree is the share of all time in which they differed.
	Disagree *float64 `json:"disagree,omitempty"`
	// Jaccard is for how long both said so as a share of the time in which any did; absent
	// where none ever did.
	Jaccard *float64 `json:"jaccard,omitempty"`
}

// Kinds is how well a detector tells the kinds of failure apart, after the warm-up.
type Kinds struct {
	// Within is the time after which an episode is judged, if it has not ended before, and
	// Stale the time for which a report of it counts as right after it has ended.
	Within model.Duration `json:"within_ps"`
	Stale  model.Duration `json:"stale_ps"`
	// Episodes counts what was said in the end by what held. An episode is a longest time in
	// which one kind is the label of all that holds between two processes.
	Episodes []KindRow `json:"episodes"`
	// Reports counts what reports said by what held then, or a Stale time before.
	Reports []KindRow `json:"reports"`
	// FalseReports is the number of reports made when nothing held, and FalsePerHour that
	// for each hour in which a monitor ran and each of its peers.
	FalseReports int64    `json:"false_reports"`
	FalsePerHour *float64 `json:"false_per_pair_hour,omitempty"`
	// FalseExact is Garwood's interval of that.
	FalseExact *Interval `json:"false_interval,omitempty"`
	// Bits is the information that what was said gives of what held, from Episodes, and
	// MostBits what it could be.
	Bits     float64 `json:"bits"`
	MostBits float64 `json:"most_bits"`
}

// KindRow is a row of a confusion matrix: what was said while one kind held. The kind is
// "none" where nothing did.
type KindRow struct {
	Kind string     `json:"kind"`
	Said []KindCell `json:"said"`
	// Right is how many of All said that kind, and Recall an exact interval of the share.
	// They are those of episodes only.
	Right  int64     `json:"right,omitempty"`
	All    int64     `json:"all"`
	Recall *Interval `json:"recall,omitempty"`
	// First is the time from the beginning of an episode to the first word in it, and
	// FirstRight to the first that named its kind, where there was one.
	First      *Spread `json:"first,omitempty"`
	FirstRight *Spread `json:"first_right,omitempty"`
}

// KindCell is what was said, "none" if nothing was, and how often.
type KindCell struct {
	Kind  string `json:"kind"`
	Count int64  `json:"count"`
}

// Provenance tells what was run.
type Provenance struct {
	// Suspect is the version of this program, Go that of its compiler and
	// Architecture the processor's. Integers of the results do not depend on the
	// architecture; floating-point numbers may in the last digits.
	Suspect      string `json:"suspect"`
	Go           string `json:"go"`
	Architecture string `json:"architecture"`
	// Scenario is the scenario's name, About its introduction.
	Scenario string `json:"scenario"`
	About    string `json:"about,omitempty"`
	// ScenarioHash is the hash of the resolved scenario.
	ScenarioHash string `json:"scenario_hash"`
	// Seed is the seed from which all randomness follows (64 bits without sign).
	Seed uint64 `json:"seed"`
	// Duration is the simulated time of one replication, and WarmUp the part at
	// its beginning that is left out of everything but the counts of packets.
	Duration model.Duration `json:"duration_ps"`
	WarmUp   model.Duration `json:"warm_up_ps"`
	// Processes is the number of processes, Links that of directed links.
	Processes int `json:"processes"`
	Links     int `json:"links"`
	// StreamHash is the hash of the record streams of all replications in order
	// (32 hexadecimal digits).
	StreamHash string `json:"stream_hash"`
	// Events, Records and Hops are totals over the replications: events of the
	// kernel, records hashed, and packets that crossed one link.
	Events  uint64 `json:"events"`
	Records uint64 `json:"records"`
	Hops    uint64 `json:"hops"`
}

// Replications tells how often the scenario was run.
type Replications struct {
	// Count is the number of replications that the results are made of.
	Count int `json:"count"`
	// Distinct is how many of them differ, by their hashes. Where it is below Count
	// there are no intervals: identical replications are one observation, and show that
	// little or nothing is random.
	Distinct int `json:"distinct"`
	// Stopped tells why there were no more: "as-requested", "precise" (the
	// interval became narrow enough), "cap" (it did not, within at_most
	// replications), "identical" (at_least replications were all the same) or
	// "truncated".
	Stopped string `json:"stopped"`
	// Precision is the half-width of Student's 95 % interval of the mean of the
	// replications' values of the measure that the scenario wanted precise, over that
	// mean, and Wanted the largest that was to be accepted, γ/(1+γ) for a relative
	// error γ. Absent when not requested, when the mean is not known or zero, or when
	// replications are identical.
	Precision *float64 `json:"precision,omitempty"`
	Wanted    *float64 `json:"wanted,omitempty"`
	// Measure names the measure that was to be precise.
	Measure string `json:"measure,omitempty"`
	// Hashes are the hashes of the replications' record streams, in order.
	Hashes []string `json:"hashes"`
	// Truncated tells that the last replication spent a budget. Its properties are
	// at best inconclusive, and nothing was run after it.
	Truncated *Truncation `json:"truncated,omitempty"`
}

// The values of [Replications].Stopped.
const (
	StoppedAsRequested = "as-requested"
	StoppedPrecise     = "precise"
	StoppedCap         = "cap"
	StoppedIdentical   = "identical"
	StoppedTruncated   = "truncated"
)

// Truncation is the early end of a replication.
type Truncation struct {
	// Replication counts from 0.
	Replication int `json:"replication"`
	// At is the simulated time that was reached.
	At model.Time `json:"at_ps"`
	// Reason names the budget.
	Reason string `json:"reason"`
	// Reproducible is true for the budget of events; those of wall-clock time and
	// memory depend on the machine, and so do the results then.
	Reproducible bool `json:"reproducible"`
}

// Expectation is one line of the scenario's expectations.
type Expectation struct {
	// Property and Detector name what is judged. A property of the network has no
	// detector.
	Property string `json:"property"`
	Detector string `json:"detector,omitempty"`
	// Expected and Found are "holds", "violated" or "inconclusive"; Met tells
	// whether they are the same. A run that a limit of the machine truncated meets
	// nothing.
	Expected string `json:"expected"`
	Found    string `json:"found"`
	Met      bool   `json:"met"`
}

// Detector is what was found about one detector.
type Detector struct {
	// Name is the name that the scenario gives it, Use that of its algorithm, and
	// Source the publication.
	Name   string `json:"name"`
	Use    string `json:"use"`
	Source string `json:"source"`
	// Params are its parameters with the values used.
	Params []Param `json:"params"`
	// Claims are the classes that its author promises.
	Claims []Claim `json:"claims"`
	// Classes are the eight classes of Chandra and Toueg, each with the outcome of
	// its completeness and accuracy together.
	Classes []Class `json:"classes"`
	// Properties are the results of the checkers that are about it.
	Properties []Property `json:"properties"`
	// Detection tells how fast crashes were seen.
	Detection Detection `json:"detection"`
	// Mistakes tells who was suspected wrongly.
	Mistakes Mistakes `json:"mistakes"`
	// Kinds tells how well it tells kinds of failure apart; absent without the truth.
	Kinds *Kinds `json:"kinds,omitempty"`
	// Cost is what its messages cost. Detectors that share packets each pay for
	// all of them.
	Cost Cost `json:"cost"`
}

// Param is one parameter and its value as text.
type Param struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Claim is a class that a detector's author promises, and the synchrony that it
// needs.
type Claim struct {
	Class string `json:"class"`
	Under string `json:"under"`
}

// Class is one of the eight classes with what was found about it.
type Class struct {
	Class string `json:"class"`
	// Outcome is "holds", "violated" or "inconclusive".
	Outcome string `json:"outcome"`
	// Reason names the property that decided.
	Reason string `json:"reason"`
	// Claimed tells whether the detector's author promises the class.
	Claimed bool `json:"claimed"`
}

// Property is the result of one checker over all replications: the worst of
// their outcomes (violated, then inconclusive, then holds). A replication that
// never exercised the property says nothing and counts only where all are so.
type Property struct {
	Property string `json:"property"`
	// Name is what the scenario calls it, where it is none of a detector: it may be
	// there several times.
	Name   string  `json:"name,omitempty"`
	Params []Param `json:"params,omitempty"`
	// Outcome is "holds", "violated" or "inconclusive".
	Outcome string `json:"outcome"`
	// Checked is how often the property was exercised; 0 means vacuous.
	Checked int `json:"checked"`
	// Reason is that of the first replication with the outcome.
	Reason string `json:"reason"`
	// Replication is that replication, from 0, and Witness its records that show
	// the outcome, in order.
	Replication int      `json:"replication"`
	Witness     []string `json:"witness"`
	// Held, Violated, Undecided and Vacuous count the replications by outcome;
	// vacuous ones never exercised it.
	Held      int `json:"held"`
	Violated  int `json:"violated"`
	Undecided int `json:"undecided"`
	Vacuous   int `json:"vacuous"`
}

// Interval is a confidence interval.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Confidence is the probability that such intervals cover the truth.
	Confidence float64 `json:"confidence"`
}

// DurationInterval is a confidence interval of a duration.
type DurationInterval struct {
	Low        model.Duration `json:"low_ps"`
	High       model.Duration `json:"high_ps"`
	Confidence float64        `json:"confidence"`
}

// Mean is an average of durations.
type Mean struct {
	// Count is the number of durations averaged.
	Count int64 `json:"count"`
	// Mean is the average of all of them, rounded; absent when there are none.
	Mean *model.Duration `json:"mean_ps,omitempty"`
	// Interval is Student's 95 % interval of that mean, with the replications that had
	// any as clusters (properties.RatioInterval), cut to what is possible; absent for
	// fewer than two, and where replications are identical.
	Interval *DurationInterval `json:"interval,omitempty"`
}

// CDFPoint says that Count of the durations are at most Value.
type CDFPoint struct {
	Value model.Duration `json:"value_ps"`
	Count int64          `json:"count"`
}

// Spread describes a set of durations.
type Spread struct {
	Count int64 `json:"count"`
	// Min and Max are exact. The quantiles are the smallest values that at least
	// that share of the durations do not exceed, rounded up by less than
	// QuantileError of their size. All are 0 when Count is.
	Min  model.Duration `json:"min_ps"`
	P50  model.Duration `json:"p50_ps"`
	P90  model.Duration `json:"p90_ps"`
	P99  model.Duration `json:"p99_ps"`
	P999 model.Duration `json:"p99_9_ps"`
	Max  model.Duration `json:"max_ps"`
	// QuantileError is the relative error of the quantiles and of CDF.
	QuantileError float64 `json:"quantile_error"`
	// CDF are points of the cumulative distribution, a few hundred at most, in
	// increasing order; the last is Max with Count.
	CDF []CDFPoint `json:"cdf"`
}

// Detection tells how fast crashes were seen: T_D of Chen, Toueg and Aguilera
// (2002, section 2), as properties.QoS defines it where processes recover.
// It counts (monitor, crash) pairs, of crashes after the warm-up whose monitor
// stayed up.
type Detection struct {
	// Detected crashes were suspected when they ended, Missed ones ended by recovery
	// and were not, Undetected ones were not suspected at the end of the run.
	Detected   int64 `json:"detected"`
	Missed     int64 `json:"missed"`
	Undetected int64 `json:"undetected"`
	// TooLate counts those that were not suspected at the end of the run either, but had
	// come less than DecidedAfter before it: nothing follows from them. TooLateAge is the
	// age of the oldest.
	TooLate    int64          `json:"too_late"`
	TooLateAge model.Duration `json:"too_late_age_ps"`
	// DecidedAfter is the bound that the scenario gives (judge.detect_within), and else
	// the largest T_D seen. It is absent where there is neither; all are too late then.
	DecidedAfter *model.Duration `json:"decided_after_ps,omitempty"`
	// Unseen counts the replications in which a crash went unseen; absent where no crash
	// lasted for DecidedAfter.
	Unseen *Unseen `json:"unseen,omitempty"`
	// Mean is the mean of T_D over those detected.
	Mean Mean `json:"mean"`
	// Time is their distribution.
	Time Spread `json:"time"`
	// Slowest is the pair with the largest T_D, from the crash to the suspicion;
	// absent when there is none.
	Slowest *Episode `json:"slowest,omitempty"`
}

// Unseen counts replications, which are independent, as the crashes and monitors of one
// are not.
type Unseen struct {
	// Of is the number of replications with a crash that lasted for
	// Detection.DecidedAfter or longer, and Replications how many of them had such a
	// crash that a monitor which was up all the time did not suspect at its end.
	Replications int `json:"replications"`
	Of           int `json:"of"`
	// Interval is Clopper and Pearson's 95 % interval of that share of replications;
	// absent for fewer than two, and where replications are identical.
	Interval *Interval `json:"interval,omitempty"`
}

// Episode is something that happened between a monitor and a peer, from one time
// to another.
type Episode struct {
	// Replication counts from 0.
	Replication int `json:"replication"`
	// Monitor watches Peer; both are names of hosts.
	Monitor string `json:"monitor"`
	Peer    string `json:"peer"`
	// From and Until are times since the beginning of the replication.
	From  model.Time `json:"from_ps"`
	Until model.Time `json:"until_ps"`
	// Open tells that it was not over at Until, when the run ended or a crash of
	// either ended it otherwise.
	Open bool `json:"open,omitempty"`
}

// Mistakes tells how often and how long processes were suspected that were up
// (Chen, Toueg and Aguilera 2002, section 2, as properties.QoS defines it
// where processes crash).
type Mistakes struct {
	// Count is the number of mistakes that began after the warm-up, and Censored how
	// many of them did not end before the run did, or the monitor or peer crashed.
	Count    int64 `json:"count"`
	Censored int64 `json:"censored"`
	// PairSeconds is the time, summed over monitored pairs, that both processes were
	// up after the warm-up, in seconds: the time in which mistakes could happen. A
	// process is up from its start on.
	PairSeconds float64 `json:"pair_seconds"`
	// Rate is lambda_M, mistakes per second of one pair. Absent without pair time.
	Rate *float64 `json:"rate_per_s,omitempty"`
	// RateExact is the 95 % interval that would be exact if mistakes were a Poisson
	// process (Garwood 1936). They cluster, so RateReplicated, Student's interval of Rate
	// with replications as clusters (properties.RatioInterval), is the one to trust when
	// several had mistakes. Both are absent where replications are identical.
	RateExact      *Interval `json:"rate_exact,omitempty"`
	RateReplicated *Interval `json:"rate_replicated,omitempty"`
	// Recurrence is T_MR, the time between the beginnings of successive mistakes
	// of one pair; GoodPeriod is T_G, from the end of one to the beginning of the
	// next.
	Recurrence Mean `json:"recurrence"`
	GoodPeriod Mean `json:"good_period"`
	// Duration is T_M, the time from a mistake's beginning to its end, without those
	// censored.
	Duration Mean `json:"duration"`
	// Accuracy is P_A, the share of the pair time in which the peer was trusted, with
	// Student's 95 % interval with replications as clusters, cut to [0, 1].
	Accuracy         *float64  `json:"accuracy,omitempty"`
	AccuracyInterval *Interval `json:"accuracy_interval,omitempty"`
	// Longest is the longest mistake, even if censored; absent when there was none.
	Longest *Episode `json:"longest,omitempty"`
	// Pairs are the pairs with the most mistakes, at most 20, most first; of how
	// many pairs with mistakes is PairsWrong.
	Pairs      []PairMistakes `json:"pairs"`
	PairsWrong int            `json:"pairs_wrong"`
}

// PairMistakes counts the mistakes of one monitor about one peer.
type PairMistakes struct {
	Monitor string `json:"monitor"`
	Peer    string `json:"peer"`
	// Count is the number of mistakes and Longest the longest of them.
	Count   int64          `json:"count"`
	Longest model.Duration `json:"longest_ps"`
}

// Cost is what a detector's messages cost, after the warm-up, averaged over all
// processes and replications.
type Cost struct {
	// Messages is the number of messages sent and Bytes their size on the wire at
	// the first link.
	Messages int64 `json:"messages"`
	Bytes    int64 `json:"bytes"`
	// MessagesPerSecond and BytesPerSecond are those of one process in a second.
	MessagesPerSecond float64 `json:"messages_per_s"`
	BytesPerSecond    float64 `json:"bytes_per_s"`
	// SharedWith names the other detectors that use the same messages.
	SharedWith []string `json:"shared_with"`
}

// Latency is the time from the sender's network interface to delivery, of the
// packets of one priority that were sent after the warm-up and delivered.
type Latency struct {
	Priority int `json:"priority"`
	Spread
}

// Packets counts packets.
type Packets struct {
	Sent      int64 `json:"sent"`
	Delivered int64 `json:"delivered"`
	// Duplicated are second copies that links brought, which are delivered or dropped too.
	Duplicated int64 `json:"duplicated,omitempty"`
	// Dropped is the sum of Drops, which are the causes that occurred.
	Dropped int64   `json:"dropped"`
	Drops   []Drops `json:"drops"`
	// InFlight were neither delivered nor dropped when their replication ended.
	InFlight int64 `json:"in_flight"`
}

// Drops counts the packets dropped for one cause.
type Drops struct {
	Cause string `json:"cause"`
	Count int64  `json:"count"`
}

// Level is what was measured of one level of QJUMP. Results.Guarantee has what is proved
// of it. Latencies and backlogs are those after the warm-up; counts of packets are over
// the whole run.
type Level struct {
	Priority int `json:"priority"`
	// Latency is the time from a packet's release by its limiter until its last bit is
	// at the receiver, of which the bound speaks.
	Latency Spread `json:"latency"`
	// FromSending is the time from the hand-over to the network interface instead: it has
	// the wait for the limiter too, of which no bound speaks. Unlimited packets count here.
	FromSending Spread `json:"from_sending"`
	// Tightness is the longest Latency over the bound of the level, even if that is
	// withdrawn; absent without both.
	Tightness *float64 `json:"tightness,omitempty"`
	// Beaten tells that a packet took longer than the bound. Where the bound is not
	// withdrawn, it is a bug of this program, or a detector sends larger messages than
	// the scenario says.
	Beaten bool `json:"beaten,omitempty"`
	// Slowest is the packet with the longest Latency, the first of several.
	Slowest *SlowPacket `json:"slowest,omitempty"`

	// Sent counts the packets that were handed over at the priority, and Demoted those of
	// them that went on at a lower one.
	Sent    int64 `json:"sent"`
	Demoted int64 `json:"demoted"`
	// Released counts the packets that limiters of the level let pass, and Refused those
	// that they dropped, both with packets that were demoted to the level. Unlimited ones
	// entered it past every limiter, which breaks an assumption of the bound.
	Released  int64 `json:"released"`
	Refused   int64 `json:"refused"`
	Unlimited int64 `json:"unlimited"`
	// Delivered and Lost tell what became of Released and Unlimited packets; the rest
	// was under way at the end.
	Delivered int64   `json:"delivered"`
	Lost      []Drops `json:"lost"`

	// Ports are the output ports that packets of the level crossed, with the largest
	// backlog first. Ports of links with jitter are left out.
	Ports []PortBacklog `json:"ports"`
	// Flows are the lines of Results.Guarantee.Flows for the level, in the same order.
	Flows []FlowLatency `json:"flows"`
	// Pairs are the pairs of hosts with the longest Latency, at most 20, longest first;
	// of how many pairs with any is PairsSeen.
	Pairs     []PairLatency `json:"pairs"`
	PairsSeen int           `json:"pairs_seen"`
}

// SlowPacket names one packet, so that [Dissect] can take its delay apart.
type SlowPacket struct {
	// Replication counts from 0, Packet from 1 in the order of sending.
	Replication int    `json:"replication"`
	Packet      uint64 `json:"packet"`
	// From and To are the hosts.
	From string `json:"from"`
	To   string `json:"to"`
	// Sent, Released and Delivered are times since the beginning of the replication.
	Sent      model.Time `json:"sent_ps"`
	Released  model.Time `json:"released_ps"`
	Delivered model.Time `json:"delivered_ps"`
}

// PortBacklog is what waited of one level at one output port. A packet in transmission
// does not wait.
type PortBacklog struct {
	// From is the node that the port belongs to, a host or a switch, and To the node at
	// the far end of its link.
	From string `json:"from"`
	To   string `json:"to"`
	// Host tells that From is a host.
	Host bool `json:"host"`
	// Crossed is the number of packets of the level that the port sent. Those that a
	// fault took from the port or its link are not among them, nor in its backlog.
	Crossed int64 `json:"crossed_packets"`
	// Bytes, on the wire, and Packets are the most that waited at a time.
	Bytes   int64 `json:"bytes"`
	Packets int64 `json:"packets"`
	// Replication, from 0, and At are where Bytes was reached first.
	Replication int        `json:"replication"`
	At          model.Time `json:"at_ps"`
}

// FlowLatency is what was measured of one line of the guaranteed flows.
type FlowLatency struct {
	// Samples is the number of packets, and PairsSeen that of pairs with any.
	Samples   int64 `json:"samples"`
	PairsSeen int   `json:"pairs_seen"`
	// Max is the longest time from release to delivery, between From and To. They are
	// empty without samples.
	Max  model.Duration `json:"max_ps"`
	From string         `json:"from"`
	To   string         `json:"to"`
	// Tightness is Max over the line's bound; absent without samples.
	Tightness *float64 `json:"tightness,omitempty"`
}

// PairLatency is the latency between two hosts, from release to delivery.
type PairLatency struct {
	From    string         `json:"from"`
	To      string         `json:"to"`
	Samples int64          `json:"samples"`
	Max     model.Duration `json:"max_ps"`
}
