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
//	network HOSTS NODE-NODE ...         the map for the detectors made below, instead of three hosts at switch 3
//	make DETECTOR PARAMETER=VALUE ...   a detector on process 0, watching 1 and 2
//	start t=TIME
//	wake t=TIME
//	deliver t=TIME from=PROCESS seq=NUMBER kind=NUMBER arg=NUMBER   kind 1, a heartbeat, if none is given
//	inform t=TIME evidence=KIND from=NODE about=NODE layer=LAYER alive=BOOL killed=BOOL incarnation=NUMBER
//	       seq=NUMBER place=PLACE value=NUMBER lost=NUMBER cause=CAUSE links=PLACE,...   from 1, about 1, of no layer's life, if none is given
//	until t=TIME                        all wake-ups asked for, up to that time
//	explain t=TIME peer=PROCESS         the findings on a peer, and their reasons
//
// Names are those of package model; a place is link=NUMBER, node=NUMBER or nowhere, as link:3, and
// requests, which are numbered by their time, show as that: a seq may be written so too.
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
	network   *model.Graph
	automaton model.Automaton
	out       model.Output
	text      strings.Builder
}

func (s *stepper) command(t *testing.T, verb string, args []string) error {
	if verb == "network" {
		var err error
		s.network, err = parseNetwork(args)
		return err
	}
	if verb == "make" {
		given := map[string]string{}
		for _, arg := range args[1:] {
			name, value, _ := strings.Cut(arg, "=")
			given[name] = value
		}
		peers := []model.ProcessID{1, 2}
		var err error
		s.automaton, err = build(t, args[0], given)(detectors.Env{Self: 0, N: 3, Watch: peers, Watchers: peers, Map: s.graph()})
		s.out.Reset()
		return err
	}
	var at model.Duration
	var message model.Message
	message.Kind = detectors.HeartbeatKind
	evidence := model.Evidence{From: 1, About: 1}
	peer := model.ProcessID(1)
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		var n int64
		var err error
		switch name {
		case "t":
			at, err = model.ParseDuration(value)
		case "from":
			n, err = strconv.ParseInt(value, 10, 32)
			message.From, evidence.From = model.ProcessID(n), model.ProcessID(n)
		case "kind":
			n, err = strconv.ParseInt(value, 10, 8)
			message.Kind = uint8(n)
		case "seq":
			message.Seq, err = parseSeq(value)
			evidence.Seq = message.Seq
		case "arg":
			message.Arg, err = strconv.ParseInt(value, 10, 64)
		case "peer":
			n, err = strconv.ParseInt(value, 10, 32)
			peer = model.ProcessID(n)
		default:
			err = setEvidence(&evidence, name, value)
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
	case "inform":
		s.step(now, model.Input{Kind: model.Inform, Evidence: &evidence})
	case "explain":
		s.explain(peer, now)
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
		if m.Layer != model.ProcessLayer {
			s.text.WriteString(request(&m))
			continue
		}
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
			fmt.Fprintf(&s.text, " suspects p%d", v.Peer)
		} else {
			fmt.Fprintf(&s.text, " trusts p%d", v.Peer)
		}
		if v.Kind != model.Unspecified {
			fmt.Fprintf(&s.text, " of %v", v.Kind)
		}
		s.text.WriteString(details(v.Warning, v.Certainty, v.Place, v.Lasts) + ";")
	}
	fmt.Fprintf(&s.text, " next %v\n", s.out.Wake)
}

// first chooses the first of everything.
type first struct{}

func (first) IntN(int) int { return 0 }

// explain writes what is held of a peer, and why.
func (s *stepper) explain(peer model.ProcessID, now model.Time) {
	for _, f := range s.automaton.(detectors.Typed).Findings(peer, now, nil) {
		fmt.Fprintf(&s.text, "  %v%s, since %v\n", f.Kind, details(f.Warning, f.Certainty, f.Place, f.Lasts), f.Since)
	}
	if e, ok := s.automaton.(detectors.Explainer); ok {
		for _, r := range e.Explain(peer, now, nil) {
			fmt.Fprintf(&s.text, "  %v\n", r)
		}
	}
	if f, ok := s.automaton.(interface {
		Status(model.ProcessID) detectors.FalconStatus
	}); ok {
		fmt.Fprintf(&s.text, "  status %v\n", f.Status(peer))
	}
}

// graph is the map of the detectors that are made.
func (s *stepper) graph() *model.Graph {
	if s.network != nil {
		return s.network
	}
	return starOf(3)
}

// parseNetwork reads the number of hosts and the links of a map.
func parseNetwork(words []string) (*model.Graph, error) {
	hosts, err := strconv.Atoi(words[0])
	g := &model.Graph{Nodes: hosts, Hosts: hosts}
	for _, word := range words[1:] {
		var l [2]model.ProcessID
		if _, err := fmt.Sscanf(word, "%d-%d", &l[0], &l[1]); err != nil {
			return nil, err
		}
		g.Links = append(g.Links, l)
		g.Nodes = max(g.Nodes, int(l[0])+1, int(l[1])+1)
	}
	return g, err
}

// parseSeq reads a number, or a time, which is that of a request, whose number is one more.
func parseSeq(s string) (int64, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	d, err := model.ParseDuration(s)
	return int64(d) + 1, err
}

// named returns the value below end whose name is s.
func named[T interface {
	~uint8
	fmt.Stringer
}](s string, end T) (v T, err error) {
	for v = range end {
		if v.String() == s {
			return v, nil
		}
	}
	return 0, fmt.Errorf("unknown name %q", s)
}

func parsePlace(s string) (model.Place, error) {
	what, number, _ := strings.Cut(s, ":")
	n, err := strconv.ParseInt(number, 10, 32)
	switch what {
	case "link":
		return model.LinkPlace(int32(n)), err
	case "node":
		return model.NodePlace(model.ProcessID(n)), err
	}
	return model.Nowhere, fmt.Errorf("%q is not a place", s)
}

// setEvidence sets a field of evidence.
func setEvidence(e *model.Evidence, name, value string) (err error) {
	var n int64
	switch name {
	case "evidence":
		e.Kind, err = named(value, model.EvidenceKinds)
	case "about":
		n, err = strconv.ParseInt(value, 10, 32)
		e.About = model.ProcessID(n)
	case "layer":
		e.Layer, err = named(value, model.Layers)
	case "alive":
		e.Alive, err = strconv.ParseBool(value)
	case "killed":
		e.Killed, err = strconv.ParseBool(value)
	case "incarnation":
		e.Incarnation, err = strconv.ParseInt(value, 10, 64)
	case "value":
		e.Value, err = strconv.ParseInt(value, 10, 64)
	case "lost":
		e.Lost, err = strconv.ParseInt(value, 10, 64)
	case "cause":
		e.Cause, err = named(value, model.DropCauses)
	case "place":
		e.Place, err = parsePlace(value)
	case "links":
		for _, word := range strings.Split(value, ",") {
			var p model.Place
			if p, err = parsePlace(word); err != nil {
				return err
			}
			e.Links = append(e.Links, p)
		}
	default:
		err = fmt.Errorf("unknown argument %q", name)
	}
	return err
}

// request writes a request to an agent, to the system of host 1 to kill the second
// incarnation of its process as " asks system of n1: kill process 2;".
func request(m *model.Message) string {
	r := model.Request(m.Kind)
	var what string
	switch {
	case m.Layer == model.SwitchLayer && (r == model.Subscribe || m.Arg < 0):
		what = "all"
	case m.Layer == model.SwitchLayer:
		what = fmt.Sprintf("n%d", m.Arg)
	case r == model.Subscribe:
		what = "changes"
	case r == model.Kill:
		layer, incarnation := model.VictimOf(m.Arg)
		if what = layer.String(); incarnation != 0 {
			what += fmt.Sprintf(" %d", incarnation)
		}
	default:
		what = model.Layer(m.Arg).String()
	}
	return fmt.Sprintf(" asks %v of n%d: %v %s;", m.Layer, m.To, r, what)
}

// details writes what a finding tells beyond its kind.
func details(warning bool, c model.Certainty, p model.Place, lasts model.Duration) string {
	var b strings.Builder
	if p != model.Nowhere {
		fmt.Fprintf(&b, " at %v", p)
	}
	if warning {
		b.WriteString(", to come")
	}
	switch {
	case c == model.Certain:
		b.WriteString(", certain")
	case c > 0:
		fmt.Fprintf(&b, ", certainty %d", c)
	}
	switch {
	case lasts == model.Forever:
		b.WriteString(", for ever")
	case lasts > 0:
		fmt.Fprintf(&b, ", for %v", lasts)
	}
	return b.String()
}
