package awsprovider

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// firstPoll and slowestPoll are the shortest and the longest pause between two polls; it doubles each time.
	firstPoll, slowestPoll = 50 * time.Millisecond, 2 * time.Second
	// dependencyPatience is how long a deletion waits for others that use the resource to go away. The real provider
	// waits many minutes for AWS to catch up; an emulated account is up to date at once.
	dependencyPatience = 30 * time.Second
)

// inUse are the codes with which AWS refuses to delete a resource that others still use.
var inUse = []string{"DependencyViolation", "InvalidGroup.InUse", "VolumeInUse"}

// until polls done until it answers true or fails, or ctx ends. The error says "wait until <what>".
func until(ctx context.Context, what string, done func() (bool, error)) error {
	for pause := firstPoll; ; pause = min(2*pause, slowestPoll) {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w", what, ctx.Err())
		case <-time.After(pause):
		}
	}
}

// untilState polls state until it answers wanted, and fails when it answers one of failed.
func untilState[T ~string](ctx context.Context, id string, wanted T, state func() (T, error), failed ...T) error {
	return until(ctx, fmt.Sprintf("%s is %s", id, wanted), func() (bool, error) {
		now, err := state()
		for _, bad := range failed {
			if err == nil && now == bad {
				return false, fmt.Errorf("wait until %s is %s: it is %s", id, wanted, now)
			}
		}
		return now == wanted, err
	})
}

// deleted deletes a resource with call and waits until describe says that it is gone. While others still use the
// resource, call is repeated; if it fails with one of codes, the resource is already gone.
func deleted[T any](
	ctx context.Context, id string, call func() error, describe func(context.Context, string) (T, error), codes ...string,
) error {
	if err := retrying(ctx, dependencyPatience, call, inUse...); err != nil {
		return unlessGone(err, codes...)
	}
	return until(ctx, id+" is gone", func() (bool, error) {
		_, err := describe(ctx, id)
		if isGone(err) {
			return true, nil
		}
		return false, err
	})
}

// retrying repeats call while it fails with one of these codes, for as long as patience lasts. It returns the last
// error. If time runs out in the middle of a call, that is the error before: it says why the call was repeated.
func retrying(ctx context.Context, patience time.Duration, call func() error, codes ...string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var refusal error
	err := until(ctx, "it can be done", func() (bool, error) {
		err := call()
		if hasCode(err, codes...) {
			refusal = err
			return false, nil
		}
		return true, err
	})
	if errors.Is(err, context.DeadlineExceeded) && refusal != nil {
		return refusal
	}
	return err
}
