package guarantee

import "suspect/network"

// Line returns the index in Flows of the line that a pair of hosts belongs to at a
// priority, or -1 where there is none.
func (r *Report) Line(priority int, from, to network.NodeID) int {
	for i := range r.Flows {
		if f := &r.Flows[i]; f.Priority == priority && f.has != nil && f.has(from, to) {
			return i
		}
	}
	return -1
}
