package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// Work that ends in any order is merged in the order of its index.
func TestInOrderMergesInOrder(t *testing.T) {
	for _, workers := range []int{1, 2, 7, 64} {
		var merged []int
		err := inOrder(t.Context(), workers, 40,
			func(_ context.Context, i int) (int, error) {
				time.Sleep(time.Duration(i*7%5) * 100 * time.Microsecond)
				return i, nil
			},
			func(i int) bool { merged = append(merged, i); return true })
		want := make([]int, 40)
		for i := range want {
			want[i] = i
		}
		if err != nil || !slices.Equal(merged, want) {
			t.Errorf("%d workers: merged %v, error %v", workers, merged, err)
		}
	}
}

// What was begun beyond the last result that is merged is cancelled and left out.
func TestInOrderStops(t *testing.T) {
	for _, workers := range []int{1, 2, 7, 64} {
		var merged []int
		err := inOrder(t.Context(), workers, 1000,
			func(ctx context.Context, i int) (int, error) {
				if i > 10 {
					<-ctx.Done() // only cancelling ends it
				}
				return i, ctx.Err()
			},
			func(i int) bool { merged = append(merged, i); return i < 10 })
		if err != nil || len(merged) != 11 || merged[10] != 10 {
			t.Errorf("%d workers: merged %v, error %v", workers, merged, err)
		}
	}
}

// An error is told when its turn comes, after the results before it.
func TestInOrderTellsTheFirstError(t *testing.T) {
	for _, workers := range []int{1, 2, 7} {
		merged := 0
		err := inOrder(t.Context(), workers, 100,
			func(_ context.Context, i int) (int, error) {
				if i >= 20 && i%2 == 1 {
					return 0, fmt.Errorf("%d", i)
				}
				return i, nil
			},
			func(int) bool { merged++; return true })
		if err == nil || err.Error() != "21" || merged != 21 {
			t.Errorf("%d workers: error %v after %d results", workers, err, merged)
		}
	}
}

// No more than two results per worker exist at a time, so that memory does not
// grow with the number of replications.
func TestInOrderHoldsFewResults(t *testing.T) {
	const workers = 3
	var alive, most atomic.Int64
	err := inOrder(t.Context(), workers, 200,
		func(_ context.Context, i int) (int, error) {
			n := alive.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			if i%50 == 0 {
				time.Sleep(2 * time.Millisecond) // the others would run ahead
			}
			return i, nil
		},
		func(int) bool { alive.Add(-1); return true })
	if err != nil || most.Load() > 2*workers {
		t.Errorf("%d results at a time, want at most %d; error %v", most.Load(), 2*workers, err)
	}
}

func TestInOrderIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	merged := 0
	err := inOrder(ctx, 2, 1000,
		func(ctx context.Context, i int) (int, error) {
			if i == 5 {
				cancel()
			}
			return i, ctx.Err()
		},
		func(int) bool { merged++; return true })
	if !errors.Is(err, context.Canceled) || merged > 6 {
		t.Errorf("error %v after %d results", err, merged)
	}
}
