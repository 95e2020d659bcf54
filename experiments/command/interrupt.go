package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// errSignal is the cause of a context that a signal ended.
var errSignal = errors.New("by a signal")

// interruptible returns a context that the first SIGINT or SIGTERM ends. The second
// ends the process at once. Stop gives the signals back.
func interruptible(parent context.Context, stderr io.Writer) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	done := make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for first := true; ; first = false {
			select {
			case <-done:
				return
			case <-signals:
				if !first {
					fmt.Fprintln(stderr, "\nsuspect: stopped at once; no report was written unless one was announced (a hidden directory .NAME.*.tmp beside it can be deleted)")
					os.Exit(ExitInterrupted)
				}
				cancel(errSignal)
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}
