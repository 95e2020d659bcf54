package reproduce

import (
	"slices"
	"strings"
	"testing"

	"suspect/detectors"
	"suspect/experiments/scenario"
	"suspect/model"
	"suspect/properties"
)

// Small runs of the matrix say what large ones do, and every scenario among the files can
// be run.
func TestKindMatrixFiles(t *testing.T) {
	d := run(t, "kind-matrix", 0, map[string]string{
		"replications": "2", "networks": "leaf-spine", "faults": "process crash, incast", "detectors": "link-state, merger", "leak": "false",
	})
	agree(t, d)
	scenarios := 0
	for _, f := range d.Files() {
		if !strings.HasSuffix(f.Name, ".yaml") {
			continue
		}
		scenarios++
		if _, err := scenario.Parse(f.Name, f.Data, nil); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		for _, a := range matrixArms {
			if _, err := scenario.Parse(f.Name, f.Data, []string{"detectors=" + a.detectors()}); err != nil {
				t.Errorf("%s with %s: %v", f.Name, a.name(), err)
			}
		}
	}
	if scenarios != 2 {
		t.Errorf("%d scenarios", scenarios)
	}
}

// Every registered typed detector is in the matrix, and every column can be run on every
// network with every detector.
func TestKindMatrixIsComplete(t *testing.T) {
	var names []string
	for _, a := range matrixArms {
		names = append(names, a.names()...)
	}
	for _, spec := range detectors.All() {
		if spec.Typed && !slices.Contains(names, spec.Name) {
			t.Errorf("the typed detector %s is not in the matrix", spec.Name)
		}
	}
	for _, n := range matrixNets {
		for _, f := range matrixFaults {
			for _, a := range matrixArms {
				s, err := n.scenario(f, a, 1, 2)
				if err != nil {
					t.Fatalf("%s, %s, %s: %v", n.name, f.name, a.name(), err)
				}
				if len(s.Panels()) != 1 {
					t.Errorf("the detectors of %s do not share messages: one would disturb another", a.name())
				}
			}
		}
	}
}

// What the fold on coverage says of tales told by hand, in a run of two processes.
func TestCoverage(t *testing.T) {
	const ms = model.Time(model.Millisecond)
	strike := model.Time(matrixStrikes)
	began := func(at model.Time, k model.FailureKind) model.Record {
		return model.Record{At: at, Kind: model.FailureBegan, Process: 0, Peer: 1, Failure: k}
	}
	says := func(at model.Time, k model.FailureKind) model.Record {
		return model.Record{At: at, Kind: model.Suspected, Process: 0, Peer: 1, Failure: k}
	}
	change := func(r model.Record, kind model.RecordKind) model.Record {
		r.Kind = kind
		return r
	}
	crash := model.Record{At: strike, Kind: model.Crashed, Process: 0, Peer: model.Nobody}
	warning := says(strike+5*ms, model.Partition)
	warning.Warning = true
	rival := began(strike, model.Congestion)
	rival.Detector = 1
	for _, c := range []struct {
		name    string
		records []model.Record
		pairs   int
		want    affected
		strayed int
	}{
		{"nothing", nil, 0, affected{}, 0},
		{"before the fault", []model.Record{began(strike-ms, model.Partition), says(strike, model.Partition)}, 0, affected{}, 0},
		{"from nowhere", []model.Record{says(strike, model.Partition)}, 0, affected{}, 1},
		{"only by another definition", []model.Record{rival}, 0, affected{}, 0},
		{"never seen", []model.Record{began(strike, model.Partition)}, 1, affected{label: model.Partition}, 0},
		{"only a warning", []model.Record{began(strike, model.Partition), warning}, 1, affected{label: model.Partition}, 0},
		{"seen", []model.Record{began(strike, model.Partition), says(strike+7*ms, model.Partition)}, 1,
			affected{label: model.Partition, detected: true, time: 7 * model.Millisecond, first: model.Partition, right: true, named: model.Partition}, 0},
		{"seen before", []model.Record{says(strike-ms, model.Partition), began(strike, model.Partition)}, 1,
			affected{label: model.Partition, detected: true, first: model.Partition, right: true, named: model.Partition}, 1},
		{"taken for another", []model.Record{began(strike, model.Partition), says(strike+7*ms, model.HostCrash)}, 1,
			affected{label: model.Partition, detected: true, time: 7 * model.Millisecond, first: model.HostCrash}, 0},
		{"first for another", []model.Record{began(strike, model.Partition), says(strike+7*ms, model.HostCrash), says(strike+9*ms, model.Partition)}, 1,
			affected{label: model.Partition, detected: true, time: 7 * model.Millisecond, first: model.HostCrash, right: true, named: model.Partition}, 0},
		{"two at once", []model.Record{began(strike, model.Congestion), began(strike, model.Partition)}, 1, affected{label: model.Partition}, 0},
		{"shortly after", []model.Record{began(strike, model.Wedge), change(began(strike+ms, model.Wedge), model.FailureEnded), says(strike+9*ms, model.Wedge)}, 1,
			affected{label: model.Wedge, detected: true, time: 9 * model.Millisecond, first: model.Wedge, right: true, named: model.Wedge}, 0},
		{"too late", []model.Record{began(strike, model.Wedge), change(began(strike+ms, model.Wedge), model.FailureEnded), says(strike+502*ms, model.Wedge)}, 1, affected{label: model.Wedge}, 1},
		{"after the heal", []model.Record{began(strike, model.Wedge), says(model.Time(matrixHeals), model.Wedge)}, 1, affected{label: model.Wedge}, 0},
		{"by one that crashed", []model.Record{crash, began(strike, model.Wedge)}, 0, affected{}, 0},
		{"the last words of one that crashed", []model.Record{crash, began(strike, model.Wedge), says(strike+ms, model.Wedge)}, 0, affected{}, 0},
		{"unsaid in time", []model.Record{says(strike-9*ms, model.Wedge), change(says(strike-ms, model.Wedge), model.Trusted), began(strike, model.Wedge)}, 1, affected{label: model.Wedge}, 1},
	} {
		f := newCoverage(properties.Env{N: 2, Watch: [][]model.ProcessID{{1}, nil}})
		for i := range c.records {
			f.Observe(&c.records[i])
		}
		got := f.affected()
		if len(got) != c.pairs || c.pairs > 0 && got[0] != c.want || f.strayed != c.strayed {
			t.Errorf("%s: %+v, %d strayed", c.name, got, f.strayed)
		}
	}
}

// The leak of a detector that sees nothing is nothing.
func TestLeakRuns(t *testing.T) {
	for _, l := range planLeaks(matrixNets[0], matrixArms) {
		if l.name() != "badabing" && l.name() != "falcon" {
			continue
		}
		text, err := l.text(1)
		if err != nil {
			t.Fatal(err)
		}
		s, err := scenario.Parse("leak.yaml", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		if topology := &s.Network.Topology; len(s.Faults) != len(topology.Links)+len(topology.Names)-topology.Hosts {
			t.Errorf("%d faults", len(s.Faults))
		}
		if l.name() == "falcon" && !strings.Contains(text, "lethal: false") {
			t.Error("Falcon kills")
		}
	}
}
