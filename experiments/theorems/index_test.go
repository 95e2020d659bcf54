package theorems

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	ct96    = "Chandra and Toueg, JACM 43(2), 1996"
	cht96   = "Chandra, Hadzilacos and Toueg, JACM 43(4), 1996"
	tkw     = "Tran, Konnov and Widder, NETYS 2020 and LMCS 2023"
	dls     = "Dwork, Lynch and Stockmeyer, JACM 35(2), 1988"
	guerr   = "Guerraoui, PODC 2000"
	trust   = "Delporte-Gallet, Fauconnier, Guerraoui and Kouznetsov, JPDC 65(4), 2005"
	real02  = "Delporte-Gallet, Fauconnier and Guerraoui, DSN 2002"
	quorums = "Delporte-Gallet, Fauconnier, Guerraoui and others, PODC 2004"
)

// index are the statements, where each is from, and the tests that hold our code to it, as
// directory and function.
var index = []struct {
	says, source string
	tests        []string
}{
	{"what is accepted as P is as S, <>P and <>S, and what is as Q is as W, <>Q and <>W", ct96,
		[]string{"properties TestClassLattice", "model TestOrderOfDefinitions", "model TestOrder"}},
	{"T makes weak completeness strong, and keeps each of the four accuracies", ct96 + ", section 3", []string{"detectors/reduction TestStrong"}},
	{"T without erasing who is heard from keeps stale suspicions", ct96 + ", section 3", []string{"detectors/reduction TestStrongNeedsErasure"}},
	{"heartbeats are strongly accurate exactly from a first timeout of Delta + Phi*sigma - 1 on", tkw, []string{"properties/explore TestLaws"}},
	{"mistakes about a live peer are at most as many as the timeout must grow", ct96 + ", section 9.1", []string{"detectors TestAdaptiveLaws", "properties/explore TestLaws"}},
	{"a crash is suspected for good within Delta + Phi(min(tau+1, tau*) + 2) - 2 ticks, and in some run no sooner", tkw, []string{"properties/explore TestLaws"}},
	{"there is no time after which the adaptive detector is settled", ct96 + ", section 9.1", []string{"detectors TestAdaptiveNeverSettles"}},
	{"it is eventually perfect once bounds hold, if its largest timeout is large enough, and otherwise there is a lasso", ct96 + ", section 9.1; " + tkw,
		[]string{"properties/explore TestEventualAccuracyIsSharp", "properties/explore TestFixedTimeoutLasso", "experiments/theorems TestAdaptiveIsEventuallyPerfectAndNotBefore"}},
	{"without stabilisation eventual accuracy fails, and completeness too if somebody may pause for ever", dls, []string{"properties/explore TestWithoutStabilisation"}},
	{"no detector on messages is perfect where delays are not bounded", "Fischer, Lynch and Paterson, JACM 32(2), 1985; " + ct96,
		[]string{"experiments/theorems TestNoPerfectDetectorWithoutBounds"}},
	{"consensus with S ends for any number of crashes up to n-1, and all vectors are equal", ct96 + ", section 6.1",
		[]string{"detectors/agreement TestWithS", "detectors/agreement TestVectorsAreEqual"}},
	{"with <>S that algorithm may disagree", guerr, []string{"detectors/agreement TestWithSNeedsS"}},
	{"consensus with <>S agrees whatever the detector says, and ends with <>S and a correct majority", ct96 + ", section 6.2; " + guerr,
		[]string{"detectors/agreement TestIndulgentConsensus", "detectors/agreement TestIndulgence", "detectors/agreement TestExplored"}},
	{"a majority is needed: without one nothing is decided, and smaller quorums split", ct96 + ", section 6",
		[]string{"detectors/agreement TestMinorityBlocks", "detectors/agreement TestMajorityIsNeeded"}},
	{"what a majority has acknowledged is locked", ct96 + ", section 6.2", []string{"detectors/agreement TestLocking"}},
	{"consensus with <>S is uniform", guerr, []string{"detectors/agreement TestIndulgentConsensus"}},
	{"reliable broadcast agrees for any number of crashes; uniformly it takes reliable links or a majority", ct96 + ", section 4",
		[]string{"detectors/agreement TestReliable", "detectors/agreement TestUniform", "detectors/agreement TestUniformMinority"}},
	{"atomic broadcast and consensus are equivalent", ct96 + ", section 7", []string{"detectors/agreement TestAtomic", "detectors/agreement TestOrdered"}},
	{"<>S makes Omega, if counters are merged", cht96, []string{"detectors/reduction TestOmega", "detectors/reduction TestOmegaNeedsMerging"}},
	{"the complement of Omega is <>S", cht96, []string{"detectors/reduction TestComplement"}},
	{"majorities of answers are Sigma while a majority is correct", quorums, []string{"detectors/reduction TestSigma", "detectors/reduction TestSigmaNeedsMajority"}},
	{"counters of the heartbeat detector never decrease, and grow for ever exactly for the correct", "Aguilera, Chen and Toueg, WDAG 1997",
		[]string{"detectors TestHeartbeatCounter", "model TestOtherOracles"}},
	{"Marabout is not realistic, and the others are", real02, []string{"detectors/ideal TestRealism"}},
	{"T lies strictly between P and <>P", trust, []string{"detectors/ideal TestTrusting", "detectors/ideal TestEventuallyPerfectIsNotTrusting", "model TestOrder"}},
	{"what holds of pairs with two processes holds with three", tkw, []string{"experiments/theorems TestCutoff"}},
	{"the counts of states of the literature, and verdicts with symmetry", tkw, []string{"properties/explore TestReferenceCounts", "properties/explore TestSymmetryKeepsVerdicts"}},
	{"the projection of a typed history on host failure keeps its class, and its collapse does not", "ours",
		[]string{"properties TestProjectionAndCollapse", "properties TestProjectionKeepsTheClass"}},
	{"a timeout of 2d + r is perfect exactly while d and r hold", "folklore", []string{"experiments/theorems TestTwoDRIsPerfectExactly"}},
	{"who attest to each other are both correct or both failed, and silence proves nothing", "Freedman, Stoica, Mazieres and Shenker, 2006",
		[]string{"model TestAttestationsByBruteForce", "model TestAttestationsAreSound", "model TestAttestationsAreMonotone"}},
}

// Every statement has tests, and they are there.
func TestIndex(t *testing.T) {
	functions := map[string]map[string]bool{}
	in := func(dir string) map[string]bool {
		if functions[dir] == nil {
			functions[dir] = map[string]bool{}
			files, err := filepath.Glob(filepath.Join("../..", dir, "*_test.go"))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				f, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range f.Decls {
					if x, ok := d.(*ast.FuncDecl); ok && x.Recv == nil {
						functions[dir][x.Name.Name] = true
					}
				}
			}
		}
		return functions[dir]
	}
	var list strings.Builder
	for k, x := range index {
		fmt.Fprintf(&list, "\n%2d. %s (%s)\n      %s\n", k+1, x.says, x.source, strings.Join(x.tests, ", "))
		if len(x.tests) == 0 {
			t.Errorf("%q has no test", x.says)
		}
		for _, name := range x.tests {
			dir, function, _ := strings.Cut(name, " ")
			if !in(dir)[function] {
				t.Errorf("%q: there is no test %s in %s", x.says, function, dir)
			}
		}
	}
	t.Log(list.String())
}
