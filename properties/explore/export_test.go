package explore

// SetWidths makes the numbers in the states of Ticks so wide, in bits.
func SetWidths(sys System, local, link int) error { return sys.(*ticks).lay(local, link) }

// InOrder returns the keys of the visited states in the order of their numbers, and after
// those of a shard the states that they were found from.
func InOrder(s *Search) (all []uint64) {
	for i := range s.store.shards {
		all = append(all, s.store.shards[i].keys...)
		for _, id := range s.store.shards[i].parents {
			all = append(all, uint64(id))
		}
	}
	return all
}

// Digest returns the digest of a state.
func Digest(sys System, state []uint64) (string, error) { return digest(sys, state) }
