package ideal_test

import (
	"fmt"

	"suspect/detectors"
	"suspect/detectors/ideal"
	"suspect/model"
)

// liar always takes the last choice, which is to suspect.
type liar struct{}

func (liar) IntN(n int) int { return n - 1 }

// Process 0's module of a strong detector, at its worst. Process 1 is to crash at 2 s, and the
// oracle is bound from 5 s on. Until then it may suspect whom it likes, but for process 2, whom
// the plan has chosen to be spared; and of a crash it need not tell before.
func Example() {
	crashes := model.NewFailurePattern(3)
	crashes.CrashedAt[1] = model.Time(2 * model.Second)
	plan := ideal.NewPlan(crashes, model.Time(5*model.Second), model.Second)
	env := detectors.Env{Self: 0, N: 3, Watch: []model.ProcessID{1, 2}}
	d, err := ideal.New(model.S, env, plan)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("spared is process", plan.Chosen)
	var out model.Output
	for _, now := range []model.Duration{0, model.Second, 5 * model.Second} {
		out.Reset()
		d.Step(model.Time(now), &model.Input{Kind: model.Wake, Random: liar{}}, &out)
		fmt.Println(now, out.Verdicts, "wake at", out.Wake)
	}
	// Output:
	// spared is process 2
	// 0s [suspect p1] wake at 1s
	// 1s [] wake at 2s
	// 5s [] wake at never
}
