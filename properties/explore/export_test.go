package explore

// SetWidths makes the numbers in the states of Ticks so wide, in bits.
func SetWidths(sys System, local, link int) error { return sys.(*ticks).lay(local, link) }
