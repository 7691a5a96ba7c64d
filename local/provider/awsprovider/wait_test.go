package awsprovider

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"
)

var errInUse = &smithy.GenericAPIError{Code: "DependencyViolation", Message: "subnet-1 is in it"}

// TestRetryingReportsTheRefusal: not that time ran out, whether it does so between two calls or during one.
func TestRetryingReportsTheRefusal(t *testing.T) {
	t.Parallel()
	for name, hangs := range map[string]bool{"between calls": false, "during a call": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				calls, start := 0, time.Now()
				err := retrying(ctx, time.Minute, func() error {
					if calls++; hangs && calls > 1 {
						<-ctx.Done()
						return fmt.Errorf("operation error EC2: DeleteVpc: %w", ctx.Err())
					}
					return errInUse
				}, inUse...)
				if !errors.Is(err, errInUse) || calls < 2 || time.Since(start) != time.Second {
					t.Errorf("%d calls in %v: %v", calls, time.Since(start), err)
				}
			})
		})
	}
}
