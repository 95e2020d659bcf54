package properties

import (
	"cmp"
	"fmt"
	"slices"

	"suspect/model"
)

// describe tells what a verdict or crash was, in the past tense.
func describe(r *model.Record) string {
	switch r.Kind {
	case model.Crashed:
		return fmt.Sprintf("p%d crashed at %v", r.Process, r.At)
	case model.Trusted:
		return fmt.Sprintf("p%d trusted p%d again at %v", r.Process, r.Peer, r.At)
	}
	return fmt.Sprintf("p%d suspected p%d at %v", r.Process, r.Peer, r.At)
}

// plural returns "1 mistake" or "2 mistakes".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// sortByTime sorts records by time, and those of one instant by process and peer.
func sortByTime(records []model.Record) {
	slices.SortStableFunc(records, func(a, b model.Record) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Process, b.Process), cmp.Compare(a.Peer, b.Peer))
	})
}
