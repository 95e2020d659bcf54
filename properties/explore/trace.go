package explore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Trace is a counterexample as it is kept in a file. The states of the run are in it by
// their digests, which depend on nothing but the system; what happens between them is found
// again ([Trace.Retrace]), and stands in the file for people.
type Trace struct {
	System string            `json:"system"` // what was explored, by the name that whoever saves it knows
	Params map[string]string `json:"params,omitempty"`

	// Environment is what it was explored in, by whoever saves it.
	Environment json.RawMessage `json:"environment,omitempty"`

	Property string      `json:"property"`
	Reason   string      `json:"reason"`
	First    string      `json:"first"` // digest
	Prefix   []TraceStep `json:"prefix,omitempty"`
	Cycle    []TraceStep `json:"cycle,omitempty"` // repeated for ever
}

// TraceStep is one step.
type TraceStep struct {
	Events []string `json:"events"` // in words
	After  string   `json:"after"`  // the digest of the state after it
}

// digester is a System whose states have names that do not depend on what was learnt when.
type digester interface {
	// appendDigest appends an encoding of the state that is that of no other.
	appendDigest(b []byte, state []uint64) []byte
}

func digest(sys System, state []uint64) (string, error) {
	d, ok := sys.(digester)
	if !ok {
		return "", fmt.Errorf("explore: the states of %T have no digests", sys)
	}
	sum := sha256.Sum256(d.appendDigest(nil, state))
	return hex.EncodeToString(sum[:16]), nil
}

// Trace returns the counterexample, which was found in sys, for a file.
func (c *Counterexample) Trace(sys System, name func(*Move) []string) (*Trace, error) {
	if name == nil {
		name = func(m *Move) []string { return m.Events(plainName) }
	}
	t := &Trace{Property: c.Property}
	var err error
	if t.First, err = digest(sys, c.First); err != nil {
		return nil, err
	}
	steps := func(of []Step) (all []TraceStep, err error) {
		for i := range of {
			x := TraceStep{Events: []string{}}
			for j := range of[i].Moves {
				m := &of[i].Moves[j]
				if m.Kind == Stabilise {
					x.Events = append(x.Events, "the bounds hold from here on")
				}
				if m.Process < 0 {
					continue
				}
				for _, text := range name(m) {
					x.Events = append(x.Events, fmt.Sprintf("p%d %s", m.Process, text))
				}
			}
			if x.After, err = digest(sys, of[i].After); err != nil {
				return nil, err
			}
			all = append(all, x)
		}
		return all, nil
	}
	if t.Prefix, err = steps(c.Prefix); err != nil {
		return nil, err
	}
	t.Cycle, err = steps(c.Cycle)
	return t, err
}

// Retrace finds the run in a system, which must be one like that in which it was found, but
// without symmetry or reduction. It returns an error where the system cannot go that way.
func (t *Trace) Retrace(sys System) (*Counterexample, error) {
	c := &Counterexample{Property: t.Property}
	for {
		err := t.retrace(sys, c)
		if errors.Is(err, ErrWider) {
			*c = Counterexample{Property: t.Property} // states are void: begin anew
			continue
		}
		return c, err
	}
}

func (t *Trace) retrace(sys System, c *Counterexample) error {
	first, err := sys.First()
	if err != nil {
		return err
	}
	if d, err := digest(sys, first); err != nil || d != t.First {
		return errors.Join(errors.New("explore: the run does not begin where this system does: it is of another one"), err)
	}
	c.First = first
	now := first
	e := sys.Expander()
	var succ Successors
	for i, step := range slices.Concat(t.Prefix, t.Cycle) {
		for succ.Reset(); !e.Expand(now, &succ); succ.Reset() {
			if err := sys.Learn(now); err != nil {
				return err
			}
		}
		var found []uint64
		words := sys.Words()
		if len(succ.States) == 0 {
			succ.States = append(succ.States, now...) // the run has ended
		}
		for at := 0; at < len(succ.States) && found == nil; at += words {
			d, err := digest(sys, succ.States[at:at+words])
			if err != nil {
				return err
			}
			if d == step.After {
				found = slices.Clone(succ.States[at : at+words])
			}
		}
		if found == nil {
			return fmt.Errorf("explore: step %d of the run is not one that this system can take: the automata, or the environment, have changed", i+1)
		}
		made := Step{After: found}
		if len(succ.States) > words || !slices.Equal(found, now) {
			if made, err = sys.Follow(now, found); err != nil {
				return err
			}
		}
		if i < len(t.Prefix) {
			c.Prefix = append(c.Prefix, made)
		} else {
			c.Cycle = append(c.Cycle, made)
		}
		now = made.After
	}
	return nil
}

// Shows tells whether the run does violate the property: for safety, whether its last state
// does and none before; for liveness, whether the cycle closes and has on it what violates.
func (c *Counterexample) Shows(sys System, p Property) error {
	var v View
	states := [][]uint64{c.First}
	for _, s := range slices.Concat(c.Prefix, c.Cycle) {
		states = append(states, s.After)
	}
	if p.Safety() {
		for i, state := range states {
			sys.View(state, &v)
			if holds := p.holds(&v); holds == (i == len(states)-1) {
				return fmt.Errorf("explore: %s: the state after step %d of %d should be the first that violates it", p.Name, i, len(states)-1)
			}
		}
		return nil
	}
	if len(c.Cycle) == 0 {
		return fmt.Errorf("explore: %s: the run has no cycle", p.Name)
	}
	cycle := states[len(c.Prefix):]
	if !slices.Equal(cycle[0], cycle[len(cycle)-1]) {
		return fmt.Errorf("explore: %s: the cycle does not end where it began", p.Name)
	}
	within := true
	for _, state := range cycle {
		sys.View(state, &v)
		within = within && (p.within == nil || p.within(&v))
	}
	for _, row := range p.hits {
		all := within
		for _, hit := range row {
			some := false
			for _, state := range cycle {
				sys.View(state, &v)
				some = some || hit(&v)
			}
			all = all && some
		}
		if all {
			return nil
		}
	}
	return fmt.Errorf("explore: %s: nothing on the cycle violates it", p.Name)
}

// Save writes the trace to a file, through a temporary one.
func (t *Trace) Save(file string) error {
	text, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".trace-*")
	if err != nil {
		return err
	}
	_, err = temporary.Write(append(text, '\n'))
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	if err != nil {
		os.Remove(temporary.Name())
	}
	return err
}

// ParseTrace reads a text that [Trace.Save] wrote.
func ParseTrace(text []byte) (*Trace, error) {
	t := new(Trace)
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(t); err != nil {
		return nil, fmt.Errorf("not the run of an exploration: %w", err)
	}
	if t.System == "" || t.First == "" {
		return nil, errors.New("not the run of an exploration: it has no system, or no first state")
	}
	return t, nil
}

func (t *ticks) appendDigest(b []byte, state []uint64) []byte {
	b = append(b, byte(t.layout.stable.get(state)))
	keys := t.mail.keys()
	for p := range t.N {
		var key []byte
		if l := t.locals[p].list[t.layout.local[p].get(state)]; l != nil {
			key = l.appendKey(nil)
		}
		b = binary.AppendUvarint(appendBytes(b, key), t.layout.pause[p].get(state))
		for q := range t.N {
			letters := t.mail.contents[t.layout.link[p*t.N+q].get(state)]
			b = binary.AppendUvarint(b, uint64(len(letters)))
			b = appendSorted(b, len(letters), func(i int) []byte {
				return appendBytes([]byte{letters[i].age}, []byte(keys[letters[i].class]))
			})
		}
	}
	return b
}

func (t *interleaved) appendDigest(b []byte, state []uint64) []byte {
	keys := t.post.keys()
	b = binary.AppendUvarint(b, t.layout.losses.get(state))
	b = binary.AppendUvarint(b, t.layout.duplicates.get(state))
	for p := range t.N {
		b = appendBytes(b, t.stations[p].list[t.layout.local[p].get(state)].appendKey(nil))
		b = binary.AppendUvarint(b, t.layout.told[p].get(state))
		for q := range t.N {
			letters := t.post.contents[t.layout.link[p*t.N+q].get(state)]
			b = binary.AppendUvarint(b, uint64(len(letters)))
			if t.Ordered {
				for _, class := range letters {
					b = appendBytes(b, []byte(keys[class]))
				}
				continue
			}
			b = appendSorted(b, len(letters), func(i int) []byte { return []byte(keys[letters[i]]) })
		}
	}
	return b
}

// keys returns the keys of the classes.
func (x *mail) keys() []string {
	keys := make([]string, len(x.samples))
	for key, id := range x.classIDs {
		keys[id] = key
	}
	return keys
}

// appendSorted appends n texts in their order.
func appendSorted(b []byte, n int, text func(i int) []byte) []byte {
	texts := make([][]byte, n)
	for i := range texts {
		texts[i] = text(i)
	}
	slices.SortFunc(texts, bytes.Compare)
	for _, x := range texts {
		b = appendBytes(b, x)
	}
	return b
}
