package run

import (
	"context"
	"sync"
)

// inOrder calls work for 0..n-1 on up to workers goroutines and merge with the
// results in increasing order, until merge returns false. Whatever was worked on
// beyond that is cancelled and thrown away, so that what merge sees does not depend
// on the number of workers. At most two results per worker exist at a time. An
// error of work ends it when its turn comes; one of ctx ends it at once.
func inOrder[T any](ctx context.Context, workers, n int, work func(ctx context.Context, i int) (T, error), merge func(T) (more bool)) error {
	type result struct {
		value T
		err   error
	}
	type task struct {
		index int
		done  chan result
	}
	ctx, cancel := context.WithCancel(ctx)
	ahead := min(n, 2*workers)
	tasks := make(chan task, ahead) // begun in order
	var running sync.WaitGroup
	defer running.Wait()
	defer close(tasks)
	defer cancel()
	for range min(n, workers) {
		running.Go(func() {
			for t := range tasks {
				var r result
				if r.err = ctx.Err(); r.err == nil {
					r.value, r.err = work(ctx, t.index)
				}
				t.done <- r
			}
		})
	}
	var begun []chan result // from i on
	next := 0
	for i := range n {
		for next < min(n, i+ahead) {
			t := task{next, make(chan result, 1)}
			tasks <- t
			begun = append(begun, t.done)
			next++
		}
		r := <-begun[0]
		begun = begun[1:]
		if r.err != nil {
			return r.err
		}
		if !merge(r.value) {
			return nil
		}
	}
	return nil
}
