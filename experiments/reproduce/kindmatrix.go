package reproduce

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"suspect/experiments/report"
	"suspect/model"
	"suspect/properties"
)

func init() {
	Register(Spec{
		Name: "kind-matrix",
		Doc: "Every detector that names kinds of failure, and some that do not, against every fault: what it sees, how soon, and what it calls it. " +
			"The truth is the state of the network, never the name of the fault.",
		Source: "the form of the tables, mechanisms by faults with detection times, is that of M. Walfish's talk \"Failure detection as a network abstraction\"; " +
			"the detectors have sources of their own, among them Falcon (SOSP 2011), Pigeon (NSDI 2013), Albatross (EuroSys 2015) and Badabing (SIGCOMM 2005)",
		Params: []model.Param{
			{Name: "replications", Type: model.CountParam, Default: "3", Doc: "runs of each detector with each fault on each network, from 2 to 1000"},
			{Name: "networks", Type: model.TextParam, Default: "all", Doc: "which networks: all, or their names, with commas"},
			{Name: "faults", Type: model.TextParam, Default: "all", Doc: "which faults: all, or the names of their columns, with commas"},
			{Name: "detectors", Type: model.TextParam, Default: "all", Doc: "which detectors: all, or their names, with commas; those on the same packets come together"},
			{Name: "leak", Type: model.SwitchParam, Default: "true", Doc: "whether to measure what reports leak of the topology, too"},
		},
		Run: kindMatrix,
	})
}

// matrix is the experiment: the runs, and what they showed.
type matrix struct {
	Options
	replications int
	nets         []*matrixNet
	faults       []*matrixFault
	arms         []*matrixArm

	runs  [][]matrixRecords // by run, see index; of each the detectors of the arm
	leaks []*leakRun
}

// chosen returns those of all that a list with commas names, in their order.
func chosen[T any](p model.Params, param string, all []T, names func(T) []string) (list []T, err error) {
	given := strings.FieldsFunc(p.Text(param), func(r rune) bool { return r == ',' })
	known := make([]bool, len(given))
	for _, x := range all {
		take := false
		for i, g := range given {
			if g = strings.TrimSpace(g); g == "all" || slices.Contains(names(x), g) {
				take, known[i] = true, true
			}
		}
		if take {
			list = append(list, x)
		}
	}
	if i := slices.Index(known, false); i >= 0 {
		var most []string
		for _, x := range all {
			most = append(most, names(x)...)
		}
		return nil, &model.ParamError{Name: param, Err: fmt.Errorf("%q is none of: all, %s", strings.TrimSpace(given[i]), strings.Join(most, ", "))}
	}
	if len(list) == 0 {
		return nil, &model.ParamError{Name: param, Err: errors.New("none is given")}
	}
	return list, nil
}

func planMatrix(o Options) (*matrix, error) {
	m := &matrix{Options: o, replications: int(o.Params.Count("replications"))}
	if m.replications < 2 || m.replications > 1000 {
		return nil, &model.ParamError{Name: "replications", Err: fmt.Errorf("%d: from 2 to 1000", m.replications)}
	}
	var err error
	if m.nets, err = chosen(o.Params, "networks", matrixNets, func(n *matrixNet) []string { return []string{n.name} }); err != nil {
		return nil, err
	}
	if m.faults, err = chosen(o.Params, "faults", matrixFaults, func(f *matrixFault) []string { return []string{f.name} }); err != nil {
		return nil, err
	}
	if m.arms, err = chosen(o.Params, "detectors", matrixArms, (*matrixArm).names); err != nil {
		return nil, err
	}
	m.runs = make([][]matrixRecords, len(m.nets)*len(m.faults)*len(m.arms)*m.replications)
	if o.Params.Switch("leak") {
		m.leaks = planLeaks(m.nets[0], m.arms)
	}
	return m, nil
}

// index returns the number of a run.
func (m *matrix) index(net, fault, arm, replication int) int {
	return ((net*len(m.faults)+fault)*len(m.arms)+arm)*m.replications + replication
}

func kindMatrix(ctx context.Context, o Options) (*Document, error) {
	m, err := planMatrix(o)
	if err != nil {
		return nil, err
	}
	at := func(i int) (net *matrixNet, fault *matrixFault, arm *matrixArm, replication int) {
		cell := i / m.replications
		return m.nets[cell/len(m.arms)/len(m.faults)], m.faults[cell/len(m.arms)%len(m.faults)], m.arms[cell%len(m.arms)], i % m.replications
	}
	name := func(i int) string {
		if i >= len(m.runs) {
			return m.leaks[i-len(m.runs)].String()
		}
		net, fault, arm, replication := at(i)
		return fmt.Sprintf("%s, %s: %s, run %d", net.name, fault.name, arm.name(), replication+1)
	}
	err = o.each(ctx, len(m.runs)+len(m.leaks), name, func(i int) error {
		if i >= len(m.runs) {
			return m.leaks[i-len(m.runs)].measure(ctx, o.Seed)
		}
		net, fault, arm, replication := at(i)
		s, err := net.scenario(fault, arm, o.Seed, m.replications)
		if err != nil {
			return err
		}
		m.runs[i], err = measureMatrix(ctx, s, replication)
		return err
	})
	if err != nil {
		return nil, err
	}
	d := new(Document)
	m.report(d)
	for _, net := range m.nets {
		for _, f := range m.faults {
			text := net.text(f, m.arms[len(m.arms)-1], o.Seed, m.replications)
			d.Attached = append(d.Attached, report.File{Name: net.file(f) + ".yaml", Data: []byte(text)})
		}
	}
	return d, nil
}

// A matrixRow is a detector.
type matrixRow struct {
	*matrix
	arm, index int // of the arm, and in it
	name       string
	kinds      []model.FailureKind // that it may name; nil: it does not tell kinds apart
}

// rows returns the detectors.
func (m *matrix) rows() (rows []*matrixRow) {
	for i, a := range m.arms {
		for j, name := range a.names() {
			rows = append(rows, &matrixRow{m, i, j, name, mayName(name)})
		}
	}
	return rows
}

// cell returns what the runs of a cell showed of the detector.
func (r *matrixRow) cell(net, fault int) (all []*matrixRecords) {
	for i := range r.replications {
		all = append(all, &r.runs[r.matrix.index(net, fault, r.arm, i)][r.index])
	}
	return all
}

// all returns what all runs showed of it, with faults that are wanted.
func (r *matrixRow) all(want func(*matrixFault) bool) (all []*matrixRecords) {
	for net := range r.nets {
		for f := range r.faults {
			if want(r.faults[f]) {
				all = append(all, r.cell(net, f)...)
			}
		}
	}
	return all
}

// Which faults are wanted.
func anyFault(*matrixFault) bool    { return true }
func noneAtAll(f *matrixFault) bool { return f.name == noFault }
func someFault(f *matrixFault) bool { return f.name != noFault }

func named(names ...string) func(*matrixFault) bool {
	return func(f *matrixFault) bool { return slices.Contains(names, f.name) }
}

// told returns what was found in the runs together.
func told(runs []*matrixRecords) *properties.Discriminated {
	sum := new(properties.Discriminated)
	for _, x := range runs {
		sum.Merge(x.discriminated)
	}
	return sum
}
