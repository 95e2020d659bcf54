package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// errSignal is the cause of a context that a signal ended.
var errSignal = errors.New("by a signal")

// sameSignal is for how long after the first signal another one is taken for the same: who
// signals a process and its group, as timeout does, means it once.
const sameSignal = 200 * time.Millisecond

// interruptible returns a context that the first SIGINT or SIGTERM ends. The second
// ends the process at once. Stop gives the signals back.
func interruptible(parent context.Context, stderr io.Writer) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	done := make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		var first time.Time
		for {
			select {
			case <-done:
				return
			case <-signals:
				switch {
				case first.IsZero():
					first = time.Now()
					cancel(errSignal)
				case time.Since(first) > sameSignal:
					fmt.Fprintln(stderr, "\nsuspect: stopped at once; nothing was written but what was announced (a hidden file or directory, as .NAME.*.tmp, can be deleted)")
					os.Exit(ExitInterrupted)
				}
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}
