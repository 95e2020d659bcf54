package explore

import "math/bits"

// The properties of Chandra and Toueg (1996), section 2.2, of whatever the processes
// suspect of one another. A run without a correct process counts for nothing.

// StrongAccuracy: no process is suspected before it crashes, by one that has not
// crashed. It is safety.
func StrongAccuracy() Property {
	return Always("strong-accuracy", accurate)
}

// EventualStrongAccuracy: from some time on, no correct process is suspected by a
// correct one.
func EventualStrongAccuracy(fair Fairness) Property {
	return EventuallyAlways("eventual-strong-accuracy", fair, accurate)
}

func accurate(v *View) bool {
	for p := range v.N {
		if v.Alive(p) && v.Suspects[p]&v.Up != 0 {
			return false
		}
	}
	return true
}

// EventualWeakAccuracy: from some time on, some correct process is suspected by no correct
// one.
func EventualWeakAccuracy(fair Fairness, processes int) Property {
	row := []Predicate{someoneUp}
	for q := range processes {
		row = append(row, func(v *View) bool { return !v.Alive(q) || suspectedBySome(v, q) })
	}
	return Recurrence("eventual-weak-accuracy", fair, row)
}

func someoneUp(v *View) bool { return v.Up != 0 }

func suspectedBySome(v *View, q int) bool {
	for p := range v.N {
		if v.Alive(p) && v.Suspected(p, q) {
			return true
		}
	}
	return false
}

// StrongCompleteness: from some time on, every process that has crashed is suspected by
// every correct one.
func StrongCompleteness(fair Fairness) Property {
	return EventuallyAlways("strong-completeness", fair, func(v *View) bool {
		crashed := (uint64(1)<<v.N - 1) &^ v.Up
		for up := v.Up; up != 0; up &= up - 1 {
			if crashed&^v.Suspects[bits.TrailingZeros64(up)] != 0 {
				return false
			}
		}
		return true
	})
}

// WeakCompleteness: from some time on, every process that has crashed is suspected by
// some correct one, and always by the same.
func WeakCompleteness(fair Fairness, processes int) Property {
	var rows [][]Predicate
	for q := range processes {
		row := []Predicate{func(v *View) bool { return v.Up != 0 && !v.Alive(q) }}
		for p := range processes {
			if p != q {
				row = append(row, func(v *View) bool { return !v.Alive(p) || !v.Suspected(p, q) })
			}
		}
		rows = append(rows, row)
	}
	return Recurrence("weak-completeness", fair, rows...)
}
