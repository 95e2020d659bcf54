package properties

import (
	"suspect/model"
)

// Leak is a fold that measures what the reports of one detector betray of the topology. A
// run for it breaks the elements of the network one after the other, each for itself: links
// and switches. Whoever hears all reports of all monitors, with as much as they tell, but
// does not know the network, can tell two elements apart if the reports that followed their
// failures differ in who said what of whom, where, how certainly, or as a warning. When they
// came is not looked at. The elements that look alike form groups, and the leak is the
// information in bits that the reports give about which element failed, each being equally
// likely:
//
//	log2 n - (1/n) sum over the groups of g*log2 g,  for groups of g among n elements.
//
// It is 0 if all look alike and log2 n if no two do. A group of k hides its members among
// k, as k-anonymity asks (Sweeney 2002).
type Leak struct {
	detector uint8
	struck   []element
	present  map[told]bool
}

// element is one failure, with what was told from then on until the next.
type element struct {
	place     model.Place
	signature [2]uint64
}

// told is a report, as an outsider hears it.
type told struct {
	monitor, peer model.ProcessID
	kind          model.FailureKind
	warning       bool
	certainty     model.Certainty
	place         int32
}

// Leaked is what a [Leak] found.
type Leaked struct {
	Elements int     // that failed, each counted once
	Groups   int     // of elements that look alike
	Smallest int     // size of the smallest group
	Bits     float64 // that reports tell of which element failed
	Most     float64 // what they could: log2 of Elements
}

// NewLeak returns the fold for a detector.
func NewLeak(detector uint8) *Leak {
	return &Leak{detector: detector, present: map[told]bool{}}
}

// Kinds returns the records that the fold wants.
func (l *Leak) Kinds() model.Kinds {
	return model.KindSet(model.Suspected, model.LinkWentDown, model.SwitchWentDown)
}

// Observe takes the next record.
func (l *Leak) Observe(r *model.Record) {
	switch r.Kind {
	case model.LinkWentDown: // both directions are one element
		l.strike(model.LinkPlace(r.Place &^ 1))
	case model.SwitchWentDown:
		l.strike(model.NodePlace(r.Process))
	case model.Suspected:
		if r.Detector != l.detector || len(l.struck) == 0 {
			return
		}
		t := told{r.Process, r.Peer, r.Failure, r.Warning, r.Certainty, r.Place}
		if l.present[t] {
			return
		}
		l.present[t] = true
		// What was told is a set: its signature does not depend on the order.
		s := &l.struck[len(l.struck)-1].signature
		x := uint64(uint32(t.monitor))<<32 | uint64(uint32(t.peer))
		y := uint64(t.certainty)<<48 | uint64(t.kind)<<40 | uint64(uint32(t.place))
		if t.warning {
			y |= 1 << 32
		}
		s[0] += scramble(x ^ scramble(y))
		s[1] += scramble(y ^ scramble(^x))
	}
}

// strike begins what is told of another element.
func (l *Leak) strike(place model.Place) {
	if n := len(l.struck); n > 0 && l.struck[n-1].place == place {
		return
	}
	l.struck = append(l.struck, element{place: place})
	clear(l.present)
}

// scramble is the finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Finish returns what was found. Of an element that failed several times the first counts.
func (l *Leak) Finish() Leaked {
	seen := map[model.Place]bool{}
	sizes := map[[2]uint64]int{}
	var order [][2]uint64
	var found Leaked
	for _, e := range l.struck {
		if seen[e.place] {
			continue
		}
		seen[e.place] = true
		found.Elements++
		if sizes[e.signature]++; sizes[e.signature] == 1 {
			order = append(order, e.signature)
		}
	}
	if found.Elements == 0 {
		return found
	}
	n := float64(found.Elements)
	found.Groups, found.Smallest, found.Most = len(order), found.Elements, log2(n)
	found.Bits = found.Most
	for _, s := range order {
		g := float64(sizes[s])
		found.Smallest = min(found.Smallest, sizes[s])
		found.Bits -= float64(g / n * log2(g))
	}
	found.Bits = max(found.Bits, 0)
	return found
}
