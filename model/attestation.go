package model

// Attestation is the statement "By's application says: Of's application is correct", signed by
// By, for a group, until a time (Freedman, Stoica, Mazieres and Shenker, "Group therapy for
// systems: using link attestations to manage failure", 2006).
//
// What it means follows from who signs: a correct process attests to correct ones only, and a
// failed one to anybody, so if By is correct, Of is. Two that attest to each other are
// both correct or both failed. That a process attests to nobody, or nobody to it, means nothing:
// it need not. Here times are on one clock, and that a test of correctness is right is
// assumed.
type Attestation struct {
	Group  int64
	By, Of ProcessID
	Until  Time // it is in force before
}

// Attestations are those that somebody has collected, of processes 0 to 63.
type Attestations []Attestation

// Allows tells whether at time now exactly the given processes may be correct, by what is in
// force of the group.
func (s Attestations) Allows(group int64, now Time, correct ProcessSet) bool {
	for _, a := range s {
		if a.Group == group && now < a.Until && correct.Has(a.By) && !correct.Has(a.Of) {
			return false
		}
	}
	return true
}

// Implied returns the processes that are correct if p is: those to which attestations in
// force lead from p, itself included. No others follow.
func (s Attestations) Implied(group int64, now Time, p ProcessID) ProcessSet {
	reached := ProcessesOf(p)
	for grown := true; grown; {
		grown = false
		for _, a := range s {
			if a.Group == group && now < a.Until && reached.Has(a.By) && !reached.Has(a.Of) {
				reached |= ProcessesOf(a.Of)
				grown = true
			}
		}
	}
	return reached
}

// Alike returns the processes that are correct exactly if p is: all of them are, or all have
// failed. They are the strongly connected component of p among the attestations in force.
func (s Attestations) Alike(group int64, now Time, p ProcessID) (alike ProcessSet) {
	implied := s.Implied(group, now, p)
	for q := range ProcessID(64) {
		if implied.Has(q) && s.Implied(group, now, q).Has(p) {
			alike |= ProcessesOf(q)
		}
	}
	return alike
}
