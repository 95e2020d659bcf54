package properties

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Flags of go test, in the packages that use [Test].
var (
	seedFlag   *string
	runsFlag   *int
	replayFlag *string
)

func init() {
	if !testing.Testing() {
		return
	}
	seedFlag = flag.String("properties.seed", "1", "seed of the failure plans of properties.Test: a number, or random")
	runsFlag = flag.Int("properties.runs", 0, "failure plans for each subject of properties.Test; 0 is for 200")
	replayFlag = flag.String("properties.replay", "", "a counterexample of properties.Test: run it and nothing else")
}

// Test tests a detector against a claim: that it is of a class under conditions, which is
// tried in random failure plans that shrink to a smallest one. Each of [Subjects] is a
// subtest, and so are the counterexamples that were found before, which come first.
//
// It prints its seed in any case. The same seed gives the same plans; -properties.seed sets
// another one, or random, and -properties.runs how many plans there are. A counterexample
// is written to testdata/counterexamples/TEST/SUBJECT.json, to be committed with the change
// that mends it, and -properties.replay=FILE runs it alone and logs what happens in it.
func Test(t *testing.T, factory Factory, claim Claim) {
	t.Helper()
	if err := claim.Check(); err != nil {
		t.Fatal(err)
	}
	seed, err := chosenSeed(*seedFlag)
	if err != nil {
		t.Fatal(err)
	}
	s := &Suite{New: factory, Claim: claim, Seed: seed, Runs: *runsFlag}
	if *replayFlag != "" {
		rerun(t, s, *replayFlag, true)
		return
	}
	t.Logf("seed %d (-properties.seed=%d)", seed, seed)
	dir := filepath.Join("testdata", "counterexamples", filepath.FromSlash(t.Name()))
	saved, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(saved)
	for _, file := range saved {
		t.Run("again/"+strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) { rerun(t, s, file, false) })
	}
	for _, name := range Subjects() {
		t.Run(name, func(t *testing.T) {
			found := s.Examine(name)
			if found.Outcome == Holds {
				t.Logf("%s, %d of them with something to judge. %s", plural(found.Runs, "plan"), found.Judged, found.Reason)
				return
			}
			t.Errorf("%s of %v: %s", name, claim.Class, found.Reason)
			if found.Plan == nil || name == Outside {
				return
			}
			t.Logf("in plan %d, made smaller in %d steps:\n%s", found.First, found.Shrunk, strings.Join(s.Story(found.Plan), "\n"))
			file := filepath.Join(dir, name+".json")
			if err := (&Counterexample{Subject: name, Reason: found.Reason, Plan: found.Plan}).Save(file); err != nil {
				t.Logf("the counterexample could not be kept: %v; it is\n%v", err, found.Plan)
				return
			}
			t.Logf("run it with -run '^%s$' -properties.replay=%s", strings.ReplaceAll(t.Name()[:len(t.Name())-len(name)-1], "/", "$/^"), file)
		})
	}
}

// chosenSeed returns the seed that a flag asks for.
func chosenSeed(text string) (uint64, error) {
	if text == "random" {
		return randomSeed()
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("-properties.seed=%s: it is a number from 0 to 2^64-1, or random", text)
	}
	return seed, nil
}

// rerun judges a counterexample.
func rerun(t *testing.T, s *Suite, file string, tell bool) {
	c, err := ReadCounterexample(file)
	if err != nil {
		t.Fatal(err)
	}
	if tell {
		t.Logf("%s:\n%s", file, strings.Join(s.Story(c.Plan), "\n"))
	}
	if found := s.Rerun(c.Subject, c.Plan); found.Outcome != Holds {
		t.Errorf("%s: %s is violated: %s", file, c.Subject, found.Reason)
	}
}

// Counterexample is a failure plan for which a subject of a suite was violated, as it is
// kept in a file.
type Counterexample struct {
	Subject  string            `json:"subject"`
	Reason   string            `json:"reason"`
	Detector string            `json:"detector,omitempty"` // its name, where it has one
	Params   map[string]string `json:"params,omitempty"`
	Class    string            `json:"class,omitempty"`
	Plan     *Plan             `json:"plan"`
}

// Save writes c to a file, through a temporary one, and makes its directory if need be.
func (c *Counterexample) Save(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".counterexample-*")
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

// ReadCounterexample reads a file that [Counterexample.Save] wrote.
func ReadCounterexample(file string) (*Counterexample, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c, err := ParseCounterexample(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

// ParseCounterexample reads a text that [Counterexample.Save] wrote.
func ParseCounterexample(text []byte) (*Counterexample, error) {
	c := new(Counterexample)
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	switch err := d.Decode(c); {
	case err != nil:
		return nil, fmt.Errorf("not a counterexample: %w", err)
	case c.Plan == nil:
		return nil, errors.New("not a counterexample: it has no plan")
	case !slices.Contains([]string{Complete, Accurate, Copies}, c.Subject):
		return nil, fmt.Errorf("a counterexample to %q: there is no such subject (subjects: %s, %s, %s)", c.Subject, Complete, Accurate, Copies)
	}
	return c, c.Plan.Check()
}

// randomSeed returns a seed that nobody chose.
func randomSeed() (uint64, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b[:]) >> 1, nil
}
