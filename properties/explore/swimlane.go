package explore

import (
	"fmt"
	"strings"

	"suspect/model"
)

// Swimlane prints the run with a column for each process and time going down, a line for
// each step; a dot is a step in which a process does nothing that anybody notices. Name names
// messages; it may be nil.
func (c *Counterexample) Swimlane(n int, name func(m *model.Message) string) []string {
	if name == nil {
		name = plainName
	}
	type row struct {
		step  int
		cells [][]string
		rule  string // in place of cells
	}
	var rows []row
	add := func(step int, s *Step) {
		x := row{step: step, cells: make([][]string, n)}
		ran := make([]bool, n)
		for i := range s.Moves {
			m := &s.Moves[i]
			switch {
			case m.Kind == Stabilise:
				rows = append(rows, row{rule: "the bounds on delays and speeds hold from here on"})
			case m.Process < 0:
				x.rule = "nothing more happens"
			default:
				x.cells[m.Process] = append(x.cells[m.Process], m.Events(name)...)
				ran[m.Process] = ran[m.Process] || m.Kind == Run
			}
		}
		for p := range n {
			if ran[p] && len(x.cells[p]) == 0 {
				x.cells[p] = []string{"."}
			}
		}
		if len(s.Moves) == 0 {
			x.rule = "nothing more happens"
		}
		rows = append(rows, x)
	}
	for i := range c.Prefix {
		add(i+1, &c.Prefix[i])
	}
	if len(c.Cycle) > 0 {
		rows = append(rows, row{rule: "this is repeated for ever:"})
		for i := range c.Cycle {
			add(len(c.Prefix)+i+1, &c.Cycle[i])
		}
		rows = append(rows, row{rule: fmt.Sprintf("and so on from step %d", len(c.Prefix)+1)})
	}
	widths := make([]int, n)
	for p := range widths {
		widths[p] = 8
		for _, x := range rows {
			if x.cells != nil {
				for _, text := range x.cells[p] {
					widths[p] = max(widths[p], len(text))
				}
			}
		}
	}
	line := func(first string, cell func(p int) string) string {
		var b strings.Builder
		fmt.Fprintf(&b, "%5s", first)
		for p := range n {
			fmt.Fprintf(&b, "  %-*s", widths[p], cell(p))
		}
		return strings.TrimRight(b.String(), " ")
	}
	lines := []string{line("step", func(p int) string { return fmt.Sprintf("p%d", p) })}
	for _, x := range rows {
		if x.rule != "" {
			lines = append(lines, fmt.Sprintf("%5s  -- %s", "", x.rule))
			continue
		}
		height := 1
		for _, cell := range x.cells {
			height = max(height, len(cell))
		}
		for i := range height {
			first := ""
			if i == 0 {
				first = fmt.Sprint(x.step)
			}
			lines = append(lines, line(first, func(p int) string {
				if i < len(x.cells[p]) {
					return x.cells[p][i]
				}
				return ""
			}))
		}
	}
	return lines
}

func plainName(m *model.Message) string { return fmt.Sprintf("message %d", m.Kind) }

// Events tells a move in words, without the process; name names messages.
func (m *Move) Events(name func(m *model.Message) string) (all []string) {
	switch m.Kind {
	case Crash:
		return []string{"CRASHES"}
	case Rest:
		return []string{"rests"}
	case Lose:
		return []string{fmt.Sprintf("x lost: %s of p%d", name(&m.Message), m.Message.From)}
	case Begin:
		all = []string{"starts"}
	case Inform:
		all = []string{fmt.Sprintf("is told that p%d crashed", m.Peer)}
	case Deliver:
		text := fmt.Sprintf("<- p%d %s", m.Message.From, name(&m.Message))
		if m.Age > 0 {
			text += fmt.Sprintf(" (%d old)", m.Age)
		}
		if m.Stays {
			text += " (will come again)"
		}
		all = []string{text}
	case Run:
		if len(m.Send)+len(m.Verdicts)+len(m.Announcements) == 0 {
			return nil
		}
	}
	for i := range m.Send {
		all = append(all, fmt.Sprintf("-> p%d %s", m.Send[i].To, name(&m.Send[i])))
	}
	for _, v := range m.Verdicts {
		text := v.String()
		if v.Suspected {
			text = strings.Replace(text, "suspect", "SUSPECTS", 1)
		} else {
			text = strings.Replace(text, "trust", "trusts", 1)
		}
		all = append(all, text)
	}
	for _, a := range m.Announcements {
		switch a.Kind {
		case model.Proposed:
			all = append(all, fmt.Sprintf("proposes %d", a.Value))
		case model.Decided:
			all = append(all, fmt.Sprintf("DECIDES %d", a.Value))
		case model.Broadcast:
			all = append(all, fmt.Sprintf("broadcasts %d", a.Value))
		case model.Handed:
			all = append(all, fmt.Sprintf("DELIVERS %d of p%d", a.Value, a.Peer))
		case model.Elected:
			all = append(all, fmt.Sprintf("elects p%d", a.Peer))
		case model.Quorum:
			all = append(all, fmt.Sprintf("quorum %v", model.ProcessSet(a.Value)))
		}
	}
	return all
}
