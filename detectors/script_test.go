package detectors_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"suspect/detectors"
	"suspect/model"
)

var update = flag.Bool("update", false, "rewrite the expected output of the scripts")

// TestScripts steps detectors by hand through testdata/*.txt. A script opens with
// a paragraph of intent. Then come commands, each with its expected output,
// indented, below it:
//
//	make DETECTOR PARAMETER=VALUE ...   a detector on process 0, watching 1 and 2
//	start t=TIME
//	wake t=TIME
//	deliver t=TIME from=PROCESS seq=NUMBER kind=NUMBER arg=NUMBER   kind 1, a heartbeat, if none is given
//	until t=TIME                        all wake-ups asked for, up to that time
//
// After a change that is meant to change the output, run
//
//	go test ./detectors -run TestScripts -update
//
// read every line of the difference, and explain it to yourself before keeping it.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 3 {
		t.Fatal("too few scripts", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(want))
			if *update {
				if !bytes.Equal(want, []byte(got)) {
					err = os.WriteFile(file, []byte(got), 0o644)
				}
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// runScript returns the script with the output that its commands give.
func runScript(t *testing.T, text string) string {
	var b strings.Builder
	var s stepper
	for number, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if strings.HasPrefix(line, " ") {
			continue // old output
		}
		fmt.Fprintln(&b, line)
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		if err := s.command(t, fields[0], fields[1:]); err != nil {
			t.Fatalf("line %d: %s: %v", number+1, line, err)
		}
		b.WriteString(s.text.String())
		s.text.Reset()
	}
	return b.String()
}

type stepper struct {
	automaton model.Automaton
	out       model.Output
	text      strings.Builder
}

func (s *stepper) command(t *testing.T, verb string, args []string) error {
	if verb == "make" {
		given := map[string]string{}
		for _, arg := range args[1:] {
			name, value, _ := strings.Cut(arg, "=")
			given[name] = value
		}
		peers := []model.ProcessID{1, 2}
		var err error
		s.automaton, err = build(t, args[0], given)(detectors.Env{Self: 0, N: 3, Watch: peers, Watchers: peers})
		s.out.Reset()
		return err
	}
	var at model.Duration
	var message model.Message
	message.Kind = detectors.HeartbeatKind
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		var n int64
		var err error
		switch name {
		case "t":
			at, err = model.ParseDuration(value)
		case "from":
			n, err = strconv.ParseInt(value, 10, 32)
			message.From = model.ProcessID(n)
		case "kind":
			n, err = strconv.ParseInt(value, 10, 8)
			message.Kind = uint8(n)
		case "seq":
			message.Seq, err = strconv.ParseInt(value, 10, 64)
		case "arg":
			message.Arg, err = strconv.ParseInt(value, 10, 64)
		default:
			err = fmt.Errorf("unknown argument %q", name)
		}
		if err != nil {
			return err
		}
	}
	now := model.Time(at)
	switch verb {
	case "start":
		s.step(now, model.Input{Kind: model.Start})
	case "wake":
		s.step(now, model.Input{Kind: model.Wake})
	case "deliver":
		s.step(now, model.Input{Kind: model.Deliver, Message: message})
	case "until":
		for s.out.Wake <= now {
			s.step(s.out.Wake, model.Input{Kind: model.Wake})
		}
	default:
		return fmt.Errorf("unknown command %q", verb)
	}
	return nil
}

func (s *stepper) step(now model.Time, in model.Input) {
	s.out.Reset()
	in.Random = first{}
	s.automaton.Step(now, &in, &s.out)
	fmt.Fprintf(&s.text, "  %v:", now)
	for _, m := range s.out.Send {
		if m.Kind != detectors.HeartbeatKind {
			fmt.Fprintf(&s.text, " sends kind %d,", m.Kind)
		} else {
			s.text.WriteString(" sends")
		}
		fmt.Fprintf(&s.text, " %d to p%d", m.Seq, m.To)
		if body, ok := m.Body.(fmt.Stringer); ok {
			fmt.Fprintf(&s.text, " with %v", body)
		}
		s.text.WriteString(";")
	}
	for _, v := range s.out.Verdicts {
		if v.Suspected {
			fmt.Fprintf(&s.text, " suspects p%d;", v.Peer)
		} else {
			fmt.Fprintf(&s.text, " trusts p%d;", v.Peer)
		}
	}
	fmt.Fprintf(&s.text, " next %v\n", s.out.Wake)
}

// first chooses the first of everything.
type first struct{}

func (first) IntN(int) int { return 0 }
