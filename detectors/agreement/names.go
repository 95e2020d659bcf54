package agreement

import "suspect/model"

var messageNames = [...]string{
	decideKind: "decide", vectorKind: "vector",
	estimateKind: "estimate", proposalKind: "proposal", ackKind: "ack", nackKind: "nack",
	prepareKind: "prepare", promiseKind: "promise", acceptKind: "accept", acceptedKind: "accepted", refusalKind: "refusal",
	relayKind: "relay",
}

// MessageName returns what the papers, or the comments here, call a message of an algorithm
// of this package, and "" for others, as those of its detector.
func MessageName(m *model.Message) string {
	if m.Tag != 0 || int(m.Kind) >= len(messageNames) {
		return ""
	}
	return messageNames[m.Kind]
}
