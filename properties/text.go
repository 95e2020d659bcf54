package properties

import (
	"cmp"
	"fmt"
	"slices"

	"suspect/model"
)

// describe tells what a suspicion was, in the past tense.
func (env Env) describe(r *model.Record) string {
	return fmt.Sprintf("%s suspected %s at %v", env.name(r.Process), env.name(r.Peer), r.At)
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
