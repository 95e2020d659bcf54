package agreement

import (
	"slices"
	"testing"

	"suspect/detectors/asynctest"
	"suspect/model"
)

// The phases of the rotating coordinator, at process 0 of three (Chandra and Toueg 1996, figure
// 6): each message counts in its own round and phase alone, whenever it comes.
func TestRotatingByHand(t *testing.T) {
	t.Parallel()
	type letter struct {
		to           model.ProcessID
		kind         uint8
		round, stamp int
		value        int64
	}
	for _, decides := range []bool{false, true} {
		a, err := NewConsensus(asynctest.Everybody(0, 3), WithEventuallyS, &fixed{leader: 0}, 10, Options{})
		if err != nil {
			t.Fatal(err)
		}
		b := &table{t: t, automaton: a}
		expect := func(what string, sent []model.Message, want ...letter) {
			t.Helper()
			var got []letter
			for _, m := range sent {
				got = append(got, letter{m.To, m.Kind, roundOf(&m), stampOf(&m), m.Arg})
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		expect("phase 1", b.step(model.Input{Kind: model.Start}), letter{1, estimateKind, 1, 0, 10})
		expect("a proposal of the next round waits", b.from(2, proposalKind, 2, 0, 22))
		expect("a proposal is the coordinator's", b.from(2, proposalKind, 1, 0, 23))
		expect("an estimate to somebody else", b.from(1, estimateKind, 2, 0, 24))
		expect("phase 3 of two rounds", b.from(1, proposalKind, 1, 0, 11),
			letter{1, ackKind, 1, 0, 0}, letter{2, estimateKind, 2, 1, 11}, letter{2, ackKind, 2, 0, 0})
		expect("an estimate that is too old", b.from(2, estimateKind, 2, 0, 25))
		expect("phase 2 takes the largest stamp", b.from(1, estimateKind, 3, 1, 11),
			letter{1, proposalKind, 3, 0, 22}, letter{2, proposalKind, 3, 0, 22})
		expect("an ack of another round", b.from(1, ackKind, 2, 0, 0))
		expect("an ack of a round to come", b.from(1, ackKind, 6, 0, 0))
		if decides {
			expect("phase 4", b.from(2, ackKind, 3, 0, 0), letter{1, decideKind, 0, 0, 22}, letter{2, decideKind, 0, 0, 22})
			continue
		}
		expect("phase 4, in vain", b.from(1, nackKind, 3, 0, 0), letter{1, estimateKind, 4, 3, 22})
		expect("an ack that is too late", b.from(2, ackKind, 3, 0, 0))
	}
}
