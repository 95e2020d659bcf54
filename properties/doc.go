// Package properties judges runs. Everything in it is a fold over the records of
// a run ([model.Record]) and knows nothing else: neither the network nor the
// detector that made them. The memory is constant per monitored pair and per crash,
// whatever the length of the run.
//
//   - A [Checker] judges one property and gives one three-valued [Result]. The
//     completeness and accuracy properties of Chandra and Toueg (1996) are
//     registered ([Register], [Lookup], [All]); [ClassOutcomes] joins their results
//     into the eight classes. So is a bound on latency, which is of the network and
//     not of a detector ([Spec].OfNetwork).
//   - Each kind of failure has a completeness and an accuracy of its own (see below).
//     [Collapse] judges what becomes of a typed history if kinds are ignored.
//   - [Discrimination] measures how well a detector tells the kinds apart, as a
//     [Confusion] of what it said with what was so; [Leak] what its reports betray of the
//     topology.
//   - [QoS] measures how good a detector is, in the metrics of Chen, Toueg and
//     Aguilera (2002).
//   - [Latency] measures how long packets took, per priority.
//   - [Conservation] checks that the network lost no packet without saying so.
//   - [MeanInterval], [PoissonInterval] and their neighbours turn the numbers of
//     several replications into confidence intervals.
//
// # Kinds of failure
//
// For a kind k, the records [model.FailureBegan] and [model.FailureEnded] tell when it
// holds between an ordered pair of processes. The properties of Chandra and Toueg are then
// carried over: k-completeness within D says that what has held for D is said by then and
// until it ends, by every correct process that has it or, in the weak form, by some one of
// them; k-accuracy with staleness d that whenever k is said it holds, or did at most d ago,
// or, in the weak form, that this is so of some correct process. For host failure, which is
// the same for every monitor, and d = 0, they are completeness and strong and
// weak accuracy, if nobody recovers.
//
// # When a verdict is in force
//
// Only suspicions of host failure count ([model.FailureKind.HostFailure]), in the class
// properties as in [QoS]. This projection of a typed history on host failure is a
// history in the sense of Chandra and Toueg. Collapsing it instead, so that any kind
// means suspicion, does not keep accuracy: whoever says truly that a live peer is behind
// congestion would make a mistake, and would seem to detect the crash of a dead one.
//
// A warning says that a failure is expected, not that it holds, and is no verdict here.
//
// A verdict is in force from the record that begins it to the record that ends it,
// both instants included: a suspicion that is withdrawn in the instant in which it
// began was still a suspicion, and one that is renewed in the instant in which it was
// withdrawn was still withdrawn. A process suspects a peer while the set of kinds of
// host failure that it last said to hold is not empty; a second kind is not a second
// suspicion. Verdicts about peers that the process does not monitor (see [Env]) are
// ignored.
//
// A process is in F(t) from the instant of its crash on ([model.FailurePattern]), so a
// suspicion that begins in that very instant is no mistake, in whatever order the
// records of the instant stand.
//
// # Starts
//
// Where the records tell when processes start ([Env].Starts), a process is neither up
// nor crashed before its start, unless it crashes then, which counts as a crash. Its
// verdicts before that count for nothing, and accuracy and [QoS] speak of a pair once
// both have started: a suspicion that stands at the start of the suspect counts from
// there on, as one at the end of the warm-up does. A monitor owes no detection of a crash
// that came before its own start. Without that field all processes run from time 0.
//
// # Finite runs
//
// Safety is judged as it stands. A quiet tail proves nothing about "eventually", so
// the eventual properties hold or are violated only in a bounded form, whose bound
// is a parameter: a crash is detected within B; no mistake from t on, where the run
// goes on after t, and the reason says for how long; at most k mistakes. Without a bound they are [Inconclusive], and the reason says what was
// seen. A property whose antecedent never fired is vacuous: Inconclusive too, with
// [Result].Checked 0. So is every property in a run without a correct process, since
// Chandra and Toueg speak of systems that have one (unless safety was already
// violated).
//
// # Recovery
//
// Chandra and Toueg's processes do not recover. Here, a process that crashed is in
// F(t) from its first crash on, whether it recovered or not: it is never correct
// again, accuracy says nothing about it any more, neither as the suspect nor as the
// one who suspects, and it counts in completeness as a suspect only: each of its
// outages that lasts longer than the bound must be detected within the bound, and
// until it ends. [QoS] measures recovered processes too; see there.
//
// # Warm-up
//
// Mistakes before [Env].WarmUp are not counted, but a suspicion that is still in
// force when the warm-up ends counts from there on. A crash during the warm-up must
// be detected by the later of its deadline and the end of the warm-up.
//
// # Partial monitoring
//
// Where not everybody monitors everybody, "every process" and "some process" range
// over the monitors of the process in question, and a process that nobody monitors
// is left out.
package properties
