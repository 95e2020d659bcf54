package qjump

import "suspect/model"

// Demoted returns the priority that the kernel module of QJUMP (sch_qjump.c,
// qjump_enqueue, camsas/qjump-tc) tries after the given one: the next lower, but 0
// after 3, as the module has no levels at priorities 1 and 2. There is none after 0.
func Demoted(p model.Priority) (model.Priority, bool) {
	switch p {
	case 0:
		return 0, false
	case 3:
		return 0, true
	}
	return p - 1, true
}
