package command

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"suspect/experiments/report"
	"suspect/experiments/run"
)

// progress shows how far a run is: on a terminal one line that is painted anew,
// elsewhere plain lines at growing intervals.
type progress struct {
	w        io.Writer
	terminal bool
	began    time.Time
	next     time.Time
	interval time.Duration
	painted  bool
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w, began: time.Now(), interval: 2 * time.Second}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.terminal, p.interval = true, 100*time.Millisecond
	}
	p.next = p.began.Add(p.interval)
	return p
}

// show is told how far the run is, often; it writes now and then.
func (p *progress) show(r run.Progress) {
	p.paint(func(spent time.Duration) string { return progressLine(r, spent) })
}

// step is told how many of the steps of an experiment are done, and what the last one
// was; it writes now and then.
func (p *progress) step(done, total int, what string) {
	p.paint(func(spent time.Duration) string {
		share := float64(done) / float64(max(1, total))
		return fmt.Sprintf("%3.0f%%  %d of %d steps  %s%s  %s", 100*share, done, total, clock(spent), left(share, spent), report.Printable(what))
	})
}

// paint writes a line, which is given the time spent, where it is time for one.
func (p *progress) paint(text func(spent time.Duration) string) {
	now := time.Now()
	if now.Before(p.next) {
		return
	}
	line := text(now.Sub(p.began))
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
		p.painted = true
	} else {
		fmt.Fprintln(p.w, line)
		p.interval = min(2*p.interval, time.Minute)
	}
	p.next = now.Add(p.interval)
}

// clear takes the painted line away.
func (p *progress) clear() {
	if p.painted {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.painted = false
	}
}

func progressLine(r run.Progress, spent time.Duration) string {
	return fmt.Sprintf("%3.0f%%  %d of %d replications  %.1f M events  %s%s", 100*r.Share, r.Done, r.Most,
		float64(r.Events)/1e6, clock(spent), left(r.Share, spent))
}

// left says how much time remains, where enough is done to tell.
func left(share float64, spent time.Duration) string {
	if share <= 0.02 {
		return ""
	}
	return fmt.Sprintf("  %s left", clock(time.Duration(float64(spent)*(1-share)/share)))
}

// clock writes a duration as 1:02:03 or 02:03.
func clock(d time.Duration) string {
	s := int(d.Seconds() + 0.5)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}
