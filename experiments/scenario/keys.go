package scenario

import "suspect/properties"

// The keys of the scenario file, in the order in which a resolved scenario has
// them.

var scenarioKeys = []key{
	{"name", nameForm, true, "Name of the scenario: letters, digits, '-', '_' and '.'."},
	{"about", textForm, false, "Text that opens the report."},
	{"seed", seedForm, false, "Seed of all randomness (default 1)."},
	{"duration", durationForm, true, "Simulated time of one replication."},
	{"warmup", durationForm, false, "What happens before it is not counted (default 0s)."},
	{"limits", mapping(limitsKeys), false, "Budgets of a replication. What is expected to take more than twice as much is refused before it runs."},
	{"replications", eitherForm("a number of replications, as 10, or {at_least: 10, at_most: 200, until: {...}}", countForm, mapping(replicationsKeys)), false, "How often to run, each time with other random numbers (default 1)."},
	{"judge", mapping(judgeKeys), false, "Bounds that turn \"eventually\" into something that a finite run can decide."},
	{"network", mapping(networkKeys), true, "Hosts, switches and links."},
	{"routing", mapping(routingKeys), false, "How switches find their routes, and how long they take when something fails (default: static)."},
	{"clocks", mapping(clocksKeys), false, "What the hosts' own clocks show; detectors and limiters read them (default: true time)."},
	{"evidence", eitherForm("all, or what hosts and switches tell, as {agents: true, resets: true}", choiceForm(allEvidence), mapping(evidenceKeys)), false, "What hosts and switches tell of failures, in packets that take time and get lost like any (default: nothing)."},
	{"monitor", mapping(monitorKeys), false, "Who watches whom, and how messages travel."},
	{"qjump", mapping(qjumpKeys), false, "Levels of QJUMP: every host limits what it sends at their priorities. n is the number of hosts."},
	{"detectors", listForm("a list of detectors", detectorSchema), false, "The failure detectors that run side by side."},
	{"traffic", listForm("a list of traffic sources", trafficSchema), false, "Background traffic."},
	{"faults", listForm("a list of faults", faultSchema), false, "What goes wrong, and when."},
	{"generators", listForm("a list of generators of faults", generatorSchema), false, "What goes wrong as often, and for as long, as studies of real systems found: each draws kinds, targets, times and durations of faults. A simulated month is duration: 720h; a year is twelve of them, as replications: 12."},
	{"truth", mapping(truthKeys), false, "What is told of the ground truth: which kinds of failure really hold between whom (default: nothing)."},
	{"properties", listForm("a list of properties", propertySchema), false, "What is checked (default: completeness and accuracy of every detector, and the latency-bound of every level of QJUMP)."},
	{"expect", listForm("a list of expectations", func() schema { return mappingSchema(expectKeys) }), false, "The outcomes on which the exit code depends."},
}

var limitsKeys = []key{
	{"events", countForm, false, "Largest number of events of a replication."},
	{"wall", durationForm, false, "Longest wall-clock time of a replication."},
	{"memory", sizeForm, false, "Largest memory of a replication."},
}

var replicationsKeys = []key{
	{"at_least", countForm, false, "Replications before the interval is looked at (default 10)."},
	{"at_most", countForm, true, "Replications after which to give up."},
	{"until", mapping(untilKeys), true, "Precision at which to stop."},
}

var untilKeys = []key{
	{"measure", choiceForm(Measures()...), true, "The mean to make precise."},
	{"detector", textForm, true, "Name of the detector whose measure it is."},
	{"relative", probabilityForm, true, "Half the width of the 95% confidence interval over the mean."},
}

var judgeKeys = []key{
	{"detect_within", durationForm, false, "Longest time from a crash to permanent suspicion."},
	{"stable_from", durationForm, false, "Time from which on there must be no mistakes."},
	{"mistakes_at_most", countForm, false, "Most mistakes of one process about another."},
}

var networkKeys = []key{
	{"framing", choiceForm(framings[:]...), true, "What a packet occupies on a link: with all Ethernet overhead, or its payload alone."},
	{"topology", mapping(topologyKeys), true, "Exactly one of the layouts."},
	{"edge", mapping(linkKeys), true, "Links that touch a host."},
	{"core", mapping(linkKeys), false, "Links between switches; what is missing is as for edge."},
	{"links", listForm("a list of links", func() schema { return mappingSchema(singleLinkKeys) }), false, "Single links that differ."},
}

var topologyKeys = []key{
	{"star", mapping(starKeys), false, "Hosts h0, h1, ... on one switch s0."},
	{"leaf_spine", mapping(leafSpineKeys), false, "Two-level Clos network."},
	{"fat_tree", mapping(fatTreeKeys), false, "Three-level fat tree of k-port switches: k*k*k/4 hosts."},
	{"graph", mapping(graphKeys), false, "Any graph of hosts and switches."},
	{"file", textForm, false, "DOT (.dot, .gv) or GraphML (.graphml) file, relative to the scenario file."},
}

var starKeys = []key{
	{"hosts", countForm, true, "Number of hosts."},
}

var leafSpineKeys = []key{
	{"leaves", countForm, true, "Number of leaf switches leaf0, leaf1, ...."},
	{"spines", countForm, true, "Number of spine switches spine0, spine1, ...."},
	{"hosts_per_leaf", countForm, true, "Number of hosts on each leaf switch."},
}

var fatTreeKeys = []key{
	{"k", countForm, true, "Ports of a switch, an even number."},
}

var graphKeys = []key{
	{"hosts", namesForm, true, "Names of the hosts, each with one link."},
	{"switches", namesForm, false, "Names of the switches."},
	{"links", listForm("a list of pairs of names, as [[a, s], [b, s]]", func() schema { return pairForm.schema() }), true, "Links, each by the names of its ends."},
}

var linkKeys = []key{
	{"rate", rateForm, false, "Bits per second (required for edge)."},
	{"delay", durationForm, false, "Propagation delay (default 0s)."},
	{"buffer", bufferForm, false, "What may wait for the link, for each priority by itself (default unlimited)."},
	{"loss", eitherForm("a probability, as 0.1%, or {good: 0.01%, bad: 30%, good_to_bad: 0.1%, bad_to_good: 5%}", probabilityForm, mapping(lossKeys)), false, "Random loss of packets (default 0)."},
	{"jitter", distributionForm, false, "Random delay of each packet on top of the propagation delay (default 0s)."},
	{"trace", eitherForm("the name of a file, as wan.csv.gz, none, or {file: wan.csv.gz, offset: 10s}", textForm, mapping(traceKeys)), false, "Recorded delays, on top of the propagation delay, and losses: a packet meets what the last heartbeat before it met, and at its end the trace begins again (default none)."},
}

var traceKeys = []key{
	{"file", textForm, true, "Heartbeat trace, CSV or CSV.gz with the columns seq,sent_ns,received_ns, relative to the scenario file. The name of the trace that comes with suspect stands for it where there is no such file."},
	{"sha256", textForm, false, "SHA-256 sum of the file, which is refused if it has another."},
	{"offset", distributionForm, false, "How far the trace is when the run begins; each direction of a link draws its own (default 0s)."},
	{"excess", switchForm, false, "Whether only what is above the smallest recorded delay comes on top of the propagation delay (default false)."},
	{"overtake", switchForm, false, "Whether packets may overtake each other, as they do wherever the recorded delay shrinks faster than they follow each other; otherwise those behind wait for those in front (default: whether heartbeats of the trace overtook each other)."},
}

var singleLinkKeys = append([]key{
	{"between", pairForm, true, "Names of the ends of the link."},
	{"direction", textForm, false, "Name of the end that sends: only that direction differs (default: both)."},
}, linkKeys...)

var lossKeys = []key{
	{"good", probabilityForm, false, "Probability of loss in the good state (default 0)."},
	{"bad", probabilityForm, true, "Probability of loss in the bad state."},
	{"good_to_bad", probabilityForm, true, "Probability to turn bad before a packet."},
	{"bad_to_good", probabilityForm, true, "Probability to turn good before a packet."},
}

var monitorKeys = []key{
	{"watch", eitherForm("all, or {successors: 8}", choiceForm("all"), mapping(watchKeys)), false, "Whom each process watches (default all)."},
	{"message_size", sizeForm, false, "Payload of a message (default 64B)."},
	{"priority", priorityForm, false, "802.1Q priority of messages, 7 first (default 7)."},
	{"start", distributionForm, false, "When each process starts (default 0s)."},
}

var watchKeys = []key{
	{"successors", countForm, true, "Every process watches that many next ones on a ring."},
}

// detectorKeys come before the detector's own parameters.
var detectorKeys = []key{
	{"use", textForm, true, "Name of the detector's algorithm (`suspect list detectors`)."},
	{"name", textForm, false, "Name in results (default: as use)."},
}

// usedTrafficKeys are common to all kinds of traffic, and trafficKeys to all but
// schedules.
var (
	usedTrafficKeys = []key{
		{"use", choiceForm(trafficNames()...), true, "Kind of traffic."},
		{"limiter", choiceForm(limiterUseNames()...), false, "Which limiters of a QJUMP level the packets meet: shared is the one of all that the host sends, own is a second one on each host for this traffic alone, none lets a rogue past (default shared)."},
	}
	trafficKeys = []key{
		{"from", hostsForm("all"), true, "The sending hosts: all, a name or a list of names."},
		{"to", hostsForm("random"), true, "The receiving hosts: random (any other host, drawn anew), a name or a list of names."},
		{"priority", priorityForm, false, "802.1Q priority, 7 first (default 0)."},
		{"packet", sizeForm, true, "Payload of a packet."},
		{"phase", distributionForm, false, "When a sender begins (default 0s)."},
	}
)

var rateKeys = []key{
	{"rate", rateForm, false, "Mean rate of each sender on the wire."},
	{"load", shareForm, false, "The rate as a share of the rate of the sender's link."},
}

var (
	flowsKeys = append([]key{
		{"sizes", textForm, true, "Table of flow sizes."},
	}, rateKeys...)
	periodicKeys = []key{
		{"period", durationForm, true, "Time between two packets of a sender."},
	}
	onOffKeys = []key{
		{"rate", rateForm, true, "Rate on the wire while on."},
		{"on", distributionForm, true, "How long a burst lasts."},
		{"off", distributionForm, true, "How long the pause between bursts lasts."},
	}
)

// faultKeys come before the fault's own parameters.
var faultKeys = []key{
	{"use", textForm, true, "Kind of fault (`suspect list faults`)."},
	{"at", distributionForm, false, "Time of the fault (at or every is required)."},
	{"for", distributionForm, false, "How long it lasts (default: for ever)."},
	{"every", distributionForm, false, "Time from one fault to the next: it comes again and again."},
	{"redraw", switchForm, false, "Whether what is random is drawn anew each time that the fault comes again; otherwise it strikes the same element (default false)."},
}

// generatorKeys come before the generator's own parameters.
var generatorKeys = []key{
	{"use", textForm, true, "Name of the generator (`suspect list generators`)."},
	{"name", nameForm, false, "Name of its random numbers, if it is listed several times (default: as use)."},
}

// propertyKeys come before the property's own parameters where it is judged of detectors.
var propertyKeys = []key{
	{"use", textForm, true, "Name of the property (`suspect list properties`)."},
}

// networkPropertyKeys are the same for properties that are not of a detector.
var networkPropertyKeys = append(propertyKeys[:len(propertyKeys):len(propertyKeys)],
	key{"name", nameForm, false, "Name in results and expectations (default: as use). The property can be listed several times."},
)

// keysOfProperty returns the keys that come before the property's own parameters.
func keysOfProperty(p properties.Spec) []key {
	if p.OfNetwork {
		return networkPropertyKeys
	}
	return propertyKeys
}

var expectKeys = []key{
	{"property", textForm, true, "Name of a checked property."},
	{"detector", textForm, false, "Name of a detector, unless the property is one of the network."},
	{"outcome", choiceForm("holds", "violated", "inconclusive"), true, "The expected outcome."},
}
